"""Problems of processes: threads and peers that died, NCCL's errors, tracebacks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from pdtui.core.evidence import Place, clock_of, counted
from pdtui.core.exceptions import Raised, message_of, raised_at
from pdtui.core.inspection import Inspection
from pdtui.core.kinds import NO_PROCESS
from pdtui.core.levels import ERROR, NO_LEVEL
from pdtui.core.ncclwarnings import warning_rows, warning_text
from pdtui.core.problems import Kind, Problem, Severity
from pdtui.core.sides import Engine
from pdtui.core.source import Source
from pdtui.core.steps import Step
from pdtui.core.traces import steps_flags

_DEAD = {
    "send_async": (Kind.SENDER_DIED, "sender"),
    "listen_for_requests": (Kind.LISTENER_DIED, "listener"),
}
_TOLD_ELSEWHERE = re.compile(
    r"zmq\.error\.ZMQError: Address already in use|RuntimeError: NCCL error|"
    r"torch\.(?:cuda\.)?OutOfMemoryError"
)
_CLIENT_ERROR = re.compile(r"Client error '4\d\d")
_HTTP = ("httpx.", "httpcore.", "aiohttp.", "starlette.", "anyio.", "asyncio.", "h11.")
"""Whose exceptions tell of one request: a client that hung up, a reply that was no 200."""
_UNREACHABLE = ("ConnectError", "ConnectTimeout", "ClientConnectorError", "ConnectionRefusedError")
_HARMLESS = ("--- Logging error ---", "Exception ignored in")
"""What stands above a traceback that is no failure: a slip in a logger, an object closed late."""
_STOPPED = ("KeyboardInterrupt", "SystemExit", "CancelledError")
_MOST_TRACEBACKS = 300
"""A log may hold one a request; the first ones are those that matter."""
_UNEQUAL = "only symmetric TP is supported"
_LOST_PEER = "remote process exited or there was a network error"


def find(inspection: Inspection) -> Iterator[Problem]:
    """The problems of this kind."""
    for number, (source, stop) in enumerate(inspection.snapshot):
        told: set[int] = set()
        yield from _threads(inspection, number, source, told)
        yield from _nccl(inspection, number, source, stop)
        yield from _tracebacks(inspection, number, source, told)
        yield from _peer_closed(inspection, number, source)
    yield from _killed(inspection)
    yield from _gone(inspection)


def _threads(
    inspection: Inspection, number: int, source: Source, told: set[int]
) -> Iterator[Problem]:
    """Threads of the engine that died; the tracebacks that say so are noted in `told`."""
    tracebacks = source.traces.rows_with(Step.TRACEBACK)
    traces = source.traces.among(0, len(source.traces), steps_flags(Step.THREAD_DIED))
    for trace in traces:
        if trace.said.detail not in _DEAD:
            continue
        below = tracebacks[(tracebacks > trace.row) & (tracebacks <= trace.row + 3)].tolist()
        told.update(below)
        kind, name = _DEAD[trace.said.detail]
        here = Place(number, trace.row)
        raised = raised_at(number, source, below[0]) if below else None
        why = f" of {raised.short}" if raised else ""
        yield Problem(
            kind,
            Severity.ERROR,
            f"{source.label}'s {name} thread died{why}, {clock_of(inspection.clocks.time(here))}",
            f"Nothing is {'sent' if name == 'sender' else 'received'} from then on: restart it",
            [here, *([raised.place] if raised else [])],
        )


def _nccl(inspection: Inspection, number: int, source: Source, stop: int) -> Iterator[Problem]:
    rows = warning_rows(source, stop).tolist()
    errors = source.traces.rows_with(Step.NCCL_ERROR).tolist()
    if not rows and not errors:
        return
    said = [warning_text(source, row) for row in rows]
    lost = [row for row, text in zip(rows, said, strict=True) if _LOST_PEER in text]
    if lost:
        yield Problem(
            Kind.PEER_LOST,
            Severity.ERROR,
            f"{source.label} lost its peer at "
            f"{clock_of(inspection.clocks.time(Place(number, lost[0])))} (NCCL says so)",
            "Look at the end of the other side's log, and at dmesg there",
            [Place(number, row) for row in lost],
        )
    # NCCL warns of much that does no harm; what ends a call is an error.
    stuck = any(
        side.source == number for stall in inspection.stalls for side in stall.handshake.sides
    )
    text = said[0] if said else message_of(source, errors[0])
    places = [Place(number, row) for row in sorted([*rows, *errors])]
    yield Problem(
        Kind.NCCL_ERROR,
        Severity.ERROR if errors or stuck else Severity.NOTE,
        f"NCCL in {source.label}, {clock_of(inspection.clocks.time(places[0]))}: {text[:160]}",
        "NCCL_DEBUG=INFO shows what led to it",
        places,
    )


def _tracebacks(
    inspection: Inspection, number: int, source: Source, told: set[int]
) -> Iterator[Problem]:
    groups: dict[str, list[tuple[int, Raised]]] = defaultdict(list)
    ending = source.traces.rows_with(Step.SHUTDOWN, Step.NCCL_CLOSED)
    for row in source.traces.rows_with(Step.TRACEBACK)[:_MOST_TRACEBACKS].tolist():
        if row in told or _is_ending(source, ending, row):
            continue  # a normal stop is loud
        if row and message_of(source, row - 1).startswith(_HARMLESS):
            continue
        raised = raised_at(number, source, row)
        if raised is None or _is_told(raised):
            continue
        if raised.name.endswith(_STOPPED):
            break  # Ctrl-C: what follows is its doing
        # An exception and the one that it was turned into (httpcore's, httpx's) are called alike.
        groups[raised.short[:60]].append((row, raised))
    for found in groups.values():
        row, raised = found[0]
        mild = _is_mild(source, row, raised)
        times = f" ({len(found)} times)" if len(found) > 1 else ""
        time = inspection.clocks.time(raised.place)
        when = "" if time is None else f" at {clock_of(time)}"
        yield Problem(
            Kind.PARALLEL_MISMATCH if _UNEQUAL in raised.text else Kind.TRACEBACK,
            Severity.NOTE if mild else Severity.ERROR,
            f"{raised.short} in {source.label}{when}{times}",
            _advice(raised),
            [Place(number, row), *(one.place for _, one in found)],
        )


def _is_mild(source: Source, row: int, raised: Raised) -> bool:
    """Whether it tells of one request only, or whoever logged it thought it no error."""
    level = source.kinds.kinds[int(source.columns.kind[row])].level
    of_request = raised.name.startswith(_HTTP) and not raised.name.endswith(_UNREACHABLE)
    return of_request or NO_LEVEL < level < ERROR


def _is_told(raised: Raised) -> bool:
    said = f"{raised.name}: {raised.text}"
    return bool(_TOLD_ELSEWHERE.match(said) or _CLIENT_ERROR.search(raised.text))


def _advice(raised: Raised) -> str:
    if "does not contain hostname and port" in raised.text:
        return "The request did not come through the P/D proxy, which puts addresses into its id"
    if raised.name.endswith(_UNREACHABLE):
        return "The server behind the proxy is not up, or the port is another"
    return "The rows above it say what was being done"


def _peer_closed(inspection: Inspection, number: int, source: Source) -> Iterator[Problem]:
    """A peer that went away while this side did not; at the end of a run all do."""
    ending = source.traces.rows_with(Step.SHUTDOWN, Step.NCCL_CLOSED)
    for row in source.traces.rows_with(Step.PEER_CLOSED).tolist():
        here = Place(number, row)
        if _is_ending(source, ending, row) or not _goes_on(inspection, here):
            continue
        peer, ended = _peer_of(inspection, here)
        if peer is not None and peer.source in [one.last.source for one in inspection.endings]:
            continue  # told of the log that ends
        named = "one of its peers" if peer is None else inspection.handshakes.name(peer)
        yield Problem(
            Kind.PEER_LOST,
            Severity.NOTE if ended else Severity.ERROR,
            f"{source.label} lost {named} at {clock_of(inspection.clocks.time(here))}"
            + (", which ended of itself" if ended else ", and was not ending itself"),
            "Look at the end of the other side's log, and at dmesg there",
            [here],
        )


def _same_process(source: Source, rows: npt.NDArray[np.int64], row: int) -> npt.NDArray[np.int64]:
    """Those of the rows that the process of `row` wrote, or nobody says who."""
    if not len(rows):
        return rows
    kinds = source.kinds.kinds
    mine = kinds[int(source.columns.kind[row])].process
    processes = [kinds[int(source.columns.kind[one])].process for one in rows.tolist()]
    fits = [NO_PROCESS in (mine, process) or process == mine for process in processes]
    return rows[np.array(fits, np.bool_)]


def _is_ending(source: Source, ending: npt.NDArray[np.int64], row: int) -> bool:
    """Whether one of the rows `ending` says that this row's process was ending before it."""
    return len(_same_process(source, ending[ending < row], row)) > 0


