"""NCCL's lines, of versions 2.13 to 2.30, with every option of `NCCL_DEBUG_TIMESTAMP_*`."""

from __future__ import annotations

import pytest

from tests.core.reallines import Case, case, check, each
from tests.core.sources import scanned

LINES = [
    case("corpus, 2.28.9", "vm:698:1356 [0] NCCL INFO Bootstrap: Using eth0:192.0.2.2<0>", "nccl",
         "INFO", "Bootstrap: Using eth0:192.0.2.2<0>", pid=698),
    case("corpus, NCCL_DEBUG_TIMESTAMP_FORMAT='[%F %T.%6f] '",
         "[2026-11-22 06:35:51.896456] vm:942:1477 [0] NCCL INFO x", "nccl", "INFO", "x", pid=942,
         time="2026-11-22T06:35:51.896456"),
    case("2.26 on, warnings have a stamp",
         "[2026-11-22 06:36:26] vm:15:23 [0] init.cc:904 NCCL WARN Duplicate GPU detected", "nccl",
         "WARNING", "Duplicate GPU detected", pid=15, origin="init.cc:904",
         time="2026-11-22T06:36:26"),
    case("before 2.26 they have none", "node-a:22925:22925 [0] init.cc:943 NCCL WARN Duplicate GPU",
         "nccl", "WARNING", "Duplicate GPU", pid=22925, origin="init.cc:943"),
    case("2.30: the function", "vm:15:23 [0] transport/net_ib.cc:17 (ncclIbInit) NCCL WARN x",
         "nccl", "WARNING", "x", pid=15, origin="transport/net_ib.cc:17"),
    case("corpus, NCCL_DEBUG=TRACE", "vm:940:1486 NCCL CALL ncclSend(0,7f9e,10,9,0,1,0x7f,0xce)",
         "nccl", "DEBUG", "ncclSend(0,7f9e,10,9,0,1,0x7f,0xce)", pid=940),
    case("a build with TRACE=1", "vm:940:1486 [3] 1234.567890 ncclSend:42 NCCL TRACE sent", "nccl",
         "DEBUG", "sent", pid=940, origin="ncclSend:42"),
    case("src/debug.cc", "vm:1:2 [-1] NCCL ABORT gone", "nccl", "CRITICAL", "gone", pid=1),
    case("an empty host name", ":168:1228 [2] NCCL INFO x", "nccl", "INFO", "x", pid=168),
    case("vllm#9193: the host is a pod",
         "my-vllm-model-78d9c658c8-qlw8z:271:402 [1] NCCL INFO 2 coll channels", "nccl", "INFO",
         "2 coll channels", pid=271),
    case("vllm#15769, under Ray",
         "(RayWorkerWrapper pid=539) vllm-0:539:539 [6] NCCL INFO x [repeated 15x across cluster]",
         "nccl", "INFO", "x [repeated 15x across cluster]", pid=539, process="RayWorkerWrapper"),
    case("2.29: `[Rank 1]` is the communicator's",
         "vm:1:2 [0] NCCL INFO [Rank 1] ncclCommInitRank comm 0x7f rank 1 nranks 2 - Init START",
         "nccl", "INFO", "[Rank 1] ncclCommInitRank comm 0x7f rank 1 nranks 2 - Init START", pid=1),
    case("NCCL_DEBUG_TIMESTAMP_FORMAT of one's own: the head is found behind it",
         "06:35:51 vm:942:1477 [0] NCCL INFO x", "nccl", "INFO", "x", pid=942, torn=True),
]  # fmt: skip


@each(LINES)
def test_a_line_of_nccl(line: Case) -> None:
    """Its pid, level and origin; its `[0]` is a GPU and never a rank."""
    check(line)


@pytest.mark.parametrize(
    ("stamp", "micro"),
    [("", None), (".5", 500_000), (".123", 123_000), (".896456", 896_456), (".896456789", 896_456)],
)
@pytest.mark.parametrize("level", ["INFO", "CALL", "TRACE"])
def test_stamps_of_every_fineness(stamp: str, micro: int | None, level: str) -> None:
    """`%3f`, `%6f`, `%9f`, none; on every level (NCCL_DEBUG_TIMESTAMP_LEVELS=ALL)."""
    row = scanned(f"[2026-11-22 06:35:51{stamp}] vm:9:9 [0] NCCL {level} x".encode())[0]
    assert row.time is not None
    assert (row.time.microsecond, row.pid) == (micro or 0, 9)


def test_a_worker_gives_its_rank_to_nccls_lines_of_its_pid() -> None:
    rows = scanned(b"vm:7:9 [0] NCCL INFO x\n(Worker_TP1 pid=7) INFO 11-22 06:35:44 [a.py:1] y\n")
    assert [(row.rank, row.process) for row in rows] == [(1, "Worker_TP1")] * 2
    assert rows[0].rank_source == "pid"
