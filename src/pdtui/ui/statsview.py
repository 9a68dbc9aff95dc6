"""The view of counts: what `pdtui stats` prints, of the rows that pass the filters."""

from __future__ import annotations

import time

from pdtui.core.evidence import Place
from pdtui.core.stats import stats_of
from pdtui.core.statstext import stats_lines
from pdtui.ui.parts import Line
from pdtui.ui.session import Session

_LEAST_REST, _SHARE = 2.0, 20
"""Seconds between two counts at least, and how many times as long as a count took."""


class StatsOverview:
    """How many rows of what the logs hold."""

    name = "stats"
    legend = "as pdtui stats counts"
    leads_to_rows = False

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lines: list[str] = []
        self._counted: object = None
        self._rest_until = 0.0

    def update(self) -> None:
        """Counts again where rows or filters are others, but not all the time."""
        snapshot = self._session.matches.snapshot
        state = ([stop for _, stop in snapshot], self._session.filter)
        if state == self._counted or time.monotonic() < self._rest_until:
            return
        began = time.monotonic()
        matches = self._session.matches
        masks = [
            matches.of(number).mask(0, stop) if self._session.filter else None
            for number, (_, stop) in enumerate(snapshot)
        ]
        counted = [
            stats_of(source, mask) for (source, _), mask in zip(snapshot, masks, strict=True)
        ]
        self._lines = list(stats_lines(counted))
        self._counted = state
        took = time.monotonic() - began
        self._rest_until = time.monotonic() + max(_LEAST_REST, _SHARE * took)

    def title(self) -> str:
        """What it is, and whether filters leave rows out."""
        return f"stats{' ── of the rows that pass the filters' if self._session.filter else ''}"

    def __len__(self) -> int:
        return len(self._lines)

    def head(self, width: int, height: int) -> list[Line]:
        """Nothing."""
        return []

    def line(self, number: int, width: int) -> Line:
        """One line; those of a source begin with its name."""
        text = self._lines[number]
        return [(f" {text}", "message" if text.startswith("  ") else "rank")]

    def detail(self, number: int, width: int, height: int) -> list[Line]:
        """The whole line, where it has no room in the list."""
        text = self._lines[number].strip()
        rows = [text[at : at + width - 2] for at in range(0, len(text), width - 2)]
        return [[("─" * width, "quiet")], *([(f" {row}", "values")] for row in rows)][:height]

    def key(self, number: int) -> object:
        """Its number: lines keep their places."""
        return number

    def place_of(self, key: object) -> int | None:
        """The same number."""
        return key if isinstance(key, int) and key < len(self) else None

    def row(self, number: int) -> Place | None:
        """None: a count is of many rows."""
        return None
