"""Log text measured in cells of the terminal: every character takes those it is counted for."""

from __future__ import annotations

from rich.cells import cell_len, chop_cells

UNKNOWN = "…"
"""In place of a line's number while what stands above it has not been read."""


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
