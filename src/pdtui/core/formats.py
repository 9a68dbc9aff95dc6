"""The line formats, as data: a regular expression each, with groups named after the schema.

A format is tried on a line that has been cleaned (see `clean`): colour codes out, what a `\\r`
overwrote out, process prefixes peeled off. `vllm` and `nccl`, which make up nearly all of a log,
are also recognised a block at a time in `heads.py`; that is only a faster way to the same answer,
and a test holds the two together. A new format is a new entry here and nothing else.

Groups: `level`, `origin`, `message`; the stamp as `month day hour minute second` with `year` and
`fraction` where it has them; `pid`, `host`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

STAMP = (
    rb"(?:(?P<year>(?:19[7-9]|2[01]\d)\d)-)?(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])"
    rb"[ T]"
    rb"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d|60)"
    rb"(?:[.,](?P<fraction>\d{1,9}))?"
)
LEVEL = rb"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)"


class Begins(Enum):
    """Whether a line in this format begins a record."""

    ALWAYS = "always"
    UNLESS_FOLLOWING_ERROR = "unless"
    """It belongs to the record above where that is an error or a traceback already."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of line: how to recognise it, and real lines that it must claim."""

    name: str
    pattern: re.Pattern[bytes]
    samples: tuple[bytes, ...]
    begins: Begins = Begins.ALWAYS
    level: bytes = b""
    """The level of all its lines, where they state none."""
    first_bytes: frozenset[int] = frozenset(set(range(256)) - set(b" \t"))
    """What a line may begin with."""
    contains: bytes = b""
    """What a line must contain: a cheap look before the expression."""


VLLM = Format(
    "vllm",
    re.compile(LEVEL + rb" " + STAMP + rb" \[?(?P<origin>[^ :\]]+:\d{1,7})\] ?(?P<message>.*)"),
    (
        b"INFO 11-01 10:30:45 [p2p_nccl_engine.py:226] \xf0\x9f\x92\xafP2pNcclEngine init, rank:0",
        b"DEBUG 11-22 06:36:24 [distributed/.../p2p/p2p_nccl_engine.py:36] ping start",
        b"INFO 12-17 00:40:47 metrics.py:460] Avg prompt throughput: 0.0 tokens/s",
        b"INFO 2025-11-01 10:30:45,123 metrics.py:460] Avg prompt throughput: 0.0 tokens/s",
    ),
    first_bytes=frozenset(b"DIWEC"),
)
NCCL = Format(
    "nccl",
    re.compile(
        rb"(?:\[" + STAMP + rb"\] )?(?P<host>(?!\t)[^ :]{0,64}):(?P<pid>\d{1,8}):\d{1,8} "
        rb"(?:\[-?\d+\] )?(?:(?P<origin>[\w./-]+\.(?:cc|cu|c|h|cpp):\d+) )?(?:\(\w+\) )?"
        rb"NCCL (?P<level>INFO|WARN|CALL|TRACE|ABORT) (?P<message>.*)"
    ),
    (
        b"vm:698:1356 [0] NCCL INFO Bootstrap: Using eth0:192.0.2.2<0>",
        b"vm:940:1486 NCCL CALL ncclSend(0,7f9e39a00000,1015808,9,0,1,0x7f9dd80261e0,0xce68b80)",
        b"[2026-11-22 06:36:26] vm:1580:2355 [0] init.cc:904 NCCL WARN Duplicate GPU detected",
        b"[2026-11-22 06:35:51.896456] vm:942:1477 [0] NCCL INFO cudaDriverVersion 13000",
    ),
    contains=b" NCCL ",
)
UVICORN = Format(
    "uvicorn",
    re.compile(LEVEL + rb": +(?P<message>\S.*)"),
    (
        b'INFO:     127.0.0.1:33496 - "POST /v1/completions HTTP/1.1" 200 OK',
        b"INFO:     Started server process [1]",
    ),
    first_bytes=frozenset(b"DIWEC"),
)
PYTHON = Format(
    "python",
    # logging's own forms: `%(asctime)s - %(name)s - %(levelname)s - %(message)s`, the same with
    # the level first or in brackets, and basicConfig's `LEVEL:name:message`.
    re.compile(
        STAMP + rb"(?: - |: | )(?:\[?(?P<origin>[\w.:-]+?)\]?(?: - |: | ))?"
        rb"\[?" + LEVEL + rb"\]?(?: - |: | )(?P<message>.*)"
        rb"|(?P<level2>DEBUG|INFO|WARNING|ERROR|CRITICAL):(?P<origin2>[\w.-]+):(?P<message2>.*)"
    ),
    (
        b"2025-11-01 10:30:45,123 - vllm.engine - INFO - ready",
        b"2025-11-01 10:30:45,123 WARNING p2p: slow",
        b"2025-11-01 10:30:45,123 [ERROR] lost",
        b"INFO:__main__:[prefill] start request_id=1",
    ),
    first_bytes=frozenset(b"0123456789DIWEC"),
)
CRASH = Format(
    "python",
    re.compile(
        rb"(?P<message>(?:Exception in thread |Exception ignored in|--- Logging error ---"
        rb"|Fatal Python error: ).*)"
    ),
    (b"Exception in thread Thread-1 (send_async):", b"--- Logging error ---"),
    level=b"ERROR",
    first_bytes=frozenset(b"EF-"),
)
TRACEBACK = Format(
    "python",
    re.compile(rb"(?P<message>Traceback \(most recent call last\):.*)"),
    (b"Traceback (most recent call last):",),
    begins=Begins.UNLESS_FOLLOWING_ERROR,
    level=b"ERROR",
    first_bytes=frozenset(b"T"),
)

