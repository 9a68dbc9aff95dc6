"""A source and where its bytes come from: what is made of each answer of a follower."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from typing import Protocol

from pdtui.core.source import Segment, Source
from pdtui.follow.follower import BLOCK, Change, Growth, reason

_WAITING = 4 * 1024 * 1024
"""Bytes that may wait for another process to scan them, what it is at included."""
_LIVE_BLOCK = 1024 * 1024
"""Bytes that are taken together of what comes live: others wait meanwhile."""


class Followed(Protocol):
    """What a source's bytes come from."""

    def poll(self, limit: int = BLOCK) -> Growth:
        """The next bytes, empty where there is nothing new."""

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until all that can be waited for is there; whether it is."""

    def close(self) -> None:
        """Closes what is open."""


@dataclass(slots=True)
class Feed:
    """A source and where its bytes come from."""

    follower: Followed
    renew: Callable[[], Source]
    """Makes the source anew, where its file begins anew."""
    tail: Callable[[], Feed | None] = lambda: None
    """Makes the feed of what is worth reading before all the rest, if there is such."""
    first: InitVar[Source | None] = None
    """The source to begin with, if it is another one than `renew` makes."""
    source: Source = field(init=False)
    loaded: bool = False
    """Whether what was there at the start has been read: what comes after that is live."""
    more: bool = True
    """Whether it had not been read to its end when it was asked last."""
    fed_at: float = 0.0
    """When bytes last came, on the monotonic clock."""
    came: int = 0
    """How many bytes came since this was last set to 0."""
    silent: float = 0.0
    """Seconds from when bytes last came to when it was last asked for them."""
    full: bool = False
    """Whether it gave all that may be taken at a time, so that there is more."""

    def __post_init__(self, first: Source | None) -> None:
        self.source = self.renew() if first is None else first

    def take(self, batch: Callable[[], int | None]) -> bool:
        """Takes one block; whether there was any, or anything new to say.

        `batch` gives the number of the live batch that it comes with.
        """
        if not (room := self._room):
            self.full = True
            return False
        try:
            growth = self.follower.poll(room)
        except OSError as error:
            # A stale NFS handle, a disk that fails: said in the pane, and tried again.
            self.more, self.loaded, self.full = False, True, False
            return _note(self.source, reason(error))
        if growth.change is not Change.NONE:
            self._turn(growth, batch)
        noted = _note(self.source, growth.note)
        if growth.data:
            self.fed_at = time.monotonic()
            self.came += len(growth.data)
            self.source.heard = time.time() if self.loaded else _written(growth.descriptor)
            self.source.feed(growth.data, batch())
        self.full = len(growth.data) == room
        self.silent = time.monotonic() - self.fed_at
        self.more = growth.more
        self.loaded |= not self.more
        # A file that was emptied has no bytes to show that it was.
        return noted or bool(growth.data) or growth.change is Change.TRUNCATED

    @property
    def _room(self) -> int:
        """How many bytes may be taken now: what another process scans is taken as it can."""
        room = max(_WAITING - self.source.waiting, 0)
        return min(room, _LIVE_BLOCK) if self.loaded else BLOCK

    def _turn(self, growth: Growth, batch: Callable[[], int | None]) -> None:
        """Sees to the source that the bytes belong to, after what happened to its file."""
        waited_for = growth.change is Change.OPENED and self.source.trouble
        if growth.change is Change.TRUNCATED or waited_for:
            # Anew also where the file was waited for: its first year stands in it.
            before, self.source = self.source, self.renew()
            before.close()
        if growth.change is Change.TRUNCATED:
            self.source.note = f"truncated at {datetime.now():%H:%M:%S}, rows before that are gone"
        if growth.change in (Change.REPLACED, Change.OTHER):
            self.source.finish_line(batch())
        if growth.change is Change.REPLACED:
            self.source.note = f"another file since {datetime.now():%H:%M:%S}, both are shown"
        self.source.segments.append(Segment(self.source.fed, growth.descriptor, growth.at))


def _written(descriptor: int) -> float:
    """When the file was written to last: what is read from disk was not heard only now."""
    try:
        return min(os.fstat(descriptor).st_mtime, time.time())
    except OSError:
        return time.time()


def _note(source: Source, trouble: str) -> bool:
    """Keeps what is wrong with the source's file; whether that is new."""
    changed = trouble != source.trouble
    source.trouble = trouble
    return changed
