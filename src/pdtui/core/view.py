"""Which rows a pane shows: those of a lane, or of all sources in order, that pass the filter.

A view knows how many rows it shows of each span of its order, and finds which they are where they
are looked at. So it takes no memory that follows the rows, and another filter is shown at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core.kindcounts import SPAN, STRETCH
from pdtui.core.lanes import Lane
from pdtui.core.matches import Mask, Matches
from pdtui.core.merge import Merge
from pdtui.core.refs import Refs, join_ref, refs_of, split_ref
from pdtui.core.source import Source

_KEPT = 16
"""Stretches whose rows are kept when they have been found."""

Counts = npt.NDArray[np.int64]


class _Shown(NamedTuple):
    """The rows of a stretch that are shown: their places in the order, and which they are."""

    places: Counts
    refs: Refs

    def of_size(self, count: int, place: int, ref: int) -> _Shown:
        """So many of them, filled up with this one.

        A row that was shown unfinished may be something else than it was counted as. Its amendment
        brings a new decision, until when any answer will do.
        """
        if len(self.places) == count:
            return self
        missing = max(count - len(self.places), 0)
        filled = np.full(missing, place), np.full(missing, ref)
        both = zip(self, filled, strict=True)
        return _Shown(*(np.concatenate(part)[:count] for part in both))


class _Tally:
    """How many rows stand above each span of stretches, and in all.

    Within a span they are counted stretch by stretch where it is looked at: `counts_within` gives
    the counts of a span's stretches.
    """

    def __init__(self, counts_within: Callable[[int], Counts]) -> None:
        self._counts_within = counts_within
        self._above = np.zeros(1, np.int64)
        self._within: dict[int, Counts] = {}

    def __len__(self) -> int:
        return int(self._above[-1])

    def count(self, span: int, counts: Counts) -> None:
        """Counts the spans from this one on anew."""
        above = self._above[: span + 1]
        self._above = np.concatenate((above, above[-1] + np.cumsum(counts)))
        self._within = {number: known for number, known in self._within.items() if number < span}

    def above(self, stretch: int) -> int:
        """How many rows stand above a stretch."""
        span, place = divmod(stretch, SPAN)
        return int(self._above[span] + (self._inside(span)[place] if place else 0))

    def stretch_at(self, place: int) -> int:
        """The stretch in which the row with this number is."""
        span = int(np.searchsorted(self._above, place, "right")) - 1
        inside = np.searchsorted(self._inside(span), place - self._above[span], "right")
        return span * SPAN + int(inside) - 1

    def _inside(self, span: int) -> Counts:
        """How many rows of a span stand above each of its stretches, and in all of it."""
        if span not in self._within:
            if len(self._within) >= _KEPT:
                self._within.clear()
            within = np.cumsum([0, *self._counts_within(span)])
            # An amended row may pass by now: what was counted for all of the span holds.
            within[-1] = total = self._above[span + 1] - self._above[span]
            self._within[span] = np.minimum(within, total)
        return self._within[span]


class _View(ABC):
    """Rows of an order of which some are shown."""

    def __init__(self, matches: Matches) -> None:
        self.matches = matches
        self._tally = _Tally(lambda span: self._counts_within(span, self._done))
        self._done = 0
        """How many places of the order are counted."""
        self._found: dict[int, _Shown] = {}

    def __len__(self) -> int:
        return len(self._tally)

    def at(self, place: int) -> tuple[int, int]:
        """Source number and row at a place of the view."""
        stretch = self._tally.stretch_at(place)
        shown = self._shown(stretch)
        return split_ref(int(shown.refs[place - self._tally.above(stretch)]))

    def refs(self, first: int, stop: int) -> Refs:
        """References to the rows at these places."""
        stop = min(stop, len(self))
        if first >= stop:
            return np.zeros(0, np.int64)
        begin, end = self._tally.stretch_at(first), self._tally.stretch_at(stop - 1)
        parts = [self._shown(stretch).refs for stretch in range(begin, end + 1)]
        skipped = self._tally.above(begin)
        return np.concatenate(parts)[first - skipped : stop - skipped]

    def _above(self, place: int) -> int:
        """How many rows are shown of those above a place of the order."""
        if place >= self._done:
            return len(self)
        stretch = place // STRETCH
        shown = self._shown(stretch)
        return self._tally.above(stretch) + int(np.searchsorted(shown.places, place))

    def _shown(self, stretch: int) -> _Shown:
        shown = self._found.pop(stretch, None)
        if shown is None:
            first = stretch * STRETCH
            stop = min(first + STRETCH, self._done)
            count = self._tally.above(stretch + 1) - self._tally.above(stretch)
            shown = self._find(first, stop).of_size(count, stop - 1, self._ref_at(stop - 1))
        self._found[stretch] = shown
        if len(self._found) > _KEPT:
            del self._found[next(iter(self._found))]
        return shown

    def _count(self, place: int, stop: int) -> None:
        """Counts what is shown of the order from this place on anew."""
        stretch = place // STRETCH
        self._found = {k: shown for k, shown in self._found.items() if k < stretch}
        span, full = stretch // SPAN, stop // STRETCH // SPAN
        counts = self._counts(span * SPAN, full * SPAN, SPAN)
        if stop > full * SPAN * STRETCH:
            last = self._counts_within(full, stop).sum()
            counts = np.concatenate((counts, [last]))
        self._tally.count(span, counts)
        self._done = stop

    def _counts_within(self, span: int, end: int) -> Counts:
        """How many rows of each stretch of a span are shown, of the order up to `end`."""
        first, stop = span * SPAN, min((span + 1) * SPAN, end // STRETCH)
        counts = self._counts(first, stop, 1)
        if stop < (span + 1) * SPAN and end > stop * STRETCH:
            # Who follows looks at the last stretch next.
            if stop not in self._found:
                self._found[stop] = self._find(stop * STRETCH, end)
            counts = np.concatenate((counts, [len(self._found[stop].places)]))
        return counts

    @abstractmethod
    def _counts(self, first: int, stop: int, step: int) -> Counts:
        """How many rows are shown of each `step` stretches of these, all of which are full."""

    @abstractmethod
    def _find(self, first: int, stop: int) -> _Shown:
        """What is shown of the places first … stop-1 of the order, all of one stretch."""

    @abstractmethod
    def _ref_at(self, place: int) -> int:
        """The row at a place of the order."""


class LaneView(_View):
    """The rows of a lane that pass the filter, in file order."""

    def __init__(self, matches: Matches, lane: Lane) -> None:
        super().__init__(matches)
        self.lane = lane
        self._total = 0
        self._lane_kinds: Mask = np.empty(0, np.bool_)
        self._version: object = None
        self._decided: object = None

    @property
    def total(self) -> int:
        """How many rows the lane has, shown or not."""
        return self._total

    def place_of(self, source: int, row: int) -> int:
        """The place of this row, or of the first one shown after it."""
        return self._above(row) if source == self.lane.source else 0

    def update(self) -> int:
        """Takes in what is new; returns the first place that is not as before."""
        # The rows first: of those all kinds are known when the kinds are decided.
        stop = self.matches.snapshot[self.lane.source][1]
        matches = self.matches.of(self.lane.source)
        source = matches.source
        same = self._decide(source)
        version = (source.serial, matches.version)
        kept, place = len(self), self._done
        if version != self._version or not same:
            self._version, kept, place = version, 0, 0
        if stop > place or place == 0:
            source.count_kinds()
            self._count(place, stop)
            counts = source.kinds_of(stop)
            mine = self._lane_kinds.take(np.arange(len(counts)), mode="clip")
            self._total = int(counts[mine].sum())
        return kept

    def _decide(self, source: Source) -> bool:
        """Decides which kinds are the lane's; whether the known ones are as before."""
        decided = (source, source.kinds.revision)
        if decided == self._decided:
            return True
        self._decided = decided
        known, self._lane_kinds = self._lane_kinds, self.lane.kind_mask(source)
        return np.array_equal(self._lane_kinds[: len(known)], known)

    def _counts(self, first: int, stop: int, step: int) -> Counts:
        matches = self.matches.of(self.lane.source)
        if not matches.by_kind:
            bounds = np.arange(first, stop + 1, step) * STRETCH
            return matches.counts(bounds, self._lane_kinds)
        both = matches.kinds[: len(self._lane_kinds)] & self._lane_kinds[: len(matches.kinds)]
        counts = matches.source.kind_counts.passing([both], first, stop, step)
        size = step * STRETCH
        rest = [
            np.count_nonzero(both.take(matches.source.columns.kind[at : at + size], mode="clip"))
            for at in range(first * STRETCH + len(counts) * size, stop * STRETCH, size)
        ]
        return np.concatenate((counts, np.array(rest, np.int64)))

    def _find(self, first: int, stop: int) -> _Shown:
        matches = self.matches.of(self.lane.source)
        mine = self._lane_kinds.take(matches.source.columns.kind[first:stop], mode="clip")
        rows = np.flatnonzero(matches.mask(first, stop) & mine) + first
        return _Shown(rows, rows | join_ref(self.lane.source, 0))

    def _ref_at(self, place: int) -> int:
        return join_ref(self.lane.source, place)


