"""The texts that stand for a marker where a connector writes no emoji.

NIXL, Mooncake, LMCache, SGLang and vLLM's shared-storage connector say in words what vLLM's P2P
code says with a sign, so a filter by `init`, `nccl`, `alert`, `success`, `transfer-failed` or
`kv-missing` works on their logs too. A text counts at the start of a message only.

Sources: `vllm/distributed/kv_transfer/kv_connector/v1/` (nixl, mooncake, lmcache, shared storage),
`vllm/distributed/kv_transfer/kv_connector/factory.py`, LMCache's `vllm_v1_adapter.py` and
`cache_engine.py`, SGLang's `disaggregation/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pdtui.core.bytescan import word
from pdtui.core.shapes import Shape, Text

EVENT_BYTES = 6
"""So many bytes of a text are looked for in all messages at once; no text is shorter."""


@dataclass(frozen=True)
class Event:
    """A text and the marker that it stands for."""

    emoji: str
    begin: bytes
    """What the message begins with."""
    pattern: re.Pattern[bytes] | None = None
    """What else must hold from there on."""
    start: int = field(init=False)
    """Its first bytes, as they are looked for."""
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", int(word(self.begin[:EVENT_BYTES])))
        object.__setattr__(self, "shape", Shape((Text(self.begin),)))


def _starting(emoji: str, *begins: bytes) -> tuple[Event, ...]:
    return tuple(Event(emoji, begin) for begin in begins)


EVENTS: tuple[Event, ...] = (
    *_starting(
        "💯",
        b"Initializing NIXL wrapper",
        b"Initializing NIXL worker ",
        b"Initializing NIXL Scheduler ",
        b"Initializing Mooncake Transfer Engine worker ",
        b"Initialized NIXL agent: ",
        b"Shared storage path is ",
    ),
    # The P2P connector says it again, with its emoji.
    Event(
        "💯",
        b"Creating v1 connector with name: ",
        re.compile(rb"Creating v1 connector with name: (?!P2pNccl)"),
    ),
    *_starting("🤝", b"NIXL compatibility check passed"),
    Event("🤝", b"Remote agent ", re.compile(rb"Remote agent \S++ available, calling ")),
    *_starting("🚨", b"Timeout waiting for P side ready"),
    *_starting(
        "✅",
        b"External Cache Hit!",
        b"Hit the cache! Allocate new blocks!",
    ),
    Event("✅", b"Retrieved ", re.compile(rb"Retrieved \d+ out of ")),
    Event("✅", b"Stored ", re.compile(rb"Stored \d+ out of ")),
    Event("🔴", b"Handshake with ", re.compile(rb"Handshake with \S++ failed")),
    *_starting(
        "🔴",
        b"NIXL transfer failure",
        b"Handshake failed for request ",
        b"Remote NIXL agent engine ID mismatch",
        b"Mooncake transfer failed for request ",
        b"Failed to transfer KV cache for request ",
        b"pulling kv_caches for ",
        b"Failed to connect to bootstrap server",
        b"Prefill bootstrap failed for request ",
        b"Prefill transfer failed for request ",
        b"Decode handshake failed for request ",
        b"Decode transfer failed for request ",
    ),
    Event("🔴", b"Sending to ", re.compile(rb"Sending to \S++ failed")),
    *_starting(
        "🚧",
        b"Releasing expired KV blocks for request ",
        b"Potentially invalid KV blocks for unrecognized request ",
        b"Missing transfer_id in kv_transfer_params",
    ),
    Event(
        "🚧",
        b"Request ",
        re.compile(rb"Request \S++ timed out after \S++ seconds without being sent"),
    ),
)
