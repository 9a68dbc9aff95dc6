"""Whole numbers that grow at their end, in as few bytes as they need.

Rows lie some hundred bytes and some microseconds or seconds apart, and have some hundred kinds: so
what is kept of a number is how far it is from the least of its stretch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias, overload

import numpy as np
import numpy.typing as npt

_STRETCH = 8192
_UNITS = (1_000_000, 1000)
"""What all differences may be multiples of: times have a grain of a second, or of a thousandth."""
_SAMPLE = 16

Numbers: TypeAlias = npt.NDArray[np.int64]


class _Stretch(NamedTuple):
    """Some numbers, all but the last stretch as many: each is least + unit * its difference."""

    least: int
    unit: int
    differences: npt.NDArray[np.integer]

    def decode(self, first: int, stop: int, into: Numbers) -> None:
        """Writes the numbers first … stop-1."""
        np.multiply(self.differences[first:stop], np.int64(self.unit), out=into)
        into += self.least

    def at(self, places: npt.NDArray[np.int64]) -> Numbers:
        """The numbers at these places."""
        found: Numbers = self.differences[places] * np.int64(self.unit)
        found += self.least
        return found


class Packed:
    """Numbers that one thread extends while others read; a part of them is an array when asked for.

    The last stretch is as it came. A full one is replaced by its small form when the next begins;
    whoever reads gets one or the other, which say the same.
    """

    def __init__(self) -> None:
        self._stretches = [_open()]
        self._size = 0

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
        stretch = self._stretches[place // _STRETCH]
        return int(stretch.differences[place % _STRETCH]) * stretch.unit + stretch.least

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return sum(stretch.differences.nbytes for stretch in list(self._stretches))

    def extend(self, values: npt.NDArray[np.integer]) -> None:
        """Adds values at the end."""
        done = 0
        while done < len(values):
            begin = self._size % _STRETCH
            if begin == 0 and self._size:
                self._stretches[-1] = _packed(self._stretches[-1].differences)
                self._stretches.append(_open())
            part = values[done : done + _STRETCH - begin]
            self._stretches[-1].differences[begin : begin + len(part)] = part
            done += len(part)
            self._size += len(part)

    def replace_last(self, value: int) -> bool:
        """Puts a value in place of the last one; whether it is another."""
        # The last stretch is never small: the next begins with the number after its last one.
        values = self._stretches[-1].differences
        place = (self._size - 1) % _STRETCH
        changed = bool(values[place] != value)
        values[place] = value
        return changed

    def fill(self, stop: int, value: int) -> None:
        """Puts this value in place of all before `stop`."""
        for number in range(-(-stop // _STRETCH)):
            values = np.full(_STRETCH, value, np.int64)
            kept = stop - number * _STRETCH
            if kept < _STRETCH:
                self._stretches[number].decode(kept, _STRETCH, values[kept:])
            last = number == len(self._stretches) - 1
            self._stretches[number] = _Stretch(0, 1, values) if last else _packed(values)

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
        stretches, within = places // _STRETCH, places % _STRETCH
        cuts = np.flatnonzero(np.diff(stretches, prepend=-1)).tolist()
        values = np.empty(len(places), np.int64)
        for begin, stop in zip(cuts, [*cuts[1:], len(places)], strict=True):
            values[begin:stop] = self._stretches[stretches[begin]].at(within[begin:stop])
        return values


def _parts(first: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Where each part begins in what is asked for, its stretch, and which places of that it is."""
    at = first
    while at < stop:
        number, low = divmod(at, _STRETCH)
        high = min(_STRETCH, low + stop - at)
        yield at - first, number, low, high
        at += high - low


def _open() -> _Stretch:
    """A stretch that is being filled."""
    return _Stretch(0, 1, np.zeros(_STRETCH, np.int64))


def _packed(values: npt.NDArray[np.integer]) -> _Stretch:
    """The same numbers in as few bytes as they need."""
    least, most = int(values.min()), int(values.max())
    unit = 1
    if 0 <= most - least <= np.iinfo(np.int64).max:
        differences = values - least
        if most - least > np.iinfo(np.uint8).max:
            unit = next((one for one in _UNITS if _divides(one, differences)), 1)
        for small in (np.uint8, np.uint16, np.uint32):
            if (most - least) // unit <= np.iinfo(small).max:
                if unit > 1:
                    differences //= unit
                return _Stretch(least, unit, differences.astype(small))
    return _Stretch(0, 1, values)


def _divides(unit: int, differences: npt.NDArray[np.integer]) -> bool:
    some = differences[:_SAMPLE]
    return not (some % unit).any() and not (differences % unit).any()
