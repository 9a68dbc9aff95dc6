"""vLLM's lines, from 0.1 to 0.32 (`vllm/logging_utils/formatter.py`, `vllm/logger.py`)."""

from __future__ import annotations

import re

from pdtui.core.formats.format import LEVEL, STAMP, Format
from pdtui.core.levels import LEVEL_OF_WORD
from pdtui.core.shapes import Digits, Maybe, Named, OneOf, Shape, Text, Until
from pdtui.core.stampshapes import Moment, Year

_LONGEST_ORIGIN = 95
LEVELS = {w: LEVEL_OF_WORD[w] for w in (b"DEBUG", b"INFO", b"WARNING", b"ERROR", b"CRITICAL")}
ORIGIN = Named("origin", (Until(b" :]", _LONGEST_ORIGIN), Text(b":"), Digits(1, 7)))

VLLM = Format(
    "vllm",
    (
        b"INFO 11-01 10:30:45 [p2p_nccl_engine.py:226] \xf0\x9f\x92\xafP2pNcclEngine init, rank:0",
        b"DEBUG 11-22 06:36:24 [distributed/.../p2p/p2p_nccl_engine.py:36] ping start",
        b"INFO 12-17 00:40:47 metrics.py:460] Avg prompt throughput: 0.0 tokens/s",
    ),
    shape=Shape(
        (
            OneOf("level", LEVELS),
            Text(b" "),
            Moment(),
            Text(b" "),
            # Up to 0.7.3 the bracket was only closed.
            Maybe((Text(b"["),)),
            ORIGIN,
            Text(b"]"),
            Maybe((Text(b" "),)),
        )
    ),
    first_bytes=frozenset(b"DIWEC"),
    by_head=True,
)
VLLM_DATED = Format(
    "vllm",
    (b"INFO 2025-11-01 10:30:45,123 metrics.py:460] Avg prompt throughput: 0.0 tokens/s",),
    # Logging configurations after vLLM's own second example, with Python's usual date.
    expression=re.compile(
        LEVEL + rb" " + STAMP + rb" \[?(?P<origin>[^ :\]]{1,95}:\d{1,7})\] ?(?P<message>.*)", re.S
    ),
    guard=Shape((OneOf("level", LEVELS), Text(b" "), Maybe((Year(),)), Moment())),
    first_bytes=frozenset(b"DIWEC"),
)
