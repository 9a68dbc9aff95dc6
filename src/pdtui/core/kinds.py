"""What is known of a row besides its place and its time, told once for all rows alike.

A log of ten million rows has a few hundred different combinations of format, level, process,
rank and markers. Each combination is a *kind*; a row keeps only its kind's number. So a filter
is decided a few hundred times, not ten million times, and what is learned late (the rank of a
pid, say) reaches the rows before it without touching them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core.grammar import Grammar, grammar_in_use
from pdtui.core.markers import known_markers, plain

NO_PROCESS = 0
NO_CONTAINER = 0
NO_RANK = -1
MAX_RANK = 4094
"""A greater number is no rank: no instance has so many workers."""


class RankSource(StrEnum):
    """How a row's rank is known; the first that applies."""

    EXPLICIT = "explicit"
    PID = "pid"
    ADDRESS = "address"
    CONTINUATION = "continuation"
    FILE = "file"


class Kind(NamedTuple):
    """One combination of properties. A continuation row has those of its head, and the flag."""

    format: int
    level: int
    process: int
    rank: int
    """The rank that the row itself states, or NO_RANK."""
    markers: int
    """Number of the tuple of markers, see KindTable.marker_sets."""
    address: int
    """Number of the writer's own address, see KindTable.addresses; 0 is none."""
    stamped: bool
    continuation: bool
    torn: bool
    """Whether its line was torn, so that which process wrote it is uncertain."""


@dataclass(slots=True)
class Process:
    """A process of a source: its pid where it says one, and the latest name that it gave itself."""

    pid: int | None
    name: str | None = None
    host: str | None = None
    container: int = NO_CONTAINER
    """The container or pod that its lines come from, see KindTable.containers."""


class Rank(NamedTuple):
    """A row's rank and how it is known."""

    value: int
    source: RankSource


# Bits of each field in the packed number, in the order of Kind's fields. A table that is full
# takes nothing new: such a row has no process, markers or address, but is a row all the same.
_WIDTHS = (6, 3, 16, 12, 12, 10, 1, 1, 1)
_SHIFTS = tuple(int(s) for s in np.cumsum((0, *_WIDTHS[:-1])))
_SHIFT_OF = dict(zip(Kind._fields, _SHIFTS, strict=True))
MAX_SIGNS = 1 << 6
MAX_CONTAINERS = 1 << 16
MAX_PROCESSES, MAX_MARKER_SETS, MAX_ADDRESSES = (1 << _WIDTHS[i] for i in (2, 4, 5))


