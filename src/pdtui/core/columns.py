"""The columns of a source: one entry a row, extended by one thread and read by others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pdtui.core.packed import Packed
from pdtui.core.scan import Rows


class Columns:
    """Where each row of a source begins, when it was written, and its kind: some seven bytes."""

    def __init__(self) -> None:
        self.offset = Packed()
        """First byte of each row, counted from the start of the source."""
        self.when = Packed()
        """Time of each row in microseconds, or stamps.NO_TIME."""
        self.kind = Packed()
        """Kind number of each row."""

    def __len__(self) -> int:
        # The kinds are extended last: a row counts when all of it is there.
        return len(self.kind)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the columns take."""
        return self.offset.nbytes + self.when.nbytes + self.kind.nbytes

    def rows_of(self, kinds: npt.NDArray[np.bool_], stop: int) -> npt.NDArray[np.int64]:
        """The rows before `stop` whose kinds have a flag."""
        parts = [np.flatnonzero(kinds[part]) + first for first, part in self.kind.parts(stop)]
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def append(self, rows: Rows) -> None:
        """Adds rows after the last."""
        self.offset.extend(rows.offset)
        self.when.extend(rows.when)
        self.kind.extend(rows.kind)

    def amend_last(self, rows: Rows) -> bool:
        """Gives the last row the first one's time and kind; whether either changed."""
        when = self.when.replace_last(int(rows.when[0]))
        return self.kind.replace_last(int(rows.kind[0])) or when
