"""Files that are read by processes of their own are read as they are one after the other."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import DATA, Load
from tests.core.sources import columns_of

from pdtui.core.export import export
from pdtui.core.grammar import Grammar, use_grammar
from pdtui.core.markers import Marker, add_markers
from pdtui.core.query import Filter
from pdtui.core.scan import EVERYTHING
from pdtui.core.source import Source
from pdtui.core.store import Store
from pdtui.follow import parallel
from pdtui.follow.opening import Named, resolve
from pdtui.follow.parallel import read_at_once

PAIR = [DATA / "h200" / "pd-tp2-workers" / f"{name}.log" for name in ("prefill", "decode")]


@pytest.fixture(autouse=True)
def _two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files count as large, and the machine as one with two processors."""
    monkeypatch.setattr(parallel, "WORTH_IT", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})


@pytest.fixture
def at_once() -> Iterator[dict[Named, Source]]:
    """The pair, read by two processes."""
    named, _ = resolve(map(str, PAIR))
    found = read_at_once(named, 2026, EVERYTHING)
    yield found
    for source in found.values():
        source.close()


def text_of(store: Store) -> bytes:
    """All rows in order."""
    return b"".join(export(store, Filter(), "jsonl", offsets={}))


def test_rows_are_those_of_reading_one_after_the_other(
    at_once: dict[Named, Source], load: Load
) -> None:
    """Columns, steps, requests, and everything that is said of each row."""
    store = Store()
    store.sources[:] = at_once.values()
    alone = load(*PAIR)
    for here, there in zip(store.sources, alone.sources, strict=True):
        assert columns_of(here) == columns_of(there)
        assert list(here.traces) == list(there.traces)
        assert here.requests.key[:].tolist() == there.requests.key[:].tolist()
    assert text_of(store) == text_of(alone)


def test_the_files_text_can_be_read(at_once: dict[Named, Source]) -> None:
    """Each source has its own file, opened here."""
    for named, source in at_once.items():
        assert source.read(0, source.end) == named.path.read_bytes()


def test_a_small_file_and_a_stream_are_left_to_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """One large file is not worth a process."""
    monkeypatch.setattr(parallel, "WORTH_IT", PAIR[0].stat().st_size)
    named, _ = resolve([*map(str, PAIR), "-", "missing.log"])
    assert read_at_once(named, 2026, EVERYTHING) == {}


def test_own_formats_and_markers_count_there_too(tmp_path: Path) -> None:
    """What the user has configured goes with the work."""
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text("INFO 11-22 06:35:44 [a.py:1] is slow\n")
    marker = Marker("🐌", "slow", "S", "slow")
    add_markers((marker,))
    use_grammar(Grammar(patterns=((re.compile(rb"is slow"), marker.emoji),)))
    try:
        named, _ = resolve([str(tmp_path / "a.log"), str(tmp_path / "b.log")])
        found = read_at_once(named, 2026, EVERYTHING).values()
        assert [source.kinds.marker_sets[-1] for source in found] == [("🐌",), ("🐌",)]
        for source in found:
            source.close()
    finally:
        add_markers(())
        use_grammar(Grammar())


def test_without_processes_one_after_the_other_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that gives no more processes is no reason to fail."""

    def refuse(*_: object) -> None:
        raise BlockingIOError(11, "no more processes")

    monkeypatch.setattr(os, "fork", refuse)
    named, _ = resolve(map(str, PAIR))
    assert read_at_once(named, 2026, EVERYTHING) == {}
