"""An array that grows at its end."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

_FIRST_CAPACITY = 1024
_T = TypeVar("_T", bound=np.generic)


class Growable(Generic[_T]):
    """A one-dimensional array that one thread extends while others read.

    Values are written first and published last, by raising the size; growing allocates a new
    array, so what a reader holds stays as it was.
    """

    def __init__(self, dtype: type[_T]) -> None:
        self._array: npt.NDArray[_T] = np.empty(_FIRST_CAPACITY, dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> npt.NDArray[_T]:
        """What is in it now."""
        # The size first: whatever array is there by then holds as many.
        size = self._size
        return self._array[:size]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return self._array.nbytes

    def extend(self, values: npt.NDArray[_T]) -> None:
        """Adds values at the end."""
        self.replace(self._size, values)

    def replace(self, place: int, values: npt.NDArray[_T]) -> None:
        """Puts these values from `place` on, in place of all that was there."""
        size = place + len(values)
        if size > len(self._array):
            # A quarter more, not twice as much: memory is what a 10 GB log runs out of first.
            grown = np.empty(max(size, len(self._array) * 5 // 4), self._array.dtype)
            grown[:place] = self._array[:place]
            self._array = grown
        self._array[place:size] = values
        self._size = size
