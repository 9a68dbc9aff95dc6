"""`pdtui check`: what is wrong with a run, for bug reports and for CI."""

# ruff: noqa: PLC0415 -- numpy is imported only where it is needed

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pdtui.cli.configuration import say_configuration_problems
from pdtui.cli.ending import TROUBLE, say
from pdtui.cli.options import Typed, filter_of, offsets_of, reading, told
from pdtui.cli.sources import load, named_sources

if TYPE_CHECKING:
    from pdtui.core.evidence import Place
    from pdtui.core.inspection import Inspection
    from pdtui.core.problems import Problem
    from pdtui.core.source import Source
    from pdtui.core.store import Store

PROBLEMS = 1
"""The exit status where something is wrong with the run."""
_MOST_ROWS = 3
_WIDEST = 150


@click.command()
@reading
@click.option(
    "--json", "as_json", is_flag=True, help=told("The answer for other programs", "--json | jq .")
)
@click.option(
    "--threshold",
    type=click.FloatRange(min=0, max=86_400),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help=told("How long a wait is a stall while logs grow", "--threshold 60"),
)
def check(typed: Typed, as_json: bool, threshold: float) -> int:
    """Says what is wrong, and who waits for whom.

    What failed first stands first, and what followed from it under it. The exit status is 0 where
    nothing is wrong, 1 where something is, 2 where a source could not be read. Filters leave out
    the problems of which no row passes.

    \b
    Examples:
      pdtui check prefill.log decode.log
      pdtui check --json logs/ > check.json
      pdtui check --offset decode=+4s prefill.log decode.log || exit 1
    """
    from pdtui.core.scan import EVERYTHING

    say_configuration_problems()
    wanted = filter_of(typed)
    named, troubles = named_sources(typed.sources)
    offsets = offsets_of(typed.offset, [source.label for source in named]) if named else {}
    store, more = load(named, typed.year, EVERYTHING)
    for trouble in (*troubles, *more):
        say(trouble)
    failed = False
    if store.sources:
        from pdtui.core.check import as_json as answer
        from pdtui.core.check import find_problems, is_failed, passing

        inspection = _inspect(store, offsets, threshold)
        problems = passing(find_problems(inspection), inspection, wanted)
        failed = is_failed(problems)
        if as_json:
            click.echo(json.dumps(answer(inspection, problems), ensure_ascii=False, indent=2))
        else:
            for line in _told(inspection, problems):
                # What a log says is data, and never a command to the terminal.
                click.echo("".join(sign if sign.isprintable() else "·" for sign in line))
    return TROUBLE if troubles or more else PROBLEMS if failed else 0


def _inspect(store: Store, offsets: dict[str, int], threshold: float) -> Inspection:
    from pdtui.core.inspection import Inspection
    from pdtui.core.stamps import SECOND
    from pdtui.follow.processes import ThisHost, find_gone

    snapshot = store.snapshot()
    growing = any(_is_growing(source, threshold) for source, _ in snapshot)
    gone = find_gone(snapshot, ThisHost())
    return Inspection(
        snapshot, offsets, growing=growing, threshold=int(threshold * SECOND), gone=gone
    )


def _is_growing(source: Source, threshold: float) -> bool:
    """Whether the file was written to just now, by who wrote its last stamp: no copy of a log."""
    from pdtui.core.stamps import NO_TIME, to_datetime

    with suppress(OSError):
        changed = Path(source.path).stat().st_mtime
        newest = int(source.columns.when[:].max()) if len(source) else NO_TIME
        if newest == NO_TIME or time.time() - changed >= threshold:
            return False
        return abs(changed - to_datetime(newest).timestamp()) < threshold
    return False


def _told(inspection: Inspection, problems: list[Problem]) -> Iterator[str]:
    """The answer in lines, short enough to paste."""
    from pdtui.core.evidence import counted
    from pdtui.core.problems import Severity

    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    notes = [problem for problem in problems if problem.severity is Severity.NOTE]
    rows = ", ".join(f"{source.label} {stop:,}" for source, stop in inspection.snapshot)
    verdict = counted(len(errors), "problem") if errors else "ok"
    yield f"{verdict} · rows: {rows}"
    yield from _handshakes(inspection)
    for number, problem in enumerate(errors, 1):
        yield ""
        yield from _problem(inspection, problem, f"{number}. ")
    if notes:
        yield ""
        yield from (f"note: {note.kind}: {_cut(note.summary)}" for note in notes)


def _handshakes(inspection: Inspection) -> Iterator[str]:
    from pdtui.core.evidence import counted

    counts = Counter(pair.state.value for pair in inspection.handshakes.pairs)
    if counts:
        yield "handshakes: " + ", ".join(f"{count} {state}" for state, count in counts.items())
    skews = [f"{skew.sentence} ({counted(skew.pairs, 'pair')})" for skew in inspection.skews]
    if skews:
        yield "clocks: " + ", ".join(skews)


def _problem(inspection: Inspection, problem: Problem, begin: str) -> Iterator[str]:
    indent = " " * len(begin)
    yield f"{begin}{problem.kind}: {problem.summary}"
    for place in problem.evidence[:_MOST_ROWS]:
        yield _cut(indent + _row(inspection, place))
    if len(problem.evidence) > _MOST_ROWS:
        yield f"{indent}… {len(problem.evidence) - _MOST_ROWS:,} more rows"
    yield f"{indent}→ {problem.hint}"
    for follower in problem.follows:
        at = follower.place
        where = f" ({inspection.clocks.label(at.source)}:{at.row + 1})" if at else ""
        yield f"{indent}so: {follower.kind}{where}: {_cut(follower.summary)}"


def _row(inspection: Inspection, place: Place) -> str:
    """`prefill:14 10:30:45 🔍 [Rank 0] …`: where it stands, when, and what it says."""
    from pdtui.core.evidence import clock_of
    from pdtui.core.exceptions import message_of

    source = inspection.snapshot[place.source][0]
    time = inspection.clocks.time(place)
    said = message_of(source, place.row)
    return f"{source.label}:{place.row + 1} {'' if time is None else clock_of(time) + ' '}{said}"


def _cut(text: str) -> str:
    """The text at a bearable width."""
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
