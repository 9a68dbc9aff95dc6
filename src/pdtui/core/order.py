"""The order of the rows of many sources, in a byte or two a row.

Within a source, file order is law: so the number of the source at each place says all. The row is
how many places above have that number, which is noted at every stretch of places.
"""

from __future__ import annotations

from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from pdtui.core.growable import Growable
from pdtui.core.kindcounts import STRETCH
from pdtui.core.refs import Refs, join_ref, refs_of

_MOST_IN_A_BYTE = 256

Numbers: TypeAlias = npt.NDArray[np.unsignedinteger]
"""Source numbers, one a place."""
_Growing: TypeAlias = Growable[Any]


class Order:
    """All rows in order; reads like an array of references, which are made when asked for.

    It does not change: what comes after it is another, so that a thread may look at this one.
    """

    def __init__(self, numbers: _Growing, above: Growable[np.int64], sources: int) -> None:
        self._growing = numbers, above
        """Only for the order that comes next, and only beyond the end of this one."""
        self.sources = sources
        """How many sources it is the order of."""
        self._numbers: Numbers = numbers.values
        self.above = above.values.reshape(-1, sources)
        """Of each stretch that has begun, how many rows of each source stand above it."""

    @classmethod
    def of_nothing(cls, sources: int) -> Order:
        """The order of so many sources that have no rows yet."""
        small = sources <= _MOST_IN_A_BYTE
        numbers: _Growing = Growable(np.uint8) if small else Growable(np.uint16)
        above = Growable(np.int64)
        above.extend(np.zeros(max(sources, 1), np.int64))
        return cls(numbers, above, max(sources, 1))

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
        numbers = self._numbers[stretch * STRETCH : place + 1]
        number = int(numbers[-1])
        earlier = int(np.count_nonzero(numbers[:-1] == number))
        return join_ref(number, int(self.above[stretch, number]) + earlier)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return self._numbers.nbytes + self.above.nbytes

    def rows_above(self, place: int) -> npt.NDArray[np.int64]:
        """How many rows of each source stand above a place: the first row of each from there on."""
        stretch = place // STRETCH
        numbers = self._numbers[stretch * STRETCH : place]
        counts = np.bincount(numbers, minlength=self.sources)
        rows: npt.NDArray[np.int64] = self.above[stretch] + counts
        return rows

    def place_of(self, source: int, row: int) -> int | None:
        """The place of a row, None where it is not in the order."""
        above = self.above[:, source]
        stretch = max(int(np.searchsorted(above, row, "right")) - 1, 0)
        begin = stretch * STRETCH
        here = np.flatnonzero(self._numbers[begin : begin + STRETCH] == source)
        place = row - int(above[stretch])
        return begin + int(here[place]) if 0 <= place < len(here) else None

    def replaced(self, place: int, numbers: Numbers) -> Order:
        """The order with the next rows of these sources from `place` on, in place of all there."""
        new = numbers.astype(self._numbers.dtype, copy=False)
        above = self._above_of(place, new)
        begun = (place // STRETCH + 1) * self.sources
        if place < len(self):
            # Whoever looks at this order finds it as it was.
            earlier: _Growing = Growable(self._numbers.dtype.type)
            notes = Growable(np.int64)
            earlier.extend(np.concatenate((self._numbers[:place], new)))
            notes.extend(np.concatenate((self.above.ravel()[:begun], above)))
            return Order(earlier, notes, self.sources)
        self._growing[0].extend(new)
        self._growing[1].extend(above)
        return Order(*self._growing, self.sources)

    def _above_of(self, place: int, numbers: Numbers) -> npt.NDArray[np.int64]:
        """How many rows of each source stand above each stretch that begins after `place`."""
        rows, first = self.rows_above(place), 0
        notes = [np.zeros(0, np.int64)]
        for stop in range(STRETCH - place % STRETCH, len(numbers) + 1, STRETCH):
            rows = rows + np.bincount(numbers[first:stop], minlength=self.sources)
            notes.append(rows)
            first = stop
        return np.concatenate(notes)

    def parts(self, first: int, stop: int) -> dict[int, tuple[npt.NDArray[np.intp], int]]:
        """Source → which of the places first … stop-1 are its own, counted from `first`.

        And the first row of it there.
        """
        rows = self.rows_above(first)
        numbers = self._numbers[first:stop]
        present = np.flatnonzero(np.bincount(numbers, minlength=self.sources))
        return {
            number: (np.flatnonzero(numbers == number), int(rows[number]))
            for number in present.tolist()
        }

    def _between(self, first: int, stop: int) -> Refs:
        refs = np.empty(stop - first, np.int64)
        for number, (here, begin) in self.parts(first, stop).items():
            refs[here] = refs_of(number, begin, begin + len(here))
        return refs
