"""What a user asks to see, and which rows that is.

Everything that a row's kind decides (rank, marker, level, process) is decided once a kind; the
text decides row by row (`textsearch.py`). All parts must hold (AND); within one part the items
are alternatives (OR) and `!` excludes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pdtui.core.kinds import Rank
from pdtui.core.levels import NO_LEVEL, level_number
from pdtui.core.markers import find_marker, known_markers, marker_of, plain
from pdtui.core.mojibake import forms_of
from pdtui.core.moments import parse_moment
from pdtui.core.source import Source
from pdtui.core.stamps import NO_TIME
from pdtui.errors import FilterError

_RANK_ITEM = re.compile(
    r"(?P<not>!)?(?:(?P<source>[^\s:,!]+):)?(?P<first>\d{1,4})(?:-(?P<last>\d{1,4}))?"
)
_SEPARATOR = re.compile(r"[,\s]+")
ANY_MARKER = "any"
"""Stands for every marker: `-m any` are all rows that have one."""


@dataclass(frozen=True, slots=True)
class RankItem:
    """Some ranks, of one source or of all, wanted or excluded."""

    first: int
    last: int
    source: str | None
    excluded: bool

    def holds(self, rank: Rank | None, source: Source) -> bool:
        """Whether the rank is one of these."""
        named = self.source is None or source_named(source, self.source)
        return rank is not None and named and self.first <= rank.value <= self.last


def source_named(source: Source, name: str) -> bool:
    """Whether a user who says `decode` in `decode:1` means this source."""
    label = source.label.lower()
    return name.lower() in (label, label.rsplit("/", 1)[-1])


@dataclass(frozen=True, slots=True)
class MarkerItem:
    """One marker, wanted or excluded; an empty emoji is any marker."""

    emoji: str
    excluded: bool

    def holds(self, markers: tuple[str, ...]) -> bool:
        """Whether it is among these."""
        return self.emoji in markers if self.emoji else bool(markers)


@dataclass(frozen=True, slots=True)
class TextItem:
    """An expression that the row's text must hold, or must not."""

    pattern: re.Pattern[bytes]
    excluded: bool

    def pattern_for(self, source: Source) -> re.Pattern[bytes]:
        """The expression for this source: in one that was decoded wrongly, 🔍 is `ğŸ”` too."""
        return with_misread_markers(self.pattern) if source.kinds.misdecoded else self.pattern


@dataclass(frozen=True, slots=True)
class Filter:
    """All that is asked at once; an empty filter shows every row."""

    ranks: tuple[RankItem, ...] = ()
    markers: tuple[MarkerItem, ...] = ()
    level: int = NO_LEVEL
    texts: tuple[TextItem, ...] = ()
    process: str = ""
    since: str = ""
    until: str = ""

    def __bool__(self) -> bool:
        return self != Filter()

    @property
    def by_kind(self) -> bool:
        """Whether a row's kind decides alone."""
        return not (self.texts or self.since or self.until)

    def kind_mask(self, source: Source) -> npt.NDArray[np.bool_]:
        """Which kinds of the source's rows pass all that a kind decides; one entry a kind."""
        ranks = source.kinds.ranks()
        kinds = source.kinds.kinds[: len(ranks)]
        mask = np.ones(len(kinds), np.bool_)
        for number, (kind, rank) in enumerate(zip(kinds, ranks, strict=True)):
            mask[number] = (
                kind.level >= self.level
                and self._ranks_hold(rank, source)
                and self._markers_hold(source.kinds.marker_sets[kind.markers])
                and self._process_holds(source, kind.process)
            )
        return mask

    def time_window(self, newest: int) -> tuple[int, int] | None:
        """First and last time (microseconds) to be shown; `newest` is the newest row's."""
        if not (self.since or self.until):
            return None
        first = parse_moment(self.since, newest) if self.since else NO_TIME
        last = parse_moment(self.until, newest, upper=True) if self.until else -NO_TIME
        return first, last

    def _ranks_hold(self, rank: Rank | None, source: Source) -> bool:
        return _hold([(item.excluded, item.holds(rank, source)) for item in self.ranks])

    def _markers_hold(self, markers: tuple[str, ...]) -> bool:
        return _hold([(item.excluded, item.holds(markers)) for item in self.markers])

    def _process_holds(self, source: Source, number: int) -> bool:
        if not self.process:
            return True
        process = source.kinds.processes[number]
        said = f"{process.name or ''} pid={process.pid} {process.host or ''}"
        return number != 0 and self.process.lower() in said.lower()


