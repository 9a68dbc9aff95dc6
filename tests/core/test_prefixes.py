"""What stands before a head says which process wrote the line, and often its rank."""

from __future__ import annotations

import pytest

from tests.core.sources import lines_of, scanned

HEAD = "INFO 11-22 06:35:44 [base.py:86] text"


@pytest.mark.parametrize(
    ("prefix", "process", "pid", "rank"),
    [
        ("", None, None, None),
        ("(EngineCore_DP0 pid=797) ", "EngineCore_DP0", 797, None),
        ("(APIServer pid=16764) ", "APIServer", 16764, None),
        ("(Worker_TP1 pid=937) ", "Worker_TP1", 937, 1),
        ("(Worker_DP0_PP1_TP3_EP5 pid=12) ", "Worker_DP0_PP1_TP3_EP5", 12, 3),
        ("(VllmWorker rank=3 pid=12) ", "VllmWorker rank=3", 12, 3),
        ("(VllmWorker TP0 pid=12) ", "VllmWorker TP0", 12, 0),
        ("(VllmWorker DP0_TP1 pid=12) ", "VllmWorker DP0_TP1", 12, 1),
        ("(VllmWorker-0 pid=26648) ", "VllmWorker-0", 26648, None),
        ("(Worker_DP0_DCP1 pid=12) ", "Worker_DP0_DCP1", 12, None),
        ("(RayWorkerWrapper pid=1000, ip=10.0.0.2) ", "RayWorkerWrapper", 1000, None),
        ("\x1b[1;36m(Worker_TP1 pid=937)\x1b[0;0m ", "Worker_TP1", 937, 1),
        ("[0;36m(Worker_TP1 pid=937)[0;0m ", "Worker_TP1", 937, 1),
        ("(APIServer pid=1) (EngineCore_DP0 pid=72) ", "EngineCore_DP0", 72, None),
        ("(Worker pid=7) (Worker_DP0_TP1_EP1 pid=7) ", "Worker_DP0_TP1_EP1", 7, 1),
        ("[rank5]: ", None, None, 5),
        ("[rank5]:", None, None, 5),
        ("[rank5]: (Worker_TP1 pid=937) ", "Worker_TP1", 937, 1),
        ("[rank5]: (Worker pid=937) ", "Worker", 937, 5),
        ("[rank9999]: ", None, None, None),
        ("[rank4094]: ", None, None, 4094),
        ("[rank4095]: ", None, None, None),
        ("(Worker_TP4094 pid=937) ", "Worker_TP4094", 937, 4094),
        ("(Worker_TP4095 pid=937) ", "Worker_TP4095", 937, None),
    ],
)
def test_prefixes_name_process_and_rank(
    prefix: str, process: str | None, pid: int | None, rank: int | None
) -> None:
    """Every form of prefix that vLLM, Ray and torchrun write; the last of several counts."""
    row = scanned((prefix + HEAD).encode())[0]
    assert (row.format, row.message) == ("vllm", "text")
    assert (row.process, row.pid, row.rank) == (process, pid, rank)
    assert row.rank_source == (None if rank is None else "explicit")


@pytest.mark.parametrize(
    "prefix",
    [
        "(raylet) ",
        "(Worker pid=937)",
        "(Worker pid=x) ",
        "(1Worker pid=937) ",
        "(Worker  pid=937) ",
        "(Worker pid=123456789) ",
        "(" + "N" * 100 + " pid=937) ",
        "a (Worker pid=937) ",
        "[rank]: ",
    ],
)
def test_what_only_looks_like_a_prefix_is_text(prefix: str) -> None:
    """It names nobody, and the line is no head either."""
    row = scanned((prefix + HEAD).encode())[0]
    assert (row.format, row.pid, row.rank) == (None, None, None)
    assert row.message == prefix + HEAD


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize(
    "names",
    [
        ["VllmWorker-0", "Worker", "Worker_TP0"],
        ["Worker_TP0", "Worker", "VllmWorker-0"],
        ["Worker_TP0", "Worker", "Worker_TP0", "VllmWorker-0", "Worker"],
    ],
)
def test_a_process_shows_its_latest_name(names: list[str], cut: bool) -> None:
    """One pid has several names over time; all its rows show the last one."""
    data = b"".join(f"({name} pid=12) {HEAD}\n".encode() for name in names)
    rows = scanned(lines_of(data) if cut else data)
    assert [row.process for row in rows] == [names[-1]] * len(names)


def test_the_name_of_an_outer_prefix_is_a_name_too() -> None:
    """The later line counts, wherever in its line the prefix stands."""
    rows = scanned(
        f"(Worker pid=7) (Worker_TP1 pid=7) {HEAD}\n(Worker pid=7) {HEAD}\n".encode()
        + b"(APIServer pid=1) (EngineCore pid=72) x\nvm:1:2 [0] NCCL INFO y\n"
    )
    assert [row.process for row in rows] == ["Worker", "Worker", "EngineCore", "APIServer"]
