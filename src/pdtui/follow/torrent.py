"""What pours in is scanned by processes of their own, so that the screen has an interpreter.

    followers ─▶ source.unscanned ─▶ process ─▶ source.add_scanned ─▶ the screen

Who reads the files, and looks whether they were truncated or replaced, is the ingest thread, as
ever; a source lends its scanner, and gets it back when it is quiet again. Lines stay here until
their rows are here too, so a process that dies has taken nothing with it.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, count, islice
from pickle import PickleBuffer

from pdtui.core.scanstate import ScanState, kinds_in, memory_of, scanner_in, state_of
from pdtui.core.source import Source
from pdtui.follow.feed import Feed
from pdtui.follow.scanning import Lines, Scanned, ScanProcess
from pdtui.follow.splitting import cores
from pdtui.follow.tail import TailSource

TORRENT = 4 * 1024 * 1024
"""Bytes a second, of all sources, from which on they are scanned elsewhere: some 20,000 lines,
which take a fifth of the interpreter."""
_CALM = TORRENT // 4
"""Bytes a second below which it is over."""
_LOOK_EVERY = 0.1
"""Seconds over which they are counted."""
_STRONG = 4
"""How often in a row there must be so many before a process is started; twice as many count
twice."""
_CALM_FOR = 2.0
"""Seconds for which there must be so few before sources are scanned here again."""
_QUIET = 0.5
"""Seconds of silence after which a source is scanned here again."""
_KEPT = 10.0
"""Seconds for which a process is kept when there is nothing more for it to do."""
_REST = 60.0
"""Seconds for which none is started after one has died."""
_LOT = 2 * 1024 * 1024
"""Bytes of a source that a process is given at a time: more would make its turns longer."""
_A_PROCESS = 16 * 1024 * 1024
"""Bytes a second that are worth one more process: half of what it can do."""

Batch = Callable[[int, Feed], int | None]
"""Gives the number of the live batch with which the rows of a feed (and its number) come."""


@dataclass(slots=True)
class _Loan:
    """A source whose scanner is lent."""

    place: int
    """The number of its feed."""
    feed: Feed
    source: Source
    process: ScanProcess
    state: ScanState
    """How its scanner stands behind the rows that are here."""
    memory: bytes
    """The lines that its scanner knows, for the process to begin with."""
    is_new: bool = True
    """Whether the process has not heard of it yet."""
    out: int = 0
    """How many of the texts that wait are at the process."""


class Torrent:
    """The processes that scan, and what they scan; belongs to the ingest thread."""

    def __init__(self) -> None:
        self._most = max(cores() - 1, 1)
        self._processes: list[ScanProcess] = []
        self._loans: dict[int, _Loan] = {}
        self._numbers = count()
        self._pours = False
        self._strong = 0
        """How often in a row there came so much."""
        self._looked = self._poured = self._used = time.monotonic()
        self._rest_until = 0.0
        self._closing = False

    @property
    def busy(self) -> bool:
        """Whether some process is at work for a source."""
        return any(loan.out for loan in self._loans.values())

    def wait(self, seconds: float) -> None:
        """Waits until a process has something to say, or so long."""
        poll = select.poll()
        for process in self._processes:
            if process.busy:
                poll.register(process.answers, select.POLLIN)
        poll.poll(seconds * 1000)

    def look(self, feeds: Sequence[Feed], batch: Batch) -> bool:
        """Adds the rows that processes have found; whether there are any.

        Now and then it sees how much comes, and who is to scan it.
        """
        changed = self._take_in(batch)
        if time.monotonic() >= self._looked + _LOOK_EVERY:
            self._count(feeds)
            changed |= self._take_back_quiet(batch)
        return changed

    def hand_out(self, least: int = 1) -> None:
        """Gives processes that are idle what waits for them, if it is so many bytes."""
        for number, loan in list(self._loans.items()):
            if loan.source is not loan.feed.source:
                self._forget(number)  # its file began anew
        idle = [process for process in self._processes if process.ready and not process.busy]
        for process in idle:
            self._share(process)
        for process in idle:
            mine = self._loans_of(process)
            if sum(loan.source.waiting for _, loan in mine) >= least:
                process.give([_lines(*one) for one in mine if one[1].source.unscanned])

    def _share(self, process: ScanProcess) -> None:
        """Moves sources of a process that is idle to one that has fewer."""
        mine = self._loans_of(process)
        others = {other: len(self._loans_of(other)) for other in self._processes if other.ready}
        least = min(others, key=lambda other: others[other])
        for number, loan in mine[: (len(mine) - others[least]) // 2]:
            process.gone.append(number)
            loan.process, loan.is_new = least, True

    def _loans_of(self, process: ScanProcess) -> list[tuple[int, _Loan]]:
        return [(n, loan) for n, loan in self._loans.items() if loan.process is process]

    def _take_in(self, batch: Batch) -> bool:
        """Adds the rows that processes have found; whether there are any."""
        changed = False
        for process in list(self._processes):
            for scanned in process.answer():
                if loan := self._loans.get(scanned.number):
                    _add(loan, scanned, batch(loan.place, loan.feed))
                    changed = True
            if process.failed and not self._closing:
                self._rest_until = time.monotonic() + _REST
                self._end(process, batch)
                changed = True
        return changed

    def _count(self, feeds: Sequence[Feed]) -> None:
        """Sees how much comes, and who is to scan it."""
        now = time.monotonic()
        self._judge(sum(feed.came for feed in feeds) / (now - self._looked), now)
        self._looked = now
        for feed in feeds:
            feed.came = 0
        if self._pours:
            self._used = now
            for place, feed in enumerate(feeds):
                if feed.silent < _QUIET:
                    self._lend(place, feed)

    def end(self, batch: Batch) -> None:
        """Takes all sources back, and ends the processes."""
        for process in list(self._processes):
            self._end(process, batch)

    def kill(self) -> None:
        """Ends the processes; callable from any thread."""
        self._closing = True
        for process in list(self._processes):
            process.kill()

    def close(self) -> None:
        """Ends the processes, and waits for that."""
        for process in self._processes:
            process.close()

    def _judge(self, rate: float, now: float) -> None:
        """Whether it pours, by the bytes that came a second; starts processes where it does."""
        self._strong = self._strong + int(rate / TORRENT) if rate >= TORRENT else 0
        self._poured = now if rate >= _CALM else self._poured
        if self._strong >= _STRONG:
            self._pours = True
            wanted = min(self._most, 1 + int(rate / _A_PROCESS))
            if len(self._processes) < wanted and now >= self._rest_until:
                self._start()
        elif now > self._poured + _CALM_FOR:
            self._pours = False

    def _start(self) -> None:
        try:
            self._processes.append(ScanProcess())
        except OSError:
            # No memory or no process left: it goes without, more slowly.
            self._rest_until = self._looked + _REST

    def _lend(self, place: int, feed: Feed) -> None:
        """Has a source scanned by the process that has the fewest."""
        ready = [process for process in self._processes if process.ready]
        lent = feed.source.unscanned is not None
        if lent or not ready or not feed.loaded or isinstance(feed.source, TailSource):
            return
        if (scanner := feed.source.lend()) is not None:
            has = [loan.process for loan in self._loans.values()]
            process = min(ready, key=has.count)
            state, memory = state_of(scanner), memory_of(scanner)
            loan = _Loan(place, feed, feed.source, process, state, memory)
            self._loans[next(self._numbers)] = loan

    def _take_back_quiet(self, batch: Batch) -> bool:
        """Takes back the sources for which there is nothing to do; whether that brought rows."""
        before = len(self._loans)
        for number, loan in list(self._loans.items()):
            quiet = not loan.source.waiting and loan.feed.silent > _QUIET
            if not loan.out and (quiet or not self._pours):
                self._take_back(number, batch)
        if not self._loans and self._looked > self._used + _KEPT:
            self.end(batch)
        return len(self._loans) != before

    def _take_back(self, number: int, batch: Batch) -> None:
        """Has a source scanned here again, beginning with what waits."""
        loan = self._forget(number)
        if loan.source is loan.feed.source:
            scanner = scanner_in(loan.state.rest, loan.source.kinds)
            loan.source.take_back(scanner, batch(loan.place, loan.feed))

    def _forget(self, number: int) -> _Loan:
        loan = self._loans.pop(number)
        loan.process.gone.append(number)
        return loan

    def _end(self, process: ScanProcess, batch: Batch) -> None:
        """Ends a process, and scans here what it had."""
        self._processes.remove(process)
        process.close()
        for number, loan in list(self._loans.items()):
            if loan.process is process:
                self._take_back(number, batch)


def _lines(number: int, loan: _Loan) -> Lines:
    """What waits of a source, to be given to its process."""
    sizes = accumulate(map(len, loan.source.unscanned or ()))
    # One text at least, however long its line is.
    loan.out = max(sum(size <= _LOT for size in sizes), 1)
    texts = [PickleBuffer(text) for text in islice(loan.source.unscanned or (), loan.out)]
    state, loan.is_new = loan.state if loan.is_new else None, False
    memory, loan.memory = loan.memory, b""
    return Lines(number, texts, loan.source.end, state, memory)


def _add(loan: _Loan, scanned: Scanned, batch: int | None) -> None:
    """Adds the rows of what a process has had."""
    source, state = loan.source, scanned.state
    if state.kinds:
        source.kinds.take_over(kinds_in(state.kinds))
    loan.state = ScanState(state.kinds or loan.state.kinds, state.rest)
    for rows, size in scanned.rows:
        source.add_scanned(rows, size, batch)
    assert source.unscanned is not None
    for _ in range(loan.out):
        source.unscanned.popleft()
    loan.out = 0
