"""`pdtui stats`: what the logs hold, counted."""

# ruff: noqa: PLC0415 -- numpy is imported only where it is needed

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pdtui.cli.configuration import say_configuration_problems
from pdtui.cli.ending import TROUBLE, say
from pdtui.cli.options import Typed, filter_of, reading
from pdtui.cli.sources import load, named_sources

if TYPE_CHECKING:
    from pdtui.core.query import Filter
    from pdtui.core.stats import SourceStats
    from pdtui.core.store import Store


@click.command()
@reading
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, with every count")
def stats(typed: Typed, as_json: bool) -> int:
    """Counts rows by format, level, process, rank and marker, and says what no format claims.

    \b
    Examples:
      pdtui stats prefill.log decode.log
      pdtui stats -l warning -S -10m logs/
      pdtui stats --json logs/ | jq '.sources[].unclaimed'
    """
    from pdtui.core.scan import ROWS_ALONE

    say_configuration_problems()
    wanted = filter_of(typed)
    named, troubles = named_sources(typed.sources)
    store, more = load(named, typed.year, ROWS_ALONE)
    for trouble in (*troubles, *more):
        say(trouble)
    if store.sources:
        counted = _count(store, wanted)
        click.echo(_as_json(counted) if as_json else _as_text(counted))
    return TROUBLE if troubles or more else 0


def _count(store: Store, wanted: Filter) -> list[SourceStats]:
    from pdtui.core.matches import Matches
    from pdtui.core.stats import stats_of

    if not wanted:
        return [stats_of(source) for source in store.sources]
    matches = Matches(wanted)
    matches.refresh(store.snapshot())
    return [
        stats_of(source, matches.of(number).mask(0, len(source)))
        for number, source in enumerate(store.sources)
    ]


def _as_json(counted: list[SourceStats]) -> str:
    from pdtui.core.stats import iso
    from pdtui.core.statstext import span

    first, last = span(counted)
    return json.dumps(
        {
            "sources": [source.as_json() for source in counted],
            "rows": sum(source.rows for source in counted),
            "records": sum(source.records for source in counted),
            "bytes": sum(source.size for source in counted),
            "first": iso(first),
            "last": iso(last),
        },
        ensure_ascii=False,
        indent=2,
    )


def _as_text(counted: list[SourceStats]) -> str:
    from pdtui.core.statstext import stats_lines

    return "\n".join(stats_lines(counted))
