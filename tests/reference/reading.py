"""A second, slow reading of a log, line by line, to hold the scanner to.

It was written from the description of the line formats and from real logs, shares no code with
`pdtui.core`, and knows no blocks: plain expressions on whole lines, one dictionary a question.
What it says of every line is what the output schema says.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

SCHEMA = (
    "format", "level", "time", "time_source", "process", "pid", "rank", "rank_source", "markers",
    "origin", "message", "continuation",
)  # fmt: skip
"""What is compared: the names of the output schema."""
MARKERS = "🔍💯🤝🚨✅✉⚠🚧🔴👉👈👋🔵⛔❗"
MOST_MARKERS = 3
"""No message begins with more; the scanner looks no further."""
GREATEST_RANK = 4094
LONGEST_PREFIX = 97

SGR = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]")
SGR_WITHOUT_ESC = re.compile(rb"\[\d{1,3}(;\d{1,3}){0,3}m")
LAUNCHER = re.compile(r"\[rank(\d{1,4})\]: ?", re.A)
PREFIX = re.compile(
    r"\(([A-Za-z][\w-]*(?: rank=\d+| [A-Z]{2,3}\d+(?:[ _][A-Z]{2,3}\d+)*)?)"
    r" pid=(\d{1,8})(?:, ip=[0-9a-fA-F.:]+)?\) ",
    re.A,
)
RANK_IN_NAME = re.compile(r"(?<![A-Za-z])(?:TP|rank=)(\d{1,4})(?!\d)", re.A)

WORD = "(DEBUG|INFO|WARNING|ERROR|CRITICAL)"
STAMP = (
    r"((?:(?:19[7-9]|2[01]\d)\d-)?(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[ T]"
    r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:[.,]\d{1,9})?)"
)
BETWEEN = "(?: - |: | )"
VLLM = re.compile(rf"{WORD} {STAMP} \[?([^ :\]]+:\d{{1,7}})\] ?(.*)", re.A)
NCCL = re.compile(
    rf"(?:\[{STAMP}\] )?(?!\t)([^ :]{{0,64}}):(\d{{1,8}}):\d{{1,8}} (?:\[-?\d+\] )?"
    r"(?:([\w./-]+\.(?:cc|cu|c|h|cpp):\d+) )?(?:\(\w+\) )?"
    r"NCCL (INFO|WARN|CALL|TRACE|ABORT) (.*)",
    re.A,
)
UVICORN = re.compile(rf"{WORD}: +(\S.*)", re.A)
PYTHON = re.compile(
    rf"{STAMP}{BETWEEN}(?:\[?([\w.:-]+?)\]?{BETWEEN})?\[?{WORD}\]?{BETWEEN}(.*)", re.A
)
BASIC = re.compile(rf"{WORD}:([\w.-]+):(.*)", re.A)
CRASH = re.compile(
    r"Exception in thread |Exception ignored in|--- Logging error ---|Fatal Python error: "
)
TRACEBACK = "Traceback (most recent call last):"
NCCL_LEVELS = {
    "INFO": "INFO", "WARN": "WARNING", "CALL": "DEBUG", "TRACE": "DEBUG", "ABORT": "CRITICAL",
}  # fmt: skip

UNKNOWN_SIGN = re.compile(r"[^\x00-\x7f]+ ?(?=\[Rank \d)", re.A)
RANK_BRACKET = re.compile(r"\[Rank (\d+)\] ?", re.A)
MARKER = re.compile(f"([{MARKERS}])\ufe0f? ?")
ARROW = re.compile("[👉👈]")
ADDRESS_BEFORE = re.compile(r"(?:[^\s,\[\]]+|\[[0-9a-fA-F:]+\]):\d{1,5} ?\Z", re.A)
RANK_FIELD = re.compile(r", rank: ?(\d+)", re.A)
OWN_ADDRESS = re.compile(r"zmq_address[=:] ?([^\s,]+:\d{1,5})", re.A)
STARTED = re.compile(r"__init__ START \|.*?\bpid=(\d{1,8})\b", re.A)


@dataclass
class Line:
    """What is known of one line; the names are those of the output schema."""

    format: str | None = None
    level: str | None = None
    time: datetime | None = None
    time_source: str | None = None
    process: str | None = None
    pid: int | None = None
    rank: int | None = None
    rank_source: str | None = None
    markers: tuple[str, ...] = ()
    origin: str | None = None
    message: str = ""
    continuation: bool = False
    # What follows is no part of the schema.
    stated: int | None = None
    """The rank that the line itself says."""
    address: str | None = None
    """The writer's own address, where the line says it."""
    head: Line | None = field(default=None, repr=False)
    """The line that begins the record, where another one does."""
    weight: str | None = None
    """The level of the record that the line begins."""


