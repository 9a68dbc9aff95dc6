"""Stalls: handshakes that were begun and that nothing finishes. Who waits for whom, and why.

ncclCommInitRank blocks until both sides have called it, and prints nothing while it does. So what
a stall means is told by the last step of each side.
"""

from __future__ import annotations

from dataclasses import dataclass

from pdtui.core.evidence import Clocks, Place, clock_of, length_of
from pdtui.core.handshakes import UNFINISHED, Handshake, Handshakes, State
from pdtui.core.sides import Engine, Side
from pdtui.core.stamps import SECOND
from pdtui.core.steps import STEP_WORDS, Step

THRESHOLD = 10 * SECOND
"""Shorter waits are normal: on a cold machine a handshake may take more than five seconds."""
_IN = "ncclCommInitRank"


@dataclass(frozen=True, slots=True)
class Stall:
    """One handshake that does not go on."""

    handshake: Handshake
    waiting: str
    """Who waits."""
    waited_for: str
    """Whom for: its name, or its address where no log shows it."""
    where: str
    """What it waits in."""
    steps: dict[str, str]
    """The last step of each side: `{"prefill": …, "decode": "NEW received"}`."""
    reason: str
    """What the other side did not do: `NEW was sent, never received`."""
    hint: str
    """What it may mean, and what to look at next."""
    since: int | None
    """When the wait began, in microseconds."""
    until: int | None
    """Up to when it is known to have lasted."""
    evidence: tuple[Place, ...]
    """The last rows of both sides, the waiting one's first."""
    waited_for_source: int | None = None
    """The number of the source that the other side writes, where a log shows it."""
    behind: Handshake | None = None
    """The handshake that the other side is stuck in, so that it cannot come to this one."""

    @property
    def waited(self) -> int | None:
        """How long, in microseconds; None where no row says a time."""
        return None if self.since is None or self.until is None else self.until - self.since

    @property
    def sentence(self) -> str:
        """`prefill waits in ncclCommInitRank for decode, 42 s: NEW was sent, never received`."""
        waited = self.waited
        long = waited is not None and waited >= SECOND
        length = f", {length_of(waited or 0)}" if long else f" since {clock_of(self.since)}"
        return f"{self.waiting} waits in {self.where} for {self.waited_for}{length}: {self.reason}"


def find_stalls(
    handshakes: Handshakes,
    clocks: Clocks,
    *,
    now: int | None = None,
    threshold: int = THRESHOLD,
) -> list[Stall]:
    """The handshakes that stand still, the longest wait first.

    `now` (microseconds, on the logs' clocks) is the time while the logs are being written; then a
    wait counts from `threshold` on. Without it the logs are over, and what is unfinished stays so.
    """
    end = clocks.end() if now is None else now
    stalls = []
    for handshake in handshakes.pairs:
        if handshake.state in UNFINISHED:
            stall = _Diagnosis(handshakes, clocks, handshake).stall(end)
            if _was_stopped(stall, clocks, threshold):
                continue
            if now is None or (stall.waited is not None and stall.waited >= threshold):
                stalls.append(stall)
    return sorted(stalls, key=lambda stall: -(stall.waited or 0))


def _was_stopped(stall: Stall, clocks: Clocks, threshold: int) -> bool:
    """Whether the side that waits was told to end before the wait was long."""
    place = stall.evidence[0]
    ending = clocks.snapshot[place.source][0].traces.rows_with(Step.SHUTDOWN, Step.NCCL_CLOSED)
    after = ending[ending > place.row].tolist()
    ended = clocks.time(Place(place.source, after[0])) if after else None
    return ended is not None and stall.since is not None and ended - stall.since < threshold


