"""Follows files under load for longer than a test may take, and prints what it cost.

    python scripts/soak_follow.py [--seconds 10] [--rate 200000] [--files 16]

Measured are: how long an appended line takes to the store, at rest and under load; whether a
flood into one file, and into files that are rotated and truncated, arrives whole; the processor
time of following files in which nothing happens; threads and descriptors left after stopping.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pdtui.core.source import Source
from pdtui.core.store import Store
from pdtui.follow.ingest import Ingest
from pdtui.follow.opening import feed_of, resolve
from pdtui.follow.watcher import Watcher

TEXT = "(EngineCore_DP0 pid=72) INFO 11-01 10:30:45 [core.py:58] 🔍 [Rank 0] step {}\n"
_AT_ONCE = 1000


@contextmanager
def following(paths: list[Path]) -> Iterator[Store]:
    """Follows the files while the block runs."""
    store = Store()
    feeds = [feed_of(named, 2025, lambda: ingest.ring()) for named in resolve(map(str, paths))[0]]  # noqa: PLW0108
    ingest = Ingest(store, feeds)
    watcher = Watcher(paths, ingest.ring)
    watcher.start()
    ingest.start()
    try:
        wait_for(lambda: store.loaded)
        yield store
    finally:
        watcher.stop()
        ingest.stop()
        store.close()
        if ingest.failure:
            sys.exit(f"the thread ended: {ingest.failure}")


def wait_for(condition: Callable[[], object], timeout: float = 60.0) -> float:
    """Waits until the condition holds; returns how long, in seconds."""
    began = time.perf_counter()
    while not condition():
        if time.perf_counter() - began > timeout:
            sys.exit("FAILED: waited in vain")
        time.sleep(0.0005)
    return time.perf_counter() - began


def write(path: Path, seconds: float, rate: int, rotate: float) -> None:
    """Writes numbered lines; run as a process of its own."""
    file = path.open("ab", buffering=0)
    began = rotated = time.monotonic()
    number = 0
    while time.monotonic() - began < seconds:
        if rotate and time.monotonic() - rotated > rotate:
            rotated = time.monotonic()
            path.rename(f"{path}.{number}")
            file.close()
            file = path.open("ab", buffering=0)
        file.write("".join(TEXT.format(n) for n in range(number, number + _AT_ONCE)).encode())
        number += _AT_ONCE
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
    print(number)


@contextmanager
def writer(path: Path, seconds: float, rate: int, rotate: float = 0) -> Iterator[Callable[[], int]]:
    """Such a process; yields what waits for its end and says how many lines it wrote."""
    command = [sys.executable, __file__, "--write", str(path)]
    command += ["--seconds", str(seconds), "--rate", str(rate), "--rotate", str(rotate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield lambda: int(process.communicate()[0])


def is_whole(source: Source, lines: int) -> bool:
    """Whether the source's rows are lines 0 … lines-1, each once and in order."""
    begins = [*source.columns.offset[:].tolist(), source.end]
    wanted = b"".join(TEXT.format(row).encode() for row in range(lines))
    return (
        len(source) == lines
        and source.read(0, source.end) == wanted
        and all(wanted[end - 1] == ord("\n") for end in begins[1:])
    )


def chat(paths: list[Path]) -> None:
    """Writes a line to each file in turn, 20 a second to each; run as a process of its own."""
    files = [path.open("a", buffering=1) for path in paths]
    while True:
        for file in files:
            file.write(TEXT.format(0))
            time.sleep(0.05 / len(files))


@contextmanager
def chatter(paths: list[Path]) -> Iterator[None]:
    """Such a process, if there are any files for it."""
    if not paths:
        yield
        return
    with subprocess.Popen([sys.executable, __file__, "--chat", *map(str, paths)]) as process:
        yield
        process.kill()


def latency(folder: Path, files: int, busy: int) -> None:
    """Append → store, in one of `files` files, while `busy` others are written to."""
    paths = [folder / f"latency{busy}-{number}.log" for number in range(files)]
    for path in paths:
        path.touch()
    with (
        following(paths) as store,
        chatter(paths[1 : busy + 1]),
        paths[0].open("a", buffering=1) as file,
    ):
        source = next(s for s in store.sources if s.path == str(paths[0]))
        processor, began = time.process_time(), time.perf_counter()
        took = []
        for number in range(200):
            file.write(TEXT.format(number))
            took.append(wait_for(lambda wanted=number: len(source) > wanted) * 1000)
            time.sleep(0.031)
        used = (time.process_time() - processor) / (time.perf_counter() - began)
    print(
        f"append → store, {files} files, {busy} of them with 20 lines/s: median"
        f" {statistics.median(took):.1f} ms, max {max(took):.1f} ms, {used:.0%} of a core"
    )


