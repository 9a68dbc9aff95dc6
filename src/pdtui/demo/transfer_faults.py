"""Runs in which the handshakes are done, and tensors are lost or waited for in vain."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final
from uuid import UUID

from pdtui.demo import crash_lines as crash
from pdtui.demo import nccl
from pdtui.demo import server_lines as server
from pdtui.demo.background import WARNED_EVERY, stop
from pdtui.demo.crashes import end_engine, end_listener, end_sender, see_go, time_out
from pdtui.demo.fleet import (
    LATER_PIDS,
    LAYERS,
    MOST_BLOCKS,
    Request,
    SendType,
    Worker,
    make_fleet,
)
from pdtui.demo.serving import Course, run
from pdtui.demo.stage import Stage
from pdtui.demo.starting import start
from pdtui.demo.transfers import cut_short, move, refuse, spill_all

_TIMED_OUT_AFTER: Final = 5 * WARNED_EVERY
_RESTARTS_IN: Final = 4.0


@dataclass(frozen=True, slots=True)
class _Pair:
    """The two workers between which the tensors of one rank travel: who connected, and to whom."""

    connector: Worker
    acceptor: Worker


def refused(stage: Stage) -> None:
    """Decode has no room for one layer of one request."""
    chosen = stage.requests // 2

    def refuse_one(stage: Stage, at: float, request: Request) -> tuple[int, ...]:
        if request.number != chosen:
            return ()
        _blame_decode(stage, at, "out-of-memory", request)
        return refuse(stage, at, request, [LAYERS - 1])

    stop(stage, run(stage, Course(move=refuse_one)))


def oom(stage: Stage) -> None:
    """From some request on decode has room for a part of the layers only."""
    first = stage.requests // 5

    def refuse_last(stage: Stage, at: float, request: Request) -> tuple[int, ...]:
        short = request.number > first and stage.rng.random() < 0.5
        if request.number != first and not short:
            return ()
        _blame_decode(stage, at, "out-of-memory", request)
        return refuse(stage, at, request, range(LAYERS - stage.rng.randrange(1, 4), LAYERS))

    stop(stage, run(stage, Course(move=refuse_last)))


def spilled(stage: Stage) -> None:
    """Some requests find decode's buffer full; none is lost."""

    def spill_some(stage: Stage, at: float, request: Request) -> tuple[int, ...]:
        if request.number == stage.requests // 2 or stage.rng.random() < 0.3:
            spill_all(stage, at, request)
        return ()

    stop(stage, run(stage, Course(move=spill_some)))


def overrun(stage: Stage) -> None:
    """PUT: the host memory is full too, and decode's listener ends. GET: tensors are too large."""
    if stage.fleet.send_type is SendType.GET:
        stage.buffer = float(int(_largest(stage) * 0.12))
        stop(stage, run(stage, Course(move=_lose_too_large)))
        return
    doomed = stage.fleet.decodes[-1:]
    first, last = stage.requests // 4, stage.turn_of(doomed[0])

    def fill(stage: Stage, at: float, request: Request) -> tuple[int, ...] | None:
        if request.number < first:
            return ()
        if request.number < last or request.decode not in doomed:
            spill_all(stage, at, request)
            return ()
        full = spill_all(stage, at, request)
        for pair in _pairs(stage, request):
            if stage.listening[pair.acceptor.address] < inf:
                stage.blame(full, "buffer-full", pair.acceptor, pair.connector)
                _deafen(stage, full, pair, crash.POOL_FULL)
        return None

    run(stage, Course(move=fill))


def _lose_too_large(stage: Stage, at: float, request: Request) -> tuple[int, ...]:
    gone = move(stage, at, request)
    if request.size > stage.buffer:
        for worker, peer in zip(request.prefill.workers, request.decode.workers, strict=True):
            stage.blame(at, "buffer-full", worker, peer)
    return gone


