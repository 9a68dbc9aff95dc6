"""Handshakes: the two sides of each, found in whatever files they were written to.

An engine connects (create_connect, 👉, NCCL's rank 0), its peer listens and accepts (👈, rank 1).
In PUT and PUT_ASYNC prefill connects, in GET decode does, whatever the patch's words PREFILL and
DECODE say. Two sides belong together by `unique_id_hex`, by NCCL's `commId`, or by their addresses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import StrEnum

from pdtui.core.engines import EngineReader
from pdtui.core.evidence import Clocks, Place
from pdtui.core.likelypeers import name_likely_peers
from pdtui.core.roles import DECODE, PREFILL, role_of_facts, role_of_label
from pdtui.core.sides import Engine, Side
from pdtui.core.source import Source
from pdtui.core.steps import Step
from pdtui.core.store import Snapshot
from pdtui.core.traces import NO_KEY


class State(StrEnum):
    """How far a handshake is."""

    CONNECTING = "connecting"
    NEW_SENT = "NEW sent"
    NEW_RECEIVED = "NEW received"
    CONNECTOR_IN = "connector in ncclCommInitRank"
    ACCEPTOR_IN = "acceptor in ncclCommInitRank"
    BOTH_IN = "both in ncclCommInitRank"
    ONE_DONE = "one side done"
    ESTABLISHED = "established"
    FAILED = "failed"
    CLOSED = "closed"
    """An engine of it was started anew since."""


UNFINISHED = frozenset(State) - {State.ESTABLISHED, State.FAILED, State.CLOSED}


@dataclass(frozen=True, slots=True, eq=False)
class Handshake:
    """Both sides of one handshake, as far as the logs show them; one is always there."""

    connector: Side | None
    acceptor: Side | None

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides that the logs show, the connecting one first."""
        return tuple(side for side in (self.connector, self.acceptor) if side is not None)

    @property
    def connector_address(self) -> str:
        """Who connects, '' where no line says it."""
        return _address(self.connector, self.acceptor)

    @property
    def acceptor_address(self) -> str:
        """Who listens, '' where no line says it."""
        return _address(self.acceptor, self.connector)

    @property
    def generation(self) -> int:
        """1, and one more for each restart of one of the engines."""
        return max(side.engine.generation for side in self.sides)

    @property
    def state(self) -> State:
        """How far it is, by the steps of both sides."""
        done = [side.done for side in self.sides]
        if any(side.engine.ended is not None for side in self.sides if not self._blocked(side)):
            return State.CLOSED
        if all(done):
            return State.ESTABLISHED
        if any(side.failed is not None for side in self.sides):
            return State.FAILED
        if any(done):
            return State.ONE_DONE
        return self._begun()

    def took(self, clocks: Clocks) -> int | None:
        """How long it took from its first step to both sides' success, in microseconds.

        None before that, and where no row says a time.
        """
        if not all(side.done for side in self.sides):
            return None
        rows = [
            Place(side.source, row)
            for side in self.sides
            for row in (min(side.steps.values()), side.row_of(Step.SUCCEEDED, Step.COMM_COMPLETE))
            if row is not None
        ]
        times = [time for place in rows if (time := clocks.time(place)) is not None]
        return max(times) - min(times) if times else None

    def _blocked(self, side: Side) -> bool:
        """Whether the other side is in ncclCommInitRank and does not know of this one's end."""
        other = self.acceptor if side is self.connector else self.connector
        return other is not None and other.open and other.entered

    def _begun(self) -> State:
        connecting, accepting = (
            side is not None and side.entered for side in (self.connector, self.acceptor)
        )
        if connecting and accepting:
            return State.BOTH_IN
        if connecting or accepting:
            return State.CONNECTOR_IN if connecting else State.ACCEPTOR_IN
        if self.acceptor is not None:
            return State.NEW_RECEIVED
        sent = self.connector is not None and Step.NEW_SENT in self.connector.steps
        return State.NEW_SENT if sent else State.CONNECTING


def _address(side: Side | None, other: Side | None) -> str:
    known = side.engine.address if side else ""
    return known or (other.whom if other else "")


@dataclass(slots=True)
class Handshakes:
    """Every handshake of all sources, kept up to date as rows arrive."""

    pairs: list[Handshake] = field(default_factory=list)
    """In the order of the sources, and of the rows with which they began."""
    readers: list[EngineReader] = field(default_factory=list)
    """What each source shows, in the order of the sources."""

    behind: bool = False
    """Whether there is more to take in than one look was allowed."""
    _unpaired: bool = False

    def update(self, snapshot: Snapshot, most: int | None = None) -> bool:
        """Takes in what the sources have gained; whether that changed anything.

        At most so many steps of each source, where that is given; the handshakes are then paired
        anew when all steps are in.
        """
        sources = [source for source, _ in snapshot]
        if [reader.source for reader in self.readers] != sources:
            self.readers = [EngineReader(n, source) for n, source in enumerate(sources)]
            self.pairs = []
        changed = [
            reader.update(stop, most)
            for reader, (_, stop) in zip(self.readers, snapshot, strict=True)
        ]
        self._unpaired |= any(changed)
        self.behind = any(reader.behind for reader in self.readers)
        if self._unpaired and not self.behind:
            self._unpaired = False
            name_likely_peers(self.readers)
            known = {engine.address for engine in self.engines if engine.logged}
            self.pairs = _pair_up([s for reader in self.readers for s in reader.sides], known)
        return any(changed)

    @property
    def engines(self) -> list[Engine]:
        """Every engine that a log shows."""
        return [engine for reader in self.readers for engine in reader.engines]

    def engine_at(self, address: str) -> Engine | None:
        """The latest engine with this address; None where no log shows one."""
        found = [e for e in self.engines if e.address == address and e.logged]
        return found[-1] if found else None

    def name(self, engine: Engine) -> str:
        """What to call it: its source, with its rank or address where that has several."""
        source = self.readers[engine.source].source
        others = [e for e in self.readers[engine.source].engines if e.address != engine.address]
        if not others:
            return source.label
        ranks = [e.rank for e in others]
        if engine.rank is not None and engine.rank not in ranks:
            return f"{source.label} rank {engine.rank}"
        return f"{source.label} {engine.address or engine.pid or ''}".rstrip()

    def prefill_and_decode(self, handshake: Handshake) -> tuple[str, str]:
        """Both addresses, prefill's first: by who connects, and how the engines send."""
        connector, acceptor = handshake.connector_address, handshake.acceptor_address
        types = {side.engine.send_type for side in handshake.sides} - {""}
        roles = {side: role_of(self.readers[side.source].source) for side in handshake.sides}
        connects_decode = any(
            role == (DECODE if side is handshake.connector else PREFILL)
            for side, role in roles.items()
        )
        turned = types == {"GET"} or (not types and connects_decode)
        return (acceptor, connector) if turned else (connector, acceptor)


