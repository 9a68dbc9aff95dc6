"""Keys that grow at their end, in some two bytes each: those that stand near are often the same.

A request is spoken of a dozen times within seconds, and most steps have no key at all. So a stretch
of keys is kept as those that are in it, and which of them stands at each place.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from pdtui.core.packed import STRETCH, Numbers, Packed, Stretch

Keys: TypeAlias = npt.NDArray[np.uint64]


class _Few(NamedTuple):
    """A stretch with few different keys (as int64): those, sorted, and which stands where."""

    different: Numbers
    which: npt.NDArray[np.unsignedinteger]

    @property
    def nbytes(self) -> int:
        return self.different.nbytes + self.which.nbytes

    @property
    def most(self) -> int:
        return int(self.different[-1])

    def one(self, place: int) -> int:
        return int(self.different[self.which[place]])

    def decode(self, first: int, stop: int, into: Numbers) -> None:
        np.take(self.different, self.which[first:stop], out=into)

    def at(self, places: npt.NDArray[np.int64]) -> Numbers:
        found: Numbers = self.different[self.which[places]]
        return found

    def places_of(self, key: int) -> npt.NDArray[np.intp]:
        """The places with this key."""
        number = int(np.searchsorted(self.different, key))
        there = number < len(self.different) and int(self.different[number]) == key
        return np.flatnonzero(self.which == number) if there else np.zeros(0, np.intp)


class PackedKeys:
    """Keys that one thread extends while others read; a part of them is an array when asked for."""

    def __init__(self) -> None:
        self._numbers = Packed(_few)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, place: slice | npt.NDArray[np.integer]) -> Keys:
        return self._numbers[place].view(np.uint64)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that they take."""
        return self._numbers.nbytes

    def extend(self, keys: Keys) -> None:
        """Adds keys at the end."""
        self._numbers.extend(keys.view(np.int64))

    def places_of(self, key: int) -> npt.NDArray[np.int64]:
        """The places with this key, rising: in most stretches it is looked up, and is not there."""
        size, wanted = len(self), int(np.uint64(key).astype(np.int64))
        found = [np.zeros(0, np.int64)]
        for number, stretch in enumerate(self._numbers.stretches):
            begin = number * STRETCH
            if isinstance(stretch, _Few):
                found.append(stretch.places_of(wanted) + begin)
            else:
                here = self._numbers[begin : min(begin + STRETCH, size)]
                found.append(np.flatnonzero(here == wanted) + begin)
        places = np.concatenate(found)
        return places[places < size]


def _few(keys: Numbers) -> Stretch | None:
    """A stretch as few different keys; None where that would take more."""
    different, which = np.unique(keys, return_inverse=True)
    small = np.uint8 if len(different) <= np.iinfo(np.uint8).max + 1 else np.uint16
    few = _Few(different, which.astype(small))
    return few if few.nbytes < keys.nbytes else None
