"""Bytes → rows: the one place where log text is understood, a block of whole lines at a time.

    block ─ lines, colour codes out ─ heads claimed by formats and prefixes peeled, in turns ─
    heads inside torn lines ─ messages that stand otherwise than in their lines ─ markers ─
    continuation rows to their heads ─ times ─ kinds

What a block cannot know by itself (the head above its first row, the last stamp of each process,
the year) is kept in the scanner between blocks, so the result does not depend on where the
blocks were cut.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core import mojibake
from pdtui.core.alike import Alike
from pdtui.core.bytescan import SMALL, ByteBlock, Bytes, Flags, Positions, among, present
from pdtui.core.claiming import Claimer, Unsure
from pdtui.core.claims import Claims
from pdtui.core.cleaning import Split, split
from pdtui.core.dating import Calendar
from pdtui.core.formats.nccl import HOST
from pdtui.core.inherit import Inheritance
from pdtui.core.kinds import NO_PROCESS, NO_RANK, KindTable, level_of, pack
from pdtui.core.learning import LEARNING_TEXTS, learn, may_teach
from pdtui.core.levels import ERROR
from pdtui.core.marking import MARKING_TEXTS, Lines, Marks, find_leading, find_marks, may_be_events
from pdtui.core.namings import Namings
from pdtui.core.outlines import Outlines, TextPlaces
from pdtui.core.prefixes import PrefixPeeler
from pdtui.core.prefixforms import MOST_PREFIXES
from pdtui.core.records import Records
from pdtui.core.requestids import REQUEST_TEXTS, FoundRequests, find_requests, may_name_requests
from pdtui.core.steps import STEP_TEXTS
from pdtui.core.torn import find_inside, last_prefix, may_hold_heads
from pdtui.core.traces import Found, find_traces, wordings
from pdtui.core.understood import Hints, MayHold

TEXTS = (*MARKING_TEXTS, *LEARNING_TEXTS, *REQUEST_TEXTS, *STEP_TEXTS)
"""What is looked for inside of lines."""
_NEAR = 64
"""Rows above among which the head of a record is looked for first."""


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


class Depth(NamedTuple):
    """What is read of the lines besides what each of them is."""

    steps: Flags
    """A flag for each step's number: whether rows that say it must leave a trace."""
    requests: bool
    """Whether it is found out which requests they speak of."""


EVERYTHING = Depth(np.ones(256, np.bool_), requests=True)
ROWS_ALONE = Depth(np.zeros(256, np.bool_), requests=False)


