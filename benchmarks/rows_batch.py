"""Rows of the table that have no screen: stats, export, search."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.bench import Bench, Figures, missing
from benchmarks.measure import Command, FailedError, Taken, cores, run
from benchmarks.results import Line

_COUNT = ";select count(*), min(log_time), max(log_time) from vllm_log"
_SEARCHER = Path(__file__).parent / "searching.py"
_LITERAL = "EngineCore found an error"
_REGEX = "valueerror: request id cmpl-[0-9a-f]+7"


def stats_small(bench: Bench) -> list[Line]:
    """`pdtui stats` of 2 × 1,000,000 lines against lnav's counting and `wc -l`."""
    return _stats(bench, bench.small, 0.5, of_wc=10)


def stats_large(bench: Bench) -> list[Line]:
    """The same of 2 × 5,000,000 lines, and on one core against two, of both files and of one."""
    names, amount = bench.pair(bench.large), _amount(bench, bench.pair(bench.large), bench.large)
    alone = f"one file of {bench.large:,} lines ({bench.files.size(names[:1]) / 1e6:,.0f} MB)"
    return [
        *_stats(bench, bench.large, 0.33),
        _on_cores(bench, names, amount),
        _on_cores(bench, names[:1], alone),
    ]


def _stats(bench: Bench, lines: int, of_lnav: float, of_wc: float | None = None) -> list[Line]:
    names, one = bench.pair(lines), bench.pair(1)
    peers = bench.peers
    ours = peers.pdtui("stats", *names)
    lnav, wc = peers.lnav("-n", "-c", _COUNT, *names), peers.wc("-l", *names)
    commands, starts = [ours], [peers.pdtui("stats", *one)]
    if peers.has("lnav"):
        commands.append(lnav)
        starts.append(peers.lnav("-n", "-c", _COUNT, *one))
    if peers.has("wc") and of_wc:
        commands.append(wc)
        starts.append(peers.wc("-l", *one))
    figures = Figures(bench.best(commands), bench.starts(starts))
    work = f"stats, {_amount(bench, names, lines)}"
    note = f", {bench.files.size(names) / 1e6 / figures.seconds('pdtui'):,.0f} MB/s"
    said = []
    for peer, limit in ((lnav, of_lnav), (wc, of_wc)):
        if limit and peers.has(peer.name):
            said.append(figures.against(work, ours, peer, limit, note))
        elif limit:
            said.append(missing(work, limit, peer.name, ours))
    return said


def _on_cores(bench: Bench, names: list[str], amount: str) -> Line:
    one = bench.pair(1)[: len(names)]
    many, single = (bench.peers.pdtui("stats", *names, cores=n) for n in (2, 1))
    line = Line(
        f"stats on two cores, {amount}",
        "≥ 1.6 × one core",
        "only one core here",
        "",
        f"{many.shown}\n{single.shown}",
        None,
    )
    if len(cores()) < 2:
        return line
    starts = [bench.peers.pdtui("stats", *one, cores=n) for n in (2, 1)]
    try:
        figures = Figures(bench.best([many, single]), bench.starts(starts))
        ratio = figures.seconds(single.name) / figures.seconds(many.name)
    except FailedError as failure:
        line.got = str(failure)
    else:
        line.got, line.met = f"{ratio:.2f} ×", ratio >= 1.6
        line.figures = (
            f"{figures.said(many.name)}, {figures.said(single.name)}, both beyond start-up"
        )
    return line


def export_all(bench: Bench) -> list[Line]:
    """The merged timeline as text against lnav's merged view; logmerger for comparison."""
    names = bench.pair(bench.small)
    ours, lnav = bench.peers.pdtui("export", *names), bench.peers.lnav("-n", *names)
    work = f"export, {_amount(bench, names, bench.small)}"
    return [_written(bench, work, ours, lnav, 0.10), _logmerger(bench)]


