"""What the screen shows, apart from how: lanes, the merged order, the filter, the views.

No widget and no thread: the app calls `update` when the store has grown and paints what the
views hold then.
"""

from __future__ import annotations

import time

import numpy as np

from pdtui.core.describe import Describer, Row
from pdtui.core.kinds import KindTable
from pdtui.core.lanes import Lane, Split, lanes_of
from pdtui.core.matches import Matches
from pdtui.core.merge import Merge
from pdtui.core.query import Filter
from pdtui.core.refs import split_ref
from pdtui.core.roles import roles
from pdtui.core.source import Source
from pdtui.core.stamps import NO_TIME
from pdtui.core.store import Snapshot, Store
from pdtui.core.view import LaneView, TimelineView
from pdtui.ui.insight import Insight

_LATE_SHOWN = 4.0
"""Seconds for which it is said that rows came late."""


class Session:
    """The state behind the screen."""

    def __init__(
        self, store: Store, *, wanted: Filter, split: Split, offsets: dict[str, int]
    ) -> None:
        self.store = store
        self.split = split
        self.offsets = offsets
        """What the command line corrects the sources' clocks by: label → microseconds."""
        self.merge = Merge(offsets)
        self.insight = Insight()
        self.matches = Matches(wanted)
        self.lanes: list[Lane] = []
        self.timeline = TimelineView(self.matches, self.merge)
        self.revision = -1
        self._late = (0, 0, 0.0)
        """How many rows had come late before, how many then did, and when."""
        self._views: dict[Lane, LaneView] = {}
        self._describers: dict[int, Describer] = {}

    @property
    def filter(self) -> Filter:
        """The filter that the views show now."""
        return self.matches.filter

    @property
    def rows(self) -> int:
        """How many rows there are, shown or not."""
        return sum(size for _, size in self.matches.snapshot)

    @property
    def newest(self) -> int | None:
        """The time of the newest row in order, None where no row has any."""
        if not len(self.merge):
            return None
        source, row = split_ref(self.merge.refs[-1])
        time = int(self.store.sources[source].columns.when[row])
        return None if time == NO_TIME else time

    def update(self) -> bool:
        """Takes in what the store has gained; whether the lanes are others now."""
        self.revision = self.store.revision
        snapshot = self.store.snapshot()
        changed = self.merge.update(snapshot)
        self.matches.refresh(snapshot)
        self.timeline.update(changed)
        self.insight.update(snapshot, self.merge)
        if self.merge.late != sum(self._late[:2]):
            before = sum(self._late[:2])
            self._late = (before, self.merge.late - before, time.monotonic())
        # Ranks turn up while the logs are read; panes are made once, when all is read.
        lanes = self.lanes if self.lanes and not self.store.loaded else self._lanes(snapshot)
        new_lanes, self.lanes = lanes != self.lanes, lanes
        for lane in set(self._views) - set(lanes):
            del self._views[lane]
        for view in self._views.values():
            view.update()
        return new_lanes

    def correct_clocks(self, corrections: dict[str, int]) -> None:
        """Orders the rows anew, by clocks corrected by so many microseconds a label.

        They come on top of what the command line said.
        """
        labels = {*self.offsets, *corrections}
        offsets = {name: self.offsets.get(name, 0) + corrections.get(name, 0) for name in labels}
        self.merge = Merge(offsets)
        self._late = (0, 0, 0.0)
        self.timeline = TimelineView(self.matches, self.merge)
        self.update()

    def _lanes(self, snapshot: Snapshot) -> list[Lane]:
        return lanes_of([source for source, _ in snapshot], self.split)

    @property
    def just_late(self) -> int:
        """How many rows came late within the last seconds."""
        return self._late[1] if time.monotonic() - self._late[2] < _LATE_SHOWN else 0

    def lane_view(self, lane: Lane) -> LaneView:
        """The view of a lane, made when it is first asked for."""
        if lane not in self._views:
            self._views[lane] = LaneView(self.matches, lane)
            self._views[lane].update()
        return self._views[lane]

    def prepare(self, wanted: Filter) -> Matches:
        """Matches for another filter, to be searched (perhaps on a thread) and then adopted."""
        matches = Matches(wanted)
        matches.refresh(self.matches.snapshot)
        return matches

    def adopt(self, matches: Matches) -> None:
        """Shows what passes another filter."""
        matches.refresh(self.matches.snapshot)
        self.matches = matches
        self.timeline = TimelineView(matches, self.merge)
        self.timeline.update(0)
        self._views = {}

    def describe(self, number: int, row: int) -> Row:
        """Everything known of a row."""
        return self._describer(number).describe(row)

    def facts(self, number: int, row: int) -> dict[str, str]:
        """What the process that wrote a row said of itself."""
        return self._describer(number).facts(row)

    def source_at(self, number: int) -> Source:
        """The source with this number."""
        return self.store.sources[number]

    def roles_of_only_source(self) -> list[str]:
        """The different roles of the rows, where there is but one source."""
        source = self.store.sources[0]
        return sorted({role for role in roles(source) if role}) if len(source) else []

    def present_markers(self) -> dict[str, int]:
        """The markers that occur → how many rows have them, most frequent first."""
        counts: dict[str, int] = {}
        for source, size in self.matches.snapshot:
            for emojis, count in _counts(source, size):
                for emoji in emojis:
                    counts[emoji] = counts.get(emoji, 0) + count
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def present_ranks(self) -> dict[tuple[str, int], int]:
        """Source and rank → how many rows."""
        counts: dict[tuple[str, int], int] = {}
        for source, size in self.matches.snapshot:
            ranks = source.kinds.ranks()
            for number, count in enumerate(_kind_counts(source, size)):
                if count and number < len(ranks) and (rank := ranks[number]):
                    key = (source.label, rank.value)
                    counts[key] = counts.get(key, 0) + count
        return dict(sorted(counts.items()))

    def _describer(self, number: int) -> Describer:
        source = self.store.sources[number]
        known = self._describers.get(number)
        if known is None or known.source is not source:
            known = self._describers[number] = Describer(source)
        return known


def _kind_counts(source: Source, size: int) -> list[int]:
    """How many rows each kind has."""
    counts: list[int] = np.bincount(source.columns.kind[:size], minlength=1).tolist()
    return counts


def _counts(source: Source, size: int) -> list[tuple[tuple[str, ...], int]]:
    kinds: KindTable = source.kinds
    return [
        (kinds.marker_sets[kinds.kinds[number].markers], count)
        for number, count in enumerate(_kind_counts(source, size))
        if count
    ]
