"""The texts of the filter inputs → a filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pdtui.core.printing import printable
from pdtui.core.query import Filter, parse_level, parse_markers, parse_ranks, parse_typed_text
from pdtui.errors import FilterError


class Inputs:
    """What the inputs ask for. One that cannot be understood counts as it did before."""

    def __init__(self) -> None:
        self.wrong: dict[str, FilterError] = {}
        """What is wrong with those that could not be understood, by their names."""
        self._known: dict[str, Any] = {name: read("") for name, read in _READERS.items()}

    def filter(self, base: Filter, texts: Mapping[str, str]) -> Filter:
        """The filter of these texts, over what only the command line can ask for."""
        self.wrong = {}
        for name, read in _READERS.items():
            try:
                self._known[name] = read(texts.get(name, ""))
            except FilterError as error:
                self.wrong[name] = error
        return replace(
            base,
            ranks=self._known["rank"],
            markers=self._known["marker"],
            level=self._known["level"],
            texts=(*base.texts, *self._known["text"]),
        )


_READERS: dict[str, Callable[[str], Any]] = {
    "rank": parse_ranks,
    "marker": partial(parse_markers, typing=True),
    "level": parse_level,
    "text": parse_typed_text,
}


def said_of(base: Filter) -> str:
    """What of the command line's filters stands in no input: `-S 06:36:00 -x /metrics`."""
    parts = [f"-{name} {value}" for name, value in (
        ("S", base.since), ("U", base.until), ("p", base.process)
    ) if value]  # fmt: skip
    parts += [
        f"-{'x' if item.excluded else 'g'} {item.pattern.pattern.decode('utf-8', 'replace')}"
        for item in base.texts
    ]
    return printable(" ".join(parts))
