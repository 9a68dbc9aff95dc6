"""Many sources → one order.

1. Within a source, file order is law: a row's place in time is the latest stamp at or above it.
2. Across sources, by time.
3. Within one second: what was read from disk by time, then prefill, decode, proxy (then by label),
   then line; what arrived live after that, in the order it arrived.

So a live view grows at its end, and a row that arrives late goes to the end of the second it
belongs to. The order depends on the sources alone, not on the order in which they were named.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pdtui.core.growable import Growable
from pdtui.core.roles import role_order
from pdtui.core.source import Source
from pdtui.core.stamps import SECOND
from pdtui.core.store import Snapshot

Refs: TypeAlias = npt.NDArray[np.int64]
"""Rows of many sources: the source's number in the upper bits, the row in the lower 40."""

_SOURCE_SHIFT = 40
_ROW_MASK = (1 << _SOURCE_SHIFT) - 1
_STRIDE = 4096
_MOST_SOURCES = 1024
_LAST_BATCH = 2**62
_NO_FLOOR = -(2**52)
"""Earlier than any stamp, and still small enough to be multiplied by _MOST_SOURCES."""


def refs_of(source: int, first: int, stop: int) -> Refs:
    """References to the rows first … stop-1 of a source."""
    return np.arange(first, stop, dtype=np.int64) | (source << _SOURCE_SHIFT)


def join_ref(source: int, row: int) -> int:
    """One reference."""
    return row | source << _SOURCE_SHIFT


def split_ref(ref: int) -> tuple[int, int]:
    """Source number and row of one reference."""
    return ref >> _SOURCE_SHIFT, ref & _ROW_MASK


def source_numbers(refs: Refs) -> npt.NDArray[np.int64]:
    """The source number of each reference."""
    return refs >> _SOURCE_SHIFT


def row_numbers(refs: Refs) -> npt.NDArray[np.int64]:
    """The row of each reference."""
    return refs & _ROW_MASK


@dataclass(slots=True)
class _Keys:
    """What rows are sorted by, one entry a row: second, then batch, then rank."""

    second: npt.NDArray[np.int64]
    batch: npt.NDArray[np.int64]
    """Number of the live batch that the row came with, 0 for rows read from disk."""
    rank: npt.NDArray[np.int64]
    """Time in microseconds and the source's place among the roles, as one number."""


@dataclass(slots=True)
class _Progress:
    """How far a source is in the order already."""

    source: Source
    place: int
    """The source's place where nothing else decides, see role_order."""
    amendments: int
    rows: int = 0
    floors: list[int] = field(default_factory=lambda: [_NO_FLOOR])
    """Latest time above every _STRIDE-th row, so that a row's key is found near it."""
    latest: int = _NO_FLOOR


