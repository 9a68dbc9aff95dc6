"""Rows of the table about a viewer on files that are there: first screen, memory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.bench import Bench, length, mega, times
from benchmarks.files import ROLES
from benchmarks.measure import Command, FailedError, MemoryWatch, memory, run
from benchmarks.results import Line
from benchmarks.terminal import Screen

_BASE = "import textual.app, numpy"
_APPENDED = "INFO 12-31 23:59:59 [launcher.py:99] appended to {}\n"
_SOON = 1.0
"""Seconds within which a viewer that follows shows what is appended."""
_ROWS = re.compile(r"(?P<live>● live)? +\d+ sources? +(?P<rows>[\d,]+) rows")


def first_screen(bench: Bench) -> list[Line]:
    """From the start to the last lines of both files on the screen, and to following them."""
    large, tiny = bench.pair(bench.large), bench.pair(bench.tiny)
    peers, base = bench.peers, bench.peers.python(_BASE)
    viewers = [
        _Viewer("10 KB", peers.pdtui(*tiny), bench.tiny),
        _Viewer("pdtui", peers.pdtui(*large), bench.large),
        _Viewer("lnav", peers.lnav(*large), bench.large),
        _Viewer("toolong", peers.toolong(*large), bench.large),
    ]
    starts = list[float]()
    for _ in range(bench.turns):
        starts.append(run(base, bench.files.folder).seconds)
        for viewer in viewers:
            viewer.start(bench)
    small, ours, lnav, toolong = viewers
    start, quick, slow = min(starts), small.best, ours.best
    return [
        Line(
            f"first useful screen, following, 2 × {bench.files.size(large[:1]) / 1e9:.2g} GB",
            "≤ 1.3 × of 2 × 10 KB",
            times(slow / quick),
            f"{ours.said}, of 2 × {small.said}, {lnav.said}, {toolong.said} (one file)",
            "\n".join(viewer.command.shown for viewer in viewers[1:]),
            slow <= 1.3 * quick,
        ),
        Line(
            "first useful screen, following, 2 × 10 KB",
            f"≤ 2.5 × `{base.shown}`",
            times(quick / start),
            f"pdtui {length(quick)}, python {length(start)}",
            f"{small.command.shown}\n{base.shown}",
            quick <= 2.5 * start,
        ),
    ]


@dataclass(slots=True)
class _Viewer:
    """A viewer on two files of so many lines, and how long its first screen took each time."""

    name: str
    command: Command
    lines: int
    seconds: list[float] = field(default_factory=list)
    failed: str = ""

    def start(self, bench: Bench) -> None:
        """Starts it once more. pdtui must not fail; of a peer, why it did is kept."""
        peer = self.command.name
        if peer != "pdtui" and not bench.peers.has(peer):
            self.failed = "is missing"
        if self.failed:
            return
        try:
            self.seconds.append(_first(bench, self.command, self.lines))
        except FailedError as failure:
            if peer == "pdtui":
                raise
            self.failed = f"failed: {failure}"

    @property
    def best(self) -> float:
        """Seconds of the quickest start."""
        return min(self.seconds)

    @property
    def said(self) -> str:
        """`lnav 9.70 s`, or why there is no such figure."""
        return f"{self.name} {self.failed or length(self.best)}"


def _first(bench: Bench, command: Command, lines: int) -> float:
    """Seconds to the last lines; of pdtui also whether what is appended then comes soon."""
    wanted = [f"last of {role}, " for role in ROLES]
    # toolong shows one file at a time, and its merged view opens at the top.
    enough = any if command.name == "toolong" else all
    with Screen(command, bench.files.folder) as screen:
        painted = screen.until(
            lambda text: enough(one in text for one in wanted),
            bench.patience,
            "the last lines",
        )
        if command.name == "pdtui":
            with _appended(bench, lines):
                screen.until(
                    lambda text: all(f"appended to {role}" in text for role in ROLES),
                    bench.patience,
                    "what was appended",
                )
                waited = screen.came - painted
            if waited > _SOON:
                # Not following yet: the screen was not useful before it did.
                return screen.came - screen.began
        return painted - screen.began


@contextmanager
def _appended(bench: Bench, lines: int) -> Iterator[None]:
    """A line more in each of the two files; they are as before afterwards."""
    paths = [bench.files.folder / str(lines) / f"{role}.log" for role in ROLES]
    before = [path.stat() for path in paths]
    try:
        for path, role in zip(paths, ROLES, strict=True):
            with path.open("a") as file:
                file.write(_APPENDED.format(role))
        yield
    finally:
        for path, was in zip(paths, before, strict=True):
            os.truncate(path, was.st_size)
            os.utime(path, (was.st_atime, was.st_mtime))


@dataclass(frozen=True, slots=True)
class _Used:
    """What a viewer had in memory."""

    peak: int
    own: int
    """Bytes that are not of files, when all was read."""
    seconds: float


def peak_memory(bench: Bench) -> list[Line]:
    """Peak memory of the viewer once all is indexed against lnav's, and what a row costs."""
    used = [_pdtui_memory(bench, lines) for lines in (bench.small, bench.large)]
    lines = []
    for count, limit, ours in zip((bench.small, bench.large), (1.3, 0.8), used, strict=True):
        names = bench.pair(count)
        lnav = bench.peers.lnav(*names)
        work = f"peak memory in the viewer, 2 × {count:,} lines"
        line = Line(work, f"≤ {limit:g} × lnav", "", f"pdtui {mega(ours.peak)}", "", None)
        line.command = f"{bench.peers.pdtui(*names).shown}\n{lnav.shown}"
        try:
            theirs = _lnav_memory(bench, lnav)
        except FailedError as failure:
            line.got = str(failure)
        else:
            line.got, line.met = times(ours.peak / theirs), ours.peak <= limit * theirs
            line.figures += f", lnav {mega(theirs)}"
        lines.append(line)
    return [*lines, _growth(bench, *used)]


def _growth(bench: Bench, small: _Used, large: _Used) -> Line:
    rows = 2 * (bench.large - bench.small)
    a_row = (large.own - small.own) / rows
    return Line(
        f"growth from 2 × {bench.small:,} to 2 × {bench.large:,} lines",
        "≤ 32 bytes a row",
        f"{a_row:.1f} bytes a row",
        f"own memory {mega(small.own)}, {mega(large.own)} when all is indexed",
        "",
        a_row <= 32,
    )


def _pdtui_memory(bench: Bench, lines: int) -> _Used:
    command = bench.peers.pdtui(*bench.pair(lines))
    with Screen(command, bench.files.folder) as screen, MemoryWatch(screen.process.pid) as watch:
        indexed = until_indexed(screen, 2 * lines, bench.patience)
        screen.until_at_rest(bench.patience)
        own = memory(screen.process.pid, "Pss_Anon")
    return _Used(watch.peak, own, indexed - screen.began)


def _lnav_memory(bench: Bench, command: Command) -> int:
    if not bench.peers.has("lnav"):
        raise FailedError("lnav is missing")
    with Screen(command, bench.files.folder) as screen, MemoryWatch(screen.process.pid) as watch:
        screen.until(lambda text: "last of " in text, bench.patience, "the last lines")
        screen.until_at_rest(bench.patience, 2.0)
    return watch.peak


def until_indexed(screen: Screen, rows: int, longest: float) -> float:
    """The moment at which the screen says that it is live with so many rows."""

    def indexed(text: str) -> bool:
        found = _ROWS.search(text.partition("\n")[0])
        return bool(found and found["live"] and int(found["rows"].replace(",", "")) == rows)

    return screen.until(indexed, longest, f"{rows:,} rows, live")