def role_of(source: Source) -> str | None:
    """The source's role, by its label, else by what it says of itself."""
    return role_of_label(source.label) or role_of_facts(source)


def _pair_up(sides: list[Side], known: set[str]) -> list[Handshake]:
    """The handshakes of all sides; `known` are the addresses of the engines that logs show."""
    partner: dict[Side, Side] = {}
    _match(sides, partner, lambda side: side.new or None)
    _match(sides, partner, lambda side: side.comm or None)
    _match(sides, partner, _addresses)
    _match_likely(sides, partner)
    _match_the_only_ones(sides, partner, known)
    pairs = []
    for side in sides:
        other = partner.get(side)
        if other is None and _is_other_communicator(side, sides):
            continue
        if other is not None and side.source == other.source and side.from_nccl:
            continue  # both ranks in one file: a group of tensor-parallel workers
        if side.connects is False and other is not None:
            continue  # told with the side that connects
        connects = side.connects is not False
        pairs.append(Handshake(side, other) if connects else Handshake(None, side))
    return pairs


_NEXT_FEW = 16


def _match(
    sides: list[Side], partner: dict[Side, Side], key_of: Callable[[Side], Hashable]
) -> None:
    """Pairs the sides with equal keys: the n-th that connects with the n-th that accepts."""
    groups: dict[Hashable, tuple[list[Side], list[Side]]] = defaultdict(lambda: ([], []))
    for side in sides:
        key = key_of(side)
        if key is not None and side.connects is not None and side not in partner:
            groups[key][0 if side.connects else 1].append(side)
    for connectors, acceptors in groups.values():
        left = list(acceptors)
        for connector in connectors:
            # The ones that fit stand in front, but for a few that were finished otherwise.
            fits = [a for a in left[:_NEXT_FEW] if not _contradict(connector, a)]
            # What was finished goes with what was finished.
            fits.sort(key=lambda side: side.done != connector.done)
            if fits:
                left.remove(fits[0])
                partner[connector], partner[fits[0]] = fits[0], connector


def _contradict(connector: Side, acceptor: Side) -> bool:
    """Whether both say which handshake this is, and do not mean the same."""
    return any(
        NO_KEY not in keys and keys[0] != keys[1]
        for keys in ((connector.new, acceptor.new), (connector.comm, acceptor.comm))
    )


def _addresses(side: Side) -> Hashable:
    """The two addresses, the connecting one first; None unless both are known."""
    own, peer = side.engine.address, side.peer
    if not own or not peer or side.from_nccl:
        return None
    return (own, peer) if side.connects else (peer, own)


def _match_likely(sides: list[Side], partner: dict[Side, Side]) -> None:
    """Pairs a side that is in with the first that waits for it, by what its requests say."""
    left = [side for side in sides if side.unmet and side not in partner and not side.from_nccl]
    asking: dict[str, list[Side]] = defaultdict(list)
    for side in left:
        if side.connects is True:
            asking[side.whom].append(side)
    for acceptor in left:
        if acceptor.connects is not False or acceptor.peer or not acceptor.engine.address:
            continue
        for connector in asking[acceptor.engine.address]:
            fits = connector not in partner and connector.open == acceptor.open
            if fits and not _contradict(connector, acceptor):
                partner[connector], partner[acceptor] = acceptor, connector
                break


def _match_the_only_ones(sides: list[Side], partner: dict[Side, Side], known: set[str]) -> None:
    """Pairs what does not say its peer, where but one other side can be meant."""
    left = [side for side in sides if side not in partner and not side.from_nccl]
    waiting = [side for side in left if side.open and not side.whom]
    waiting += [side for side in left if side.done and side.peer in known]
    if len(waiting) != 2 or waiting[0].done:
        return
    first, second = waiting
    if first.engine is second.engine and not first.guessed:
        return
    if first.connects is second.connects is not None or _contradict(first, second):
        return
    if first.connects is False or second.connects is True:
        first, second = second, first
    first.connects, second.connects = True, False
    partner[first], partner[second] = second, first


def _is_other_communicator(side: Side, sides: list[Side]) -> bool:
    """Whether NCCL alone speaks of it, and it need not be a handshake of prefill and decode."""
    if not side.from_nccl:
        return False
    return side.done or any(s.source == side.source and not s.from_nccl for s in sides)
