"""Peels what launchers and vLLM put before a line's head: `[rank0]:`, `(Worker pid=72)`, stamps.

A prefix that can be mistaken for text (`0: `, `pod container `) is peeled from the first line on
where it stands before a head. Where a prefix has a stamp, it is the row's time: it is finer than
vLLM's own, and every line has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from pdtui.core.bytescan import Positions, leading_digits, unlike
from pdtui.core.claims import Claims
from pdtui.core.digests import distinct
from pdtui.core.kinds import NO_RANK, KindTable
from pdtui.core.prefixforms import (
    MOST_PREFIXES,
    NUMBER,
    PROGRAM,
    STAMPS,
    STERN,
    Prefix,
    bracket_prefix,
    name_prefix,
    pod_prefix,
    prefix_end,
    process_prefix,
)

_REACH = 136
_MOST_BLANKS = 4
_STAMP_BEGINS = np.zeros(256, np.bool_)
_STAMP_BEGINS[list(b"12 JFMASOND")] = True
_JOURNALS = (1, 4)
"""Those that journald writes."""
_CONTAINER_SHIFT, _PID_SHIFT = 48, 20
"""A container's number, a pid (of 8 digits at most) and that of a name as one number."""
_STEM = re.compile(r"[A-Za-z]*")
MOST_REFUSED = 4096


