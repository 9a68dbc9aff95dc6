"""The view of handshakes: a line a pair, the matrix above, both sides' steps below."""

from __future__ import annotations

from itertools import zip_longest

from rich.cells import cell_len

from pdtui.core.evidence import Place, clock_of, counted, length_of, three_digits
from pdtui.core.sides import Side
from pdtui.core.stamps import SECOND
from pdtui.ui.insight import Insight
from pdtui.ui.matrix import matrix_lines
from pdtui.ui.pairs import (
    SIGNS,
    End,
    Pair,
    legend,
    pairs_of,
    said_of,
    steps_of,
    telling_row,
)  # fmt: skip
from pdtui.ui.parts import Line
from pdtui.ui.session import Session
from pdtui.ui.text import fit

_NAME_MOST = 34
_LEAST_STEPS = 5
_BESIDE_LIST = 2
"""Cells of a line that the list's items have not: the cursor's sign and the scroll bar."""
_NONE = (
    "  No line speaks of a handshake. vLLM's P2P connector says them with",
    "  VLLM_LOGGING_LEVEL=DEBUG, NCCL with NCCL_DEBUG=INFO.",
)


class HandshakesOverview:
    """Who shakes hands with whom, how far they are, and who waits."""

    name = "handshakes"
    leads_to_rows = True

    def __init__(self, session: Session, *, ascii_only: bool) -> None:
        self._session = session
        self._ascii_only = ascii_only
        self._pairs: list[Pair] = []
        self.legend = legend(ascii_only)

    @property
    def _insight(self) -> Insight:
        return self._session.insight

    def update(self) -> None:
        """Pairs up what is known now."""
        self._pairs = pairs_of(self._insight)

    def title(self) -> str:
        """`handshakes ── 4: 3 established, 1 stalled`."""
        if not self._pairs:
            return "handshakes ── none in these logs"
        counts = {sign: sum(pair.sign is sign for pair in self._pairs) for sign in SIGNS}
        said = ", ".join(f"{count} {sign.word}" for sign, count in counts.items() if count)
        return f"handshakes ── {said}"

    def __len__(self) -> int:
        return len(self._pairs)

    def head(self, width: int, height: int) -> list[Line]:
        """The matrix, where there is more than one prefill or decode, and what the columns are."""
        if not self._pairs:
            return [[(text, "quiet")] for text in _NONE]
        labels = {n: source.label for n, source in enumerate(self._session.sources)}
        matrix = matrix_lines(self._pairs, width, height - 1, labels, ascii_only=self._ascii_only)
        left, right = self._name_widths(width - _BESIDE_LIST)
        heading = f"   {fit('prefill', left)}   {fit('decode', right)}  how far"
        return [*matrix, [(heading, "quiet")]]

    def line(self, number: int, width: int) -> Line:
        """`● prefill 10.0.1.2:21001 → decode 10.0.1.3:22001  established 10:30:47, took 2 s`."""
        pair = self._pairs[number]
        left, right = self._name_widths(width)
        arrows = ("->", "<-") if self._ascii_only else ("→", "←")
        arrow = arrows[0] if pair.prefill_connects else arrows[1]
        again = pair.handshake.generation
        more = f"  (start {again})" if again > 1 else ""
        return [
            (f"{pair.sign.shown(self._ascii_only)} ", pair.sign.part),
            (fit(pair.prefill.in_cells(left), left), "source-prefill"),
            (f" {arrow} ", "quiet"),
            (fit(pair.decode.in_cells(right), right), "source-decode"),
            ("  " + said_of(pair, self._insight) + more, pair.sign.part),
        ]

    def _name_widths(self, width: int) -> tuple[int, int]:
        """Cells for prefill's and decode's name: as wide as the widest, if there is room."""
        most = min(_NAME_MOST, width * 32 // 100)
        widest = [
            max((cell_len(end.in_cells(most)) for end in ends), default=0)
            for ends in zip(*((pair.prefill, pair.decode) for pair in self._pairs), strict=True)
        ]
        return min(widest[0], most), min(widest[1], most)

    def detail(self, number: int, width: int, height: int) -> list[Line]:
        """Who waits and why, and the steps of both sides beside each other."""
        pair = self._pairs[number]
        lines: list[Line] = [[("─" * width, "quiet")]]
        if pair.stall is not None:
            lines += [[(" " + text, "error")] for text in _wrapped(pair.stall.sentence, width)]
            hint = _wrapped(f"→ {pair.stall.hint}", width)
            room = max(height - len(lines) - _LEAST_STEPS, 1)
            if len(hint) > room:
                hint = [*hint[: room - 1], f"{hint[room - 1]} …"]
            lines += [[(" " + text, "quiet")] for text in hint]
        half = (width - 3) // 2
        room = max(height - len(lines), _LEAST_STEPS)
        ends = (pair.prefill, pair.decode)
        left, right = (self._column(pair, end, half, room) for end in ends)
        return lines + [
            _beside(one or [], other or [], half) for one, other in zip_longest(left, right)
        ]

    def _column(self, pair: Pair, end: End, width: int, height: int) -> list[Line]:
        """One end: who it is, and as many of its last steps as there is room for."""
        begin = _who(pair, end, width)
        if end.side is None:
            said = "it says nothing of this handshake" if end.name else "its log is not here"
            return [*begin, [(f" {said}", "quiet")]]
        lines = self._steps(end.side)
        if end.side.failed is not None:
            clock = clock_of(self._insight.clocks.time(Place(end.side.source, end.side.failed)))
            lines.append([(f" {clock:8}", "time"), (f" {'':7} failed", "error")])
        if pair.stall is not None and pair.stall.evidence[0].source == end.side.source:
            waited = pair.stall.waited
            lines.append([(f" {'':16} … waits {length_of(waited) if waited else ''}", "error")])
        room = max(height - len(begin), 1)
        if len(lines) > room:
            skipped = len(lines) - room + 1
            lines = [[(f" … {counted(skipped, 'earlier step')}", "quiet")], *lines[skipped:]]
        return begin + lines

    def _steps(self, side: Side) -> list[Line]:
        """Each step with its time, and the time since the step before."""
        lines: list[Line] = []
        before: int | None = None
        for time, word in steps_of(side, self._insight):
            since = ""
            if before is not None and time is not None:
                since = f"+{three_digits((time - before) / SECOND)} s"
            clock = clock_of(time) if time is not None else ""
            lines.append([(f" {clock:8}", "time"), (f" {since:>7} ", "values"), (word, "message")])
            before = time
        return lines

    def key(self, number: int) -> object:
        """The sides that it is made of."""
        return self._pairs[number].key

    def place_of(self, key: object) -> int | None:
        """Where the pair is now."""
        return next((n for n, pair in enumerate(self._pairs) if pair.key == key), None)

    def row(self, number: int) -> Place | None:
        """The row with which the wait began, or the last step."""
        return telling_row(self._pairs[number])


def _who(pair: Pair, end: End, width: int) -> list[Line]:
    """The end's name and address, whether it connects, its rank and pid."""
    connects = pair.prefill_connects == (end is pair.prefill)
    engine = end.side.engine if end.side else None
    more = [end.role, "connects" if connects else "listens"]
    if engine is not None and engine.rank is not None:
        more.append(f"rank {engine.rank}")
    if engine is not None and engine.pid is not None:
        more.append(f"pid {engine.pid}")
    return [
        [(fit(f" {end.known_as}", width), f"source-{end.role}")],
        [(" " + ", ".join(more), "quiet")],
    ]


def _beside(left: Line, right: Line, half: int) -> Line:
    """Two lines beside each other."""
    return [*_cut(left, half), (" │ ", "quiet"), *_cut(right, half)]


def _cut(line: Line, width: int) -> Line:
    """The line in exactly so many cells."""
    found: Line = []
    for text, part in line:
        size = min(cell_len(text), width)
        found.append((fit(text, size), part))
        width -= size
    return [*found, (" " * width, "quiet")]


def _wrapped(text: str, width: int) -> list[str]:
    """The text in lines that leave a cell on each side."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width - 2:
            lines.append(line)
            line = "  " + word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]
