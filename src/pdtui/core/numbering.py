"""Numbers of one table of kinds → those of another, by what they stand for.

Processes, containers, addresses and tuples of markers are numbered as they appear, so two tables
that are made of different stretches of one log number them otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from pdtui.core.kinds import (
    MAX_ADDRESSES,
    MAX_CONTAINERS,
    MAX_MARKER_SETS,
    MAX_PROCESSES,
    MAX_SIGNS,
    KindTable,
    field_mask,
)

_PROCESS, _MARKERS, _ADDRESS = (field_mask(name) for name in ("process", "markers", "address"))
_Label = TypeVar("_Label")


class Labels(NamedTuple):
    """What numbers of a table stand for; 0 stands for nothing in any."""

    processes: dict[int, tuple[int | None, str | None, int]]
    """The pid, or the name where there is none, and the number of the container."""
    containers: dict[int, str]
    addresses: dict[int, str]
    marker_sets: dict[int, tuple[str, ...]]


def labels_of(
    kinds: KindTable, packed: Iterable[int], processes: Iterable[int], containers: Iterable[int]
) -> Labels:
    """The labels of these processes and containers, and of all that is in packed properties."""
    all_packed, containers = set(packed), set(containers)
    addresses = {_field(one, _ADDRESS) for one in all_packed} - {0}
    markers = {_field(one, _MARKERS) for one in all_packed} - {0}
    said = {}
    for number in sorted({_field(one, _PROCESS) for one in all_packed}.union(processes) - {0}):
        process = kinds.processes[number]
        # One may have an empty name, and is known by that.
        name = process.name or "" if process.pid is None else None
        said[number] = (process.pid, name, process.container)
        containers.add(process.container)
    return Labels(
        said,
        {number: kinds.containers[number] for number in sorted(containers - {0})},
        {number: kinds.addresses[number] for number in sorted(addresses)},
        {number: kinds.marker_sets[number] for number in sorted(markers)},
    )


class Numbering:
    """The numbers that a table has for what is labelled: none for what it does not know yet."""

    def __init__(self, labels: Labels, kinds: KindTable) -> None:
        self._labels, self._kinds = labels, kinds
        self.containers = _known(labels.containers, kinds.known_container)
        self.processes: dict[int, int | None] = {0: 0}
        for number, (pid, name, container) in labels.processes.items():
            inside = self.containers[container]
            known = None if inside is None else kinds.known_process(pid, name, inside)
            self.processes[number] = known
        self._addresses = _known(labels.addresses, kinds.known_address)
        self._marker_sets = _known(labels.marker_sets, kinds.known_marker_set)

    def enter(self) -> bool:
        """Enters what the table does not know; whether there is room for it, and a place to spare.

        A table that is full takes nothing new, and who is too late depends on the order.
        """
        kinds, labels = self._kinds, self._labels
        if not self._has_room():
            return False
        for number, label in labels.containers.items():
            self.containers[number] = kinds.container_number(label)
        for number, (pid, name, container) in labels.processes.items():
            inside = self.containers[container] or 0
            self.processes[number] = kinds.process_number(pid, name, inside)
        for number, label in labels.addresses.items():
            self._addresses[number] = kinds.address_number(label)
        for number, markers in labels.marker_sets.items():
            for emoji in markers:
                kinds.sign_code(emoji)
            self._marker_sets[number] = kinds.marker_set_number(markers)
        return True

    def packed(self, packed: int) -> int | None:
        """The same properties by the table's own numbers, None where it does not know them all."""
        process = self.processes[_field(packed, _PROCESS)]
        markers = self._marker_sets[_field(packed, _MARKERS)]
        address = self._addresses[_field(packed, _ADDRESS)]
        if process is None or markers is None or address is None:
            return None
        rest = packed & ~(_PROCESS | _MARKERS | _ADDRESS)
        return (
            rest
            | _placed(process, _PROCESS)
            | _placed(markers, _MARKERS)
            | (_placed(address, _ADDRESS))
        )

    def _has_room(self) -> bool:
        kinds = self._kinds
        signs = {emoji for markers in self._labels.marker_sets.values() for emoji in markers}
        return (
            _room(kinds.processes, self.processes, MAX_PROCESSES)
            and _room(kinds.containers, self.containers, MAX_CONTAINERS)
            and _room(kinds.addresses, self._addresses, MAX_ADDRESSES)
            and _room(kinds.marker_sets, self._marker_sets, MAX_MARKER_SETS)
            and len(signs.union(kinds.signs)) <= MAX_SIGNS
        )


def is_full(kinds: KindTable) -> bool:
    """Whether the table may have refused to take something in."""
    return (
        len(kinds.processes) == MAX_PROCESSES
        or len(kinds.containers) == MAX_CONTAINERS
        or len(kinds.addresses) == MAX_ADDRESSES
        or len(kinds.marker_sets) == MAX_MARKER_SETS
        or len(kinds.signs) == MAX_SIGNS
    )


def _known(
    labels: Mapping[int, _Label], number_of: Callable[[_Label], int | None]
) -> dict[int, int | None]:
    return {0: 0} | {number: number_of(label) for number, label in labels.items()}


def _room(table: Sequence[object], numbers: Mapping[int, int | None], most: int) -> bool:
    new = sum(number is None for number in numbers.values())
    return not new or len(table) + new < most


def _field(packed: int, mask: int) -> int:
    return (packed & mask) // (mask & -mask)


def _placed(number: int, mask: int) -> int:
    return number * (mask & -mask)
