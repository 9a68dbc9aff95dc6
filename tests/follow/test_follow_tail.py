"""Large files: their last lines first, and then the whole of them in their place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from following import Live, append, descriptors, eventually, line, live, members, threads

from pdtui.follow import ingest, tail, whole
from pdtui.follow.forkserver import ForkServer
from pdtui.follow.opening import resolve, year_of
from pdtui.follow.tail import TailSource, begin_of_tail
from pdtui.follow.whole import Whole

COUNT = 2000


@pytest.fixture
def large(log: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log that counts as large, of COUNT lines, of which a twentieth is its tail."""
    log.write_text("".join(line(number) for number in range(COUNT)))
    size = log.stat().st_size
    monkeypatch.setattr(tail, "LARGE", size // 2)
    monkeypatch.setattr(tail, "TAIL", size // 20)
    return log


@pytest.fixture(params=["here", "process"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether the rest is read by the thread itself or by a process."""
    if request.param == "process":
        monkeypatch.setattr(whole, "OWN_PROCESS", 1)
    return str(request.param)


def held(path: Path) -> Live:
    """A session that shows tails, and goes no further until `go_on`."""
    named, problems = resolve([str(path)])
    assert not problems
    session = Live(named, watch=True, follow=True, year=2025)
    session.ingest._held = True
    session.start()
    return session


def numbers(session: Live) -> list[int]:
    return [int(text.rsplit(" ", 1)[1]) for text in session.lines("prefill")]


def test_the_last_whole_lines_are_there_before_the_rest_is_read(large: Path) -> None:
    session = held(large)
    try:
        eventually(lambda: len(session["prefill"]))
        shown = numbers(session)
        assert shown == list(range(shown[0], COUNT))
        assert 50 < len(shown) < COUNT // 10
        assert not session.store.loaded
        session.ingest.go_on()
        session.loaded()
        assert numbers(session) == list(range(COUNT))
    finally:
        session.stop()
        session.store.close()


@pytest.mark.usefixtures("reader")
def test_what_arrives_meanwhile_is_shown_at_once_and_keeps_its_place(large: Path) -> None:
    session = held(large)
    try:
        eventually(lambda: len(session["prefill"]))
        first = session["prefill"]
        assert isinstance(first, TailSource)
        append(large, line(COUNT))
        eventually(lambda: numbers(session)[-1] == COUNT)
        row = len(first) - 1
        batches = [batch for _, batch in first.arrivals]
        session.ingest.go_on()
        append(large, line(COUNT + 1))
        session.loaded()
        eventually(lambda: numbers(session) == list(range(COUNT + 2)))
        assert first.row_in_whole(row) == COUNT
        arrivals = session["prefill"].arrivals
        assert arrivals[0] == (COUNT, batches[0])
        append(large, line(COUNT + 2))
        eventually(lambda: numbers(session)[-1] == COUNT + 2)
    finally:
        session.stop()
        session.store.close()


@pytest.mark.usefixtures("reader")
def test_a_line_without_a_newline_stays_in_sight(large: Path) -> None:
    session = held(large)
    try:
        append(large, "half a line 7")
        eventually(lambda: session.lines("prefill")[-1:] == ["half a line 7"])
        session.ingest.go_on()
        session.loaded()
        assert session.lines("prefill")[-1] == "half a line 7"
        append(large, "7\n")
        eventually(lambda: session.lines("prefill")[-1] == "half a line 77")
        assert len(session["prefill"]) == COUNT + 1
    finally:
        session.stop()
        session.store.close()


def _truncate(path: Path) -> list[str]:
    path.write_text("new 1\n")
    return ["new 1"]


def _truncate_and_write(path: Path) -> list[str]:
    with path.open("w") as file:
        file.write("new 1\nnew 2\n")
    return ["new 1", "new 2"]


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("rewrite", [_truncate, _truncate_and_write])
def test_a_file_that_begins_anew_meanwhile_has_its_new_rows_alone(
    large: Path, rewrite: Callable[[Path], list[str]]
) -> None:
    session = held(large)
    try:
        eventually(lambda: len(session["prefill"]))
        wanted = rewrite(large)
        session.holds("prefill", *wanted)
        session.ingest.go_on()
        session.loaded()
        session.holds("prefill", *wanted)
        assert "truncated" in session["prefill"].note
    finally:
        session.stop()
        session.store.close()


@pytest.mark.usefixtures("reader")
def test_a_file_that_shrinks_to_a_part_of_itself_has_the_rows_that_are_left(large: Path) -> None:
    session = held(large)
    try:
        eventually(lambda: len(session["prefill"]))
        text = large.read_bytes()
        with large.open("r+b") as file:
            file.truncate(text.index(line(10).encode()))
        session.ingest.go_on()
        session.loaded()
        eventually(lambda: numbers(session) == list(range(10)))
    finally:
        session.stop()
        session.store.close()


@pytest.mark.usefixtures("reader")
def test_a_file_that_is_rotated_meanwhile_is_read_with_what_follows(large: Path) -> None:
    session = held(large)
    try:
        eventually(lambda: len(session["prefill"]))
        large.rename(large.with_suffix(".1"))
        large.write_text(line(COUNT) + line(COUNT + 1))
        eventually(lambda: numbers(session)[-1] == COUNT + 1)
        session.ingest.go_on()
        session.loaded()
        eventually(lambda: numbers(session) == list(range(COUNT + 2)))
    finally:
        session.stop()
        session.store.close()


def test_a_process_that_dies_is_replaced(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "OWN_PROCESS", 1)
    start = Whole.start

    def dying(self: Whole, forks: ForkServer) -> None:
        start(self, forks)
        assert self.runs
        forks.kill()

    monkeypatch.setattr(Whole, "start", dying)
    with live(large) as session:
        session.loaded()
        assert numbers(session) == list(range(COUNT))


def test_a_hole_in_the_file_is_read_over(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Truncating a log leaves a hole to a writer that goes on; the rows are those around it."""
    monkeypatch.setattr(whole, "OWN_PROCESS", 1)
    text = large.read_bytes()
    with large.open("wb") as file:
        file.write(line(0).encode())
        file.seek(2_000_000)
        file.write(text)
    with live(large) as session:
        session.loaded()
        rows = [text.lstrip("\0") for text in session.lines("prefill")]
        assert rows[0] == line(0).rstrip()
        assert rows[-COUNT:] == [line(number).rstrip() for number in range(COUNT)]


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_who_quits_while_it_is_read_leaves_nothing_behind(
    large: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr(whole, "OWN_PROCESS", 1)
    running, before = threads(), descriptors()
    started: list[int] = []
    start = Whole.start

    def noted(self: Whole, forks: ForkServer) -> None:
        start(self, forks)
        assert forks._process
        started.append(forks._process.pid)

    monkeypatch.setattr(Whole, "start", noted)
    session = held(large)
    eventually(lambda: len(session["prefill"]))
    if when == "meanwhile":
        session.ingest.go_on()
        eventually(lambda: started)
    session.stop()
    session.store.close()
    assert len(started) == (when == "meanwhile")
    eventually(lambda: not any(map(members, started)))
    assert threads() == running
    assert descriptors() == before


def test_a_file_that_is_loaded_has_no_descriptor_more_than_it_needs(large: Path) -> None:
    before = descriptors()
    with live(large) as session:
        session.loaded()
        eventually(lambda: not session.ingest._leaving or _left(session))
        eventually(lambda: len(descriptors() - before) <= 6)
    assert descriptors() == before


def _left(session: Live) -> bool:
    for feed in session.ingest._leaving.values():
        assert isinstance(feed.source, TailSource)
        feed.source.shown = False
    return False


@pytest.mark.parametrize(
    ("text", "begins"),
    [("x" * 10_000, 0), ("x\n" * 5_000, 9_000), ("x" * 9_000 + "\n" + "y" * 999 + "\n", 9_001)],
    ids=["no line's end", "many", "one"],
)
def test_a_tail_begins_behind_a_line_s_end(
    log: Path, monkeypatch: pytest.MonkeyPatch, text: str, begins: int
) -> None:
    monkeypatch.setattr(tail, "LARGE", 1)
    monkeypatch.setattr(tail, "TAIL", 1_001)
    log.write_text(text)
    assert begin_of_tail(log) == begins


def test_small_and_missing_files_have_no_tail(log: Path) -> None:
    assert begin_of_tail(log) == 0
    log.write_text(line(1) * 100)
    assert begin_of_tail(log) == 0


def test_the_year_of_a_tail_is_that_of_its_own_first_line(log: Path) -> None:
    """A log that goes past New Year begins in one year and ends in the next."""
    old, new = "INFO 12-31 23:59:58 [a.py:1] old\n", "INFO 01-01 00:00:01 [a.py:1] new\n"
    log.write_text(old * 10_000 + new * 10_000)
    os.utime(log, (1_767_229_200, 1_767_229_200))  # 2026-01-01
    assert year_of(log) == 2025
    assert year_of(log, len(old) * 10_000) == 2026


def test_the_wholes_of_several_files_take_their_places_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "LARGE", 10_000)
    monkeypatch.setattr(tail, "TAIL", 2_000)
    monkeypatch.setattr(ingest, "_TURN", 1)
    paths = [tmp_path / name for name in ("prefill.log", "decode.log")]
    paths[0].write_text("".join(map(line, range(COUNT))))
    paths[1].write_text("".join(map(line, range(30 * COUNT))))
    with live(*paths) as session:
        seen: set[tuple[bool, ...]] = set()

        def noted() -> bool:
            seen.add(tuple(isinstance(one, TailSource) for one in list(session.store.sources)))
            return session.store.loaded

        eventually(noted)
        assert [len(source) for source in session.store.sources] == [COUNT, 30 * COUNT]
    assert not {(True, True), (False, False)}.isdisjoint(seen)
