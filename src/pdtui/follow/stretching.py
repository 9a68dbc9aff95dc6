"""A process that scans stretches of one large file, for another one that puts them together.

    parent ── Task: from where to where ──▶ child
    parent ◀── Stretch: its rows, and what it took for granted ── child    and so on

It is a fork, so it is there at once, knows what lines of the file look like, and has the file open.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

from pdtui.core.scan import Scanner
from pdtui.core.standing import Standing
from pdtui.core.stretches import Stretch, StretchScanner
from pdtui.follow import child
from pdtui.follow.follower import BLOCK

ABOVE = 128 * 1024
"""Bytes above a stretch that are scanned too: records end and processes write within so many."""


class Task(NamedTuple):
    """What the process is to do next."""

    begin: int
    """The stretch begins with the line that goes on here, or begins here."""
    end: int
    """It ends where the last line ends that ends up to here."""
    standing: Standing
    """How a scanner stood above it."""


class Answer(NamedTuple):
    """What came of it."""

    begin: int
    stretch: Stretch | None
    """None where the lines are too long for this, or the table of kinds is full."""
    hole: bool = False
    """Whether there is a block of nothing but NUL, as truncating leaves it."""


class StretchProcess:
    """A process that scans stretches, as its parent sees it."""

    def __init__(self, scanner: Scanner, descriptor: int, others: Sequence[StretchProcess]) -> None:
        """`others` were started before. Raises OSError where no process can be started."""
        self.number: int | None = None
        """The number of the stretch that it is at."""
        self.failed = False
        """Whether it has ended."""
        (tasks, self._to), (self.answers, answers) = os.pipe(), os.pipe()
        self._ends = [self._to, self.answers]
        child.widen(answers)
        # Ctrl-C is for this process, and ends the fork by that: in a fork it stays blocked.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._pid = os.fork()
        except OSError:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for end in (tasks, answers, *self._ends):
                os.close(end)
            raise
        if not self._pid:
            for end in (*self._ends, *(end for other in others for end in other._ends)):
                os.close(end)
            _serve(scanner, descriptor, tasks, answers)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(tasks)
        os.close(answers)

    def give(self, number: int, task: Task) -> None:
        """Gives it a stretch to scan; it must not be at one."""
        self.number = number
        try:
            child.send(self._to, task)
        except OSError:
            self.failed = True

    def answer(self) -> Answer | None:
        """What it has found; None where it has ended."""
        self.number = None
        try:
            found: Answer = child.receive(self.answers)
        except (OSError, EOFError, pickle.UnpicklingError):
            self.failed = True
            return None
        return found

    def close(self) -> None:
        """Ends the process, if it still runs, and waits for that."""
        with suppress(OSError):
            os.kill(self._pid, signal.SIGKILL)
        with suppress(OSError):
            os.waitpid(self._pid, 0)
        for end in self._ends:
            os.close(end)


def wait_for(processes: Sequence[StretchProcess]) -> list[StretchProcess]:
    """Waits until some of the processes have something to say, or have ended."""
    poll = select.poll()
    for process in processes:
        poll.register(process.answers, select.POLLIN)
    ready = {descriptor for descriptor, _ in poll.poll()}
    return [process for process in processes if process.answers in ready]


def lines_between(descriptor: int, begin: int, end: int) -> Iterator[bytes]:
    """The whole lines from `begin` (where one begins) to `end`, in pieces to scan together.

    Raises HoleError at a block of nothing but NUL.
    """
    rest, position = b"", begin
    while position < end:
        # Blocks begin where they do for who reads all of the file, and holes are found likewise.
        size = min(end, position - position % BLOCK + BLOCK) - position
        data = os.pread(descriptor, size, position)
        if len(data) == BLOCK and not data.strip(b"\0"):
            raise HoleError
        if not data:
            return
        position += len(data)
        cut = data.rfind(b"\n") + 1
        if cut:
            yield b"".join((rest, memoryview(data)[:cut]))
            rest = data[cut:]
        else:
            rest += data


class HoleError(Exception):
    """The file has a block of nothing but NUL."""


def _serve(scanner: Scanner, descriptor: int, tasks: int, answers: int) -> NoReturn:
    """The process: reads its tasks, and writes what it finds."""
    try:
        stretches = StretchScanner(scanner)
        # Who started it may end at any time.
        with suppress(BrokenPipeError, EOFError):
            while True:
                child.send(answers, _scan(stretches, descriptor, child.receive(tasks)))
    finally:
        # Nothing of what it has from the other process is its own to finish.
        os._exit(0)


def _scan(scanner: StretchScanner, descriptor: int, task: Task) -> Answer:
    reach = max(task.begin - ABOVE, 0)
    above = os.pread(descriptor, task.begin - reach, reach)
    first, cut = above.find(b"\n") + 1, above.rfind(b"\n") + 1
    if not cut:
        return Answer(task.begin, None)
    begin = reach + cut
    try:
        pieces = _placed(lines_between(descriptor, begin, task.end), begin)
        return Answer(begin, scanner.scan(task.standing, above[first:cut], pieces))
    except HoleError:
        return Answer(begin, None, hole=True)


def _placed(pieces: Iterator[bytes], begin: int) -> Iterator[tuple[int, bytes]]:
    for piece in pieces:
        yield begin, piece
        begin += len(piece)
