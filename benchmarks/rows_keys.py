"""Rows of the table about keys on many rows: filters, scrolling, and how it grows with the size."""

from __future__ import annotations

import re

from benchmarks.bench import Bench, length
from benchmarks.files import free_space
from benchmarks.measure import FailedError, percentile
from benchmarks.results import Line
from benchmarks.rows_screen import until_indexed
from benchmarks.terminal import KeyTaken, Screen

_SOON = 0.1
"""Seconds within which a key must be answered."""
_BACK = "\x7f"
_FILTERS = 2 * (
    *("r", "0", "\r", "r", _BACK, "1", "\r", "r", _BACK, "\r"),
    *("x", "d", "e", "\r", "x", _BACK, _BACK, "a", "l", "\r", "x", _BACK, _BACK, "\r"),
    *("L", "w", "\r", "L", _BACK, "e", "\r", "L", _BACK, "\r"),
    *("r", "0", "\r", "\\", "\\", "x", "a", "\r", "\\", "\\"),
    *("r", _BACK, "\r", "x", _BACK, "\r"),
)
"""Keys that set, change, leave and clear filters by rank, marker and level."""
_SCROLL = (*("\x1b[5~",) * 12, "g", *("\x1b[6~",) * 12, "G", *("\x1b[5~",) * 4, *"kkkk")
"""Page up and down, top and end, row up."""
_COUNT = re.compile(r"([\d,]+) of [\d,]+")
_A_LINE = 210
"""Bytes of a line, and a little."""
_LINEAR = 0.15


def filters(bench: Bench) -> list[Line]:
    """Keys that change filters on 10,000,000 rows, to the rows painted."""
    names, rows = bench.pair(bench.large), 2 * bench.large
    command = bench.peers.pdtui(*names)
    with Screen(command, bench.files.folder) as screen:
        _open(bench, screen, rows)
        return _filter_lines(screen, rows, command.shown)


def _open(bench: Bench, screen: Screen, rows: int) -> float:
    """Waits until all is indexed and at rest; seconds from the start to the index."""
    indexed = until_indexed(screen, rows, bench.patience)
    screen.until_at_rest(bench.patience)
    return indexed - screen.began


def _filter_lines(screen: Screen, rows: int, shown: str) -> list[Line]:
    taken, changed, count = list[KeyTaken](), list[KeyTaken](), _count(screen.text)
    for key in _FILTERS:
        taken.append(screen.after_key(key, _still))
        before, count = count, _count(screen.text)
        if count != before:
            changed.append(taken[-1])
    letters = [key for key in taken if key.key.isalnum() and key.changed]
    if len(changed) < len(_FILTERS) // 5:
        raise FailedError(f"only {len(changed)} keys changed what the filters leave")
    return [
        _answered(f"filter by rank, marker, level, {rows:,} rows: key to painted", changed, shown),
        _answered(
            f"typing into a filter, {rows:,} rows: letter to its echo", letters, shown, echo=True
        ),
    ]


def _answered(work: str, taken: list[KeyTaken], shown: str, *, echo: bool = False) -> Line:
    seconds = [key.first if echo else key.last for key in taken]
    most = percentile(seconds, 0.95)
    figures = (
        f"{len(seconds)} keys: median {length(percentile(seconds, 0.5))}, "
        f"longest {length(max(seconds))}"
    )
    asked = f"≤ {length(_SOON)} at the 95th percentile"
    return Line(work, asked, length(most), figures, shown, most <= _SOON)


def _still(text: str) -> tuple[str, ...]:
    """The screen without what changes by itself: clocks, and how long ago bytes came."""
    lines = text.splitlines()
    return tuple(line for line in lines[1:] if "╭" not in line and not line.startswith(" !"))


def _count(text: str) -> str:
    found = _COUNT.search("\n".join(_still(text)))
    return found[1] if found else ""


def _scrolled(screen: Screen, rows: int, shown: str) -> Line:
    screen.after_key("0", _still)
    taken = [screen.after_key(key, _still) for key in _SCROLL]
    moved = [key for key in taken if key.changed]
    if len(moved) < len(_SCROLL) // 2:
        raise FailedError(f"only {len(moved)} keys moved the timeline")
    return _answered(f"scrolling {rows:,} rows: key to painted", moved, shown)


def scale(bench: Bench) -> list[Line]:
    """Time to the index a row at three sizes, and keys on the largest."""
    needed = 2 * bench.huge * _A_LINE
    there = bench.files.folder / str(bench.huge)
    if not there.exists() and free_space(bench.files.folder) < 2 * needed:
        raise FailedError(f"no room for {needed / 1e9:.0f} GB of logs")
    start, a_row, lines, shown = 0.0, list[float](), list[Line](), ""
    sizes = (bench.small // 2, bench.large, bench.huge)
    for count in (bench.tiny, *sizes):
        command = bench.peers.pdtui(*bench.pair(count))
        with Screen(command, bench.files.folder) as screen:
            seconds = _open(bench, screen, 2 * count)
            start = start or seconds
            if count != bench.tiny:
                a_row.append((seconds - start) / (2 * count))
            if count == bench.huge:
                shown = command.shown
                lines = _filter_lines(screen, 2 * count, shown)
                lines.append(_scrolled(screen, 2 * count, shown))
    figures = ", ".join(
        f"{2 * count:,} rows {one * 1e6:.2f} µs a row"
        for count, one in zip(sizes, a_row, strict=True)
    )
    off = max(abs(one / a_row[0] - 1) for one in a_row)
    work = f"index in the viewer, {' → '.join(f'{2 * count:,}' for count in sizes)} rows"
    linear = Line(work, "linear ± 15 %", f"± {off:.0%}", figures, shown, off <= _LINEAR)
    return [linear, *lines]
