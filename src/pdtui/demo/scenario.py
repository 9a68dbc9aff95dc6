"""The scenarios: what happens in a made-up P/D run, from its start to where it is left.

A scenario is a function in a table. It says only what is its own; starting, serving and
stopping are acts that all share.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from random import Random
from typing import Final

from pdtui.demo.acts import (
    Connect,
    Transfer,
    connect,
    decode_step,
    prefill_step,
    receive_new,
    refuse,
    send_new,
    spill,
    start,
    transfer,
)
from pdtui.demo.background import background, stop
from pdtui.demo.fleet import LAYERS, Request, Worker, make_fleet
from pdtui.demo.stage import Line, Stage

__all__ = ["SCENARIOS", "Line", "Scenario", "build"]

# The proxy forgets an instance that has not pinged it for so long.
_FORGOTTEN_AFTER: Final = 5.0
_REST: Final = 1.0
_MOST_RANKS: Final = 8


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole made-up run: its files, and their lines in the order of time."""

    name: str
    files: tuple[str, ...]
    lines: tuple[Line, ...]


def build(
    name: str,
    *,
    start: datetime,
    seed: int = 0,
    prefills: int = 1,
    decodes: int = 1,
    tensor_parallel: int = 1,
    patched: bool = True,
    requests: int = 40,
) -> Scenario:
    """Makes up the named run; the same arguments make the same lines."""
    if name not in _SCENARIOS:
        raise ValueError(f"no scenario {name!r}; there are {', '.join(_SCENARIOS)}")
    if min(prefills, decodes, requests) < 1:
        raise ValueError("a scenario needs a prefill, a decode and a request")
    if not 1 <= tensor_parallel <= _MOST_RANKS:
        raise ValueError(f"tensor_parallel must be from 1 to {_MOST_RANKS}")
    rng = Random(seed)
    fleet = make_fleet(rng, prefills, decodes, tensor_parallel)
    stage = Stage(start, rng, fleet, patched=patched, requests=requests)
    _SCENARIOS[name][1](stage)
    return Scenario(name, tuple(i.file for i in fleet.instances), stage.lines())


def _healthy(stage: Stage) -> None:
    chosen = stage.requests * 3 // 5

    def spill_one(stage: Stage, at: float, request: Request) -> tuple[int, ...]:
        if request.number == chosen:
            spill(stage, at, request)
        return ()

    stop(stage, _run(stage, transfer=spill_one))


def _refused(stage: Stage) -> None:
    chosen = stage.requests // 2

    def refuse_one(stage: Stage, at: float, request: Request) -> tuple[int, ...]:
        return refuse(stage, at, request, [LAYERS - 1]) if request.number == chosen else ()

    stop(stage, _run(stage, transfer=refuse_one))


def _stuck(stage: Stage) -> None:
    deaf = stage.fleet.decodes[-1]

    def connect_unheard(stage: Stage, at: float, connector: Worker, acceptor: Worker) -> float:
        if acceptor not in deaf.workers:
            return connect(stage, at, connector, acceptor)
        send_new(stage, at, connector, acceptor)
        return inf

    _run(stage, connect=connect_unheard)


def _killed(stage: Stage) -> None:
    victim = stage.fleet.decodes[-1]

    def connect_fatally(stage: Stage, at: float, connector: Worker, acceptor: Worker) -> float:
        if acceptor not in victim.workers:
            return connect(stage, at, connector, acceptor)
        stage.end(victim, receive_new(stage, send_new(stage, at, connector, acceptor)))
        return inf

    _run(stage, connect=connect_fatally)


def _oom(stage: Stage) -> None:
    first = stage.requests // 5

    def refuse_last(stage: Stage, at: float, request: Request) -> tuple[int, ...]:
        short = request.number > first and stage.rng.random() < 0.5
        if request.number == first or short:
            return refuse(stage, at, request, range(LAYERS - stage.rng.randrange(1, 4), LAYERS))
        return ()

    stop(stage, _run(stage, transfer=refuse_last))


def _run(stage: Stage, connect: Connect = connect, transfer: Transfer = transfer) -> float:
    start(stage)
    for at, group in stage.arrivals():
        for prefill in stage.fleet.prefills:
            mine = tuple(
                r
                for r in group
                if r.prefill is prefill and stage.ended(r.decode) + _FORGOTTEN_AFTER > at
            )
            if mine:
                _serve(stage, at, mine, connect, transfer)
    until = max(stage.last() + _REST, stage.nominal_end)
    background(stage, until)
    return until


def _serve(
    stage: Stage, at: float, requests: tuple[Request, ...], connect: Connect, transfer: Transfer
) -> None:
    end, lost = prefill_step(stage, at, requests, connect, transfer)
    if end == inf:
        return
    for number, request in enumerate(requests):
        decode_step(stage, end + 0.004 * (number + 1), request, lost[request.number])


_SCENARIOS: Final[Mapping[str, tuple[str, Callable[[Stage], None]]]] = {
    "refused": (
        "A pair shakes hands and serves; once decode's GPU has no room, and refuses a tensor.",
        _refused,
    ),
    "healthy": (
        "A pair shakes hands and serves; one tensor does not fit decode's buffer, and the run "
        "goes on to its end.",
        _healthy,
    ),
    "stuck": (
        "Prefill sends NEW and waits in ncclCommInitRank; decode listens and never gets it.",
        _stuck,
    ),
    "killed": (
        "Decode is killed just after it received NEW; prefill waits for it in ncclCommInitRank.",
        _killed,
    ),
    "oom": (
        "Decode's GPU runs out of memory: it refuses tensors, and answers without them.",
        _oom,
    ),
}

SCENARIOS: Final[Mapping[str, str]] = {name: text for name, (text, _) in _SCENARIOS.items()}
