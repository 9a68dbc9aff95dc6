"""Logs that end while the others' go on: a process that was killed writes nothing of it.

A server that lives is scraped (`GET /metrics`, `GET /health`, every few seconds) whether it has
requests or not. Such lines have no stamp, so they are counted: who is not scraped any more, while
others are, is gone. Without them nothing is said, since an idle server may be silent for long.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple

import numpy as np

from pdtui.core.evidence import Clocks, Place
from pdtui.core.serverlines import ServerLines, is_leaving, server_lines
from pdtui.core.source import Source
from pdtui.core.stamps import SECOND
from pdtui.core.steps import Step

_TAIL = 40
"""What a process says of its own end stands among its last rows."""
_SCRAPES_MORE = 4
"""So many more scrapes of the others are no chance."""
_LEAST_EXPECTED = 2.0
_LATER = 2 * SECOND


class Ended(NamedTuple):
    """A log that ends without a word while others go on."""

    last: Place
    """Its last row."""
    witness: Place
    """A row of another log that was scraped on: the last scrape."""
    scraped: int
    """How many scrapes of the other stand after the time of the last stamp."""


def find_endings(clocks: Clocks, waited_for: Container[int | None]) -> list[Ended]:
    """The sources that end before the others, the earliest end first.

    `waited_for` are the numbers of sources that somebody waits for: they may have ended before
    they were scraped at all.
    """
    ends = [clocks.end_of(number) for number in range(len(clocks.snapshot))]
    latest = max((end for end in ends if end is not None), default=None)
    early = [
        number
        for number, end in enumerate(ends)
        if end is not None
        and latest is not None
        and (latest - end >= _LATER or number in waited_for)
    ]
    early = [number for number in early if not _says_why(*clocks.snapshot[number])]
    if not early:
        return []
    pulses = [server_lines(source, stop) for source, stop in clocks.snapshot]
    found = [e for number in early for e in _ended(clocks, pulses, number, number in waited_for)]
    return sorted(found, key=lambda one: (ends[one.last.source] or 0, one.last))


def _ended(
    clocks: Clocks, pulses: list[ServerLines], number: int, waited_for: bool
) -> Iterator[Ended]:
    """The end of this source, if it is one."""
    stop = clocks.snapshot[number][1]
    end, pulse = clocks.end_of(number), pulses[number]
    if end is None or not (len(pulse.scrapes) or waited_for):
        return
    mine = _after(clocks, number, pulse, end, own=True)
    for other, theirs in enumerate(pulses):
        if other == number or not len(theirs.scrapes):
            continue
        goes_on = _after(clocks, other, theirs, end, own=False)
        fewer = len(theirs.scrapes) - len(pulse.scrapes) >= _SCRAPES_MORE - 1
        fewer = fewer or not (pulse.whole and theirs.whole)
        # Servers may be scraped at unequal paces; one that was never scraped has none.
        before = max(len(theirs.scrapes) - goes_on, 1)
        expected = goes_on * (len(pulse.scrapes) - mine) / before
        missing = waited_for or expected - mine >= _LEAST_EXPECTED
        if goes_on - mine >= _SCRAPES_MORE and fewer and missing:
            witness = Place(other, int(theirs.scrapes[-1]))
            yield Ended(Place(number, stop - 1), witness, goes_on)
            return


def _after(clocks: Clocks, number: int, lines: ServerLines, time: int, *, own: bool) -> int:
    """How many scrapes stand below the first row that is later than `time`.

    In the source whose last time this is (`own`), and where the last stamp is of that time too:
    below the last row that has a stamp.
    """
    source, stop = clocks.snapshot[number]
    stamped = np.array([kind.stamped for kind in list(source.kinds.kinds)], np.bool_)
    rows = source.columns.rows_of(stamped, stop)
    when = source.columns.when[rows] + clocks.offsets.get(source.label, 0)
    later = rows[when > time]
    if len(later) and not own:
        return int((lines.scrapes > later[0]).sum())
    ends_alike = len(rows) > 0 and bool((when >= time - _LATER).any())
    return int((lines.scrapes > rows[-1]).sum()) if ends_alike else 0


def _says_why(source: Source, stop: int) -> bool:
    """Whether the log's end says that the process was stopped, or what it died of."""
    traces = source.traces
    words = traces.rows_with(Step.SHUTDOWN, Step.NCCL_CLOSED, Step.TRACEBACK, Step.ADDRESS_IN_USE)
    if len(words) and words[-1] >= stop - _TAIL:
        return True
    return is_leaving(source, stop)
