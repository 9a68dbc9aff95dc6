"""Which heads do not begin a record: vLLM repeats the head on each line of one message.

The formatter replaces each newline in a message by `\\r\\n` and the head again, so a record of
several lines has one more carriage return at the end of each line but the last than lines have
otherwise in the same file (one where a terminal's `script` wrote it, else none).

NCCL's `NCCL WARN` is followed by where it came from, `NCCL INFO init.cc:1582 -> 5`: these lines
belong to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pdtui.core.bytescan import Flags, Positions, present
from pdtui.core.claims import Claims
from pdtui.core.grammar import Grammar
from pdtui.core.levels import WARNING

_CAME_FROM = re.compile(rb"(?:\[Rank \d+\] )?\S+\.(?:cc|cu|c|h|cpp):\d+ -> \d")


class LastLine(NamedTuple):
    """What tells whether the head of the next line only repeats one."""

    head: bytes | None = None
    """The head of the last line, if vLLM's."""
    returns: int = 0
    """How many carriage returns ended the last line."""
    usual: int = 0
    """How many ended the line above the heads like the last one."""

    def is_like(self, other: LastLine) -> bool:
        """Whether it tells the same: without returns, a head that is repeated begins a record."""
        return self == other or not any(self[1:] + other[1:])


@dataclass(slots=True)
class Records:
    """What a head in the next block may belong to."""

    grammar: Grammar
    last: LastLine = field(default_factory=LastLine)
    warned: frozenset[int] = frozenset()
    """The processes whose last line of NCCL is a `NCCL WARN`, or what came of one."""
    _assumed: frozenset[int] | None = None
    """Those of which that is taken for granted, where the lines above are read elsewhere."""
    asked: dict[int, bool] = field(default_factory=dict)
    """The processes that wrote lines of NCCL since then, and whether they are among those."""

    def assume(self) -> None:
        """From now on what is known of lines of NCCL is only taken for granted."""
        self.warned, self._assumed, self.asked = frozenset(), self.warned, {}

    def stand(self, last: LastLine, warned: frozenset[int]) -> None:
        """Goes on below lines that were read elsewhere."""
        self.last, self.warned, self._assumed = last, warned, None

    def fold(self, claims: Claims, returns: Positions) -> None:
        """Takes the heads that only repeat one, and NCCL's trail of an error, for continuations."""
        if returns.any() or self.last.returns or self.last.usual:
            self._fold_repeated(claims, returns)
        nccl = self.grammar.is_nccl[claims.format]
        if self._assumed is not None:
            self._ask(self._assumed, claims.process[nccl])
        warnings = np.flatnonzero(nccl & (claims.level == WARNING))
        if len(warnings) or self.warned:
            self._fold_trails(claims, np.flatnonzero(nccl), warnings)

    def _fold_repeated(self, claims: Claims, returns: Positions) -> None:
        same = self._same_head_as_above(claims, returns)
        place = np.arange(len(returns))
        # The lines with one head stand in a run; what is usual is what the line above it has.
        run = np.maximum.accumulate(np.where(same, -1, place))
        above = np.concatenate(([self.last.returns], returns[:-1]))
        usual = np.where(run < 0, self.last.usual, above[np.maximum(run, 0)])
        claims.begins[same & (above == usual + 1)] = False
        head = _head(claims, len(returns) - 1) if self._is_vllm(claims)[-1] else None
        self.last = LastLine(head, int(returns[-1]), int(usual[-1]))

    def _same_head_as_above(self, claims: Claims, returns: Positions) -> Flags:
        """Whether each line has the very head of the line above it."""
        vllm = self._is_vllm(claims)
        same = np.zeros(len(returns), np.bool_)
        same[1:] = vllm[1:] & vllm[:-1]
        for column in (claims.process, claims.level, claims.clock, claims.day):
            same[1:] &= column[1:] == column[:-1]
        for row in np.flatnonzero(same).tolist():
            same[row] = _head(claims, row) == _head(claims, row - 1)
        same[0] = vllm[0] and self.last.head == _head(claims, 0)
        return same

    def _is_vllm(self, claims: Claims) -> Flags:
        return self.grammar.is_vllm[claims.format]

    def _ask(self, assumed: frozenset[int], processes: Positions) -> None:
        """Takes over what is taken for granted of these processes."""
        for process in present(processes):
            if process not in self.asked:
                self.asked[process] = process in assumed
                self.warned |= assumed & {process}

    def _fold_trails(self, claims: Claims, nccl: Positions, warnings: Positions) -> None:
        warned = set(self.warned)
        place = 0
        while place < len(nccl):
            if not warned:
                later = np.searchsorted(warnings, nccl[place])
                if later == len(warnings):
                    break
                place = int(np.searchsorted(nccl, warnings[later]))
            row = int(nccl[place])
            process = int(claims.process[row])
            if claims.level[row] == WARNING:
                warned.add(process)
            elif process in warned:
                if _CAME_FROM.match(claims.text, int(claims.at[row]), int(claims.ends[row])):
                    claims.begins[row] = False
                else:
                    warned.discard(process)
            place += 1
        self.warned = frozenset(warned)


def _head(claims: Claims, row: int) -> bytes:
    return claims.text[claims.starts[row] : claims.at[row]]