def _goes_on(inspection: Inspection, here: Place) -> bool:
    """Whether the process was at work: NCCL from 2.28 on says when it ends, others' requests do."""
    source = inspection.snapshot[here.source][0]
    opened = source.traces.rows_with(Step.NCCL_OPENED)
    if len(_same_process(source, opened[opened < here.row], here.row)):
        return True
    lost = source.traces.rows_with(Step.TENSOR_LOST, Step.KV_MISSING)
    return bool((lost > here.row).any())


def _peer_of(inspection: Inspection, here: Place) -> tuple[Engine | None, bool]:
    """The other side of this row's process, and whether that one's log says that it ended.

    NCCL does not name it: of several peers it is the one whose log ends; None where none does.
    """
    source = inspection.snapshot[here.source][0]
    pid = source.kinds.processes[source.kinds.kinds[int(source.columns.kind[here.row])].process].pid
    peers: dict[int, Engine] = {}
    for pair in inspection.handshakes.pairs:
        sides = pair.sides
        for side, other in ((sides[0], sides[-1]), (sides[-1], sides[0])):
            if side is not other and side.source == here.source and side.engine.pid in (None, pid):
                peers.setdefault(other.source, other.engine)
    killed = [one.last.source for one in inspection.endings if one.last.source in peers]
    ended = [number for number in peers if _ended_of_itself(inspection, number)]
    likely = killed or ended or list(peers)
    sure = bool(killed or ended) or len(peers) == 1
    return (peers[likely[0]] if sure else None), bool(ended and not killed)


