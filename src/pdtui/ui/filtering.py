"""The texts of the filter inputs → a filter."""

from __future__ import annotations

from dataclasses import replace

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
