"""Looks at many places of one byte block at once: eight bytes a look, one numpy call for all rows.

A log line is recognised by a few short looks near its start. Reading eight bytes as one integer
(a "word", little-endian, so the first character is the lowest byte) turns "does `INFO ` stand
here?" into a mask and a compare, for all lines of the block together.

The zero-byte test and the eight-digit product are the classic word-at-a-time tricks
(Alan Mycroft, 1987; Wojciech Muła, "SWAR parse").
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

_T = TypeVar("_T", bound=np.generic)
Positions: TypeAlias = npt.NDArray[np.int64]
Words: TypeAlias = npt.NDArray[np.uint64]
Flags: TypeAlias = npt.NDArray[np.bool_]
ByteArray: TypeAlias = npt.NDArray[np.uint8]
Bytes: TypeAlias = bytes | memoryview

PADDING = 160
"""Zero bytes kept after the block: so far a look from any row's end may go."""
_PADDING = bytes(PADDING)

_ONES = np.uint64(0x0101010101010101)
_HIGH = np.uint64(0x8080808080808080)
_LOW7 = np.uint64(0x7F7F7F7F7F7F7F7F)
_ZEROS_TEXT = np.uint64(0x3030303030303030)
_NOT_DIGIT_CARRY = np.uint64(0x7676767676767676)
_FREQUENT = b" e0t1ao2nisr3dc45l:m_6p7u8f9,g.=[]-/vh'bky()wqxzj\xf0\x9f\xe2"
"""Bytes of a log from the most frequent on; others are rarer."""
_ANCHORS = b"_-"
"""Bytes that stand in many of the texts that are looked for, and seldom elsewhere."""
SMALL = 8192
"""Bytes of a block up to which it is not worth while to know where texts may stand in it."""
_ONE_BY_ONE = 64 * 1024
"""Bytes of a block up to which Python finds a text in less time than all numpy's calls take."""
A_LOOK = 1024
"""Looking for a text in one line costs as much as looking through so many bytes of a block."""
_BEFORE = 3
"""Bytes before an anchor that are looked at with it."""
_NOWHERE: Positions = np.zeros(0, np.int64)
BYTE_MASKS: Words = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)
"""`BYTE_MASKS[n]` keeps the first n bytes of a word."""


@lru_cache(maxsize=1024)
def word(text: bytes) -> np.uint64:
    """The word whose first bytes are `text` (at most 8) and whose rest is zero."""
    return np.uint64(int.from_bytes(text.ljust(8, b"\0"), "little"))


class ByteBlock:
    """A block of bytes that can be looked at in many places at once: these parts, put together.

    `text` holds them and PADDING zero bytes, and so does `data`; `size` is their own length.
    """

    def __init__(self, *parts: Bytes) -> None:
        # The only copy that is made of them: blocks are megabytes.
        self.text = b"".join((*parts, _PADDING))
        self.size = len(self.text) - PADDING
        self.data: ByteArray = np.frombuffer(self.text, np.uint8)
        # Overlapping eight-byte views: `_words[p]` is the word that starts at byte p.
        self._words: Words = np.ndarray(
            (self.size + PADDING - 7,), np.dtype("<u8"), self.data.data, 0, (1,)
        )
        self._places: dict[bytes, Positions] = {}
        self._around: dict[int, tuple[Positions, Words]] = {}
        # Made once: new arrays of this size cost as much as the compare that fills them.
        self._flags = np.empty((2, self.size), np.bool_)

    def byte(self, at: Positions) -> ByteArray:
        """The byte at each position."""
        return self.data[at]

    def word(self, at: Positions) -> Words:
        """The eight bytes at each position, as words."""
        return self._words[at]

    def starts_with(self, at: Positions, text: bytes) -> Flags:
        """Where `text` (1 to 8 bytes) stands at the position."""
        words = self._words[at]
        if len(text) < 8:
            words &= BYTE_MASKS[len(text)]
        found: Flags = words == word(text)
        return found

    def places(self, text: bytes) -> Positions:
        """Where `text` (of two bytes or more) stands in the block."""
        if self.size < _ONE_BY_ONE:
            return self._one_by_one(text)
        if text not in self._places:
            anchor = next((byte for byte in text if byte in _ANCHORS), None)
            at = self._by_anchor(text, anchor) if anchor else self._by_rarest(text)
            for begin in range(0, len(text), 8):
                at = at[self.starts_with(at + begin, text[begin : begin + 8])]
            self._places[text] = at
        return self._places[text]

    def _one_by_one(self, text: bytes) -> Positions:
        """Where `text` stands, in a block that is not worth the calls of the others."""
        found, at = [], self.text.find(text)
        while at >= 0:
            found.append(at)
            at = self.text.find(text, at + 1)
        return np.array(found, np.int64) if found else _NOWHERE

    def _by_anchor(self, text: bytes, anchor: int) -> Positions:
        """Where `text` may stand, by what stands around each place of a byte that is in it."""
        if anchor not in self._around:
            at = np.flatnonzero(self.data[: self.size] == anchor)
            self._around[anchor] = at, self._words[np.maximum(at - _BEFORE, 0)]
        at, words = self._around[anchor]
        place = text.index(anchor)
        begin = max(0, place - _BEFORE)
        window = text[begin : place - _BEFORE + 8]
        shift = 8 * max(0, _BEFORE - place)
        fits = (words >> np.uint64(shift)) & BYTE_MASKS[len(window)] == word(window)
        # What is read before the block's start is not what stands there.
        fits |= at < _BEFORE
        found: Positions = at[fits] - place
        return found[found >= 0]

    def _by_rarest(self, text: bytes) -> Positions:
        """Where the two rarest bytes of `text` stand as in it."""
        first, second = sorted(range(len(text)), key=lambda place: _rarity(text[place]))[:2]
        stop = max(self.size - len(text) + 1, 0)
        here, there = self._flags[:, :stop]
        np.equal(self.data[first : first + stop], text[first], out=here)
        np.equal(self.data[second : second + stop], text[second], out=there)
        here &= there
        # Most texts stand nowhere in a block, which is quicker to tell than where.
        return np.flatnonzero(here) if here.any() else _NOWHERE

    def find(self, at: Positions, wanted: bytes, reach: int) -> Positions:
        """Distance from each position to the first of the bytes in `wanted`, -1 beyond `reach`."""
        distance = np.full(len(at), -1, np.int64)
        open_rows = np.arange(len(at))
        patterns = [_ONES * np.uint64(b) for b in wanted]
        for step in range(0, reach, 8):
            looked = self._words[at[open_rows] + step]
            hits = _zero_bytes(looked ^ patterns[0])
            for pattern in patterns[1:]:
                hits |= _zero_bytes(looked ^ pattern)
            found = hits != 0
            rows = open_rows[found]
            distance[rows] = step + first_flag(hits[found])
            open_rows = open_rows[~found]
            if not len(open_rows):
                break
        distance[distance >= reach] = -1
        return distance


