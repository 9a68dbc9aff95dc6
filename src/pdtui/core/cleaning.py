"""Takes out of a line what a terminal would not show: colour codes, overwritten progress bars.

One line at a time (`clean`), and all lines of a block (`split`), with the same result.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from pdtui.core.bytescan import ByteBlock, Bytes, Positions, leading_digits
from pdtui.core.torn import HEAD

SGR = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]")
"""A terminal's control sequence (ECMA-48), colour codes for the most part."""
SGR_REMNANT = re.compile(rb"\[\d{1,3}(?:;\d{1,3}){0,3}m")
"""What is left of one where the ESC byte was lost on the way."""
_SIGN_OF_HEAD = re.compile(rb"-\d\d \d\d:\d\d:|NCCL ")
"""What a line must hold for a head to be in it: a quicker look."""
_NEWLINE, _RETURN = ord("\n"), ord("\r")
_USUAL_RETURNS = 2
"""No logger or terminal ends a line with more of them."""


class Split(NamedTuple):
    """A block cut into lines, and what is left of each."""

    block: ByteBlock
    text: bytes
    """The block's bytes."""
    offsets: Positions
    """Where each line begins in the block as it was."""
    starts: Positions
    ends: Positions
    returns: Positions
    """How many carriage returns stood before each newline."""


def clean(line: bytes) -> bytes:
    """What is left of a line (without its newline)."""
    if b"\x1b" in line:
        line = SGR.sub(b"", line)
    line = line.rstrip(b"\r")
    if b"\r" in line:
        line = line[_after_returns(line) :]
    return _without_remnants(line)


def split(*parts: Bytes) -> Split:
    """What is left of the lines of a block, which these parts are; it ends with a newline."""
    block = ByteBlock(*parts)
    starts, newlines = _lines(block)
    offsets = starts
    if b"\x1b" in block.text:
        block = ByteBlock(SGR.sub(b"", block.text[: block.size]))
        starts, newlines = _lines(block)
    text = block.text
    starts, ends = _without_returns(block, text, starts, newlines)
    returns = newlines - ends
    if _remnants_of_colour(block, starts):
        places = zip(starts.tolist(), ends.tolist(), strict=True)
        block = ByteBlock(*(_without_remnants(text[a:b]) + b"\n" for a, b in places))
        starts, ends = _lines(block)
    return Split(block, block.text, offsets, starts, ends, returns)


def _after_returns(line: bytes) -> int:
    """Where what a terminal would show begins: behind the last `\\r`.

    But not where that hides the head of a record: a bar may be drawn behind a line that somebody
    has begun, and a head may stand behind a bar.
    """
    end = len(line)
    if _SIGN_OF_HEAD.search(line):
        for found in HEAD.finditer(line):
            end = found.start()
    return line.rfind(b"\r", 0, end) + 1


def _without_remnants(line: bytes) -> bytes:
    """The line without colour codes that have lost their ESC, if it begins with one."""
    return SGR_REMNANT.sub(b"", line) if SGR_REMNANT.match(line) else line


def _lines(block: ByteBlock) -> tuple[Positions, Positions]:
    """Start and end (where its newline stands) of each line."""
    ends = np.flatnonzero(block.data[: block.size] == _NEWLINE)
    return np.concatenate(([0], ends[:-1] + 1)), ends


def _remnants_of_colour(block: ByteBlock, starts: Positions) -> bool:
    """Whether a line begins with a colour code that lost its ESC: `[0;36m(Worker pid=1)[0;0m `."""
    opened = starts[block.byte(starts) == ord("[")]
    digits = leading_digits(block.word(opened + 1))
    after = block.byte(opened + 1 + digits)
    found = (digits >= 1) & (digits <= 3) & ((after == ord("m")) | (after == ord(";")))
    return bool(found.any())


def _without_returns(
    block: ByteBlock, text: bytes, starts: Positions, newlines: Positions
) -> tuple[Positions, Positions]:
    """Start and end of what is left of each line after its carriage returns."""
    if b"\r" not in text:
        return starts, newlines
    starts, ends = starts.copy(), newlines.copy()
    for _ in range(_USUAL_RETURNS):
        ends -= (ends > starts) & (block.byte(ends - 1) == _RETURN)
    for row in np.flatnonzero((ends > starts) & (block.byte(ends - 1) == _RETURN)).tolist():
        ends[row] = starts[row] + len(text[starts[row] : ends[row]].rstrip(b"\r"))
    returns = np.flatnonzero(block.data[: block.size] == _RETURN)
    rows = np.searchsorted(newlines, returns)
    for row in dict.fromkeys(rows[returns < ends[rows]].tolist()):
        starts[row] += _after_returns(text[starts[row] : ends[row]])
    return starts, ends
