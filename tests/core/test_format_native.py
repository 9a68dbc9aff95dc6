"""What code in C and C++ writes: glog, torch's c10d, NIXL, UCX."""

# ruff: noqa: E501 - lines of logs are as long as they are

from __future__ import annotations

import pytest

from tests.core.reallines import Case, case, check, each
from tests.core.sources import scanned

LINES = [
    case("sglang#11648, Mooncake", "I1015 14:44:35.615703 925039 transfer_engine.cpp:523] 38 MB/s",
         "glog", "INFO", "38 MB/s", origin="transfer_engine.cpp:523",
         time="2026-10-15T14:44:35.615703"),
    case("sglang#6193: the thread's number is padded",
         "I0513 11:04:17.446540  5509 transfer_engine.cpp:350] x", "glog", "INFO", "x",
         origin="transfer_engine.cpp:350", time="2026-05-13T11:04:17.446540"),
    case("Mooncake#397", "W0523 06:50:40.064657   223 client.cpp:450] retrying", "glog", "WARNING",
         "retrying", origin="client.cpp:450", time="2026-05-23T06:50:40.064657"),
    case("nixl#330, glog 0.7", "I20250519 11:37:43.163678  1480 transfer_engine.cpp:44] starting",
         "glog", "INFO", "starting", origin="transfer_engine.cpp:44",
         time="2025-05-19T11:37:43.163678"),
    case("vllm-ascend#7846, glog 0.7", "E20260608 14:45:44.404089 342420 metadata.cpp:1107] failed",
         "glog", "ERROR", "failed", origin="metadata.cpp:1107", time="2026-06-08T14:45:44.404089"),
    case("glog's fatal", "F1210 03:24:54.778028 25 a.cpp:8] gone", "glog", "CRITICAL", "gone",
         origin="a.cpp:8", time="2026-12-10T03:24:54.778028"),
    case("torchrun", "W0219 09:17:03.837000 140066961602368 torch/distributed/run.py:757] ***",
         "glog", "WARNING", "***", origin="torch/distributed/run.py:757",
         time="2026-02-19T09:17:03.837"),
    case("torch.compile", "[rank0]:W1207 22:10:35.487000 73 torch/_inductor/x.py:110] [0/0] x",
         "glog", "WARNING", "[0/0] x", rank=0, origin="torch/_inductor/x.py:110",
         time="2026-12-07T22:10:35.487"),
    case("corpus", "[W1122 06:31:56.316243685 utils.cpp:68] Warning: NUMA binding", "c10d",
         "WARNING", "Warning: NUMA binding", origin="utils.cpp:68",
         time="2026-11-22T06:31:56.316243"),
    case("vllm#12820: the month without its zero",
         "[rank0]:[W206 18:02:01.559899899 ProcessGroupNCCL.cpp:1250] Warning: x", "c10d",
         "WARNING", "Warning: x", rank=0, origin="ProcessGroupNCCL.cpp:1250",
         time="2026-02-06T18:02:01.559899"),
    case("vllm#13836", "[W214 15:20:56.973624780 CUDAAllocatorConfig.h:28] Warning: x", "c10d",
         "WARNING", "Warning: x", origin="CUDAAllocatorConfig.h:28",
         time="2026-02-14T15:20:56.973624"),
    case("older torch: no time, and a rank of the group",
         "[rank2]:[E ProcessGroupNCCL.cpp:563] [Rank 0] Watchdog caught", "c10d", "ERROR",
         "[Rank 0] Watchdog caught", rank=2, origin="ProcessGroupNCCL.cpp:563"),
    case("Gloo", "[Gloo] Rank 0 is connected to 1 peer ranks. Expected number is : 1", "c10d",
         "INFO", "[Gloo] Rank 0 is connected to 1 peer ranks. Expected number is : 1"),
    case("vllm#29369", "(EngineCore_DP0 pid=594) 2025-11-25 02:39:46 NIXL INFO    _api.py:361 Backend",
         "nixl", "INFO", "Backend", process="EngineCore_DP0", pid=594, origin="_api.py:361",
         time="2025-11-25T02:39:46"),
    case("NIXL's docs: without a stamp", "NIXL INFO    _api.py:363 Backend UCX was instantiated",
         "nixl", "INFO", "Backend UCX was instantiated", origin="_api.py:363"),
    case("NIXL", "2025-11-25 02:39:46 NIXL WARNING _api.py:361 x", "nixl", "WARNING", "x",
         origin="_api.py:361", time="2025-11-25T02:39:46"),
    case("nixl#149", "[1744331142.029752] [gpu-51:2802612:a]      ucp_worker.c:1903 UCX  INFO    cfg",
         "ucx", "INFO", "cfg", pid=2802612, origin="ucp_worker.c:1903",
         time="2025-04-11T00:25:42.029752"),
    case("LMCache#605", "[1746690477.974497] [llm206:611  :0]     ucp_context.c:1268 UCX  WARN  no cuda",
         "ucx", "WARNING", "no cuda", pid=611, origin="ucp_context.c:1268",
         time="2025-05-08T07:47:57.974497"),
    case("UCX", "[1746690477.974497] [llm206:611  :0]  a.c:1 UCX  DIAG  x", "ucx", "INFO", "x",
         pid=611, origin="a.c:1", time="2025-05-08T07:47:57.974497"),
    case("UCX under mpirun", "1: [1653901933.475958] [gpu02:5215 :0]   sock.c:325  UCX  ERROR   refused",
         "ucx", "ERROR", "refused", pid=5215, origin="sock.c:325",
         time="2022-05-30T09:12:13.475958"),
    case("dynamo#4934, Ray", "2025-12-12 19:44:59,011\tINFO scripts.py:1021 -- ray status", "ray",
         "INFO", "ray status", origin="scripts.py:1021", time="2025-12-12T19:44:59.011"),
    case("Ray's core", "(raylet) [2025-05-19 09:49:02,102 C 594 594] (raylet) manager.cc:156: failed",
         "ray", "CRITICAL", "failed", pid=594, origin="manager.cc:156",
         time="2025-05-19T09:49:02.102"),
]  # fmt: skip


@each(LINES)
def test_a_line_of_native_code(line: Case) -> None:
    check(line)


@pytest.mark.parametrize(
    ("letter", "level"), [("I", "INFO"), ("W", "WARNING"), ("E", "ERROR"), ("F", "CRITICAL")]
)
def test_letters_are_levels(letter: str, level: str) -> None:
    """In glog and in c10d, with and without a time."""
    for line in (
        f"{letter}1015 14:44:35.615703 9 a.cpp:5] x",
        f"{letter}20251015 14:44:35.615703 9 a.cpp:5] x",
        f"[{letter}1015 14:44:35.615703 a.cpp:5] x",
        f"[{letter} a.cpp:5] x",
    ):
        assert scanned(line.encode())[0].level == level
