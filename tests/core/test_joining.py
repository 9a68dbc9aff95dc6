"""A log that is scanned in stretches, each by itself, is what one scanner finds in all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdtui.core import kinds, numbering, prefixes, stretches
from pdtui.core.scan import ROWS_ALONE
from tests.core.sources import columns_of, lines_of, opened
from tests.core.stretching import Cutting, Reading, all_of, read_in_stretches

REAL = sorted((Path(__file__).parents[1] / "data").rglob("*.log"))
CUTTINGS = [
    Cutting(),
    Cutting(first=0, size=1, above=0, piece=1, lag=0),
    Cutting(first=0, size=1, above=1, piece=1, lag=4, scanners=3),
    Cutting(first=4, size=5, above=4, piece=3, lag=3),
    Cutting(first=1, size=6, above=0, piece=6, lag=9),
]
HEAD = b"INFO 11-22 06:35:%02d [core.py:71] step %d\n"


def heads(count: int, first: int = 0, before: bytes = b"") -> bytes:
    """Records of one line each."""
    numbers = range(first, first + count)
    return b"".join(before + HEAD % (number % 60, number) for number in numbers)


def read(data: bytes, cutting: Cutting) -> Reading:
    """The log in stretches, which must be what it is in one piece."""
    with opened(data) as whole:
        wanted = all_of(whole)
    reading = read_in_stretches(data, cutting)
    assert all_of(reading.source) == wanted
    return reading


@pytest.mark.parametrize("path", REAL, ids=lambda path: f"{path.parent.name}/{path.name}")
@pytest.mark.parametrize("cutting", [Cutting(3, 8, 4, 5, 2), Cutting(0, 30, 8, 20, 1, 3)])
def test_real_logs(path: Path, cutting: Cutting) -> None:
    """Columns, steps, requests, and all that is known of their processes."""
    read(path.read_bytes(), cutting)


def test_most_stretches_of_a_real_log_are_scanned_once() -> None:
    """What is taken for granted is mostly so, though each begins in the middle."""
    reading = read(max((path.read_bytes() for path in REAL), key=len), Cutting(8, 8, 6, 8, 3))
    assert reading.joined > 4 * reading.again


YEARLESS = [
    b"INFO %s 23:59:5%d [a.py:1] line\n" % (day, n)
    for day in (b"12-30", b"12-31", b"01-01") for n in range(6)
]  # fmt: skip
LOCAL = b"INFO 11-22 10:3%d:00 [a.py:1] line\n"
DATED = b"2026-11-22 10:3%d:00,1 - a - INFO - x\n"
UTC = b"2026-11-22T09:3%d:00Z  INFO dynamo_llm::hub: x\n"
WORKER, OTHER = b"(Worker_TP0 pid=7) ", b"(Worker_TP1 pid=8) "
POD = b"prefill-7d9 vllm "
NCCL = b"node-1:7:70 [0] NCCL "
TRACEBACK = b"""Traceback (most recent call last):
  File "a.py", line 1, in run
    step()
  File "b.py", line 2, in step
    raise ValueError("no")
