"""One file, asked by hand: truncated, rewritten, rotated, replaced, deleted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from following import Polled, append

from pdtui.follow.follower import BLOCK

MOVED = "its file was moved or deleted"
WAITING = "waiting for it to appear"


@pytest.mark.parametrize("after", ["", "new\n", "a new line that is longer than the old ones\n"])
def test_truncated_by_redirection(log: Path, follow: Callable[[Path], Polled], after: str) -> None:
    """`> log`, whatever has been written since."""
    log.write_text("one\ntwo\n")
    polled = follow(log)
    polled.drain()
    log.write_text(after)
    polled.drain()
    assert polled.data == after.encode()
    assert polled.changes == ["opened", "truncated"]


def test_copytruncate_goes_on_with_the_same_file(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    polled = follow(log)
    with log.open("a", buffering=1) as writer:
        writer.write("one\n")
        polled.drain()
        log.with_suffix(".1").write_bytes(log.read_bytes())
        os.truncate(log, 0)
        assert polled.drain() == b""
        writer.write("two\n")
        assert polled.drain() == b"two\n"
    assert polled.changes == ["opened", "truncated"]


def test_a_rewrite_of_the_same_size_is_seen(log: Path, follow: Callable[[Path], Polled]) -> None:
    log.write_text("one\ntwo\n")
    polled = follow(log)
    polled.drain()
    with log.open("r+") as file:
        file.write("uno\ndue\n")
    polled.drain()
    assert polled.data == b"uno\ndue\n"


@pytest.mark.parametrize("same", ["begin", "end", "neither"])
def test_a_rewrite_that_grew_past_our_place_is_seen(
    log: Path, follow: Callable[[Path], Polled], same: str
) -> None:
    """Whether it begins like the old one (a banner) or has the same bytes before our place."""
    banner, rule = "banner " * 100 + "\n", "-" * 600 + "\n"
    old = banner + "old\n" * 10 + rule
    new = (banner if same == "begin" else banner.upper()) + "new\n" * 10
    new += (rule if same == "end" else rule.replace("-", "=")) + "more\n" * 100
    log.write_text(old)
    polled = follow(log)
    polled.drain()
    log.write_text(new)
    polled.drain()
    assert polled.data == new.encode()
    assert polled.changes == ["opened", "truncated"]


def test_a_file_truncated_and_deleted_is_waited_for(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    log.write_text("one\n")
    polled = follow(log)
    polled.drain()
    os.truncate(log, 0)
    log.unlink()
    assert polled.poll().note == MOVED
    log.write_text("two\n")
    assert polled.drain() == b"two\n"
    assert polled.changes == ["opened", "truncated"]


def test_the_hole_that_truncating_leaves_is_skipped(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    """A writer that does not append goes on where it was: gigabytes of NUL are in no memory."""
    hole = 5 * BLOCK + 100
    polled = follow(log)
    with log.open("wb", buffering=0) as writer:
        writer.write(b"x" * hole)
        polled.drain()
        os.truncate(log, 0)
        polled.drain()
        writer.write(b"two\n")
        data = polled.drain()
    assert polled.changes == ["opened", "truncated", "skipped"]
    assert len(data) <= BLOCK
    assert data.endswith(b"\0two\n")


def test_a_hole_at_the_end_is_skipped_before_its_end_is_known(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    log.write_bytes(b"one\n")
    polled = follow(log)
    polled.drain()
    os.truncate(log, 4 + 2 * BLOCK)
    assert polled.drain() == b""
    append(log, "two\n")
    assert polled.drain() == b"two\n"
    assert polled.changes == ["opened", "skipped"]


def test_small_runs_of_nul_are_kept(log: Path, follow: Callable[[Path], Polled]) -> None:
    log.write_bytes(b"\0" * 4096 + b"one\n")
    assert follow(log).drain() == b"\0" * 4096 + b"one\n"


def test_rotated_by_rename_the_old_file_is_read_to_its_end_first(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    log.write_text("one\n")
    polled = follow(log)
    polled.drain()
    append(log, "two\n")
    log.rename(log.with_suffix(".1"))
    log.write_text("three\n")
    polled.drain()
    assert polled.data == b"one\ntwo\nthree\n"
    assert polled.changes == ["opened", "replaced"]


def test_the_old_file_is_followed_while_the_new_one_is_empty(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    """logrotate makes the new file at once; the writer opens it when it is told to."""
    polled = follow(log)
    with log.open("a", buffering=1) as writer:
        writer.write("one\n")
        polled.drain()
        log.rename(log.with_suffix(".1"))
        log.touch()
        polled.drain()
        assert polled.note == ""
        writer.write("two\n")
        assert polled.drain() == b"two\n"
    append(log, "three\n")
    assert polled.drain() == b"three\n"
    assert polled.changes == ["opened", "replaced"]


def test_files_rotated_away_while_an_older_one_is_still_read_are_not_lost(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    """A log that is rotated faster than it is read, for a while."""
    log.write_text("one\ntwo\n")
    polled = follow(log)
    polled.poll(4)
    for name in ("three", "four", ""):
        log.rename(log.with_suffix(f".before-{name}"))
        log.write_text(name and f"{name}\n")
        polled.poll(1)
    polled.drain(3)
    assert polled.data == b"one\ntwo\nthree\nfour\n"
    append(log, "five\n")
    assert polled.drain() == b"five\n"
    assert polled.changes == ["opened", "replaced", "replaced", "replaced"]


def test_an_empty_file_between_two_others_is_passed_over(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    log.write_text("one\n")
    polled = follow(log)
    polled.drain()
    for text in ("", "", "two\n"):
        log.rename(log.with_suffix(f".{len(list(log.parent.iterdir()))}"))
        log.write_text(text)
        polled.poll()
    polled.drain()
    append(log, "three\n")
    polled.drain()
    assert polled.data == b"one\ntwo\nthree\n"
    assert polled.changes == ["opened", "replaced"]


def test_a_file_that_gets_its_name_back_is_not_read_twice(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    log.write_text("one\n")
    polled = follow(log)
    polled.drain()
    log.rename(log.with_suffix(".kept"))
    log.write_text("two\n")
    polled.drain()
    log.with_suffix(".kept").replace(log)
    assert polled.drain() == b""
    append(log, "three\n")
    assert polled.drain() == b"three\n"
    assert polled.changes == ["opened", "replaced", "other"]


def test_two_writers_one_of_which_stays_with_the_old_file(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    polled = follow(log)
    with log.open("a", buffering=1) as old:
        old.write("one\n")
        polled.drain()
        log.rename(log.with_suffix(".1"))
        append(log, "two\n")
        polled.drain()
        old.write("late\n")
        assert polled.drain() == b"late\n"
        append(log, "three\n")
        assert polled.drain() == b"three\n"
        append(log, "four\n")
        old.write("later\n")
        polled.drain()
    assert polled.data == b"one\ntwo\nlate\nthree\nfour\nlater\n"
    assert polled.changes == ["opened", "replaced", "other", "other", "other"]


def test_what_is_written_just_before_the_switch_is_not_lost(
    log: Path, follow: Callable[[Path], Polled], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer's last line and its change to the new file both fall between read and open."""
    log.write_text("one\n")
    polled = follow(log)
    polled.drain()
    was = os.open

    def rotating_open(path: Path, flags: int) -> int:
        monkeypatch.setattr(os, "open", was)
        append(log, "two\n")
        log.rename(log.with_suffix(".1"))
        log.write_text("three\n")
        return was(path, flags)

    monkeypatch.setattr(os, "open", rotating_open)
    polled.drain()
    assert polled.data == b"one\ntwo\nthree\n"


