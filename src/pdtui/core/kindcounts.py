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
        self._end = Growable(np.int64)
        """Where the entries of each stretch end; extended last, for whoever reads meanwhile."""

    def __len__(self) -> int:
        return len(self._end)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that they take."""
        columns = (self._source, self._kind, self._count, self._end)
        return sum(column.nbytes for column in columns)

    def kept(self, stretches: int) -> KindCounts:
        """The counts of the first so many stretches: these, or others where that is not all."""
        if stretches >= len(self):
            return self
        kept = KindCounts()
        end = int(self._end.values[stretches - 1]) if stretches else 0
        kept._source.extend(self._source.values[:end])
        kept._kind.extend(self._kind.values[:end])
        kept._count.extend(self._count.values[:end])
        kept._end.extend(self._end.values[:stretches])
        return kept

    def add(self, stretches: Iterable[Parts]) -> None:
        """Counts the next stretches."""
        entries: list[tuple[Numbers, Numbers, Numbers]] = []
        ends, size = [], len(self._kind)
        for parts in stretches:
            for number, rows in parts:
                counted = np.bincount(rows)
                found = np.flatnonzero(counted)
                entries.append((np.full(len(found), number), found, counted[found]))
                size += len(found)
            ends.append(size)
        if ends:
            sources, kinds, counts = map(np.concatenate, zip(*entries, strict=True))
            self._source.extend(sources)
            self._kind.extend(kinds)
            self._count.extend(counts)
            self._end.extend(np.array(ends))

    def totals(self) -> Numbers:
        """How many rows of each kind all stretches have together, of one source's own rows."""
        return np.bincount(self._kind.values, self._count.values).astype(np.int64)

    def passing(self, masks: Sequence[npt.NDArray[np.bool_]], first: int, stop: int) -> Numbers:
        """How many rows of each stretch first … stop-1 (as far as counted) have a kind that passes.

        There is a mask over the kinds for each source.
        """
        ends = self._end.values[:stop]
        if first >= len(ends):
            return np.zeros(0, np.int64)
        begin, end = int(ends[first - 1]) if first else 0, int(ends[-1])
        # A kind that is newer than the mask counts as the last one in it does, as in a row's mask.
        begins = np.cumsum([0, *map(len, masks[:-1])])
        last = np.array([len(mask) - 1 for mask in masks])
        source = self._source.values[begin:end]
        place = begins[source] + np.minimum(self._kind.values[begin:end], last[source])
        counts = np.where(np.concatenate(masks)[place], self._count.values[begin:end], 0)
        entries = np.concatenate(([begin], ends[first:-1])) - begin
        return np.add.reduceat(counts, entries, dtype=np.int64)
