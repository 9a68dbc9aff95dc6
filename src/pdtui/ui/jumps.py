"""The keys that find something: a text, an error, a silence, a mark, a request, a step."""

from __future__ import annotations

import asyncio
import math
import re
import time

from textual import work

from pdtui.core import levels
from pdtui.core.kinds import Kind
from pdtui.core.query import parse_text
from pdtui.ui.find import (
    SILENCE,
    find_kind,
    find_request,
    find_silence,
    find_step,
    find_text,
    requests_of,
)  # fmt: skip
from pdtui.ui.locked import Locked
from pdtui.ui.popups import marks_popup
from pdtui.ui.prompt import Prompt
from pdtui.ui.rows import RowsView

_FURTHER = {1: "further", -1: "earlier"}
_SOON, _LONG = 0.3, 600.0
"""Seconds after which a search says that it is one, and for which it does."""


class Jumps(Locked):
    """The viewer with the keys that go to another row."""

    _pattern: re.Pattern[str] | None = None
    _request: int | None = None
    """The request that was followed last: a row may speak of several."""

    def action_search(self) -> None:
        """Asks for a text to highlight and go to."""
        self._pane = self.pane
        self.query_one(Prompt).ask(
            "search",
            self._pattern.pattern if self._pattern else "",
            changed=self._highlight,
            entered=self._search_entered,
            left=self.back_to_pane,
        )

    def _search_entered(self, _text: str) -> None:
        self.action_search_next(1)

    def _highlight(self, text: str) -> None:
        """Shows every place that the text fits, as it is typed."""
        try:
            self._pattern = re.compile(text) if text else None
        except re.error as error:
            self._pattern = None
            self.say(f"search: '{text}' is no expression: {error}")
        for pane in self.panes():
            pane.highlight = self._pattern
            pane.refresh()

    @work(exclusive=True, group="search")
    async def action_search_next(self, step: int) -> None:
        """Goes to the next row that holds the text."""
        if (pattern := self._pattern) is None:
            return
        pane, start, soon = self.pane, self.pane.cursor, time.monotonic() + _SOON
        for place in find_text(
            self.session.sources, pane.view, start, step, parse_text(pattern.pattern)
        ):
            if place is not None:
                if soon == math.inf:
                    self.say("", 0)
                self._show_hit(pane, place, pattern, round_=(place - start) * step <= 0)
                return
            if time.monotonic() > soon:
                soon = math.inf
                self.say("searching (Esc stops it) …", _LONG)
            await asyncio.sleep(0)
            if self._pattern is not pattern:
                self.say("search stopped")
                return
        so_far = " in what has been read so far" if self.session.tails else ""
        self.say(f"not found{so_far}: {pattern.pattern}")

    def _show_hit(
        self, pane: RowsView, place: int, pattern: re.Pattern[str], *, round_: bool
    ) -> None:
        """Goes to the row that a search found; `round_` is whether that went round the end."""
        if round_:
            self.say("search went round the end")
        pane.go_to(place, centre=not pane.shows(place))
        if not pane.reveal(pattern):
            self.say("it stands in a part of the line that has no column: Enter shows it")

    def action_level(self, step: int, name: str) -> None:
        """Goes to the next row of this level or above."""
        floor = levels.level_number(name)

        def wanted(kind: Kind) -> bool:
            return kind.level >= floor and not kind.continuation

        place = find_kind(self.session.sources, self.pane.view, self.pane.cursor, step, wanted)
        self._go(place, f"no {_FURTHER[step]} {name}")

    def action_silence(self, step: int) -> None:
        """Goes to the next row that followed a silence."""
        place = find_silence(self.session.sources, self.pane.view, self.pane.cursor, step)
        self._go(place, f"no {_FURTHER[step]} silence of {SILENCE} s")

    def action_step(self, step: int) -> None:
        """Goes to the next row of the pane that says a step of a handshake."""
        place = find_step(self.session.sources, self.pane.view, self.pane.cursor, step)
        self._go(place, f"no {_FURTHER[step]} step of a handshake")

    def action_request(self, step: int) -> None:
        """Goes to the next row, of any process, of the request that this row speaks of."""
        if (where := self.pane.cursor_row) is None:
            return
        keys = requests_of(self.session.source_at(where[0]), where[1])
        if not keys:
            self.say("this row speaks of no request")
            return
        self._request = key = self._request if self._request in keys else keys[0]
        view = self.timeline.view
        start = view.place_of(*where)
        place = find_request(self.session.sources, view, start, step, key)
        if place is None:
            hidden = " (some are hidden by the filters)" if self.session.filter else ""
            self.say(f"no {_FURTHER[step]} row of this request{hidden}")
            return
        # The row may be another process's, and no tail pane holds all of them.
        self.focus_pane(self.timeline)
        self._go(place, "")

    def _go(self, place: int | None, otherwise: str) -> None:
        if place is None:
            self.say(otherwise + (" in what has been read so far" if self.session.tails else ""))
        else:
            self.pane.go_to(place, centre=not self.pane.shows(place))

    # Marks

    def action_mark(self) -> None:
        """Marks the row under the cursor, or takes the mark away."""
        if (where := self.pane.cursor_row) is not None:
            marked = self.pane.marked ^ {where}
            for pane in self.panes():
                pane.marked = marked
                pane.repaint()

    def action_next_mark(self, step: int) -> None:
        """Goes to the next marked row of the pane."""
        pane = self.pane
        places = sorted(pane.view.place_of(*where) for where in pane.marked)
        places = [p for p in places if p < len(pane.view) and pane.view.at(p) in pane.marked]
        ahead = [p for p in places if (p > pane.cursor if step > 0 else p < pane.cursor)]
        hidden = len(pane.marked) - len(places)
        more = f" ({hidden} hidden by the filters)" if hidden else ""
        place = (min(ahead) if step > 0 else max(ahead)) if ahead else None
        self._go(place, f"no {_FURTHER[step]} mark{more}")

    def action_marks(self) -> None:
        """Lists the marked rows."""
        timeline = self.timeline
        marks = sorted(timeline.marked, key=lambda where: timeline.view.place_of(*where))
        self.push_screen(marks_popup([self.session.describe(*where) for where in marks]))
