"""The viewer's looks at the whole run: who waits, what is wrong, clocks, and the views of these."""

from __future__ import annotations

import threading
import time

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from pdtui.core.evidence import Place
from pdtui.core.problems import Problem
from pdtui.follow.processes import ThisHost
from pdtui.ui import status
from pdtui.ui.handshakes import HandshakesOverview
from pdtui.ui.overview import Overview, OverviewPane
from pdtui.ui.problemfinder import Presence, ProblemFinder
from pdtui.ui.requests import RequestsOverview
from pdtui.ui.rows import RowsView
from pdtui.ui.statsview import StatsOverview
from pdtui.ui.viewer import Viewer

_LOOK_EVERY = 0.5
"""Seconds between two looks at who waits: a stall shows within a second of its threshold."""
_LOOK_SHARE = 15
"""How many times as long as a look took the next one waits."""
_IN_TORRENT = 30.0
"""Seconds between two times that problems are looked for while thousands of rows a second come."""
_TOO_MANY = 500_000
"""Rows from which on that waits for the torrent's end: it takes a second for so many."""
_AT_REST, _NOTHING_WAITS = 0.9, 4.0
"""Seconds for which it waits longer where no row has come, and where there is nothing to wait for:
then only a process that ends can be news."""
_OPEN = "-overview"
"""The class of the screen while a view is open."""


class ProblemsFound(Message):
    """`check`'s answer is there."""

    def __init__(self, problems: list[Problem], failure: str = "") -> None:
        super().__init__()
        self.problems = problems
        self.failure = failure


