"""`pdtui check`: its status, its text, its JSON, and what it does with bad input."""

from __future__ import annotations

import json
import os
import re
import time
from datetime import datetime
from pathlib import Path

import pytest
from cli_lines import DECODE, PREFILL, Run, Spawn

STUCK = "".join(PREFILL.splitlines(keepends=True)[:-2])
LAST = "".join(DECODE.splitlines(keepends=True)[:3])
LATER = "INFO 11-22 06:43:10 [p2p_nccl_engine.py:1] something else\n"
KEYS = {"kind", "severity", "source", "line", "time", "summary", "hint", "evidence", "follows"}


@pytest.fixture
def stuck(logs: Path) -> Path:
    """A pair whose decode never got the NEW."""
    (logs / "prefill.log").write_text(STUCK)
    (logs / "decode.log").write_text(LAST + LATER)
    return logs


def test_nothing_wrong_is_status_0(run: Run, logs: Path) -> None:
    """One line that says so, and how far the handshakes are."""
    result = run("check", "prefill.log", "decode.log")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[:2] == [
        "ok · rows: prefill 9, decode 7",
        "handshakes: 1 established",
    ]


def test_a_problem_is_status_1_and_short_enough_to_paste(run: Run, stuck: Path) -> None:
    """Who waits for whom, the row, and what to do next."""
    result = run("check", "prefill.log", "decode.log")
    assert (result.exit_code, result.stderr) == (1, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "1 problem · rows: prefill 7, decode 4"
    assert lines[3] == (
        "1. handshake-stalled: prefill waits in ncclCommInitRank for decode, 42 s: "
        "NEW was sent, never received"
    )
    assert lines[4].startswith("   prefill:7 06:42:28 🚨 [Rank 0] ENTERING ncclCommInitRank")
    assert lines[5].startswith("   → ")
    assert len(lines) == 6


def test_json_has_the_schema(run: Run, stuck: Path) -> None:
    """The keys that other programs count on."""
    result = run("check", "--json", "prefill.log", "decode.log")
    assert (result.exit_code, result.stderr) == (1, "")
    said = json.loads(result.stdout)
    assert set(said) == {"sources", "handshakes", "problems", "skew"}
    (problem,) = said["problems"]
    assert set(problem) == KEYS | {"waiting", "for", "step"}
    assert (problem["kind"], problem["source"], problem["line"]) == (
        "handshake-stalled",
        "prefill",
        7,
    )
    assert problem["time"].endswith("-11-22T06:42:28")
    assert (problem["waiting"], problem["for"]) == ("prefill", "decode")
    assert problem["evidence"] == [{"source": "prefill", "line": 7}]
    (handshake,) = said["handshakes"]
    assert handshake["state"] == "connector in ncclCommInitRank"
    assert [step["line"] for step in handshake["connector"]["steps"]] == [5, 6, 7]


def test_labels_and_one_log_from_stdin(spawn: Spawn, stuck: Path) -> None:
    """`P=prefill.log D=-`: named by the user."""
    done = spawn("check", "P=prefill.log", "D=-", input=(LAST + LATER).encode())
    assert done.returncode == 1
    assert b"P waits in ncclCommInitRank for D, 42 s" in done.stdout


@pytest.mark.parametrize("words", [["nothere.log"], ["prefill.log", "nothere.log"]])
def test_what_cannot_be_read_is_status_2(run: Run, logs: Path, words: list[str]) -> None:
    """Named on stderr with the reason; what can be read is checked."""
    result = run("check", *words)
    assert result.exit_code == 2
    assert "nothere.log: " in result.stderr
    assert ("ok" in result.stdout) == (len(words) == 2)


@pytest.mark.parametrize(
    "words",
    [
        ["--threshold", "-1", "prefill.log"],
        ["--threshold", "x", "prefill.log"],
        ["--offset", "nobody=+4s", "prefill.log"],
        ["-l", "loud", "prefill.log"],
        [],
    ],
)
def test_bad_options_are_status_2_and_no_traceback(run: Run, logs: Path, words: list[str]) -> None:
    """A sentence that says what was wrong."""
    result = run("check", *words)
    assert result.exit_code == 2
    assert result.stderr
    assert "Traceback" not in result.output


def test_a_log_without_one_line_of_a_handshake_has_no_problem(run: Run, logs: Path) -> None:
    """Whatever it is the log of."""
    (logs / "other.log").write_text("one\ntwo\n")
    result = run("check", "other.log")
    assert (result.exit_code, result.stdout) == (0, "ok · rows: other 2\n")
    assert json.loads(run("check", "--json", "other.log").stdout)["problems"] == []


def test_filters_leave_out_problems_of_which_no_row_passes(run: Run, stuck: Path) -> None:
    """The wait is of prefill's rank 0 in the last minute."""
    pair = ("prefill.log", "decode.log")
    assert run("check", "-r", "0", *pair).exit_code == 1
    assert run("check", "-r", "5", *pair).exit_code == 0
    assert run("check", "-S", "06:43", *pair).exit_code == 0


def test_an_offset_corrects_a_clock(run: Run, logs: Path) -> None:
    """Decode's clock is two minutes late; corrected, there is nothing to note."""
    late = re.sub(r"06:42:", "06:40:", DECODE)
    (logs / "decode.log").write_text(late)
    result = run("check", "prefill.log", "decode.log")
    assert result.exit_code == 0
    assert "note: clock-skew: clocks differ: decode at most −119 s" in result.stdout
    result = run("check", "--offset", "decode=+120s", "prefill.log", "decode.log")
    assert "clock-skew" not in result.stdout


def test_a_log_that_is_just_written_may_go_on(run: Run, logs: Path) -> None:
    """Its last stamp is of now: a handshake of a second is no stall, one of an hour is."""
    now = datetime.now()
    for ago, status in ((1, 0), (3600, 1)):
        stamps = iter([now.timestamp() - ago] * 7)
        text = re.sub(
            r"11-22 06:42:\d\d",
            lambda _, stamps=stamps: f"{datetime.fromtimestamp(next(stamps)):%m-%d %H:%M:%S}",
            STUCK,
        )
        later = f"INFO {now:%m-%d %H:%M:%S} [x.py:1] on\n"
        (logs / "prefill.log").write_text(text + later)
        assert run("check", "--threshold", "600", "prefill.log").exit_code == status
    old = time.time() - 3600
    os.utime(logs / "prefill.log", (old, old))
    assert run("check", "--threshold", "600", "prefill.log").exit_code == 1


def test_what_a_log_says_does_not_reach_the_terminal_as_it_is(run: Run, stuck: Path) -> None:
    """An escape sequence in a row that is shown becomes a sign."""
    evil = STUCK.replace("This will block", "\x1b]0;evil\x07\x9b31m This will block")
    evil += "Traceback (most recent call last):\n  x\nValueError: \x1b]0;evil\x07\x9b31m\n"
    (stuck / "prefill.log").write_text(evil)
    result = run("check", "prefill.log", "decode.log")
    assert "ValueError" in result.stdout
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", result.stdout)


def test_it_runs_as_a_program(spawn: Spawn, stuck: Path) -> None:
    """With the status that a shell sees, also where the reader leaves early."""
    done = spawn("check", "prefill.log", "decode.log")
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"handshake-stalled" in done.stdout
    assert spawn("check", "--help").returncode == 0
