"""Streams: stdin and named pipes, kept and followed like files."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from following import Live, descriptors, eventually, failing, lines_of, live, threads

from pdtui.core.store import Store
from pdtui.follow.ingest import Ingest
from pdtui.follow.opening import Named, feed_of, resolve
from pdtui.follow.stream import StreamFollower

ENDED = "the stream has ended"


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A named pipe."""
    path = tmp_path / "prefill.fifo"
    os.mkfifo(path)
    return path


@pytest.fixture
def stdin() -> Iterator[tuple[Named, int]]:
    """A source that reads a pipe as stdin would be, and the end to write to."""
    reading, writing = os.pipe()
    yield Named("stdin", Path("-"), stream=True, descriptor=reading), writing
    os.close(reading)


def session_of(named: Named) -> Live:
    return Live([named], watch=False, follow=True, year=2025)


def test_a_named_pipe_is_followed_to_its_end(pipe: Path) -> None:
    with live(pipe) as session:
        with pipe.open("w", buffering=1) as writer:
            writer.write("one\n")
            session.holds("prefill", "one")
            assert session["prefill"].trouble == ""
            writer.write("two\nthree")
            session.holds("prefill", "one", "two", "three")
            writer.write(" and a half\n")
            session.holds("prefill", "one", "two", "three and a half")
        eventually(lambda: session["prefill"].trouble == ENDED)
        assert session.lines("prefill") == ["one", "two", "three and a half"]


def test_what_comes_through_a_pipe_is_live(pipe: Path) -> None:
    with live(pipe) as session:
        session.loaded()
        with pipe.open("w", buffering=1) as writer:
            writer.write("one\n")
            session.holds("prefill", "one")
        assert session["prefill"].arrivals == [(0, 1)]


def test_stdin_is_followed_from_where_it_was_moved_to(stdin: tuple[Named, int]) -> None:
    named, writing = stdin
    session = session_of(named)
    session.start()
    os.write(writing, b"one\ntwo\n")
    session.holds("stdin", "one", "two")
    os.close(writing)
    eventually(lambda: session["stdin"].trouble == ENDED)
    session.stop()
    # The descriptor that was handed in belongs to whoever did.
    assert os.fstat(named.descriptor or -1)


def test_loading_a_stream_waits_for_its_end(stdin: tuple[Named, int]) -> None:
    """`run.py | pdtui check -` must judge the whole run, not the first instant of it."""
    named, writing = stdin

    def write() -> None:
        for number in range(20):
            os.write(writing, f"{number}\n".encode())
            time.sleep(0.01)
        os.write(writing, b"last")
        os.close(writing)

    writer = threading.Thread(target=write)
    writer.start()
    store = Store()
    ingest = Ingest(store, [feed_of(named, 2025, lambda: None)])
    ingest.load()
    writer.join()
    assert lines_of(store.sources[0]) == [*map(str, range(20)), "last"]
    assert store.sources[0].arrivals == []
    ingest.stop()
    store.close()


def test_without_following_a_stream_is_read_to_its_end(pipe: Path) -> None:
    with live(pipe, watch=False, follow=False) as session:
        with pipe.open("w", buffering=1) as writer:
            writer.write("one\n")
            time.sleep(0.2)
            writer.write("two")
        session.holds("prefill", "one", "two")
        eventually(session.ended)


def test_a_pipe_beside_a_file(tmp_path: Path, pipe: Path) -> None:
    (tmp_path / "decode.log").write_text("one\n")
    with live(pipe, tmp_path / "decode.log") as session, pipe.open("w", buffering=1) as writer:
        session.holds("decode", "one")
        writer.write("two\n")
        assert session.holds("prefill", "two")


@pytest.mark.parametrize("writer", ["none yet", "silent", "flooding"])
def test_stopping_does_not_wait_for_the_writer(pipe: Path, writer: str) -> None:
    before, running = descriptors(), threads()
    session = Live(resolve([str(pipe)])[0], watch=False, follow=True, year=2025)
    session.start()
    writing = None if writer == "none yet" else pipe.open("wb", buffering=0)
    flood = threading.Thread(target=_flood, args=(writing,))
    if writer == "flooding":
        flood.start()
        eventually(lambda: len(session["prefill"]) > 1000)
    began = time.monotonic()
    session.stop()
    assert time.monotonic() - began < 1
    session.store.close()
    if writer == "flooding":
        # Nobody reads any more, which ends the writer.
        flood.join(5)
    if writing:
        writing.close()
    assert not threads() - running
    assert not descriptors() - before


