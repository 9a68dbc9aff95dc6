"""The rows of a view that are in sight: their text, read together, and whether they are others."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from pdtui.core.bytescan import present
from pdtui.core.refs import Refs, row_numbers, source_numbers
from pdtui.core.source import Source
from pdtui.ui.session import Session

_MOST = 256 * 1024
"""Bytes that are read together: the lines of any screen, but not a line of megabytes."""


class RowView(Protocol):
    """What a pane paints: some rows in some order."""

    def __len__(self) -> int:
        """How many rows."""

    def at(self, place: int) -> tuple[int, int]:
        """Source number and row at a place."""

    def refs(self, first: int, stop: int) -> Refs:
        """References to the rows at these places."""

    def place_of(self, source: int, row: int) -> int:
        """The place of a row, or of the first one shown after it."""


class Window:
    """Reads the lines in sight a stretch at a time.

    Each read gives the interpreter away, and while logs are being read it takes some ms to have
    it back: line by line, a screen would take as long as a key may.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lines: dict[tuple[int, int], bytes] = {}
        """By source, not by its number, which another may have by then, and row."""

    def signature(self, view: RowView, top: int, height: int) -> object:
        """What the rows in sight are painted from: as long as it is the same, they are."""
        refs = view.refs(top, top + height)
        sources = [self._session.source_at(n) for n in present(source_numbers(refs))]
        at_end = top + height >= len(view)
        known = [
            (source.serial, source.kinds.revision, source.amendments, source.end if at_end else 0)
            for source in sources
        ]
        return top, refs.tobytes(), known

    def line(self, where: tuple[int, int], view: RowView, top: int, height: int) -> bytes | None:
        """The line of a row in sight; None where it has to be read by itself."""
        wanted = self._session.source_at(where[0]).serial, where[1]
        if wanted not in self._lines:
            self._lines = {}
            refs = view.refs(top, top + height)
            numbers, rows = source_numbers(refs), row_numbers(refs)
            for number in present(numbers):
                source = self._session.source_at(number)
                self._read(source, np.sort(rows[numbers == number]))
        return self._lines.pop(wanted, None)

    def _read(self, source: Source, rows: Refs) -> None:
        """Reads those of these rows of a source that are whole lines."""
        rows = rows[rows < source.whole]
        for run in np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1):
            if len(run):
                self._read_run(source, run)

    def _read_run(self, source: Source, run: Refs) -> None:
        begin, end = source.span(int(run[0]), int(run[-1]) + 1)
        if end - begin > _MOST:
            return
        lines = source.read(begin, end).split(b"\n")[:-1]
        if len(lines) == len(run):
            for row, line in zip(run.tolist(), lines, strict=True):
                self._lines[source.serial, row] = line + b"\n"
