"""Panes that are locked by time: where one goes, the others go to the same moment."""

from __future__ import annotations

from textual import on

from pdtui.core.alongside import last_rows, place_in
from pdtui.core.evidence import Place
from pdtui.core.lanes import Lane
from pdtui.core.view import LaneView
from pdtui.ui.overviews import Overviews
from pdtui.ui.rows import RowsView


class Locked(Overviews):
    """The viewer with panes that can go together."""

    _moment: tuple[int, int] | None = None
    """The row that the panes were brought to last."""

    def action_lock(self) -> None:
        """Locks the panes by time, or lets each go by itself again."""
        self.locked = not self.locked
        self._moment = None
        self._go_along()
        for pane in self.panes():
            pane.refresh_title()
        self.say("panes locked by time" if self.locked else "each pane by itself")

    @on(RowsView.CursorMoved)
    def _go_along(self) -> None:
        """Brings the other panes to the row that the pane under focus is at."""
        if not self.locked or not self._is_up:
            return
        pane = self.pane
        where = pane.cursor_row
        if where is None or where == self._moment:
            return
        self._moment = where
        others = [p for p in self.lane_grid.panes if p is not pane]
        if pane.following:
            for other in [*others, *([self.timeline] if pane is not self.timeline else [])]:
                other.action_end()
            return
        if pane is not self.timeline:
            place = self.timeline.view.place_of(*where)
            self.timeline.go_to(place, centre=not self.timeline.shows(place))
        self._bring(others, where)

    def _bring(self, panes: list[RowsView], where: tuple[int, int]) -> None:
        """Puts each pane's cursor on its last row at or before this one, in order."""
        order, sources = self.session.merge.refs, self.session.sources
        lanes: dict[Lane, RowsView] = {
            pane.view.lane: pane for pane in panes if isinstance(pane.view, LaneView)
        }
        last = last_rows(order, place_in(order, Place(*where)), list(lanes), sources)
        for lane, pane in lanes.items():
            row = last.get(lane)
            place = pane.view.place_of(*row) if row else 0
            if row and (place >= len(pane.view) or pane.view.at(place) != tuple(row)):
                place = max(place - 1, 0)  # a filter hides the row: the one shown before it
            pane.go_to(place, centre=not pane.shows(place))
