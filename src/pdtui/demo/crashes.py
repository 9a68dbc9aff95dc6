"""How threads, engines and peers end, and what is seen of it."""

from collections.abc import Sequence
from math import inf

from pdtui.demo import crash_lines as crash
from pdtui.demo import nccl
from pdtui.demo import server_lines as server
from pdtui.demo.fleet import Instance, SendType, Worker
from pdtui.demo.stage import Stage
from pdtui.demo.starting import listening_thread


def end_listener(stage: Stage, at: float, worker: Worker, frames: Sequence[str]) -> None:
    """The listening thread is gone; its process lives on, and hears nobody."""
    number = listening_thread(stage.fleet.send_type)
    stage.print(at, worker.process, crash.of_listener(number, frames))


def end_sender(stage: Stage, at: float, worker: Worker, frames: Sequence[str]) -> None:
    """What sends is gone: a thread, and the engine waits for it; or, in PUT, the engine itself."""
    if stage.fleet.send_type is SendType.PUT_ASYNC:
        stage.print(at, worker.process, crash.of_sender(frames))
    else:
        end_engine(stage, at, worker, crash.of_saving(frames))


def end_engine(stage: Stage, at: float, worker: Worker, frames: Sequence[str]) -> None:
    """A worker's step throws: the engine ends, and the API server with it."""
    instance = stage.fleet.instance_of(worker)
    told = frames
    if worker.process != instance.core:
        stage.record(at, worker.process, server.WORKER_ENDS, crash.of_worker(frames))
        told = (
            f"RuntimeError: Worker failed with error '{frames[-1].partition(': ')[2]}', "
            "please check the stack trace above for the root cause",
        )
    if stage.ended(instance) == inf:
        stage.record(at + 0.01, instance.core, server.ENGINE_ENDS, crash.of_engine(told))
        end_server(stage, at + 0.02, instance)


def time_out(stage: Stage, at: float, instance: Instance) -> None:
    """An engine has waited five minutes for its workers, and ends."""
    stage.record(at, instance.core, server.ENGINE_ENDS, crash.ENGINE_TIMED_OUT)
    end_server(stage, at + 0.02, instance)


def end_server(stage: Stage, at: float, instance: Instance) -> None:
    """The API server learns that its engine is gone, fails its request, and leaves."""
    client = f"{stage.fleet.proxy}:{stage.rng.randrange(33000, 61000)}"
    stage.record(at, instance.api, server.SERVER_ENDS, crash.ENGINE_DEAD)
    stage.say(at + 0.01, instance.api, server.FAILED, client=client, call="POST /v1/completions")
    for number, template in enumerate(
        (server.CLOSING, server.CLOSING_APPLICATION, server.CLOSED_APPLICATION)
    ):
        stage.say(at + 0.1 * (number + 1), instance.api, template)
    stage.end(instance, at + 0.3)


def see_go(stage: Stage, at: float, victim: Instance) -> None:
    """Over P2P the only trace of a killed peer: NCCL's service threads see it go."""
    gone = {worker.address for worker in victim.workers}
    for worker in stage.fleet.workers:
        for address, member in stage.members[worker.address].items():
            if address in gone:
                stage.nccl(at + 0.06, worker.process.file, [nccl.left(member)])
