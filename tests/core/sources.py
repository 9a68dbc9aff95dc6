"""Sources made of bytes, and what the scanner says of them in the reference's words."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pdtui.core.describe import Describer
from pdtui.core.source import Segment, Source
from pdtui.core.stamps import to_datetime
from pdtui.core.store import Store
from reference import Line


def feed_pieces(
    source: Source, pieces: Iterable[bytes], *, batch: int | None = None, finish: bool = True
) -> Source:
    """Writes the pieces to a file of the source's own and feeds them."""
    with tempfile.TemporaryFile(buffering=0) as file:
        source.segments.append(Segment(source.fed, os.dup(file.fileno())))
        for piece in pieces:
            file.write(piece)
            source.feed(piece, batch)
        if finish:
            source.finish_line()
    return source


@contextmanager
def opened(
    *pieces: bytes, label: str = "prefill", year: int = 2026, finish: bool = True
) -> Iterator[Source]:
    """A source that was fed these pieces, closed afterwards."""
    source = Source(label, f"{label}.log", year)
    try:
        yield feed_pieces(source, pieces, finish=finish)
    finally:
        source.close()


def store_of(*sources: Source) -> Store:
    """A store that holds these sources."""
    store = Store()
    store.sources = list(sources)
    return store


def cut(data: bytes, size: int) -> list[bytes]:
    """The bytes in pieces of this size."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def said(source: Source) -> list[Line]:
    """Every row of the source as the reference would say it."""
    describer = Describer(source)
    data = source.read(0, source.end)
    offsets = [*source.columns.offset.tolist(), source.end]
    lines = []
    for row in range(len(source)):
        known = describer.describe(row, data[offsets[row] : offsets[row + 1]])
        lines.append(
            Line(
                format=known.format,
                level=known.level,
                time=None if known.time is None else to_datetime(known.time),
                time_source=known.time_source,
                process=known.process,
                pid=known.pid,
                rank=known.rank.value if known.rank else None,
                rank_source=known.rank.source.value if known.rank else None,
                markers=known.markers,
                origin=known.origin,
                message=known.message,
                continuation=known.continuation,
            )
        )
    return lines
