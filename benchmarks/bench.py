"""What all rows are given: files, peers, sizes; and the lines that compare two programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.files import Files, warm
from benchmarks.measure import Command, FailedError, Taken, best
from benchmarks.peers import Peers
from benchmarks.results import Line

_STARTS = 5
"""Starts on a file of one line, of which the quickest counts."""
_LEAST = 0.001
"""Seconds beyond start-up that are told from none."""

_CALLED = {"wc": "`wc -l`", "grep": "`LC_ALL=C grep -c`"}


@dataclass(frozen=True, slots=True)
class Bench:
    """One run: where the files are, which peers there are, and how large everything is."""

    files: Files
    peers: Peers
    turns: int
    """How often each program runs; the quickest run counts."""
    tiny: int = 50
    """Lines of a small file (10 KB)."""
    small: int = 1_000_000
    large: int = 5_000_000
    """Lines of a large file (1 GB)."""
    huge: int = 25_000_000
    flood: float = 60.0
    """Seconds that files are flooded."""
    rate: int = 25_000
    """Lines a second into each of them."""
    idle: float = 30.0
    """Seconds that the viewer is watched at rest."""
    patience: float = 900.0
    """Seconds after which what a viewer has not shown is not waited for."""

    def pair(self, lines: int) -> list[str]:
        """Two files of so many lines each, in memory as far as that holds them."""
        names = self.files.pair(lines)
        warm([self.files.folder / name for name in names])
        return names

    def best(self, commands: Sequence[Command]) -> dict[str, Taken | FailedError]:
        """The best run of each of these, run in turns."""
        return best(commands, self.files.folder, self.turns)

    def starts(self, commands: Sequence[Command]) -> dict[str, Taken | FailedError]:
        """The quickest start of each of these."""
        return best(commands, self.files.folder, max(self.turns, _STARTS))


@dataclass(frozen=True, slots=True)
class Figures:
    """What two or more programs took for the same work, and for starting."""

    taken: Mapping[str, Taken | FailedError]
    started: Mapping[str, Taken | FailedError]

    def seconds(self, name: str) -> float:
        """Seconds of a program, beyond its start where that was measured; raises its failure."""
        taken, started = self.taken[name], self.started.get(name)
        if isinstance(taken, FailedError):
            raise taken
        beyond = started.seconds if isinstance(started, Taken) else 0.0
        return max(taken.seconds - beyond, _LEAST)

    def processor(self, name: str) -> float:
        """The same of processor time."""
        taken, started = self.taken[name], self.started.get(name)
        beyond = started.processor if isinstance(started, Taken) else 0.0
        return max(taken.processor - beyond, 0.0) if isinstance(taken, Taken) else 0.0

    def said(self, name: str) -> str:
        """`lnav 3.20 s (processor 3.31 s)`, or why there is no such figure."""
        try:
            text = f"{name} {length(self.seconds(name))}"
        except FailedError as failure:
            return f"{name} failed: {failure}"
        used = self.processor(name)
        return f"{text} (processor {length(used)})" if used else text

    def against(
        self, work: str, ours: Command, peer: Command, limit: float, note: str = ""
    ) -> Line:
        """The line that asks for at most `limit` times the peer's time."""
        figures = f"{self.said(ours.name)}, {self.said(peer.name)}"
        figures += ", both beyond start-up" if self.started else ""
        line = Line(
            work,
            _asked(limit, peer.name),
            "",
            figures + note,
            f"{ours.shown}\n{peer.shown}",
            None,
        )
        try:
            ratio = self.seconds(ours.name) / self.seconds(peer.name)
        except FailedError as failure:
            line.got = str(failure)
        else:
            line.got, line.met = times(ratio), ratio <= limit
        return line


def _asked(limit: float, peer: str) -> str:
    return f"≤ {limit:g} × {_CALLED.get(peer, peer)}"


def missing(work: str, limit: float, peer: str, ours: Command) -> Line:
    """The line where the peer is not installed."""
    return Line(work, _asked(limit, peer), f"{peer} is missing", "", ours.shown, None)


def times(ratio: float) -> str:
    """A ratio, with as many digits as say something."""
    return f"{ratio:.2f} ×" if ratio < 10 else f"{ratio:.0f} ×"


def length(seconds: float) -> str:
    """Seconds, with as many digits as say something; `never` for no end of them."""
    if seconds == float("inf"):
        return "never"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def mega(size: float) -> str:
    """Bytes as megabytes."""
    return f"{size / 1e6:,.0f} MB"
