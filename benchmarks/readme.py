#!/usr/bin/env python3
"""Writes three of the figures of RESULTS.json into the README: `python benchmarks/readme.py`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from benchmarks.results import Line, Results  # noqa: E402

BEGIN = "<!-- speed: begin; benchmarks/readme.py writes what stands between -->\n"
END = "<!-- speed: end -->\n"
_ROWS = ("stats-large", "first-screen", "filters", "stats-small", "export", "export-marker")
"""The rows of which the first line is shown, the first ones first, as far as they are measured."""
_SHOWN = 3


def readme(text: str, results: Results) -> str:
    """The README's text with the figures of now."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the README has no place for the figures")
    return before + begin + "\n".join(_said(results)) + "\n" + end + after


def _said(results: Results) -> list[str]:
    rows = [results.rows[name] for name in _ROWS if name in results.rows]
    shown = [row.lines[0] for row in rows if row.lines and row.lines[0].met is not None][:_SHOWN]
    machine = results.head.get("machine", "a machine")
    dates = {row.date.partition(" ")[0] for row in rows}
    return [f"Measured on {machine}, {max(dates, default='')}:", "", *map(_line, shown)]


def _line(line: Line) -> str:
    """`- stats, …: **0.30 × lnav**; pdtui 3.10 s, lnav 10.2 s`."""
    of = line.asked.partition("×")[2] if line.got.endswith("×") else ""
    return f"- {line.work}: **{line.got}{of}**; {line.figures}"


def main() -> None:
    """Writes the README."""
    path = ROOT / "README.md"
    results = Results(Path(__file__).parent, "RESULTS", ())
    path.write_text(readme(path.read_text(), results))


if __name__ == "__main__":
    main()
