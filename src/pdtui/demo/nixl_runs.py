"""Runs with NixlConnector, in which decode fetches from prefill what it is told to."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from pdtui.demo import nixl_lines as say
from pdtui.demo import server_lines as server
from pdtui.demo.fleet import Instance, Request, Role, Worker
from pdtui.demo.handshakes import TICK
from pdtui.demo.stage import STATS_EVERY, Meter, Stage

_LEASE: Final = 30.0
_REST: Final = 1.0
_TOKENS_A_SECOND: Final = 60.0
_BLOCKS: Final = 65536
_PORTS: Final = {Role.PREFILL: 8100, Role.DECODE: 8200}


@dataclass(slots=True)
class _Tally:
    """What the lines on KV transfers will say: how many, by instance and 10 s."""

    fetched: Counter[tuple[str, int]] = field(default_factory=Counter)
    expired: Counter[tuple[str, int]] = field(default_factory=Counter)
    met: set[tuple[str, int]] = field(default_factory=set)


def healthy(stage: Stage) -> None:
    """All is fetched but for one request, whose client has gone away."""
    aborted = stage.requests * 2 // 5
    _run(stage, lambda number: number != aborted)


def expired(stage: Stage) -> None:
    """The proxy asks the prefills only: nobody fetches, and every lease runs out."""
    for prefill in stage.fleet.prefills:
        for worker, peer in zip(prefill.workers, stage.fleet.decodes[0].workers, strict=True):
            stage.blame(_LEASE, "blocks-expired", worker, peer)
    _run(stage, lambda number: False)


def _run(stage: Stage, is_fetched: Callable[[int], bool]) -> None:
    for instance in stage.fleet.instances:
        stage.meters[instance.file] = Meter(_start(stage, stage.rng.uniform(0, 0.5), instance))
    tally = _Tally()
    for at, group in stage.arrivals():
        for number, request in enumerate(group):
            done = _prefill(stage, at + 0.004 * number, request)
            if is_fetched(request.number):
                _decode(stage, done, request, tally)
            else:
                _expire(stage, done, request, tally)
    until = max(stage.last() + _REST, stage.nominal_end)
    for instance in stage.fleet.instances:
        _stats(stage, until, instance, tally)
        _stop(stage, until + stage.rng.uniform(0, 0.2), instance)


def _start(stage: Stage, at: float, instance: Instance) -> float:
    size = len(instance.workers)
    values: dict[str, object] = {
        "engine_id": instance.engine_id,
        "port": _PORTS[instance.role],
        "kv_role": instance.kv_role,
        "parallel": f"'tensor_parallel_size': {size}, " if size > 1 else "",
        "seconds": stage.rng.uniform(9.0, 28.0),
        "world": size,
    }
    stage.record(at, instance.api, say.BANNER_LINE, say.BANNER)
    stage.say(at + TICK, instance.api, say.ARGUMENTS, **values)
    for worker in instance.workers:
        _start_worker(stage, at + 0.4 + 0.01 * worker.rank, worker, values)
    at = stage.recite(at + 1.6, instance.core, say.CORE_STARTS, values)
    at = stage.recite(at, instance.api, (say.LISTENING,), values)
    stage.say(at + 0.03, instance.api, server.STARTED, pid=instance.api.pid)
    stage.say(at + 0.03, instance.api, server.STARTING_UP)
    stage.say(at + 0.05, instance.api, server.STARTED_UP)
    return at + 0.1


def _start_worker(stage: Stage, at: float, worker: Worker, values: dict[str, object]) -> None:
    told = values | {"rank": worker.rank}
    at = stage.recite(at, worker.process, (say.ASSIGNED, *say.WORKER_STARTS), told)
    file = worker.process.file
    agent = UUID(int=stage.rng.getrandbits(128), version=4)
    stamp = f"{stage.clock(at, file):%Y-%m-%d %H:%M:%S}"
    stage.put(at, file, [text.format(stamp=stamp, agent=agent) for text in say.AGENT])
    stage.recite(at, worker.process, say.WORKER_STARTED, told)


def _prefill(stage: Stage, at: float, request: Request) -> float:
    end = at + stage.rng.uniform(0.05, 0.2)
    stage.meters[request.prefill.file].count(request, at, end, 1)
    _access(stage, end, request.prefill)
    return end + TICK


def _decode(stage: Stage, at: float, request: Request, tally: _Tally) -> None:
    instance = request.decode
    for worker in instance.workers:
        if (request.prefill.file, worker.process.pid) not in tally.met:
            tally.met.add((request.prefill.file, worker.process.pid))
            values = {
                "hash": f"{stage.rng.getrandbits(256):064x}",
                "ratio": 1,
                "world": len(instance.workers),
                "remote": len(request.prefill.workers),
                "rank": worker.rank,
            }
            stage.recite(at + 0.02, worker.process, (say.COMPATIBLE, say.PLAN), values)
    end = at + 0.05 + request.answer / _TOKENS_A_SECOND
    meter = stage.meters[instance.file]
    meter.count(request, at, end, request.answer)
    tally.fetched[instance.file, meter.step(at)] += 1
    _access(stage, end, instance)


def _expire(stage: Stage, at: float, request: Request, tally: _Tally) -> None:
    instance = request.prefill
    name = f"cmpl-{UUID(hex=request.uuid)}-0{request.suffixes[0]}"
    stage.notes.add("blocks-expired")
    at += _LEASE + stage.rng.uniform(0.0, 2.0)
    tally.expired[instance.file, stage.meters[instance.file].step(at)] += 1
    for worker in instance.workers:
        stage.say(at, worker.process, say.EXPIRED, request=name)


def _access(stage: Stage, at: float, instance: Instance) -> None:
    client = f"127.0.0.1:{stage.rng.randrange(33000, 61000)}"
    stage.say(at, instance.api, say.ACCESS, client=client)


def _stats(stage: Stage, until: float, instance: Instance, tally: _Tally) -> None:
    meter = stage.meters[instance.file]
    for step in range(meter.step(until)):
        at = meter.begin + (step + 1) * STATS_EVERY
        prefills = instance.role is Role.PREFILL
        stage.say(
            at,
            instance.api,
            say.STATS,
            prompt=meter.prompt[step] / STATS_EVERY if prefills else 0.0,
            made=meter.made[step] / STATS_EVERY,
            running=meter.running[step],
            usage=100.0 * meter.blocks[step] / _BLOCKS,
            external="0.0" if prefills else "100.0",
        )
        _transfers(stage, at, instance, step, tally)


def _transfers(stage: Stage, at: float, instance: Instance, step: int, tally: _Tally) -> None:
    fetched, gone = (t[instance.file, step] for t in (tally.fetched, tally.expired))
    if not fetched and not gone:
        return
    numbers = dict.fromkeys(("time", "post", "size", "speed", "parts"), 0.0)
    if fetched:
        numbers = {name: round(stage.rng.uniform(0.2, 4.0), 3) for name in numbers}
    told = {name: f"{number:g}" for name, number in numbers.items()}
    stage.say(at, instance.api, say.TRANSFERS, fetched=fetched, expired=gone, **told)


def _stop(stage: Stage, at: float, instance: Instance) -> None:
    values = {"engine": instance.core.pid, "world": len(instance.workers)}
    for who, template in say.STOP:
        at += TICK
        stage.say(at, instance.api if who == say.SERVER else instance.core, template, **values)
    for worker in instance.workers:
        stage.say(at, worker.process, say.WORKER_LEAVES)
    for worker in instance.workers:
        name, pid = worker.process.name, worker.process.pid
        stage.say(at + TICK, instance.api, say.WORKER_FORCED, worker=name, pid=pid)
    at = stage.recite(at + TICK, instance.api, say.STOPPED, {})
    for template in (server.CLOSING, server.CLOSING_APPLICATION, server.CLOSED_APPLICATION):
        stage.say(at, instance.api, template)
    stage.put(at + 0.1, instance.file, say.LEFT_OVER)
