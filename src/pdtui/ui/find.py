"""Finds the next row of a view that is an error, follows a silence, or holds a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from pdtui.core.cleaning import clean
from pdtui.core.engines import HANDSHAKE_STEPS
from pdtui.core.kinds import Kind
from pdtui.core.query import TextItem
from pdtui.core.refs import Refs, join_ref, row_numbers, source_numbers, split_ref
from pdtui.core.source import Source
from pdtui.core.stamps import NO_TIME, SECOND
from pdtui.ui.window import RowView

_CHUNK = 65_536
_TEXT_CHUNK = 512
SILENCE = 5
"""Seconds without a row that count as a silence."""


def find_kind(
    sources: list[Source], view: RowView, start: int, step: int, wanted: Callable[[Kind], bool]
) -> int | None:
    """The nearest place after `start` (before it, with step -1) whose row's kind is wanted."""

    def flags(first: int, stop: int) -> npt.NDArray[np.bool_]:
        refs = view.refs(first, stop)
        found = np.zeros(len(refs), np.bool_)
        for number, source in enumerate(sources):
            here = source_numbers(refs) == number
            held = np.array([wanted(kind) for kind in list(source.kinds.kinds)] or [False])
            found[here] = held.take(source.columns.kind[row_numbers(refs[here])], mode="clip")
        return found

    return _nearest(view, start, step, flags)


def find_silence(sources: list[Source], view: RowView, start: int, step: int) -> int | None:
    """The nearest place whose row was written at least SILENCE after the one above it."""

    def flags(first: int, stop: int) -> npt.NDArray[np.bool_]:
        refs = view.refs(max(first - 1, 0), stop)
        when = np.empty(len(refs), np.int64)
        for number, source in enumerate(sources):
            here = source_numbers(refs) == number
            when[here] = source.columns.when[row_numbers(refs[here])]
        gap = np.diff(when, prepend=when[:1]) >= SILENCE * SECOND
        gap &= (when != NO_TIME) & (np.concatenate((when[:1], when[:-1])) != NO_TIME)
        return gap[len(refs) - (stop - first) :]

    return _nearest(view, start, step, flags)


def find_step(sources: list[Source], view: RowView, start: int, step: int) -> int | None:
    """The nearest place whose row says a step of a handshake, or of an engine that comes up."""
    traces = [source.traces for source in sources]
    wanted = [one.row[np.flatnonzero(HANDSHAKE_STEPS[one.step])] for one in traces]
    return _nearest(view, start, step, lambda first, stop: _among(view.refs(first, stop), wanted))


def requests_of(source: Source, row: int) -> list[int]:
    """The keys of the requests that a row speaks of."""
    keys: list[int] = source.requests.of_row(row).tolist()
    return keys


def find_request(
    sources: list[Source], view: RowView, start: int, step: int, key: int
) -> int | None:
    """The nearest place whose row speaks of this request."""
    wanted = [source.requests.rows_of(key) for source in sources]
    return _nearest(view, start, step, lambda first, stop: _among(view.refs(first, stop), wanted))


def _among(refs: Refs, wanted: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.bool_]:
    """Which of the rows are among those wanted, which are given source by source."""
    refs_wanted = [rows | join_ref(number, 0) for number, rows in enumerate(wanted)]
    return np.isin(refs, np.concatenate(refs_wanted)) if wanted else np.zeros(len(refs), np.bool_)


def find_text(
    sources: list[Source], view: RowView, start: int, step: int, wanted: TextItem
) -> Iterator[int | None]:
    """Searches from `start` on, round the end; yields None between stretches, then the place.

    Ends without a place where no row holds it.
    """
    size = len(view)
    ahead, back = range(start + 1, start + 1 + size), range(start - 1 + size, start - 1, -1)
    order = ahead if step > 0 else back
    for turn, place in enumerate(order):
        number, row = split_ref(int(view.refs(place % size, place % size + 1)[0]))
        line = clean(sources[number].line(row).rstrip(b"\n"))
        if wanted.pattern_for(sources[number]).search(line):
            yield place % size
            return
        if turn % _TEXT_CHUNK == _TEXT_CHUNK - 1:
            yield None


def _nearest(
    view: RowView, start: int, step: int, flags: Callable[[int, int], npt.NDArray[np.bool_]]
) -> int | None:
    if step > 0:
        for first in range(start + 1, len(view), _CHUNK):
            found = np.flatnonzero(flags(first, min(first + _CHUNK, len(view))))
            if len(found):
                return first + int(found[0])
    else:
        for stop in range(min(start, len(view)), 0, -_CHUNK):
            first = max(stop - _CHUNK, 0)
            found = np.flatnonzero(flags(first, stop))
            if len(found):
                return first + int(found[-1])
    return None
