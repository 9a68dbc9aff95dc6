"""Keeps the steps that the rows of a source say: columns of whole numbers, as small as they get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import Flags, Positions
from pdtui.core.growable import Growable
from pdtui.core.packed import Packed
from pdtui.core.packedkeys import PackedKeys
from pdtui.core.steps import Step
from pdtui.core.traces import NOTHING_SAID, Found, Said, steps_flags

_STEPS = {int(step): step for step in Step}


class Trace(NamedTuple):
    """One step: its row, the key that the other side has too (0 for none), and what it says."""

    row: int
    step: Step
    key: int
    said: Said


class Peers(NamedTuple):
    """The peers' addresses that some traces name: each once, and the number of each trace's."""

    names: list[str]
    number: npt.NDArray[np.intp]


class Traces:
    """The traces of one source in the order of their rows; it only grows. Some six bytes each."""

    def __init__(self) -> None:
        self.row = Packed()
        """The row of each trace."""
        self._step = Growable(np.uint8)
        self.key = PackedKeys()
        """The key of each trace, NO_KEY for none."""
        self._said = Packed()
        self._texts: list[Said] = [NOTHING_SAID]
        self._number: dict[Said, int] = {NOTHING_SAID: 0}

    def __len__(self) -> int:
        # The rows are extended last: a trace counts when all of it is there.
        return len(self.row)

    def __iter__(self) -> Iterator[Trace]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, place: int) -> Trace:
        [trace] = self._at(np.array([range(len(self))[place]]))
        return trace

    @property
    def nbytes(self) -> int:
        """Bytes of memory that they take, but for the texts."""
        return sum(one.nbytes for one in (self.row, self._step, self.key, self._said))

    @property
    def step(self) -> npt.NDArray[np.uint8]:
        """The number of each trace's step."""
        return self._step.values[: len(self)]

    def peers(self, places: Positions) -> Peers:
        """The peers that the traces at these places name."""
        said, which = np.unique(self._said[places], return_inverse=True)
        numbers: dict[str, int] = {}
        for number in said.tolist():
            numbers.setdefault(self._texts[number].remote, len(numbers))
        of_said = np.array([numbers[self._texts[number].remote] for number in said.tolist()])
        return Peers(list(numbers), of_said[which])

    def before(self, stop: int) -> int:
        """How many traces are in rows before `stop`."""
        return self.row.before(stop)

    def among(self, first: int, stop: int, steps: Flags) -> Iterator[Trace]:
        """The traces number first … stop-1 with these steps (a flag for each step's number)."""
        return self._at(np.flatnonzero(steps[self.step[first:stop]]) + first)

    def rows_with(self, *steps: Step) -> npt.NDArray[np.int64]:
        """The rows with one of these steps."""
        return self.row[np.flatnonzero(steps_flags(*steps)[self.step])]

    def steps_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """The number of the step that each of these rows says, 0 for none; rows rise."""
        if not len(rows):
            return np.zeros(0, np.uint8)
        first, stop = self.before(int(rows[0])), self.before(int(rows[-1]) + 1)
        traced, step = self.row[first:stop], self.step[first:stop]
        if not len(traced):
            return np.zeros(len(rows), np.uint8)
        at = np.minimum(np.searchsorted(traced, rows), len(traced) - 1)
        return np.where(traced[at] == rows, step[at], 0).astype(np.uint8)

    def _at(self, places: npt.NDArray[np.int64]) -> Iterator[Trace]:
        """The traces at these places."""
        columns = (self.row, self.step, self.key, self._said)
        texts = self._texts
        for row, step, key, said in zip(*(c[places].tolist() for c in columns), strict=True):
            yield Trace(row, _STEPS[step], key, texts[said])

    def extend(self, found: Found, begin: int) -> None:
        """Adds the traces of a block whose first row is row `begin` of the source."""
        if not len(found.row):
            return
        numbers = np.array([self._text_number(said) for said in found.texts], np.int32)
        self._step.extend(found.step)
        self.key.extend(found.key)
        self._said.extend(numbers[found.said])
        self.row.extend(found.row + begin)

    def _text_number(self, said: Said) -> int:
        number = self._number.setdefault(said, len(self._texts))
        if number == len(self._texts):
            self._texts.append(said)
        return number
