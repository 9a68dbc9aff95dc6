#!/usr/bin/env python3
"""How fast pdtui is, as ratios to what else is installed here, in the same run.

    python benchmarks/run.py [--folder FOLDER] [--peers FOLDER] [--quick] [--only NAME…]

Makes its own logs, measures every row of the table and writes RESULTS.md (and RESULTS.json, from
which rows that are not measured now are taken over).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from benchmarks import rows_batch, rows_keys, rows_live, rows_screen  # noqa: E402
from benchmarks.bench import Bench  # noqa: E402
from benchmarks.files import Files, free_space  # noqa: E402
from benchmarks.measure import FailedError  # noqa: E402
from benchmarks.peers import Peers  # noqa: E402
from benchmarks.results import Line, Measured, Results, machine, now, summary, used_by_others  # noqa: E402

ROWS: Mapping[str, Callable[[Bench], list[Line]]] = {
    "stats-small": rows_batch.stats_small,
    "stats-large": rows_batch.stats_large,
    "export": rows_batch.export_all,
    "export-marker": rows_batch.export_marker,
    "search": rows_batch.search,
    "first-screen": rows_screen.first_screen,
    "memory": rows_screen.peak_memory,
    "filters": rows_keys.filters,
    "follow": rows_live.following,
    "idle": rows_live.idle,
    "scale": rows_keys.scale,
}
"""The rows, in the order of the table."""
LONG = ("scale",)
"""Rows that take long; not in a quick run."""
BYTES_A_LINE = 210


def bench_of(given: argparse.Namespace, folder: Path) -> Bench:
    """What is measured on, as it was asked for."""
    peers = Peers(given.peers, Files(folder).empty("home"))
    bench = Bench(Files(folder), peers, given.turns or 3)
    if not given.quick:
        return bench
    return replace(
        bench,
        turns=given.turns or 1,
        small=20_000,
        large=100_000,
        huge=200_000,
        flood=5.0,
        rate=2_000,
        idle=5.0,
        patience=40.0,
    )


def measured(name: str, bench: Bench) -> Measured:
    """One row; what goes wrong in it is said in the table and hurts no other."""
    row = Measured(name, date=now(), turns=bench.turns, others=used_by_others())
    began = time.monotonic()
    try:
        row.lines = ROWS[name](bench)
    except FailedError as failure:
        row.failed = str(failure)
    except Exception as error:  # a row that another change broke must not take the rest with it
        traceback.print_exc()
        row.failed = f"{type(error).__name__}: {error}"
    row.seconds = round(time.monotonic() - began, 1)
    return row


def heads(bench: Bench) -> dict[str, str]:
    """What all rows have in common."""
    from pdtui import __version__  # noqa: PLC0415 - only where there is something to measure

    versions = [f"pdtui {__version__}"]
    for peer in bench.peers.all.values():
        versions.append(f"{peer.name} {peer.version or '(missing)'}")
    return {
        "machine": machine(),
        "versions": f"{', '.join(versions)}, Python {sys.version.split()[0]}",
    }


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the logs are made, and kept")
    parser.add_argument(
        "--peers", type=Path, action="append", default=[], help="a folder with peers' programs"
    )
    parser.add_argument("--quick", action="store_true", help="small logs: whether it all works")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=list(ROWS), default=[])
    parser.add_argument("--turns", type=int, metavar="N", help="runs of each program")
    parser.add_argument(
        "--results", type=Path, default=Path(__file__).parent, help="where RESULTS.md goes"
    )
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Runs the rows; status 1 where one of them failed."""
    given = arguments(words)
    results = Results(given.results, "RESULTS-quick" if given.quick else "RESULTS", list(ROWS))
    with tempfile.TemporaryDirectory(prefix="pdtui-benchmarks-") as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        bench = bench_of(given, folder)
        if free_space(folder) < 2 * bench.large * BYTES_A_LINE * 2:
            sys.exit(f"not enough room for the logs in {folder}: see --folder and --quick")
        results.head = heads(bench)
        names = given.only or [name for name in ROWS if not (given.quick and name in LONG)]
        done = []
        for name in names:
            print(f"{name} …", flush=True)
            row = measured(name, bench)
            results.add(row)
            done.append(row)
            for line in row.lines:
                print(f"  {line.work}: {line.got} (asked: {line.asked or 'nothing'})", flush=True)
            if row.failed:
                print(f"  failed: {row.failed}", flush=True)
    print(summary(done))
    return int(any(row.failed for row in done))


if __name__ == "__main__":
    sys.exit(main())
