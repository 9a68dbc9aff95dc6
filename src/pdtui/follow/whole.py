"""Reads a large file from its start while only its last lines are shown."""

from __future__ import annotations

from pdtui.core.source import Segment
from pdtui.follow.feed import Feed
from pdtui.follow.follower import FROM_THE_START, Follower, Proof
from pdtui.follow.forkserver import ForkServer
from pdtui.follow.indexer import Indexed, Indexer
from pdtui.follow.tail import TailSource

OWN_PROCESS = 32 * 1024 * 1024
"""Bytes of a file from which on it is read in a process of its own."""


class Whole:
    """The feed of all rows of a file, until it takes the place of its tail's.

    A process reads what is there now; what comes meanwhile is read here, behind that.
    """

    def __init__(self, feed: Feed, tail: TailSource) -> None:
        assert isinstance(feed.follower, Follower)
        self.feed = feed
        self._follower = feed.follower
        self._tail = tail
        self._indexer: Indexer | None = None
        # At once: when the rest is read, another file may have the name.
        self._descriptor = self._follower.open()
        self.waits = tail.begin >= OWN_PROCESS
        """Whether it is to have a process and has none yet."""
        self.processes = 1
        """How many processes scan for that one."""
        if not self.waits:
            self._follow_from(FROM_THE_START)

    @property
    def size(self) -> int:
        """Bytes above those that the tail shows."""
        return self._tail.begin

    @property
    def runs(self) -> bool:
        """Whether a process is at it."""
        return self._indexer is not None

    def start(self, forks: ForkServer) -> None:
        """Starts the process."""
        self.waits = False
        try:
            self._indexer = Indexer(forks, self.feed.source, self._descriptor, self.processes)
        except OSError:
            self._begin_here()  # no memory or no process left: it goes without, more slowly

    def read_on(self) -> bool:
        """Reads a block, or asks the process; whether there may be more at once."""
        if self.waits:
            return False
        if self._indexer is None:
            return self.feed.take(lambda: None)
        self._indexer.look()
        if self._indexer.failed:
            self._begin_here()
        elif self._indexer.found is not None:
            self._take_up(self._indexer.found)
        return self._indexer is None

    @property
    def replaces_tail(self) -> bool:
        """Whether all that the tail shows has been read."""
        return not self.waits and not self.runs and self._tail.precedes(self.feed.source)

    @property
    def share(self) -> float:
        """How much has been read of what the tail does not show."""
        read = self._indexer.position if self._indexer else self.feed.source.fed
        return min(read / self._tail.begin, 1.0)

    def close(self) -> None:
        """Gives the file up."""
        if self._indexer:
            self._indexer.close()
        self.feed.follower.close()
        self.feed.source.close()

    def _take_up(self, found: Indexed) -> None:
        """Goes on where the process has ended."""
        self._indexer = None
        self.feed.source = found.source
        self._follow_from(found.proof)

    def _begin_here(self) -> None:
        """Reads all of the file here."""
        self._indexer = None
        self.feed.source = self.feed.renew()
        self._follow_from(FROM_THE_START)

    def _follow_from(self, proof: Proof) -> None:
        self.feed.source.segments.append(Segment(0, self._follower.resume(proof)))
