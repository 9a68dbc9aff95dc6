"""Scans a stretch in the middle of a log, before it is known what the lines above it mean for it.

What that is likely to be is known: how a scanner stood some stretches above, and the last lines
above. Of all that is so taken for granted, it is kept what the rows made use of, so that `joining`
can tell whether it was so. What a stretch teaches of its source is kept apart from what was known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from pdtui.core.dating import Dated
from pdtui.core.inherit import Head
from pdtui.core.kinds import KindTable, packed_of
from pdtui.core.numbering import is_full
from pdtui.core.prefixes import MOST_REFUSED
from pdtui.core.records import LastLine
from pdtui.core.scan import ROWS_ALONE, Rows, Scanner
from pdtui.core.standing import Standing, stand, standing_of


class Assumed(NamedTuple):
    """What was taken for granted of the lines above, as far as it made a difference."""

    prefixes: frozenset[tuple[int, bytes]]
    """What had stood before a head."""
    refused: frozenset[tuple[int, bytes]] | None
    """What had not, of what stands before lines that are no heads; None where that is too much."""
    dated: Dated
    last: LastLine
    warned: dict[int, bool]
    """Of processes: whether their last line of NCCL was of a warning's trail."""
    heads_in: dict[int, Head | None]
    """Of containers, and then of processes: the last head; None where there was none."""
    heads_of: dict[int, Head | None]
    stamps_in: dict[int, int | None]
    stamps_of: dict[int, int | None]


class Learned(NamedTuple):
    """What the lines of a stretch say of the source, as in KindTable."""

    facts: dict[tuple[int, int], dict[str, str]]
    names: dict[int, str]
    hosts: dict[int, str]
    ranks_of_pid: dict[int, set[int]]
    kv_roles: set[str]
    send_types: set[str]
    misdecoded: bool


@dataclass(slots=True)
class Stretch:
    """The rows of a stretch, told by the numbers of the table of whoever scanned it."""

    pieces: list[tuple[Rows, int]]
    """The rows of one piece after the other, and how many bytes it had."""
    packed: dict[int, int]
    """The properties of each kind that is among the rows, by its number."""
    assumed: Assumed
    learned: Learned
    after: Standing
    """How the scanner stood behind it, of what the stretch itself made known."""


class StretchScanner:
    """Scans stretches of one source, one after the other but not next to each other."""

    def __init__(self, scanner: Scanner) -> None:
        """It takes over a scanner, with what that knows of lines alike."""
        self._scanner = scanner
        self._refused: set[tuple[int, bytes]] = set()
        scanner.peeler.refused = self._refused

    def scan(
        self, standing: Standing, above: bytes, pieces: Iterable[tuple[int, bytes]]
    ) -> Stretch | None:
        """Scans pieces, each with its place in the source: whole lines that follow each other.

        `standing` is how a scanner stood somewhere above, `above` the lines right above the first
        piece. None where its table is full.
        """
        scanner, kinds = self._scanner, self._scanner.kinds
        if kinds.learned_prefixes != standing.prefixes:
            # Till then lines alike are remembered as they were, and are not asked for again.
            self._refused.clear()
        if not stand(scanner, standing):
            return None
        if above:
            depth, scanner.depth = scanner.depth, ROWS_ALONE
            scanner.scan(above, 0)
            scanner.depth = depth
        prefixes, last = frozenset(kinds.learned_prefixes), scanner.records.last
        _assume(scanner)
        rows = [(scanner.scan(piece, begin), len(piece)) for begin, piece in pieces]
        if is_full(kinds):
            return None
        assumed = self._assumed(prefixes, last)
        packed, learned = _packed_in([rows for rows, _ in rows], kinds), _learned(kinds)
        numbers = _numbers_in(packed, assumed, learned)
        return Stretch(rows, packed, assumed, learned, standing_of(scanner, *numbers))

    def _assumed(self, prefixes: frozenset[tuple[int, bytes]], last: LastLine) -> Assumed:
        """What was taken for granted since `_assume`, when these were known."""
        scanner, refused = self._scanner, self._refused
        rows = scanner.inheritance
        return Assumed(
            prefixes,
            frozenset(refused) if len(refused) < MOST_REFUSED else None,
            scanner.calendar.dated,
            last,
            scanner.records.asked,
            rows.heads_in.asked,
            rows.heads_of.asked,
            rows.stamps_in.asked,
            rows.stamps_of.asked,
        )


def _assume(scanner: Scanner) -> None:
    """From now on what the scanner knows is only taken for granted."""
    scanner.calendar.dating = scanner.calendar.dating
    scanner.records.assume()
    for last in scanner.inheritance.all:
        last.assume()
    kinds = scanner.kinds
    kinds.facts, kinds.ranks_of_pid = {}, {}
    kinds.kv_roles, kinds.send_types, kinds.misdecoded = set(), set(), False
    for process in kinds.processes:
        process.host = None
        if process.pid is not None:
            process.name = None


def _learned(kinds: KindTable) -> Learned:
    said = list(enumerate(kinds.processes))
    names = {n: one.name for n, one in said if one.pid is not None and one.name is not None}
    hosts = {number: process.host for number, process in said if process.host is not None}
    return Learned(
        kinds.facts,
        names,
        hosts,
        kinds.ranks_of_pid,
        kinds.kv_roles,
        kinds.send_types,
        kinds.misdecoded,
    )


def _packed_in(pieces: list[Rows], kinds: KindTable) -> dict[int, int]:
    """The packed properties of the kinds that are among the rows."""
    used = np.zeros(len(kinds), np.bool_)
    for rows in pieces:
        used[rows.kind] = True
    return {number: packed_of(kinds.kinds[number]) for number in np.flatnonzero(used).tolist()}


def _numbers_in(
    packed: dict[int, int], assumed: Assumed, learned: Learned
) -> tuple[Iterator[int], Iterator[int], Iterator[int]]:
    """All packed properties, processes and containers of which anything is said."""
    heads = (*assumed.heads_in.values(), *assumed.heads_of.values())
    return (
        chain(packed.values(), (head.packed for head in heads if head)),
        chain(
            (process for process, _ in learned.facts),
            learned.names,
            learned.hosts,
            learned.ranks_of_pid,
            assumed.warned,
            assumed.heads_of,
            assumed.stamps_of,
        ),
        chain(assumed.heads_in, assumed.stamps_in),
    )
