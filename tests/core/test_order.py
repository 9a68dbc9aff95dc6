"""The order of rows as source numbers reads like an array of references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdtui.core import order as module
from pdtui.core.order import Order
from pdtui.core.refs import join_ref

PIECES = st.lists(st.tuples(st.integers(0, 60), st.lists(st.integers(0, 4), max_size=30)))


def refs_of(numbers: list[int]) -> list[int]:
    """The references that source numbers stand for, one after the other."""
    rows: dict[int, int] = {}
    refs = []
    for number in numbers:
        rows[number] = rows.get(number, -1) + 1
        refs.append(join_ref(number, rows[number]))
    return refs


@given(PIECES, st.sampled_from([5, 300]))
def test_it_reads_like_an_array_of_references(
    pieces: list[tuple[int, list[int]]], sources: int
) -> None:
    """Extended and made anew from any place, with few sources and with many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STRETCH", 8)
        order, wanted = Order.of_nothing(sources), []
        for begin, numbers in pieces:
            place = min(begin, len(wanted))
            before, held = order, refs_of(wanted)
            order = order.replaced(place, np.array(numbers, np.uint16))
            assert before[:].tolist() == held
            wanted[place:] = numbers
            refs = refs_of(wanted)
            assert len(order) == len(refs)
            assert order[:].tolist() == refs
            assert [order[at] for at in range(len(refs))] == refs
            assert order[place:].tolist() == refs[place:]
            assert order[place - 3 : place + 9].tolist() == refs[place - 3 : place + 9]
            above = [wanted[:place].count(number) for number in range(sources)]
            assert order.rows_above(place).tolist() == above
            for number in range(5):
                for row in range(wanted.count(number)):
                    assert order.place_of(number, row) == refs.index(join_ref(number, row))
                assert order.place_of(number, wanted.count(number)) is None


def test_there_is_nothing_beyond_its_end() -> None:
    order = Order.of_nothing(2).replaced(0, np.array([0, 1], np.uint8))
    assert order[-1] == join_ref(1, 0)
    for place in (2, -3):
        with pytest.raises(IndexError):
            order[place]


def test_a_place_is_a_byte() -> None:
    """With up to 256 sources; two with more."""
    numbers = np.zeros(1_000_000, np.uint16)
    for sources, each in ((256, 1), (257, 2)):
        order = Order.of_nothing(sources).replaced(0, numbers)
        notes = 1_000_000 / module.STRETCH * sources * 8
        assert order.nbytes <= 1.3 * (each * len(numbers) + notes)
