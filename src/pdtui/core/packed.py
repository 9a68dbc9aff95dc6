"""Whole numbers that grow at their end, in as few bytes as they need.

Rows lie some hundred bytes and some microseconds or seconds apart, and have some hundred kinds: so
what is kept of a number is how far it is from the least of its stretch.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, TypeAlias, overload

import numpy as np
import numpy.typing as npt

STRETCH = 8192
"""Numbers that are made small together."""
_UNITS = (1_000_000, 1000)
"""What all differences may be multiples of: times have a grain of a second, or of a thousandth."""
_SAMPLE = 16

Numbers: TypeAlias = npt.NDArray[np.int64]


class Stretch(Protocol):
    """Some numbers, all but the last stretch as many."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""

    @property
    def most(self) -> int:
        """The highest of them."""

    def one(self, place: int) -> int:
        """The number at a place."""

    def decode(self, first: int, stop: int, into: Numbers) -> None:
        """Writes the numbers first … stop-1."""

    def at(self, places: npt.NDArray[np.int64]) -> Numbers:
        """The numbers at these places."""


class _Plain(NamedTuple):
    """The numbers as they came."""

    numbers: Numbers

    @property
    def nbytes(self) -> int:
        return self.numbers.nbytes

    @property
    def most(self) -> int:
        return int(self.numbers.max())

    def one(self, place: int) -> int:
        return int(self.numbers[place])

    def decode(self, first: int, stop: int, into: Numbers) -> None:
        into[:] = self.numbers[first:stop]

    def at(self, places: npt.NDArray[np.int64]) -> Numbers:
        return self.numbers[places]


class _Differences(NamedTuple):
    """Each number is least + unit * its difference."""

    least: int
    unit: int
    differences: npt.NDArray[np.integer]
    most: int

    @property
    def nbytes(self) -> int:
        return self.differences.nbytes

    def one(self, place: int) -> int:
        return int(self.differences[place]) * self.unit + self.least

    def decode(self, first: int, stop: int, into: Numbers) -> None:
        np.multiply(self.differences[first:stop], np.int64(self.unit), out=into)
        into += self.least

    def at(self, places: npt.NDArray[np.int64]) -> Numbers:
        found: Numbers = self.differences[places] * np.int64(self.unit)
        found += self.least
        return found


