"""Numbers in few bytes are the numbers that were put in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core import packed as module
from pdtui.core.packed import Packed
from pdtui.core.stamps import NO_TIME

LEAST, MOST = NO_TIME, 2**63 - 1
NUMBERS = st.one_of(
    st.integers(0, 300),
    st.integers(0, 70_000),
    st.integers(0, 5_000).map(lambda second: 1_700_000_000_000_000 + second * 1_000_000),
    st.integers(0, 5_000_000).map(lambda milli: 1_700_000_000_000_000 + milli * 1000),
    st.integers(0, 2**33),
    st.sampled_from([LEAST, MOST, -1]),
    st.integers(LEAST, MOST),
)
PARTS = st.lists(st.one_of(*(st.lists(one, max_size=12) for one in NUMBERS.original_strategies)))


@settings(max_examples=200)
@given(PARTS, st.randoms(use_true_random=False))
def test_it_is_what_was_put_in(parts: list[list[int]], random) -> None:
    """However it was put in, changed at its end or filled at its begin, and asked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STRETCH", 8)
        packed, wanted = Packed(), []
        for part in parts:
            packed.extend(np.array(part, np.int64))
            wanted += part
            if wanted and random.random() < 0.3:
                value = random.choice([3, NO_TIME, *part])
                assert packed.replace_last(value) == (wanted[-1] != value)
                wanted[-1] = value
            if wanted and random.random() < 0.1:
                stop = random.randint(0, len(wanted))
                packed.fill(stop, 77)
                wanted[:stop] = [77] * stop
            assert_same(packed, wanted, random)


def assert_same(packed: Packed, wanted: list[int], random) -> None:
    assert len(packed) == len(wanted)
    assert packed[:].tolist() == wanted
    first, stop = sorted(random.randint(0, len(wanted) + 2) for _ in "ab")
    assert packed[first:stop].tolist() == wanted[first:stop]
    assert packed[np.zeros(0, np.int64)].tolist() == []
    if wanted:
        places = [random.randrange(len(wanted)) for _ in range(5)]
        assert packed[np.array(places)].tolist() == [wanted[place] for place in places]
        assert packed[np.array(sorted(places))].tolist() == [wanted[p] for p in sorted(places)]
        assert [packed[place] for place in places] == [wanted[place] for place in places]
        assert (packed[-1], packed[-len(wanted)]) == (wanted[-1], wanted[0])


def test_there_is_nothing_beyond_its_end() -> None:
    packed = Packed()
    packed.extend(np.arange(3))
    for beyond in (3, -4, np.array([1, 3]), np.array([-1])):
        with pytest.raises(IndexError):
            packed[beyond]


def test_what_a_reader_holds_stays() -> None:
    """A part that was asked for before more came still is what it was."""
    packed = Packed()
    packed.extend(np.arange(8192))
    held = packed[:]
    packed.extend(np.arange(8192))
    packed.replace_last(-7)
    assert held.tolist() == list(range(8192))


def test_times_of_whole_seconds_take_a_byte_or_two() -> None:
    """Whatever lies between them, as far as all are whole seconds, or thousandths of one."""
    packed = Packed()
    seconds = 1_700_000_000_000_000 + np.arange(8192) // 50 * 1_000_000
    packed.extend(seconds)
    packed.extend(np.zeros(1, np.int64))
    assert packed.nbytes == 8192 + 8192 * 8
    assert packed[:8192].tolist() == seconds.tolist()


@given(st.lists(st.integers(0, 3), max_size=80), st.integers(1, 9), st.integers(0, 60))
def test_how_many_are_below(steps: list[int], part: int, number: int) -> None:
    """Of numbers that never fall, those below one are found as if each were compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STRETCH", 8)
        packed, rising = Packed(), np.cumsum(np.array(steps, np.int64))
        for begin in range(0, len(rising) + part, part):
            for wanted in {number, *packed[-2:].tolist()}:
                assert packed.before(wanted) == np.count_nonzero(packed[:] < wanted)
            packed.extend(rising[begin : begin + part])


@given(st.lists(NUMBERS, min_size=1, max_size=60), st.data())
def test_the_highest_and_the_parts_of_its_beginning(numbers: list[int], data) -> None:
    """The numbers before a place a stretch at a time, and the highest of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STRETCH", 8)
        packed = Packed()
        packed.extend(np.array(numbers, np.int64))
        stop = data.draw(st.integers(1, len(numbers)))
        assert packed.highest(stop) == max(numbers[:stop])
        parts = list(packed.parts(stop))
        assert [first for first, _ in parts] == list(range(0, stop, 8))
        assert np.concatenate([part for _, part in parts]).tolist() == numbers[:stop]
