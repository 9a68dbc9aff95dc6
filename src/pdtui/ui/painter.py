"""One row → one line of cells: time, level, source, markers, rank, message."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import pairwise

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from pdtui.core.describe import Row
from pdtui.core.markers import known_markers, marker_of
from pdtui.core.printing import printable
from pdtui.core.stamps import SECOND, to_datetime
from pdtui.ui.text import fit, from_cell

_LEVEL_LETTERS = {"DEBUG": "d", "INFO": " ", "WARNING": "W", "ERROR": "E", "CRITICAL": "C"}
_RANK_BRACKET = re.compile(r"\[Rank \d+\] ?")
_REQUEST = re.compile(
    r"(?:(?:chatcmpl|cmpl|embd)-)?___prefill_addr_\S+?___decode_addr_\S+?:\d+_([0-9a-f]{32})(?:-\d+)?"
    r"(?:-[0-9a-f]{8}(?![0-9a-f]))?"
)
_LETTERS = {ord(marker.emoji): marker.letter for marker in known_markers()}
_MARKER_CELLS = 4
_NARROW, _VERY_NARROW = 72, 48
_LONGEST = 4096
"""Characters of a message that are laid out; the details show all of it."""


class TimeColumn(Enum):
    """What the time column shows."""

    CLOCK = "clock"
    SINCE_ABOVE = "Δ to the row above"
    SINCE_MARK = "Δ to the mark"


@dataclass(frozen=True, slots=True)
class Look:
    """How a pane lays its rows out."""

    width: int
    source_width: int = 0
    """Cells for the source's label; 0 in a pane that shows but one."""
    roles: bool = False
    """Whether the role stands in place of the label, which is the same for all rows."""
    shift: int = 0
    """Cells of the message scrolled out to the left."""
    time: TimeColumn = TimeColumn.CLOCK
    ascii_only: bool = False

    @property
    def marker_width(self) -> int:
        """Cells for the markers; the second one goes first where there is little room."""
        return _MARKER_CELLS if self.width >= _VERY_NARROW and not self.ascii_only else 2

    @property
    def level_width(self) -> int:
        """Cells for the level's letter, with a blank where there is room."""
        return 2 if self.width >= _VERY_NARROW else 1


class Painter:
    """Paints rows; `style` gives the style of a part (`time`, `error`, `source-prefill`, …)."""

    def __init__(self, style: Callable[[str], Style]) -> None:
        self._style = style

    def paint(self, row: Row, look: Look, since: int | None = None) -> Strip:
        """The row's line; `since` is the time that a Δ column counts from."""
        message_style = self._message_style(row)
        segments = [
            Segment(self._time(row, look, since), self._time_style(row)),
            *self._level(row, look),
            *self._source(row, look),
            *self._markers(row, look),
            *self._rank(row),
        ]
        used = sum(segment.cell_length for segment in segments)
        text = message_of(row)
        if look.ascii_only:
            text = text.translate(_LETTERS)
        message = fit(from_cell(text, look.shift), max(look.width - used, 0))
        segments += self._message(message, message_style)
        return Strip(segments, used + max(look.width - used, 0))

    def _time(self, row: Row, look: Look, since: int | None) -> str:
        if row.continuation or row.time is None:
            return " " * 9
        if look.time is TimeColumn.CLOCK or since is None:
            clock = to_datetime(row.time).strftime("%H:%M:%S")
            return clock + ("~" if row.time_source == "inherited" else " ")
        return f"{_span(row.time - since):>8} "

    def _time_style(self, row: Row) -> Style:
        return self._style("inherited" if row.time_source == "inherited" else "time")

    def _level(self, row: Row, look: Look) -> list[Segment]:
        letter = _LEVEL_LETTERS.get(row.level or "", " ")
        style = self._style((row.level or "info").lower())
        return [Segment(fit(letter, look.level_width), _bold(style))]

    def _source(self, row: Row, look: Look) -> list[Segment]:
        if not look.source_width:
            return []
        style = self._style(f"source-{row.role or 'other'}")
        said = row.role or "" if look.roles else row.source
        return [Segment(fit(printable(said), look.source_width) + " ", style)]

    def _markers(self, row: Row, look: Look) -> list[Segment]:
        # Where there is room for one, what follows the breakpoint's own sign says more.
        most = 2 if look.ascii_only else look.marker_width // 2
        emojis = row.markers
        if most == 1 and emojis[:1] == ("🔍",) and len(emojis) > 1:
            emojis = emojis[1:]
        shown = [marker_of(emoji) for emoji in emojis[:most]]
        text = "".join(m.letter if look.ascii_only else fit(m.emoji, 2) for m in shown)
        return [Segment(fit(text, look.marker_width) + " ", self._style("marker"))]

    def _rank(self, row: Row) -> list[Segment]:
        if row.torn:
            # Two processes wrote into this line: whose it is cannot be told.
            return [Segment(" ? ", self._style("rank-inferred"))]
        if row.rank is None:
            return [Segment("   ")]
        stated = row.rank.source.value == "explicit"
        style = self._style("rank" if stated else "rank-inferred")
        return [Segment(f"{'' if row.continuation else row.rank.value:>2} ", style)]

    def _message_style(self, row: Row) -> Style:
        if row.level in ("ERROR", "CRITICAL", "WARNING", "DEBUG"):
            return self._style(row.level.lower())
        if row.continuation:
            return self._style("values")
        if row.format == "nccl":
            return self._style("quiet")
        return self._style("message")

    def _message(self, message: str, style: Style) -> list[Segment]:
        """The message, what stands behind ` | ` (the values of a debug line) more quietly."""
        said, bar, values = message.partition(" | ")
        if not bar:
            return [Segment(message, style)]
        return [Segment(said, style), Segment(bar + values, self._style("values"))]


