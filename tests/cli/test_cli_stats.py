"""`pdtui stats`: counts for people and for programs, and what is wrong with sources."""

from __future__ import annotations

import json
from pathlib import Path

from cli_lines import DECODE, PREFILL, Run

PAIR = ("prefill.log", "decode.log")


def test_counts_for_people(run: Run, logs: Path) -> None:
    """A paragraph a source, and a line for all."""
    result = run("stats", *PAIR)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "prefill: 9 rows in 9 records" in result.stdout
    assert "🔍 debug 5" in result.stdout
    assert "zmq_address=127.0.0.1:14579" in result.stdout
    assert "all 2 sources: 16 rows" in result.stdout


def test_counts_for_programs(run: Run, logs: Path) -> None:
    """Every count, as JSON; the sums are those of the parts."""
    said = json.loads(run("stats", "--json", "--year", "2026", *PAIR).stdout)
    assert [source["rows"] for source in said["sources"]] == [9, 7]
    assert said["rows"] == 16
    assert said["bytes"] == len((PREFILL + DECODE).encode())
    assert (said["first"], said["last"]) == ("2026-11-22T06:42:20", "2026-11-22T06:42:30")
    assert said["sources"][0]["levels"] == {"INFO": 8, "WARNING": 1}
    assert said["sources"][0]["unclaimed"] == {"rows": 0, "share": 0.0, "examples": []}


def test_filters_count(run: Run, logs: Path) -> None:
    """Only rows that pass are counted, so that it is a `grep -c` for everything."""
    said = json.loads(run("stats", "--json", "-m", "alert", *PAIR).stdout)
    assert [source["rows"] for source in said["sources"]] == [1, 1]
    assert said["sources"][1]["markers"] == {"🚨": 1}


def test_what_a_log_holds_cannot_reach_the_terminal(run: Run, logs: Path) -> None:
    """An example that holds an escape sequence is shown with its picture."""
    Path("odd.log").write_bytes(b"\x07stray\x1bc\nINFO 11-22 06:42:20 [a.py:1] x\n")
    result = run("stats", "odd.log")
    assert "␇stray␛c" in result.stdout
    assert "\x1b" not in result.stdout


def test_a_missing_source_is_named_and_the_rest_counted(run: Run, logs: Path) -> None:
    """Status 2, as for every command."""
    result = run("stats", "prefill.log", "gone.log")
    assert result.exit_code == 2
    assert result.stderr.startswith("pdtui: gone.log: ")
    assert "prefill: 9 rows" in result.stdout
