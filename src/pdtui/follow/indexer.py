"""Reads a large file in a process of its own, so that the screen has an interpreter to itself.

It is given the open file, and sends back what it found: six bytes of columns a row. Of a very large
file others scan stretches for it, see `splitting.py`; they end with it.

    parent ── Job, pickled, in a file; the log; a pipe ──▶ child
    parent ◀── position, position, … ── child
    parent ◀── Indexed, pickled, and its buffers ── child

The processes are forks of one, see `forkserver.py`.
"""

from __future__ import annotations

import os
import pickle
import select
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from pdtui.core.grammar import Grammar, grammar_in_use, use_grammar
from pdtui.core.markers import Marker, add_markers, added_markers
from pdtui.core.source import Source
from pdtui.follow import child, forkserver
from pdtui.follow.allocator import give_back_memory, keep_memory
from pdtui.follow.follower import BLOCK, Proof, proof_of
from pdtui.follow.forkserver import ForkServer
from pdtui.follow.splitting import read_split

_PROGRESS_EVERY = 4 * BLOCK
_NICENESS = 5
"""The screen goes first where there are not enough cores."""
_DONE = -1
"""In place of a position: what was found follows."""
_CLOSED = -1


@dataclass(frozen=True, slots=True)
class Job:
    """What the process has to know."""

    source: Source
    processes: int
    """How many scan for it."""
    grammar: Grammar
    markers: tuple[Marker, ...]


@dataclass(frozen=True, slots=True)
class Indexed:
    """The source with all rows, and what of the file they were read from."""

    source: Source
    proof: Proof


def new_fork_server() -> ForkServer:
    """What the processes are forks of."""
    return ForkServer(__name__)


class Indexer:
    """A process that reads one file."""

    def __init__(
        self, forks: ForkServer, source: Source, descriptor: int, processes: int = 1
    ) -> None:
        """Raises OSError where no process can be started."""
        self.position = 0
        """How far it has read, in bytes."""
        self.found: Indexed | None = None
        self.failed = False
        """Whether it ended without having found anything."""
        # By a file, since a pipe may be too small, and this thread would wait for the process.
        with tempfile.TemporaryFile(prefix="pdtui-") as job:
            pickle.dump(Job(source, processes, grammar_in_use(), added_markers()), job)
            job.seek(0)
            self._pipe, its_end = os.pipe()
            try:
                forks.fork((job.fileno(), descriptor, its_end))
            except OSError:
                self.close()
                raise
            finally:
                os.close(its_end)
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)

    def look(self) -> None:
        """Takes in how far it is by now, without waiting; what it has found is read at once."""
        while self.found is None and not self.failed and self._said_something():
            try:
                [said] = child.NUMBER.unpack(child.read(self._pipe, child.NUMBER.size))
                if said == _DONE:
                    self.found = child.receive(self._pipe)
                    self.close()
                else:
                    self.position = said
            except (EOFError, pickle.UnpicklingError):
                self.failed = True
                self.close()

    def close(self) -> None:
        """Hears no more of the process, which ends when it next says how far it is."""
        if self._pipe != _CLOSED:
            os.close(self._pipe)
            self._pipe = _CLOSED

    def _said_something(self) -> bool:
        return bool(self._poll.poll(0))


def serve() -> None:
    """What the processes are forks of."""
    os.nice(_NICENESS)
    keep_memory()
    forkserver.serve(_work)


def _work(files: Sequence[int]) -> None:
    """The process: reads its job, then the log, and writes what it found."""
    job_file, descriptor, out = files
    with os.fdopen(job_file, "rb") as file:
        job: Job = pickle.load(file)
    add_markers(job.markers)
    use_grammar(job.grammar)
    # Who started it may be gone, of which it hears when it next says how far it is.
    with suppress(BrokenPipeError):
        found = _index(job, descriptor, out)
        if found is not None:
            # Both have the rows until they are read, and this one its working memory as well.
            give_back_memory()
            os.write(out, child.NUMBER.pack(_DONE))
            child.send(out, found)


def _index(job: Job, descriptor: int, out: int) -> Indexed | None:
    """Reads the file to its end; None where it is not plain text all the way."""

    def say(position: int) -> None:
        os.write(out, child.NUMBER.pack(position))

    position = 0
    if job.processes > 1:
        read = read_split(job.source, descriptor, job.processes, say)
        if read is None:
            return None
        position = read
    said = position
    while data := os.pread(descriptor, BLOCK, position):
        if not data.strip(b"\0"):
            return None  # a hole: the follower knows how to go on behind it
        job.source.feed(data)
        position += len(data)
        if position - said >= _PROGRESS_EVERY:
            said = position
            say(position)
    return Indexed(job.source, proof_of(descriptor, position))
