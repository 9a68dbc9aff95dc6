"""Which lines belong together: repeated heads, NCCL's trails, tracebacks, chained exceptions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.sources import lines_of, scanned

HEAD = "INFO 11-22 06:31:43 [omp.py:185] "
OTHER = "INFO 11-22 06:31:43 [omp.py:186] "
LATER = "INFO 11-22 06:31:44 [omp.py:185] "


def continued(data: str) -> str:
    """A letter a line: `c` continues the record above, `-` does not; blocks do not matter."""
    raw = data.encode()
    rows = scanned(raw)
    assert scanned(lines_of(raw)) == rows
    return "".join("c" if row.continuation else "-" for row in rows)


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (f"{HEAD}a\r\n{HEAD}b\r\n{HEAD}c\n{HEAD}another\n", "-cc-"),
        (f"{HEAD}a\n{HEAD}b\n", "--"),
        (f"{HEAD}a\r\n{OTHER}b\n", "--"),
        (f"{HEAD}a\r\n{LATER}b\n", "--"),
        (f"{HEAD}a\r\n(Worker pid=7) {HEAD}b\n", "--"),
        (f"(Worker pid=7) {HEAD}a\r\n(Worker pid=8) {HEAD}b\n", "--"),
        (f"(Worker pid=7) {HEAD}a\r\n(Worker pid=7) {HEAD}b\n", "-c"),
        (f"{HEAD}a\r\nwords\n{HEAD}b\n", "-c-"),
        # Every line ends in CR LF: a record's lines have one more.
        (f"x\r\n{HEAD}a\r\n{HEAD}b\r\n{OTHER}c\r\n", "----"),
        (f"x\r\n{HEAD}a\r\r\n{HEAD}b\r\r\n{HEAD}c\r\n{HEAD}d\r\n", "--cc-"),
        (f"{HEAD}a\r\n{HEAD}b\n{OTHER}c\r\n{OTHER}d\n", "-c-c"),
        # In colour.
        (f"\x1b[36m{HEAD}\x1b[0ma\r\n\x1b[36m{HEAD}\x1b[0mb\n", "-c"),
        (f"\x1b[36m{HEAD}a\r\x1b[0m\n\x1b[36m{HEAD}b\x1b[0m\n", "-c"),
    ],
)
def test_a_repeated_head_continues(data: str, wanted: str) -> None:
    """Where the line above ends in one more return than lines do otherwise."""
    assert continued(data) == wanted


def test_a_repeated_head_keeps_what_it_says() -> None:
    """Level, format, origin and its own stamp; the message is only its part."""
    rows = scanned(f"{HEAD}binding: \r\n{HEAD}\ta=1\n  under it\n".encode())
    assert [row.continuation for row in rows] == [False, True, True]
    assert [row.level for row in rows] == ["INFO", "INFO", None]
    assert [row.format for row in rows] == ["vllm", "vllm", None]
    assert [row.time_source for row in rows] == ["stamp", "stamp", "inherited"]
    assert [row.message for row in rows] == ["binding: ", "\ta=1", "  under it"]


def test_the_banner_of_vllm_is_one_record(data: Path) -> None:
    """Six lines with a head each, of which all but the last end in a return."""
    rows = scanned((data / "vllm-cpu" / "default-nixl" / "decode.log").read_bytes())
    banner = [row for row in rows if row.origin == "api_utils.py:347"]
    assert [row.continuation for row in banner] == [False, True, True, True, True, True]


WARN = "[2026-11-22 06:36:26] vm:15:23 [0] init.cc:904 NCCL WARN Duplicate GPU"
TRAIL = "vm:15:23 [0] NCCL INFO init.cc:1582 -> 5"


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ((WARN, TRAIL, TRAIL), "-cc"),
        (("", WARN, TRAIL), "--c"),
        ((WARN, TRAIL, "vm:15:23 [0] NCCL INFO text", TRAIL), "-c--"),
        ((TRAIL, WARN), "--"),
        ((WARN, "vm:16:24 [0] NCCL INFO init.cc:1582 -> 5", TRAIL), "--c"),
        ((WARN, HEAD + "text", TRAIL), "--c"),
        ((WARN, TRAIL, WARN, TRAIL), "-c-c"),
        ((WARN, "vm:15:23 [0] NCCL INFO [Rank 1] init.cc:1582 -> 5"), "-c"),
    ],
)
def test_a_trail_belongs_to_its_warning(lines: tuple[str, ...], wanted: str) -> None:
    """`init.cc:1582 -> 5`, of the same process, up to its next other line."""
    assert continued("".join(f"{line}\n" for line in lines)) == wanted


def test_a_trail_has_the_warnings_time_and_no_level() -> None:
    rows = scanned(f"{WARN}\n{TRAIL}\n".encode())
    assert [row.level for row in rows] == ["WARNING", None]
    assert rows[1].time == rows[0].time
    assert rows[1].pid == 15


TRACEBACK = "Traceback (most recent call last):"


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        # `logger.exception` repeats the head on each line.
        (("ERROR 11-22 06:31:43 [a.py:1] failed\r", "ERROR 11-22 06:31:43 [a.py:1] " + TRACEBACK),
         "-c"),
        # A worker's hook puts its prefix before each line.
        (("(W pid=1) ERROR 11-22 06:31:43 [a.py:1] failed", f"(W pid=1) {TRACEBACK}",
          '(W pid=1)   File "a.py"', "(W pid=1) "), "-ccc"),
        (("words", TRACEBACK, '  File "a.py"', "RuntimeError: x", "",
          "The above exception was the direct cause of the following exception:", "",
          TRACEBACK, "ValueError: y"), "--ccccccc"),
        (("ERROR:    Exception in ASGI application", TRACEBACK, "During handling of the above", "",
          TRACEBACK), "-cccc"),
        (("Exception in thread Thread-3 (send_async):", TRACEBACK, "  x"), "-cc"),
        (("INFO:     200 OK", TRACEBACK, "  x"), "--c"),
    ],
)  # fmt: skip
def test_tracebacks(lines: tuple[str, ...], wanted: str) -> None:
    """One that follows an error's head belongs to it, and chained ones to the first."""
    assert continued("".join(f"{line}\n" for line in lines)) == wanted


@pytest.mark.parametrize("prefix", ["[rank0]: ", "decode-1  | ", "2026-11-22T06:35:44Z "])
def test_a_traceback_under_a_launchers_prefix(prefix: str) -> None:
    """Each line of it has the prefix; the record is one all the same."""
    lines = [f"{prefix}{TRACEBACK}", f'{prefix}  File "a.py"', f"{prefix}ValueError: x"]
    rows = scanned("".join(f"{line}\n" for line in lines).encode())
    assert [row.continuation for row in rows] == [False, True, True]
    assert [row.message for row in rows] == [TRACEBACK, '  File "a.py"', "ValueError: x"]
