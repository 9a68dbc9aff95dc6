"""How the parts of a pane's rows are painted, looked up once and kept while it holds."""

from __future__ import annotations

from rich.style import Style
from textual.widget import Widget


class PartStyles:
    """The styles of a pane's parts by name; '' is what all of them stand on."""

    def __init__(self, pane: Widget, prefix: str) -> None:
        self._pane = pane
        self._prefix = prefix
        self._known: dict[str, Style] = {}
        self._doubtful = False

    def __call__(self, part: str) -> Style:
        if (known := self._known.get(part)) is None:
            name = self._prefix + part
            known = self._pane.get_component_rich_style(name) if part else self._pane.rich_style
            self._known[part] = known
        return known

    def doubt(self) -> None:
        """Notes that they may be about to change: with the focus, it is only the border's."""
        self._doubtful = True

    def changed(self) -> bool:
        """Whether those that were asked for are others now."""
        if not self._doubtful:
            return False
        self._doubtful, before, self._known = False, self._known, {}
        return any(self(part) != style for part, style in before.items())
