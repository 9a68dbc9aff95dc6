"""What stands before a head says which process wrote the line, and often its rank."""

from __future__ import annotations

from datetime import datetime

import pytest

from pdtui.core.describe import Describer
from tests import reference
from tests.core.sources import differences, lines_of, opened, scanned

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
        "(Worker pid=937)",
        "(Worker pid=x) ",
        "(1Worker pid=937) ",
        "(Worker pid=123456789) ",
        "(" + "N" * 100 + " pid=937) ",
        "a ",
        "[rank]: ",
        "[rank3] [x] ",
        "pod/x/y ",
    ],
)
def test_what_only_looks_like_a_prefix_names_nobody(prefix: str) -> None:
    """The head behind it is found all the same, as the last resort."""
    row = scanned((prefix + HEAD).encode())[0]
    assert (row.format, row.message) == ("vllm", "text")
    assert row.pid is None
    assert scanned(f"{prefix}words\n".encode())[0].pid is None


LAUNCHED = [
    # prefix, process, rank, time
    ("[default3]: ", None, 3, None),
    ("[default0]:", None, 0, None),
    ("0: ", None, None, None),
    (" 12: ", None, None, None),
    ("[1,0]<stdout>:", None, None, None),
    ("[1,12]<stderr>: ", None, None, None),
    ("2025-04-06T07:55:21.108632509Z ", None, None, "2025-04-06T07:55:21.108632"),
    # The files of container runtimes in /var/log/pods.
    ("2025-04-06T07:55:21.108632509Z stdout F ", None, None, "2025-04-06T07:55:21.108632"),
    ("2025-04-06T07:55:21.108632509+02:00 stderr P ", None, None, "2025-04-06T07:55:21.108632"),
    ("2025-04-06T07:55:21Z ", None, None, "2025-04-06T07:55:21"),
    ("2025-04-06T07:55:21.5+02:00 ", None, None, "2025-04-06T07:55:21.5"),
    ("2025-04-06T07:55:21+0200 ", None, None, "2025-04-06T07:55:21"),
    ("[pod/vllm-prefill-0/engine] ", "vllm-prefill-0/engine", None, None),
    ("vllm-decode-5b7f9-x2k engine ", "vllm-decode-5b7f9-x2k/engine", None, None),
    ("prefill-1  | ", "prefill-1", None, None),
    ("decode-0-1   | ", "decode-0-1", None, None),
    ("worker-9 >> ", "worker-9", None, None),
    ("2025-05-30 09:53:45.386 | ", None, None, "2025-05-30T09:53:45.386"),
    ("  | 2024-12-04T05:27:44.078Z | ", None, None, "2024-12-04T05:27:44.078"),
    ("Nov 01 10:30:45 node-7 vllm[123]: ", "vllm", None, "2026-11-01T10:30:45"),
    ("Nov  1 10:30:45 node-7 vllm[123]: ", "vllm", None, "2026-11-01T10:30:45"),
    ("Nov 01 10:30:45 ", None, None, "2026-11-01T10:30:45"),
    ("2025-11-01T10:30:45+0100 node-7 vllm[123]: ", "vllm", None, "2025-11-01T10:30:45"),
    # Several, in the order in which launchers nest.
    ("[pod/a-decode-0/c] 2025-04-06T07:55:21Z [rank2]: ", "a-decode-0/c", 2, "2025-04-06T07:55:21"),
    ("2025-04-06T07:55:21Z [pod/a-decode-0/c] ", "a-decode-0/c", None, "2025-04-06T07:55:21"),
    ("a-decode-0 c 2025-04-06T07:55:21Z ", "a-decode-0/c", None, "2025-04-06T07:55:21"),
    ("prefill-1  | 2025-04-06T07:55:21.1Z ", "prefill-1", None, "2025-04-06T07:55:21.1"),
    ("[default2]:[rank1]: ", None, 1, None),
    ("decode-1  | [rank1]: (Worker_TP2 pid=9) ", "Worker_TP2", 2, None),
    ("0: (EngineCore pid=7) (RayWorker pid=9, ip=10.0.0.2) ", "RayWorker", None, None),
    ("Aug 19 18:34:30 node vllm[8707]: (APIServer pid=8707) ", "APIServer", None,
     "2026-08-19T18:34:30"),
]  # fmt: skip


@pytest.mark.parametrize(("prefix", "process", "rank", "time"), LAUNCHED)
def test_launchers_prefixes(
    prefix: str, process: str | None, rank: int | None, time: str | None
) -> None:
    """Peeled one after the other; a prefix's stamp is the row's time, its container its process."""
    row = scanned((prefix + HEAD).encode())[0]
    assert (row.format, row.message, row.torn) == ("vllm", "text", False)
    assert (row.process, row.rank) == (process, rank)
    assert str(row.time) == str(datetime.fromisoformat(time or "2026-11-22T06:35:44"))


