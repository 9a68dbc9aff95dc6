"""What stood where at one moment: last rows by the merged order, and handshakes not yet over."""

from __future__ import annotations

import pytest

from pdtui.core.alongside import doing, last_rows, place_in
from pdtui.core.evidence import Place
from pdtui.core.handshakes import Handshakes
from pdtui.core.lanes import Lane, Split, lanes_of
from pdtui.core.merge import Merge
from pdtui.core.refs import split_ref
from pdtui.core.source import Source
from pdtui.core.steps import Step
from tests.core.handshake_lines import D, P, accepting, connecting, engine, said, source


@pytest.fixture
def pair() -> list[Source]:
    """A pair that shakes hands, decode a second later."""
    return [
        source("prefill", engine(P) + said(connecting(P, D), 5)),
        source("decode", engine(D, rank=1) + said(accepting(D, P, rank=1), 6)),
    ]


def order_of(sources: list[Source]) -> Merge:
    """The sources' rows in order."""
    merge = Merge()
    merge.update([(one, len(one)) for one in sources])
    return merge


def test_the_last_rows_are_those_that_stand_above(pair: list[Source]) -> None:
    """At every place, each lane's last row is the nearest of it at or above that place."""
    order = order_of(pair).refs
    lanes = lanes_of(pair, Split.SOURCE)
    seen: dict[int, int] = {}
    for place, ref in enumerate(order[:].tolist()):
        number, row = split_ref(ref)
        seen[number] = row
        found = last_rows(order, place, lanes, pair)
        assert {lane.source: at.row for lane, at in found.items()} == seen
        assert place_in(order, Place(number, row)) == place


def test_a_lane_of_a_rank_has_rows_of_that_rank_alone() -> None:
    """Two ranks in one file: each lane's last row is its own rank's."""
    both = source("both", engine(P) + engine(D, rank=1))
    lanes = lanes_of([both], Split.AUTO)
    assert [lane.key for lane in lanes][:2] == [0, 1]
    order = order_of([both]).refs
    found = last_rows(order, len(order) - 1, lanes[:2], [both])
    ranks = both.kinds.ranks()
    for lane in lanes[:2]:
        rank = ranks[int(both.columns.kind[found[lane].row])]
        assert rank is not None
        assert rank.value == lane.key


def test_before_the_first_row_of_a_lane_there_is_none(pair: list[Source]) -> None:
    """A place above all of a source's rows gives no row of it."""
    order = order_of(pair).refs
    first = split_ref(int(order[0]))[0]
    other = Lane(1 - first, Split.SOURCE, None, "other")
    assert last_rows(order, 0, [other], pair) == {}


def test_a_handshake_is_under_way_from_its_first_step_to_its_success(pair: list[Source]) -> None:
    """Row by row: nothing, the steps one after the other, and nothing again once it is done."""
    handshakes = Handshakes()
    handshakes.update([(one, len(one)) for one in pair])
    (side,) = handshakes.readers[0].sides
    done = side.row_done()
    assert done is not None
    begun = min(side.steps.values())
    assert doing(handshakes, 0, begun - 1) == []
    assert [one.step for one in doing(handshakes, 0, begun)] == [Step.CONNECTING]
    (last,) = doing(handshakes, 0, done - 1)
    assert last.side is side
    assert last.since == Place(0, side.row_in() or -1)
    assert doing(handshakes, 0, done) == []