ValueError: no
"""
LOGS = {
    "New Year": b"".join(YEARLESS),
    "a line of the old year that is late": b"".join([*YEARLESS[6:], YEARLESS[0], *YEARLESS[12:]]),
    "UTC and local time": b"".join(
        [UTC % 1, UTC % 2, LOCAL % 3, *(line % n for n in range(4, 9) for line in (UTC, LOCAL))]
    ),
    "UTC alone for long": b"words\n" + LOCAL % 0 + heads(6) + b"".join(UTC % n for n in range(9)),
    "UTC above local time": (
        b"words\n" + DATED % 0 + b"".join(UTC % n + DATED % n + UTC % n for n in range(6))
    ),
    "a pod that is no prefix before its first head": (
        heads(5) + (POD + b"words\n") * 6 + heads(3, 5, POD) + (POD + b"words\n") * 6
    ),
    "a rank before lines, from its first head on": (
        b"1: words\n" * 5 + heads(2, 0, b"1: ") + b"1: words\n" * 5
    ),
    "a process that is silent for long": (
        heads(2, 0, WORKER) + heads(12, 2, OTHER) + (WORKER + b"words without a head\n") * 4
    ),
    "containers": b"".join(
        b"decode-%d  | %s" % (n % 3, line)
        for n, line in enumerate(lines_of(heads(6) + TRACEBACK * 2))
    ),
    "a record that goes on over cuts": heads(3) + TRACEBACK * 2 + heads(3, 9) + TRACEBACK,
    "an error's traceback": b"ERROR 11-22 06:35:44 [core.py:7] failed\n" + TRACEBACK * 3,
    "repeated heads": b"".join(
        b"INFO 11-22 06:35:44 [core.py:7] part %d\r\n" % n for n in range(7)
    ) + heads(4),
    "torn lines": b"".join(
        line[: 10 + 3 * n] + lines_of(heads(9, 20, OTHER))[n]
        for n, line in enumerate(lines_of(heads(9, 0, WORKER)))
    ),
    "the trail of NCCL's warning": (
        heads(2) + NCCL + b"WARN Call to connect failed\n" + heads(5)
        + (NCCL + b"INFO misc/socket.cc:58 -> 2\n") * 4 + NCCL + b"INFO comm 0x7 ready\n"
        + (NCCL + b"INFO misc/socket.cc:59 -> 2\n") * 4
    ),
    "markers that were decoded wrongly, late": heads(6) + b"".join(
        b"INFO 11-22 06:35:44 [p2p.py:7] %s[Rank %d] tensor\n"
        % ("🔍".encode().decode("cp1252", "ignore").encode(), n) for n in range(4)
    ),
    "colours": b"".join(b"\x1b[32m" + line[:-1] + b"\x1b[0m\n" for line in lines_of(heads(9))),
    "lines of JSON": b"".join(
        b'{"asctime": "2026-11-22 06:35:%02d", "levelname": "INFO", "message": "step %d", '
        b'"process": %d, "processName": "P%d"}\n' % (n, n, n % 2, n // 3) for n in range(12)
    ),
    "a process with an empty name": b"".join(
        b'{"asctime": "2026-11-22 06:35:%02d", "levelname": "INFO", "message": "step", '
        b'"processName": ""}\n' % n for n in range(12)
    ),
    "an unfinished last line": heads(7) + b"INFO 11-22 06:35:59 [core.py:7] not whole",
    "names, of which the last counts": b"".join(
        heads(2, n, b"(%s pid=7) " % name) for n, name in enumerate((b"A", b"B", b"A", b"C"))
    ),
    "ranks stated late": heads(6, 0, WORKER) + b"".join(
        f"(Worker_TP0 pid=7) INFO 11-22 06:36:0{n} [p2p.py:7] 🔍 [Rank 3] tensor\n".encode()
        for n in range(3)
    ) + heads(3, 6, WORKER),
    "facts, of which the last count": b"".join(
        f"INFO 11-22 06:35:44 [p2p.py:7] 💯P2pNcclEngine init, rank:{n % 2}, "
        f"http_address:10.0.0.{n}:20001, zmq_address:10.0.0.{n}:21001, send_type:PUT\n".encode()
        for n in range(9)
    ) + heads(9),
}  # fmt: skip


@pytest.mark.parametrize("cutting", CUTTINGS)
@pytest.mark.parametrize("name", LOGS)
def test_what_lines_above_mean(name: str, cutting: Cutting) -> None:
    """Wherever such a log is cut."""
    read(LOGS[name], cutting)


def test_depths() -> None:
    """A scanner that looks for no steps and requests looks for none in stretches."""
    data = REAL[-1].read_bytes()
    reading = read_in_stretches(data, Cutting(8, 8, 4, 8), depth=ROWS_ALONE)
    with opened(data) as whole:
        assert columns_of(reading.source) == columns_of(whole)
    assert not len(reading.source.traces)


def test_it_is_scanned_again_what_depends_on_lines_that_were_not_seen() -> None:
    """Each of these is another thing that is taken for granted, and is not so."""
    blind = Cutting(first=1, size=2, above=0, piece=2, lag=9)
    again = ("New Year", "a pod that is no prefix before its first head", "repeated heads",
             "a record that goes on over cuts", "the trail of NCCL's warning")  # fmt: skip
    for name in again:
        assert read(LOGS[name], blind).again > 0, name


def test_what_is_known_by_now_is_taken_for_granted() -> None:
    """A pod that appeared is a prefix to all who begin after that."""
    data = heads(4) + (POD + b"words\n") * 8 + heads(2, 4, POD) + (POD + b"words\n") * 40
    reading = read(data, Cutting(first=2, size=2, above=0, piece=2, lag=2))
    assert 0 < reading.again <= 4
    assert reading.joined > 20


def test_where_nothing_depends_on_it_nothing_is_scanned_again() -> None:
    """Other processes may have written whatever they want: the stretch asked only for its own."""
    data = heads(3, 0, WORKER) + heads(20, 3, OTHER) + heads(5, 23, WORKER) + heads(9, 28)
    assert read(data, Cutting(first=3, size=2, above=0, piece=2, lag=9)).again == 0


def test_a_process_has_the_host_that_it_named_first_or_else_said() -> None:
    """Which of two it is depends on more than the stretch, so that is scanned again."""
    line = b"%s:7:70 [0] NCCL INFO comm ready\n"
    data = heads(2) + line % b"node-1" * 4 + line % b"node-2" * 4
    reading = read(data, Cutting(first=2, size=4, above=0, piece=4, lag=0))
    assert (reading.joined, reading.again) == (1, 1)


def test_full_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes too late for a table depends on the order, so that is kept."""
    for module in (kinds, numbering):
        monkeypatch.setattr(module, "MAX_ADDRESSES", 5)
    data = LOGS["facts, of which the last count"]
    reading = read_in_stretches(data, Cutting(1, 1, 1, 1, 1))
    assert reading.again > 0
    with opened(lines_of(data)) as whole:
        assert all_of(reading.source) == all_of(whole)


def test_more_that_is_no_prefix_than_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then all that was learned before must be the same."""
    for module in (prefixes, stretches):
        monkeypatch.setattr(module, "MOST_REFUSED", 1)
    read(LOGS["a pod that is no prefix before its first head"], Cutting(1, 3, 1, 3, 2))


def test_the_scanner_goes_on_behind_the_last_stretch() -> None:
    """As a file that is followed does."""
    data = b"".join(LOGS.values())
    rest = heads(3, 0, OTHER) + (WORKER + b"words\n") * 2 + TRACEBACK
    source = read_in_stretches(data + b"\n", Cutting(9, 9, 5, 9)).source
    source.feed(rest)
    with opened(data + b"\n" + rest) as whole:
        assert all_of(source) == all_of(whole)
