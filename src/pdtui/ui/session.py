"""What the screen shows, apart from how: lanes, the merged order, the filter, the views.

No widget and no thread: the app calls `update` when the store has grown and paints what the
views hold then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

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
from pdtui.follow.allocator import give_back_memory
from pdtui.follow.tail import TailSource
from pdtui.ui.insight import Insight
from pdtui.ui.showing import AT_ONCE, Showing, portion, showing_of, tails_in

_LEARN_EVERY = 0.4
"""Seconds between two times that new rows are taken into what is known of the run: in a flood
that costs as much as to show them."""
_SHARE, _SHARE_BEHIND = 10, 3
"""How many times as long as it took it rests then; while there is a backlog, less."""
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
        self.showing = Showing(Merge(offsets), Matches(wanted))
        self._prepared: Showing | None = None
        """The state for another filter that may be on its way."""
        self.insight = Insight()
        self.lanes: list[Lane] = []
        self._held_back = False
        """Whether the last update left rows for the next one."""
        self._seen_tails = False
        self.revision = -1
        self.renumbered: dict[int, TailSource] = {}
        """The tails (by source number) in whose place the last update put the whole sources."""
        self.begun_anew: set[int] = set()
        """The numbers of sources in whose place it put others: the rows of those are gone."""
        self._late = (0, 0, 0.0)
        """How many rows had come late before, how many then did, and when."""
        self._learned = self._rest_until = 0.0
        """When the rows were last taken into what is known of the run, and when again at most."""
        self._describers: dict[int, Describer] = {}

    @property
    def filter(self) -> Filter:
        """The filter that the views show now."""
        return self.showing.filter

    @property
    def merge(self) -> Merge:
        """The order of all rows."""
        return self.showing.merge

    @property
    def matches(self) -> Matches:
        """Which rows pass the filter."""
        return self.showing.matches

    @property
    def timeline(self) -> TimelineView:
        """The rows of all sources that pass, in order."""
        return self.showing.timeline

    @property
    def sources(self) -> list[Source]:
        """The sources whose rows are shown; the store may be ahead for a moment."""
        return [source for source, _ in self.matches.snapshot] or list(self.store.sources)

    @property
    def loaded(self) -> bool:
        """Whether all that was there at the start is shown."""
        return self.store.loaded and not self.tails

    @property
    def tails(self) -> list[TailSource]:
        """The sources of which only the last lines are shown."""
        return tails_in(self.matches.snapshot)

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
        time = int(self.source_at(source).columns.when[row])
        return None if time == NO_TIME else time

    def update(self) -> bool:
        """Takes in what the store has gained; whether the lanes are others now.

        What would take too long at once stays as it was, see `behind`.
        """
        self.revision = self.store.revision
        snapshot = self._within_reach()
        self._renumber(snapshot)
        changed = self.merge.update(snapshot)
        self.matches.refresh(snapshot)
        if self._prepared is not None:
            self._prepared.changed = min(self._prepared.changed, changed)
        self.timeline.update(changed)
        if time.monotonic() > self._learned + _LEARN_EVERY:
            self.learn()
        if self.merge.late != sum(self._late[:2]):
            before = sum(self._late[:2])
            self._late = (before, self.merge.late - before, time.monotonic())
        lanes = self._lanes(snapshot) if not self.lanes or self._tells_lanes() else self.lanes
        new_lanes, self.lanes = lanes != self.lanes, lanes
        views = self.showing.views
        for lane in set(views) - set(lanes):
            del views[lane]
        for view in views.values():
            view.update()
        return new_lanes

    def learn(self) -> None:
        """Takes the new rows into what is known of the run, for a small share of the time."""
        began = time.monotonic()
        if began < self._rest_until:
            return
        self.insight.update(self.matches.snapshot, self.merge)
        self._learned = time.monotonic()
        share = _SHARE_BEHIND if self.insight.handshakes.behind else _SHARE
        self._rest_until = self._learned + share * (self._learned - began)

    def _within_reach(self) -> Snapshot:
        """What the store has now, but for sources begun anew with more rows than go at once.

        And of the others no more rows than keys may wait for.
        """
        now, shown = self.store.snapshot(), self.matches.snapshot
        if shown and self.behind:
            now = [
                entry if entry[0] is source else (source, len(source))
                for entry, (source, _) in zip(now, shown, strict=True)
            ]
        within = portion(now, shown)
        self._held_back = within != now
        return within

    @property
    def has_more(self) -> bool:
        """Whether there is more than the last update took in: read already, or still in files."""
        return self._held_back or self.store.behind

    @property
    def behind(self) -> bool:
        """Whether sources began anew with more rows than can be shown at once: see `ahead`."""
        pairs = zip(self.store.snapshot(), self.matches.snapshot, strict=False)
        return sum(size for (now, size), (shown, _) in pairs if now is not shown) > AT_ONCE

    def ahead(self, given_up: Callable[[], bool]) -> Showing | None:
        """All that the store has, to be made on a thread and then adopted; None if given up."""
        snapshot = self.store.snapshot()
        wanted, merge = self.filter, Merge(self.merge.offsets)
        merge.update(snapshot)
        showing = showing_of(snapshot, wanted, merge)
        done = showing.fill(self._lanes(snapshot), given_up)
        give_back_memory()
        return showing if done else None

    def adopt_ahead(self, showing: Showing) -> bool:
        """Shows what was made of all that the store has; False where other is asked for now."""
        if showing.filter != self.filter or showing.merge.offsets != self.merge.offsets:
            return False
        self._renumber(showing.matches.snapshot)
        renumbered, begun_anew = self.renumbered, self.begun_anew
        self.showing, self._late = showing, (showing.merge.late, 0, 0.0)
        self.update()
        self.renumbered = {**renumbered, **self.renumbered}
        self.begun_anew |= begun_anew
        return True

    def _renumber(self, snapshot: Snapshot) -> None:
        """Notes which tails are left for their whole sources, and which sources for new ones."""
        self.renumbered, self.begun_anew = {}, set()
        for number, ((source, _), (now, _)) in enumerate(
            zip(self.matches.snapshot, snapshot, strict=False)
        ):
            if source is now:
                continue
            if isinstance(source, TailSource):
                source.shown = False
                if source.became is now:
                    self.renumbered[number] = source
                    continue
            self.begun_anew.add(number)

    def correct_clocks(self, corrections: dict[str, int]) -> None:
        """Orders the rows anew, by clocks corrected by so many microseconds a label.

        They come on top of what the command line said.
        """
        labels = {*self.offsets, *corrections}
        offsets = {name: self.offsets.get(name, 0) + corrections.get(name, 0) for name in labels}
        views = self.showing.views
        self.showing = Showing(Merge(offsets), self.matches, views)
        self._late = (0, 0, 0.0)
        self.update()

    def _tells_lanes(self) -> bool:
        """Whether the rows tell which panes there are: when all is read, and once from the tails.

        Ranks turn up while the logs are read, and panes that come and go are of no use.
        """
        if self.loaded:
            return True
        tails = self.tails
        first = bool(tails) and not self._seen_tails and all(map(len, tails))
        self._seen_tails |= first
        return first

    def _lanes(self, snapshot: Snapshot) -> list[Lane]:
        return lanes_of([source for source, _ in snapshot], self.split)

    @property
    def just_late(self) -> int:
        """How many rows came late within the last seconds."""
        return self._late[1] if time.monotonic() - self._late[2] < _LATE_SHOWN else 0

    def lane_view(self, lane: Lane) -> LaneView:
        """The view of a lane, made when it is first asked for."""
        views = self.showing.views
        if lane not in views:
            views[lane] = LaneView(self.matches, lane)
            views[lane].update()
        return views[lane]

    def prepare(self, wanted: Filter) -> Showing:
        """The state for another filter, to be filled (perhaps on a thread) and then adopted."""
        self._prepared = showing_of(self.matches.snapshot, wanted, self.merge)
        return self._prepared

    def adopt(self, showing: Showing) -> None:
        """Shows what passes another filter."""
        showing.matches.refresh(self.matches.snapshot)
        if showing.merge is not self.merge:
            showing = Showing(self.merge, showing.matches)
        self.showing, self._prepared = showing, None
        self.timeline.update(showing.changed)
        for view in showing.views.values():
            view.update()

    def describe(self, number: int, row: int, line: bytes | None = None) -> Row:
        """Everything known of a row; of one in a tail, its line is not (0).

        `line` is its text, where it has been read already.
        """
        described = self._describer(number).describe(row, line)
        return replace(described, line=0) if self._is_tail(number) else described

    def _is_tail(self, number: int) -> bool:
        return isinstance(self.source_at(number), TailSource)

    def facts(self, number: int, row: int) -> dict[str, str]:
        """What the process that wrote a row said of itself."""
        return self._describer(number).facts(row)

    def source_at(self, number: int) -> Source:
        """The source with this number."""
        return self.sources[number]

    def roles_of_only_source(self) -> list[str]:
        """The different roles of the rows, where there is but one source."""
        source = self.source_at(0)
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
            for number, count in enumerate(source.kinds_of(size).tolist()):
                if count and number < len(ranks) and (rank := ranks[number]):
                    key = (source.label, rank.value)
                    counts[key] = counts.get(key, 0) + count
        return dict(sorted(counts.items()))

    def _describer(self, number: int) -> Describer:
        source = self.source_at(number)
        known = self._describers.get(number)
        if known is None or known.source is not source:
            known = self._describers[number] = Describer(source)
        return known


def _counts(source: Source, size: int) -> list[tuple[tuple[str, ...], int]]:
    kinds: KindTable = source.kinds
    return [
        (kinds.marker_sets[kinds.kinds[number].markers], count)
        for number, count in enumerate(source.kinds_of(size).tolist())
        if count
    ]