def pack(**fields: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """These fields of Kind (one entry a row; the rank plus one) as one number a row."""
    parts = [values.astype(np.int64) << _SHIFT_OF[name] for name, values in fields.items()]
    packed: npt.NDArray[np.int64] = np.bitwise_or.reduce(parts)
    return packed


def packed_of(kind: Kind) -> int:
    """The packed number of a kind."""
    packed = zip((*kind[:3], kind.rank + 1, *kind[4:]), _SHIFTS, strict=True)
    return sum(value << shift for value, shift in packed)


def field_mask(*names: str) -> int:
    """The bits of these fields of Kind in the packed number."""
    widths = dict(zip(Kind._fields, _WIDTHS, strict=True))
    return sum((1 << widths[name]) - 1 << _SHIFT_OF[name] for name in names)


def level_of(packed: int) -> int:
    """The level in a packed number."""
    return packed >> _SHIFTS[1] & (1 << _WIDTHS[1]) - 1


def _unpack(packed: int) -> Kind:
    form, level, process, rank, markers, address, *flags = (
        packed >> shift & (1 << width) - 1 for shift, width in zip(_SHIFTS, _WIDTHS, strict=True)
    )
    return Kind(form, level, process, rank - 1, markers, address, *map(bool, flags))


@dataclass(slots=True)
class KindTable:
    """The kinds of one source, with the names behind their numbers and what was learned of them.

    Written by the scanner alone; others may read at any time, since tables only grow.
    """

    grammar: Grammar = field(default_factory=grammar_in_use)
    """What the source's lines may look like."""
    kinds: list[Kind] = field(default_factory=list)
    processes: list[Process] = field(default_factory=lambda: [Process(None)])
    containers: list[str] = field(default_factory=lambda: [""])
    learned_prefixes: set[tuple[int, bytes]] = field(default_factory=set)
    """What has stood before a head as `pod container ` or `0: `, as how many-th prefix."""
    marker_sets: list[tuple[str, ...]] = field(default_factory=lambda: [()])
    addresses: list[str] = field(default_factory=lambda: [""])
    ranks_stated: set[int] = field(default_factory=set)
    """Every rank that a row stated."""
    ranks_of_pid: dict[int, set[int]] = field(default_factory=dict)
    """Process number → every rank that its rows stated."""
    ranks_of_address: dict[int, set[int]] = field(default_factory=dict)
    """Address number → every rank that rows naming it as their own stated."""
    kv_roles: set[str] = field(default_factory=set)
    """`prefill` or `decode`, for each `kv_role` that the source states of itself."""
    send_types: set[str] = field(default_factory=set)
    """`PUT`, `PUT_ASYNC`, `GET`, from the 💯 lines."""
    signs: list[str] = field(default_factory=lambda: ["", *(m.emoji for m in known_markers())])
    """The emoji that are markers here: the known ones, then those found; numbered from 1."""
    facts: dict[tuple[int, int], dict[str, str]] = field(default_factory=dict)
    """What a process (by number, and by rank where only that is known) said of itself."""
    misdecoded: bool = False
    """Whether a marker was found in the form that a wrong encoding gave it."""
    revision: int = 0
    """Raised whenever something was learned of earlier rows: a rank, the name of a process."""
    is_guessing: bool = False
    """Whether an unfinished line is being looked at."""
    _before_guess: list[tuple[str | None, str | None]] = field(default_factory=list)
    """Name and host of each process before an unfinished line was looked at."""
    _numbers: dict[int, int] = field(default_factory=dict)
    _sorted: npt.NDArray[np.int64] = field(default_factory=lambda: np.array([-1], np.int64))
    """The packed combinations that a whole line had, for a look at many; -1 is none."""
    _sorted_numbers: npt.NDArray[np.uint32] = field(default_factory=lambda: np.zeros(1, np.uint32))
    _learned: set[int] = field(default_factory=set)
    """The packed combinations that a whole line had."""
    _process_numbers: dict[tuple[int, int | str | None], int] = field(default_factory=dict)
    _container_numbers: dict[str, int] = field(default_factory=dict)
    _marker_set_numbers: dict[tuple[str, ...], int] = field(default_factory=lambda: {(): 0})
    _address_numbers: dict[str, int] = field(default_factory=lambda: {"": 0})

    def __len__(self) -> int:
        return len(self.kinds)

    def numbers(self, packed: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
        """The kind number of each packed combination, new ones entered."""
        place = self._place_of(packed)
        new = self._sorted[place] != packed
        if new.any():
            for one in sorted({*packed[new].tolist()}):
                self._number(one)
            known = sorted((p, self._numbers[p]) for p in self._learned)
            self._sorted = np.array([p for p, _ in known], np.int64)
            self._sorted_numbers = np.array([n for _, n in known], np.uint32)
            place = self._place_of(packed)
        return self._sorted_numbers[place]

    def _place_of(self, packed: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
        return np.minimum(np.searchsorted(self._sorted, packed), len(self._sorted) - 1)

    def _number(self, packed: int) -> int:
        number = self._numbers.get(packed)
        if number is None:
            kind = _unpack(packed)
            number = self._numbers[packed] = len(self.kinds)
            self.kinds.append(kind)
            self.revision += 1
        if packed not in self._learned:
            self._learned.add(packed)
            self._learn(self.kinds[number])
        return number

    def _learn(self, kind: Kind) -> None:
        if kind.rank == NO_RANK:
            return
        self.ranks_stated.add(kind.rank)
        self.revision += 1
        if kind.continuation:
            return
        if kind.process != NO_PROCESS:
            self.learn_pid_rank(kind.process, kind.rank)
        if kind.address:
            self.ranks_of_address.setdefault(kind.address, set()).add(kind.rank)

    @contextmanager
    def guessing(self) -> Iterator[None]:
        """What is learned within is forgotten: a line that is not whole says `rank:1` of 12."""
        names = (
            "learned_prefixes",
            "ranks_stated",
            "ranks_of_pid",
            "ranks_of_address",
            "kv_roles",
            "send_types",
            "facts",
            "misdecoded",
            "_sorted",
            "_sorted_numbers",
        )
        known = {name: copy.deepcopy(getattr(self, name)) for name in (*names, "_learned")}
        self._before_guess = [(process.name, process.host) for process in self.processes]
        self.is_guessing = True
        yield
        self.is_guessing = False
        for name, value in known.items():
            setattr(self, name, value)
        self.revision += 1

    def forget_guess(self) -> None:
        """Forgets names and hosts that a line said before it was whole, which is shown till now."""
        for process, (name, host) in zip(self.processes, self._before_guess, strict=False):
            process.name, process.host = name, host
        for process in self.processes[len(self._before_guess) :]:
            process.host = None
            if process.pid is not None:
                process.name = None
        self.revision += 1

    def take_over(self, other: KindTable) -> None:
        """Knows what another table does, which began as this one and learned more."""
        # Who reads meanwhile must find what a kind names, and hear of changes that are there.
        for name in (*(_TABLES - {"grammar", "kinds", "revision"}), "kinds", "revision"):
            setattr(self, name, getattr(other, name))

    def learn_pid_rank(self, process: int, rank: int) -> None:
        """A row of this process stated this rank."""
        self.ranks_of_pid.setdefault(process, set()).add(rank)
        self.revision += 1

    def learn_facts(self, process: int, rank: int, facts: Mapping[str, str]) -> None:
        """A row of this process (or only of this rank) said this of itself."""
        key = (process, NO_RANK if process != NO_PROCESS else rank)
        known = self.facts.get(key, {})
        if facts.items() <= known.items():
            return
        self.facts[key] = {**known, **facts}
        self.revision += 1

    def learn_role(self, role: str) -> None:
        """The source states this role of itself."""
        if role not in self.kv_roles:
            self.kv_roles.add(role)
            self.revision += 1

    def learn_send_type(self, send_type: str) -> None:
        """An engine of the source sends in this way."""
        if send_type not in self.send_types:
            self.send_types.add(send_type)
            self.revision += 1

    def process_number(
        self, pid: int | None, name: str | None = None, container: int = NO_CONTAINER
    ) -> int:
        """The number of the process with this pid (else: this name) in this container.

        A name replaces the one that it had.
        """
        key = (container, name if pid is None else pid)
        number = self._process_numbers.get(key)
        if number is None:
            if len(self.processes) == MAX_PROCESSES:
                return NO_PROCESS
            number = self._process_numbers[key] = len(self.processes)
            self.processes.append(Process(pid, container=container))
        if name:
            self.name_process(number, name)
        return number

    def known_process(self, pid: int | None, name: str | None, container: int) -> int | None:
        """The number of such a process, None where there was none yet."""
        return self._process_numbers.get((container, name if pid is None else pid))

    def known_container(self, name: str) -> int | None:
        """The number of this container, None where there was none yet."""
        return self._container_numbers.get(name)

    def known_marker_set(self, emoji: tuple[str, ...]) -> int | None:
        """The number of this tuple of markers, None where there was none yet."""
        return self._marker_set_numbers.get(emoji)

    def known_address(self, address: str) -> int | None:
        """The number of this address, None where there was none yet."""
        return self._address_numbers.get(address)

    def name_process(self, process: int, name: str) -> None:
        """A row of this process gave it this name."""
        if process != NO_PROCESS and self.processes[process].name != name:
            self.processes[process].name = name
            self.revision += 1

    def container_number(self, name: str) -> int:
        """The number of the container or pod with this name."""
        number = self._container_numbers.get(name)
        if number is None:
            if len(self.containers) == MAX_CONTAINERS:
                return NO_CONTAINER
            number = self._container_numbers[name] = len(self.containers)
            self.containers.append(name)
        return number

    def learn_host(self, process: int, host: bytes) -> None:
        """A row of this process named its host."""
        if process != NO_PROCESS:
            self.processes[process].host = host.decode("utf-8", "replace")
            self.revision += 1

    def sign_code(self, emoji: str) -> int:
        """The number of this emoji among the source's markers; 0 where there are too many."""
        sign = plain(emoji)
        if sign in self.signs:
            return self.signs.index(sign)
        if len(self.signs) == MAX_SIGNS:
            return 0
        self.signs.append(sign)
        return len(self.signs) - 1

    def marker_set_number(self, emoji: tuple[str, ...]) -> int:
        """The number of this tuple of markers."""
        number = self._marker_set_numbers.get(emoji)
        if number is None:
            if len(self.marker_sets) == MAX_MARKER_SETS:
                return 0
            number = self._marker_set_numbers[emoji] = len(self.marker_sets)
            self.marker_sets.append(emoji)
        return number

    def address_number(self, address: str) -> int:
        """The number of this address."""
        number = self._address_numbers.get(address)
        if number is None:
            if len(self.addresses) == MAX_ADDRESSES:
                return 0
            number = self._address_numbers[address] = len(self.addresses)
            self.addresses.append(address)
        return number

    def ranks(self) -> list[Rank | None]:
        """The rank of each kind, by the rules in their order."""
        stated = list(self.ranks_stated)
        of_file = stated[0] if len(stated) == 1 else None
        return [self._rank(kind, of_file) for kind in list(self.kinds)]

    def _rank(self, kind: Kind, of_file: int | None) -> Rank | None:
        known: Rank | None = None
        if kind.rank != NO_RANK:
            known = Rank(kind.rank, RankSource.EXPLICIT)
        else:
            by_pid = self.ranks_of_pid.get(kind.process, ())
            by_address = self.ranks_of_address.get(kind.address, ())
            if len(by_pid) == 1:
                known = Rank(next(iter(by_pid)), RankSource.PID)
            elif len(by_address) == 1:
                known = Rank(next(iter(by_address)), RankSource.ADDRESS)
        if known is not None:
            return Rank(known.value, RankSource.CONTINUATION) if kind.continuation else known
        return None if of_file is None else Rank(of_file, RankSource.FILE)


_TABLES = {one.name for one in fields(KindTable)}