FORMATS: tuple[Format, ...] = (VLLM, NCCL, UVICORN, PYTHON, CRASH, TRACEBACK)
"""In the order in which they are tried."""
FORMAT_NAMES: tuple[str | None, ...] = (None, *(f.name for f in FORMATS))
"""Format number → name; 0 is a row that no format claims."""
NO_FORMAT = 0
FORMAT_NUMBERS = {id(f): number for number, f in enumerate(FORMATS, 1)}

SGR = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]")
"""A terminal's control sequence (ECMA-48), colour codes for the most part."""
SGR_REMNANT = re.compile(rb"\[\d{1,3}(?:;\d{1,3}){0,3}m")
"""What is left of one where the ESC byte was lost on the way."""
PROCESS_PREFIX = re.compile(
    rb"\((?=[^)]{1,94}\) )"  # no longer than the scanner looks
    rb"(?P<name>[A-Za-z][\w-]*(?: (?:rank=\d+|[A-Z]{2,3}\d+(?:[ _][A-Z]{2,3}\d+)*))?)"
    rb" pid=(?P<pid>\d{1,8})(?:, ip=[0-9a-fA-F.:]+)?\) "
)
PREFIX_RANK = re.compile(rb"(?: |_)(?:rank=|TP)(\d{1,4})(?![0-9])")
"""The worker's rank in a process's name: `VllmWorker rank=3`, `Worker_DP0_TP1_EP1`."""
LAUNCHER_RANK = re.compile(rb"\[rank(\d{1,4})\]: ?")
"""torchrun's prefix, before anything else of the line."""
RANK_BRACKET = re.compile(rb"\[Rank (\d{1,4})\] ?")


def clean(line: bytes) -> bytes:
    """The line as a terminal would leave it: no colour codes, nothing that a `\\r` overwrote."""
    if b"\x1b" in line:
        line = SGR.sub(b"", line)
    line = line.rstrip(b"\r")
    if b"\r" in line:
        line = line[line.rindex(b"\r") + 1 :]
    return without_remnants(line)


def without_remnants(line: bytes) -> bytes:
    """The line without colour codes that have lost their ESC, if it begins with one."""
    return SGR_REMNANT.sub(b"", line) if SGR_REMNANT.match(line) else line


def groups(found: re.Match[bytes]) -> dict[str, bytes]:
    """The named groups that took part, those of a format's second form under the plain names."""
    return {
        name.rstrip("2"): value for name, value in found.groupdict().items() if value is not None
    }


def message_group(found: re.Match[bytes]) -> str:
    """The name of the group that holds the message."""
    return "message2" if found.groupdict().get("message2") is not None else "message"
