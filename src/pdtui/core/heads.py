"""Recognises the heads of vLLM's and NCCL's lines, all lines of a block at once.

A faster way to the answers of `formats.VLLM` and `formats.NCCL`: what is claimed here is claimed
by the expression too, with the same values (a test compares them on every real log). Anything out
of the ordinary (a year in vLLM's stamp, a source file in NCCL's head) is left to the expression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pdtui.core import levels
from pdtui.core.bytescan import (
    ByteBlock,
    Flags,
    Positions,
    Words,
    leading_digits,
    not_digits,
    number,
    word,
)
from pdtui.core.stamps import SECOND

_ORIGIN_REACH = 96
_HOST_REACH = 65
_VLLM_LEVELS = (
    (b"INFO ", levels.INFO),
    (b"DEBUG ", levels.DEBUG),
    (b"WARNING ", levels.WARNING),
    (b"ERROR ", levels.ERROR),
)
_CRITICAL = (b"CRITICAL", levels.CRITICAL)
_NCCL_LEVELS = (
    (b"INFO ", levels.INFO),
    (b"WARN ", levels.WARNING),
    (b"CALL ", levels.DEBUG),
    (b"TRACE ", levels.DEBUG),
    (b"ABORT ", levels.CRITICAL),
)
_NIBBLE = np.uint64(15)
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
"""What formats.STAMP takes for a year; times of others do not fit into the merge's keys."""


@dataclass(slots=True)
class Heads:
    """The heads found: one entry a recognised line, all arrays of one length."""

    rows: Positions
    """Which of the lines asked about."""
    level: Positions
    message_at: Positions
    stamped: Flags
    year: Positions
    """0 where the stamp has none."""
    month: Positions
    day: Positions
    clock: Positions
    """Microseconds since midnight."""


@dataclass(slots=True)
class NcclHeads(Heads):
    """Also which process wrote the line, which NCCL always says."""

    pid: Positions


@dataclass(slots=True)
class _Dates:
    ok: Flags
    month: Positions
    day: Positions
    clock: Positions


def _flag_word(*places: int) -> np.uint64:
    return word(bytes(0x80 if place in places else 0 for place in range(8)))


def _two_digits(words: Words, place: int) -> Positions:
    tens = words >> np.uint64(8 * place) & _NIBBLE
    ones = words >> np.uint64(8 * place + 8) & _NIBBLE
    return (tens * np.uint64(10) + ones).astype(np.int64)


def _dates(block: ByteBlock, at: Positions) -> _Dates:
    """`MM-DD HH:MM:SS` at each position."""
    date, clock = block.word(at), block.word(at + 8)
    ok = not_digits(date) == _flag_word(2, 5)
    ok &= (date & word(b"\0\0\xff\0\0\xff")) == word(b"\0\0-\0\0 ")
    first_six = word(b"\xff" * 6)
    ok &= (not_digits(clock) & first_six) == _flag_word(0, 3)
    ok &= (clock & word(b"\xff\0\0\xff")) == word(b":\0\0:")
    month, day, hour = (_two_digits(date, place) for place in (0, 3, 6))
    minute, second = (_two_digits(clock, place) for place in (1, 4))
    ok &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    ok &= (hour <= 23) & (minute <= 59) & (second <= 60)
    return _Dates(ok, month, day, ((hour * 60 + minute) * 60 + second) * SECOND)


def _level_words(
    block: ByteBlock, at: Positions, words: tuple[tuple[bytes, int], ...]
) -> tuple[Positions, Positions]:
    """Level and length (with the blank after it) of the level word at each position, 0 if none."""
    looked = block.word(at)
    level = np.zeros(len(at), np.int64)
    length = np.zeros(len(at), np.int64)
    for text, value in words:
        here = (looked & word(b"\xff" * len(text))) == word(text)
        level[here], length[here] = value, len(text)
    return level, length


