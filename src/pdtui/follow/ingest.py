"""The single writer of the store: doorbell → followers → scanner → store → notify.

vLLM ──append──▶ prefill.log
                   │ inotify, or the heartbeat, or nothing
   watcher ──ring()──▶ ingest thread
                         │ follower.poll()      what was added, truncated, replaced
                         │ source.feed()        newlines, heads, markers, kinds
                         │ store.changed()
                         │ notify(revision)
UI thread ◀── one message that says "revision N exists", never "here are rows"
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pdtui.core.source import Segment, Source
from pdtui.core.store import Store
from pdtui.follow.follower import BLOCK, Change, Growth, reason

HEARTBEAT = 0.5
"""Seconds between looks when nothing rings."""
_PAUSE = 0.02
"""Least seconds between two looks, so that a flood of small writes is taken in gulps."""
_LONGEST_PAUSE = 0.1
_SHARE = 2
"""How many times as long as a look took the next one waits: scanning one line costs about as
much as scanning a thousand, and the screen needs the interpreter too."""
_PATIENCE = 1.0
"""Seconds of silence after which a last line without a newline is shown as it is."""
_TURN = 4
"""Blocks that one source may take before the others have their turn."""


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
    loaded: bool = False
    """Whether what was there at the start has been read: what comes after that is live."""
    more: bool = True
    """Whether it had not been read to its end when it was asked last."""
    fed_at: float = 0.0
    """When bytes last came, on the monotonic clock."""


class Ingest:
    """Reads all feeds into the store, once (`load`) or for ever on a thread (`start`)."""

    def __init__(
        self,
        store: Store,
        feeds: list[Feed],
        notify: Callable[[int], None] = lambda _: None,
        *,
        follow: bool = True,
    ) -> None:
        self.store = store
        self.failure = ""
        """What ended the thread, if anything but `stop` did."""
        self._feeds = feeds
        self._notify = notify
        self._follow = follow
        self._latest = -1
        """Number of the source that bytes came from last."""
        self._behind = False
        """Whether some source had more than it could give in its turn."""
        self._bell = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="pdtui-ingest", daemon=True)
        store.sources[:] = [feed.renew() for feed in feeds]

    def load(self) -> None:
        """Reads every feed to its end, and takes a last line without newline as whole.

        The end of a file is where it ends now, that of a stream where its writer closes it.
        """
        for number, feed in enumerate(self._feeds):
            feed.follower.wait()
            while feed.more:
                self._take(number, feed)
        self._finish()

    def ring(self) -> None:
        """Says that something may have changed. Callable from any thread."""
        self._bell.set()

    def start(self) -> None:
        """Begins to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, waits for it, and closes what the followers hold.

        The rows can still be read; their files are closed with the store.
        """
        self._stopping = True
        self.ring()
        if self._thread.is_alive():
            self._thread.join()
        for feed in self._feeds:
            feed.follower.close()

    def _run(self) -> None:
        try:
            while not self._stopping:
                began = time.monotonic()
                # Asked before the look, which then finds all that came up to the end.
                over = not self._follow and all(feed.follower.wait(0) for feed in self._feeds)
                changed = self._look()
                if changed:
                    self._notify(self.store.changed())
                if not self.store.loaded and all(feed.loaded for feed in self._feeds):
                    self._loaded()
                if over and not any(feed.more for feed in self._feeds):
                    self._finish()
                    return
                self._rest(began, changed)
        except Exception as error:  # the one place that must not die silently: say so and stop
            self.failure = f"{type(error).__name__}: {error}"
            self._notify(self.store.changed())

    def _rest(self, began: float, changed: bool) -> None:
        """Waits for the bell or the heartbeat, unless there may be more, and a little anyway."""
        if changed and (self._behind or not self.store.loaded):
            time.sleep(_PAUSE if self.store.loaded else 0)
            return
        if changed:
            took = time.monotonic() - began
            time.sleep(min(max(_PAUSE, _SHARE * took), _LONGEST_PAUSE))
            return
        self._bell.wait(max(0.0, HEARTBEAT - (time.monotonic() - began)))
        self._bell.clear()
        time.sleep(max(0.0, _PAUSE - (time.monotonic() - began)))

    def _look(self) -> bool:
        """Asks every feed once; whether there was anything."""
        changed = self._behind = False
        for number, feed in enumerate(self._feeds):
            taken = 0
            while taken < _TURN and not self._stopping and self._take(number, feed):
                taken += 1
            self._behind |= taken == _TURN
            changed |= taken > 0 or self._settle(number, feed)
        return changed

    def _take(self, number: int, feed: Feed) -> bool:
        """Takes one block from a feed; whether there was any, or anything new to say."""
        source = self.store.sources[number]
        try:
            growth = feed.follower.poll()
        except OSError as error:
            # A stale NFS handle, a disk that fails: said in the pane, and tried again.
            feed.more, feed.loaded = False, True
            return _note(source, reason(error))
        if growth.change is not Change.NONE:
            source = self._turned(number, feed, growth)
        noted = _note(source, growth.note)
        if growth.data:
            feed.fed_at = time.monotonic()
            source.heard = time.time() if feed.loaded else _written(growth.descriptor)
            source.feed(growth.data, self._batch(number, feed))
        feed.more = growth.more
        feed.loaded |= not feed.more
        return noted or bool(growth.data)

    def _turned(self, number: int, feed: Feed, growth: Growth) -> Source:
        """The source that the bytes belong to, after what happened to its file."""
        source = self.store.sources[number]
        waited_for = growth.change is Change.OPENED and source.trouble
        if growth.change is Change.TRUNCATED or waited_for:
            # Anew also where the file was waited for: its first year stands in it.
            before, source = source, feed.renew()
            self.store.sources[number] = source
            before.close()
        if growth.change is Change.TRUNCATED:
            source.note = f"truncated at {datetime.now():%H:%M:%S}, rows before that are gone"
        if growth.change in (Change.REPLACED, Change.OTHER):
            source.finish_line(self._batch(number, feed))
        if growth.change is Change.REPLACED:
            source.note = f"another file since {datetime.now():%H:%M:%S}, both are shown"
        source.segments.append(Segment(source.fed, growth.descriptor, growth.at))
        return source

    def _batch(self, number: int, feed: Feed) -> int | None:
        """The number of the live batch that a feed gives now, None while it reads from disk.

        As long as no other source has a turn it stays the same: within a source, file order is
        law, and a number for every write would fill the memory in some days.
        """
        if not feed.loaded:
            return None
        if number != self._latest:
            self._latest = number
            self.store.batches += 1
        return self.store.batches

    def _settle(self, number: int, feed: Feed) -> bool:
        """Shows a last line without newline after some silence; whether there was one."""
        source = self.store.sources[number]
        if not source.hides_unfinished or time.monotonic() - feed.fed_at <= _PATIENCE:
            return False
        return source.show_unfinished(self._batch(number, feed))

    def _finish(self) -> None:
        """Takes last lines without a newline as whole: nothing more is looked for."""
        for source in self.store.sources:
            source.finish_line()
        self._loaded()

    def _loaded(self) -> None:
        self.store.loaded = True
        for feed in self._feeds:
            feed.loaded = True
        self._notify(self.store.changed())


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
