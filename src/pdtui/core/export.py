"""Writes the merged, filtered rows: as they are, as a timeline, as JSON lines, as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from pdtui.core.describe import Describer
from pdtui.core.levels import LEVEL_NAMES, WARNING
from pdtui.core.matches import Matches
from pdtui.core.merge import Merge
from pdtui.core.query import ANY_MARKER, Filter, parse_markers
from pdtui.core.rowbytes import lines_of, text_of
from pdtui.core.stamps import to_datetime
from pdtui.core.store import Store
from pdtui.core.view import TimelineView

_BATCH = 8192
_JSON = json.JSONEncoder(ensure_ascii=False)
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
    if form == "csv":
        yield _csv_line(COLUMNS)
    labels = [f"{source.label}: ".encode() for source, _ in snapshot] if label else []
    describers = [Describer(source) for source, _ in snapshot]
    for first in range(0, len(view), _BATCH):
        refs = view.refs(first, first + _BATCH)
        if form == "text":
            yield text_of(store.sources, refs, labels)
        else:
            write = DESCRIBED[form]
            lines = lines_of(store.sources, refs)
            yield b"".join(write(describers[number], row, line) for number, row, line in lines)


def _as_timeline(describer: Describer, row: int, line: bytes) -> bytes:
    """`11-01 10:30:45 prefill 🔍 [Rank 0] create_connect START | …`."""
    known = describer.describe(row, line)
    parts = ["--" if known.time is None else _short_time(known.time), known.source]
    if known.level in LEVEL_NAMES[WARNING:]:
        parts.append(known.level or "")
    return (" ".join([*parts, known.message]) + "\n").encode()


@lru_cache(maxsize=1024)
def _short_time(time: int) -> str:
    return to_datetime(time).strftime("%m-%d %H:%M:%S")


def _as_json(describer: Describer, row: int, line: bytes) -> bytes:
    return (_JSON.encode(describer.describe(row, line).as_json()) + "\n").encode()


def _as_csv(describer: Describer, row: int, line: bytes) -> bytes:
    described = describer.describe(row, line)
    known = described.as_json()
    known["markers"] = "".join(described.markers)
    known["fields"] = _JSON.encode(known["fields"])
    return _csv_line(known[name] for name in COLUMNS)


def _csv_line(values: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode("utf-8", "replace")


DESCRIBED: dict[str, Callable[[Describer, int, bytes], bytes]] = {
    "timeline": _as_timeline,
    "jsonl": _as_json,
    "csv": _as_csv,
}
"""Name of each form that says what is known of a row → what writes one row in it."""
FORMS = ("text", *DESCRIBED)