def export_marker(bench: Bench) -> list[Line]:
    """Rows of a marker and a rank against lnav's filter."""
    names = bench.pair(bench.small)
    ours = bench.peers.pdtui("export", "-m", "🔍", "-r", "0", *names)
    lnav = bench.peers.lnav("-n", "-c", ":filter-in 🔍", *names)
    work = f"export of 🔍 of rank 0, {_amount(bench, names, bench.small)}"
    return [_written(bench, work, ours, lnav, 0.25)]


def _written(bench: Bench, work: str, ours: Command, lnav: Command, limit: float) -> Line:
    if not bench.peers.has("lnav"):
        return missing(work, limit, "lnav", ours)
    return Figures(bench.best([ours, lnav]), {}).against(work, ours, lnav, limit)


def _logmerger(bench: Bench) -> Line:
    """What logmerger makes of the same files: for comparison, nothing is asked."""
    names = bench.pair(bench.tiny)
    command = bench.peers.logmerger("--inline", "--output", "-", *names)
    work = f"merging by logmerger, 2 × {bench.tiny} lines"
    if not bench.peers.has("logmerger"):
        return Line(work, "", "logmerger is missing", "", command.shown, None)
    taken = bench.best([bench.peers.pdtui("export", *names), command])["logmerger"]
    got = f"{taken.seconds:.2f} s" if isinstance(taken, Taken) else f"it fails: {taken}"
    return Line(work, "", got, "", command.shown, None)


def search(bench: Bench) -> list[Line]:
    """The engine of `-g` and of the text filter, index there, against grep of the same file."""
    name = bench.pair(bench.large)[0]
    cases = ((_LITERAL, "literal", 2.0), (f"(?i){_REGEX}", "(?i) expression", 6.0))
    amount = f"{bench.files.size([name]) / 1e9:.2f} GB, index there"
    with _Searcher(bench, name) as searcher:
        return [
            _searched(
                bench,
                searcher,
                pattern,
                work=f"search, {kind}, {amount}",
                limit=limit,
                name=name,
            )
            for pattern, kind, limit in cases
        ]


def _searched(
    bench: Bench, searcher: _Searcher, pattern: str, *, work: str, limit: float, name: str
) -> Line:
    options = ("-ciE", pattern.removeprefix("(?i)")) if "(?i)" in pattern else ("-c", pattern)
    grep = bench.peers.grep(*options, name)
    ours = Command("pdtui", (), f"the text filter {pattern}")
    if not bench.peers.has("grep"):
        return missing(work, limit, "grep", ours)
    mine, theirs, held = [], [], 0
    for _ in range(bench.turns):
        seconds, held = searcher.search(pattern)
        mine.append(seconds)
        theirs.append(run(grep, bench.files.folder).seconds)
    if held != (found := _counted(bench, grep)):
        raise FailedError(f"{pattern}: {held} rows hold it, but grep finds {found}")
    quickest = {"pdtui": Taken(min(mine), 0), "grep": Taken(min(theirs), 0)}
    return Figures(quickest, {}).against(work, ours, grep, limit, f", {held:,} rows found")


def _counted(bench: Bench, grep: Command) -> int:
    """What grep says, to know that both did the same work."""
    said = subprocess.run(
        list(grep.words),
        capture_output=True,
        cwd=bench.files.folder,
        env={**os.environ, **grep.environment},
        check=False,
    )
    return int(said.stdout)


class _Searcher:
    """A process that has indexed a file and searches it when asked."""

    def __init__(self, bench: Bench, name: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(_SEARCHER), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=bench.files.folder,
            env={**os.environ, **bench.peers.environment},
        )

    def __enter__(self) -> _Searcher:
        self._answer()  # it is ready
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def search(self, pattern: str) -> tuple[float, int]:
        """Seconds that a search took, and how many rows hold the pattern."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{pattern}\n")
        self._process.stdin.flush()
        seconds, hits = self._answer().split()
        return float(seconds), int(hits)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise FailedError(f"the search ended with status {self._process.wait()}")
        return line


def _amount(bench: Bench, names: list[str], lines: int) -> str:
    return f"2 × {lines:,} lines ({bench.files.size(names) / 1e6:,.0f} MB)"
