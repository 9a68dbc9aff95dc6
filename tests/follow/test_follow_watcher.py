"""The doorbell: that it rings at once, for what concerns us alone, and what is left without it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from following import Polled, append, descriptors, eventually, failing, live, threads

from pdtui.follow import ingest, watcher
from pdtui.follow.watcher import Watcher

QUIET = 0.3
"""Seconds in which a ring would have come."""
NO_INSTANCE = OSError(errno.EMFILE, "inotify instance limit reached")
NO_WATCH = OSError(errno.ENOSPC, "inotify watch limit reached")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log in a folder of its own."""
    log = tmp_path / "run" / "prefill.log"
    log.parent.mkdir()
    log.write_text("one\n")
    return log


@pytest.fixture
def no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the doorbell can bring anything."""
    monkeypatch.setattr(ingest, "HEARTBEAT", 60.0)


@pytest.fixture
def tended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders are looked after often, so that tests need not wait."""
    monkeypatch.setattr(watcher, "TENDING", 0.02)


class Bell:
    """A watcher and how often it has rung."""

    def __init__(self, *paths: Path) -> None:
        self.rings = threading.Semaphore(0)
        self.watcher = Watcher(paths, self.rings.release)

    def rang(self, timeout: float = 5.0) -> bool:
        """Whether it rings within this time; all that it rang is then taken as heard."""
        heard = self.rings.acquire(timeout=timeout)
        self.hush()
        return heard

    def hush(self) -> None:
        """Takes all that it rang as heard, and what is still under way."""
        while self.rings.acquire(timeout=0.05):
            pass


@pytest.fixture
def bell() -> Iterator[Callable[..., Bell]]:
    """Starts watchers, and stops them when the test is over."""
    started: list[Bell] = []

    def start(*paths: Path) -> Bell:
        started.append(Bell(*paths))
        started[-1].watcher.start()
        started[-1].hush()
        return started[-1]

    yield start
    for one in started:
        one.watcher.stop()


@pytest.mark.usefixtures("no_heartbeat")
def test_the_doorbell_alone_brings_what_is_appended(log: Path) -> None:
    with live(log) as session:
        session.holds("prefill", "one")
        time.sleep(0.1)
        append(log, "two\n")
        assert session.holds("prefill", "one", "two")


@pytest.mark.usefixtures("no_heartbeat")
def test_without_doorbell_and_heartbeat_nothing_comes(log: Path) -> None:
    """What the test above proves, it does not prove by accident."""
    with live(log, watch=False) as session:
        session.holds("prefill", "one")
        time.sleep(0.1)
        append(log, "two\n")
        time.sleep(QUIET)
        assert session.lines("prefill") == ["one"]
        session.ingest.ring()
        assert session.holds("prefill", "one", "two")


@pytest.mark.usefixtures("no_heartbeat")
def test_the_doorbell_alone_brings_what_is_written_after_a_rotation(log: Path) -> None:
    with live(log) as session:
        session.holds("prefill", "one")
        for number in range(5):
            time.sleep(0.05)
            log.rename(log.with_suffix(f".{number}"))
            began = time.monotonic()
            log.write_text(f"{number}\n")
            session.holds("prefill", "one", *map(str, range(number + 1)))
            assert time.monotonic() - began < QUIET


@pytest.mark.usefixtures("no_heartbeat")
def test_the_doorbell_alone_brings_a_truncation(log: Path) -> None:
    with live(log) as session:
        session.holds("prefill", "one")
        time.sleep(0.1)
        log.write_text("")
        assert session.holds("prefill")


def test_it_rings_where_a_link_leads_to(
    tmp_path: Path, log: Path, bell: Callable[..., Bell]
) -> None:
    link = tmp_path / "prefill.log"
    link.symlink_to(log)
    linked = bell(link)
    append(link, "two\n")
    assert linked.rang()


def test_other_files_in_the_folder_do_not_ring(log: Path, bell: Callable[..., Bell]) -> None:
    quiet = bell(log)
    append(log.with_name("other.log"), "x\n")
    log.with_name("other.log").unlink()
    assert not quiet.rang(QUIET)
    append(log, "two\n")
    assert quiet.rang()


def test_our_own_reading_does_not_ring(log: Path, bell: Callable[..., Bell]) -> None:
    quiet = bell(log)
    polled = Polled(log)
    assert polled.drain() == b"one\n"
    assert polled.drain() == b""
    assert not quiet.rang(QUIET)
    polled.close()


def test_a_move_elsewhere_in_the_folder_does_not_hold_the_ring_back(
    log: Path, bell: Callable[..., Bell]
) -> None:
    """watchdog waits half a second for the second half of a move, if it is asked for moves."""
    one = bell(log)
    log.with_name("other.log").write_text("")
    shutil.move(log.with_name("other.log"), log.parent.parent)
    began = time.monotonic()
    append(log, "two\n")
    assert one.rang()
    assert time.monotonic() - began < QUIET


@pytest.mark.usefixtures("tended")
@pytest.mark.parametrize("how", ["deleted", "renamed", "missing at first"])
def test_a_folder_made_again_rings_again(log: Path, bell: Callable[..., Bell], how: str) -> None:
    if how == "missing at first":
        shutil.rmtree(log.parent)
    one = bell(log)
    if how == "deleted":
        shutil.rmtree(log.parent)
        time.sleep(0.1)
    elif how == "renamed":
        log.parent.rename(log.parent.with_name("before"))
    log.parent.mkdir()
    assert one.rang()
    log.write_text("two\n")
    assert one.rang()
    append(log, "three\n")
    assert one.rang()
    assert one.watcher.problem == ""


@pytest.mark.usefixtures("tended")
def test_a_link_led_elsewhere_rings_there(
    tmp_path: Path, log: Path, bell: Callable[..., Bell]
) -> None:
    link = tmp_path / "latest.log"
    link.symlink_to(log)
    one = bell(link)
    (tmp_path / "run2").mkdir()
    link.unlink()
    link.symlink_to(tmp_path / "run2" / "prefill.log")
    assert one.rang()
    append(link, "two\n")
    assert one.rang()


def test_no_inotify_instance_is_said_and_the_heartbeat_is_enough(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "Observer", failing(watcher.Observer, NO_INSTANCE))
    with live(log) as session:
        assert session.watcher is not None
        assert session.watcher.problem == "inotify instance limit reached"
        session.holds("prefill", "one")
        append(log, "two\n")
        assert session.holds("prefill", "one", "two")


@pytest.mark.parametrize("step", ["start", "schedule"])
def test_an_observer_that_fails_is_said_and_leaves_nothing_behind(
    log: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before, running = descriptors(), threads()
    broken = failing(getattr(watcher.Observer, step), NO_WATCH)
    monkeypatch.setattr(watcher.Observer, step, broken)
    with live(log) as session:
        assert session.watcher is not None
        assert "inotify watch limit reached" in session.watcher.problem
        session.holds("prefill", "one")
        append(log, "two\n")
        assert session.holds("prefill", "one", "two")
    assert not threads() - running
    assert not descriptors() - before


@pytest.mark.usefixtures("tended")
def test_one_folder_without_a_watch_leaves_the_others_theirs_until_it_gets_one(
    tmp_path: Path, log: Path, bell: Callable[..., Bell], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad" / "decode.log"
    bad.parent.mkdir()
    schedule = watcher.Observer.schedule
    with monkeypatch.context() as patch:
        broken = failing(schedule, NO_WATCH, lambda _, __, folder, **___: folder == str(bad.parent))
        patch.setattr(watcher.Observer, "schedule", broken)
        one = bell(bad, log)
        assert one.watcher.problem == f"{bad.parent}: inotify watch limit reached"
        append(log, "two\n")
        assert one.rang()
        append(bad, "two\n")
        assert not one.rang(QUIET)
    eventually(lambda: one.watcher.problem == "")
    one.hush()
    append(bad, "three\n")
    assert one.rang()


def inotify_watches() -> int:
    """How many watches the system keeps for this process."""
    infos = [info.read_text() for info in Path("/proc/self/fdinfo").iterdir() if info.exists()]
    return sum(info.count("inotify wd:") for info in infos)


@pytest.mark.usefixtures("no_heartbeat")
def test_a_flood_of_events_is_not_listened_to_and_nothing_is_missed(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hearing of each of many thousand writes would leave no time to read what was written."""
    monkeypatch.setattr(watcher, "MOST_EVENTS", 50)
    monkeypatch.setattr(watcher, "RESPITE", 1.5)
    other = log.with_name("decode.log")
    with live(log) as session:
        session.holds("prefill", "one")
        assert inotify_watches() == 1
        # In turns, because inotify tells of several writes to one file only once.
        for _ in range(100):
            append(other, "x\n")
            append(log, "x\n")
        eventually(lambda: inotify_watches() == 0)
        eventually(lambda: len(session["prefill"]) == 101)
        # Longer than the pause after which it looks again by itself.
        time.sleep(0.3)
        append(log, "while not listened to\n")
        eventually(lambda: len(session["prefill"]) == 102, timeout=1)
        eventually(lambda: inotify_watches() == 1)
        time.sleep(0.1)
        append(log, "listened to again\n")
        eventually(lambda: len(session["prefill"]) == 103)


def test_what_watchdog_logs_is_not_written_across_the_screen() -> None:
    program = (
        "import logging, pdtui.follow.watcher;"
        "logging.getLogger('watchdog.observers.inotify_c').warning('events were lost')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ended.stdout + ended.stderr == b""


def test_a_folder_that_may_not_be_listed_is_named(
    log: Path, bell: Callable[..., Bell], monkeypatch: pytest.MonkeyPatch
) -> None:
    """inotify may not watch it, and watchdog keeps that to itself."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert bell(log).watcher.problem == f"{log.parent}: Permission denied"


def test_stopping_ends_its_threads_and_closes_its_descriptors(tmp_path: Path) -> None:
    logs = [tmp_path / f"node{number}" / "prefill.log" for number in range(8)]
    for log in logs:
        log.parent.mkdir()
    before, running = descriptors(), threads()
    for _ in range(3):
        one = Watcher(logs, lambda: None)
        one.start()
        assert threads() - running
        began = time.monotonic()
        one.stop()
        assert time.monotonic() - began < 1
        one.stop()
    assert not threads() - running
    assert not descriptors() - before


def test_one_that_was_never_started_can_be_stopped(log: Path) -> None:
    before, running = descriptors(), threads()
    Watcher([log], lambda: None).stop()
    assert not threads() - running
    assert not descriptors() - before
