"""Reads a large file from its start while only its last lines are shown."""

from __future__ import annotations

from pdtui.core.source import Segment
from pdtui.follow.feed import Feed
from pdtui.follow.follower import Follower
from pdtui.follow.indexer import Found, Indexer
from pdtui.follow.tail import TailSource

OWN_PROCESS = 32 * 1024 * 1024
"""Bytes of a file from which on it is read in a process of its own."""


class Whole:
    """The feed of all rows of a file, until it takes the place of its tail's.

    A process reads what is there now; what comes meanwhile is read here, behind that.
    """

    def __init__(self, feed: Feed, tail: TailSource) -> None:
        self.feed = feed
        self._tail = tail
        self._indexer: Indexer | None = None
        self.waits = isinstance(feed.follower, Follower) and tail.begin >= OWN_PROCESS
        """Whether it is to have a process and has none yet."""

    @property
    def runs(self) -> bool:
        """Whether a process is at it."""
        return self._indexer is not None

    def start(self) -> None:
        """Starts the process."""
        self.waits = False
        assert isinstance(self.feed.follower, Follower)
        try:
            descriptor = self.feed.follower.open()
            self._indexer = Indexer(self.feed.source, descriptor)
        except OSError:
            self._begin_again()  # no memory or no process left: it goes without, more slowly

    def read_on(self) -> bool:
        """Reads a block, or asks the process; whether there may be more at once."""
        if self.waits:
            return False
        if self._indexer is None:
            return self.feed.take(lambda: None)
        self._indexer.look()
        if self._indexer.failed:
            self._begin_again()
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

    def _take_up(self, found: Found) -> None:
        """Goes on where the process has ended."""
        assert isinstance(self.feed.follower, Follower)
        self._indexer = None
        self.feed.source = found.source
        found.source.segments.append(Segment(0, self.feed.follower.resume(found.proof)))

    def _begin_again(self) -> None:
        """Reads all of the file here."""
        assert isinstance(self.feed.follower, Follower)
        self._indexer = None
        self.feed.follower.close()
        self.feed.follower = Follower(self.feed.follower.path)
        self.feed.source = self.feed.renew()
