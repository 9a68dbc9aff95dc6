"""Files that real threads follow: what is done to them reaches the store, once and in order."""

from __future__ import annotations

import errno
import os
import shutil
import statistics
import time
from pathlib import Path

import pytest
from following import SOON, append, eventually, failing, line, live

from pdtui.follow import ingest


def test_an_appended_line_is_there_soon(log: Path) -> None:
    log.write_text(line(0))
    took = []
    with live(log) as session:
        session.loaded()
        time.sleep(0.1)
        for number in range(1, 15):
            began = time.monotonic()
            append(log, line(number))
            eventually(lambda wanted=number: len(session["prefill"]) == wanted + 1)
            took.append(time.monotonic() - began)
    assert statistics.median(took) < SOON


def test_a_file_and_its_folder_that_are_not_there_yet(tmp_path: Path, watch: bool) -> None:
    log = tmp_path / "run" / "prefill.log"
    with live(log, watch=watch) as session:
        eventually(lambda: session["prefill"].trouble == "waiting for it to appear")
        session.loaded()
        log.parent.mkdir()
        log.write_text("one\n")
        assert session.holds("prefill", "one")
        eventually(lambda: session["prefill"].trouble == "")
        append(log, "two\n")
        assert session.holds("prefill", "one", "two")


def test_the_folder_is_deleted_and_made_again(tmp_path: Path, watch: bool) -> None:
    log = tmp_path / "run" / "prefill.log"
    log.parent.mkdir()
    log.write_text("one\n")
    with live(log, watch=watch) as session:
        session.holds("prefill", "one")
        shutil.rmtree(log.parent)
        eventually(lambda: "deleted" in session["prefill"].trouble)
        log.parent.mkdir()
        log.write_text("two\n")
        assert session.holds("prefill", "one", "two")
        assert "both are shown" in session["prefill"].note


def test_an_emptied_file_is_said_to_be_before_anything_is_written(log: Path) -> None:
    """`> prefill.log` and a server that says nothing for a while: its rows are gone at once."""
    append(log, line(1) + line(2))
    with live(log) as session:
        eventually(lambda: len(session["prefill"]) == 2)
        said = len(session.revisions)
        log.write_bytes(b"")
        eventually(lambda: len(session.revisions) > said)
        assert len(session["prefill"]) == 0
        assert session["prefill"].note.startswith("truncated at ")


def test_a_truncated_file_begins_anew(log: Path, watch: bool) -> None:
    log.write_text("one\ntwo\n")
    with live(log, watch=watch) as session:
        session.holds("prefill", "one", "two")
        before = session["prefill"]
        log.write_text("three\n")
        assert session.holds("prefill", "three")
        assert session["prefill"].note.startswith("truncated at ")
        assert session["prefill"] is not before
        # Who still looks at the old rows gets nothing, rather than what stands there now.
        assert before.line(0) == b""


def test_rotation_while_the_writer_goes_on_with_the_old_file(log: Path, watch: bool) -> None:
    with log.open("w", buffering=1) as writer, live(log, watch=watch) as session:
        writer.write("one\n")
        session.holds("prefill", "one")
        log.rename(log.with_suffix(".1"))
        log.touch()
        writer.write("two\n")
        session.holds("prefill", "one", "two")
        append(log, "three\n")
        session.holds("prefill", "one", "two", "three")
        writer.write("late\n")
        assert session.holds("prefill", "one", "two", "three", "late")
        append(log, "four\n")
        assert session.holds("prefill", "one", "two", "three", "late", "four")


def test_rows_of_rotated_files_stay_readable(log: Path, watch: bool) -> None:
    wanted = []
    with live(log, watch=watch) as session:
        for number in range(6):
            log.write_text(f"{number} a\n{number} b\n")
            wanted += [f"{number} a", f"{number} b"]
            session.holds("prefill", *wanted)
            log.unlink()


def test_half_a_line_at_the_end_of_a_rotated_file_is_a_row_of_its_own(
    log: Path, watch: bool
) -> None:
    log.write_text("one\ntw")
    with live(log, watch=watch) as session:
        session.holds("prefill", "one")
        log.rename(log.with_suffix(".1"))
        log.write_text("three\n")
        assert session.holds("prefill", "one", "tw", "three")


def test_replaced_atomically(log: Path, watch: bool) -> None:
    log.write_text("one\n")
    with live(log, watch=watch) as session:
        session.holds("prefill", "one")
        log.with_suffix(".new").write_text("two\n")
        log.with_suffix(".new").replace(log)
        assert session.holds("prefill", "one", "two")