def flood(folder: Path, seconds: float, rate: int, rotate: float) -> None:
    """A flood into one file, rotated every so many seconds or not at all."""
    path = folder / f"flood{rotate}.log"
    behind = 0
    with following([path]) as store, writer(path, seconds, rate, rotate) as ended:
        processor = time.process_time()
        lines = ended()
        behind = lines - len(store.sources[0])
        caught_up = wait_for(lambda: len(store.sources[0]) >= lines)
        processor = time.process_time() - processor
        whole = is_whole(store.sources[0], lines)
    print(
        f"flood, {lines / seconds:,.0f} lines/s for {seconds:.0f} s"
        + (f", rotated every {rotate} s" if rotate else "")
        + f": {'whole' if whole else 'LOST OR DOUBLED'}, {behind:,} behind at the end,"
        f" {caught_up:.2f} s to catch up, {processor / (seconds + caught_up):.0%} of a core"
    )


def churn(folder: Path, seconds: float) -> None:
    """A file that is truncated, rotated, deleted and made again, over and over."""
    path = folder / "churn.log"
    deadline, rounds = time.monotonic() + seconds, 0
    with following([path]) as store:
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        while time.monotonic() < deadline:
            text = TEXT.format(rounds)
            if rounds % 3 == 0:
                path.write_text(text)
            elif rounds % 3 == 1:
                path.with_suffix(".new").write_text(text)
                path.with_suffix(".new").replace(path)
            else:
                path.unlink()
                path.write_text(text)
            wait_for(lambda text=text: last_line(store.sources[0]) == text.encode())
            rounds += 1
        left = len(list(Path("/proc/self/fd").iterdir())) - descriptors
    print(
        f"truncated, replaced, deleted {rounds} times in {seconds:.0f} s: {left} descriptors more"
    )


def last_line(source: Source) -> bytes:
    """The text of the last row."""
    return source.line(len(source) - 1) if len(source) else b""


def idle(folder: Path, files: int, seconds: float) -> None:
    """The cost of files in which nothing happens."""
    paths = [folder / f"idle{number}.log" for number in range(files)]
    for path in paths:
        path.write_text(TEXT.format(0))
    with following(paths):
        time.sleep(0.5)
        began = time.process_time()
        time.sleep(seconds)
        used = (time.process_time() - began) / seconds
    print(f"idle, {files} files: {used:.2%} of a core")


def stopping(folder: Path) -> None:
    """How long stopping takes during a flood, and what it leaves."""
    path = folder / "stopping.log"
    before = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    took = []
    for _ in range(10):
        with writer(path, 2, 300_000) as ended:
            with following([path]) as store:
                wait_for(lambda store=store: len(store.sources[0]) > 20_000)
                began = time.perf_counter()
            took.append(time.perf_counter() - began)
            ended()
    left = len(list(Path("/proc/self/fd").iterdir())) - before[0]
    print(
        f"stopping during a flood: at most {max(took) * 1000:.0f} ms, leaves {left} descriptors"
        f" and {threading.active_count() - before[1]} threads"
    )


def main() -> None:
    """Runs all, or is the writer of one of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=int, default=200_000)
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--chat", type=Path, nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rotate", type=float, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.chat:
        chat(given.chat)
    if given.write:
        write(given.write, given.seconds, given.rate, given.rotate)
        return
    with tempfile.TemporaryDirectory(prefix="pdtui-soak-") as name:
        folder = Path(name)
        idle(folder, given.files, given.seconds)
        latency(folder, given.files, busy=0)
        latency(folder, given.files, busy=given.files - 1)
        flood(folder, given.seconds, given.rate, rotate=0)
        flood(folder, given.seconds, given.rate, rotate=0.5)
        churn(folder, given.seconds)
        stopping(folder)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory at most {memory:.0f} MB, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
