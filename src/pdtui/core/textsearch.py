"""Finds the rows whose text holds an expression, a stretch of bytes at a time.

Searching a stretch and then looking up the hit's row is many times faster than asking row by
row, and looking for a text that every hit must hold (`needles.py`) is faster still. The text is
what a reader sees: colour codes are taken out first, as for the scanner.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

import numpy as np
import numpy.typing as npt

from pdtui.core import cleaning
from pdtui.core.needles import Needle, needle_of
from pdtui.core.source import Source

STRETCH = 1 << 20
"""Bytes searched at a time; between two stretches a search can be given up."""
_STAYS_IN_LINE = re.compile(rb"(?:[^\\\[(\n]|\((?!\?)|\\(?:[bdw]|[^\w\n]))*")
"""An expression that neither matches a newline nor looks past one: without classes and `(?…`."""
_ESCAPE = b"\x1b"
_MANY = 4
"""Where a quarter of the lines is coloured, all codes are taken out at once."""
_SMALL = np.uint8(0x20)
"""The bit that a small letter has and a capital lacks."""

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


def rows_holding(source: Source, pattern: re.Pattern[bytes], first: int, stop: int) -> Flags:
    """For the rows first … stop-1, whether the pattern is found in their text."""
    found = np.zeros(stop - first, np.bool_)
    needle = needle_of(pattern)
    at = first
    while at < stop:
        begins = _begins(source, at, stop)
        end = at + len(begins)
        data = source.read(*source.span(at, end))
        found[at - first : end - first] = _rows_in(data, begins - begins[0], pattern, needle)
        at = end
    return found


def _begins(source: Source, first: int, stop: int) -> Places:
    """Where the rows begin that are searched together, from row `first` on: one at least."""
    offset = source.columns.offset
    begin = offset[first]
    following = bisect_right([segment.begin for segment in source.segments], begin)
    # The last line of a file that was replaced may lack its newline.
    limit = min([begin + STRETCH, *(one.begin for one in source.segments[following:][:1])])
    end = bisect_left(offset, limit, first, stop)
    return offset[first : max(end, first + 1)]


def _rows_in(
    data: bytes, begins: Places, pattern: re.Pattern[bytes], needle: Needle | None
) -> Flags:
    """Which of the lines of `data`, that begin at these places, hold the pattern."""
    coloured = _lines_with(data, data, _ESCAPE)
    if _MANY * len(coloured) > len(begins):
        return _try_lines(cleaning.SGR.sub(b"", data), len(begins), pattern, needle)
    if needle is not None:
        found = _find_needle(data, begins, pattern, needle)
    elif _STAYS_IN_LINE.fullmatch(pattern.pattern):
        found = _try_all_at_once(data, begins, pattern)
    else:
        # `[^|]*x` would run on over all lines below, from every place where it may begin.
        found = _try_lines(data, len(begins), pattern, needle)
    for place in coloured:
        line = cleaning.SGR.sub(b"", _line_at(data, place))
        found[np.searchsorted(begins, place, "right") - 1] = pattern.search(line) is not None
    return found


def _try_lines(data: bytes, count: int, pattern: re.Pattern[bytes], needle: Needle | None) -> Flags:
    """Tries each line by itself."""
    found = np.zeros(count, np.bool_)
    for row, line in enumerate(data.split(b"\n", count)[:count]):
        if needle is not None:
            text = line.lower() if needle.any_case else line
            if not any(one in text for one in needle.texts):
                continue
        found[row] = pattern.search(line) is not None
    return found


def _try_all_at_once(data: bytes, begins: Places, pattern: re.Pattern[bytes]) -> Flags:
    """Tries the whole text, and goes on below each line that holds the pattern."""
    hits = []
    place = 0
    # Behind the last newline there is no further line.
    size = len(data) - data.endswith(b"\n")
    while place <= size and (hit := pattern.search(data, place)) and hit.start() <= size:
        hits.append(hit.start())
        place = data.find(b"\n", hit.start()) + 1 or len(data) + 1
    return _rows_at(hits, begins)


def _find_needle(data: bytes, begins: Places, pattern: re.Pattern[bytes], needle: Needle) -> Flags:
    """Tries the lines that hold one of the texts."""
    folded = data
    if needle.any_case:
        folded = (np.frombuffer(data, np.uint8) | _SMALL).tobytes()
    found = np.zeros(len(begins), np.bool_)
    for text in needle.texts:
        sought = bytes(byte | 0x20 for byte in text) if needle.any_case else text
        hits = _lines_with(data, folded, sought)
        if needle.any_case:
            hits = _tried_in_small(data, hits, pattern, needle, text)
        elif not needle.exact:
            hits = [hit for hit in hits if pattern.search(_line_at(data, hit))]
        found |= _rows_at(hits, begins)
    return found


def _lines_with(data: bytes, folded: bytes, text: bytes) -> list[int]:
    """The first place in each line of `data` where `folded`, which is as long, has the text."""
    hits = []
    place = folded.find(text)
    while place >= 0:
        hits.append(place)
        end = data.find(b"\n", place)
        place = folded.find(text, end) if end >= 0 else -1
    return hits


def _tried_in_small(
    data: bytes, hits: list[int], pattern: re.Pattern[bytes], needle: Needle, text: bytes
) -> list[int]:
    """Those of the hits, one a line, whose lines hold the pattern in any case."""
    kept = []
    for hit in hits:
        # The bit makes more bytes alike than a letter and its capital.
        if needle.exact and data[hit : hit + len(text)].lower() == text:
            kept.append(hit)
            continue
        line = _line_at(data, hit)
        if needle.small.search(line.lower()) if needle.small else pattern.search(line):
            kept.append(hit)
    return kept


def _line_at(data: bytes, place: int) -> bytes:
    """The line around this place, without its newline."""
    end = data.find(b"\n", place)
    return data[data.rfind(b"\n", 0, place) + 1 : end if end >= 0 else len(data)]


def _rows_at(hits: list[int], begins: Places) -> Flags:
    found = np.zeros(len(begins), np.bool_)
    found[np.searchsorted(begins, np.array(hits, np.int64), "right") - 1] = True
    return found
