"""What code in C and C++ writes: glog (Mooncake, PyTorch), torch's c10d, NIXL, UCX."""

from __future__ import annotations

import re

from pdtui.core.formats.format import Format
from pdtui.core.formats.vllm import LEVELS, ORIGIN
from pdtui.core.levels import LEVEL_OF_WORD
from pdtui.core.shapes import Blanks, Digits, Maybe, Named, OneOf, Shape, Text, Until
from pdtui.core.stampshapes import Fraction, GlogDate, Moment, Year

_LETTERS = {w: LEVEL_OF_WORD[w] for w in (b"I", b"W", b"E", b"F", b"C")}
_SEVERITY = OneOf("level", _LETTERS)
_REST_OF_GLOG = (Maybe((Fraction(),)), Blanks(), Digits(1, 16), Text(b" "), ORIGIN, Text(b"] "))
_NIXL_LEVELS = {**LEVELS, **{w: LEVEL_OF_WORD[w] for w in (b"TRACE", b"WARN", b"FATAL")}}

GLOG = Format(
    "glog",
    (
        b"E1210 03:24:54.778028 2548307 transfer_engine.cpp:820] Failed to connect",
        b"W0713 17:03:55.310106 140 torch/distributed/run.py:757] *****",
    ),
    shape=Shape((_SEVERITY, GlogDate(), *_REST_OF_GLOG)),
    first_bytes=frozenset(b"IWEFC"),
)
GLOG_DATED = Format(
    "glog",
    (b"E20260608 14:45:44.404089 342420 transfer_metadata.cpp:1107] Failed to get",),
    # glog 0.7 writes the year too.
    shape=Shape((_SEVERITY, Year(hyphen=False), GlogDate(), *_REST_OF_GLOG)),
    first_bytes=frozenset(b"IWEFC"),
)
C10D = Format(
    "c10d",
    (
        b"[W1101 10:30:45.123456789 ProcessGroupNCCL.cpp:1250] Warning: using GPU 0",
        b"[W407 11:39:13.017345 TCPStore.cpp:106] recvVector failed",
        b"[E ProcessGroupNCCL.cpp:563] [Rank 0] Watchdog caught collective operation timeout",
    ),
    # `c10/util/Logging.cpp`; older ones write the month without its zero, or no time at all.
    expression=re.compile(
        rb"\[(?P<level>[IWEFC])"
        rb"(?:(?P<month>0?[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])"
        rb" (?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d|60)"
        rb"(?:\.(?P<fraction>\d{1,9}))?)?"
        rb" (?P<origin>[\w./-]+\.(?:cpp|hpp|h|cc|py):\d+)\] (?P<message>.*)",
        re.S,
    ),
    guard=Shape((Text(b"["), _SEVERITY)),
    first_bytes=frozenset(b"["),
    own_ranks=True,
)
GLOO = Format(
    "c10d",
    (b"[Gloo] Rank 0 is connected to 1 peer ranks. Expected number is : 1",),
    expression=re.compile(rb"(?P<message>\[Gloo\] .*)", re.S),
    guard=Shape((Text(b"[Gloo] "),)),
    level=b"INFO",
    first_bytes=frozenset(b"["),
    own_ranks=True,
)
NIXL = Format(
    "nixl",
    (
        b"2025-11-25 02:39:46 NIXL INFO    _api.py:361 Backend UCX was instantiated",
        b"NIXL INFO    _api.py:363 Backend UCX was instantiated",
    ),
    shape=Shape(
        (
            Maybe((Year(), Moment(), Maybe((Fraction(),)), Text(b" "))),
            Text(b"NIXL "),
            OneOf("level", _NIXL_LEVELS),
            Blanks(),
            Named("origin", (Until(b" :", 95), Text(b":"), Digits(1, 7))),
            Text(b" "),
        )
    ),
    first_bytes=frozenset(b"12N"),
    contains=b"NIXL ",
)
UCX = Format(
    "ucx",
    (b"[1749803291.555759] [host:7053 :0] tcp_ep.c:1260 UCX  ERROR tcp_ep 0x5605: reset",),
    # `ucs_log_default_handler`: seconds since the epoch, so it is UTC.
    expression=re.compile(
        rb"\[(?P<time>\d{9,10}\.\d{1,9})\] \[(?P<host>[^:\]\s]*):(?P<pid>\d{1,8}) *:[^\]\n]*\]\s+"
        rb"(?P<origin>\S+:\d+)\s+UCX\s+(?P<level>FATAL|ERROR|WARN|DIAG|INFO|DEBUG|TRACE|REQ|DATA|ASYNC|FUNC|POLL)\s+"
        rb"(?P<message>.*)",
        re.S,
    ),
    first_bytes=frozenset(b"["),
    contains=b" UCX ",
    utc=True,
)
