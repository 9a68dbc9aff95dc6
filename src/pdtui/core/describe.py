"""One row in full: everything that is known of it, for the screen, the details and the export."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from pdtui.core.cleaning import clean
from pdtui.core.fields import fields_of, request_of
from pdtui.core.formats import Format, groups, message_begin
from pdtui.core.kinds import NO_PROCESS, NO_RANK, Kind, KindTable, Rank
from pdtui.core.levels import LEVEL_NAMES
from pdtui.core.mojibake import repair
from pdtui.core.prefixforms import MOST_PREFIXES, prefix_end
from pdtui.core.roles import roles
from pdtui.core.source import Source
from pdtui.core.stamps import NO_TIME, to_datetime
from pdtui.core.torn import find_inside


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
    torn: bool = False
    """Whether its line was torn, so that which process wrote it is uncertain."""

    beside: str = field(default="", repr=False)
    """The line itself, where the message is only a part of what it says (JSON)."""

    @property
    def request(self) -> str | None:
        """The key of the request that the row speaks of."""
        return request_of(self.message) or (request_of(self.beside) if self.beside else None)

    def as_json(self) -> dict[str, object]:
        """The row in the output schema, ready for `json`."""
        return {
            "source": self.source,
            "line": self.line,
            "time": None if self.time is None else _iso(self.time),
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
            "request": self.request,
            "continuation": self.continuation,
        }


@lru_cache(maxsize=1024)
def _iso(time: int) -> str:
    # Many rows have the same.
    return to_datetime(time).isoformat()


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

    def facts(self, row: int) -> dict[str, str]:
        """What the process that wrote the row said of itself, anywhere in the source."""
        kind, rank = self.kind(row), self.rank(row)
        facts = self.source.kinds.facts
        of_rank = facts.get((NO_PROCESS, rank.value), {}) if rank else {}
        own = facts.get((kind.process, NO_RANK), {}) if kind.process != NO_PROCESS else {}
        return {**facts.get((NO_PROCESS, NO_RANK), {}), **of_rank, **own}

    def describe(self, row: int, line: bytes | None = None) -> Row:
        """Everything known of the row; `line` spares reading it again."""
        self._refresh()
        number = int(self.source.columns.kind[row])
        kind = self.source.kinds.kinds[number]
        process = self.source.kinds.processes[kind.process]
        line = self.source.line(row) if line is None else line
        head = take_apart(line, kind, self.source.kinds)
        form = self.source.kinds.grammar.format(kind.format)
        when = int(self.source.columns.when[row])
        return Row(
            source=self.source.label,
            line=row + 1,
            time=None if when == NO_TIME else when,
            time_source=None if when == NO_TIME else "stamp" if kind.stamped else "inherited",
            level=LEVEL_NAMES[kind.level] if self._states_level(kind) else None,
            format=self.source.kinds.grammar.names[kind.format],
            process=process.name,
            pid=process.pid,
            rank=self._ranks[number],
            role=self._roles[number],
            markers=self.source.kinds.marker_sets[kind.markers],
            origin=head.origin,
            message=head.message,
            continuation=kind.continuation,
            torn=kind.torn,
            beside=line.decode("utf-8", "replace") if form and form.reader else "",
        )

    def _states_level(self, kind: Kind) -> bool:
        """A continuation states no level, unless vLLM repeated the record's head on it."""
        return not kind.continuation or bool(self.source.kinds.grammar.is_vllm[kind.format])

    def _refresh(self) -> None:
        revision = self.source.kinds.revision
        if revision != self._revision:
            self._ranks = self.source.kinds.ranks()
            self._roles = roles(self.source)
            self._revision = revision


def take_apart(line: bytes, kind: Kind, kinds: KindTable) -> Head:
    """Origin and message of a line, colour codes and prefixes taken off."""
    text = clean(line.rstrip(b"\n"))
    form = kinds.grammar.format(kind.format)
    begin, head = _claimed(form, text, 0, kinds)
    if head is None and (form or kind.torn) and (inside := find_inside(text, begin, len(text))):
        begin, head = _claimed(form, text, inside.begin, kinds)
    return head or Head(None, _text(repair(text[begin:])))


def _claimed(
    form: Format | None, text: bytes, begin: int, kinds: KindTable
) -> tuple[int, Head | None]:
    """Where the prefixes end, and what the format makes of what follows them."""
    for _ in range(MOST_PREFIXES + 1):
        if form and (head := _read(form, text, begin)):
            return begin, head
        end = prefix_end(text, begin, kinds.learned_prefixes)
        if end == begin:
            break
        begin = end
    return begin, None


def _read(form: Format, text: bytes, begin: int) -> Head | None:
    # The first byte is looked at as for many lines: an expression alone may fit where none does.
    fits = begin < len(text) and text[begin] in form.first_bytes
    found = form.pattern.match(text, begin) if fits else None
    if found is None:
        return None
    if form.reader is not None:
        said = form.reader([found["message"]])
        message = said.message[0]
        return None if message is None else Head(said.origin(0), _text(repair(message)))
    origin, message = groups(found).get("origin", b"").rstrip(b":"), text[message_begin(found) :]
    if form.tail is not None and (tail := form.tail.search(message)):
        message, origin = message[: tail.start()], tail["origin"]
    return Head(_text(origin) or None, _text(repair(message)))


def _text(message: bytes) -> str:
    return message.decode("utf-8", "replace")
