"""A bordered widget that draws a line of its content and the border beside it in one go."""

from __future__ import annotations

from typing import Any, NamedTuple

from rich.segment import Segment
from textual._styles_cache import StylesCache
from textual.color import Color
from textual.css.styles import StylesBase
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Size
from textual.strip import Strip

from pdtui.ui.bordered import Bordered

_BORDER = (1, 1, 1, 1)


class Edges(NamedTuple):
    """What stands left and right of a line of content."""

    left: Segment
    right: Segment


def edged(line: Strip, edges: Edges | None, width: int) -> Strip:
    """The line with its edges, if any, so many cells wide; a scroll bar is drawn over the gap."""
    if edges is None:
        return line
    blank = width - line.cell_length - 2
    style = edges.right.style and edges.right.style.background_style
    gap = [Segment(" " * blank, style)] if blank > 0 else []
    return Strip([edges.left, *line, *gap, edges.right], width)


class WholeLines(Bordered):
    """Lines that change faster than they are drawn twice.

    Textual draws content, border, colours one after the other, and keeps each: three more strips a
    line, of which a flood makes thousands a second. Those were an eighth of what the screen did.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._styles_cache = _Lines(self)

    def whole_line(self, y: int, edges: Edges) -> Strip:
        """The y-th line of the content, with its edges: as wide as the widget."""
        return edged(self.render_line(y), edges, self.outer_size.width)

    def get_line_filters(self) -> list[LineFilter]:
        """Textual: what changes the colours of lines; there are none of the terminal's own here."""
        filters = super().get_line_filters()
        return [one for one in filters if not isinstance(one, ANSIToTruecolor)]


class _Lines(StylesCache):
    """The lines of such a widget, as they were drawn last: Textual says which of them are stale."""

    def __init__(self, widget: WholeLines) -> None:
        super().__init__()
        self._widget = widget
        self._edges: Edges | None = None
        self._look: object = None
        """What the edges depend on."""

    def render(
        self,
        styles: StylesBase,
        size: Size,
        base_background: Color,
        background: Color,
        *args: Any,
        **kwargs: Any,
    ) -> list[Strip]:
        """Textual: some lines of the widget."""
        look = styles.border, styles.gutter, base_background, background, self._widget.opacity
        if look != self._look:
            self._look, self._edges = look, None
        return super().render(styles, size, base_background, background, *args, **kwargs)

    def render_line(self, styles: StylesBase, y: int, size: Size, *args: Any) -> Strip:
        """Textual: one of its lines, which is stale."""
        inside = 0 < y < size.height - 1
        if inside and self._edges:
            return self._widget.whole_line(y - 1, self._edges)
        strip = super().render_line(styles, y, size, *args)
        if inside and styles.gutter == _BORDER and self._widget.opacity == 1:
            line = list(strip)
            self._edges = Edges(line[0], line[-1])
        return strip
