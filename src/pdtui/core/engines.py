"""The P2P engines of one source, and what each did of its handshakes, in file order.

An engine is what writes `P2pNcclEngine init`: one a worker, known by its `zmq_address`. It connects
to peers and accepts them; each try is one `Side` of a handshake. A line says whose step it is by an
address, by its process, by `[Rank N]`, or not at all: then it is the latest try that is still open.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from pdtui.core.kinds import NO_RANK, Kind
from pdtui.core.sides import Engine, Side
from pdtui.core.source import Source
from pdtui.core.steps import Step
from pdtui.core.tracecolumns import Trace
from pdtui.core.traces import NO_KEY, Said, steps_flags

HANDSHAKE_STEPS = steps_flags(
    *(step for step in Step if Step.ENGINE_STARTED <= step <= Step.COMM_COMPLETE),
    Step.THREAD_DIED,
    Step.NCCL_ERROR,
    Step.ADDRESS_IN_USE,
)
_COMING_UP = (Step.ENGINE_STARTED, Step.ADDRESS_SET, Step.BOUND, Step.LISTENING, Step.ENGINE_READY)
_READY = re.compile(r"(?P<rank>\d+),.*send_type:(?P<type>\w+)")
_CONNECTS = {"decode": True, "prefill": False, "PREFILL": True, "DECODE": False, "0": True}
"""What the patch's words and MyRank say of the side that writes them: whether it connects."""
_CROWD = 16
_MOST_AT_ONCE = 256
"""No process has more engines or handshakes under way at a time; older ones were given up."""
_MOST_SIDES = 4096
"""No source has that many handshakes, but one that was written for days, by many generations."""
_TOGETHER = 1 << 14
"""Traces that are taken in together: of all of a large log's there would be millions of objects."""
_SENDER, _LISTENER = "send_async", "listen_for_requests"


