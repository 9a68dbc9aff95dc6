"""Indexes a file and then searches it: `python searching.py FILE`, a pattern a line on stdin.

Says `ready`, and of each pattern the seconds that the search took and how many rows hold it. It is
the engine of `pdtui export -g` and of the viewer's text filter.
"""

from __future__ import annotations

import sys
import time

from pdtui.cli.sources import load, named_sources
from pdtui.core.query import Filter, parse_text
from pdtui.core.store import Store
from pdtui.core.view import Matches


def search(store: Store, pattern: str) -> tuple[float, int]:
    """Seconds, and how many rows hold the pattern."""
    began = time.perf_counter()
    matches = Matches(Filter(texts=(parse_text(pattern),)))
    snapshot = store.snapshot()
    matches.refresh(snapshot)
    for _ in matches.search():
        pass
    held = sum(int(matches.of(number).mask(0, size).sum()) for number, (_, size) in
               enumerate(snapshot))  # fmt: skip
    return time.perf_counter() - began, held


def main() -> None:
    """Reads the file, then patterns until there are no more."""
    named, troubles = named_sources(sys.argv[1:])
    store, more = load(named, None)
    if troubles or more:
        sys.exit("; ".join(map(str, (*troubles, *more))))
    print("ready", flush=True)
    for line in sys.stdin:
        seconds, held = search(store, line.rstrip("\n"))
        print(seconds, held, flush=True)


if __name__ == "__main__":
    main()