def _flood(pipe: object) -> None:
    try:
        while True:
            pipe.write(b"INFO 11-01 10:30:45 [core.py:7] step\n" * 100)
    except BrokenPipeError:
        return


def test_a_stream_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    gone = StreamFollower(tmp_path, lambda: os.open(tmp_path / "gone", os.O_RDONLY), lambda: None)
    assert gone.wait(5)
    assert gone.problem == "cannot be read: no such file or directory"
    growth = gone.poll()
    assert (growth.data, growth.note) == (b"", gone.problem)
    os.close(growth.descriptor)
    gone.close()


def test_what_comes_before_anybody_listens_is_not_lost_and_ends_nothing(
    stdin: tuple[Named, int],
) -> None:
    """The stream is read from the first moment on, before there is an Ingest to ring."""
    named, writing = stdin
    listening = threading.Event()
    rings = threading.Event()

    def ring() -> None:
        if not listening.is_set():
            raise NameError("no ingest yet")
        rings.set()

    feed = feed_of(named, 2025, ring)
    os.write(writing, b"one\n")
    time.sleep(0.1)
    listening.set()
    growth = feed.follower.poll()
    assert growth.data == b"one\n"
    os.write(writing, b"two\n")
    assert rings.wait(5)
    assert feed.follower.poll().data == b"two\n"
    assert not feed.follower.wait(0)
    os.close(writing)
    assert feed.follower.wait(5)
    feed.follower.close()
    os.close(growth.descriptor)


def test_a_full_disk_loses_rows_but_does_not_stop_the_writer(
    stdin: tuple[Named, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that nobody empties would stop the run whose log it is."""
    named, writing = stdin
    session = session_of(named)
    session.start()
    os.write(writing, b"one\n")
    session.holds("stdin", "one")
    spool = session.ingest._feeds[0].follower._spool.fileno()
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", failing(write, full, lambda fd, _: fd == spool))
        for _ in range(100):
            write(writing, b"lost" * 1024)
        eventually(lambda: "no space left" in session["stdin"].trouble)
        os.close(writing)
        eventually(lambda: session.ingest._feeds[0].follower.wait(0))
    session.stop()
    assert session.lines("stdin") == ["one"]
    session.store.close()


def test_reading_a_stream_leaves_no_busy_thread(pipe: Path) -> None:
    with live(pipe) as session, pipe.open("w", buffering=1) as writer:
        writer.write("one\n")
        session.holds("prefill", "one")
        began = time.process_time()
        time.sleep(1)
        assert time.process_time() - began < 0.05


def test_bytes_are_kept_on_disk_and_given_from_there(
    stdin: tuple[Named, int], follow: Callable[[Named], StreamFollower]
) -> None:
    named, writing = stdin
    follower = follow(named)
    os.write(writing, b"abcdefg")
    os.close(writing)
    assert follower.wait(5)
    grown = [follower.poll(3) for _ in range(4)]
    assert [(g.data, g.at, g.more) for g in grown] == [
        (b"abc", 0, True),
        (b"def", 3, True),
        (b"g", 6, True),
        (b"", 7, False),
    ]
    assert grown[-1].note == ENDED
    assert os.pread(grown[0].descriptor, 7, 0) == b"abcdefg"
    os.close(grown[0].descriptor)


@pytest.fixture
def follow() -> Iterator[Callable[[Named], StreamFollower]]:
    """Makes followers of streams, and closes them when the test is over."""
    made: list[StreamFollower] = []

    def make(named: Named) -> StreamFollower:
        feed = feed_of(named, 2025, lambda: None)
        assert isinstance(feed.follower, StreamFollower)
        made.append(feed.follower)
        return feed.follower

    yield make
    for follower in made:
        follower.close()
