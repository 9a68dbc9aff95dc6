"""A pane of rows: paints only the lines in sight, whatever the size of the log."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from pdtui.follow.tail import TailSource
from pdtui.ui.painter import Look, Painter, TimeColumn, message_of, with_highlight
from pdtui.ui.partstyles import PartStyles
from pdtui.ui.session import Session
from pdtui.ui.text import fit
from pdtui.ui.wholelines import Edges, WholeLines, edged
from pdtui.ui.window import RowView, Window

_SHIFT_STEP = 8
_CACHED_STRIPS = 400
"""A few screens: each takes some kilobytes, and in a flood none is painted twice."""
_LABEL_MOST = 16
_NARROW = 100
_COLUMNS_LEFT = 32
"""Cells before the message, at the most."""


class RowsView(WholeLines, can_focus=True):
    """Rows of a view, with a cursor that follows the end until it is moved up."""

    HELP = "Rows of a log. Scrolling up stops following; `G` follows again."

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--time", "rows--inherited", "rows--message", "rows--values", "rows--quiet",
        "rows--marker", "rows--rank", "rows--rank-inferred",
        "rows--debug", "rows--info", "rows--warning", "rows--error", "rows--critical",
        "rows--source-prefill", "rows--source-decode", "rows--source-proxy", "rows--source-other",
        "rows--cursor", "rows--cursor-blurred", "rows--hit", "rows--gutter",
    }  # fmt: skip

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "row down", show=False, id="rows.down"),
        Binding("k,up", "move(-1)", "row up", show=False, id="rows.up"),
        Binding("pagedown,space,ctrl+f", "page(1.0)", "page down", show=False, id="rows.page_down"),
        Binding("pageup,b,ctrl+b", "page(-1.0)", "page up", show=False, id="rows.page_up"),
        Binding("ctrl+d", "page(0.5)", "half a page down", show=False, id="rows.half_down"),
        Binding("ctrl+u", "page(-0.5)", "half a page up", show=False, id="rows.half_up"),
        Binding("h,left", "sideways(-1)", "left", show=False, id="rows.left"),
        Binding("l,right", "sideways(1)", "right", show=False, id="rows.right"),
        Binding("g,home", "top", "top", show=False, id="rows.top"),
        Binding("G,end", "end", "end, and follow again", show=False, id="rows.end"),
        Binding("F", "toggle_follow", "follow", id="rows.follow"),
        # Here, not in the app: a screen's own Tab would come first.
        Binding("tab", "app.next_pane(1)", "next pane", show=False, id="rows.next"),
        Binding("shift+tab", "app.next_pane(-1)", "previous pane", show=False, id="rows.previous"),
    ]

    following: reactive[bool] = reactive(True, init=False)

    class CursorMoved(Message):
        """The cursor stands on another row now, or the pane follows or not."""

        def __init__(self, pane: RowsView) -> None:
            super().__init__()
            self.pane = pane

        def can_replace(self, message: Message) -> bool:
            """Only where it is now matters."""
            return isinstance(message, RowsView.CursorMoved)

    def __init__(
        self,
        session: Session,
        view: RowView,
        *,
        title: Callable[[RowsView], str],
        sources: bool,
        ascii_only: bool,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.session = session
        self.view = view
        self.cursor = 0
        self.marked: set[tuple[int, int]] = set()
        self.time_column = TimeColumn.CLOCK
        self.highlight: re.Pattern[str] | None = None
        self._title = title
        self._sources = sources
        self._ascii_only = ascii_only
        self._shift = 0
        self._chosen: tuple[int, int] | None = None
        """The row that the cursor was put on; a filter may hide it, and shows it again later."""
        self._scrolling = False
        self._seen: object = None
        self._window = Window(session)
        self._style = PartStyles(self, "rows--")
        self._painter = Painter(self._style)
        self._strips: LRUCache[object, Strip] = LRUCache(_CACHED_STRIPS)

    # What is shown

    def show(self, view: RowView) -> None:
        """Shows another view at the row that was chosen last, or the next one that is left."""
        self.view = view
        self.rows_changed()

    def rows_changed(self) -> None:
        """Takes in that the view has other rows now; stays at the end, or at the chosen row."""
        above = self.cursor - self.scroll_offset.y
        self._size_up()
        if self.following or self._chosen is None:
            self.to_end()
        elif self._row_at(self.cursor) != self._chosen:
            place = max(min(self.view.place_of(*self._chosen), len(self.view) - 1), 0)
            self._set_cursor(place, scroll_top=max(place - above, 0))
        in_sight = self._in_sight()
        if in_sight != self._seen:
            self._seen = in_sight
            self.refresh()

    def _in_sight(self) -> object:
        """What is painted depends on this alone."""
        seen = self._window.signature(self.view, self.scroll_offset.y, self._height)
        # Deltas depend on what is not in sight; and why a pane is empty, on the filters.
        other = object() if self.time_column is not TimeColumn.CLOCK or not len(self.view) else None
        return seen, self.cursor, other

    def renumber(self, tails: dict[int, TailSource], begun_anew: set[int]) -> None:
        """Takes in that sources (by number) have all their rows now, and so these other numbers.

        Of sources that began anew no row is left that could be marked.
        """

        def now(where: tuple[int, int]) -> tuple[int, int]:
            number, row = where
            return (number, tails[number].row_in_whole(row)) if number in tails else where

        self._chosen = now(self._chosen) if self._chosen else None
        self.marked = {now(where) for where in self.marked if where[0] not in begun_anew}

    def to_end(self) -> None:
        """Goes to the last row."""
        last = max(len(self.view) - 1, 0)
        self._set_cursor(last, scroll_top=max(len(self.view) - self._height, 0))

    def go_to(self, place: int, *, centre: bool = False) -> None:
        """Puts the cursor on a place; the pane follows no more unless it is the last one."""
        if not len(self.view):
            return
        place = min(max(place, 0), len(self.view) - 1)
        self.following = self.following and place == len(self.view) - 1
        self._chosen = self._row_at(place)
        self._set_cursor(place)
        if centre:
            self._scroll(place - self._height // 2)

    def reveal(self, pattern: re.Pattern[str]) -> bool:
        """Scrolls sideways to where the row under the cursor holds the text; whether it can."""
        if (where := self.cursor_row) is None:
            return False
        message = message_of(self.session.describe(*where))
        if (found := pattern.search(message)) is None:
            return (
                pattern.search(self.render_line(self.cursor - self.scroll_offset.y).text)
                is not None
            )
        end = cell_len(message[: found.end()])
        room = self.scrollable_size.width - _COLUMNS_LEFT
        shift = 0 if end <= room else end - room // 2
        if shift != self._shift:
            self._shift = shift
            self.repaint()
        return True

    def shows(self, place: int) -> bool:
        """Whether a place is in sight."""
        return self.scroll_offset.y <= place < self.scroll_offset.y + self._height

    @property
    def cursor_row(self) -> tuple[int, int] | None:
        """Source number and row under the cursor, None in an empty pane."""
        return self._row_at(self.cursor)

    def repaint(self) -> None:
        """Paints everything anew, after a change of how rows look."""
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """Textual: the theme or the styles change."""
        super().notify_style_update()
        self._style.doubt()

    def refresh_title(self) -> None:
        """Says in the border what the pane shows, and whether it follows."""
        below = max(len(self.view) - self.scroll_offset.y - self._height, 0)
        state = "▼ follow" if self.following else f"▲ {below:,} below · G follows"
        title = self._title(self)
        self.show_border(title, state)

    # Keys

    def action_move(self, rows: int) -> None:
        """Moves the cursor some rows."""
        self.go_to(self.cursor + rows)

    def action_page(self, pages: float) -> None:
        """Moves the cursor and the rows in sight by so many pages."""
        rows = int(max(self._height - 1, 1) * pages)
        top = self.scroll_offset.y + rows
        self.go_to(self.cursor + rows)
        self._scroll(top)

    def action_sideways(self, steps: int) -> None:
        """Scrolls the messages sideways; the other columns stay."""
        self._shift = max(self._shift + steps * _SHIFT_STEP, 0)
        self.repaint()

    def action_top(self) -> None:
        """Goes to the first row."""
        self.go_to(0)

    def action_end(self) -> None:
        """Goes to the last row and follows again."""
        self.following = True
        self.to_end()

    def action_toggle_follow(self) -> None:
        """Follows, or stays where it is."""
        self.following = not self.following
        if self.following:
            self.to_end()

    # Textual

    def watch_following(self) -> None:
        """Textual: following has changed."""
        self.refresh_title()
        self.post_message(self.CursorMoved(self))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Textual: scrolled; by the wheel or the bar, unless we did it ourselves."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) == round(new_value):
            return
        if self._scrolling:
            if not self.following:
                self.refresh_title()  # it says how many rows are below
            return
        top = round(new_value)
        at_end = top >= len(self.view) - self._height
        self.following = at_end and (self.following or new_value > old_value)
        last = len(self.view) - 1
        place = last if self.following else min(max(self.cursor, top), top + self._height - 1)
        self._chosen = self._row_at(max(min(place, last), 0))
        self._cursor_to(max(min(place, last), 0))

    def on_resize(self) -> None:
        """Textual: the pane has another size."""
        self._strips.clear()
        self._size_up()
        if self.following:
            self.to_end()
        else:
            self._set_cursor(self.cursor)

    def on_focus(self) -> None:
        """Textual: keys come here now."""
        self.refresh()

    def on_blur(self) -> None:
        """Textual: keys go elsewhere now."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Textual: puts the cursor where was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and self.scroll_offset.y + offset.y < len(self.view):
            self.go_to(self.scroll_offset.y + offset.y)

    def render_line(self, y: int) -> Strip:
        """Textual: the y-th line in sight, without the border."""
        return self.whole_line(y, None)

    def whole_line(self, y: int, edges: Edges | None) -> Strip:
        """The y-th line in sight, with these edges if any."""
        if self._style.changed():
            self._strips.clear()
        place, outer = self.scroll_offset.y + y, self.outer_size.width
        width = self.scrollable_size.width
        if place >= len(self.view) or width < 2:
            return edged(self._line_below(y), edges, outer)
        where, at_cursor = self.view.at(place), place == self.cursor
        signs = where in self.marked, at_cursor, at_cursor and self.has_focus
        source, since = self.session.source_at(where[0]), self._since(place)
        look = width, edges, self._shift, self.highlight
        key = (where, source.serial, source.kinds.revision, since, look, signs)
        # The last row may be unfinished: its text grows under the same number.
        if where[1] < len(source) - 1 and (known := self._strips.get(key)):
            return known
        strip = self._strips[key] = edged(self._line(where, width, since, signs), edges, outer)
        return strip

    def _line_below(self, y: int) -> Strip:
        """What stands where there is no row."""
        width, base = self.scrollable_size.width, self._style("")
        if y or len(self.view) or not (self.session.rows and self.session.filter):
            return Strip.blank(width, base)
        text = fit(" no row passes the filters", width)
        return Strip([Segment(text, self._style("quiet"))]).apply_style(base)

    def _line(
        self, where: tuple[int, int], width: int, since: int | None, signs: tuple[bool, bool, bool]
    ) -> Strip:
        """The line of a row: whether it is marked, under the cursor, and the pane has the keys."""
        base = self._style("")
        marked, at_cursor, focused = signs
        strip = self._strip(where, width - 1, since)
        if self.highlight is not None:
            strip = with_highlight(strip, self.highlight, self._style("hit"))
        gutter = (" >*#" if self._ascii_only else " ▌◆◈")[2 * marked + focused]
        segments = [Segment(gutter, self._style("gutter")), *strip]
        if at_cursor:
            # Over what the parts have, and the parts over the pane's own style.
            over = self._style("cursor" if focused else "cursor-blurred").background_style
            styled = [Segment(s.text, base + (s.style or base) + over) for s in segments]
            return Strip(styled, width).crop_extend(0, width, base + over)
        styled = [Segment(s.text, base + s.style if s.style else base) for s in segments]
        return Strip(styled, width).crop_extend(0, width, base)

    # Inside

    @property
    def _height(self) -> int:
        return max(self.size.height, 1)

    def _row_at(self, place: int) -> tuple[int, int] | None:
        return self.view.at(place) if 0 <= place < len(self.view) else None

    def _size_up(self) -> None:
        size = Size(self.scrollable_size.width, len(self.view))
        if size != self.virtual_size:
            # Not by assignment: that has the whole screen laid out anew, for the length of a bar.
            self.set_reactive(RowsView.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
        self.refresh_title()

    def _set_cursor(self, place: int, scroll_top: int | None = None) -> None:
        self._cursor_to(place)
        top = self.scroll_offset.y if scroll_top is None else scroll_top
        if place < top:
            top = place
        elif place >= top + self._height:
            top = place - self._height + 1
        self._scroll(top)

    def _cursor_to(self, place: int) -> None:
        moved = place != self.cursor
        self.cursor = place
        if self.following:
            self._chosen = self._row_at(place)
        self.refresh_title()
        if moved:
            self.post_message(self.CursorMoved(self))
            self.refresh()

    def _scroll(self, top: int) -> None:
        self._scrolling = True
        self.scroll_to(y=top, animate=False, force=True)
        self._scrolling = False

    def _look(self, width: int) -> Look:
        names = [source.label for source, _ in self.session.matches.snapshot]
        if single := len(names) == 1:
            names = self.session.roles_of_only_source()
        widest = min(max(map(cell_len, names), default=0), _LABEL_MOST if width >= _NARROW else 8)
        return Look(
            width=width,
            source_width=widest if self._sources else 0,
            roles=single,
            shift=self._shift,
            time=self.time_column,
            ascii_only=self._ascii_only,
        )

    def _strip(self, where: tuple[int, int], width: int, since: int | None) -> Strip:
        line = self._window.line(where, self.view, self.scroll_offset.y, self._height)
        return self._painter.paint(self.session.describe(*where, line), self._look(width), since)

    def _since(self, place: int) -> int | None:
        """The time that the Δ column of a row counts from."""
        if self.time_column is TimeColumn.CLOCK:
            return None
        if self.time_column is TimeColumn.SINCE_MARK:
            marks = [self.session.describe(*mark).time for mark in sorted(self.marked)]
            return marks[-1] if marks else None
        return self.session.describe(*self.view.at(place - 1)).time if place else None
