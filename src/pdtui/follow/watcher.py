"""The doorbell: says that something may have changed, never what.

inotify (through watchdog) rings at once; the heartbeat of the ingest thread looks anyway, so a
lost event, a full queue or a network file system only costs the heartbeat's delay. This is the
only file that knows watchdog.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import (
    FileDeletedEvent,
    FileModifiedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

# What it has to say (that events were lost) costs a heartbeat, and would be written across the
# screen.
logging.getLogger("watchdog").addHandler(logging.NullHandler())

TENDING = 1.0
"""Seconds between two looks whether the folders are still those that are watched."""
MOST_EVENTS = 1000
"""Events in that time above which the folders are not watched for a while: each costs some 0.1 ms
of the interpreter, so that a flood of writes would leave little for reading what was written."""
RESPITE = 5.0
"""Seconds for which they are not watched then."""
_BEAT = 0.1
"""Seconds between two rings meanwhile."""
_EVENTS: list[type[FileSystemEvent]] = [FileModifiedEvent, FileDeletedEvent]
"""Without this filter our own reads would ring (opened, closed), and each ring reads again.

Nor those of created and moved files: to pair the two halves of a move, watchdog then holds back
all that happens in the folder for up to half a second. A new file rings when it is written to.
"""


@dataclass(frozen=True, slots=True)
class _Watched:
    """A folder that is watched."""

    identity: tuple[int, int]
    watch: ObservedWatch


class _Ringer(FileSystemEventHandler):
    """Rings for the files in `names` alone, however busy their folders are."""

    def __init__(self, ring: Callable[[], None], flooded: Callable[[], None]) -> None:
        self.names: frozenset[str] = frozenset()
        self.events = 0
        """How many there were since this was last set to 0."""
        self._ring = ring
        self._flooded = flooded

    def on_any_event(self, event: FileSystemEvent) -> None:
        self.events += 1
        if self.events == MOST_EVENTS:
            self._flooded()
        if event.src_path in self.names:
            self._ring()


class Watcher:
    """Rings when one of the given files changes, as soon as there is a folder to watch."""

    def __init__(self, paths: Iterable[Path], ring: Callable[[], None]) -> None:
        self.problem = ""
        """Why some folder is only looked at by the heartbeat, if so."""
        self._paths = list(paths)
        self._ring = ring
        self._wake = threading.Event()
        self._ringer = _Ringer(ring, self._wake.set)
        self._watched: dict[str, _Watched] = {}
        self._observer: BaseObserver | None = None
        self._unwatched_until = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="pdtui-watcher", daemon=True)

    def start(self) -> None:
        """Begins to ring."""
        try:
            self._observer = Observer()
            self._observer.start()
        except OSError as error:
            # No inotify instance is left (EMFILE): the heartbeat is enough.
            self.problem = error.strerror or str(error)
            return
        self._tend()
        self._thread.start()

    def stop(self) -> None:
        """Stops ringing and waits for the threads."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._observer:
            # Also where it could not be started: it has an inotify instance all the same.
            self._observer.stop()
            if self._observer.is_alive():
                self._observer.join()

    def _run(self) -> None:
        while not self._stopping:
            now = time.monotonic()
            if self._ringer.events >= MOST_EVENTS:
                self._unwatched_until = now + RESPITE
            self._ringer.events = 0
            if now < self._unwatched_until:
                self._unwatch()
                self._ring()
            else:
                self._tend()
            self._wake.wait(_BEAT if now < self._unwatched_until else TENDING)
            self._wake.clear()

    def _tend(self) -> None:
        """Watches the folders that the files are in now, which may have been made anew."""
        if self._observer is None:
            return
        # Real paths: an append through a symbolic link rings where the link leads to.
        names = frozenset(os.path.realpath(path) for path in self._paths)
        self._ringer.names = names
        folders = {str(Path(name).parent) for name in names}
        for folder in self._watched.keys() - folders:
            self._forget(self._observer, folder)
        problem = ""
        for folder in sorted(folders):
            try:
                self._watch(self._observer, folder)
            except FileNotFoundError:
                self._forget(self._observer, folder)
            except OSError as error:
                # No inotify watch is left (ENOSPC): the heartbeat is enough.
                problem = f"{folder}: {error.strerror or error}"
        self.problem = problem

    def _unwatch(self) -> None:
        if self._observer:
            for folder in list(self._watched):
                self._forget(self._observer, folder)

    def _watch(self, observer: BaseObserver, folder: str) -> None:
        now = Path(folder).stat()
        identity = now.st_dev, now.st_ino
        known = self._watched.get(folder)
        # The emitter (a thread) ends with its folder.
        ringing = {emitter.watch for emitter in observer.emitters if emitter.is_alive()}
        if known and known.identity == identity and known.watch in ringing:
            return
        self._forget(observer, folder)
        if not os.access(folder, os.R_OK):
            # watchdog does not say so.
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        watch = observer.schedule(self._ringer, folder, event_filter=_EVENTS)
        self._watched[folder] = _Watched(identity, watch)
        # For what was written since the stat.
        self._ring()

    def _forget(self, observer: BaseObserver, folder: str) -> None:
        if known := self._watched.pop(folder, None):
            observer.unschedule(known.watch)