class Overviews(Viewer):
    """The viewer with its views beside the log."""

    _look_at, _looked_at = 0.0, -1
    _find_at = 0.0
    answers = 0
    """How often it was found out what is wrong."""

    def compose(self) -> ComposeResult:
        """Textual: the view stands where the panes are."""
        self._finder, self._presence = ProblemFinder(), Presence(ThisHost())
        self.overviews: list[Overview] = [
            HandshakesOverview(self.session, ascii_only=self.ascii_only),
            RequestsOverview(self.session),
            StatsOverview(self.session),
        ]
        for widget in super().compose():
            yield widget
            if isinstance(widget, RowsView):
                yield OverviewPane(self.overviews[0], ascii_only=self.ascii_only)

    async def on_mount(self) -> None:
        """Textual: looks now and then at what only time changes."""
        self.set_interval(_LOOK_EVERY, self._look_now_and_then)

    # Who waits, and what is wrong

    def _look_now_and_then(self) -> None:
        """Looks, and then not before a look is a small share of the time; seldom at rest."""
        began = time.monotonic()
        # While the program ends there is no screen any more.
        if not self._is_up or began < self._look_at + self._longer:
            return
        self._looked_at = self.session.revision
        self._look()
        self._look_at = began + _LOOK_SHARE * (time.monotonic() - began)

    @property
    def _longer(self) -> float:
        """Seconds for which the next look waits longer than the last one took to be affordable."""
        if self.session.revision != self._looked_at:
            return 0.0
        on_the_way = self.session.insight.waits or self._finder.waits or self.overview is not None
        return _AT_REST if on_the_way else _NOTHING_WAITS

    def _look(self) -> None:
        if not self._is_up or not self.session.loaded or self.frozen is not None:
            return
        self.session.learn()
        insight = self.session.insight
        if self._presence.look(insight.clocks.snapshot):
            insight.gone = self._presence.gone
            self._finder.expire()
        waiting = [stall.waiting for stall in insight.stalls]
        insight.look(live=self.live)
        if waiting != [stall.waiting for stall in insight.stalls]:
            self._finder.expire()  # what a stall explains is no problem of its own
        # In a torrent each look at all rows would hold up the new ones for as long as it takes.
        too_early = time.monotonic() < self._find_at or len(self.session.merge) > _TOO_MANY
        later = self._pace.in_torrent and too_early
        if self._finder.is_due(insight.clocks.snapshot) and not later:
            self._find_at = time.monotonic() + _IN_TORRENT
            self._finder.begin()
            # A daemon: who quits need not wait until all rows were looked at.
            threading.Thread(
                target=self._find_problems,
                args=(insight.now is not None,),
                name="pdtui-problems",
                daemon=True,
            ).start()
        if self.overview is not None:
            self.overview_pane.update()
        self._show_problem()

    def _find_problems(self, growing: bool) -> None:
        """Runs on a thread of its own; an error there must not take the screen away."""
        insight = self.session.insight
        clocks, skews, gone = insight.clocks, list(insight.skews), list(insight.gone)
        try:
            found = self._finder.find(clocks.snapshot, dict(clocks.offsets), skews, gone, growing)
        except Exception as error:  # said in the status line: nobody else would hear of it
            self.post_message(ProblemsFound([], f"{type(error).__name__}: {error}"))
        else:
            self.post_message(ProblemsFound(found))

    @on(ProblemsFound)
    def _problems_found(self, event: ProblemsFound) -> None:
        self._finder.busy = False
        self.answers += 1
        insight = self.session.insight
        insight.problems, insight.failure = event.problems, event.failure
        self._show_problem()

    # Clocks

    def action_correct_clocks(self) -> None:
        """Orders the rows by clocks that agree, or by the stamps again."""
        session = self.session
        if session.merge.offsets != session.offsets:
            session.correct_clocks({})
            self._reordered("the rows are ordered by their own stamps again")
        elif corrections := session.insight.corrections():
            said = ", ".join(f"{name} {offset / 1e6:+g} s" for name, offset in corrections.items())
            session.correct_clocks(corrections)
            self._reordered(f"clocks corrected: {said}; C takes it back")
        else:
            self.say("no two clocks are known to differ")

    def _reordered(self, said: str) -> None:
        self.timeline.show(self.session.timeline)
        self._finder.expire()
        self._look()
        self.show_lines()
        self.say(said)

    # Views

    @property
    def overview_pane(self) -> OverviewPane:
        """Where a view is shown."""
        return self.screen_stack[0].query_one(OverviewPane)

    @property
    def overview(self) -> Overview | None:
        """The view that is open, None while the log is on the screen."""
        is_open = self.screen_stack[0].has_class(_OPEN)
        return self.overview_pane.overview if is_open else None

    @property
    def main_widget(self) -> Widget:
        """What has the keys where no input has them: the open view's list, or a pane."""
        return self.pane if self.overview is None else self.overview_pane.list

    def action_view(self, step: int) -> None:
        """Goes to the next view, or the one before; the log is one of them."""
        places: list[Overview | None] = [None, *self.overviews]
        self.show_overview(places[(places.index(self.overview) + step) % len(places)])

    def show_overview(self, overview: Overview | None) -> None:
        """Shows a view, or the log."""
        self.screen_stack[0].set_class(overview is not None, _OPEN)
        self.hints = status.HINTS if overview is None else status.view_hints(overview.leads_to_rows)
        if overview is not None:
            self._pane = self.pane
            self.overview_pane.show(overview)
        self.give_focus(self.main_widget)
        self.show_lines()

    def action_to_row(self) -> None:
        """Leaves the view for the row that tells most of what is chosen in it."""
        row = self.overview_pane.chosen_row
        if row is None:
            self.say("no row tells of it")
            return
        self.show_overview(None)
        self.go_to_row(row)

    def _centre(self, place: int) -> None:
        """Shows what is above and below the row, if the cursor is still on it."""
        if self._is_up and self.timeline.cursor == place:
            self.timeline.go_to(place, centre=True)

    def go_to_row(self, where: Place) -> None:
        """Puts the timeline's cursor on a row, as far as the filters show it."""
        self.focus_pane(self.timeline)
        view = self.timeline.view
        place = view.place_of(*where)
        self.timeline.go_to(place)
        # The panes have their size again only when they were laid out.
        self.call_after_refresh(self._centre, place)
        if place >= len(view) or view.at(place) != tuple(where):
            self.say(r"the row is hidden by the filters: \ shows all")
