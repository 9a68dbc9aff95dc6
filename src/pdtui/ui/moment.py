"""What every process was doing when a row was written, as the screen tells it."""

from __future__ import annotations

from dataclasses import dataclass

from pdtui.core.alongside import Doing, doing, last_rows, place_in
from pdtui.core.describe import Row
from pdtui.core.evidence import Place, clock_of, length_of
from pdtui.core.lanes import Lane, Split
from pdtui.core.steps import STEP_WORDS
from pdtui.ui.session import Session


@dataclass(frozen=True, slots=True)
class Standing:
    """What one lane had come to: its last row by then, and the handshakes that it was in."""

    label: str
    row: Row
    waits: list[str]
    """`about to call ncclCommInitRank with 10.0.1.3:22001, for 12 s`."""


def standings(session: Session, where: tuple[int, int]) -> tuple[list[str], list[Standing]]:
    """The open handshakes of the row's own lane, and what each other lane was doing."""
    place = place_in(session.merge.refs, Place(*where))
    sources = session.sources
    kind = int(sources[where[0]].columns.kind[where[1]])
    mine = [
        lane for lane in session.lanes
        if lane.source == where[0] and bool(lane.kind_mask(sources[where[0]])[kind])
    ]  # fmt: skip
    at = session.insight.clocks.time(Place(*where))
    own = [said for lane in mine[:1] for said in _waits(session, lane, Place(*where), at)]
    last = last_rows(session.merge.refs, place, session.lanes, sources)
    return own, [
        Standing(lane.label, session.describe(*last[lane]), _waits(session, lane, last[lane], at))
        for lane in session.lanes
        if lane in last and lane not in mine
    ]


def _waits(session: Session, lane: Lane, last: Place, at: int | None) -> list[str]:
    """The handshakes that a lane was in when `last` was its last row."""
    insight = session.insight
    if last.source >= len(insight.handshakes.readers):
        return []
    found = doing(insight.handshakes, last.source, last.row)
    return [_said(session, one, at) for one in found if _is_of(session, one, lane)]


def _is_of(session: Session, one: Doing, lane: Lane) -> bool:
    """Whether a lane that is a part of a source shows this handshake's engine."""
    engine = one.side.engine
    if lane.split is Split.RANK:
        return engine.rank is None or engine.rank == lane.key
    if lane.split is Split.PROCESS and lane.key is not None:
        pid = session.sources[lane.source].kinds.processes[lane.key].pid
        return engine.pid is None or engine.pid == pid
    return True


def _said(session: Session, one: Doing, at: int | None) -> str:
    since = session.insight.clocks.time(one.since)
    long = f"since {clock_of(since)}"
    if since is not None and at is not None and at >= since:
        long = f"for {length_of(at - since)}"
    return f"{STEP_WORDS[one.step]} with {one.side.peer or 'a peer'}, {long}"
