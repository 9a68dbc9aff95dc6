"""Causes and effects paired many at a time are those paired one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core.causality import Causality, Fresh
from pdtui.core.steps import Step
from pdtui.core.tracecolumns import Traces
from pdtui.core.traces import NO_KEY, Found, Said

FAMILIES = {
    Step.NEW_SENT: ("new", True),
    Step.NEW_RECEIVED: ("new", False),
    Step.ENTERED: ("enter", True),
    Step.SUCCEEDED: ("enter", False),
    Step.TENSOR_SENT: ("tensor", True),
    Step.TENSOR_STORED: ("tensor", False),
    Step.TENSOR_TAKEN: ("tensor", False),
    Step.TENSOR_REFUSED: ("refusal", True),
    Step.TENSOR_SPILLED: ("refusal", True),
    Step.REFUSAL_SEEN: ("refusal", False),
    Step.LISTENING: ("", False),
}
"""What a step ties, and whether it is a cause; the last one says nothing of the kind."""
TRACE = st.tuples(
    st.sampled_from(list(FAMILIES)), st.sampled_from([NO_KEY, 7, 8, 9]), st.sampled_from("ab")
)
BATCHES = st.lists(st.lists(st.lists(TRACE, max_size=8), min_size=3, max_size=3), max_size=6)
"""Several times, some traces for each of three sources."""


class OneByOne:
    """Pairs traces as they come, with dictionaries: slow, and easy to follow."""

    def __init__(self) -> None:
        self.known: dict[object, list[tuple[int, int]]] = defaultdict(list)
        self.times: Counter[object] = Counter()
        self.last_new: dict[tuple[int, str], object] = {}

    def add(self, source: int, row: int, step: Step, key: int, peer: str) -> Iterator[object]:
        """The edges between this trace and those before it."""
        family, is_cause = FAMILIES[step]
        if step in (Step.ENTERED, Step.SUCCEEDED):
            event = self.last_new.get((source, peer))
        elif key == NO_KEY or not family:
            event = None
        else:
            self.times[source, step, key] += 1
            event = (key, self.times[source, step, key])
            if family == "new":
                self.last_new[source, peer] = event
        if event is None:
            return
        self.known[family, event, is_cause].append((source, row))
        for other in self.known[family, event, not is_cause]:
            if other[0] != source:
                yield (source, row, *other) if is_cause else (*other, source, row)


@settings(max_examples=100)
@given(BATCHES)
def test_many_at_a_time_are_paired_as_one_by_one(batches: list[list[list[tuple]]]) -> None:
    """Every edge once, in whatever parts the traces come; a key may come again and again."""
    traces = [Traces() for _ in range(3)]
    slow, fast, begun = OneByOne(), Causality(), [0, 0, 0]
    for batch in batches:
        wanted = []
        for source, some in enumerate(batch):
            for step, key, peer in some:
                row = len(traces[source])
                wanted += slow.add(source, row, step, key, peer)
                said = [Said("", peer, str(row % 2))]
                traces[source].extend(
                    Found(np.zeros(1, np.int64), np.array([step], np.uint8),
                          np.array([key], np.uint64), np.zeros(1, np.int32), said),
                    row,
                )  # fmt: skip
        fresh = [Fresh(one, first, len(one)) for one, first in zip(traces, begun, strict=True)]
        assert sorted(map(tuple, fast.add(fresh).tolist())) == sorted(wanted)
        begun = [len(one) for one in traces]
