"""What is wrong with a run, and the answer in the output schema."""

from __future__ import annotations

import numpy as np

from pdtui.core import (
    problems_crash,
    problems_handshake,
    problems_request,
    problems_transfer,
    problems_unanswered,
)
from pdtui.core.bytescan import distinct_values
from pdtui.core.evidence import Place, clock_of, length_of, seconds
from pdtui.core.handshakes import Handshake
from pdtui.core.inspection import Inspection
from pdtui.core.matches import Matches
from pdtui.core.problems import Kind, Problem, Severity, arrange
from pdtui.core.query import Filter
from pdtui.core.sides import Side
from pdtui.core.stamps import NO_TIME, SECOND, to_datetime
from pdtui.core.steps import STEP_WORDS

_LONG_SILENCE = 60 * SECOND


def find_problems(inspection: Inspection) -> list[Problem]:
    """The problems, first causes first, each with what follows from it; notes come last."""
    found = [
        *problems_handshake.find(inspection),
        *problems_transfer.find(inspection),
        *problems_request.find(inspection),
        *problems_crash.find(inspection),
    ]
    explained = any(p.severity is Severity.ERROR or p.kind is Kind.CLOCK_SKEW for p in found)
    if not explained:
        found += [*problems_unanswered.find(inspection)] or _silence(inspection)
    return arrange(found, inspection.clocks)


def is_failed(problems: list[Problem]) -> bool:
    """Whether one of them is more than a note."""
    return any(problem.severity is Severity.ERROR for problem in problems)


def passing(problems: list[Problem], inspection: Inspection, wanted: Filter) -> list[Problem]:
    """The problems of which a row passes the filter, or a row of what follows from them."""
    matches = Matches(wanted)
    matches.refresh(inspection.snapshot)

    def passes(problem: Problem) -> bool:
        rows = any(
            bool(matches.of(place.source).mask(place.row, place.row + 1)[0])
            for place in problem.evidence
        )
        return rows or any(map(passes, problem.follows))

    return [problem for problem in problems if passes(problem)]


def _silence(inspection: Inspection) -> list[Problem]:
    """The longest time in which no source wrote anything, where it is long."""
    parts = [
        distinct_values(when) + inspection.offsets.get(source.label, 0)
        for source, stop in inspection.snapshot
        if stop and source.columns.when[0] != NO_TIME
        for _, when in source.columns.when.parts(stop)
    ]
    if not parts:
        return []
    times = distinct_values(np.concatenate(parts))
    if len(times) < 2:
        return []
    place = int(np.argmax(np.diff(times)))
    began, ended = int(times[place]), int(times[place + 1])
    if ended - began < _LONG_SILENCE:
        return []
    return [
        Problem(
            Kind.SILENCE,
            Severity.NOTE,
            f"no row for {length_of(ended - began)}, from {clock_of(began)} to {clock_of(ended)}",
            "No load, or all of them wait",
            _rows_at(inspection, ended),
        )
    ]


def _rows_at(inspection: Inspection, time: int) -> list[Place]:
    """The first row with this time."""
    for number, (source, stop) in enumerate(inspection.snapshot):
        offset = inspection.offsets.get(source.label, 0)
        for first, when in source.columns.when.parts(stop):
            rows = np.flatnonzero(when + offset == time)
            if len(rows):
                return [Place(number, first + int(rows[0]))]
    return []


def as_json(inspection: Inspection, problems: list[Problem]) -> dict[str, object]:
    """The whole answer in the output schema, ready for `json`."""
    clocks = inspection.clocks
    ends = [clocks.end_of(number) for number in range(len(inspection.snapshot))]
    return {
        "sources": [
            {"source": source.label, "rows": stop, "end": None if end is None else _iso(end)}
            for (source, stop), end in zip(inspection.snapshot, ends, strict=True)
        ],
        "handshakes": [_handshake(inspection, pair) for pair in inspection.handshakes.pairs],
        "problems": [problem.as_json(clocks) for problem in problems],
        "skew": [
            {
                "source": skew.source,
                "against": skew.against,
                "seconds": seconds(skew.estimate),
                "error": None if skew.error is None else seconds(skew.error),
                "bound": skew.bound,
                "pairs": skew.pairs,
            }
            for skew in inspection.skews
        ],
    }


def _iso(time: int) -> str:
    return to_datetime(time).isoformat()


def _handshake(inspection: Inspection, pair: Handshake) -> dict[str, object]:
    prefill, decode = inspection.handshakes.prefill_and_decode(pair)
    took = pair.took(inspection.clocks)
    return {
        "prefill": prefill or None,
        "decode": decode or None,
        "connects": "decode" if prefill == pair.acceptor_address != decode else "prefill",
        "rank": next((s.engine.rank for s in pair.sides if s.engine.rank is not None), None),
        "generation": pair.generation,
        "state": pair.state.value,
        "seconds": None if took is None else seconds(took),
        "connector": _side(inspection, pair.connector),
        "acceptor": _side(inspection, pair.acceptor),
    }


def _side(inspection: Inspection, side: Side | None) -> dict[str, object] | None:
    if side is None:
        return None
    steps = []
    for step, row in sorted(side.steps.items(), key=lambda item: item[1]):
        time = inspection.clocks.time(Place(side.source, row))
        steps.append(
            {
                "step": STEP_WORDS[step],
                "line": row + 1,
                "time": None if time is None else _iso(time),
            }
        )
    return {
        "source": inspection.clocks.label(side.source),
        "pid": side.engine.pid,
        "steps": steps,
    }
