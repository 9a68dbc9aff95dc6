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

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import distinct_values
from pdtui.core.growable import Growable
from pdtui.core.keyindex import KeyCounts, KeyIndex, Keys
from pdtui.core.refs import Refs, join_ref, row_numbers, source_numbers
from pdtui.core.steps import Step
from pdtui.core.store import Snapshot
from pdtui.core.tracecolumns import Peers, Traces
from pdtui.core.traces import NO_KEY, steps_flags

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
_BY_PEER = steps_flags(Step.ENTERED, Step.SUCCEEDED)
"""The steps that name the peer alone; their key is that of the last NEW."""
_NEW = steps_flags(Step.NEW_SENT, Step.NEW_RECEIVED)
_IS_CAUSE = steps_flags(*_CAUSES)
_FAMILIES = sorted({*_CAUSES.values()})
_FAMILY = np.zeros(256, np.uint64)
for _step, _family in (_CAUSES | _EFFECTS).items():
    _FAMILY[_step] = _FAMILIES.index(_family)
_MIX, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)


Edges: TypeAlias = npt.NDArray[np.int64]
"""Rows that must stand above others: source number and row of each cause, and of its effect."""
_COLUMNS = 4
NO_EDGES: Edges = np.zeros((0, _COLUMNS), np.int64)


class FoundEdges:
    """Edges in the order in which they are found; it only grows."""

    def __init__(self) -> None:
        self._numbers = Growable(np.int64)

    def __len__(self) -> int:
        return len(self._numbers) // _COLUMNS

    def __getitem__(self, part: slice) -> Edges:
        return self._numbers.values.reshape(-1, _COLUMNS)[part]

    def extend(self, edges: Edges) -> None:
        """Adds edges at the end."""
        self._numbers.extend(edges.ravel())


class Fresh(NamedTuple):
    """Traces of one source that are to be paired up: the first and the one after the last."""

    traces: Traces
    first: int
    stop: int


class _New(NamedTuple):
    """Those of the fresh traces of a source that may be a cause or an effect."""

    source: int
    traces: Traces
    place: npt.NDArray[np.intp]
    """Which they are."""
    step: npt.NDArray[np.uint8]
    key: Keys


class _Ends(NamedTuple):
    """Rows that are a cause or an effect."""

    event: Keys
    """What the other side's row has too: what both write, and the how-manieth time."""
    step: npt.NDArray[np.uint8]
    ref: npt.NDArray[np.int64]


