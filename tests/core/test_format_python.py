"""What Python writes without vLLM's formatter: logging, warnings, exceptions, JSON lines."""

# ruff: noqa: E501 - lines of logs are as long as they are

from __future__ import annotations

import json

import pytest

from tests.core.reallines import Case, case, check, each
from tests.core.sources import scanned

LINES = [
    case("logging's tutorial", "2025-06-19 16:59:23 - verifiers.vllm_server - INFO - ready",
         "python", "INFO", "ready", origin="verifiers.vllm_server", time="2025-06-19T16:59:23"),
    case("asctime", "2025-06-19 16:59:23,250 - a.b - WARNING - slow", "python", "WARNING", "slow",
         origin="a.b", time="2025-06-19T16:59:23.25"),
    case("any", "2025-11-01 10:30:45,123 WARNING p2p: slow", "python", "WARNING", "p2p: slow",
         time="2025-11-01T10:30:45.123"),
    case("any", "2025-11-01 10:30:45,123 [ERROR] lost", "python", "ERROR", "lost",
         time="2025-11-01T10:30:45.123"),
    case("any", "2025-11-01 10:30:45,123 [p2p] INFO: sent", "python", "INFO", "sent", origin="p2p",
         time="2025-11-01T10:30:45.123"),
    case("any", "2025-11-01 10:30:45,123 Waiting for the prefill instance", "python", None,
         "Waiting for the prefill instance", time="2025-11-01T10:30:45.123"),
    case("vLLM's benchmark proxy", "INFO:__main__:[prefill] start request_id=1", "python", "INFO",
         "[prefill] start request_id=1", origin="__main__"),
    case("torchrun", "[default0]:INFO:megatron.core.cuda_graphs:Rank 0: 2 layers.", "python",
         "INFO", "Rank 0: 2 layers.", rank=0, origin="megatron.core.cuda_graphs"),
    case("corpus", "/opt/python3.11/multiprocessing/resource_tracker.py:254: UserWarning: leaked",
         "python", "WARNING", "UserWarning: leaked",
         origin="/opt/python3.11/multiprocessing/resource_tracker.py:254"),
    case("corpus", "<frozen importlib._bootstrap>:241: DeprecationWarning: builtin type", "python",
         "WARNING", "DeprecationWarning: builtin type", origin="<frozen importlib._bootstrap>:241"),
    case("v0.13 with DeepSeek", "Exception in thread Thread-3 (send_async):", "python", "ERROR",
         "Exception in thread Thread-3 (send_async):"),
    case("asyncio", "Exception in callback Loop.f()", "python", "ERROR",
         "Exception in callback Loop.f()"),
    case("corpus, 0.9.2", "--- Logging error ---", "python", "ERROR", "--- Logging error ---"),
    case("CPython", "Fatal Python error: Segmentation fault", "python", "ERROR",
         "Fatal Python error: Segmentation fault"),
    case("vLLM 0.32, --logging-config.formatter json",
         '{"asctime": "2026-11-22 06:52:50,677", "levelname": "INFO", "name": "vllm.v1.core", '
         '"processName": "MainProcess", "process": 7, "message": "ready", "vllm_process_name": '
         '"APIServer"}', "json", "INFO", "ready", process="APIServer", pid=7, origin="vllm.v1.core",
         time="2026-11-22T06:52:50.677"),
    case("vLLM's docs, python-json-logger", '{"message": "ready"}', "json", None, "ready"),
    case("python-json-logger with more fields",
         '{"asctime": "2026-11-22 06:52:50,677", "levelname": "ERROR", "filename": "a.py", '
         '"lineno": 12, "message": "lost"}', "json", "ERROR", "lost", origin="a.py:12",
         time="2026-11-22T06:52:50.677"),
    case("Dynamo, DYN_LOGGING_JSONL", '{"time":"2025-10-31T21:06:45.397194Z","level":"DEBUG",'
         '"target":"dynamo_runtime::tcp","message":"Registering","span_id":"f7","x_request_id":"t"}',
         "json", "DEBUG", "Registering", origin="dynamo_runtime::tcp",
         time="2025-10-31T21:06:45.397194"),
    case("Rust's tracing", '{"timestamp":"2025-10-31T21:06:45Z","level":"WARN","fields":{"message":'
         '"late"},"target":"router"}', "json", "WARNING", "late", origin="router",
         time="2025-10-31T21:06:45"),
    case("structlog", '{"event": "sent", "level": "warning", "timestamp": 1746690477.5}', "json",
         "WARNING", "sent", time="2025-05-08T07:47:57.5"),
    case("Python's number of a level", '{"level": 40, "msg": "lost", "pid": 12, "time": 1746690477974}', "json",
         "ERROR", "lost", pid=12, time="2025-05-08T07:47:57.974"),
    case("a marker in JSON", '{"message": "🔍 [Rank 3] create_connect START", "levelname": "INFO"}',
         "json", "INFO", "🔍 [Rank 3] create_connect START", rank=3, markers="🔍"),
]  # fmt: skip


@each(LINES)
def test_a_line_of_python(line: Case) -> None:
    check(line)


@pytest.mark.parametrize(
    "line",
    [
        '{"a": 1}',
        '{"message": null}',
        '{"message": {"nested": 1}}',
        '{"message": "cut',
        "{not json}",
        '["message"]',
        "{}",
        '{"message": "x"' + "[" * 2000 + "]" * 2000 + "}",
    ],
)
def test_what_is_no_json_log_line(line: str) -> None:
    """It is text, whole and as it is."""
    row = scanned(line.encode())[0]
    assert (row.format, row.message) == (None, line)


def test_the_text_of_a_json_message_is_the_message() -> None:
    """With its newlines and signs, however JSON escaped them."""
    message = 'a\nb\t"ü" 🔍'
    for ascii_only in (True, False):
        line = json.dumps({"message": message, "levelname": "INFO"}, ensure_ascii=ascii_only)
        row = scanned(line.encode())[0]
        assert (row.message, row.markers) == (message, ())


def test_a_name_in_json_and_one_in_a_prefix() -> None:
    """The later one counts, and cutting blocks changes nothing."""
    lines = [
        b"(VllmWorker-0 pid=5) INFO 11-22 06:35:44 [a.py:1] x\n",
        b'{"message": "x", "process": 5, "vllm_process_name": "Worker_TP0"}\n',
    ]
    for order, name in ((lines, "Worker_TP0"), (lines[::-1], "VllmWorker-0")):
        for data in (b"".join(order), order):
            assert [row.process for row in scanned(data)] == [name, name]
