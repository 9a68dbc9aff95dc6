"""Lines made of parts, each with the name of its look: what overviews are written in."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from pdtui.core.printing import printable
from pdtui.ui.text import fit

Line: TypeAlias = list[tuple[str, str]]
"""Texts, each with a part's name as in `rows--…` (`error`, `time`, `source-prefill`, …)."""

PARTS = {
    "rows--time", "rows--message", "rows--values", "rows--quiet", "rows--marker", "rows--rank",
    "rows--debug", "rows--warning", "rows--error", "rows--good",
    "rows--source-prefill", "rows--source-decode", "rows--source-proxy", "rows--source-other",
    "rows--cursor", "rows--cursor-blurred", "rows--gutter",
}  # fmt: skip


def strip_of(line: Line, width: int, style: Callable[[str], Style]) -> Strip:
    """The line in exactly this many cells; what a terminal would obey becomes a picture."""
    segments, room = [], width
    for text, part in line:
        shown = printable(text)
        size = cell_len(shown)
        if size > room:
            shown, size = fit(shown, room), room
        if shown:
            segments.append(Segment(shown, style(part)))
        room -= size
        if not room:
            break
    return Strip([*segments, Segment(" " * room)], width)


class Lines(Widget):
    """A few lines that stay in sight."""

    COMPONENT_CLASSES: ClassVar[set[str]] = PARTS

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []

    def show(self, lines: list[Line]) -> None:
        """Shows these lines in place of those that were there."""
        if len(lines) != len(self._lines):
            self.styles.height = len(lines)
            self.display = bool(lines)
        self._lines = lines
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Textual: as many as there are lines."""
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """Textual: the y-th line."""
        width, base = self.size.width, self.rich_style
        if y >= len(self._lines) or width < 1:
            return Strip.blank(width, base)
        return strip_of(self._lines[y], width, self._part_style).apply_style(base)

    def _part_style(self, part: str) -> Style:
        return self.get_component_rich_style(f"rows--{part}")