@dataclass(slots=True)
class Causality:
    """Pairs up the traces of all sources as they arrive.

    A key that a source writes again (a log that was written twice, a replay) is another event: the
    n-th time here goes with the n-th time there.
    """

    _causes: KeyIndex = field(default_factory=KeyIndex)
    _effects: KeyIndex = field(default_factory=KeyIndex)
    _has_causes: set[int] = field(default_factory=set)
    """The families that some cause was met of, and some effect:"""
    _has_effects: set[int] = field(default_factory=set)
    _times: KeyCounts = field(default_factory=KeyCounts)
    _handshakes: dict[tuple[int, str], int] = field(default_factory=dict)
    """Source and the peer's address → the last NEW exchanged with it."""

    def add(self, fresh: Sequence[Fresh]) -> Edges:
        """The edges between new traces, those of each source in turn, and all that are known."""
        new = [_new(number, *one) for number, one in enumerate(fresh) if one.stop > one.first]
        return self._pair(self._ends(new)) if new else NO_EDGES

    def add_handshakes(self, source: int, sides: Sequence[tuple[int, int, int]]) -> Edges:
        """The same of handshakes that only their own source can tell.

        A side is the rows of its entry and success, and a key that stands for the two addresses,
        the connecting one first.
        """
        if not sides:
            return NO_EDGES
        entry, success, key = np.array(sides, np.uint64).T
        sources = np.full(len(key), source)
        event = self._events(sources, np.full(len(key), Step.BLOCKING, np.uint8), key)
        steps = np.repeat(np.array([Step.ENTERED, Step.SUCCEEDED], np.uint8), len(key))
        rows = np.concatenate((entry, success)).astype(np.int64)
        return self._pair(_Ends(np.tile(event, 2), steps, rows | join_ref(source, 0)))

    def _ends(self, new: Sequence[_New]) -> _Ends:
        """The causes and effects among the traces that may be some."""
        counts = [len(one.step) for one in new]
        source = np.repeat([one.source for one in new], counts)
        step = np.concatenate([one.step for one in new])
        key = np.concatenate([one.key for one in new])
        keyed = np.flatnonzero((key != NO_KEY) & ~_BY_PEER[step])
        event = np.zeros(len(key), np.uint64)
        event[keyed] = self._events(source[keyed], step[keyed], key[keyed])
        shaking = _BY_PEER[step] | _NEW[step] & (event != NO_KEY)
        begin = 0
        for one, count in zip(new, counts, strict=True):
            mine = np.flatnonzero(shaking[begin : begin + count])
            if len(mine):
                peers, at = one.traces.peers(one.place[mine]), mine + begin
                event[at] = self._by_peer(one.source, event[at], _NEW[one.step[mine]], peers)
            begin += count
        refs = np.concatenate([one.traces.row[one.place] | join_ref(one.source, 0) for one in new])
        known = event != NO_KEY
        return _Ends(event[known], step[known], refs[known])

    def _events(self, source: Keys, step: npt.NDArray[np.uint8], key: Keys) -> Keys:
        """Stands for each key and the how-manieth time that its source says this step of it."""
        return _mixed(key, self._times.count(_mixed(_mixed(key, step), source)))

    def _by_peer(self, source: int, event: Keys, new: npt.NDArray[np.bool_], peers: Peers) -> Keys:
        """The event of the last NEW with each row's peer; that of a NEW is its own."""
        found = event.copy()
        for number, name in enumerate(peers.names):
            here = np.flatnonzero(peers.number == number)
            known = np.array([self._handshakes.get((source, name), NO_KEY)], np.uint64)
            news = np.concatenate((known, event[here[new[here]]]))
            found[here] = news[np.cumsum(new[here])]
            self._handshakes[source, name] = int(news[-1])
        return found

    def _pair(self, ends: _Ends) -> Edges:
        """The edges between these rows, and from them to those that are known."""
        event = _mixed(ends.event, _FAMILY[ends.step])
        is_cause = _IS_CAUSE[ends.step]
        causes, effects = np.flatnonzero(is_cause), np.flatnonzero(~is_cause)
        self._has_causes |= set(distinct_values(_FAMILY[ends.step[causes]]).tolist())
        self._has_effects |= set(distinct_values(_FAMILY[ends.step[effects]]).tolist())
        # Only where both were met is it worth a look.
        tied = np.isin(_FAMILY[ends.step], list(self._has_causes & self._has_effects))
        self._effects.add(event[effects], ends.ref[effects])
        cause, effect = _found(self._effects, event, ends.ref, causes[tied[causes]])
        below, above = _found(self._causes, event, ends.ref, effects[tied[effects]])
        self._causes.add(event[causes], ends.ref[causes])
        cause, effect = np.concatenate((cause, above)), np.concatenate((effect, below))
        # Within one source, file order is law and needs no help.
        apart = source_numbers(cause) != source_numbers(effect)
        both = cause[apart], effect[apart]
        return np.stack([part(refs) for refs in both for part in (source_numbers, row_numbers)], 1)


def _new(source: int, traces: Traces, first: int, stop: int) -> _New:
    step = traces.step[first:stop]
    causal = np.flatnonzero(CAUSAL[step])
    return _New(source, traces, causal + first, step[causal], traces.key[first:stop][causal])


def _found(
    index: KeyIndex, event: Keys, ref: Refs, places: npt.NDArray[np.intp]
) -> tuple[Refs, Refs]:
    """The rows at these places that the index knows another end of, and those ends."""
    if not len(places):
        return ref[places], ref[places]
    which, others = index.find(event[places])
    return ref[places[which]], others


def _mixed(key: Keys, other: npt.NDArray[np.integer] | np.uint64) -> Keys:
    """One number for two. The key is spread first: else 8 with 3 would be as 9 with 2."""
    spread = key * _MIX
    spread = (spread ^ spread >> _SHIFT ^ other.astype(np.uint64)) * _MIX
    return spread ^ spread >> _SHIFT


def edges_of(snapshot: Snapshot) -> Edges:
    """Every cause and effect in different sources, in the order in which they are found."""
    fresh = [Fresh(source.traces, 0, source.traces.before(stop)) for source, stop in snapshot]
    return Causality().add(fresh)
