"""The viewer with its keys."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import threading
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from pdtui.core.markers import marker_of
from pdtui.core.query import Filter
from pdtui.ui.jumps import Jumps
from pdtui.ui.keys import FILTER, JUMP, KEYS, LOOK
from pdtui.ui.moment import standings
from pdtui.ui.overview import ItemList
from pdtui.ui.painter import TimeColumn
from pdtui.ui.popups import details_popup, help_popup
from pdtui.ui.prompt import Prompt
from pdtui.ui.rows import RowsView

_OPENING = {key.action.partition("(")[0] for key in KEYS if key.moves_keys}
_OF_PANES = {
    *(key.action.partition("(")[0] for key in KEYS if key.group in (LOOK, FILTER, JUMP)),
    "details",
    "copy",
} - {"freeze"}
"""What the keys do with the rows of a pane; a view that covers the panes has no use for them."""
_SIGNALLED = 128
"""Added to the number of the signal that ended a program, as shells do."""
_MOST_COPIED = 10_000
_SAVED_AT_ONCE = 2_000
_PATIENCE = 1.0
"""Seconds that Enter waits for the keys before it."""

_GRACE = 2.0
"""Seconds for an orderly end after the terminal has gone."""


class PdtuiApp(Jumps):
    """The viewer of one session."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(key.binding() for key in KEYS if key.keys),
        # Before the input's own Enter: what is typed right after it, perhaps in one packet with
        # it, must no longer find the input.
        Binding("enter", "submit_input", show=False, priority=True, id="app.submit"),
        Binding("ctrl+c", "quit", "quit at once", show=False, priority=True, id="app.quit"),
    ]

    async def on_mount(self) -> None:
        """Textual: the app runs; a signal that ends it must leave the terminal as it was."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.exit, _SIGNALLED + signal.SIGTERM)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _hang_up(self) -> None:
        """Ends soon, and surely: the terminal is gone.

        Textual's writing thread dies of that, and its end may then be waited for without end.
        """
        status = _SIGNALLED + signal.SIGHUP
        last_resort = threading.Timer(_GRACE, os._exit, (status,))
        last_resort.daemon = True
        last_resort.start()
        self.exit(status)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual: whether an action may be carried out now.

        Those that move the keys elsewhere come before the focused widget's own keys, so they must
        leave the letters that are typed into an input alone.
        """
        if action in _OF_PANES and self._is_up and self.overview is not None:
            return False
        if action in _OPENING:
            return isinstance(self.focused, RowsView | ItemList)
        if action == "submit_input":
            return isinstance(self.focused, Input) and not self.screen_stack[1:]
        return super().check_action(action, parameters)

    async def action_submit_input(self) -> None:
        """Enters what an input holds, once the keys before Enter have reached it."""
        box = self.focused
        reached = asyncio.Event()
        if isinstance(box, Input):
            box.call_later(reached.set)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reached.wait(), _PATIENCE)
            await box.action_submit()
            self.give_focus(self.main_widget)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Textual: what the command palette offers: every key's action, by what it does."""
        for key in KEYS:
            if key.keys and key.shown:
                title = f"{key.does} ({key.shown})"
                run = partial(self.call_later, self.run_action, key.action)
                yield SystemCommand(title[:1].upper() + title[1:], key.group, run)
        yield from super().get_system_commands(screen)

    # Panes

    def action_next_pane(self, step: int) -> None:
        """Goes to the next pane, the timeline after the last."""
        panes = [p for p in self.panes() if p is self.timeline or self.lane_grid.grid.panes]
        self.focus_pane(panes[(panes.index(self.pane) + step) % len(panes)])

    def action_pane(self, number: int) -> None:
        """Goes to the n-th pane."""
        if number <= len(self.lane_grid.panes) and self.lane_grid.grid.panes:
            self.focus_pane(self.lane_grid.panes[number - 1])

    def action_timeline(self) -> None:
        """Goes to the timeline."""
        self.focus_pane(self.timeline)

    def action_zoom(self) -> None:
        """Gives the pane the whole screen, or takes it back."""
        if self.zoomed:
            self.unzoom()
        else:
            self.zoom(self.pane)

    def action_freeze(self) -> None:
        """Holds the screen still and counts what arrives, or goes on."""
        self.frozen = len(self.session.store) if self.frozen is None else None
        if self.frozen is None:
            self.catch_up()
        self.show_lines()

    def action_time_column(self) -> None:
        """The next kind of time column, in all panes."""
        kinds = [k for k in TimeColumn if k is not TimeColumn.SINCE_MARK or self.pane.marked]
        now = self.pane.time_column
        following = kinds[(kinds.index(now) + 1) % len(kinds)] if now in kinds else kinds[0]
        for pane in self.panes():
            pane.time_column = following
            pane.repaint()
        self.say(f"time column: {following.value}")

    # Filters

    def action_filter(self, name: str) -> None:
        """Goes to a filter's input."""
        self._pane = self.pane
        self.give_focus(self.filter_bar.input(name))

    def action_filters(self) -> None:
        """All filters off, or on again, without losing the place."""
        if self.session.filter or self.filters_off:
            self.toggle_filters()
        else:
            self.say("no filter is set")

    def action_only_like(self, wanted: bool) -> None:
        """Only rows like the one under the cursor, or none like it: its marker, else its rank."""
        if (where := self.pane.cursor_row) is None:
            return
        row = self.session.describe(*where)
        sign = "" if wanted else "!"
        if row.markers:
            self._filter_on("marker", sign + marker_of(row.markers[0]).name, wanted)
        elif row.rank is not None:
            self._filter_on("rank", f"{sign}{row.rank.value}", wanted)
        elif row.origin:
            self._filter_on("text", sign + re.escape(row.origin), True)
        else:
            self.say("this row has no marker, rank or origin to go by")

    def _filter_on(self, name: str, text: str, alone: bool) -> None:
        """Sets an input, or adds to what it holds."""
        before = "" if alone else self.filter_bar.texts[name]
        self.filter_bar.set_text(name, f"{before} {text}".strip())

    # The rest

    def action_details(self) -> None:
        """Shows everything known of the row under the cursor."""
        if (where := self.pane.cursor_row) is not None:
            raw = self.session.source_at(where[0]).line(where[1])
            facts = self.session.facts(*where)
            row = self.session.describe(*where)
            self.push_screen(details_popup(row, raw, facts, *standings(self.session, where)))

    def action_copy(self) -> None:
        """Copies the marked rows, or the one under the cursor, to the terminal's clipboard."""
        where = self.pane.cursor_row
        marks = sorted(self.pane.marked) or ([where] if where else [])
        lines = [self.session.source_at(n).line(row) for n, row in marks[:_MOST_COPIED]]
        if lines:
            self.copy_to_clipboard(b"".join(lines).decode("utf-8", "replace").rstrip("\n"))
            self.say(f"copied {len(lines)} row{'s' if len(lines) > 1 else ''}")

    def action_save(self) -> None:
        """Asks for a file and writes the pane's rows into it, as they are in the logs."""
        self._pane = self.pane
        name = f"pdtui-{datetime.now():%m%d-%H%M%S}.log"
        self.query_one(Prompt).ask(
            "save what is shown to", name, entered=self._save_to, left=self.back_to_pane
        )

    def _save_to(self, name: str) -> None:
        self._save(name)

    @work(exclusive=True, group="save")
    async def _save(self, name: str) -> None:
        path, view = Path(name).expanduser(), self.pane.view
        count = len(view)
        try:
            with path.open("xb") as file:
                for place in range(count):
                    number, row = view.at(place)
                    line = self.session.source_at(number).line(row)
                    file.write(line if line.endswith(b"\n") else line + b"\n")
                    if place % _SAVED_AT_ONCE == 0:
                        await asyncio.sleep(0)
        except OSError as error:
            said = (error.strerror or str(error)).lower()
            self.say(f"{name}: {said}")
        else:
            self.say(f"{count:,} rows saved to {path}")

    def action_help(self) -> None:
        """Shows the keys and markers."""
        self.push_screen(help_popup())

    def action_step_back(self) -> None:
        """One step back: view, zoom, search, the last filter that holds something."""
        if self.overview is not None:
            self.show_overview(None)
        elif isinstance(self.screen.focused, Input):
            self.give_focus(self.main_widget)
        elif self.zoomed:
            self.unzoom()
        elif self._pattern is not None:
            self._highlight("")
        elif filled := [name for name, text in self.filter_bar.texts.items() if text]:
            self.filter_bar.set_text(self._last_filter(filled), "")
        elif self._drop_base():
            self.say("the command line's filters are off")

    def _drop_base(self) -> bool:
        """Drops what only the command line could ask for; whether there was any."""
        if not self._base:
            return False
        self._base = Filter()
        self.apply(self._inputs.filter(self._base, self.filter_bar.texts))
        return True

    def _last_filter(self, names: list[str]) -> str:
        """Which of these inputs was changed last."""
        return max(names, key=lambda name: self._changed_at.get(name, 0))

    def action_leave(self) -> None:
        """One step back from a view or a zoomed pane, else ends the viewer."""
        if self.overview is not None:
            self.show_overview(None)
        elif self.zoomed:
            self.unzoom()
        else:
            self.exit(0)

    async def action_quit(self) -> None:
        """Ends the viewer."""
        self.exit(0)
