"""Which rows a pane shows: those of a lane, or of all sources in order, that pass the filter.

A view is extended as rows arrive; it is made anew only where something that it had decided on
has changed (another filter, a rank learned late, a source begun anew).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pdtui.core.growable import Growable
from pdtui.core.lanes import Lane
from pdtui.core.merge import Merge, Refs, join_ref, row_numbers, source_numbers, split_ref
from pdtui.core.query import Filter
from pdtui.core.source import Source
from pdtui.core.stamps import NO_TIME
from pdtui.core.store import Snapshot
from pdtui.core.textsearch import rows_holding

SEARCH_ROWS = 20_000
"""Rows whose text is searched in one turn (a few megabytes, some milliseconds)."""

Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class SourceMatches:
    """Which rows of one source pass a filter, extended as rows arrive."""

    source: Source
    filter: Filter
    window: tuple[int, int] | None = None
    version: int = 0
    """Raised when rows that had been decided on turn out otherwise."""
    _kinds: Mask = field(default_factory=lambda: np.empty(0, np.bool_))
    _texts: Growable[np.bool_] = field(default_factory=lambda: Growable(np.bool_))
    _sure: int = 0
    """Rows whose text was whole when it was searched."""
    _end: int = 0
    """Where the source ended then."""
    _revision: int = -1
    _amendments: int = 0
    _misdecoded: bool = False

    def refresh(self) -> None:
        """Decides on kinds that are new, and on those whose rank is known better now."""
        if self.source.kinds.revision != self._revision:
            self._revision = self.source.kinds.revision
            kinds = self.filter.kind_mask(self.source)
            if not np.array_equal(kinds[: len(self._kinds)], self._kinds):
                self.version += 1
            self._kinds = kinds
        if self.source.amendments != self._amendments:
            self._amendments = self.source.amendments
            self.version += 1
        if self.source.kinds.misdecoded != self._misdecoded:
            # Text that was searched may hold markers in another form than they were looked for.
            self._misdecoded = self.source.kinds.misdecoded
            self._texts.replace(0, np.empty(0, np.bool_))
            self.version += 1
        if len(self._texts) > self._sure and self.source.end != self._end:
            # A last line that was not whole has grown: it may hold what it did not.
            self._texts.replace(self._sure, np.empty(0, np.bool_))
            self.version += 1

    def search(self, stop: int) -> None:
        """Reads the text of the rows up to `stop`, if the filter asks for any."""
        first = len(self._texts)
        if not self.filter.texts or stop <= first:
            return
        self._sure, self._end = self.source.whole, self.source.end
        found = np.ones(stop - first, np.bool_)
        for item in self.filter.texts:
            held = rows_holding(self.source, item.pattern_for(self.source), first, stop)
            found &= ~held if item.excluded else held
        self._texts.extend(found)

    def mask(self, first: int, stop: int) -> Mask:
        """Which of the rows first … stop-1 pass."""
        columns = self.source.columns
        # An unfinished last row may be amended to a kind that is newer than the decision; its
        # amendment brings a new decision, until when any answer will do.
        mask = self._kinds.take(columns.kind[first:stop], mode="clip")
        if self.window:
            when = columns.when[first:stop]
            mask &= (when != NO_TIME) & (when >= self.window[0]) & (when <= self.window[1])
        if self.filter.texts:
            self.search(stop)
            mask &= self._texts.values[first:stop]
        return mask


class Matches:
    """Which rows of all sources pass one filter; shared by all views that show it."""

    def __init__(self, wanted: Filter) -> None:
        self.filter = wanted
        self.snapshot: Snapshot = []
        self._of_source: list[SourceMatches] = []
        self._window: tuple[int, int] | None = None

    def refresh(self, snapshot: Snapshot) -> None:
        """Takes in new sources and what was learned of the old ones."""
        self.snapshot = snapshot
        if self._window is None and any(size for _, size in snapshot):
            self._window = self.filter.time_window(newest_time(snapshot))
            self._of_source = self._of_source if self._window is None else []
        del self._of_source[len(snapshot) :]
        for number, (source, _) in enumerate(snapshot):
            if number == len(self._of_source):
                self._of_source.append(SourceMatches(source, self.filter, self._window))
            known = self._of_source[number]
            if known.source is not source:
                known = SourceMatches(source, self.filter, self._window, known.version + 1)
                self._of_source[number] = known
            known.refresh()

    def search(self) -> Iterator[None]:
        """Reads all text that the filter asks for, a stretch a turn, so that it can be given up."""
        for matches, (_, size) in zip(list(self._of_source), self.snapshot, strict=True):
            for stop in range(SEARCH_ROWS, size + SEARCH_ROWS, SEARCH_ROWS):
                matches.search(min(stop, size))
                yield

    @property
    def versions(self) -> tuple[int, ...]:
        """Changes whenever rows that had been decided on turn out otherwise."""
        return tuple(matches.version for matches in self._of_source)

    def of(self, number: int) -> SourceMatches:
        """The matches of one source."""
        return self._of_source[number]


def newest_time(snapshot: Snapshot) -> int:
    """The time of the newest row, 0 where none has any."""
    newest = [int(source.columns.when[size - 1]) for source, size in snapshot if size]
    return max((time for time in newest if time != NO_TIME), default=0)


class LaneView:
    """The rows of a lane that pass the filter, in file order."""

    def __init__(self, matches: Matches, lane: Lane) -> None:
        self.matches = matches
        self.lane = lane
        self._rows: Growable[np.int64] = Growable(np.int64)
        self._done = 0
        self._lane_kinds: Mask = np.empty(0, np.bool_)
        self._version: object = None

    total: int = 0
    """How many rows the lane has, shown or not."""

    def __len__(self) -> int:
        return len(self._rows)

    def at(self, place: int) -> tuple[int, int]:
        """Source number and row at a place of the view."""
        return self.lane.source, int(self._rows.values[place])

    def refs(self, first: int, stop: int) -> Refs:
        """References to the rows at these places."""
        return self._rows.values[first:stop] | join_ref(self.lane.source, 0)

    def place_of(self, source: int, row: int) -> int:
        """The place of this row, or of the first one shown after it."""
        return int(np.searchsorted(self._rows.values, row)) if source == self.lane.source else 0

    def update(self) -> int:
        """Takes in what is new; returns the first place that is not as before."""
        matches = self.matches.of(self.lane.source)
        source = matches.source
        kinds = self.lane.kind_mask(source)
        same = np.array_equal(kinds[: len(self._lane_kinds)], self._lane_kinds)
        version = (id(source), matches.version)
        self._lane_kinds = kinds
        if version != self._version or not same:
            self._version, self._done, self.total = version, 0, 0
            self._rows = Growable(np.int64)
        first, stop = self._done, self.matches.snapshot[self.lane.source][1]
        before = len(self._rows)
        if stop > first:
            mine = kinds.take(source.columns.kind[first:stop], mode="clip")
            self.total += int(mine.sum())
            mask = matches.mask(first, stop) & mine
            self._rows.extend(np.flatnonzero(mask) + first)
            self._done = stop
        return before


class TimelineView:
    """The rows of all sources that pass the filter, in the merged order."""

    def __init__(self, matches: Matches, merge: Merge) -> None:
        self.matches = matches
        self.merge = merge
        self._places: Growable[np.int64] = Growable(np.int64)
        """Places in the merged order."""
        self._done = 0
        self._versions: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self._places)

    def at(self, place: int) -> tuple[int, int]:
        """Source number and row at a place of the view."""
        return split_ref(int(self.merge.refs[self._places.values[place]]))

    def refs(self, first: int, stop: int) -> Refs:
        """References to the rows at these places."""
        return self.merge.refs[self._places.values[first:stop]]

    def place_of(self, source: int, row: int) -> int:
        """The place of this row, or of the first one shown after it in order."""
        merged = np.flatnonzero(self.merge.refs == join_ref(source, row))
        return int(np.searchsorted(self._places.values, merged[0])) if len(merged) else len(self)

    def update(self, changed: int) -> int:
        """Takes in what is new; `changed` is the first place of the order not as before.

        Returns the first place of the view that is not as before.
        """
        if self.matches.versions != self._versions:
            self._versions, changed = self.matches.versions, 0
        done = min(self._done, changed)
        kept = int(np.searchsorted(self._places.values, done))
        refs = self.merge.refs[done:]
        self._places.replace(kept, np.flatnonzero(self._mask(refs)) + done)
        self._done = done + len(refs)
        return kept

    def _mask(self, refs: npt.NDArray[np.int64]) -> Mask:
        mask = np.zeros(len(refs), np.bool_)
        numbers, rows = source_numbers(refs), row_numbers(refs)
        for number in range(len(self.matches.snapshot)):
            here = np.flatnonzero(numbers == number)
            if len(here):
                mine = rows[here]
                first, stop = int(mine[0]), int(mine[-1]) + 1
                mask[here] = self.matches.of(number).mask(first, stop)[mine - first]
        return mask
