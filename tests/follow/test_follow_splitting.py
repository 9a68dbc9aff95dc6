"""One file that several processes read at once is read as one process reads it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from following import descriptors, eventually, line, live
from tests.conftest import DATA
from tests.core.sources import opened
from tests.core.stretching import all_of

from pdtui.core.grammar import Grammar, use_grammar
from pdtui.core.markers import Marker, add_markers
from pdtui.core.scan import EVERYTHING
from pdtui.core.source import Segment, Source
from pdtui.follow import parallel, splitting, stretching, tail, whole
from pdtui.follow.follower import BLOCK
from pdtui.follow.forkserver import ForkServer
from pdtui.follow.opening import resolve
from pdtui.follow.parallel import read_at_once
from pdtui.follow.splitting import MOST, WORTH_SPLITTING, processes_for, read_split
from pdtui.follow.stretching import StretchProcess
from pdtui.follow.whole import Whole

REAL = DATA / "h200" / "pd-tp2-workers" / "prefill.log"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file has many stretches, and counts as large on a machine with two processors."""
    monkeypatch.setattr(splitting, "HEAD", 3000)
    monkeypatch.setattr(splitting, "STRETCH", 5000)
    monkeypatch.setattr(stretching, "ABOVE", 2000)
    monkeypatch.setattr(splitting, "WORTH_SPLITTING", 1)
    monkeypatch.setattr(parallel, "WORTH_IT", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})


@contextmanager
def split(
    path: Path, said: Callable[[int], None] = lambda _: None, processes: int = 2
) -> Iterator[tuple[Source, int | None]]:
    """The file as two processes read it, and how far they came."""
    source = Source("prefill", str(path), 2026)
    source.segments.append(Segment(0, os.open(path, os.O_RDONLY)))
    try:
        yield source, read_split(source, source.segments[0].descriptor, processes, said)
    finally:
        source.close()


def is_as_read_alone(source: Source, data: bytes, year: int = 2026) -> bool:
    """Whether the source is what one scanner finds in these bytes."""
    with opened(data, year=year) as alone:
        return all_of(source) == all_of(alone)


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_rows_are_those_that_one_process_finds(processes: int) -> None:
    """Columns, steps, requests, what is known of processes; and it goes on from there."""
    data, rest = REAL.read_bytes(), b"(Worker_TP0 pid=936) words\nINFO 11-22 07:00:00 [a.py:1] x\n"
    positions: list[int] = []
    before = descriptors()
    with split(REAL, positions.append, processes) as (source, read):
        assert read == len(data) == positions[-1]
        assert positions == sorted(positions)
        assert len(positions) == len(data) // 5000 + 1
        assert is_as_read_alone(source, data)
        source.feed(rest)
        assert is_as_read_alone(source, data + rest)
    assert descriptors() == before


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"one line",
        b"one line\n",
        b"a long line" * 1000,
        b"b\n" * 9000 + (b"a" * 12_000 + b"\n") * 2 + b"b\n" * 9000,
        b"INFO 11-22 06:35:44 [a.py:1] step\n" * 900 + b"not whole",
    ],
    ids=["empty", "no newline", "one line", "no line ends", "long lines", "unfinished"],
)
def test_whatever_its_lines_are(tmp_path: Path, text: bytes) -> None:
    """What is not whole is left to the caller."""
    path = tmp_path / "a.log"
    path.write_bytes(text)
    with split(path) as (source, read):
        assert read == text.rfind(b"\n") + 1
        assert is_as_read_alone(source, text[:read])


def test_a_process_that_dies_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it was at is scanned here; and when all have died, the caller goes on."""
    give, started = StretchProcess.give, set[int]()

    def dying(self: StretchProcess, number: int, task: stretching.Task) -> None:
        started.add(self._pid)
        if number in mortal:
            os.kill(self._pid, signal.SIGKILL)
            os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)
        give(self, number, task)

    monkeypatch.setattr(StretchProcess, "give", dying)
    data, mortal = REAL.read_bytes(), {2}
    with split(REAL) as (source, read):
        assert read == len(data)
        assert is_as_read_alone(source, data)
    mortal = {2, 3}
    with split(REAL) as (source, read):
        assert read is not None
        assert 0 < read < len(data)
        assert is_as_read_alone(source, data[:read])
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]


def test_without_processes_the_caller_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that gives no more processes is no reason to fail."""

    def refuse(*_: object) -> None:
        raise BlockingIOError(11, "no more processes")

    monkeypatch.setattr(os, "fork", refuse)
    before = descriptors()
    with split(REAL) as (source, read):
        assert read == source.end < 3000
    assert descriptors() == before


def test_a_log_whose_stretches_hang_together_is_given_up(tmp_path: Path) -> None:
    """Where most have to be scanned again, to read on at once is no quicker."""
    path = tmp_path / "a.log"
    path.write_bytes((b"a" * 12_000 + b"\n") * 20)
    with split(path) as (source, read):
        assert read is not None
        assert 0 < read < path.stat().st_size
        assert is_as_read_alone(source, path.read_bytes()[:read])


def test_a_file_that_is_truncated_or_rewritten_meanwhile_is_read_anew(tmp_path: Path) -> None:
    """None of what was read of it counts."""
    path = tmp_path / "a.log"
    for change in (lambda: os.truncate(path, 4000), lambda: path.write_bytes(b"x\n" * 99_000)):
        path.write_bytes(REAL.read_bytes())
        with split(path, lambda _, change=change: change() and None) as (_, read):
            assert read is None


