"""The clocks that causes lift are the least that stand above their causes' and never fall."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core import lifts as lifts_module
from pdtui.core.lifts import Ends, Lifting, Lifts

SOURCES, ROWS = 3, 8
STAMPS = st.lists(
    st.lists(st.integers(0, 3), min_size=ROWS, max_size=ROWS).map(sorted),
    min_size=SOURCES,
    max_size=SOURCES,
)
ORDER = st.permutations([number for number in range(SOURCES) for _ in range(ROWS)])
"""In what order the sources write their rows: no effect is above its cause in it."""
EDGES = st.lists(
    st.lists(st.tuples(st.integers(0, 23), st.integers(0, 23)), max_size=8), max_size=4
)
"""Several times, some edges between the rows so ordered, the upper one the cause."""


def slowly_lifted(
    stamps: list[list[int]], edges: list[tuple[tuple[int, int], tuple[int, int]]]
) -> list[list[int]]:
    """The same clocks by going over all rows and edges until nothing changes any more."""
    clocks, before = [list(of) for of in stamps], None
    while clocks != before:
        before = [list(of) for of in clocks]
        for (one, cause), (other, effect) in edges:
            clocks[other][effect] = max(clocks[other][effect], clocks[one][cause] + 1)
        clocks = [np.maximum.accumulate(of).tolist() for of in clocks]
    return clocks


def ends_of(rows: list[tuple[int, int]], stamps: list[list[int]]) -> Ends:
    sources, numbers = np.array(rows, np.int64).reshape(-1, 2).T
    return Ends(sources, numbers, np.array([stamps[s][row] for s, row in rows], np.int64))


@pytest.mark.parametrize("many", [1, 256], ids=["together", "one by one"])
@settings(max_examples=300)
@given(STAMPS, ORDER, EDGES)
def test_lifts_are_those_found_by_going_over_all_edges(
    many: int, stamps: list[list[int]], order: list[int], batches: list[list[tuple[int, int]]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifts_module, "_MANY", many)
        check_lifts(stamps, order, batches)


def test_a_ring_of_causes_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that was used twice: whatever the order is, there is one."""
    monkeypatch.setattr(lifts_module, "_MANY", 1)
    lifting = Lifting([Lifts(), Lifts()])
    rows = [(0, 0), (1, 0)]
    stamps = [[5], [5]]
    lifted = lifting.add(ends_of(rows, stamps), ends_of(rows[::-1], stamps))
    assert len(lifted) == 2
    assert all(lifts.at(0) > 5 for lifts in lifting.of)


def check_lifts(
    stamps: list[list[int]], order: list[int], batches: list[list[tuple[int, int]]]
) -> None:
    places = [(number, order[:place].count(number)) for place, number in enumerate(order)]
    lifts = [Lifts() for _ in range(SOURCES)]
    lifting, known, before = Lifting(lifts), [], stamps
    for batch in batches:
        pairs = [(places[min(pair)], places[max(pair)]) for pair in batch]
        pairs = [(cause, effect) for cause, effect in pairs if cause[0] != effect[0]]
        known += pairs
        ends = [ends_of([pair[end] for pair in pairs], stamps) for end in (0, 1)]
        lifted = lifting.add(*ends)
        wanted = slowly_lifted(stamps, known)
        found = [
            [max(stamp, mine.at(row)) for row, stamp in enumerate(of)]
            for of, mine in zip(stamps, lifts, strict=True)
        ]
        assert found == wanted
        for number, (now, then) in enumerate(zip(wanted, before, strict=True)):
            changed = [row for row in range(ROWS) if now[row] != then[row]]
            assert not changed or lifted[number] <= changed[0]
        before = wanted
