"""The signs that are markers: which one stands at each of many places, and how long it is."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from pdtui.core.bytescan import BYTE_MASKS, ByteBlock, Positions, Words
from pdtui.core.digests import distinct
from pdtui.core.kinds import KindTable
from pdtui.core.markers import Marker, known_markers

NON_ASCII = 0x80
"""The first byte that is none of ASCII."""
_FOUR_BYTES = 0xF0
_LONGEST_EMOJI = 32
_PICTURE = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}"
    "|[\U0001f300-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u231a\u231b\u23e9-\u23ff\u203c\u2049\u2139]"
    "[\ufe0f\U0001f3fb-\U0001f3ff]*)"
)
_EMOJI = re.compile(f"{_PICTURE}(?:\u200d{_PICTURE})*")
"""One emoji as Unicode composes them (UTS #51): flags, skin tones, joined ones."""


class _KnownSigns:
    """The signs that are markers everywhere, for a look at many places."""

    def __init__(self, markers: tuple[Marker, ...]) -> None:
        known = [marker.emoji.encode() for marker in markers]
        short = [(sign, code) for code, sign in enumerate(known, 1) if len(sign) <= _size(sign[0])]
        short.sort(key=lambda item: int.from_bytes(item[0], "little"))
        values = [int.from_bytes(sign, "little") for sign, _ in short]
        self._words: Words = np.array(values, np.uint64)
        self._codes = np.array([code for _, code in short], np.int64)
        self._length = np.array([len(sign) for sign, _ in short], np.int64)
        self._long = [(sign, code) for code, sign in enumerate(known, 1) if len(sign) > 4]

    def look(self, block: ByteBlock, at: Positions) -> tuple[Positions, Positions]:
        """Code and length in bytes of the known marker at each position, 0 where none is."""
        looked = block.word(at)
        four = (looked & np.uint64(0xFF)) >= np.uint64(_FOUR_BYTES)
        start = np.where(four, looked & BYTE_MASKS[4], looked & BYTE_MASKS[3])
        place = np.minimum(np.searchsorted(self._words, start), len(self._words) - 1)
        here = self._words[place] == start
        codes, length = self._codes[place] * here, self._length[place] * here
        for sign, code in self._long:
            for index in np.flatnonzero(block.starts_with(at, sign[:8])).tolist():
                if block.data[at[index] : at[index] + len(sign)].tobytes() == sign:
                    codes[index], length[index] = code, len(sign)
        return codes, length


_signs_of = lru_cache(maxsize=4)(_KnownSigns)


class Signs:
    """The signs that are markers in a source."""

    def __init__(self, kinds: KindTable) -> None:
        self._kinds = kinds
        self.look = _signs_of(known_markers()).look

    def any(self, block: ByteBlock, at: Positions, ends: Positions) -> tuple[Positions, Positions]:
        """Code and length of any emoji at places in lines that end there, 0 for none.

        The unknown are learned.
        """
        codes, length = self.look(block, at)
        strange = np.flatnonzero((codes == 0) & (block.byte(at) >= NON_ASCII))
        if not len(strange):
            return codes, length
        reach = np.minimum(ends[strange] - at[strange], _LONGEST_EMOJI)
        texts, which = distinct(block, at[strange], reach)
        for number_of_text in _in_order(which):
            if emoji := _EMOJI.match(texts[number_of_text].decode("utf-8", "replace")):
                of_text = strange[which == number_of_text]
                codes[of_text] = self._kinds.sign_code(emoji[0])
                length[of_text] = len(emoji[0].encode())
        return codes, length


def _in_order(which: Positions) -> list[int]:
    """The distinct numbers, in the order in which they first stand."""
    _, first = np.unique(which, return_index=True)
    return [int(which[place]) for place in np.sort(first)]


def _size(first: int) -> int:
    """How many bytes of UTF-8 a character has that begins so."""
    return 4 if first >= _FOUR_BYTES else 3