@dataclass(slots=True)
class EngineReader:
    """Reads the engines and sides of one source as its rows arrive."""

    number: int
    source: Source
    engines: list[Engine] = field(default_factory=list)
    sides: list[Side] = field(default_factory=list)
    shaken: list[Side] = field(default_factory=list)
    """Sides that nothing but their own 🤝 names, and that no other side can be mistaken for."""
    refused: list[tuple[str, int]] = field(default_factory=list)
    """Addresses that could not be bound because they were taken, each with its row."""
    _up: list[Engine] = field(default_factory=list)
    """The latest engines that have not ended."""
    _under_way: list[Side] = field(default_factory=list)
    """The latest sides of which something may still be said."""
    _crowd: int = _CROWD
    """How many there may be before those that are over are left out: each row looks through all."""
    _generations: Counter[str] = field(default_factory=Counter)
    """How many engines have had each address."""
    behind: bool = False
    """Whether the last look left steps for the next one."""
    _made: int = 0
    """How many sides there have been."""
    _read: int = 0
    _guessed: bool = False
    """Whether the last row's engine was taken from several that it may be."""

    def update(self, stop: int, most: int | None = None) -> bool:
        """Takes in the traces of rows before `stop`, at most so many; whether any was of use."""
        whole = upto = self.source.traces.before(stop)
        if most is not None:
            upto = min(whole, self._read + most)
        self.behind = upto < whole
        begin, self._read = self._read, upto
        parts = [
            self._take_some(at, min(at + _TOGETHER, upto)) for at in range(begin, upto, _TOGETHER)
        ]
        return any(parts)

    def _take_some(self, first: int, stop: int) -> bool:
        """Takes in some of the traces; whether any was of use."""
        traces = list(self.source.traces.among(first, stop, HANDSHAKE_STEPS))
        kinds = self.source.columns.kind[np.array([trace.row for trace in traces], np.int64)]
        for trace, kind in zip(traces, kinds.tolist(), strict=True):
            self._take(trace, self.source.kinds.kinds[kind])
        return bool(traces)

    def _take(self, trace: Trace, kind: Kind) -> None:
        pid = self.source.kinds.processes[kind.process].pid
        rank = None if kind.rank == NO_RANK else kind.rank
        if trace.step in _COMING_UP:
            self._come_up(trace, pid, rank)
        elif trace.step is Step.ADDRESS_IN_USE:
            self.refused.append((trace.said.own, trace.row))
        elif trace.step is Step.COMM_STARTED:
            self._comm_started(trace, pid)
        elif trace.step is Step.COMM_COMPLETE:
            self._comm_complete(trace)
        elif trace.step in (Step.THREAD_DIED, Step.NCCL_ERROR):
            self._die(trace, pid)
        else:
            self._shake(self._engine(trace.said, pid, rank), trace)

    # Engines.

    def _come_up(self, trace: Trace, pid: int | None, rank: int | None) -> None:
        said = trace.said
        if trace.step is Step.ENGINE_STARTED:
            pid = int(said.detail)
        ready = _READY.match(said.detail) if trace.step is Step.ENGINE_READY else None
        rank = int(ready["rank"]) if ready else rank
        engine = self._coming_up(trace.step, said.own, pid, rank)
        engine.steps[trace.step] = trace.row
        engine.pid = pid if engine.pid is None else engine.pid
        engine.rank = rank if rank is not None else engine.rank
        engine.send_type = ready["type"] if ready else engine.send_type
        if said.own and said.own != engine.address:
            self._settle_at(engine, said.own)
            self._succeed(engine, trace.row)

    def _coming_up(self, step: Step, own: str, pid: int | None, rank: int | None) -> Engine:
        """The engine that is coming up and has not said this yet, else a new one."""
        for engine in reversed(self._up):
            if engine.ended is not None or step in engine.steps or not engine.logged:
                continue
            # The listener's thread may run after 💯; nothing else of coming up follows it.
            over = Step.ENGINE_READY in engine.steps and step is not Step.LISTENING
            same_pid = pid is None or engine.pid in (None, pid)
            same_rank = rank is None or engine.rank in (None, rank)
            if not over and same_pid and same_rank and own in ("", engine.address or own):
                return engine
        return self._new_engine(pid, rank)

    def _new_engine(self, pid: int | None, rank: int | None) -> Engine:
        engine = Engine(self.number, pid, rank)
        self.engines.append(engine)
        if len(self._up) >= 2 * _MOST_AT_ONCE:
            self._up = [e for e in self._up if e.ended is None][-_MOST_AT_ONCE:]
        self._up.append(engine)
        return engine

    def _settle_at(self, engine: Engine, address: str) -> None:
        self._generations[engine.address] -= bool(engine.address)
        engine.address = address
        self._generations[address] += 1

    def _succeed(self, engine: Engine, row: int) -> None:
        """Ends the engine that had this address before."""
        for other in self._up:
            if other.address == engine.address and other is not engine and other.ended is None:
                other.ended = row
        self._up = [e for e in self._up if e.ended is None]
        engine.generation = self._generations[engine.address]

    def _engine(self, said: Said, pid: int | None, rank: int | None) -> Engine:
        """Whose step this is."""
        running = [engine for engine in reversed(self._up) if engine.ended is None]
        fits = [e for e in running if said.own and e.address == said.own]
        fits = fits or [e for e in running if pid is not None and e.pid == pid]
        fits = fits or [e for e in running if _same(e.pid, pid) and _same(e.rank, rank)]
        if said.own:
            fits = [e for e in fits if e.address in ("", said.own)]
        if not fits:
            fits = [self._new_engine(pid, rank)]
        nameless = rank is None and pid is None and not said.own
        engine = self._busy(fits) if nameless else fits[0]
        self._guessed = nameless and len(fits) > 1
        if said.own and not engine.address:
            self._settle_at(engine, said.own)
        engine.pid = pid if engine.pid is None else engine.pid
        return engine

    def _busy(self, engines: list[Engine]) -> Engine:
        """The one with the latest open side, where the row does not say which."""
        for side in reversed(self._under_way):
            if side.open and side.engine in engines:
                return side.engine
        return engines[0]

    # Sides.

    def _shake(self, engine: Engine, trace: Trace) -> None:
        step, said = trace.step, trace.said
        if step is Step.BLOCKING:
            side = self._blocking(engine, _CONNECTS.get(said.detail), bool(said.detail))
        elif step is Step.SUCCEEDED:
            side = self._succeeded(engine, trace)
        else:
            connects = step is not Step.NEW_RECEIVED
            if step is Step.ENTERED:
                connects = said.detail == "0"
            side = self._open_side(engine, connects, said.remote, step)
        if step is Step.COMM_EXISTS:
            for sides in (self.sides, self._under_way):
                if side in sides:
                    sides.remove(side)
            return
        side.steps.setdefault(step, trace.row)
        if trace.key != NO_KEY and step in (Step.NEW_SENT, Step.NEW_RECEIVED):
            side.new = trace.key

    def _open_side(self, engine: Engine, connects: bool, peer: str, step: Step) -> Side:
        """The latest open side with this peer that has not said this yet, else a new one."""
        for side in reversed(self._under_way):
            fits = side.engine is engine and side.open and side.connects is connects
            if fits and side.peer == peer and step not in side.steps:
                return side
        return self._new_side(engine, connects, peer)

    def _new_side(self, engine: Engine, connects: bool | None, peer: str = "") -> Side:
        self._made += 1
        side = Side(engine, self._made, connects, peer)
        self.sides.append(side)
        if len(self.sides) >= 2 * _MOST_SIDES:
            # What is over is forgotten first: each look at the handshakes goes over all sides.
            self.sides.sort(key=lambda one: (one.open, one.number))
            self.sides = sorted(self.sides[-_MOST_SIDES:], key=lambda one: one.number)
        if len(self._under_way) >= self._crowd:
            left = [other for other in self._under_way if not _is_over(other)]
            self._under_way = left[-_MOST_AT_ONCE:]
            self._crowd = max(_CROWD, 2 * len(self._under_way))
        self._under_way.append(side)
        return side

    def _blocking(self, engine: Engine, connects: bool | None, alert: bool) -> Side:
        """The side that 🚨 (which says the direction) or `set_p2p_nccl_context` speaks of."""
        mine = [s for s in reversed(self._under_way) if s.engine is engine and s.open]
        if alert:
            fits = [side for side in mine if side.connects is connects and not side.alerted]
        else:
            fits = [s for s in mine if s.is_about_to_block and not s.context and s.comm == NO_KEY]
            fits.sort(key=lambda side: (not side.alerted, not side.entered))
        side = fits[0] if fits else self._new_side(engine, connects)
        side.guessed = self._guessed and (side.guessed or not fits)
        side.alerted, side.context = side.alerted or alert, side.context or not alert
        return side

    def _succeeded(self, engine: Engine, trace: Trace) -> Side:
        said = trace.said
        connects, shakes = _CONNECTS.get(said.detail, False), bool(said.own)
        mine = [side for side in reversed(self._under_way) if side.engine is engine]
        same = [s for s in mine if s.connects is connects and s.peer == said.remote]
        told = [s for s in same if shakes and Step.SUCCEEDED in s.steps and not s.shook]
        waits = [s for s in same if Step.SUCCEEDED not in s.steps and s.engine.ended is None]
        pending = [s for s in mine if _is_pending(s, connects)]
        others = [s for s in reversed(self._under_way) if s.guessed and _is_pending(s, connects)]
        # The earliest of those without a peer: an engine comes out in the order it went in.
        found = told[:1] or waits[:1] or pending[-1:] or others[-1:]
        side = found[0] if found else self._new_side(engine, connects, said.remote)
        side.engine, side.connects, side.peer = engine, connects, said.remote
        side.shook = side.shook or shakes
        if shakes and not told and len(pending) == 1 and side is pending[0] and not side.guessed:
            self.shaken.append(side)
        return side

    # What NCCL says.

    def _comm_started(self, trace: Trace, pid: int | None) -> None:
        rank, _, size = trace.said.detail.partition(" nranks ")
        if size != "2":
            return
        connects = rank == "0"
        engines = [e for e in self._up if e.ended is None and _same(e.pid, pid)]
        exact = [e for e in engines if e.pid == pid]
        for side in reversed(self._under_way):
            waits = side.engine in (exact or engines) and side.entered and not side.done
            if waits and side.comm == NO_KEY and side.connects in (None, connects):
                if not side.guessed:
                    side.engine.pid = pid
                break
        else:
            engine = exact[0] if exact else Engine(self.number, pid)
            side = self._new_side(engine, connects)
            side.from_nccl = True
        side.connects, side.comm = connects, trace.key
        side.steps.setdefault(Step.COMM_STARTED, trace.row)

    def _comm_complete(self, trace: Trace) -> None:
        connects = trace.said.detail.startswith("0 ")
        for side in reversed(self._under_way):
            if side.comm == trace.key and side.connects is connects:
                side.steps.setdefault(Step.COMM_COMPLETE, trace.row)
                return

    def _die(self, trace: Trace, pid: int | None) -> None:
        """An exception ended a thread, and with it the handshake that it was at."""
        thread = trace.said.detail
        engines = [e for e in self._up if e.ended is None and _same(e.pid, pid)]
        if trace.step is Step.THREAD_DIED and len(engines) == 1:
            engines[0].died[thread] = trace.row
        for side in reversed(self._under_way):
            direction = {_SENDER: True, _LISTENER: False}.get(thread, side.connects)
            if side.engine in engines and side.open and side.connects is direction:
                side.failed = trace.row
                return


def _is_over(side: Side) -> bool:
    """Whether nothing more will be said of it."""
    told = side.comm == NO_KEY or Step.COMM_COMPLETE in side.steps
    return side.failed is not None or (Step.SUCCEEDED in side.steps and side.shook and told)


def _is_pending(side: Side, connects: bool) -> bool:
    """Whether this may be a side of which only its 🤝 will say with whom it is."""
    fits = not side.peer and side.connects in (None, connects) and side.failed is None
    return fits and Step.SUCCEEDED not in side.steps


def _same(known: int | None, said: int | None) -> bool:
    """Whether these may be the same number, where either may be unknown."""
    return known is None or said is None or known == said
