"""How the instances of a run start: server, worker, P2P engine."""

from collections.abc import Collection
from typing import Final

from pdtui.demo import crash_lines as crash
from pdtui.demo import engine_lines as engine
from pdtui.demo import server_lines as server
from pdtui.demo.fleet import Instance, Role, SendType, Worker
from pdtui.demo.stage import Meter, Stage
from pdtui.demo.template import Heads

_VERSIONS: Final = {Heads.COLOURED: "0.11.0", Heads.PLAIN: "0.17.0"}


def start(
    stage: Stage,
    failing: Collection[Instance] = (),
    only: Collection[Instance] | None = None,
) -> None:
    """Every instance starts (or only these), up to a server that waits for requests.

    Where an address of a failing one is taken, it ends instead.
    """
    for instance in stage.fleet.instances if only is None else only:
        at = stage.rng.uniform(0.0, 0.4) + (0.3 if instance.role is Role.DECODE else 0.0)
        start_server(stage, at, instance)
        if instance in failing:
            _fail(stage, at + 0.6, instance)
            continue
        ready = max(_start_worker(stage, at + 0.4, instance, w) for w in instance.workers) + 0.1
        _serve(stage, ready, instance)
        stage.meters[instance.file] = Meter(ready)


def start_server(stage: Stage, at: float, instance: Instance) -> None:
    """The API server's first lines."""
    size = len(instance.workers)
    stage.say(at, instance.api, server.VERSION, version=_VERSIONS[instance.api.heads])
    stage.say(
        at + 0.004,
        instance.api,
        server.ARGUMENTS,
        http_port=instance.http_port,
        parallel=f"'tensor_parallel_size': {size}, " if size > 1 else "",
        engine_id=instance.engine_id,
        buffer=stage.buffer,
        kv_role=instance.kv_role,
        kv_port=instance.kv_port,
        proxy_ip=stage.fleet.proxy,
        proxy_port=30001,
        send_type=stage.fleet.send_type,
    )


_BEFORE_BINDING: Final = (
    engine.ASSIGNED,
    engine.CREATING,
    engine.EXPERIMENTAL,
    engine.ENGINE_START,
    engine.FOUND_NCCL,
    engine.ADDRESS,
)


def _start_worker(stage: Stage, at: float, instance: Instance, worker: Worker) -> float:
    values = _values(stage, instance, worker)
    at += 0.02 * worker.rank
    ping = (engine.PING,) if worker.rank == 0 else ()
    after = (engine.POOL, engine.RUNNING, engine.LISTENER, *ping, engine.INIT)
    at = stage.recite(at, worker.process, (*_BEFORE_BINDING, engine.BOUND), values)
    # Between them the engine pins the memory of its pool, which takes a second or so.
    return stage.recite(at + stage.rng.uniform(0.7, 1.1), worker.process, after, values)


def _values(stage: Stage, instance: Instance, worker: Worker) -> dict[str, object]:
    return {
        "rank": worker.rank,
        "world": len(instance.workers),
        "pid": worker.process.pid,
        "address": worker.address,
        "engine_id": instance.engine_id,
        "pool": worker.pool,
        "http_address": f"{instance.host}:{instance.http_port}",
        "proxy_address": f"{stage.fleet.proxy}:30001",
        "buffer": stage.buffer,
        "send_type": stage.fleet.send_type,
        "thread": listening_thread(stage.fleet.send_type),
    }


def listening_thread(send_type: SendType) -> int:
    """The number in the listener's name: with PUT_ASYNC a thread that sends is there before it."""
    return 2 if send_type is SendType.PUT_ASYNC else 1


def _serve(stage: Stage, at: float, instance: Instance) -> None:
    stage.say(at, instance.core, server.LOOP_WAITING)
    stage.say(at + 0.05, instance.api, server.LISTENING, http_port=instance.http_port)
    stage.say(at + 0.08, instance.api, server.STARTED, pid=instance.api.pid)
    stage.say(at + 0.08, instance.api, server.STARTING_UP)
    stage.say(at + 0.1, instance.api, server.STARTED_UP)


def _fail(stage: Stage, at: float, instance: Instance) -> None:
    """An address is taken: the workers end in bind, and with them the engine and the server."""
    for worker in instance.workers:
        stage.blame(at, "address-in-use", worker)
        values = _values(stage, instance, worker)
        failed = stage.recite(at + 0.02 * worker.rank, worker.process, _BEFORE_BINDING, values)
        frames = crash.binding(worker.address)
        if worker.process != instance.core:
            ended = crash.of_worker(frames)
            stage.record(failed, worker.process, server.WORKER_ENDS, ended)
        else:
            stage.record(failed, instance.core, server.ENGINE_NOT_STARTED, crash.of_start(frames))
    if len(instance.workers) > 1:
        frames = (
            "Exception: WorkerProc initialization failed due to an exception in a "
            "background process. See stack trace for root cause.",
        )
        stage.record(at + 0.3, instance.core, server.ENGINE_NOT_STARTED, crash.of_start(frames))
    stage.print(at + 0.4, instance.api, crash.NOT_STARTED)
    stage.end(instance, at + 0.4)
