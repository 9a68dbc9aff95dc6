"""Finds the markers of each line, and the rank and the address that stand with them.

A marker stands at the start of the message, or at the start of the debug location after
`[Rank N]`; an arrow stands between two addresses. Elsewhere an emoji is text: users write 🚨 in
their prompts, and vLLM logs prompts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from pdtui.core.bytescan import ByteBlock, Flags, Positions, leading_digits, number, word
from pdtui.core.kinds import MAX_RANK, NO_RANK, KindTable
from pdtui.core.markers import MARKERS, VARIATION_SELECTOR

_EMOJI = ("", *(marker.emoji for marker in MARKERS))
_CODES = {emoji: code for code, emoji in enumerate(_EMOJI)}
_PATTERNS = tuple((emoji.encode(), code) for emoji, code in _CODES.items() if emoji)
_SELECTOR = VARIATION_SELECTOR.encode()
_CODE_BITS = 6
_CODE_MASK = (1 << _CODE_BITS) - 1
_MOST_LEADING = 3
_LONGEST_ADDRESS = 80
_RANK_OPEN = b"[Rank "
_FIRST_NON_ASCII = 0x80
_UNKNOWN_SIGN = re.compile(rb"[\x80-\xff]+ ?(?=\[Rank \d)")

_ARROW_START = "👉".encode()[:3]
_ARROWS = (_CODES["👉"], _CODES["👈"])
_BEFORE_ARROW = re.compile(rb"(?:[^\s,\[\]]+|\[[0-9a-fA-F:]+\]):\d{1,5}(?= ?\Z)")
"""The address before an arrow, as in `SELF👉PEER` or `SELF 👈 PEER`: the writer's own."""
_OWN_ADDRESS = b"zmq_address"
_ADDRESS = re.compile(rb"[=:] ?(?P<address>[^\s,]+:\d{1,5})")
_RANK_FIELD = b", rank:"
_STARTED = b"__init__ START |"
_PID = re.compile(rb"[^\n]*?\bpid=(?P<pid>\d{1,8})\b")
_SEND_TYPE = re.compile(rb"send_type:(?P<type>PUT_ASYNC|PUT|GET)\b")
_KV_ROLE = re.compile(rb"\W+kv_(?P<role>producer|consumer)\b")
_ROLES = {b"producer": "prefill", b"consumer": "decode"}
_SUCCESS = b"ncclCommInitRank Success"


@dataclass(slots=True)
class Lines:
    """The lines of a block after peeling: where each message begins and where the line ends."""

    block: ByteBlock
    text: bytes
    """The block's bytes again, for the searches that `re` does best."""
    starts: Positions
    message_at: Positions
    ends: Positions

    def found(self, literal: bytes) -> tuple[Positions, Positions]:
        """Where these bytes stand within messages: the lines, and the places."""
        # `find` is three times as fast as an expression: few blocks hold many of them.
        places = []
        place = self.text.find(literal)
        while place >= 0:
            places.append(place)
            place = self.text.find(literal, place + len(literal))
        at = np.array(places, np.int64)
        rows = np.searchsorted(self.starts, at, "right") - 1
        inside = (self.message_at[rows] <= at) & (at + len(literal) <= self.ends[rows])
        return rows[inside], at[inside]


@dataclass(slots=True)
class Marks:
    """What was found, one entry a line."""

    codes: Positions
    """The markers' codes, six bits each, in the order they stand; 0 for none."""
    rank: Positions
    address: Positions
    text_at: Positions
    """Where the message goes on after its leading markers and `[Rank N]`."""

    def add(self, rows: Positions, codes: Positions) -> None:
        """Puts a marker after those that each line has already (each line at most once a call)."""
        free = np.zeros(len(rows), np.int64)
        for turn in range(_MOST_LEADING):
            free += self.codes[rows] >> (_CODE_BITS * turn) != 0
        self.codes[rows] |= codes << (_CODE_BITS * free)

    def set_numbers(self, kinds: KindTable) -> Positions:
        """The number of each line's tuple of markers in the table."""
        distinct, inverse = np.unique(self.codes, return_inverse=True)
        table = [kinds.marker_set_number(_decode(int(codes))) for codes in distinct]
        return np.array(table, np.int64)[inverse]


