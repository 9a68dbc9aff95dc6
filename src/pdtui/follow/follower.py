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

BLOCK = 4 * 1024 * 1024
"""Bytes read at a time, as many as are scanned together."""
_PROOF = 256
"""Bytes at the file's begin and before our place that must stay as they were."""
WAITING = "waiting for it to appear"


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
class Proof:
    """How far a file was read, and the bytes by which it is known again."""

    position: int
    head: bytes
    tail: bytes


FROM_THE_START = Proof(0, b"", b"")


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
    """Follows one path; the file need not exist yet.

    With `begin`, the file that is there first is read from that byte on.
    """

    def __init__(self, path: Path, begin: int = 0) -> None:
        self.path = path
        self._first_byte = begin
        self._file: _File | None = None
        self._coming: list[_File] = []
        """The files that took the name since, in that order."""
        self._replaced: _File | None = None
        """The file that was read before. Its writer may go on with it for a while."""
        self._latest: _File | None = None
        """Which of the two gave bytes last."""
        self._trouble = ""

    def poll(self, limit: int = BLOCK) -> Growth:
        """The next bytes (at most `limit`), empty where there is nothing new."""
        # The name first: what has been written to the file by the time it is given away is read
        # then. And by opening, NFS learns what other nodes have written; a stat may be stale.
        now = self._named()
        file, said = self._file, ""
        if file is None:
            return self._begin(now, Change.OPENED, limit)
        try:
            data = file.read(limit)
        except _RewrittenError:
            return self._begin(now, Change.TRUNCATED, limit)
        except OSError as error:
            # What another node deleted stays unreadable (ESTALE); what has its name now is not.
            data, said = b"", reason(error)
        if data:
            return self._grown(file, data)
        # As long as a new file is empty, its writer still has the old one.
        if coming := next((new for new in self._coming if said or new.has_bytes()), None):
            return self._begin(coming, Change.REPLACED, limit)
        return self._late(limit) or Growth(Change.NONE, b"", note=said or self._trouble)

    def open(self) -> int:
        """Opens the file that has the name now; returns its descriptor, for others to read by."""
        self._file = self._latest = _File(self.path)
        return self._file.descriptor

    def resume(self, proof: Proof) -> int:
        """Goes on with the file that was opened where others have read it up to.

        Returns a descriptor for the receiver, as `Growth` has it.
        """
        assert self._file is not None
        self._file.trust(proof)
        self._file.given = os.dup(self._file.descriptor)
        return self._file.given

    def wait(self, timeout: float | None = None) -> bool:
        """Whether all that there will be is there: of a file, what there is."""
        return True

    def close(self) -> None:
        """Closes the files, but for the descriptors that were given away."""
        self._file = self._replaced = self._latest = None
        self._coming = []

    def _named(self) -> _File | None:
        """The file that has the name now, opened, and queued if it is a new one."""
        self._trouble = ""
        try:
            now = _File(self.path)
        except FileNotFoundError:
            self._trouble = "its file was moved or deleted" if self._file else WAITING
        except OSError as error:
            self._trouble = reason(error)
        else:
            known = [file for file in (self._file, self._replaced, *self._coming) if file]
            if known and now.identity not in [file.identity for file in known]:
                self._coming.append(now)
            return now
        return None

    def _late(self, limit: int) -> Growth | None:
        """What was written to the replaced file since it was replaced."""
        if self._replaced is None:
            return None
        try:
            data = self._replaced.read(limit)
        except (OSError, _RewrittenError):
            self._replaced, data = None, b""
        return self._grown(self._replaced, data) if self._replaced and data else None

    def _begin(self, new: _File | None, change: Change, limit: int) -> Growth:
        """Goes on with this file from its first byte (the first one's, from where it was said)."""
        if new is None:
            return Growth(Change.NONE, b"", note=self._trouble)
        try:
            if change is Change.OPENED:
                new.skip(self._first_byte)
            data = new.read(limit)
            new.given = os.dup(new.descriptor)
        except OSError as error:
            return Growth(Change.NONE, b"", note=reason(error))
        self._replaced = self._file if change is Change.REPLACED else None
        place = self._coming.index(new) + 1 if new in self._coming else len(self._coming)
        del self._coming[:place]
        self._file = self._latest = new
        return self._handed(new, change, data)

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

    def has_bytes(self) -> bool:
        """Whether there is anything in it."""
        try:
            return os.fstat(self.descriptor).st_size > 0
        except OSError:
            return False

    def skip(self, begin: int) -> None:
        """Goes on from this byte, if the file reaches so far, as if all before it had been read."""
        if begin <= self.size:
            self.trust(proof_of(self.descriptor, begin))

    def trust(self, proof: Proof) -> None:
        """Goes on from where others have read it up to, if it is still the same then."""
        self._head, self._tail = proof.head, proof.tail
        self.position = self.handed = proof.position

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


def proof_of(descriptor: int, position: int) -> Proof:
    """What to know an open file again by that was read so far."""
    size = min(position, _PROOF)
    head, tail = os.pread(descriptor, size, 0), os.pread(descriptor, size, position - size)
    return Proof(position, head, tail)


def reason(error: OSError) -> str:
    """Why a file cannot be read, in the system's words."""
    return f"cannot be read: {(error.strerror or str(error)).lower()}"


def _refuse_all_but_files(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        # To open a pipe and close it again could end its writer.
        raise OSError(errno.EINVAL, "it is no file but a stream, and was none when pdtui began")
