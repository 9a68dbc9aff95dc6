"""What really happened in a made-up run: what a diagnosis of its logs is measured against."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from pdtui.demo.fleet import Worker

NO_FAULTS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Party:
    """One worker of the run, as its log names it."""

    source: str
    process: str
    pid: int
    rank: int
    address: str

    @classmethod
    def of(cls, worker: Worker) -> "Party":
        """The worker, with the label that its file has in pdtui."""
        process = worker.process
        label = PurePath(process.file).stem
        return cls(label, process.name, process.pid, worker.rank, worker.address)


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that went wrong, where, and when (seconds from the run's start).

    In a stall `where` is who waits and `peer` whom it waits for; else `where` is who failed and
    `peer` the other end, if there is one.
    """

    kind: str
    where: Party
    peer: Party | None
    at: float


@dataclass(frozen=True, slots=True)
class Truth:
    """All that went wrong in a run, the first cause first.

    `follows` are the kinds that come of the causes: a diagnosis may name them too, under the
    cause. `notes` are kinds that it should name as a note only: the run went on to its end with
    them, or they are no fault. `skews` are the seconds by which a source's clock is ahead.
    """

    causes: tuple[Cause, ...] = ()
    follows: frozenset[str] = NO_FAULTS
    notes: frozenset[str] = NO_FAULTS
    skews: Mapping[str, float] = field(default_factory=dict)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of problem that a diagnosis has to find; none in a healthy run."""
        return frozenset(cause.kind for cause in self.causes)

    @property
    def first(self) -> Cause | None:
        """What all else follows from."""
        return self.causes[0] if self.causes else None