def _ended_of_itself(inspection: Inspection, number: int) -> bool:
    """Whether the source says that its process came to its end."""
    traces = inspection.snapshot[number][0].traces
    return len(traces.rows_with(Step.SHUTDOWN, Step.NCCL_CLOSED)) > 0


def _killed(inspection: Inspection) -> Iterator[Problem]:
    """Processes whose logs end without a word while the others' go on."""
    for one in inspection.endings:
        label, other = (inspection.clocks.label(p.source) for p in (one.last, one.witness))
        ended = inspection.clocks.time(one.last)
        seen = [
            here
            for number, (source, _) in enumerate(inspection.snapshot)
            for row in source.traces.rows_with(Step.PEER_CLOSED).tolist()
            if _is_seen(inspection, here := Place(number, row), one.last.source)
        ]
        yield Problem(
            Kind.PEER_LOST,
            Severity.ERROR,
            f"{label}'s log ends at {clock_of(ended)} without a word of it, and {other} was "
            f"scraped {counted(one.scraped, 'time')} after that",
            "Was it killed? Next: dmesg | grep -i 'killed process' on its node, kubectl describe",
            [one.last, *seen, one.witness],
        )


def _is_seen(inspection: Inspection, here: Place, lost: int) -> bool:
    """Whether this row tells that the connection to a process of source `lost` was closed."""
    source = inspection.snapshot[here.source][0]
    if _is_ending(source, source.traces.rows_with(Step.SHUTDOWN, Step.NCCL_CLOSED), here.row):
        return False
    peer, _ = _peer_of(inspection, here)
    return peer is not None and peer.source == lost


def _gone(inspection: Inspection) -> Iterator[Problem]:
    """Processes that ended without a word, while others of the run are still there."""
    for gone in inspection.gone:
        source = inspection.snapshot[gone.last.source][0]
        if len(source.traces.rows_with(Step.SHUTDOWN)):
            continue
        yield Problem(
            Kind.PEER_LOST,
            Severity.ERROR,
            f"{source.label}: process {gone.pid} is gone; its last row is of "
            f"{clock_of(inspection.clocks.time(gone.last))}",
            "Next: dmesg | grep -i 'killed process' (the OOM killer writes no log)",
            [gone.last],
        )
