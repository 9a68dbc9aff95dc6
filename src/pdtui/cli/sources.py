"""From the words on the command line to what can be read, and what is wrong with the rest."""

# ruff: noqa: PLC0415 -- numpy is imported only where it is needed

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pdtui.cli.stdin import refuse_closed_stdin
from pdtui.errors import SourceError

if TYPE_CHECKING:
    from pdtui.core.scan import Depth
    from pdtui.core.store import Store
    from pdtui.follow.opening import Named


def named_sources(words: Iterable[str]) -> tuple[list[Named], list[SourceError]]:
    """The sources that the words name, and what cannot be one; stdin is one source at most."""
    from pdtui.follow.opening import resolve

    named, troubles = resolve(words)
    kept: list[Named] = []
    for source in named:
        if source.stdin:
            refuse_closed_stdin()
        if source.stdin and any(other.stdin for other in kept):
            troubles.append(SourceError("-", "is named twice, and can be read only once"))
        else:
            kept.append(source)
    return kept, troubles


def without(
    named: list[Named], problem: Callable[[Named], SourceError | None]
) -> tuple[list[Named], list[SourceError]]:
    """The sources without a problem, and the problems of the others."""
    found = [(source, problem(source)) for source in named]
    return (
        [source for source, trouble in found if trouble is None],
        [trouble for _, trouble in found if trouble is not None],
    )


def load(named: list[Named], year: int | None, depth: Depth) -> tuple[Store, list[SourceError]]:
    """Reads every source to its end; returns those that are logs, and what is wrong with any."""
    from pdtui.core.store import Store
    from pdtui.follow.ingest import Ingest
    from pdtui.follow.opening import SAMPLE, feed_of, problem_in, problem_with
    from pdtui.follow.parallel import read_at_once
    from pdtui.follow.stream import StreamFollower

    readable, troubles = without(named, problem_with)
    store = Store()
    done = read_at_once(readable, year, depth)
    rest = [source for source in readable if source not in done]
    feeds = [feed_of(source, year, lambda: None, depth) for source in rest]
    Ingest(store, feeds).load()
    followers = dict(zip(rest, (feed.follower for feed in feeds), strict=True))
    sources = done | dict(zip(rest, store.sources, strict=True))
    store.sources[:] = [sources[source] for source in readable]
    streams = [
        follower if isinstance(follower, StreamFollower) else None
        for follower in map(followers.get, readable)
    ]
    kept = []
    for source, stream in zip(store.sources, streams, strict=True):
        said = stream.problem if stream else source.trouble
        if said:
            troubles.append(SourceError(source.path, said))
        elif stream and (no_log := problem_in(source.read(0, SAMPLE), source.path)):
            troubles.append(no_log)
            continue
        # What was read of a source before it failed is shown, as `cat` does.
        kept.append(source)
    store.sources[:] = kept
    return store, troubles
