"""Finds the rows that say a step (`steps.py`), all lines of a block at once.

A line's first eight bytes after its markers tell its *wording*: which forms it may have. They are
looked up in a small table for all lines together, and once for lines alike (`alike.py`), so that a
further step costs nothing a byte; an expression runs only where a key must be read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
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
_MANY, _SOME = 64, 12
"""Rows from which on a look at all of them is quicker than one at each: where something is read in
them, and where their beginnings are enough."""
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


_BY_BEGIN: dict[bytes, list[Form]] = defaultdict(list)
for _form in FORMS:
    _BY_BEGIN[_form.begins[:_WORD]].append(_form)
_WORDINGS: list[list[list[Form]]] = [[]]
"""The forms of each wording: those with its beginning, and those with what that begins with."""
_WORDS: dict[int, list[tuple[np.uint64, int]]] = defaultdict(list)
"""The words with which wordings begin, by their length, and the wordings' numbers."""
for _begin in sorted(_BY_BEGIN, key=len):
    _WORDS[len(_begin)].append((word(_begin), len(_WORDINGS)))
    _WORDINGS.append([_BY_BEGIN[other] for other in _BY_BEGIN if _begin.startswith(other)])
assert len(_WORDINGS) <= 256, "see `_by_number`"
_TABLES = {
    length: tuple(np.array(column) for column in zip(*sorted(words), strict=True))
    for length, words in _WORDS.items()
}


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
        keys = _keys(steps, [one.get("key") for one in groups])
        said = [
            self._text_number(one.get("own"), one.get("remote"), one.get("detail"))
            for one in groups
        ]
        self.row.append(rows)
        self.step.append(np.array(steps, np.uint8)[which])
        self.key.append(keys[which])
        self.said.append(np.array(said, np.int32)[which])

    def add_look(self, rows: Positions, step: Step, look: Look) -> None:
        """Adds traces of one step with what their look read: their key, and what they say."""
        keys = np.zeros(len(rows), np.uint64)
        if "key at" in look.values:
            at, lengths = look.values["key at"], look.values["key length"]
            keys = np.where(lengths > 0, np.maximum(digests(look.block.data, at, lengths), 1), 0)
        self.add_keys(rows, step, keys.astype(np.uint64))
        for name in Said._fields if len(rows) else ():
            if f"{name} at" not in look.values:
                continue
            assert not self.said[-1].any(), "a shape reads one of them"
            at, lengths = look.values[f"{name} at"], look.values[f"{name} length"]
            texts, which = distinct(look.block, at, lengths)
            numbers = [self._text_number(**{name: text}) for text in texts]
            self.said[-1] = np.array(numbers, np.int32)[which]

    def add_keys(self, rows: Positions, step: Step, keys: Keys) -> None:
        """Adds traces that say nothing but their step and key."""
        self.row.append(rows)
        self.step.append(np.full(len(rows), step, np.uint8))
        self.key.append(keys)
        self.said.append(np.zeros(len(rows), np.int32))

    def _text_number(
        self,
        own: bytes | None = None,
        remote: bytes | None = None,
        detail: bytes | None = None,
    ) -> int:
        if own is remote is detail is None:
            return 0
        said = _said(own, remote, detail)
        return self.texts.setdefault(said, len(self.texts))

    def found(self) -> Found:
        """All of them in the order of their rows."""
        row = np.concatenate(self.row)
        order = np.argsort(row, kind="stable")
        step, key = np.concatenate(self.step)[order], np.concatenate(self.key)[order]
        return Found(row[order], step, key, np.concatenate(self.said)[order], list(self.texts))


def wordings(lines: Lines, text_at: Positions, rows: Positions) -> Positions:
    """The number of the wording of a step that each of these lines begins like, 0 for none.

    What decides are eight bytes after the markers.
    """
    words = lines.block.word(_past_signs(lines, text_at[rows]))
    found = np.zeros(len(rows), np.int64)
    # The longest one counts.
    for length, (beginnings, numbers) in sorted(_TABLES.items()):
        looked = words & BYTE_MASKS[length]
        place = np.minimum(np.searchsorted(beginnings, looked), len(beginnings) - 1)
        found = np.where(beginnings[place] == looked, numbers[place], found)
    return found


def find_traces(
    lines: Lines,
    text_at: Positions,
    wording: Positions,
    wanted: Flags,
    pairs: Sequence[Pair] = (),
) -> Found:
    """The traces of a block; `text_at` is where each message goes on after its leading markers.

    `wording` is each line's, see `wordings`; `wanted` has a flag for each step's number.
    """
    collected, few = _Collected(), list[tuple[int, Sequence[Form]]]()
    asked = _asked_of(wanted.tobytes())
    rows = np.flatnonzero(asked.flags[wording])
    at, ends = _past_signs(lines, text_at[rows]), lines.ends[rows]
    for number, of_wording in _by_number(wording[rows]):
        for forms, many in asked.forms[number]:
            if len(of_wording) < many:
                few += [(place, forms) for place in of_wording.tolist()]
                continue
            places = of_wording
            for form in forms:
                if not len(places):
                    break
                stretch = _Stretch(rows[places], at[places], ends[places])
                places = places[~_collect(lines, stretch, form, collected)]
    if few:
        places = np.array([place for place, _ in few])
        stretch = _Stretch(rows[places], at[places], ends[places])
        _collect_few(lines, stretch, [forms for _, forms in few], collected)
    for pair in pairs:
        _collect_pair(lines, pair, collected)
    return collected.found()


class _Asked(NamedTuple):
    """What is looked for of each wording."""

    flags: Flags
    """Whether anything is."""
    forms: list[list[tuple[list[Form], int]]]
    """Forms that begin alike, and the rows from which on a look at all of them is quicker."""


@lru_cache(maxsize=16)
def _asked_of(wanted: bytes) -> _Asked:
    """What is looked for where these steps are wanted."""
    asked = [
        [
            (forms, _MANY if any(form.pattern or form.shape for form in forms) else _SOME)
            for forms in of_wording
            # All of them or none: the first that fits has the row, wanted or not.
            if any(wanted[form.step] for form in forms)
        ]
        for of_wording in _WORDINGS
    ]
    return _Asked(np.array([bool(forms) for forms in asked], np.bool_), asked)


def _by_number(numbers: Positions) -> Iterator[tuple[int, Positions]]:
    """The distinct numbers (below 256), each with the places where it stands."""
    order = np.argsort(numbers.astype(np.uint8), kind="stable")
    ordered = numbers[order]
    cuts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    begins, stops = [0, *cuts.tolist()], [*cuts.tolist(), len(order)]
    for begin, stop in zip(begins, stops, strict=True) if len(order) else ():
        yield int(ordered[begin]), order[begin:stop]


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
    stands = np.zeros(len(lines.starts), np.bool_)
    stands[lines.found(holds, looked.rows)[0]] = True
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
