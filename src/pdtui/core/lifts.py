"""Logical clocks that causes lift: an effect's is greater than its cause's, and never falls.

The clock of a row is what its stamp says, or what a cause of it or of a row above it demands. What
stamps say never changes, so it is worked out once for each row with an edge; lifts are few, and are
looked up by binary search.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import present
from pdtui.core.growable import Growable

NO_CLOCK = -(2**62)
NO_ROW = 2**62
_MOST_TURNS = 8
_MANY = 256
"""Edges from which on all together are quicker than one after the other."""
_MOST_ROUNDS = 1024
_MOST_NEAR = 4096
"""Edges that are looked at as lists at the most."""
_SOURCE_SHIFT = 44
_ROW_MASK = (1 << _SOURCE_SHIFT) - 1


class Ends(NamedTuple):
    """Rows at one end of edges: their sources, their numbers, and the clocks of their stamps."""

    source: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    stamp: npt.NDArray[np.int64]


class Edge(NamedTuple):
    """A cause that is not above its effect yet: sorted, those with the earliest clocks first."""

    clock: int
    """The cause's."""
    cause_source: int
    cause_row: int
    effect_source: int
    effect_row: int
    effect_stamp: int


class _Reached(NamedTuple):
    """An edge whose cause was lifted."""

    cause: int
    target: int
    """The source of its effect, and that one's row and stamp:"""
    effect: int
    stamp: int


