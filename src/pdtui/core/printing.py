"""Log text made safe for a terminal.

A log may hold anything: escape sequences, tabs, characters that turn the writing direction. None
of it may reach the terminal.
"""

from __future__ import annotations

import re

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
