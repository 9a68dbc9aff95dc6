"""Moments as users write them."""

from __future__ import annotations

from datetime import datetime

import pytest

from pdtui.core.moments import parse_moment
from pdtui.core.stamps import to_datetime, to_time
from pdtui.errors import FilterError

NEWEST = datetime(2026, 11, 22, 10, 31, 30, 500_000)


def moment(text: str, newest: datetime = NEWEST, *, upper: bool = False) -> datetime:
    return to_datetime(parse_moment(text, to_time(newest), upper=upper))


@pytest.mark.parametrize(
    ("text", "wanted", "last"),
    [
        # as typed; the moment; the last instant that it means as an upper limit, after it
        ("10:31", datetime(2026, 11, 22, 10, 31), 60),
        ("9:05", datetime(2026, 11, 22, 9, 5), 60),
        ("10:30:45", datetime(2026, 11, 22, 10, 30, 45), 1),
        ("10:30:45.25", datetime(2026, 11, 22, 10, 30, 45, 250_000), 0.000_001),
        ("10:30:45,5", datetime(2026, 11, 22, 10, 30, 45, 500_000), 0.000_001),
        ("11-01 10:30:45", datetime(2026, 11, 1, 10, 30, 45), 1),
        ("11-01T10:30", datetime(2026, 11, 1, 10, 30), 60),
        ("2025-11-01 10:30", datetime(2025, 11, 1, 10, 30), 60),
        ("2025-11-01", datetime(2025, 11, 1), 86_400),
        ("11-01", datetime(2026, 11, 1), 86_400),
        (" 11-01 ", datetime(2026, 11, 1), 86_400),
    ],
)
def test_moments(text: str, wanted: datetime, last: float) -> None:
    """What is left out comes from the newest row; an upper limit means its last instant."""
    assert moment(text) == wanted
    upper = (moment(text, upper=True) - wanted).total_seconds()
    assert upper == pytest.approx(last - 0.000_001, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "before"),
    [("-30s", 30), ("-3m", 180), ("-1.5h", 5400), ("-2d", 172_800), ("-0s", 0)],
)
def test_relative_moments_count_back(text: str, before: int) -> None:
    assert (NEWEST - moment(text)).total_seconds() == before
    assert moment(text, upper=True) == moment(text)


@pytest.mark.parametrize(
    ("text", "newest", "wanted"),
    [
        # An hour that is half a day ahead of the newest row was yesterday's.
        ("23:50", datetime(2026, 11, 22, 0, 10), datetime(2026, 11, 21, 23, 50)),
        ("11:00", datetime(2026, 11, 22, 0, 10), datetime(2026, 11, 22, 11, 0)),
        # A day that is half a year ahead was last year's.
        ("12-31 23:00", datetime(2026, 1, 2), datetime(2025, 12, 31, 23)),
        ("03-01", datetime(2026, 1, 2), datetime(2026, 3, 1)),
        ("2026-12-31", datetime(2026, 1, 2), datetime(2026, 12, 31)),
    ],
)
def test_moments_near_midnight_and_new_year(text: str, newest: datetime, wanted: datetime) -> None:
    assert moment(text, newest) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "now",
        "25:00",
        "10:61",
        "13-01",
        "02-30 10:00",
        "10",
        "-3",
        "-3x",
        "3m",
        "10:3",
        "-m",
    ],
)
def test_what_is_no_moment_is_said(text: str) -> None:
    """The error names what was typed and shows what could be."""
    with pytest.raises(FilterError) as raised:
        moment(text)
    assert raised.value.title == "time"
    assert f"'{text.strip()}' is no time" in raised.value.detail
