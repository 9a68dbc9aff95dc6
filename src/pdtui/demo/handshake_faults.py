"""Runs in which a handshake is never done, or its sides are lost."""

from collections.abc import Callable
from dataclasses import replace
from math import inf

from pdtui.demo import crash_lines as crash
from pdtui.demo import nccl
from pdtui.demo.crashes import end_engine, end_listener, end_sender, see_go
from pdtui.demo.fleet import Fleet, Request, SendType, Worker
from pdtui.demo.handshakes import Connect, Offer, Side, connect, enter, receive_new, send_new
from pdtui.demo.serving import Course, run
from pdtui.demo.stage import Stage
from pdtui.demo.starting import start
from pdtui.demo.transfers import move

_STALLED = "handshake-stalled"


def stuck(stage: Stage) -> None:
    """NEW never arrives at the last accepting instance."""
    run(stage, Course(connect=_at_last(stage, _lose)))


def unanswered(stage: Stage) -> None:
    """The last accepting instance receives NEW, and goes no further."""

    def ignore(stage: Stage, offer: Offer) -> None:
        receive_new(stage, offer)
        stage.listening[offer.near.peer.address] = inf
        _blame(stage, offer)

    run(stage, Course(connect=_at_last(stage, ignore)))


def deadlocked(stage: Stage) -> None:
    """Both sides of the last accepting instance's handshakes are in, and never out."""
    run(stage, Course(connect=_at_last(stage, _lock)))


def killed(stage: Stage) -> None:
    """The last accepting instance is killed with its first NEW just received."""
    victim = stage.fleet.accepting[-1]

    def kill(stage: Stage, offer: Offer) -> None:
        at = receive_new(stage, offer)
        _blame_lost(stage, at, offer)
        stage.end(victim, at)

    run(stage, Course(connect=_at_last(stage, kill)))


def duplicate_gpu(stage: Stage) -> None:
    """The first connecting and the last accepting instance share their GPUs."""
    near, far = stage.fleet.connecting[0], stage.fleet.accepting[-1]

    def meet(stage: Stage, at: float, connector: Worker, acceptor: Worker) -> float:
        if connector not in near.workers or acceptor not in far.workers:
            return connect(stage, at, connector, acceptor)
        offer = send_new(stage, at, connector, replace(acceptor, gpu=connector.gpu))
        side = enter(stage, offer, receive_new(stage, offer))
        ended = max(side.entered, offer.near.entered) + 0.1
        stage.blame(ended, "handshake-refused", connector, acceptor)
        _refuse(stage, ended, side)
        end_listener(stage, ended + 0.004, acceptor, crash.ACCEPTING)
        stage.listening[acceptor.address] = inf
        _refuse(stage, ended, offer.near)
        _end_connecting(stage, ended + 0.005, connector)
        return inf

    run(stage, Course(connect=meet))


def taken(stage: Stage) -> None:
    """The last decode was given the first prefill's host and port, and prefill meets itself."""
    stage.fleet = _on_one_address(stage.fleet)
    first, victim = stage.fleet.prefills[0], stage.fleet.decodes[-1]

    def meet(stage: Stage, at: float, connector: Worker, acceptor: Worker) -> float:
        if acceptor not in victim.workers:
            return connect(stage, at, connector, acceptor)
        there = first.workers[acceptor.rank]
        if connector is not there:
            return connect(stage, at, connector, there)
        return _meet_itself(stage, at, connector)

    start(stage, failing=[victim])
    run(stage, Course(connect=meet, started=True))


def lost(stage: Stage) -> None:
    """The last accepting instance is killed while the tensors of a request travel.

    Whoever had a communicator with it has lost a peer: NCCL lets all of them see it go.
    """
    victim = stage.fleet.accepting[-1]
    chosen = stage.turn_of(victim)

    def kill(stage: Stage, at: float, request: Request) -> tuple[int, ...] | None:
        _, far = stage.fleet.sides(request)
        if far != victim or request.number < chosen:
            return move(stage, at, request)
        if stage.ended(victim) == inf:
            stage.end(victim, at)
            see_go(stage, at, victim)
            for peer in victim.workers:
                for worker in _met(stage, peer):
                    stage.blame(at, "peer-lost", peer, worker)
        return None

    run(stage, Course(move=kill))


