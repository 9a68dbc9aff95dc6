"""The texts of the filter inputs → a filter."""

from __future__ import annotations

from dataclasses import replace

from pdtui.core.printing import printable
from pdtui.core.query import Filter, parse_level, parse_markers, parse_ranks, parse_typed_text


def filter_of(base: Filter, texts: dict[str, str]) -> Filter:
    """What the inputs ask for, over what only the command line can say (times, process, …)."""
    return replace(
        base,
        ranks=parse_ranks(texts["rank"]),
        markers=parse_markers(texts["marker"], typing=True),
        level=parse_level(texts["level"]),
        texts=(*base.texts, *parse_typed_text(texts["text"])),
    )


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
