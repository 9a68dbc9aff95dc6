"""Which rows of a source speak of which request: two columns, searched by key."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pdtui.core.packed import Packed
from pdtui.core.packedkeys import Keys, PackedKeys
from pdtui.core.requestids import FoundRequests


class RequestIndex:
    """One entry a row and request, in the order of the rows; it only grows. Five bytes each."""

    def __init__(self) -> None:
        self.row = Packed()
        """The row of each entry."""
        self.key = PackedKeys()
        """The request of each entry, see `requestids.key_of_request`."""

    def __len__(self) -> int:
        # The rows are extended last: an entry counts when both are there.
        return len(self.row)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return self.row.nbytes + self.key.nbytes

    def extend(self, found: FoundRequests, begin: int) -> None:
        """Adds the entries of a block whose first row is row `begin` of the source."""
        self.key.extend(found.key)
        self.row.extend(found.row + begin)

    def before(self, row: int) -> int:
        """How many entries are of rows before this one."""
        return self.row.before(row)

    def of_row(self, row: int) -> Keys:
        """The requests that a row speaks of."""
        return self.key[self.before(row) : self.before(row + 1)]

    def of_rows(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Keys]:
        """The entries of these rows: row and request of each."""
        if not len(rows):
            return np.zeros(0, np.int64), np.zeros(0, np.uint64)
        places = np.flatnonzero(np.isin(self.row[:], rows))
        return self.row[places], self.key[places]

    def rows_of(self, key: int) -> npt.NDArray[np.int64]:
        """The rows that speak of this request, in file order."""
        places = self.key.places_of(key)
        return self.row[places[places < len(self)]]
