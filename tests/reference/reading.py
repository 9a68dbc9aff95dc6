"""Reads a log from its first line to its last."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime, timedelta

from tests.reference import heads
from tests.reference.heads import FORMS, SURE_HEAD, Form, stamp_fields
from tests.reference.line import Line
from tests.reference.marks import Marked, misread_signs, repaired
from tests.reference.prefixes import MOST, Prefix, as_rank, last_process, prefix_of

SGR = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]")
SGR_WITHOUT_ESC = re.compile(rb"\[\d{1,3}(;\d{1,3}){0,3}m")
STARTED = re.compile(r"P2pNcclEngine\.__init__ START \|.*?\bpid=(\d{1,8})\b", re.A)
CAME_FROM = re.compile(rb"(?:\[Rank \d+\] )?\S+\.(?:cc|cu|c|h|cpp):\d+ -> \d")
SURE_MARK = re.compile(
    "(?:🔍|🚨) ?\\[Rank [0-9]{1,4}\\] |💯P2pNcclEngine init, |🤝ncclCommInitRank Success, "
    "|🔴\\[(?:PUT|GET)\\]|🔴Send Tensor|🚧\\[PUT_ASYNC\\]|🚧kv_cache ".encode()
)
"""What only vLLM's P2P code writes."""
LOGGING_PREFIX = re.compile(rb"[^\s(:]{0,40}")
"""VLLM_LOGGING_PREFIX, which is glued to the head."""
QUARTER = timedelta(minutes=15)
WIDEST = timedelta(hours=15)
"""No two zones are further apart; a file's parts may be of different days."""
ERRORS = ("ERROR", "CRITICAL")
WORDS = (
    (re.compile(rb"rror|xception|ailed|timed out|Traceback"), "ERROR"),
    (re.compile(rb"arning|WARN|etry"), "WARNING"),
)
"""What says in a line of SGLang, which has no level, that something is wrong."""


