"""A process that makes forks of itself: they are there at once, and what it has imported is shared.

The program itself must not fork: by then it has threads, and one of them may hold a lock.

    program ── open files, by a socket ──▶ fork server ──▶ a fork, which works on them and ends
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from pdtui.follow import child

_MOST_FILES = 8
"""Open files that go to one fork."""


class ForkServer:
    """The process, started when the first fork is asked for."""

    def __init__(self, module: str) -> None:
        """Its process calls `serve()` of the module, and that this module's."""
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._ending = threading.Lock()
        """Held while it is ended: once it was waited for, its number may be another's."""

    def fork(self, files: Sequence[int]) -> None:
        """Has a fork work on these open files; does not wait for it.

        Where no fork can be made the files are closed all the same, so whoever reads from a pipe
        among them hears of it. Raises OSError where there is no such process.
        """
        if self._socket is None:
            self._start()
        assert self._socket is not None
        # One byte: files must come with some.
        socket.send_fds(self._socket, [b"."], list(files))

    def _start(self) -> None:
        ours, its = socket.socketpair()
        with its:
            try:
                self._process = child.start(
                    self._module, its.fileno(), subprocess.DEVNULL, group=True
                )
            except OSError:
                ours.close()
                raise
        self._socket = ours

    def kill(self) -> None:
        """Ends the process and all its forks. Callable from any thread."""
        with self._ending:
            self._kill()

    def close(self) -> None:
        """Ends them, and waits for the process: the next fork is made by a new one."""
        with self._ending:
            self._kill()
            if self._process:
                child.end(self._process)
            if self._socket:
                self._socket.close()
            self._process = self._socket = None

    def _kill(self) -> None:
        if self._process:
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)


def serve(work: Callable[[Sequence[int]], None]) -> None:
    """The process: has a fork do the work for each message, until nobody can send any."""
    # What there is now is nobody's garbage; to look at it would be to write to shared pages.
    gc.freeze()
    # Nobody waits for the forks: who asked for them reads what they write.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=sys.stdin.fileno()) as messages:
        while True:
            said, files, _, _ = socket.recv_fds(messages, 1, _MOST_FILES)
            if not said:
                return
            with suppress(OSError):  # no memory or no process left
                if not os.fork():
                    _work(work, messages, files)
            for descriptor in files:
                os.close(descriptor)


def _work(
    work: Callable[[Sequence[int]], None], messages: socket.socket, files: Sequence[int]
) -> NoReturn:
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        messages.close()
        work(files)
    finally:
        # Nothing of what it has from the other process is its own to finish.
        os._exit(0)
