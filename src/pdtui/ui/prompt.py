"""The line at the bottom in which a search or a file name is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Label


class Prompt(Horizontal):
    """Asks for one line of text; not there until it is asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "step back", show=False, id="prompt.cancel")
    ]

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self._changed: Callable[[str], None] = _nothing
        self._entered: Callable[[str], None] = _nothing
        self._left: Callable[[], None] = lambda: None

    def compose(self) -> ComposeResult:
        """Textual: what is asked, and the answer."""
        yield Label(id="prompt-label", classes="filter-label")
        yield Input(id="prompt-input", compact=True)

    def ask(
        self,
        label: str,
        text: str,
        *,
        entered: Callable[[str], None],
        changed: Callable[[str], None] | None = None,
        left: Callable[[], None],
    ) -> None:
        """Asks; `changed` hears every keystroke, `entered` the answer, `left` when it is over."""
        self._changed = _nothing
        self._entered, self._left = entered, left
        self.query_one(Label).update(Content(label))
        box = self.query_one(Input)
        box.value = text
        box.cursor_position = len(text)
        self.display = True
        self._changed = changed or _nothing
        self.screen.set_focus(box)

    def action_cancel(self) -> None:
        """Leaves without an answer."""
        self._changed("")
        self._close()

    def _close(self) -> None:
        held_focus = self.query_one(Input).has_focus
        self.display = False
        self._changed = _nothing
        if held_focus:
            self._left()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._changed(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close()
        self._entered(event.value)


def _nothing(_text: str) -> None:
    """Hears nothing."""
