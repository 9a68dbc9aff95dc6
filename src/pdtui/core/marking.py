"""Finds the markers of each line, and the rank and the address that stand with them.

A marker stands at the start of the message, or at the start of the debug location after
`[Rank N]`; an arrow stands between two addresses. Elsewhere an emoji is text: users write 🚨 in
their prompts, and vLLM logs prompts. Where a connector writes no emoji, its text at the start of
the message stands for one (`events.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from pdtui.core.bytescan import (
    BYTE_MASKS,
    ByteBlock,
    Flags,
    Positions,
    among,
    leading_digits,
    number,
)
from pdtui.core.digests import distinct
from pdtui.core.events import EVENT_BYTES
from pdtui.core.kinds import MAX_RANK, NO_RANK, KindTable
from pdtui.core.markers import VARIATION_SELECTOR
from pdtui.core.outlines import TextPlaces
from pdtui.core.signs import NON_ASCII, Signs
from pdtui.core.understood import Recalled

_SELECTOR = VARIATION_SELECTOR.encode()
_CODE_BITS = 6
_CODE_MASK = (1 << _CODE_BITS) - 1
_MOST_LEADING = 3
_LONGEST_ADDRESS = 80
_RANK_OPEN = b"[Rank "
_UNKNOWN_SIGN = re.compile(rb"[\x80-\xff]+ ?(?=\[Rank \d)")
_ARROW_START = "👉".encode()[:3]
_BEFORE_ARROW = re.compile(rb"(?:[^\s,\[\]]+|\[[0-9a-fA-F:]+\]):\d{1,5}(?= ?\Z)")
"""The address before an arrow, as in `SELF👉PEER` or `SELF 👈 PEER`: the writer's own."""
_OWN_ADDRESS = b"zmq_address"
_ADDRESS = re.compile(rb"[=:] ?(?P<address>[^\s,]+:\d{1,5})")
_RANK_FIELD = b", rank:"
_SUCCESS = b"ncclCommInitRank Success"
MARKING_TEXTS = (_ARROW_START, _OWN_ADDRESS, _RANK_FIELD)
"""What is looked for in all messages."""


@dataclass(slots=True)
class Lines:
    """The lines of a block after peeling: where each message begins and where the line ends."""

    block: ByteBlock
    text: bytes
    """The block's bytes again, for the searches that `re` does best."""
    starts: Positions
    message_at: Positions
    ends: Positions
    places: TextPlaces | None = None
    """Where some texts stand in them, if that is known."""

    def anywhere(
        self, literal: bytes, within: Positions | None = None
    ) -> tuple[Positions, Positions]:
        """Where these bytes stand in the lines: the lines, and the places.

        With `within`, where they stand in these lines at least.
        """
        if self.places is not None:
            return self.places.of(literal, within)
        at = self.block.places(literal)
        rows = np.searchsorted(self.starts, at, "right") - 1
        # What a `\r` overwrote lies between two lines and is of neither.
        inside = (self.starts[rows] <= at) & (at + len(literal) <= self.ends[rows])
        return rows[inside], at[inside]

    def found(self, literal: bytes, within: Positions | None = None) -> tuple[Positions, Positions]:
        """The same within messages."""
        rows, at = self.anywhere(literal, within)
        inside = self.message_at[rows] <= at
        return rows[inside], at[inside]

    def last(self, literal: bytes, within: Positions | None = None) -> tuple[Positions, Positions]:
        """The lines in whose message the bytes stand, and where they do last."""
        rows, at = self.found(literal, within)
        last = _first_of_each(rows[::-1])[::-1]
        return rows[last], at[last]


