"""What the user named → what can be opened: labels, folders, patterns, and what is no log."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from glob import glob, has_magic
from pathlib import Path

from pdtui.core.roles import ROLES, role_of_label
from pdtui.core.scan import EVERYTHING, Depth
from pdtui.core.source import Source
from pdtui.core.stamps import first_year
from pdtui.errors import SourceError
from pdtui.follow.feed import Feed
from pdtui.follow.follower import Follower, reason
from pdtui.follow.stream import StreamFollower
from pdtui.follow.tail import TailSource, begin_of_tail

STDIN = "-"
LOG_PATTERNS = ("*.log", "*.out", "*.err", "*.jsonl")
"""The files of a folder that are taken for logs."""
SAMPLE = 64 * 1024
"""Bytes that tell what a source is."""
_LABELLED = re.compile(r"(?P<label>[\w.@/ -]+)=(?P<path>.+)", re.S)
_DATE = re.compile(
    rb"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) (0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]) \d\d:\d\d:\d\d "
)
_DATED = re.compile(rb"^\[?(20\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[ T]\d\d:\d\d:\d\d", re.M)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c\x1b\x08\x00"))
_MAGIC = {
    b"\x1f\x8b": "is compressed; open it with: zcat FILE | pdtui -",
    b"\x28\xb5\x2f\xfd": "is compressed; open it with: zstdcat FILE | pdtui -",
    b"BZh": "is compressed; open it with: bzcat FILE | pdtui -",
    b"\xfd7zXZ": "is compressed; open it with: xzcat FILE | pdtui -",
    b"PK\x03\x04": "is an archive, not a log",
    b"\x7fELF": "is a program, not a log",
}
_MOST_CONTROL = 0.05
"""Most control characters that a text has; noise (a compressed format) has 9 in a hundred."""
_PIPE = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
"""Not blocking, so that a pipe that never gets a writer does not hold the thread for ever."""


@dataclass(frozen=True, slots=True)
class Named:
    """One source as the user named it."""

    label: str
    path: Path
    stream: bool = False
    """Whether it can be read only once and only forwards: stdin, a named pipe."""
    descriptor: int | None = None
    """Where stdin was moved to, if the keys come from descriptor 0 instead."""

    @property
    def stdin(self) -> bool:
        """Whether this is stdin."""
        return str(self.path) == STDIN


def resolve(arguments: Iterable[str]) -> tuple[list[Named], list[SourceError]]:
    """The sources that the arguments name, and what cannot be a source.

    A folder means the logs in it, a pattern the files that fit it. Sources of one name get their
    folder in front (`node1/prefill`).
    """
    named: list[tuple[str | None, Path]] = []
    problems: list[SourceError] = []
    for argument in arguments:
        label, text = _split_label(argument)
        try:
            named += [(label, path) for path in _paths(text)]
        except SourceError as error:
            problems.append(error)
    labels = _labels(named)
    return [
        Named(label, path, _is_stream(path)) for label, (_, path) in zip(labels, named, strict=True)
    ], problems


def problem_with(named: Named) -> SourceError | None:
    """Why this source cannot be read now, None if it can. An empty file is a problem too."""
    if named.stream:
        return None
    try:
        with named.path.open("rb") as file:
            sample = file.read(SAMPLE)
    except OSError as error:
        return SourceError(str(named.path), reason(error))
    return problem_in(sample, str(named.path))


def unreadable(named: Named) -> SourceError | None:
    """The same of what is missing or may not be read, whatever may be in it."""
    if named.stream:
        return None
    try:
        with named.path.open("rb") as file:
            file.read(1)
    except OSError as error:
        return SourceError(str(named.path), reason(error))
    return None


def is_no_log(named: Named) -> SourceError | None:
    """The same of what will never be a log: binary, compressed. Missing or empty may become one."""
    problem = problem_with(named)
    return problem if problem and not _may_become_log(named.path) else None


def problem_in(sample: bytes, name: str) -> SourceError | None:
    """Why what begins with these bytes (SAMPLE of them are enough) is no log, None if it is."""
    said = _no_log(sample) if sample else "is empty"
    return SourceError(name, said) if said else None


def feed_of(
    named: Named, year: int | None, ring: Callable[[], None], depth: Depth = EVERYTHING
) -> Feed:
    """The feed of a source; `year` is that of its first stamp, else it is taken from the file."""
    if named.stream:
        if named.stdin:
            descriptor = 0 if named.descriptor is None else named.descriptor
            return Feed(
                StreamFollower(named.path, lambda: os.dup(descriptor), ring),
                lambda: Source(named.label, STDIN, year or datetime.now().year, depth),
            )
        return Feed(
            StreamFollower(named.path, lambda: os.open(named.path, _PIPE), ring),
            lambda: Source(named.label, str(named.path), year or datetime.now().year, depth),
        )

    def renew() -> Source:
        return Source(named.label, str(named.path), year or year_of(named.path), depth)

    return Feed(Follower(named.path), renew, tail=lambda: _tail_feed(named, year, renew))


def _tail_feed(named: Named, year: int | None, renew: Callable[[], Source]) -> Feed | None:
    """The feed of the file's last lines, None where they are not worth one."""
    begin = begin_of_tail(named.path)
    if not begin:
        return None
    first = year_of(named.path, begin)
    if year:
        first += year - year_of(named.path)
    tail = TailSource(named.label, str(named.path), first, begin)
    return Feed(Follower(named.path, begin), renew, first=tail)


