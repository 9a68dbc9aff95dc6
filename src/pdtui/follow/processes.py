"""Whether the processes that a log names are still there, on the host that it was written on."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from pdtui.core.evidence import Place
from pdtui.core.inspection import Gone
from pdtui.core.source import Source
from pdtui.core.stamps import NO_TIME, to_datetime
from pdtui.core.store import Snapshot

_TOLERANCE = 2.0
"""Seconds by which a process may seem to begin after its first row: stamps are cut to seconds."""


class ProcessTable(Protocol):
    """What is known of the processes of a host."""

    @property
    def host(self) -> str:
        """The host's name, as NCCL writes it."""

    def started(self, pid: int) -> float | None:
        """When the process with this pid began, in seconds since the epoch; None if none has it."""


class ThisHost:
    """The processes of the host (or container) that this program runs in, from /proc."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc

    @property
    def host(self) -> str:
        """The host's name."""
        return socket.gethostname()

    def started(self, pid: int) -> float | None:
        """When the process began: proc(5), `starttime` of the process and `btime` of the host."""
        with suppress(OSError, ValueError, IndexError, StopIteration):
            stat = (self._proc / str(pid) / "stat").read_text()
            ticks = int(stat.rpartition(")")[2].split()[19])
            lines = (self._proc / "stat").read_text().splitlines()
            boot = int(next(line for line in lines if line.startswith("btime ")).split()[1])
            return boot + ticks / os.sysconf("SC_CLK_TCK")
        return None


class _Named(NamedTuple):
    """A process that a source names, with the first and last row that it wrote."""

    pid: int
    host: str
    first: Place
    last: Place


def find_gone(snapshot: Snapshot, table: ProcessTable) -> list[Gone]:
    """The processes that logs of this host name and that are no longer there.

    Nothing is said unless one of the processes that are named is there, and began before its first
    row: a host's name alone does not tell that the pids are this host's, and not a container's.
    """
    named = [
        process
        for number, (source, stop) in enumerate(snapshot)
        for process in _processes(number, source, stop)
        if process.host == table.host
    ]
    there = [process for process in named if _is_there(process, snapshot, table)]
    if not there:
        return []
    return [Gone(process.last, process.pid) for process in named if process not in there]


def _is_there(process: _Named, snapshot: Snapshot, table: ProcessTable) -> bool:
    """Whether a process has this pid and began before the first row with it."""
    started = table.started(process.pid)
    first = _epoch(snapshot, process.first)
    return started is not None and first is not None and started <= first + _TOLERANCE


def _epoch(snapshot: Snapshot, place: Place) -> float | None:
    """When the row was written, in seconds since the epoch: stamps are this host's local time."""
    when = int(snapshot[place.source][0].columns.when[place.row])
    if when == NO_TIME:
        return None
    return to_datetime(when).timestamp()


def _processes(number: int, source: Source, stop: int) -> list[_Named]:
    """The processes of a source whose host is known: NCCL names it."""
    processes = list(source.kinds.processes)
    hosts = {process.host for process in processes if process.host}
    if len(hosts) != 1:
        return []
    host = next(iter(hosts))
    of_kind = np.array([kind.process for kind in list(source.kinds.kinds)], np.int64)
    found = []
    for index, process in enumerate(processes):
        rows = source.columns.rows_of(of_kind == index, stop)
        if process.pid is not None and len(rows):
            first, last = Place(number, int(rows[0])), Place(number, int(rows[-1]))
            found.append(_Named(process.pid, host, first, last))
    return found