@dataclass(slots=True)
class _Diagnosis:
    handshakes: Handshakes
    clocks: Clocks
    handshake: Handshake

    def stall(self, end: int | None) -> Stall:
        """What is known of this handshake, whose wait lasts until `end` at least."""
        waiting, other = self._who_waits()
        peer = self._peer(waiting, other)
        behind = self._behind(waiting, other)
        reason, hint = self._why(waiting, other, behind)
        place = Place(waiting.source, _wait_row(waiting))
        names = [(self._name(side), STEP_WORDS[side.last[0]]) for side in self.handshake.sides]
        return Stall(
            handshake=self.handshake,
            waiting=self._name(waiting),
            waited_for=self._name_of_other(waiting, other),
            where=_IN if waiting.entered else _where(waiting),
            steps=dict(names),
            reason=reason,
            hint=hint,
            since=self.clocks.time(place),
            until=end,
            evidence=(place, *((Place(other.source, other.last[1]),) if other else ())),
            waited_for_source=None if peer is None else peer.source,
            behind=behind,
        )

    def _who_waits(self) -> tuple[Side, Side | None]:
        """The side that waits, and the other one if a log shows it."""
        first, *rest = self.handshake.sides
        if not rest:
            return first, None
        second = rest[0]
        turned = first.done or (second.entered and not first.entered)
        return (second, first) if turned else (first, second)

    def _name(self, side: Side) -> str:
        return self.handshakes.name(side.engine)

    def _peer(self, waiting: Side, other: Side | None) -> Engine | None:
        if other is not None:
            return other.engine
        return self.handshakes.engine_at(waiting.whom) if waiting.whom else None

    def _name_of_other(self, waiting: Side, other: Side | None) -> str:
        peer = self._peer(waiting, other)
        if peer is not None:
            return self.handshakes.name(peer)
        return waiting.whom or "a peer that no line names"

    def _behind(self, waiting: Side, other: Side | None) -> Handshake | None:
        """What keeps the other side's listener: it takes one handshake at a time."""
        peer = self._peer(waiting, other)
        if peer is None or (other is not None and other.entered):
            return None
        for pair in self.handshakes.pairs:
            side = pair.acceptor
            if pair is self.handshake or side is None or side.engine is not peer:
                continue
            if side.entered and side.open:
                return pair
        return None

    def _why(self, waiting: Side, other: Side | None, behind: Handshake | None) -> tuple[str, str]:
        """What the other side did not do, and what to look at."""
        state = self.handshake.state
        if state is State.BOTH_IN:
            return "both sides are in, neither comes out", _TRANSPORT
        if state is State.ONE_DONE:
            return "the other side is out already", _ONE_DONE
        if behind is not None:
            other_one = behind.connector_address or "another peer"
            reason = f"its listener is in {_IN} with {other_one}"
            return reason, "A listener takes one handshake at a time: look at that one first."
        if waiting.connects is False:
            return self._why_accepting(waiting, other)
        return self._why_connecting(waiting, other)

    def _why_connecting(self, waiting: Side, other: Side | None) -> tuple[str, str]:
        if other is not None:
            reason = f"NEW was received, {_IN} never called"
            if other.engine.ended is not None:
                latest = self.handshakes.engine_at(other.engine.address) or other.engine
                return f"{reason}; {self._came_up(latest)}", _STARTED_ANEW
            ended = "Its log ends right there. " if self._ends_with(other) else ""
            there = f"Is the process of {self._name(other)} still there? "
            return reason, f"{ended}{there}Next: {_dump(other.engine)}"
        if waiting.from_nccl or not waiting.whom:
            return "the other side is not seen there", _NO_PEER
        # Without the debug patch no line says that NEW was sent; who is in has sent it.
        sent = "NEW was sent, never received" if waiting.entered else "NEW was never sent"
        return self._why_not_received(waiting, sent)

    def _ends_with(self, side: Side) -> bool:
        """Whether the side's last step is the last row of its source."""
        return side.last[1] == self.clocks.snapshot[side.source][1] - 1

    def _why_not_received(self, waiting: Side, sent: str) -> tuple[str, str]:
        peer = self._peer(waiting, None)
        reach = _REACH.format(port=_port(waiting.whom))
        if peer is None:
            return sent, self._stranger(waiting.whom) + reach
        if gone := self._restarted(waiting, peer):
            return f"{sent}; {gone}", _STARTED_ANEW
        if "listen_for_requests" in peer.died:
            return f"{sent}; its listener died", "See the traceback in its log; restart it."
        if Step.ENGINE_STARTED in peer.steps and Step.LISTENING not in peer.steps:
            return f"{sent}; its listener never ran", f"Next: {_dump(peer)}"
        return sent, f"{reach}, {_dump(peer)}"

    def _stranger(self, address: str) -> str:
        """What to say of an address at which no log shows an engine."""
        host = address.rpartition(":")[0]
        others = [e.address for e in self.handshakes.engines if e.logged and e.address]
        near = [other for other in others if other.rpartition(":")[0] == host]
        if near:
            return f"Nobody listens there in these logs, but at {', '.join(near)}. "
        return f"No log of {address} is here, or it never came up. "

    def _why_accepting(self, waiting: Side, other: Side | None) -> tuple[str, str]:
        if waiting.entered and other is None:
            return "the other side is not seen there", _NO_PEER
        if waiting.entered:
            return f"it never called {_IN}", "Did its log end, or its process?"
        return f"NEW was received, {_IN} not called", f"Next: {_dump(waiting.engine)}"

    def _restarted(self, waiting: Side, peer: Engine | None) -> str:
        """Says that the peer was started anew after the wait began, if it was."""
        if peer is None or not peer.steps:
            return ""
        began = self.clocks.time(Place(waiting.source, _wait_row(waiting)))
        started = self.clocks.time(Place(peer.source, min(peer.steps.values())))
        # Stamps have no finer digits than seconds; and a peer that is just late is no restart.
        if began is None or started is None or started <= began + SECOND:
            return ""
        return self._came_up(peer)

    def _came_up(self, engine: Engine) -> str:
        """Says that an engine came up after the wait began."""
        started = self.clocks.time(Place(engine.source, min(engine.steps.values())))
        return f"{self.handshakes.name(engine)} came up at {clock_of(started)}, after that"


def _wait_row(side: Side) -> int:
    """The row with which the wait began."""
    row = side.row_of(Step.ENTERED, Step.BLOCKING) if side.entered else None
    return side.last[1] if row is None else row


def _where(side: Side) -> str:
    """What a side is in that has not come to ncclCommInitRank."""
    return "its listener" if side.connects is False else "create_connect"


def _dump(engine: Engine) -> str:
    """The command that shows what each thread of the engine's process is in."""
    return f"py-spy dump --pid {engine.pid or 'PID'}"


def _port(address: str) -> str:
    return address.rpartition(":")[2]


_STARTED_ANEW = "Restart the waiting side too: it never learns that the other was started anew."
_REACH = (
    "The address or port may be wrong, a firewall in between, or the peer not up "
    "(ZMQ connects without it). Next: nc -vz to port {port} from here, ss -ltn there"
)
_TRANSPORT = (
    "NCCL cannot build its transport: set the same NCCL_SOCKET_IFNAME (and NCCL_IB_HCA) on both "
    "sides, open the firewall between them. Next: NCCL_DEBUG=INFO NCCL_DEBUG_SUBSYS=INIT,NET"
)
_ONE_DONE = "Its log was cut, or its process ended. Next: py-spy dump, dmesg for the OOM killer"
_NO_PEER = (
    "Give the other side's log too. If this is it: its listener is busy or gone. "
    "Next: py-spy dump on both sides"
)
