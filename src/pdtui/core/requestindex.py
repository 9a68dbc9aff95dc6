"""Which rows of a source speak of which request: two columns, searched by key."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pdtui.core.growable import Growable
from pdtui.core.requestids import FoundRequests

Rows = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]


class RequestIndex:
    """One entry a row and request, in the order of the rows; it only grows."""

    def __init__(self) -> None:
        self._row = Growable(np.int64)
        self._key = Growable(np.uint64)
        self._sorted: tuple[int, npt.NDArray[np.intp], Keys] = (0, np.zeros(0, np.intp), self.key)

    def __len__(self) -> int:
        # The rows are extended last: an entry counts when both are there.
        return len(self._row)

    @property
    def row(self) -> Rows:
        """The row of each entry."""
        return self._row.values

    @property
    def key(self) -> Keys:
        """The request of each entry, see `requestids.key_of_request`."""
        return self._key.values[: len(self)]

    def extend(self, found: FoundRequests, begin: int) -> None:
        """Adds the entries of a block whose first row is row `begin` of the source."""
        self._key.extend(found.key)
        self._row.extend(found.row + begin)

    def rows_of(self, key: int) -> Rows:
        """The rows that speak of this request, in file order.

        What was there at an earlier look is found by binary search, what is new by going over it.
        """
        wanted = np.uint64(key)
        size, order, keys = self._sorted_keys()
        begin, stop = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, "right")
        new = np.flatnonzero(self.key[size:] == wanted) + size
        return self.row[np.concatenate((order[begin:stop], new))]

    def _sorted_keys(self) -> tuple[int, npt.NDArray[np.intp], Keys]:
        """The entries by key, as of the last time that they were sorted."""
        size = self._sorted[0]
        if len(self) > size * 5 // 4 or not size:
            key = self.key.copy()
            order = np.argsort(key, kind="stable")
            self._sorted = (len(key), order, key[order])
        return self._sorted
