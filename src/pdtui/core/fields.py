"""Takes a message apart: its `k=v` and `k:v` lists, and the request it speaks of."""

from __future__ import annotations

import re

_KEY = re.compile(r"(?P<key>[A-Za-z_]\w*)(?:=|: ?(?!//))(?P<value>.*)", re.S)
_SPACED = re.compile(r"\S+(?: [A-Za-z_]\w*=\S*)+")
_TURNS = re.compile(r"[(\[{]|[)\]}]|(?<=[,|]) ")
"""Where a list may be cut, and the brackets within which it is not."""
_OPEN, _CLOSE = "([{", ")]}"
_LONGEST = 4096
"""No list is longer than this; what follows is a dump."""

P2P_REQUEST = re.compile(r"___prefill_addr_.+?___decode_addr_.+?:\d+_(?P<key>[0-9a-f]{32})")
"""The id that the P2P proxy makes (`disagg_proxy_p2p_nccl_xpyd.py`)."""
_UUID = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
_END = r"(?![0-9a-f])"
API_REQUEST = re.compile(rf"\b(?:chatcmpl|cmpl|embd)-(?P<key>{_UUID}|[0-9a-f]{{16}}){_END}")
"""The id that vLLM's API server makes, without the prompt's index and the engine's own suffix."""
BOOTSTRAP_ROOM = re.compile(r"\bbootstrap_room['\"]?[=:] ?(?P<key>[0-9]{1,20})\b")
"""SGLang's number of a transfer, the same on both sides; each side has a `rid` of its own."""
NAMED_REQUEST = re.compile(
    r"\b(?:(?:x[_-])?req(?:uest)?[._ -]?id|req\.rid|rid|Request ID|[Rr]eqid|[Rr]equest|req)"
    r"['\"]?(?:[=:] ?| )"
    rf"['\"]?(?P<key>{_UUID}){_END}"
)
"""A bare uuid that is said to be a request's: Dynamo's, SGLang's."""
_FORMS = (P2P_REQUEST, API_REQUEST, BOOTSTRAP_ROOM, NAMED_REQUEST)
_SIGNS = ("cmpl-", "req", "rid", "Req", "___prefill_addr_", "bootstrap_room", "embd-")
"""A message without any of these names no request: a look that is cheaper than the forms."""


def fields_of(message: str) -> dict[str, str]:
    """The fields of the lists in a message, as text: `{"remote_address": "127.0.0.1:14580"}`."""
    found: dict[str, str] = {}
    if "=" not in message and ":" not in message:
        return found
    for part in _parts(message[:_LONGEST]):
        matched = _KEY.fullmatch(part.strip())
        if not matched:
            continue
        key, value = matched["key"], matched["value"]
        if _SPACED.fullmatch(value):
            value, *others = value.split(" ")
            for other in others:
                name, _, said = other.partition("=")
                found[name] = said
        found[key] = value
    return found


def _parts(text: str) -> list[str]:
    """The text cut at `, ` and ` | ` outside of brackets."""
    parts, depth, begin = [], 0, 0
    for turn in _TURNS.finditer(text):
        place, character = turn.start(), turn[0]
        if character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth = max(0, depth - 1)
        elif depth == 0:
            parts.append(text[begin : place - 1])
            begin = place + 1
    return [*parts, text[begin:]]


def request_of(message: str) -> str | None:
    """The key of the request that a message speaks of, the same in every process.

    Its uuid as 32 hex digits; SGLang's `bootstrap_room`, or the id as it is, where it has another
    form. Ids in tensors' names count: `cmpl-…-0#model.layers.3.self_attn.attn`.
    """
    if not any(sign in message for sign in _SIGNS):
        return None
    for form in _FORMS:
        if found := form.search(message):
            return found["key"].replace("-", "")
    return None
