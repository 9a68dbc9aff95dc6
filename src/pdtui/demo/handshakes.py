"""The handshake, step by step; it can be left between any two of them.

Each step writes its lines in the order of the real logs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final

from pdtui.demo import engine_lines as say
from pdtui.demo import nccl
from pdtui.demo.fleet import Worker
from pdtui.demo.nccl import Member
from pdtui.demo.stage import Stage

TICK: Final = 0.001
_AGREED: Final = (
    (say.PREFILL_SUCCESS, say.PREFILL_OK),
    (say.DECODE_SUCCESS, say.DECODE_OK),
)

# A handshake: returns when the connecting side is through, infinity where it waits for ever.
Connect = Callable[[Stage, float, Worker, Worker], float]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a handshake that is under way."""

    worker: Worker
    peer: Worker
    member: Member
    entered: float


@dataclass(frozen=True, slots=True)
class Offer:
    """A handshake as the connecting side left it: NEW is sent, and it waits."""

    near: Side
    far: Member
    unique_id: str
    sent: float


def send_new(stage: Stage, at: float, connector: Worker, acceptor: Worker) -> Offer:
    """The connecting side sends NEW and enters ncclCommInitRank, where it waits."""
    comms = list(stage.members[connector.address])
    near, far = stage.meet(connector, acceptor)
    unique_id = f"{stage.rng.getrandbits(64):016x}"
    values = {
        "rank": connector.rank,
        "peer": acceptor.address,
        "comms": comms,
        "unique_id": unique_id,
    }
    file = connector.process.file
    sent = stage.recite(at, connector.process, (say.CONNECT, say.DEALER), values) + 0.012
    stage.nccl(sent, file, nccl.unique_id(near))
    entering = (say.NEW_SENT, say.PREFILL_ABOUT, say.PREFILL_ENTERING, say.CONTEXT)
    entered = stage.recite(sent, connector.process, entering, values) + 0.01
    stage.nccl(entered, file, nccl.begin(near))
    return Offer(Side(connector, acceptor, near, entered), far, unique_id, sent + TICK)


def receive_new(stage: Stage, offer: Offer) -> float:
    """The accepting side reads NEW, as soon as its one listener thread is free."""
    worker = offer.near.peer
    at = max(offer.sent, stage.listening[worker.address]) + stage.rng.uniform(0.002, 0.01)
    stage.say(
        at,
        worker.process,
        say.NEW_RECEIVED,
        rank=worker.rank,
        peer=offer.near.worker.address,
        unique_id=offer.unique_id,
    )
    return at


def enter(stage: Stage, offer: Offer, at: float) -> Side:
    """The accepting side enters ncclCommInitRank too."""
    near, worker = offer.near, offer.near.peer
    entering = (say.DECODE_ABOUT, say.DECODE_ENTERING, say.CONTEXT)
    values = {"rank": worker.rank, "peer": near.worker.address}
    entered = stage.recite(at + TICK, worker.process, entering, values) + 0.01
    stage.nccl(entered, worker.process.file, nccl.begin(offer.far))
    return Side(worker, near.worker, offer.far, entered)


def join(stage: Stage, offer: Offer, at: float) -> float:
    """The accepting side enters too, and both get their communicator."""
    near, far = offer.near, enter(stage, offer, at)
    both = max(far.entered, near.entered) + stage.rng.uniform(0.41, 0.68)
    _agree(stage, both, far)
    end = _agree(stage, both + stage.rng.uniform(0.001, 0.02), near)
    stage.nccl(end, near.worker.process.file, nccl.channels(near.member))
    return end


def _agree(stage: Stage, at: float, side: Side) -> float:
    told = nccl.complete(side.member, at - side.entered, stage.rng)
    stage.nccl(at, side.worker.process.file, told)
    values = {
        "rank": side.worker.rank,
        "address": side.worker.address,
        "peer": side.peer.address,
    }
    end = stage.recite(at, side.worker.process, _AGREED[side.member.rank], values)
    (stage.listening if side.member.rank else stage.free)[side.worker.address] = end
    return end


def connect(stage: Stage, at: float, connector: Worker, acceptor: Worker) -> float:
    """A whole handshake; returns when the connecting side is through."""
    offer = send_new(stage, at, connector, acceptor)
    if stage.listening[acceptor.address] == inf:
        return inf
    return join(stage, offer, receive_new(stage, offer))
