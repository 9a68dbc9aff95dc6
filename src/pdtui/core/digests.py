"""Digests of the first bytes of many lines at once, and a table that numbers them.

So many bytes (a *stretch*) of every line are taken in one go, as words of eight; what does not
count is masked out, and what is left is mixed into one 64-bit number a line. Equal bytes have equal
digests; that two unlike lines of a log share one is as likely as one in 2**40.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import PADDING, ByteBlock, Positions, Words

_T = TypeVar("_T", bound=np.generic)
STRETCH = 128
"""Bytes of a line that are looked at in one go: heads are seldom longer, and 96 are slower."""
assert STRETCH <= PADDING, "the stretch behind a block's last line must be inside"
_WORDS = STRETCH // 8
BEGINNING_WORDS = 2
"""Words of a line that are its beginning."""
LONGEST = 16 * STRETCH
"""Bytes of a line that a digest can tell apart."""
_SEED = 20251101
_FACTORS: Words = (
    np.random.default_rng(_SEED).integers(0, 1 << 63, (2, _WORDS), np.uint64) * 2 + 1
).astype(np.uint64)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_OTHER_MIX = np.uint64(0xD6E8FEB86659FD93)
_LENGTH_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SLOT_BITS = 14
_SLOT_SHIFT = np.uint64(64 - _SLOT_BITS)
_WORD = (1 << 64) - 1
_PREFIXES: Words = np.zeros((STRETCH + 1, _WORDS), np.uint64)
"""`_PREFIXES[n]` keeps the first n bytes of a stretch."""
for _length in range(STRETCH + 1):
    _PREFIXES[_length] = np.frombuffer((b"\xff" * _length).ljust(STRETCH, b"\0"), np.uint64)


def stretches(data: npt.NDArray[np.uint8], at: Positions) -> Words:
    """The stretch from each place on, all of it in `data`: a row of words each."""
    items = np.ndarray((len(data) - STRETCH + 1,), f"V{STRETCH}", data.data, 0, (1,))
    taken: Words = items[at].view(np.uint64).reshape(-1, _WORDS)
    return taken


def first_bytes(lengths: Positions) -> Words:
    """Masks that keep so many bytes of a stretch."""
    kept: Words = _PREFIXES.take(lengths, axis=0)
    return kept


def without_digits(words: Words) -> Words:
    """The words with every ASCII digit as the same one."""
    data = words.view(np.uint8)
    digits = (data - np.uint8(ord("0"))) < 10
    plain: Words = (data & ~(digits.view(np.uint8) * np.uint8(15))).view(np.uint64)
    return plain


def without_hexadecimals(words: Words) -> Words:
    """The words with zero in place of every hexadecimal digit (in small letters)."""
    data = words.view(np.uint8)
    value = data - np.uint8(ord("0"))
    others = value >= 10
    value -= np.uint8(ord("a") - ord("0"))
    others &= value >= 6
    plain: Words = np.multiply(data, others.view(np.uint8), out=value).view(np.uint64)
    return plain


def mixed(words: Words, stretch: int = 0) -> Words:
    """One number a row, of words of the line's first stretch, or of its second one."""
    folded = words >> np.uint64(32)
    folded ^= words
    total: Words = folded @ _FACTORS[stretch, : words.shape[1]]
    return total


def digests(data: npt.NDArray[np.uint8], at: Positions, lengths: Positions) -> Words:
    """A digest of so many bytes from each place on: equal bytes, equal digest."""
    first = stretches(data, at) & first_bytes(np.minimum(lengths, STRETCH))
    return _digests(data, at, lengths, first, lambda words: words)


def _digests(
    data: npt.NDArray[np.uint8],
    at: Positions,
    lengths: Positions,
    first: Words,
    alike: Callable[[Words], Words],
) -> Words:
    """The same, where `alike` makes bytes equal, given the first stretches of what is digested."""
    total = mixed(alike(first))
    longer = np.flatnonzero(lengths > STRETCH)
    if len(longer):
        total[longer] += _further(data, at[longer] + STRETCH, lengths[longer] - STRETCH, alike)
    total += lengths.astype(np.uint64) * _LENGTH_MIX
    return total


