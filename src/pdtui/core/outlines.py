"""Where the texts that are looked for stand, in all lines with the same outline.

The *outline* of a line is all of its bytes, with the hexadecimal digits alike: numbers and ids
of the same length make no difference. A log has some hundreds of them, and where `tensor_id` or a
marker stands in one line it stands in all with that outline. So it is looked for once in each
outline, and then only there; in what has no known outline, line by line.

`a` to `f` are digits too, so a text can stand in one line of an outline and not in another: what
is kept is where it may stand, and each line is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import ByteBlock, Positions, Words
from pdtui.core.cleaning import Split
from pdtui.core.digests import LineStretches, Numbered, with_room

_MOST_OUTLINES = 8192
ROOM = _MOST_OUTLINES + 2
"""For the outlines of one source that are known at a time, and for none."""
_MOST_A_BLOCK = 512
"""Outlines of a block that are taken in: each is looked through in Python."""
_MOST_ONCE = 8192
_MOST_TIMES = 4
"""How often a text may stand in a line of a known outline."""
_FEW = 2
"""If lines without a known outline are fewer than one in so many, they are put together."""
_NONE: Positions = np.zeros(0, np.int64)
_ALIKE = bytes.maketrans(b"0123456789abcdef", bytes(16))


class Outlines:
    """The outlines of one source's lines, and where in them `texts` may stand."""

    def __init__(self, texts: tuple[bytes, ...]) -> None:
        assert len(texts) <= 32, "a bit each"
        self._texts = texts
        self._alike = [text.translate(_ALIKE) for text in texts]
        self._numbers = Numbered(_MOST_OUTLINES)
        self._once: set[int] = set()
        self._clear()

    def _clear(self) -> None:
        self._numbers.clear()
        self._holds = np.zeros(ROOM, np.uint32)
        """A bit for each text that a line with the outline may hold."""
        self._at = np.zeros((len(self._texts), _MOST_TIMES, ROOM), np.uint16)
        """Where it may, counted from the line's start and from 1 on; 0 for nowhere."""

    def __getstate__(self) -> dict[str, object]:
        """What there is in the tables, which have room for much more."""
        known = {"_holds": self._holds[: len(self)], "_at": self._at[:, :, : len(self)]}
        return {**self.__dict__, **known}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._holds = with_room(state["_holds"], 0, ROOM)
        self._at = with_room(state["_at"], 2, ROOM)

    def __len__(self) -> int:
        """How many numbers outlines have, 0 included."""
        return len(self._numbers)

    def numbers(self, lines: LineStretches) -> tuple[Words, Positions]:
        """The digest of each line's outline, and its number; 0 where it is not known."""
        digests = lines.outlines()
        return digests, self._numbers.numbers(digests)

    def learn(self, lines: Split, digests: Words, numbers: Positions) -> bool:
        """Takes in outlines that were seen twice; whether all before are forgotten for them."""
        new = np.flatnonzero((numbers == 0) & (digests != 0))
        if not len(new):
            return False
        found: dict[int, int] = {}
        again: dict[int, int] = {}
        for digest, place in zip(digests[new].tolist(), new.tolist(), strict=True):
            if digest in found or digest in self._once:
                again.setdefault(digest, place)
            found[digest] = place
        if len(self._once) > _MOST_ONCE:
            self._once.clear()
        self._once.update(found)
        forgets = self._numbers.full and bool(again)
        if forgets:
            self._clear()
        for digest, place in islice(again.items(), _MOST_A_BLOCK):
            self._enter(digest, lines.text[lines.starts[place] : lines.ends[place]])
        return forgets

    def _enter(self, digest: int, line: bytes) -> None:
        line = line.translate(_ALIKE)
        found = [(n, _places(line, text)) for n, text in enumerate(self._alike) if text in line]
        if any(len(places) > _MOST_TIMES for _, places in found):
            return
        if outline := self._numbers.enter(digest):
            for number, places in found:
                self._at[number, : len(places), outline] = np.array(places) + 1
            self._holds[outline] = sum(1 << number for number, _ in found)

    def places(self, lines: Split, numbers: Positions) -> TextPlaces:
        """Where the texts stand in these lines, whose outlines have these numbers."""
        return TextPlaces(
            lines.block, lines.starts, lines.ends, self._texts, numbers, self._holds, self._at
        )


