"""Describes what a line looks like, once, for two readers: one line, and all lines of a block.

A shape is a sequence of parts: a level word, a date, digits, text up to a bracket. From it come a
regular expression, which takes one line apart, and a search that looks at all lines of a block
together, eight bytes a look. Both must claim the same lines with the same values; so every part
takes as much as it can and never gives back (the expressions are possessive), and a part that
takes anything up to a stop is followed by what must stand there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from pdtui.core.bytescan import (
    A_LOOK,
    BYTE_MASKS,
    ByteBlock,
    Flags,
    Positions,
    leading_digits,
    number,
    word,
)
from pdtui.core.digests import distinct

_LONGEST_RANK_NAMES = 48
_TENSOR_RANK = re.compile(rb"\bTP(\d{1,4})\b")


@dataclass(slots=True)
class Look:
    """The lines still in the running, where the next part begins in each, and what was read."""

    block: ByteBlock
    rows: Positions
    """Which of the lines asked about."""
    at: Positions
    values: dict[str, Positions] = field(default_factory=dict)

    def keep(self, ok: Flags) -> None:
        """Drops the lines that a part did not find itself in."""
        if ok.all():
            return
        kept = np.flatnonzero(ok)
        self.rows, self.at = self.rows[kept], self.at[kept]
        self.values = {name: values[kept] for name, values in self.values.items()}

    def inner(self) -> Look:
        """A look of its own from the same places; its rows count within this one."""
        return Look(self.block, np.arange(len(self.at)), self.at)

    def adopt(self, inner: Look) -> None:
        """Goes on where an inner look came through, with the values that it read."""
        self.at = self.at.copy()
        self.at[inner.rows] = inner.at
        for name, values in inner.values.items():
            known = self.values.setdefault(name, np.zeros(len(self.rows), np.int64))
            known[inner.rows] = values


class Part(Protocol):
    """One part of a shape."""

    @property
    def expression(self) -> bytes:
        """The part as a regular expression."""

    def match(self, look: Look) -> None:
        """Moves the look past this part, and drops the lines where it does not stand."""


@dataclass(frozen=True, slots=True)
class Text:
    """These very bytes."""

    text: bytes

    @property
    def expression(self) -> bytes:
        return re.escape(self.text)

    def match(self, look: Look) -> None:
        for begin in range(0, len(self.text), 8):
            piece = self.text[begin : begin + 8]
            if len(piece) == 1:
                look.keep(look.block.byte(look.at) == piece[0])
            else:
                look.keep(look.block.starts_with(look.at, piece))
            look.at = look.at + len(piece)


@dataclass(frozen=True, slots=True)
class OneByte:
    """One of these bytes."""

    allowed: bytes

    @property
    def expression(self) -> bytes:
        return b"[" + re.escape(self.allowed) + b"]"

    def match(self, look: Look) -> None:
        found = look.block.byte(look.at)
        ok = found == self.allowed[0]
        for other in self.allowed[1:]:
            ok |= found == other
        look.keep(ok)
        look.at = look.at + 1


@dataclass(frozen=True, slots=True)
class Blanks:
    """Blanks: at least so many, at most eight."""

    least: int = 1

    @property
    def expression(self) -> bytes:
        return b" {%d,8}+" % self.least

    def match(self, look: Look) -> None:
        other = look.block.word(look.at) ^ word(b" " * 8)
        # The lowest byte that is no blank: the trailing zero bits, in bytes.
        lowest = other & (~other + np.uint64(1))
        count = np.bitwise_count(lowest - np.uint64(1)).astype(np.int64) >> 3
        look.at = look.at + count
        look.keep(count >= self.least)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these words (of at most eight bytes), which stands for a value."""

    name: str
    values: Mapping[bytes, int]

    @property
    def expression(self) -> bytes:
        longest_first = sorted(self.values, key=len, reverse=True)
        return b"(?P<%s>(?>%s))" % (self.name.encode(), b"|".join(map(re.escape, longest_first)))

    def match(self, look: Look) -> None:
        looked = look.block.word(look.at)
        value = np.zeros(len(looked), np.int64)
        length = np.zeros(len(looked), np.int64)
        for text in sorted(self.values, key=len):
            here = (looked & BYTE_MASKS[len(text)]) == word(text)
            value[here], length[here] = self.values[text], len(text)
        look.at = look.at + length
        look.values[self.name] = value
        look.keep(length > 0)


@dataclass(frozen=True, slots=True)
class Digits:
    """A run of digits: how many at least and at most (16); its number, where it has a name."""

    least: int
    most: int
    name: str = ""

    @property
    def expression(self) -> bytes:
        digits = rb"[0-9]{%d,%d}+" % (self.least, self.most)
        return b"(?P<%s>%s)" % (self.name.encode(), digits) if self.name else digits

    def match(self, look: Look) -> None:
        looked = look.block.word(look.at)
        count = leading_digits(looked)
        if self.most > 8:
            full = np.flatnonzero(count == 8)
            count[full] += leading_digits(look.block.word(look.at[full] + 8))
        count = np.minimum(count, self.most)
        if self.name:
            look.values[self.name] = number(looked, np.minimum(count, 8))
        look.at = look.at + count
        look.keep(count >= self.least)


