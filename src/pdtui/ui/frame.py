"""The lines around the panes: title, count, what is wrong, keys."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.app import App
from textual.content import Content
from textual.css.query import NoMatches
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from pdtui.core.query import Filter
from pdtui.ui import status
from pdtui.ui.filterbar import FilterBar
from pdtui.ui.filtering import Inputs, said_of
from pdtui.ui.lanegrid import LaneGrid
from pdtui.ui.session import Session


class MainScreen(Screen[None]):
    """The screen with the panes."""

    focused = Reactive[Widget | None](None, repaint=False)
    """What has the keys. It paints itself when that changes; Textual's would have all of the screen
    painted anew."""
    _begun = False

    def update_node_styles(self, animate: bool = True) -> None:
        """Textual: applies the style sheet to all that is on the screen.

        At the start, when all have just been given their styles, it is for nothing.
        """
        if self._begun:
            super().update_node_styles(animate)
        self._begun = True


class Frame(App[int]):
    """The lines around what the screen shows."""

    def __init__(
        self, session: Session, *, base: Filter, live: bool, ascii_only: bool = False
    ) -> None:
        super().__init__()
        self.session = session
        self.ascii_only = ascii_only
        self.live = live
        self.frozen: int | None = None
        """How many rows there were when the screen was frozen."""
        self.filters_off = False
        self.searching = False
        self.locked = False
        """Whether the panes go together by time."""
        self.failure: Callable[[], str] = lambda: ""
        self._base = base
        self._said = ("", 0.0)
        """The last message, and when it has been in sight for long enough."""
        self._shown = ("", 0)
        """What the line says that says what is wrong, and in how many cells."""
        self._titled = ""
        self._hinted: list[tuple[str, str]] = []
        self._inputs = Inputs()
        self.hints: tuple[tuple[str, str], ...] = status.HINTS
        """The keys that the last line tells."""

    def get_default_screen(self) -> MainScreen:
        """Textual: the screen below all others."""
        return MainScreen(id="_default")

    @property
    def lane_grid(self) -> LaneGrid:
        """The tail panes."""
        return self.screen_stack[0].query_one(LaneGrid)

    @property
    def filter_bar(self) -> FilterBar:
        """The filter line."""
        return self.screen_stack[0].query_one(FilterBar)

    @property
    def _is_up(self) -> bool:
        """Whether the screen is there: timers may ring once more while it is taken down."""
        try:
            return bool(self.screen_stack and self.screen_stack[0].query_one("#hints"))
        except NoMatches:
            return False

    def show_lines(self, width: int | None = None) -> None:
        """Writes the lines around the panes anew."""
        width = width or self.size.width
        self._show_title(width)
        self._show_problem()
        self.filter_bar.show_count(
            status.count_text(
                self.session,
                off=self.filters_off,
                searching=self.searching,
                more="" if self.filters_off else said_of(self._base),
            )
        )
        self._show_hints(width)

    def _show_hints(self, width: int) -> None:
        shown = status.hint_line(width, self.hints)
        if shown != self._hinted:
            self._hinted = shown
            parts = [part for key, word in shown
                     for part in ((f" {key} ", "$accent bold"), f"{word} ")]  # fmt: skip
            self._line("hints").update(Content.assemble(" ", *parts), layout=False)

    def _show_title(self, width: int | None = None) -> None:
        if self.frozen is not None:
            state = f"‖ frozen, +{len(self.session.store) - self.frozen:,}"
        elif not self.session.loaded:
            state = status.reading_state(self.session, ascii_only=self.ascii_only)
        else:
            over = status.ended(self.session)
            state = "■ ended" if over else "● live" if self.live else "■ not followed"
        said = self.lane_grid.said
        line = status.title_line(self.session, state, width or self.size.width, said)
        if line != self._titled:
            # To lay the whole screen out anew for each row that arrives is dear.
            self._titled = line
            self._line("title").update(Content(line), layout=False)

    def say(self, text: str, seconds: float = 3.0) -> None:
        """Says something in the message line for a while."""
        self._said = (text, time.monotonic() + seconds)
        self._show_problem()
        self.set_timer(seconds + 0.05, self._show_problem)

    def _show_problem(self) -> None:
        if not self._is_up:
            return
        text, until = self._said
        line, width = self._line("problem"), self.size.width
        wrong = self.failure() or " · ".join(map(str, self._inputs.wrong.values()))
        if time.monotonic() < until:
            shown = text
        elif wrong:
            shown = f"! {wrong}"
        else:
            shown = status.problem_line(self.session, width - 2)
        if (shown, width) != self._shown:  # to lay the screen out anew twice a second is dear
            self._shown = (shown, width)
            line.display = bool(shown)
            line.update(Content(shown))

    def _line(self, name: str) -> Static:
        return self.screen_stack[0].query_one(f"#{name}", Static)
