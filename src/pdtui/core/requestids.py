"""Finds the ids of requests in all lines of a block at once: the same ids as `fields.request_of`.

A request has one uuid in every process, whatever each puts before and behind it: the P2P proxy's
`___prefill_addr_…___decode_addr_…_<32 hex>`, the API server's `cmpl-<uuid>-0`, an engine's random
suffix. SGLang and Dynamo name theirs in words. What is kept of it is a key of 64 bits, the same
for the uuid with dashes and without.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import ByteBlock, Flags, Positions
from pdtui.core.claims import Claims
from pdtui.core.digests import stretches
from pdtui.core.fields import request_of
from pdtui.core.marking import Lines

_P2P_MARK = b"___decode_addr_"
_API_MARKS = (b"cmpl", b"embd")
_ROOM = b"bootstrap_room"
_BARE = re.compile(rb"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}")
"""The start of a uuid: a quick look before the expressions of `fields.request_of`."""
_HEX = re.compile(r"[0-9a-f]+")
_ADDRESS_REACH = 96
_MIX = np.uint64(0x9E3779B97F4A7C15)
_NOT_HEX = 255
_NIBBLES = np.full(256, _NOT_HEX, np.uint8)
_NIBBLES[list(b"0123456789abcdef")] = np.arange(16)
_WORD_BYTES = np.zeros(256, np.bool_)
_WORD_BYTES[list(b"0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] = True
_DASHES = [8, 13, 18, 23]
_DASHED = [place for place in range(36) if place not in _DASHES]
_SHORT, _UUID, _LONGEST = 16, 32, 36


class FoundRequests(NamedTuple):
    """Which rows of a block (counted from its first) speak of which requests, in file order."""

    row: Positions
    key: npt.NDArray[np.uint64]


_NONE = FoundRequests(np.zeros(0, np.int64), np.zeros(0, np.uint64))


def key_of_request(name: str) -> int:
    """The key of a request, given what `fields.request_of` says of it."""
    if len(name) not in (_SHORT, _UUID) or _HEX.fullmatch(name) is None:
        return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
    text = np.frombuffer(name.encode(), np.uint8)[None, :]
    return int(_keys(_NIBBLES[text])[0])


def may_name_requests(claims: Claims, rows: Positions) -> Flags:
    """Which of these lines may name a request in words.

    Only in lines that are neither vLLM's nor NCCL's does an id stand bare, and sometimes beside the
    message, as in JSON.
    """
    may = np.zeros(len(rows), np.bool_)
    for index, row in enumerate(rows.tolist()):
        text = claims.text[claims.at[row] : claims.ends[row]]
        may[index] = _ROOM in text or _BARE.search(text) is not None
    return may


def find_requests(lines: Lines, claims: Claims, naming: Positions) -> FoundRequests:
    """Every request that a line of the block speaks of, once a line.

    `naming` are the lines that may name one in words, see `may_name_requests`.
    """
    parts = [_find_api(lines), _find_p2p(lines)]
    if len(naming):
        parts.append(_find_named(claims, naming))
    if not any(len(part.row) for part in parts):
        return _NONE
    row = np.concatenate([part.row for part in parts])
    key = np.concatenate([part.key for part in parts])
    order = np.argsort(row, kind="stable")
    row, key = row[order], key[order]
    if not (row[1:] == row[:-1]).any():
        return FoundRequests(row, key)
    order = np.lexsort((key, row))
    row, key = row[order], key[order]
    fresh = np.ones(len(row), np.bool_)
    fresh[1:] = (row[1:] != row[:-1]) | (key[1:] != key[:-1])
    return FoundRequests(row[fresh], key[fresh])


def _find_p2p(lines: Lines) -> FoundRequests:
    block = lines.block
    at = block.places(_P2P_MARK) + len(_P2P_MARK)
    if not len(at):
        return _NONE
    length = block.find(at, b"_", _ADDRESS_REACH)
    nibbles = _gather(block, at + length + 1)[:, :_UUID]
    whole = (length > 0) & _all_hex(nibbles)
    return _found(lines, at[whole], _keys(nibbles[whole]))


def _find_api(lines: Lines) -> FoundRequests:
    block = lines.block
    completions, embeddings = (block.places(mark + b"-") for mark in _API_MARKS)
    at = np.concatenate((completions, embeddings))
    if not len(at):
        return _NONE
    embeds = np.arange(len(at)) >= len(completions)
    chat = block.starts_with(np.maximum(at - 4, 0), b"chat") & (at >= 4) & ~embeds
    before = at - 1 - 4 * chat
    alone = (before < 0) | ~_WORD_BYTES[block.byte(np.maximum(before, 0))]
    at = at[alone] + len(_API_MARKS[0]) + 1
    nibbles = _gather(block, at)
    # How many hexadecimal digits come first: all of them, half as many, or those up to a dash.
    run = (nibbles == _NOT_HEX).argmax(axis=1)
    whole, short = np.flatnonzero(run == _UUID), np.flatnonzero(run == _SHORT)
    dashed = np.flatnonzero(run == _DASHES[0])
    dashed = dashed[
        _all_hex(nibbles[dashed][:, _DASHED])
        & (block.data[at[dashed, None] + _DASHES] == ord("-")).all(axis=1)
        & (_NIBBLES[block.byte(at[dashed] + _LONGEST)] == _NOT_HEX)
    ]
    parts = (
        _found(lines, at[whole], _keys(nibbles[whole, :_UUID])),
        _found(lines, at[short], _keys(nibbles[short, :_SHORT])),
        _found(lines, at[dashed], _keys(nibbles[dashed][:, _DASHED])),
    )
    return FoundRequests(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _find_named(lines: Claims, naming: Positions) -> FoundRequests:
    """SGLang's rooms, and the bare ids of the lines that say of them what they are."""
    rows: list[int] = []
    keys: list[int] = []
    for row in naming.tolist():
        text = lines.text[lines.at[row] : lines.ends[row]]
        if name := request_of(text.decode("utf-8", "replace")):
            rows.append(row)
            keys.append(key_of_request(name))
    return FoundRequests(np.array(rows, np.int64), np.array(keys, np.uint64))


def _gather(block: ByteBlock, at: Positions) -> npt.NDArray[np.uint8]:
    """The hexadecimal digits from each place on, a row each; _NOT_HEX where there is none."""
    text = stretches(block.data, at).view(np.uint8)[:, :_LONGEST]
    nibbles: npt.NDArray[np.uint8] = _NIBBLES[text]
    return nibbles


def _all_hex(nibbles: npt.NDArray[np.uint8]) -> Flags:
    hexadecimal: Flags = (nibbles != _NOT_HEX).all(axis=1)
    return hexadecimal


def _keys(nibbles: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """A key for each row of 16 or 32 hexadecimal digits."""
    pairs = np.ascontiguousarray(nibbles[:, ::2] << 4 | nibbles[:, 1::2])
    words = pairs.view("<u8")
    key: npt.NDArray[np.uint64] = words[:, 0] * _MIX
    for column in range(1, words.shape[1]):
        key = (key ^ (key >> np.uint64(29)) ^ words[:, column]) * _MIX
    return key


def _found(lines: Lines, at: Positions, keys: npt.NDArray[np.uint64]) -> FoundRequests:
    rows = np.searchsorted(lines.starts, at, "right") - 1
    # What a `\r` overwrote lies between two lines and is of neither.
    inside = (at >= lines.starts[rows]) & (at < lines.ends[rows])
    return FoundRequests(rows[inside], keys[inside])
