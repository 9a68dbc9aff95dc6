"""Python's tracebacks in a log: which exception each ends with."""

from __future__ import annotations

import re
from typing import NamedTuple

from pdtui.core.describe import take_apart
from pdtui.core.evidence import Place
from pdtui.core.source import Source

_MOST_LINES = 200
_EXCEPTION = re.compile(
    r"(?P<name>[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning|Iteration|Timeout|Dead))"
    r"\b(?:: ?(?P<text>.*))?$"
)


class Raised(NamedTuple):
    """The exception that a traceback ends with, and the row that says it."""

    name: str
    text: str
    place: Place

    @property
    def short(self) -> str:
        """Its name without modules, and the beginning of its text."""
        name = self.name.rpartition(".")[2]
        return f"{name}: {self.text[:120]}" if self.text else name


def raised_at(number: int, source: Source, row: int) -> Raised | None:
    """The exception of the traceback that begins at this row of source `number`.

    None where its end is not found: the log was cut, or another's lines are in between.
    """
    for place in range(row + 1, min(row + _MOST_LINES, len(source))):
        if found := _EXCEPTION.match(message_of(source, place)):
            # Two threads' tracebacks run into one another: carets of the other may follow.
            text = (found["text"] or "").rstrip("^ ")
            return Raised(found["name"], text, Place(number, place))
    return None


def message_of(source: Source, row: int) -> str:
    """What the row says after its head, prefixes and colour codes."""
    kind = source.kinds.kinds[int(source.columns.kind[row])]
    return take_apart(source.line(row), kind, source.kinds).message
