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

Numbers: TypeAlias = npt.NDArray[np.unsignedinteger]
"""Source numbers, one a place."""


class Order:
    """All rows in order; reads like an array of references, which are made when asked for.

    It does not change: what comes after it is another, so that a thread may look at this one. The
    two share their stretches, the last of which is written to beyond the end of the earlier.
    """

    def __init__(
        self, size: int, stretches: list[Numbers], notes: Growable[np.int64], sources: int
    ) -> None:
        self._size = size
        self._stretches = stretches
        self._notes = notes
        self.sources = sources
        """How many sources it is the order of."""
        self.above = notes.values.reshape(-1, sources)
        """Of each stretch that has begun, how many rows of each source stand above it."""

    @classmethod
    def of_nothing(cls, sources: int) -> Order:
        """The order of so many sources that have no rows yet."""
        notes = Growable(np.int64)
        notes.extend(np.zeros(max(sources, 1), np.int64))
        return cls(0, [], notes, max(sources, 1))

    def __len__(self) -> int:
        return self._size

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
        stretch, within = divmod(place, STRETCH)
        numbers = self._stretches[stretch]
        number = int(numbers[within])
        earlier = int(np.count_nonzero(numbers[:within] == number))
        return join_ref(number, int(self.above[stretch, number]) + earlier)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return sum(numbers.nbytes for numbers in self._stretches) + self.above.nbytes

    def rows_above(self, place: int) -> npt.NDArray[np.int64]:
        """How many rows of each source stand above a place: the first row of each from there on."""
        stretch = place // STRETCH
        counts = np.bincount(self._numbers(stretch * STRETCH, place), minlength=self.sources)
        rows: npt.NDArray[np.int64] = self.above[stretch] + counts
        return rows

    def place_of(self, source: int, row: int) -> int | None:
        """The place of a row, None where it is not in the order."""
        above = self.above[:, source]
        stretch = max(int(np.searchsorted(above, row, "right")) - 1, 0)
        begin = stretch * STRETCH
        numbers = self._numbers(begin, min(begin + STRETCH, len(self)))
        here = np.flatnonzero(numbers == source)
        place = row - int(above[stretch])
        return begin + int(here[place]) if 0 <= place < len(here) else None

    def replaced(self, place: int, numbers: Numbers) -> Order:
        """The order with the next rows of these sources from `place` on, in place of all there."""
        begun, within = divmod(place, STRETCH)
        stretches, done = self._stretches[:begun], 0
        if within:
            last = self._stretches[begun]
            # Whoever looks at this order finds it as it was.
            last = last if place == len(self) else last.copy()
            done = min(STRETCH - within, len(numbers))
            last[within : within + done] = numbers[:done]
            stretches.append(last)
        for first in range(done, len(numbers), STRETCH):
            stretches.append(self._stretch(numbers[first : first + STRETCH]))
        notes, above = self._notes, self._above_of(place, numbers)
        if place < len(self):
            notes = Growable(np.int64)
            notes.extend(self.above[: begun + 1].ravel())
        notes.extend(above)
        return Order(place + len(numbers), stretches, notes, self.sources)

    def _stretch(self, numbers: Numbers) -> Numbers:
        """A stretch that begins with these numbers."""
        small = self.sources <= _MOST_IN_A_BYTE
        stretch: Numbers = np.zeros(STRETCH, np.uint8 if small else np.uint16)
        stretch[: len(numbers)] = numbers
        return stretch

    def _above_of(self, place: int, numbers: Numbers) -> npt.NDArray[np.int64]:
        """How many rows of each source stand above each stretch that begins after `place`."""
        rows, first = self.rows_above(place), 0
        notes = [np.zeros(0, np.int64)]
        for stop in range(STRETCH - place % STRETCH, len(numbers) + 1, STRETCH):
            rows = rows + np.bincount(numbers[first:stop], minlength=self.sources)
            notes.append(rows)
            first = stop
        return np.concatenate(notes)

    def _numbers(self, first: int, stop: int) -> Numbers:
        """The source numbers of the places first … stop-1."""
        stretch, begin = divmod(first, STRETCH)
        parts: list[Numbers] = [np.zeros(0, np.uint8)]
        while first < stop:
            end = min(STRETCH, begin + stop - first)
            parts.append(self._stretches[stretch][begin:end])
            first, stretch, begin = first + end - begin, stretch + 1, 0
        return parts[-1] if len(parts) <= 2 else np.concatenate(parts)

    def parts(self, first: int, stop: int) -> dict[int, tuple[npt.NDArray[np.intp], int]]:
        """Source → which of the places first … stop-1 are its own, counted from `first`.

        And the first row of it there.
        """
        rows = self.rows_above(first)
        numbers = self._numbers(first, stop)
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