@dataclass(slots=True)
class PrefixPeeler:
    """Peels prefixes off the lines of one source; each distinct one is understood only once."""

    kinds: KindTable
    _known: dict[bytes, Prefix | None] = field(default_factory=dict)
    """What each prefix says, None for what only looks like one."""
    _turn: int = 0
    _stems: dict[str, int] = field(default_factory=dict)
    """What names begin with, `Worker` of `Worker_TP1`, and a number for it."""
    refused: set[tuple[int, bytes]] | None = None
    """What was not peeled since it was not learned yet, where that is kept; see `joining.py`."""

    def fork(self) -> PrefixPeeler:
        """A peeler that goes on from the same place, for text that may turn out otherwise."""
        return PrefixPeeler(self.kinds, self._known, _stems=self._stems)

    def peel(self, claims: Claims, rows: Positions, turn: int) -> Positions:
        """Peels one prefix off each of these rows that has one; returns which those are.

        `turn` is how many prefixes were peeled off them before.
        """
        self._turn = turn
        first = claims.block.byte(claims.at[rows])
        round_, square = first == ord("("), first == ord("[")
        done = [
            self._peel_texts(claims, rows[round_], _closed_by(b")", 1), process_prefix),
            self._peel_texts(claims, rows[square], _bracket_length, bracket_prefix),
        ]
        others = rows[~(round_ | square)]
        for peel in (self._peel_stamps, self._peel_names, self._peel_pods, self._peel_numbers):
            if not len(others):
                break
            done.append(peel(claims, others))
            if len(done[-1]):
                others = np.setdiff1d(others, done[-1], assume_unique=True)
        return np.sort(np.concatenate(done))

    def _peel_names(self, claims: Claims, rows: Positions) -> Positions:
        return self._peel_texts(claims, rows, _name_length, name_prefix)

    def _peel_stamps(self, claims: Claims, rows: Positions) -> Positions:
        rows = rows[_STAMP_BEGINS[claims.block.byte(claims.at[rows])]]
        done = [rows[:0]]
        for number, shape in enumerate(STAMPS):
            if not len(rows):
                break
            look = shape.find(claims.block, claims.at[rows], claims.ends[rows])
            taken = rows[look.rows]
            claims.at[taken] = look.at
            if len(taken):
                claims.stamp_rows(taken, look)
                claims.settled[taken] = True
                if number in _JOURNALS:
                    self._peel_program(claims, taken)
            done.append(taken)
            rows = np.delete(rows, look.rows)
        return np.concatenate(done)

    def _peel_program(self, claims: Claims, rows: Positions) -> None:
        """journald's `host program[pid]: `."""
        look = PROGRAM.find(claims.block, claims.at[rows], claims.ends[rows])
        if not len(look.rows):
            return
        begins, lengths = look.values["process at"], look.values["process length"]
        texts, which = distinct(claims.block, begins, lengths)
        rows = rows[look.rows]
        claims.at[rows] = look.at
        container = claims.container[rows]
        keys = container << _CONTAINER_SHIFT | look.values["pid"] << _PID_SHIFT | which
        for index in _last_of_each(keys):
            number = self.kinds.process_number(
                int(look.values["pid"][index]), container=int(container[index])
            )
            mine = rows[keys == keys[index]]
            claims.process[mine] = number
            claims.name_rows(mine, number, texts[which[index]].decode("utf-8", "replace"))

    def _peel_texts(
        self,
        claims: Claims,
        rows: Positions,
        length_of: Callable[[Claims, Positions], Positions],
        understand: Callable[[bytes], Prefix | None],
    ) -> Positions:
        """Peels prefixes that are the same in many lines."""
        if not len(rows):
            return rows
        length = length_of(claims, rows)
        whole = (length > 0) & (claims.at[rows] + length <= claims.ends[rows])
        rows, length = rows[whole], length[whole]
        if not len(rows):
            return rows
        texts, which = distinct(claims.block, claims.at[rows], length)
        for text in texts:
            if text not in self._known:
                self._known[text] = understand(text)
        said = [self._known[text] for text in texts]
        taken = np.array([prefix is not None for prefix in said], np.bool_)[which]
        rows, length, which = rows[taken], length[taken], which[taken]
        claims.at[rows] += length
        self._enter(claims, rows, said, which)
        return rows

    def _enter(
        self, claims: Claims, rows: Positions, said: list[Prefix | None], which: Positions
    ) -> None:
        """Enters what the prefixes say, in the order of the rows: the latest name counts."""
        # The same prefix in two containers is two processes.
        keys = claims.container[rows] << 32 | which
        for index in _last_of_each(keys):
            prefix = said[int(which[index])]
            if prefix is None:
                continue
            mine = rows[keys == keys[index]]
            if prefix.container is not None:
                claims.container[mine] = self.kinds.container_number(prefix.container)
            if prefix.pid is not None or prefix.name is not None:
                number = self._process_of(prefix, claims, mine)
                self._doubt(claims, mine, number, prefix)
                claims.process[mine] = number
            if prefix.rank != NO_RANK:
                claims.rank[mine] = prefix.rank

    def _doubt(self, claims: Claims, rows: Positions, number: int, prefix: Prefix) -> None:
        """Two workers' prefixes on one line: their writes met, and whose the rest is is uncertain.

        An API server's before its engine's is none of that: it passes the engine's lines on.
        """
        found = _STEM.match(prefix.name or "")
        stem = self._stems.setdefault(found[0] if found else "", len(self._stems) + 1)
        others = (claims.stem[rows] == stem) & (claims.process[rows] != number)
        claims.torn[rows[others]] = True
        claims.stem[rows] = stem

    def _process_of(self, prefix: Prefix, claims: Claims, rows: Positions) -> int:
        container = int(claims.container[rows[0]])
        if prefix.pid is None:
            return self.kinds.process_number(None, prefix.name, container)
        number = self.kinds.process_number(prefix.pid, None, container)
        if prefix.name:
            claims.name_rows(rows, number, prefix.name)
        return number

    def _peel_pods(self, claims: Claims, rows: Positions) -> Positions:
        """stern's `pod container `, from the first one before a head on."""
        length = _two_names_length(claims, rows)
        rows, length = rows[length > 0], length[length > 0]
        kept = []
        for index, (row, size) in enumerate(zip(rows.tolist(), length.tolist(), strict=True)):
            at = int(claims.at[row])
            text = claims.text[at : at + size]
            looks = STERN.fullmatch(text) is not None
            if looks and self._is_learned(text, claims, row, size):
                kept.append(index)
        peeled = np.array(kept, np.int64)
        rows, length = rows[peeled], length[peeled]
        return self._peel_texts(claims, rows, lambda _claims, _rows: length, pod_prefix)

    def _peel_numbers(self, claims: Claims, rows: Positions) -> Positions:
        """`0: `, which srun and mpirun put there, from the first one before a head on."""
        at = claims.at[rows]
        blanks = np.zeros(len(rows), np.int64)
        for _ in range(_MOST_BLANKS):
            blanks += claims.block.byte(at + blanks) == ord(" ")
        digits = leading_digits(claims.block.word(at + blanks))
        fits = (digits >= 1) & (digits <= 4)
        fits &= claims.block.starts_with(at + blanks + digits, b": ")
        rows, length = rows[fits], (blanks + digits + 2)[fits]
        places = enumerate(zip(rows.tolist(), length.tolist(), strict=True))
        known = (i for i, (row, size) in places if self._is_learned(NUMBER, claims, row, size))
        first = next(known, len(rows))
        rows, length = rows[first:], length[first:]
        claims.at[rows] += length
        return rows

    def _is_learned(self, text: bytes, claims: Claims, row: int, size: int) -> bool:
        """Whether this prefix, of this size in the row, has stood before a head, here or above."""
        key = (self._turn, text)
        if key in self.kinds.learned_prefixes:
            return True
        at, end = int(claims.at[row]) + size, int(claims.ends[row])
        if self._is_head(claims.text, at, end):
            self.kinds.learned_prefixes.add(key)
            return True
        if self.refused is not None and len(self.refused) < MOST_REFUSED:
            self.refused.add(key)
        return False

    def _is_head(self, text: bytes, at: int, end: int) -> bool:
        """Whether a head stands here, which may have prefixes that cannot be mistaken."""
        grammar = self.kinds.grammar
        for _ in range(MOST_PREFIXES):
            if at >= end:
                return False
            bits = int(grammar.by_first_byte[text[at]])
            for number, form in enumerate(grammar.formats):
                found = form.pattern.match(text, at, end) if bits >> number & 1 else None
                if found and (form.reader is None or form.reader([found["message"]]).message[0]):
                    return True
            begin, at = at, prefix_end(text, at, set())
            if at == begin:
                return False
        return False


