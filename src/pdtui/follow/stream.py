"""A stream (stdin, a named pipe) as a file: what comes is kept in a temporary file and followed.

So a stream can be scrolled and searched like any other source, and costs no memory.
"""

from __future__ import annotations

import os
import select
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from pdtui.follow.follower import BLOCK, Change, Growth, reason

_GLANCE = 200
"""Milliseconds after which a thread that waits for the writer looks whether it is to end."""

ENDED = "the stream has ended"
"""Said of a stream whose writer has closed it."""


class StreamFollower:
    """Follows a stream; a thread reads it, so that the writer never waits for the screen."""

    def __init__(
        self, path: Path, open_stream: Callable[[], int], ring: Callable[[], None]
    ) -> None:
        self.path = path
        self.ended = threading.Event()
        """Set when the writer has closed the stream, or it cannot be read."""
        self.problem = ""
        """Why the stream could not be read to its end or kept, if so."""
        self._open_stream = open_stream
        self._ring = ring
        self._position = 0
        self._given = -1
        self._closing = False
        self._spool = tempfile.TemporaryFile(prefix="pdtui-", buffering=0)  # noqa: SIM115
        self._thread = threading.Thread(target=self._pump, name=f"pdtui-{path}", daemon=True)
        self._thread.start()

    def poll(self, limit: int = BLOCK) -> Growth:
        """The next bytes (at most `limit`), empty where there is nothing new."""
        change = Change.NONE
        if self._given < 0:
            self._given = os.dup(self._spool.fileno())
            change = Change.OPENED
        over = self.ended.is_set()
        data = os.pread(self._given, limit, self._position)
        at = self._position
        self._position += len(data)
        note = self.problem or (ENDED if over and not data else "")
        return Growth(change, data, self._given, at, more=over and bool(data), note=note)

    def wait(self, timeout: float | None = None) -> bool:
        """Waits for the end of the stream; whether it has come."""
        return self.ended.wait(timeout)

    def close(self) -> None:
        """Ends the thread that reads the stream, and drops what was kept."""
        self._closing = True
        self._thread.join()
        self._spool.close()

    def _pump(self) -> None:
        descriptor = -1
        try:
            descriptor = self._open_stream()
            self._copy(descriptor)
        except OSError as error:
            self.problem = reason(error)
        finally:
            if descriptor >= 0:
                os.close(descriptor)
            self.ended.set()
        self._announce()

    def _copy(self, descriptor: int) -> None:
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        while not self._closing:
            if not waiting.poll(_GLANCE):
                continue
            data = os.read(descriptor, BLOCK)
            if not data:
                return
            self._keep(data)
            self._announce()

    def _announce(self) -> None:
        # Who has not looked yet may not even be there to hear it, and will see what there is.
        if self._given >= 0:
            self._ring()

    def _keep(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._spool.fileno(), data) :]
        except OSError as error:
            # Reading goes on: a pipe that nobody empties would stop the run that writes to it.
            self.problem = f"is lost in part, cannot be kept: {(error.strerror or '').lower()}"
