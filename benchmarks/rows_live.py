"""Rows of the table about files that are being written: following a flood, and rest."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import flood
from benchmarks.bench import Bench, length
from benchmarks.measure import FailedError, memory, percentile, processor_seconds
from benchmarks.results import Line
from benchmarks.terminal import Screen

_FLOODED, _IDLE = 8, 16
_SAID = "said.json"
_SIZE = (240, 60)
_MARK = re.compile(rb"mark (\d+) (\d+)\.")
_ROWS = re.compile(rb"sources?  ([\d,]+) rows")
_OVERLAP = 200
"""Bytes of what came before that are searched again, for what came in two parts."""
_KEY, _FROZEN, _LIVE = "=", "‖ frozen".encode(), "● live".encode()
_SHARE_OF_KEYS = 1 / 3
"""Of the flood's time, its end; keys freeze the screen, so no delay is measured then."""
_KEY_EVERY = 0.7
_WARM = 1.0
"""Seconds at the beginning of the flood whose delays are not counted."""


@dataclass(slots=True)
class Watched:
    """What was seen on the screen during a flood."""

    seen: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    """File → turns whose marks were seen, rising, with the moment of each."""
    rows: int = 0
    frozen: int = 0
    live: int = 0
    tail: bytes = b""

    def take(self, heard: bytes, came: float) -> None:
        """Takes in what the program painted at a moment."""
        text = self.tail + heard
        self.tail = text[-_OVERLAP:]
        for found in _MARK.finditer(text):
            marks = self.seen.setdefault(int(found[1]), [])
            if not marks or int(found[2]) > marks[-1][0]:
                marks.append((int(found[2]), came))
        for found in _ROWS.finditer(text):
            self.rows = int(found[1].replace(b",", b""))
        # Without the overlap: what was painted before a key must not answer it.
        self.frozen += heard.count(_FROZEN)
        self.live += heard.count(_LIVE)

    def delays(self, written: list[list[float]], begin: float, end: float) -> list[float]:
        """Of every mark written between these moments, seconds until its row was on the screen.

        Or a later row of its file: what comes too fast to be painted has been passed by.
        """
        found = []
        for number, moments in enumerate(written):
            marks, place = self.seen.get(number, []), 0
            for turn, at in enumerate(moments):
                while place < len(marks) and marks[place][0] < turn:
                    place += 1
                if begin <= at < end:
                    found.append(marks[place][1] - at if place < len(marks) else float("inf"))
        return found


def following(bench: Bench) -> list[Line]:
    """Eight files, 200,000 lines a second together: nothing lost, soon painted, keys answered."""
    folder = bench.files.empty("flood")
    names = flood.names(_FLOODED)
    for name in names:
        (folder / name).touch()
    command = bench.peers.pdtui("--split", "source", *(f"flood/{name}" for name in names))
    watched = Watched()
    with Screen(command, bench.files.folder, size=_SIZE, blind=True) as screen:
        _watch(screen, watched, lambda: watched.live > 0, bench.patience, "● live")
        before = memory(screen.process.pid, "Pss_Anon")
        with _writer(bench, folder) as writer:
            during = _during(bench, screen, watched, writer)
        said = flood.Flooded(**json.loads((folder / _SAID).read_text()))
        total, over = said.lines * _FLOODED, time.monotonic()
        behind = total - watched.rows
        drained = _catch_up(screen, watched, total, 2 * bench.flood + 10) - over
        own = memory(screen.process.pid, "Pss_Anon") - before
    bench.files.empty("flood")
    work = (
        f"following {_FLOODED} files at {total / said.seconds:,.0f} lines/s "
        f"for {said.seconds:.0f} s"
    )
    got = f"{watched.rows:,} of {total:,} rows"
    late = f"{behind:,} behind at the end, {length(max(drained, 0))} to catch up"
    whole = Line(work, "all, none twice", got, late, command.shown, watched.rows == total)
    begin = said.written[0][0] + _WARM
    delays = watched.delays(said.written, begin, during.first_key)
    return [whole, *_in_a_flood(work, during, delays, own, watched.rows)]


def _in_a_flood(work: str, during: _During, delays: list[float], own: int, rows: int) -> list[Line]:
    """The lines about what was measured while the flood went on."""
    a_row, more = own / max(rows, 1), f"{own / 1e6:.0f} MB more"
    return [
        _soon(f"{work}: write to painted", delays, 0.5),
        _soon(f"{work}: key to its answer", during.keys, 0.1),
        _line(f"{work}: memory", 32, a_row, "bytes a row", more),
        _line(f"{work}: to the terminal", 300, during.painted / 1e3, "KB/s"),
    ]


