"""What each line format claims, and what it takes out of a line."""

from __future__ import annotations

import pytest

from pdtui.core import formats
from tests.core.sources import scanned

SAMPLES = [(form, sample) for form in formats.FORMATS for sample in form.samples]


@pytest.mark.parametrize(("form", "sample"), SAMPLES, ids=[f"{s[:40]}" for _, s in SAMPLES])
def test_each_format_claims_its_samples(form: formats.Format, sample: bytes) -> None:
    """By its expression, after the cheap looks before it, and as the scanner's first choice."""
    assert form.pattern.fullmatch(sample)
    assert sample[0] in form.first_bytes
    assert form.contains in sample
    claiming = [other for other in formats.FORMATS if other.pattern.match(sample)]
    assert claiming[0] is form
    assert scanned(sample)[0].format == form.name


LINES = [
    (
        "INFO 11-01 10:30:45 [p2p_nccl_engine.py:105] 🔍 [Rank 0] create_connect START",
        ("vllm", "INFO", "p2p_nccl_engine.py:105", "🔍 [Rank 0] create_connect START"),
    ),
    (
        "DEBUG 11-22 06:36:24 [distributed/.../p2p/tensor_memory_pool.py:103] pool",
        ("vllm", "DEBUG", "distributed/.../p2p/tensor_memory_pool.py:103", "pool"),
    ),
    (
        "INFO 12-17 00:40:47 metrics.py:460] Avg prompt throughput: 0.0 tokens/s",
        ("vllm", "INFO", "metrics.py:460", "Avg prompt throughput: 0.0 tokens/s"),
    ),
    (
        "CRITICAL 2025-11-01 10:30:45,123 metrics.py:460] over",
        ("vllm", "CRITICAL", "metrics.py:460", "over"),
    ),
    ("INFO 11-22 06:31:14 [api_utils.py:347] ", ("vllm", "INFO", "api_utils.py:347", "")),
    ("INFO 11-22 06:31:14 [api_utils.py:347]x", ("vllm", "INFO", "api_utils.py:347", "x")),
    (
        "vm:698:1356 [0] NCCL INFO Bootstrap: Using eth0:192.0.2.2<0>",
        ("nccl", "INFO", None, "Bootstrap: Using eth0:192.0.2.2<0>"),
    ),
    (
        "[2026-11-22 06:36:26] vm:1580:2355 [0] init.cc:904 NCCL WARN Duplicate GPU detected",
        ("nccl", "WARNING", "init.cc:904", "Duplicate GPU detected"),
    ),
    ("vm:940:1486 NCCL CALL ncclSend(0,7f9e)", ("nccl", "DEBUG", None, "ncclSend(0,7f9e)")),
    (":168:1228 [2] NCCL INFO no host", ("nccl", "INFO", None, "no host")),
    ("vm:1:2 [-1] NCCL ABORT gone", ("nccl", "CRITICAL", None, "gone")),
    ("vm:1:2 [0] (func) NCCL TRACE x", ("nccl", "DEBUG", None, "x")),
    (
        'INFO:     127.0.0.1:33496 - "POST /v1/completions HTTP/1.1" 200 OK',
        ("uvicorn", "INFO", None, '127.0.0.1:33496 - "POST /v1/completions HTTP/1.1" 200 OK'),
    ),
    (
        "ERROR:    Exception in ASGI application",
        ("uvicorn", "ERROR", None, "Exception in ASGI application"),
    ),
    (
        "INFO:__main__:[prefill] start request_id=1",
        ("python", "INFO", "__main__", "[prefill] start request_id=1"),
    ),
    (
        "2025-11-01 10:30:45,123 - vllm.engine - WARNING - slow",
        ("python", "WARNING", "vllm.engine", "slow"),
    ),
    ("2025-11-01T10:30:45.5 ERROR p2p: lost", ("python", "ERROR", None, "p2p: lost")),
    ("2025-11-01 10:30:45,123 [ERROR] lost", ("python", "ERROR", None, "lost")),
    (
        "Exception in thread Thread-1 (send_async):",
        ("python", "ERROR", None, "Exception in thread Thread-1 (send_async):"),
    ),
    ("--- Logging error ---", ("python", "ERROR", None, "--- Logging error ---")),
    (
        "Traceback (most recent call last):",
        ("python", "ERROR", None, "Traceback (most recent call last):"),
    ),
]


