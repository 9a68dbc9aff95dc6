#!/usr/bin/env python3
"""How fast the scanner is, by the form of the lines: `benchmarks/scan.py [--lines N]`.

Each form is a ratio to `wc -l` on the same file in the same run, and to vLLM's own form: other
forms may be slower, by at most four times. The best of some turns counts, since others may use the
machine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from benchmarks.data import FORMS, write  # noqa: E402

from pdtui.core.source import Source  # noqa: E402

BLOCK = 512 * 1024
TURNS = 3


def main() -> None:
    """Makes the files, measures, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200_000)
    lines = parser.parse_args().lines
    print(f"{'form':<10} {'MB/s':>7} {'rows/s':>11} {'× wc -l':>8} {'× vllm a byte':>14}")
    of_vllm = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for form in ("vllm", *sorted(set(FORMS) - {"vllm"})):
            path = Path(folder) / form
            write(path, form, lines)
            data = path.read_bytes()
            scanned, counted = best(scan, data), best(count, path)
            a_byte = scanned / len(data)
            of_vllm = of_vllm or a_byte
            print(
                f"{form:<10} {len(data) / scanned / 1e6:>7.0f} {lines / scanned:>11,.0f} "
                f"{scanned / counted:>8.1f} {a_byte / of_vllm:>14.1f}"
            )


def scan(data: bytes) -> None:
    """Reads a log as the program does, a block at a time."""
    source = Source("log", "log", 2026)
    for begin in range(0, len(data), BLOCK):
        source.feed(data[begin : begin + BLOCK])


def count(path: Path) -> None:
    """What the scanner is compared with."""
    subprocess.run(["wc", "-l", str(path)], stdout=subprocess.DEVNULL, check=True)


def best(work: Callable[[Any], None], given: object) -> float:
    """The shortest time in seconds that the work took."""
    taken = []
    for _ in range(TURNS):
        start = time.perf_counter()
        work(given)
        taken.append(time.perf_counter() - start)
    return min(taken)


if __name__ == "__main__":
    main()
