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

from pdtui.core.bytescan import ByteBlock, Flags, Positions, Words, leading_digits
from pdtui.core.claims import Claims
from pdtui.core.digests import mixed, stretches, without_hexadecimals
from pdtui.core.fields import P2P_REQUEST, request_of
from pdtui.core.marking import Lines

_PREFILL_MARK, _P2P_MARK = b"___prefill_addr_", b"___decode_addr_"
_P2P = re.compile(P2P_REQUEST.pattern.encode())
_API_MARKS = (b"cmpl-", b"embd-")
REQUEST_TEXTS = (_PREFILL_MARK, _P2P_MARK, *_API_MARKS)
"""What is looked for in all lines."""
_ROOM = b"bootstrap_room"
_BARE = re.compile(rb"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}")
"""The start of a uuid: a quick look before the expressions of `fields.request_of`."""
_HEX = re.compile(r"[0-9a-f]+")
_ADDRESS_REACH = 96
_IS_HEX = np.zeros(256, np.bool_)
_IS_HEX[list(b"0123456789abcdef")] = True
_WORD_BYTES = np.zeros(256, np.bool_)
_WORD_BYTES[list(b"0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] = True
_MANY = 64
"""Lines from which on a look at the whole block is quicker than one at each."""
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
    text = np.frombuffer(name.encode(), np.uint64)[None, :]
    return int(mixed(text)[0])


def may_name_requests(claims: Claims, rows: Positions) -> Flags:
    """Which of these lines may name a request in words.

    Only in lines that are neither vLLM's nor NCCL's does an id stand bare, and sometimes beside the
    message, as in JSON.
    """
    may = np.zeros(len(rows), np.bool_)
    looked_at = np.arange(len(rows))
    if len(rows) > _MANY:
        looked_at = np.flatnonzero(_near_ids(claims)[rows])
    for index in looked_at.tolist():
        text = claims.text[claims.at[rows[index]] : claims.ends[rows[index]]]
        may[index] = _ROOM in text or _BARE.search(text) is not None
    return may


def _near_ids(claims: Claims) -> Flags:
    """The lines with eight hexadecimal digits in a row, or with a room: a quick look at all."""
    block = claims.block
    run = _IS_HEX[block.data[: block.size]]
    for apart in (1, 2, 4):
        run = run[:-apart] & run[apart:]
    at = np.concatenate((np.flatnonzero(run), block.places(_ROOM)))
    near = np.zeros(len(claims.starts), np.bool_)
    near[np.searchsorted(claims.starts, at, "right") - 1] = True
    return near


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
    further = row[1:] == row[:-1]
    if not further.any():
        return FoundRequests(row, key)
    # Those of one line in the order of their keys: few lines speak of more than one.
    beside = np.zeros(len(row), np.bool_)
    beside[1:] = further
    beside[:-1] |= further
    several = np.flatnonzero(beside)
    key[several] = key[several[np.lexsort((key[several], row[several]))]]
    fresh = np.ones(len(row), np.bool_)
    fresh[1:] = ~further | (key[1:] != key[:-1])
    return FoundRequests(row[fresh], key[fresh])


def _find_p2p(lines: Lines) -> FoundRequests:
    block = lines.block
    rows, at = lines.anywhere(_P2P_MARK)
    if not len(at):
        return _NONE
    prefilled = np.zeros(len(lines.starts), np.bool_)
    prefilled[lines.anywhere(_PREFILL_MARK, rows)[0]] = True
    at = at + len(_P2P_MARK)
    port = at + block.find(at, b":", _ADDRESS_REACH) + 1
    digits = leading_digits(block.word(port))
    begin = port + digits + 1
    words = _words(block, begin, _UUID)
    fits = (port > at + 1) & (digits > 0) & (block.byte(begin - 1) == ord("_"))
    fits &= prefilled[rows] & (begin + _UUID <= lines.ends[rows])
    fits &= ~without_hexadecimals(words).any(axis=1)
    odd = _find_odd_p2p(lines, rows[~fits & prefilled[rows]])
    return FoundRequests(
        np.concatenate((rows[fits], odd.row)), np.concatenate((mixed(words[fits]), odd.key))
    )


def _find_odd_p2p(lines: Lines, rows: Positions) -> FoundRequests:
    """The same in lines that look otherwise: a torn id, an address of IPv6, a long host."""
    found: list[tuple[int, int]] = []
    for row in dict.fromkeys(rows.tolist()):
        ids = _P2P.finditer(lines.text, int(lines.message_at[row]), int(lines.ends[row]))
        found += [(row, key_of_request(one["key"].decode())) for one in ids]
    if not found:
        return _NONE
    row, key = zip(*found, strict=True)
    return FoundRequests(np.array(row, np.int64), np.array(key, np.uint64))


def _find_api(lines: Lines) -> FoundRequests:
    block = lines.block
    (rows, completions), (others, embeddings) = map(lines.anywhere, _API_MARKS)
    rows, at = np.concatenate((rows, others)), np.concatenate((completions, embeddings))
    embeds = np.arange(len(at)) >= len(completions)
    # Most often the proxy's `cmpl-___prefill_addr_…`, which is another's to find.
    begun = np.flatnonzero(_IS_HEX[block.byte(at + len(_API_MARKS[0]))])
    if not len(begun):
        return _NONE
    rows, at, embeds = rows[begun], at[begun], embeds[begun]
    chat = block.starts_with(np.maximum(at - 4, 0), b"chat") & (at >= 4) & ~embeds
    before = at - 1 - 4 * chat
    alone = (before < 0) | ~_WORD_BYTES[block.byte(np.maximum(before, 0))]
    return _ids_at(block, rows[alone], at[alone] + len(_API_MARKS[0]))


def _ids_at(block: ByteBlock, rows: Positions, at: Positions) -> FoundRequests:
    """The ids of 32 or 16 hexadecimal digits that begin at these places, with dashes or without."""
    text = stretches(block.data, at).view(np.uint8)
    hexadecimal = _IS_HEX[text[:, : _LONGEST + 1]]
    # How many hexadecimal digits come first: all of them, half as many, or those up to a dash.
    run = (~hexadecimal).argmax(axis=1)
    whole, short = np.flatnonzero(run == _UUID), np.flatnonzero(run == _SHORT)
    dashed = np.flatnonzero(run == _DASHES[0])
    dashed = dashed[
        hexadecimal[dashed][:, _DASHED].all(axis=1)
        & (text[dashed][:, _DASHES] == ord("-")).all(axis=1)
        & ~hexadecimal[dashed, _LONGEST]
    ]
    without_dashes = np.ascontiguousarray(text[dashed][:, _DASHED]).view(np.uint64)
    found = (
        (whole, _words(block, at[whole], _UUID)),
        (short, _words(block, at[short], _SHORT)),
        (dashed, without_dashes),
    )
    return FoundRequests(
        np.concatenate([rows[which] for which, _ in found]),
        np.concatenate([mixed(words) for _, words in found]),
    )


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


def _words(block: ByteBlock, at: Positions, size: int) -> Words:
    """So many bytes from each place on, as words."""
    items = np.ndarray((block.size,), f"V{size}", block.data.data, 0, (1,))
    words: Words = items[at].view(np.uint64).reshape(-1, size // 8)
    return words
