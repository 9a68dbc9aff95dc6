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
_PATIENCE = 1.0
"""Seconds of silence after which a last line without a newline is shown as it is."""
_TURN = 4
"""Blocks that one source may take before the others have their turn."""


class Followed(Protocol):
    """What a source's bytes come from."""

    def poll(self, limit: int = BLOCK) -> Growth:
        """The next bytes, empty where there is nothing new."""

    def close(self) -> None:
        """Closes what is open."""


@dataclass(slots=True)
class Feed:
    """A source and where its bytes come from."""

    follower: Followed
    renew: Callable[[], Source]
    """Makes the source anew, where its file begins anew."""
    loaded: bool = False
    """Whether it has been read to its end once: what comes after that is live."""


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
        self._bell = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="pdtui-ingest", daemon=True)
        store.sources[:] = [feed.renew() for feed in feeds]

    def load(self) -> None:
        """Reads every feed to its present end, and takes a last line without newline as whole."""
        for number, feed in enumerate(self._feeds):
            while self._take(number, feed):
                pass
        self._finish()

    def ring(self) -> None:
        """Says that something may have changed. Callable from any thread."""
        self._bell.set()

    def start(self) -> None:
        """Begins to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, waits for it, and closes what the followers hold."""
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
                if self._look():
                    self._notify(self.store.changed())
                    # The scanner may hold the interpreter; let the screen have it between looks.
                    time.sleep(_PAUSE if self.store.loaded else 0)
                    continue
                if not self._follow:
                    self._finish()
                    return
                if not self.store.loaded:
                    self._loaded()
                self._bell.wait(max(0.0, HEARTBEAT - (time.monotonic() - began)))
                self._bell.clear()
        except Exception as error:  # the one place that must not die silently: say so and stop
            self.failure = f"{type(error).__name__}: {error}"
            self._notify(self.store.changed())

    def _look(self) -> bool:
        """Asks every feed once; whether there was anything."""
        changed = False
        for number, feed in enumerate(self._feeds):
            for _ in range(_TURN):
                if not self._take(number, feed):
                    changed |= self._settle(number)
                    break
                changed = True
        return changed

    def _take(self, number: int, feed: Feed) -> bool:
        """Takes one block from a feed; whether there was any."""
        source = self.store.sources[number]
        try:
            growth = feed.follower.poll()
        except OSError as error:
            # A stale NFS handle, a disk that fails: said in the pane, and tried again.
            return _note(source, reason(error))
        if growth.change is Change.TRUNCATED:
            source = feed.renew()
            source.note = f"truncated at {datetime.now():%H:%M:%S}, rows before that are gone"
            self.store.sources[number].close()
            self.store.sources[number] = source
        if growth.change is Change.REPLACED:
            source.finish_line()
            source.note = f"another file since {datetime.now():%H:%M:%S}, both are shown"
        if growth.change is not Change.NONE:
            source.segments.append(Segment(source.fed, growth.descriptor))
        noted = _note(source, growth.note)
        if not growth.data:
            feed.loaded |= self.store.loaded or growth.change is Change.NONE
            return noted
        if feed.loaded:
            self.store.batches += 1
        source.feed(growth.data, self.store.batches if feed.loaded else None)
        source.heard = time.time()
        return True

    def _settle(self, number: int) -> bool:
        """Shows a last line without newline after some silence; whether there was one."""
        source = self.store.sources[number]
        silent = source.heard is not None and time.time() - source.heard > _PATIENCE
        return silent and source.show_unfinished()

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


def _note(source: Source, trouble: str) -> bool:
    """Keeps what is wrong with the source's file; whether that is new."""
    changed = trouble != source.trouble
    source.trouble = trouble
    return changed