@dataclass(slots=True)
class Scanner:
    """Scans one source from its first byte on; `first_year` is the year of its first stamp."""

    kinds: KindTable
    first_year: int
    depth: Depth = EVERYTHING
    calendar: Calendar = field(init=False)
    alike: Alike = field(init=False)
    """The lines that are told by others like them."""
    _prefixes: int = 0
    """How many prefixes were learned when lines were kept."""
    _outlines: Outlines = field(init=False)
    _namings: Namings = field(init=False)
    _claimer: Claimer = field(init=False)
    peeler: PrefixPeeler = field(init=False)
    records: Records = field(init=False)
    inheritance: Inheritance = field(init=False)

    def __post_init__(self) -> None:
        self.calendar = Calendar(self.kinds.grammar, self.first_year)
        self._outlines = Outlines(TEXTS)
        self.alike = Alike(self.kinds, self._outlines)
        self._namings = Namings(self.kinds)
        self._claimer = Claimer(self.kinds)
        self.peeler = PrefixPeeler(self.kinds)
        self.records = Records(self.kinds.grammar)
        self.inheritance = Inheritance()

    def fork(self) -> Scanner:
        """A scanner that goes on from the same place, for text that may turn out otherwise."""
        fork = copy.copy(self)
        fork.calendar = self.calendar.fork()
        fork.peeler = self.peeler.fork()
        fork.records = copy.copy(self.records)
        fork.inheritance = self.inheritance.fork()
        return fork

    def forget_lines(self) -> None:
        """Forgets what lines alike are, where not only its own lines changed its kinds."""
        self.alike.forget()
        self._namings = Namings(self.kinds)
        self._prefixes = len(self.kinds.learned_prefixes)

    def scan(self, data: Bytes, offset: int, before: Sequence[bytes] = ()) -> Rows:
        """The rows of `data`, which ends with a line's end; `before` is what begins its first line.

        That begins at `offset` of the source. A last line without a newline counts as whole.
        """
        lines = split(*before, data, *(() if data[-1:] == b"\n" else (b"\n",)))
        claims, seen, marks, hints = self._understand(lines)
        may_hold = hints.may_hold
        unsure = self._claimer.unsure_of(claims, _rows(may_hold, MayHold.CLAIM))
        self.records.fold(claims, lines.returns)
        find_marks(seen, marks, self.kinds, _rows(may_hold, MayHold.EVENT))
        learn(seen, marks, claims, self.kinds, _rows(may_hold, MayHold.LESSON))
        # A bare line that begins with a marker (the proxy prints such) is no continuation.
        claims.begins |= (claims.format == 0) & (marks.codes > 0)
        self._settle(claims, unsure, may_hold)
        # `[Rank 0]` in a line of NCCL (2.29 on) is the rank in its communicator.
        stated = (marks.rank != NO_RANK) & ~self.kinds.grammar.own_ranks[claims.format]
        own = pack(
            format=claims.format,
            level=claims.level,
            process=self._writers(claims),
            rank=np.where(stated, marks.rank, claims.rank) + 1,
            address=marks.address,
            torn=claims.torn,
        )
        marks.number(self.kinds)
        when, kind = self._inherit(claims, own, marks.sets)
        rows = Rows(lines.offsets + offset, when, kind)
        if self.depth.steps.any():
            rows.traces = find_traces(
                seen, marks.text_at, hints.wording, self.depth.steps, self.kinds.grammar.pairs
            )
        if self.depth.requests:
            rows.requests = find_requests(seen, claims, _rows(may_hold, MayHold.REQUEST))
        return rows

    def _understand(self, lines: Split) -> tuple[Claims, Lines, Marks, Hints]:
        """What each line is by itself: told by one like it before, or found out."""
        recalled = self.alike.recall(lines.block, lines.starts, lines.ends)
        # A small block is searched as quickly.
        large = lines.block.size >= SMALL
        places = self._outlines.places(lines, recalled.outlines) if large else None
        claims = Claims.of(lines, recalled, self._namings)
        hints = Hints(recalled["may_hold"], recalled["wording"])
        fresh = np.flatnonzero(~recalled.known)
        if len(fresh):
            unsure, held = self._claim(claims, fresh)
            self._claimer.infer_levels(claims, fresh)
            self._learn_hosts(claims, fresh)
            _repair_markers(claims, self.kinds, fresh)
        if self._outlines.learn(lines, recalled.digests, recalled.outlines):
            self.alike.forget_outlines()
        seen = _rewritten(claims, places)
        marks = Marks.recalled(recalled, seen.message_at)
        if len(fresh):
            find_leading(seen, marks, self.kinds, fresh)
            hints.wording[fresh] = wordings(seen, marks.text_at, fresh)
            hints.may_hold[fresh] = self._what_they_may_hold(seen, marks, claims, fresh)
            hints.may_hold[unsure] |= MayHold.CLAIM
            marks.number(self.kinds)
            lead = marks.text_at - seen.message_at
            self._keep(claims, marks, lead, hints, _without(fresh, held))
        self._namings.settle(claims.named)
        return claims, seen, marks, hints

    def _what_they_may_hold(
        self, seen: Lines, marks: Marks, claims: Claims, fresh: Positions
    ) -> Positions:
        """What may stand in each of these lines, as bits of MayHold."""
        foreign = self.kinds.grammar.is_foreign[claims.format[fresh]]
        naming = np.zeros(len(fresh), np.bool_)
        naming[foreign] = may_name_requests(claims, fresh[foreign])
        bits: Positions = (
            MayHold.EVENT * may_be_events(seen, fresh, self.kinds)
            | MayHold.LESSON * may_teach(seen, marks, fresh)
            | MayHold.REQUEST * naming
        )
        return bits

    def _settle(self, claims: Claims, unsure: list[Unsure], may_hold: Positions) -> None:
        """Decides the claims that depend on the records above."""
        for claim in unsure:
            if self._follows_error(claims, claim.row):
                continue
            self._claimer.enter(claims, *claim)
            row = np.array([claim.row])
            may_hold[row] |= MayHold.REQUEST * may_name_requests(claims, row)

    def _keep(
        self, claims: Claims, marks: Marks, lead: Positions, hints: Hints, rows: Positions
    ) -> None:
        """Keeps for lines to come what was found out of these."""
        if self.kinds.is_guessing:
            return
        if self._prefixes != len(self.kinds.learned_prefixes):
            # From now on such a prefix is peeled, so that other lines are otherwise too.
            self._prefixes = len(self.kinds.learned_prefixes)
            self.alike.forget()
            return
        self.alike.keep(claims, marks, lead, hints, rows)

    def _claim(self, claims: Claims, rows: Positions) -> tuple[list[int], Positions]:
        """Heads and prefixes, in turns, and then the heads inside of what is left.

        Returns the rows that are not decided yet, and those that may hold heads inside.
        """
        unsure = self._take_turns(claims, rows)
        left = claims.unclaimed(rows)
        left = left[claims.at[left] < claims.ends[left]]
        left = _without(left, np.array(unsure, np.int64))
        if len(left):
            left = left[may_hold_heads(claims.text, claims.at[left], claims.ends[left])]
            self._mend(claims, left)
        return unsure, left

    def _take_turns(self, claims: Claims, rows: Positions) -> list[int]:
        unsure: list[int] = []
        for turn in range(MOST_PREFIXES + 1):
            unsure += self._claimer.claim(claims, rows)
            rows = self.peeler.peel(claims, claims.unclaimed(rows), turn)
            if not len(rows):
                break
        return unsure

    def _mend(self, claims: Claims, rows: Positions) -> None:
        """Claims the heads and markers inside of torn lines."""
        for row in rows.tolist():
            begin, end = int(claims.at[row]), int(claims.ends[row])
            found = find_inside(claims.text, begin, end)
            if found is None:
                continue
            claims.torn[row] |= found.torn
            mine = np.array([row])
            prefix = last_prefix(claims.text, begin, found.begin)
            if found.torn and prefix is not None:
                claims.at[row] = prefix
                self.peeler.peel(claims, mine, MOST_PREFIXES)
                claims.rank[row] = NO_RANK
            claims.at[row] = found.begin
            self._take_turns(claims, mine)

    def _inherit(
        self, claims: Claims, own: Positions, markers: Positions
    ) -> tuple[Positions, npt.NDArray[np.uint32]]:
        times = self.calendar.times(claims)
        packed, when = self.inheritance.fill(own, times, claims)
        packed |= pack(markers=markers, stamped=claims.stamped)
        return when, self.kinds.numbers(packed)

    def _writers(self, claims: Claims) -> Positions:
        """Each line's process; of a head that names none, the container that it comes from."""
        nameless = (claims.process == NO_PROCESS) & (claims.container > 0) & claims.begins
        if not nameless.any():
            return claims.process
        writers = claims.process.copy()
        for container in present(claims.container[nameless]):
            name = self.kinds.containers[container]
            number = self.kinds.process_number(None, name, container)
            writers[nameless & (claims.container == container)] = number
        return writers

    def _learn_hosts(self, claims: Claims, rows: Positions) -> None:
        """A process is on the host that its first line of NCCL names."""
        rows = rows[self.kinds.grammar.is_nccl[claims.format[rows]]]
        numbers, first = np.unique(claims.process[rows], return_index=True)
        for number, row in zip(numbers.tolist(), rows[first].tolist(), strict=True):
            if self.kinds.processes[number].host is None:
                found = HOST.search(claims.text, int(claims.starts[row]), int(claims.at[row]))
                self.kinds.learn_host(number, found["host"] if found else b"")

    def _follows_error(self, claims: Claims, row: int) -> bool:
        """Whether the record that the row would continue is an error's or a traceback's."""
        process = int(claims.process[row])
        group = claims.container if process == NO_PROCESS else claims.process
        stop, reach = row, _NEAR
        while stop:
            begin = max(0, stop - reach)
            mine = claims.begins[begin:stop] & (group[begin:stop] == group[row])
            if mine.any():
                return bool(claims.level[begin + int(np.flatnonzero(mine)[-1])] >= ERROR)
            stop, reach = begin, 4 * reach
        return level_of(self.inheritance.open_head(process, int(claims.container[row]))) >= ERROR


