"""The screen: composes the panes, takes in what the store gains, applies the filters.

ingest thread ── StoreGrew ──▶ app: at most 15 times a second
                                 session.update()      order, filter, lanes
                                 pane.rows_changed()   size, place, paint
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from textual import on, work
from textual.app import App, ComposeResult
from textual.events import Resize
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import get_current_worker

from pdtui.core.lanes import Lane
from pdtui.core.query import Filter
from pdtui.core.view import LaneView
from pdtui.ui import status
from pdtui.ui.choicelist import Choices
from pdtui.ui.choices import level_choices, marker_choices, rank_choices
from pdtui.ui.filterbar import FilterBar
from pdtui.ui.frame import Frame
from pdtui.ui.lanegrid import LaneGrid
from pdtui.ui.messages import ShowingMade, StoreGrew
from pdtui.ui.pace import Pace
from pdtui.ui.prompt import Prompt
from pdtui.ui.rows import RowsView
from pdtui.ui.session import Session
from pdtui.ui.showing import Showing, tails_in
from pdtui.ui.theme import PDTUI_THEME

_LINES_AROUND = 4
_FIRST_WAIT = 0.5
_LONG_BEFORE_ROWS = 2.0
"""Seconds after which it is gone on with what comes after the first rows, if there are none."""


class Viewer(Frame):
    """The screen of one session, without what the keys do (see `app.PdtuiApp`)."""

    TITLE, CSS_PATH = "pdtui", "pdtui.tcss"

    def __init__(
        self,
        session: Session,
        *,
        base: Filter,
        typed: dict[str, str],
        live: bool,
        ascii_only: bool = False,
        notices: tuple[str, ...] = (),
    ) -> None:
        super().__init__(session, base=base, live=live, ascii_only=ascii_only)
        self._use_theme()
        self._typed = typed
        self._inputs.filter(base, typed)
        self._notices = notices
        self._pane: RowsView | None = None
        self._changed_at: dict[str, float] = {}
        self._sought: Showing | None = None
        self.catches_up = False
        """Whether all that was read is being put in order on a thread."""
        self._pace = Pace()
        self._update_waits = False
        self._ticks = 0
        self._went_on = False
        self.is_ready: Callable[[], bool] = lambda: True
        """Whether there are rows of all files."""
        self.go_on: Callable[[], None] = lambda: None
        """Called when the first rows are on the screen: the rest can be read."""

    def _use_theme(self) -> None:
        """Has the style sheet read with our colours, rather than with others first."""
        self.register_theme(PDTUI_THEME)
        self.set_reactive(App.theme, PDTUI_THEME.name)
        self._colours = self.get_css_variables()
        self.stylesheet.set_variables(self._colours)

    def refresh_css(self, animate: bool = True) -> None:
        """Textual: applies the style sheet anew; at the start it calls this for nothing."""
        before, self._colours = self._colours, self.get_css_variables()
        if self._colours != before:
            super().refresh_css(animate=animate)

    # Composing

    def compose(self) -> ComposeResult:
        """Textual: the lines and panes from top to bottom."""
        yield Static(id="title")
        yield FilterBar(
            self._typed,
            {
                "rank": lambda: rank_choices(self.session),
                "marker": lambda: marker_choices(self.session),
                "level": level_choices,
            },
        )
        yield LaneGrid(self._make_pane)
        yield RowsView(
            self.session,
            self.session.timeline,
            title=lambda _: self._locked_title(status.timeline_title(self.session)),
            sources=True,
            ascii_only=self.ascii_only,
            id="timeline",
        )
        yield Static(id="problem")
        yield Prompt()
        yield Static(id="hints")
        yield Choices()

    def _make_pane(self, lane: Lane) -> RowsView:
        def title(pane: RowsView) -> str:
            assert isinstance(pane.view, LaneView)
            return self._locked_title(status.lane_title(self.session, pane.view, live=self.live))

        view = self.session.lane_view(lane)
        return RowsView(self.session, view, title=title, sources=False, ascii_only=self.ascii_only)

    def _locked_title(self, title: str) -> str:
        """A pane's title, and that it goes along with the others."""
        return f"{title} · locked by time (y)" if self.locked else title

    async def on_mount(self) -> None:
        """Textual: everything is there; shows what has been read so far."""
        self.give_focus(self.timeline)
        if self._notices:
            self.say(" · ".join(self._notices), seconds=15)
        await self._first_rows()
        await self._update()
        self.set_interval(1.0, self._tick)
        self.set_timer(_LONG_BEFORE_ROWS, self._go_on)

    async def _first_rows(self) -> None:
        """Waits a little for rows of all files: a picture without them would only cost time."""
        deadline = time.monotonic() + _FIRST_WAIT
        while not self.is_ready() and time.monotonic() < deadline:
            await asyncio.sleep(0.005)

    # What is on the screen

    @property
    def timeline(self) -> RowsView:
        """The merged timeline's pane."""
        return self.screen_stack[0].query_one("#timeline", RowsView)

    @property
    def pane(self) -> RowsView:
        """The pane under focus, or the one that had it last."""
        focused = self.screen_stack[0].focused
        if isinstance(focused, RowsView):
            self._pane = focused
        return self._pane if self._pane in self.panes() and self._pane else self.timeline

    @property
    def main_widget(self) -> Widget:
        """What has the keys where no input has them."""
        return self.pane

    def panes(self) -> list[RowsView]:
        """All panes, the timeline last."""
        return [*self.lane_grid.panes, self.timeline]

    def give_focus(self, widget: Widget) -> None:
        """Sends the keys to a widget at once: `Widget.focus` waits, and a fast typist does not."""
        self.screen_stack[0].set_focus(widget)

    def focus_pane(self, pane: RowsView) -> None:
        """Gives a pane the keys; where one has the whole screen, this one has it then."""
        self._pane = pane
        zoomed = self.zoomed
        if zoomed:
            self.unzoom()
        if pane is not self.timeline:
            self.lane_grid.bring(pane)
            self.show_lines()
        if zoomed:
            self.zoom(pane)
        self.give_focus(pane)

    @on(FilterBar.Done)
    def back_to_pane(self) -> None:
        """Gives the keys back to the pane that had them."""
        if self._is_up:
            self.give_focus(self.main_widget)

    # Taking in what the store gains

    def store_grew(self, _revision: int) -> None:
        """Called by the ingest thread: wakes the screen."""
        self.post_message(StoreGrew())

    @on(StoreGrew)
    def _store_grew(self) -> None:
        if self.frozen is not None:
            self._show_title()
        elif not self._update_waits:
            self._update_waits = True
            self.set_timer(self._pace.wait(loaded=self.session.loaded), self._update)

    async def _update(self) -> None:
        self._update_waits = False
        if self.frozen is not None or not self._is_up:
            return
        began = time.monotonic()
        before = self.session.rows
        lanes_changed = self.session.update()
        self._pace.updated(began, self.session.rows - before, self.session.has_more)
        if self.session.behind and not tails_in(self.session.store.snapshot()):
            self._get_ahead()
        session = self.session
        if self._pace.may_paint or lanes_changed or session.renumbered or session.begun_anew:
            await self._take_in(lanes_changed)
        if self.session.has_more or self.session.insight.handshakes.behind:
            self._store_grew()

    async def _take_in(self, lanes_changed: bool) -> None:
        """Brings the panes up to what the session holds now."""
        before = len(self.timeline.marked)
        for pane in self.panes():
            pane.renumber(self.session.renumbered, self.session.begun_anew)
        if lost := before - len(self.timeline.marked):
            self.say(f"{lost} mark{'s' * (lost > 1)} gone with the rows of a file that began anew")
        if lanes_changed or not self.lane_grid.panes:
            await self._set_lanes()
        self.show_lines()
        # Rows that have other numbers now must not be painted by the old ones in between.
        panes, at_once = self.panes(), bool(self.session.renumbered)
        self._paint([panes] if at_once else self._pace.turns(panes))

    def _paint(self, turns: Sequence[Sequence[RowsView]]) -> None:
        """Shows in panes what the session holds now: some at a time, so that keys come between."""
        began = time.monotonic()
        for pane in turns[0]:
            pane.rows_changed()
        self.call_after_refresh(self._painted, began, turns[1:])

    def _get_ahead(self) -> None:
        """Puts all that was read in order, on a thread; then it takes the tails' place."""
        if not self.catches_up:
            self.catches_up = True
            self._make_ahead()

    @work(thread=True, group="ahead")
    def _make_ahead(self) -> None:
        worker = get_current_worker()
        self.post_message(ShowingMade(self.session.ahead(lambda: worker.is_cancelled), ahead=True))

    @on(ShowingMade)
    async def _showing_made(self, event: ShowingMade) -> None:
        session, showing = self.session, event.showing
        if not self._is_up:
            return
        if event.ahead:
            self.catches_up = False
            lanes = session.lanes
            if showing is not None and session.adopt_ahead(showing):
                self.timeline.view = session.timeline
                if lanes == session.lanes:
                    for lane, pane in zip(lanes, self.lane_grid.panes, strict=False):
                        pane.view = session.lane_view(lane)
                await self._take_in(lanes != session.lanes)
            self._store_grew()
        elif showing is not None and showing is self._sought:
            if showing.merge is session.merge:
                self._adopt(showing)
            else:
                self.apply(showing.filter)  # the order was made anew meanwhile

    def _painted(self, began: float, turns: Sequence[Sequence[RowsView]]) -> None:
        self._pace.painted(began)
        if turns and self._is_up:
            self._paint(turns)
        if self.session.rows:
            self._go_on()

    def _go_on(self) -> None:
        if not self._went_on:
            self._went_on = True
            self.go_on()

    def catch_up(self) -> None:
        """Takes in what arrived while the screen was frozen, once it is said that it goes on."""
        self._update_waits = True
        self.call_after_refresh(self._update)

    async def _set_lanes(self) -> None:
        focused = self.screen_stack[0].focused
        panes = self.lane_grid.panes
        place = panes.index(focused) if isinstance(focused, RowsView) and focused in panes else None
        with self.batch_update():
            await self.lane_grid.set_lanes(self.session.lanes)
            self._arrange()
        if place is not None and self.lane_grid.panes:
            self.give_focus(self.lane_grid.panes[min(place, len(self.lane_grid.panes) - 1)])

    # Zoom

    @property
    def zoomed(self) -> bool:
        """Whether one pane has the whole screen."""
        return bool(self.screen_stack[0].query(".zoomed"))

    def zoom(self, pane: RowsView) -> None:
        """Gives a pane the whole screen."""
        for other in self.panes():
            other.set_class(other is not pane, "away")
        pane.add_class("zoomed")
        self.lane_grid.set_class(pane is self.timeline, "away")
        self.lane_grid.zoom(pane if pane is not self.timeline else None)

    def unzoom(self) -> None:
        """Shows all panes again."""
        for pane in self.panes():
            pane.remove_class("away", "zoomed")
        self._arrange()

    def on_resize(self, event: Resize) -> None:
        """Textual: the terminal has another size."""
        if self._is_up:
            self._arrange(event.size)
            self.screen_stack[0].query_one(Choices).hide()
            self.show_lines(event.size.width)

    def _arrange(self, size: Size | None = None) -> None:
        if not self.zoomed:
            size = size or self.size
            self.lane_grid.lay_out(size.width, size.height - _LINES_AROUND)

    def _tick(self) -> None:
        if not self._is_up:
            return
        self._ticks += 1
        if not status.only_silences_grow(self.session, self._ticks):
            for pane in self.lane_grid.in_sight():
                pane.refresh_title()
            self._show_problem()

    # Filters

    @on(FilterBar.Changed)
    def _filter_changed(self, event: FilterBar.Changed) -> None:
        if not self._is_up:
            return
        self._changed_at[event.name] = time.monotonic()
        wanted = self._inputs.filter(self._base, event.texts)
        self.filter_bar.show_invalid(self._inputs.wrong)
        if event.name not in self._inputs.wrong:
            self.filters_off = False
            if wanted != self.session.filter:
                self.apply(wanted)
        self._show_problem()

    def apply(self, wanted: Filter) -> None:
        """Shows what passes this filter; long searches go on while the old rows stay in sight."""
        self.workers.cancel_group(self, "filter")
        showing = self._sought = self.session.prepare(wanted)
        if showing.is_filled_slowly:
            self.searching = bool(wanted.texts)
            self._fill_then_adopt(showing, list(self.session.lanes))
        else:
            self._adopt(showing)
        self.show_lines()

    # Without a description Textual writes out what is given, which is millions of rows.
    @work(thread=True, group="filter", exclusive=True, description="filter")
    def _fill_then_adopt(self, showing: Showing, lanes: list[Lane]) -> None:
        worker = get_current_worker()
        if showing.fill(lanes, lambda: worker.is_cancelled):
            self.post_message(ShowingMade(showing))

    def _adopt(self, showing: Showing) -> None:
        self.searching = False
        self.session.adopt(showing)
        for lane, pane in zip(self.session.lanes, self.lane_grid.panes, strict=False):
            pane.show(self.session.lane_view(lane))
        self.timeline.show(self.session.timeline)
        self.show_lines()

    def toggle_filters(self) -> None:
        """All filters off, or on again."""
        self.filters_off = not self.filters_off
        wanted = self._inputs.filter(self._base, self.filter_bar.texts)
        self.apply(Filter() if self.filters_off else wanted)
