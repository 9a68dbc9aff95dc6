"""Rows that prove something, and when they were written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import present
from pdtui.core.stamps import NO_TIME, SECOND, to_datetime
from pdtui.core.store import Snapshot

_FOUR_DIGITS = 999.5
"""What is rounded to four digits from here on."""


class Place(NamedTuple):
    """One row: the source's number, and the row's."""

    source: int
    row: int


@dataclass(slots=True)
class Clocks:
    """The times of rows, on clocks that are corrected by `offsets` (label → microseconds)."""

    snapshot: Snapshot
    offsets: dict[str, int] = field(default_factory=dict)

    def time(self, place: Place) -> int | None:
        """When this row was written, in microseconds; None where nothing tells it."""
        source, stop = self.snapshot[place.source]
        if place.row >= stop:
            return None
        when = int(source.columns.when[place.row])
        return None if when == NO_TIME else when + self.offsets.get(source.label, 0)

    def reached(self, place: Place) -> int | None:
        """The latest time that the source had come to by this row, in microseconds.

        Unstamped rows have their process's last time; what is above them in the file is no later.
        """
        source, stop = self.snapshot[place.source]
        if place.row >= stop:
            return None
        latest = source.columns.when.highest(place.row + 1)
        return None if latest == NO_TIME else latest + self.offsets.get(source.label, 0)

    def times(
        self, places: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Of many rows (source and row each): the times or NO_TIME, and which are stamps."""
        times = np.full(len(places), NO_TIME, np.int64)
        stamped = np.zeros(len(places), np.bool_)
        for number in present(places[:, 0]):
            source = self.snapshot[number][0]
            here = np.flatnonzero(places[:, 0] == number)
            rows = places[here, 1]
            when = source.columns.when[rows]
            offset = self.offsets.get(source.label, 0)
            times[here] = np.where(when == NO_TIME, NO_TIME, when + offset)
            own = np.array([kind.stamped for kind in list(source.kinds.kinds)], np.bool_)
            stamped[here] = own[source.columns.kind[rows]]
        return times, stamped

    def end_of(self, number: int) -> int | None:
        """The latest time in a source."""
        source, stop = self.snapshot[number]
        latest = source.columns.when.highest(stop) if stop else NO_TIME
        return None if latest == NO_TIME else latest + self.offsets.get(source.label, 0)

    def end(self) -> int | None:
        """The latest time in any source."""
        ends = [self.end_of(number) for number in range(len(self.snapshot))]
        return max((end for end in ends if end is not None), default=None)

    def label(self, number: int) -> str:
        """The label of a source."""
        return self.snapshot[number][0].label


def counted(count: int, word: str) -> str:
    """A number of things for a sentence: `1 row`, `2,000 rows`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def seconds(microseconds: int) -> float:
    """The same length in seconds."""
    return microseconds / SECOND


def three_digits(number: float) -> str:
    """A number to be compared at a glance: `0.25`, `42`, `1,200`, and never `1.2e+03`."""
    return f"{number:.3g}" if number < _FOUR_DIGITS else f"{number:,.0f}"


def length_of(microseconds: int) -> str:
    """A length of time for a sentence: `42 s`, `5 min 10 s`, `2 h 3 min`, `11 d 4 h`."""
    whole = microseconds // SECOND
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def clock_of(time: int | None) -> str:
    """A time for a sentence: `10:30:51`."""
    return "an unknown time" if time is None else f"{to_datetime(time):%H:%M:%S}"
