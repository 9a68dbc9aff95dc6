"""Finds the rows that must have happened before or after a row of another process.

Each is a *trace*: a step of a handshake or a transfer, and the key that both sides write. What the
steps are is data; `causality.py` says which step of one side precedes which of the other.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

import numpy as np

from pdtui.core.bytescan import Positions
from pdtui.core.marking import Lines


class Step(Enum):
    """A step that leaves a trace."""

    NEW_SENT = "NEW sent"
    NEW_RECEIVED = "NEW received"
    ENTERED = "about to call ncclCommInitRank"
    SUCCEEDED = "ncclCommInitRank succeeded"
    COMM_STARTED = "NCCL's Init START"
    COMM_COMPLETE = "NCCL's Init COMPLETE"
    TENSOR_REFUSED = "tensor refused by the receiver"
    REFUSAL_SEEN = "refusal seen by the sender"


class Trace(NamedTuple):
    """One step: its row, the key that the other side has too, and the peer's address if said."""

    row: int
    step: Step
    key: str
    remote: str


_REMOTE = rb"remote_address=(?P<remote>[^\s,]+)"
_UNIQUE_ID = rb", unique_id_hex=(?P<key>\w+)"
_TENSOR = rb".*?'tensor_id': '(?P<key>[^']+)'"
_ARROW = "(?:👉|👈)".encode()

# A text to look for → what the messages that hold it may be. As vLLM's `p2p_nccl_engine.py`, its
# debug patch, and NCCL write them; a message is matched from its start, where a prompt that holds
# the same words has others.
_FORMS: dict[bytes, tuple[tuple[Step, re.Pattern[bytes]], ...]] = {
    b"NEW command": tuple(
        (
            step,
            re.compile(
                rb"[^|]{1,80}" + said + rb"[^|]*\| " + _REMOTE + rb", unique_id_hex=(?P<key>\w+)"
            ),
        )
        for step, said in (
            (Step.NEW_SENT, b"Sending NEW command"),
            (Step.NEW_RECEIVED, b"Received NEW command"),
        )
    ),
    b"ncclCommInitRank": (
        (Step.ENTERED, re.compile(rb"[^|]{1,80}About to call ncclCommInitRank \|.*?" + _REMOTE)),
        (Step.SUCCEEDED, re.compile(rb"[^|]{1,80}ncclCommInitRank SUCCESS \|.*?" + _REMOTE)),
        (
            Step.SUCCEEDED,
            re.compile(
                rb"[^|]{0,8}ncclCommInitRank Success, \S+? ?" + _ARROW + rb" ?(?P<remote>[^\s,]+),"
            ),
        ),
    ),
    b" commId ": (
        (Step.COMM_STARTED, re.compile(rb".* commId (?P<key>0x[0-9a-f]+) - Init START")),
        (Step.COMM_COMPLETE, re.compile(rb".* commId (?P<key>0x[0-9a-f]+) - Init COMPLETE")),
    ),
    b"Out Of Memory": (
        (
            Step.TENSOR_REFUSED,
            re.compile(rb"[^|]{0,8}\[PUT\]Recv Tensor, Out Of Memory" + _TENSOR),
        ),
        (Step.REFUSAL_SEEN, re.compile(rb"[^|]{0,8}Send Tensor, Peer Out Of Memory" + _TENSOR)),
    ),
}


def find_traces(lines: Lines, text_at: Positions) -> list[Trace]:
    """The traces of a block in the order of their rows, which count from the block's first.

    `text_at` is where each message goes on after its leading markers and `[Rank N]`.
    """
    found: dict[int, Trace] = {}
    for literal, forms in _FORMS.items():
        rows, _ = lines.found(literal)
        for row in np.unique(rows).tolist():
            begin, end = int(lines.message_at[row]), int(lines.ends[row])
            for step, pattern in forms:
                if matched := pattern.match(lines.text, begin, end):
                    said = {k: v.decode("utf-8", "replace") for k, v in matched.groupdict().items()}
                    found[row] = Trace(row, step, said.get("key", ""), said.get("remote", ""))
                    break
    return [found[row] for row in sorted(found)]
