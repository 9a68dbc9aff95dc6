"""Ray's own lines, in the logs of engines that it spreads over nodes."""

from __future__ import annotations

import re

from pdtui.core.formats.format import LEVEL, STAMP, Format

RAY = Format(
    "ray",
    (b"2025-12-12 19:44:59,011\tINFO scripts.py:1021 --   ray status",),
    # `ray/_private/ray_constants.py`: LOGGER_FORMAT
    expression=re.compile(
        rb"(?=\d{4}-)" + STAMP + rb"\t" + LEVEL + rb" (?P<origin>[^\s:]{1,95}:\d{1,7}) -- "
        rb"(?P<message>.*)",
        re.S,
    ),
    first_bytes=frozenset(b"12"),
)
RAY_CORE = Format(
    "ray",
    (b"[2025-05-19 09:49:02,102 C 594234 594234] (raylet) object_manager.cc:156: Check failed",),
    # `src/ray/util/logging.cc`: level, pid, thread
    expression=re.compile(
        rb"\[(?=\d{4}-)" + STAMP + rb" (?P<level>[DIWEFC]) (?P<pid>\d{1,8}) \d{1,16}\] "
        rb"(?:\(\w+\) )?(?:(?P<origin>[\w./-]+:\d{1,7}): )?(?P<message>.*)",
        re.S,
    ),
    first_bytes=frozenset(b"["),
)
