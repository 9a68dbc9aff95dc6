"""What is wrong in a run: each problem with its evidence, and under it what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pdtui.core.evidence import Clocks, Place
from pdtui.core.stamps import SECOND, to_datetime

_MOST_EVIDENCE = 10


class Kind(StrEnum):
    """The kinds of problem, as they are called in every output."""

    HANDSHAKE_STALLED = "handshake-stalled"
    HANDSHAKE_REFUSED = "handshake-refused"
    PEER_LOST = "peer-lost"
    LISTENER_DIED = "listener-died"
    SENDER_DIED = "sender-died"
    ADDRESS_IN_USE = "address-in-use"
    BUFFER_FULL = "buffer-full"
    OUT_OF_MEMORY = "out-of-memory"
    KV_MISSING = "kv-missing"
    KV_MISMATCH = "kv-mismatch"
    REQUEST_ID_MISMATCH = "request-id-mismatch"
    REQUEST_STALLED = "request-stalled"
    PARALLEL_MISMATCH = "parallel-mismatch"
    BLOCKS_EXPIRED = "blocks-expired"
    NCCL_ERROR = "nccl-error"
    TRACEBACK = "traceback"
    CLOCK_SKEW = "clock-skew"
    SILENCE = "silence"


class Severity(StrEnum):
    """Whether a run with this is a failed one."""

    ERROR = "error"
    NOTE = "note"
    """Worth knowing; no fault, or one that the run got over."""


@dataclass(slots=True)
class Problem:
    """One thing that is wrong."""

    kind: Kind
    severity: Severity
    summary: str
    """A sentence that names processes and times."""
    hint: str
    """What to do or to look at."""
    evidence: list[Place]
    """The rows that prove it, the telling one first."""
    details: dict[str, object] = field(default_factory=dict)
    """Of a stall: `waiting`, `for`, `step`."""
    follows: list[Problem] = field(default_factory=list)
    """What this one explains."""

    @property
    def place(self) -> Place | None:
        """The telling row."""
        return self.evidence[0] if self.evidence else None

    def as_json(self, clocks: Clocks) -> dict[str, object]:
        """The problem in the output schema, ready for `json`; lines count from 1."""
        place = self.place
        time = None if place is None else clocks.time(place)
        return {
            "kind": self.kind.value,
            "severity": self.severity.value,
            "source": None if place is None else clocks.label(place.source),
            "line": None if place is None else place.row + 1,
            "time": None if time is None else to_datetime(time).isoformat(),
            "summary": self.summary,
            "hint": self.hint,
            "evidence": [
                {"source": clocks.label(one.source), "line": one.row + 1}
                for one in self.evidence[:_MOST_EVIDENCE]
            ],
            **self.details,
            "follows": [problem.as_json(clocks) for problem in self.follows],
        }


_CRASH = {Kind.SENDER_DIED, Kind.LISTENER_DIED, Kind.TRACEBACK, Kind.HANDSHAKE_REFUSED}
_LOST_KV = {Kind.KV_MISSING, Kind.KV_MISMATCH, Kind.REQUEST_STALLED, Kind.TRACEBACK}
_STANDS = {Kind.REQUEST_STALLED, Kind.BLOCKS_EXPIRED, Kind.SILENCE}
_EXPLAINS: dict[Kind, set[Kind]] = {
    Kind.ADDRESS_IN_USE: {Kind.NCCL_ERROR, Kind.HANDSHAKE_STALLED, *_CRASH, *_STANDS},
    Kind.PARALLEL_MISMATCH: {Kind.HANDSHAKE_STALLED, *_CRASH, *_LOST_KV, *_STANDS},
    Kind.REQUEST_ID_MISMATCH: {*_LOST_KV, *_STANDS},
    Kind.PEER_LOST: {
        Kind.PEER_LOST,
        Kind.NCCL_ERROR,
        Kind.HANDSHAKE_STALLED,
        *_CRASH,
        *_LOST_KV,
        *_STANDS,
    },
    Kind.OUT_OF_MEMORY: {Kind.BUFFER_FULL, *_CRASH, *_LOST_KV, *_STANDS},
    Kind.BUFFER_FULL: {Kind.HANDSHAKE_STALLED, *_CRASH, *_LOST_KV, *_STANDS},
    Kind.HANDSHAKE_REFUSED: {Kind.NCCL_ERROR, Kind.HANDSHAKE_STALLED, *_CRASH, *_LOST_KV, *_STANDS},
    Kind.NCCL_ERROR: {Kind.HANDSHAKE_STALLED, Kind.KV_MISSING, *_CRASH, *_STANDS},
    Kind.LISTENER_DIED: {Kind.HANDSHAKE_STALLED, *_LOST_KV, *_STANDS},
    Kind.SENDER_DIED: {Kind.HANDSHAKE_STALLED, *_LOST_KV, *_STANDS},
    Kind.TRACEBACK: {Kind.TRACEBACK, Kind.HANDSHAKE_STALLED, *_LOST_KV, *_STANDS},
    Kind.HANDSHAKE_STALLED: {Kind.HANDSHAKE_STALLED, Kind.KV_MISSING, *_STANDS},
    Kind.KV_MISSING: {Kind.KV_MISMATCH, Kind.REQUEST_STALLED},
    Kind.REQUEST_STALLED: {Kind.SILENCE, Kind.REQUEST_STALLED},
}
"""What each kind may be the cause of, where it came first; causes before what they explain."""
_WAITS = _STANDS | {Kind.HANDSHAKE_STALLED}
_SETTLES = 2 * SECOND
"""A wait is none until it has lasted: what happens within its first seconds may be its cause."""


def arrange(problems: list[Problem], clocks: Clocks) -> list[Problem]:
    """The problems, first causes first, with what follows from each under it; notes come last."""
    order = [*_EXPLAINS, *Kind]
    moments: dict[int, int] = {}

    def moment(problem: Problem) -> int:
        if id(problem) in moments:
            return moments[id(problem)]
        time = clocks.reached(problem.place) if problem.place is not None else None
        settles = _SETTLES if problem.kind in _WAITS else 0
        moments[id(problem)] = 2**62 if time is None else time + settles
        return moments[id(problem)]

    def rank(problem: Problem) -> tuple[bool, int, int, list[tuple[str, int]]]:
        # Within a second the order of causes decides, not that of the rows.
        second = moment(problem) // SECOND
        note = problem.severity is Severity.NOTE
        rows = [(clocks.label(place.source), place.row) for place in problem.evidence]
        return note, second, order.index(problem.kind), rows

    first: list[Problem] = []
    for problem in sorted(problems, key=rank):
        causes = (p for p in first if _explains(p, problem, moment(problem) - moment(p)))
        cause = next(causes, None)
        (first if cause is None else cause.follows).append(problem)
    return first


def _explains(cause: Problem, problem: Problem, later: int) -> bool:
    known = problem.kind in _EXPLAINS.get(cause.kind, ())
    return known and cause.severity is Severity.ERROR and later >= -SECOND
