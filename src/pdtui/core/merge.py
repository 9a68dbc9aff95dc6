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

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import present
from pdtui.core.causality import CAUSAL, Causality, Edges, FoundEdges, Fresh
from pdtui.core.engines import HANDSHAKE_STEPS
from pdtui.core.kindcounts import STRETCH, KindCounts
from pdtui.core.lifts import Ends, Lifting
from pdtui.core.order import Order
from pdtui.core.refs import split_ref
from pdtui.core.roles import role_order
from pdtui.core.runs import BATCH_BITS, STEP_BITS, Numbers, SourceRuns
from pdtui.core.scan import Depth
from pdtui.core.source import Source
from pdtui.core.stockhandshakes import StockHandshakes
from pdtui.core.store import Snapshot

FOR_ORDER = Depth(CAUSAL | HANDSHAKE_STEPS, requests=False)
"""What must be read of rows so that they can be put in order."""
_BATCHES = (1 << BATCH_BITS) - 1
_BELOW_SECOND = BATCH_BITS + STEP_BITS


class Merged(NamedTuple):
    """All rows in order, and how many rows of each kind stand in each stretch of it."""

    order: Order
    kinds: KindCounts


@dataclass(slots=True)
class Merge:
    """The order of all rows, extended as rows arrive.

    `offsets` (label → microseconds) corrects the clocks of sources.
    """

    offsets: dict[str, int] = field(default_factory=dict)
    late: int = 0
    """How many rows arrived so late that they went above rows already in the order."""
    edges: FoundEdges = field(default_factory=FoundEdges)
    """Every cause and effect in different sources, in the order in which they were found.

    It only grows, but begins anew where `update` makes the order anew and returns 0.
    """
    now: Merged = field(default_factory=lambda: Merged(Order.of_nothing(0), KindCounts()))
    """What was last made of the sources; another thread may look at it."""
    _order: Order = field(default_factory=lambda: Order.of_nothing(0))
    _sources: list[SourceRuns] = field(default_factory=list)
    _causality: Causality = field(default_factory=Causality)
    _stock: StockHandshakes = field(default_factory=StockHandshakes)
    _lifting: Lifting = field(default_factory=lambda: Lifting([]))

    def __len__(self) -> int:
        return len(self._order)

    @property
    def refs(self) -> Order:
        """All rows in order."""
        return self._order

    def update(self, snapshot: Snapshot) -> int:
        """Takes in what the sources have gained; returns the first place that is not as before."""
        sources = [source for source, _ in snapshot]
        places = _role_places(sources)
        place = None if self._restarted(sources, places) else self._amended()
        if place is None:
            self._restart(sources, places)
            place = 0
        place = self._extend(snapshot, place)
        self.now = Merged(self._order, self._kinds_counted(place))
        return place

    def _restarted(self, sources: list[Source], places: list[int]) -> bool:
        """Whether a source is new, or began anew."""
        return len(self._sources) != len(sources) or any(
            known.source is not source or known.place != place
            for known, source, place in zip(self._sources, sources, places, strict=True)
        )

    def _restart(self, sources: list[Source], places: list[int]) -> None:
        self._sources = [
            SourceRuns(source, place, self.offsets.get(source.label, 0), source.amendments)
            for source, place in zip(sources, places, strict=True)
        ]
        self._order, self.edges = Order.of_nothing(len(sources)), FoundEdges()
        self._causality, self._stock = Causality(), StockHandshakes()
        self._lifting = Lifting([known.lifts for known in self._sources])

    def _amended(self) -> int | None:
        """Forgets the rows that turned out otherwise; returns the first place that this changes.

        None where rows of causes and effects are among them, so that all must be made anew.
        """
        place = len(self)
        for number, known in enumerate(self._sources):
            amended = known.source.amended[known.amendments :]
            known.amendments += len(amended)
            row = min(amended, default=known.rows)
            if row >= known.rows:
                continue
            if known.source.traces.before(row) < known.traces:
                return None
            found = self._order.place_of(number, row)
            place = place if found is None else min(place, found)
            known.cut(row)
        return place

    def _extend(self, snapshot: Snapshot, place: int) -> int:
        """Puts the new rows in order, and the old ones below those that must be lower now.

        The order is no longer right from `place` on.
        """
        settled = [known.rows for known in self._sources]
        whole = place == len(self)
        for known, (_, stop) in zip(self._sources, snapshot, strict=True):
            known.extend(stop)
        place = self._apply_causes(snapshot, settled, place)
        new = [
            (known, first)
            for known, first in zip(self._sources, settled, strict=True)
            if known.rows > first
        ]
        if new:
            # Within a source clocks never fall: that of the first new row is the least.
            least = min(known.logical(first) for known, first in new)
            if whole and place == len(self) and place:
                self.late += self._late(new, least)
            place = self._place_of(least, place)
        if new or place < len(self):
            self._sort_from(place)
        return place

    def _apply_causes(self, snapshot: Snapshot, settled: list[int], place: int) -> int:
        """Lifts the effects of new causes; returns the first place that this may change.

        The order is right above `place`.
        """
        edges = self._new_edges(snapshot)
        if not len(edges):
            return place
        self.edges.extend(edges)
        lifted = self._lifting.add(*self._ends(edges))
        for number, (row, stop) in enumerate(zip(lifted, settled, strict=True)):
            # What stands above the uppermost of them stays, and so do the clocks there.
            if row < stop and (found := self._order.place_of(number, row)) is not None:
                place = min(place, found)
        return place

    def _new_edges(self, snapshot: Snapshot) -> Edges:
        """The edges that the new rows' traces make."""
        fresh = []
        for known, (source, stop) in zip(self._sources, snapshot, strict=True):
            upto = source.traces.before(stop)
            fresh.append(Fresh(source.traces, known.traces, upto))
            known.traces = upto
        edges = self._causality.add(fresh)
        return np.concatenate((edges, self._stock.edges(snapshot, self._causality)))

    def _ends(self, edges: Edges) -> tuple[Ends, Ends]:
        """The causes and the effects, with the clocks that their stamps give them."""
        sources, rows = np.concatenate((edges[:, :2], edges[:, 2:])).T
        stamps = np.empty(len(rows), np.int64)
        for number in present(sources):
            mine = np.flatnonzero(sources == number)
            distinct, which = np.unique(rows[mine], return_inverse=True)
            stamps[mine] = self._sources[number].stamps(distinct)[which]
        causes, effects = np.split(np.stack((sources, rows, stamps)), 2, axis=1)
        return Ends(*causes), Ends(*effects)

    def _late(self, new: list[tuple[SourceRuns, int]], least: int) -> int:
        """How many of the new rows belong above rows that are in the order already.

        New are those of these sources from these rows on, and `least` is the least of their clocks.
        """
        newest = self._logical_at(len(self) - 1) >> _BELOW_SECOND
        late = 0
        for known, first in new if least >> _BELOW_SECOND < newest else ():
            runs = known.runs(first, known.rows)
            live = runs.logical >> STEP_BITS & _BATCHES > 0
            above = live & (runs.logical >> _BELOW_SECOND < newest)
            late += int(runs.counts(known.rows)[above].sum())
        return late

    def _sort_from(self, place: int) -> None:
        """Makes the order anew from this place on."""
        first = self._order.rows_above(place).tolist() if self._sources else []
        below = [
            (number, known.runs(first[number], known.rows), known.rows)
            for number, known in enumerate(self._sources)
            if known.rows > first[number]
        ]
        logical = np.concatenate([runs.logical for _, runs, _ in below])
        rank = np.concatenate([runs.rank for _, runs, _ in below])
        numbers = np.concatenate([np.full(len(runs.first), n, np.uint16) for n, runs, _ in below])
        counts = np.concatenate([runs.counts(stop) for _, runs, stop in below])
        order = _sorted(logical, rank)
        self._order = self._order.replaced(place, np.repeat(numbers[order], counts[order]))

    def _kinds_counted(self, place: int) -> KindCounts:
        """The kinds in each stretch of the order that is full, counted anew from this place on."""
        kinds = self.now.kinds.kept(place // STRETCH)
        above = self._order.above[len(kinds) :].tolist()
        kinds.add(
            [
                (number, known.source.columns.kind[first:stop])
                for number, (known, first, stop) in enumerate(
                    zip(self._sources, begins, ends, strict=True)
                )
                if stop > first
            ]
            for begins, ends in pairwise(above)
        )
        return kinds

    def _place_of(self, logical: int, high: int) -> int:
        """The first place, up to `high`, with a row of this logical clock or a later one."""
        low = 0
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
        number, row = split_ref(self._order[place])
        return self._sources[number].logical(row)


def _role_places(sources: list[Source]) -> list[int]:
    """Each source's place among all, by role and label."""
    order = sorted(range(len(sources)), key=lambda number: role_order(sources[number]))
    return [order.index(number) for number in range(len(sources))]


def _sorted(logical: Numbers, rank: Numbers) -> npt.NDArray[np.intp]:
    """The order of runs by these keys."""
    if not (logical & (1 << _BELOW_SECOND) - 1).any():
        return np.argsort(rank, kind="stable")
    return np.lexsort((rank, logical))
