"""The merged, filtered rows as text, timeline, JSON lines and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdtui.core.describe import Describer
from pdtui.core.export import COLUMNS, FORMS, export
from pdtui.core.query import Filter, parse_level, parse_markers
from pdtui.core.stamps import SECOND
from pdtui.core.store import Store
from tests.conftest import Load
from tests.core.sources import growing, lines_of, store_of

PREFILL = """\
INFO 11-22 06:35:44 [a.py:1] 🔍 [Rank 0] one | a=1, b="x"
under it
WARNING 11-22 06:35:46 [a.py:1] 🚨 [Rank 0] three
"""
DECODE = """\
INFO 11-22 06:35:45 [a.py:1] two
(Worker pid=5) ERROR 11-22 06:35:47 [a.py:1] 🔴 four"""


@pytest.fixture
def pair() -> Iterator[Store]:
    with growing("decode", "prefill") as written:
        for one, text in zip(written, (DECODE, PREFILL), strict=True):
            one.write(text.encode())
            one.source.finish_line()
        yield store_of(*written)


def text_of(store: Store, form: str, wanted: Filter | None = None, **options: object) -> str:
    settings = {"offsets": {}} | options
    return b"".join(export(store, wanted or Filter(), form, **settings)).decode()


def test_text_is_the_rows_own_bytes(pair: Store) -> None:
    """In timeline order, nothing added but the newline that a last line lacks."""
    one, under, three = PREFILL.splitlines()
    two, four = DECODE.splitlines()
    assert text_of(pair, "text").splitlines() == [one, under, two, three, four]
    assert text_of(pair, "text").endswith("four\n")


def test_text_with_labels(pair: Store) -> None:
    labels = [line.split(": ")[0] for line in text_of(pair, "text", label=True).splitlines()]
    assert labels == ["prefill", "prefill", "decode", "prefill", "decode"]


def test_offsets_correct_a_clock(pair: Store) -> None:
    found = text_of(pair, "text", label=True, offsets={"decode": -5 * SECOND})
    labels = [line.split(": ")[0] for line in found.splitlines()]
    assert labels == ["decode", "decode", "prefill", "prefill", "prefill"]


def test_a_timeline_is_of_the_rows_with_a_marker(pair: Store) -> None:
    """Time, source, message; the level only of warnings and errors."""
    assert text_of(pair, "timeline").splitlines() == [
        '11-22 06:35:44 prefill 🔍 [Rank 0] one | a=1, b="x"',
        "11-22 06:35:46 prefill WARNING 🚨 [Rank 0] three",
        "11-22 06:35:47 decode ERROR 🔴 four",
    ]


def test_a_timeline_of_other_rows_can_be_had(pair: Store) -> None:
    """A marker filter that is given counts; `!any` are the rows without one."""
    wanted = Filter(markers=parse_markers("!any"))
    assert text_of(pair, "timeline", wanted).splitlines() == [
        "11-22 06:35:44 prefill under it",
        "11-22 06:35:45 decode two",
    ]


def test_a_row_without_a_time_in_a_timeline() -> None:
    with growing("log") as written:
        written[0].write("🔵Add [HTTP:a]\n".encode())
        assert text_of(store_of(*written), "timeline") == "-- log 🔵Add [HTTP:a]\n"


def test_json_lines_are_the_rows(pair: Store) -> None:
    """One object a row, in timeline order, emoji as they are."""
    found = text_of(pair, "jsonl")
    assert "🔍" in found
    rows = [json.loads(line) for line in found.splitlines()]
    assert [(row["source"], row["line"]) for row in rows] == [
        ("prefill", 1), ("prefill", 2), ("decode", 1), ("prefill", 3), ("decode", 2),
    ]  # fmt: skip
    assert rows[4] == Describer(pair.sources[0]).describe(1).as_json()


def test_csv_has_the_same_columns(pair: Store) -> None:
    """A head line, then each row; markers together, fields as JSON."""
    head, *rows = csv.reader(io.StringIO(text_of(pair, "csv")))
    assert tuple(head) == COLUMNS
    assert len(rows) == 5
    first = dict(zip(head, rows[0], strict=True))
    assert first["markers"] == "🔍"
    assert json.loads(first["fields"]) == {"a": "1", "b": '"x"'}
    assert first["rank"] == "0"
    assert dict(zip(head, rows[1], strict=True))["level"] == ""


@pytest.mark.parametrize("form", FORMS)
def test_a_filter_holds_in_every_form(pair: Store, form: str) -> None:
    found = text_of(pair, form, Filter(level=parse_level("error")))
    lines = found.splitlines()[1:] if form == "csv" else found.splitlines()
    assert len(lines) == 1
    assert "four" in lines[0]


@pytest.mark.parametrize("form", ["text", "timeline", "jsonl"])
def test_nothing_gives_nothing(form: str) -> None:
    assert text_of(Store(), form) == ""
    with growing("a", "b") as written:
        assert text_of(store_of(*written), form) == ""


def test_odd_bytes_can_be_written() -> None:
    """Bytes that are no UTF-8 leave `text` as they came, and the others as signs for them."""
    data = b'INFO 11-22 06:35:44 [a.py:1] \xf0\x9f\x94\x8d \xff\xfe\x00,"\r\n'
    with growing("log") as written:
        written[0].write(data)
        store = store_of(*written)
        assert b"".join(export(store, Filter(), "text", offsets={})) == data
        for form in ("timeline", "jsonl", "csv"):
            assert "\ufffd\ufffd" in text_of(store, form)


def test_more_rows_than_one_batch(load: Load, data: Path, tmp_path: Path) -> None:
    """The parts that are written one after the other have no seam."""
    log = (data / "h200" / "pd-tp2-workers" / "prefill.log").read_bytes() * 80
    path = tmp_path / "prefill.log"
    path.write_bytes(log)
    parts = list(export(load(path), Filter(), "text", offsets={}))
    assert len(parts) > 2
    assert lines_of(b"".join(parts)) == lines_of(log)
