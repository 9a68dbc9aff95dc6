"""Calendar fields become times, and years are found that no stamp says."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core.stamps import (
    SECOND,
    YearCounter,
    days_from_civil,
    first_year,
    to_datetime,
    to_time,
)
from tests.core.sources import lines_of, scanned


def days(*dates: tuple[int, int, int]) -> list[int]:
    """Days since 1970 of these dates."""
    year, month, day = (np.array(part, np.int64) for part in zip(*dates, strict=True))
    return days_from_civil(year, month, day).tolist()


@settings(max_examples=100)
@given(st.lists(st.dates(), min_size=1))
def test_days_are_those_of_the_calendar(dates: list[date]) -> None:
    epoch = date(1970, 1, 1).toordinal()
    found = days(*((one.year, one.month, one.day) for one in dates))
    assert found == [one.toordinal() - epoch for one in dates]


def test_a_leap_day_is_there_only_in_leap_years() -> None:
    """The 29th of February of another year is the 1st of March."""
    assert days((2024, 2, 29)) == [days((2024, 3, 1))[0] - 1]
    assert days((2025, 2, 29)) == days((2025, 3, 1))
    assert days((2000, 2, 29)) == [days((2000, 3, 1))[0] - 1]
    assert days((1900, 2, 29)) == days((1900, 3, 1))
    rows = scanned(b"INFO 02-29 10:30:45 [a.py:1] x\n", year=2024)
    assert rows[0].time == datetime(2024, 2, 29, 10, 30, 45)
    rows = scanned(b"INFO 02-29 10:30:45 [a.py:1] x\n", year=2025)
    assert rows[0].time == datetime(2025, 3, 1, 10, 30, 45)


@settings(max_examples=100)
@given(st.datetimes())
def test_a_time_and_its_moment_are_the_same(moment: datetime) -> None:
    assert to_datetime(to_time(moment)) == moment


def test_times_count_microseconds_since_1970() -> None:
    assert to_time(datetime(1970, 1, 1)) == 0
    assert to_time(datetime(1970, 1, 2, 0, 0, 1, 5)) == 86_401 * SECOND + 5


MONTHS = [
    # months in file order, years after the first
    ([11, 11, 12], [0, 0, 0]),
    ([12, 12, 1, 1], [0, 0, 1, 1]),
    ([12, 1, 12, 1], [0, 1, 0, 1]),
    ([1, 12, 12, 1, 2], [0, -1, -1, 0, 0]),
    ([11, 12, 11, 12, 1], [0, 0, 0, 0, 1]),
    ([10, 2, 9, 10, 2], [0, 1, 0, 0, 1]),
    ([12, 1, 4, 8, 11, 1], [0, 1, 1, 1, 1, 2]),
    ([3], [0]),
    ([], []),
]


@pytest.mark.parametrize(("months", "wanted"), MONTHS)
def test_years_of_months(months: list[int], wanted: list[int]) -> None:
    """A fall by half a year is a New Year; a rise by as much is a late line of the old year."""
    found = YearCounter(2025).years(np.array(months, np.int64))
    assert [year - 2025 for year in found.tolist()] == wanted


@pytest.mark.parametrize(("months", "wanted"), MONTHS)
def test_years_are_kept_from_block_to_block(months: list[int], wanted: list[int]) -> None:
    """One month at a time gives the same years."""
    counter = YearCounter(2025)
    found = [counter.years(np.array([month], np.int64)).tolist()[0] - 2025 for month in months]
    assert found == wanted


def test_new_year_passes_in_a_log() -> None:
    """Also for a line of the old year that comes late, and for lines that state their year."""
    lines = [
        b"INFO 12-31 23:59:59 [a.py:1] x\n",
        b"INFO 01-01 00:00:00 [a.py:1] x\n",
        b"INFO 12-31 23:59:58 [a.py:1] late\n",
        b"2019-06-01 00:00:00 - a - INFO - from elsewhere\n",
        b"INFO 01-01 00:00:01 [a.py:1] x\n",
    ]
    wanted = [
        datetime(2025, 12, 31, 23, 59, 59),
        datetime(2026, 1, 1),
        datetime(2025, 12, 31, 23, 59, 58),
        datetime(2019, 6, 1),
        datetime(2026, 1, 1, 0, 0, 1),
    ]
    for pieces in (b"".join(lines), lines_of(b"".join(lines))):
        assert [row.time for row in scanned(pieces, year=2025)] == wanted


def test_seconds_up_to_60_are_stamps() -> None:
    """A leap second is the next minute's first."""
    rows = scanned(b"INFO 12-31 23:59:60 [a.py:1] x\n", year=2025)
    assert rows[0].time == datetime(2026, 1, 1)


@pytest.mark.parametrize(
    ("first", "last", "written", "wanted"),
    [
        ((11, 22), (11, 22), datetime(2026, 11, 22, 7), 2026),
        ((11, 1), (11, 22), datetime(2026, 12, 30), 2026),
        # Written in January: the stamps are of December, which was last year.
        ((12, 30), (12, 31), datetime(2026, 1, 3), 2025),
        # New Year lies between the first stamp and the last.
        ((12, 31), (1, 2), datetime(2026, 1, 2, 12), 2025),
        ((11, 1), (2, 3), datetime(2026, 2, 3), 2025),
        # Copied long after: still the newest year that is possible.
        ((12, 30), (12, 31), datetime(2026, 12, 30, 12), 2026),
        ((12, 31), (1, 2), datetime(2026, 6, 1), 2025),
        # The writer's clock is ahead by a zone.
        ((11, 23), (11, 23), datetime(2026, 11, 22, 20), 2026),
        ((1, 1), (1, 1), datetime(2025, 12, 31, 20), 2026),
        ((11, 25), (11, 25), datetime(2026, 11, 22), 2025),
        # A stamp that goes a little backwards is no New Year.
        ((11, 2), (11, 1), datetime(2026, 11, 3), 2026),
        ((2, 29), (2, 29), datetime(2024, 3, 1), 2024),
    ],
)
def test_first_year(
    first: tuple[int, int], last: tuple[int, int], written: datetime, wanted: int
) -> None:
    """The last stamp is the newest day that is not after the writing, with a day's grace."""
    assert first_year(first, last, written) == wanted
