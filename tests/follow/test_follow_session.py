"""A session as a whole: its readers, what is live in it, how it begins, ends and rests."""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest
from following import Live, append, descriptors, eventually, line, live, threads

from pdtui.core.columns import Columns
from pdtui.core.scan import Rows
from pdtui.core.source import Source
from pdtui.follow.opening import resolve


def test_readers_never_see_the_bytes_of_another_file(tmp_path: Path, log: Path) -> None:
    """A descriptor that is closed while a reader holds its number may be another file's next."""
    other = tmp_path / "decode.log"
    stop = threading.Event()
    wrong: list[object] = []

    def read(session: Live) -> None:
        try:
            while not stop.is_set():
                for source in list(session.store.sources):
                    for row in range(len(source)):
                        text = source.line(row)
                        if text and not text.startswith(source.label.encode()):
                            wrong.append((source.label, text))
        except Exception as error:
            wrong.append(error)

    log.write_text("prefill\n" * 10)
    other.write_text("decode\n" * 10)
    with live(log, other) as session:
        session.loaded()
        readers = [threading.Thread(target=read, args=(session,)) for _ in range(2)]
        for reader in readers:
            reader.start()
        for number in range(60):
            path = (log, other)[number % 2]
            path.write_text(f"{path.stem}\n" * (number % 7 + 1))
            time.sleep(0.02)
        stop.set()
        for reader in readers:
            reader.join()
    assert wrong == []


