"""Log text made safe and measurable for the terminal.

A log may hold anything: escape sequences, tabs, characters that turn the writing direction. None
of it may reach the terminal, and every character must take the cells that it is counted for.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, chop_cells

from pdtui.core.markers import VARIATION_SELECTOR

TAB = 4
_PICTURES = {code: 0x2400 + code for code in range(32)} | {0x7F: 0x2421}
_C1 = dict.fromkeys(range(0x80, 0xA0), "\ufffd")
# Zero-width and direction-changing characters would shift or turn what follows them.
_INVISIBLE = dict.fromkeys(
    [*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF], "\u00b7"
)
_TABLE = str.maketrans(_PICTURES | _C1 | _INVISIBLE | {ord(VARIATION_SELECTOR): None})
_UNSAFE = re.compile(r"[^\x20-\x7e]")


def printable(text: str) -> str:
    """The text as it may be painted: tabs as blanks, control characters as their pictures."""
    if not _UNSAFE.search(text):
        return text
    if "\t" in text:
        text = text.expandtabs(TAB)
    return text.translate(_TABLE)


def fit(text: str, width: int) -> str:
    """The text cut or filled with blanks to this many cells; `…` stands where it was cut."""
    size = cell_len(text)
    if size > width:
        text = (chop_cells(text, width - 1)[0] if width > 1 else "") + "…"
        size = cell_len(text)
    return text + " " * (width - size)


def from_cell(text: str, skipped: int) -> str:
    """The text without its first cells; half a wide character becomes a blank."""
    if skipped <= 0:
        return text
    if text.isascii():
        return text[skipped:]
    seen = 0
    for place, character in enumerate(text):
        if seen >= skipped:
            return " " * (seen - skipped) + text[place:]
        seen += cell_len(character)
    return ""