@pytest.mark.parametrize(("prefix", "process", "rank", "time"), LAUNCHED)
def test_every_line_of_a_record_has_its_prefix_taken_off(
    prefix: str, process: str | None, rank: int | None, time: str | None
) -> None:
    """Also those that are no heads; whatever the prefix, the reference says the same."""
    data = "".join(f"{prefix}{text}\n" for text in (HEAD, "  under it", "", "🔍 [Rank 1] x"))
    rows = scanned(data.encode())
    # A blank behind a colon may be the launcher's.
    under = " under it" if prefix.endswith(":") else "  under it"
    assert [row.message for row in rows] == ["text", under, "", "🔍 [Rank 1] x"]
    assert [row.continuation for row in rows] == [False, True, True, False]
    assert [row.process for row in rows[:3]] == [process] * 3
    assert scanned(lines_of(data.encode())) == rows
    assert differences(reference.read(data.encode(), 2026), rows, data.encode()) == []


@pytest.mark.parametrize("prefix", ["0: ", "pod-a main "])
def test_what_may_be_text_is_a_prefix_from_its_first_head_on(prefix: str) -> None:
    """Above it, nothing is taken for a prefix; below it, also lines that are no heads."""
    data = f"{prefix}🔍 x\n{prefix}{HEAD}\n{prefix}🔍 x\n".encode()
    for pieces in (data, lines_of(data)):
        assert [row.markers for row in scanned(pieces)] == [(), (), ("🔍",)]


def test_text_that_looks_like_such_a_prefix_stays() -> None:
    data = "0: first of a list\n1: second\nwell-known fact \nwell-known fact again\n"
    assert [row.message for row in scanned(data.encode())] == data.splitlines()


def test_containers_are_told_apart() -> None:
    """The same pid in two pods is two processes; each continues its own record."""
    rows = scanned(
        f"[pod/a-prefill-0/c] (Worker_TP1 pid=7) {HEAD}\n"
        f"[pod/a-decode-0/c] (Worker_TP2 pid=7) {HEAD}\n"
        "[pod/a-prefill-0/c]   under the first\n"
        "[pod/a-prefill-0/c] vm:7:8 [0] NCCL INFO x\n"
        "[pod/a-decode-0/c] vm:7:8 [0] NCCL INFO x\n".encode()
    )
    assert [row.rank for row in rows] == [1, 2, 1, 1, 2]
    assert rows[2].process == "Worker_TP1"


def test_containers_give_the_role() -> None:
    """`prefill` and `decode` in the names of pods and services, also for lines without a head."""
    data = (
        f"[pod/a-prefill-0/c] {HEAD}\n[pod/a-decode-0/c] {HEAD}\n"
        "[pod/a-decode-0/c] vm:7:8 NCCL INFO x\n"
        f"decode-1  | {HEAD}\nprefill-1  | words\n"
    )
    with opened(data.encode(), "all") as source:
        describer = Describer(source)
        roles = [describer.describe(row).role for row in range(len(source))]
    assert roles[:2] == ["prefill", "decode"]
    assert roles[3] == "decode"


def test_the_engine_ranks_the_pid_of_its_own_container() -> None:
    start = "🔍 [Rank 3] P2pNcclEngine.__init__ START | local_rank=0, pid=7"
    rows = scanned(
        f"[pod/a/c] INFO 11-22 06:35:44 [a.py:1] {start}\n[pod/a/c] vm:7:8 NCCL INFO x\n"
        "[pod/b/c] vm:7:8 NCCL INFO x\n[pod/b/c] INFO 11-22 06:35:44 [a.py:1] [Rank 4] y\n".encode()
    )
    assert [row.rank for row in rows] == [3, 3, None, 4]


def test_the_engines_of_two_containers_rank_their_pids_though_they_are_alike() -> None:
    """In one block: that the same words were read before makes no difference."""
    start = "INFO 11-22 06:35:44 [a.py:1] [Rank 3] P2pNcclEngine.__init__ START | n=0, pid=7"
    lines = [f"decode-{n}  | {line}\n" for line in (start, "vm:7:8 NCCL INFO x") for n in (1, 2)]
    lines.append("decode-1  | INFO 11-22 06:35:44 [a.py:1] [Rank 4] another rank in the file\n")
    assert [row.rank for row in scanned("".join(lines).encode())] == [3, 3, 3, 3, 4]


def test_no_more_than_six_prefixes() -> None:
    """A line made of prefixes ends somewhere, without an error."""
    row = scanned(("[rank1]: " * 100 + HEAD).encode())[0]
    assert row.torn
    assert row.format == "vllm"


def test_a_stamp_alone_is_a_row_with_a_time() -> None:
    """kubectl's for an empty line, or a cut one."""
    for prefix in ("2025-04-06T07:55:21.1Z ", "2025-04-06T07:55:21+02:00 ", "Nov 01 10:30:45 "):
        row = scanned(prefix.encode())[0]
        assert (row.format, row.message) == (None, "")
        assert row.time_source == "stamp"


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


def test_programs_with_one_pid_in_two_containers_are_two() -> None:
    """journald's pids are those inside of each container."""
    text = (
        f"[pod/prefill-0/vllm] Nov 22 06:38:44 node llm[123]: {HEAD}\n"
        f"[pod/decode-0/vllm] Nov 22 06:38:44 node vllm[123]: {HEAD}\n"
        f"Nov 22 06:38:44 node python[123]: {HEAD}\n"
    ).encode()
    rows = scanned(text)
    assert [row.process for row in rows] == ["llm", "vllm", "python"]
    assert {row.pid for row in rows} == {123}
    assert not differences(reference.read(text, 2026), rows, text)
