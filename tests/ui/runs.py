"""Made-up runs for tests of the screen: written whole, or line by line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pdtui.demo.play import write
from pdtui.demo.scenario import build

START = datetime(2026, 11, 1, 10, 30, 45)


def made_up(scenario: str, folder: Path) -> list[Path]:
    """The logs of a made-up run, the same every time."""
    return write(build(scenario, start=START, seed=1), folder)