def _met(stage: Stage, worker: Worker) -> list[Worker]:
    """The workers that share a communicator with this one, each of which loses a peer with it."""
    return [
        other for other in stage.fleet.workers if worker.address in stage.members[other.address]
    ]


def uneven(stage: Stage) -> None:
    """The connecting side has more ranks: those above have nobody to meet."""
    for near in stage.fleet.connecting:
        far = stage.fleet.accepting[0]
        stage.blame(0.0, "parallel-mismatch", near.workers[-1], far.workers[-1])

    def meet(stage: Stage, at: float, connector: Worker, acceptor: Worker) -> float:
        if any(acceptor in instance.workers for instance in stage.fleet.accepting):
            return connect(stage, at, connector, acceptor)
        send_new(stage, at, connector, acceptor)
        return inf

    run(stage, Course(connect=meet))


def _at_last(stage: Stage, fail: Callable[[Stage, Offer], None]) -> Connect:
    """All handshakes go well but those with the last accepting instance."""
    last = stage.fleet.accepting[-1]

    def meet(stage: Stage, at: float, connector: Worker, acceptor: Worker) -> float:
        if acceptor not in last.workers:
            return connect(stage, at, connector, acceptor)
        offer = send_new(stage, at, connector, acceptor)
        if stage.listening[acceptor.address] == inf:
            _blame(stage, offer)
        elif stage.ended(last) == inf:
            fail(stage, offer)
        else:
            _blame_lost(stage, offer.near.entered, offer)
        return inf

    return meet


def _blame(stage: Stage, offer: Offer) -> None:
    stage.blame(offer.near.entered, _STALLED, offer.near.worker, offer.near.peer)


def _blame_lost(stage: Stage, at: float, offer: Offer) -> None:
    stage.blame(at, "peer-lost", offer.near.peer, offer.near.worker)


def _lose(stage: Stage, offer: Offer) -> None:
    _blame(stage, offer)


def _lock(stage: Stage, offer: Offer) -> None:
    enter(stage, offer, receive_new(stage, offer))
    stage.listening[offer.near.peer.address] = inf
    _blame(stage, offer)


def _refuse(stage: Stage, at: float, side: Side) -> None:
    process = side.worker.process
    stamp = f"{stage.clock(at, process.file):%Y-%m-%d %H:%M:%S}"
    texts = nccl.refuse(side.member, stamp, at - side.entered, stage.rng)
    stage.nccl(at, process.file, texts)


def _end_connecting(stage: Stage, at: float, worker: Worker) -> None:
    if stage.fleet.send_type is SendType.GET:
        end_engine(stage, at, worker, crash.GETTING)
    else:
        end_sender(stage, at, worker, crash.CONNECTING)


def _meet_itself(stage: Stage, at: float, worker: Worker) -> float:
    offer = send_new(stage, at, worker, worker)
    side = enter(stage, offer, receive_new(stage, offer))
    ended = max(side.entered, offer.near.entered) + 0.1
    stage.listening[worker.address] = inf
    if stage.fleet.send_type is not SendType.PUT_ASYNC:
        _refuse(stage, ended, side)
        end_listener(stage, ended + 0.004, worker, crash.ACCEPTING)
        _refuse(stage, ended, offer.near)
        end_sender(stage, ended + 0.005, worker, crash.CONNECTING)
        return inf
    _refuse(stage, ended, offer.near)
    _refuse(stage, ended, side)
    stage.print(ended + 0.004, worker.process, crash.TORN)
    return inf


def _on_one_address(fleet: Fleet) -> Fleet:
    first, last = fleet.prefills[0], fleet.decodes[-1]
    workers = tuple(
        replace(worker, address=there.address)
        for worker, there in zip(last.workers, first.workers, strict=True)
    )
    moved = replace(last, host=first.host, workers=workers)
    return replace(fleet, decodes=(*fleet.decodes[:-1], moved))
