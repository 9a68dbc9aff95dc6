"""Many sources → one order.

1. Within a source, file order is law: a row's place in time is the latest stamp at or above it.
2. Across sources, by time.
3. A cause stands above its effect (`causality.py`), within a second and, where clocks differ,
   across seconds.
4. Within one second, rows that no cause orders: what was read from disk by time, then prefill,
   decode, proxy (then by label), then line; what arrived live after that, as it arrived.

So a live view grows at its end, and a row that arrives late goes to the end of the second it
belongs to. The order depends on the sources alone, not on the order in which they were named.

The sort key is a hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014): second,
batch and step as one number that never falls within a source, and that is greater at an effect
than at its cause.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pdtui.core.causality import CAUSAL, Causality, Edge
from pdtui.core.growable import Growable
from pdtui.core.lifts import End, Lifting, Lifts, TimedEdge
from pdtui.core.roles import role_order
from pdtui.core.source import Source
from pdtui.core.stamps import SECOND
from pdtui.core.stockhandshakes import StockHandshakes
from pdtui.core.store import Snapshot

Refs: TypeAlias = npt.NDArray[np.int64]
"""Rows of many sources: the source's number in the upper bits, the row in the lower 40."""

_SOURCE_SHIFT = 40
_ROW_MASK = (1 << _SOURCE_SHIFT) - 1
_STRIDE = 4096
_STEP_BITS, _BATCH_BITS = 8, 21
_MOST_BATCH = (1 << _BATCH_BITS) - 1
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
    """What rows are sorted by, one entry a row."""

    logical: npt.NDArray[np.int64]
    """Second, live batch (0 for rows read from disk) and step below a cause, as one number."""
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
    traces: int = 0
    floors: list[int] = field(default_factory=lambda: [_NO_FLOOR])
    """Latest time above every _STRIDE-th row, so that a row's key is found near it."""
    lifts: Lifts = field(default_factory=Lifts)


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
    _causality: Causality = field(default_factory=Causality)
    _stock: StockHandshakes = field(default_factory=StockHandshakes)
    _lifting: Lifting = field(default_factory=lambda: Lifting([]))
    edges: list[Edge] = field(default_factory=list)
    """Every cause and effect in different sources, in the order in which they were found.

    It only grows, but begins anew where `update` makes the order anew and returns 0.
    """

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
            self._order, self._causality, self.edges = Growable(np.int64), Causality(), []
            self._stock = StockHandshakes()
            self._lifting = Lifting([progress.lifts for progress in self._progress])
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
        """Puts the new rows in order, and the old ones below those that must be lower now."""
        parts, settled = [], [progress.rows for progress in self._progress]
        for number, (_, stop) in enumerate(snapshot):
            progress = self._progress[number]
            if stop > progress.rows:
                parts.append(refs_of(number, progress.rows, stop))
                self._note_floors(progress, stop)
        place = self._apply_causes(snapshot, settled)
        if not parts:
            return self._resort(place, np.empty(0, np.int64)) if place < len(self) else place
        refs = np.concatenate(parts)
        keys = self._keys_of(refs)
        if place == len(self) and place:
            self.late += self._late(keys)
        return self._resort(min(place, self._place_of(int(keys.logical.min()))), refs)

    def _note_floors(self, progress: _Progress, stop: int) -> None:
        """Notes how far the source is, and the latest time at each stride on the way."""
        first = len(progress.floors) - 1
        for stride in range(first, stop // _STRIDE):
            begin = stride * _STRIDE
            when = self._when(progress, begin, begin + _STRIDE)
            progress.floors.append(max(progress.floors[-1], int(when.max())))
        progress.rows = stop

    def _when(self, progress: _Progress, first: int, stop: int) -> npt.NDArray[np.int64]:
        """The rows' own times, corrected, and not so early that a key could not hold them."""
        source = progress.source
        when = source.columns.when[first:stop] + self.offsets.get(source.label, 0)
        return np.maximum(when, _NO_FLOOR)

    def _keys_in(self, progress: _Progress, first: int, stop: int) -> _Keys:
        """The keys of the rows first … stop-1 of one source."""
        keys = self._stamped_keys(progress, first, stop)
        if progress.lifts.rows:
            keys.logical = np.maximum(keys.logical, progress.lifts.over(first, stop))
        return keys

    def _stamped_keys(self, progress: _Progress, first: int, stop: int) -> _Keys:
        """The same as far as the stamps give them, without what causes demand."""
        stride = first // _STRIDE
        begin = stride * _STRIDE
        when = self._when(progress, begin, stop)
        time = np.maximum.accumulate(np.maximum(when, progress.floors[stride]))[first - begin :]
        batch = np.minimum(_batches(progress.source, first, stop), _MOST_BATCH)
        logical = (time // SECOND << _BATCH_BITS | batch) << _STEP_BITS
        return _Keys(logical, time * _MOST_SOURCES + progress.place)

    def _keys_of(self, refs: Refs) -> _Keys:
        """The keys of some rows, of which each source's are in file order."""
        keys = _Keys(np.empty(len(refs), np.int64), np.empty(len(refs), np.int64))
        numbers, rows = source_numbers(refs), row_numbers(refs)
        for number in np.unique(numbers).tolist():
            here = np.flatnonzero(numbers == number)
            mine = rows[here]
            first = int(mine[0])
            found = self._keys_in(self._progress[number], first, int(mine[-1]) + 1)
            keys.logical[here] = found.logical[mine - first]
            keys.rank[here] = found.rank[mine - first]
        return keys

    def _clock(self, number: int, row: int) -> int:
        return int(self._keys_in(self._progress[number], row, row + 1).logical[0])

    def _apply_causes(self, snapshot: Snapshot, settled: list[int]) -> int:
        """Lifts the effects of new causes; returns the first place that this may change."""
        edges = self._new_edges(snapshot)
        if not edges:
            return len(self)
        self.edges += edges
        before = [progress.lifts.copy() for progress in self._progress]
        lifted = self._lifting.add(self._timed(edges))
        after = [progress.lifts for progress in self._progress]
        # The order that is there was made with the old lifts, and is searched with them.
        for progress, lifts in zip(self._progress, before, strict=True):
            progress.lifts = lifts
        clocks = [
            self._clock(end.source, end.row) for end in lifted if end.row < settled[end.source]
        ]
        place = self._place_of(min(clocks)) if clocks else len(self)
        for progress, lifts in zip(self._progress, after, strict=True):
            progress.lifts = lifts
        return place

    def _new_edges(self, snapshot: Snapshot) -> list[Edge]:
        """The edges that the new rows' traces make."""
        edges = []
        for number, (source, stop) in enumerate(snapshot):
            progress = self._progress[number]
            upto = source.traces.before(stop)
            for trace in source.traces.among(progress.traces, upto, CAUSAL):
                edges += self._causality.add(number, trace)
            progress.traces = upto
        return edges + self._stock.edges(snapshot, self._causality)

    def _timed(self, edges: list[Edge]) -> list[TimedEdge]:
        """The edges with the clocks that the stamps give to their rows."""
        causes = [(edge.cause_source, edge.cause_row) for edge in edges]
        effects = [(edge.effect_source, edge.effect_row) for edge in edges]
        ends = self._ends({*causes, *effects})
        return [TimedEdge(ends[a], ends[b]) for a, b in zip(causes, effects, strict=True)]

    def _ends(self, places: set[tuple[int, int]]) -> dict[tuple[int, int], End]:
        """Each source and row with its stamp's clock; worked out a stride of rows at a time."""
        strides: dict[tuple[int, int], list[int]] = {}
        for number, row in places:
            strides.setdefault((number, row // _STRIDE), []).append(row)
        ends = {}
        for (number, stride), rows in strides.items():
            begin = stride * _STRIDE
            keys = self._stamped_keys(self._progress[number], begin, max(rows) + 1)
            clocks = keys.logical[np.array(rows) - begin].tolist()
            for row, clock in zip(rows, clocks, strict=True):
                ends[number, row] = End(number, row, clock)
        return ends

    def _late(self, keys: _Keys) -> int:
        """How many of these rows belong above rows that are in the order already."""
        newest = self._keys_of(self.refs[-1:]).logical[0] >> (_BATCH_BITS + _STEP_BITS)
        live = keys.logical >> _STEP_BITS & _MOST_BATCH > 0
        return int((live & (keys.logical >> (_BATCH_BITS + _STEP_BITS) < newest)).sum())

    def _resort(self, place: int, refs: Refs) -> int:
        """Sorts the order from `place` on anew, with these rows added."""
        refs = np.concatenate((self.refs[place:], refs))
        self._order.replace(place, refs[_sorted(self._keys_of(refs))])
        return place

    def _place_of(self, logical: int) -> int:
        """The first place with a row of this logical clock or a later one."""
        low, high = 0, len(self)
        if high and self._logical_at(high - 1) < logical:
            return high
        while low < high:
            middle = (low + high) // 2
            if self._logical_at(middle) < logical:
                low = middle + 1
            else:
                high = middle
        return low

    def _logical_at(self, place: int) -> int:
        return int(self._keys_of(self.refs[place : place + 1]).logical[0])


def _role_places(sources: list[Source]) -> list[int]:
    """Each source's place among all, by role and label."""
    order = sorted(range(len(sources)), key=lambda number: role_order(sources[number]))
    return [order.index(number) for number in range(len(sources))]


def _sorted(keys: _Keys) -> npt.NDArray[np.intp]:
    """The order of the keys; rows that are alike stay as they are."""
    if not (keys.logical & (1 << _BATCH_BITS + _STEP_BITS) - 1).any():
        return np.argsort(keys.rank, kind="stable")
    return np.lexsort((keys.rank, keys.logical))


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
