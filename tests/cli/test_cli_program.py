"""The program as a whole: help, what it imports, how it ends, completion, the legend."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_lines import PREFILL, Run, Spawn
from click.shell_completion import BashComplete

from pdtui import __version__
from pdtui.cli.export import FORMS
from pdtui.cli.main import program
from pdtui.cli.markers import cells
from pdtui.cli.options import SPLITS
from pdtui.core.export import FORMS as CORE_FORMS
from pdtui.core.lanes import Split
from pdtui.core.markers import MARKERS

REAL = str(Path(__file__).parent.parent / "data" / "h200" / "pd-tp2-workers")
LIST_MODULES = """
import atexit, json, sys
from pdtui.cli.main import run
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
run()
"""


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_shows_the_viewer_and_the_commands(run: Run, flag: str) -> None:
    result = run(flag)
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "Usage: pdtui [OPTIONS] [LABEL=]SOURCE...\n       pdtui COMMAND [OPTIONS]...\n"
    )
    for word in ("--rank", "--no-follow", "--ascii", "--version"):
        assert word in result.stdout
    _, commands = result.stdout.split("Commands:\n")
    assert re.findall(r"^  (\w+)  +\w.*[^.]\.$", commands, re.M) == [
        "export",
        "check",
        "demo",
        "markers",
    ]


@pytest.mark.parametrize("command", program.commands.values(), ids=str)
def test_help_of_each_command(run: Run, command: object) -> None:
    name = getattr(command, "name", "")
    result = run(name, "-h")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: pdtui {name} [OPTIONS]")
    assert max(map(cells, result.stdout.splitlines())) <= 80


def test_nothing_asked_for(spawn: Spawn) -> None:
    result = spawn()
    assert result.returncode == 2
    assert b"Usage: pdtui [OPTIONS] [LABEL=]SOURCE..." in result.stderr


def test_options_but_no_source(run: Run) -> None:
    result = run("-r", "0")
    assert result.exit_code == 2
    assert "Missing argument '[LABEL=]SOURCE...'" in result.stderr


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"pdtui, version {__version__}\n"


def test_a_command_after_its_options(run: Run, logs: Path) -> None:
    result = run("-r", "0", "export", "prefill.log")
    assert result.exit_code == 2
    assert "pdtui export ..." in result.stderr
    assert "./export" in result.stderr


@pytest.mark.parametrize(
    ("words", "never"),
    [
        (["--help"], {"numpy", "textual", "rich", "watchdog"}),
        (["markers"], {"numpy", "textual", "rich", "watchdog"}),
        (["demo", "--help"], {"numpy", "textual", "rich", "watchdog"}),
        (["export", "--help"], {"numpy", "textual", "rich", "watchdog"}),
        (["export", "prefill.log"], {"textual", "rich", "watchdog"}),
        (["export", "-"], {"textual", "rich", "watchdog"}),
        # `np.unique` by itself imports it.
        *(([command, REAL], {"numpy.ma"}) for command in ("export", "stats", "check")),
    ],
)
def test_nothing_is_imported_that_is_not_needed(
    logs: Path, environment: dict[str, str], words: list[str], never: set[str]
) -> None:
    command = [sys.executable, "-c", LIST_MODULES, *words]
    result = subprocess.run(
        command, env=environment, capture_output=True, check=False, input=b"a\n"
    )
    assert result.returncode < 2
    assert never.isdisjoint(json.loads(result.stderr))


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_a_reader_that_leaves(logs: Path, environment: dict[str, str], form: str) -> None:
    Path("prefill.log").write_text(PREFILL * 400)
    words = [sys.executable, "-m", "pdtui", "export", "-f", form, "prefill.log"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, env=environment, stdout=pipe, stderr=pipe) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize("words", [["export", "prefill.log"], ["markers"], ["--help"]])
def test_a_reader_that_never_reads(
    logs: Path, environment: dict[str, str], words: list[str]
) -> None:
    """What is written stays in a buffer until the interpreter ends: that must be quiet too."""
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, "-m", "pdtui", *words],
        env=environment, stdout=writing, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writing)
    assert result.stderr == b""
    assert result.returncode == 0


@pytest.mark.parametrize("words", [["export", "prefill.log"], ["markers"], ["--help"]])
def test_a_full_disk(spawn: Spawn, logs: Path, words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        result = spawn(*words, stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert result.returncode == 2
    assert result.stderr.endswith(b": no space left on device\n")
    assert result.stderr.count(b"\n") == 1


def test_ctrl_c(logs: Path, environment: dict[str, str]) -> None:
    os.mkfifo("pipe.log")
    words = [sys.executable, "-m", "pdtui", "export", "pipe.log"]

    def heed_interrupts() -> None:
        # Whoever runs the tests in the background may have had it ignored.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        words,
        env=environment,
        stderr=subprocess.PIPE,
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - the test has no threads of its own
    ) as process:
        # This waits until the program has opened the other end, and is in the midst of it.
        with Path("pipe.log").open("wb"):
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
        assert process.stderr
        assert process.stderr.read() == b""


def test_names_that_are_said_twice() -> None:
    """The command line names these itself, so that its help needs no numpy."""
    assert list(SPLITS) == [split.value for split in Split if split is not Split.ROLE]
    assert list(FORMS) == list(CORE_FORMS)


def completions(*words: str) -> list[tuple[str, str]]:
    asked = BashComplete(program, {}, "pdtui", "_PDTUI_COMPLETE")
    found = asked.get_completions(list(words[:-1]), words[-1])
    return [(item.type, item.value) for item in found]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["pre"], [("file", "pre")]),
        (["ex"], [("file", "ex"), ("plain", "export")]),
        ([""], [("file", "")]),
        (["prefill.log", "ex"], [("file", "ex")]),
        (["-r", "0", "ex"], [("file", "ex")]),
        (["export", "pre"], [("file", "pre")]),
        (["--split", "r"], [("plain", "rank")]),
        (["export", "-f", "t"], [("plain", "text"), ("plain", "timeline")]),
        (["export", "-m", "🔍,!al"], [("plain", "🔍,!alert")]),
        (["-l", "W"], [("plain", "warning")]),
        (["--no"], [("plain", "--no-follow")]),
        (["demo", "--scenario", "st"], [("plain", "stuck")]),
    ],
)
def test_completion(logs: Path, words: list[str], found: list[tuple[str, str]]) -> None:
    assert completions(*words) == found


def test_completion_prefers_a_file_to_a_command(logs: Path) -> None:
    Path("export-of-today.log").touch()
    assert completions("ex") == [("file", "ex")]


def test_completion_from_the_shell(spawn: Spawn, logs: Path, environment: dict[str, str]) -> None:
    asked = {"_PDTUI_COMPLETE": "bash_complete", "COMP_WORDS": "pdtui mar", "COMP_CWORD": "1"}
    assert spawn(env=environment | asked).stdout == b"file,mar\nplain,markers\n"


def test_legend(run: Run) -> None:
    result = run("markers")
    assert result.exit_code == 0
    head, *rows = result.stdout.split("\n\n")[0].splitlines()
    assert len(rows) == len(MARKERS)
    starts = [cells(head[: head.index(word)]) for word in ("NAME", "--ascii", "MEANING")]
    for marker, row in zip(MARKERS, rows, strict=True):
        assert row.startswith(marker.emoji)
        columns = (", ".join(marker.words), marker.letter, marker.meaning)
        found = [cells(row[: row.index(f"  {text}") + 2]) for text in columns]
        assert found == starts


def test_legend_where_the_terminal_has_no_emoji(spawn: Spawn, environment: dict[str, str]) -> None:
    result = spawn("markers", env=environment | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"})
    assert (result.returncode, result.stderr) == (0, b"")
    assert rb"\U0001f50d" in result.stdout