def test_closing_a_source_waits_for_who_is_reading_it(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_text("one\n")
    session = _loaded(log)
    closing = threading.Thread(target=session["prefill"].close)
    pread = os.pread

    def slow_pread(descriptor: int, size: int, place: int) -> bytes:
        closing.start()
        closing.join(0.2)
        return pread(descriptor, size, place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", slow_pread)
        assert session["prefill"].line(0) == b"one\n"
    closing.join()
    assert session["prefill"].line(0) == b""


def test_the_last_row_does_not_reach_into_rows_that_are_just_being_added(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    add = Columns.append

    def seen_while_adding(columns: Columns, rows: Rows) -> None:
        seen.append(session.lines("prefill"))
        add(columns, rows)

    log.write_text("one\n")
    with live(log) as session:
        session.holds("prefill", "one")
        monkeypatch.setattr(Columns, "append", seen_while_adding)
        append(log, "two\nthree\n")
        session.holds("prefill", "one", "two", "three")
    assert seen == [["one"]]


def test_what_was_there_is_from_disk_and_what_comes_is_live(log: Path) -> None:
    log.write_text("one\ntwo\n")
    with live(log) as session:
        session.loaded()
        assert session["prefill"].arrivals == []
        append(log, "three\n")
        session.holds("prefill", "one", "two", "three")
        assert session["prefill"].arrivals == [(2, 1)]


def test_a_log_that_is_written_without_a_pause_is_loaded_too(log: Path) -> None:
    """Its start is what was there when it was opened, however fast it grows meanwhile."""
    log.write_text(line(0) * 20_000)
    stop = threading.Event()

    def write() -> None:
        with log.open("a", buffering=1) as writer:
            while not stop.is_set():
                writer.write(line(1))

    writer = threading.Thread(target=write)
    with live(log) as session:
        writer.start()
        try:
            session.loaded()
            eventually(lambda: len(session["prefill"].arrivals) > 0)
        finally:
            stop.set()
            writer.join()
    assert session["prefill"].arrivals[0][0] >= 20_000


def test_batches_are_counted_only_where_sources_take_turns(tmp_path: Path) -> None:
    prefill, decode = tmp_path / "prefill.log", tmp_path / "decode.log"
    with live(prefill, decode) as session:
        session.loaded()
        rows = {"prefill": 0, "decode": 0}
        for path in (prefill, prefill, prefill, decode, prefill):
            append(path, "x\n")
            rows[path.stem] += 1
            eventually(lambda path=path: len(session[path.stem]) == rows[path.stem])
        assert session["prefill"].arrivals == [(0, 1), (3, 3)]
        assert session["decode"].arrivals == [(0, 2)]
        assert session.store.batches == 3


def test_a_row_shown_unfinished_has_the_place_at_which_it_was_shown(tmp_path: Path) -> None:
    prefill, decode = tmp_path / "prefill.log", tmp_path / "decode.log"
    with live(prefill, decode) as session:
        session.loaded()
        append(prefill, "half")
        time.sleep(0.1)
        append(decode, "whole\n")
        session.holds("decode", "whole")
        session.holds("prefill", "half")
        assert session["decode"].arrivals[0][1] < session["prefill"].arrivals[0][1]


def test_the_year_of_a_file_that_appears_late_is_its_own(tmp_path: Path, log: Path) -> None:
    written = datetime(2021, 6, 1).timestamp()
    with live(log, year=None) as session:
        eventually(lambda: session["prefill"].trouble)
        copy = tmp_path / "copy"
        copy.write_text("INFO 05-31 23:59:59 [core.py:7] step\n")
        os.utime(copy, (written, written))
        copy.rename(log)
        session.holds("prefill", "INFO 05-31 23:59:59 [core.py:7] step")
        when = session["prefill"].columns.when[0]
    assert datetime.fromtimestamp(when / 1e6 + time.timezone).year == 2021


def test_a_file_was_heard_when_it_was_written(log: Path) -> None:
    log.write_text("one\n")
    os.utime(log, (1e9, 1e9))
    with live(log) as session:
        session.holds("prefill", "one")
        assert session["prefill"].heard == 1e9
        session.loaded()
        append(log, "two\n")
        session.holds("prefill", "one", "two")
        assert abs(time.time() - (session["prefill"].heard or 0)) < 5


def test_a_notification_says_a_revision_that_the_store_has_reached(log: Path) -> None:
    with live(log) as session:
        append(log, "one\n")
        session.holds("prefill", "one")
        eventually(lambda: session.revisions and session.revisions[-1] == session.store.revision)
        assert session.revisions == sorted(set(session.revisions))


def test_a_failure_ends_the_thread_and_is_said(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise ValueError("no such thing")

    log.write_text("one\n")
    monkeypatch.setattr(Source, "feed", broken)
    session = Live(resolve([str(log)])[0], watch=False, follow=True, year=None)
    session.start()
    eventually(lambda: session.ingest.failure == "ValueError: no such thing")
    # So that the screen says it, though nothing has changed in the store.
    eventually(lambda: session.revisions)
    session.stop()
    session.store.close()


def test_without_following_it_ends_by_itself_even_if_the_log_does_not(log: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.001):
            append(log, "more\n")

    log.write_text("one\n")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        with live(log, watch=False, follow=False) as session:
            eventually(session.ended)
            assert session.store.loaded
            assert session.lines("prefill")[0] == "one"
    finally:
        stop.set()
        writer.join()


def test_without_following_a_last_line_without_newline_is_whole(log: Path) -> None:
    log.write_text("one\ntwo")
    with live(log, watch=False, follow=False) as session:
        session.loaded()
        assert session.holds("prefill", "one", "two")


def test_loading_reads_to_the_end_and_takes_the_last_line_as_whole(log: Path) -> None:
    log.write_text(line(0) * 50_000 + "two")
    session = _loaded(log)
    assert len(session["prefill"]) == 50_001
    assert session["prefill"].line(50_000) == b"two"
    assert session.store.loaded
    assert session["prefill"].arrivals == []
    session.store.close()


def _loaded(*paths: Path) -> Live:
    session = Live(resolve(map(str, paths))[0], watch=False, follow=True, year=None)
    session.ingest.load()
    session.ingest.stop()
    return session


def test_rows_can_be_read_when_following_has_stopped(log: Path) -> None:
    log.write_text("one\n")
    before = descriptors()
    session = _loaded(log)
    assert session.lines("prefill") == ["one"]
    session.store.close()
    assert session.lines("prefill") == [""]
    assert not descriptors() - before


def test_stopping_ends_all_threads_and_leaves_no_descriptor(tmp_path: Path) -> None:
    logs = [tmp_path / f"p{number}.log" for number in range(16)]
    for log in logs:
        log.write_text("one\n")
    before, running = descriptors(), threads()
    for _ in range(3):
        with live(*logs) as session:
            session.holds("p15", "one")
            assert descriptors() - before
            began = time.monotonic()
            session.stop()
            assert time.monotonic() - began < 1
            assert not threads() - running
    assert not descriptors() - before


def test_it_rests_when_nothing_happens(tmp_path: Path) -> None:
    """Sixteen files cost about half a percent of a core; a busy loop would cost a whole one."""
    logs = [tmp_path / f"p{number}.log" for number in range(16)]
    for log in logs:
        log.write_text(line(0))
    with live(*logs) as session:
        session.loaded()
        time.sleep(0.2)
        began = time.process_time()
        time.sleep(2)
        assert time.process_time() - began < 2 * 0.05
