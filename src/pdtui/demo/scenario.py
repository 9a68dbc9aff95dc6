"""The scenarios: what happens in a made-up P/D run, from its start to where it is left.

A scenario is an entry of a table: the function that plays it, the shapes and ways of sending in
which it can happen at all, and which kinds of problem may be named beside its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Final

from pdtui.demo import handshake_faults, healthy_runs, nixl_runs, transfer_faults
from pdtui.demo.fleet import SendType, Shape, make_fleet
from pdtui.demo.names import SCENARIOS
from pdtui.demo.stage import Line, Stage
from pdtui.demo.template import Detail, Heads
from pdtui.demo.truth import Truth

__all__ = ["SCENARIOS", "Detail", "Line", "Scenario", "SendType", "Truth", "build"]

_MOST_RANKS: Final = 8


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole made-up run: its files, their lines in the order of time, and what is true of it."""

    name: str
    files: tuple[str, ...]
    lines: tuple[Line, ...]
    truth: Truth


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a scenario is played, and where it can be."""

    play: Callable[[Stage], None]
    follows: frozenset[str] = frozenset()
    send_types: tuple[SendType, ...] = tuple(SendType)
    heads: Heads = Heads.COLOURED
    rivals: bool = False
    uneven: bool = False


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
    send_type: SendType = SendType.PUT_ASYNC,
    detail: Detail = Detail.DEBUG,
) -> Scenario:
    """Makes up the named run; the same arguments make the same lines.

    Where a scenario cannot happen in this shape it gets the nearest in which it can: tensors go
    another way, the side that connects has a second instance or more ranks, every pair of
    instances has a request. NixlConnector's runs are always at INFO. Unknown names, and shapes
    that vLLM has not, raise ValueError.
    """
    if name not in _PLANS:
        raise ValueError(f"no scenario {name!r}; there are {', '.join(_PLANS)}")
    if min(prefills, decodes, requests) < 1:
        raise ValueError("a scenario needs a prefill, a decode and a request")
    if not 1 <= tensor_parallel <= _MOST_RANKS:
        raise ValueError(f"tensor_parallel must be from 1 to {_MOST_RANKS}")
    plan = _PLANS[name]
    shape = _fit(plan, Shape(prefills, decodes, tensor_parallel, tensor_parallel, send_type))
    rng = Random(seed)
    fleet = make_fleet(rng, shape)
    if plan.follows:
        requests = max(requests, shape.prefills * shape.decodes)
    stage = Stage(start, rng, fleet, patched=patched, requests=requests, detail=detail)
    plan.play(stage)
    causes = tuple(sorted(stage.causes, key=lambda cause: cause.at))
    notes = stage.notes - {cause.kind for cause in causes}
    truth = Truth(causes, plan.follows, frozenset(notes), stage.labelled_skews())
    return Scenario(name, tuple(i.file for i in fleet.instances), stage.lines(), truth)


def _fit(plan: _Plan, shape: Shape) -> Shape:
    sends = shape.send_type if shape.send_type in plan.send_types else plan.send_types[0]
    shape = replace(shape, send_type=sends, heads=plan.heads)
    gets = sends is SendType.GET
    if plan.rivals and gets:
        shape = replace(shape, decodes=max(2, shape.decodes))
    elif plan.rivals:
        shape = replace(shape, prefills=max(2, shape.prefills))
    if plan.uneven:
        more = min(_MOST_RANKS, shape.prefill_ranks * 2)
        ranks = (more // 2, more) if gets else (more, more // 2)
        shape = replace(shape, prefill_ranks=ranks[0], decode_ranks=ranks[1])
    return shape


_WAITS: Final = frozenset({"request-stalled", "silence"})
_ENDS: Final = _WAITS | {"traceback"}
_PUTS: Final = (SendType.PUT_ASYNC, SendType.PUT)

_PLANS: Final[Mapping[str, _Plan]] = {
    "refused": _Plan(transfer_faults.refused, frozenset({"kv-missing"}), send_types=_PUTS),
    "healthy": _Plan(healthy_runs.healthy),
    "loud": _Plan(healthy_runs.loud),
    "restarted": _Plan(healthy_runs.restarted),
    "skewed": _Plan(healthy_runs.skewed),
    "nixl": _Plan(nixl_runs.healthy, heads=Heads.RECORD),
    "stuck": _Plan(handshake_faults.stuck, _WAITS),
    "unanswered": _Plan(handshake_faults.unanswered, _WAITS),
    "deadlocked": _Plan(handshake_faults.deadlocked, _WAITS),
    "queued": _Plan(handshake_faults.deadlocked, _WAITS, rivals=True),
    "duplicate-gpu": _Plan(
        handshake_faults.duplicate_gpu,
        _ENDS | {"sender-died", "listener-died", "nccl-error"},
    ),
    "taken": _Plan(
        handshake_faults.taken,
        _ENDS | {"handshake-refused", "sender-died", "listener-died", "nccl-error", "peer-lost"},
    ),
    "killed": _Plan(handshake_faults.killed, _WAITS | {"handshake-stalled"}),
    "lost": _Plan(handshake_faults.lost, _WAITS),
    "deaf": _Plan(transfer_faults.deaf, _ENDS),
    "forgotten": _Plan(transfer_faults.forgotten, _ENDS | {"peer-lost"}, send_types=_PUTS),
    "mute": _Plan(transfer_faults.mute, _ENDS, send_types=(SendType.PUT_ASYNC,)),
    "broken": _Plan(transfer_faults.broken, _ENDS | {"sender-died", "listener-died"}),
    "spilled": _Plan(transfer_faults.spilled, send_types=_PUTS),
    "overrun": _Plan(transfer_faults.overrun, _ENDS | {"listener-died", "kv-missing"}),
    "oom": _Plan(transfer_faults.oom, frozenset({"kv-missing"}), send_types=_PUTS),
    "evicted": _Plan(
        transfer_faults.evicted, frozenset({"buffer-full"}), send_types=(SendType.GET,)
    ),
    "mismatched": _Plan(transfer_faults.mismatched),
    "renamed": _Plan(transfer_faults.renamed, _WAITS | {"kv-missing"}, heads=Heads.PLAIN),
    "waiting": _Plan(transfer_faults.waiting, frozenset({"silence"})),
    "uneven": _Plan(handshake_faults.uneven, _WAITS | {"handshake-stalled"}, uneven=True),
    "crashed": _Plan(transfer_faults.crashed, _WAITS | {"peer-lost"}),
    "expired": _Plan(
        nixl_runs.expired, frozenset({"request-stalled", "silence"}), heads=Heads.RECORD
    ),
}
