"""Finds a record's head in the middle of a line, as the last resort.

Eight workers share a pipe, and what each writes (prefix, text, newline) are separate writes: so a
line can begin in the middle of another's, a progress bar can stand before a head, and
`VLLM_LOGGING_PREFIX` puts any text there.
"""

from __future__ import annotations

import re

import numpy as np

from pdtui.core.bytescan import Flags, Positions

_PROCESS = rb"\([A-Za-z][^()\r\n]{0,80} pid=\d{1,8}(?!\d)[^()\r\n]{0,40}\) "
_VLLM = (
    rb"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) (?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]) "
    rb"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60) \[?[^ :\]\r\n]{1,95}:\d{1,7}\]"
)
_NCCL = rb"[\w.-]{1,64}:\d{1,8}:\d{1,8} (?:\[-?\d{1,4}\] )?NCCL (?:INFO|WARN|CALL|TRACE|ABORT) "
HEAD = re.compile(rb"(?:%s)*(?:%s|%s)" % (_PROCESS, _VLLM, _NCCL))
"""A head of vLLM or NCCL that nothing else looks like, with the process prefixes before it."""
PREFIX = re.compile(_PROCESS)
MARKED = re.compile(
    "|".join(
        (
            r"(?:🔍|🚨) ?\[Rank \d{1,4}\] ",
            "💯P2pNcclEngine init, ",
            "🤝ncclCommInitRank Success, ",
            r"🔴\[(?:PUT|GET)\]",
            "🔴Send Tensor",
            r"🚧\[PUT_ASYNC\]",
            "🚧kv_cache ",
        )
    ).encode()
)
"""A marker with the text that only vLLM's P2P code writes behind it."""
_LONGEST_LOGGING_PREFIX = 40
_FOUR_BYTES = 0xF0
"""What a sign of four bytes in UTF-8 begins with, as those in MARKED do."""


class Found:
    """A head or a marker inside a line."""

    __slots__ = ("begin", "torn")

    def __init__(self, begin: int, *, torn: bool) -> None:
        self.begin = begin
        """Where it begins; everything before it belongs to something else."""
        self.torn = torn
        """Whether what stands before it may be of another process, and so the prefix too."""


def find_inside(text: bytes, begin: int, end: int) -> Found | None:
    """The head, else the marker, that stands somewhere behind `begin`."""
    if head := HEAD.search(text, begin, end):
        before = text[begin : head.start()]
        # VLLM_LOGGING_PREFIX is glued to the head and is the same process's word.
        glued = len(before) <= _LONGEST_LOGGING_PREFIX and not re.search(rb"[\s(:]", before)
        return Found(head.start(), torn=bool(before) and not glued)
    if marked := MARKED.search(text, begin, end):
        return Found(marked.start(), torn=True)
    return None


def may_hold_heads(text: bytes, begins: Positions, ends: Positions) -> Flags:
    """Which of these stretches hold a clock, `NCCL ` or a sign, and so may hold what is looked for.

    None of them is empty.
    """
    places = zip(begins.tolist(), ends.tolist(), strict=True)
    data = np.frombuffer(b"\n".join([text[a:b] for a, b in places]) + bytes(9), np.uint8)
    # `-DD HH:MM:`, by the four bytes that never change.
    clock = (data[9:] == ord(":")) & (data[6:-3] == ord(":"))
    clock &= (data[3:-6] == ord(" ")) & (data[:-9] == ord("-"))
    nccl = (data[:-9] == ord("N")) & (data[1:-8] == ord("C")) & (data[4:-5] == ord(" "))
    marked = clock | nccl | (data[:-9] >= _FOUR_BYTES)
    lengths = ends - begins + 1
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    held: Flags = np.bitwise_or.reduceat(marked, starts)
    return held


def last_prefix(text: bytes, begin: int, end: int) -> int | None:
    """Where the last process prefix between `begin` and `end` stands, if there is one."""
    found = None
    for found in PREFIX.finditer(text, begin, end):  # noqa: B007
        pass
    return found.start() if found else None
