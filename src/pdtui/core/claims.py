"""What has been found out of the lines of a block so far, one entry a line."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pdtui.core.bytescan import ByteBlock, Flags, Positions
from pdtui.core.kinds import NO_RANK
from pdtui.core.shapes import Look
from pdtui.core.stamps import Stamp


@dataclass(slots=True)
class Claims:
    """The columns, filled step by step by the prefixes and the formats."""

    block: ByteBlock
    text: bytes
    starts: Positions
    ends: Positions
    at: Positions
    """Where the search stands: behind the prefixes so far; where a format claimed, the message."""
    format: Positions
    level: Positions
    year: Positions
    month: Positions
    day: Positions
    clock: Positions
    stamped: Flags
    settled: Flags
    """Where a launcher's stamp is the row's time, whatever the program's own stamp says."""
    process: Positions
    container: Positions
    stem: Positions
    """A number for what the name in the last process prefix begins with, 0 without one."""
    rank: Positions
    torn: Flags
    """Where the line is torn, so that its process is uncertain."""
    begins: Flags
    """Where a record begins."""
    names: list[tuple[int, int, str]] = field(default_factory=list)
    """The names that processes give themselves: row, process, name, a row's last one last."""
    rewritten: dict[int, bytes] = field(default_factory=dict)
    """Messages that stand otherwise than in their lines (JSON's)."""

    @classmethod
    def of(cls, block: ByteBlock, text: bytes, starts: Positions, ends: Positions) -> Claims:
        """Nothing known yet of the lines from `starts` to before `ends`."""
        count = len(starts)

        def zeros() -> Positions:
            return np.zeros(count, np.int64)

        def flags() -> Flags:
            return np.zeros(count, np.bool_)

        return cls(
            block, text, starts, ends, starts.copy(),
            format=zeros(), level=zeros(),
            year=zeros(), month=zeros(), day=zeros(), clock=zeros(),
            stamped=flags(), settled=flags(),
            process=zeros(), container=zeros(), stem=zeros(),
            rank=np.full(count, NO_RANK, np.int64),
            torn=flags(), begins=flags(),
        )  # fmt: skip

    def stamp_rows(self, rows: Positions, look: Look) -> None:
        """Takes the stamp that a look read, where no launcher has said the time already."""
        if "clock" not in look.values or not len(rows):
            return
        values, found = look.values, look.values["month"] > 0
        if self.settled.any():
            found &= ~self.settled[rows]
        if not found.all():
            rows, values = rows[found], {name: held[found] for name, held in values.items()}
        self.stamped[rows] = True
        self.year[rows] = values.get("year", 0)
        self.month[rows], self.day[rows] = values["month"], values["day"]
        self.clock[rows] = values["clock"] + values.get("fraction", 0)

    def stamp_row(self, row: int, stamp: Stamp | None) -> None:
        """Takes the stamp of one row, where no launcher has said the time already."""
        if stamp is not None and not self.settled[row]:
            self.stamped[row] = True
            self.year[row], self.month[row], self.day[row], self.clock[row] = stamp

    def stamp_all(self, rows: Positions, stamps: list[Stamp | None]) -> None:
        """Takes the stamps of these rows, where no launcher has said the time already."""
        none = Stamp(0, 0, 0, 0)
        columns = np.array([stamp or none for stamp in stamps], np.int64).reshape(-1, 4)
        taken = (columns[:, 1] > 0) & ~self.settled[rows]
        rows, columns = rows[taken], columns[taken]
        self.stamped[rows] = True
        self.year[rows], self.month[rows], self.day[rows], self.clock[rows] = columns.T

    def unclaimed(self, rows: Positions) -> Positions:
        """Those of the rows that no format has claimed."""
        left: Positions = rows[self.format[rows] == 0]
        return left
