"""Moments as users write them: `10:31`, `10:30:45`, `11-01 10:30:45`, `2025-11-01 10:30`, `-3m`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from pdtui.core.stamps import DAY, SECOND, to_datetime, to_time
from pdtui.errors import FilterError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_RELATIVE = re.compile(r"-(?P<count>\d{1,9}(?:\.\d+)?)(?P<unit>[smhd])")
_ABSOLUTE = re.compile(
    r"(?:(?:(?P<year>\d{4})-)?(?P<month>\d{1,2})-(?P<day>\d{1,2})(?:[ T]|$))?"
    r"(?:(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,6}))?)?)?"
)


def parse_moment(text: str, newest: int, *, upper: bool = False) -> int:
    """The moment in microseconds; what is left out comes from `newest`, the newest row's time.

    A relative moment counts back from `newest` too. With `upper`, a moment without seconds means
    the last instant of its minute (or day, or second), so that `-U 10:31` keeps what is in 10:31.
    """
    text = text.strip()
    if found := _RELATIVE.fullmatch(text):
        return newest - round(float(found["count"]) * _UNITS[found["unit"]] * SECOND)
    found = _ABSOLUTE.fullmatch(text)
    if not text or found is None:
        raise FilterError("time", f"'{text}' is no time: 10:31 · 11-01 10:30:45 · -3m")
    now = to_datetime(newest)
    try:
        moment = _moment(found, now)
    except ValueError as error:
        raise FilterError("time", f"'{text}' is no time: {error}") from error
    if found["month"] is None and moment - now > timedelta(hours=12):
        moment -= timedelta(days=1)
    return to_time(moment) + (_grain(found) - 1 if upper else 0)


def _moment(found: re.Match[str], now: datetime) -> datetime:
    hour, minute, second = (int(found[g] or 0) for g in ("hour", "minute", "second"))
    moment = datetime(
        int(found["year"] or now.year),
        int(found["month"] or now.month),
        int(found["day"] or now.day),
        hour,
        minute,
        second,
        int((found["fraction"] or "0").ljust(6, "0")),
    )
    if found["month"] and not found["year"] and moment - now > timedelta(days=183):
        moment = moment.replace(year=moment.year - 1)
    return moment


def _grain(found: re.Match[str]) -> int:
    """Microseconds that the moment as written spans."""
    if found["fraction"]:
        return 1
    if found["second"]:
        return SECOND
    return 60 * SECOND if found["hour"] else DAY