def find_vllm_heads(block: ByteBlock, at: Positions) -> Heads:
    """The lines of `at` (positions in the block) that begin with vLLM's usual head."""
    level, length = _level_words(block, at, (*_VLLM_LEVELS, _CRITICAL))
    critical = level == levels.CRITICAL
    length += critical
    rows = np.flatnonzero((length > 0) & ~(critical & (block.byte(at + 8) != ord(" "))))
    place = at[rows] + length[rows]
    dates = _dates(block, place)
    ok = dates.ok & (block.byte(place + 14) == ord(" "))
    place = place + 15
    place = place + (block.byte(place) == ord("["))
    colon = block.find(place, b" :]", _ORIGIN_REACH)
    ok &= colon > 0
    place = place + np.maximum(colon, 0)
    ok &= block.byte(place) == ord(":")
    digits = leading_digits(block.word(place + 1))
    place = place + 1 + digits
    ok &= (digits >= 1) & (digits <= 7) & (block.byte(place) == ord("]"))
    place = place + 1
    place = place + (block.byte(place) == ord(" "))
    kept = np.flatnonzero(ok)
    rows = rows[kept]
    return Heads(
        rows,
        level[rows],
        place[kept],
        np.ones(len(kept), np.bool_),
        np.zeros(len(kept), np.int64),
        dates.month[kept],
        dates.day[kept],
        dates.clock[kept],
    )


def _bracketed_stamps(block: ByteBlock, at: Positions) -> tuple[Heads, Flags]:
    """NCCL's `[YYYY-MM-DD HH:MM:SS.ffffff] ` at each position (all must be `[`), and where it is.

    Of the heads, `message_at` is the place after it.
    """
    year_word = block.word(at + 1)
    ok = (not_digits(year_word) & word(b"\xff" * 5)) == _flag_word(4)
    ok &= block.byte(at + 5) == ord("-")
    dates = _dates(block, at + 6)
    place = at + 20
    point = block.byte(place) == ord(".")
    digits = np.where(point, leading_digits(block.word(place + 1)), 0)
    fraction = number(block.word(place + 1), np.minimum(digits, 6))
    place = place + np.where(point, 1 + digits, 0)
    ok &= dates.ok & block.starts_with(place, b"] ") & ~(point & ((digits < 1) | (digits > 6)))
    clock = dates.clock + fraction * 10 ** np.clip(6 - digits, 0, 6)
    stamped = np.ones(len(at), np.bool_)
    year = number(year_word, np.full(len(at), 4))
    ok &= (year >= _FIRST_YEAR) & (year <= _LAST_YEAR)
    none = np.zeros(len(at), np.int64)
    return Heads(none, none, place + 2, stamped, year, dates.month, dates.day, clock), ok


def find_nccl_heads(block: ByteBlock, at: Positions) -> NcclHeads:
    """The lines of `at` (positions in the block) that begin with one of NCCL's usual heads."""
    count = len(at)
    stamps = {name: np.zeros(count, np.int64) for name in ("year", "month", "day", "clock")}
    place = at.copy()
    bracketed = np.flatnonzero(block.byte(at) == ord("["))
    found, has_stamp = _bracketed_stamps(block, at[bracketed])
    ok = np.ones(count, np.bool_)
    ok[bracketed] = has_stamp
    stamped = np.zeros(count, np.bool_)
    stamped[bracketed] = has_stamp
    place[bracketed] = found.message_at
    for name, values in stamps.items():
        values[bracketed] = getattr(found, name)
    rows = np.flatnonzero(ok)
    place = place[rows]
    colon = block.find(place, b" :", _HOST_REACH)
    good = (colon >= 0) & (block.byte(place) != ord("\t"))
    place = place + np.maximum(colon, 0)
    good &= block.byte(place) == ord(":")
    pid_digits = leading_digits(block.word(place + 1))
    pid = number(block.word(place + 1), pid_digits)
    place = place + 1 + pid_digits
    good &= (pid_digits >= 1) & (block.byte(place) == ord(":"))
    tid_digits = leading_digits(block.word(place + 1))
    place = place + 1 + tid_digits
    good &= (tid_digits >= 1) & (block.byte(place) == ord(" "))
    place = place + 1
    bracket = block.byte(place) == ord("[")
    device = leading_digits(block.word(place + 1))
    good &= ~bracket | (
        (device >= 1) & (device <= 4) & block.starts_with(place + 1 + device, b"] ")
    )
    place = place + np.where(bracket, device + 3, 0)
    good &= block.starts_with(place, b"NCCL ")
    level, length = _level_words(block, place + 5, _NCCL_LEVELS)
    kept = np.flatnonzero(good & (level > 0))
    rows = rows[kept]
    return NcclHeads(
        rows=rows,
        level=level[kept],
        message_at=(place + 5 + length)[kept],
        stamped=stamped[rows],
        year=stamps["year"][rows],
        month=stamps["month"][rows],
        day=stamps["day"][rows],
        clock=stamps["clock"][rows],
        pid=pid[kept],
    )
