"""What the processes do, step by step: start, shake hands, serve a request, stop.

Each act writes its lines on the stage in the order of the real logs. The acts that can go
wrong are small, so that a scenario can stop between two of them or do another instead.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

from pdtui.demo import lines as say
from pdtui.demo import nccl
from pdtui.demo.fleet import LAYERS, Instance, Request, Role, Worker
from pdtui.demo.lines import Template
from pdtui.demo.nccl import Member
from pdtui.demo.stage import Meter, Stage

BUFFER: Final = 1_000_000_000.0
_TICK: Final = 0.001
_REFUSAL: Final = 0.004
_TOKENS_A_SECOND: Final = 90.0
_POOL_BLOCK: Final = 2 << 20
_AGREED: Final = (
    (say.PREFILL_SUCCESS, say.PREFILL_OK),
    (say.DECODE_SUCCESS, say.DECODE_OK),
)

# A handshake: returns when the connecting side is through, infinity where it waits for ever.
Connect = Callable[[Stage, float, Worker, Worker], float]
# A request's tensors arrive: returns the layers that decode will not have.
Transfer = Callable[[Stage, float, Request], tuple[int, ...]]


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


def start(stage: Stage) -> None:
    """Every instance starts, up to a server that waits for requests."""
    for instance in stage.fleet.instances:
        at = stage.rng.uniform(0.0, 0.4) + (0.3 if instance.role is Role.DECODE else 0.0)
        _start_server(stage, at, instance)
        ready = max(_start_worker(stage, at + 0.4, instance, w) for w in instance.workers) + 0.1
        _serve(stage, ready, instance)
        stage.meters[instance.file] = Meter(ready)


def _start_server(stage: Stage, at: float, instance: Instance) -> None:
    size = len(instance.workers)
    stage.say(at, instance.api, say.VERSION)
    stage.say(
        at + 0.004,
        instance.api,
        say.ARGUMENTS,
        http_port=instance.http_port,
        parallel=f"'tensor_parallel_size': {size}, " if size > 1 else "",
        engine_id=instance.engine_id,
        buffer=BUFFER,
        kv_role=instance.kv_role,
        kv_port=instance.kv_port,
        proxy_ip=stage.fleet.proxy,
        proxy_port=30001,
    )


def _start_worker(stage: Stage, at: float, instance: Instance, worker: Worker) -> float:
    values = {
        "rank": worker.rank,
        "world": len(instance.workers),
        "pid": worker.process.pid,
        "address": worker.address,
        "engine_id": instance.engine_id,
        "pool": worker.pool,
        "http_address": f"{instance.host}:{instance.http_port}",
        "proxy_address": f"{stage.fleet.proxy}:30001",
        "buffer": BUFFER,
    }
    at += 0.02 * worker.rank
    before = (
        say.ASSIGNED,
        say.CREATING,
        say.EXPERIMENTAL,
        say.ENGINE_START,
        say.FOUND_NCCL,
        say.ADDRESS,
        say.BOUND,
    )
    ping = (say.PING,) if worker.rank == 0 else ()
    after = (say.POOL, say.RUNNING, say.LISTENER, *ping, say.INIT)
    at = _recite(stage, at, worker, before, values)
    # Between them the engine pins the memory of its pool, which takes a second or so.
    return _recite(stage, at + stage.rng.uniform(0.7, 1.1), worker, after, values)


def _serve(stage: Stage, at: float, instance: Instance) -> None:
    stage.say(at, instance.core, say.LOOP_WAITING)
    stage.say(at + 0.05, instance.api, say.LISTENING, http_port=instance.http_port)
    stage.say(at + 0.08, instance.api, say.STARTED, pid=instance.api.pid)
    stage.say(at + 0.08, instance.api, say.STARTING_UP)
    stage.say(at + 0.1, instance.api, say.STARTED_UP)


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
    sent = _recite(stage, at, connector, (say.CONNECT, say.DEALER), values) + 0.012
    stage.put(sent, file, nccl.unique_id(near))
    entering = (say.NEW_SENT, say.PREFILL_ABOUT, say.PREFILL_ENTERING, say.CONTEXT)
    entered = _recite(stage, sent, connector, entering, values) + 0.01
    stage.put(entered, file, nccl.begin(near))
    return Offer(Side(connector, acceptor, near, entered), far, unique_id, sent + _TICK)


def receive_new(stage: Stage, offer: Offer) -> float:
    """The accepting side reads NEW, as soon as its one listener thread is free."""
    worker = offer.near.peer
    at = max(offer.sent, stage.free[worker.address]) + stage.rng.uniform(0.002, 0.01)
    stage.say(
        at,
        worker.process,
        say.NEW_RECEIVED,
        rank=worker.rank,
        peer=offer.near.worker.address,
        unique_id=offer.unique_id,
    )
    return at


def join(stage: Stage, offer: Offer, at: float) -> float:
    """The accepting side enters too, and both get their communicator."""
    near, worker = offer.near, offer.near.peer
    entering = (say.DECODE_ABOUT, say.DECODE_ENTERING, say.CONTEXT)
    values = {"rank": worker.rank, "peer": near.worker.address}
    entered = _recite(stage, at + _TICK, worker, entering, values) + 0.01
    stage.put(entered, worker.process.file, nccl.begin(offer.far))
    both = max(entered, near.entered) + stage.rng.uniform(0.41, 0.68)
    _agree(stage, both, Side(worker, near.worker, offer.far, entered))
    end = _agree(stage, both + stage.rng.uniform(0.001, 0.02), near)
    stage.put(end, near.worker.process.file, nccl.channels(near.member))
    return end


def _agree(stage: Stage, at: float, side: Side) -> float:
    told = nccl.complete(side.member, at - side.entered, stage.rng)
    stage.put(at, side.worker.process.file, told)
    values = {
        "rank": side.worker.rank,
        "address": side.worker.address,
        "peer": side.peer.address,
    }
    end = _recite(stage, at, side.worker, _AGREED[side.member.rank], values)
    stage.free[side.worker.address] = end
    return end


def connect(stage: Stage, at: float, connector: Worker, acceptor: Worker) -> float:
    """A whole handshake; returns when the connecting side is through."""
    offer = send_new(stage, at, connector, acceptor)
    return join(stage, offer, receive_new(stage, offer))


def transfer(stage: Stage, at: float, request: Request) -> tuple[int, ...]:
    """A request's KV tensors arrive: a good transfer writes nothing; no layer is lost."""
    return ()


