"""The process that makes forks of itself, with real processes."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from following import descriptors, eventually, members

from pdtui.follow import child, forkserver
from pdtui.follow.forkserver import ForkServer


def serve() -> None:
    """What the forks do in these tests."""
    forkserver.serve(_answer)


def _answer(files: Sequence[int]) -> None:
    """Says who it is, then what it was told; fails or stays where it is told so."""
    told, out = files
    word = os.read(told, 100)
    os.write(out, child.NUMBER.pack(os.getpid()) + word)
    if word == b"fail":
        raise OSError
    if word == b"stay":
        signal.pause()
    if word == b"child":
        os.waitpid(os.spawnlp(os.P_NOWAIT, "true", "true"), 0)
        os.write(out, b" waited for")


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServer]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    before = descriptors()
    server = ForkServer("test_follow_forkserver")
    yield server
    server.close()
    assert descriptors() == before


class Told:
    """A fork that was told a word, and the pipe that it answers to."""

    def __init__(self, forks: ForkServer, word: bytes) -> None:
        (told, tell), (self.answers, out) = os.pipe(), os.pipe()
        os.write(tell, word)
        os.close(tell)
        try:
            forks.fork((told, out))
        except OSError:
            os.close(self.answers)
            raise
        finally:
            os.close(told)
            os.close(out)

    def answer(self) -> tuple[int, bytes]:
        """Which process it is, and all that it says until it ends; (0, b"") where there is none."""
        with os.fdopen(self.answers, "rb") as pipe:
            said = pipe.read()
        number = said[: child.NUMBER.size]
        return (child.NUMBER.unpack(number)[0] if number else 0), said[child.NUMBER.size :]

    def pid(self) -> int:
        """Which process it is, as soon as it says so."""
        [pid] = child.NUMBER.unpack(child.read(self.answers, child.NUMBER.size))
        os.close(self.answers)
        return int(pid)


def test_each_piece_of_work_has_a_fork_of_one_process(forks: ForkServer) -> None:
    told = [Told(forks, word) for word in (b"one", b"two", b"three")]
    answers = [one.answer() for one in told]
    assert [word for _, word in answers] == [b"one", b"two", b"three"]
    assert forks._process
    assert len({forks._process.pid, *(pid for pid, _ in answers)}) == 4


def test_a_fork_that_fails_leaves_the_others_alone(forks: ForkServer) -> None:
    assert Told(forks, b"fail").answer()[1] == b"fail"
    assert Told(forks, b"two").answer()[1] == b"two"


def test_a_fork_can_wait_for_processes_of_its_own(forks: ForkServer) -> None:
    assert Told(forks, b"child").answer()[1] == b"child waited for"


def test_forks_that_have_ended_are_gone(forks: ForkServer) -> None:
    pid, _ = Told(forks, b"one").answer()
    eventually(lambda: not Path(f"/proc/{pid}").exists())


@pytest.mark.parametrize("end", ["kill", "close"])
def test_its_end_is_that_of_all_forks(forks: ForkServer, end: str) -> None:
    told = [Told(forks, b"stay") for _ in range(2)]
    pids = {one.pid() for one in told}
    assert forks._process
    group = forks._process.pid
    assert pids <= set(members(group))
    getattr(forks, end)()
    eventually(lambda: not members(group))


def test_after_its_end_another_one_is_started(forks: ForkServer) -> None:
    first, _ = Told(forks, b"one").answer()
    forks.close()
    second, word = Told(forks, b"two").answer()
    assert word == b"two"
    assert first != second


def test_who_reads_hears_of_it_where_it_has_died(forks: ForkServer) -> None:
    Told(forks, b"one").answer()
    assert forks._process
    os.kill(forks._process.pid, signal.SIGKILL)
    forks._process.wait()
    with pytest.raises(OSError, match=os.strerror(errno.EPIPE)):
        Told(forks, b"two")


def test_who_reads_hears_of_it_where_it_dies_before_it_forks(forks: ForkServer) -> None:
    """A word that is on its way then is lost with it."""
    forks.fork(())
    assert forks._process
    os.kill(forks._process.pid, signal.SIGSTOP)
    told = Told(forks, b"one")
    forks.kill()
    assert told.answer() == (0, b"")


def test_it_ends_with_who_started_it(forks: ForkServer) -> None:
    Told(forks, b"one").answer()
    assert forks._socket
    forks._socket.close()
    assert forks._process
    assert forks._process.wait(10) == 0