@dataclass(frozen=True, slots=True)
class Until:
    """Anything but the bytes of `stop`: at least and at most so many bytes."""

    stop: bytes
    most: int
    least: int = 1

    @property
    def expression(self) -> bytes:
        return b"[^%s\n]{%d,%d}+" % (re.escape(self.stop), self.least, self.most)

    def match(self, look: Look) -> None:
        # Never into the next line: a part that may be missing would be missed for it.
        distance = look.block.find(look.at, self.stop + b"\n", self.most + 1)
        look.at = look.at + distance
        look.keep(distance >= self.least)


@dataclass(frozen=True, slots=True)
class Through:
    """Anything, up to the first place where these bytes stand, and these bytes."""

    text: bytes

    @property
    def expression(self) -> bytes:
        return b"(?>[^\n]*?%s)" % re.escape(self.text)

    def match(self, look: Look) -> None:
        text, size = look.block.text, look.block.size
        if len(look.at) * A_LOOK < size:
            found = [text.find(self.text, at, text.find(b"\n", at)) for at in look.at.tolist()]
            places = np.array(found, np.int64)
        else:
            # One in a later line lies behind the end of its own, which Shape.find looks at.
            known = np.append(look.block.places(self.text), size)
            places = known[np.searchsorted(known, look.at)]
        ok = (places >= 0) & (places < size)
        look.at = places + len(self.text)
        look.keep(ok)


@dataclass(frozen=True, slots=True)
class Named:
    """Some parts together, under a name by which the text is asked for.

    Where it begins and how long it is go into the look's values, as `NAME at` and `NAME length`.
    """

    name: str
    parts: tuple[Part, ...]

    @property
    def expression(self) -> bytes:
        return b"(?P<%s>%s)" % (self.name.encode(), _joined(self.parts))

    def match(self, look: Look) -> None:
        look.values[f"{self.name} at"] = look.at
        for part in self.parts:
            part.match(look)
        look.values[f"{self.name} length"] = look.at - look.values[f"{self.name} at"]


@dataclass(frozen=True, slots=True)
class RankNames:
    """`DP0 TP1 EP1`: SGLang's ranks, which are all that its lines say of their process.

    The number after TP goes into the look's values as `rank`, plus one; 0 where there is none.
    """

    name: str

    @property
    def expression(self) -> bytes:
        return rb"(?P<%s>[A-Z]{2,4}[0-9]{1,4}(?: [A-Z]{2,4}[0-9]{1,4}){0,5})(?=\])" % (
            self.name.encode()
        )

    def match(self, look: Look) -> None:
        length = np.maximum(look.block.find(look.at, b"]", _LONGEST_RANK_NAMES), 0)
        texts, which = distinct(look.block, look.at, length)
        pattern = re.compile(self.expression[: -len(rb"(?=\])")])
        ok = np.array([bool(pattern.fullmatch(text)) for text in texts], np.bool_)
        ranks = [_TENSOR_RANK.search(text) for text in texts]
        rank = np.array([int(found[1]) + 1 if found else 0 for found in ranks], np.int64)
        look.values[f"{self.name} at"], look.values[f"{self.name} length"] = look.at, length
        look.values["rank"] = rank[which]
        look.at = look.at + length
        look.keep(ok[which])


@dataclass(frozen=True, slots=True)
class Something:
    """Nothing, where a sign follows that is no blank."""

    @property
    def expression(self) -> bytes:
        return rb"(?=[^\x00- ])"

    def match(self, look: Look) -> None:
        look.keep(look.block.byte(look.at) > ord(" "))


@dataclass(frozen=True, slots=True)
class Maybe:
    """Some parts together, all or none of them."""

    parts: tuple[Part, ...]

    @property
    def expression(self) -> bytes:
        return b"(?:%s)?+" % _joined(self.parts)

    def match(self, look: Look) -> None:
        inner = look.inner()
        for part in self.parts:
            part.match(inner)
        look.adopt(inner)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the lines of a format look like, up to the message, which is the rest of the line."""

    parts: tuple[Part, ...]

    @property
    def expression(self) -> bytes:
        """The expression for what stands before the message."""
        return _joined(self.parts)

    @property
    def pattern(self) -> re.Pattern[bytes]:
        """The expression for one line."""
        return re.compile(self.expression + b"(?P<message>.*)", re.S)

    def find(self, block: ByteBlock, at: Positions, ends: Positions) -> Look:
        """The lines (from `at` to before `ends`) of this shape; their look is at the message."""
        look = Look(block, np.arange(len(at)), at)
        for part in self.parts:
            part.match(look)
            if not len(look.rows):
                return look
        look.keep(look.at <= ends[look.rows])
        return look


def _joined(parts: tuple[Part, ...]) -> bytes:
    return b"".join(part.expression for part in parts)
