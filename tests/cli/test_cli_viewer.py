"""What the viewer is opened with, and what stops it before the screen opens."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cli_lines import DECODE, PREFILL

from pdtui.cli.main import program
from pdtui.core.lanes import Split
from pdtui.core.query import Filter, parse_level, parse_markers, parse_ranks, parse_text

Open = Callable[..., dict[str, Any] | None]
UNTYPED = {"rank": "", "marker": "", "level": "", "text": ""}


@pytest.fixture
def opened(logs: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Runs the viewer's command line on a terminal; what the screen was opened with, if it was."""
    calls: list[dict[str, Any]] = []

    def open_viewer(named: list[Any], **given: Any) -> int:
        calls.append({"named": named, **given})
        return 7

    screen = ModuleType("pdtui.ui.opening")
    screen.open_viewer = open_viewer
    monkeypatch.setitem(sys.modules, "pdtui.ui.opening", screen)
    monkeypatch.setattr("pdtui.cli.viewer.keys_from_terminal", lambda: None)

    def start(*words: str) -> dict[str, Any] | None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        with pytest.raises(SystemExit) as ended:
            program.main(words, prog_name="pdtui")
        assert ended.value.code == (7 if calls else 2)
        return calls.pop() if calls else None

    return start


def labels(call: dict[str, Any] | None) -> list[str]:
    assert call is not None
    return [named.label for named in call["named"]]


def test_by_default(opened: Open) -> None:
    call = opened("prefill.log", "decode.log")
    assert labels(call) == ["prefill", "decode"]
    assert call
    del call["named"]
    assert call == {
        "wanted": Filter(),
        "typed": UNTYPED,
        "split": Split.AUTO,
        "offsets": {},
        "year": None,
        "follow": True,
        "ascii_only": False,
        "trouble": [],
    }


def test_every_option(opened: Open) -> None:
    call = opened(
        "prefill.log", "-r", "decode:0,!3", "-m", "🔍,alert", "-l", "warning", "-g", "NEW",
        "-p", "Worker", "-S", "10:31", "-U", "-3m", "--year", "2025", "--offset", "b=+4s",
        "--offset", "prefill=-1.5m", "--split", "rank", "--no-follow", "--ascii", "b=decode.log",
    )  # fmt: skip
    assert labels(call) == ["prefill", "b"]
    assert call
    del call["named"]
    assert call == {
        "wanted": Filter(
            ranks=parse_ranks("decode:0,!3"),
            markers=parse_markers("🔍,alert"),
            level=parse_level("warning"),
            texts=(parse_text("NEW"),),
            process="Worker",
            since="10:31",
            until="-3m",
        ),
        "typed": {"rank": "decode:0,!3", "marker": "🔍,alert", "level": "warning", "text": "NEW"},
        "split": Split.RANK,
        "offsets": {"b": 4_000_000, "prefill": -90_000_000},
        "year": 2025,
        "follow": False,
        "ascii_only": True,
        "trouble": [],
    }


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("-g", "a"), "a"),
        (("-x", "a"), "!a"),
        (("-g", "!a"), ""),
        (("-g", "a", "-g", "b"), ""),
        (("-g", "a", "-x", "b"), ""),
        (("-x", ""), ""),
    ],
)
def test_the_text_input_says_what_it_can(opened: Open, words: tuple[str, ...], text: str) -> None:
    call = opened(*words, "prefill.log")
    assert call
    assert call["typed"] == UNTYPED | {"text": text}
    expressions = list(zip(words[::2], words[1::2], strict=True))
    assert call["wanted"].texts == (
        *(parse_text(text) for flag, text in expressions if flag == "-g"),
        *(parse_text(text, excluded=True) for flag, text in expressions if flag == "-x"),
    )


@pytest.mark.parametrize("words", [("./export",), ("prefill.log", "export"), ("a=export",)])
def test_a_file_named_like_a_command(opened: Open, words: tuple[str, ...]) -> None:
    Path("export").write_text(PREFILL)
    call = opened(*words)
    assert call
    assert call["named"][-1].path == Path("export")


def test_what_can_never_be_a_log_is_said_beside_the_rest(opened: Open) -> None:
    Path("old.log").write_bytes(gzip.compress(b"x"))
    Path("none").mkdir()
    Path("empty.log").touch()
    call = opened("old.log", "none", "prefill.log", "absent.log", "empty.log")
    assert labels(call) == ["prefill", "absent", "empty"]
    assert call
    assert sorted(error.title for error in call["trouble"]) == ["none", "old.log"]