@dataclass(slots=True)
class Lifts:
    """Rows of one source from which on its clock is later than its stamps say."""

    rows: list[int] = field(default_factory=list)
    clocks: list[int] = field(default_factory=list)
    """Rising, as the rows do."""

    def at(self, row: int) -> int:
        """The least clock of a row."""
        place = bisect_right(self.rows, row)
        return self.clocks[place - 1] if place else NO_CLOCK

    def over(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The same of some rows."""
        begin = bisect_right(self.rows, int(rows.min()))
        stop = bisect_right(self.rows, int(rows.max()))
        before = self.clocks[begin - 1] if begin else NO_CLOCK
        clocks = np.array([before, *self.clocks[begin:stop]], np.int64)
        return clocks[np.searchsorted(self.rows[begin:stop], rows, "right")]

    def first_from(self, clock: int) -> int:
        """The first row whose least clock is this or later."""
        place = bisect_left(self.clocks, clock)
        return self.rows[place] if place < len(self.rows) else NO_ROW

    def raise_to(self, row: int, clock: int) -> None:
        """From this row on the clock is at least this; what that makes needless goes."""
        place = bisect_left(self.rows, row)
        further = place
        while further < len(self.rows) and self.clocks[further] <= clock:
            further += 1
        self.rows[place:further] = [row]
        self.clocks[place:further] = [clock]

    def raise_all(
        self,
        rows: npt.NDArray[np.int64],
        clocks: npt.NDArray[np.int64],
        stamps: npt.NDArray[np.int64],
    ) -> int:
        """Takes over the clocks of these rows, all at once; returns the first that is lifted."""
        lifted = np.where(clocks > stamps, clocks, NO_CLOCK)
        before = np.concatenate(([NO_CLOCK], np.maximum.accumulate(lifted)[:-1]))
        kept = lifted > before
        self.rows, self.clocks = rows[kept].tolist(), clocks[kept].tolist()
        return self.rows[0] if self.rows else NO_ROW


class _Near(NamedTuple):
    """The last edges of a source as lists: where there are few, those are quicker than arrays."""

    begin: int
    """The first row whose edges are all among them."""
    row: list[int]
    stamp: list[int]
    target: list[int]
    effect: list[int]
    effect_stamp: list[int]


class _Causes:
    """The edges whose causes are of one source, in the order of those."""

    def __init__(self) -> None:
        self._row, self._stamp = Growable(np.int64), Growable(np.int64)
        self._target = Growable(np.int64)
        self._effect, self._effect_stamp = Growable(np.int64), Growable(np.int64)
        self._columns = (self._row, self._stamp, self._target, self._effect, self._effect_stamp)
        self._near: _Near | None = None

    def add(self, causes: Ends, effects: Ends) -> None:
        """Enters edges where they belong: most often at the end."""
        self._near = None
        new = (causes.row, causes.stamp, effects.source, effects.row, effects.stamp)
        place = int(np.searchsorted(self._row.values, causes.row.min(), "right"))
        rows = np.concatenate((self._row.values[place:], causes.row))
        order = np.argsort(rows, kind="stable")
        for column, values in zip(self._columns, new, strict=True):
            column.replace(place, np.concatenate((column.values[place:], values))[order])

    def reached(self, row: int, stop: int, clock: int, sources: int) -> list[_Reached]:
        """The edges with causes from one row up to another, and with stamps before this clock.

        Of those to one source the one with the uppermost effect.
        """
        near = self._near_from(row)
        rows = near.row if near else self._row.values
        stamps = near.stamp if near else self._stamp.values
        first = bisect_left(rows, row)
        last = min(bisect_left(rows, stop, first), bisect_left(stamps, clock))
        if last <= first:
            return []
        if near and last - first <= _MANY:
            return _uppermost(near, first, last)
        offset = len(self._row) - len(rows)
        return self._uppermost(first + offset, last + offset, sources)

    def _near_from(self, row: int) -> _Near | None:
        """The edges from this row on, and some before, as lists; None where they are many."""
        if self._near is None or row < self._near.begin:
            rows = self._row.values
            place = int(np.searchsorted(rows, row))
            if len(rows) - place > _MOST_NEAR:
                return None
            # Twice as many, so that it is seldom done again.
            place = max(2 * place - len(rows) - _MANY, 0)
            begin = int(rows[place - 1]) + 1 if place else 0
            self._near = _Near(begin, *(column.values[place:].tolist() for column in self._columns))
        return self._near

    def _uppermost(self, first: int, stop: int, sources: int) -> list[_Reached]:
        # What is least goes first, and then tells which edge it is.
        size = stop - first
        keys = self._effect.values[first:stop] * size + np.arange(size)
        least = np.full(sources, NO_ROW)
        np.minimum.at(least, self._target.values[first:stop], keys)
        places = least[least != NO_ROW] % size + first
        columns = (self._row, self._target, self._effect, self._effect_stamp)
        found = zip(*(column.values[places].tolist() for column in columns), strict=True)
        return [_Reached(*one) for one in found]


def _uppermost(near: _Near, first: int, stop: int) -> list[_Reached]:
    """Of these edges those with the uppermost effect in each source."""
    targets, effects = near.target[first:stop], near.effect[first:stop]
    if targets.count(targets[0]) == len(targets):
        # The usual pair: a prefill and its decode.
        places = [effects.index(min(effects))]
    else:
        least: dict[int, int] = {}
        for place, (target, effect) in enumerate(zip(targets, effects, strict=True)):
            if target not in least or effect < effects[least[target]]:
                least[target] = place
        places = list(least.values())
    return [
        _Reached(
            near.row[first + place],
            targets[place],
            effects[place],
            near.effect_stamp[first + place],
        )
        for place in places
    ]


@dataclass(slots=True)
class Lifting:
    """The edges and lifts of all sources."""

    of: list[Lifts]
    """The lifts of each source."""
    _causes: list[_Causes] = field(init=False)
    """The edges of each source's rows as causes."""
    _edges: int = 0

    def __post_init__(self) -> None:
        self._causes = [_Causes() for _ in self.of]

    def add(self, causes: Ends, effects: Ends) -> list[int]:
        """Lifts the effects of new edges, and what follows from that.

        Returns the uppermost row that was lifted in each source, NO_ROW where none was.
        """
        for number in present(causes.source):
            mine = causes.source == number
            part = (Ends(*(column[mine] for column in ends)) for ends in (causes, effects))
            self._causes[number].add(*part)
        first, self._edges = not self._edges, self._edges + len(causes.row)
        if first and len(causes.row) >= _MANY and (rows := self._lift_all(causes, effects)):
            return rows
        waiting = self._broken(causes, effects)
        lifted = [NO_ROW] * len(self.of)
        # Logs cannot contradict themselves for ever: a key that was used twice could make a ring.
        turns = _MOST_TURNS * (len(causes.row) + self._edges)
        while waiting and turns:
            turns -= 1
            edge = heappop(waiting)
            wanted = self._clock(edge.cause_source, edge.cause_row, edge.clock) + 1
            source, row = edge.effect_source, edge.effect_row
            if self._clock(source, row, edge.effect_stamp) >= wanted:
                continue
            lifted[source] = min(lifted[source], row)
            for broken in self._lift(source, row, wanted):
                heappush(waiting, broken)
        return lifted

    def _lift_all(self, causes: Ends, effects: Ends) -> list[int] | None:
        """The same for the first edges of all, which are many: all together, in rounds.

        None where that comes to no end.
        """
        keys = np.concatenate(
            [ends.source << _SOURCE_SHIFT | ends.row for ends in (causes, effects)]
        )
        nodes, places, which = np.unique(keys, return_index=True, return_inverse=True)
        stamps = np.concatenate((causes.stamp, effects.stamp))[places]
        cause, effect = which[: len(causes.row)], which[len(causes.row) :]
        parts = np.searchsorted(nodes, np.arange(len(self.of) + 1) << _SOURCE_SHIFT).tolist()
        clocks = stamps.copy()
        for _ in range(_MOST_ROUNDS):
            wanted = clocks[cause] + 1
            broken = clocks[effect] < wanted
            if not broken.any():
                break
            np.maximum.at(clocks, effect[broken], wanted[broken])
            for begin, stop in pairwise(parts):
                np.maximum.accumulate(clocks[begin:stop], out=clocks[begin:stop])
        else:
            return None
        return [
            lifts.raise_all(nodes[begin:stop] & _ROW_MASK, clocks[begin:stop], stamps[begin:stop])
            for lifts, (begin, stop) in zip(self.of, pairwise(parts), strict=True)
        ]

    def _broken(self, causes: Ends, effects: Ends) -> list[Edge]:
        """Those of these edges that do not hold."""
        clocks = self._clocks(causes)
        broken = self._clocks(effects) <= clocks
        columns = (clocks, causes.source, causes.row, *effects)
        edges = zip(*(column[broken].tolist() for column in columns), strict=True)
        # The earliest cause first, so that few rows are lifted twice.
        return [Edge(*edge) for edge in sorted(edges)]

    def _clocks(self, ends: Ends) -> npt.NDArray[np.int64]:
        clocks = ends.stamp.copy()
        for number in present(ends.source):
            mine = ends.source == number
            clocks[mine] = np.maximum(clocks[mine], self.of[number].over(ends.row[mine]))
        return clocks

    def _clock(self, source: int, row: int, stamp: int) -> int:
        return max(stamp, self.of[source].at(row))

    def _lift(self, source: int, row: int, clock: int) -> Iterator[Edge]:
        """Gives the rows from this one on at least this clock; the edges that do not hold now.

        All causes that it reaches have this clock then. Those that had it already have been seen
        to; and of several effects in a source the uppermost is enough.
        """
        causes, lifts = self._causes[source], self.of[source]
        reached = causes.reached(row, lifts.first_from(clock), clock, len(self.of))
        lifts.raise_to(row, clock)
        for cause, target, effect, stamp in reached:
            if self._clock(target, effect, stamp) <= clock:
                yield Edge(clock, source, cause, target, effect, stamp)
