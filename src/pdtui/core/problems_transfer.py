"""Problems of transfers: KV caches that were refused, spilled, lost, expired or do not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from pdtui.core.evidence import Place, clock_of, counted
from pdtui.core.exceptions import raised_at
from pdtui.core.inspection import Inspection
from pdtui.core.problems import Kind, Problem, Severity
from pdtui.core.source import Source
from pdtui.core.stamps import SECOND
from pdtui.core.steps import Step

_MISMATCH = re.compile(r"(?P<wanted>\d+), \w+:(?P<got>\d+)")
_FLOOD, _FLOOD_TIME = 10, 60 * SECOND
"""So many blocks expired in so long: no few clients that hung up."""
_MOST_TRACEBACKS = 20
_LOST = (Step.KV_MISSING, Step.TENSOR_LOST, Step.TENSOR_REFUSED)


def find(inspection: Inspection) -> Iterator[Problem]:
    """The problems of this kind."""
    for number, (source, _) in enumerate(inspection.snapshot):
        yield from _out_of_memory(inspection, number, source)
        yield from _refused_by_stranger(inspection, number, source)
        yield from _buffer_full(inspection, number, source)
        yield from _kv_missing(inspection, number, source)
        yield from _kv_mismatch(number, source)
    yield from _blocks_expired(inspection)


def _places(number: int, rows: npt.NDArray[np.int64]) -> list[Place]:
    return [Place(number, row) for row in rows.tolist()]


def _span(inspection: Inspection, places: list[Place]) -> str:
    """` from 06:36:27 to 06:36:32`, or ` at 06:36:27`."""
    first, last = (clock_of(inspection.clocks.time(p)) for p in (places[0], places[-1]))
    return f"at {first}" if first == last else f"from {first} to {last}"


def _requests_in(source: Source, rows: npt.NDArray[np.int64]) -> set[int]:
    """The requests that these rows speak of."""
    return set(source.requests.of_rows(rows)[1].tolist())


def _out_of_memory(inspection: Inspection, number: int, source: Source) -> Iterator[Problem]:
    refused = source.traces.rows_with(Step.TENSOR_REFUSED)
    raised = source.traces.rows_with(Step.OUT_OF_MEMORY)
    if not len(refused) and not len(raised):
        return
    places = _places(number, np.sort(np.concatenate((refused, raised))))
    seen = [
        Place(other, row)
        for other, (sender, _) in enumerate(inspection.snapshot)
        for row in sender.traces.rows_with(Step.REFUSAL_SEEN).tolist()
        if len(refused)
    ]
    count = f": {counted(len(refused), 'tensor')} refused" if len(refused) else ""
    yield Problem(
        Kind.OUT_OF_MEMORY,
        Severity.ERROR,
        f"{source.label} ran out of GPU memory {_span(inspection, places)}{count}",
        "Lower --gpu-memory-utilization or kv_buffer_size there, or --max-num-seqs: what it "
        "refuses is lost",
        [*places[:1], *seen[:1], *places[1:5], *seen[1:5]],
    )


def _refused_by_stranger(inspection: Inspection, number: int, source: Source) -> Iterator[Problem]:
    """Tensors that a peer refused of which there is no log."""
    rows = source.traces.rows_with(Step.REFUSAL_SEEN)
    told = any(
        len(other.traces.rows_with(Step.TENSOR_REFUSED, Step.TENSOR_SPILLED))
        for other, _ in inspection.snapshot
    )
    if not len(rows) or told:
        return
    places = _places(number, rows)
    yield Problem(
        Kind.OUT_OF_MEMORY,
        Severity.ERROR,
        f"the peer of {source.label} refused {counted(len(rows), 'tensor')} "
        f"{_span(inspection, places)}: out of memory, or its buffer is full",
        "Look at the peer's log: its GPU memory, its kv_buffer_size",
        places,
    )


def _buffer_full(inspection: Inspection, number: int, source: Source) -> Iterator[Problem]:
    spilled = source.traces.rows_with(Step.TENSOR_SPILLED)
    large = source.traces.rows_with(Step.TENSOR_TOO_LARGE)
    if len(spilled):
        lost = _requests_in(source, source.traces.rows_with(*_LOST))
        hit = _requests_in(source, spilled) & lost
        places = _places(number, spilled)
        overflowed = _overflow(number, source, int(spilled[0]))
        end = "none was lost: recovered"
        if hit or overflowed:
            end = f"{counted(len(hit), 'request')} lost KV" if hit else "then that was full too"
        yield Problem(
            Kind.BUFFER_FULL,
            Severity.ERROR if hit or overflowed else Severity.NOTE,
            f"{source.label}'s receive buffer was full {_span(inspection, places)}: "
            f"{counted(len(spilled), 'tensor')} to host memory, {end}",
            "Raise kv_buffer_size: host memory is slow",
            places,
        )
    if len(large):
        places = _places(number, large)
        yield Problem(
            Kind.BUFFER_FULL,
            Severity.ERROR,
            f"{source.label} did not send {counted(len(large), 'tensor')}, larger than its send "
            f"buffer, {_span(inspection, places)}",
            "Raise kv_buffer_size on prefill",
            places,
        )


def _overflow(number: int, source: Source, after: int) -> bool:
    """Whether the pool in host memory gave out as well (`tensor_memory_pool.py` says so)."""
    tracebacks = source.traces.rows_with(Step.TRACEBACK)
    later = tracebacks[tracebacks > after][:_MOST_TRACEBACKS].tolist()
    raised = [raised_at(number, source, row) for row in later]
    return any(one is not None and "Insufficient memory" in one.text for one in raised)


def _kv_missing(inspection: Inspection, number: int, source: Source) -> Iterator[Problem]:
    rows = source.traces.rows_with(Step.KV_MISSING, Step.TENSOR_LOST, Step.NIXL_TRANSFER_FAILED)
    if not len(rows):
        return
    layers = max(
        len(source.traces.rows_with(step))
        for step in (Step.KV_MISSING, Step.TENSOR_LOST, Step.NIXL_TRANSFER_FAILED)
    )
    requests = len(_requests_in(source, rows))
    places = _places(number, rows)
    yield Problem(
        Kind.KV_MISSING,
        Severity.ERROR,
        f"{source.label} lacks the KV of {counted(requests, 'request')} "
        f"({counted(layers, 'layer')}) {_span(inspection, places)}: their output is wrong",
        "Prefill did not send it, sent it elsewhere, or it was evicted: look at what prefill says "
        "of the same request",
        places,
    )


def _kv_mismatch(number: int, source: Source) -> Iterator[Problem]:
    harmless: list[Place] = []
    wrong: list[Place] = []
    flags = np.zeros(256, np.bool_)
    flags[Step.KV_MISMATCH] = True
    for trace in source.traces.among(0, len(source.traces), flags):
        said = _MISMATCH.match(trace.said.detail)
        # Decode counts one block more where the first new token begins one; it computes that.
        one_more = said is not None and int(said["wanted"]) - int(said["got"]) == 1
        (harmless if one_more else wrong).append(Place(number, trace.row))
    for places, severity, what in (
        (wrong, Severity.ERROR, "is not of the size that it waits for: the output may be wrong"),
        (harmless, Severity.NOTE, "has one block less than it counts, which it computes anew"),
    ):
        if places:
            rows = np.array([place.row for place in places])
            requests = len(_requests_in(source, rows))
            yield Problem(
                Kind.KV_MISMATCH,
                severity,
                f"{source.label}: the KV of {counted(requests, 'request')} {what} "
                f"({counted(len(places), 'layer')})",
                "The same model, block size and max_model_len on both sides?",
                places,
            )


def _blocks_expired(inspection: Inspection) -> Iterator[Problem]:
    never = [_never_fetched(source) for source, _ in inspection.snapshot]
    # Requests are dealt to all prefills: so are those that nobody fetches.
    flood = _is_flood(
        np.concatenate(
            [s.columns.when[rows] for (s, _), rows in zip(inspection.snapshot, never, strict=True)]
        )
    )
    for number, (source, _) in enumerate(inspection.snapshot):
        expired = source.traces.rows_with(Step.KV_EXPIRED)
        if not len(expired):
            continue
        fails = flood and len(never[number]) > 0
        places = _places(number, never[number] if fails else expired)
        requests, missed = len(_requests_in(source, expired)), len(never[number])
        yield Problem(
            Kind.BLOCKS_EXPIRED,
            Severity.ERROR if fails else Severity.NOTE,
            f"{source.label} freed the KV of {counted(requests, 'request')} before decode "
            f"fetched it ({missed} never fetched, {requests - missed} later), "
            f"{_span(inspection, places)}",
            "Decode is gone, or did not come in time"
            if fails
            else "Clients that hung up, or a decode that is slow; the lease is "
            "VLLM_NIXL_ABORT_REQUEST_TIMEOUT",
            places,
        )


def _never_fetched(source: Source) -> npt.NDArray[np.int64]:
    """A row of each request of which the blocks expired, and that was not fetched later."""
    expired = source.traces.rows_with(Step.KV_EXPIRED)
    late = _requests_in(source, source.traces.rows_with(Step.KV_FETCHED_LATE))
    rows, keys = source.requests.of_rows(expired)
    never = np.flatnonzero([key not in late for key in keys.tolist()])
    _, first = np.unique(keys[never], return_index=True)  # each worker says so
    return np.sort(rows[never[first]])


def _is_flood(times: npt.NDArray[np.int64]) -> bool:
    """Whether so many of these times lie so close together that decode must be gone."""
    times = np.sort(times)
    spans = times[_FLOOD - 1 :] - times[: max(len(times) - _FLOOD + 1, 0)]
    return bool((spans <= _FLOOD_TIME).any())