def test_a_rewrite_of_the_same_size(log: Path, watch: bool) -> None:
    log.write_text("one\ntwo\n")
    with live(log, watch=watch) as session:
        session.holds("prefill", "one", "two")
        with log.open("r+") as file:
            file.write("uno\ndue\n")
        assert session.holds("prefill", "uno", "due")


def test_an_append_through_a_link(tmp_path: Path, log: Path, watch: bool) -> None:
    (tmp_path / "node1").mkdir()
    real = tmp_path / "node1" / "real.log"
    real.write_text("one\n")
    log.symlink_to(real)
    with live(log, watch=watch) as session:
        session.holds("prefill", "one")
        append(log, "two\n")
        assert session.holds("prefill", "one", "two")


def test_half_a_line_is_shown_after_a_while_and_then_amended(log: Path) -> None:
    log.write_text("one\n")
    with live(log) as session:
        session.holds("prefill", "one")
        began = time.monotonic()
        append(log, "INFO 11-01 10:30")
        session.holds("prefill", "one", "INFO 11-01 10:30")
        assert ingest._PATIENCE <= time.monotonic() - began < ingest._PATIENCE + 1
        append(log, ":45 [core.py:7] whole")
        session.holds("prefill", "one", "INFO 11-01 10:30:45 [core.py:7] whole")
        append(log, "\ntwo\n")
        assert session.holds("prefill", "one", "INFO 11-01 10:30:45 [core.py:7] whole", "two")
        assert session["prefill"].amendments > 0


def test_half_a_line_that_is_soon_whole_is_never_shown_half(log: Path) -> None:
    seen = set()
    with live(log) as session:
        for number in range(5):
            append(log, f"{number} ha")
            deadline = time.monotonic() + 0.15
            while time.monotonic() < deadline:
                seen.update(session.lines("prefill"))
                time.sleep(0.01)
            append(log, "lf\n")
        session.holds("prefill", *[f"{number} half" for number in range(5)])
        seen.update(session.lines("prefill"))
    assert seen == {f"{number} half" for number in range(5)}


def test_characters_cut_between_two_writes_are_whole_in_the_end(log: Path) -> None:
    text = "INFO 11-01 10:30:45 [core.py:7] 🔍 [Rank 0] ü 🤝\n".encode()
    with live(log) as session, log.open("ab", buffering=0) as writer:
        for at in range(len(text)):
            writer.write(text[at : at + 1])
            time.sleep(0.002)
        session.holds("prefill", text.decode().rstrip("\n"))
        assert session["prefill"].kinds.marker_sets[-1] == ("🔍",)


def test_sixteen_files_at_once(tmp_path: Path) -> None:
    logs = [tmp_path / f"{role}{n}.log" for role in ("prefill", "decode") for n in range(8)]
    with live(*logs) as session:
        session.loaded()
        for number in range(50):
            for log in logs:
                append(log, f"{log.stem} {number}\n")
        for log in logs:
            assert session.holds(log.stem, *[f"{log.stem} {number}" for number in range(50)])


def test_a_disk_that_fails_is_said_in_the_pane_and_survived(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch, watch: bool
) -> None:
    decode = tmp_path / "decode.log"
    log.write_text("one\n")
    decode.write_text("one\n")
    with live(log, decode, watch=watch) as session:
        session.holds("prefill", "one")
        session.holds("decode", "one")
        bad = log.stat().st_ino
        with monkeypatch.context() as patch:
            broken = OSError(errno.EIO, os.strerror(errno.EIO))
            patch.setattr(
                os,
                "pread",
                failing(os.pread, broken, lambda fd, *_: os.fstat(fd).st_ino == bad),
            )
            append(log, "two\n")
            eventually(lambda: "input/output error" in session["prefill"].trouble)
            # The rows' bytes come from that disk too: there are none, but nothing is raised.
            assert session.lines("prefill") == [""]
            append(decode, "two\n")
            session.holds("decode", "one", "two")
        assert session.holds("prefill", "one", "two")
        eventually(lambda: session["prefill"].trouble == "")


def test_what_cannot_be_read_is_said_and_the_others_are_read(tmp_path: Path, log: Path) -> None:
    log.write_text("one\n")
    loop = tmp_path / "loop.log"
    loop.symlink_to(loop)
    with live(log, loop) as session:
        session.holds("prefill", "one")
        eventually(lambda: "symbolic links" in session["loop"].trouble)
        session.loaded()