def _further(
    data: npt.NDArray[np.uint8], at: Positions, lengths: Positions, alike: Callable[[Words], Words]
) -> Words:
    """What all stretches but the first add to a digest.

    `at` is where they begin, `lengths` how many bytes there are from there on, one at least.
    """
    # All of them one behind the other: of the third, fourth … ones by themselves there are few.
    count = -(-lengths // STRETCH)
    stop = np.cumsum(count)
    first = stop - count
    begin = (np.arange(stop[-1]) - np.repeat(first, count)) * STRETCH
    places = np.repeat(at, count) + begin
    # The last one ends where the bytes do, and has some twice: so none has to be masked.
    places[stop - 1] = at + lengths - STRETCH
    parts = mixed(alike(stretches(data, places)), 1)
    # By an odd number, so that nothing is lost of a part.
    parts *= begin.astype(np.uint64) * _MIX + np.uint64(1)
    total: Words = np.add.reduceat(parts, first)
    return total


def distinct(block: ByteBlock, at: Positions, lengths: Positions) -> tuple[list[bytes], Positions]:
    """The distinct texts of these lengths at these places, and which each place has."""
    found = digests(block.data, at, lengths)
    _, first, inverse = np.unique(found, return_index=True, return_inverse=True)
    spans = zip(at[first].tolist(), lengths[first].tolist(), strict=True)
    return [block.data[a : a + n].tobytes() for a, n in spans], inverse


class LineStretches:
    """The first stretch of lines, and more of them where it is asked for."""

    def __init__(self, block: ByteBlock, starts: Positions, ends: Positions) -> None:
        self.block, self.starts, self.ends = block, starts, ends
        self.length = ends - starts
        self.first = stretches(block.data, starts)
        self.first &= first_bytes(np.minimum(self.length, STRETCH))

    def some(self, rows: Positions) -> LineStretches:
        """These of the lines."""
        return LineStretches(self.block, self.starts[rows], self.ends[rows])

    def beginnings(self) -> Words:
        """The digests of the lines' beginnings, digits alike."""
        return mixed(without_digits(np.ascontiguousarray(self.first[:, :BEGINNING_WORDS])))

    def second(self, rows: Positions) -> Words:
        """The second stretch of these lines."""
        behind = np.clip(self.length[rows] - STRETCH, 0, STRETCH)
        # Of a line without one what stands behind it, within the padding: none of it is kept.
        first = np.minimum(self.length[rows], STRETCH)
        words = stretches(self.block.data, self.starts[rows] + first)
        words &= first_bytes(behind)
        return words

    def plain_digests(self, reach: Positions) -> Words:
        """The digests of so many bytes of each line, digits alike."""
        first = self.first & first_bytes(np.minimum(reach, STRETCH))
        return _digests(self.block.data, self.starts, reach, first, without_digits)

    def outlines(self) -> Words:
        """The digests of all bytes, hexadecimal digits alike; 0 of lines that are too long."""
        length = np.minimum(self.length, LONGEST)
        found = _digests(self.block.data, self.starts, length, self.first, without_hexadecimals)
        found[self.length > LONGEST] = 0
        return found


def with_room(columns: npt.NDArray[_T], axis: int, most: int) -> npt.NDArray[_T]:
    """The columns with room for so many on this axis; what is not used takes no memory."""
    roomy = np.zeros((*columns.shape[:axis], most, *columns.shape[axis + 1 :]), columns.dtype)
    roomy.swapaxes(0, axis)[: columns.shape[axis]] = columns.swapaxes(0, axis)
    return roomy


class Numbered:
    """Numbers for digests, from 1 on; 0 is what is not in the table.

    Each digest has two slots; where both are taken by others it is not entered.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.clear()

    def clear(self) -> None:
        """Forgets all."""
        self._keys: Words = np.zeros(self._most + 1, np.uint64)
        self._size = 1
        self._slots: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]] = (
            np.zeros(1 << _SLOT_BITS, np.int32),
            np.zeros(1 << _SLOT_BITS, np.int32),
        )

    def __getstate__(self) -> dict[str, object]:
        """What there is in the tables, which have room for much more."""
        taken = [(slots.nonzero()[0], slots[slots > 0]) for slots in self._slots]
        return {**self.__dict__, "_keys": self._keys[: self._size], "_slots": taken}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._most = state["_most"]
        self.clear()
        self._size = state["_size"]
        self._keys[: self._size] = state["_keys"]
        for slots, (places, numbers) in zip(self._slots, state["_slots"], strict=True):
            slots[places] = numbers

    @property
    def full(self) -> bool:
        """Whether no more digests are taken."""
        return self._size > self._most

    def __len__(self) -> int:
        return self._size

    def numbers(self, digests: Words) -> Positions:
        """The number of each digest, 0 where it is not known."""
        found = self._slots[0][digests >> _SLOT_SHIFT]
        missed = self._keys[found] != digests
        if missed.any():
            others = digests[missed]
            second = self._slots[1][(others * _OTHER_MIX) >> _SLOT_SHIFT]
            found[missed] = np.where(self._keys[second] == others, second, 0)
        numbers: Positions = found.astype(np.int64)
        return numbers

    def enter(self, digest: int) -> int:
        """The number of a digest that is entered if it was not there; 0 if there is no room."""
        # One by itself is quicker without numpy: as in `numbers`.
        other = digest * int(_OTHER_MIX) & _WORD
        places = digest >> int(_SLOT_SHIFT), other >> int(_SLOT_SHIFT)
        taken = [int(slots[place]) for slots, place in zip(self._slots, places, strict=True)]
        for number in taken:
            if int(self._keys[number]) == digest:
                return number
        if 0 not in taken or self.full or digest == 0:
            return 0
        which = taken.index(0)
        self._slots[which][places[which]] = self._size
        self._keys[self._size] = digest
        self._size += 1
        return self._size - 1