def spill(stage: Stage, at: float, request: Request) -> None:
    """Decode's buffer is full: it puts one tensor into host memory, and prefill sees nothing."""
    rank = stage.rng.randrange(len(request.decode.workers))
    connector, worker = request.prefill.workers[rank], request.decode.workers[rank]
    stage.say(
        at,
        worker.process,
        say.OUT_OF_THRESHOLD,
        address=worker.address,
        peer=connector.address,
        tensor=request.tensor(LAYERS - 1),
        shape=request.shape,
        stored=worker.pool + _POOL_BLOCK,
    )


def refuse(stage: Stage, at: float, request: Request, layers: Iterable[int]) -> tuple[int, ...]:
    """Decode's GPU is out of memory: it refuses these layers, and prefill says so."""
    refused = tuple(layers)
    for connector, worker in zip(request.prefill.workers, request.decode.workers, strict=True):
        for step, layer in enumerate(refused):
            moment = at + step * _REFUSAL
            values: dict[str, object] = {"tensor": request.tensor(layer), "shape": request.shape}
            stage.say(
                moment,
                worker.process,
                say.OUT_OF_MEMORY,
                address=worker.address,
                peer=connector.address,
                **values,
            )
            stage.say(
                moment + _TICK,
                connector.process,
                say.SEND_REFUSED,
                address=connector.address,
                peer=worker.address,
                gigabytes=request.gigabytes,
                **values,
            )
    return refused


