"""Lines alike: what was found out of one line holds for all that differ in nothing that matters.

A log of a million lines is written by some dozens of statements. What a line is (its format, level,
process, markers) is decided by its *head*, the bytes up to a little behind where the message
begins, without the digits of its stamp. So a line is looked up by digests of three things, each
telling how much counts for the next one:

    beginning   its first 16 bytes, digits alike        → how many of its bytes count at all
    template    so many bytes, digits alike             → where its stamp is, where its head ends
    likeness    the bytes of the head but the stamp's   → what was found out of such a line

Lines of the formats that are told by their heads count up to the message; of all others every
byte counts, since their expressions look at all of it. Only the stamp is read anew. What is not
found here is understood the long way (`scan.py`) and kept here when the like has been seen twice;
text that never comes again costs next to nothing more than before. What decides for a line must
not depend on other lines nor on the value of a digit outside of its head: `_may_be_kept` and
`_candidate` say which do not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from pdtui.core.bytescan import SMALL, ByteBlock, Flags, Positions, Words
from pdtui.core.claims import Claims
from pdtui.core.digests import (
    LONGEST,
    STRETCH,
    LineStretches,
    Numbered,
    mixed,
    with_room,
)
from pdtui.core.kinds import KindTable
from pdtui.core.marking import Marks
from pdtui.core.outlines import ROOM, Outlines
from pdtui.core.prefixforms import STERN
from pdtui.core.stampplaces import StampPlace, blanked, read_stamps, stamp_in
from pdtui.core.understood import Hints, Recalled, Understood

_WHOLE = 1 << 20
"""So many bytes count where all of them do."""
_HEAD_STRETCHES = 2
_LONGEST_HEAD = _HEAD_STRETCHES * STRETCH
_BEHIND = 8
"""Bytes of the message that count: those by which steps, events and lessons are told."""
_BEHIND_SIGNS = 36
"""The same where signs stand before them that no table knows."""
_BEHIND_RANK = 24
"""The same where a rank seems to stand there, but is none."""
_MOST = 4096
_MOST_A_BLOCK, _MOST_LISTED = 512, 2048
"""Lines of a block that are looked at as possibly worth keeping, of how many."""
_ENOUGH = 3
"""Lines that seem to be alike of which a block has so many looked at."""
_MOST_ONCE = 8192
_TOGETHER = 8192
"""Lines whose digests are made together: their stretches fit into the processor's cache."""
_CLOCK = re.compile(rb"\d\d:\d\d")
_PROCESSES = re.compile(rb"(?:\([^()\n]{1,120}\) )*")
_ZEROS = bytes.maketrans(b"0123456789", b"0" * 10)


class _Candidate(NamedTuple):
    """A line that may be worth keeping."""

    row: int
    found: Understood
    stamp: StampPlace
    head: int
    """How long its head is."""
    by_head: bool
    """Whether its head alone decides."""
    key: int
    """What it has in common with lines alike, as one number: of text itself there is too much."""


_TABLES = {
    "_reach": ("_beginnings", 0),
    "_stamps": ("_templates", 0),
    "_heads": ("_templates", 1),
    "_head_length": ("_templates", 0),
    "_sound": ("_templates", 0),
    "_found": ("_likenesses", 1),
    "_usable": ("_likenesses", 0),
    "_template_of": ("outlines", 0),
}
"""What numbers the entries of each array of Alike, and on which axis they are."""


