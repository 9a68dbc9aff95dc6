"""What is wrong with sources and options is told in one line each, with status 2."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from random import Random

import pytest
from cli_lines import DECODE, PREFILL, Run, Spawn

LOOP = "loop.log"
NOISE = Random(0).randbytes(8192)


@pytest.fixture
def troubled(logs: Path) -> Path:
    """The pair's folder, with much in it that is no log."""
    Path("none").mkdir()
    Path("none/readme.md").write_text("no log")
    Path("empty.log").touch()
    Path("core.log").write_bytes(NOISE)
    Path("decode.log.gz").write_bytes(gzip.compress(DECODE.encode()))
    Path(LOOP).symlink_to(LOOP)
    return logs


TROUBLES = {
    "absent.log": "cannot be read: no such file or directory",
    "prefill.log/x.log": "cannot be read: not a directory",
    LOOP: "cannot be read: too many levels of symbolic links",
    "n" * 300: "cannot be read: file name too long",
    "none": "is a folder without logs (*.log, *.out, *.err, *.jsonl)",
    "none/*.log": "no file fits this pattern",
    "empty.log": "is empty",
    "core.log": "is binary, not a log",
    "decode.log.gz": "is compressed; open it with: zcat FILE | pdtui -",
}


@pytest.mark.parametrize("name", TROUBLES)
def test_each_is_named_and_the_rest_is_written(run: Run, troubled: Path, name: str) -> None:
    result = run("export", name, "prefill.log")
    assert result.exit_code == 2
    assert result.stderr == f"pdtui: {name}: {TROUBLES[name]}\n"
    assert result.stdout == PREFILL


def test_all_are_named(run: Run, troubled: Path) -> None:
    result = run("export", "-f", "csv", *TROUBLES)
    assert result.exit_code == 2
    assert sorted(result.stderr.splitlines()) == sorted(
        f"pdtui: {name}: {said}" for name, said in TROUBLES.items()
    )
    assert result.stdout == ""


def test_what_may_not_be_read(run: Run, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user other than root sees it, whoever runs the tests."""
    whole = Path.stat

    def stat(self: Path, **given: bool) -> os.stat_result:
        if "locked" in self.parts:
            raise PermissionError(13, "Permission denied", str(self))
        return whole(self, **given)

    monkeypatch.setattr(Path, "stat", stat)
    result = run("export", "locked/a=b.log", "locked/*.log", "prefill.log")
    assert result.exit_code == 2
    assert result.stdout == PREFILL
    assert len(result.stderr.splitlines()) == 2


def test_a_folder_that_may_not_be_read(
    run: Run, troubled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def iterdir(self: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", iterdir)
    result = run("export", "none")
    assert (result.exit_code, result.stderr) == (
        2,
        "pdtui: none: cannot be read: permission denied\n",
    )


def test_links_in_a_circle_beside_each_other(run: Run, troubled: Path) -> None:
    Path("none/loop.log").symlink_to("loop.log")
    result = run("export", LOOP, "none/loop.log", "prefill.log")
    assert (result.exit_code, result.stdout) == (2, PREFILL)
    assert len(result.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-r", "one"), "rank: 'one' is no rank: 0 · 2-4 · decode:1 · !3"),
        (("-m", "sparkle"), "marker: 'sparkle' is no marker: see `pdtui markers`"),
        (("-l", "loud"), "level: 'loud' is none of debug, info, warning, error, critical"),
        (("-g", "a["), "text: 'a[' is no expression: unterminated character set at position 1"),
        (("-x", "*"), "text: '*' is no expression: nothing to repeat at position 0"),
        (("-g", "a{9999999999}"),
         "text: 'a{9999999999}' is no expression: the repetition number is too large"),
        (("-S", "noon"), "time: 'noon' is no time: 10:31 · 11-01 10:30:45 · -3m"),
        (("-S", "25:00"), "time: '25:00' is no time: hour must be in 0..23"),
        (("-U", "13-01"), "time: '13-01' is no time: month must be in 1..12"),
        (("--offset", "decode"), "offset: 'decode' is no offset: decode=+4s · decode=-250ms"),
        (("--offset", "decode=4d"), "offset: 'decode=4d' is no offset: decode=+4s · decode=-250ms"),
        (("--offset", "proxy=4s"), "offset: 'proxy' is no source; there are: prefill, decode"),
        (("-g", "a\n\x1b[2J("), r"text: 'a\n\x1b[2J(' is no expression: "
         "unterminated character set at position 3 (line 2, column 2)"),
    ],
)  # fmt: skip
def test_options_that_mean_nothing(run: Run, logs: Path, words: tuple[str, ...], said: str) -> None:
    result = run("export", *words, "prefill.log", "decode.log")
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"pdtui: {said}\n")


@pytest.mark.parametrize(
    "words",
    [("-f", "xml"), ("--split", "pid"), ("--year", "25"), ("--unknown",)],
)
def test_usage(run: Run, logs: Path, words: tuple[str, ...]) -> None:
    result = run("export", "prefill.log", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: pdtui export" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_option_without_its_value(run: Run, logs: Path) -> None:
    result = run("export", "prefill.log", "-r")
    assert (result.exit_code, result.stderr) == (2, "Error: Option '-r' requires an argument.\n")


def test_an_odd_bracket_is_searched_for_without_a_warning(spawn: Spawn, logs: Path) -> None:
    result = spawn("export", "-g", "[[Rank 0]", "prefill.log")
    assert (result.returncode, result.stderr) == (0, b"")


def test_arguments_that_are_no_text(spawn: Spawn, logs: Path) -> None:
    Path(os.fsdecode(b"caf\xe9.log")).write_bytes(b"INFO 11-22 06:42:20 [a.py:1] caf\xe9\n")
    found = spawn("export", "-g", b"f\xe9$", b"caf\xe9.log")
    assert (found.returncode, found.stdout[-5:], found.stderr) == (0, b"caf\xe9\n", b"")
    missing = spawn("export", b"th\xe9.log")
    assert missing.returncode == 2
    assert (
        missing.stderr == rb"pdtui: th\udce9.log: cannot be read: no such file or directory" + b"\n"
    )


@pytest.mark.parametrize("option", ["-r", "-l", "-S", "--offset"])
def test_options_that_are_no_text(run: Run, logs: Path, option: str) -> None:
    wrong = run("export", option, os.fsdecode(b"\xe9"), "prefill.log")
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (2, 1)
    assert r"'\udce9'" in wrong.stderr


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (gzip.compress(b"x"), "is compressed; open it with: zcat FILE | pdtui -"),
        (NOISE, "is binary, not a log"),
    ],
    ids=["empty", "compressed", "binary"],
)
def test_stdin_that_is_no_log(spawn: Spawn, logs: Path, data: bytes, said: str) -> None:
    result = spawn("export", "-", "prefill.log", input=data)
    assert (result.returncode, result.stderr.decode()) == (2, f"pdtui: -: {said}\n")
    assert result.stdout == PREFILL.encode()


def test_stdin_twice(spawn: Spawn, logs: Path) -> None:
    result = spawn("export", "-", "again=-", input=PREFILL.encode())
    assert result.stderr == b"pdtui: -: is named twice, and can be read only once\n"
    assert (result.returncode, result.stdout) == (2, PREFILL.encode())


def test_stdin_that_cannot_be_read(spawn: Spawn, logs: Path) -> None:
    with Path("written.txt").open("wb") as only_for_writing:
        result = spawn("export", "-", stdin=only_for_writing)
    assert result.stderr == b"pdtui: -: cannot be read: bad file descriptor\n"
    assert (result.returncode, result.stdout) == (2, b"")
