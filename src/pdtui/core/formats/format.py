"""What a format is: how its lines are recognised, and real lines that it must claim."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from pdtui.core.shapes import Shape

if TYPE_CHECKING:
    from pdtui.core.formats.json_lines import Readings

STAMP = (
    rb"(?:(?P<year>(?:19[7-9]|2[01]\d)\d)-)?(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])"
    rb"[ T]"
    rb"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d|60)"
    rb"(?:[.,](?P<fraction>\d{1,9}))?"
)
"""Python's stamp, for the formats that are expressions."""
LEVEL = rb"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)"
EVERY_BYTE = frozenset(set(range(256)) - set(b" \t"))


class Begins(Enum):
    """Whether a line in this format begins a record."""

    ALWAYS = "always"
    UNLESS_FOLLOWING_ERROR = "unless"
    """It belongs to the record above where that is an error or a traceback already."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of line.

    It has a shape, which is looked for in all lines of a block together, or only an expression,
    which is tried line by line. Groups of an expression: `level`, `origin`, `message`, `process`,
    `pid`, `host`, `rank`; the stamp as `month day hour minute second` with `year` and `fraction`,
    or as `time`, in any form that `stamps.parse_stamp` reads. A digit at the end of a group's name
    is of the second form of the same format.
    """

    name: str
    samples: tuple[bytes, ...]
    shape: Shape | None = None
    expression: re.Pattern[bytes] | None = None
    guard: Shape | None = None
    """What every line of a format that has only an expression begins with: a quicker look."""
    begins: Begins = Begins.ALWAYS
    level: bytes = b""
    """The level of all its lines, where they state none."""
    first_bytes: frozenset[int] = EVERY_BYTE
    """What a line may begin with."""
    contains: bytes = b""
    """What a line must contain: a cheap look before the expression."""
    utc: bool = False
    """Its stamps are in UTC whatever the writer's zone, unlike those of vLLM."""
    own_ranks: bool = False
    """Its `[Rank N]` is a number of its own, not the worker's."""
    levels_in_words: bool = False
    """It has no level words; that something failed is said in the message."""
    by_head: bool = False
    """Whoever has its head is in this format, whatever follows: no format tried before can be."""
    tail: re.Pattern[bytes] | None = None
    """Where in the message its `origin` stands, if it stands there."""
    reader: Callable[[list[bytes]], Readings] | None = None
    """Reads lines whose message does not stand in them as it is."""
    pattern: re.Pattern[bytes] = field(init=False)
    """The expression that takes one line apart."""

    def __post_init__(self) -> None:
        pattern = self.expression or (self.shape.pattern if self.shape else None)
        assert pattern is not None, f"{self.name} has neither a shape nor an expression"
        object.__setattr__(self, "pattern", pattern)


def groups(found: re.Match[bytes]) -> dict[str, bytes]:
    """The named groups that took part, those of a format's second form under the plain names."""
    return {
        name.rstrip("2"): value for name, value in found.groupdict().items() if value is not None
    }


def message_begin(found: re.Match[bytes]) -> int:
    """Where the message begins; the line's end, where the format has none."""
    named = found.groupdict()
    for name in ("message", "message2"):
        if named.get(name) is not None:
            return found.start(name)
    return found.end()
