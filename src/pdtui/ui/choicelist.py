"""The list under a filter input: what it could be given, with counts: nobody types an emoji.

A widget of its own and not Textual's list of options: that one learns its size while it is painted,
and has the whole screen laid out and painted a second time for it, at each letter that is typed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.strip import Strip
from textual.widget import Widget

from pdtui.core.printing import printable
from pdtui.ui.text import fit

_SHOWN = 12
_FRAME = 2
_MOST_CELLS = 80


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be put into a filter input: the word, a sign for it, what it means."""

    word: str
    sign: str
    meaning: str
    rows: int | None = None


class Choices(Widget, can_focus=False):
    """What an input could be given, under it, with a bar on the one that Enter takes."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"choices--chosen"}

    virtual_size = Reactive(Size(0, 0), repaint=False)
    """Its size, which Textual tells it; for Textual's own the screen is laid out again then."""

    def __init__(self) -> None:
        super().__init__()
        self._words: list[str] = []
        self._lines: list[str] = []
        self._place = Region()
        self.highlighted: int | None = None
        """The number of the choice that the bar stands on."""

    def show(self, choices: list[Choice], word: str, at: Region) -> None:
        """Shows the choices that begin with the word; below `at`, and no further right than fits.

        `at` is where the input is: as far as its right end the list may reach beyond its left.
        """
        word = word.lower()
        fitting = [c for c in choices if c.word.lower().startswith(word) or c.sign == word]
        longest = max((len(c.word) for c in fitting), default=0)
        lines = [_line(choice, longest) for choice in fitting[:_SHOWN]]
        words = [choice.word for choice in fitting[:_SHOWN]]
        if (words, lines) != (self._words, self._lines) or self.highlighted is not None:
            self._words, self._lines, self.highlighted = words, lines, None
            self.refresh()
        self.visible = bool(lines)
        if lines:
            self._put(at)

    def hide(self) -> None:
        """Takes the list away.

        It stays in the layout: without it, all others would count as moved, and be painted.
        """
        self.visible = False

    def _put(self, at: Region) -> None:
        """Takes the place that the lines need; only where it is another is the screen laid out."""
        width = min(max(map(cell_len, self._lines)) + _FRAME, _MOST_CELLS, self.screen.size.width)
        left = max(min(at.x - 1, self.screen.size.width - width), 0)
        place = Region(left, at.bottom, width, len(self._lines) + _FRAME)
        if place != self._place:
            self._place = place
            self.styles.offset = place.offset
            self.styles.width, self.styles.height = place.size

    def move(self, step: int) -> None:
        """Moves the bar, from the last choice on to the first."""
        if self.visible and self._lines:
            now = self.highlighted
            start = (-1 if step > 0 else len(self._lines)) if now is None else now
            self.highlighted = (start + step) % len(self._lines)
            self.refresh()

    @property
    def chosen(self) -> str | None:
        """The word that the bar stands on."""
        if self.highlighted is None or not self.visible:
            return None
        return self._words[self.highlighted]

    def on_click(self, event: events.Click) -> None:
        """Textual: puts the bar where was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y < len(self._lines):
            self.highlighted = offset.y
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Textual: the y-th line."""
        width, style = self.size.width, self.rich_style
        if y >= len(self._lines):
            return Strip.blank(width, style)
        if y == self.highlighted:
            style = self.get_component_rich_style("choices--chosen")
        return Strip([Segment(fit(self._lines[y], width), style)], width)


def _line(choice: Choice, longest: int) -> str:
    count = "" if choice.rows is None else f"{choice.rows:>11,}  "
    return f"{fit(printable(choice.sign), 2)} {choice.word:<{longest}} {count}{choice.meaning}"
