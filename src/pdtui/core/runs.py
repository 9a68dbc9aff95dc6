"""What the rows of one source are sorted by, for runs of rows that are alike in it.

Stamps have a second's grain, or at best a microsecond's, and a log writes many rows in one: so a
million rows are some ten thousand runs, and runs are sorted, not rows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import distinct_values
from pdtui.core.lifts import Lifts
from pdtui.core.source import Source
from pdtui.core.stamps import SECOND

STEP_BITS, BATCH_BITS = 8, 21
_MOST_BATCH = (1 << BATCH_BITS) - 1
_MOST_SOURCES = 1024
_LAST_BATCH = 2**62
_STRIDE = 4096
_AT_ONCE = 1 << 18
"""Rows whose times are looked at together."""
_NO_FLOOR = -(2**52)
"""Earlier than any stamp, and still small enough to be multiplied by _MOST_SOURCES."""

Numbers = npt.NDArray[np.int64]


class Runs(NamedTuple):
    """Rows of one source, cut wherever what they are sorted by may change; one entry a run."""

    first: Numbers
    """The run's first row."""
    logical: Numbers
    """Second, live batch (0 for rows read from disk) and step below a cause, as one number."""
    rank: Numbers
    """Time in microseconds and the source's place among the roles, as one number."""

    def counts(self, stop: int) -> Numbers:
        """How many rows each run has; the last one ends before row `stop`."""
        return np.diff(self.first, append=stop)


@dataclass(slots=True)
class SourceRuns:
    """The runs of one source, and how far it is in the order already."""

    source: Source
    place: int
    """The source's place where nothing else decides, see role_order."""
    offset: int
    """Microseconds by which its clock is corrected."""
    amendments: int
    rows: int = 0
    traces: int = 0
    floors: list[int] = field(default_factory=lambda: [_NO_FLOOR])
    """Latest time above every _STRIDE-th row, so that a row's time is found near it."""
    lifts: Lifts = field(default_factory=Lifts)

    def extend(self, stop: int) -> None:
        """Takes in the rows up to `stop`: notes the latest time at each stride on the way."""
        full = stop - stop % _STRIDE
        for begin in range((len(self.floors) - 1) * _STRIDE, full, _AT_ONCE):
            when = self._when(begin, min(begin + _AT_ONCE, full))
            latest = when.reshape(-1, _STRIDE).max(axis=1)
            latest[0] = max(int(latest[0]), self.floors[-1])
            self.floors += np.maximum.accumulate(latest).tolist()
        self.rows = stop

    def cut(self, row: int) -> None:
        """Forgets the rows from this one on, which turned out to be others."""
        self.rows = row
        del self.floors[row // _STRIDE + 1 :]

    def runs(self, first: int, stop: int) -> Runs:
        """The runs of the rows first … stop-1."""
        pieces = [(at, min(at + _AT_ONCE, stop)) for at in range(first, stop, _AT_ONCE)]
        parts = [self._runs(*piece) for piece in pieces]
        if len(parts) == 1:
            return parts[0]
        nothing = np.zeros(0, np.int64)
        return (
            Runs(*map(np.concatenate, zip(*parts, strict=True))) if parts else Runs(*[nothing] * 3)
        )

    def logical(self, row: int) -> int:
        """The clock of one row."""
        # As for many in `_clocks` and `_times`, which take six times as long for one.
        stride = row // _STRIDE
        latest = int(self.source.columns.when[stride * _STRIDE : row + 1].max()) + self.offset
        seconds = max(latest, self.floors[stride]) // SECOND
        arrivals = self.source.arrivals
        begun = bisect_right(arrivals, (row, _LAST_BATCH))
        batch = min(arrivals[begun - 1][1], _MOST_BATCH) if begun else 0
        return max((seconds << BATCH_BITS | batch) << STEP_BITS, self.lifts.at(row))

    def stamps(self, rows: Numbers) -> Numbers:
        """The clocks that their stamps give to these rows, which are in file order."""
        clocks = np.empty(len(rows), np.int64)
        begins = np.flatnonzero(np.diff(rows // _STRIDE, prepend=-1)).tolist()
        for first, stop in zip(begins, [*begins[1:], len(rows)], strict=True):
            near = rows[first:stop]
            begin = int(near[0]) // _STRIDE * _STRIDE
            times = self._times(begin, int(near[-1]) + 1)[near - begin]
            clocks[first:stop] = self._clocks(times, near)
        return clocks

    def _runs(self, first: int, stop: int) -> Runs:
        times = self._times(first, stop)
        cuts = np.flatnonzero(times[1:] != times[:-1]) + (first + 1)
        arrivals = self.source.arrivals
        begun = arrivals[
            bisect_right(arrivals, (first, _LAST_BATCH)) : bisect_left(arrivals, (stop,))
        ]
        lifted = self.lifts.rows
        raised = lifted[bisect_right(lifted, first) : bisect_left(lifted, stop)]
        rows = np.concatenate(([first], cuts))
        if begun or raised:
            rows = distinct_values(
                np.concatenate((rows, [row for row, _ in begun], raised)).astype(np.int64)
            )
        times = times[rows - first]
        logical = self._clocks(times, rows)
        if self.lifts.rows:
            logical = np.maximum(logical, self.lifts.over(rows))
        return Runs(rows, logical, times * _MOST_SOURCES + self.place)

    def _clocks(self, times: Numbers, rows: Numbers) -> Numbers:
        batch = np.minimum(_batches(self.source, rows), _MOST_BATCH)
        clocks: Numbers = (times // SECOND << BATCH_BITS | batch) << STEP_BITS
        return clocks

    def _times(self, first: int, stop: int) -> Numbers:
        """The latest time at or above each row."""
        stride = first // _STRIDE
        begin = stride * _STRIDE
        when = self._when(begin, stop)
        when[0] = max(int(when[0]), self.floors[stride])
        return np.maximum.accumulate(when)[first - begin :]

    def _when(self, first: int, stop: int) -> Numbers:
        """The rows' own times, corrected, and not so early that a key could not hold them."""
        return np.maximum(self.source.columns.when[first:stop] + self.offset, _NO_FLOOR)


def _batches(source: Source, rows: Numbers) -> Numbers:
    """The live batch of each of these rows, which are in file order; 0 for rows from disk."""
    arrivals = source.arrivals
    if not arrivals or rows[-1] < arrivals[0][0]:
        return np.zeros(len(rows), np.int64)
    # Only the batches that reach into these rows: a long flood has many thousands.
    begin = max(bisect_right(arrivals, (int(rows[0]), _LAST_BATCH)) - 1, 0)
    near = arrivals[begin : bisect_right(arrivals, (int(rows[-1]), _LAST_BATCH))]
    begins, numbers = np.array(near, np.int64).T
    place = np.searchsorted(begins, rows, "right")
    batches: Numbers = np.concatenate(([0], numbers))[place]
    return batches
