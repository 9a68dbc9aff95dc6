"""What `pdtui check` finds, found again while the logs grow.

`check` looks at all rows. Here that is done only after rows came that may tell of a problem, on a
thread, and so seldom that it takes a small share of the time.
"""

from __future__ import annotations

import time
from weakref import WeakKeyDictionary

from pdtui.core.check import find_problems
from pdtui.core.handshakes import Handshakes
from pdtui.core.inspection import Gone, Inspection
from pdtui.core.kinds import Process
from pdtui.core.problems import Kind, Problem, Severity
from pdtui.core.requests import Requests
from pdtui.core.skew import Skew
from pdtui.core.source import Source
from pdtui.core.steps import Step
from pdtui.core.store import Snapshot
from pdtui.core.traces import steps_flags
from pdtui.follow.allocator import give_back_memory
from pdtui.follow.processes import ProcessTable, find_gone

_LEAST_REST, _SHARE = 2.0, 20
"""Seconds between two looks at least, and how many times as long as a look took."""
_TELLING = steps_flags(
    *(step for step in Step if Step.THREAD_DIED <= step <= Step.SHUTDOWN),
    Step.TENSOR_AWAITED, Step.TENSOR_REFUSED, Step.REFUSAL_SEEN, Step.TENSOR_LOST,
    Step.TENSOR_TOO_LARGE, Step.KV_MISSING, Step.KV_MISMATCH, Step.REQUEST_FAILED,
    Step.KV_ASKED, Step.KV_WAITED, Step.KV_EXPIRED, Step.KV_FETCHED_LATE, Step.NOT_GENERATING,
)  # fmt: skip
"""The steps without which there is no problem but a stall."""


class ProblemFinder:
    """Finds the problems anew; `is_due` belongs to the screen's thread, `find` to another."""

    def __init__(self) -> None:
        self._handshakes = Handshakes()
        self._requests = Requests()
        self._read: WeakKeyDictionary[Source, int] = WeakKeyDictionary()
        """How many traces of each source were looked at."""
        self._stale = True
        self._rest_until = 0.0
        self.busy = False

    @property
    def waits(self) -> bool:
        """Whether a look is under way, or to come."""
        return self._stale or self.busy

    def is_due(self, snapshot: Snapshot) -> bool:
        """Whether to look: rows came that may tell something, and the last look is long enough ago.

        Costs what the new rows cost.
        """
        for source, stop in snapshot:
            upto, first = source.traces.before(stop), self._read.get(source, 0)
            # A source that was not there: with the rows of the one before, their problems are gone.
            self._stale |= source not in self._read
            self._stale |= bool(_TELLING[source.traces.step[first:upto]].any())
            self._read[source] = upto
        return self._stale and not self.busy and time.monotonic() >= self._rest_until

    def expire(self) -> None:
        """Says that something else has changed by which problems are found."""
        self._stale = True

    def begin(self) -> None:
        """Notes that a look begins: what comes from now on is for the next one."""
        self.busy, self._stale = True, False

    def find(
        self, snapshot: Snapshot, offsets: dict[str, int], skews: list[Skew], gone: list[Gone],
        growing: bool,
    ) -> list[Problem]:  # fmt: skip
        """The problems that are more than notes, first causes first.

        Without stalls: these come and go with the clock, and are looked at apart.
        """
        began = time.monotonic()
        if self._requests.offsets != offsets:
            self._requests = Requests(offsets)
        inspection = Inspection(
            snapshot,
            offsets,
            growing=growing,
            gone=gone,
            handshakes=self._handshakes,
            known_requests=self._requests,
            known_skews=skews,
        )
        found = [
            problem
            for problem in find_problems(inspection)
            if problem.severity is Severity.ERROR and problem.kind is not Kind.HANDSHAKE_STALLED
        ]
        give_back_memory()
        took = time.monotonic() - began
        self._rest_until = time.monotonic() + max(_LEAST_REST, _SHARE * took)
        return found


class Presence:
    """Which processes that the logs name are gone; all rows are read only when one has gone."""

    def __init__(self, table: ProcessTable) -> None:
        self._table = table
        self._seen: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
        self.gone: list[Gone] = []

    def look(self, snapshot: Snapshot) -> bool:
        """Whether other processes are gone than at the last look."""
        named = frozenset(
            process.pid
            for source, _ in snapshot
            for process in self._processes_here(source)
            if process.pid is not None
        )
        absent = frozenset(pid for pid in named if self._table.started(pid) is None)
        if (named, absent) == self._seen:
            return False
        self._seen = (named, absent)
        before, self.gone = self.gone, find_gone(snapshot, self._table) if absent else []
        return before != self.gone

    def _processes_here(self, source: Source) -> list[Process]:
        """The processes of a source that was written on this host, as NCCL names it."""
        processes = list(source.kinds.processes)
        here = any(process.host == self._table.host for process in processes)
        return processes if here else []
