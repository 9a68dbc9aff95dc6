"""Recognises markers in text that was decoded wrongly, and says what they were.

A log that crosses a Windows terminal or an old editor has its UTF-8 read as another encoding and
saved again: 🔍 becomes `ğŸ”`, a byte that the encoding does not know being lost on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt

from pdtui.core.markers import VARIATION_SELECTOR, known_markers

_ENCODINGS = ("cp1252", "cp1254", "latin-1", "mac_roman")
_LOST = ("", "?", "\ufffd")
"""What may stand for a byte that the wrong encoding does not know, besides a control character."""
_BLANK = {"\xa0": ("\xa0", " ")}
"""Some editors turn a no-break space into a blank."""


def repair(text: bytes) -> bytes:
    """The text with every marker in it as it was; other text is left as it is."""
    meant = _meant()
    return _pattern().sub(lambda found: meant[found["sign"]], text)


@cache
def first_words() -> npt.NDArray[np.uint64]:
    """The first two bytes of every wrongly decoded marker, as words."""
    return np.array(sorted({int.from_bytes(form[:2], "little") for form in _meant()}), np.uint64)


def forms_of(emoji: str) -> list[bytes]:
    """Every form in which this marker may stand in a log, the right one first."""
    right = emoji.encode()
    return [right, *(form for form, meant in _meant().items() if meant == right)]


@cache
def _meant() -> dict[bytes, bytes]:
    """What each form stands for."""
    meant: dict[bytes, bytes] = {}
    for marker in known_markers():
        for form in _misread(marker.emoji):
            meant.setdefault(form, marker.emoji.encode())
    return meant


@cache
def _pattern() -> re.Pattern[bytes]:
    """Any of the forms; seldom needed, and slow to make."""
    # ` ï¸` behind a sign is its variation selector.
    selectors = sorted(set(_misread(VARIATION_SELECTOR)), key=len, reverse=True)
    # The longest first: of two signs, one may be the other one's beginning.
    signs = sorted(_meant(), key=len, reverse=True)
    pattern = b"(?P<sign>%s)(?:%s)?" % tuple(
        b"|".join(map(re.escape, texts)) for texts in (signs, selectors)
    )
    return re.compile(pattern)


def _misread(sign: str) -> Iterator[bytes]:
    """The sign as each wrong encoding shows it, with each way of losing bytes."""
    for encoding in _ENCODINGS:
        for characters in product(*(_shown(byte, encoding) for byte in sign.encode())):
            text = "".join(characters)
            # What is left must still be more than one character, and no plain text.
            if sum(character > "\x7f" for character in text) >= 2:
                yield text.encode()


def _shown(byte: int, encoding: str) -> tuple[str, ...]:
    try:
        character = bytes([byte]).decode(encoding)
    except UnicodeDecodeError:
        return (chr(byte), *_LOST)
    if encoding == "latin-1" and character < "\xa0":
        return (character, *_LOST)
    return _BLANK.get(character, (character,))
