"""Indexes a file and then searches it: `python searching.py FILE`, a pattern a line on stdin.

Says `ready`, and of each pattern the seconds that the search took and how many rows hold it. It is
the engine of `pdtui export -g` and of the viewer's text filter.
"""

from __future__ import annotations

import sys
import time

from pdtui.cli.sources import load, named_sources
from pdtui.core.query import parse_text
from pdtui.core.scan import ROWS_ALONE
from pdtui.core.store import Store
from pdtui.core.textsearch import rows_holding


def search(store: Store, pattern: str) -> tuple[float, int]:
    """Seconds, and how many rows hold the pattern."""
    wanted = parse_text(pattern)
    began = time.perf_counter()
    held = sum(
        int(rows_holding(source, wanted.pattern_for(source), 0, size).sum())
        for source, size in store.snapshot()
    )
    return time.perf_counter() - began, held


def main() -> None:
    """Reads the file, then patterns until there are no more."""
    named, troubles = named_sources(sys.argv[1:])
    store, more = load(named, None, ROWS_ALONE)
    if troubles or more:
        sys.exit("; ".join(map(str, (*troubles, *more))))
    print("ready", flush=True)
    for line in sys.stdin:
        seconds, held = search(store, line.rstrip("\n"))
        print(seconds, held, flush=True)


if __name__ == "__main__":
    main()
