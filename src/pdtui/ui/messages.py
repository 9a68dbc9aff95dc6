"""What other threads tell the screen."""

from __future__ import annotations

from textual.message import Message

from pdtui.ui.showing import Showing


class ShowingMade(Message):
    """What was made on a thread can be shown: for another filter, or of all that was read."""

    def __init__(self, showing: Showing | None, *, ahead: bool = False) -> None:
        super().__init__()
        self.showing = showing
        self.ahead = ahead


class StoreGrew(Message):
    """The store has changed; read it from the store."""

    def can_replace(self, message: Message) -> bool:
        """One is as good as many."""
        return isinstance(message, StoreGrew)
