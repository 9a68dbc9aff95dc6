"""Problems of requests: ids that do not match, and requests that wait for ever."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from pdtui.core.evidence import Place, clock_of, counted, length_of
from pdtui.core.fields import P2P_REQUEST
from pdtui.core.handshakes import role_of
from pdtui.core.inspection import Inspection
from pdtui.core.problems import Kind, Problem, Severity
from pdtui.core.requests import Summary, Verdict
from pdtui.core.roles import DECODE, PREFILL
from pdtui.core.source import Source
from pdtui.core.stamps import SECOND
from pdtui.core.steps import Step

_WITH_ID = (
    Step.REQUEST_ADDED,
    Step.TENSOR_SENT,
    Step.TENSOR_AWAITED,
    Step.KV_SENT,
    Step.TENSOR_LOST,
    Step.KV_MISSING,
)
ENGINE_ID = re.compile(P2P_REQUEST.pattern + r"(?:-\d+)?-(?P<suffix>[0-9a-f]{8})(?![0-9a-f])")
"""A P2P request's id with the random suffix that an engine gives it; both must have the same."""
_MOST_READ = 500
_FEW_MINUTES = 2
"""Once is a machine that is slow."""
_LONGEST_MINUTE = 90 * SECOND
_LONGEST_WAIT = 20 * SECOND
"""So long without a token while requests run: nothing but a stall is so slow."""


def find(inspection: Inspection) -> Iterator[Problem]:
    """The problems of this kind."""
    yield from _id_mismatch(inspection)
    yield from _stalled(inspection)
    for number, (source, _) in enumerate(inspection.snapshot):
        yield from _not_generating(inspection, number, source)
        yield from _hung(inspection, number, source)


def _suffixes(number: int, source: Source) -> dict[str, dict[str, Place]]:
    """The uuid of each P2P request → the random suffixes that this source gives it."""
    found: dict[str, dict[str, Place]] = defaultdict(dict)
    for row in source.traces.rows_with(*_WITH_ID)[:_MOST_READ].tolist():
        text = source.line(row).decode("utf-8", "replace")
        if said := ENGINE_ID.search(text):
            found[said["key"]].setdefault(said["suffix"], Place(number, row))
    return found


def _id_mismatch(inspection: Inspection) -> Iterator[Problem]:
    by_role: dict[str | None, dict[str, dict[str, Place]]] = {PREFILL: {}, DECODE: {}}
    for number, (source, _) in enumerate(inspection.snapshot):
        role = role_of(source)
        if role in by_role:
            for uuid, suffixes in _suffixes(number, source).items():
                by_role[role].setdefault(uuid, {}).update(suffixes)
    evidence: list[Place] = []
    count = 0
    for uuid, given in by_role[PREFILL].items():
        wanted = by_role[DECODE].get(uuid, {})
        if wanted and not given.keys() & wanted.keys():
            count += 1
            evidence += [next(iter(wanted.values())), next(iter(given.values()))]
    if count:
        yield Problem(
            Kind.REQUEST_ID_MISMATCH,
            Severity.ERROR,
            f"prefill and decode have different ids for {counted(count, 'request')}: only the "
            "random suffix differs, so decode waits for tensors that never come",
            "vLLM 0.14 and newer: VLLM_DISABLE_REQUEST_ID_RANDOMIZATION=1 on both sides",
            evidence,
        )


def _stalled(inspection: Inspection) -> Iterator[Problem]:
    end = inspection.clocks.end()
    waits = [
        request
        for request in inspection.requests.with_steps(
            Step.KV_ASKED, Step.KV_WAITED, Step.TENSOR_AWAITED
        )
        if request.verdict is Verdict.WAITS and _age(request, end) >= inspection.threshold
    ]
    if not waits:
        return
    longest = waits[0]
    places = [
        place
        for place in inspection.requests.rows_of(longest.key)
        if role_of(inspection.snapshot[place.source][0]) != PREFILL
    ] or inspection.requests.rows_of(longest.key)
    name = inspection.requests.name(longest.key)
    label = inspection.clocks.label(places[-1].source)
    many = f"{len(waits)} requests wait" if len(waits) > 1 else "a request waits"
    yield Problem(
        Kind.REQUEST_STALLED,
        Severity.ERROR,
        f"{many} for KV in {label}, the longest since {clock_of(longest.first)} ({name}), "
        f"{length_of(_age(longest, end))}",
        "What does prefill say of this request? Is the handshake up?",
        [places[-1], places[0]],
    )


def _age(request: Summary, end: int | None) -> int:
    return 0 if end is None or request.first is None else end - request.first


def _not_generating(inspection: Inspection, number: int, source: Source) -> Iterator[Problem]:
    """Requests run up to the end of the log, and not a token comes."""
    rows = source.traces.rows_with(Step.GENERATING, Step.NOT_GENERATING)
    idle = np.isin(rows, source.traces.rows_with(Step.NOT_GENERATING))
    if not len(rows) or not idle[-1] or role_of(source) == PREFILL:
        return
    first = rows[np.flatnonzero(~idle)[-1] + 1] if not idle.all() else rows[0]
    begin, end = Place(number, int(first)), Place(number, int(rows[-1]))
    began, ended = inspection.clocks.time(begin), inspection.clocks.time(end)
    if began is None or ended is None or ended - began < _LONGEST_WAIT:
        return
    yield Problem(
        Kind.REQUEST_STALLED,
        Severity.ERROR,
        f"{source.label}: requests run and not one token comes, from {clock_of(began)} to the end "
        f"({length_of(ended - began)})",
        "Decode waits for KV: look at its handshakes, and at the ids of its requests on both sides",
        [begin, end],
    )


def _hung(inspection: Inspection, number: int, source: Source) -> Iterator[Problem]:
    """vLLM's word of every minute that its workers do not answer, up to the end of the log."""
    places = [Place(number, row) for row in source.traces.rows_with(Step.WORKER_HUNG).tolist()]
    end = inspection.clocks.end_of(number)
    times = [inspection.clocks.time(place) for place in places]
    known = [time for time in times if time is not None]
    if len(known) < _FEW_MINUTES or end is None or end - known[-1] > _LONGEST_MINUTE:
        return
    yield Problem(
        Kind.REQUEST_STALLED,
        Severity.ERROR,
        f"{source.label}: its workers have not answered since {clock_of(known[0])}, said "
        f"{counted(len(known), 'time')}",
        "A worker hangs, often in NCCL, or its sender died. Next: py-spy dump on the workers",
        places,
    )
