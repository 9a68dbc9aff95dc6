"""Fixtures of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from following import Polled

from pdtui.follow import ingest


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A path that no file has yet."""
    return tmp_path / "prefill.log"


@pytest.fixture
def follow() -> Iterator[Callable[[Path], Polled]]:
    """Makes followers, and closes them when the test is over."""
    made: list[Polled] = []

    def make(path: Path) -> Polled:
        made.append(Polled(path))
        return made[-1]

    yield make
    for polled in made:
        polled.close()


@pytest.fixture(params=[True, False], ids=["doorbell", "heartbeat"])
def watch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the doorbell rings; without it the heartbeat alone must do (a faster one, here)."""
    if not request.param:
        monkeypatch.setattr(ingest, "HEARTBEAT", 0.05)
    return bool(request.param)