def _decode(codes: int) -> tuple[str, ...]:
    """The markers that the codes stand for, each once."""
    found: dict[str, None] = {}
    while codes:
        found[_EMOJI[codes & _CODE_MASK]] = None
        codes >>= _CODE_BITS
    return tuple(found)


def find_marks(lines: Lines, kinds: KindTable) -> Marks:
    """The markers of all lines; what they teach of ranks and addresses goes into `kinds`."""
    count = len(lines.message_at)
    marks = Marks(
        np.zeros(count, np.int64),
        np.full(count, NO_RANK, np.int64),
        np.zeros(count, np.int64),
        lines.message_at.copy(),
    )
    _find_leading(lines, marks)
    _learn_pids(lines, marks, kinds)
    if marks.codes.any() or b"ncclCommInitRank" in lines.text:
        _find_arrows(lines, marks, kinds)
        _find_rank_fields(lines, marks)
        _find_own_addresses(lines, marks, kinds)
        _learn_send_types(lines, marks, kinds)
    _learn_roles(lines, kinds)
    return marks


def _find_leading(lines: Lines, marks: Marks) -> None:
    """Markers and `[Rank N]` at the start of the message, in whatever order they stand."""
    block = lines.block
    first = block.byte(lines.message_at)
    rows = np.flatnonzero(
        (first >= _FIRST_NON_ASCII) | block.starts_with(lines.message_at, _RANK_OPEN)
    )
    at = _past_unknown_sign(lines, rows, lines.message_at[rows])
    at = _past_rank(lines, marks, rows, at)
    marks.text_at[rows] = at
    for turn in range(_MOST_LEADING):
        codes, length = _codes_at(block, at)
        marked = codes > 0
        rows, at, codes = rows[marked], (at + length)[marked], codes[marked]
        marks.codes[rows] |= codes << (_CODE_BITS * turn)
        at = at + 3 * block.starts_with(at, _SELECTOR)
        at = at + (block.byte(at) == ord(" "))
        at = _past_rank(lines, marks, rows, at)
        marks.text_at[rows] = at


def _past_unknown_sign(lines: Lines, rows: Positions, at: Positions) -> Positions:
    """The places of `[Rank ` after a sign that no table knows, as in a log decoded wrongly."""
    at = at.copy()
    codes, _ = _codes_at(lines.block, at)
    for index in np.flatnonzero((codes == 0) & (lines.block.byte(at) >= _FIRST_NON_ASCII)).tolist():
        end = int(lines.ends[rows[index]])
        if found := _UNKNOWN_SIGN.match(lines.text, int(at[index]), end):
            at[index] = found.end()
    return at


def _past_rank(lines: Lines, marks: Marks, rows: Positions, at: Positions) -> Positions:
    """The places after the `[Rank N] ` at each place, if one is there; the first one is noted."""
    rank, length = _ranks_at(lines.block, at)
    stated = (rank != NO_RANK) & (marks.rank[rows] == NO_RANK)
    marks.rank[rows[stated]] = rank[stated]
    return at + length


def _codes_at(block: ByteBlock, at: Positions) -> tuple[Positions, Positions]:
    """Code and length in bytes of the marker at each position, 0 where none is."""
    looked = block.word(at)
    codes = np.zeros(len(at), np.int64)
    length = np.zeros(len(at), np.int64)
    for pattern, code in _PATTERNS:
        here = (looked & word(b"\xff" * len(pattern))) == word(pattern)
        codes[here], length[here] = code, len(pattern)
    return codes, length


def _ranks_at(block: ByteBlock, at: Positions) -> tuple[Positions, Positions]:
    """The N of `[Rank N] ` at each position and the length of that text, NO_RANK and 0 if none."""
    place = at + len(_RANK_OPEN)
    digits = leading_digits(block.word(place))
    rank = number(block.word(place), digits)
    place = place + digits
    ok = block.starts_with(at, _RANK_OPEN) & (digits >= 1) & (rank <= MAX_RANK)
    ok &= block.byte(place) == ord("]")
    place = place + 1
    place = place + (block.byte(place) == ord(" "))
    return np.where(ok, rank, NO_RANK), np.where(ok, place - at, 0)


