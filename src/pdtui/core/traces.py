"""Finds the rows that say a step (`steps.py`), all lines of a block at once.

A line's first eight bytes after its markers are looked up in a small table for all lines together,
so that a further step costs nothing a byte; an expression runs only where a key must be read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import BYTE_MASKS, Flags, Positions, word
from pdtui.core.digests import STRETCH, digests, distinct
from pdtui.core.fields import request_of
from pdtui.core.marking import Lines
from pdtui.core.packedkeys import Keys
from pdtui.core.shapes import Look
from pdtui.core.steps import FORMS, Form, Pair, Step, expression_of

NO_KEY = 0
_WORD = 8
_SAMPLE = 32
_MANY = 64
"""Rows from which on a look at all of them is quicker than one at each."""
_MOST_SIGN_BYTES = 24
_FIRST_NON_ASCII = 0x80
_REQUEST_STEPS = (Step.KV_SENT, Step.KV_RECEIVED)
"""Their key is a request's, whose random suffix each process makes anew."""


class Said(NamedTuple):
    """What a trace says besides its key: addresses and details, '' where it does not."""

    own: str = ""
    remote: str = ""
    detail: str = ""


NOTHING_SAID = Said()
_NO_GROUPS: dict[str, bytes | None] = {}


@dataclass(slots=True)
class Found:
    """The traces of a block in the order of their rows, which count from the block's first."""

    row: Positions
    step: npt.NDArray[np.uint8]
    key: Keys
    said: npt.NDArray[np.int32]
    """Number of what each says, in `texts`."""
    texts: list[Said]


def steps_flags(*steps: Step) -> Flags:
    """A flag for each step's number: whether it is one of these."""
    flags = np.zeros(256, np.bool_)
    flags[list(steps)] = True
    return flags


def key_of(text: bytes) -> int:
    """The key that stands for these bytes: equal bytes, equal key, never NO_KEY."""
    [key] = _keys_of([text]).tolist()
    return int(key)


def _keys_of(texts: list[bytes]) -> Keys:
    """The keys that stand for these texts."""
    data = np.frombuffer(b"".join(texts) + bytes(STRETCH), np.uint8)
    lengths = np.array([len(text) for text in texts], np.int64)
    keys = digests(data, np.cumsum(lengths) - lengths, lengths)
    keys[keys == NO_KEY] = 1
    return keys


_BY_WORD: dict[int, dict[int, list[Form]]] = defaultdict(lambda: defaultdict(list))
for _form in FORMS:
    _length = min(len(_form.begins), _WORD)
    _BY_WORD[_length][int(word(_form.begins[:_length]))].append(_form)
_SLOT_MIX, _SLOT_SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(52)