def _hold(items: list[tuple[bool, bool]]) -> bool:
    """Of (excluded, holds): no excluded one holds, and a wanted one does where any is wanted."""
    wanted = [held for excluded, held in items if not excluded]
    refused = any(held for excluded, held in items if excluded)
    return not refused and (any(wanted) or not wanted)


def parse_ranks(text: str) -> tuple[RankItem, ...]:
    """`0,2-4,decode:1,!3` as items."""
    items = []
    for word in _words(text):
        found = _RANK_ITEM.fullmatch(word)
        if not found:
            raise FilterError("rank", f"'{word}' is no rank: 0 · 2-4 · decode:1 · !3")
        first, last = int(found["first"]), int(found["last"] or found["first"])
        items.append(
            RankItem(min(first, last), max(first, last), found["source"], bool(found["not"]))
        )
    return tuple(items)


def parse_markers(text: str, *, typing: bool = False) -> tuple[MarkerItem, ...]:
    """`🔍 alert,!init` as items: an emoji or a name each.

    While `typing`, the start of a name stands for every marker whose name begins so.
    """
    items = []
    for word in _words(text):
        name = word.removeprefix("!")
        found = _markers_named(name, typing=typing)
        if not found:
            raise FilterError("marker", f"'{word}' is no marker: see `pdtui markers`")
        items += [MarkerItem(emoji, word.startswith("!")) for emoji in found]
    return tuple(items)


def _markers_named(name: str, *, typing: bool) -> list[str]:
    """The emoji that a word stands for; an empty one is any marker."""
    if name == ANY_MARKER:
        return [""]
    if known := find_marker(name):
        return [known.emoji]
    if name and not name.isascii():
        return [marker_of(plain(name)).emoji]
    if typing and name:
        return [
            m.emoji for m in known_markers() if any(w.startswith(name.lower()) for w in m.words)
        ]
    return []


def parse_level(text: str) -> int:
    """The level that `text` names, 0 for none."""
    return level_number(text) if text.strip() else NO_LEVEL


def parse_text(text: str, *, excluded: bool = False) -> TextItem:
    """An expression over the row's text, as `grep -E` takes it: case matters, `(?i)` ignores it."""
    try:
        pattern = re.compile(text.encode("utf-8", "surrogateescape"), re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise FilterError("text", f"'{text}' is no expression: {error}") from error
    return TextItem(pattern, excluded)


def parse_typed_text(text: str) -> tuple[TextItem, ...]:
    """What is typed into the text filter: an expression; with `!` first, what to hide."""
    excluded = text.startswith("!")
    text = text.removeprefix("!")
    return (parse_text(text, excluded=excluded),) if text else ()


@lru_cache(maxsize=64)
def with_misread_markers(pattern: re.Pattern[bytes]) -> re.Pattern[bytes]:
    """The expression with every marker in it also in the forms that wrong encodings give it."""
    text = pattern.pattern
    for marker in known_markers():
        right = marker.emoji.encode()
        if right in text and b"[" not in text:
            forms = sorted(forms_of(marker.emoji), key=len, reverse=True)
            text = text.replace(right, b"(?:" + b"|".join(map(re.escape, forms)) + b")")
    return re.compile(text, pattern.flags)


def _words(text: str) -> list[str]:
    return [word for word in _SEPARATOR.split(text) if word]
