"""The user's own formats, markers and pairs, from the text of a configuration file.

    [[format]]
    name = "gateway"
    pattern = '(?P<time>\\S+) (?P<level>[A-Z]+) gw: (?P<message>.*)'
    sample = "2025-11-01T10:30:45Z WARN gw: upstream is slow"

    [[marker]]
    name = "preempted"
    emoji = "🥾"
    meaning = "a request lost its blocks"
    pattern = 'is preempted'

    [[pair]]
    cause = 'pushed block (?P<key>\\d+)'
    effect = 'pulled block (?P<key>\\d+)'

What is wrong is named, by entry and key, and left out; the rest counts.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

from pdtui.core.formats import FORMATS, Format
from pdtui.core.grammar import Grammar
from pdtui.core.levels import LEVEL_OF_WORD
from pdtui.core.markers import Marker, plain
from pdtui.core.steps import Pair

_GROUPS = {"time", "level", "process", "pid", "host", "rank", "origin", "message"} | {
    "year", "month", "day", "hour", "minute", "second", "fraction",
}  # fmt: skip
"""The names that a format's groups may have: those of the output schema, and a stamp's parts."""
_KEYS = {
    "format": {"name", "pattern", "sample", "level", "utc"},
    "marker": {"name", "emoji", "meaning", "pattern"},
    "pair": {"name", "cause", "effect"},
}
_MOST_FORMATS = 62 - len(FORMATS)
"""A row keeps six bits for its format."""


@dataclass(slots=True)
class Configuration:
    """What a configuration file asks for, and what is wrong with it."""

    formats: list[Format] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)
    patterns: list[tuple[re.Pattern[bytes], str]] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def grammar(self) -> Grammar:
        """What lines may look like with the user's own formats first."""
        return Grammar(
            formats=(*self.formats, *FORMATS),
            patterns=tuple(self.patterns),
            pairs=tuple(self.pairs),
        )


class _WrongError(Exception):
    """One wrong value: its key, and what is wrong with it."""

    def __init__(self, key: str, said: str) -> None:
        super().__init__(f"{key}: {said}")


def read_configuration(text: str) -> Configuration:
    """What the text of a configuration file asks for."""
    found = Configuration()
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found.problems.append(f"is no TOML: {error}")
        return found
    readers = {"format": _format, "marker": _marker, "pair": _pair}
    for kind, entries in said.items():
        if kind not in readers:
            wanted = ", ".join(f"[[{name}]]" for name in readers)
            found.problems.append(f"{kind}: is none of {wanted}")
        elif not isinstance(entries, list):
            found.problems.append(f"{kind}: is written [[{kind}]]")
        else:
            for number, entry in enumerate(entries, 1):
                try:
                    _refuse_unknown(kind, entry)
                    readers[kind](found, entry)
                except _WrongError as wrong:
                    found.problems.append(f"{kind} {number}, {wrong}")
    return found


def _refuse_unknown(kind: str, entry: Any) -> None:
    if not isinstance(entry, dict):
        raise _WrongError(kind, "is no table")
    for key in entry:
        if key not in _KEYS[kind]:
            raise _WrongError(key, f"is no key of a {kind}: {', '.join(sorted(_KEYS[kind]))}")


def _format(found: Configuration, entry: dict[str, Any]) -> None:
    if len(found.formats) == _MOST_FORMATS:
        raise _WrongError("name", f"is one too many: {_MOST_FORMATS} formats can be added")
    name = _text(entry, "name")
    pattern = _pattern(entry, "pattern")
    for group in pattern.groupindex:
        if group.rstrip("2") not in _GROUPS:
            wanted = ", ".join(sorted(_GROUPS))
            raise _WrongError("pattern", f"has a group '{group}', which is none of {wanted}")
    level = _text(entry, "level", "").upper().encode()
    if level and level not in LEVEL_OF_WORD:
        raise _WrongError("level", f"'{entry['level']}' is no level")
    utc = entry.get("utc", False)
    if not isinstance(utc, bool):
        raise _WrongError("utc", "is neither true nor false")
    sample = _text(entry, "sample").encode()
    if pattern.match(sample) is None:
        raise _WrongError("sample", "does not fit the pattern")
    found.formats.append(Format(name, (sample,), expression=pattern, level=level, utc=utc))


def _marker(found: Configuration, entry: dict[str, Any]) -> None:
    name = _text(entry, "name").lower()
    if re.search(r"[\s,!]", name):
        raise _WrongError("name", "may hold no blank, comma or exclamation mark")
    emoji = plain(_text(entry, "emoji", ""))
    if not emoji and "pattern" not in entry:
        raise _WrongError("emoji", "is missing, and so is a pattern")
    if emoji.isascii() and emoji:
        raise _WrongError("emoji", f"'{emoji}' is none")
    pattern = _pattern(entry, "pattern") if "pattern" in entry else None
    meaning = _text(entry, "meaning", "your own marker")
    marker = Marker(emoji or name, name, name[0].upper(), meaning)
    found.markers.append(marker)
    if pattern is not None:
        found.patterns.append((pattern, marker.emoji))


def _pair(found: Configuration, entry: dict[str, Any]) -> None:
    cause, effect = (_pattern(entry, key) for key in ("cause", "effect"))
    for key, pattern in (("cause", cause), ("effect", effect)):
        if "key" not in pattern.groupindex:
            raise _WrongError(key, "has no group (?P<key>…), which both rows must agree in")
    name = _text(entry, "name", f"pair {len(found.pairs) + 1}")
    found.pairs.append(Pair(name, cause, effect))


def _text(entry: dict[str, Any], key: str, default: str | None = None) -> str:
    value = entry.get(key, default)
    if value is None:
        raise _WrongError(key, "is missing")
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise _WrongError(key, "is no text")
    return value


def _pattern(entry: dict[str, Any], key: str) -> re.Pattern[bytes]:
    try:
        return re.compile(_text(entry, key).encode(), re.S)
    except (re.error, OverflowError, RecursionError) as error:
        raise _WrongError(key, f"is no expression: {error}") from error
