"""The parts of a shape that make up a stamp: years, dates, clocks, fractions of a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pdtui.core.bytescan import Flags, Positions, Words, leading_digits, not_digits, number, word
from pdtui.core.shapes import Look, OneOf

_MICROSECONDS = 6
_MONTHS = {
    name: number
    for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_NIBBLE = np.uint64(15)
FIRST_YEAR, LAST_YEAR = 1970, 2199
"""What is taken for a year; times of others do not fit into the merge's keys."""


@dataclass(frozen=True, slots=True)
class Year:
    """Four digits and a hyphen."""

    hyphen: bool = True

    @property
    def expression(self) -> bytes:
        return rb"(?P<year>(?:19[7-9]|2[01][0-9])[0-9])" + b"-" * self.hyphen

    def match(self, look: Look) -> None:
        looked = look.block.word(look.at)
        ok = (not_digits(looked) & word(b"\xff" * 4)) == 0
        if self.hyphen:
            ok &= (looked & word(b"\0\0\0\0\xff")) == word(b"\0\0\0\0-")
        year = number(looked, np.full(len(looked), 4))
        look.values["year"] = year
        look.at = look.at + 4 + self.hyphen
        look.keep(ok & (year >= FIRST_YEAR) & (year <= LAST_YEAR))


@dataclass(frozen=True, slots=True)
class Moment:
    """`MM-DD HH:MM:SS`, also with a `T` for the blank; the clock in microseconds of the day."""

    between: bytes = b" T"

    @property
    def expression(self) -> bytes:
        return (
            rb"(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12][0-9]|3[01])[%s]" % self.between
            + rb"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9]):(?P<second>[0-5][0-9]|60)"
        )

    def match(self, look: Look) -> None:
        date, clock = look.block.word(look.at), look.block.word(look.at + 8)
        ok = not_digits(date) == _flags(2, 5)
        ok &= (date & word(b"\0\0\xff")) == word(b"\0\0-")
        between = date & word(b"\0\0\0\0\0\xff")
        separated = between == word(b"\0\0\0\0\0%c" % self.between[0])
        for other in self.between[1:]:
            separated |= between == word(b"\0\0\0\0\0%c" % other)
        ok &= separated
        ok &= _date(look, date, (0, 3, 6), clock)
        look.at = look.at + 14
        look.keep(ok)


@dataclass(frozen=True, slots=True)
class GlogDate:
    """`MMDD HH:MM:SS`, glog's and PyTorch's."""

    @property
    def expression(self) -> bytes:
        return (
            rb"(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12][0-9]|3[01]) "
            rb"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9]):(?P<second>[0-5][0-9]|60)"
        )

    def match(self, look: Look) -> None:
        date, clock = look.block.word(look.at), look.block.word(look.at + 7)
        ok = (not_digits(date) & word(b"\xff" * 7)) == _flags(4)
        ok &= (date & word(b"\0\0\0\0\xff")) == word(b"\0\0\0\0 ")
        ok &= _date(look, date, (0, 2, 5), clock)
        look.at = look.at + 13
        look.keep(ok)


@dataclass(frozen=True, slots=True)
class MonthName:
    """`Nov`, as syslog writes it."""

    @property
    def expression(self) -> bytes:
        return rb"(?P<month>(?>%s))" % b"|".join(_MONTHS)

    def match(self, look: Look) -> None:
        OneOf("month", _MONTHS).match(look)


@dataclass(frozen=True, slots=True)
class Clock:
    """`HH:MM:SS` by itself."""

    @property
    def expression(self) -> bytes:
        return rb"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9]):(?P<second>[0-5][0-9]|60)"

    def match(self, look: Look) -> None:
        hours = look.block.word(look.at)
        hour = _two_digits(hours, 0)
        ok = ((not_digits(hours) & word(b"\xff\xff")) == 0) & (hour <= 23)
        ok &= _clock(look, look.block.word(look.at + 2), hour)
        look.at = look.at + 8
        look.keep(ok)


@dataclass(frozen=True, slots=True)
class Fraction:
    """A point or comma and the digits of a fraction of a second, added to the clock before it."""

    @property
    def expression(self) -> bytes:
        return rb"[.,](?P<fraction>[0-9]{1,9}+)"

    def match(self, look: Look) -> None:
        separator = look.block.byte(look.at)
        looked = look.block.word(look.at + 1)
        count = leading_digits(looked)
        micro = np.minimum(count, _MICROSECONDS)
        look.values["fraction"] = number(looked, micro) * 10 ** (_MICROSECONDS - micro)
        ninth = look.block.byte(look.at + 9)
        longer = (count == 8) & (ninth >= ord("0")) & (ninth <= ord("9"))
        ok = ((separator == ord(".")) | (separator == ord(","))) & (count >= 1)
        look.at = look.at + 1 + count + longer
        look.keep(ok)


@dataclass(frozen=True, slots=True)
class NoDate:
    """Nothing, where no `MM-DD ` follows."""

    @property
    def expression(self) -> bytes:
        return rb"(?![0-9]{2}-[0-9]{2} )"

    def match(self, look: Look) -> None:
        looked = look.block.word(look.at)
        date = (not_digits(looked) & word(b"\xff" * 6)) == _flags(2, 5)
        date &= (looked & word(b"\0\0\xff\0\0\xff")) == word(b"\0\0-\0\0 ")
        look.keep(~date)


def _flags(*places: int) -> np.uint64:
    return word(bytes(0x80 if place in places else 0 for place in range(8)))


def _two_digits(words: Words, place: int) -> Positions:
    tens = words >> np.uint64(8 * place) & _NIBBLE
    ones = words >> np.uint64(8 * place + 8) & _NIBBLE
    return (tens * np.uint64(10) + ones).astype(np.int64)


def _date(look: Look, date: Words, places: tuple[int, int, int], clock: Words) -> Flags:
    """Whether month, day and hour stand at these places of a word, and the rest of the clock after.

    All of them go into the look's values.
    """
    month, day, hour = (_two_digits(date, place) for place in places)
    look.values["month"], look.values["day"] = month, day
    ok = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (hour <= 23)
    return ok & _clock(look, clock, hour)


def _clock(look: Look, words: Words, hour: Positions) -> Flags:
    """Whether `:MM:SS` stands at the start of the words; the clock goes into the look's values."""
    ok: Flags = (not_digits(words) & word(b"\xff" * 6)) == _flags(0, 3)
    ok &= (words & word(b"\xff\0\0\xff")) == word(b":\0\0:")
    minute, second = _two_digits(words, 1), _two_digits(words, 4)
    ok &= (minute <= 59) & (second <= 60)
    look.values["clock"] = ((hour * 60 + minute) * 60 + second) * 1_000_000
    return ok
