"""Reads what was added to one file since last asked, across truncation and rotation.

No thread, no clock, no events: whoever asks, and why, the follower opens, reads and compares,
and decides by what it sees.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

BLOCK = 512 * 1024
"""Bytes read at a time: small enough for the scanner to work in the cache."""
_PROOF = 256
"""Bytes at the file's begin and before our place that must stay as they were."""


class Change(Enum):
    """What happened before the bytes that were read."""

    NONE = "none"
    OPENED = "opened"
    TRUNCATED = "truncated"
    """The bytes read before are gone; the file begins anew."""
    REPLACED = "replaced"
    """Another file has its name now; the old one was read to its end and stays readable."""
    OTHER = "other"
    """The bytes are from the other one of two files: the replaced one is still written to."""
    SKIPPED = "skipped"
    """Blocks of nothing but NUL were left out: what truncating leaves to a writer that goes on."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What a look at the file found."""

    change: Change
    data: bytes
    descriptor: int = -1
    """A descriptor of the file, for the receiver to keep: a new one where the file was opened,
    truncated or replaced, else the one that it got then."""
    at: int = 0
    """Where in the file the bytes begin."""
    more: bool = False
    """Whether some of what was there when the file was opened is still to be read."""
    note: str = ""
    """What is to be said of the file: that it is missing, or cannot be read and why."""


class Follower:
    """Follows one path; the file need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: _File | None = None
        self._replaced: _File | None = None
        """The file that had the name before. Its writer may go on with it for a while."""
        self._latest: _File | None = None
        """Which of the two gave bytes last."""
        self._trouble = ""

    def poll(self, limit: int = BLOCK) -> Growth:
        """The next bytes (at most `limit`), empty where there is nothing new."""
        file = self._file
        if file is None:
            return self._begin(self._named("waiting for it to appear"), Change.OPENED, limit)
        try:
            data = file.read(limit)
        except _RewrittenError:
            return self._begin(self._named("waiting for it to appear"), Change.TRUNCATED, limit)
        except OSError as error:
            # What another node deleted stays unreadable (ESTALE); what has its name now is not.
            return self._look_at_name(file, limit, reason(error))
        return self._grown(file, data) if data else self._look_at_name(file, limit)

    def wait(self, timeout: float | None = None) -> bool:
        """Whether all that there will be is there: of a file, what there is."""
        return True

    def close(self) -> None:
        """Closes the files, but for the descriptors that were given away."""
        self._file = self._replaced = self._latest = None

    def _look_at_name(self, file: _File, limit: int, said: str = "") -> Growth:
        """Whether the name still means the file, which was read to its end or cannot be."""
        now = self._named("its file was moved or deleted")
        if now and not said:
            # Once more: the last words before the name was given away, and on NFS what another
            # node has written, which this one learns of by opening.
            try:
                data = file.read(limit)
            except _RewrittenError:
                return self._begin(now, Change.TRUNCATED, limit)
            if data:
                return self._grown(file, data)
        # While the new file is empty, its writer still has the old one.
        if now and now.identity != file.identity and (now.size or said):
            return self._begin(now, Change.REPLACED, limit)
        return self._late(limit) or Growth(Change.NONE, b"", note=said or self._trouble)

    def _late(self, limit: int) -> Growth | None:
        """What was written to the replaced file since it was replaced."""
        if self._replaced is None:
            return None
        try:
            data = self._replaced.read(limit)
        except (OSError, _RewrittenError):
            self._replaced, data = None, b""
        return self._grown(self._replaced, data) if self._replaced and data else None

    def _named(self, missing: str) -> _File | None:
        """The file that has the name now, opened; `missing` is what is to be said without one."""
        self._trouble = ""
        try:
            return _File(self.path)
        except FileNotFoundError:
            self._trouble = missing
        except OSError as error:
            self._trouble = reason(error)
        return None

    def _begin(self, now: _File | None, change: Change, limit: int) -> Growth:
        """Goes on with this file from its first byte."""
        if now is None:
            return Growth(Change.NONE, b"", note=self._trouble)
        try:
            data = now.read(limit)
            now.given = os.dup(now.descriptor)
        except OSError as error:
            return Growth(Change.NONE, b"", note=reason(error))
        self._replaced = self._file if change is Change.REPLACED else None
        self._file = self._latest = now
        return self._handed(now, change, data)

    def _grown(self, file: _File, data: bytes) -> Growth:
        change = Change.NONE
        if file is not self._latest:
            change, self._latest = Change.OTHER, file
        elif file.position - len(data) != file.handed:
            change = Change.SKIPPED
        return self._handed(file, change, data)

    def _handed(self, file: _File, change: Change, data: bytes) -> Growth:
        file.handed = file.position
        at, more = file.position - len(data), file.position < file.size
        return Growth(change, data, file.given, at, more, self._trouble)


class _RewrittenError(Exception):
    """The bytes that were read are no longer what is in the file."""


class _File:
    """A file that is open (until nobody holds this any more), and how far it has been read."""

    descriptor = -1

    def __init__(self, path: Path) -> None:
        _refuse_all_but_files(path.stat().st_mode)
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        now = os.fstat(self.descriptor)
        self.identity = now.st_dev, now.st_ino
        self.size = now.st_size
        """How long it was when it was opened."""
        self.position = self.handed = 0
        """How far it has been read, and how far the receiver of the bytes has it."""
        self.given = -1
        """The receiver's own descriptor."""
        self._head = self._tail = b""

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)

    def read(self, limit: int) -> bytes:
        """The next bytes; raises _RewrittenError if they do not continue what was read."""
        known = len(self._tail)
        data = os.pread(self.descriptor, known + limit, self.position - known)
        # Size alone does not tell: a file rewritten may have grown past our place between two
        # looks. Its begin may be the same then (a banner), and so may what stands before our
        # place, but hardly both.
        if not data.startswith(self._tail) or self._head != os.pread(
            self.descriptor, len(self._head), 0
        ):
            raise _RewrittenError
        data = data[known:]
        self._pass(data)
        while len(data) == limit and not data.strip(b"\0"):
            data = os.pread(self.descriptor, limit, self.position)
            self._pass(data)
        return data

    def _pass(self, data: bytes) -> None:
        if self.position < _PROOF:
            self._head = (self._head + data)[:_PROOF]
        self._tail = (self._tail + data[-_PROOF:])[-_PROOF:]
        self.position += len(data)


def reason(error: OSError) -> str:
    """Why a file cannot be read, in the system's words."""
    return f"cannot be read: {(error.strerror or str(error)).lower()}"


def _refuse_all_but_files(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        # To open a pipe and close it again could end its writer.
        raise OSError(errno.EINVAL, "it is no file but a stream, and was none when pdtui began")