def _closed_by(bracket: bytes, behind: int) -> Callable[[Claims, Positions], Positions]:
    def length(claims: Claims, rows: Positions) -> Positions:
        found = claims.block.find(claims.at[rows], bracket, _REACH)
        return np.where(found > 0, found + 1 + behind, 0)

    return length


def _bracket_length(claims: Claims, rows: Positions) -> Positions:
    """The length of `[rank0]: `, `[pod/x/y] `, `[1,0]<stdout>: `, with what is there of the end."""
    block, at = claims.block, claims.at[rows]
    closed = block.find(at, b"]", _REACH)
    length = closed + 1
    for tag in (b"<stdout>", b"<stderr>"):
        length = length + len(tag) * block.starts_with(at + length, tag)
    for byte in b": ":
        # Never into the next line.
        length = length + ((block.byte(at + length) == byte) & (at + length < claims.ends[rows]))
    return np.where(closed > 0, length, 0)


def _name_length(claims: Claims, rows: Positions) -> Positions:
    """The length of `name  | ` and `name >> `."""
    block, at = claims.block, claims.at[rows]
    name = block.find(at, b" ", _REACH)
    blanks = np.zeros(len(rows), np.int64)
    open_rows = np.flatnonzero(name > 0)
    while len(open_rows):
        here = at[open_rows] + name[open_rows] + blanks[open_rows]
        open_rows = open_rows[(block.byte(here) == ord(" ")) & (blanks[open_rows] < _REACH)]
        blanks[open_rows] += 1
    behind = at + np.maximum(name, 0) + blanks
    # Compose pads the names, so that at least two blanks stand before the line.
    compose = block.starts_with(behind, b"| ") & (blanks >= 2)
    arrows = block.starts_with(behind, b">> ") & (blanks == 1)
    length = name + blanks + np.where(compose, 2, 3)
    return np.where((name > 0) & (compose | arrows), length, 0)


def _two_names_length(claims: Claims, rows: Positions) -> Positions:
    """The length of `pod container `."""
    block, at = claims.block, claims.at[rows]
    first = block.byte(at)
    length = np.zeros(len(rows), np.int64)
    fits = np.flatnonzero((first >= ord("a")) & (first <= ord("z")))
    pod = block.find(at[fits], b" ", _REACH)
    container = block.find(at[fits] + pod + 1, b" ", _REACH)
    hyphen = block.find(at[fits], b"-", _REACH)
    kept = (pod > 0) & (container > 0) & (hyphen > 0) & (hyphen < pod)
    length[fits[kept]] = (pod + container + 2)[kept]
    return length


def _last_of_each(values: Positions) -> list[int]:
    """The last place of each distinct value, in the order of the places."""
    if not unlike(values):
        return [len(values) - 1] if len(values) else []
    _, first = np.unique(values[::-1], return_index=True)
    return sorted((len(values) - 1 - first).tolist())
