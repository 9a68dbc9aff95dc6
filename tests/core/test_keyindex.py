"""Many keys looked up together give what a dictionary gives."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pdtui.core.keyindex import KeyCounts, KeyIndex

KEYS = st.lists(st.lists(st.integers(0, 12), max_size=40), max_size=12)


def keys_of(numbers: list[int]) -> np.ndarray:
    """Some keys, the greatest possible one among them."""
    return np.array([2**64 - 1 - number for number in numbers], np.uint64)


@given(KEYS)
def test_every_value_of_a_key_is_found(batches: list[list[int]]) -> None:
    index, wanted, value = KeyIndex(), defaultdict(list), 0
    for batch in batches:
        values = np.arange(value, value + len(batch))
        index.add(keys_of(batch), values)
        for key in batch:
            wanted[key].append(value)
            value += 1
        sought = [3, 99, 0, 3, *batch]
        which, found = index.find(keys_of(sought))
        by_place = defaultdict(list)
        for place, one in zip(which.tolist(), found.tolist(), strict=True):
            by_place[place].append(one)
        for place, key in enumerate(sought):
            assert sorted(by_place[place]) == wanted[key]


@given(KEYS)
def test_every_time_of_a_key_is_counted(batches: list[list[int]]) -> None:
    """Within a batch in its order, and over all batches."""
    counts, times = KeyCounts(), Counter()
    for batch in batches:
        wanted = []
        for key in batch:
            times[key] += 1
            wanted.append(times[key])
        assert counts.count(keys_of(batch)).tolist() == wanted


def test_few_arrays_hold_many_keys() -> None:
    """Keys that come one by one do not end up in as many arrays."""
    index = KeyIndex()
    for key in range(5000):
        index.add(keys_of([key]), np.array([key]))
        if key % 7 == 0:
            index.find(keys_of([key]))
    which, found = index.find(keys_of([4321]))
    assert (which.tolist(), found.tolist()) == ([0], [4321])
    assert len(index._levels) < 40
