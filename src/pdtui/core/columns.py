"""The columns of a source: one entry a row, extended by one thread and read by others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pdtui.core.growable import Growable
from pdtui.core.scan import Rows


class Columns:
    """Where each row of a source begins, when it was written, and its kind."""

    def __init__(self) -> None:
        self._offset = Growable(np.int64)
        self._when = Growable(np.int64)
        self._kind = Growable(np.uint32)

    def __len__(self) -> int:
        # The kinds are extended last: a row counts when all of it is there.
        return len(self._kind)

    @property
    def offset(self) -> npt.NDArray[np.int64]:
        """First byte of each row, counted from the start of the source."""
        return self._offset.values[: len(self)]

    @property
    def when(self) -> npt.NDArray[np.int64]:
        """Time of each row in microseconds, or stamps.NO_TIME."""
        return self._when.values[: len(self)]

    @property
    def kind(self) -> npt.NDArray[np.uint32]:
        """Kind number of each row."""
        return self._kind.values

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the columns take."""
        return self._offset.nbytes + self._when.nbytes + self._kind.nbytes

    def append(self, rows: Rows) -> None:
        """Adds rows after the last."""
        self._offset.extend(rows.offset)
        self._when.extend(rows.when)
        self._kind.extend(rows.kind)

    def amend_last(self, rows: Rows) -> bool:
        """Gives the last row the first one's time and kind; whether either changed."""
        changed = self.when[-1] != rows.when[0] or self.kind[-1] != rows.kind[0]
        self.when[-1], self.kind[-1] = rows.when[0], rows.kind[0]
        return bool(changed)
