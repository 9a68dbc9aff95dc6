"""Runs in which all is answered, and those that look worse than they are."""

from collections.abc import Callable
from typing import Final

from pdtui.demo.background import stop
from pdtui.demo.fleet import LATER_PIDS, LAYERS, Request, SendType, make_fleet
from pdtui.demo.serving import Course, run
from pdtui.demo.stage import Stage
from pdtui.demo.transfers import Move, move, spill, spill_all

_RESTART: Final = 9.0


def healthy(stage: Stage) -> None:
    """One tensor goes through host memory (in PUT; in GET it is prefill that holds them)."""
    chosen = stage.requests * 3 // 5

    def spill_one(stage: Stage, at: float, request: Request) -> None:
        if request.number == chosen:
            ranks = len(request.decode.workers)
            spill(stage, at, request, stage.rng.randrange(ranks), LAYERS - 1)

    stop(stage, run(stage, Course(move=_spilling(stage, spill_one))))


def loud(stage: Stage) -> None:
    """Most tensors go through host memory, and everyone sees the other go."""
    first = stage.requests // 4

    def spill_most(stage: Stage, at: float, request: Request) -> None:
        if request.number >= first:
            spill_all(stage, at, request)

    stop(stage, run(stage, Course(move=_spilling(stage, spill_most))), seen=1.0)


def skewed(stage: Stage) -> None:
    """The last decode's node is ahead or behind."""
    seconds = stage.rng.choice((-1, 1)) * stage.rng.uniform(2.5, 9.0)
    stage.notes.add("clock-skew")
    stage.skews[stage.fleet.decodes[-1].file] = seconds
    stop(stage, run(stage))


def restarted(stage: Stage) -> None:
    """Half of the requests, a stop, and the other half with new processes."""
    wanted = stage.requests
    stage.requests = max(1, wanted // 2)
    stop(stage, run(stage))
    again = make_fleet(stage.rng, stage.fleet.shape, LATER_PIDS)
    stage.renew(again, stage.last() + _RESTART)
    stage.requests = max(1, wanted - stage.requests)
    stop(stage, run(stage))


def _spilling(stage: Stage, spilled: Callable[[Stage, float, Request], object]) -> Move:
    if stage.fleet.send_type is SendType.GET:
        return move

    def moved(stage: Stage, at: float, request: Request) -> tuple[int, ...]:
        spilled(stage, at, request)
        return ()

    return moved
