"""Puts the stretches of a log together, each scanned by itself, as if one scanner had read all.

A stretch is joined where all that it took for granted of the lines above is so; where it is not
(New Year was in between, a pod appeared, the record that goes on began too far above), it is to be
scanned again by the scanner that has all before it. So the result is right in any case, and what
is taken for granted decides only about how quick it is.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from pdtui.core.inherit import INHERITED, Head, Inheritance
from pdtui.core.kinds import KindTable
from pdtui.core.numbering import Numbering
from pdtui.core.scan import Scanner
from pdtui.core.standing import by_number, heads_by_number
from pdtui.core.stretches import Assumed, Learned, Stretch

_T = TypeVar("_T")


def join(scanner: Scanner, stretch: Stretch) -> bool:
    """Has the scanner stand behind a stretch that follows what it has scanned.

    The kinds of the stretch's rows become numbers of the scanner's table. False, and all stays as
    it is, where the stretch has to be scanned again.
    """
    kinds, assumed, after = scanner.kinds, stretch.assumed, stretch.after
    numbering = Numbering(after.labels, kinds)
    if not _holds(scanner, assumed, numbering) or _contradicts(kinds, stretch.learned, numbering):
        return False
    if not numbering.enter():
        return False
    _number_kinds(kinds, stretch, numbering)
    kinds.learned_prefixes |= after.prefixes
    _learn(kinds, stretch.learned, numbering)
    scanner.calendar.dating = assumed.dated.following(scanner.calendar.dating)
    warned = by_number(dict.fromkeys(after.warned, True), numbering.processes)
    asked = by_number(assumed.warned, numbering.processes)
    scanner.records.stand(after.last, scanner.records.warned - asked.keys() | warned.keys())
    rows = scanner.inheritance
    heads_in, heads_of = (heads_by_number(h, numbering) for h in (after.heads_in, after.heads_of))
    rows.heads_in.known |= by_number(heads_in, numbering.containers)
    rows.heads_of.known |= by_number(heads_of, numbering.processes)
    rows.stamps_in.known |= by_number(after.stamps_in, numbering.containers)
    rows.stamps_of.known |= by_number(after.stamps_of, numbering.processes)
    return True


def _holds(scanner: Scanner, assumed: Assumed, numbering: Numbering) -> bool:
    """Whether all that was taken for granted is so."""
    return (
        _same_prefixes(scanner.kinds.learned_prefixes, assumed)
        and assumed.dated.holds(scanner.calendar.dating)
        and scanner.records.last.is_like(assumed.last)
        and _same_warned(scanner.records.warned, assumed.warned, numbering)
        and _same_rows(scanner.inheritance, assumed, numbering)
    )


def _same_prefixes(known: set[tuple[int, bytes]], assumed: Assumed) -> bool:
    if known == assumed.prefixes:
        return True
    if assumed.refused is None or not assumed.prefixes <= known:
        return False
    return known.isdisjoint(assumed.refused)


def _same_warned(known: frozenset[int], assumed: dict[int, bool], numbering: Numbering) -> bool:
    numbers = numbering.processes
    return all((numbers[one] in known) == warned for one, warned in assumed.items())


def _same_rows(known: Inheritance, assumed: Assumed, numbering: Numbering) -> bool:
    containers, processes = numbering.containers, numbering.processes

    def same_heads(
        asked: dict[int, Head | None], have: dict[int, Head], numbers: dict[int, int | None]
    ) -> bool:
        return all(
            _same_head(head, _of(numbers[one], have), numbering) for one, head in asked.items()
        )

    def same_stamps(
        asked: dict[int, int | None], have: dict[int, int], numbers: dict[int, int | None]
    ) -> bool:
        return all(stamp == _of(numbers[one], have) for one, stamp in asked.items())

    return (
        same_heads(assumed.heads_in, known.heads_in.known, containers)
        and same_heads(assumed.heads_of, known.heads_of.known, processes)
        and same_stamps(assumed.stamps_in, known.stamps_in.known, containers)
        and same_stamps(assumed.stamps_of, known.stamps_of.known, processes)
    )


def _of(number: int | None, have: dict[int, _T]) -> _T | None:
    return None if number is None else have.get(number)


def _same_head(assumed: Head | None, known: Head | None, numbering: Numbering) -> bool:
    """Whether rows take the same over from both."""
    if assumed is None or known is None:
        return assumed is known
    packed = numbering.packed(assumed.packed & INHERITED)
    return packed == known.packed & INHERITED and assumed.when == known.when


def _contradicts(kinds: KindTable, learned: Learned, numbering: Numbering) -> bool:
    """Whether it depends on the lines which of two hosts a process has."""
    for number, host in learned.hosts.items():
        process = numbering.processes[number]
        known = kinds.processes[process].host if process is not None else None
        if known not in (None, host):
            return True
    return False


def _number_kinds(kinds: KindTable, stretch: Stretch, numbering: Numbering) -> None:
    """Gives the rows the kinds of the table, numbered as if that had seen them piece by piece."""
    size = max(stretch.packed, default=0) + 1
    numbers = np.full(size, -1, np.int64)
    for rows, _ in stretch.pieces:
        used = np.flatnonzero(np.bincount(rows.kind, minlength=size))
        new = used[numbers[used] < 0]
        if len(new):
            packed = [numbering.packed(stretch.packed[number]) for number in new.tolist()]
            numbers[new] = kinds.numbers(np.array(packed, np.int64))
        rows.kind = numbers[rows.kind].astype(np.uint32)


def _learn(kinds: KindTable, learned: Learned, numbering: Numbering) -> None:
    """Enters what a stretch taught: what it says later counts."""
    facts = {
        (number, rank): said
        for (process, rank), said in learned.facts.items()
        if (number := numbering.processes[process]) is not None
    }
    for (process, rank), said in facts.items():
        kinds.learn_facts(process, rank, said)
    for process, name in by_number(learned.names, numbering.processes).items():
        kinds.name_process(process, name)
    for process, host in by_number(learned.hosts, numbering.processes).items():
        if kinds.processes[process].host is None:
            kinds.learn_host(process, host.encode())
    for process, ranks in by_number(learned.ranks_of_pid, numbering.processes).items():
        for rank in ranks:
            kinds.learn_pid_rank(process, rank)
    for role in learned.kv_roles:
        kinds.learn_role(role)
    for send_type in learned.send_types:
        kinds.learn_send_type(send_type)
    kinds.misdecoded |= learned.misdecoded
