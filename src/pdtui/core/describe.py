"""One row in full: everything that is known of it, for the screen, the details and the export."""

from __future__ import annotations

from dataclasses import dataclass

from pdtui.core import formats
from pdtui.core.fields import fields_of, request_of
from pdtui.core.kinds import Kind, Rank
from pdtui.core.levels import LEVEL_NAMES
from pdtui.core.roles import roles
from pdtui.core.source import Source
from pdtui.core.stamps import NO_TIME, to_datetime

_MOST_PREFIXES = 3


@dataclass(frozen=True, slots=True)
class Head:
    """A line taken apart: where in the source code it was written, and what it says."""

    origin: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """Everything known of one row; the names are those of the output schema."""

    source: str
    line: int
    time: int | None
    time_source: str | None
    level: str | None
    format: str | None
    process: str | None
    pid: int | None
    rank: Rank | None
    role: str | None
    markers: tuple[str, ...]
    origin: str | None
    message: str
    continuation: bool

    def as_json(self) -> dict[str, object]:
        """The row in the output schema, ready for `json`."""
        return {
            "source": self.source,
            "line": self.line,
            "time": None if self.time is None else to_datetime(self.time).isoformat(),
            "time_source": self.time_source,
            "level": self.level,
            "format": self.format,
            "process": self.process,
            "pid": self.pid,
            "rank": self.rank.value if self.rank else None,
            "rank_source": self.rank.source.value if self.rank else None,
            "role": self.role,
            "markers": list(self.markers),
            "origin": self.origin,
            "message": self.message,
            "fields": fields_of(self.message),
            "request": request_of(self.message),
            "continuation": self.continuation,
        }


class Describer:
    """Describes rows of one source; what is the same for all rows is worked out once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._ranks: list[Rank | None] = []
        self._roles: list[str | None] = []
        self._revision = -1

    def kind(self, row: int) -> Kind:
        """The row's kind."""
        return self.source.kinds.kinds[int(self.source.columns.kind[row])]

    def markers(self, row: int) -> tuple[str, ...]:
        """The row's markers, in the order they stand."""
        return self.source.kinds.marker_sets[self.kind(row).markers]

    def rank(self, row: int) -> Rank | None:
        """The row's rank, as far as it is known now."""
        self._refresh()
        return self._ranks[int(self.source.columns.kind[row])]

    def describe(self, row: int, line: bytes | None = None) -> Row:
        """Everything known of the row; `line` spares reading it again."""
        self._refresh()
        number = int(self.source.columns.kind[row])
        kind = self.source.kinds.kinds[number]
        process = self.source.kinds.processes[kind.process]
        head = take_apart(self.source.line(row) if line is None else line, kind)
        when = int(self.source.columns.when[row])
        return Row(
            source=self.source.label,
            line=row + 1,
            time=None if when == NO_TIME else when,
            time_source=None if when == NO_TIME else "stamp" if kind.stamped else "inherited",
            level=None if kind.continuation else LEVEL_NAMES[kind.level],
            format=formats.FORMAT_NAMES[kind.format],
            process=process.name,
            pid=process.pid,
            rank=self._ranks[number],
            role=self._roles[number],
            markers=self.source.kinds.marker_sets[kind.markers],
            origin=head.origin,
            message=head.message,
            continuation=kind.continuation,
        )

    def _refresh(self) -> None:
        revision = self.source.kinds.revision
        if revision != self._revision:
            self._ranks = self.source.kinds.ranks()
            self._roles = roles(self.source)
            self._revision = revision


def take_apart(line: bytes, kind: Kind) -> Head:
    """Origin and message of a line, colour codes and prefixes taken off."""
    text = formats.clean(line.rstrip(b"\n"))
    text = peel(text)
    if kind.format:
        found = formats.FORMATS[kind.format - 1].pattern.match(text)
        if found:
            groups = formats.groups(found)
            origin = groups.get("origin")
            message = groups["message"].decode("utf-8", "replace")
            return Head(origin.decode("utf-8", "replace") if origin else None, message)
    return Head(None, text.decode("utf-8", "replace"))


def peel(text: bytes) -> bytes:
    """The line without the launcher's and the process prefixes."""
    if found := formats.LAUNCHER_RANK.match(text):
        text = text[found.end() :]
    for _ in range(_MOST_PREFIXES):
        if found := formats.PROCESS_PREFIX.match(text):
            text = text[found.end() :]
    return text
