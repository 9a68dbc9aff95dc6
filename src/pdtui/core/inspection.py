"""All that is known of the sources together: what problems are found in."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from typing import NamedTuple

from pdtui.core.causality import edges_of
from pdtui.core.endings import Ended, find_endings
from pdtui.core.evidence import Clocks, Place
from pdtui.core.handshakes import Handshakes
from pdtui.core.requests import Requests
from pdtui.core.skew import Skew, SkewEstimator
from pdtui.core.stalls import THRESHOLD, Stall, find_stalls
from pdtui.core.store import Snapshot


class Gone(NamedTuple):
    """A process that a log names and that is no longer there."""

    last: Place
    """The last row that it wrote."""
    pid: int


@dataclass(slots=True)
class Inspection:
    """Everything that one look at the sources tells.

    While logs are `growing`, a wait counts from `threshold` (microseconds) on, by the logs' own
    clock. Logs that are over stay as they are: what is unfinished in them stands still.
    Who looks again and again gives what is kept up to date already: it is not made anew then.
    """

    snapshot: Snapshot
    offsets: dict[str, int] = field(default_factory=dict)
    growing: bool = False
    threshold: int = THRESHOLD
    gone: list[Gone] = field(default_factory=list)
    clocks: Clocks = field(init=False)
    handshakes: Handshakes = field(default_factory=Handshakes)
    known_requests: InitVar[Requests | None] = None
    known_skews: InitVar[list[Skew] | None] = None
    requests: Requests = field(init=False)
    skews: list[Skew] = field(init=False)
    stalls: list[Stall] = field(init=False)
    endings: list[Ended] = field(init=False)

    def __post_init__(
        self, known_requests: Requests | None, known_skews: list[Skew] | None
    ) -> None:
        self.clocks = Clocks(self.snapshot, self.offsets)
        self.requests = Requests(self.offsets) if known_requests is None else known_requests
        self.requests.update(self.snapshot)
        self.handshakes.update(self.snapshot)
        self.skews = self._skews() if known_skews is None else known_skews
        now = self.clocks.end() if self.growing else None
        self.stalls = find_stalls(self.handshakes, self.clocks, now=now, threshold=self.threshold)
        waited_for = {stall.waited_for_source for stall in self.stalls}
        self.endings = find_endings(self.clocks, waited_for)

    def _skews(self) -> list[Skew]:
        """How far the clocks are apart, from the causes and effects in the sources."""
        skews = SkewEstimator()
        skews.add(edges_of(self.snapshot), self.clocks)
        return skews.skews(self.clocks)
