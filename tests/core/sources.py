"""Sources made of bytes, and what the scanner says of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pdtui.core.describe import Describer
from pdtui.core.source import Segment, Source
from pdtui.core.stamps import to_datetime
from pdtui.core.store import Store
from tests.reference import SCHEMA, Line


class Written:
    """A source whose file grows as a test writes to it."""

    def __init__(self, label: str = "prefill", year: int = 2026) -> None:
        self.source = Source(label, f"{label}.log", year)
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self.source.segments.append(Segment(0, os.dup(self._file.fileno())))

    def write(self, data: bytes, batch: int | None = None) -> int:
        """Adds to the file and feeds the source; returns how many rows that gave."""
        self._file.write(data)
        return self.source.feed(data, batch)

    def truncate(self, size: int) -> None:
        """Cuts the file, behind the source's back."""
        self._file.truncate(size)

    def close(self) -> None:
        """Closes the file and the source."""
        self._file.close()
        self.source.close()


@contextmanager
def growing(*labels: str, year: int = 2026) -> Iterator[list[Written]]:
    """Empty sources with these labels, closed afterwards."""
    written = [Written(label, year) for label in labels]
    try:
        yield written
    finally:
        for one in written:
            one.close()


@contextmanager
def opened(
    data: bytes | Iterable[bytes], label: str = "prefill", year: int = 2026
) -> Iterator[Source]:
    """A source that was fed these bytes (in these pieces), closed afterwards."""
    with growing(label, year=year) as [written]:
        for piece in [data] if isinstance(data, bytes) else data:
            written.write(piece)
        written.source.finish_line()
        yield written.source


def store_of(*written: Written | Source) -> Store:
    """A store that holds these sources."""
    store = Store()
    store.sources = [one.source if isinstance(one, Written) else one for one in written]
    return store


def pieces_of(data: bytes, size: int) -> list[bytes]:
    """The bytes in pieces of this size."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def lines_of(data: bytes) -> list[bytes]:
    """The lines with their newlines; the last one may have none."""
    lines = data.split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def said(source: Source) -> list[Line]:
    """Every row of the source, in the reference's words."""
    describer = Describer(source)
    data = source.read(0, source.end)
    offsets = [*source.columns.offset[:].tolist(), source.end]
    lines = []
    for row in range(len(source)):
        known = describer.describe(row, data[offsets[row] : offsets[row + 1]])
        values = {
            name: getattr(known, name) for name in SCHEMA if name not in ("time", "rank_source")
        }
        values["time"] = None if known.time is None else to_datetime(known.time)
        values["rank"] = known.rank.value if known.rank else None
        values["rank_source"] = known.rank.source.value if known.rank else None
        lines.append(Line(**values))
    return lines


def scanned(data: bytes | Iterable[bytes], year: int = 2026) -> list[Line]:
    """What the scanner says of every line of these bytes."""
    with opened(data, year=year) as source:
        return said(source)


def differences(wanted: list[Line], got: list[Line], data: bytes) -> list[str]:
    """Where two readings of one log differ, the first ten, to be read in a failure."""
    found = [] if len(wanted) == len(got) else [f"{len(wanted)} rows wanted, {len(got)} got"]
    for number, (line, want, have) in enumerate(zip(lines_of(data), wanted, got, strict=False), 1):
        unlike = [
            f"{name}: {getattr(want, name)!r} wanted, {getattr(have, name)!r} got"
            for name in SCHEMA
            if getattr(want, name) != getattr(have, name)
        ]
        if unlike:
            found.append(f"line {number} {line[:200]!r}: {'; '.join(unlike)}")
    return found[:10]


def columns_of(source: Source) -> list[tuple[object, ...]]:
    """The columns of every row, numbers that depend on what was met first put into words."""
    kinds = source.kinds
    words = []
    for kind, rank in zip(kinds.kinds, kinds.ranks(), strict=True):
        process = kinds.processes[kind.process]
        spelled = kind._asdict() | {
            "process": (process.pid, process.name, process.host),
            "markers": kinds.marker_sets[kind.markers],
            "address": kinds.addresses[kind.address],
        }
        words.append((*spelled.values(), rank))
    columns = source.columns
    return [
        (offset, when, *words[kind])
        for offset, when, kind in zip(
            columns.offset[:].tolist(),
            columns.when[:].tolist(),
            columns.kind[:].tolist(),
            strict=True,
        )
    ]
