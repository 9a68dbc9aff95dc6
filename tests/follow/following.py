"""What the tests of this folder share: files that are followed by real threads, and waiting."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest

from pdtui.core.source import Source
from pdtui.core.store import Store
from pdtui.follow import follower
from pdtui.follow.follower import Follower, Growth
from pdtui.follow.ingest import Ingest
from pdtui.follow.opening import Named, feed_of, resolve
from pdtui.follow.watcher import Watcher

SOON = 0.3
"""Seconds within which a doorbell must have brought an appended line."""
T = TypeVar("T")


def eventually(condition: Callable[[], T], timeout: float = 5.0, said: str = "") -> T:
    """What the condition returns as soon as that is true; fails if it does not become so."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {timeout} s: {said or condition.__qualname__}, was {found!r}")
        time.sleep(0.002)
    return found


def lines_of(source: Source) -> list[str]:
    """The rows' texts, without their newlines."""
    return [source.line(row).decode().removesuffix("\n") for row in range(len(source))]


def line(number: int, text: str = "step") -> str:
    """A line of vLLM's."""
    return f"INFO 11-01 10:30:{number // 1000 % 60:02} [core.py:7] {text} {number}\n"


def append(path: Path, text: str) -> None:
    """Writes to the end of the file, as `>>` does."""
    with path.open("a") as file:
        file.write(text)


def descriptors() -> set[int]:
    """The open descriptors of this process."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        # The one that lists the folder is closed by now.
        with suppress(FileNotFoundError):
            link.readlink()
            found.add(int(link.name))
    return found


def members(group: int) -> list[int]:
    """The processes of a process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found


def threads() -> set[threading.Thread]:
    """The threads that run."""
    return set(threading.enumerate())


class Live:
    """A session: files that are followed, and the store that their rows reach."""

    def __init__(self, named: list[Named], *, watch: bool, follow: bool, year: int | None) -> None:
        self.store = Store()
        self.revisions: list[int] = []
        feeds = [feed_of(one, year, self._ring) for one in named]
        self.ingest = Ingest(self.store, feeds, self.revisions.append, follow=follow)
        paths = [one.path for one in named if not one.stream]
        self.watcher = Watcher(paths, self.ingest.ring) if watch else None

    def __getitem__(self, label: str) -> Source:
        """The source with this label, as it is now."""
        return next(source for source in self.store.sources if source.label == label)

    def lines(self, label: str) -> list[str]:
        """The texts of the rows of a source."""
        return lines_of(self[label])

    def holds(self, label: str, *wanted: str) -> bool:
        """Waits until the source's rows are these, and no others."""
        eventually(
            lambda: self.lines(label) == list(wanted),
            said=f"{label} holds {wanted!r}, holds {self.lines(label)!r}",
        )
        return True

    def loaded(self) -> None:
        """Waits until what is there at the start has been read."""
        eventually(lambda: self.store.loaded, said="loaded")

    def ended(self) -> bool:
        """Whether the thread has ended by itself."""
        return not self.ingest._thread.is_alive()

    def start(self) -> None:
        """Begins to follow."""
        if self.watcher:
            self.watcher.start()
        self.ingest.start()

    def _ring(self) -> None:
        self.ingest.ring()

    def stop(self) -> None:
        """Stops as the viewer does: the doorbell first."""
        if self.watcher:
            self.watcher.stop()
        self.ingest.stop()


@contextmanager
def live(
    *paths: Path | str, watch: bool = True, follow: bool = True, year: int | None = 2025
) -> Iterator[Live]:
    """Follows the paths while the block runs; no thread may have failed in it."""
    named, problems = resolve(map(str, paths))
    assert not problems
    session = Live(named, watch=watch, follow=follow, year=year)
    session.start()
    try:
        yield session
    finally:
        session.stop()
        session.store.close()
    assert session.ingest.failure == ""


class Polled:
    """A follower asked by hand, and what its receiver would have made of the answers."""

    def __init__(self, path: Path) -> None:
        self.follower = Follower(path)
        self.changes: list[str] = []
        self.data = b""
        """All bytes since the file was opened or truncated, in the order they came."""
        self.note = ""
        self._given: set[int] = set()

    def poll(self, limit: int = follower.BLOCK) -> Growth:
        """Asks once."""
        growth = self.follower.poll(limit)
        if growth.change is not follower.Change.NONE:
            self.changes.append(growth.change.value)
            self._given.add(growth.descriptor)
            if growth.change is follower.Change.TRUNCATED:
                self.data = b""
        # The receiver's own descriptor must give the same bytes at the place that is said.
        assert not growth.data or growth.data == os.pread(
            growth.descriptor, len(growth.data), growth.at
        )
        self.data += growth.data
        self.note = growth.note
        return growth

    def drain(self, limit: int = follower.BLOCK) -> bytes:
        """Asks until there is nothing new; returns what there was."""
        data = b""
        while growth := self.poll(limit).data:
            data += growth
        return data

    def close(self) -> None:
        """Closes the follower's files and those that it gave away."""
        self.follower.close()
        for descriptor in self._given:
            os.close(descriptor)


def failing(
    function: Callable[..., T], error: OSError, when: Callable[..., bool] = lambda *_: True
) -> Callable[..., T]:
    """The function, but it raises where `when` says so of its arguments."""

    def called(*arguments: object, **options: object) -> T:
        if when(*arguments):
            raise type(error)(*error.args)
        return function(*arguments, **options)

    return called
