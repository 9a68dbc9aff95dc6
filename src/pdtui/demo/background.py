"""What goes on whether requests move or not: stats, scrapes, the engine's loop; and the end."""

from collections.abc import Iterable, Iterator
from math import inf
from typing import Final

from pdtui.demo import nccl
from pdtui.demo import server_lines as say
from pdtui.demo.fleet import Instance
from pdtui.demo.stage import STATS_EVERY, Stage

_SCRAPE_EVERY: Final = 5.0
WARNED_EVERY: Final = 60.0
_BLOCKS: Final = 9000


def background(stage: Stage, until: float) -> None:
    """Writes what each instance says by itself up to a time."""
    for instance in stage.fleet.instances:
        if instance.file not in stage.meters:
            continue  # it never came up
        _stats(stage, until, instance)
        _scrapes(stage, until, instance)
        _loop(stage, until, instance)


def stop(
    stage: Stage, at: float, *, seen: float = 0.5, only: Iterable[Instance] | None = None
) -> None:
    """Every instance (or only these) is stopped with Ctrl-C, and leaves in order.

    Who leaves last still has its service thread to see the other go: `seen` is how often.
    """
    for instance in stage.fleet.instances if only is None else only:
        begin = at + stage.rng.uniform(0.0, 0.2)
        for number, template in enumerate(
            (say.SHUTTING_DOWN, say.CLOSING, say.CLOSING_APPLICATION, say.CLOSED_APPLICATION)
        ):
            stage.say(begin + 0.1 * number, instance.api, template)
        _leave(stage, begin + 0.5, instance, seen)


def _leave(stage: Stage, at: float, instance: Instance, seen: float) -> None:
    for worker in instance.workers:
        at += 0.01
        stage.nccl(at, instance.file, [nccl.leave(worker.process.pid, worker.rank)])
        for member in stage.members[worker.address].values():
            if stage.rng.random() < seen:
                stage.nccl(at + 0.06, instance.file, [nccl.left(member)])


def _stats(stage: Stage, until: float, instance: Instance) -> None:
    meter = stage.meters[instance.file]
    before = 0.0
    for step in range(meter.step(until)):
        prompt, made = meter.prompt[step] / STATS_EVERY, meter.made[step] / STATS_EVERY
        # vLLM lowers the level of a stats line where neither it nor the one before has tokens.
        idle = prompt + made + before == 0.0
        before = prompt + made
        stage.say(
            meter.begin + (step + 1) * STATS_EVERY,
            instance.api,
            say.STATS_IDLE if idle else say.STATS,
            prompt=prompt,
            made=made,
            running=meter.running[step],
            usage=100.0 * meter.blocks[step] / _BLOCKS,
        )


def _scrapes(stage: Stage, until: float, instance: Instance) -> None:
    client = f"{stage.fleet.proxy}:{stage.rng.randrange(33000, 61000)}"
    at = stage.meters[instance.file].begin + stage.rng.uniform(0.5, _SCRAPE_EVERY)
    while at < until:
        stage.say(at, instance.api, say.ACCESS, client=client, call="GET /metrics")
        at += _SCRAPE_EVERY


def _loop(stage: Stage, until: float, instance: Instance) -> None:
    for begin, end in _merge(stage.busy[instance.file]):
        stage.say(begin - 0.002, instance.core, say.LOOP_ACTIVE)
        if end < inf:
            stage.say(end + 0.004, instance.core, say.LOOP_WAITING)
        elif len(instance.workers) > 1:
            _wait_for_workers(stage, begin, until, instance)


def _wait_for_workers(stage: Stage, begin: float, until: float, instance: Instance) -> None:
    """An engine whose step does not end says so every minute, where it has worker processes."""
    at = begin + WARNED_EVERY
    while at < until:
        stage.say(at, instance.core, say.WAITS_FOR_WORKERS)
        at += WARNED_EVERY


def _merge(spans: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    current: tuple[float, float] | None = None
    for begin, end in sorted(spans):
        if current is not None and begin <= current[1] + 0.01:
            current = (current[0], max(current[1], end))
            continue
        if current is not None:
            yield current
        current = (begin, end)
    if current is not None:
        yield current