def test_a_file_with_a_hole_is_left_to_who_knows_how_to_go_on_behind_it(tmp_path: Path) -> None:
    """What truncating leaves to a writer that goes on."""
    path = tmp_path / "a.log"
    with path.open("wb") as file:
        file.write(REAL.read_bytes())
        file.seek(3 * BLOCK)
        file.write(b"words\n")
    splitting.STRETCH = 2 * BLOCK  # the fixture puts back what it was
    with split(path) as (_, read):
        assert read is None
    named, _ = resolve([str(path)])
    [source] = read_at_once(named, 2026, EVERYTHING).values()
    assert len(source) == len(REAL.read_bytes().splitlines()) + 1
    source.close()


def test_one_large_file_is_read_here_by_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a last line that is not whole, and what is appended before all has been read."""
    path, more = tmp_path / "prefill.log", b"INFO 11-22 07:00:00 [a.py:1] x\nnot whole"
    path.write_bytes(REAL.read_bytes() + b"INFO 11-22 06:59:59 [a.py")

    def append() -> None:
        with path.open("ab") as file:
            file.write(b":1] y\n" + more)

    with read_with(path, append, monkeypatch) as source:
        assert is_as_read_alone(source, path.read_bytes())
        assert source.read(0, source.end) == path.read_bytes()


def test_a_file_that_is_replaced_meanwhile_is_read_with_what_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are its rows, and both can be read."""
    path, rotated = tmp_path / "prefill.log", tmp_path / "prefill.log.1"
    path.write_bytes(REAL.read_bytes())

    def rotate() -> None:
        path.rename(rotated)
        path.write_bytes(b"INFO 11-22 07:00:00 [a.py:1] x\n")

    with read_with(path, rotate, monkeypatch) as source:
        both = rotated.read_bytes() + path.read_bytes()
        assert is_as_read_alone(source, both)
        assert source.read(0, source.end) == both


@contextmanager
def read_with(
    path: Path, change: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Source]:
    """The file, to which that happens when its processes have read what was there."""
    read = parallel.read_split

    def changed(source: Source, descriptor: int, processes: int) -> int | None:
        found = read(source, descriptor, processes)
        change()
        return found

    monkeypatch.setattr(parallel, "read_split", changed)
    named, _ = resolve([str(path)])
    [source] = read_at_once(named, 2026, EVERYTHING).values()
    yield source
    source.close()


def test_who_is_killed_leaves_no_processes_behind() -> None:
    """They end when nobody is there any more who would give them something to do."""
    data = REAL.read_bytes()
    with opened(data) as source:
        scanner = source.lend()
        assert scanner
        told, tell = os.pipe()
        if not (parent := os.fork()):
            try:
                started: list[StretchProcess] = []
                for _ in range(3):
                    started.append(StretchProcess(scanner, tell, started))
                os.write(tell, b" ".join(b"%d" % process._pid for process in started))
                signal.pause()
            finally:
                os._exit(1)
        pids = [int(pid) for pid in os.read(told, 99).split()]
    assert len(pids) == 3
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    eventually(lambda: not any(map(runs, pids)))
    os.close(told)
    os.close(tell)


def runs(pid: int) -> bool:
    """Whether there is such a process, other than one that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_own_formats_and_markers_count_there_too(tmp_path: Path) -> None:
    """What the user has configured is the same in all processes."""
    path = tmp_path / "a.log"
    path.write_text("INFO 11-22 06:35:44 [a.py:1] step\n" * 300 + "it is slow\n" * 900)
    add_markers((Marker("🐌", "slow", "S", "slow"),))
    use_grammar(Grammar(patterns=((re.compile(rb"is slow"), "🐌"),)))
    try:
        with split(path) as (source, read):
            assert read == path.stat().st_size
            assert is_as_read_alone(source, path.read_bytes())
            assert source.kinds.marker_sets[-1] == ("🐌",)
    finally:
        add_markers(())
        use_grammar(Grammar())


def test_two_files_have_two_processes_each_where_there_are_four(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is put together by a process of its own."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2, 3})
    named, _ = resolve([str(REAL), str(REAL.with_name("decode.log"))])
    found = read_at_once(named, 2026, EVERYTHING)
    assert len(found) == 2
    for one, source in found.items():
        assert is_as_read_alone(source, one.path.read_bytes())
        source.close()


def test_processes_are_shared_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """One each at least, as many as processors in all, and never a crowd."""
    monkeypatch.setattr(splitting, "WORTH_SPLITTING", WORTH_SPLITTING)
    large = 100 * WORTH_SPLITTING
    assert processes_for([large], 2) == [2]
    assert processes_for([large, large], 2) == [1, 1]
    assert processes_for([large, large], 4) == [2, 2]
    assert processes_for([3 * large, large], 8) == [6, 2]
    assert processes_for([large, WORTH_SPLITTING - 1], 4) == [3, 1]
    assert processes_for([large], 200) == [MOST]
    assert processes_for([large], 1) == [1]
    assert processes_for([], 4) == []


def test_the_viewer_has_a_very_large_file_read_so(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the process that indexes it, which has others scan for it; here as small as they take."""
    count = 40_000
    log.write_text("".join(line(number) for number in range(count)))
    monkeypatch.setattr(tail, "LARGE", 1_000_000)
    monkeypatch.setattr(whole, "OWN_PROCESS", 1)
    start, started = Whole.start, []

    def noted(self: Whole, forks: ForkServer) -> None:
        self.processes = 2
        start(self, forks)
        started.append(self)

    monkeypatch.setattr(Whole, "start", noted)
    with live(log) as session:
        session.loaded()
        assert len(session["prefill"]) == count
        assert is_as_read_alone(session["prefill"], log.read_bytes(), 2025)
        with log.open("a") as file:
            file.write(line(count))
        eventually(lambda: len(session["prefill"]) == count + 1)
    assert len(started) == 1
