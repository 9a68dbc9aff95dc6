"""What is known of the run as a whole while it is on the screen, kept up to date with new rows."""

from __future__ import annotations

from collections.abc import Callable

from pdtui.core.causality import FoundEdges
from pdtui.core.evidence import Clocks
from pdtui.core.handshakes import UNFINISHED, Handshake, Handshakes
from pdtui.core.inspection import Gone
from pdtui.core.merge import Merge
from pdtui.core.problems import Problem
from pdtui.core.skew import Skew, SkewEstimator, corrections
from pdtui.core.stalls import Stall, find_stalls
from pdtui.core.store import Snapshot
from pdtui.ui.clock import log_time

_STEPS_AT_ONCE, _LEAST_STEPS = 1000, 60
"""Steps of handshakes that one update takes in, of all sources and of each: some milliseconds."""


class Insight:
    """Handshakes, who waits for whom, and how far the clocks are apart."""

    def __init__(self) -> None:
        self.handshakes = Handshakes()
        self.clocks = Clocks([])
        self.skews: list[Skew] = []
        self.stalls: list[Stall] = []
        self.problems: list[Problem] = []
        """What `check` found at the last look; see `problemfinder`."""
        self.failure = ""
        """Why nothing could be found, if that is so."""
        self.gone: list[Gone] = []
        self.now: int | None = None
        """The time on the logs' clocks; None where they are over."""
        self.log_time: Callable[[Clocks], int | None] = log_time
        self.waits = True
        """Whether there was a handshake at the last look that time may make a stall of."""
        self._looked_at: object = None
        self._estimator = SkewEstimator()
        self._edges = FoundEdges()
        self._read = 0

    def update(self, snapshot: Snapshot, merge: Merge) -> None:
        """Takes in what the sources have gained; what it costs follows the new rows."""
        self.clocks = Clocks(snapshot, merge.offsets)
        most = max(_STEPS_AT_ONCE // max(len(snapshot), 1), _LEAST_STEPS)
        self.handshakes.update(snapshot, most)
        if merge.edges is not self._edges:
            self._edges, self._read, self._estimator = merge.edges, 0, SkewEstimator()
            self.skews = []
        if len(fresh := merge.edges[self._read :]):
            self._read += len(fresh)
            self._estimator.add(fresh, self.clocks)
            self.skews = self._estimator.skews(self.clocks)

    def look(self, *, live: bool) -> None:
        """Sees who waits now; `live` is whether the logs are followed."""
        self.now = self.log_time(self.clocks) if live else None
        # Where the logs are over, only further rows can change who waits.
        looked_at = [stop for _, stop in self.clocks.snapshot], self.clocks.offsets, self.now
        if looked_at != self._looked_at:
            self._looked_at = looked_at
            self.waits = any(pair.state in UNFINISHED for pair in self.handshakes.pairs)
            found = find_stalls(self.handshakes, self.clocks, now=self.now) if self.waits else []
            self.stalls = found

    def stall_of(self, pair: Handshake) -> Stall | None:
        """The stall of this handshake, if it stands still."""
        return next((stall for stall in self.stalls if stall.handshake is pair), None)

    @property
    def certain_skews(self) -> list[Skew]:
        """The clocks that differ beyond doubt."""
        return [skew for skew in self.skews if skew.certain]

    def corrections(self) -> dict[str, int]:
        """The offsets (label → microseconds) that make the clocks agree."""
        labels = [source.label for source, _ in self.clocks.snapshot]
        return corrections(self.certain_skews, labels)
