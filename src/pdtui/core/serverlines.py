"""The access lines of a source's HTTP server: what was answered, and that it was scraped.

uvicorn writes them without a stamp, one a request that it has answered: `"POST /v1/… HTTP/1.1" 200
OK`. Monitors ask for `/metrics` or `/health` every few seconds, so that their lines tell that the
process lives, and roughly for how long, where nothing else does.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core.evidence import Clocks
from pdtui.core.source import Source

_SCRAPE = re.compile(rb'"GET /(?:metrics|health|healthz|ping)[ ?]')
_ANSWER = re.compile(rb'"POST /[^"]*" \d{3}')
_LEAVING = re.compile(
    rb"[Ss]hutting down|shutdown complete|Finished server process|\[shutdown\]|KeyboardInterrupt"
)
_MOST_READ = 600
_TAIL = 40
"""What a process says of its own end stands among its last rows."""
_LONGEST_LINE = 300

Rows = npt.NDArray[np.int64]


class ServerLines(NamedTuple):
    """The latest access lines of one source, in file order."""

    scrapes: Rows
    answers: Rows
    whole: bool
    """Whether these are all that it has, and not the latest ones only."""


def server_lines(source: Source, stop: int) -> ServerLines:
    """Reads the access lines among the rows before `stop`: the latest 600."""
    names = source.kinds.grammar.names
    is_server = [names[kind.format] == "uvicorn" for kind in list(source.kinds.kinds)]
    scrapes: list[int] = []
    answers: list[int] = []
    rows = np.zeros(0, np.int64)
    if any(is_server):
        rows = source.columns.rows_of(np.array(is_server, np.bool_), stop)
    for row in rows[-_MOST_READ:].tolist():
        line = source.line(row, _LONGEST_LINE)
        if _SCRAPE.search(line):
            scrapes.append(row)
        elif _ANSWER.search(line):
            answers.append(row)
    whole = len(rows) <= _MOST_READ
    return ServerLines(np.array(scrapes, np.int64), np.array(answers, np.int64), whole)


def is_leaving(source: Source, stop: int) -> bool:
    """Whether the last rows say that the process was told to stop."""
    tail = (source.line(row, _LONGEST_LINE) for row in range(max(stop - _TAIL, 0), stop))
    return any(_LEAVING.search(line) for line in tail)


def lived_on(clocks: Clocks, number: int, lines: ServerLines, since: int) -> int:
    """How long a source went on after its row `since`, in microseconds, by stamps or by scrapes.

    An idle server writes no stamps, but it is scraped as regularly as it was before.
    """
    source, stop = clocks.snapshot[number]
    when = source.columns.when
    latest, at = when.highest(stop), when.highest(since + 1)
    stamped = np.array([kind.stamped for kind in list(source.kinds.kinds)], np.bool_)
    last = int(source.columns.rows_of(stamped, stop)[-1]) if stamped.any() else 0
    before = int((lines.scrapes < last).sum())
    pace = (latest - when[int(lines.scrapes[0])]) / before if before else 0.0
    return int(latest - at + pace * int((lines.scrapes > last).sum()))
