"""The order of the rows of many sources, in a byte or two a row.

Within a source, file order is law: so the number of the source at each place says all. The row is
how many places above have that number, which is noted at every stretch of places.
"""

from __future__ import annotations

from typing import TypeAlias, overload

import numpy as np
import numpy.typing as npt

from pdtui.core.growable import Growable
from pdtui.core.kindcounts import STRETCH
from pdtui.core.refs import Refs, join_ref, refs_of

_MOST_IN_A_BYTE = 256

Numbers: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
"""Source numbers, one a place."""


class Order:
    """All rows in order; reads like an array of references, which are made when asked for."""

    def __init__(self, sources: int) -> None:
        small = sources <= _MOST_IN_A_BYTE
        self._numbers: Growable[np.uint8] | Growable[np.uint16] = (
            Growable(np.uint8) if small else Growable(np.uint16)
        )
        self._sources = max(sources, 1)
        self._above = Growable(np.int64)
        """Of each stretch, how many rows of each source stand above it."""
        self._above.extend(np.zeros(self._sources, np.int64))

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> Refs: ...
    def __getitem__(self, place: int | slice) -> int | Refs:
        if isinstance(place, slice):
            first, stop, _ = place.indices(len(self))
            return self._between(first, max(first, stop))
        place += len(self) if place < 0 else 0
        if not 0 <= place < len(self):
            raise IndexError(place)
        stretch = place // STRETCH
        numbers = self._numbers.values[stretch * STRETCH : place + 1]
        number = int(numbers[-1])
        earlier = int(np.count_nonzero(numbers[:-1] == number))
        return join_ref(number, int(self.above[stretch, number]) + earlier)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return self._numbers.nbytes + self._above.nbytes

    @property
    def above(self) -> npt.NDArray[np.int64]:
        """Of each stretch that has begun, how many rows of each source stand above it."""
        return self._above.values.reshape(-1, self._sources)

    def rows_above(self, place: int) -> npt.NDArray[np.int64]:
        """How many rows of each source stand above a place: the first row of each from there on."""
        stretch = place // STRETCH
        numbers = self._numbers.values[stretch * STRETCH : place]
        counts = np.bincount(numbers, minlength=self._sources)
        rows: npt.NDArray[np.int64] = self.above[stretch] + counts
        return rows

    def place_of(self, source: int, row: int) -> int | None:
        """The place of a row, None where it is not in the order."""
        above = self.above[:, source]
        stretch = max(int(np.searchsorted(above, row, "right")) - 1, 0)
        begin = stretch * STRETCH
        here = np.flatnonzero(self._numbers.values[begin : begin + STRETCH] == source)
        place = row - int(above[stretch])
        return begin + int(here[place]) if 0 <= place < len(here) else None

    def replace(self, place: int, numbers: Numbers) -> None:
        """Puts the next rows of these sources from `place` on, in place of all that was there."""
        stretch = place // STRETCH
        self._numbers.replace(place, numbers.astype(self._numbers.values.dtype, copy=False))
        above, rows = [], self.above[stretch]
        for begin in range(stretch * STRETCH, len(self) - STRETCH + 1, STRETCH):
            here = self._numbers.values[begin : begin + STRETCH]
            rows = rows + np.bincount(here, minlength=self._sources)
            above.append(rows)
        flat = np.concatenate(above) if above else np.zeros(0, np.int64)
        self._above.replace((stretch + 1) * self._sources, flat)

    def parts(self, first: int, stop: int) -> dict[int, tuple[npt.NDArray[np.intp], int]]:
        """Source → which of the places first … stop-1 are its own, counted from `first`.

        And the first row of it there.
        """
        rows = self.rows_above(first)
        numbers = self._numbers.values[first:stop]
        present = np.flatnonzero(np.bincount(numbers, minlength=self._sources))
        return {
            number: (np.flatnonzero(numbers == number), int(rows[number]))
            for number in present.tolist()
        }

    def _between(self, first: int, stop: int) -> Refs:
        refs = np.empty(stop - first, np.int64)
        for number, (here, begin) in self.parts(first, stop).items():
            refs[here] = refs_of(number, begin, begin + len(here))
        return refs