@dataclass(slots=True)
class Marks:
    """What was found, one entry a line."""

    codes: Positions
    """The markers' codes, six bits each, in the order they stand; 0 for none."""
    sets: Positions
    """The number of each line's tuple of markers in the table of kinds, once `number` has run."""
    rank: Positions
    address: Positions
    text_at: Positions
    """Where the message goes on after its leading markers and `[Rank N]`."""
    changed: list[Positions] = field(default_factory=list)
    """The lines whose markers have no number yet."""

    @classmethod
    def recalled(cls, recalled: Recalled, message_at: Positions) -> Marks:
        """What is known so far of the lines whose messages begin at these places."""
        text_at = message_at + (recalled["text_at"] - recalled["at"])
        none = np.zeros(len(message_at), np.int64)
        codes, sets = recalled["codes"], recalled["markers"]
        return cls(codes, sets, recalled["marked_rank"], none, text_at)

    def put(self, rows: Positions, code: int) -> None:
        """Gives these lines this marker alone."""
        self.codes[rows] = code
        self.changed.append(rows)

    def add(self, rows: Positions, codes: Positions) -> None:
        """Puts a marker after those that each line has already (each line at most once a call)."""
        free = np.zeros(len(rows), np.int64)
        for turn in range(_MOST_LEADING):
            free += self.codes[rows] >> (_CODE_BITS * turn) != 0
        self.codes[rows] |= codes << (_CODE_BITS * free)
        self.changed.append(rows)

    def first(self) -> Positions:
        """The code of each line's first marker."""
        return self.codes & _CODE_MASK

    def number(self, kinds: KindTable) -> None:
        """Gives their numbers to the tuples of markers of lines that have none yet."""
        if not self.changed:
            return
        rows, self.changed = np.concatenate(self.changed), []
        different, inverse = np.unique(self.codes[rows], return_inverse=True)
        table = [kinds.marker_set_number(_decode(kinds, int(codes))) for codes in different]
        self.sets[rows] = np.array(table, np.int64)[inverse]


def _decode(kinds: KindTable, codes: int) -> tuple[str, ...]:
    """The markers that the codes stand for, each once."""
    found: dict[str, None] = {}
    while codes:
        found[kinds.signs[codes & _CODE_MASK]] = None
        codes >>= _CODE_BITS
    return tuple(found)


def find_marks(lines: Lines, marks: Marks, kinds: KindTable, eventful: Positions) -> None:
    """The markers that stand elsewhere than at the start, and ranks and addresses with them.

    `eventful` are the lines that may begin with a text that stands for a marker.
    """
    success = np.zeros(len(marks.codes), np.bool_)
    begins = lines.block.starts_with(lines.message_at[eventful], _SUCCESS[:8])
    begun = eventful[begins]
    success[begun] = _say_success(lines, begun)
    marked = marks.codes > 0
    if marked.any() or success.any():
        _find_arrows(lines, marks, kinds, success)
        _find_rank_fields(lines, marks)
        _find_own_addresses(lines, marks, kinds, marked)
    _find_events(lines, marks, kinds, eventful)


def may_be_events(lines: Lines, rows: Positions, kinds: KindTable) -> Flags:
    """Which of these lines may begin with a text that `find_marks` looks for there."""
    words = lines.block.word(lines.message_at[rows])
    events = among(words & BYTE_MASKS[EVENT_BYTES], kinds.grammar.event_starts)
    return events | lines.block.starts_with(lines.message_at[rows], _SUCCESS[:8])


def find_leading(lines: Lines, marks: Marks, kinds: KindTable, rows: Positions) -> None:
    """Markers and `[Rank N]` at the start of these messages, in whatever order they stand."""
    block, signs = lines.block, Signs(kinds)
    at = lines.message_at[rows]
    rows = rows[(block.byte(at) >= NON_ASCII) | block.starts_with(at, _RANK_OPEN)]
    if not len(rows):
        return
    at = _past_unknown_sign(lines, rows, lines.message_at[rows], signs)
    at = _past_rank(lines, marks, rows, at)
    marks.text_at[rows] = at
    for turn in range(_MOST_LEADING):
        codes, length = signs.any(lines.block, at, lines.ends[rows])
        marked = (codes > 0) & (at + length <= lines.ends[rows])
        rows, at, codes = rows[marked], (at + length)[marked], codes[marked]
        marks.codes[rows] |= codes << (_CODE_BITS * turn)
        marks.changed.append(rows)
        at = at + 3 * block.starts_with(at, _SELECTOR)
        at = at + (block.byte(at) == ord(" "))
        at = _past_rank(lines, marks, rows, at)
        marks.text_at[rows] = at


def _past_unknown_sign(lines: Lines, rows: Positions, at: Positions, signs: Signs) -> Positions:
    """The places of `[Rank ` behind a sign that is no emoji, as in a log decoded wrongly."""
    at = at.copy()
    codes, _ = signs.any(lines.block, at, lines.ends[rows])
    for index in np.flatnonzero((codes == 0) & (lines.block.byte(at) >= NON_ASCII)).tolist():
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


