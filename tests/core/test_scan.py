"""Where records begin and end."""

from __future__ import annotations

import pytest

from tests.core.sources import lines_of, scanned

ERROR = "ERROR 11-22 06:35:44 [a.py:1] failed"
INFO = "INFO 11-22 06:35:44 [a.py:1] text"
TRACEBACK = "Traceback (most recent call last):"
CRASH = "Exception in thread Thread-1 (send_async):"
NCCL = "vm:5:6 [0] NCCL INFO text"


def begins(*lines: str) -> str:
    """A letter a line: `c` continues, `e` begins an error's record, `r` another, `-` neither."""
    data = "".join(f"{line}\n" for line in lines).encode()
    rows = scanned(data)
    # Where the blocks were cut must not matter to any of this.
    assert scanned(lines_of(data)) == rows
    return "".join(
        "c" if row.continuation else "e" if row.level == "ERROR" else
        "r" if row.format or row.markers else "-"
        for row in rows
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ((INFO, "  indented", "", "words"), "rccc"),
        (("words", "", INFO, "words"), "--rc"),
        ((INFO, TRACEBACK, '  File "x.py"', "RuntimeError: x"), "recc"),
        ((ERROR, TRACEBACK, '  File "x.py"', TRACEBACK), "eccc"),
        ((ERROR, "words", TRACEBACK), "ecc"),
        ((ERROR, INFO, TRACEBACK), "ere"),
        ((ERROR, NCCL, TRACEBACK), "ere"),
        ((ERROR, "🔴Remove [HTTP:a]", TRACEBACK, "words"), "erec"),
        ((TRACEBACK, "x", TRACEBACK), "ecc"),
        ((CRASH, TRACEBACK, "x"), "ecc"),
        ((ERROR, CRASH, TRACEBACK), "eec"),
        ((CRASH, TRACEBACK, NCCL, CRASH, TRACEBACK), "ecrec"),
        (("--- Logging error ---", TRACEBACK, "x", "--- Logging error ---"), "ecce"),
        ((INFO, "The above exception was the direct cause", "", TRACEBACK), "rcce"),
        ((INFO, f"  {TRACEBACK}"), "rc"),
        (("INFO:     200 OK", "x", "INFO:x:y"), "rcr"),
    ],
)
def test_records(lines: tuple[str, ...], wanted: str) -> None:
    """A line that no format claims continues; a traceback continues an error, else begins one."""
    assert begins(*lines) == wanted


TP0, TP1 = "(Worker_TP0 pid=6) ", "(Worker_TP1 pid=7) "


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        # Two workers fail at once, and their lines alternate.
        ((TP0 + ERROR, TP1 + INFO, TP0 + TRACEBACK, TP1 + TRACEBACK), "erce"),
        ((TP1 + INFO, TP0 + ERROR, TP1 + TRACEBACK, TP0 + "x", TP1 + "y"), "reecc"),
        ((TP0 + INFO, TP1 + "words"), "r-"),
        ((TP1 + "words", TP1 + INFO, TP1 + "words"), "-rc"),
    ],
)
def test_records_of_two_processes(lines: tuple[str, ...], wanted: str) -> None:
    """A line whose prefix names its process continues that process's record, and no other's."""
    assert begins(*lines) == wanted


def test_a_prefixed_line_continues_its_own_process() -> None:
    """Between the lines of two workers each line keeps its process, rank and time."""
    rows = scanned(
        f"{TP0}{ERROR}\n{TP1}INFO 11-22 06:35:59 [a.py:1] x\n{TP0}under 6\n{TP1}under 7\n"
        "bare\n".encode()
    )
    assert [row.pid for row in rows] == [6, 7, 6, 7, 7]
    assert [row.rank for row in rows] == [0, 1, 0, 1, 1]
    assert [row.rank_source for row in rows[2:]] == ["continuation"] * 3
    assert [row.time for row in rows[2:]] == [rows[0].time, rows[1].time, rows[1].time]


def test_a_progress_bar_shows_its_last_state() -> None:
    """A carriage return overwrites; a head glued after one is found."""
    rows = scanned(f"\rLoading 0%\r\n\rLoading 99%\r{INFO}\n".encode())
    assert [row.message for row in rows] == ["Loading 0%", "text"]
    assert rows[1].format == "vllm"


@pytest.mark.parametrize("neighbour", ["", "[0;36m(Worker pid=1)[0;0m x"])
def test_a_line_is_read_alike_whatever_stands_beside_it(neighbour: str) -> None:
    """Colour without ESC in one line changes nothing for another with doubled ESC."""
    line = f"\x1b\x1b[0m[0m{INFO}\n"
    rows = scanned(f"{line}{neighbour}\n".encode())
    assert rows[0] == scanned(line.encode())[0]
    assert (rows[0].format, rows[0].torn) == ("vllm", False)
