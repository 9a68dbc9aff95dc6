"""What a row without a stamp, and a row that continues a record, take over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.core.sources import lines_of, scanned

DAY = datetime(2026, 11, 22, 10, 30)


def stamped(second: int, pid: int | None = None, text: str = "text") -> str:
    """A vLLM line of this second, of this process."""
    prefix = f"(Worker pid={pid}) " if pid else ""
    return f"{prefix}INFO 11-22 10:30:{second:02} [a.py:1] {text}"


def nccl(pid: int) -> str:
    """A line of NCCL, which has no stamp."""
    return f"vm:{pid}:9 [0] NCCL INFO text"


def seconds(*lines: str) -> list[int | None]:
    """The second of each line, fed at once and line by line."""
    data = "".join(f"{line}\n" for line in lines).encode()
    rows = scanned(data)
    assert scanned(lines_of(data)) == rows
    return [None if row.time is None else (row.time - DAY).seconds for row in rows]


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        # Its own process's last stamp, though the other process wrote since.
        ((stamped(1, 5), stamped(7, 6), nccl(5), nccl(6), nccl(5)), [1, 7, 1, 7, 1]),
        # A process without a stamp: the source's last, as far as it is.
        ((stamped(1, 5), nccl(8), stamped(7, 6), nccl(8)), [1, 1, 7, 7]),
        # Nothing above: the source's first.
        ((nccl(5), "bare", nccl(6), stamped(3), stamped(9)), [3, 3, 3, 3, 9]),
        ((nccl(5), stamped(3, 6), nccl(5), stamped(9, 5), nccl(5)), [3, 3, 3, 9, 9]),
        # No stamp anywhere.
        ((nccl(5), "bare", "INFO:     200 OK"), [None, None, None]),
        # Records have their head's time.
        ((stamped(1, 5), stamped(7, 6), "(Worker pid=5) under 5", "under 6"), [1, 7, 1, 7]),
        ((nccl(5), stamped(7, 6), "(Worker pid=5) under 5"), [7, 7, 7]),
        ((stamped(4), nccl(5), "under NCCL's line", stamped(6)), [4, 4, 4, 6]),
        # A stamp that goes backwards stands as it is.
        ((stamped(9), stamped(2), nccl(5), stamped(1)), [9, 2, 2, 1]),
    ],
)
def test_times(lines: tuple[str, ...], wanted: list[int | None]) -> None:
    """Its process's last stamp, else the source's last, else the source's first."""
    assert seconds(*lines) == wanted


def test_a_record_of_long_ago_has_the_first_stamps_time() -> None:
    """A head above the first stamp, continued far below it, in whatever blocks they come."""
    lines = (nccl(5), stamped(7, 6), stamped(9, 6), "(Worker pid=5) under 5")
    assert seconds(*lines) == [7, 7, 9, 7]


def test_the_source_of_a_time_is_said() -> None:
    """`stamp`, `inherited`, or none at all."""
    data = "\n".join((stamped(3), nccl(5), "under it", stamped(4)))
    rows = scanned(data.encode())
    assert [row.time_source for row in rows] == ["stamp", "inherited", "inherited", "stamp"]
    assert scanned(nccl(5).encode())[0].time_source is None


def test_fractions_are_kept() -> None:
    """NCCL's microseconds, Python's milliseconds; finer digits are cut."""
    rows = scanned(
        b"[2026-11-22 10:30:51.896456] vm:942:1477 [0] NCCL INFO text\n"
        b"[2026-11-22 10:30:51.5] vm:942:1477 [0] NCCL INFO text\n"
        b"2026-11-22 10:30:51,123 - a - INFO - text\n"
        b"2026-11-22 10:30:51.999999999 - a - INFO - text\n"
    )
    at = DAY + timedelta(seconds=51)
    micro = [0.896456, 0.5, 0.123, 0.999999]
    assert [row.time for row in rows] == [at + timedelta(seconds=part) for part in micro]


def test_a_continuation_states_no_level_and_no_format() -> None:
    """It has process, rank and time of its head, and is counted with its head's level."""
    rows = scanned(f"(Worker_TP3 pid=5) {stamped(1)}\n  under it\n".encode())
    under = rows[1]
    assert under.continuation
    assert (under.level, under.format, under.origin) == (None, None, None)
    assert (under.process, under.pid, under.message) == ("Worker_TP3", 5, "  under it")
    assert (under.rank, under.rank_source) == (3, "continuation")


def test_a_continuation_of_no_rank_has_the_files() -> None:
    """Only the file rule gives it one, and that is said."""
    rows = scanned(f"{stamped(1)}\n  under it\n{stamped(2, None, '🔍 [Rank 4] x')}\n".encode())
    assert [(row.rank, row.rank_source) for row in rows] == [
        (4, "file"), (4, "file"), (4, "explicit"),
    ]  # fmt: skip


def test_a_launchers_rank_holds_under_another_ranks_head() -> None:
    """torchrun says of each line whose it is, also of those of a traceback."""
    rows = scanned(
        f"[rank0]: {stamped(1)}\n[rank1]: Traceback (most recent call last):\n"
        "[rank0]:   line of rank 0\n".encode()
    )
    assert [row.rank for row in rows] == [0, 1, 0]
    assert [row.rank_source for row in rows] == ["explicit", "explicit", "continuation"]
