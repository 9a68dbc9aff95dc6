"""The doorbell: says that something may have changed, never what.

inotify (through watchdog) rings at once; the heartbeat of the ingest thread looks anyway, so a
lost event, a full queue or a network file system only costs the heartbeat's delay. This is the
only file that knows watchdog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from watchdog.events import (
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

_EVENTS: list[type[FileSystemEvent]] = [
    FileModifiedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileDeletedEvent,
]
"""Without this filter our own reads would ring (opened, closed), and each ring reads again."""


class _Ringer(FileSystemEventHandler):
    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._ring()


class Watcher:
    """Rings when anything changes in the folders of the given files."""

    def __init__(self, paths: Iterable[Path], ring: Callable[[], None]) -> None:
        self.problem = ""
        """Why some folder is only looked at by the heartbeat, if so."""
        self._observer = Observer()
        ringer = _Ringer(ring)
        # Real folders, once each: an append through a symbolic link rings in the link's target.
        for folder in sorted({path.resolve().parent for path in paths}):
            try:
                self._observer.schedule(ringer, str(folder), event_filter=_EVENTS)
            except OSError as error:
                self.problem = f"{folder}: {error.strerror or error}"

    def start(self) -> None:
        """Begins to ring."""
        try:
            self._observer.start()
        except OSError as error:
            # No inotify instance or watch is left (ENOSPC, EMFILE): the heartbeat is enough.
            self.problem = error.strerror or str(error)

    def stop(self) -> None:
        """Stops ringing and waits for the observer's threads."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()