def test_replaced_atomically(log: Path, follow: Callable[[Path], Polled]) -> None:
    log.write_text("one\n")
    polled = follow(log)
    polled.drain()
    new = log.with_suffix(".new")
    new.write_text("two\n")
    new.replace(log)
    assert polled.drain() == b"two\n"
    assert polled.changes == ["opened", "replaced"]


def test_deleted_and_made_again(log: Path, follow: Callable[[Path], Polled]) -> None:
    log.write_text("one\n")
    polled = follow(log)
    polled.drain()
    log.unlink()
    assert polled.poll().note == MOVED
    log.write_text("two\n")
    assert polled.drain() == b"two\n"
    assert polled.note == ""
    assert polled.changes == ["opened", "replaced"]


def test_a_deleted_file_that_is_written_on_stays_said_to_be_deleted(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    with log.open("a", buffering=1) as writer:
        writer.write("one\n")
        polled = follow(log)
        polled.drain()
        log.unlink()
        polled.drain()
        writer.write("two\n")
        growth = polled.poll()
    assert (growth.data, growth.note) == (b"two\n", MOVED)


def test_a_folder_put_in_place_of_the_file_is_said_and_survived(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    log.write_text("one\n")
    polled = follow(log)
    polled.drain()
    log.unlink()
    log.mkdir()
    assert polled.poll().note == "cannot be read: is a directory"
    log.rmdir()
    log.write_text("two\n")
    assert polled.drain() == b"two\n"
    assert polled.changes == ["opened", "replaced"]


def test_an_append_through_a_link_and_a_link_led_elsewhere(
    tmp_path: Path, log: Path, follow: Callable[[Path], Polled]
) -> None:
    run1, run2 = tmp_path / "run1", tmp_path / "run2"
    run1.write_text("one\n")
    run2.write_text("three\n")
    log.symlink_to(run1)
    polled = follow(log)
    polled.drain()
    append(log, "two\n")
    assert polled.drain() == b"two\n"
    log.unlink()
    log.symlink_to(run2)
    assert polled.drain() == b"three\n"
    assert polled.changes == ["opened", "replaced"]


def test_a_link_that_leads_in_a_circle_is_named(
    log: Path, follow: Callable[[Path], Polled]
) -> None:
    log.symlink_to(log)
    assert follow(log).poll().note == "cannot be read: too many levels of symbolic links"
