"""How many rows of each kind stand in each stretch of an order.

A filter that a kind decides (rank, marker, level, process) is so decided for a stretch of rows at
once: how many rows it shows of ten million, and where, is known without a look at any row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from pdtui.core.growable import Growable

STRETCH = 8192
"""Rows that are counted together."""

Numbers = npt.NDArray[np.int64]
Parts = Iterable[tuple[int, Numbers]]
"""The rows of a stretch: the number of each source in it, and the kinds of its rows."""


class KindCounts:
    """The counts of all stretches one after the other: an entry a kind that occurs in a stretch."""

    def __init__(self) -> None:
        self._source = Growable(np.uint16)
        self._kind = Growable(np.uint32)
        self._count = Growable(np.uint32)
        self._begin = Growable(np.int64)
        """The first entry of each stretch."""

    def __len__(self) -> int:
        return len(self._begin)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that they take."""
        columns = (self._source, self._kind, self._count, self._begin)
        return sum(column.nbytes for column in columns)

    def keep(self, stretches: int) -> None:
        """Forgets all but the first so many stretches."""
        if stretches < len(self):
            begin = int(self._begin.values[stretches])
            self._begin.cut(stretches)
            for column in (self._source, self._kind, self._count):
                column.cut(begin)

    def add(self, stretches: Iterable[Parts]) -> None:
        """Counts the next stretches."""
        entries: list[tuple[Numbers, Numbers, Numbers]] = []
        begins, size = [], len(self._kind)
        for parts in stretches:
            begins.append(size)
            for number, rows in parts:
                counted = np.bincount(rows)
                found = np.flatnonzero(counted)
                entries.append((np.full(len(found), number), found, counted[found]))
                size += len(found)
        if begins:
            sources, kinds, counts = map(np.concatenate, zip(*entries, strict=True))
            self._source.extend(sources)
            self._kind.extend(kinds)
            self._count.extend(counts)
            self._begin.extend(np.array(begins))

    def passing(self, masks: Sequence[npt.NDArray[np.bool_]], first: int = 0) -> Numbers:
        """How many rows of each stretch, from `first` on, have a kind that passes.

        There is a mask over the kinds for each source.
        """
        if first >= len(self):
            return np.zeros(0, np.int64)
        entries = self._begin.values[first:]
        begin = int(entries[0])
        # A kind that is newer than the mask counts as the last one in it does, as in a row's mask.
        begins = np.cumsum([0, *map(len, masks[:-1])])
        last = np.array([len(mask) - 1 for mask in masks])
        source = self._source.values[begin:]
        place = begins[source] + np.minimum(self._kind.values[begin:], last[source])
        counts = np.where(np.concatenate(masks)[place], self._count.values[begin:], 0)
        return np.add.reduceat(counts, entries - begin, dtype=np.int64)
