"""Tries the formats on lines: shapes on all lines together, expressions line by line."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from pdtui.core import levels
from pdtui.core.bytescan import A_LOOK, Flags, Positions, present
from pdtui.core.claims import Claims
from pdtui.core.digests import distinct
from pdtui.core.formats import Begins, Format, groups, message_begin
from pdtui.core.formats.json_lines import Readings
from pdtui.core.kinds import MAX_RANK, NO_PROCESS, KindTable
from pdtui.core.shapes import Look
from pdtui.core.stamps import parse_stamp, stamp_of

_SUGGESTING = (
    (levels.WARNING, (b"arning", b"WARN", b"etry")),
    (levels.ERROR, (b"rror", b"xception", b"ailed", b"timed out", b"Traceback")),
)


_FEW = 32
"""Rows up to which an expression for each is quicker than a look at all of them."""


class Unsure(NamedTuple):
    """A claim that depends on the record above: it is decided when that is known."""

    row: int
    number: int
    found: re.Match[bytes]


class Claimer:
    """Tries the formats of a grammar on lines of one source."""

    def __init__(self, kinds: KindTable) -> None:
        self._kinds = kinds
        self._grammar = kinds.grammar

    def claim(self, claims: Claims, rows: Positions) -> list[int]:
        """Lets the formats claim these rows, each the first format that it fits.

        Returns the rows whose claim depends on the record above, see `unsure_of`.
        """
        unsure: list[int] = []
        rows = rows[claims.at[rows] < claims.ends[rows]]
        bits = self._grammar.by_first_byte[claims.block.byte(claims.at[rows])]
        present = int(np.bitwise_or.reduce(bits)) if len(bits) else 0
        left = np.ones(len(rows), np.bool_)
        for number, form in enumerate(self._grammar.formats, 1):
            if not present >> (number - 1) & 1:
                continue
            fitting = np.flatnonzero(left & ((bits >> np.uint64(number - 1)) & np.uint64(1) != 0))
            if not len(fitting):
                continue
            if len(fitting) <= _FEW and form.reader is None:
                fitting = fitting[_matching(claims, form, rows[fitting])]
            if not len(fitting) or self._holds_nowhere(claims, form, len(fitting)):
                continue
            if form.reader is not None:
                taken = self._claim_whole(claims, rows[fitting], number, form)
            elif form.shape is not None:
                taken = self._claim_shape(claims, rows[fitting], number, form)
            else:
                taken = self._claim_lines(claims, rows[fitting], number, form, unsure)
            left[fitting[taken]] = False
            if not left.any():
                break
        return unsure

    def _holds_nowhere(self, claims: Claims, form: Format, rows: int) -> bool:
        """Whether the block lacks what the form's lines contain; not asked for a few rows."""
        if not form.contains or rows * A_LOOK < len(claims.text):
            return False
        return form.contains not in claims.text

    def _claim_shape(self, claims: Claims, rows: Positions, number: int, form: Format) -> Positions:
        assert form.shape is not None
        look = form.shape.find(claims.block, claims.at[rows], claims.ends[rows])
        taken = rows[look.rows]
        if not len(taken):
            return look.rows
        claims.format[taken] = number
        claims.begins[taken] = True
        claims.at[taken] = look.at
        if "level" in look.values:
            claims.level[taken] = look.values["level"]
        claims.stamp_rows(taken, look)
        self._enter_process(claims, taken, look)
        return look.rows

    def _enter_process(self, claims: Claims, rows: Positions, look: Look) -> None:
        if "pid" in look.values:
            keys = claims.container[rows] << 32 | look.values["pid"]
            distinct, which = np.unique(keys, return_inverse=True)
            numbers = [
                self._kinds.process_number(key & 0xFFFFFFFF, container=key >> 32)
                for key in distinct.tolist()
            ]
            claims.process[rows] = np.array(numbers, np.int64)[which]
        if "process at" in look.values:
            self._enter_names(claims, rows, look)

    def _enter_names(self, claims: Claims, rows: Positions, look: Look) -> None:
        """Processes that have a name and no pid: SGLang's `DP0 TP1`."""
        named = np.flatnonzero(look.values["process length"] > 0)
        texts, which = distinct(
            claims.block, look.values["process at"][named], look.values["process length"][named]
        )
        for number, text in enumerate(texts):
            of_text = rows[named[which == number]]
            # Ray's prefix says the pid, which is more.
            of_text = of_text[claims.process[of_text] == NO_PROCESS]
            for container in present(claims.container[of_text]):
                inside = of_text[claims.container[of_text] == container]
                claims.process[inside] = self._kinds.process_number(
                    None, text.decode("ascii", "replace"), container
                )
        rank = look.values["rank"] - 1
        said = (rank >= 0) & (rank <= MAX_RANK)
        claims.rank[rows[said]] = rank[said]

    def _claim_lines(
        self, claims: Claims, rows: Positions, number: int, form: Format, unsure: list[int]
    ) -> Positions:
        text, match = claims.text, form.pattern.match
        taken: list[int] = []
        fitting = np.arange(len(rows))
        if form.guard is not None and len(rows) > _FEW:
            fitting = form.guard.find(claims.block, claims.at[rows], claims.ends[rows]).rows
        at, ends = claims.at[rows[fitting]].tolist(), claims.ends[rows[fitting]].tolist()
        for index, begin, end in zip(fitting.tolist(), at, ends, strict=True):
            if form.contains and text.find(form.contains, begin, end) < 0:
                continue
            found = match(text, begin, end)
            if found is None:
                continue
            row = int(rows[index])
            if form.begins is Begins.UNLESS_FOLLOWING_ERROR:
                unsure.append(row)
            else:
                self.enter(claims, row, number, found)
            taken.append(index)
        return np.array(taken, np.int64)

    def unsure_of(self, claims: Claims, rows: Positions) -> list[Unsure]:
        """What formats would claim these lines, depending on the record above."""
        forms = [
            (number, form)
            for number, form in enumerate(self._grammar.formats, 1)
            if form.begins is Begins.UNLESS_FOLLOWING_ERROR
        ]
        unsure = []
        for row in rows.tolist():
            begin, end = int(claims.at[row]), int(claims.ends[row])
            for number, form in forms:
                if found := form.pattern.match(claims.text, begin, end):
                    unsure.append(Unsure(row, number, found))
                    break
        return unsure

    def _claim_whole(self, claims: Claims, rows: Positions, number: int, form: Format) -> Positions:
        """Claims lines that have to be read whole to be understood."""
        assert form.reader is not None
        places = zip(claims.at[rows].tolist(), claims.ends[rows].tolist(), strict=True)
        lines = [claims.text[begin:end].rstrip() for begin, end in places]
        fitting = np.flatnonzero([line.endswith(b"}") for line in lines])
        if not len(fitting):
            return fitting
        said = form.reader([lines[index] for index in fitting.tolist()])
        return fitting[self._enter_readings(claims, rows[fitting], number, said)]

    def enter(self, claims: Claims, row: int, number: int, found: re.Match[bytes]) -> None:
        """Enters what an expression found in a line."""
        form = self._grammar.formats[number - 1]
        said = groups(found)
        claims.format[row] = number
        claims.begins[row] = True
        level = said.get("level", form.level).upper()
        claims.level[row] = levels.LEVEL_OF_WORD.get(level, levels.NO_LEVEL)
        claims.stamp_row(row, parse_stamp(said["time"]) if "time" in said else stamp_of(said))
        self._enter_writer(claims, row, said)
        claims.at[row] = message_begin(found)

    def _enter_writer(self, claims: Claims, row: int, said: dict[str, bytes]) -> None:
        container = int(claims.container[row])
        pid = int(said["pid"]) if said.get("pid", b"").isdigit() else None
        name = said["process"].decode("utf-8", "replace") if said.get("process") else None
        if pid is not None or name is not None:
            self._name_writer(claims, row, pid, name, container)
        if said.get("host"):
            self._kinds.learn_host(int(claims.process[row]), said["host"])
        if said.get("rank", b"").isdigit() and int(said["rank"]) <= MAX_RANK:
            claims.rank[row] = int(said["rank"])

    def _name_writer(
        self, claims: Claims, row: int, pid: int | None, name: str | None, container: int
    ) -> None:
        if pid is None:
            claims.process[row] = self._kinds.process_number(None, name, container)
            return
        claims.process[row] = self._kinds.process_number(pid, None, container)
        if name is not None:
            claims.name_rows(np.array([row]), int(claims.process[row]), name)

    def _enter_readings(
        self, claims: Claims, rows: Positions, number: int, said: Readings
    ) -> Positions:
        """Enters what lines said that had to be read whole; returns which of them are of a log."""
        kept = np.flatnonzero([message is not None for message in said.message])
        claims.format[rows[kept]] = number
        claims.begins[rows[kept]] = True
        claims.level[rows[kept]] = np.array(said.level, np.int64)[kept]
        stamps = [said.stamp[index] for index in kept.tolist()]
        claims.stamp_all(rows[kept], stamps)
        writers: dict[tuple[int | None, str | None, int], list[int]] = {}
        containers = claims.container[rows[kept]].tolist()
        for index, row, container in zip(
            kept.tolist(), rows[kept].tolist(), containers, strict=True
        ):
            claims.rewritten[row] = said.message[index] or b""
            writers.setdefault((said.pid[index], said.process[index], container), []).append(row)
            rank = said.rank[index]
            if rank is not None and rank <= MAX_RANK:
                claims.rank[row] = rank
        for writer, mine in writers.items():
            if writer[:2] == (None, None):
                continue
            # Of a process's names the last one counts, and so the last line that says it.
            self._name_writer(claims, mine[-1], *writer)
            claims.process[mine] = claims.process[mine[-1]]
        return kept

    def infer_levels(self, claims: Claims, rows: Positions) -> None:
        """Gives those of the lines without a level word the level that their words suggest."""
        wordless = self._grammar.levels_in_words[claims.format[rows]] & (claims.level[rows] == 0)
        rows = rows[wordless]
        if not len(rows):
            return
        silent = np.zeros(len(claims.starts), np.bool_)
        silent[rows] = True
        for level, words in _SUGGESTING:
            places = np.concatenate([claims.block.places(word) for word in words])
            found = np.searchsorted(claims.starts, places, "right") - 1
            # A bar that was overwritten belongs to no line.
            inside = (places >= claims.at[found]) & (places < claims.ends[found])
            found = found[silent[found] & inside]
            claims.level[found] = level


def _matching(claims: Claims, form: Format, rows: Positions) -> Flags:
    """Which of a few lines the format's expression fits."""
    match, places = form.pattern.match, zip(claims.at[rows], claims.ends[rows], strict=True)
    return np.array([match(claims.text, begin, end) is not None for begin, end in places], np.bool_)
