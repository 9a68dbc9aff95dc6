"""How a scanner stands between two lines: all that the lines above mean for those below.

It is said by labels, so that a scanner with another table of kinds can go on from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from pdtui.core.dating import Dating
from pdtui.core.inherit import Head, Inheritance, Last
from pdtui.core.numbering import Labels, Numbering, labels_of
from pdtui.core.records import LastLine
from pdtui.core.scan import Scanner

_T = TypeVar("_T")


class Standing(NamedTuple):
    """What a scanner keeps between two lines; its numbers are those of its own table."""

    labels: Labels
    """What the numbers stand for."""
    prefixes: frozenset[tuple[int, bytes]]
    dating: Dating
    last: LastLine
    warned: frozenset[int]
    heads_in: dict[int, Head]
    heads_of: dict[int, Head]
    stamps_in: dict[int, int]
    stamps_of: dict[int, int]


def standing_of(
    scanner: Scanner,
    packed: Iterable[int] = (),
    processes: Iterable[int] = (),
    containers: Iterable[int] = (),
) -> Standing:
    """How the scanner stands; more of its numbers can be given, to be labelled too."""
    kinds, records, rows = scanner.kinds, scanner.records, scanner.inheritance
    heads_in, heads_of = rows.heads_in.known, rows.heads_of.known
    stamps_in, stamps_of = rows.stamps_in.known, rows.stamps_of.known
    heads = (*heads_in.values(), *heads_of.values())
    labels = labels_of(
        kinds,
        {head.packed for head in heads}.union(packed),
        {*heads_of, *stamps_of, *records.warned}.union(processes),
        {*heads_in, *stamps_in}.union(containers),
    )
    prefixes, dating = frozenset(kinds.learned_prefixes), scanner.calendar.dating
    return Standing(
        labels,
        prefixes,
        dating,
        records.last,
        records.warned,
        dict(heads_in),
        dict(heads_of),
        dict(stamps_in),
        dict(stamps_of),
    )


def stand(scanner: Scanner, standing: Standing) -> bool:
    """Has the scanner go on from there; whether its table has room for what that names."""
    kinds = scanner.kinds
    numbering = Numbering(standing.labels, kinds)
    if not numbering.enter():
        return False
    if kinds.learned_prefixes != standing.prefixes:
        kinds.learned_prefixes = set(standing.prefixes)
        scanner.forget_lines()
    scanner.calendar.dating = standing.dating
    warned = by_number(dict.fromkeys(standing.warned, True), numbering.processes)
    scanner.records.stand(standing.last, frozenset(warned))
    scanner.inheritance = Inheritance(
        Last(by_number(heads_by_number(standing.heads_in, numbering), numbering.containers)),
        Last(by_number(heads_by_number(standing.heads_of, numbering), numbering.processes)),
        Last(by_number(standing.stamps_in, numbering.containers)),
        Last(by_number(standing.stamps_of, numbering.processes)),
    )
    return True


def by_number(groups: dict[int, _T], numbers: dict[int, int | None]) -> dict[int, _T]:
    """What groups have, by other numbers, all of which are known."""
    return {number: one for group, one in groups.items() if (number := numbers[group]) is not None}


def heads_by_number(heads: dict[int, Head], numbering: Numbering) -> dict[int, Head]:
    """The heads of groups, told by other numbers, all of which are known."""
    return {
        group: Head(packed, head.when)
        for group, head in heads.items()
        if (packed := numbering.packed(head.packed)) is not None
    }
