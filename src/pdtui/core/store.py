"""All sources of a session, and the number that says when to look again."""

from __future__ import annotations

from typing import TypeAlias

from pdtui.core.source import Source

Snapshot: TypeAlias = list[tuple[Source, int]]
"""Each source and how many of its rows there are, at one moment."""


class Store:
    """The sources, in the order they were named. One thread changes them; others read."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.revision = 0
        """Raised after every change."""
        self.loaded = False
        """Whether everything that was there at the start has been read."""
        self.behind = False
        """Whether more has been written than could be read so far, of what comes live."""
        self.batches = 0
        """How many batches arrived live, over all sources."""

    def __len__(self) -> int:
        return sum(len(source) for source in self.sources)

    def snapshot(self) -> Snapshot:
        """The sources and how many rows each has: what is decided on together must be one state."""
        return [(source, len(source)) for source in list(self.sources)]

    def close(self) -> None:
        """Closes the files of all sources."""
        for source in self.sources:
            source.close()

    def changed(self) -> int:
        """Notes a change and returns the new revision."""
        self.revision += 1
        return self.revision