class Reference:
    """Reads one source from its first line on."""

    def __init__(self, year: int) -> None:
        self.year, self.month = year, 0
        self.lines: list[Line] = []
        self.last_head: Line | None = None
        self.head_of_pid: dict[int, Line] = {}
        self.last_stamp: datetime | None = None
        self.stamp_of_pid: dict[int, datetime] = {}
        self.first_stamp: datetime | None = None
        self.name_of_pid: dict[int, str] = {}
        self.ranks_of_pid: dict[int, set[int]] = defaultdict(set)
        self.ranks_of_address: dict[str, set[int]] = defaultdict(set)

    def read(self, raw: bytes) -> None:
        """Takes in the next line."""
        text = clean(raw).decode("utf-8", "surrogateescape")
        line = Line()
        self.lines.append(line)
        rank_before, text = self._peel(line, text)
        stamp, begins = self._claim(line, text)
        rank_inside = mark(line)
        # `[Rank N]` in a line of NCCL is the rank in its communicator.
        own = rank_inside is not None and line.format != "nccl"
        line.stated = rank_inside if own else rank_before
        begins |= bool(line.markers)
        if rank_inside is not None and (started := STARTED.search(line.message)):
            self.ranks_of_pid[int(started[1])].add(rank_inside)
        line.message = line.message.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        self._place(line, begins)
        self._date(line, stamp)

    def _peel(self, line: Line, text: str) -> tuple[int | None, str]:
        rank = None
        if found := LAUNCHER.match(text):
            rank, text = as_rank(found[1]), text[found.end() :]
        for _ in range(3):
            found = PREFIX.match(text)
            if found is None or len(found[0]) > LONGEST_PREFIX:
                break
            line.pid = int(found[2])
            self.name_of_pid[line.pid] = found[1]
            inside = RANK_IN_NAME.findall(found[1])
            if inside and as_rank(inside[-1]) is not None:
                rank = as_rank(inside[-1])
            text = text[found.end() :]
        return rank, text

    def _claim(self, line: Line, text: str) -> tuple[str | None, bool]:
        """Takes the line apart by the format that claims it: its stamp, whether one does."""
        line.message = text
        stamp = None
        if found := VLLM.fullmatch(text):
            line.format = "vllm"
            line.level, stamp, line.origin, line.message = found.groups()
        elif found := NCCL.fullmatch(text):
            line.format = "nccl"
            stamp, _, pid, line.origin, word, line.message = found.groups()
            line.pid, line.level = int(pid), NCCL_LEVELS[word]
        elif found := UVICORN.fullmatch(text):
            line.format = "uvicorn"
            line.level, line.message = found.groups()
        elif found := PYTHON.fullmatch(text):
            line.format = "python"
            stamp, line.origin, line.level, line.message = found.groups()
        elif found := BASIC.fullmatch(text):
            line.format = "python"
            line.level, line.origin, line.message = found.groups()
        elif CRASH.match(text) or (text.startswith(TRACEBACK) and not self._is_error_above(line)):
            line.format, line.level = "python", "ERROR"
        return stamp, line.format is not None

    def _above(self, line: Line) -> Line | None:
        """The head that the line continues, if it begins no record itself."""
        return self.last_head if line.pid is None else self.head_of_pid.get(line.pid)

    def _is_error_above(self, line: Line) -> bool:
        above = self._above(line)
        return above is not None and above.weight in ("ERROR", "CRITICAL")

    def _place(self, line: Line, begins: bool) -> None:
        """Makes the line the head of a record, or a line under one."""
        if begins:
            line.weight = line.level
            self.last_head = line
            if line.pid is not None:
                self.head_of_pid[line.pid] = line
        elif above := self._above(line):
            line.continuation, line.head, line.pid = True, above, above.pid
        if not line.continuation and line.stated is not None:
            if line.pid is not None:
                self.ranks_of_pid[line.pid].add(line.stated)
            if line.address is not None:
                self.ranks_of_address[line.address].add(line.stated)

    def _date(self, line: Line, stamp: str | None) -> None:
        if line.head is not None:
            line.time, line.time_source = line.head.time, "inherited"
        elif stamp is None:
            of_pid = self.stamp_of_pid.get(line.pid) if line.pid is not None else None
            line.time, line.time_source = of_pid or self.last_stamp, "inherited"
        else:
            line.time, line.time_source = self._moment(stamp), "stamp"
            self.last_stamp = line.time
            self.first_stamp = self.first_stamp or line.time
            if line.pid is not None:
                self.stamp_of_pid[line.pid] = line.time

    def _moment(self, stamp: str) -> datetime:
        stamp, _, fraction = stamp.replace(",", ".").partition(".")
        date, clock = re.split("[ T]", stamp)
        *year, month, day = map(int, date.split("-"))
        if not year:
            self._turn_year(month)
            year = [self.year]
        hour, minute, second = map(int, clock.split(":"))
        # By sums, since leap seconds and a 30th of February are written too.
        since = timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)
        return datetime(year[0], month, 1) + since + timedelta(microseconds=micro(fraction))

    def _turn_year(self, month: int) -> None:
        """A month half a year or more below the last one's is a New Year; above, the old year."""
        change = month - (self.month or month)
        self.year += (change <= -6) - (change >= 6)
        self.month = month

    def finish(self) -> list[Line]:
        """Fills in what only the whole source tells: first stamp, names, ranks."""
        everywhere = {line.stated for line in self.lines if line.stated is not None}
        for line in self.lines:
            line.time = line.time or self.first_stamp
            line.time_source = line.time_source if line.time else None
            line.process = self.name_of_pid.get(line.pid) if line.pid is not None else None
            if line.continuation:
                line.level = line.format = None
            line.rank, line.rank_source = self._rank(line)
            if line.rank is None and len(everywhere) == 1:
                line.rank, line.rank_source = next(iter(everywhere)), "file"
        return self.lines

    def _rank(self, line: Line) -> tuple[int | None, str | None]:
        head = line.head or line
        of_pid = self.ranks_of_pid.get(head.pid, set()) if head.pid is not None else set()
        of_address = self.ranks_of_address.get(head.address, set()) if head.address else set()
        for rank, source in (
            (line.stated, "explicit"),
            (head.stated, "explicit"),
            (next(iter(of_pid)) if len(of_pid) == 1 else None, "pid"),
            (next(iter(of_address)) if len(of_address) == 1 else None, "address"),
        ):
            if rank is not None:
                return rank, "continuation" if line.continuation else source
        return None, None