class Packed:
    """Numbers that one thread extends while others read; a part of them is an array when asked for.

    The last stretch is as it came. A full one is replaced by its small form when the next begins;
    whoever reads gets one or the other, which say the same.
    """

    def __init__(self, small: Callable[[Numbers], Stretch | None] | None = None) -> None:
        self._small = small or _differences
        """Makes the small form of a stretch, None where there is none."""
        self._stretches: list[Stretch] = []
        self._open = np.zeros(STRETCH, np.int64)
        """What the last stretch is written to."""
        self._size = 0
        self._begin()

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice | npt.NDArray[np.integer]) -> Numbers: ...
    def __getitem__(self, place: int | slice | npt.NDArray[np.integer]) -> int | Numbers:
        if isinstance(place, slice):
            first, stop, _ = place.indices(self._size)
            return self._between(first, max(first, stop))
        if isinstance(place, np.ndarray):
            return self._at(place.astype(np.int64, copy=False))
        place += self._size if place < 0 else 0
        if not 0 <= place < self._size:
            raise IndexError(place)
        return self._stretches[place // STRETCH].one(place % STRETCH)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return sum(stretch.nbytes for stretch in list(self._stretches))

    @property
    def stretches(self) -> list[Stretch]:
        """The stretches as they are now, the first `STRETCH` numbers in the first, and so on."""
        return list(self._stretches)

    def parts(self, stop: int) -> Iterator[tuple[int, Numbers]]:
        """The numbers before `stop` a stretch at a time, each with its first place.

        All at once they would take eight bytes each.
        """
        stop = min(stop, self._size)
        for first in range(0, stop, STRETCH):
            yield first, self._between(first, min(first + STRETCH, stop))

    def highest(self, stop: int) -> int:
        """The highest of the numbers before `stop`, of which there is one at least."""
        full, rest = divmod(stop, STRETCH)
        most = [stretch.most for stretch in self._stretches[:full]]
        if rest:
            most.append(int(self[stop - rest : stop].max()))
        return max(most)

    def before(self, number: int) -> int:
        """How many numbers are below this one, of numbers that never fall."""
        begun = max(-(-self._size // STRETCH), 1)
        stretch = bisect_left(self._stretches, number, 1, begun, key=lambda one: one.one(0)) - 1
        first = stretch * STRETCH
        return first + int(np.searchsorted(self[first : first + STRETCH], number))

    def extend(self, values: npt.NDArray[np.integer]) -> None:
        """Adds values at the end."""
        done = 0
        while done < len(values):
            begin = self._size % STRETCH
            if begin == 0 and self._size:
                self._stretches[-1] = self._packed(self._open)
                self._begin()
            part = values[done : done + STRETCH - begin]
            self._open[begin : begin + len(part)] = part
            done += len(part)
            self._size += len(part)

    def replace_last(self, value: int) -> bool:
        """Puts a value in place of the last one; whether it is another."""
        # The last stretch is never small: the next begins with the number after its last one.
        place = (self._size - 1) % STRETCH
        changed = bool(self._open[place] != value)
        self._open[place] = value
        return changed

    def fill(self, stop: int, value: int) -> None:
        """Puts this value in place of all before `stop`."""
        for number in range(-(-stop // STRETCH)):
            values = np.full(STRETCH, value, np.int64)
            kept = stop - number * STRETCH
            if kept < STRETCH:
                self._stretches[number].decode(kept, STRETCH, values[kept:])
            if number == len(self._stretches) - 1:
                self._stretches[number], self._open = _Plain(values), values
            else:
                self._stretches[number] = self._packed(values)

    def _begin(self) -> None:
        """Begins a stretch."""
        self._open = np.zeros(STRETCH, np.int64)
        self._stretches.append(_Plain(self._open))

    def _packed(self, values: Numbers) -> Stretch:
        return self._small(values) or _Plain(values)

    def _between(self, first: int, stop: int) -> Numbers:
        values = np.empty(stop - first, np.int64)
        for begin, number, low, high in _parts(first, stop):
            into = values[begin : begin + high - low]
            self._stretches[number].decode(low, high, into)
        return values

    def _at(self, places: npt.NDArray[np.int64]) -> Numbers:
        if not len(places):
            return np.zeros(0, np.int64)
        if int(places.max()) >= self._size or int(places.min()) < 0:
            raise IndexError(places)
        if len(places) > 1 and (places[1:] < places[:-1]).any():
            order = np.argsort(places, kind="stable")
            values = np.empty(len(places), np.int64)
            values[order] = self._at(places[order])
            return values
        stretches, within = places // STRETCH, places % STRETCH
        cuts = np.flatnonzero(np.diff(stretches, prepend=-1)).tolist()
        values = np.empty(len(places), np.int64)
        for begin, stop in zip(cuts, [*cuts[1:], len(places)], strict=True):
            values[begin:stop] = self._stretches[stretches[begin]].at(within[begin:stop])
        return values


def _parts(first: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Where each part begins in what is asked for, its stretch, and which places of that it is."""
    at = first
    while at < stop:
        number, low = divmod(at, STRETCH)
        high = min(STRETCH, low + stop - at)
        yield at - first, number, low, high
        at += high - low


def _differences(values: Numbers) -> Stretch | None:
    """The same numbers as differences, in as few bytes as they need."""
    least, most = int(values.min()), int(values.max())
    unit = 1
    if most - least > np.iinfo(np.int64).max:
        return None
    differences = values - least
    if most - least > np.iinfo(np.uint8).max:
        unit = next((one for one in _UNITS if _divides(one, differences)), 1)
    for small in (np.uint8, np.uint16, np.uint32):
        if (most - least) // unit <= np.iinfo(small).max:
            if unit > 1:
                differences //= unit
            return _Differences(least, unit, differences.astype(small), most)
    return None


def _divides(unit: int, differences: npt.NDArray[np.integer]) -> bool:
    some = differences[:_SAMPLE]
    return not (some % unit).any() and not (differences % unit).any()
