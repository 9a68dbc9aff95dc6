"""A source: the bytes of one log, the rows found in them, and what each row is."""

from __future__ import annotations

import os
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import Bytes
from pdtui.core.columns import Columns
from pdtui.core.kindcounts import STRETCH, KindCounts
from pdtui.core.kinds import KindTable
from pdtui.core.requestindex import RequestIndex
from pdtui.core.scan import EVERYTHING, Depth, Rows, Scanner
from pdtui.core.stamps import NO_TIME
from pdtui.core.tracecolumns import Traces

FIRST_PIECE = 64 * 1024
PIECE = 4 * 1024 * 1024
"""Bytes that are scanned together: less has to pay for the calls (1 MiB: a third slower), of more
what is worked out does not fit into the processor's cache (8 MiB: a tenth)."""
_GROWTH = 3
"""How many times as long as all before it a piece may be: of lines that it is the first to have,
a piece has all found out the long way."""
_serials = count(1)
_LINE = 16 * 1024
"""Bytes of which a line seldom has more."""
_REST = 512 * 1024
"""Bytes that are scanned with a piece, since the calls for a piece of their own cost as much."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a source's bytes that lies in one open file (a rotated log has several)."""

    begin: int
    """Where its first byte stands in the source."""
    descriptor: int
    """Belongs to the source, which closes it; several stretches of a file may share one."""
    at: int = 0
    """Where its first byte stands in the file."""


