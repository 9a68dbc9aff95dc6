"""How long a program takes, how much of the machine it uses, and how two are compared fairly."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = 1024
_LONGEST = 900.0
"""Seconds after which a program is ended and its row says so."""


class FailedError(Exception):
    """A program did not do what is measured; the text says what it did."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run: what it is called in the tables, and its words."""

    name: str
    words: Sequence[str]
    shown: str
    """As one would type it, without paths of this machine."""
    environment: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = (0,)
    """The exit statuses of a run that did its work."""
    to_file: bool = False
    """Whether what it writes goes into a file: to /dev/null, grep stops at the first hit."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run took."""

    seconds: float
    processor: float
    """Seconds of processor time, of its children too."""


def run(command: Command, folder: Path, longest: float = _LONGEST) -> Taken:
    """Runs a program to its end, what it writes thrown away."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as written:
        began = time.perf_counter()
        try:
            process = subprocess.Popen(
                list(command.words),
                stdin=subprocess.DEVNULL,
                stdout=written if command.to_file else subprocess.DEVNULL,
                stderr=said,
                cwd=folder,
                env={**os.environ, **command.environment},
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise FailedError(f"{error.filename} is missing") from error
        status, processor = _ended(process, longest)
        seconds = time.perf_counter() - began
        code = os.waitstatus_to_exitcode(status)
        if code not in command.statuses:
            said.seek(0)
            raise FailedError(_reason(command, code, seconds, longest, said.read()))
    return Taken(seconds, processor)


def _ended(process: subprocess.Popen[bytes], longest: float) -> tuple[int, float]:
    """Waits for a program, or ends it; its status, and its seconds of processor time."""
    timer = threading.Timer(longest, _kill, (process.pid,))
    timer.start()
    try:
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:
        _kill(process.pid)  # Ctrl-C must not leave it behind: it has a session of its own
        raise
    finally:
        timer.cancel()
    process.returncode = 0  # it has been waited for here
    return status, used.ru_utime + used.ru_stime


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _reason(command: Command, code: int, seconds: float, longest: float, said: bytes) -> str:
    if code == -signal.SIGKILL and seconds >= longest:
        return f"{command.name} had not ended after {longest:.0f} s"
    lines = said.decode("utf-8", "replace").strip().splitlines()
    last = lines[-1][:200] if lines else f"status {code}"
    return f"{command.name}: {last}"


def best(commands: Sequence[Command], folder: Path, turns: int) -> dict[str, Taken | FailedError]:
    """The best run of each, in turns, so that what else the machine does hits all alike.

    The first command must not fail; of another that fails, the failure is what is given back.
    """
    found: dict[str, Taken | FailedError] = {}
    for _ in range(turns):
        for command in commands:
            before = found.get(command.name)
            if isinstance(before, FailedError):
                continue
            try:
                taken = run(command, folder)
            except FailedError as failure:
                if command is commands[0]:
                    raise
                found[command.name] = failure
                continue
            if before is None or taken.seconds < before.seconds:
                found[command.name] = taken
    return found


def processes(pid: int) -> list[int]:
    """A process and all that it started, as far as they run."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += processes(int(child))
    return found


def processor_seconds(pid: int) -> float:
    """Processor time that a process and its children have used so far."""
    total = 0
    for one in processes(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))
    return total / TICKS


def memory(pid: int, key: str = "Pss") -> int:
    """Bytes of a process and its children: `Pss` shares out what they share, or `Pss_Anon`."""
    total = 0
    for one in processes(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith(f"{key}:"):
                    total += int(line.split()[1]) * _PAGE
    return total


def highest(pid: int) -> int:
    """Most bytes that the process itself had in memory so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * _PAGE
    return 0


class MemoryWatch:
    """The most memory that a process and its children had while the block ran."""

    def __init__(self, pid: int, every: float = 0.2) -> None:
        self.peak = 0
        self._pid = pid
        self._over = threading.Event()
        self._every = every
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            self.peak = max(self.peak, highest(self._pid))

    def _run(self) -> None:
        while not self._over.wait(self._every):
            self.peak = max(self.peak, memory(self._pid))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cores() -> list[int]:
    """The processor's cores that may be used here."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else [0]
