"""How many rows of each kind stand in each stretch of an order.

A filter that a kind decides (rank, marker, level, process) is so decided for a stretch of rows at
once: how many rows it shows of ten million, and where, is known without a look at any row. The
same is known of each *span* of stretches, so that of fifty million it takes no longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pdtui.core.growable import Growable

STRETCH = 8192
"""Rows that are counted together."""
SPAN = 64
"""Stretches whose counts are also kept as one."""

Numbers = npt.NDArray[np.int64]
Parts = Iterable[tuple[int, Numbers]]
"""The rows of a stretch: the number of each source in it, and the kinds of its rows."""
_Entries = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]
"""The source, the kind and the count of each entry, in integers of any width."""


class KindCounts:
    """The counts of all stretches, and of all spans that are full."""

    def __init__(self) -> None:
        self._stretches = _Counts()
        self._spans = _Counts()

    def __len__(self) -> int:
        """How many stretches are counted."""
        return len(self._stretches)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that they take."""
        return self._stretches.nbytes + self._spans.nbytes

    def kept(self, stretches: int) -> KindCounts:
        """The counts of the first so many stretches: these, or others where that is not all."""
        if stretches >= len(self):
            return self
        kept = KindCounts()
        kept._stretches = self._stretches.kept(stretches)
        kept._spans = self._spans.kept(stretches // SPAN)
        return kept

    def add(self, stretches: Iterable[Parts]) -> None:
        """Counts the next stretches."""
        self._stretches.add(_counted(parts) for parts in stretches)
        full = range(len(self._spans) * SPAN, len(self) - SPAN + 1, SPAN)
        self._spans.add(_summed(*self._stretches.entries(at, at + SPAN)) for at in full)

    def totals(self, stretches: int) -> Numbers:
        """How many rows of each kind the first stretches have together, of one source's rows."""
        full = min(stretches // SPAN, len(self._spans))
        spans = self._spans.entries(0, full)
        rest = self._stretches.entries(full * SPAN, stretches)
        _, kinds, counts = map(np.concatenate, zip(spans, rest, strict=True))
        return np.bincount(kinds, counts).astype(np.int64)

    def passing(
        self, masks: Sequence[npt.NDArray[np.bool_]], first: int, stop: int, step: int = 1
    ) -> Numbers:
        """How many rows of each stretch first … stop-1 (as far as counted) have a kind that passes.

        There is a mask over the kinds for each source. With a `step` of SPAN, how many of each span
        from stretch `first` on, the first one of a span.
        """
        counts = self._stretches if step == 1 else self._spans
        return counts.passing(masks, first // step, stop // step)


class _Counts:
    """Counts one after the other: an entry for each kind that occurs in what is counted as one."""

    def __init__(self) -> None:
        self._source = Growable(np.uint16)
        self._kind = Growable(np.uint32)
        self._count = Growable(np.uint32)
        self._end = Growable(np.int64)
        """Where the entries of each end; extended last, for whoever reads meanwhile."""

    def __len__(self) -> int:
        return len(self._end)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that they take."""
        columns = (self._source, self._kind, self._count, self._end)
        return sum(column.nbytes for column in columns)

    def kept(self, size: int) -> _Counts:
        """The first so many."""
        kept = _Counts()
        source, kind, count = self.entries(0, size)
        kept._source.extend(source)
        kept._kind.extend(kind)
        kept._count.extend(count)
        kept._end.extend(self._end.values[:size])
        return kept

    def add(self, counted: Iterable[_Entries]) -> None:
        """Adds what comes next."""
        entries, ends, size = [], [], len(self._kind)
        for one in counted:
            entries.append(one)
            size += len(one[0])
            ends.append(size)
        if ends:
            sources, kinds, counts = map(np.concatenate, zip(*entries, strict=True))
            self._source.extend(sources)
            self._kind.extend(kinds)
            self._count.extend(counts)
            self._end.extend(np.array(ends))

    def entries(self, first: int, stop: int) -> _Entries:
        """The entries of those from `first` to before `stop`."""
        begin, end = self._between(first, stop)
        columns = (self._source, self._kind, self._count)
        source, kind, count = (column.values[begin:end] for column in columns)
        return source, kind, count

    def passing(self, masks: Sequence[npt.NDArray[np.bool_]], first: int, stop: int) -> Numbers:
        """How many rows in each from `first` to before `stop` have a kind that passes."""
        ends = self._end.values[:stop]
        if first >= len(ends):
            return np.zeros(0, np.int64)
        source, kind, count = self.entries(first, len(ends))
        # A kind that is newer than the mask counts as the last one in it does, as in a row's mask.
        begins = np.cumsum([0, *map(len, masks[:-1])])
        last = np.array([len(mask) - 1 for mask in masks])
        place = begins[source] + np.minimum(kind, last[source])
        counts = np.where(np.concatenate(masks)[place], count, 0)
        begin = self._between(first, first)[0]
        entries = np.concatenate(([begin], ends[first:-1])) - begin
        return np.add.reduceat(counts, entries, dtype=np.int64)

    def _between(self, first: int, stop: int) -> tuple[int, int]:
        """Where the entries of these begin and end."""
        ends = self._end.values
        return int(ends[first - 1]) if first else 0, int(ends[stop - 1]) if stop else 0


def _counted(parts: Parts) -> _Entries:
    """The entries of one stretch."""
    entries = []
    for number, rows in parts:
        counted = np.bincount(rows)
        found = np.flatnonzero(counted)
        entries.append((np.full(len(found), number), found, counted[found]))
    source, kind, count = map(np.concatenate, zip(*entries, strict=True))
    return source, kind, count


def _summed(source: Numbers, kind: Numbers, count: Numbers) -> _Entries:
    """One entry for all of a source's rows of a kind."""
    both = source.astype(np.int64) << 32 | kind
    distinct, place = np.unique(both, return_inverse=True)
    return distinct >> 32, distinct & 0xFFFFFFFF, np.bincount(place, count).astype(np.int64)
