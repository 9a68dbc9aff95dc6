"""A stream (stdin, a named pipe) as a file: what comes is kept in a temporary file and followed.

So a stream can be scrolled and searched like any other source, and costs no memory.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from pdtui.follow.follower import BLOCK, Change, Growth, reason


class StreamFollower:
    """Follows a stream; a thread reads it, so that the writer never waits for the screen."""

    def __init__(
        self, path: Path, open_stream: Callable[[], int], ring: Callable[[], None]
    ) -> None:
        self.path = path
        self.ended = threading.Event()
        """Set when the writer has closed the stream, or it cannot be read."""
        self.problem = ""
        """Why the stream could not be read to its end, if so."""
        self._open_stream = open_stream
        self._ring = ring
        self._position = 0
        self._opened = False
        self._spool = tempfile.TemporaryFile(prefix="pdtui-", buffering=0)  # noqa: SIM115
        self._thread = threading.Thread(target=self._pump, name=f"pdtui-{path}", daemon=True)
        self._thread.start()

    def poll(self, limit: int = BLOCK) -> Growth:
        """The next bytes (at most `limit`), empty where there is nothing new."""
        over = self.ended.is_set()
        data = os.pread(self._spool.fileno(), limit, self._position)
        self._position += len(data)
        note = self.problem or ("the stream has ended" if over and not data else "")
        if not self._opened:
            self._opened = True
            return Growth(Change.OPENED, data, os.dup(self._spool.fileno()), note)
        return Growth(Change.NONE, data, self._spool.fileno(), note)

    def close(self) -> None:
        """Drops what was kept. The pumping thread ends with its writer, or with the program."""
        self._spool.close()

    def _pump(self) -> None:
        try:
            descriptor = self._open_stream()
            while data := os.read(descriptor, BLOCK):
                while data:
                    data = data[self._spool.write(data) :]
                self._ring()
        except (OSError, ValueError) as error:
            # ValueError: the spool was closed because the program ends.
            self.problem = reason(error) if isinstance(error, OSError) else ""
        self.ended.set()
        self._ring()
