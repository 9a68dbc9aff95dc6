"""The tail panes: a grid of lanes that fits the terminal, in pages where there are many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from textual.containers import Container

from pdtui.core.lanes import Lane
from pdtui.ui.rows import RowsView

MOST_PANES = 8
_PANE_WIDTH = 38
_PANE_HEIGHT = 4
"""Two borders and two rows: with less a pane says nothing."""
_GOOD_WIDTH, _GOOD_HEIGHT = 60, 6
_SHARE = 0.45
"""Of the height; the timeline has the rest."""
_LEAST_FOR_PANES = 14


@dataclass(frozen=True, slots=True)
class Grid:
    """How many lanes fit, and how they are laid out."""

    columns: int
    rows: int
    height: int

    @property
    def panes(self) -> int:
        """How many lanes are in sight at once."""
        return min(self.columns * self.rows, MOST_PANES)


def grid_for(lanes: int, width: int, height: int) -> Grid:
    """The grid for so many lanes on so much room (cells, without the lines around)."""
    if not lanes or height < _LEAST_FOR_PANES:
        return Grid(0, 0, 0)
    wanted = min(lanes, MOST_PANES)
    room = max(int(height * _SHARE), _PANE_HEIGHT)
    most_columns = max(1, min(4, width // _PANE_WIDTH))
    # As few columns as the height allows: a wide pane says more than a high one.
    for columns in range(max(1, min(width // _GOOD_WIDTH, most_columns)), most_columns + 1):
        rows = ceil(wanted / columns)
        if rows * _GOOD_HEIGHT <= room:
            return Grid(min(columns, wanted), rows, room)
    rows = max(1, min(ceil(wanted / most_columns), room // _PANE_HEIGHT))
    return Grid(min(most_columns, wanted), rows, room)


class LaneGrid(Container):
    """Shows a page of the lanes' panes."""

    def __init__(self, make_pane: Callable[[Lane], RowsView]) -> None:
        super().__init__(id="lanes")
        self.panes: list[RowsView] = []
        self.page = 0
        self.grid = Grid(0, 0, 0)
        self._make_pane = make_pane

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, ceil(len(self.panes) / max(self.grid.panes, 1)))

    async def set_lanes(self, lanes: list[Lane]) -> None:
        """Makes the panes of these lanes in place of those that were there."""
        await self.remove_children()
        self.panes = [self._make_pane(lane) for lane in lanes]
        await self.mount_all(self.panes)

    def lay_out(self, width: int, height: int) -> None:
        """Lays the panes out on so much room."""
        self.grid = grid_for(len(self.panes), width, height)
        self.page = min(self.page, self.pages - 1)
        self.styles.height = self.grid.height
        self.styles.grid_size_columns = max(self.grid.columns, 1)
        self.styles.grid_size_rows = max(self.grid.rows, 1)
        # Without panes yet it has no height, and is not in the way: to come back costs all styles.
        self.set_class(bool(self.panes) and not self.grid.panes, "away")
        self._show_page()

    @property
    def said(self) -> str:
        """Which panes are in sight, where not all are: `panes 1-8 of 12`."""
        if self.pages < 2:
            return ""
        first = self.page * self.grid.panes
        return f"panes {first + 1}-{first + len(self.in_sight())} of {len(self.panes)}"

    def bring(self, pane: RowsView) -> None:
        """Turns to the page of this pane."""
        if self.grid.panes:
            self.page = self.panes.index(pane) // self.grid.panes
            self._show_page()

    def zoom(self, pane: RowsView | None) -> None:
        """Gives one of the panes all the room of the grid, and the grid all that is left."""
        if pane is not None:
            self.styles.height = "1fr"
            self.styles.grid_size_columns = self.styles.grid_size_rows = 1

    def in_sight(self) -> list[RowsView]:
        """The panes of the page in sight."""
        size = self.grid.panes
        return self.panes[self.page * size : (self.page + 1) * size]

    def _show_page(self) -> None:
        shown = self.in_sight()
        for pane in self.panes:
            pane.set_class(pane not in shown, "away")
