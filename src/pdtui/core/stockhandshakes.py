"""Causes and effects in the handshakes of stock vLLM, which names a peer only when all is over.

`set_p2p_nccl_context` says that a side goes in, 🤝 that it is out again, and with whom. Both must
be in before either comes out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pdtui.core.causality import Causality, Edge
from pdtui.core.engines import EngineReader
from pdtui.core.sides import Side
from pdtui.core.steps import Step
from pdtui.core.store import Snapshot
from pdtui.core.traces import NO_KEY, key_of

_PATCHED = Step.NEW_SENT


@dataclass(slots=True)
class StockHandshakes:
    """Finds them as rows arrive."""

    _readers: list[EngineReader] = field(default_factory=list)
    _told: list[int] = field(default_factory=list)
    """How many of each source's handshakes are told already."""

    def edges(self, snapshot: Snapshot, causality: Causality) -> list[Edge]:
        """The edges that the new rows make."""
        if not self._readers:
            self._readers = [EngineReader(n, source) for n, (source, _) in enumerate(snapshot)]
            self._told = [0] * len(snapshot)
        edges = []
        for reader, (source, stop) in zip(self._readers, snapshot, strict=True):
            steps = source.traces.step
            # The patch ties both sides by what it sends, and says more than this could find out.
            if not (steps == Step.BLOCKING).any() or (steps == _PATCHED).any():
                continue
            reader.update(stop)
            for side in reader.shaken[self._told[reader.number] :]:
                edges += _edges_of(side, causality)
            self._told[reader.number] = len(reader.shaken)
        return edges


def _edges_of(side: Side, causality: Causality) -> list[Edge]:
    entry, success = side.row_of(Step.BLOCKING), side.row_of(Step.SUCCEEDED)
    # What says more of itself is tied by that, and has been already.
    if entry is None or success is None or side.new != NO_KEY or side.comm != NO_KEY:
        return []
    ends = (side.engine.address, side.peer) if side.connects else (side.peer, side.engine.address)
    return causality.add_handshake(side.source, entry, success, key_of(" ".join(ends).encode()))
