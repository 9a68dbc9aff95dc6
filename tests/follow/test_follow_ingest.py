"""The loop that asks: what it makes of answers, of silence and of endlessness."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from following import SOON, eventually

from pdtui.core.source import Source
from pdtui.core.store import Store
from pdtui.follow import feed, ingest
from pdtui.follow.follower import BLOCK, Change, Growth
from pdtui.follow.ingest import Feed, Ingest


class Told:
    """A follower that answers as it is told to."""

    def __init__(self, answer: Callable[[int], bytes]) -> None:
        self.polls = 0
        self.closed = False
        self._answer = answer
        self._descriptor = os.open(os.devnull, os.O_RDONLY)

    def poll(self, limit: int = BLOCK) -> Growth:
        """The next answer."""
        self.polls += 1
        change = Change.NONE if self.polls > 1 else Change.OPENED
        return Growth(change, self._answer(self.polls), self._descriptor)

    def wait(self, timeout: float | None = None) -> bool:
        """Like a file: what there is."""
        return True

    def close(self) -> None:
        """Notes that it was closed; the descriptor is the source's."""
        self.closed = True


@contextmanager
def told(*answers: Callable[[int], bytes]) -> Iterator[tuple[Ingest, list[Told]]]:
    """A running session of such followers."""
    followers = [Told(answer) for answer in answers]
    feeds = [
        Feed(follower, lambda number=number: Source(f"p{number}", "", 2025))
        for number, follower in enumerate(followers)
    ]
    session = Ingest(Store(), feeds)
    session.start()
    try:
        yield session, followers
    finally:
        session.stop()
        session.store.close()
    assert all(follower.closed for follower in followers)


def silence(_: int) -> bytes:
    return b""


def test_a_source_that_always_has_more_is_loaded_all_the_same() -> None:
    with told(lambda _: b"line\n") as (session, _):
        eventually(lambda: session.store.loaded)
        eventually(lambda: session.store.sources[0].arrivals)


def test_a_source_that_always_has_more_leaves_the_others_their_turn() -> None:
    with told(lambda _: b"line\n", lambda poll: b"one\n" if poll == 3 else b"") as (session, _):
        eventually(lambda: len(session.store.sources[1]) == 1)


def test_a_source_that_always_has_more_does_not_take_the_processor_for_itself() -> None:
    with told(lambda _: b"line\n") as (session, [follower]):
        eventually(lambda: session.store.loaded)
        polls, began = follower.polls, time.monotonic()
        time.sleep(0.5)
        looks = (time.monotonic() - began) / ingest._PAUSE + 1
        assert follower.polls - polls <= looks * ingest._TURN


@pytest.mark.parametrize(
    ("backlog", "least", "most"), [(False, 0.1, 0.45), (True, 0.5, 1.0)], ids=["none", "backlog"]
)
def test_reading_leaves_most_of_the_time_to_the_screen_unless_there_is_a_backlog(
    backlog: bool, least: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent = 0.0
    if backlog:  # a line is all that may be taken at a time
        monkeypatch.setattr(feed, "_LIVE_BLOCK", len(b"line\n"))

    def answer(_: int) -> bytes:
        nonlocal spent
        began = time.monotonic()
        time.sleep(0.03)
        spent += time.monotonic() - began
        return b"line\n"

    with told(answer) as (session, _):
        eventually(lambda: len(session.store.sources[0]))
        before, began = spent, time.monotonic()
        time.sleep(1)
        assert least < (spent - before) / (time.monotonic() - began) < most


@pytest.mark.parametrize("rings", [0, 1])
def test_in_silence_it_asks_with_the_heartbeat_only(rings: int) -> None:
    with told(silence) as (session, [follower]):
        eventually(lambda: session.store.loaded)
        for _ in range(rings):
            session.ring()
        polls = follower.polls
        time.sleep(ingest.HEARTBEAT * 2)
        assert polls + 1 <= follower.polls <= polls + 3 + rings


def test_however_often_it_rings_there_is_a_pause_between_two_looks() -> None:
    with told(silence) as (session, [follower]):
        eventually(lambda: session.store.loaded)
        polls, began = follower.polls, time.monotonic()
        while time.monotonic() < began + 0.5:
            session.ring()
        looks = (time.monotonic() - began) / ingest._PAUSE + 2
        assert 5 < follower.polls - polls <= looks


def test_a_ring_is_answered_at_once() -> None:
    due = 0.0

    def answer(_: int) -> bytes:
        return b"line\n" if due and time.monotonic() >= due else b""

    with told(answer) as (session, _):
        eventually(lambda: session.store.loaded)
        time.sleep(0.05)
        due = time.monotonic()
        session.ring()
        eventually(lambda: len(session.store.sources[0]), timeout=SOON)


def test_an_answer_that_cannot_be_had_is_said_and_asked_for_again() -> None:
    broken = threading.Event()
    broken.set()

    def answer(poll: int) -> bytes:
        if poll > 1 and broken.is_set():
            raise OSError(errno.EIO, "Input/output error")
        return b"two\n" if poll > 1 and not len(source) else b""

    with told(answer) as (session, _):
        [source] = session.store.sources
        eventually(lambda: source.trouble == "cannot be read: input/output error")
        broken.clear()
        session.ring()
        eventually(lambda: len(source) == 1)
        eventually(lambda: source.trouble == "")
        assert session.failure == ""


def test_stopping_does_not_wait_for_the_heartbeat() -> None:
    with told(silence) as (session, _):
        eventually(lambda: session.store.loaded)
        time.sleep(0.05)
        began = time.monotonic()
        session.stop()
        assert time.monotonic() - began < ingest.HEARTBEAT / 2


def test_one_that_was_never_started_can_be_stopped() -> None:
    follower = Told(silence)
    session = Ingest(Store(), [Feed(follower, lambda: Source("p", "", 2025))])
    session.stop()
    assert follower.closed
    os.close(follower.poll().descriptor)
