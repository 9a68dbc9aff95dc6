"""Which rows of each source pass a filter, shared by all views that show it.

It is decided anew only where something that was decided on has changed (a rank learned late, a
source begun anew).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pdtui.core.growable import Growable
from pdtui.core.query import Filter
from pdtui.core.source import Source
from pdtui.core.stamps import NO_TIME
from pdtui.core.store import Snapshot
from pdtui.core.textsearch import rows_holding

SEARCH_ROWS = 20_000
"""Rows whose text is searched in one turn (a few megabytes, some milliseconds)."""

Mask = npt.NDArray[np.bool_]
_NO_KIND: Mask = np.zeros(1, np.bool_)


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

    @property
    def by_kind(self) -> bool:
        """Whether a row's kind decides alone."""
        return not (self.window or self.filter.texts)

    @property
    def kinds(self) -> Mask:
        """Which kinds pass; at least one entry, for kinds that came after the decision."""
        return self._kinds if len(self._kinds) else _NO_KIND

    def counts(
        self, bounds: npt.NDArray[np.int64], kinds: Mask | None = None
    ) -> npt.NDArray[np.int64]:
        """How many rows (of some kinds, or of all) pass between each two of these row numbers."""
        first, stop = int(bounds[0]), int(bounds[-1])
        mask = self.mask(first, stop)
        if kinds is not None:
            mask &= kinds.take(self.source.columns.kind[first:stop], mode="clip")
        return np.diff(np.searchsorted(np.flatnonzero(mask), bounds - first))

    def mask(self, first: int, stop: int) -> Mask:
        """Which of the rows first … stop-1 pass."""
        columns = self.source.columns
        # An unfinished last row may be amended to a kind that is newer than the decision; its
        # amendment brings a new decision, until when any answer will do.
        mask = self.kinds.take(columns.kind[first:stop], mode="clip")
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
