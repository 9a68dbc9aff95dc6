"""vLLM's own heads, of every version."""

# ruff: noqa: E501 - lines of logs are as long as they are

from __future__ import annotations

import pytest

from tests.core.reallines import Case, case, check, each
from tests.core.sources import scanned

AT = "2026-11-22T06:35:44"
LINES = [
    case("0.6.4 (PR 13011 changed it)", "INFO 12-17 00:40:47 metrics.py:460] Avg prompt throughput",
         "vllm", "INFO", "Avg prompt throughput", time="2026-12-17T00:40:47",
         origin="metrics.py:460"),
    case("0.7, in Dynamo's log", "INFO 04-03 01:39:43 model_runner.py:1115] Loading took 14.9 GB",
         "vllm", "INFO", "Loading took 14.9 GB", time="2026-04-03T01:39:43",
         origin="model_runner.py:1115"),
    case("0.8", "WARNING 11-22 06:35:44 [arg_utils.py:1713] falling back", "vllm", "WARNING",
         "falling back", time=AT, origin="arg_utils.py:1713"),
    case("0.10.2, DEBUG", "DEBUG 11-22 06:35:44 [distributed/.../p2p/p2p_nccl_engine.py:36] ping",
         "vllm", "DEBUG", "ping", time=AT, origin="distributed/.../p2p/p2p_nccl_engine.py:36"),
    case("0.10.2, DEBUG", "DEBUG 11-22 06:35:44 [v1/core/sched/scheduler.py:3233] still waiting",
         "vllm", "DEBUG", "still waiting", time=AT, origin="v1/core/sched/scheduler.py:3233"),
    case("corpus: an empty line of the banner", "INFO 11-22 06:35:44 [api_utils.py:347] ",
         "vllm", "INFO", "", time=AT, origin="api_utils.py:347"),
    case("a cut line", "INFO 11-22 06:35:44 [api_utils.py:347]", "vllm", "INFO", "", time=AT,
         origin="api_utils.py:347"),
    case("any", "CRITICAL 11-22 06:35:44 [core.py:1] over", "vllm", "CRITICAL", "over", time=AT,
         origin="core.py:1"),
    case("VLLM_LOGGING_CONFIG_PATH, the docs' second example",
         "ERROR 2025-11-01 10:30:45,123 metrics.py:460] over", "vllm", "ERROR", "over",
         time="2025-11-01T10:30:45.123", origin="metrics.py:460"),
    case("the same with a date of its own", "ERROR 11-22 06:35:44.500 [metrics.py:460] over",
         "vllm", "ERROR", "over", time=f"{AT}.5", origin="metrics.py:460"),
    case("0.9 and before, v0 engine", "(VllmWorkerProcess pid=217) INFO 11-22 06:35:44 [x.py:1] a",
         "vllm", "INFO", "a", time=AT, process="VllmWorkerProcess", pid=217, origin="x.py:1"),
    case("0.7 to 0.10.0", "(VllmWorker rank=1 pid=147) INFO 11-22 06:35:44 [x.py:1] a", "vllm",
         "INFO", "a", time=AT, process="VllmWorker rank=1", pid=147, rank=1, origin="x.py:1"),
    case("0.10.1", "(VllmWorker DP0_TP1 pid=147) INFO 11-22 06:35:44 [x.py:1] a", "vllm", "INFO",
         "a", time=AT, process="VllmWorker DP0_TP1", pid=147, rank=1, origin="x.py:1"),
    case("0.11.0, colours in a file",
         "\x1b[1;36m(EngineCore_DP0 pid=797)\x1b[0;0m INFO 11-22 06:35:44 [x.py:1] a", "vllm",
         "INFO", "a", time=AT, process="EngineCore_DP0", pid=797, origin="x.py:1"),
    case("0.13, the ESC bytes lost in a paste",
         "[0;36m(Worker_TP1 pid=937)[0;0m INFO 11-22 06:35:44 [x.py:1] a", "vllm", "INFO", "a",
         time=AT, process="Worker_TP1", pid=937, rank=1, origin="x.py:1"),
    case("0.12 on, VLLM_LOGGING_COLOR=1",
         "\x1b[0;36m(APIServer pid=1)\x1b[0;0m \x1b[32mINFO\x1b[0m \x1b[90m11-22 06:35:44\x1b[0m "
         "\x1b[90m[x.py:1]\x1b[0m a", "vllm", "INFO", "a", time=AT, process="APIServer", pid=1,
         origin="x.py:1"),
    case("the same, the ESC bytes lost",
         "[0;36m(APIServer pid=1)[0;0m [32mINFO[0m [90m11-22 06:35:44[0m [90m[x.py:1][0m a",
         "vllm", "INFO", "a", time=AT, process="APIServer", pid=1, origin="x.py:1"),
    case("0.18 on", "(Worker_DP0_PP1_PCP0_TP3_DCP1_EP5 pid=12) INFO 11-22 06:35:44 [x.py:1] a",
         "vllm", "INFO", "a", time=AT, process="Worker_DP0_PP1_PCP0_TP3_DCP1_EP5", pid=12, rank=3,
         origin="x.py:1"),
    case("0.32: a hyphen in the name", "(VllmWorker-0 pid=26648) INFO 11-22 06:35:44 [x.py:1] a",
         "vllm", "INFO", "a", time=AT, process="VllmWorker-0", pid=26648, origin="x.py:1"),
    case("0.31 on, VLLM_LOGGING_PREFIX",
         "[run7](Worker_TP0 pid=1) INFO 11-22 06:35:44 [x.py:1] a", "vllm", "INFO", "a", time=AT,
         process="Worker_TP0", pid=1, rank=0, origin="x.py:1"),
    case("before 0.31, VLLM_LOGGING_PREFIX", "(Worker_TP0 pid=1) [run7]INFO 11-22 06:35:44 [x.py:1] a",
         "vllm", "INFO", "a", time=AT, process="Worker_TP0", pid=1, rank=0, origin="x.py:1"),
    case("llm-d#391: nested", "(APIServer pid=1) (EngineCore_DP0 pid=72) DEBUG 11-22 06:35:44 [x.py:1] a",
         "vllm", "DEBUG", "a", time=AT, process="EngineCore_DP0", pid=72, origin="x.py:1"),
    case("Ray", "(RayWorkerWrapper pid=44970, ip=10.0.4.7) INFO 11-22 06:35:44 x.py:30] a",
         "vllm", "INFO", "a", time=AT, process="RayWorkerWrapper", pid=44970, origin="x.py:30"),
    case("Ray Serve", "(ServeReplica:app:LLMServer pid=5, ip=10.0.4.7) INFO 11-22 06:35:44 [x.py:3] a",
         "vllm", "INFO", "a", time=AT, process="ServeReplica:app:LLMServer", pid=5,
         origin="x.py:3"),
    case("vllm#8422", "(VllmWorkerProcess pid=374) WARNING 09-13 00:35:49 logger.py:147] trace",
         "vllm", "WARNING", "trace", time="2026-09-13T00:35:49", process="VllmWorkerProcess",
         pid=374, origin="logger.py:147"),
    case("Mooncake#397: a rank in the message is text",
         "(VllmWorkerProcess pid=2) WARNING 05-23 06:39:54 [store.py:181] [rank1]: Failed", "vllm",
         "WARNING", "[rank1]: Failed", time="2026-05-23T06:39:54", process="VllmWorkerProcess",
         pid=2, origin="store.py:181"),
]  # fmt: skip


@each(LINES)
def test_a_line_of_vllm(line: Case) -> None:
    """Level, time, origin, process and rank, whatever the version and the colours."""
    check(line)


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
@pytest.mark.parametrize("opening", ["[", ""])
def test_every_level_with_both_brackets(level: str, opening: str) -> None:
    row = scanned(f"{level} 11-22 06:35:44 {opening}a.py:1] x".encode())[0]
    assert (row.format, row.level, row.origin, row.message) == ("vllm", level, "a.py:1", "x")


def test_the_latest_name_of_a_pid_counts() -> None:
    """`VllmWorker-0` becomes `Worker`, then `Worker_TP0`, and so do its earlier rows."""
    names = ["VllmWorker-0", "Worker", "Worker_TP0"]
    lines = "".join(f"({name} pid=7) INFO 11-22 06:35:44 [x.py:1] a\n" for name in names)
    assert [row.process for row in scanned(lines.encode())] == ["Worker_TP0"] * 3
