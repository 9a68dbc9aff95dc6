"""A process that a log names is said to be gone only where that is certain."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from pdtui.core.source import Source
from pdtui.follow.processes import ThisHost, find_gone

FIRST = datetime(2025, 11, 1, 10, 30, 45)


class Table:
    """A host with these processes (pid → seconds that it began after the logs' first row)."""

    def __init__(self, began: Mapping[int, float], host: str = "vm") -> None:
        self.host = host
        self._began = began

    def started(self, pid: int) -> float | None:
        """When it began."""
        after = self._began.get(pid)
        return None if after is None else FIRST.timestamp() + after


def log(pid: int, host: str = "vm", second: int = 45) -> Source:
    """A log of one process: a row with its prefix, and one of NCCL's with the host's name."""
    source = Source(f"log{pid}", "", 2025)
    source.feed(
        f"(Worker pid={pid}) INFO 11-01 10:30:{second} [x.py:1] up\n"
        f"{host}:{pid}:{pid + 1} [0] NCCL INFO Bootstrap: Using eth0\n"
        f"(Worker pid={pid}) INFO 11-01 10:30:59 [x.py:1] the last\n".encode()
    )
    return source


def gone(table: Table, *sources: Source) -> list[tuple[int, int, int]]:
    """Source, last row and pid of each process that is gone."""
    snapshot = [(source, len(source)) for source in sources]
    return [(one.last.source, one.last.row, one.pid) for one in find_gone(snapshot, table)]


def test_a_process_that_is_not_there_while_another_is() -> None:
    """Prefill is there and began before its first row: the pids are this host's."""
    assert gone(Table({11: -30}), log(11), log(12)) == [(1, 2, 12)]


def test_those_that_are_there_are_not_gone() -> None:
    """A stamp is cut to seconds: a process may seem to begin a second late."""
    assert gone(Table({11: -30, 12: 1}), log(11), log(12)) == []


def test_a_pid_that_was_given_to_another_process_is_gone() -> None:
    """What has this pid now began long after the log's first row."""
    assert gone(Table({11: -30, 12: 500}), log(11), log(12)) == [(1, 2, 12)]


def test_of_another_host_nothing_is_said() -> None:
    """The log was copied here; the pids are another host's."""
    assert gone(Table({11: -30}, host="laptop"), log(11), log(12)) == []
    assert gone(Table({11: -30}), log(11), log(12, host="node7")) == []


def test_where_none_is_there_nothing_is_said() -> None:
    """A container has its host's name and pids of its own; or the run is long over."""
    assert gone(Table({}), log(11), log(12)) == []
    assert gone(Table({11: 500, 12: 500}), log(11), log(12)) == []


def test_a_log_that_names_no_host_or_two_says_nothing() -> None:
    """Nobody knows where its processes are."""
    silent = Source("a", "", 2025)
    silent.feed(b"(Worker pid=12) INFO 11-01 10:30:45 [x.py:1] up\n")
    assert gone(Table({11: -30}), log(11), silent) == []
    two = log(12)
    two.feed(b"node7:13:14 [0] NCCL INFO Bootstrap: Using eth0\n")
    assert gone(Table({11: -30}), log(11), two) == []


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
def test_this_host_knows_its_own_processes() -> None:
    """This process began before now; none has the largest pid there is."""
    table = ThisHost()
    started = table.started(os.getpid())
    assert started is not None
    assert 0 <= datetime.now().timestamp() - started < 86_400
    assert table.host == socket.gethostname()


def test_a_host_without_proc_knows_nothing(tmp_path: Path) -> None:
    """macOS has none; a damaged file is no reason to fail."""
    assert ThisHost(tmp_path).started(1) is None
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "stat").write_text("1 (x) S")
    assert ThisHost(tmp_path).started(1) is None


def test_a_process_name_with_brackets_is_read_past(tmp_path: Path) -> None:
    """proc(5): the name stands in parentheses and may hold some itself."""
    (tmp_path / "stat").write_text("cpu 1\nbtime 1000\n")
    (tmp_path / "7").mkdir()
    fields = " ".join(["S", *map(str, range(4, 22)), str(50 * os.sysconf("SC_CLK_TCK")), "0"])
    (tmp_path / "7" / "stat").write_text(f"7 (a) b) (c) {fields}\n")
    assert ThisHost(tmp_path).started(7) == 1050
