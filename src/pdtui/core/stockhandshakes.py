"""Causes and effects in the handshakes of stock vLLM, which names a peer only when all is over.

`set_p2p_nccl_context` says that a side goes in, 🤝 that it is out again, and with whom. Both must
be in before either comes out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pdtui.core.causality import NO_EDGES, Causality, Edges
from pdtui.core.engines import EngineReader
from pdtui.core.sides import Side
from pdtui.core.steps import Step
from pdtui.core.store import Snapshot
from pdtui.core.tracecolumns import Traces
from pdtui.core.traces import NO_KEY, key_of

_PATCHED = (Step.NEW_SENT, Step.NEW_RECEIVED)


@dataclass(slots=True)
class StockHandshakes:
    """Finds them as rows arrive."""

    _readers: list[EngineReader] = field(default_factory=list)
    _told: list[int] = field(default_factory=list)
    """How many of each source's handshakes are told already."""
    _read: list[int] = field(default_factory=list)
    """How many of each source's traces were looked at."""
    _steps: list[set[Step]] = field(default_factory=list)
    """Which steps of interest were among them."""

    def edges(self, snapshot: Snapshot, causality: Causality) -> Edges:
        """The edges that the new rows make."""
        if not self._readers:
            self._readers = [EngineReader(n, source) for n, (source, _) in enumerate(snapshot)]
            self._told, self._read = [0] * len(snapshot), [0] * len(snapshot)
            self._steps = [set() for _ in snapshot]
        edges = [NO_EDGES]
        for number, (source, stop) in enumerate(snapshot):
            # The patch ties both sides by what it sends, and says more than this could find out.
            if self._seen(number, source.traces) != {Step.BLOCKING}:
                continue
            reader = self._readers[number]
            reader.update(stop)
            new = reader.shaken[self._told[number] :]
            sides = [one for side in new if (one := _rows_of(side))]
            edges.append(causality.add_handshakes(number, sides))
            self._told[number] = len(reader.shaken)
        return np.concatenate(edges)

    def _seen(self, number: int, traces: Traces) -> set[Step]:
        """Whether the source says that a side goes in, and whether it is patched."""
        new = traces.step[self._read[number] :]
        self._read[number] += len(new)
        if not len(new):
            return self._steps[number]
        self._steps[number] |= {step for step in (Step.BLOCKING, *_PATCHED) if (new == step).any()}
        return self._steps[number]


def _rows_of(side: Side) -> tuple[int, int, int] | None:
    """The rows of a side's entry and success, and what stands for the two addresses."""
    entry, success = side.row_of(Step.BLOCKING), side.row_of(Step.SUCCEEDED)
    # What says more of itself is tied by that, and has been already.
    if entry is None or success is None or side.new != NO_KEY or side.comm != NO_KEY:
        return None
    ends = (side.engine.address, side.peer) if side.connects else (side.peer, side.engine.address)
    return entry, success, key_of(" ".join(ends).encode())
