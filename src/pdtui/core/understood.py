"""What is known of each line by itself, and what is still to be looked for in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import Flags, Positions, Words
from pdtui.core.kinds import NO_RANK


class MayHold:
    """What may stand in a line, so that it is looked for in the line itself: a bit each."""

    # No enumeration: numpy takes ten times as long to compute with one's members.
    EVENT = 1
    LESSON = 2
    REQUEST = 4
    """A request named in words."""
    CLAIM = 8
    """A format whose claim depends on the record above."""


class Hints(NamedTuple):
    """What is to be looked for in lines, an entry a line."""

    may_hold: Positions
    """Bits of MayHold."""
    wording: Positions
    """What they begin like, see `traces.wordings`."""


class Understood(NamedTuple):
    """What is known of a line: columns of Claims and Marks, and what is to be looked for in it."""

    format: int = 0
    level: int = 0
    process: int = 0
    container: int = 0
    rank: int = NO_RANK
    torn: int = 0
    begins: int = 0
    settled: int = 0
    stamped: int = 0
    at: int = 0
    """Where the message begins, counted from the line's start."""
    text_at: int = 0
    """Where it goes on after its markers, counted likewise."""
    codes: int = 0
    markers: int = 0
    """The number of the markers together."""
    marked_rank: int = NO_RANK
    may_hold: int = 0
    wording: int = 0
    """See Hints."""
    named: int = 0
    """What it names, see Namings."""


@dataclass(slots=True)
class Recalled:
    """What is known of the lines of a block, an entry a line."""

    known: Flags
    digests: Words
    """Of the lines' outlines."""
    outlines: Positions
    """The numbers of their outlines, 0 where it is not known."""
    columns: npt.NDArray[np.int64]
    """The fields of Understood, a row each."""
    month: Positions
    day: Positions
    year: Positions
    clock: Positions

    def __getitem__(self, name: str) -> Positions:
        column: Positions = self.columns[Understood._fields.index(name)]
        return column