def _rows(may_hold: Positions, bit: int) -> Positions:
    """The lines in which that may stand."""
    return np.flatnonzero(may_hold & bit)


def _without(rows: Positions, others: Positions) -> Positions:
    """The rows that are not among the others."""
    # Unique they are: to make them so is slow, and imports numpy.ma.
    return np.setdiff1d(rows, others, assume_unique=True) if len(others) else rows


def _repair_markers(claims: Claims, kinds: KindTable, rows: Positions) -> None:
    """Finds those of the messages that begin with a wrongly decoded marker."""
    at = claims.at[rows]
    rows = rows[(claims.block.byte(at) >= 0x80) & (at < claims.ends[rows])]
    first = claims.block.word(claims.at[rows]) & np.uint64(0xFFFF)
    for row in rows[among(first, mojibake.first_words())].tolist():
        message = claims.text[claims.at[row] : claims.ends[row]]
        if row not in claims.rewritten and (repaired := mojibake.repair(message)) != message:
            claims.rewritten[row] = repaired
            kinds.misdecoded = True


def _rewritten(claims: Claims, places: TextPlaces | None) -> Lines:
    """The lines, with the messages in place that stand otherwise than in their lines."""
    if not claims.rewritten:
        return Lines(claims.block, claims.text, claims.starts, claims.at, claims.ends, places)
    spans = zip(claims.starts.tolist(), claims.ends.tolist(), strict=True)
    lines = [claims.text[begin:end] for begin, end in spans]
    for row, message in claims.rewritten.items():
        lines[row] = message.replace(b"\n", b" ")
    block = ByteBlock(b"\n".join(lines), b"\n")
    lengths = np.fromiter(map(len, lines), np.int64, len(lines)) + 1
    starts = np.cumsum(lengths) - lengths
    message_at = claims.at - claims.starts + starts
    rows = np.fromiter(claims.rewritten, np.int64, len(claims.rewritten))
    message_at[rows] = starts[rows]
    return Lines(block, block.text, starts, message_at, starts + lengths - 1)
