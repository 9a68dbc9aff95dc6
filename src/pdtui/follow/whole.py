"""Reads a large file from its start while only its last lines are shown."""

from __future__ import annotations

from pdtui.follow.feed import Feed
from pdtui.follow.tail import TailSource


class Whole:
    """The feed of all rows of a file, until it takes the place of its tail's."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed

    def read_on(self) -> bool:
        """Reads a block; whether there may be more."""
        return self.feed.take(lambda: None)

    def replaces(self, tail: TailSource) -> bool:
        """Whether all that the tail shows has been read."""
        return tail.precedes(self.feed.source)

    def share(self, tail: TailSource) -> float:
        """How much has been read of what the tail does not show."""
        return min(self.feed.source.fed / tail.begin, 1.0)

    def close(self) -> None:
        """Gives the file up."""
        self.feed.follower.close()
        self.feed.source.close()
