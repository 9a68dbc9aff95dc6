"""Servers, routers and engines beside vLLM: uvicorn, SGLang, LMCache, Dynamo, proxies."""

# ruff: noqa: E501 - lines of logs are as long as they are

from __future__ import annotations

import pytest

from tests.core.reallines import Case, case, check, each
from tests.core.sources import scanned

LINES = [
    case("corpus", 'INFO:     127.0.0.1:33496 - "POST /v1/completions HTTP/1.1" 200 OK', "uvicorn",
         "INFO", '127.0.0.1:33496 - "POST /v1/completions HTTP/1.1" 200 OK'),
    case("corpus", "ERROR:    Exception in ASGI application", "uvicorn", "ERROR",
         "Exception in ASGI application"),
    case("corpus, on a terminal", "\x1b[32mINFO\x1b[0m:     Started server process [\x1b[36m1\x1b[0m]",
         "uvicorn", "INFO", "Started server process [1]"),
    case("0.10.2, prefixed", "(APIServer pid=1) INFO:     Application startup complete.", "uvicorn",
         "INFO", "Application startup complete.", process="APIServer", pid=1),
    case("sglang#10560", '[2025-09-17 16:23:13] INFO:     10.0.11.1:416 - "GET /health HTTP/1.1" 200',
         "uvicorn", "INFO", '10.0.11.1:416 - "GET /health HTTP/1.1" 200',
         time="2025-09-17T16:23:13"),
    case("hypercorn under the P2P proxy", "[2026-05-14 01:34:11 +0000] [26] [INFO] Running on x",
         "hypercorn", "INFO", "Running on x", pid=26, time="2026-05-14T01:34:11"),
    case("sglang#11648", "[2025-10-15 14:44:33 DP5 TP5 EP5] Prefill batch. #new-seq: 1, #new-token: 4",
         "sglang", None, "Prefill batch. #new-seq: 1, #new-token: 4", process="DP5 TP5 EP5", rank=5,
         time="2025-10-15T14:44:33"),
    case("sglang#11648", "[2025-10-15 14:44:34 DP3 TP3 EP3] Prefill transfer failed for request "
         "rank=3 req.rid='88fc' req.bootstrap_room=28 with exception KVTransferError",
         "sglang", "ERROR", "Prefill transfer failed for request rank=3 req.rid='88fc' "
         "req.bootstrap_room=28 with exception KVTransferError", process="DP3 TP3 EP3", rank=3,
         time="2025-10-15T14:44:34", markers="🔴"),
    case("sglang#10560", "[2025-09-17 16:23:13 TP1] Decode transfer failed for request rank=1 "
         "decode_req.req.rid='3c'", "sglang", "ERROR", "Decode transfer failed for request rank=1 "
         "decode_req.req.rid='3c'", process="TP1", rank=1, time="2025-09-17T16:23:13",
         markers="🔴"),
    case("sglang#5709, no prefix in the main process", "[2025-04-30 14:23:57] Start of warmup ...",
         "sglang", None, "Start of warmup ...", time="2025-04-30T14:23:57"),
    case("SGLANG_LOG_MS", "[2025-04-30 14:23:57.123 TP0] x timed out after 600.0s", "sglang",
         "ERROR", "x timed out after 600.0s", process="TP0", rank=0,
         time="2025-04-30T14:23:57.123"),
    case("under Ray the pid is said too",
         "(WorkerDict pid=26105) [2025-11-20 01:13:05 TP1] Downcasting", "sglang", None,
         "Downcasting", process="WorkerDict", pid=26105, rank=1, time="2025-11-20T01:13:05"),
    case("sglang#23272, compose", "qwen-2p2d-prefill-0-1  | [2026-04-30 16:02:25] Prefill batch, #x: 1",
         "sglang", None, "Prefill batch, #x: 1", process="qwen-2p2d-prefill-0-1",
         time="2026-04-30T16:02:25"),
    case("dynamo#4934", "[2025-12-12 19:45:12] INFO encode_worker_handler.py:30: Using cupy",
         "python", "INFO", "Using cupy", origin="encode_worker_handler.py:30",
         time="2025-12-12T19:45:12"),
    case("LMCache#673", "(VllmWorker rank=1 pid=97) [2025-05-16 23:43:45,775] LMCache INFO: Storing "
         "KV cache for 149 out of 405 tokens (skip_leading_tokens=256) for request chatcmpl-6e "
         "(vllm_v1_adapter.py:621:lmcache.integration.vllm.vllm_v1_adapter)", "lmcache", "INFO",
         "Storing KV cache for 149 out of 405 tokens (skip_leading_tokens=256) for request "
         "chatcmpl-6e", process="VllmWorker rank=1", pid=97, rank=1,
         origin="vllm_v1_adapter.py:621", time="2025-05-16T23:43:45.775"),
    case("LMCache's colours", "\x1b[32;20m[2025-12-10 02:06:30,151] LMCache INFO:\x1b[0m Retrieved 8 "
         "out of 24 required tokens \x1b[3m(cache_engine.py:12:lmcache.v1)\x1b[0m", "lmcache",
         "INFO", "Retrieved 8 out of 24 required tokens", origin="cache_engine.py:12",
         time="2025-12-10T02:06:30.151", markers="✅"),
    case("LMCache#3110", "(EngineCore_DP0 pid=45) [2025-09-30 00:08:43,982] LMCache INFO: Stored 31 "
         "out of total 31 tokens.", "lmcache", "INFO", "Stored 31 out of total 31 tokens.",
         process="EngineCore_DP0", pid=45, time="2025-09-30T00:08:43.982", markers="✅"),
    case("Dynamo's docs", "2025-10-21T23:22:52.381069Z  INFO dynamo_llm::entrypoint::input::http: "
         "Watching for remote model at models", "tracing", "INFO",
         "Watching for remote model at models", origin="dynamo_llm::entrypoint::input::http",
         time="2025-10-21T23:22:52.381069"),
    case("dynamo#4934", "2025-12-12T19:45:12.843242Z  WARN dynamo_runtime::config: DYN_X is deprecated",
         "tracing", "WARNING", "DYN_X is deprecated", origin="dynamo_runtime::config",
         time="2025-12-12T19:45:12.843242"),
    case("dynamo#1108, Python", "2025-05-16T04:56:18.119Z ERROR engine.run_mp_engine: NIXL_ERR_BACKEND",
         "tracing", "ERROR", "engine.run_mp_engine: NIXL_ERR_BACKEND",
         time="2025-05-16T04:56:18.119"),
    case("Dynamo, a span", "2025-10-21T23:22:52.38Z ERROR http_request{method=POST}: failed",
         "tracing", "ERROR", "http_request{method=POST}: failed", time="2025-10-21T23:22:52.38"),
    case("Dynamo's terminal colours", "\x1b[2m2025-10-21T23:22:52.381069Z\x1b[0m \x1b[32m INFO\x1b[0m "
         "\x1b[2mdynamo_llm::hub\x1b[0m\x1b[2m:\x1b[0m ready", "tracing", "INFO", "ready",
         origin="dynamo_llm::hub", time="2025-10-21T23:22:52.381069"),
    case("sglang#10560, the router", "2025-09-17 08:22:52  INFO sglang_router_rs::server: "
         "src/server.rs:261: Starting router", "tracing", "INFO",
         "src/server.rs:261: Starting router", origin="sglang_router_rs::server",
         time="2025-09-17T08:22:52"),
    case("production-stack's router", "[2025-10-01 03:02:01,123] \x1b[32mINFO\x1b[0m: Found engine "
         "(service_discovery.py:37:vllm_router.service_discovery)", "python", "INFO",
         "Found engine", origin="service_discovery.py:37", time="2025-10-01T03:02:01.123"),
    case("the P2P proxy", "handle_request count: 1, [HTTP:10.0.0.1:1, ZMQ:10.0.0.1:2] 👉 [HTTP:h]",
         "proxy", None, "handle_request count: 1, [HTTP:10.0.0.1:1, ZMQ:10.0.0.1:2] 👉 [HTTP:h]"),
    case("the P2P proxy", "Error occurred in disagg prefill proxy server", "proxy", "ERROR",
         "Error occurred in disagg prefill proxy server"),
    case("the P2P proxy", "🔵Add [HTTP:10.0.0.1:1, ZMQ:10.0.0.1:2]", None, None,
         "🔵Add [HTTP:10.0.0.1:1, ZMQ:10.0.0.1:2]", markers="🔵"),
    case("Mooncake#1048, the RPC library",
         "2025-11-11 08:02:15.854222 ERROR    [924] [coro_rpc_client.hpp:954] read failed",
         "python", "ERROR", "   [924] [coro_rpc_client.hpp:954] read failed",
         time="2025-11-11T08:02:15.854222"),
]  # fmt: skip


