"""A file that takes a while to read, in a pseudo-terminal."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .terminal import Terminal

ROW = "INFO 11-22 06:42:31 [core.py:7] {:07} is a step of the engine, one of many alike\n"
ROWS = 800_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of some 70 MB."""
    path = tmp_path_factory.mktemp("large") / "prefill.log"
    path.write_text("".join(map(ROW.format, range(ROWS))))
    return path


@contextmanager
def opened(path: Path) -> Iterator[Terminal]:
    terminal = Terminal([path])
    try:
        yield terminal
    finally:
        terminal.close()


def children(process: int) -> list[int]:
    """The processes that read files for a process, and the one that they are forks of.

    None as long as there are not both.
    """
    servers = [pid for pid in started_by(process) if b"indexer" in command(pid)]
    readers = [pid for server in servers for pid in started_by(server)]
    return [*servers, *readers] if readers else []


def started_by(process: int) -> list[int]:
    """The processes that a process has started."""
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]
    except OSError:
        return []


def command(process: int) -> bytes:
    """The words that a process was started with."""
    return Path(f"/proc/{process}/cmdline").read_bytes()


def gone(processes: list[int]) -> bool:
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_the_last_row_shows_first_and_keys_work_until_all_is_there(large: Path) -> None:
    with opened(large) as screen:
        screen.wait_for(f"{ROWS - 1:07}")
        assert b"indexing" in screen.raw
        screen.type("kkk")
        screen.wait_for("G follows")
        screen.type("&99 is a step\r")
        screen.wait_for(f"{ROWS // 100:,} of {ROWS:,} rows", 90)
        screen.type("\\")
        screen.wait_for("filters off")
        with large.open("a") as file:
            file.write("INFO 11-22 06:42:31 [core.py:7] appended afterwards\n")
        screen.type("G")
        screen.wait_for("appended afterwards")


@pytest.mark.parametrize("end", ["q", "hang up", "kill"])
def test_who_ends_it_meanwhile_leaves_no_process_behind(large: Path, end: str) -> None:
    with opened(large) as screen:
        deadline = time.monotonic() + 20
        while not (started := children(screen.process.pid)):
            screen.read(0.01)
            assert time.monotonic() < deadline, "no process was started"
        for pid in started:
            os.kill(pid, signal.SIGSTOP)  # so that it is not done before the end comes
        if end == "q":
            screen.type("q")
            assert screen.wait() == 0
            assert screen.restored
        elif end == "hang up":
            screen.hang_up()
            screen.process.wait(timeout=10)
        else:
            screen.process.kill()
            screen.process.wait(timeout=10)
            for pid in started:
                os.kill(pid, signal.SIGCONT)
        assert gone(started)