def prefill_step(
    stage: Stage, at: float, requests: tuple[Request, ...], connect: Connect, transfer: Transfer
) -> tuple[float, dict[int, tuple[int, ...]]]:
    """One prefill takes these requests in one step; returns its end and the layers lost."""
    instance = requests[0].prefill
    for number, request in enumerate(requests):
        _accept(stage, at + 0.003 * number, instance, request, max_tokens=1)
    begin = max([at + 0.012, *(stage.free[w.address] for w in instance.workers)])
    if begin == inf:
        return inf, {}
    computed = begin + stage.rng.uniform(0.05, 0.18)
    met = [_reach(stage, begin + 0.02, worker, requests, connect) for worker in instance.workers]
    sent = max(computed, *met)
    if sent == inf:
        stage.busy[instance.file].append((begin, inf))
        return inf, {}
    lost = {request.number: transfer(stage, sent, request) for request in requests}
    emptied = sent + _REFUSAL * max(len(layers) for layers in lost.values())
    end = max(_drain(stage, emptied, computed, worker) for worker in instance.workers) + 0.01
    stage.busy[instance.file].append((begin, end))
    for request in requests:
        stage.meters[instance.file].count(request, begin, end, 1)
        _answer(stage, end + _TICK, instance)
    return end + 2 * _TICK, lost


def decode_step(stage: Stage, at: float, request: Request, lost: tuple[int, ...]) -> None:
    """Decode takes the request over, and answers it even where layers are lost."""
    instance = request.decode
    _accept(stage, at, instance, request, max_tokens=request.answer)
    begin = at + 0.012
    for worker, connector in zip(instance.workers, request.prefill.workers, strict=True):
        for step, layer in enumerate(lost):
            moment = begin + _TICK * step
            stage.say(
                moment,
                worker.process,
                say.RECEIVED_NOTHING,
                peer=connector.address,
                tensor=request.tensor(layer),
                waited=stage.rng.choice((0.001, 0.002, 0.002)),
                rank=worker.rank,
            )
            stage.say(moment, worker.process, say.KV_NONE, request=request.id)
    end = begin + 0.03 + request.answer / _TOKENS_A_SECOND
    stage.busy[instance.file].append((begin, end))
    stage.meters[instance.file].count(request, begin, end, request.answer)
    _answer(stage, end + _TICK, instance)


def _drain(stage: Stage, at: float, computed: float, worker: Worker) -> float:
    end = at + stage.rng.lognormvariate(1.1, 0.9) / 1000
    stage.free[worker.address] = end
    waited = (end - computed) * 1000
    stage.say(end, worker.process, say.QUEUE_EMPTY, waited=waited, rank=worker.rank)
    return end


def _accept(stage: Stage, at: float, instance: Instance, request: Request, max_tokens: int) -> None:
    stage.say(at, instance.api, say.RECEIVED, request=request.id, max_tokens=max_tokens)
    stage.say(at + _TICK, instance.api, say.ADDED, request=request.id)


def _answer(stage: Stage, at: float, instance: Instance) -> None:
    client = f"{stage.fleet.proxy}:{stage.rng.randrange(33000, 61000)}"
    stage.say(at, instance.api, say.ACCESS, client=client, call="POST /v1/completions")


def _reach(
    stage: Stage, at: float, worker: Worker, requests: tuple[Request, ...], connect: Connect
) -> float:
    for request in requests:
        peer = request.decode.workers[worker.rank]
        if at < inf and peer.address not in stage.members[worker.address]:
            at = stage.free[worker.address] = connect(stage, at, worker, peer)
    return at


def _recite(
    stage: Stage,
    at: float,
    worker: Worker,
    templates: Iterable[Template],
    values: Mapping[str, object],
) -> float:
    for template in templates:
        at += _TICK
        stage.say(at, worker.process, template, **values)
    return at