def clean(raw: bytes) -> bytes:
    """The line as a terminal would leave it."""
    text = SGR.sub(b"", raw).rstrip(b"\r").rpartition(b"\r")[2]
    return SGR_WITHOUT_ESC.sub(b"", text) if SGR_WITHOUT_ESC.match(text) else text


def as_rank(digits: str) -> int | None:
    """The rank that the digits say; a greater number is no rank."""
    return int(digits) if int(digits) <= GREATEST_RANK else None


def micro(fraction: str) -> int:
    """The fraction of a second in microseconds, cut and not rounded."""
    return int(fraction[:6].ljust(6, "0")) if fraction else 0


def mark(line: Line) -> int | None:
    """Finds the markers and the address in the message; returns the rank that it states."""
    found, rank = leading(line.message)
    leads = bool(found)
    if leads or line.message.startswith("ncclCommInitRank Success"):
        arrow = ARROW.search(line.message)
        before = ADDRESS_BEFORE.search(line.message[: arrow.start()]) if arrow else None
        if arrow and before:
            found.append(arrow[0])
            line.address = before[0].rstrip(" ")
    if leads:
        if own := OWN_ADDRESS.findall(line.message):
            line.address = own[-1]
        fields = [as_rank(digits) for digits in RANK_FIELD.findall(line.message)]
        if rank is None and (said := [n for n in fields if n is not None]):
            rank = said[-1]
    line.markers = tuple(dict.fromkeys(found))
    return rank


def leading(message: str) -> tuple[list[str], int | None]:
    """The markers that the message begins with, and the first `[Rank N]` before or among them."""
    markers: list[str] = []
    rank = None
    if not MARKER.match(message) and (sign := UNKNOWN_SIGN.match(message)):
        message = message[sign.end() :]
    while True:
        bracket = RANK_BRACKET.match(message)
        if bracket and as_rank(bracket[1]) is not None:
            rank = as_rank(bracket[1]) if rank is None else rank
            message = message[bracket.end() :]
        marker = MARKER.match(message)
        if marker is None or len(markers) == MOST_MARKERS:
            return markers, rank
        markers.append(marker[1])
        message = message[marker.end() :]


def read(data: bytes, year: int) -> list[Line]:
    """What is known of every line of a log; `year` is that of its first stamp."""
    reference = Reference(year)
    lines = data.split(b"\n")
    for raw in lines if lines[-1] else lines[:-1]:
        reference.read(raw)
    return reference.finish()