def test_nothing_that_could_be_shown(opened: Open, capsys: pytest.CaptureFixture[str]) -> None:
    Path("old.log").write_bytes(gzip.compress(b"x"))
    Path("none").mkdir()
    assert opened("old.log", "none") is None
    assert sorted(capsys.readouterr().err.splitlines()) == [
        "pdtui: none: is a folder without logs (*.log, *.out, *.err, *.jsonl)",
        "pdtui: old.log: is compressed; open it with: zcat FILE | pdtui -",
    ]


def test_no_follow_waits_for_nothing(opened: Open, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty.log").touch()
    call = opened("--no-follow", "prefill.log", "empty.log")
    assert labels(call) == ["prefill"]
    assert call
    assert [str(error) for error in call["trouble"]] == ["empty.log: is empty"]
    assert opened("--no-follow", "empty.log") is None
    assert capsys.readouterr().err == "pdtui: empty.log: is empty\n"
    assert opened("--no-follow", "prefill.log", "absent.log", "prefill.log/x") is None
    assert capsys.readouterr().err.splitlines() == [
        "pdtui: absent.log: cannot be read: no such file or directory",
        "pdtui: prefill.log/x: cannot be read: not a directory",
    ]


@pytest.mark.parametrize(
    "words", [("-r", "x"), ("-m", "x"), ("-l", "x"), ("-g", "("), ("-S", "x"), ("--offset", "x=1s")]
)
def test_wrong_options_open_nothing(
    opened: Open, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert opened(*words, "prefill.log") is None
    said = capsys.readouterr().err
    assert said.startswith("pdtui: ")
    assert said.count("\n") == 1


RECORD = """
import json, os, sys, types
if os.isatty(1):
    os.close(os.open(os.ttyname(1), os.O_RDWR))  # makes it the terminal of this session
from pdtui.cli.main import run

def open_viewer(named, **given):
    from pdtui.follow.opening import feed_of
    follower = feed_of(named[0], None, lambda: None).follower
    follower.ended.wait()
    read = follower.poll().data.decode()
    with open("opened.json", "w") as file:
        json.dump({"read": read, "keys": os.isatty(0), "named": len(named)}, file)
    return 0

screen = types.ModuleType("pdtui.ui.opening")
screen.open_viewer = open_viewer
sys.modules["pdtui.ui.opening"] = screen
run()
"""


def on_terminal(environment: dict[str, str], *words: str, **given: Any) -> tuple[int, str]:
    """Status and stderr of the program with a terminal of its own as stdout."""
    ours, theirs = pty.openpty()
    given = {"stdin": theirs, "stdout": theirs} | given
    process = subprocess.run(
        [sys.executable, "-c", RECORD, *words],
        env=environment, stderr=subprocess.PIPE, start_new_session=True, timeout=30, check=False,
        **given,
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    return process.returncode, process.stderr.decode()


def test_keys_come_from_the_terminal_where_stdin_is_the_log(
    logs: Path, environment: dict[str, str]
) -> None:
    with Path("decode.log").open("rb") as log:
        assert on_terminal(environment, "-", "prefill.log", stdin=log) == (0, "")
    assert json.loads(Path("opened.json").read_text()) == {
        "read": DECODE,
        "keys": True,
        "named": 2,
    }


@pytest.mark.parametrize("words", [("-",), ("-r", "0", "a=-", "prefill.log")])
def test_stdin_that_is_the_terminal(
    logs: Path, environment: dict[str, str], words: tuple[str, ...]
) -> None:
    said = "pdtui: -: stdin is the terminal: pipe a log into pdtui, or name a file\n"
    assert on_terminal(environment, *words) == (2, said)


def test_stdout_that_is_no_terminal(logs: Path, environment: dict[str, str]) -> None:
    said = "pdtui: stdout: is no terminal: `pdtui export` writes rows to files and pipes\n"
    with Path("out.txt").open("wb") as file:
        assert on_terminal(environment, "prefill.log", stdout=file) == (2, said)


def test_no_terminal_for_the_keys(logs: Path, environment: dict[str, str]) -> None:
    """Stdout is a terminal, but the session has none: under some launchers."""
    ours, theirs = pty.openpty()
    with Path("decode.log").open("rb") as log:
        process = subprocess.run(
            [sys.executable, "-m", "pdtui", "-"],
            env=environment, stdin=log, stdout=theirs, stderr=subprocess.PIPE,
            start_new_session=True, timeout=30, check=False,
        )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    assert process.returncode == 2
    assert process.stderr.startswith(b"pdtui: /dev/tty: no terminal to read keys from: ")
