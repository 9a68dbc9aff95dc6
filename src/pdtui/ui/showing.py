"""What the panes show, as one state: rows in order, and which of them pass the filter.

Of many rows that takes longer than a key may wait. So it is made on a thread and then adopted,
and the old one stays in sight, and goes on, meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pdtui.core.lanes import Lane
from pdtui.core.matches import Matches
from pdtui.core.merge import Merge
from pdtui.core.query import Filter
from pdtui.core.store import Snapshot
from pdtui.core.view import LaneView, TimelineView
from pdtui.follow.tail import TailSource

AT_ONCE = 200_000
"""Rows that are put in order before the next key; more are on a thread."""
NEW_AT_ONCE = 30_000
"""The same at least of rows that are added to sources that are shown: some 30 ms."""
_SHARE_AT_ONCE = 4
"""Where more wait, one in so many: an update takes 10 ms for whatever there is, and 0.2 µs a row.
So with larger ones a machine that has much else to do does not fall behind for ever."""
FILTERED_AT_ONCE = 5_000_000
"""The same of rows that are filtered by their times."""
_SEARCHED_AT_ONCE = 50_000
"""The same of rows whose text is searched."""
_NONE = 2**62


@dataclass(slots=True)
class Showing:
    """The order of the rows, the filter, and the views of both."""

    merge: Merge
    matches: Matches
    timeline: TimelineView = field(init=False)
    views: dict[Lane, LaneView] = field(default_factory=dict)
    changed: int = _NONE
    """The first place of the order that is no longer as it was when this was begun."""

    def __post_init__(self) -> None:
        self.timeline = TimelineView(self.matches, self.merge)

    @property
    def filter(self) -> Filter:
        """What the rows have to pass."""
        return self.matches.filter

    @property
    def is_filled_slowly(self) -> bool:
        """Whether to find the rows that pass takes longer than a key may wait.

        What a kind decides is counted already, for any number of rows.
        """
        rows = sum(size for _, size in self.matches.snapshot)
        if self.filter.texts:
            return rows > _SEARCHED_AT_ONCE
        return rows > FILTERED_AT_ONCE and not self.filter.by_kind

    def fill(self, lanes: list[Lane], given_up: Callable[[], bool]) -> bool:
        """Finds the rows that pass; False where it was given up before it was done."""
        for _ in self.matches.search():
            if given_up():
                return False
        self.timeline.update(0)
        for lane in lanes:
            self.views[lane] = LaneView(self.matches, lane)
            self.views[lane].update()
        return not given_up()


def showing_of(snapshot: Snapshot, wanted: Filter, merge: Merge) -> Showing:
    """The state of these rows, before it is filled."""
    matches = Matches(wanted)
    matches.refresh(snapshot)
    return Showing(merge, matches)


def tails_in(snapshot: Snapshot) -> list[TailSource]:
    """The sources of which only the last lines are shown."""
    return [source for source, _ in snapshot if isinstance(source, TailSource)]


def portion(now: Snapshot, shown: Snapshot) -> Snapshot:
    """As much of what there is now, beyond what is shown, as goes at once: a share of each source.

    Of sources that are not shown yet, all.
    """
    begun = {id(source): size for source, size in shown}
    new = [size - begun.get(id(source), size) for source, size in now]
    most = min(max(NEW_AT_ONCE, sum(new) // _SHARE_AT_ONCE), AT_ONCE)
    if sum(new) <= most:
        return now
    shares = [-(-count * most // sum(new)) for count in new]
    return [
        (source, size - count + share)
        for (source, size), count, share in zip(now, new, shares, strict=True)
    ]
