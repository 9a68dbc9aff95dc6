"""Bytes → rows: the one place where log text is understood, a block of whole lines at a time.

    block ─ newlines ─ colour codes out ─ prefixes peeled ─ heads (vLLM, NCCL: all at once;
    the other formats: one expression at a time on what is left) ─ markers ─ continuation
    rows to their heads ─ times ─ kinds

What a block cannot know by itself (the head above its first row, the last stamp of each process,
the year) is kept in the scanner between blocks, so the result does not depend on where the
blocks were cut.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pdtui.core import formats, levels
from pdtui.core.bytescan import ByteBlock, Flags, Positions, leading_digits
from pdtui.core.heads import Heads, find_nccl_heads, find_vllm_heads
from pdtui.core.inherit import Inheritance
from pdtui.core.kinds import NO_PROCESS, NO_RANK, KindTable, level_of, pack
from pdtui.core.marking import Lines, find_marks
from pdtui.core.prefixes import PrefixPeeler
from pdtui.core.requestids import FoundRequests, find_requests
from pdtui.core.stamps import NO_TIME, SECOND, YearCounter, days_from_civil
from pdtui.core.traces import Found, find_traces

_NEWLINE = ord("\n")
_RETURN = ord("\r")
_NCCL_NUMBER = formats.FORMAT_NUMBERS[id(formats.NCCL)]
_FIRST_BYTES = np.zeros(256, np.bool_)
for _format in formats.FORMATS:
    _FIRST_BYTES[list(_format.first_bytes)] = True


@dataclass(slots=True)
class Rows:
    """The columns of the rows scanned, all of one length."""

    offset: npt.NDArray[np.int64]
    """Where each row begins, in bytes from the start of the source."""
    when: npt.NDArray[np.int64]
    """Its time in microseconds, NO_TIME where nothing before it had a stamp either."""
    kind: npt.NDArray[np.uint32]
    traces: Found | None = None
    """The steps that the rows say."""
    requests: FoundRequests | None = None
    """The requests that the rows speak of."""


@dataclass(slots=True)
class _Columns:
    """What is found out of the lines of a block, step by step."""

    format: Positions
    level: Positions
    year: Positions
    month: Positions
    day: Positions
    clock: Positions
    stamped: Flags
    process: Positions
    rank: Positions
    message_at: Positions

    @classmethod
    def empty(cls, process: Positions, rank: Positions, at: Positions) -> _Columns:
        form, level, year, month, day, clock = (np.zeros(len(at), np.int64) for _ in range(6))
        stamped = np.zeros(len(at), np.bool_)
        return cls(form, level, year, month, day, clock, stamped, process, rank, at.copy())


@dataclass(slots=True)
class Scanner:
    """Scans one source from its first byte on; `first_year` is the year of its first stamp."""

    kinds: KindTable
    first_year: int
    _years: YearCounter = field(init=False)
    _peeler: PrefixPeeler = field(init=False)
    _inheritance: Inheritance = field(init=False)

    def __post_init__(self) -> None:
        self._years = YearCounter(self.first_year)
        self._peeler = PrefixPeeler(self.kinds)
        self._inheritance = Inheritance()

    def fork(self) -> Scanner:
        """A scanner that goes on from the same place, for text that may turn out otherwise."""
        fork = copy.copy(self)
        fork._years = copy.copy(self._years)
        fork._inheritance = self._inheritance.fork()
        return fork

    def scan(self, data: bytes, offset: int) -> Rows:
        """The rows of `data`, which begins at `offset` of the source and ends with a line's end.

        A last line without a newline counts as whole.
        """
        if not data.endswith(b"\n"):
            data += b"\n"
        block, text = ByteBlock(data), data
        starts, ends = _lines(block)
        offsets = starts + offset
        if b"\x1b" in text:
            text = formats.SGR.sub(b"", text)
            block = ByteBlock(text)
            starts, ends = _lines(block)
        starts, ends = _without_returns(block, text, starts, ends)
        if _remnants_of_colour(block, starts):
            places = zip(starts.tolist(), ends.tolist(), strict=True)
            text = b"".join(formats.without_remnants(text[a:b]) + b"\n" for a, b in places)
            block = ByteBlock(text)
            starts, ends = _lines(block)
        lines = Lines(block, text, starts, starts, ends)
        when, kind, text_at = self._understand(lines)
        traces = find_traces(lines, text_at, self.kinds.pairs)
        return Rows(offsets, when, kind, traces, find_requests(lines))

    def _understand(self, lines: Lines) -> tuple[Positions, npt.NDArray[np.uint32], Positions]:
        peeled = self._peeler.peel(lines.block, lines.starts, lines.ends)
        columns = _Columns.empty(peeled.process, peeled.rank, peeled.at)
        _claim_vllm(lines, columns)
        _claim_nccl(lines, columns, self.kinds)
        begins = columns.format > 0
        unsure = self._claim_others(lines, columns, begins)
        self._learn_hosts(lines, columns, peeled.at)
        lines.message_at = columns.message_at
        marks = find_marks(lines, self.kinds)
        # A bare line that begins with a marker (the proxy prints such) is no continuation.
        begins |= (columns.format == 0) & (marks.codes > 0)
        for row, number, found in unsure:
            if not self._follows_error(columns, begins, row):
                self._claim(columns, row, number, found, begins)
        # `[Rank 0]` in a line of NCCL (2.29 on) is the rank in its communicator.
        stated = (marks.rank != NO_RANK) & (columns.format != _NCCL_NUMBER)
        rank = np.where(stated, marks.rank, columns.rank)
        own = pack(
            format=columns.format,
            level=columns.level,
            process=columns.process,
            rank=rank + 1,
            address=marks.address,
        )
        times = self._times(columns)
        packed, when = self._inheritance.fill(own, times, begins, columns.process)
        packed |= pack(markers=marks.set_numbers(self.kinds), stamped=columns.stamped)
        return when, self.kinds.numbers(packed), marks.text_at

    def _claim_others(
        self, lines: Lines, columns: _Columns, begins: Flags
    ) -> list[tuple[int, int, re.Match[bytes]]]:
        """The formats that have only an expression, on the lines that nothing claimed yet.

        Returns the claims (row, format, match) that depend on the record above.
        """
        unsure = []
        at, ends = columns.message_at, lines.ends
        candidates = ~begins & (at < ends) & _FIRST_BYTES[lines.block.byte(at)]
        for row in np.flatnonzero(candidates):
            line = lines.text[at[row] : ends[row]]
            for number, form in enumerate(formats.FORMATS, 1):
                if line[0] not in form.first_bytes or form.contains not in line:
                    continue
                if found := form.pattern.match(line):
                    if form.begins is formats.Begins.UNLESS_FOLLOWING_ERROR:
                        unsure.append((int(row), number, found))
                    else:
                        self._claim(columns, int(row), number, found, begins)
                    break
        return unsure

    def _claim(
        self, columns: _Columns, row: int, number: int, found: re.Match[bytes], begins: Flags
    ) -> None:
        form = formats.FORMATS[number - 1]
        begins[row] = True
        columns.format[row] = number
        groups = formats.groups(found)
        level = groups.get("level") or form.level
        columns.level[row] = levels.LEVEL_OF_WORD.get(level, levels.NO_LEVEL)
        if "month" in groups:
            columns.stamped[row] = True
            columns.year[row] = int(groups.get("year", 0))
            columns.month[row], columns.day[row] = int(groups["month"]), int(groups["day"])
            hour, minute, second = (int(groups[g]) for g in ("hour", "minute", "second"))
            fraction = int(groups.get("fraction", b"0").ljust(6, b"0")[:6])
            columns.clock[row] = ((hour * 60 + minute) * 60 + second) * SECOND + fraction
        if "pid" in groups:
            columns.process[row] = self.kinds.process_number(int(groups["pid"]))
        columns.message_at[row] += found.start(formats.message_group(found))

    def _learn_hosts(self, lines: Lines, columns: _Columns, at: Positions) -> None:
        """A process is on the host that its first line of NCCL names; `at` is where lines begin."""
        rows = np.flatnonzero(columns.format == _NCCL_NUMBER)
        numbers, first = np.unique(columns.process[rows], return_index=True)
        for number, row in zip(numbers.tolist(), rows[first].tolist(), strict=True):
            if self.kinds.processes[number].host is None:
                found = formats.NCCL.pattern.match(lines.text, int(at[row]), int(lines.ends[row]))
                self.kinds.learn_host(number, found["host"] if found else b"")

    def _follows_error(self, columns: _Columns, begins: Flags, row: int) -> bool:
        """Whether the record that the row would continue is an error's or a traceback's."""
        process = int(columns.process[row])
        mine = (process == NO_PROCESS) | (columns.process[:row] == process)
        above = np.flatnonzero(begins[:row] & mine)
        if len(above):
            return bool(columns.level[above[-1]] >= levels.ERROR)
        return level_of(self._inheritance.open_head(process)) >= levels.ERROR

    def _times(self, columns: _Columns) -> Positions:
        times = np.full(len(columns.format), NO_TIME, np.int64)
        stamped = np.flatnonzero(columns.stamped)
        month = columns.month[stamped]
        year = columns.year[stamped]
        yearless = year == 0
        year[yearless] = self._years.years(month[yearless])
        days = days_from_civil(year, month, columns.day[stamped])
        times[stamped] = days * (86_400 * SECOND) + columns.clock[stamped]
        return times


def _lines(block: ByteBlock) -> tuple[Positions, Positions]:
    """Start and end (where its newline stands) of each line."""
    ends = np.flatnonzero(block.data[: block.size] == _NEWLINE)
    return np.concatenate(([0], ends[:-1] + 1)), ends


def _remnants_of_colour(block: ByteBlock, starts: Positions) -> bool:
    """Whether a line begins with a colour code that lost its ESC: `[0;36m(Worker pid=1)[0;0m `."""
    digits = leading_digits(block.word(starts + 1))
    after = block.byte(starts + 1 + digits)
    found = (block.byte(starts) == ord("[")) & (digits >= 1) & (digits <= 3)
    return bool((found & ((after == ord("m")) | (after == ord(";")))).any())


def _without_returns(
    block: ByteBlock, text: bytes, starts: Positions, newlines: Positions
) -> tuple[Positions, Positions]:
    """Start and end of what is left of each line after its carriage returns.

    Those at the end go with the newline; of what stands before another, a terminal would show
    only what follows it (a progress bar's last state).
    """
    if b"\r" not in text:
        return starts, newlines
    starts, ends = starts.copy(), newlines.copy()
    while (trailing := (ends > starts) & (block.byte(ends - 1) == _RETURN)).any():
        ends -= trailing
    returns = np.flatnonzero(block.data[: block.size] == _RETURN)
    rows = np.searchsorted(newlines, returns)
    inside = returns < ends[rows]
    starts[rows[inside]] = returns[inside] + 1
    return starts, ends


def _claim_vllm(lines: Lines, columns: _Columns) -> None:
    heads = find_vllm_heads(lines.block, columns.message_at)
    _enter(lines, columns, formats.VLLM, heads, heads.rows)


def _claim_nccl(lines: Lines, columns: _Columns, kinds: KindTable) -> None:
    left = np.flatnonzero(columns.format == formats.NO_FORMAT)
    heads = find_nccl_heads(lines.block, columns.message_at[left])
    kept = _enter(lines, columns, formats.NCCL, heads, left[heads.rows])
    pids, inverse = np.unique(heads.pid[kept], return_inverse=True)
    numbers = [kinds.process_number(int(pid)) for pid in pids]
    columns.process[left[heads.rows[kept]]] = np.array(numbers, np.int64)[inverse]


def _enter(
    lines: Lines, columns: _Columns, form: formats.Format, heads: Heads, rows: Positions
) -> Positions:
    """Enters the heads that end within their line; returns which of them those are."""
    kept = np.flatnonzero(heads.message_at <= lines.ends[rows])
    rows = rows[kept]
    columns.format[rows] = formats.FORMAT_NUMBERS[id(form)]
    for name in ("level", "message_at", "stamped", "year", "month", "day", "clock"):
        getattr(columns, name)[rows] = getattr(heads, name)[kept]
    return kept
