"""A process that scans lines for others, from where their scanners stand.

    parent ── Setup ──▶ child
    parent ◀── True: it is ready ── child
    parent ── Task: lines of some sources ──▶ child
    parent ◀── list[Scanned]: their rows, and how the scanners stand then ── child    and so on

With each answer comes all that is needed to go on without the process: it may end, or be killed,
at any time. It is given a task only when it has answered the last one, so that neither waits while
it writes.
"""

from __future__ import annotations

import pickle
import select
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from pdtui.core.grammar import Grammar, grammar_in_use, use_grammar
from pdtui.core.markers import Marker, add_markers, added_markers
from pdtui.core.scan import Rows, Scanner
from pdtui.core.scanstate import ScanState, kinds_in, scanner_in, state_of
from pdtui.core.source import FIRST_PIECE, PIECE
from pdtui.follow import child
from pdtui.follow.allocator import keep_memory

_NEWLINE = ord("\n")


@dataclass(frozen=True, slots=True)
class Setup:
    """What the process has to know of the session."""

    grammar: Grammar
    markers: tuple[Marker, ...]


Text: TypeAlias = bytes | memoryview | pickle.PickleBuffer
"""Lines: as they lie in memory where they come from, and go over the pipe as they lie there."""


class Lines(NamedTuple):
    """Lines of one source that follow those sent before."""

    number: int
    """Stands for the source as long as its scanner is lent."""
    texts: Sequence[Text]
    begin: int
    """Where they begin in the source, in bytes."""
    state: ScanState | None
    """How the scanner stands, where these are the first lines."""
    memory: bytes
    """The lines that it knows by then, if they are at hand, see `memory_of`."""


class Task(NamedTuple):
    """What the process is to do next."""

    lines: list[Lines]
    gone: list[int]
    """The sources of which no more lines come."""


class Scanned(NamedTuple):
    """The rows of some lines."""

    number: int
    rows: list[tuple[Rows, int]]
    """The rows of one piece after the other, and how many bytes it had."""
    state: ScanState
    """How the scanner stands behind them. Its kinds are empty where nothing was learned of them."""


class ScanProcess:
    """A process that scans, as its parent sees it."""

    def __init__(self) -> None:
        """Raises OSError where no process can be started."""
        self.busy = True
        """Whether an answer is to come; the first one is that it is ready."""
        self.ready = False
        self.failed = False
        """Whether it has ended."""
        self.gone: list[int] = []
        """The numbers of sources that it need not know any more."""
        self._process = child.start(__name__)
        assert self._process.stdin
        assert self._process.stdout
        self._to, self.answers = self._process.stdin.fileno(), self._process.stdout.fileno()
        """Where its answers come."""
        self._poll = select.poll()
        self._poll.register(self.answers, select.POLLIN)
        child.widen(self._to)
        child.widen(self.answers)
        self._send(Setup(grammar_in_use(), added_markers()))

    def give(self, lines: list[Lines]) -> None:
        """Gives it something to do; it must not be busy."""
        self.busy = True
        gone, self.gone = self.gone, []
        self._send(Task(lines, gone))

    def answer(self) -> list[Scanned]:
        """What it has found, if that is there by now."""
        if not self.busy or self.failed or not self._poll.poll(0):
            return []
        try:
            said = child.receive(self.answers)
        except (OSError, EOFError, pickle.UnpicklingError):
            self.failed = True
            return []
        self.busy = False
        if said is True:
            self.ready = True
            return []
        found: list[Scanned] = said
        return found

    def kill(self) -> None:
        """Ends the process; who waits for it hears so. Callable from any thread."""
        self._process.kill()

    def close(self) -> None:
        """Ends the process, if it still runs, and waits for that."""
        child.end(self._process)

    def _send(self, what: object) -> None:
        try:
            child.send(self._to, what)
        except OSError:
            self.failed = True


@dataclass(slots=True)
class _Lent:
    """A scanner, as the process has it."""

    scanner: Scanner
    kinds: bytes
    """What the other side knows of its kinds."""
    is_new: bool = True
    """Whether it knows no lines yet."""

    def scan(self, lines: Lines) -> Scanned:
        begin, found = lines.begin, []
        for piece in self._pieces(lines):
            found.append((self.scanner.scan(piece, begin), len(piece)))
            begin += len(piece)
        state = state_of(self.scanner)
        known, self.kinds = self.kinds, state.kinds
        return Scanned(
            lines.number, found, state._replace(kinds=b"") if known == state.kinds else state
        )

    def _pieces(self, lines: Lines) -> Iterator[bytes]:
        for piece in joined(lines.texts):
            # What the first lines teach makes all further ones quick.
            cut = piece.rfind(b"\n", 0, FIRST_PIECE) + 1 if self.is_new else 0
            self.is_new = False
            yield from (piece[:cut], piece[cut:]) if 0 < cut < len(piece) else (piece,)


def joined(texts: Sequence[Text]) -> Iterator[bytes]:
    """The same lines in pieces that are worth scanning together.

    A text that ends without a newline is a last line, and ends there.
    """
    waiting: list[memoryview] = []
    for text in texts:
        lines = memoryview(text)
        if waiting and (waiting[-1][-1] != _NEWLINE or sum(map(len, (*waiting, lines))) > PIECE):
            yield b"".join(waiting)
            waiting = []
        waiting.append(lines)
    if waiting:
        yield b"".join(waiting)


def serve() -> None:
    """The process: reads its tasks from stdin, and writes to stdout."""
    keep_memory()
    to, lent = sys.stdout.fileno(), dict[int, _Lent]()
    # Who started it may end at any time.
    with suppress(BrokenPipeError, EOFError):
        setup: Setup = child.receive(sys.stdin.fileno())
        add_markers(setup.markers)
        use_grammar(setup.grammar)
        child.send(to, True)
        while True:
            task: Task = child.receive(sys.stdin.fileno())
            for number in task.gone:
                lent.pop(number, None)
            child.send(to, [_scan(lent, lines) for lines in task.lines])


def _scan(lent: dict[int, _Lent], lines: Lines) -> Scanned:
    if lines.state is not None:
        kinds = kinds_in(lines.state.kinds)
        scanner = scanner_in(lines.state.rest, kinds, lines.memory)
        lent[lines.number] = _Lent(scanner, lines.state.kinds, is_new=not lines.memory)
    return lent[lines.number].scan(lines)
