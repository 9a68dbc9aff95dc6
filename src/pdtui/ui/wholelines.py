"""A bordered widget that draws a line of its content and the border beside it in one go."""

from __future__ import annotations

from typing import NamedTuple

from rich.segment import Segment
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Region
from textual.strip import Strip

from pdtui.ui.bordered import Bordered


class Edges(NamedTuple):
    """What stands left and right of a line of content."""

    left: Segment
    right: Segment

    def around(self, strip: Strip, width: int) -> Strip:
        """The line with its edges, so many cells wide: between, the scroll bar is drawn over it."""
        blank = width - strip.cell_length - 2
        style = self.right.style and self.right.style.background_style
        gap = [Segment(" " * blank, style)] if blank > 0 else []
        return Strip([self.left, *strip, *gap, self.right], width)


class WholeLines(Bordered):
    """Lines that change faster than they are drawn twice.

    Textual draws content, border, colours one after the other, and keeps each: three more strips a
    line, of which a flood makes thousands a second. Those were an eighth of what the screen did.
    """

    _edges: Edges | None = None
    _edges_of: object = None
    """What the edges depend on."""

    def whole_line(self, y: int, edges: Edges) -> Strip:
        """The y-th line of the content, with its edges: as wide as the widget."""
        raise NotImplementedError

    def get_line_filters(self) -> list[LineFilter]:
        """Textual: what changes the colours of lines; there are none of the terminal's own here."""
        filters = super().get_line_filters()
        return [one for one in filters if not isinstance(one, ANSIToTruecolor)]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Textual: these lines of the widget, its borders included."""
        width, height = self.outer_size
        if self.opacity != 1 or self.styles.gutter != (1, 1, 1, 1):
            return super().render_lines(crop)
        edges, filters = self._edges_now(width), self.get_line_filters()
        background = self.background_colors[1]
        strips: list[Strip] = []
        for y in crop.line_range:
            if not 0 < y < height - 1:
                strips += super().render_lines(Region(0, y, width, 1))
                continue
            strip = self.whole_line(y - 1, edges)
            for one in filters:
                strip = strip.apply_filter(one, background)
            strips.append(strip)
        if crop.column_span == (0, width):
            return strips
        return [strip.crop(*crop.column_span) for strip in strips]

    def _edges_now(self, width: int) -> Edges:
        """The edges, as Textual draws them beside a line of the content."""
        depends = self.styles.border, self.background_colors
        if self._edges is None or depends != self._edges_of:
            line = list(super().render_lines(Region(0, 1, width, 1))[0])
            self._edges, self._edges_of = Edges(line[0], line[-1]), depends
        return self._edges
