"""A program that writes numbered lines as fast as it is told to, into a file or a pipe.

`python flooding.py PATH LINES PER_SECOND ROTATE_EVERY`: a rate of 0 is as fast as it can,
a ROTATE_EVERY of 0 never rotates. It is a process of its own, so that it does not wait for the
reader's interpreter.
"""

from __future__ import annotations

import sys
import time
from io import FileIO
from pathlib import Path

TEXT = "(EngineCore_DP0 pid=72) INFO 11-01 10:30:45 [core.py:58] 🔍 [Rank 0] step {}\n"
_AT_ONCE = 500


def lines(begin: int, stop: int) -> bytes:
    """The lines with these numbers."""
    return "".join(TEXT.format(number) for number in range(begin, stop)).encode()


def flood(path: Path, count: int, rate: int, rotate: int) -> None:
    """Writes the lines 0 … count-1; rotated files are called `<path>.<number of next line>`."""
    file = FileIO(path, "a")
    began = time.monotonic()
    for number in range(0, count, _AT_ONCE):
        if rotate and number and number % rotate == 0:
            path.rename(f"{path}.{number}")
            # The first lines after a rotation still go to the old file, as from a program that
            # has not been told yet.
            old, file = file, FileIO(path, "a")
            old.write(lines(number, number + _AT_ONCE))
            old.close()
            continue
        data = lines(number, min(number + _AT_ONCE, count))
        while data:
            data = data[file.write(data) or 0 :]
        if rate:
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
    file.close()


if __name__ == "__main__":
    flood(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