def _largest(stage: Stage) -> int:
    """The most bytes that a tensor of this fleet can have."""
    heads = max(1, 8 // len(stage.fleet.prefills[0].workers))
    return MOST_BLOCKS * 16 * heads * 128 * 4


def evicted(stage: Stage) -> None:
    """Prefill's buffer holds less than one request."""
    stage.buffer = float(_largest(stage))

    def get(stage: Stage, at: float, request: Request) -> tuple[int, ...]:
        gone = move(stage, at, request)
        if gone:
            _blame_decode(stage, at, "kv-missing", request)
        return gone

    stop(stage, run(stage, Course(move=get)))


def mismatched(stage: Stage) -> None:
    """Some requests have a block more than came; real runs that are healthy have this too."""

    def shorten(
        stage: Stage, at: float, request: Request, gone: tuple[int, ...]
    ) -> tuple[int, ...]:
        if request.number == stage.requests // 2 or stage.rng.random() < 0.1:
            cut_short(stage, at, request)
        return gone

    stop(stage, run(stage, Course(receive=shorten)))


def renamed(stage: Stage) -> None:
    """PUT: decode waits for tensors under its own names. GET: it asks for them in vain."""

    def ask(stage: Stage, at: float, request: Request) -> tuple[int, ...]:
        if stage.fleet.send_type is not SendType.GET:
            return ()
        _blame_decode(stage, at, "request-id-mismatch", request)
        return tuple(range(LAYERS))

    def wait(
        stage: Stage, at: float, request: Request, gone: tuple[int, ...]
    ) -> tuple[int, ...] | None:
        if stage.fleet.send_type is SendType.GET:
            return gone
        _blame_decode(stage, at, "request-id-mismatch", request)
        return None

    run(stage, Course(move=ask, receive=wait))


def waiting(stage: Stage) -> None:
    """Decode is never given the tensors of one request."""
    chosen = stage.requests // 2

    def wait(
        stage: Stage, at: float, request: Request, gone: tuple[int, ...]
    ) -> tuple[int, ...] | None:
        if request.number != chosen:
            return gone
        _blame_decode(stage, at, "request-stalled", request)
        return None

    run(stage, Course(receive=wait))


def deaf(stage: Stage) -> None:
    """The listener of one accepting worker is ended."""
    frames = stage.rng.choice((crash.ILLEGAL_ACCESS, crash.STRAY_MESSAGE))

    def end(stage: Stage, at: float, pair: _Pair) -> None:
        stage.blame(at, "listener-died", pair.acceptor, pair.connector)
        _deafen(stage, at, pair, frames)

    run(stage, Course(move=_fail_once(stage, end)))


def forgotten(stage: Stage) -> None:
    """Prefill goes on as if the new decode were the old one, and puts a tensor."""
    wanted, old = stage.requests, stage.fleet.decodes[-1]
    stage.requests = max(1, wanted // 2)
    stopped = run(stage)
    stop(stage, stopped, only=[old])
    see_go(stage, stopped + 0.5, old)
    again = make_fleet(stage.rng, stage.fleet.shape, LATER_PIDS).decodes[-1]
    stage.renew_one(old, again, stopped + _RESTARTS_IN)
    stage.requests = max(len(stage.fleet.prefills) * len(stage.fleet.decodes), wanted // 2)
    start(stage, only=[again])

    def put(stage: Stage, at: float, request: Request) -> tuple[int, ...] | None:
        if request.decode != again:
            return ()
        for pair in _pairs(stage, request):
            if stage.listening[pair.acceptor.address] < inf:
                stage.blame(at, "listener-died", pair.acceptor, pair.connector)
                _deafen(stage, at, pair, crash.unknown_peer(pair.connector.address))
        return None

    run(stage, Course(move=put, started=True))


def mute(stage: Stage) -> None:
    """The sender of one prefill's worker is ended; its engine waits five minutes for it."""

    def end(stage: Stage, at: float, pair: _Pair) -> None:
        stage.blame(at, "sender-died", pair.connector, pair.acceptor)
        end_sender(stage, at, pair.connector, crash.NO_TENSOR)
        instance = stage.fleet.instance_of(pair.connector)
        if len(instance.workers) > 1:
            time_out(stage, at + _TIMED_OUT_AFTER, instance)

    lasts = stage.nominal_end + (_TIMED_OUT_AFTER if stage.fleet.prefills[0].workers[1:] else 0)
    run(stage, Course(move=_fail_once(stage, end), lasts=lasts))


def broken(stage: Stage) -> None:
    """NCCL fails in one worker that sends: prefill's sender, or in GET prefill's listener."""

    def end(stage: Stage, at: float, pair: _Pair) -> None:
        got = stage.fleet.send_type is SendType.GET
        sender, other = (pair.acceptor, pair.connector) if got else (pair.connector, pair.acceptor)
        member = stage.members[sender.address][other.address]
        file = sender.process.file
        stage.blame(at, "nccl-error", sender, other)
        stage.nccl(at, file, nccl.fail(member, f"{stage.clock(at, file):%Y-%m-%d %H:%M:%S}"))
        if got:
            _deafen(stage, at + 0.001, pair, crash.ANSWERING)
        else:
            end_sender(stage, at + 0.001, sender, crash.SENDING)

    run(stage, Course(move=_fail_once(stage, end)))


def crashed(stage: Stage) -> None:
    """A client asks the first prefill itself, past the proxy."""
    victim = stage.fleet.prefills[0]
    chosen = stage.turn_of(victim)

    def bypass(stage: Stage, at: float, request: Request) -> tuple[int, ...] | None:
        if request.prefill != victim or request.number < chosen:
            return move(stage, at, request)
        if stage.ended(victim) == inf:
            name = f"cmpl-{UUID(int=stage.rng.getrandbits(128), version=4).hex}-0"
            stage.say(at - 0.2, victim.api, server.RECEIVED, request=name, max_tokens=64)
            stage.say(at - 0.2, victim.api, server.ADDED, request=name)
            frames = crash.without_address(name)
            for worker in victim.workers:
                stage.blame(at, "traceback", worker)
                end_engine(stage, at, worker, frames)
        return None

    run(stage, Course(move=bypass))


def _fail_once(
    stage: Stage, fail: Callable[[Stage, float, _Pair], None]
) -> Callable[[Stage, float, Request], tuple[int, ...] | None]:
    """From the middle on, one rank of the last accepting instance fails once, and is gone."""
    last = stage.fleet.accepting[-1]
    chosen = stage.turn_of(last)
    rank = stage.rng.randrange(len(last.workers))
    failed: list[_Pair] = []

    def moved(stage: Stage, at: float, request: Request) -> tuple[int, ...] | None:
        pair = _pairs(stage, request)[rank]
        if pair.acceptor not in last.workers or request.number < chosen:
            return move(stage, at, request)
        if not failed:
            failed.append(pair)
            fail(stage, at, pair)
            return None
        waits = stage.listening[pair.acceptor.address] == inf
        return None if waits or pair.connector == failed[0].connector else move(stage, at, request)

    return moved


def _pairs(stage: Stage, request: Request) -> list[_Pair]:
    near, far = stage.fleet.sides(request)
    return [_Pair(a, b) for a, b in zip(near.workers, far.workers, strict=True)]


def _deafen(stage: Stage, at: float, pair: _Pair, frames: tuple[str, ...]) -> None:
    end_listener(stage, at, pair.acceptor, frames)
    stage.listening[pair.acceptor.address] = inf


def _blame_decode(stage: Stage, at: float, kind: str, request: Request) -> None:
    for worker, peer in zip(request.decode.workers, request.prefill.workers, strict=True):
        stage.blame(at, kind, worker, peer)