def _slots(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A number below 4096 for each word (Knuth's multiplicative hashing)."""
    return (words * _SLOT_MIX) >> _SLOT_SHIFT


_TABLES = {length: np.zeros(4096, np.bool_) for length in _BY_WORD}
"""Whether a form with a beginning of this length may begin with a word of this slot."""
for _length, _forms in _BY_WORD.items():
    _TABLES[_length][_slots(np.array(list(_forms), np.uint64))] = True


class _Collected:
    """Traces of a block in the order in which they are found."""

    def __init__(self) -> None:
        self.row: list[Positions] = [np.zeros(0, np.int64)]
        self.step: list[npt.NDArray[np.uint8]] = [np.zeros(0, np.uint8)]
        self.key: list[Keys] = [np.zeros(0, np.uint64)]
        self.said: list[npt.NDArray[np.int32]] = [np.zeros(0, np.int32)]
        self.texts: dict[Said, int] = {NOTHING_SAID: 0}

    def add(
        self,
        rows: Positions,
        steps: list[Step],
        found: list[re.Match[bytes] | None],
        which: Positions,
    ) -> None:
        """Adds traces, given the step and the match of some, and `which` of them each row has."""
        groups = [one.groupdict() if one else _NO_GROUPS for one in found]
        keys = _keys(steps, [said.get("key") for said in groups])
        said = [
            self._text_number(_said(one.get("own"), one.get("remote"), one.get("detail")))
            for one in groups
        ]
        self.row.append(rows)
        self.step.append(np.array(steps, np.uint8)[which])
        self.key.append(keys[which])
        self.said.append(np.array(said, np.int32)[which])

    def add_look(self, rows: Positions, step: Step, look: Look) -> None:
        """Adds traces of one step with what their look read: `key` and `remote`."""
        keys = np.zeros(len(rows), np.uint64)
        if "key at" in look.values:
            at, lengths = look.values["key at"], look.values["key length"]
            keys = np.where(lengths > 0, np.maximum(digests(look.block.data, at, lengths), 1), 0)
        self.add_keys(rows, step, keys.astype(np.uint64))
        if len(rows) and "remote at" in look.values:
            at, lengths = look.values["remote at"], look.values["remote length"]
            texts, which = distinct(look.block, at, lengths)
            numbers = [self._text_number(_said(None, remote, None)) for remote in texts]
            self.said[-1] = np.array(numbers, np.int32)[which]

    def add_keys(self, rows: Positions, step: Step, keys: Keys) -> None:
        """Adds traces that say nothing but their step and key."""
        self.row.append(rows)
        self.step.append(np.full(len(rows), step, np.uint8))
        self.key.append(keys)
        self.said.append(np.zeros(len(rows), np.int32))

    def _text_number(self, said: Said) -> int:
        return self.texts.setdefault(said, len(self.texts))

    def found(self) -> Found:
        """All of them in the order of their rows."""
        row = np.concatenate(self.row)
        order = np.argsort(row, kind="stable")
        step, key = np.concatenate(self.step)[order], np.concatenate(self.key)[order]
        return Found(row[order], step, key, np.concatenate(self.said)[order], list(self.texts))


def may_say_steps(lines: Lines, text_at: Positions, rows: Positions) -> Flags:
    """Which of these lines begin like one that says a step."""
    words = lines.block.word(_past_signs(lines, text_at[rows]))
    may = np.zeros(len(rows), np.bool_)
    for length, table in _TABLES.items():
        may |= table[_slots(words & BYTE_MASKS[length])]
    return may


def find_traces(
    lines: Lines,
    text_at: Positions,
    looked_at: Positions,
    wanted: Flags,
    pairs: Sequence[Pair] = (),
) -> Found:
    """The traces of a block; `text_at` is where each message goes on after its leading markers.

    `looked_at` are the lines that may say a step, `wanted` has a flag for each step's number.
    """
    collected, few = _Collected(), list[tuple[int, Sequence[Form]]]()
    at = _past_signs(lines, text_at[looked_at])
    words, ends = lines.block.word(at), lines.ends[looked_at]
    for length, table in _TABLES.items():
        looked = words & BYTE_MASKS[length]
        candidates = np.flatnonzero(table[_slots(looked)])
        if not len(candidates):
            continue
        beginnings, which = np.unique(looked[candidates], return_inverse=True)
        for number, beginning in enumerate(beginnings.tolist()):
            places = candidates[which == number]
            forms = _BY_WORD[length].get(beginning, ())
            # All of them or none: the first that fits has the row, wanted or not.
            if not any(wanted[one.step] for one in forms):
                continue
            if len(places) < _MANY:
                few += [(place, forms) for place in places.tolist()]
                continue
            for form in forms:
                if not len(places):
                    break
                stretch = _Stretch(looked_at[places], at[places], ends[places])
                places = places[~_collect(lines, stretch, form, collected)]
    if few:
        places = np.array([place for place, _ in few])
        stretch = _Stretch(looked_at[places], at[places], ends[places])
        _collect_few(lines, stretch, [forms for _, forms in few], collected)
    for pair in pairs:
        _collect_pair(lines, pair, collected)
    return collected.found()


def _past_signs(lines: Lines, text_at: Positions) -> Positions:
    """The places after signs that no table knows, as in a log decoded wrongly (`ğŸ¤nccl…`)."""
    byte = lines.block.byte(text_at)
    odd = np.flatnonzero(byte >= _FIRST_NON_ASCII)
    if not len(odd):
        return text_at
    at = text_at.copy()
    for _ in range(_MOST_SIGN_BYTES):
        at[odd] += lines.block.byte(at[odd]) >= _FIRST_NON_ASCII
    at[odd] += lines.block.byte(at[odd]) == ord(" ")
    return at


class _Stretch(NamedTuple):
    """Rows, and where what is looked at begins and ends in each."""

    rows: Positions
    at: Positions
    ends: Positions


def _collect(lines: Lines, looked: _Stretch, form: Form, collected: _Collected) -> Flags:
    """Collects the rows that the form fits; returns which of them those are."""
    rows, at, ends = looked
    fits = np.ones(len(rows), np.bool_)
    for begin in range(_WORD, len(form.begins), _WORD):
        fits &= lines.block.starts_with(at + begin, form.begins[begin : begin + _WORD])
    if form.holds:
        fits &= _holding(lines, looked, form.holds)
    where = np.flatnonzero(fits)
    if not len(where):
        return fits
    if form.shape is not None and len(where) >= _MANY:
        look = form.shape.find(lines.block, at[where] + len(form.begins), ends[where])
        fits = np.zeros(len(rows), np.bool_)
        fits[where[look.rows]] = True
        collected.add_look(rows[fits], form.step, look)
        return fits
    if form.pattern is None and form.shape is None:
        rows = rows[fits]
        collected.add_keys(rows, form.step, np.zeros(len(rows), np.uint64))
        return fits
    begins, ends = at[where], ends[where]
    if _differ(lines.text, begins[:_SAMPLE], ends[:_SAMPLE]):
        texts, which = _slices(lines.text, begins, ends), np.arange(len(where))
    else:
        texts, which = distinct(lines.block, begins, ends - begins)
    match = expression_of(form).match
    found = [match(text) for text in texts]
    matched = np.array([one is not None for one in found], np.bool_)[which]
    fits[where[~matched]] = False
    collected.add(rows[fits], [form.step] * len(found), found, which[matched])
    return fits


def _collect_few(
    lines: Lines, looked: _Stretch, forms: list[Sequence[Form]], collected: _Collected
) -> None:
    """Collects those of a few rows that one of their forms fits, row by row."""
    rows: list[int] = []
    steps: list[Step] = []
    found: list[re.Match[bytes] | None] = []
    texts = _slices(lines.text, looked.at, looked.ends)
    for row, text, its_forms in zip(looked.rows.tolist(), texts, forms, strict=True):
        for form in its_forms:
            if not text.startswith(form.begins) or form.holds not in text:
                continue
            alone = form.pattern is None and form.shape is None
            match = None if alone else expression_of(form).match(text)
            if alone or match:
                rows.append(row)
                steps.append(form.step)
                found.append(match)
                break
    if rows:
        collected.add(np.array(rows, np.int64), steps, found, np.arange(len(rows)))


def _holding(lines: Lines, looked: _Stretch, holds: bytes) -> Flags:
    """In which of these stretches that stands."""
    of_interest, stands = np.zeros((2, len(lines.starts)), np.bool_)
    of_interest[looked.rows] = True
    rows, _ = lines.found(holds, of_interest)
    stands[rows] = True
    holding: Flags = stands[looked.rows]
    return holding


def _differ(text: bytes, begins: Positions, ends: Positions) -> bool:
    """Whether most of these stretches differ, so that looking for equal ones is in vain."""
    return 2 * len(set(_slices(text, begins, ends))) > len(begins)


def _slices(text: bytes, begins: Positions, ends: Positions) -> list[bytes]:
    return [text[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]


def _keys(steps: list[Step], texts: list[bytes | None]) -> Keys:
    """The key for each of these texts, which those steps say; NO_KEY for none."""
    said = [place for place, text in enumerate(texts) if text is not None]
    keys = np.zeros(len(texts), np.uint64)
    if said:
        keys[said] = _keys_of([_key_text(steps[place], texts[place] or b"") for place in said])
    return keys


def _key_text(step: Step, text: bytes) -> bytes:
    if step not in _REQUEST_STEPS:
        return text
    return (request_of(_decoded(text)) or _decoded(text)).encode()


@lru_cache(maxsize=4096)
def _said(own: bytes | None, remote: bytes | None, detail: bytes | None) -> Said:
    return Said(_decoded(own or b""), _decoded(remote or b""), _decoded(detail or b""))


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _collect_pair(lines: Lines, pair: Pair, collected: _Collected) -> None:
    """Collects the rows of a pair of the user's: slower, an expression on every line."""
    places = list(zip(lines.message_at.tolist(), lines.ends.tolist(), strict=True))
    for step, pattern in ((Step.OWN_CAUSE, pair.cause), (Step.OWN_EFFECT, pair.effect)):
        rows, found = [], []
        for row, (begin, end) in enumerate(places):
            if (one := pattern.search(lines.text, begin, end)) and one["key"]:
                rows.append(row)
                found.append(key_of(pair.name.encode() + b"\0" + one["key"]))
        collected.add_keys(np.array(rows, np.int64), step, np.array(found, np.uint64))
