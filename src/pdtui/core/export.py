"""Writes the merged, filtered rows: as they are, as a timeline, as JSON lines, as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from pdtui.core.describe import Describer, Row
from pdtui.core.levels import LEVEL_NAMES, WARNING
from pdtui.core.matches import Matches
from pdtui.core.merge import Merge
from pdtui.core.query import ANY_MARKER, Filter, parse_markers
from pdtui.core.refs import Refs, row_numbers, source_numbers
from pdtui.core.stamps import to_datetime
from pdtui.core.store import Store
from pdtui.core.view import TimelineView

_BATCH = 4096
_MOST_READ = 1 << 20
_SPARSE = 8
"""From a megabyte on, a stretch of which less than an eighth is wanted is not read whole."""
COLUMNS = (
    "source", "line", "time", "time_source", "level", "format", "process", "pid", "rank",
    "rank_source", "role", "markers", "origin", "message", "fields", "request", "continuation",
)  # fmt: skip
"""The columns of the CSV, those of the JSON lines."""


def export(
    store: Store, wanted: Filter, form: str, *, label: bool = False, offsets: dict[str, int]
) -> Iterator[bytes]:
    """The rows of the store that pass the filter, in timeline order, in one of FORMS.

    `label` puts the source before each row of `text`.
    """
    if form == "timeline" and not wanted.markers:
        wanted = replace(wanted, markers=parse_markers(ANY_MARKER))
    snapshot = store.snapshot()
    merge = Merge(offsets)
    merge.update(snapshot)
    matches = Matches(wanted)
    matches.refresh(snapshot)
    view = TimelineView(matches, merge)
    view.update(0)
    describers = [Describer(source) for source, _ in snapshot]
    if form == "csv":
        yield _csv_line(COLUMNS)
    write = FORMS[form]
    for first in range(0, len(view), _BATCH):
        refs = view.refs(first, min(first + _BATCH, len(view)))
        numbers, rows = source_numbers(refs).tolist(), row_numbers(refs).tolist()
        lines = _lines_of(store, refs)
        chunk = []
        for number, row, line in zip(numbers, rows, lines, strict=True):
            if label and form == "text":
                chunk.append(f"{store.sources[number].label}: ".encode())
            chunk.append(write(describers[number], row, line))
        yield b"".join(chunk)


def _lines_of(store: Store, refs: Refs) -> list[bytes]:
    """The rows' own bytes. A source's rows are read together where they lie together."""
    lines = [b""] * len(refs)
    numbers, rows = source_numbers(refs), row_numbers(refs)
    for number in np.unique(numbers).tolist():
        source = store.sources[number]
        places = np.flatnonzero(numbers == number)
        mine = rows[places]
        # In the order of the view, a source's rows are in the order of its file.
        begins, ends = source.spans(mine)
        begin, end = int(begins[0]), int(ends[-1])
        if end - begin > _MOST_READ and end - begin > _SPARSE * int((ends - begins).sum()):
            for place, row in zip(places.tolist(), mine.tolist(), strict=True):
                lines[place] = source.line(row)
            continue
        text = source.read(begin, end)
        spans = zip(
            places.tolist(), (begins - begin).tolist(), (ends - begin).tolist(), strict=True
        )
        for place, first, stop in spans:
            lines[place] = text[first:stop]
    return lines


def _as_text(_describer: Describer, _row: int, line: bytes) -> bytes:
    """The row's own bytes; the newline that a last line lacks is all that is added."""
    return line if line.endswith(b"\n") else line + b"\n"


def _as_timeline(describer: Describer, row: int, line: bytes) -> bytes:
    """`11-01 10:30:45 prefill 🔍 [Rank 0] create_connect START | …`."""
    known = describer.describe(row, line)
    parts = [_short_time(known), known.source]
    if known.level in LEVEL_NAMES[WARNING:]:
        parts.append(known.level or "")
    return (" ".join([*parts, known.message]) + "\n").encode()


def _short_time(row: Row) -> str:
    return "--" if row.time is None else to_datetime(row.time).strftime("%m-%d %H:%M:%S")


def _as_json(describer: Describer, row: int, line: bytes) -> bytes:
    return (json.dumps(describer.describe(row, line).as_json(), ensure_ascii=False) + "\n").encode()


def _as_csv(describer: Describer, row: int, line: bytes) -> bytes:
    described = describer.describe(row, line)
    known = described.as_json()
    known["markers"] = "".join(described.markers)
    known["fields"] = json.dumps(known["fields"], ensure_ascii=False)
    return _csv_line(known[name] for name in COLUMNS)


def _csv_line(values: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode("utf-8", "replace")


FORMS: dict[str, Callable[[Describer, int, bytes], bytes]] = {
    "text": _as_text,
    "timeline": _as_timeline,
    "jsonl": _as_json,
    "csv": _as_csv,
}
"""Name of each form → what writes one row in it."""