@dataclass(slots=True)
class Merge:
    """The order of all rows, extended as rows arrive.

    `offsets` (label → microseconds) corrects the clocks of sources.
    """

    offsets: dict[str, int] = field(default_factory=dict)
    late: int = 0
    """How many rows arrived so late that they went above rows already in the order."""
    _order: Growable[np.int64] = field(default_factory=lambda: Growable(np.int64))
    _progress: list[_Progress] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._order)

    @property
    def refs(self) -> Refs:
        """All rows in order."""
        return self._order.values

    def update(self, snapshot: Snapshot) -> int:
        """Takes in what the sources have gained; returns the first place that is not as before."""
        sources = [source for source, _ in snapshot]
        places = _role_places(sources)
        if self._restarted(sources, places):
            self._progress = [
                _Progress(source, place, source.amendments)
                for source, place in zip(sources, places, strict=True)
            ]
            self._order = Growable(np.int64)
            self._extend(snapshot)
            return 0
        return self._extend(snapshot)

    def _restarted(self, sources: list[Source], places: list[int]) -> bool:
        """Whether a source is new, began anew, or has rows that turned out otherwise."""
        return len(self._progress) != len(sources) or any(
            known.source is not source
            or known.place != place
            or known.amendments != source.amendments
            for known, source, place in zip(self._progress, sources, places, strict=True)
        )

    def _extend(self, snapshot: Snapshot) -> int:
        parts, keys = [], []
        for number, (_, stop) in enumerate(snapshot):
            progress = self._progress[number]
            first = progress.rows
            if stop > first:
                parts.append(refs_of(number, first, stop))
                keys.append(self._new_keys(progress, stop))
        return self._add(np.concatenate(parts), _joined(keys)) if parts else len(self)

    def _new_keys(self, progress: _Progress, stop: int) -> _Keys:
        """The keys of the rows that the source gained, and the progress noted."""
        first = progress.rows
        time = self._times(progress, first, stop, progress.latest)
        for row in range(len(progress.floors) * _STRIDE, stop + 1, _STRIDE):
            progress.floors.append(int(time[row - first - 1]))
        progress.rows, progress.latest = stop, int(time[-1])
        return _keys(progress, time, first, stop)

    def _times(
        self, progress: _Progress, first: int, stop: int, floor: int
    ) -> npt.NDArray[np.int64]:
        """Each row's place in time: the latest stamp at or above it, and `floor` at least."""
        source = progress.source
        when = source.columns.when[first:stop] + self.offsets.get(source.label, 0)
        return np.maximum.accumulate(np.maximum(when, floor))

    def _keys_of(self, refs: Refs) -> _Keys:
        """The keys of a stretch of rows that are in the order already."""
        keys = _Keys(*(np.empty(len(refs), np.int64) for _ in range(3)))
        numbers, rows = source_numbers(refs), row_numbers(refs)
        for number in np.unique(numbers).tolist():
            here = np.flatnonzero(numbers == number)
            progress, mine = self._progress[number], rows[here]
            stride = int(mine[0]) // _STRIDE
            first, stop = stride * _STRIDE, int(mine[-1]) + 1
            time = self._times(progress, first, stop, progress.floors[stride])
            found = _keys(progress, time, first, stop)
            for name in _Keys.__slots__:
                getattr(keys, name)[here] = getattr(found, name)[mine - first]
        return keys

    def _add(self, refs: Refs, keys: _Keys) -> int:
        """Adds rows at the end, or from where the earliest of them belongs."""
        first = int(keys.second.min())
        # What comes from disk is sorted among its second, what comes live goes below it.
        place = self._place_of(first if not keys.batch.all() else first + 1)
        tail = self.refs[place:]
        if len(tail):
            old = self._keys_of(tail)
            self.late += int(((keys.second < old.second[-1]) & (keys.batch > 0)).sum())
            refs, keys = np.concatenate((tail, refs)), _joined([old, keys])
        self._order.replace(place, refs[_sorted(keys)])
        return place

    def _place_of(self, second: int) -> int:
        """The first place with a row of this second or a later one."""
        low, high = 0, len(self)
        if high and self._second_at(high - 1) < second:
            return high
        while low < high:
            middle = (low + high) // 2
            if self._second_at(middle) < second:
                low = middle + 1
            else:
                high = middle
        return low

    def _second_at(self, place: int) -> int:
        return int(self._keys_of(self.refs[place : place + 1]).second[0])


def _role_places(sources: list[Source]) -> list[int]:
    """Each source's place among all, by role and label."""
    order = sorted(range(len(sources)), key=lambda number: role_order(sources[number]))
    return [order.index(number) for number in range(len(sources))]


def _keys(progress: _Progress, time: npt.NDArray[np.int64], first: int, stop: int) -> _Keys:
    batch = _batches(progress.source, first, stop)
    return _Keys(time // SECOND, batch, time * _MOST_SOURCES + progress.place)


def _joined(keys: list[_Keys]) -> _Keys:
    return _Keys(*(np.concatenate([getattr(k, name) for k in keys]) for name in _Keys.__slots__))


def _sorted(keys: _Keys) -> npt.NDArray[np.intp]:
    """The order of the keys; rows that are alike stay as they are."""
    if not keys.batch.any():
        return np.argsort(keys.rank, kind="stable")
    return np.lexsort((keys.rank, keys.batch, keys.second))


def _batches(source: Source, first: int, stop: int) -> npt.NDArray[np.int64]:
    arrivals = source.arrivals
    if not arrivals or stop <= arrivals[0][0]:
        return np.zeros(stop - first, np.int64)
    # Only the batches that reach into these rows: a long flood has many thousands.
    near = arrivals[max(bisect_right(arrivals, (first, _LAST_BATCH)) - 1, 0) :]
    begins, numbers = np.array(near, np.int64).T
    place = np.searchsorted(begins, np.arange(first, stop), "right")
    batches: npt.NDArray[np.int64] = np.concatenate(([0], numbers))[place]
    return batches
