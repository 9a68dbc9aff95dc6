"""The handshakes of prefill and decode as pairs: who they are, how far, with what sign."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rich.cells import cell_len

from pdtui.core.evidence import Place, clock_of, length_of
from pdtui.core.handshakes import UNFINISHED, Handshake, State
from pdtui.core.roles import DECODE, PREFILL
from pdtui.core.sides import Side
from pdtui.core.stalls import Stall
from pdtui.core.steps import STEP_WORDS, Step
from pdtui.ui.insight import Insight


class Sign(Enum):
    """How a handshake is, the worst first: its sign, in letters, and its look."""

    STALLED = ("!", "!", "stalled", "error")
    REFUSED = ("✕", "x", "failed", "error")
    ONGOING = ("◌", "~", "in progress", "warning")
    DONE = ("●", "o", "established", "good")
    CLOSED = ("·", ".", "closed", "quiet")

    def __init__(self, sign: str, letter: str, word: str, part: str) -> None:
        self.sign = sign
        self.letter = letter
        self.word = word
        self.part = part

    def shown(self, ascii_only: bool) -> str:
        """The sign, or the letter in its place."""
        return self.letter if ascii_only else self.sign


SIGNS = list(Sign)
NO_SIGN = "-"
"""Where there is no handshake."""


def legend(ascii_only: bool) -> str:
    """What the signs mean."""
    order = (Sign.DONE, Sign.ONGOING, Sign.STALLED, Sign.REFUSED, Sign.CLOSED)
    said = [f"{sign.shown(ascii_only)} {sign.word}" for sign in order]
    return "  ".join([*said, f"{NO_SIGN} none"])


@dataclass(frozen=True, slots=True)
class End:
    """One end of a handshake: an engine, as far as logs show it."""

    role: str
    name: str
    """Its source's label, with its rank where there are several; '' where no log shows it."""
    address: str
    source: int | None
    """The number of its source; None where no log shows it."""
    side: Side | None

    @property
    def known_as(self) -> str:
        """`prefill 10.0.1.2:21001`, the address once."""
        address = "" if self.address and self.address in self.name else self.address
        return f"{self.name} {address}".strip() or "a peer that no line names"

    def in_cells(self, width: int) -> str:
        """The same where it has room, else the name alone."""
        return self.known_as if cell_len(self.known_as) <= width else self.name or self.address


@dataclass(frozen=True, slots=True)
class Pair:
    """A handshake of a prefill and a decode engine."""

    handshake: Handshake
    sign: Sign
    prefill: End
    decode: End
    stall: Stall | None

    @property
    def prefill_connects(self) -> bool:
        """Whether prefill calls create_connect, and decode listens (in GET it is decode)."""
        connector = self.handshake.connector
        if connector is not None:
            return connector is self.prefill.side
        return self.handshake.acceptor is self.decode.side

    @property
    def key(self) -> tuple[object, ...]:
        """What the pair is known by, though the handshake is paired up anew as rows arrive."""
        return self.handshake.sides[:1]

    @property
    def ends(self) -> tuple[End, End]:
        """Both ends, the one that waits first (else the one that connects)."""
        waiting = self.stall.evidence[0].source if self.stall else None
        both = (self.prefill, self.decode)
        if waiting is None:
            return both if self.prefill_connects else both[::-1]
        first = self.prefill.side
        return both if first is not None and first.source == waiting else both[::-1]


def pairs_of(insight: Insight) -> list[Pair]:
    """All handshakes, what stands still first."""
    pairs = [_pair(insight, handshake) for handshake in insight.handshakes.pairs]
    return sorted(
        pairs,
        key=lambda pair: (
            SIGNS.index(pair.sign), -_waited(pair), pair.prefill.known_as, pair.decode.known_as
        ),
    )  # fmt: skip


def _waited(pair: Pair) -> int:
    return (pair.stall.waited or 0) if pair.stall else 0


def _pair(insight: Insight, handshake: Handshake) -> Pair:
    prefill, decode = insight.handshakes.prefill_and_decode(handshake)
    turned = prefill == handshake.acceptor_address != decode
    sides = (handshake.connector, handshake.acceptor)
    first, second = sides[::-1] if turned else sides
    return Pair(
        handshake,
        _sign(insight, handshake),
        _end(insight, PREFILL, first, prefill),
        _end(insight, DECODE, second, decode),
        insight.stall_of(handshake),
    )


def _end(insight: Insight, role: str, side: Side | None, address: str) -> End:
    engine = side.engine if side else insight.handshakes.engine_at(address)
    name = insight.handshakes.name(engine) if engine else ""
    return End(role, name, address, engine.source if engine else None, side)


def _sign(insight: Insight, handshake: Handshake) -> Sign:
    state = handshake.state
    if state in UNFINISHED:
        return Sign.STALLED if insight.stall_of(handshake) else Sign.ONGOING
    return {State.ESTABLISHED: Sign.DONE, State.FAILED: Sign.REFUSED}.get(state, Sign.CLOSED)


def said_of(pair: Pair, insight: Insight) -> str:
    """How far it is, in few words: `stalled 42 s: NEW was sent, never received`."""
    if pair.stall is not None:
        waited = pair.stall.waited
        long = f" {length_of(waited)}" if waited else f" since {clock_of(pair.stall.since)}"
        return f"stalled{long}: {pair.stall.reason}"
    if pair.sign is Sign.ONGOING:
        return f"{pair.sign.word}: {pair.handshake.state.value}"
    if pair.sign is Sign.CLOSED:
        return "closed: an engine of it was started anew"
    if pair.sign is Sign.REFUSED:
        failed = [Place(s.source, s.failed) for s in pair.handshake.sides if s.failed is not None]
        return f"failed {clock_of(insight.clocks.time(failed[0]))}" if failed else "failed"
    took = pair.handshake.took(insight.clocks)
    if took is None:
        return "established"
    done = [side.row_of(Step.SUCCEEDED, Step.COMM_COMPLETE) for side in pair.handshake.sides]
    times = [
        insight.clocks.time(Place(side.source, row)) or 0
        for side, row in zip(pair.handshake.sides, done, strict=True)
        if row is not None
    ]
    return f"established {clock_of(max(times))}, took {length_of(took)}"


def steps_of(side: Side, insight: Insight) -> list[tuple[int | None, str]]:
    """The steps that a side reached: when, and what each is called."""
    reached = sorted(side.steps.items(), key=lambda item: (item[1], item[0]))
    return [
        (insight.clocks.time(Place(side.source, row)), STEP_WORDS[step]) for step, row in reached
    ]


def telling_row(pair: Pair) -> Place | None:
    """The row to look at: with which the wait began, which ended it, else the last step."""
    if pair.stall is not None:
        return pair.stall.evidence[0]
    for side in pair.handshake.sides:
        if side.failed is not None:
            return Place(side.source, side.failed)
    return next((Place(s.source, s.last[1]) for s in pair.handshake.sides if s.steps), None)
