"""What tests of the problems have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pdtui.core.check import find_problems
from pdtui.core.inspection import Gone, Inspection
from pdtui.core.problems import Problem
from tests.conftest import Load

Find = Callable[..., list[Problem]]


@pytest.fixture
def find(tmp_path: Path, load: Load) -> Find:
    """The problems of these logs (label=text)."""

    def find(*, gone: list[Gone] | None = None, growing: bool = False, **logs: str):
        paths = [tmp_path / f"{label}.log" for label in logs]
        for path, text in zip(paths, logs.values(), strict=True):
            path.write_text(text)
        snapshot = load(*paths, year=2025).snapshot()
        return find_problems(Inspection(snapshot, gone=gone or [], growing=growing))

    return find
