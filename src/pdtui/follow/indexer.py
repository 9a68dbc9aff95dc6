"""Reads a large file in a process of its own, so that the screen has an interpreter to itself.

It is given the open file, and sends back what it found: six bytes of columns a row. Of a very large
file others scan stretches for it, see `splitting.py`; they end with it.

    parent ── Job, pickled ──▶ child
    parent ◀── position, position, … ── child
    parent ◀── Indexed, pickled, and its buffers ── child
"""

from __future__ import annotations

import os
import pickle
import select
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from pdtui.core.grammar import Grammar, grammar_in_use, use_grammar
from pdtui.core.markers import Marker, add_markers, added_markers
from pdtui.core.source import Source
from pdtui.follow import child
from pdtui.follow.allocator import keep_memory
from pdtui.follow.follower import BLOCK, Proof, proof_of
from pdtui.follow.splitting import read_split

_PROGRESS_EVERY = 4 * BLOCK
_NICENESS = 5
"""The screen goes first where there are not enough cores."""
_DONE = -1
"""In place of a position: what was found follows."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the process has to know."""

    source: Source
    descriptor: int
    processes: int
    """How many scan for it."""
    grammar: Grammar
    markers: tuple[Marker, ...]


@dataclass(frozen=True, slots=True)
class Indexed:
    """The source with all rows, and what of the file they were read from."""

    source: Source
    proof: Proof


class Indexer:
    """A process that reads one file."""

    def __init__(self, source: Source, descriptor: int, processes: int = 1) -> None:
        self.position = 0
        """How far it has read, in bytes."""
        self.found: Indexed | None = None
        self.failed = False
        """Whether it ended without having found anything."""
        # By a file, since a pipe may be too small, and this thread would wait for the process.
        with tempfile.TemporaryFile(prefix="pdtui-") as job:
            settings = grammar_in_use(), added_markers()
            pickle.dump(Job(source, descriptor, processes, *settings), job)
            job.seek(0)
            self._process = child.start(__name__, job, (descriptor,))
        assert self._process.stdout
        self._pipe = self._process.stdout
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)

    def look(self) -> None:
        """Takes in how far it is by now, without waiting; what it has found is read at once."""
        while self.found is None and not self.failed and self._said_something():
            try:
                pipe = self._pipe.fileno()
                [said] = child.NUMBER.unpack(child.read(pipe, child.NUMBER.size))
                if said == _DONE:
                    self.found = child.receive(pipe)
                    self.close()
                else:
                    self.position = said
            except (EOFError, pickle.UnpicklingError):
                self.failed = True
                self.close()

    def kill(self) -> None:
        """Ends the process; who reads from it gets no more. Callable from any thread."""
        self._process.kill()

    def close(self) -> None:
        """Ends the process, if it still runs, and waits for that."""
        child.end(self._process)

    def _said_something(self) -> bool:
        return bool(self._poll.poll(0))


def serve() -> None:
    """The process: reads its job from stdin, and writes to stdout."""
    os.nice(_NICENESS)
    keep_memory()
    job: Job = pickle.load(sys.stdin.buffer)
    add_markers(job.markers)
    use_grammar(job.grammar)
    # Who started it may be gone, of which it hears when it next says how far it is.
    with suppress(BrokenPipeError):
        found = _index(job, sys.stdout.buffer)
        if found is not None:
            sys.stdout.buffer.write(child.NUMBER.pack(_DONE))
            sys.stdout.buffer.flush()
            child.send(sys.stdout.fileno(), found)


def _index(job: Job, out: BinaryIO) -> Indexed | None:
    """Reads the file to its end; None where it is not plain text all the way."""

    def say(position: int) -> None:
        out.write(child.NUMBER.pack(position))
        out.flush()

    position = 0
    if job.processes > 1:
        read = read_split(job.source, job.descriptor, job.processes, say)
        if read is None:
            return None
        position = read
    said = position
    while data := os.pread(job.descriptor, BLOCK, position):
        if not data.strip(b"\0"):
            return None  # a hole: the follower knows how to go on behind it
        job.source.feed(data)
        position += len(data)
        if position - said >= _PROGRESS_EVERY:
            said = position
            say(position)
    return Indexed(job.source, proof_of(job.descriptor, position))
