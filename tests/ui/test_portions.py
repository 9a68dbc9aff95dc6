"""How many of the rows that wait go into the order before the next key."""

from __future__ import annotations

import pytest

from pdtui.core.source import Source
from pdtui.core.store import Snapshot
from pdtui.ui.showing import AT_ONCE, NEW_AT_ONCE, portion

SOURCES = [Source(label, label, 2026) for label in ("prefill", "decode", "proxy")]


def of(*sizes: int) -> Snapshot:
    return list(zip(SOURCES, sizes, strict=False))


def taken(before: Snapshot, after: Snapshot) -> list[int]:
    return [now - then for (_, then), (_, now) in zip(before, after, strict=True)]


def test_what_is_soon_done_goes_at_once() -> None:
    now = of(NEW_AT_ONCE, 500)
    assert portion(now, of(1_000, 0)) == now


@pytest.mark.parametrize(
    ("waiting", "most"),
    [(NEW_AT_ONCE + 1, NEW_AT_ONCE), (100_000, NEW_AT_ONCE), (400_000, 100_000), (9**7, AT_ONCE)],
)
def test_of_more_a_part_which_is_larger_the_more_there_is(waiting: int, most: int) -> None:
    """Else a machine that has fallen behind once would stay behind."""
    shown = of(1_000, 5)
    now = of(1_000 + waiting // 2, 5 + waiting - waiting // 2)
    assert most <= sum(taken(shown, portion(now, shown))) <= most + len(SOURCES)


def test_each_source_gives_its_share_until_there_is_no_more() -> None:
    shown, now = of(0, 0, 7), of(600_000, 200_000, 7)
    shown = portion(now, of(1, 1, 7))
    assert taken(of(1, 1, 7), shown) == [150_000, 50_000, 0]
    turns = 1
    while shown != now:
        further = portion(now, shown)
        assert all(rows >= 0 for rows in taken(shown, further))
        shown, turns = further, turns + 1
    assert turns < 20


def test_a_source_that_was_not_shown_gives_all_it_has() -> None:
    now = of(500_000, 10)
    assert portion(now, of(500_000)) == now
    assert portion(now, []) == now