@dataclass(slots=True)
class TextPlaces:
    """Where some texts stand in the lines of a block."""

    _block: ByteBlock
    _starts: Positions
    _ends: Positions
    _texts: tuple[bytes, ...]
    _numbers: Positions
    """The outline of each line, 0 where none is known."""
    _outline_holds: npt.NDArray[np.uint32]
    _outline_at: npt.NDArray[np.uint16]
    _holds: npt.NDArray[np.uint32] = field(init=False)
    _held: int = field(init=False)
    """A bit for each text that some line may hold."""
    _rest: _Rest = field(init=False)

    def __post_init__(self) -> None:
        self._holds = self._outline_holds.take(self._numbers)
        self._held = int(np.bitwise_or.reduce(self._holds, initial=0))
        self._rest = _Rest(
            self._block, self._starts, self._ends, np.flatnonzero(self._numbers == 0)
        )

    def of(self, text: bytes, within: Positions | None = None) -> tuple[Positions, Positions]:
        """Where one of the texts stands: the lines, and the places, in their order.

        With `within`, where it stands in these lines at least.
        """
        rows, at = self._may_stand(self._texts.index(text), within)
        for begin, piece in _in_doubt(text) if len(at) else ():
            stands = self._block.starts_with(at + begin, piece)
            if not stands.all():
                rows, at = rows[stands], at[stands]
        if within is not None and self._numbers[within].all():
            return rows, at
        more, more_at = self._rest.places(text)
        if not len(more):
            return rows, at
        rows, at = np.concatenate((rows, more)), np.concatenate((at, more_at))
        order = np.argsort(at, kind="stable")
        return rows[order], at[order]

    def _may_stand(self, number: int, within: Positions | None) -> tuple[Positions, Positions]:
        """Where the outlines say that this text may stand, in all lines or in these."""
        if not self._held >> number & 1:
            return _NONE, _NONE
        bit = np.uint32(1 << number)
        if within is None:
            rows = np.flatnonzero(self._holds & bit)
        else:
            rows = within[(self._holds[within] & bit) > 0]
        outlines, starts = self._numbers[rows], self._starts[rows]
        offsets = self._outline_at[number]
        first = rows, starts + offsets[0].take(outlines) - 1
        again = offsets[1].take(outlines) > 0
        if not again.any():
            return first
        rows, outlines, starts = rows[again], outlines[again], starts[again]
        offset = offsets[1:].take(outlines, axis=1)
        which, place = np.nonzero(offset.T)
        found = np.concatenate((first[1], starts[which] + offset[place, which] - 1))
        order = np.argsort(found, kind="stable")
        return np.concatenate((first[0], rows[which]))[order], found[order]


class _Rest:
    """The lines of a block that have no known outline; `rows` are their numbers."""

    def __init__(
        self, block: ByteBlock, starts: Positions, ends: Positions, rows: Positions
    ) -> None:
        self._rows, self._whole = rows, block
        self._starts, self._ends = starts[rows], ends[rows]
        self._few = len(rows) * _FEW < len(starts)

    @cached_property
    def _block(self) -> ByteBlock:
        """What is searched: these lines alone, or all of the block."""
        if not self._few:
            return self._whole
        text, places = self._whole.text, (self._starts.tolist(), self._ends.tolist())
        return ByteBlock(b"\n".join([text[a:b] for a, b in zip(*places, strict=True)]))

    @cached_property
    def _begins(self) -> Positions:
        """Where each of the lines begins in that."""
        if not self._few:
            return self._starts
        lengths = self._ends - self._starts + 1
        begins: Positions = np.cumsum(lengths) - lengths
        return begins

    def places(self, text: bytes) -> tuple[Positions, Positions]:
        """Where a text stands in them: the lines, and the places in the whole block."""
        at = self._block.places(text) if len(self._rows) else _NONE
        if not len(at):
            return _NONE, _NONE
        line = np.searchsorted(self._begins, at, "right") - 1
        at = at - self._begins[line] + self._starts[line]
        inside = (line >= 0) & (at + len(text) <= self._ends[line])
        return self._rows[line[inside]], at[inside]


@lru_cache
def _in_doubt(text: bytes) -> list[tuple[int, bytes]]:
    """The pieces of a text that may be others in lines with the same outline."""
    pieces = [(begin, text[begin : begin + 8]) for begin in range(0, len(text), 8)]
    return [(begin, piece) for begin, piece in pieces if b"\0" in piece.translate(_ALIKE)]


def _places(line: bytes, text: bytes) -> list[int]:
    """Where a text stands in a line."""
    found, at = [], line.find(text)
    while at >= 0:
        found.append(at)
        at = line.find(text, at + 1)
    return found