def _find_arrows(lines: Lines, marks: Marks, kinds: KindTable) -> None:
    rows, at = lines.found(_ARROW_START)
    codes = _codes_at(lines.block, at)[0]
    arrows = np.isin(codes, _ARROWS)
    # A line's second arrow (in a prompt, say) is text.
    rows, first = np.unique(rows[arrows], return_index=True)
    at, codes = at[arrows][first], codes[arrows][first]
    begin = np.maximum(lines.message_at[rows], at - _LONGEST_ADDRESS)
    texts, which = lines.block.distinct(begin, at - begin)
    own = [_BEFORE_ARROW.search(text) for text in texts]
    addresses = np.array([_address(kinds, found[0]) if found else 0 for found in own], np.int64)
    of_row = addresses[which]
    trusted = (marks.codes[rows] > 0) | _say_success(lines, rows)
    kept = np.flatnonzero((of_row > 0) & trusted)
    rows = rows[kept]
    marks.add(rows, codes[kept])
    marks.address[rows] = of_row[kept]


def _address(kinds: KindTable, text: bytes) -> int:
    return kinds.address_number(text.decode("utf-8", "replace"))


def _say_success(lines: Lines, rows: Positions) -> Flags:
    at = lines.message_at[rows]
    return lines.block.starts_with(at, _SUCCESS[:8]) & lines.block.starts_with(
        at + len(_SUCCESS) - 8, _SUCCESS[-8:]
    )


def _find_rank_fields(lines: Lines, marks: Marks) -> None:
    """`, rank:N` of the lines that begin with a marker (`MyRank:N` is another number)."""
    rows, at = lines.found(_RANK_FIELD)
    at = at + len(_RANK_FIELD)
    at = at + (lines.block.byte(at) == ord(" "))
    looked = lines.block.word(at)
    digits = leading_digits(looked)
    rank = number(looked, digits)
    kept = (digits >= 1) & (rank <= MAX_RANK)
    kept &= (marks.codes[rows] > 0) & (marks.rank[rows] == NO_RANK)
    marks.rank[rows[kept]] = rank[kept]


def _find_own_addresses(lines: Lines, marks: Marks, kinds: KindTable) -> None:
    rows, at = lines.found(_OWN_ADDRESS)
    at = at + len(_OWN_ADDRESS)
    kept = marks.codes[rows] > 0
    rows, at = rows[kept], at[kept]
    texts, which = lines.block.distinct(at, np.minimum(lines.ends[rows] - at, _LONGEST_ADDRESS))
    own = [_ADDRESS.match(text) for text in texts]
    addresses = np.array(
        [_address(kinds, found["address"]) if found else 0 for found in own], np.int64
    )
    of_row = addresses[which]
    marks.address[rows[of_row > 0]] = of_row[of_row > 0]


def _learn_pids(lines: Lines, marks: Marks, kinds: KindTable) -> None:
    """`[Rank N] P2pNcclEngine.__init__ START | …, pid=P` says which rank NCCL's `host:P:…` is."""
    rows, at = lines.found(_STARTED)
    for row, place in zip(rows.tolist(), at.tolist(), strict=True):
        pid = _PID.match(lines.text, place)
        if pid and marks.rank[row] != NO_RANK:
            kinds.learn_pid_rank(kinds.process_number(int(pid["pid"])), int(marks.rank[row]))


def _learn_send_types(lines: Lines, marks: Marks, kinds: KindTable) -> None:
    for row in np.flatnonzero(marks.codes & _CODE_MASK == _CODES["💯"]).tolist():
        message = lines.text[lines.message_at[row] : lines.ends[row]]
        if found := _SEND_TYPE.search(message):
            kinds.learn_send_type(found["type"].decode())


def _learn_roles(lines: Lines, kinds: KindTable) -> None:
    """`'kv_role': 'kv_producer'` in the arguments and the configuration that vLLM prints."""
    _, at = lines.found(b"kv_role")
    for place in at.tolist():
        if found := _KV_ROLE.match(lines.text, place + len("kv_role")):
            kinds.learn_role(_ROLES[found["role"]])
