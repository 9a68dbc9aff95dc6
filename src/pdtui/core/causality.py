"""Which rows of one source must stand below which rows of another.

- NEW received is below NEW sent (both write the same `unique_id_hex`).
- A side's success is below the other side's entry into ncclCommInitRank: both must be in before
  either comes out. The debug lines name only the peer's address; the handshake that they belong to
  is the last NEW exchanged with that address. NCCL's own lines name the communicator (`commId`).
- The sender's word that a tensor was refused is below the receiver's refusal (`tensor_id`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from pdtui.core.traces import Step, Trace

_CAUSES = {
    Step.NEW_SENT: "new",
    Step.ENTERED: "enter",
    Step.COMM_STARTED: "comm",
    Step.TENSOR_REFUSED: "refusal",
}
_EFFECTS = {
    Step.NEW_RECEIVED: "new",
    Step.SUCCEEDED: "enter",
    Step.COMM_COMPLETE: "comm",
    Step.REFUSAL_SEEN: "refusal",
}


class Edge(NamedTuple):
    """A row that must stand above another: source number and row of cause and effect."""

    cause_source: int
    cause_row: int
    effect_source: int
    effect_row: int


@dataclass(slots=True)
class Causality:
    """Pairs up the traces of all sources as they arrive.

    A key that a source writes again (a log that was written twice, a replay) is another event: the
    n-th time here goes with the n-th time there.
    """

    _causes: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    _effects: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    _times: Counter[tuple[int, Step, str]] = field(default_factory=Counter)
    _handshakes: dict[tuple[int, str], str] = field(default_factory=dict)
    """Source and the peer's address → the last NEW exchanged with it."""

    def add(self, source: int, trace: Trace) -> list[Edge]:
        """The edges between this trace and those that are known."""
        key = self._key(source, trace)
        here = (source, trace.row)
        edges = []
        if key and trace.step in _CAUSES:
            key = f"{_CAUSES[trace.step]} {key}"
            self._causes[key].append(here)
            edges = [Edge(*here, *effect) for effect in self._effects.get(key, ())]
        elif key:
            key = f"{_EFFECTS[trace.step]} {key}"
            self._effects[key].append(here)
            edges = [Edge(*cause, *here) for cause in self._causes.get(key, ())]
        # Within one source, file order is law and needs no help.
        return [edge for edge in edges if edge.cause_source != edge.effect_source]

    def _key(self, source: int, trace: Trace) -> str:
        """What the other side's trace has too; '' where that is not known."""
        if not trace.key:
            return self._handshakes.get((source, trace.remote), "")
        self._times[source, trace.step, trace.key] += 1
        key = f"{trace.key} {self._times[source, trace.step, trace.key]}"
        if trace.step in (Step.NEW_SENT, Step.NEW_RECEIVED):
            self._handshakes[source, trace.remote] = key
        return key