class TimelineView(_View):
    """The rows of all sources that pass the filter, in the merged order."""

    def __init__(self, matches: Matches, merge: Merge) -> None:
        super().__init__(matches)
        self.merge = merge
        self._merged = merge.now
        """The order as it was when this was counted: rows may come while a thread counts."""
        self._versions: tuple[int, ...] = ()

    def place_of(self, source: int, row: int) -> int:
        """The place of this row, or of the first one shown after it in order."""
        place = self._merged.order.place_of(source, row)
        return len(self) if place is None else self._above(place)

    def update(self, changed: int) -> int:
        """Takes in what is new; `changed` is the first place of the order not as before.

        Returns the first place of the view that is not as before.
        """
        if self.matches.versions != self._versions:
            self._versions, changed = self.matches.versions, 0
        place = min(self._done, changed)
        kept = self._above(place) if place else 0
        self._merged = self.merge.now
        # Of sources that are newer than the filter's, nothing is decided yet.
        known = self._merged.order.sources <= len(self.matches.snapshot)
        self._count(place if known else 0, len(self._merged.order) if known else 0)
        return kept

    def _counts(self, first: int, stop: int, step: int) -> Counts:
        of = [self.matches.of(number) for number in range(len(self.matches.snapshot))]
        if all(matches.by_kind for matches in of):
            kinds = [matches.kinds for matches in of]
            return self._merged.kinds.passing(kinds, first, stop, step)
        above = self._merged.order.above[first : stop + 1 : step]
        counts = np.zeros(len(above) - 1, np.int64)
        for number, matches in enumerate(of):
            counts += matches.counts(above[:, number])
        return counts

    def _find(self, first: int, stop: int) -> _Shown:
        mask = np.zeros(stop - first, np.bool_)
        refs = np.empty(stop - first, np.int64)
        for number, (here, begin) in self._merged.order.parts(first, stop).items():
            end = begin + len(here)
            mask[here] = self.matches.of(number).mask(begin, end)
            refs[here] = refs_of(number, begin, end)
        places = np.flatnonzero(mask)
        return _Shown(places + first, refs[places])

    def _ref_at(self, place: int) -> int:
        return self._merged.order[place]
