"""The search of a shape in many lines at once, and what its expression says of each."""

from __future__ import annotations

import re

import numpy as np

from pdtui.core.bytescan import ByteBlock
from pdtui.core.formats import groups
from pdtui.core.levels import LEVEL_OF_WORD
from pdtui.core.shapes import Shape
from pdtui.core.stamps import SECOND

NUMBERS = ("level", "year", "month", "day", "pid", "message")


def found_in(shape: Shape, lines: list[bytes]) -> dict[int, dict[str, int]]:
    """What the search finds: line → its values, `message` being where the message begins."""
    block = ByteBlock(b"".join(line + b"\n" for line in lines))
    lengths = np.array([len(line) for line in lines], np.int64)
    ends = np.cumsum(lengths + 1) - 1
    starts = ends - lengths
    look = shape.find(block, starts, ends)
    found = {}
    for index, row in enumerate(look.rows.tolist()):
        values = {name: int(look.values[name][index]) for name in look.values}
        values["message"] = int(look.at[index] - starts[row])
        found[row] = _comparable(values)
    return found


def expressed_in(shape: Shape, lines: list[bytes]) -> dict[int, dict[str, int]]:
    """The same by the shape's expression."""
    pattern = shape.pattern
    matches = [(row, pattern.fullmatch(line)) for row, line in enumerate(lines)]
    return {row: _values(found) for row, found in matches if found}


def _comparable(values: dict[str, int]) -> dict[str, int]:
    kept = {name: values.get(name, 0) for name in NUMBERS}
    kept["clock"] = values.get("clock", 0) + values.get("fraction", 0)
    return kept


def _values(found: re.Match[bytes]) -> dict[str, int]:
    said = groups(found)
    numbers = {name: int(said[name]) for name in ("year", "month", "day", "pid") if name in said}
    level = LEVEL_OF_WORD.get(said.get("level", b""), 0)
    hour, minute, second = (int(said.get(name, 0)) for name in ("hour", "minute", "second"))
    fraction = int(said.get("fraction", b"").ljust(6, b"0")[:6])
    clock = ((hour * 60 + minute) * 60 + second) * SECOND + fraction
    return _comparable(
        {**numbers, "level": level, "clock": clock, "message": found.start("message")}
    )