@each(LINES)
def test_a_line_of_a_server(line: Case) -> None:
    check(line)


@pytest.mark.parametrize(
    ("message", "level"),
    [
        ("Decode batch. #running-req: 1", None),
        ("Scheduler hit an exception: Traceback (most recent call last):", "ERROR"),
        ("KVTransferError(bootstrap_room=1): x", "ERROR"),
        ("retry in 5 s", "WARNING"),
        ("UserWarning: x", "WARNING"),
        ("Warning: it failed", "ERROR"),
    ],
)
def test_sglang_says_in_words_what_went_wrong(message: str, level: str | None) -> None:
    """Its lines have no level word; what its pod is called is not what it says."""
    for before in ("", "mirror-error-0  | "):
        row = scanned(f"{before}[2025-04-30 14:23:57 TP0] {message}".encode())[0]
        assert (row.format, row.level) == ("sglang", level)


def test_words_of_a_bar_that_was_overwritten_are_no_lines() -> None:
    """Neither those of the line that it stood in nor those of the line above."""
    rows = scanned(
        b"[2025-04-30 14:23:57 TP0] Decode batch\nWarning: failed\r 99%\n"
        b"Error: x\r[2025-04-30 14:23:57 TP0] Decode batch\n"
    )
    assert [row.level for row in rows] == [None, None, None]


def test_a_stamp_in_utc_is_moved_to_the_zone_of_the_others() -> None:
    """Dynamo and UCX write UTC beside vLLM's local time: how far apart is a matter of quarters."""
    rows = scanned(
        b"INFO 11-22 10:30:00 [a.py:1] local\n"
        b"2026-11-22T09:30:02.5Z  INFO dynamo_llm::hub: utc\n"
        b"[1795339803.5] [host:7053 :0] tcp_ep.c:1260 UCX  ERROR utc\n"
        b"2026-11-22T11:30:02.5Z  INFO dynamo_llm::hub: two hours later\n"
    )
    assert [str(row.time) for row in rows] == [
        "2026-11-22 10:30:00", "2026-11-22 10:30:02.500000", "2026-11-22 10:30:03.500000",
        "2026-11-22 12:30:02.500000",
    ]  # fmt: skip
