"""Many sources in one order: by time, file order kept, live rows below.

What causes do to the order is tested in `test_causal_order.py`; the rows here have none.
"""

from __future__ import annotations

import random
from itertools import permutations

import numpy as np
import pytest

from pdtui.core import merge as merge_module
from pdtui.core import order as order_module
from pdtui.core import runs
from pdtui.core.merge import Merge
from pdtui.core.refs import join_ref, refs_of, row_numbers, source_numbers, split_ref
from pdtui.core.roles import ROLES, role_of_label
from pdtui.core.source import Source
from pdtui.core.stamps import NO_TIME, SECOND
from tests.core.sources import Written, growing, store_of

LABELS = ("prefill", "decode", "proxy", "zeta", "alpha")


def at(second: int, text: str = "x") -> bytes:
    """A line of this second."""
    return f"INFO 11-22 10:{second // 60:02}:{second % 60:02} [a.py:1] {text}\n".encode()


def update(merge: Merge, written: list[Written]) -> int:
    return merge.update(store_of(*written).snapshot())


def order(merge: Merge, written: list[Written]) -> list[tuple[str, int]]:
    """Label and row of each place."""
    places = [split_ref(ref) for ref in merge.refs[:].tolist()]
    return [(written[number].source.label, row) for number, row in places]


