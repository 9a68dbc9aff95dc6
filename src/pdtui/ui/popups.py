"""What opens over the screen: help, a row's details, the marked rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pdtui.core.describe import Row
from pdtui.core.fields import fields_of
from pdtui.core.markers import known_markers, marker_of
from pdtui.core.printing import printable
from pdtui.core.stamps import to_datetime
from pdtui.ui.keys import HELP_ORDER, KEYS
from pdtui.ui.moment import Standing
from pdtui.ui.painter import message_of
from pdtui.ui.text import UNKNOWN, fit

_NAME_WIDTH = 12
_KEY_WIDTH = 26
_LABEL_MOST = 20


class Popup(ModalScreen[None]):
    """A text over the screen that scrolls and closes with Esc, q or Enter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close", id="popup.close"),
        Binding("j,down", "scroll(1)", "down", show=False, id="popup.down"),
        Binding("k,up", "scroll(-1)", "up", show=False, id="popup.up"),
        Binding("space,pagedown", "scroll(10)", "page down", show=False, id="popup.page_down"),
        Binding("b,pageup", "scroll(-10)", "page up", show=False, id="popup.page_up"),
    ]

    def __init__(self, title: str, body: Text) -> None:
        super().__init__(classes="popup")
        self._title_text = title
        self._body = body

    def compose(self) -> ComposeResult:
        """Textual: the text in a frame."""
        with VerticalScroll() as frame:
            frame.border_title = Content(self._title_text)
            frame.border_subtitle = Content("Esc closes")
            yield Static(self._body)

    def action_scroll(self, lines: int) -> None:
        """Scrolls some lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    async def action_dismiss(self, result: None = None) -> None:
        """Closes it."""
        self.dismiss(result)


def help_popup() -> Popup:
    """All keys and markers, from the tables that the program itself goes by."""
    body = Text()
    for group in HELP_ORDER:
        body.append(f"{group}\n", "bold")
        for key in KEYS:
            if key.group == group and key.shown:
                body.append(f"  {fit(key.shown, _KEY_WIDTH)}", "cyan")
                body.append(f"{key.does}\n")
        body.append("\n")
    body.append("Filters\n", "bold")
    body.append(
        "  rank    0,2-4 · decode:1 · !3        marker  alert 🔍 !init · any\n"
        "  level   warning (this and above)     text    a regular expression; ! first hides\n"
        "  All of them must hold. Down and Up choose from what the logs hold, Tab completes.\n\n"
    )
    body.append("Markers\n", "bold")
    for marker in known_markers():
        body.append(f"  {fit(marker.emoji, 3)} {fit(marker.letter, 2)} {marker.name:<10} ")
        body.append(f"{marker.meaning}\n")
    return Popup("help", body)


def details_popup(
    row: Row, raw: bytes, facts: Mapping[str, str], waits: list[str], others: list[Standing]
) -> Popup:
    """Everything that is known of a row, and of the moment at which it was written.

    `facts` is what its process said of itself, `waits` the handshakes that it was in.
    """
    body = Text()
    for name, value in (*_details(row), *(("handshake", said) for said in waits)):
        body.append(fit(name, _NAME_WIDTH), "bold")
        body.append(f"{printable(value)}\n")
    fields = fields_of(row.message)
    if fields:
        body.append("\n")
        _append_table(body, fields)
    if others:
        _append_others(body, others)
    if facts:
        body.append("\nits process said of itself\n", "bold")
        _append_table(body, facts)
    body.append("\n")
    body.append(printable(raw.decode("utf-8", "replace").rstrip("\r\n")), "dim")
    return Popup(f"{printable(row.source)} line {f'{row.line:,}' if row.line else UNKNOWN}", body)


def _append_others(body: Text, others: list[Standing]) -> None:
    """The last row of each other process, and the handshakes that it was in."""
    body.append("\nthe others at that moment\n", "bold")
    width = min(max(cell_len(printable(other.label)) for other in others), _LABEL_MOST) + 2
    for other in others:
        row = other.row
        clock = "--:--:--" if row.time is None else to_datetime(row.time).strftime("%H:%M:%S")
        body.append("  " + fit(printable(other.label), width), "cyan")
        body.append(f"{clock} {''.join(fit(sign, 2) for sign in row.markers[:1]):2} ")
        body.append(f"{message_of(row)}\n")
        for said in other.waits:
            body.append(" " * (width + 2) + f"in a handshake: {printable(said)}\n", "yellow")


def _append_table(body: Text, values: Mapping[str, str]) -> None:
    width = min(max(map(len, values)), 24) + 2
    for name, value in values.items():
        body.append("  " + fit(printable(name), width), "cyan")
        body.append(f"{printable(value)}\n")


def _details(row: Row) -> Iterable[tuple[str, str]]:
    if row.time is not None:
        how = "" if row.time_source == "stamp" else "  (no stamp of its own: inherited)"
        yield "time", to_datetime(row.time).isoformat(" ") + how
    if row.rank is not None:
        yield "rank", f"{row.rank.value}  ({row.rank.source.value})"
    yield "level", row.level or "none"
    yield "format", row.format or ("continues the row above" if row.continuation else "unknown")
    if row.process or row.pid is not None:
        said = [row.process or "", "" if row.pid is None else f"pid {row.pid}"]
        uncertain = "(uncertain: the line is torn)" if row.torn else ""
        yield "process", "  ".join(part for part in (" ".join(said).strip(), uncertain) if part)
    if row.role:
        yield "role", row.role
    for emoji in row.markers:
        marker = marker_of(emoji)
        yield "marker", f"{fit(emoji, 2)} {marker.name}: {marker.meaning}"
    if row.origin:
        yield "origin", row.origin
    if row.request:
        yield "request", row.request
    yield "message", row.message


def marks_popup(rows: list[Row]) -> Popup:
    """The rows that were marked, with the time from one to the next."""
    body = Text()
    before: int | None = None
    for row in rows:
        clock = "--:--:--" if row.time is None else to_datetime(row.time).strftime("%H:%M:%S")
        span = "" if before is None or row.time is None else f"+{(row.time - before) / 1e6:.3f} s"
        body.append(f"{clock} {span:>12}  ", "cyan")
        body.append(f"{printable(row.source)}:{row.line or UNKNOWN}  {printable(row.message)}\n")
        before = row.time
    if not rows:
        body.append("no row is marked: m marks the row under the cursor")
    return Popup("marked rows", body)
