"""Peels what stands before a line's head: the launcher's rank, the process prefixes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pdtui.core import formats
from pdtui.core.bytescan import ByteBlock, Positions
from pdtui.core.kinds import MAX_RANK, NO_PROCESS, NO_RANK, KindTable

_PREFIX_REACH = 96
_MOST_PREFIXES = 3


@dataclass(slots=True)
class Peeled:
    """Where each line's head begins, and what the prefixes before it said."""

    at: Positions
    process: Positions
    rank: Positions


class _Prefix(NamedTuple):
    """What a process prefix says."""

    pid: int
    name: str
    rank: int


@dataclass(slots=True)
class PrefixPeeler:
    """Peels prefixes off all lines of a block; each distinct prefix is understood only once."""

    kinds: KindTable
    _known: dict[int, _Prefix | None] = field(default_factory=dict)
    """Digest of a prefix → what it says, None for what only looks like one."""

    def peel(self, block: ByteBlock, starts: Positions, ends: Positions) -> Peeled:
        """Peels the lines that begin at `starts` and end before `ends`."""
        none = np.full(len(starts), NO_RANK, np.int64)
        peeled = Peeled(starts.copy(), np.full(len(starts), NO_PROCESS, np.int64), none)
        self._peel_launcher(block, peeled, ends)
        # `(APIServer pid=1) (EngineCore_DP0 pid=72) DEBUG …` is real: the last one wrote the line.
        seen: list[tuple[int, int, _Prefix]] = []
        for turn in range(_MOST_PREFIXES):
            found = self._peel_process(block, peeled, ends)
            if not found:
                break
            seen += [(row, turn, prefix) for row, prefix in found]
        # `VllmWorker-0` becomes `Worker` and then `Worker_TP0`: a process shows its latest name.
        for _, _, prefix in sorted(seen):
            self.kinds.process_number(prefix.pid, prefix.name)
        return peeled

    def _peel_launcher(self, block: ByteBlock, peeled: Peeled, ends: Positions) -> None:
        for row in np.flatnonzero(block.starts_with(peeled.at, b"[rank")):
            line = block.data[peeled.at[row] : ends[row]].tobytes()
            if found := formats.LAUNCHER_RANK.match(line):
                peeled.at[row] += found.end()
                if (rank := int(found[1])) <= MAX_RANK:
                    peeled.rank[row] = rank

    def _peel_process(
        self, block: ByteBlock, peeled: Peeled, ends: Positions
    ) -> list[tuple[int, _Prefix]]:
        """Peels one prefix off each line that has one; the distinct ones, with their last line."""
        rows = np.flatnonzero(block.byte(peeled.at) == ord("("))
        at = peeled.at[rows]
        length = block.find(at, b")", _PREFIX_REACH) + 2
        whole = (length > 1) & (at + length <= ends[rows])
        rows, at, length = rows[whole], at[whole], length[whole]
        digests, last, inverse = np.unique(
            block.digest(at, length)[::-1], return_index=True, return_inverse=True
        )
        last, inverse = len(rows) - 1 - last, inverse[::-1]
        prefixes = [
            self._prefix(block, int(d), int(at[i]), int(length[i]))
            for d, i in zip(digests, last, strict=True)
        ]
        # numpy infers floats from an empty list, so the width is given.
        table = np.array([self._numbers(p) for p in prefixes], np.int64).reshape(-1, 2)
        process, rank = table[inverse, 0], table[inverse, 1]
        known = process >= 0
        peeled.at[rows[known]] += length[known]
        peeled.process[rows[known]] = process[known]
        stated = known & (rank != NO_RANK)
        peeled.rank[rows[stated]] = rank[stated]
        return [(int(rows[i]), p) for i, p in zip(last, prefixes, strict=True) if p]

    def _numbers(self, prefix: _Prefix | None) -> tuple[int, int]:
        """The prefix's process number and rank."""
        return (self.kinds.process_number(prefix.pid), prefix.rank) if prefix else (-1, NO_RANK)

    def _prefix(self, block: ByteBlock, digest: int, at: int, length: int) -> _Prefix | None:
        if digest not in self._known:
            self._known[digest] = _understand(block.data[at : at + length].tobytes())
        return self._known[digest]


def _understand(text: bytes) -> _Prefix | None:
    found = formats.PROCESS_PREFIX.fullmatch(text)
    if found is None:
        return None
    ranks = formats.PREFIX_RANK.findall(found["name"])
    rank = int(ranks[-1]) if ranks and int(ranks[-1]) <= MAX_RANK else NO_RANK
    return _Prefix(int(found["pid"]), found["name"].decode("ascii"), rank)
