"""Reads one large file by several processes at once: each scans stretches of it, joined here.

    descriptor ─▶ process ─▶ Stretch ─┐
    descriptor ─▶ process ─▶ Stretch ─┴▶ join, in the order of the file ─▶ source.add_scanned

Stretches are given out one after the other, to whoever is free, so that cores which others use too
hold nobody up; and each with what is known by then of the lines above it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from pdtui.core.joining import join
from pdtui.core.scan import Scanner
from pdtui.core.source import Source
from pdtui.core.standing import standing_of
from pdtui.follow.follower import BLOCK
from pdtui.follow.stretching import (
    Answer,
    HoleError,
    StretchProcess,
    Task,
    lines_between,
    wait_for,
)

MOST = 16
"""Processes for all files together: a node with more cores is there for something else."""
WORTH_SPLITTING = 32 * 1024 * 1024
"""Bytes of a file from which on more than one process is worth it."""
HEAD = 1024 * 1024
"""Bytes that are scanned before, so that the processes know what lines look like."""
STRETCH = 8 * BLOCK
"""Bytes of a stretch at most: of less, those that are scanned above it are more of the work."""
_ROUNDS = 2
"""Stretches that each process could have of what is left: towards the end they become smaller, so
that all end together."""
_AHEAD = 2
"""Stretches for each process that may be given out and not joined."""
_MISSES = 4
"""Stretches more than others that may have to be scanned again before it is given up."""


def cores() -> int:
    """How many processors this process may use."""
    may_use = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(may_use(0)) if may_use else os.cpu_count() or 1


def processes_for(sizes: list[int], most: int) -> list[int]:
    """How many processes each of the files (by their bytes) is read by, if `most` is for all."""
    most = min(most, MOST)
    shares = [most * size / max(sum(sizes), 1) for size in sizes]
    return [
        max(int(share), 1) if size >= WORTH_SPLITTING else 1
        for share, size in zip(shares, sizes, strict=True)
    ]


def read_split(
    source: Source, descriptor: int, processes: int, said: Callable[[int], None] = lambda _: None
) -> int | None:
    """Feeds the source what is in the file now, by so many processes, up to the last line's end.

    Returns how far it came, in bytes: what is behind that is for the caller to read. `said` is told
    now and then. None where the file has holes or was changed meanwhile, so that it is to be read
    anew, into another source.
    """
    size, begins = os.fstat(descriptor).st_size, os.pread(descriptor, HEAD, 0)
    source.feed(begins[: begins.rfind(b"\n") + 1])
    scanner = source.lend()
    assert scanner is not None, "nothing unfinished is shown yet"
    splitting = _Splitting(source, scanner, descriptor, _cuts(source.end, size, processes), said)
    try:
        splitting.run(processes)
    except HoleError:
        return None
    finally:
        splitting.close()
    scanner.forget_lines()
    source.take_back(scanner)
    changed = os.fstat(descriptor).st_size < size or begins != os.pread(descriptor, len(begins), 0)
    return None if changed else source.end


class _Splitting:
    """The processes that read one file, and what of it has been read."""

    def __init__(
        self,
        source: Source,
        scanner: Scanner,
        descriptor: int,
        cuts: list[int],
        said: Callable[[int], None],
    ) -> None:
        self._source, self._scanner, self._descriptor = source, scanner, descriptor
        self._said = said
        self._cuts = cuts
        """Where stretches begin and end, but for the line that is cut."""
        self._given = self._joined = 0
        """How many were given out, and how many are in the source."""
        self._found: dict[int, Answer | None] = {}
        """What was found of those that are not joined yet."""
        self._again = 0
        self._processes: list[StretchProcess] = []

    def run(self, processes: int) -> None:
        """Reads all, or as much as there are processes for."""
        with suppress(OSError):
            # Where no more can be started, those that are there will do.
            for _ in range(min(processes, len(self._cuts) - 1)):
                process = StretchProcess(self._scanner, self._descriptor, self._processes)
                self._processes.append(process)
        while self._joined < len(self._cuts) - 1 and self._is_worth_it:
            self._give_out()
            busy = [process for process in self._processes if process.number is not None]
            for process in wait_for(busy) if busy else ():
                number = process.number
                assert number is not None
                self._found[number] = process.answer()
            # Before what was found is joined, so that nobody waits for that.
            self._give_out()
            while self._joined in self._found and self._is_worth_it:
                self._take(self._found.pop(self._joined))

    def close(self) -> None:
        """Ends the processes."""
        for process in self._processes:
            process.close()
        self._processes = []

    @property
    def _is_worth_it(self) -> bool:
        return bool(self._processes) and self._again <= self._joined - self._again + _MISSES

    def _give_out(self) -> None:
        """Gives those a stretch that have none."""
        for process in [one for one in self._processes if one.failed]:
            if process.number is not None:
                self._found[process.number] = None
            process.close()
            self._processes.remove(process)
        last = min(self._joined + _AHEAD * len(self._processes), len(self._cuts) - 1)
        for process in self._processes:
            if process.number is None and self._given < last:
                begin, end = self._cuts[self._given : self._given + 2]
                process.give(self._given, Task(begin, end, standing_of(self._scanner)))
                self._given += 1

    def _take(self, answer: Answer | None) -> None:
        """Joins the next stretch, or scans it here."""
        if answer is not None and answer.hole:
            raise HoleError
        self._joined += 1
        source, stretch = self._source, answer and answer.stretch
        follows = answer is not None and answer.begin == source.end
        if stretch and follows and join(self._scanner, stretch):
            for rows, size in stretch.pieces:
                source.add_scanned(rows, size)
        else:
            self._again += 1
            self._scanner.forget_lines()
            for piece in lines_between(self._descriptor, source.end, self._cuts[self._joined]):
                source.add_scanned(self._scanner.scan(piece, source.end), len(piece))
        self._said(source.end)


def _cuts(begin: int, end: int, processes: int) -> list[int]:
    """Where stretches begin and end; blocks of the file are not cut, so that holes are seen."""
    cuts = [begin]
    while cuts[-1] < end:
        block = cuts[-1] - cuts[-1] % min(BLOCK, STRETCH)
        most = (end - block) // (_ROUNDS * processes * BLOCK) * BLOCK
        cuts.append(min(block + min(STRETCH, max(most, BLOCK)), end))
    return cuts
