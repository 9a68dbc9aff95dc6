"""Requests: prefill computes and hands over, decode takes over and answers."""

from dataclasses import dataclass
from math import inf
from typing import Final

from pdtui.demo import server_lines as server
from pdtui.demo.background import background
from pdtui.demo.engine_lines import QUEUE_EMPTY
from pdtui.demo.fleet import Instance, Request, SendType, Worker
from pdtui.demo.handshakes import TICK, Connect, connect
from pdtui.demo.stage import Stage
from pdtui.demo.starting import start
from pdtui.demo.transfers import REFUSAL, Move, Receive, miss, move, park, receive

# The proxy forgets an instance that has not pinged it for so long.
_FORGOTTEN_AFTER: Final = 5.0
_REST: Final = 1.0
# A wait is told from a pause by its length: a run goes on for so long after somebody was left.
_AFTERMATH: Final = 45.0
_TOKENS_A_SECOND: Final = 90.0


@dataclass(frozen=True, slots=True)
class Course:
    """What a scenario does otherwise than a run in which all goes well."""

    connect: Connect = connect
    move: Move = move
    receive: Receive = receive
    started: bool = False
    lasts: float = 0.0


def run(stage: Stage, course: Course = Course()) -> float:
    """A whole run but for its end; returns when it could be stopped."""
    if not course.started:
        start(stage)
    for at, group in stage.arrivals():
        for prefill in stage.fleet.prefills:
            mine = tuple(r for r in group if r.prefill is prefill and _routed(stage, r, at))
            if mine:
                _serve(stage, at, mine, course)
    _answer_decodes(stage)
    until = max(stage.last() + _REST, stage.nominal_end, course.lasts, stage.left_at + _AFTERMATH)
    background(stage, until)
    return until


def _routed(stage: Stage, request: Request, at: float) -> bool:
    ended = min(stage.ended(request.prefill), stage.ended(request.decode))
    return ended + _FORGOTTEN_AFTER > at


def _serve(stage: Stage, at: float, requests: tuple[Request, ...], course: Course) -> None:
    end, lost = _prefill(stage, at, requests, course)
    if end == inf:
        return
    for number, request in enumerate(requests):
        _decode(stage, end + 0.004 * (number + 1), request, lost[request.number], course)


def _prefill(
    stage: Stage, at: float, requests: tuple[Request, ...], course: Course
) -> tuple[float, dict[int, tuple[int, ...]]]:
    """One prefill takes these requests in one step; returns its end and the layers lost."""
    instance = requests[0].prefill
    for number, request in enumerate(requests):
        accept(stage, at + 0.003 * number, instance, request, max_tokens=1)
    begin = max([at + 0.012, *(stage.free[w.address] for w in instance.workers)])
    if begin == inf or stage.hung_since(instance) < inf:
        return inf, {}
    computed = begin + stage.rng.uniform(0.05, 0.18)
    if stage.fleet.send_type is SendType.GET:
        return _keep(stage, begin, computed, requests)
    met = [
        _reach(stage, begin + 0.02, worker, [r.decode for r in requests], course)
        for worker in instance.workers
    ]
    sent = max(computed, *met)
    if sent == inf:
        stage.hang(instance, begin)
        return inf, {}
    lost = {}
    for request in requests:
        gone = course.move(stage, sent, request)
        if gone is None:
            stage.hang(instance, begin)
            return inf, {}
        lost[request.number] = gone
    emptied = sent + REFUSAL * max(len(layers) for layers in lost.values())
    end = max(_drain(stage, emptied, computed, worker) for worker in instance.workers) + 0.01
    return _finish(stage, begin, end, requests), lost


def _keep(
    stage: Stage, begin: float, computed: float, requests: tuple[Request, ...]
) -> tuple[float, dict[int, tuple[int, ...]]]:
    for number, request in enumerate(requests):
        park(stage, computed + 0.01 * number, request)
    end = _finish(stage, begin, computed + 0.01 * len(requests) + 0.02, requests)
    return end, {request.number: () for request in requests}


def _finish(stage: Stage, begin: float, end: float, requests: tuple[Request, ...]) -> float:
    instance = requests[0].prefill
    stage.busy[instance.file].append((begin, end))
    for request in requests:
        stage.meters[instance.file].count(request, begin, end, 1)
        _answer(stage, end + TICK, instance, _client(stage))
    return end + 2 * TICK


def _decode(
    stage: Stage, at: float, request: Request, lost: tuple[int, ...], course: Course
) -> None:
    """Decode takes the request over, and answers it even where layers are lost."""
    instance = request.decode
    if not stage.ended(instance) > at:
        return
    accept(stage, at, instance, request, max_tokens=request.answer)
    if stage.hung_since(instance) < inf:
        return
    begin = at + 0.012
    taken = _take(stage, begin, request, lost, course)
    if taken is None:
        stage.hang(instance, begin)
        return
    ready, missing = taken
    miss(stage, ready, request, missing)
    end = ready + 0.03 + request.answer / _TOKENS_A_SECOND
    stage.busy[instance.file].append((begin, end))
    stage.meters[instance.file].count(request, begin, end, request.answer)
    stage.answers.append((end + TICK, instance, _client(stage)))


def _answer_decodes(stage: Stage) -> None:
    """Decode's answers; once its engine hangs, none of the requests in it has one."""
    for at, instance, client in stage.answers:
        if at < stage.hung_since(instance):
            _answer(stage, at, instance, client)


def _take(
    stage: Stage, at: float, request: Request, lost: tuple[int, ...], course: Course
) -> tuple[float, tuple[int, ...]] | None:
    """Decode has its tensors: from when, and without which layers; None where it never has."""
    gone: tuple[int, ...] | None = lost
    if stage.fleet.send_type is SendType.GET:
        workers = request.decode.workers
        # The engine's own thread shakes hands: with one prefill after the other.
        at = max([at, *(stage.free[worker.address] for worker in workers)])
        at = max(_reach(stage, at, worker, [request.prefill], course) for worker in workers)
        gone = None if at == inf else course.move(stage, at, request)
    if gone is not None:
        gone = course.receive(stage, at, request, gone)
    return None if gone is None else (at, gone)


def _drain(stage: Stage, at: float, computed: float, worker: Worker) -> float:
    end = at + stage.rng.lognormvariate(1.1, 0.9) / 1000
    stage.free[worker.address] = end
    waited = (end - computed) * 1000
    if stage.fleet.send_type is SendType.PUT_ASYNC:
        stage.say(end, worker.process, QUEUE_EMPTY, waited=waited, rank=worker.rank)
    return end


def accept(stage: Stage, at: float, instance: Instance, request: Request, max_tokens: int) -> None:
    """An API server takes a request."""
    stage.say(at, instance.api, server.RECEIVED, request=request.id, max_tokens=max_tokens)
    internal = request.id_in(instance.role)
    stage.say(at + TICK, instance.api, server.ADDED, request=internal)


def _client(stage: Stage) -> str:
    return f"{stage.fleet.proxy}:{stage.rng.randrange(33000, 61000)}"


def _answer(stage: Stage, at: float, instance: Instance, client: str) -> None:
    stage.say(at, instance.api, server.ACCESS, client=client, call="POST /v1/completions")


def _reach(
    stage: Stage, at: float, worker: Worker, instances: list[Instance], course: Course
) -> float:
    """The worker meets its peer in each of these; returns when it is through with all."""
    for instance in instances:
        peer = stage.peer(worker, instance)
        if at < inf and peer.address not in stage.members[worker.address]:
            at = stage.free[worker.address] = course.connect(stage, at, worker, peer)
    return at
