"""What a run is written on: every line with its time, and what is true at that time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from math import inf
from pathlib import PurePath
from random import Random
from typing import Final

from pdtui.demo.fleet import Fleet, Instance, Request, SendType, Worker, make_request, route
from pdtui.demo.nccl import Member
from pdtui.demo.template import Detail, Process, Template
from pdtui.demo.truth import Cause, Party

STATS_EVERY: Final = 10.0
BUFFER: Final = 1_000_000_000.0
_FIRST_REQUEST: Final = 3.0
_SECONDS_A_REQUEST: Final = 1.38
_TICK: Final = 0.001
_BURSTS: Final = {1: 7, 2: 2, 4: 1}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a made-up log: when it is written, to which file, without its newline."""

    at: float
    file: str
    text: str


class Meter:
    """What an instance's stats lines will say, gathered in their 10 s steps."""

    def __init__(self, begin: float) -> None:
        self.begin = begin
        self.prompt: defaultdict[int, int] = defaultdict(int)
        self.made: defaultdict[int, float] = defaultdict(float)
        self.running: defaultdict[int, int] = defaultdict(int)
        self.blocks: defaultdict[int, int] = defaultdict(int)

    def step(self, at: float) -> int:
        """Which stats line will tell what happens at this time."""
        return int((at - self.begin) // STATS_EVERY)

    def count(self, request: Request, begin: float, end: float, made: int) -> None:
        """A request that ran from begin to end and made so many tokens."""
        first, last = self.step(begin), self.step(end)
        self.prompt[first] += request.prompt
        for step in range(first, last + 1):
            from_ = max(begin, self.begin + step * STATS_EVERY)
            to = min(end, self.begin + (step + 1) * STATS_EVERY)
            self.made[step] += made * (to - from_) / (end - begin)
            if step < last:
                self.running[step] += 1
                self.blocks[step] += request.blocks


class Parked:
    """The tensors that a worker keeps until its peer gets them, the oldest first."""

    def __init__(self) -> None:
        self.bytes = 0
        self._sizes: dict[str, int] = {}

    def __contains__(self, tensor: str) -> bool:
        return tensor in self._sizes

    def add(self, tensor: str, size: int) -> None:
        """One more is kept."""
        self._sizes[tensor] = size
        self.bytes += size

    def evict(self) -> int:
        """The oldest is dropped; returns its size."""
        size = self._sizes.pop(next(iter(self._sizes)))
        self.bytes -= size
        return size


class Stage:
    """The run as it is being written: scenarios say lines here, in any order of time.

    Times are seconds from the start of the processes' present generation, which `renew` begins.
    """

    def __init__(
        self,
        start: datetime,
        rng: Random,
        fleet: Fleet,
        *,
        patched: bool,
        requests: int,
        detail: Detail = Detail.DEBUG,
    ) -> None:
        self.rng = rng
        self.requests = requests
        self.buffer = BUFFER
        self.causes: list[Cause] = []
        self.notes: set[str] = set()
        self.skews: dict[str, float] = {}
        self._start = start
        self._patched = patched
        self._detail = detail
        self._shift = 0.0
        self._latest = 0.0
        self._lines: list[Line] = []
        self._ends: dict[str, float] = {}
        self.renew(fleet, 0.0)

    def renew(self, fleet: Fleet, at: float) -> None:
        """New processes begin here, which know nothing of what was before."""
        self.fleet = fleet
        self.meters: dict[str, Meter] = {}
        self.busy: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        self.free: defaultdict[str, float] = defaultdict(float)
        self.listening: defaultdict[str, float] = defaultdict(float)
        self.members: defaultdict[str, dict[str, Member]] = defaultdict(dict)
        self.parked: defaultdict[str, Parked] = defaultdict(Parked)
        self.answers: list[tuple[float, Instance, str]] = []
        self._hung: dict[str, float] = {}
        self._threads: dict[tuple[str, int], int] = {}
        self._tids = count(max(w.process.pid for w in fleet.workers) + 500, 3)
        self._shift += at

    def renew_one(self, old: Instance, new: Instance, at: float) -> None:
        """One instance is started again; the others go on, and still know the old one."""
        members = self.members
        begun = {file: Meter(0.0) for file in self.meters if file != old.file}
        decodes = tuple(new if one == old else one for one in self.fleet.decodes)
        self.renew(replace(self.fleet, decodes=decodes), at)
        self.meters.update(begun)
        for worker in self.fleet.workers:
            if worker not in new.workers:
                self.members[worker.address] = members[worker.address]

    def say(self, at: float, process: Process, template: Template, **values: object) -> None:
        """A Python process writes a line, if its level and the patch let it."""
        self._pass(at)
        told = self._detail is Detail.DEBUG or template.level != "DEBUG"
        if told and (self._patched or not template.patch):
            self.put(at, process.file, [self._write(at, process, template, values)])

    def recite(
        self,
        at: float,
        process: Process,
        templates: Iterable[Template],
        values: Mapping[str, object],
    ) -> float:
        """A process writes lines one after the other; returns the time of the last."""
        for template in templates:
            at += _TICK
            self.say(at, process, template, **values)
        return at

    def record(self, at: float, process: Process, template: Template, texts: Sequence[str]) -> None:
        """One record of several lines: vLLM repeats the head, and ends all but the last in CR."""
        written = [self._write(at, process, template, {"text": text}) for text in texts]
        self.put(at, process.file, [f"{text}\r" for text in written[:-1]])
        self.put(at, process.file, written[-1:])

    def print(self, at: float, process: Process, texts: Iterable[str]) -> None:
        """Lines that a Python process writes past its log, such as a thread's traceback."""
        self.put(at, process.file, [process.bare(text) for text in texts])

    def nccl(self, at: float, file: str, texts: Iterable[str]) -> None:
        """NCCL writes lines, if it was told to."""
        self._pass(at)
        if self._detail is not Detail.QUIET:
            self.put(at, file, texts)

    def put(self, at: float, file: str, texts: Iterable[str]) -> None:
        """Lines that are already whole, all at one time."""
        self._pass(at)
        moment = at + self._shift
        self._lines.extend(Line(moment, file, text) for text in texts)

    def clock(self, at: float, file: str) -> datetime:
        """What the clock of the node shows where this file is written."""
        return self._start + timedelta(seconds=at + self._shift + self.skews.get(file, 0.0))

    def blame(self, at: float, kind: str, where: Worker, peer: Worker | None = None) -> None:
        """Notes for the truth that this went wrong here."""
        other = None if peer is None else Party.of(peer)
        self.causes.append(Cause(kind, Party.of(where), other, at + self._shift))

    def end(self, instance: Instance, at: float) -> None:
        """The instance is killed: nothing is in its file after this time."""
        self._ends[instance.file] = min(at, self.ended(instance)) + self._shift

    def ended(self, instance: Instance) -> float:
        """When the instance was killed, infinity while it lives."""
        return self._ends.get(instance.file, inf) - self._shift

    def hang(self, instance: Instance, at: float) -> None:
        """The engine's step never ends: it takes requests, and answers none."""
        if at < self.hung_since(instance):
            self._hung[instance.file] = at
            self.busy[instance.file].append((at, inf))

    def hung_since(self, instance: Instance) -> float:
        """Since when the engine waits for ever, infinity while it does not."""
        return self._hung.get(instance.file, inf)

    @property
    def left_at(self) -> float:
        """When the last instance was killed or began to wait for ever; before all, where none."""
        ends = (end - self._shift for end in self._ends.values())
        return max([*ends, *self._hung.values()], default=-inf)

    def peer(self, worker: Worker, instance: Instance) -> Worker:
        """Whom a worker asks for there: the one with its own rank, whether it exists or not."""
        if worker.rank < len(instance.workers):
            return instance.workers[worker.rank]
        first = instance.workers[0]
        host, port = first.address.rsplit(":", 1)
        return replace(first, rank=worker.rank, address=f"{host}:{int(port) + worker.rank}")

    def meet(self, connector: Worker, acceptor: Worker) -> tuple[Member, Member]:
        """Makes a communicator of two workers, each side as NCCL will name it."""
        comm_id = f"0x{self.rng.getrandbits(64):x}"
        mine = self._member(connector, acceptor, 0, comm_id)
        self.members[connector.address][acceptor.address] = mine
        other = self._member(acceptor, connector, 1, comm_id)
        self.members[acceptor.address][connector.address] = other
        return mine, other

    def arrivals(self) -> Iterator[tuple[float, tuple[Request, ...]]]:
        """When requests come: at first one for each pair, then a trickle with bursts."""
        sizes = self._burst_sizes()
        # After a burst comes a longer pause, but not one for each of a large fleet's first.
        pauses = [min(size, 3) * self.rng.uniform(0.6, 1.4) for size in sizes]
        scale = (self.nominal_end - _FIRST_REQUEST) / sum(pauses)
        at, number = _FIRST_REQUEST, 0
        for size, pause in zip(sizes, pauses, strict=True):
            group = range(number, number + size)
            yield at, tuple(make_request(self.rng, self.fleet, n) for n in group)
            number += size
            at += pause * scale

    def turn_of(self, instance: Instance) -> int:
        """The number of a request that this instance takes: one of the middle, if there is one."""
        taken = [n for n in range(self.requests) if instance in route(self.fleet, n)]
        later = [n for n in taken if n >= self.requests // 2]
        return (later or taken[-1:] or [0])[0]

    @property
    def nominal_end(self) -> float:
        """When the last request has been answered, if all goes well."""
        return _FIRST_REQUEST + self.requests * _SECONDS_A_REQUEST

    def lines(self) -> tuple[Line, ...]:
        """Every line in the order of time, and of its writing where the time is the same."""
        kept = (line for line in self._lines if line.at <= self._ends.get(line.file, inf))
        return tuple(sorted(kept, key=lambda line: line.at))

    def labelled_skews(self) -> dict[str, float]:
        """By how many seconds a source's clock is ahead, by the label that the source has."""
        return {PurePath(file).stem: seconds for file, seconds in self.skews.items()}

    def last(self) -> float:
        """The time of the latest line so far, were all of them logged."""
        return self._latest - self._shift

    def _pass(self, at: float) -> None:
        self._latest = max(self._latest, at + self._shift)

    def _write(
        self, at: float, process: Process, template: Template, values: Mapping[str, object]
    ) -> str:
        shown = template if self._detail is Detail.DEBUG else template.at_info()
        return shown.write(process, f"{self.clock(at, process.file):%m-%d %H:%M:%S}", values)

    def _burst_sizes(self) -> list[int]:
        pairs = len(self.fleet.prefills) * len(self.fleet.decodes)
        left, size, sizes = self.requests, min(pairs, max(1, self.requests // 2)), []
        while left > 0:
            sizes.append(min(size, left))
            left -= size
            size = self.rng.choices(tuple(_BURSTS), tuple(_BURSTS.values()))[0]
        return sizes

    def _member(self, worker: Worker, peer: Worker, rank: int, comm_id: str) -> Member:
        service = next(self._tids)
        # The thread that shakes hands is one for all peers: the sender, or the listener. Without
        # a sender (PUT, GET) it is the engine's own.
        thread = self._threads.setdefault((worker.address, rank), service - 1)
        if rank == 0 and self.fleet.send_type is not SendType.PUT_ASYNC:
            thread = worker.process.pid
        return Member(
            pid=worker.process.pid,
            tid=thread,
            rank=rank,
            device=worker.rank,
            gpu=worker.gpu,
            peer_gpu=peer.gpu,
            comm=f"0x7f{self.rng.getrandbits(36) << 4:010x}",
            comm_id=comm_id,
            service=(service, service + 1),
            first=not self.members[worker.address],
        )