class Reference:
    """Reads one source from its first line on."""

    def __init__(self, year: int) -> None:
        self.year, self.month = year, 0
        self.zone: timedelta | None = None
        self.local: datetime | None = None
        self.lines: list[Line] = []
        self.known_prefixes: list[set[bytes]] = [set() for _ in range(MOST + 1)]
        self.head_of: dict[object, Line] = {}
        self.stamp_of: dict[object, datetime] = {}
        self.first_time: datetime | None = None
        self.name_of: dict[object, str] = {}
        self.ranks_of: dict[object, set[int]] = defaultdict(set)
        self.ranks_of_address: dict[str, set[int]] = defaultdict(set)
        self.warned: set[object] = set()
        self.usual_returns = 0

    def read(self, raw: bytes) -> None:
        """Takes in the next line."""
        line = Line(text=clean(raw))
        line.returns = returns_of(raw)
        rank = self._understand(line)
        begins = (
            line.format is not None and not self._is_repeated(line) and not self._is_trail(line)
        )
        marked = self._mark(line)
        if line.format == "python" and line.said.startswith(b"Traceback ("):
            begins = begins and not self._is_under_error(line)
            line.format, line.level = (line.format, line.level) if begins else (None, None)
        own = marked.rank is not None and line.format not in ("nccl", "c10d")
        line.stated = marked.rank if own else rank
        begins |= line.format is None and bool(line.markers)
        started = STARTED.match(marked.rest)
        if started and marked.rank is not None:
            self.ranks_of[line.container, int(started[1])].add(marked.rank)
        self._place(line, begins)
        self._date(line)
        self.lines.append(line)

    # What stands in the line.

    def _understand(self, line: Line) -> int | None:
        """Takes the line apart; returns the rank that its prefixes say."""
        rank, rest = self._take_apart(line, line.text, None)
        if line.format is None and rest:
            rank = self._mend(line, rest, rank)
        return rank

    def _take_apart(self, line: Line, rest: bytes, rank: int | None) -> tuple[int | None, bytes]:
        for turn in range(MOST + 1):
            line.said = rest
            if rest and (said := self._claim(line, rest)):
                return (rank if said[0] is None else said[0]), rest
            prefix = prefix_of(rest, self.known_prefixes[turn])
            if prefix is None:
                break
            rank = self._enter_prefix(line, prefix, turn, rank)
            rest = rest[prefix.length :]
        line.said = rest
        return rank, rest

    def _enter_prefix(self, line: Line, said: Prefix, turn: int, rank: int | None) -> int | None:
        if said.learned:
            self.known_prefixes[turn].add(said.learned)
        if said.container is not None:
            line.container = said.container
        if said.stamp is not None and not line.settled:
            line.stamp, line.settled = said.stamp, True
        before, stem_before = line.writer, line.stem
        self._enter_writer(line, said.pid, said.name)
        if said.stamp is None and said.name is not None:
            line.stem = re.match("[A-Za-z]*", said.name)[0]
            # Two workers' prefixes: whose line it is is uncertain.
            line.torn |= line.stem == stem_before and before != line.writer
        return rank if said.rank is None else said.rank

    def _enter_writer(self, line: Line, pid: int | None, name: str | None) -> None:
        if pid is None and name is None:
            return
        line.writer, line.pid = (line.container, (name or "") if pid is None else pid), pid
        if name is not None:
            self.name_of[line.writer] = name

    def _claim(self, line: Line, rest: bytes) -> tuple[int | None] | None:
        """Lets the first format that fits claim the line; the rank that its head says."""
        for form in FORMS:
            if found := form.pattern.match(rest):
                return (self._enter_head(line, form, found),)
        if (said := heads.read_json(rest)) is None:
            return None
        line.format, line.level = "json", heads.json_level(said["level"])
        if not line.settled:
            line.stamp = heads.json_stamp(said["time"])
        name = said["process"] if isinstance(said["process"], str) else None
        pid = heads.json_number(said["pid"])
        self._enter_writer(line, pid, name if name != "MainProcess" else None)
        line.origin = heads.json_origin(said)
        line.said = str(said["message"]).encode("utf-8", "replace")
        rank = heads.json_number(said["rank"])
        return (as_rank(b"%d" % rank) if rank is not None else None,)

    def _enter_head(self, line: Line, form: Form, found: re.Match[bytes]) -> int | None:
        said = found.groupdict()
        line.format = form.name
        line.level = heads.LEVELS[said["level"]] if said.get("level") else form.level
        if not line.settled:
            line.stamp = stamp_fields(said) or line.stamp
            line.utc = form.utc
        line.said, origin = said["message"], said.get("origin")
        if form.tail and (tail := form.tail.search(line.said)):
            line.said, origin = line.said[: tail.start()], tail["origin"]
        line.origin = origin.decode("utf-8", "replace").rstrip(":") if origin else None
        if form.name == "sglang":
            line.level = next((level for words, level in WORDS if words.search(line.said)), None)
        if said.get("pid"):
            self._enter_writer(line, int(said["pid"]), None)
        if ranks := said.get("ranks"):
            if line.writer is None:
                self._enter_writer(line, None, ranks.decode())
            of_tp = re.search(rb"\bTP(\d{1,4})\b", ranks)
            return as_rank(of_tp[1]) if of_tp else None
        return None

    def _mend(self, line: Line, rest: bytes, rank: int | None) -> int | None:
        """Looks for a head, or else for a marker, in the middle of the line."""
        if found := SURE_HEAD.search(rest):
            before = rest[: found.start()]
            line.torn |= bool(before) and not LOGGING_PREFIX.fullmatch(before)
        elif found := SURE_MARK.search(rest):
            before, line.torn = rest[: found.start()], True
        else:
            return rank
        if line.torn and (prefix := last_process(before)):
            self._enter_prefix(line, prefix, MOST, None)
            rank = None
        return self._take_apart(line, rest[found.start() :], rank)[0]

    def _mark(self, line: Line) -> Marked:
        _, meant = misread_signs()
        said = repaired(line.said)
        # A message that begins like one: of the sign itself, more bytes may be lost.
        misread = line.said[:2] in {form[:2] for form in meant}
        seen = said if line.format != "json" and misread else line.said
        marked = Marked(seen.decode("utf-8", "surrogateescape"))
        line.message = said.decode("utf-8", "replace")
        line.markers = tuple(dict.fromkeys(marked.markers))
        line.address = marked.address
        return marked

    # Records.

    def _is_repeated(self, line: Line) -> bool:
        """vLLM repeats a record's head on each of its lines, and ends all but the last with CR."""
        above = self.lines[-1] if self.lines else None
        same = above is not None and line.format == above.format == "vllm"
        if not (same and above and _head(line) == _head(above)):
            self.usual_returns = above.returns if above else 0
            return False
        return above.returns == self.usual_returns + 1

    def _is_trail(self, line: Line) -> bool:
        """`init.cc:1582 -> 5`, which NCCL writes under its warnings."""
        if line.format != "nccl":
            return False
        if line.level == "WARNING":
            self.warned.add(line.writer)
        elif line.writer in self.warned:
            if CAME_FROM.match(line.said):
                return True
            self.warned.discard(line.writer)
        return False

    def _above(self, line: Line) -> Line | None:
        """The head that the line continues, if it begins no record itself."""
        return self.head_of.get(line.writer or line.container)

    def _is_under_error(self, line: Line) -> bool:
        above = self._above(line)
        return above is not None and above.weight in ERRORS

    def _place(self, line: Line, begins: bool) -> None:
        """Makes the line the head of a record, or a line under one."""
        line.of = line.writer or line.container
        if begins:
            line.weight = line.level
            self.head_of[line.container] = line
            if line.writer is not None:
                self.head_of[line.writer] = line
            elif line.container:
                self._enter_writer(line, None, line.container)
        elif above := self._above(line):
            line.continuation, line.head = True, above
            line.pid, line.writer = above.pid, above.writer
        if not line.continuation and line.stated is not None:
            if line.writer is not None:
                self.ranks_of[line.writer].add(line.stated)
            if line.address is not None:
                self.ranks_of_address[line.address].add(line.stated)

    # Times.

    def _date(self, line: Line) -> None:
        if line.stamp is not None:
            line.time, line.time_source = self._moment(line), "stamp"
            self.stamp_of[line.container] = self.stamp_of[line.of] = line.time
        else:
            line.time_source = "inherited"
            of_writer = self.stamp_of.get(line.of)
            line.time = of_writer or self.stamp_of.get(line.container)
            line.time = line.head.time if line.head else line.time
        self.first_time = self.first_time or line.time

    def _moment(self, line: Line) -> datetime:
        stamp = line.stamp or {}
        if not stamp["Y"]:
            self._turn_year(stamp["M"])
        # By sums, since leap seconds and a 30th of February are written too.
        since = timedelta(days=stamp["D"] - 1, microseconds=stamp["micro"])
        moment = datetime(stamp["Y"] or self.year, stamp["M"], 1) + since
        if not line.utc or line.settled:
            self.local = moment
        elif self.zone is None and self.local is not None:
            apart = self.local - moment
            self.zone = round(apart / QUARTER) * QUARTER if abs(apart) <= WIDEST else timedelta()
        return moment + (self.zone or timedelta()) if line.utc and not line.settled else moment

    def _turn_year(self, month: int) -> None:
        """A month half a year or more below the last one's is a New Year; above, the old year."""
        change = month - (self.month or month)
        self.year += (change <= -6) - (change >= 6)
        self.month = month

    # What only the whole source tells.

    def finish(self) -> list[Line]:
        """Fills in first stamp, names, ranks."""
        everywhere = {line.stated for line in self.lines if line.stated is not None}
        known = set[bytes]().union(*self.known_prefixes)
        for line in self.lines:
            if line.format is None and not line.torn:
                line.message = self._without_prefixes(line.text, known)
            line.time = line.time or self.first_time
            line.time_source = line.time_source if line.time else None
            line.process = self.name_of.get(line.writer) if line.writer is not None else None
            if line.continuation and line.format != "vllm":
                line.level = None
            line.rank, line.rank_source = self._rank(line)
            if line.rank is None and len(everywhere) == 1:
                line.rank, line.rank_source = next(iter(everywhere)), "file"
        return self.lines

    def _without_prefixes(self, text: bytes, known: set[bytes]) -> str:
        """What is shown of a line that is no head: the lines below may have taught a prefix."""
        for _ in range(MOST + 1):
            prefix = prefix_of(text, known, learning=False)
            text = text[prefix.length if prefix else 0 :]
        return repaired(text).decode("utf-8", "replace")

    def _rank(self, line: Line) -> tuple[int | None, str | None]:
        head = line.head or line
        of_writer = self.ranks_of.get(head.writer, set()) if head.writer is not None else set()
        of_address = self.ranks_of_address.get(head.address, set()) if head.address else set()
        for rank, source in (
            (line.stated, "explicit"),
            (head.stated, "explicit"),
            (next(iter(of_writer)) if len(of_writer) == 1 else None, "pid"),
            (next(iter(of_address)) if len(of_address) == 1 else None, "address"),
        ):
            if rank is not None:
                return rank, "continuation" if line.continuation else source
        return None, None


def clean(raw: bytes) -> bytes:
    """The line as a terminal would leave it."""
    text = SGR.sub(b"", raw).rstrip(b"\r")
    text = last_state(text)
    return SGR_WITHOUT_ESC.sub(b"", text) if SGR_WITHOUT_ESC.match(text) else text


def last_state(text: bytes) -> bytes:
    """What stands behind the last return, but not where a head would be lost."""
    parts = text.split(b"\r")
    for first in range(len(parts) - 1, -1, -1):
        if SURE_HEAD.search(parts[first]):
            return b"\r".join(parts[first:])
    return parts[-1]


def returns_of(raw: bytes) -> int:
    """How many carriage returns end the line, colour codes aside."""
    text = SGR.sub(b"", raw)
    return len(text) - len(text.rstrip(b"\r"))


def _head(line: Line) -> bytes:
    return line.text[: len(line.text) - len(line.said)]


def read(data: bytes, year: int) -> list[Line]:
    """What is known of every line of a log; `year` is that of its first stamp."""
    reference = Reference(year)
    lines = data.split(b"\n")
    for raw in lines if lines[-1] else lines[:-1]:
        reference.read(raw)
    return reference.finish()
