"""Keys and what they stand for, many at a time: entered as they come, found by binary search.

A dictionary takes 150 bytes a key, and a call each; a log may have millions. Here keys are kept
sorted in a few arrays, each at least eight times as long as the next, so that a few new ones are
cheap to enter (a log-structured merge tree, O'Neil and others, 1996).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Values = npt.NDArray[np.int64]
_RATIO = 8
_MOST_WAITING = 64


class KeyIndex:
    """Any number of values for each key."""

    def __init__(self) -> None:
        self._levels: list[tuple[Keys, Values]] = []
        self._waiting: list[tuple[Keys, Values]] = []
        """What was entered since a key was last looked for."""

    def add(self, keys: Keys, values: Values) -> None:
        """Enters these keys, each with its value."""
        if len(keys):
            self._waiting.append((keys, values))
        if len(self._waiting) > _MOST_WAITING:
            self._enter()

    def _enter(self) -> None:
        """Sorts in what is waiting."""
        keys, values = (np.concatenate(part) for part in zip(*self._waiting, strict=True))
        self._waiting = []
        levels = [*self._levels, (keys, values)]
        while len(levels) > 1 and len(levels[-2][0]) < _RATIO * len(levels[-1][0]):
            above, below = levels.pop(-2), levels.pop()
            parts = zip(above, below, strict=True)
            keys, values = (np.concatenate(part) for part in parts)
            levels.append((keys, values))
        keys, values = levels[-1]
        order = np.argsort(keys, kind="stable")
        levels[-1] = (keys[order], values[order])
        self._levels = levels

    def find(self, wanted: Keys) -> tuple[npt.NDArray[np.intp], Values]:
        """Every value of these keys: the number of the key among those wanted, and the value."""
        if self._waiting:
            self._enter()
        which, found = [np.zeros(0, np.intp)], [np.zeros(0, np.int64)]
        for keys, values in self._levels:
            begin, stop = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, "right")
            counts = stop - begin
            hit = np.flatnonzero(counts)
            which.append(np.repeat(hit, counts[hit]))
            # The places begin … stop-1 of each hit, one after the other.
            before = np.cumsum(counts[hit]) - counts[hit]
            places = np.arange(counts[hit].sum()) + np.repeat(begin[hit] - before, counts[hit])
            found.append(values[places])
        return np.concatenate(which), np.concatenate(found)


class KeyCounts:
    """How often each key was there."""

    def __init__(self) -> None:
        self._index = KeyIndex()

    def count(self, keys: Keys) -> Values:
        """How often each of these has been there now, itself included; they are entered."""
        distinct, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
        known, times = self._index.find(distinct)
        before = np.zeros(len(distinct), np.int64)
        np.add.at(before, known, times)
        self._index.add(distinct, counts)
        # Of keys that are alike here, each one's number among them.
        order = np.argsort(which, kind="stable")
        within = np.empty(len(keys), np.int64)
        begins = np.cumsum(counts) - counts
        within[order] = np.arange(len(keys)) - np.repeat(begins, counts)
        result: Values = before[which] + within + 1
        return result