@contextmanager
def _writer(bench: Bench, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process that floods the files; what it says of it is in `_SAID`, once it has ended."""
    words = (str(folder), str(_FLOODED), str(bench.rate), str(bench.flood))
    with (
        (folder / _SAID).open("wb") as said,
        subprocess.Popen([sys.executable, flood.__file__, *words], stdout=said) as writer,
    ):
        try:
            yield writer
        finally:
            writer.kill()


@dataclass(frozen=True, slots=True)
class _During:
    """What was measured while the flood went on."""

    keys: list[float]
    """Seconds that keys took."""
    painted: float
    """Bytes a second to the terminal before the first of them."""
    first_key: float
    """The moment of that."""


def _during(
    bench: Bench, screen: Screen, watched: Watched, writer: subprocess.Popen[bytes]
) -> _During:
    """Watches until the writer has ended; types keys in the last part of that."""
    _watch(screen, watched, lambda: bool(watched.seen), bench.patience, "a mark")
    began, count, keys = time.monotonic(), screen.count, list[float]()
    while time.monotonic() < began + bench.flood * (1 - _SHARE_OF_KEYS):
        _read(screen, watched)
    first_key = time.monotonic()
    painted = (screen.count - count) / (first_key - began)
    while writer.poll() is None:
        keys += [_key(bench, screen, watched, "frozen"), _key(bench, screen, watched, "live")]
    return _During(keys, painted, first_key)


def _key(bench: Bench, screen: Screen, watched: Watched, what: str) -> float:
    """Types the key that freezes the screen or goes on; seconds until the title says so."""
    before, typed = getattr(watched, what), time.monotonic()
    screen.type(_KEY)
    answered = _watch(
        screen, watched, lambda: getattr(watched, what) > before, bench.patience, what
    )
    over = time.monotonic() + _KEY_EVERY / 2
    while time.monotonic() < over:
        _read(screen, watched)
    return answered - typed


def _catch_up(screen: Screen, watched: Watched, rows: int, longest: float) -> float:
    """Waits for as many rows, and whether they stay as many; the moment when they were there."""
    try:
        there = _watch(screen, watched, lambda: watched.rows >= rows, longest, "all rows")
    except FailedError:
        return time.monotonic()  # the line says how many there are
    over = time.monotonic() + 2
    while time.monotonic() < over:
        _read(screen, watched)
    return there


def _read(screen: Screen, watched: Watched) -> None:
    screen.read(0.02)
    if screen.heard:
        watched.take(screen.heard, screen.came)
    elif screen.process.poll() is not None:
        raise FailedError(f"{screen.name} ended with status {screen.process.returncode}")


def _watch(
    screen: Screen, watched: Watched, holds: Callable[[], bool], longest: float, what: str
) -> float:
    """Reads until this holds; the moment at which it was painted."""
    end = time.monotonic() + longest
    while not holds():
        _read(screen, watched)
        if time.monotonic() > end:
            raise FailedError(f"{screen.name} did not show {what} within {longest:.0f} s")
    return screen.came


def _line(work: str, most: float, got: float, unit: str, figures: str = "") -> Line:
    """The line that asks for at most so much of something."""
    digits = 0 if got >= 10 else 2
    return Line(work, f"≤ {most:g} {unit}", f"{got:.{digits}f} {unit}", figures, "", got <= most)


def _soon(work: str, seconds: list[float], limit: float) -> Line:
    """The line that asks for so many seconds at the 95th percentile."""
    if not seconds:
        raise FailedError(f"{work}: nothing was seen")
    most = percentile(seconds, 0.95)
    never = sum(one == float("inf") for one in seconds)
    figures = f"{len(seconds)} times: median {length(percentile(seconds, 0.5))}"
    figures += f", longest {length(max(seconds))}" if not never else f", {never} never"
    asked = f"≤ {length(limit)} at the 95th percentile"
    return Line(work, asked, length(most), figures, "", most <= limit)


def idle(bench: Bench) -> list[Line]:
    """Sixteen live files in which nothing happens: processor, and bytes to the terminal."""
    folder = bench.files.empty("idle")
    names = flood.names(_IDLE)
    for number, name in enumerate(names):
        (folder / name).write_bytes(b"".join(flood.templates(number, 20)[:5]))
    command = bench.peers.pdtui(*(f"idle/{name}" for name in names))
    watched = Watched()
    with Screen(command, bench.files.folder, size=_SIZE, blind=True) as screen:
        _watch(screen, watched, lambda: watched.live > 0, bench.patience, "● live")
        for number, name in enumerate(names):
            with (folder / name).open("ab") as file:
                file.write(flood.mark(number, 0, "11-20 00:00:01"))
        _watch(screen, watched, lambda: bool(watched.seen), bench.patience, "what was appended")
        screen.until_at_rest(bench.patience)
        began, used, count = time.monotonic(), processor_seconds(screen.process.pid), screen.count
        while time.monotonic() < began + bench.idle:
            screen.read(0.1)
        seconds = time.monotonic() - began
        share = (processor_seconds(screen.process.pid) - used) / seconds
        painted = (screen.count - count) / seconds
    work, over = f"{_IDLE} live files at rest", f"over {seconds:.0f} s"
    processor = _line(f"{work}: processor", 1, 100 * share, "% of a core", over)
    processor.command = f"pdtui idle/*.log, {_IDLE} files"
    return [processor, _line(f"{work}: to the terminal", 1, painted / 1e3, "KB/s", over)]