def by_hand(sources: list[Source], offsets: dict[str, int]) -> list[tuple[str, int]]:
    """The order by the rules: second, live batch, time, role, label, row."""
    keyed = []
    for source in sources:
        latest, batch = NO_TIME, 0
        batches = dict(source.arrivals)
        role = role_of_label(source.label)
        place = (ROLES.index(role) if role else len(ROLES), source.label)
        for row, when in enumerate(source.columns.when[:].tolist()):
            latest = max(latest, when + offsets.get(source.label, 0))
            batch = batches.get(row, batch)
            keyed.append(((latest // SECOND, batch, latest, place, row), (source.label, row)))
    return [where for _, where in sorted(keyed)]


def random_text(rng: random.Random, now: int) -> bytes:
    """Some lines around this second: stamped, with a fraction, without one, going backwards."""
    lines = []
    for _ in range(rng.randint(1, 6)):
        kind = rng.random()
        now += rng.choice((0, 0, 0, 1, 3)) if kind < 0.9 else -rng.randint(1, 9)
        second = max(0, now)
        lines.append(
            b"  bare\n" if kind < 0.2
            else f"[2026-11-22 10:{second // 60:02}:{second % 60:02}.{rng.randint(0, 9)}] "
            "vm:5:6 [0] NCCL INFO x\n".encode() if kind < 0.4
            else at(second)
        )  # fmt: skip
    return b"".join(lines)


@pytest.mark.parametrize("tens", range(20))
def test_the_order_is_that_of_the_rules(tens: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At random: taken in by pieces, from disk and live, with offsets, in any order of arguments.

    The notes that spare the merge a look at every row are made much more often than usual.
    """
    monkeypatch.setattr(runs, "_STRIDE", 4)
    monkeypatch.setattr(runs, "_AT_ONCE", 8)
    for module in (order_module, merge_module):
        monkeypatch.setattr(module, "STRETCH", 8)
    for seed in range(10 * tens, 10 * tens + 10):
        assert_order_is_that_of_the_rules(seed)


def assert_order_is_that_of_the_rules(seed: int) -> None:
    rng = random.Random(seed)
    labels = rng.sample(LABELS, rng.randint(1, len(LABELS)))
    offsets = {rng.choice(labels): rng.randint(-9, 9) * SECOND} if seed % 3 else {}
    merge, batch, now = Merge(offsets), 0, 30
    with growing(*labels) as written:
        for _ in range(rng.randint(1, 14)):
            one, live = rng.choice(written), rng.random() < seed % 4 / 3
            batch += live
            now += rng.choice((0, 0, 1, 2))
            text = random_text(rng, now)
            # Cut within its last line, which may be shown before the next write ends it.
            text = text[: rng.randint(len(text) - 6, len(text))]
            one.write(text, batch if live else None)
            if rng.random() < 0.3:
                one.source.show_unfinished(batch if live else None)
            if rng.random() < 0.5:
                before = merge.refs[:].tolist()
                place = update(merge, written)
                assert merge.refs[:place].tolist() == before[:place]
        update(merge, written)
        wanted = by_hand([one.source for one in written], offsets)
        assert order(merge, written) == wanted, seed
        shuffled = rng.sample(written, len(written))
        fresh = Merge(offsets)
        update(fresh, shuffled)
        assert order(fresh, shuffled) == wanted, seed


def test_any_order_of_the_arguments_gives_the_same() -> None:
    """All six orders of three sources, all of whose rows are of one second."""
    found = set()
    for labels in permutations(("decode", "prefill", "other")):
        with growing(*labels) as written:
            for one in written:
                one.write(at(5) * 3)
            merge = Merge()
            update(merge, written)
            found.add(tuple(order(merge, written)))
    rows = range(3)
    assert found == {
        (*(("prefill", n) for n in rows), *(("decode", n) for n in rows),
         *(("other", n) for n in rows))
    }  # fmt: skip


def test_file_order_is_law() -> None:
    """A stamp that goes backwards does not move a row; what is between stays between."""
    with growing("prefill", "decode") as written:
        written[0].write(at(10) + at(2) + at(11))
        written[1].write(at(3) + at(10))
        merge = Merge()
        update(merge, written)
        assert order(merge, written) == [
            ("decode", 0), ("prefill", 0), ("prefill", 1), ("decode", 1), ("prefill", 2),
        ]  # fmt: skip


def test_live_rows_of_the_running_second_stay_below() -> None:
    """What was shown is not shuffled: a batch goes under the batches before it."""
    with growing("prefill", "decode") as written:
        merge = Merge()
        written[0].write(at(5))
        update(merge, written)
        shown = []
        for batch, number in enumerate((1, 0, 1, 0), 1):
            written[number].write(at(5), batch)
            assert update(merge, written) == len(shown) + 1
            shown.append(("decode" if number else "prefill", len(written[number].source) - 1))
            assert order(merge, written) == [("prefill", 0), *shown]
        assert merge.late == 0


def test_a_late_row_goes_where_it_belongs_and_is_counted() -> None:
    """At the end of its second, above those that came before it with later stamps."""
    with growing("prefill", "decode") as written:
        merge = Merge()
        written[0].write(at(5) + at(6) + at(7))
        written[1].write(at(5))
        update(merge, written)
        assert merge.late == 0
        written[1].write(at(6) + at(7), 1)
        assert update(merge, written) == 3
        assert order(merge, written)[2:] == [
            ("prefill", 1), ("decode", 1), ("prefill", 2), ("decode", 2),
        ]  # fmt: skip
        assert merge.late == 1


def test_rows_from_disk_are_sorted_among_their_second() -> None:
    """By their fractions too, however late the file was read."""
    with growing("prefill", "decode") as written:
        merge = Merge()
        written[1].write(at(5) + b"[2026-11-22 10:00:05.5] vm:5:6 [0] NCCL INFO x\n")
        update(merge, written)
        written[0].write(at(5) + at(5))
        update(merge, written)
        assert order(merge, written) == [
            ("prefill", 0), ("prefill", 1), ("decode", 0), ("decode", 1),
        ]  # fmt: skip
        assert merge.late == 0


def test_offsets_move_a_source() -> None:
    with growing("prefill", "decode") as written:
        written[0].write(at(5) + at(9))
        written[1].write(at(1) + at(5))
        merge = Merge({"decode": 4 * SECOND})
        update(merge, written)
        assert order(merge, written) == [
            ("prefill", 0), ("decode", 0), ("prefill", 1), ("decode", 1),
        ]  # fmt: skip


def test_rows_without_a_time_come_first() -> None:
    """In file order, with an offset too."""
    with growing("prefill", "proxy") as written:
        written[0].write(at(5))
        written[1].write(b"INFO:     200 OK\nbare\n")
        for offsets in ({}, {"proxy": 3600 * SECOND}):
            merge = Merge(offsets)
            update(merge, written)
            assert order(merge, written) == [("proxy", 0), ("proxy", 1), ("prefill", 0)]


def test_years_far_apart_keep_their_order() -> None:
    """From the first year that a stamp may have to the last one."""
    years = (1970, 1999, 2026, 2199)
    with growing("prefill", "decode") as written:
        for one in written:
            one.write(b"".join(b"%d-12-31 23:59:59 - a - INFO - x\n" % year for year in years))
        merge = Merge()
        update(merge, written)
        assert [row for _, row in order(merge, written)] == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_source_that_began_anew_is_merged_anew() -> None:
    """A truncated file: its old rows are gone from the order, the others stay."""
    with growing("prefill", "decode") as written, growing("decode") as renewed:
        merge = Merge()
        written[0].write(at(5))
        written[1].write(at(1) + at(9))
        update(merge, written)
        renewed[0].write(at(7))
        now = [written[0], renewed[0]]
        assert update(merge, now) == 0
        assert order(merge, now) == [("prefill", 0), ("decode", 0)]


def test_a_row_that_turned_out_otherwise_moves() -> None:
    """An unfinished line had no stamp yet, and then has one."""
    with growing("prefill", "decode") as written:
        merge = Merge()
        written[0].write(at(1) + at(9)[:12])
        written[0].source.show_unfinished()
        written[1].write(at(5))
        update(merge, written)
        assert order(merge, written)[1:] == [("prefill", 1), ("decode", 0)]
        written[0].write(at(9)[12:])
        assert update(merge, written) == 1
        assert order(merge, written)[1:] == [("decode", 0), ("prefill", 1)]


def test_nothing_new_changes_nothing() -> None:
    with growing("prefill") as written:
        merge = Merge()
        assert update(merge, written) == 0
        written[0].write(at(5) * 3)
        update(merge, written)
        assert update(merge, written) == 3
        assert len(merge) == 3


def test_references_hold_source_and_row() -> None:
    last = (1 << 40) - 1
    for source, row in ((0, 0), (1, 0), (1023, last), (5, 77)):
        assert split_ref(join_ref(source, row)) == (source, row)
    refs = refs_of(3, 10, 13)
    assert source_numbers(refs).tolist() == [3, 3, 3]
    assert row_numbers(refs).tolist() == [10, 11, 12]
    assert np.array_equal(refs, [join_ref(3, row) for row in (10, 11, 12)])
