"""The servers, routers and engines beside vLLM: uvicorn, hypercorn, SGLang, LMCache, Dynamo."""

from __future__ import annotations

import re

from pdtui.core.formats.format import Format
from pdtui.core.formats.vllm import LEVELS
from pdtui.core.levels import LEVEL_OF_WORD
from pdtui.core.shapes import (
    Blanks,
    Digits,
    Maybe,
    Named,
    OneOf,
    RankNames,
    Shape,
    Something,
    Text,
    Until,
)
from pdtui.core.stampshapes import Fraction, Moment, NoDate, Year

_BRACKETED_STAMP = (Text(b"["), Year(), Moment(), Maybe((Fraction(),)))
_TRACING_LEVELS = {w: LEVEL_OF_WORD[w] for w in (b"TRACE", b"DEBUG", b"INFO", b"WARN", b"ERROR")}
_LONGEST_TARGET = 120
_TARGET = Named(
    "origin", (Until(b" :={", _LONGEST_TARGET), Text(b"::"), Until(b" ={", _LONGEST_TARGET))
)
"""`dynamo_llm::http::service:`, with its colon."""

UVICORN = Format(
    "uvicorn",
    (
        b'INFO:     127.0.0.1:33496 - "POST /v1/completions HTTP/1.1" 200 OK',
        b"INFO:     Started server process [1]",
    ),
    shape=Shape((OneOf("level", LEVELS), Text(b":"), Blanks(), Something())),
    first_bytes=frozenset(b"DIWEC"),
    by_head=True,
)
UVICORN_STAMPED = Format(
    "uvicorn",
    (b'[2025-09-17 08:22:52] INFO:     10.0.0.1:5000 - "GET /health HTTP/1.1" 200 OK',),
    # uvicorn under SGLang, whose configuration puts a stamp before the padded level.
    shape=Shape(
        (
            *_BRACKETED_STAMP,
            Maybe((Text(b" "), RankNames("process"))),
            Text(b"] "),
            OneOf("level", LEVELS),
            Text(b":"),
            Blanks(2),
        )
    ),
    first_bytes=frozenset(b"["),
    contains=b":  ",
)
HYPERCORN = Format(
    "hypercorn",
    (b"[2026-05-14 01:34:11 +0000] [26] [INFO] Running on http://0.0.0.0:10001",),
    shape=Shape(
        (
            *_BRACKETED_STAMP,
            Text(b" "),
            Until(b"] ", 5, least=5),
            Text(b"] ["),
            Digits(1, 8, "pid"),
            Text(b"] ["),
            OneOf("level", LEVELS),
            Text(b"] "),
        )
    ),
    first_bytes=frozenset(b"["),
    contains=b"] [",
)
SGLANG = Format(
    "sglang",
    (
        b"[2025-09-17 08:22:52 DP0 TP0 EP0] Prefill batch. #new-seq: 1, #new-token: 6",
        b"[2025-09-17 08:22:52.123 TP1] Decode batch. #running-req: 1",
        b"[2025-09-17 08:22:52] server_args=ServerArgs(model_path='x')",
    ),
    shape=Shape((*_BRACKETED_STAMP, Maybe((Text(b" "), RankNames("process"))), Text(b"] "))),
    first_bytes=frozenset(b"["),
    levels_in_words=True,
)
LMCACHE = Format(
    "lmcache",
    (b"[2025-12-10 02:06:30,151] LMCache INFO: Reqid: 1, Total tokens 6 (adapter.py:1295:lm.v1)",),
    shape=Shape(
        (*_BRACKETED_STAMP, Text(b"] LMCache "), OneOf("level", LEVELS), Text(b":"), Blanks())
    ),
    tail=re.compile(rb" ?\((?P<origin>[\w.]+:\d+)(?::[\w.]+)?\)\s*\Z"),
    first_bytes=frozenset(b"["),
    contains=b"] LMCache ",
)
TRACING = Format(
    "tracing",
    (
        b"2025-09-02T15:50:01.770028Z  INFO dynamo_llm::http::service: listening on 0.0.0.0:8000",
        b"2025-09-02T15:50:01.770028Z ERROR http_request{method=POST}: failed",
    ),
    # Rust's tracing-subscriber, which Dynamo and its routers use: UTC, the level padded to five.
    shape=Shape(
        (
            Year(),
            Moment(),
            Maybe((Fraction(),)),
            Text(b"Z"),
            Blanks(),
            OneOf("level", _TRACING_LEVELS),
            Text(b" "),
            # A container's stamp before a line of vLLM looks the same up to here.
            NoDate(),
            Maybe(
                (
                    _TARGET,
                    Text(b" "),
                )
            ),
        )
    ),
    first_bytes=frozenset(b"12"),
    utc=True,
    contains=b"Z ",
)
TRACING_LOCAL = Format(
    "tracing",
    (b"2025-09-17 08:22:52  INFO vllm_router_rs::server: src/server.rs:261: Starting router",),
    # The Rust routers of vLLM and SGLang write local time, and the level padded to five.
    shape=Shape(
        (
            Year(),
            Moment(),
            Maybe((Fraction(),)),
            Blanks(),
            OneOf("level", _TRACING_LEVELS),
            Text(b" "),
            _TARGET,
            Text(b" "),
        )
    ),
    first_bytes=frozenset(b"12"),
    contains=b"::",
)
PROXY = Format(
    "proxy",
    ("handle_request count: 1, [HTTP:10.0.0.1:1, ZMQ:10.0.0.1:2] 👉 [HTTP:h, ZMQ:z]".encode(),),
    # What vLLM's example proxies print.
    expression=re.compile(rb"(?P<message>handle_request count: \d.*)", re.S),
    guard=Shape((Text(b"handle_request count"),)),
    first_bytes=frozenset(b"h"),
)
PROXY_ERROR = Format(
    "proxy",
    (b"Error occurred in disagg prefill proxy server - /completions endpoint",),
    expression=re.compile(rb"(?P<message>Error occurred in disagg .*)", re.S),
    guard=Shape((Text(b"Error occurred in disagg"),)),
    level=b"ERROR",
    first_bytes=frozenset(b"E"),
)
