"""Takes a message apart: its `k=v` and `k:v` lists, and the request it speaks of."""

from __future__ import annotations

import re

_KEY = re.compile(r"(?P<key>[A-Za-z_]\w*)(?:=|: ?(?!//))(?P<value>.*)", re.S)
_SPACED = re.compile(r"\S+(?: [A-Za-z_]\w*=\S*)+")
_OPEN, _CLOSE = "([{", ")]}"
_LONGEST = 4096
"""No list is longer than this; what follows is a dump."""

P2P_REQUEST = re.compile(r"___prefill_addr_.+?___decode_addr_.+?:\d+_(?P<uuid>[0-9a-f]{32})")
"""The id that the P2P proxy makes (`disagg_proxy_p2p_nccl_xpyd.py`)."""
API_REQUEST = re.compile(
    r"\b(?:chatcmpl|cmpl|embd)-(?P<uuid>[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?"
    r"[0-9a-f]{12}|[0-9a-f]{16})(?![0-9a-f])"
)
"""The id that vLLM's API server makes, without the prompt's index and the engine's own suffix."""


def fields_of(message: str) -> dict[str, str]:
    """The fields of the lists in a message, as text: `{"remote_address": "127.0.0.1:14580"}`."""
    found: dict[str, str] = {}
    for part in _parts(message[:_LONGEST]):
        matched = _KEY.fullmatch(part.strip())
        if not matched:
            continue
        key, value = matched["key"], matched["value"]
        if _SPACED.fullmatch(value):
            value, *others = value.split(" ")
            found.update(other.split("=", 1) for other in others)  # type: ignore[misc]
        found[key] = value
    return found


def _parts(text: str) -> list[str]:
    """The text cut at `, ` and ` | ` outside of brackets."""
    parts, depth, begin = [], 0, 0
    for place, character in enumerate(text):
        if character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth = max(0, depth - 1)
        elif depth == 0 and character == " " and place > begin and text[place - 1] in ",|":
            parts.append(text[begin : place - 1])
            begin = place + 1
    return [*parts, text[begin:]]


def request_of(message: str) -> str | None:
    """The key of the request that a message speaks of: its 32-hex uuid where it has one."""
    found = P2P_REQUEST.search(message) or API_REQUEST.search(message)
    return found["uuid"].replace("-", "") if found else None