def _rarity(byte: int) -> int:
    """How far back a byte stands among the frequent ones; the rarest first when sorted."""
    place = _FREQUENT.find(byte)
    return -len(_FREQUENT) if place < 0 else -place


def among(words: Words, table: Words) -> Flags:
    """Which of the words are in the table, which is sorted and not empty."""
    place = np.minimum(np.searchsorted(table, words), len(table) - 1)
    found: Flags = table[place] == words
    return found


def present(numbers: Positions) -> list[int]:
    """The distinct ones of these numbers, which are small and not negative, in their order."""
    distinct: list[int] = np.bincount(numbers).nonzero()[0].tolist()
    return distinct


def distinct_values(values: npt.NDArray[_T]) -> npt.NDArray[_T]:
    """The distinct ones of any values, in their order.

    `np.unique` by itself imports numpy.ma for this, which takes 15 ms of each process.
    """
    ordered = np.sort(values)
    fresh = np.ones(len(ordered), np.bool_)
    fresh[1:] = ordered[1:] != ordered[:-1]
    return ordered[fresh]


def unlike(values: npt.NDArray[np.generic]) -> bool:
    """Whether there are two different ones among the values: most often there are not."""
    return bool(len(values)) and bool((values != values[0]).any())


def _zero_bytes(words: Words) -> Words:
    """High bit set in every zero byte (bytes above the first zero may be flagged in error)."""
    flagged: Words = (words - _ONES) & ~words & _HIGH
    return flagged


def first_flag(flags: Words) -> Positions:
    """Index (0..7) of the first byte whose high bit is set; 8 where none is."""
    below = (flags - np.uint64(1)) & ~flags
    index: Positions = (np.bitwise_count(below) >> 3).astype(np.int64)
    return index


def not_digits(words: Words) -> Words:
    """High bit set in every byte that is no ASCII digit."""
    value = words ^ _ZEROS_TEXT
    flagged: Words = (((value & _LOW7) + _NOT_DIGIT_CARRY) | value) & _HIGH
    return flagged


def leading_digits(words: Words) -> Positions:
    """How many digits each word begins with, 0..8."""
    return first_flag(not_digits(words))


def number(words: Words, digits: Positions) -> Positions:
    """The decimal number in the first `digits` (0..8) bytes of each word."""
    shift = ((8 - digits) * 8).astype(np.uint64)
    # A shift by 64 is undefined, so no digits at all is masked by hand.
    value = np.where(digits > 0, (words ^ _ZEROS_TEXT) << np.minimum(shift, np.uint64(63)), 0)
    value = value.astype(np.uint64)
    value = (value * np.uint64(2561)) >> np.uint64(8) & np.uint64(0x00FF00FF00FF00FF)
    value = (value * np.uint64(6553601)) >> np.uint64(16) & np.uint64(0x0000FFFF0000FFFF)
    value = (value * np.uint64(42949672960001)) >> np.uint64(32)
    return value.astype(np.int64)
