"""A scrolled widget whose border says something, at the cost of that line alone."""

from __future__ import annotations

from typing import Self

from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView


class Bordered(ScrollView):
    """Texts in the upper and the lower border that change often."""

    _border_texts = ("", "")
    _border_line: int | None = None
    """The line of the border whose text is being set."""
    _laid_out: tuple[Size, Size, Size] | None = None
    """The sizes that the latest layout gave."""

    def show_border(self, title: str, state: str) -> None:
        """Shows these texts, the second one below."""
        before, self._border_texts = self._border_texts, (title, state)
        # Content, not a string: a label is data and may hold brackets.
        if title != before[0]:
            self._border_line = -1
            self.border_title = Content(title)
        if state != before[1]:
            self._border_line = self.outer_size.height - 2
            self.border_subtitle = Content(state)
        self._border_line = None

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Textual: has it painted anew; for a border's text not all of it, but that line."""
        if self._border_line is not None and not regions:
            regions = (Region(-1, self._border_line, self.outer_size.width, 1),)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _size_updated(
        self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True
    ) -> bool:
        """Textual: a layout gives it these sizes.

        Where they are those of the layout before, nothing is done: Textual takes a widget with a
        border for one that has changed, and paints the scroll bars of all panes anew.
        """
        given = size, virtual_size, container_size
        if given == self._laid_out:
            return False
        self._laid_out = given
        return super()._size_updated(size, virtual_size, container_size, layout)
