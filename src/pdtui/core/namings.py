"""The names that lines give to processes: the latest one counts, `Worker` after `VllmWorker-0`."""

from __future__ import annotations

import numpy as np

from pdtui.core.bytescan import Positions
from pdtui.core.kinds import KindTable

_NOTHING = 0
_NOWHERE = -1


class Namings:
    """What the lines of one source name, a number for each combination; 0 is nothing."""

    def __init__(self, kinds: KindTable) -> None:
        self._kinds = kinds
        self._said: list[tuple[tuple[int, str], ...]] = [()]
        self._numbers: dict[tuple[tuple[int, str], ...], int] = {(): _NOTHING}

    def added(self, numbers: Positions, process: int, name: str) -> Positions:
        """The numbers of lines that name this process too, after what they named before."""
        before, which = np.unique(numbers, return_inverse=True)
        after = [self._number((*self._said[number], (process, name))) for number in before.tolist()]
        return np.array(after, np.int64)[which]

    def settle(self, numbers: Positions) -> None:
        """Gives processes the names of a block's lines."""
        last = np.full(len(self._said), _NOWHERE)
        last[numbers] = np.arange(len(numbers))
        order = np.argsort(last)
        for number in order[last[order] > _NOWHERE].tolist():
            for process, name in self._said[number]:
                self._kinds.name_process(process, name)

    def _number(self, said: tuple[tuple[int, str], ...]) -> int:
        number = self._numbers.setdefault(said, len(self._said))
        if number == len(self._said):
            self._said.append(said)
        return number