def year_of(path: Path, begin: int = 0) -> int:
    """The year of the file's first stamp (from byte `begin` on).

    It is told by the stamps and by when the file was last written.
    """
    now = datetime.now()
    try:
        with path.open("rb") as file:
            file.seek(begin)
            start = file.read(SAMPLE)
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - SAMPLE))
            end = file.read()
            written = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime)
    except (OSError, ValueError, OverflowError):
        return now.year
    if dated := _DATED.findall(end) or _DATED.findall(start):
        # A line of NCCL or of a launcher says the year itself, and knows better than the file.
        with contextlib.suppress(ValueError):  # the 30th of February
            year, month, day = map(int, dated[-1])
            written = datetime(year, month, day)
    first, last = _DATE.search(start), _DATE.findall(end)
    if not first or not last:
        return written.year
    return first_year((int(first[1]), int(first[2])), (int(last[-1][0]), int(last[-1][1])), written)


def _split_label(argument: str) -> tuple[str | None, str]:
    found = _LABELLED.fullmatch(argument)
    if found and not _mode(Path(argument)):
        return found["label"].strip(), found["path"]
    return None, argument


def _paths(text: str) -> list[Path]:
    path = Path(text)
    if text == STDIN:
        return [path]
    if stat.S_ISDIR(_mode(path)):
        found = _logs_in(path)
        if not found:
            raise SourceError(text, "is a folder without logs (" + ", ".join(LOG_PATTERNS) + ")")
        return found
    if has_magic(text) and not _mode(path):
        found = _by_role({Path(f) for f in glob(text) if not stat.S_ISDIR(_mode(Path(f)))})  # noqa: PTH207 - a pattern may be absolute
        if not found:
            raise SourceError(text, "no file fits this pattern")
        return found
    return [path]


def _mode(path: Path) -> int:
    """What is there, 0 for nothing or where one may not look (there `Path.exists` raises)."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _logs_in(folder: Path) -> list[Path]:
    try:
        files = _by_role({file for file in folder.iterdir() if file.is_file()})
    except OSError as error:
        raise SourceError(str(folder), reason(error)) from error
    return [file for file in files if any(file.match(pattern) for pattern in LOG_PATTERNS)]


def _by_role(paths: set[Path]) -> list[Path]:
    """Prefill before decode before the proxy, then by name: as one would name them."""

    def place(path: Path) -> tuple[int, str]:
        role = role_of_label(path.stem)
        return (ROLES.index(role) if role in ROLES else len(ROLES), str(path))

    return sorted(paths, key=place)


def _labels(named: list[tuple[str | None, Path]]) -> list[str]:
    """A label for each, all different: the stem, with as much of the path as it takes."""
    labels: list[str] = []
    more = [label or _stem(path) for label, path in named]
    longer = [iter(()) if label else _longer(path) for label, path in named]
    places = [_place(path) for _, path in named]
    while more != labels:
        labels = more
        taken = Counter(label for label, _ in set(zip(labels, places, strict=True)))
        more = [
            next(names, label) if taken[label] > 1 else label
            for label, names in zip(labels, longer, strict=True)
        ]
    seen: Counter[str] = Counter()
    for number, label in enumerate(labels):
        seen[label] += 1
        if seen[label] > 1:
            labels[number] = f"{label}#{seen[label]}"
    return labels


def _stem(path: Path) -> str:
    return "stdin" if str(path) == STDIN else _shown(path.stem or str(path))


def _longer(path: Path) -> Iterator[str]:
    """Names of the path, each with more of it than the one before."""
    folders = () if str(path) == STDIN else _place(path).parts[1:-1]
    for begin in reversed(range(len(folders))):
        for name in (path.stem, path.name):
            yield _shown("/".join((*folders[begin:], name)))


def _place(path: Path) -> Path:
    """Where the path is. A link is where it is itself: what it leads to was not named."""
    # Not Path.resolve, which raises RuntimeError for links that lead in a circle.
    return Path(os.path.realpath(path.parent), path.name)


def _shown(name: str) -> str:
    """A file name as text, whatever bytes it is made of."""
    return os.fsencode(name).decode("utf-8", "replace")


def _is_stream(path: Path) -> bool:
    if str(path) == STDIN:
        return True
    mode = _mode(path)
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def _no_log(sample: bytes) -> str | None:
    """What the bytes are, if not text. Runs of NULs may be: truncating a log leaves such holes."""
    for magic, said in _MAGIC.items():
        if sample.startswith(magic):
            return said
    text = sample.replace(b"\0", b"")
    control = len(text) - len(text.translate(None, _CONTROL))
    scattered = len(re.findall(rb"\0+", sample))
    if control + scattered > _MOST_CONTROL * max(len(text), 1) and text:
        return "is binary, not a log"
    return None


def _may_become_log(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return not file.read(1)
    except OSError:
        return True
