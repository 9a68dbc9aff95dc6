"""Time stamps: calendar fields → microseconds, and the year that vLLM's stamps leave out.

A time here is a count of microseconds since 1970-01-01 00:00 of the writer's own local clock
(no zone: the stamps have none). `NO_TIME` stands for "not known".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Times: TypeAlias = npt.NDArray[np.int64]

NO_TIME = -(2**62)
SECOND = 1_000_000
DAY = 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1)
_HALF_YEAR = 6
# Days before the first of each month (index 1..12) in a year that begins in March, so that a
# leap day falls on the end. The formula is Howard Hinnant's days_from_civil.
_ERA_YEARS, _ERA_DAYS, _EPOCH_DAYS = 400, 146_097, 719_468


def days_from_civil(year: Times, month: Times, day: Times) -> Times:
    """Days since 1970-01-01 of a proleptic Gregorian date (Hinnant, "chrono-compatible date")."""
    year = year - (month <= 2)
    era = year // _ERA_YEARS
    year_of_era = year - era * _ERA_YEARS
    day_of_year = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    days: Times = era * _ERA_DAYS + day_of_era - _EPOCH_DAYS
    return days


def to_time(moment: datetime) -> int:
    """The moment as microseconds of its own clock."""
    return (moment.replace(tzinfo=None) - _EPOCH) // timedelta(microseconds=1)


def to_datetime(time: int) -> datetime:
    """The time as a calendar moment of the writer's clock, without a zone."""
    return _EPOCH + timedelta(microseconds=time)


class YearCounter:
    """Gives each yearless stamp its year: the year of the first one, one more after each New Year.

    A month that falls by half a year or more is a New Year passed; one that rises by as much is
    a line of the old year that was written late.
    """

    def __init__(self, first_year: int) -> None:
        self.year = first_year
        self.month = 0
        """The month of the last stamp, 0 before the first."""

    def years(self, months: Times) -> Times:
        """The year of each stamp, given their months (1..12) in file order."""
        if not len(months):
            return months
        before = np.concatenate(([self.month or months[0]], months[:-1]))
        change = months - before
        turns = (change <= -_HALF_YEAR).astype(np.int64) - (change >= _HALF_YEAR)
        years: Times = self.year + np.cumsum(turns)
        self.year, self.month = int(years[-1]), int(months[-1])
        return years


def first_year(first: tuple[int, int], last: tuple[int, int], written: datetime) -> int:
    """The year of a file's first stamp, from its first and last (month, day).

    `written` is when the file was last changed: the last stamp is the newest day that is not
    after it (with a day's grace for zones). Where the first one is later in the calendar than
    the last, New Year lies between them.
    """
    newest = written + timedelta(days=1)
    year = newest.year if last <= (newest.month, newest.day) else newest.year - 1
    return year - 1 if first > last and first[0] - last[0] >= _HALF_YEAR else year


class Stamp(NamedTuple):
    """A stamp as it is written; year 0 is a year that is left out."""

    year: int
    month: int
    day: int
    clock: int
    """Microseconds since midnight."""


_WRITTEN = re.compile(
    rb"\s*(?:(?P<year>(?:19[7-9]|2[01]\d)\d)[-/])?(?P<month>0[1-9]|1[0-2])[-/]"
    rb"(?P<day>0[1-9]|[12]\d|3[01])[ T]"
    rb"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d|60)"
    rb"(?:[.,](?P<fraction>\d{1,9}))?"
    rb"(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?\s*"
)
_WHOLE = len("2025-11-01 10:30:45")
_SINCE_EPOCH = re.compile(
    rb"(?P<seconds>[12]?\d{9})(?P<milli>\d{3})?(?:\.(?P<fraction>\d{1,9})\d*)?"
)


def parse_stamp(text: bytes) -> Stamp | None:
    """A stamp in ISO's form or Python's, or (milli)seconds since the epoch; None for others."""
    # Hundreds of lines have the same second, and only its fraction differs.
    whole, fraction = text[:_WHOLE], text[_WHOLE + 1 :]
    if text[_WHOLE : _WHOLE + 1] in (b".", b",") and fraction.isdigit():
        known = _parse(whole)
        if known is not None:
            return known._replace(clock=known.clock + _micro(fraction))
    return _parse(text)


@lru_cache(maxsize=4096)
def _parse(text: bytes) -> Stamp | None:
    if found := _WRITTEN.fullmatch(text):
        return stamp_of(found.groupdict())
    if not (found := _SINCE_EPOCH.fullmatch(text)):
        return None
    micro = _micro(found["milli"]) or _micro(found["fraction"])
    moment = _EPOCH + timedelta(seconds=int(found["seconds"]), microseconds=micro)
    clock = (moment.hour * 60 + moment.minute) * 60 + moment.second
    return Stamp(moment.year, moment.month, moment.day, clock * SECOND + micro)


def stamp_of(groups: Mapping[str, bytes | None]) -> Stamp | None:
    """The stamp in these groups of an expression, if its month is among them."""
    if not groups.get("month"):
        return None
    year, month, day, hour, minute, second = (
        int(groups.get(name) or 0) for name in ("year", "month", "day", "hour", "minute", "second")
    )
    clock = ((hour * 60 + minute) * 60 + second) * SECOND + _micro(groups.get("fraction"))
    return Stamp(year, month, day, clock)


def _micro(fraction: bytes | None) -> int:
    """The digits of a fraction of a second in microseconds, cut and not rounded."""
    return int(fraction[:6].ljust(6, b"0")) if fraction else 0
