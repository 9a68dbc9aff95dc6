"""What has been found out of the lines of a block so far, one entry a line."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pdtui.core.bytescan import ByteBlock, Flags, Positions
from pdtui.core.cleaning import Split
from pdtui.core.namings import Namings
from pdtui.core.shapes import Look
from pdtui.core.stamps import Stamp
from pdtui.core.understood import Recalled


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
    named: Positions
    """What each line names, see Namings."""
    namings: Namings
    rewritten: dict[int, bytes] = field(default_factory=dict)
    """Messages that stand otherwise than in their lines (JSON's)."""

    @classmethod
    def of(cls, lines: Split, recalled: Recalled, namings: Namings) -> Claims:
        """What is known so far of the lines of a block: of most all."""
        return cls(
            lines.block, lines.text, lines.starts, lines.ends, lines.starts + recalled["at"],
            format=recalled["format"], level=recalled["level"],
            year=recalled.year, month=recalled.month, day=recalled.day, clock=recalled.clock,
            stamped=recalled["stamped"] > 0, settled=recalled["settled"] > 0,
            process=recalled["process"], container=recalled["container"],
            stem=np.zeros(len(lines.starts), np.int64), rank=recalled["rank"],
            torn=recalled["torn"] > 0, begins=recalled["begins"] > 0,
            named=recalled["named"], namings=namings,
        )  # fmt: skip

    def name_rows(self, rows: Positions, process: int, name: str) -> None:
        """These lines give the process this name."""
        self.named[rows] = self.namings.added(self.named[rows], process, name)

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
