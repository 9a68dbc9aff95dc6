"""Reads large files at once, a process each or several: Python's threads share one interpreter.

A file is read here as `Ingest.load` reads it, in a process of its own, which sends back what it
found: six bytes of columns a row, not the text. Where there are more processors than files, each
file is read by several processes, see `splitting.py`; one file alone is put together here.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import repeat
from pathlib import Path

from pdtui.core.grammar import Grammar, grammar_in_use, use_grammar
from pdtui.core.markers import Marker, add_markers, added_markers
from pdtui.core.scan import Depth
from pdtui.core.source import Segment, Source
from pdtui.core.store import Store
from pdtui.follow.feed import Feed
from pdtui.follow.follower import FROM_THE_START, Follower, proof_of
from pdtui.follow.ingest import Ingest
from pdtui.follow.opening import Named, feed_of
from pdtui.follow.splitting import cores, processes_for, read_split

WORTH_IT = 8 * 1024 * 1024
"""Bytes of a file from which on a process of its own is worth its start."""


def read_at_once(named: Sequence[Named], year: int | None, depth: Depth) -> dict[Named, Source]:
    """The sources that were read by processes of their own: none, or two and more.

    What is missing here (a stream, a small file, one that changed meanwhile) is for the caller.
    """
    sizes = {source: _size(source) for source in named}
    large = [source for source in named if sizes[source] >= WORTH_IT]
    shares = processes_for([sizes[source] for source in large], cores())
    workers = min(len(large), cores())
    try:
        if workers == 1 and shares[0] > 1:
            return {one: _read(one, year, depth, shares[0]) for one in large}
        if workers < 2:
            return {}
        settings = (grammar_in_use(), added_markers())
        with ProcessPoolExecutor(workers, _context(), _begin, settings) as pool:
            found = pool.map(_read_elsewhere, large, repeat(year), repeat(depth), shares)
            pairs = [(one, _attached(one, *read)) for one, read in zip(large, found, strict=True)]
    except (BrokenProcessPool, OSError):
        # No memory or no processes left: one after the other will do.
        return {}
    return {one: source for one, source in pairs if source is not None}


def _size(source: Named) -> int:
    if source.stream:
        return 0
    try:
        return source.path.stat().st_size
    except OSError:
        return 0


def _context() -> multiprocessing.context.BaseContext:
    # Forking spares each process the imports; nothing has started a thread yet.
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if "fork" in methods else "spawn")


def _begin(grammar: Grammar, markers: tuple[Marker, ...]) -> None:
    # Ctrl-C ends these at once and without a word; the program itself says how it ended.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    add_markers(markers)
    use_grammar(grammar)


def _read(named: Named, year: int | None, depth: Depth, processes: int) -> Source:
    """Reads one file to its end, by so many processes."""
    store, feed = Store(), feed_of(named, year, lambda: None, depth)
    ingest = Ingest(store, [feed])
    if processes > 1:
        _split(feed, processes)
    ingest.load()
    return feed.source


def _split(feed: Feed, processes: int) -> None:
    """Reads what is in the file by several processes; what comes after that is for the feed."""
    assert isinstance(feed.follower, Follower)
    descriptor = feed.follower.open()
    read = read_split(feed.source, descriptor, processes)
    if read is None:
        feed.source = feed.renew()
    proof = FROM_THE_START if read is None else proof_of(descriptor, read)
    feed.source.segments.append(Segment(0, feed.follower.resume(proof)))


def _read_elsewhere(
    named: Named, year: int | None, depth: Depth, processes: int
) -> tuple[Source, tuple[int, int]]:
    """Reads one file to its end: the source without its file, and which file it was."""
    source = _read(named, year, depth, processes)
    which = _identity(source.segments[0].descriptor) if len(source.segments) == 1 else (-1, -1)
    return source, which


def _attached(named: Named, source: Source, which: tuple[int, int]) -> Source | None:
    """The source with its file opened here; None where the name is another file's by now."""
    try:
        descriptor = os.open(Path(named.path), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    if _identity(descriptor) != which:
        os.close(descriptor)
        return None
    source.segments.append(Segment(0, descriptor))
    return source


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino
