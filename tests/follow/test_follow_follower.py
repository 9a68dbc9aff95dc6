"""One file, asked by hand: appended to, missing, unreadable."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from following import Polled, append, descriptors, failing

from pdtui.follow.follower import Follower

MOVED = "its file was moved or deleted"
WAITING = "waiting for it to appear"


def test_only_what_was_added_is_given(log: Path, follow: Callable[[Path], Polled]) -> None:
    log.write_text("one\n")
    polled = follow(log)
    assert polled.drain() == b"one\n"
    assert polled.drain() == b""
    append(log, "two\n")
    append(log, "thr")
    assert polled.drain() == b"two\nthr"
    append(log, "ee\n")
    assert polled.drain() == b"ee\n"
    assert polled.changes == ["opened"]


def test_a_long_file_is_given_in_pieces_and_more_says_until_when(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    log.write_text("abcdefg")
    polled = follow(log)
    assert [(g.data, g.more) for g in (polled.poll(3) for _ in range(4))] == [
        (b"abc", True),
        (b"def", True),
        (b"g", False),
        (b"", False),
    ]


def test_what_is_added_while_the_start_is_read_is_no_more_of_the_start(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    log.write_text("abcd")
    polled = follow(log)
    assert polled.poll(2).more
    append(log, "efgh")
    assert not polled.poll(2).more
    assert polled.poll(2).data == b"ef"


def test_a_missing_file_is_waited_for_and_said_to_be(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    polled = follow(log)
    assert polled.poll().note == WAITING
    log.write_text("one\n")
    growth = polled.poll()
    assert (growth.data, growth.note, polled.changes) == (b"one\n", "", ["opened"])


def test_a_missing_folder_is_waited_for_too(
    tmp_path: Path, follow: Callable[[Path], Polled]
) -> None:
    polled = follow(tmp_path / "run" / "logs" / "prefill.log")
    assert polled.poll().note == WAITING
    polled.follower.path.parent.mkdir(parents=True)
    assert polled.poll().note == WAITING
    polled.follower.path.write_text("one\n")
    assert polled.drain() == b"one\n"


def test_a_file_where_a_folder_should_be_is_named(
    tmp_path: Path, follow: Callable[[Path], Polled]
) -> None:
    (tmp_path / "logs").write_text("")
    polled = follow(tmp_path / "logs" / "prefill.log")
    assert polled.poll().note == "cannot be read: not a directory"


def test_a_folder_is_named_as_one(tmp_path: Path, follow: Callable[[Path], Polled]) -> None:
    assert follow(tmp_path).poll().note == "cannot be read: is a directory"


def test_a_file_that_may_not_be_read_is_named_and_read_once_it_may(
    log: Path, follow: Callable[[Path], Polled], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_text("one\n")
    polled = follow(log)
    with monkeypatch.context() as patch:
        denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        patch.setattr(os, "open", failing(os.open, denied))
        assert polled.poll().note == "cannot be read: permission denied"
    assert polled.poll().data == b"one\n"
    assert polled.note == ""


def test_a_file_that_vanishes_between_stat_and_open_is_waited_for(
    log: Path, follow: Callable[[Path], Polled], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_text("one\n")
    polled = follow(log)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", failing(os.open, FileNotFoundError(errno.ENOENT, "")))
        assert polled.poll().note == WAITING
    assert polled.drain() == b"one\n"


def test_a_pipe_that_appears_under_the_name_is_not_touched(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    """Opening and closing it would break its writer."""
    polled = follow(log)
    os.mkfifo(log)
    assert "stream" in polled.poll().note
    with pytest.raises(OSError, match="No such device") as nobody_reads:
        os.open(log, os.O_WRONLY | os.O_NONBLOCK)
    assert nobody_reads.value.errno == errno.ENXIO


def test_a_disk_that_fails_is_said_and_read_on_when_it_recovers(
    log: Path, follow: Callable[[Path], Polled], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_text("one\n")
    polled = follow(log)
    polled.drain()
    append(log, "two\n")
    with monkeypatch.context() as patch:
        broken = OSError(errno.EIO, os.strerror(errno.EIO))
        patch.setattr(os, "pread", failing(os.pread, broken))
        for _ in range(3):
            growth = polled.follower.poll()
            assert (growth.data, growth.note) == (b"", "cannot be read: input/output error")
    assert polled.poll().data == b"two\n"
    assert polled.note == ""
    assert polled.changes == ["opened"]


def test_a_stale_file_gives_way_to_the_one_that_has_its_name(
    log: Path, follow: Callable[[Path], Polled], monkeypatch: pytest.MonkeyPatch
) -> None:
    """ESTALE: the file was deleted on another node, and can be read nowhere any more."""
    log.write_text("one\n")
    polled = follow(log)
    polled.drain()
    old = log.stat().st_ino
    log.unlink()
    stale = OSError(errno.ESTALE, os.strerror(errno.ESTALE))
    patched = failing(os.pread, stale, lambda fd, *_: os.fstat(fd).st_ino == old)
    monkeypatch.setattr(os, "pread", patched)
    assert "stale" in polled.follower.poll().note
    log.write_text("two\n")
    assert polled.drain() == b"two\n"
    assert polled.drain() == b""
    assert (polled.note, polled.changes) == ("", ["opened", "replaced"])


def test_no_descriptor_left_is_said_and_survived(
    log: Path, follow: Callable[[Path], Polled], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_text("one\n")
    polled = follow(log)
    before = descriptors()
    with monkeypatch.context() as patch:
        none_left = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        patch.setattr(os, "dup", failing(os.dup, none_left))
        assert polled.poll().note == "cannot be read: too many open files"
    assert not descriptors() - before
    assert polled.drain() == b"one\n"


def test_descriptors_are_given_away_once_a_file_and_closed_with_the_rest(log: Path) -> None:
    before = descriptors()
    polled = Polled(log)
    for number in range(5):
        log.write_text(f"{number}\n")
        polled.drain()
        log.rename(log.with_suffix(f".{number}"))
    # The receiver's five, the follower's own of the file it reads and of the one before that.
    assert len(descriptors() - before) == 7
    polled.follower.close()
    assert len(descriptors() - before) == 5
    polled.close()
    assert not descriptors() - before


def test_descriptors_are_not_handed_to_programs_that_are_started(log: Path) -> None:
    log.write_text("one\n")
    polled = Polled(log)
    before = descriptors()
    polled.drain()
    assert not any(os.get_inheritable(fd) for fd in descriptors() - before)
    polled.close()


def test_what_there_is_of_a_file_is_there_without_waiting(log: Path) -> None:
    assert Follower(log).wait() is True


def test_only_regular_files_are_opened() -> None:
    """A device that appears under the name could block, or swallow what is meant for others."""
    device = Path("/dev/null")
    assert stat.S_ISCHR(device.stat().st_mode)
    assert "stream" in Follower(device).poll().note