@lru_cache(maxsize=64)
def _bold(style: Style) -> Style:
    return style + Style(bold=True)


def message_of(row: Row) -> str:
    """The message as it is painted: the markers and the rank at its start have columns."""
    text = printable(_REQUEST.sub(_folded, row.message[:_LONGEST]))
    left = [printable(emoji) for emoji in row.markers]
    while left and text.startswith(left[0]):
        text = text[len(left.pop(0)) :].lstrip(" ")
        if found := _RANK_BRACKET.match(text):
            text = text[found.end() :]
    return text


def _folded(found: re.Match[str]) -> str:
    """A P2P request id by the start of its uuid: in full it would fill the line."""
    return f"req#{found[1][:8]}"


def _span(time: int) -> str:
    """A span of microseconds in eight cells: `+1.204s`, `+12m34s`, `-3h04m`."""
    sign, size = ("-" if time < 0 else "+"), abs(time)
    seconds = size // SECOND
    if seconds < 60:
        fraction = size % SECOND // 1000
        return f"{sign}{seconds}.{fraction:03}s" if fraction else f"{sign}{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{sign}{minutes}m{seconds:02}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{sign}{hours}h{minutes:02}m"
    return f"{sign}{hours // 24}d{hours % 24:02}h"


def with_highlight(strip: Strip, pattern: re.Pattern[str], style: Style) -> Strip:
    """The strip with every place that the pattern fits in this style."""
    text = strip.text
    spans = [m.span() for m in pattern.finditer(text) if m.end() > m.start()]
    if not spans:
        return strip
    segments: list[Segment] = []
    place = 0
    for segment in strip:
        segments += _painted(segment, place, spans, style)
        place += len(segment.text)
    return Strip(segments, strip.cell_length)


def _painted(
    segment: Segment, begin: int, spans: list[tuple[int, int]], style: Style
) -> list[Segment]:
    """The segment, cut where spans begin and end."""
    end = begin + len(segment.text)
    cuts = sorted({begin, end, *(c for span in spans for c in span if begin < c < end)})
    parts = []
    for first, stop in pairwise(cuts):
        inside = any(low <= first < high for low, high in spans)
        base = segment.style or Style.null()
        part = segment.text[first - begin : stop - begin]
        parts.append(Segment(part, base + style if inside else base))
    return parts
