"""Writes into several files at once, as fast as it is told to: a process of its own.

`python flood.py FOLDER FILES RATE SECONDS`: RATE lines a second into each. The last line of every
turn is a mark, `mark FILE TURN`, that is looked for on the screen. Says at the end, as JSON, how
many lines it wrote into each, in how many seconds, and when (by the clock that all processes share)
it wrote each mark.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.mixed import START, Side

TURN = 0.02
"""Seconds between two writes into a file."""
_BLOCKS = 40
"""Turns after which the same text comes again, with other ids and another time."""
DRAWN = 0x5EED5EED
_NEVER = 10**9
"""Lines of a second, so that all have the same stamp."""


@dataclass(frozen=True, slots=True)
class Flooded:
    """What was written."""

    lines: int
    """Lines in each file."""
    seconds: float
    written: list[list[float]]
    """Of each file, the moments at which its marks were written."""


class _Template(Side):
    """A side whose ids all begin with a sign in whose place others are put."""

    def __init__(self, role: str, seed: int) -> None:
        super().__init__(role, seed, rate=_NEVER)

    def _id(self, drawn: Callable[[int], int], bits: int) -> int:
        return DRAWN << bits - 32 | super()._id(drawn, bits - 32)


def names(files: int) -> list[str]:
    """The files that are written: pairs of a prefill and a decode."""
    return [f"{('prefill', 'decode')[number % 2]}-{number // 2}.log" for number in range(files)]


def templates(number: int, lines: int) -> list[bytes]:
    """What is written into a file in turn, `lines` lines each."""
    role, pair = ("prefill", "decode")[number % 2], number // 2
    made = (line for record in _Template(role, pair).lines(_NEVER) for line in record.split("\n"))
    blocks = ["\n".join(islice(made, lines)) + "\n" for _ in range(_BLOCKS)]
    return [block.replace("10.0.0.", f"10.0.{pair + 1}.").encode() for block in blocks]


def mark(number: int, turn: int, at: str) -> bytes:
    """The line that is looked for on the screen."""
    return f"INFO {at} [core.py:58] 🔍 [Rank 0] mark {number} {turn}.\n".encode()


def flood(folder: Path, files: int, rate: int, seconds: float) -> Flooded:
    """Writes; returns what there is to say of it."""
    a_turn = max(round(rate * TURN), 2)
    blocks = [templates(number, a_turn - 1) for number in range(files)]
    opened = [os.open(folder / name, os.O_WRONLY | os.O_APPEND) for name in names(files)]
    before = f"{START:%m-%d %H:%M:%S}".encode()
    began, turns = time.monotonic(), round(seconds * rate / a_turn)
    written: list[list[float]] = [[] for _ in opened]
    for turn in range(turns):
        at, drawn = f"{datetime.now():%m-%d %H:%M:%S}", f"{turn:08x}".encode()
        for number, descriptor in enumerate(opened):
            text = blocks[number][turn % _BLOCKS].replace(before, at.encode())
            data = text.replace(b"%08x" % DRAWN, drawn) + mark(number, turn, at)
            while data:
                data = data[os.write(descriptor, data) :]
            written[number].append(round(time.monotonic(), 4))
        time.sleep(max(0.0, began + (turn + 1) * a_turn / rate - time.monotonic()))
    return Flooded(turns * a_turn, time.monotonic() - began, written)


if __name__ == "__main__":
    said = flood(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
    print(json.dumps(asdict(said)))
