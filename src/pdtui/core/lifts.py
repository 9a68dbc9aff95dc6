"""Logical clocks that causes lift: an effect's is greater than its cause's, and never falls.

The clock of a row is what its stamp says, or what a cause of it or of a row above it demands. What
stamps say never changes, so it is worked out once for each row with an edge; lifts are few, and are
looked up by binary search.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

NO_CLOCK = -(2**62)
_MOST_TURNS = 8
_FEW = 8
"""If new edges are fewer than one in so many, entering each is cheaper than sorting all."""


class End(NamedTuple):
    """A row at one end of an edge: its source, its number, and the clock that its stamp gives."""

    source: int
    row: int
    stamp: int


class TimedEdge(NamedTuple):
    """Cause and effect; sorted, the edges of a source stand in the order of their causes."""

    cause: End
    effect: End


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
        """The same of some rows, which are in file order."""
        begin, stop = bisect_right(self.rows, int(rows[0])), bisect_right(self.rows, int(rows[-1]))
        before = self.clocks[begin - 1] if begin else NO_CLOCK
        clocks = np.array([before, *self.clocks[begin:stop]], np.int64)
        return clocks[np.searchsorted(self.rows[begin:stop], rows, "right")]

    def raise_to(self, row: int, clock: int) -> None:
        """From this row on the clock is at least this; what that makes needless goes."""
        place = bisect_left(self.rows, row)
        further = place
        while further < len(self.rows) and self.clocks[further] <= clock:
            further += 1
        self.rows[place:further] = [row]
        self.clocks[place:further] = [clock]

    def copy(self) -> Lifts:
        """These lifts, whatever becomes of the original."""
        return Lifts(self.rows.copy(), self.clocks.copy())


@dataclass(slots=True)
class Lifting:
    """The edges and lifts of all sources."""

    of: list[Lifts]
    """The lifts of each source."""
    _edges: list[list[TimedEdge]] = field(init=False)
    """The edges of each source's rows as causes, sorted."""

    def __post_init__(self) -> None:
        self._edges = [[] for _ in self.of]

    def add(self, edges: list[TimedEdge]) -> list[End]:
        """Lifts the effects of new edges, and what follows from that; returns the rows lifted."""
        self._keep(edges)
        lifted = []
        # The earliest cause first, so that few rows are lifted twice.
        clocks = [(self._clock(edge.cause), edge) for edge in edges]
        waiting = [(clock, edge) for clock, edge in clocks if self._clock(edge.effect) <= clock]
        heapify(waiting)
        # Logs cannot contradict themselves for ever: a key that was used twice could make a ring.
        turns = _MOST_TURNS * (len(edges) + sum(map(len, self._edges)))
        while waiting and turns:
            turns -= 1
            edge = heappop(waiting)[1]
            wanted = self._clock(edge.cause) + 1
            if self._clock(edge.effect) >= wanted:
                continue
            self.of[edge.effect.source].raise_to(edge.effect.row, wanted)
            lifted.append(edge.effect)
            for broken in self._broken_by(edge.effect, wanted):
                heappush(waiting, (wanted, broken))
        return lifted

    def _keep(self, edges: list[TimedEdge]) -> None:
        """Enters new edges where they belong."""
        new: dict[int, list[TimedEdge]] = {}
        for edge in edges:
            new.setdefault(edge.cause.source, []).append(edge)
        for source, some in new.items():
            known = self._edges[source]
            if len(some) * _FEW > len(known):
                known += some
                known.sort()
            else:
                for edge in some:
                    insort(known, edge)

    def _clock(self, end: End) -> int:
        return max(end.stamp, self.of[end.source].at(end.row))

    def _broken_by(self, lifted: End, clock: int) -> list[TimedEdge]:
        """The edges from the lifted row on, as far as the lift reaches, that do not hold now.

        All their causes have this clock: of those into one source the uppermost effect is enough.
        """
        edges = self._edges[lifted.source]
        broken: dict[int, TimedEdge] = {}
        for place in range(bisect_left(edges, lifted.row, key=lambda e: e.cause.row), len(edges)):
            edge = edges[place]
            if edge.cause.stamp >= clock or self._clock(edge.cause) > clock:
                break
            known = broken.get(edge.effect.source)
            if self._clock(edge.effect) <= clock and (
                known is None or edge.effect.row < known.effect.row
            ):
                broken[edge.effect.source] = edge
        return list(broken.values())
