"""Arrays that one thread extends while others read."""

from __future__ import annotations

import numpy as np

from pdtui.core.columns import Columns
from pdtui.core.growable import Growable
from pdtui.core.scan import Rows


def rows(first: int, count: int) -> Rows:
    numbers = np.arange(first, first + count)
    return Rows(numbers * 10, numbers + 7, numbers.astype(np.uint32))


def test_values_are_those_put_in() -> None:
    """Whatever the sizes of the parts, past many growths of the array."""
    growable: Growable[np.int64] = Growable(np.int64)
    wanted: list[int] = []
    for count in (0, 1, 1023, 1, 5000, 0, 3):
        part = np.arange(len(wanted), len(wanted) + count)
        growable.extend(part)
        wanted += part.tolist()
        assert growable.values.tolist() == wanted
    assert len(growable) == len(wanted)
    assert growable.nbytes >= len(wanted) * 8


def test_what_a_reader_holds_stays() -> None:
    """A view taken before the array grew still shows what it showed."""
    growable: Growable[np.int64] = Growable(np.int64)
    growable.extend(np.arange(1024))
    held = growable.values
    growable.extend(np.arange(5000))
    assert held.tolist() == list(range(1024))


def test_replace_drops_what_was_behind() -> None:
    """Values from a place on are replaced, by fewer or by more."""
    growable: Growable[np.int64] = Growable(np.int64)
    growable.extend(np.arange(10))
    growable.replace(4, np.array([70, 71]))
    assert growable.values.tolist() == [0, 1, 2, 3, 70, 71]
    growable.replace(5, np.arange(3000))
    assert growable.values.tolist() == [0, 1, 2, 3, 70, *range(3000)]


def test_columns_have_one_entry_a_row() -> None:
    columns = Columns()
    columns.append(rows(0, 3))
    columns.append(rows(3, 2000))
    assert len(columns) == 2003
    assert columns.offset[:].tolist() == [row * 10 for row in range(2003)]
    assert columns.when[:].tolist() == [row + 7 for row in range(2003)]
    assert columns.kind[:].tolist() == list(range(2003))
    assert columns.nbytes == 3 * 8192 * 8


def test_full_stretches_are_small() -> None:
    """Ten million rows are some seventy megabytes, with the last rows as they came."""
    columns = Columns()
    for first in range(0, 1_000_000, 4000):
        numbers = np.arange(first, first + 4000)
        stamps = 1_700_000_000_000_000 + numbers // 100 * 1_000_000
        columns.append(Rows(numbers * 128, stamps, (numbers % 200).astype(np.uint32)))
    assert columns.nbytes <= 1_000_000 * 6 + 3 * 8192 * 8


def test_only_the_last_row_is_amended() -> None:
    """Its time and kind change; whether they did is said."""
    columns = Columns()
    columns.append(rows(0, 3))
    assert not columns.amend_last(rows(2, 1))
    assert columns.amend_last(rows(9, 1))
    assert columns.when[:].tolist() == [7, 8, 16]
    assert columns.kind[:].tolist() == [0, 1, 9]
    assert columns.offset[:].tolist() == [0, 10, 20]