def _find_arrows(lines: Lines, marks: Marks, kinds: KindTable, success: Flags) -> None:
    trusted = (marks.codes > 0) | success
    rows, at = lines.found(_ARROW_START, np.flatnonzero(trusted))
    if not len(rows):
        return
    codes = Signs(kinds).look(lines.block, at)[0]
    arrows = np.flatnonzero((codes == kinds.sign_code("👉")) | (codes == kinds.sign_code("👈")))
    # A line's second arrow (in a prompt, say) is text.
    arrows = arrows[_first_of_each(rows[arrows])]
    arrows = arrows[trusted[rows[arrows]]]
    rows, at, codes = rows[arrows], at[arrows], codes[arrows]
    begin = np.maximum(lines.message_at[rows], at - _LONGEST_ADDRESS)
    texts, which = distinct(lines.block, begin, at - begin)
    own = [_BEFORE_ARROW.search(text) for text in texts]
    addresses = np.array([_address(kinds, found[0]) if found else 0 for found in own], np.int64)
    of_row = addresses[which] if len(rows) else addresses
    kept = np.flatnonzero(of_row > 0)
    rows = rows[kept]
    marks.add(rows, codes[kept])
    marks.address[rows] = of_row[kept]


def _first_of_each(rows: Positions) -> Flags:
    """Whether each of these rows, which stand together where they are the same, is the first."""
    first = np.ones(len(rows), np.bool_)
    first[1:] = rows[1:] != rows[:-1]
    return first


def _address(kinds: KindTable, text: bytes) -> int:
    return kinds.address_number(text.decode("utf-8", "replace"))


def _say_success(lines: Lines, rows: Positions) -> Flags:
    return lines.block.starts_with(lines.message_at[rows] + len(_SUCCESS) - 8, _SUCCESS[-8:])


def _find_rank_fields(lines: Lines, marks: Marks) -> None:
    """`, rank:N` of the lines that begin with a marker (`MyRank:N` is another number)."""
    silent = (marks.codes > 0) & (marks.rank == NO_RANK)
    if not silent.any():
        return
    rows, at = lines.last(_RANK_FIELD, np.flatnonzero(silent))
    kept = silent[rows]
    rows, at = rows[kept], at[kept] + len(_RANK_FIELD)
    at = at + (lines.block.byte(at) == ord(" "))
    looked = lines.block.word(at)
    digits = leading_digits(looked)
    rank = number(looked, digits)
    kept = (digits >= 1) & (rank <= MAX_RANK)
    marks.rank[rows[kept]] = rank[kept]


def _find_own_addresses(lines: Lines, marks: Marks, kinds: KindTable, marked: Flags) -> None:
    rows, at = lines.found(_OWN_ADDRESS, np.flatnonzero(marked))
    at = at + len(_OWN_ADDRESS)
    kept = marked[rows]
    rows, at = rows[kept], at[kept]
    if not len(rows):
        return
    texts, which = distinct(lines.block, at, np.minimum(lines.ends[rows] - at, _LONGEST_ADDRESS))
    own = [_ADDRESS.match(text) for text in texts]
    addresses = np.array(
        [_address(kinds, found["address"]) if found else 0 for found in own], np.int64
    )
    of_row = addresses[which]
    marks.address[rows[of_row > 0]] = of_row[of_row > 0]


def _find_events(lines: Lines, marks: Marks, kinds: KindTable, eventful: Positions) -> None:
    """The texts that stand for a marker, in lines that begin with no emoji."""
    grammar = kinds.grammar
    eventful = eventful[marks.codes[eventful] == 0]
    starts = lines.block.word(lines.message_at[eventful]) & BYTE_MASKS[EVENT_BYTES]
    suspects = among(starts, grammar.event_starts)
    eventful, starts = eventful[suspects], starts[suspects]
    for event in grammar.events if len(eventful) else ():
        rows = eventful[starts == event.start]
        if not len(rows):
            continue
        look = event.shape.find(lines.block, lines.message_at[rows], lines.ends[rows])
        fitting = rows[look.rows]
        if event.pattern is not None:
            match = event.pattern.match
            places = zip(
                lines.message_at[fitting].tolist(), lines.ends[fitting].tolist(), strict=True
            )
            said = [match(lines.text, begin, end) is not None for begin, end in places]
            fitting = fitting[np.array(said, np.bool_)]
        if len(fitting):
            marks.put(fitting, kinds.sign_code(event.emoji))
    for pattern, emoji in grammar.patterns:
        if unmarked := [row for row in _matching(lines, pattern) if marks.codes[row] == 0]:
            marks.put(np.array(unmarked), kinds.sign_code(emoji))


def _matching(lines: Lines, pattern: re.Pattern[bytes]) -> list[int]:
    """The lines in whose message the pattern is found."""
    places = zip(lines.message_at.tolist(), lines.ends.tolist(), strict=True)
    return [
        row for row, (begin, end) in enumerate(places) if pattern.search(lines.text, begin, end)
    ]