class Alike:
    """What was found out of the lines of one source, by what they have in common."""

    def __init__(self, kinds: KindTable, outlines: Outlines) -> None:
        self._kinds, self.outlines = kinds, outlines
        self._beginnings, self._templates = Numbered(_MOST), Numbered(_MOST)
        self._likenesses = Numbered(_MOST)
        self._once: set[int] = set()
        self._twice: set[int] = set()
        self._known: dict[int, Understood] = {}
        self.forget()

    def __getstate__(self) -> dict[str, object]:
        """What there is in the tables, which have room for much more."""
        state = self.__dict__.copy()
        for name, (table, axis) in _TABLES.items():
            known = len(getattr(self, table))
            state[name] = state[name][(slice(None),) * axis + (slice(known),)]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for name, (table, axis) in _TABLES.items():
            most = ROOM if table == "outlines" else _MOST + 2
            setattr(self, name, with_room(state[name], axis, most))

    def forget(self) -> None:
        """Forgets all, where what was found out may be otherwise by now."""
        for table in (self._beginnings, self._templates, self._likenesses):
            table.clear()
        self._reach = np.zeros(_MOST + 2, np.int64)
        """How many bytes of a line count, for each beginning; 0 where nothing is known."""
        self._stamps = np.zeros((_MOST + 2, 3), np.int64)
        self._stamps[0, 0] = -1
        self._heads: Words = np.zeros((_HEAD_STRETCHES, _MOST + 2, STRETCH // 8), np.uint64)
        """Masks that keep what counts of the head, for each template."""
        self._head_length = np.zeros(_MOST + 2, np.int64)
        """How long the head is, for each template."""
        self.forget_outlines()
        self._sound = np.zeros(_MOST + 2, np.bool_)
        """Whether stamp and head stood at the same places in all lines of a template."""
        self._found = np.zeros((len(Understood._fields), _MOST + 2), np.int64)
        """The fields of Understood, a row each, for each likeness."""
        self._found[:, 0] = Understood()
        self._usable = np.zeros(_MOST + 2, np.bool_)
        self._once.clear()
        self._twice.clear()
        self._known.clear()

    def forget_outlines(self) -> None:
        """Forgets what was known by outlines, whose numbers stand for others from now on."""
        self._template_of: Positions = np.zeros(ROOM, np.int64)
        """The template of lines that are told by their heads, for each outline."""

    def recall(self, block: ByteBlock, starts: Positions, ends: Positions) -> Recalled:
        """What is known of these lines."""
        size = len(starts)
        digests = np.zeros(size, np.uint64)
        outlines, templates, number_of = (np.zeros(size, np.int64) for _ in range(3))
        for begin in range(0, size, _TOGETHER):
            some = slice(begin, begin + _TOGETHER)
            lines = LineStretches(block, starts[some], ends[some])
            if block.size >= SMALL:
                digests[some], outlines[some] = self.outlines.numbers(lines)
            if len(self._likenesses) > 1:
                templates[some] = self._template_numbers(lines, outlines[some])
                number_of[some] = self._likeness_numbers(lines, templates[some])
        stamps = self._read_stamps(block, starts, templates, number_of)
        columns = self._found.take(number_of, axis=1)
        return Recalled(number_of > 0, digests, outlines, columns, *stamps)

    def keep(
        self, claims: Claims, marks: Marks, lead: Positions, hints: Hints, rows: Positions
    ) -> None:
        """Keeps what was found out of these lines, where the like has been seen before.

        `lead` is how many bytes of each message are markers.
        """
        if self._likenesses.full or self._templates.full or self._beginnings.full:
            self.forget()
        rows = rows[self._may_be_kept(claims, rows)][:_MOST_LISTED]
        candidates = []
        of_rows = self._understood_of(claims, marks, lead, hints, rows)
        lines = LineStretches(claims.block, claims.starts[rows], claims.ends[rows])
        reaches = self._reaches(lines)
        digests = self._template_digests(lines, reaches).tolist()
        looked_at: Counter[tuple[int, Understood]] = Counter()
        left = _MOST_A_BLOCK
        for row, found, reach, digest in zip(
            rows.tolist(), of_rows, reaches.tolist(), digests, strict=True
        ):
            # A look at a line takes 40 µs, and many lines of a block are much the same.
            if digest and looked_at[digest, found] >= _ENOUGH:
                continue
            looked_at[digest, found] += 1
            left -= 1
            if left < 0:
                break
            candidate = self._candidate(claims, row, found, reach)
            if candidate is None:
                continue
            if candidate.key in self._once and candidate.key not in self._twice:
                candidates.append(candidate)
                self._twice.add(candidate.key)
            self._once.add(candidate.key)
        if len(self._once) > _MOST_ONCE:
            self._once.clear()
        if candidates:
            self._enter(claims, candidates)

    def _may_be_kept(self, claims: Claims, rows: Positions) -> Flags:
        """Which of the lines can be told by what they have in common with others."""
        grammar = self._kinds.grammar
        if not grammar.is_built_in:
            return np.zeros(len(rows), np.bool_)
        may = ~(grammar.names_host[claims.format[rows]] | claims.torn[rows])
        if claims.rewritten:
            may &= ~np.isin(rows, list(claims.rewritten))
        return may

    def _understood_of(
        self, claims: Claims, marks: Marks, lead: Positions, hints: Hints, rows: Positions
    ) -> Iterator[Understood]:
        starts = claims.starts[rows]
        at = claims.at[rows] - starts
        columns = (
            *(
                column[rows]
                for column in (
                    claims.format, claims.level, claims.process, claims.container, claims.rank,
                    claims.torn, claims.begins, claims.settled, claims.stamped,
                )
            ),
            at,
            at + lead[rows],
            marks.codes[rows],
            marks.sets[rows],
            marks.rank[rows],
            hints.may_hold[rows],
            hints.wording[rows],
            claims.named[rows],
        )  # fmt: skip
        return (
            Understood(*map(int, one)) for one in zip(*(c.tolist() for c in columns), strict=True)
        )

    def _candidate(
        self, claims: Claims, row: int, found: Understood, reach: int
    ) -> _Candidate | None:
        """What decides for such a line; None where that is more than is looked at.

        `reach` is how many bytes of lines with its beginning are looked at so far.
        """
        line = claims.text[claims.starts[row] : claims.ends[row]]
        head = found.text_at + _bytes_behind(line, found.text_at)
        stamp = stamp_in(line[: found.text_at], claims, row) if found.stamped else StampPlace()
        if stamp is None or head > _LONGEST_HEAD:
            return None
        by_head = self._is_told_by_head(line, found)
        if not by_head and (len(line) > LONGEST or _CLOCK.search(line, found.text_at)):
            return None
        if not found.format and STERN.match(line, found.at):
            return None  # it has a prefix as soon as a pod of just this name is learned
        tail = line[head : max(reach, head) if by_head else None].translate(_ZEROS)
        return _Candidate(
            row, found, stamp, head, by_head, hash((blanked(line[:head], stamp), tail))
        )

    def _is_told_by_head(self, line: bytes, found: Understood) -> bool:
        """Whether only prefixes of processes stand before a head that cannot be another's."""
        form = self._kinds.grammar.format(found.format)
        if form is None or not form.by_head:
            return False
        begin = _PROCESSES.match(line)
        matched = form.pattern.match(line, begin.end() if begin else 0)
        return matched is not None and matched.start("message") == found.at

    def _enter(self, claims: Claims, candidates: list[_Candidate]) -> None:
        rows = np.array([one.row for one in candidates], np.int64)
        lines = LineStretches(claims.block, claims.starts[rows], claims.ends[rows])
        for digest, one in zip(lines.beginnings().tolist(), candidates, strict=True):
            if place := self._beginnings.enter(digest):
                # A multiple of eight, so that it seldom grows.
                reach = -(-one.head // 8) * 8 if one.by_head else _WHOLE
                if self._reach[place] < reach:
                    # Those kept so far were looked at less far: they are kept anew.
                    self._reach[place] = reach
                    self._template_of[:] = 0
                    self._twice = {candidate.key for candidate in candidates}
        numbers = []
        digests = self._template_digests(lines, self._reaches(lines))
        for digest, one in zip(digests.tolist(), candidates, strict=True):
            place = self._templates.enter(digest)
            if place:
                self._enter_template(place, one)
            numbers.append(place)
        digests = self._likeness_digests(lines, np.array(numbers, np.int64))
        for digest, one in zip(digests.tolist(), candidates, strict=True):
            if place := self._likenesses.enter(digest):
                if place not in self._known:
                    self._known[place], self._usable[place] = one.found, True
                    self._found[:, place] = one.found
                # Where such lines are not alike after all, none of them is told by this.
                self._usable[place] &= self._known[place] == one.found

    def _enter_template(self, place: int, one: _Candidate) -> None:
        """Enters where stamp and head stand in the lines of a template."""
        if not self._head_length[place]:
            self._stamps[place], self._head_length[place] = one.stamp, one.head
            kept = np.zeros(_LONGEST_HEAD, np.uint8)
            kept[: one.head] = np.frombuffer(blanked(b"\xff" * one.head, one.stamp), np.uint8)
            self._heads[:, place] = kept.view(np.uint64).reshape(_HEAD_STRETCHES, -1)
            self._sound[place] = True
        same_stamp = bool((self._stamps[place] == one.stamp).all())
        self._sound[place] &= same_stamp and self._head_length[place] == one.head

    def _template_numbers(self, lines: LineStretches, outlines: Positions) -> Positions:
        """The template of each line: that of a line with its outline, if heads tell them."""
        templates = self._template_of.take(outlines)
        left = np.flatnonzero(templates == 0)
        if len(left):
            some = lines.some(left)
            reach = self._reaches(some)
            templates[left] = self._templates.numbers(self._template_digests(some, reach))
            told = left[self._sound[templates[left]] & (reach < _WHOLE)]
            self._template_of[outlines[told]] = templates[told]
            self._template_of[0] = 0
        return templates

    def _reaches(self, lines: LineStretches) -> Positions:
        """How many bytes of the lines count, 0 where that is not known."""
        reaches: Positions = self._reach[self._beginnings.numbers(lines.beginnings())]
        return reaches

    def _template_digests(self, lines: LineStretches, reach: Positions) -> Words:
        """The digests of what counts of the lines, 0 where that is not known."""
        known = (reach > 0) & ((reach < _WHOLE) | (lines.length <= LONGEST))
        digests = lines.plain_digests(np.where(known, np.minimum(reach, lines.length), 0))
        digests[~known] = 0
        return digests

    def _likeness_numbers(self, lines: LineStretches, templates: Positions) -> Positions:
        numbers = self._likenesses.numbers(self._likeness_digests(lines, templates))
        return numbers * self._usable[numbers]

    def _likeness_digests(self, lines: LineStretches, templates: Positions) -> Words:
        """The digests of the heads, 0 where the template is not known or not sound."""
        digests = mixed(lines.first & self._heads[0].take(templates, axis=0))
        longer = np.flatnonzero(self._head_length[templates] > STRETCH)
        if len(longer):
            masks = self._heads[1].take(templates[longer], axis=0)
            digests[longer] ^= mixed(lines.second(longer) & masks, 1)
        digests ^= templates.astype(np.uint64) * np.uint64(0xA24BAED4963EE407)
        digests[~self._sound[templates]] = 0
        return digests

    def _read_stamps(
        self, block: ByteBlock, starts: Positions, templates: Positions, number_of: Positions
    ) -> tuple[Positions, Positions, Positions, Positions]:
        """Month, day, year and clock of the lines; where a stamp is none, the line is not known."""
        month, day, year, clock = (np.zeros(len(starts), np.int64) for _ in range(4))
        places = self._stamps.take(templates, axis=0)
        rows = np.flatnonzero((places[:, 0] >= 0) & (number_of > 0))
        if len(rows):
            at, dated, digits = places[rows].T
            read = read_stamps(block, starts[rows] + at, dated > 0, digits)
            number_of[rows[~read.ok]] = 0
            rows, (_, *columns) = rows[read.ok], (values[read.ok] for values in read)
            month[rows], day[rows], year[rows], clock[rows] = columns
        return month, day, year, clock


def _bytes_behind(line: bytes, text_at: int) -> int:
    """How many bytes of the message decide with the head."""
    if line[text_at : text_at + 1] >= b"\x80":
        return _BEHIND_SIGNS
    return _BEHIND_RANK if line.startswith(b"[Rank ", text_at) else _BEHIND
