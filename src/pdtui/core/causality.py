"""Which rows of one source must stand below which rows of another.

- NEW received is below NEW sent (both write the same `unique_id_hex`).
- A side's success is below the other side's entry into ncclCommInitRank: both must be in before
  either comes out. The debug lines name only the peer's address; the handshake that they belong to
  is the last NEW exchanged with that address. NCCL's own lines name the communicator (`commId`).
  Stock vLLM says neither: there 🤝 gives the addresses to the entry before it (`engines.py`).
- A tensor is received after it was sent, and the KV cache of a request likewise.
- The sender's word that a tensor was refused is below the receiver's refusal (`tensor_id`).
- Decode asks for blocks under the id that prefill gave the request, when prefill is done with it.
- What a user says to be cause and effect.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from pdtui.core.steps import Step
from pdtui.core.store import Snapshot
from pdtui.core.traces import NO_KEY, Trace, steps_flags

_CAUSES = {
    Step.NEW_SENT: "new",
    Step.ENTERED: "enter",
    Step.COMM_STARTED: "comm",
    Step.TENSOR_SENT: "tensor",
    Step.KV_SENT: "kv",
    Step.TENSOR_REFUSED: "refusal",
    Step.TENSOR_SPILLED: "refusal",
    Step.PREFILL_DONE: "blocks",
    Step.OWN_CAUSE: "own",
}
_EFFECTS = {
    Step.NEW_RECEIVED: "new",
    Step.SUCCEEDED: "enter",
    Step.COMM_COMPLETE: "comm",
    Step.TENSOR_RECEIVED: "tensor",
    Step.TENSOR_STORED: "tensor",
    Step.TENSOR_TAKEN: "tensor",
    Step.KV_RECEIVED: "kv",
    Step.REFUSAL_SEEN: "refusal",
    Step.KV_ASKED: "blocks",
    Step.OWN_EFFECT: "own",
}
CAUSAL = steps_flags(*_CAUSES, *_EFFECTS)
"""Which steps can be a cause or an effect."""
_BY_PEER = (Step.ENTERED, Step.SUCCEEDED)
"""The steps that name the peer alone; their key is that of the last NEW."""

Key = tuple[int, int]
"""What both sides write, and the how-manieth time."""


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

    _causes: dict[tuple[str, Key], list[tuple[int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _effects: dict[tuple[str, Key], list[tuple[int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _times: Counter[tuple[int, Step, int]] = field(default_factory=Counter)
    _handshakes: dict[tuple[int, str], Key] = field(default_factory=dict)
    """Source and the peer's address → the last NEW exchanged with it."""

    def add(self, source: int, trace: Trace) -> list[Edge]:
        """The edges between this trace and those that are known."""
        key = self._key(source, trace)
        if key is None:
            return []
        if trace.step in _CAUSES:
            return self._cause((_CAUSES[trace.step], key), (source, trace.row))
        return self._effect((_EFFECTS[trace.step], key), (source, trace.row))

    def add_handshake(self, source: int, entry: int, success: int, key: int) -> list[Edge]:
        """The same of a handshake that only its own source can tell: the rows of one of its sides.

        `key` stands for the two addresses, the connecting one first.
        """
        self._times[source, Step.BLOCKING, key] += 1
        family = ("enter", (key, self._times[source, Step.BLOCKING, key]))
        return [
            *self._cause(family, (source, entry)),
            *self._effect(family, (source, success)),
        ]

    def _cause(self, family: tuple[str, Key], here: tuple[int, int]) -> list[Edge]:
        self._causes[family].append(here)
        # Within one source, file order is law and needs no help.
        effects = [other for other in self._effects.get(family, ()) if other[0] != here[0]]
        return [Edge(*here, *effect) for effect in effects]

    def _effect(self, family: tuple[str, Key], here: tuple[int, int]) -> list[Edge]:
        self._effects[family].append(here)
        causes = [other for other in self._causes.get(family, ()) if other[0] != here[0]]
        return [Edge(*cause, *here) for cause in causes]

    def _key(self, source: int, trace: Trace) -> Key | None:
        """What the other side's trace has too; None where that is not known."""
        if trace.step in _BY_PEER:
            return self._handshakes.get((source, trace.said.remote))
        if trace.key == NO_KEY:
            return None
        self._times[source, trace.step, trace.key] += 1
        key = (trace.key, self._times[source, trace.step, trace.key])
        if trace.step in (Step.NEW_SENT, Step.NEW_RECEIVED):
            self._handshakes[source, trace.said.remote] = key
        return key


def edges_of(snapshot: Snapshot) -> list[Edge]:
    """Every cause and effect in different sources, in the order in which they are found."""
    causality = Causality()
    return [
        edge
        for number, (source, stop) in enumerate(snapshot)
        for trace in source.traces.among(0, source.traces.before(stop), CAUSAL)
        for edge in causality.add(number, trace)
    ]
