"""Finds the rows whose text holds an expression, a stretch of bytes at a time.

Searching a stretch and then looking up the hit's row is many times faster than asking row by
row. The text is what a reader sees: colour codes are taken out first, as for the scanner.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from pdtui.core import cleaning
from pdtui.core.source import Source

STRETCH = 1 << 20
"""Bytes searched at a time; between two stretches a search can be given up."""
_STAYS_IN_LINE = re.compile(rb"(?:[^\\\[(\n]|\((?!\?)|\\(?:[bdw]|[^\w\n]))*")
"""An expression that neither matches a newline nor looks past one: without classes and `(?…`."""


def rows_holding(
    source: Source, pattern: re.Pattern[bytes], first: int, stop: int
) -> npt.NDArray[np.bool_]:
    """For the rows first … stop-1, whether the pattern is found in their text."""
    found = np.zeros(stop - first, np.bool_)
    offset = source.columns.offset
    at = first
    while at < stop:
        limit = int(np.searchsorted(offset, offset[at] + STRETCH, "right"))
        end = min(max(limit, at + 1), stop)
        data = source.read(*source.span(at, end))
        found[at - first : end - first] = _rows_in(data, pattern, end - at)
        at = end
    return found


def _rows_in(data: bytes, pattern: re.Pattern[bytes], count: int) -> npt.NDArray[np.bool_]:
    """Which of the `count` lines of `data` hold the pattern."""
    if b"\x1b" in data:
        data = cleaning.SGR.sub(b"", data)
    found = np.zeros(count, np.bool_)
    if not _STAYS_IN_LINE.fullmatch(pattern.pattern):
        # `[^|]*x` would run on over all lines below, from every place where it may begin.
        for row, line in enumerate(data.split(b"\n", count)[:count]):
            found[row] = pattern.search(line) is not None
        return found
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    if len(ends) < count:
        ends = np.append(ends, len(data))
    place, size = 0, len(data)
    while place <= size and (hit := pattern.search(data, place)):
        row = int(np.searchsorted(ends, hit.start()))
        if row >= count:
            break
        found[row] = True
        place = int(ends[row]) + 1
    return found
