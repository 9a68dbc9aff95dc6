"""What a request's KV tensors leave in the logs on their way; by PUT a good transfer is silent."""

from collections.abc import Callable, Iterable
from typing import Final

from pdtui.demo import engine_lines as say
from pdtui.demo.fleet import LAYERS, Request, Role, SendType, Worker
from pdtui.demo.handshakes import TICK
from pdtui.demo.stage import Stage

REFUSAL: Final = 0.004
_POOL_BLOCK: Final = 2 << 20

# A request's tensors travel: returns the layers that decode will not have, None where the side
# that began the transfer waits for ever.
Move = Callable[[Stage, float, Request], tuple[int, ...] | None]
# Decode takes its tensors, but for those lost: None where it waits for ever.
Receive = Callable[[Stage, float, Request, tuple[int, ...]], tuple[int, ...] | None]


def move(stage: Stage, at: float, request: Request) -> tuple[int, ...]:
    """The tensors travel. In GET, what prefill does not hold (any more) is lost."""
    if stage.fleet.send_type is not SendType.GET:
        return ()
    held = [stage.parked[worker.address] for worker in request.prefill.workers]
    return tuple(
        layer for layer in range(LAYERS) if any(request.tensor(layer) not in h for h in held)
    )


def receive(stage: Stage, at: float, request: Request, lost: tuple[int, ...]) -> tuple[int, ...]:
    """Decode has what was not lost."""
    return lost


def park(stage: Stage, at: float, request: Request) -> None:
    """GET: prefill keeps the tensors until decode asks, and evicts the oldest where it is full."""
    for worker in request.prefill.workers:
        peer = request.decode.workers[worker.rank % len(request.decode.workers)]
        for layer in range(LAYERS):
            _park(stage, at + TICK * layer / 4, request, layer, (worker, peer))


def _park(
    stage: Stage, at: float, request: Request, layer: int, pair: tuple[Worker, Worker]
) -> None:
    worker, peer = pair
    held = stage.parked[worker.address]
    values: dict[str, object] = {
        "peer": peer.address,
        "rank": worker.rank,
        "tensor": request.tensor(layer),
        "size": request.size,
    }
    if request.size > stage.buffer:
        threshold = int(stage.buffer)
        stage.say(at, worker.process, say.TOO_LARGE, threshold=threshold, **values)
        return
    while held.bytes + request.size > stage.buffer:
        oldest = held.evict()
        stage.say(at, worker.process, say.EVICTED, held=held.bytes, oldest=oldest, **values)
    held.add(request.tensor(layer), request.size)
    values |= {"shape": request.shape, "percent": held.bytes / stage.buffer * 100}
    stage.say(at, worker.process, say.PARKED, held=held.bytes, **values)


def spill(stage: Stage, at: float, request: Request, rank: int, layer: int) -> None:
    """Decode's buffer is full: it puts one tensor into host memory, and prefill sees nothing."""
    connector, worker = request.prefill.workers[rank], request.decode.workers[rank]
    stage.notes.add("buffer-full")
    stage.say(
        at,
        worker.process,
        say.OUT_OF_THRESHOLD,
        address=worker.address,
        peer=connector.address,
        tensor=request.tensor(layer),
        shape=request.shape,
        stored=worker.pool + _POOL_BLOCK * (layer % (LAYERS - 1) + 1),
    )


def spill_all(stage: Stage, at: float, request: Request) -> float:
    """Every tensor of a request goes into host memory; returns when the last has."""
    for rank in range(len(request.decode.workers)):
        for layer in range(LAYERS):
            spill(stage, at + TICK * layer, request, rank, layer)
    return at + TICK * LAYERS


def refuse(stage: Stage, at: float, request: Request, layers: Iterable[int]) -> tuple[int, ...]:
    """Decode's GPU is out of memory: it refuses these layers, and prefill says so."""
    refused = tuple(layers)
    for connector, worker in zip(request.prefill.workers, request.decode.workers, strict=True):
        for step, layer in enumerate(refused):
            moment = at + step * REFUSAL
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
                moment + TICK,
                connector.process,
                say.SEND_REFUSED,
                address=connector.address,
                peer=worker.address,
                gigabytes=request.gigabytes,
                **values,
            )
    return refused


def miss(stage: Stage, at: float, request: Request, lost: tuple[int, ...]) -> None:
    """Decode goes on without the layers that are lost, and says so for each."""
    got = stage.fleet.send_type is SendType.GET
    for worker, connector in zip(request.decode.workers, request.prefill.workers, strict=False):
        for step, layer in enumerate(lost):
            moment = at + TICK * step
            values: dict[str, object] = {
                "peer": connector.address,
                "tensor": request.tensor(layer, Role.DECODE),
            }
            if got:
                stage.say(moment, worker.process, say.GOT_NOTHING, **values)
            else:
                waited = stage.rng.choice((0.001, 0.002, 0.002))
                values |= {"waited": waited, "rank": worker.rank}
                stage.say(moment, worker.process, say.RECEIVED_NOTHING, **values)
            stage.say(moment, worker.process, say.KV_NONE, request=request.id_in(Role.DECODE))


def cut_short(stage: Stage, at: float, request: Request) -> None:
    """Fewer blocks came than decode has reserved, in every layer."""
    stage.notes.add("kv-mismatch")
    for worker in request.decode.workers:
        for layer in range(LAYERS):
            stage.say(
                at + TICK * layer,
                worker.process,
                say.KV_MISMATCH,
                wanted=request.blocks + 1,
                came=request.blocks,
                request=request.id,
            )
