"""Where the stamp of a line stands, so that it can be read in all lines alike."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pdtui.core.bytescan import (
    BYTE_MASKS,
    ByteBlock,
    Flags,
    Positions,
    Words,
    leading_digits,
    not_digits,
    number,
    word,
)
from pdtui.core.stampshapes import FIRST_YEAR, LAST_YEAR

if TYPE_CHECKING:
    from pdtui.core.claims import Claims

_MOMENT = len("MM-DD HH:MM:SS")
_YEAR = len("YYYY-")
_MICROSECONDS = 6
_WORD = 8
_NO_DIGITS_IN_DATE = not_digits(np.array([word(b"11-22 10")], np.uint64))[0]
_NO_DIGITS_IN_TIME = not_digits(np.array([word(b":30:51")], np.uint64))[0]
_STAMP = re.compile(
    rb"(?:(?P<year>\d{4})[-/])?(?P<moment>(?P<month>\d\d)-(?P<day>\d\d)[ T]"
    rb"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d))(?:[.,](?P<fraction>\d{1,9}))?"
)


class StampPlace(NamedTuple):
    """Where a stamp stands in a line."""

    at: int = -1
    """Where its `MM-DD` begins; -1 where the line has none."""
    dated: bool = False
    """Whether a year stands before it."""
    fraction: int = 0
    """How many digits of a fraction of a second stand behind it."""


def blanked(head: bytes, stamp: StampPlace) -> bytes:
    """The head without the digits of the stamp."""
    if stamp.at < 0:
        return head
    begin = stamp.at - _YEAR * stamp.dated
    end = stamp.at + _MOMENT + (stamp.fraction and 1 + stamp.fraction)
    return head[:begin] + bytes(end - begin) + head[end:]


def stamp_in(head: bytes, claims: Claims, row: int) -> StampPlace | None:
    """Where the row's stamp stands in the line's head; None where it is not found."""
    for found in _STAMP.finditer(head):
        said = {name: int(found[name] or 0) for name in ("year", "month", "day")}
        hour, minute, second = (int(found[name]) for name in ("hour", "minute", "second"))
        fraction = found["fraction"] or b""
        micro = int(fraction[:6].ljust(6, b"0")) if fraction else 0
        clock = ((hour * 60 + minute) * 60 + second) * 1_000_000
        date = (said["year"], said["month"], said["day"])
        if date != (claims.year[row], claims.month[row], claims.day[row]):
            continue
        if fraction and claims.clock[row] == clock + micro:
            return StampPlace(found.start("moment"), bool(said["year"]), len(fraction))
        if claims.clock[row] == clock:
            return StampPlace(found.start("moment"), bool(said["year"]))
    return None


class ReadStamps(NamedTuple):
    """Stamps of many lines: whether each is one, and what Claims keeps of it."""

    ok: Flags
    month: Positions
    day: Positions
    year: Positions
    clock: Positions


def read_stamps(block: ByteBlock, at: Positions, dated: Flags, fraction: Positions) -> ReadStamps:
    """Reads the stamps whose `MM-DD` stand at these places, each as its StampPlace says.

    Every digit is looked at: where one is expected an `a` to `f` may stand, in a torn line.
    """
    ok, month, day, clock = _moments(block, at)
    year = np.zeros(len(at), np.int64)
    with_year = np.flatnonzero(dated)
    if len(with_year):
        text = block.word(at[with_year] - _YEAR)
        years = number(text, np.full(len(with_year), _YEAR - 1))
        year[with_year] = years
        ok[with_year] &= (years >= FIRST_YEAR) & (years <= LAST_YEAR)
        ok[with_year] &= leading_digits(text) == _YEAR - 1
    finer = np.flatnonzero(fraction)
    if len(finer):
        micro = np.minimum(fraction[finer], _MICROSECONDS)
        digits = block.word(at[finer] + _MOMENT + 1)
        clock[finer] += number(digits, micro) * 10 ** (_MICROSECONDS - micro)
        beyond = np.maximum(fraction[finer] - _WORD, 0)
        ok[finer] &= leading_digits(digits) >= np.minimum(fraction[finer], _WORD)
        ok[finer] &= leading_digits(block.word(at[finer] + _MOMENT + 1 + _WORD)) >= beyond
    return ReadStamps(ok, month, day, year, clock)


def _moments(block: ByteBlock, at: Positions) -> tuple[Flags, Positions, Positions, Positions]:
    """Whether `MM-DD HH:MM:SS` is one at each place; month, day, and the clock in microseconds.

    Lines follow each other within a second, so only where the text changes it is read.
    """
    date, time = block.word(at), block.word(at + 8) & BYTE_MASKS[6]
    changes = np.ones(len(at), np.bool_)
    changes[1:] = (date[1:] != date[:-1]) | (time[1:] != time[:-1])
    which = np.cumsum(changes) - 1
    date, time = date[changes], time[changes]
    month, day, hour = (_two_digits(date, place) for place in (0, 3, 6))
    minute, second = (_two_digits(time, place) for place in (1, 4))
    ok = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    ok &= (hour <= 23) & (minute <= 59) & (second <= 60)
    ok &= (not_digits(date) == _NO_DIGITS_IN_DATE) & (not_digits(time) == _NO_DIGITS_IN_TIME)
    clock = ((hour * 60 + minute) * 60 + second) * 1_000_000
    return ok[which], month[which], day[which], clock[which]


def _two_digits(words: Words, place: int) -> Positions:
    tens = words >> np.uint64(8 * place) & np.uint64(15)
    ones = words >> np.uint64(8 * place + 8) & np.uint64(15)
    return (tens * np.uint64(10) + ones).astype(np.int64)
