"""Peels what stands before a line's head: the launcher's rank, the process prefixes."""

from __future__ import annotations

from dataclasses import dataclass, field

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


@dataclass(slots=True)
class PrefixPeeler:
    """Peels prefixes off all lines of a block; each distinct prefix is understood only once."""

    kinds: KindTable
    _known: dict[int, tuple[int, int] | None] = field(default_factory=dict)
    """Digest of a prefix → its process number and rank, None for what only looks like one."""

    def peel(self, block: ByteBlock, starts: Positions, ends: Positions) -> Peeled:
        """Peels the lines that begin at `starts` and end before `ends`."""
        none = np.full(len(starts), NO_RANK, np.int64)
        peeled = Peeled(starts.copy(), np.full(len(starts), NO_PROCESS, np.int64), none)
        self._peel_launcher(block, peeled, ends)
        # `(APIServer pid=1) (EngineCore_DP0 pid=72) DEBUG …` is real: the last one wrote the line.
        for _ in range(_MOST_PREFIXES):
            if not self._peel_process(block, peeled, ends):
                break
        return peeled

    def _peel_launcher(self, block: ByteBlock, peeled: Peeled, ends: Positions) -> None:
        for row in np.flatnonzero(block.starts_with(peeled.at, b"[rank")):
            line = block.data[peeled.at[row] : ends[row]].tobytes()
            if found := formats.LAUNCHER_RANK.match(line):
                peeled.at[row] += found.end()
                if (rank := int(found[1])) <= MAX_RANK:
                    peeled.rank[row] = rank

    def _peel_process(self, block: ByteBlock, peeled: Peeled, ends: Positions) -> bool:
        rows = np.flatnonzero(block.byte(peeled.at) == ord("("))
        if not len(rows):
            return False
        at = peeled.at[rows]
        length = block.find(at, b")", _PREFIX_REACH) + 2
        whole = (length > 1) & (at + length <= ends[rows])
        rows, at, length = rows[whole], at[whole], length[whole]
        digests, first, inverse = np.unique(
            block.digest(at, length), return_index=True, return_inverse=True
        )
        meanings = [
            self._meaning(block, int(d), int(at[f]), int(length[f]))
            for d, f in zip(digests, first, strict=True)
        ]
        # numpy infers floats from an empty list, so the width is given.
        table = np.array([m or (-1, NO_RANK) for m in meanings], np.int64).reshape(-1, 2)
        process, rank = table[inverse, 0], table[inverse, 1]
        known = process >= 0
        rows = rows[known]
        peeled.at[rows] += length[known]
        peeled.process[rows] = process[known]
        peeled.rank[rows] = np.where(rank[known] == NO_RANK, peeled.rank[rows], rank[known])
        return bool(len(rows))

    def _meaning(
        self, block: ByteBlock, digest: int, at: int, length: int
    ) -> tuple[int, int] | None:
        if digest not in self._known:
            self._known[digest] = self._understand(block.data[at : at + length].tobytes())
        return self._known[digest]

    def _understand(self, prefix: bytes) -> tuple[int, int] | None:
        found = formats.PROCESS_PREFIX.fullmatch(prefix)
        if found is None:
            return None
        name = found["name"]
        process = self.kinds.process_number(int(found["pid"]), name.decode("ascii"))
        ranks = formats.PREFIX_RANK.findall(name)
        rank = int(ranks[-1]) if ranks and int(ranks[-1]) <= MAX_RANK else NO_RANK
        return process, rank
