"""What Python programs write without vLLM's formatter: logging, warnings, exceptions."""

from __future__ import annotations

import re

from pdtui.core.formats.format import LEVEL, STAMP, Begins, Format
from pdtui.core.formats.vllm import LEVELS
from pdtui.core.shapes import Maybe, Named, OneByte, OneOf, Shape, Text, Until
from pdtui.core.stampshapes import Fraction, Moment, Year

_DATED = (Year(), Moment(), Maybe((Fraction(),)))
_LONGEST_NAME = 95

DASHED = Format(
    "python",
    (b"2025-11-01 10:30:45,123 - vllm.engine - INFO - ready",),
    # `%(asctime)s - %(name)s - %(levelname)s - %(message)s`, the form of logging's own tutorial.
    shape=Shape(
        (
            *_DATED,
            Text(b" - "),
            Named("origin", (Until(b" ", _LONGEST_NAME),)),
            Text(b" - "),
            OneOf("level", LEVELS),
            Text(b" - "),
        )
    ),
    first_bytes=frozenset(b"12"),
    contains=b" - ",
)
PLAIN = Format(
    "python",
    (b"2025-11-01 10:30:45,123 WARNING p2p: slow",),
    # `%(asctime)s %(levelname)s %(message)s`
    shape=Shape((*_DATED, Text(b" "), OneOf("level", LEVELS), Text(b" "))),
    first_bytes=frozenset(b"12"),
)
PYTHON = Format(
    "python",
    (b"2025-11-01 10:30:45,123 [ERROR] lost", b"2025-11-01 10:30:45,123 [p2p] INFO: sent"),
    # The same with the level first or in brackets, or other signs between.
    expression=re.compile(
        STAMP + rb"(?: - |: | )(?:\[?(?P<origin>[\w.:-]+?)\]?(?: - |: | ))?"
        rb"\[?" + LEVEL + rb"\]?(?: - |: | )(?P<message>.*)",
        re.S,
    ),
    guard=Shape((Maybe((Year(),)), Moment(), Maybe((Fraction(),)), OneByte(b" :"))),
    first_bytes=frozenset(b"0123456789"),
)
BASIC = Format(
    "python",
    (b"INFO:__main__:[prefill] start request_id=1",),
    # `logging.basicConfig`
    expression=re.compile(LEVEL + rb":(?P<origin>[\w.-]+):(?P<message>.*)", re.S),
    guard=Shape((OneOf("level", LEVELS), Text(b":"))),
    first_bytes=frozenset(b"DIWEC"),
)
BRACKETED = Format(
    "python",
    (
        b"[2025-12-10 02:06:30,151] INFO: Initialized router (service_discovery.py:37:vllm_router)",
        b"[2025-12-10 02:06:30] ERROR: lost",
        b"[2025-12-12 19:45:12] INFO encode_worker_handler.py:30: Using cupy",
    ),
    # production-stack's router: `[%(asctime)s] %(levelname)s: %(message)s (%(filename)s:…)`;
    # Dynamo's workers for SGLang: `[%(asctime)s] %(levelname)s %(filename)s:%(lineno)d: …`.
    expression=re.compile(
        rb"\[(?=\d{4}-)" + STAMP + rb"\] " + LEVEL + rb"(?:: (?P<message>\S.*)"
        rb"| (?P<origin2>[^\s:]{1,95}:\d{1,7}): (?P<message2>.*))",
        re.S,
    ),
    tail=re.compile(rb" ?\((?P<origin>[\w.]+:\d+)(?::[\w.]+)?\)\s*\Z"),
    guard=Shape((Text(b"["), *_DATED, Text(b"] "), OneOf("level", LEVELS))),
    first_bytes=frozenset(b"["),
    contains=b"] ",
)
STAMPED = Format(
    "python",
    (b"2025-11-01 10:30:45,123 Waiting for the prefill instance",),
    # `%(asctime)s %(message)s`: a time and no level.
    expression=re.compile(rb"(?=\d{4}-)" + STAMP + rb"[ :] ?(?!\| )(?P<message>.*)", re.S),
    guard=Shape((*_DATED, OneByte(b" :"))),
    first_bytes=frozenset(b"12"),
)
WARNING = Format(
    "python",
    (
        b"/opt/python3.11/multiprocessing/resource_tracker.py:254: UserWarning: leaked",
        b"<frozen importlib._bootstrap>:241: DeprecationWarning: builtin type SwigPyPacked",
    ),
    # `warnings.formatwarning`; the source line under it is its continuation.
    expression=re.compile(
        rb"(?P<origin>(?:<[^>\n]{1,80}>|[^\s:]{1,400}):\d+): (?P<message>\w*Warning: .*)", re.S
    ),
    level=b"WARNING",
    contains=b"Warning: ",
)
CRASH = Format(
    "python",
    (b"Exception in thread Thread-1 (send_async):", b"--- Logging error ---"),
    expression=re.compile(
        rb"(?P<message>(?:Exception in thread |Exception in callback |Exception ignored in"
        rb"|--- Logging error ---|Fatal Python error: ).*)",
        re.S,
    ),
    guard=Shape((OneOf("begin", {b"Exceptio": 1, b"--- Logg": 1, b"Fatal Py": 1}),)),
    level=b"ERROR",
    first_bytes=frozenset(b"EF-"),
)
TRACEBACK = Format(
    "python",
    (b"Traceback (most recent call last):",),
    expression=re.compile(rb"(?P<message>Traceback \(most recent call last\):.*)", re.S),
    guard=Shape((Text(b"Traceback (most recent"),)),
    begins=Begins.UNLESS_FOLLOWING_ERROR,
    level=b"ERROR",
    first_bytes=frozenset(b"T"),
)