@pytest.mark.parametrize(("line", "wanted"), LINES, ids=[line[:50] for line, _ in LINES])
def test_a_line_is_taken_apart(line: str, wanted: tuple[str | None, ...]) -> None:
    """Format, level, origin and message of real lines."""
    row = scanned(line.encode())[0]
    assert (row.format, row.level, row.origin, row.message) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "INFO 13-01 10:30:45 [a.py:1] no such month",
        "INFO 11-32 10:30:45 [a.py:1] no such day",
        "INFO 11-01 24:00:00 [a.py:1] no such hour",
        "INFO 9999-11-01 10:30:45 [a.py:1] no such year",
        "INFO 11-01 10:30:45 [a.py:12345678] too long a line number",
        "INFO 11-01 10:30:45 [a.py] no line number",
        "INFO 11-01 10:30:45",
        "INFO",
        " INFO 11-01 10:30:45 [a.py:1] indented",
        "info 11-01 10:30:45 [a.py:1] small",
        "\tvm:1:2 [0] NCCL INFO indented",
        "vm:1:2 [0] NCCL LOUD no such level",
        "vm:123456789:2 [0] NCCL INFO too long a pid",
        "[9999-11-22 06:36:26] vm:1:2 [0] NCCL INFO no such year",
        "over at vm:1:2 [0] NCCL INFO glued",
        "INFO:",
        "INFO: ",
        "    raise RuntimeError",
        '  File "x.py", line 1, in f',
        "",
    ],
)
def test_a_line_that_only_looks_like_a_head_is_none(line: str) -> None:
    """No format claims it, so it states no level and no time, and is a message from end to end."""
    row = scanned(line.encode() + b"\n")[0]
    assert (row.format, row.level, row.time) == (None, None, None)
    assert (row.origin, row.message) == (None, line)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b"\x1b[32mINFO\x1b[0m x", b"INFO x"),
        (b"\x1b[38;2;1;2;3mx\x1b[K", b"x"),
        (b"x\r", b"x"),
        (b"x\r\r", b"x"),
        (b"\rLoading 0%\rLoading 100%\r", b"Loading 100%"),
        (b"\r\r", b""),
        (b"[0;36m(Worker pid=1)[0;0m x", b"(Worker pid=1) x"),
        (b"text [0;36m stays", b"text [0;36m stays"),
        (b"[2026-11-22] x", b"[2026-11-22] x"),
        (b"[1234m x", b"[1234m x"),
        (b"\x1b\x1b[0m[0m x", b"\x1b[0m x"),
    ],
)
def test_clean_is_what_a_terminal_shows(line: bytes, wanted: bytes) -> None:
    """Colour codes go, also those that lost their ESC; what a return overwrote goes."""
    assert formats.clean(line) == wanted


def test_groups_have_plain_names() -> None:
    """A format's second form gives the same names as its first."""
    found = formats.PYTHON.pattern.match(b"INFO:__main__:text")
    assert found
    assert formats.groups(found) == {"level": b"INFO", "origin": b"__main__", "message": b"text"}
    assert found[formats.message_group(found)] == b"text"


def test_numbers_name_the_formats() -> None:
    """0 is no format; each other number is that of one format."""
    assert formats.FORMAT_NAMES[formats.NO_FORMAT] is None
    for form in formats.FORMATS:
        assert formats.FORMAT_NAMES[formats.FORMAT_NUMBERS[id(form)]] == form.name
