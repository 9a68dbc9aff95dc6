"""What was measured: kept beside the table as JSON, so that some rows can be measured anew."""

from __future__ import annotations

import json
import os
import platform
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import TICKS, cores

_DISTURBED = 0.2
"""Cores that others use from which on it is said."""
_YES, _NO, _UNKNOWN = "yes", "**no**", "not measured"
_HEAD = "| work | asked | got | figures | command | met? |\n| --- | --- | --- | --- | --- | --- |"


@dataclass(slots=True)
class Line:
    """A line of the table."""

    work: str
    asked: str
    got: str
    """The ratio, or what else is asked for; why there is none."""
    figures: str
    """What the ratio is of, with units."""
    command: str
    met: bool | None
    """None where it could not be measured, or where nothing is asked."""


@dataclass(slots=True)
class Measured:
    """All lines of one row of the benchmark."""

    name: str
    lines: list[Line] = field(default_factory=list)
    failed: str = ""
    """Why it could not be measured."""
    date: str = ""
    seconds: float = 0.0
    turns: int = 0
    """How often each program ran."""
    others: float = 0.0
    """Cores that others used just before it began."""


class Results:
    """The rows measured so far."""

    def __init__(self, folder: Path, stem: str, order: Sequence[str]) -> None:
        self._json = folder / f"{stem}.json"
        self._table = folder / f"{stem}.md"
        self._order = order
        self.head: dict[str, str] = {}
        """What the rows have in common: name → what to say."""
        self.rows: dict[str, Measured] = {}
        self._read()

    def add(self, row: Measured) -> None:
        """Keeps a row in place of what was measured of it before, and writes the table."""
        self.rows[row.name] = row
        self._json.parent.mkdir(parents=True, exist_ok=True)
        kept = {"head": self.head, "rows": [asdict(row) for row in self._ordered()]}
        self._json.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
        self._table.write_text(self.text())

    def text(self) -> str:
        """RESULTS.md."""
        return "\n".join(
            (
                "# How fast it is",
                "",
                "Written by `benchmarks/run.py`. What each row measures: [README.md](README.md).",
                "",
                *(f"- {name}: {said}" for name, said in self.head.items()),
                *_circumstances(self._ordered()),
                "",
                _HEAD,
                *(text for row in self._ordered() for text in _lines(row)),
                "",
                summary(self._ordered()),
                "",
            )
        )

    def _ordered(self) -> list[Measured]:
        return [self.rows[name] for name in self._order if name in self.rows]

    def _read(self) -> None:
        try:
            kept = json.loads(self._json.read_text())
            self.head = kept["head"]
            for row in kept["rows"]:
                row["lines"] = [Line(**line) for line in row["lines"]]
                self.rows[row["name"]] = Measured(**row)
        except (OSError, ValueError, KeyError, TypeError):
            self.rows.clear()  # not there, or written by another version: measured anew


def summary(rows: Iterable[Measured]) -> str:
    """`12 of 14 met, 1 not, 1 not measured`, of the lines of which anything is asked."""
    answers = [line.met for row in rows for line in row.lines if line.asked]
    failed = sum(bool(row.failed) for row in rows)
    met, missed = answers.count(True), answers.count(False)
    said = f"{met} of {len(answers)} met, {missed} not, {answers.count(None)} not measured"
    return said + (f"; {failed} of the rows failed" if failed else "") + "."


def _circumstances(rows: list[Measured]) -> list[str]:
    """When and how the rows were measured, and that the machine was not idle where it was not."""
    if not rows:
        return []
    first, last = min(row.date for row in rows), max(row.date for row in rows)
    turns = sorted({row.turns for row in rows})
    said = [
        f"- measured: {first}" + (f" to {last}" if last != first else "") + " UTC",
        f"- figures: the quickest of {' or '.join(map(str, turns))} runs of each program, in turns",
    ]
    if busy := [f"{row.name} {row.others:.1f}" for row in rows if row.others > _DISTURBED]:
        said.append(f"- the machine was not idle; cores that others used: {', '.join(busy)}")
    return said


def _lines(row: Measured) -> list[str]:
    if row.failed:
        return [_line(Line(row.name, "", f"failed: {row.failed}", "", "", None), _UNKNOWN)]
    return [_line(line, _answer(line)) for line in row.lines]


def _answer(line: Line) -> str:
    if not line.asked:
        return ""
    return _UNKNOWN if line.met is None else _YES if line.met else _NO


def _line(line: Line, answer: str) -> str:
    command = "<br>".join(f"`{part}`" for part in line.command.splitlines())
    cells = (line.work, line.asked, line.got, line.figures, command, answer)
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text).replace("\n", " ").strip()


def now() -> str:
    """The date and time, for a row."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M}"


def used_by_others(seconds: float = 1.0) -> float:
    """Cores that are used while nothing is measured."""
    before = _busy()
    time.sleep(seconds)
    return round((_busy() - before) / seconds, 2)


def _busy() -> float:
    """Seconds that all cores together were not idle; 0 where the system does not say."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    except OSError:
        return 0.0
    user, nice, system, _idle, _wait, *rest = map(int, fields)
    return (user + nice + system + sum(rest)) / TICKS


def machine() -> str:
    """Cores, processor and memory; nothing that names this machine."""
    return (
        f"{len(cores())} cores of {_processor()}, {_memory() / 2**30:.0f} GB, "
        f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}"
    )


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
    return found[1] if found else platform.processor() or "an unknown processor"


def _memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
