"""What the reference knows of one line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

SCHEMA = (
    "format", "level", "time", "time_source", "process", "pid", "rank", "rank_source", "markers",
    "origin", "message", "continuation", "torn",
)  # fmt: skip
"""What is compared: the names of the output schema, and whether the line was torn."""


@dataclass
class Line:
    """What is known of one line; the names are those of the output schema."""

    format: str | None = None
    level: str | None = None
    time: datetime | None = None
    time_source: str | None = None
    process: str | None = None
    pid: int | None = None
    rank: int | None = None
    rank_source: str | None = None
    markers: tuple[str, ...] = ()
    origin: str | None = None
    message: str = ""
    continuation: bool = False
    torn: bool = False
    # What follows is no part of the schema.
    text: bytes = b""
    """What a terminal would show of the line."""
    said: bytes = b""
    """The message as bytes."""
    writer: tuple[str, int | str] | None = None
    stem: str | None = None
    """What the name in its last process prefix begins with."""
    """The process: its container, and its pid or its name."""
    container: str = ""
    of: object = ""
    """The process, or the container of a line that names none, by the line's own words."""
    stated: int | None = None
    """The rank that the line itself says."""
    address: str | None = None
    """The writer's own address, where the line says it."""
    stamp: dict[str, int] | None = None
    """The fields of its own stamp."""
    utc: bool = False
    """Whether that stamp is in UTC."""
    settled: bool = False
    """Whether the stamp is a launcher's, which the program's own does not replace."""
    returns: int = 0
    """How many carriage returns ended it."""
    head: Line | None = field(default=None, repr=False)
    """The line that begins the record, where another one does."""
    weight: str | None = None
    """The level of the record that the line begins."""