class Source:
    """One log, from its first byte to the last one fed.

    Rows are numbered from 0 and never change their number. A file that is truncated begins a
    new Source in the same place of the store.
    """

    def __init__(self, label: str, path: str, first_year: int, depth: Depth = EVERYTHING) -> None:
        self.serial = next(_serials)
        """A number that no other source of this process has or had, as its address in memory may
        be another's by then."""
        self.label = label
        self.path = path
        self.kinds = KindTable()
        self.columns = Columns()
        self.trouble = ""
        """What is wrong with its file now: that it is waited for, was deleted, cannot be read."""
        self.note = ""
        """What happened to its file: `truncated at 10:30:51`, `replaced at 10:30:51`."""
        self.heard: float | None = None
        """When (seconds since the epoch) bytes last arrived."""
        self.amended: list[int] = []
        """The first row, each time that rows which had been shown turned out to be otherwise."""
        self.arrivals: list[tuple[int, int]] = []
        """First row and number of each batch that arrived live; rows before are from disk."""
        self.segments: list[Segment] = []
        self.end = 0
        """How many bytes are in rows."""
        self.whole = 0
        """How many rows are whole lines: all, or all but a last one shown unfinished."""
        self._reading = threading.Lock()
        """Held while descriptors are in use, so that none is closed and its number given away."""
        self._scanner = Scanner(self.kinds, first_year, depth)
        self._unfinished: list[bytes] = []
        self._before_unfinished: Scanner | None = None
        self.unscanned: deque[bytes] | None = None
        """Whole lines that another process is to scan; None where this one does; see `lend`."""
        self.traces = Traces()
        """The steps of handshakes, transfers and requests that its whole lines say."""
        self.requests = RequestIndex()
        """Which of its whole lines speak of which request."""
        self.kind_counts = KindCounts()
        """The kinds of its whole lines, a stretch of rows at a time; see count_kinds."""
        self._counting = threading.Lock()
        """Held while they are extended: panes are made on threads too."""
        self._first_stamped: int | None = None
        """The first row with a stamp; the rows above it have its time."""

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def amendments(self) -> int:
        """How often rows that had been shown turned out to be otherwise."""
        return len(self.amended)

    def __getstate__(self) -> dict[str, object]:
        """What another process is sent: everything but the files, which it opens itself."""
        return {**self.__dict__, "segments": [], "_reading": None, "_counting": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.serial = next(_serials)
        self._reading, self._counting = threading.Lock(), threading.Lock()

    @property
    def fed(self) -> int:
        """How many bytes were fed, those of an unfinished line included."""
        return self._line_begin + sum(map(len, self._unfinished))

    @property
    def _line_begin(self) -> int:
        """Where the unfinished line begins."""
        shown = self._before_unfinished is not None
        return self.columns.offset[-1] if shown else self.end + self.waiting

    @property
    def waiting(self) -> int:
        """How many bytes of whole lines another process is still to scan."""
        return sum(map(len, self.unscanned or ()))

    def feed(self, data: bytes, batch: int | None = None) -> int:
        """Takes further bytes; the rows of all lines that they finish are added.

        `batch` numbers what arrives live. Returns how many rows were added.
        """
        if not data:
            return 0
        before = len(self)
        cut = data.rfind(b"\n") + 1
        if not cut:
            self._unfinished.append(data)
            self._reshow_unfinished()
            return 0
        # Without a copy: blocks are megabytes.
        self._take(memoryview(data)[:cut], batch, self._unfinished)
        self._unfinished = [data[cut:]] if cut < len(data) else []
        return len(self) - before

    @property
    def hides_unfinished(self) -> bool:
        """Whether there is a last line without a newline that is no row yet, but may be one."""
        lent = self.unscanned is not None
        return bool(self._unfinished) and self._before_unfinished is None and not lent

    def show_unfinished(self, batch: int | None = None) -> bool:
        """Makes a row of a last line that has no newline yet; whether there was one to show."""
        if not self.hides_unfinished:
            return False
        self._arrived(batch)
        self._before_unfinished = self._scanner.fork()
        text = b"".join(self._unfinished)
        with self.kinds.guessing():
            rows = self._scanner.scan(text, self.end)
        self._add(rows, self.end + len(text))
        return True

    def finish_line(self, batch: int | None = None) -> None:
        """Ends an unfinished line for good, where its file has no more to come."""
        if self._unfinished:
            self._take(b"".join(self._unfinished), batch)
            self._unfinished = []

    def lend(self) -> Scanner | None:
        """Gives the scanner to another process: from now on lines that are fed wait to be scanned.

        None, and all stays as it is, where a last line is shown unfinished.
        """
        if self._before_unfinished is not None:
            return None
        self.unscanned = deque()
        return self._scanner

    def add_scanned(self, rows: Rows, size: int, batch: int | None = None) -> None:
        """Adds the rows of the next `size` bytes, which another process has scanned."""
        self._arrived(batch)
        self._add_whole(rows, self.end + size)

    def take_back(self, scanner: Scanner, batch: int | None = None) -> None:
        """Goes on with what another process made of the scanner; what still waits is scanned."""
        waiting, self.unscanned = self.unscanned or (), None
        self._scanner = scanner
        for lines in waiting:
            self._take(lines, batch)

    def read(self, begin: int, end: int) -> bytes:
        """The source's bytes from `begin` to `end`; fewer where its file no longer gives them."""
        parts = []
        with self._reading:
            while begin < end and (part := self._read_some(begin, end)):
                parts.append(part)
                begin += len(part)
        return b"".join(parts)

    def span(self, first: int, stop: int) -> tuple[int, int]:
        """Begin and end in bytes of the rows first … stop-1."""
        offset = self.columns.offset
        end = offset[stop] if stop < len(offset) else self.end
        return offset[first] if first < len(offset) else self.end, end

    def begins(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Where each of these rows begins in bytes; the row after the last one, where that ends."""
        offset = self.columns.offset
        return np.where(rows < len(offset), offset[np.minimum(rows, len(offset) - 1)], self.end)

    def line(self, row: int, most: int | None = None) -> bytes:
        """The row's own bytes with its newline where it has one, or the first `most` of them."""
        begin, end = self.span(row, row + 1)
        text = self.read(begin, end if most is None else min(end, begin + most))
        # Where rows are just being added, the last one may seem to reach into them.
        return text[: text.find(b"\n") + 1 or None]

    def count_kinds(self) -> None:
        """Extends the counts of kinds to all stretches of rows that will not change any more."""
        with self._counting:
            counted, whole = len(self.kind_counts) * STRETCH, self.whole - self.whole % STRETCH
            self.kind_counts.add(
                [(0, self.columns.kind[first : first + STRETCH])]
                for first in range(counted, whole, STRETCH)
            )

    def kinds_of(self, stop: int) -> npt.NDArray[np.int64]:
        """How many of the rows before `stop` each kind has, as far as kinds have rows."""
        self.count_kinds()
        stretches = min(stop // STRETCH, len(self.kind_counts))
        known = self.kind_counts.totals(stretches)
        rest = np.bincount(self.columns.kind[stretches * STRETCH : stop])
        counts = np.zeros(max(len(known), len(rest)), np.int64)
        counts[: len(known)] += known
        counts[: len(rest)] += rest
        return counts

    def close(self) -> None:
        """Closes the files. Who still reads gets nothing from then on."""
        with self._reading:
            segments, self.segments = self.segments, []
            for descriptor in {segment.descriptor for segment in segments}:
                os.close(descriptor)

    def _read_some(self, begin: int, end: int) -> bytes:
        """The bytes from `begin` on that lie together in one file, or b"" if there are none."""
        place = bisect_right(self.segments, begin, key=attrgetter("begin")) - 1
        if place < 0:
            return b""
        segment, following = self.segments[place], self.segments[place + 1 : place + 2]
        stop = min(end, following[0].begin) if following else end
        try:
            return os.pread(segment.descriptor, stop - begin, begin - segment.begin + segment.at)
        except OSError:
            # A disk that fails, a file deleted on another node: what follows it says so.
            return b""

    def _arrived(self, batch: int | None) -> None:
        """Notes the batch that the next rows come with, if they come live."""
        if batch is not None and (not self.arrivals or self.arrivals[-1][1] != batch):
            self.arrivals.append((len(self), batch))

    def _take(self, text: Bytes, batch: int | None, before: Sequence[bytes] = ()) -> None:
        """Adds the rows of these whole lines; of a first one that is shown already, what it is.

        `before` is what was fed of the first line before.
        """
        if self.unscanned is not None:
            self.unscanned.append(b"".join((*before, text)))
            return
        self._arrived(batch)
        begin = self._line_begin
        if self._before_unfinished is None:
            for piece in self._pieces(text):
                rows = self._scanner.scan(piece, begin, before)
                begin += sum(map(len, (*before, piece)))
                before = ()
                self._add_whole(rows, begin)
            return
        self._scanner, self._before_unfinished = self._before_unfinished, None
        self.kinds.forget_guess()
        rows = self._scanner.scan(text, begin, before)
        self._keep_traces(rows, len(self) - 1)
        self._amend(rows)
        end = begin + sum(map(len, (*before, text)))
        self._add(Rows(rows.offset[1:], rows.when[1:], rows.kind[1:]), end)
        self.whole = len(self)

    def _pieces(self, text: Bytes) -> Iterator[Bytes]:
        """The lines in pieces of which each is scanned together."""
        while text:
            # What the first pieces teach makes all further ones quick.
            most = min(max(FIRST_PIECE, _GROWTH * self.end), PIECE)
            cut = len(text) if len(text) <= most + _REST else _last_line_end(text, most)
            yield text[:cut]
            text = text[cut:]

    def _keep_traces(self, rows: Rows, begin: int) -> None:
        """Keeps the steps and requests of the rows, the first of which is row `begin`."""
        if rows.traces is not None:
            self.traces.extend(rows.traces, begin)
        if rows.requests is not None:
            self.requests.extend(rows.requests, begin)

    def _reshow_unfinished(self) -> None:
        """Understands a row that is shown unfinished anew, now that more of it is there."""
        if self._before_unfinished is None:
            return
        begin, text = self._line_begin, b"".join(self._unfinished)
        self._scanner = self._before_unfinished.fork()
        self.kinds.forget_guess()
        with self.kinds.guessing():
            rows = self._scanner.scan(text, begin)
        self._amend(rows)
        self.end = begin + len(text)

    def _amend(self, rows: Rows) -> None:
        last = len(self) - 1
        if self._first_stamped == last:
            # The first stamp was only a guess, and so is the time of the rows above.
            self.columns.when.fill(last, NO_TIME)
            self._first_stamped = None
            self.amended.append(0)
        self._date(rows, last)
        if self.columns.amend_last(rows):
            self.amended.append(last)

    def _date(self, rows: Rows, begin: int) -> None:
        """Gives rows (from row number `begin` on) without a time that of the first stamp."""
        dated = rows.when != NO_TIME
        if self._first_stamped is None:
            if not dated.any():
                return
            place = int(np.argmax(dated))
            self._first_stamped = begin + place
            if begin:
                self.columns.when.fill(begin, int(rows.when[place]))
                self.amended.append(0)
            rows.when[~dated] = rows.when[place]
        elif not dated.all():
            rows.when[~dated] = self.columns.when[0]

    def _add_whole(self, rows: Rows, end: int) -> None:
        """Adds rows of whole lines, the last of which ends at this byte."""
        self._keep_traces(rows, len(self))
        self._add(rows, end)
        self.whole = len(self)

    def _add(self, rows: Rows, end: int) -> None:
        self._date(rows, len(self))
        # The end first: whoever sees the new rows must also see where the last one stops.
        self.end = end
        self.columns.append(rows)


def _last_line_end(text: Bytes, most: int) -> int:
    """Where the last line that ends within so many bytes does, or the first one if none does."""
    for begin, stop in ((most - _LINE, most), (0, most)):
        if cut := bytes(text[begin:stop]).rfind(b"\n") + 1:
            return begin + cut
    rest = bytes(text[most:])
    return most + (rest.find(b"\n") + 1 or len(rest))
