"""A view beside the log: a list of which only the lines in sight are made, and what is chosen."""

from __future__ import annotations

from typing import ClassVar, Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pdtui.core.evidence import Place
from pdtui.ui.parts import PARTS, Line, Lines, strip_of

_LEAST = 3
"""Lines of the list that are in sight at least, if there are as many."""


class Overview(Protocol):
    """What a view shows, without widgets. Its items keep their keys when they change places."""

    name: str
    """What the view is called, on the screen and in the help."""
    legend: str
    """What its signs mean, in few words."""
    leads_to_rows: bool
    """Whether its items stand for rows to go to."""

    def update(self) -> None:
        """Takes in what is new."""

    def title(self) -> str:
        """What it holds, counted."""

    def __len__(self) -> int:
        """How many items there are."""

    def head(self, width: int, height: int) -> list[Line]:
        """Lines above the list, at most so many."""

    def line(self, number: int, width: int) -> Line:
        """One item's line."""

    def detail(self, number: int, width: int, height: int) -> list[Line]:
        """More of one item, in at most so many lines."""

    def key(self, number: int) -> object:
        """What an item is known by."""

    def place_of(self, key: object) -> int | None:
        """Where the item with this key is now; None where it is gone."""

    def row(self, number: int) -> Place | None:
        """The row that tells most of an item."""


class ItemList(ScrollView, can_focus=True):
    """The items of an overview, with a cursor."""

    HELP = "A list. Enter goes to the row in the log."

    COMPONENT_CLASSES: ClassVar[set[str]] = PARTS

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "down", show=False, id="list.down"),
        Binding("k,up", "move(-1)", "up", show=False, id="list.up"),
        Binding("pagedown,space,ctrl+f", "page(1.0)", "page down", show=False, id="list.page_down"),
        Binding("pageup,b,ctrl+b", "page(-1.0)", "page up", show=False, id="list.page_up"),
        Binding("ctrl+d", "page(0.5)", "half a page down", show=False, id="list.half_down"),
        Binding("ctrl+u", "page(-0.5)", "half a page up", show=False, id="list.half_up"),
        Binding("g,home", "go(0)", "top", show=False, id="list.top"),
        Binding("G,end", "go(-1)", "end", show=False, id="list.end"),
        Binding("tab", "app.view(1)", "next view", show=False, id="list.next"),
        Binding("shift+tab", "app.view(-1)", "previous view", show=False, id="list.previous"),
        Binding("enter", "app.to_row", "to the row", show=False, id="list.enter"),
    ]

    class Chosen(Message):
        """The cursor stands on another item."""

    def __init__(self, overview: Overview, *, ascii_only: bool) -> None:
        super().__init__()
        self.overview = overview
        self.cursor = 0
        self._key: object = None
        self._gutter = ">" if ascii_only else "▌"

    def show(self, overview: Overview) -> None:
        """Shows another overview, from its top."""
        self.overview, self.cursor, self._key = overview, 0, None
        self.scroll_to(y=0, animate=False, force=True)
        self.items_changed()

    def items_changed(self) -> None:
        """Takes in that there are other items; the cursor stays on its item."""
        size = Size(self.scrollable_size.width, len(self.overview))
        if size != self.virtual_size:
            self.virtual_size = size
        place = None if self._key is None else self.overview.place_of(self._key)
        if place is not None and place != self.cursor:
            top = self.scroll_offset.y + place - self.cursor
            self.cursor = place
            self.scroll_to(y=max(top, 0), animate=False, force=True)
        self.cursor = max(min(self.cursor, len(self.overview) - 1), 0)
        self.refresh()

    def action_move(self, items: int) -> None:
        """Moves the cursor."""
        self._go(self.cursor + items)

    def action_page(self, pages: float) -> None:
        """Moves the cursor by so many pages."""
        self._go(self.cursor + int(max(self.size.height - 1, 1) * pages))

    def action_go(self, place: int) -> None:
        """Goes to an item, -1 is the last."""
        self._go(place if place >= 0 else len(self.overview) - 1)

    def on_click(self, event: events.Click) -> None:
        """Textual: puts the cursor where was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and self.scroll_offset.y + offset.y < len(self.overview):
            self._go(self.scroll_offset.y + offset.y)

    def render_line(self, y: int) -> Strip:
        """Textual: the y-th line in sight."""
        width, base = self.scrollable_size.width, self.rich_style
        number = self.scroll_offset.y + y
        if number >= len(self.overview) or width < 2:
            return Strip.blank(width, base)
        at_cursor = number == self.cursor
        strip = strip_of(self.overview.line(number, width - 1), width - 1, self._part_style)
        sign = self._gutter if at_cursor and self.has_focus else " "
        strip = Strip([Segment(sign, self._part_style("gutter")), *strip], width)
        if at_cursor:
            here = self._part_style("cursor" if self.has_focus else "cursor-blurred")
            background = here.background_style
            strip = Strip([Segment(s.text, (s.style or base) + background) for s in strip], width)
        return strip.apply_style(base)

    def _go(self, place: int) -> None:
        if not len(self.overview):
            return
        self.cursor = max(min(place, len(self.overview) - 1), 0)
        self._key = self.overview.key(self.cursor)
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if not top <= self.cursor < top + height:
            top = self.cursor if self.cursor < top else self.cursor - height + 1
            self.scroll_to(y=top, animate=False, force=True)
        self.refresh()
        self.post_message(self.Chosen())

    def _part_style(self, part: str) -> Style:
        return self.get_component_rich_style(f"rows--{part}")


class OverviewPane(Vertical):
    """Shows one overview: lines above, the list, and more of what is chosen."""

    def __init__(self, overview: Overview, *, ascii_only: bool) -> None:
        super().__init__(id="overview")
        self.overview = overview
        self.list = ItemList(overview, ascii_only=ascii_only)
        self._head = Lines(id="overview-head")
        self._detail = Lines(id="overview-detail")

    def compose(self) -> ComposeResult:
        """Textual: from top to bottom."""
        yield self._head
        yield self.list
        yield self._detail

    def show(self, overview: Overview) -> None:
        """Shows another overview."""
        self.overview = overview
        overview.update()
        self.list.show(overview)
        self.show_around()

    def update(self) -> None:
        """Takes in what is new."""
        self.overview.update()
        self.list.items_changed()
        self.show_around()

    def show_around(self) -> None:
        """Writes the lines around the list anew: those of what is chosen among them."""
        size, overview = self.size, self.overview
        self.border_title = Content(overview.title())
        self.border_subtitle = Content(overview.legend)
        head = overview.head(size.width, max(size.height // 3, 2))
        # A short list leaves more room for what is chosen, which follows right under it.
        left = size.height - len(head)
        room = max(size.height // 2, left - len(overview), _LEAST)
        room = max(min(room, left - min(len(overview), _LEAST)), 1)
        detail = overview.detail(self.list.cursor, size.width, room) if len(overview) else []
        self._head.show(head)
        self._detail.show(detail)
        self.list.styles.height = max(min(len(overview), left - len(detail)), 1)

    def on_item_list_chosen(self) -> None:
        """Textual: another item is chosen."""
        self.show_around()

    def on_resize(self) -> None:
        """Textual: there is another amount of room."""
        self.show_around()
        self.list.items_changed()

    @property
    def chosen_row(self) -> Place | None:
        """The row that tells most of what is chosen."""
        return self.overview.row(self.list.cursor) if len(self.overview) else None
