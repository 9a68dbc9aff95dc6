"""NCCL's lines, from 2.13 to 2.30 (`src/debug.cc` of NVIDIA/nccl)."""

from __future__ import annotations

import re

from pdtui.core.formats.format import STAMP, Format
from pdtui.core.levels import LEVEL_OF_WORD
from pdtui.core.shapes import Digits, Maybe, OneOf, Shape, Text, Until
from pdtui.core.stampshapes import Fraction, Moment, Year

_LONGEST_HOST = 64
_FIRST_BYTES = frozenset(set(range(256)) - set(b" \t({\"'"))
_LEVELS = {w: LEVEL_OF_WORD[w] for w in (b"INFO", b"WARN", b"CALL", b"TRACE", b"ABORT")}
_WRITER = (
    Maybe((Text(b"["), Year(), Moment(), Maybe((Fraction(),)), Text(b"] "))),
    Until(b" :", _LONGEST_HOST, least=0),
    Text(b":"),
    Digits(1, 8, "pid"),
    Text(b":"),
    Digits(1, 8),
    Text(b" "),
)
_DEVICE = (Text(b"["), Maybe((Text(b"-"),)), Digits(1, 4), Text(b"] "))

NCCL = Format(
    "nccl",
    (
        b"vm:698:1356 [0] NCCL INFO Bootstrap: Using eth0:192.0.2.2<0>",
        b"vm:940:1486 NCCL CALL ncclSend(0,7f9e39a00000,1015808,9,0,1,0x7f9dd80261e0,0xce68b80)",
        b"[2026-11-22 06:35:51.896456] vm:942:1477 [0] NCCL INFO cudaDriverVersion 13000",
    ),
    shape=Shape(
        (
            *_WRITER,
            Maybe(_DEVICE),
            Text(b"NCCL "),
            OneOf("level", _LEVELS),
            Text(b" "),
        )
    ),
    first_bytes=_FIRST_BYTES,
    own_ranks=True,
    by_head=True,
)
NCCL_AT_SOURCE = Format(
    "nccl",
    (b"[2026-11-22 06:36:26] vm:1580:2355 [0] init.cc:904 NCCL WARN Duplicate GPU detected",),
    # WARN lines say where in NCCL they were written, from 2.30 on in which function; TRACE lines
    # the milliseconds since NCCL was loaded, and function and line.
    expression=re.compile(
        rb"(?:\[" + STAMP + rb"\] )?[^ :\n]{0,64}:(?P<pid>\d{1,8}):\d{1,8} "
        rb"(?:\[-?\d+\] )?(?:\d+\.\d+ )?(?:(?P<origin>[\w./-]+:\d+) )?(?:\(\w+\) )?"
        rb"NCCL (?P<level>INFO|WARN|CALL|TRACE|ABORT) (?P<message>.*)",
        re.S,
    ),
    guard=Shape(_WRITER),
    first_bytes=_FIRST_BYTES,
    contains=b" NCCL ",
    own_ranks=True,
)
HOST = re.compile(
    rb"(?P<host>[^ :\n]{0,64}):\d{1,8}:\d{1,8} (?:\[-?\d+\] )?(?:[^ \n]+ )?(?:\(\w+\) )?NCCL "
)
"""The host that a line of NCCL begins with, whatever stamps stand before it."""
