"""Reads what was added to one file since last asked, across truncation and rotation.

No thread, no clock, no events: whoever asks, and why, the follower looks with `fstat`, `stat`
and `pread` and decides by what it sees.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

BLOCK = 512 * 1024
"""Bytes read at a time: small enough for the scanner to work in the cache."""
_HEAD = 256


class Change(Enum):
    """What happened to the file before the bytes that were read."""

    NONE = "none"
    OPENED = "opened"
    TRUNCATED = "truncated"
    """The bytes read before are gone; the file begins anew."""
    REPLACED = "replaced"
    """Another file has its name now; the old one was read to its end and stays readable."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What a look at the file found."""

    change: Change
    data: bytes
    descriptor: int
    """A descriptor that the receiver owns where the file was opened, truncated or replaced."""
    note: str = ""
    """What is to be said of the file: that it is missing, or cannot be read and why."""


class Follower:
    """Follows one path; the file need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1
        self._identity = (0, 0)
        self._position = 0
        self._head = b""

    def poll(self, limit: int = BLOCK) -> Growth:
        """The next bytes (at most `limit`), empty where there is nothing new."""
        if self._descriptor < 0:
            return self._open(Change.OPENED, limit)
        if self._rewritten():
            return self._open(Change.TRUNCATED, limit)
        data = self._read(limit)
        if data:
            return Growth(Change.NONE, data, self._descriptor)
        return self._look_at_name(limit)

    def close(self) -> None:
        """Closes the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _rewritten(self) -> bool:
        """Whether the bytes that were read are no longer what the file begins with."""
        if os.fstat(self._descriptor).st_size < self._position:
            return True
        # A short file may have grown past our place again between two looks: then only its
        # first bytes tell.
        return os.pread(self._descriptor, len(self._head), 0) != self._head

    def _read(self, limit: int) -> bytes:
        data = os.pread(self._descriptor, limit, self._position)
        if len(self._head) < _HEAD:
            self._head = os.pread(self._descriptor, min(_HEAD, self._position + len(data)), 0)
        self._position += len(data)
        return data

    def _look_at_name(self, limit: int) -> Growth:
        """Whether the name still means the file that is open, and was read to its end."""
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return Growth(Change.NONE, b"", self._descriptor, "its file was moved or deleted")
        except OSError as error:
            return Growth(Change.NONE, b"", self._descriptor, reason(error))
        if (now.st_dev, now.st_ino) != self._identity:
            return self._open(Change.REPLACED, limit)
        return Growth(Change.NONE, b"", self._descriptor)

    def _open(self, change: Change, limit: int) -> Growth:
        """Opens the path anew. The source keeps a descriptor of the old file, to read its rows."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            note = "waiting for it to appear" if isinstance(error, FileNotFoundError) else ""
            return Growth(Change.NONE, b"", self._descriptor, note or reason(error))
        now = os.fstat(descriptor)
        self.close()
        self._descriptor = descriptor
        self._identity = (now.st_dev, now.st_ino)
        self._position, self._head = 0, b""
        try:
            data = self._read(limit)
        except OSError as error:
            self.close()
            return Growth(Change.NONE, b"", -1, reason(error))
        return Growth(change, data, os.dup(descriptor))


def reason(error: OSError) -> str:
    """Why a file cannot be read, in the system's words."""
    return f"cannot be read: {(error.strerror or str(error)).lower()}"
