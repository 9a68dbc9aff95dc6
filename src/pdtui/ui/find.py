"""Finds the next row of a view that is an error, follows a silence, or holds a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from pdtui.core.engines import HANDSHAKE_STEPS
from pdtui.core.kinds import Kind
from pdtui.core.query import TextItem
from pdtui.core.refs import Refs, join_ref, row_numbers, source_numbers, split_ref
from pdtui.core.source import Source
from pdtui.core.stamps import NO_TIME, SECOND
from pdtui.core.textsearch import rows_holding
from pdtui.ui.window import RowView

_CHUNK = 65_536
_FIRST_CHUNK = 1_024
"""Rows whose text is searched at first: most often it is found near."""
_SPARSE = 64
"""Rows of a file that are searched with one that is shown: each by itself takes as long."""
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
    """Searches from `start` on, round the end; yields None now and then, at last the place.

    Ends without a place where no row holds it.
    """
    for first, stop in _pieces(len(view), start, step):
        refs = view.refs(first, stop)
        held = np.zeros(len(refs), np.bool_)
        for number, source in enumerate(sources):
            # Where its file began anew meanwhile, the view has rows that this source has not.
            has = (source_numbers(refs) == number) & (row_numbers(refs) < len(source))
            mine, rows = np.flatnonzero(has), row_numbers(refs[has])
            for near in _near(rows):
                held[mine[near]] = _holding(source, wanted.pattern_for(source), rows[near])
                yield None
        found = refs[held]
        if len(found):
            # Where it is by now: rows may have come meanwhile.
            yield view.place_of(*split_ref(int(found[0 if step > 0 else -1])))
            return


def _pieces(size: int, start: int, step: int) -> Iterator[tuple[int, int]]:
    """All places in the order in which they are searched, so many at once: few at first."""
    most = _FIRST_CHUNK
    spans = [(start + 1, size), (0, start + 1)] if step > 0 else [(0, start), (start, size)]
    for first, stop in spans:
        done = 0
        while done < stop - first:
            count = min(most, stop - first - done)
            begin = first + done if step > 0 else stop - done - count
            yield begin, begin + count
            done, most = done + count, min(4 * most, _CHUNK)


def _near(rows: npt.NDArray[np.int64]) -> Iterator[slice]:
    """These rows, which are in file order, in parts that stand near each other in the file."""
    begin = 0
    while begin < len(rows):
        stop = int(np.searchsorted(rows, rows[begin] + _CHUNK))
        yield slice(begin, stop)
        begin = stop


def _holding(
    source: Source, pattern: re.Pattern[bytes], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Which of these rows, that stand near each other, hold the pattern."""
    first, stop = int(rows[0]), int(rows[-1]) + 1
    if stop - first <= _SPARSE * len(rows):
        return rows_holding(source, pattern, first, stop)[rows - first]
    parts = [rows_holding(source, pattern, row, row + 1) for row in rows.tolist()]
    return np.concatenate(parts)


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
