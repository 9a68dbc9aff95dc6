"""The last lines of a large file, shown while the whole of it is still being read.

Nobody waits for a gigabyte to see what was written last: the rows from a line near the end on are
a source of their own, which grows with the file, until the true one has been read so far.
"""

from __future__ import annotations

import os
import weakref
from bisect import bisect_left
from pathlib import Path

from pdtui.core.source import Segment, Source

TAIL = 96 * 1024
"""Bytes before the end of a file that are read first: some screenfuls of lines, in some ms."""
_MOST_TAIL = 16
"""How many times as many are looked at for a line's end."""
LARGE = 4 * 1024 * 1024
"""Bytes of a file from which on its tail is read first; less is read in no time."""


class TailSource(Source):
    """The rows of a file from a line near its end on; its first byte is `begin` of the file."""

    def __init__(self, label: str, path: str, first_year: int, begin: int) -> None:
        super().__init__(label, path, first_year)
        self.begin = begin
        self.share = 0.0
        """How much of what stands before its rows has been read by now, from 0 to 1."""
        self.became: Source | None = None
        """The source of all rows, once it has taken this one's place."""
        self.shown = True
        """Whether it is still looked at; set by who shows it."""
        self._shift = begin

    def precedes(self, whole: Source) -> bool:
        """Whether the source of all rows has all that is here."""
        if not whole.segments or not self.segments:
            return False
        mine, other = self.segments[-1], whole.segments[-1]
        if not _same_file(mine, other):
            # Rotated meanwhile: who has gone on to the next file is further.
            return len(whole.segments) > 1
        return _position(whole) >= _position(self)

    def give_way(self, whole: Source) -> None:
        """Hands over to the source of all rows: when which arrived, and how it is read."""
        mine, other = self.segments[-1], whole.segments[-1]
        if _same_file(mine, other):
            self._shift = (other.begin - other.at) - (mine.begin - mine.at)
        self.became = whole
        whole.arrivals = [(self.row_in_whole(row), batch) for row, batch in self.arrivals]
        whole.heard = self.heard
        whole.note = self.note or whole.note
        if self.whole < len(self):
            whole.show_unfinished()
        # Whoever still shows this reads from its files; they are closed after the last of them.
        descriptors = {segment.descriptor for segment in self.segments}
        weakref.finalize(self, _close, descriptors)

    def row_in_whole(self, row: int) -> int:
        """The number that a row has in the source of all rows."""
        assert self.became is not None
        columns = self.columns
        offset = (int(columns.offset[row]) if row < len(self) else self.end) + self._shift
        return bisect_left(self.became.columns.offset, offset)


def begin_of_tail(path: Path) -> int:
    """Where the last lines of a large file begin; 0 where it is better read from its start."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < LARGE:
                return 0
            for length in (TAIL, _MOST_TAIL * TAIL):
                begin = max(size - length, 0)
                file.seek(begin)
                sample = file.read(length)
                if b"\n" in sample[:-1]:
                    return begin + sample.find(b"\n") + 1
    except OSError:
        pass
    return 0


def _position(source: Source) -> int:
    """How far the source has its latest file."""
    last = source.segments[-1]
    return last.at + source.fed - last.begin


def _same_file(one: Segment, other: Segment) -> bool:
    return os.path.samestat(os.fstat(one.descriptor), os.fstat(other.descriptor))


def _close(descriptors: set[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
