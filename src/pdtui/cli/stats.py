"""`pdtui stats`: what the logs hold, counted."""

# ruff: noqa: PLC0415 -- numpy is imported only where it is needed

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pdtui.cli.configuration import say_configuration_problems
from pdtui.cli.ending import TROUBLE, say
from pdtui.cli.options import Typed, filter_of, reading
from pdtui.cli.sources import load, named_sources
from pdtui.core.printing import printable

if TYPE_CHECKING:
    from pdtui.core.query import Filter
    from pdtui.core.stats import ProcessStats, SourceStats
    from pdtui.core.store import Store

_MOST_SHOWN = 12
"""So many counts are shown of each sort; `--json` has all."""


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
    say_configuration_problems()
    wanted = filter_of(typed)
    named, troubles = named_sources(typed.sources)
    store, more = load(named, typed.year)
    for trouble in (*troubles, *more):
        say(trouble)
    if store.sources:
        counted = _count(store, wanted)
        click.echo(_as_json(counted) if as_json else "\n".join(_as_text(counted)))
    return TROUBLE if troubles or more else 0


def _count(store: Store, wanted: Filter) -> list[SourceStats]:
    from pdtui.core.stats import stats_of
    from pdtui.core.view import Matches

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

    first, last = _span(counted)
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


def _span(counted: list[SourceStats]) -> tuple[int | None, int | None]:
    firsts = [source.first for source in counted if source.first is not None]
    lasts = [source.last for source in counted if source.last is not None]
    return (min(firsts), max(lasts)) if firsts else (None, None)


def _as_text(counted: list[SourceStats]) -> Iterator[str]:
    for source in counted:
        yield from _source_lines(source)
        yield ""
    if len(counted) > 1:
        rows, size = sum(s.rows for s in counted), _bytes(sum(s.size for s in counted))
        yield f"all {len(counted)} sources: {rows:,} rows, {size}, {_times(*_span(counted))}"


def _source_lines(source: SourceStats) -> Iterator[str]:
    yield (
        f"{printable(source.label)}: {source.rows:,} rows in {source.records:,} records, "
        f"{_bytes(source.size)}, {_times(source.first, source.last)}"
    )
    for name, counts in (
        ("format", source.formats),
        ("level", source.levels),
        ("rank", source.ranks),
        ("marker", _named_markers(source.markers)),
    ):
        if counts:
            yield f"  {name:<8} {_listed(counts)}"
    for process in source.processes:
        yield f"  {'process':<8} {_process_line(process)}"
    if source.unclaimed:
        share = 100 * source.unclaimed / source.rows
        yield f"  unclaimed by any format: {source.unclaimed:,} rows ({share:.2g} %), such as"
        for line, text in source.examples:
            yield f"    {line}: {printable(text)}"


def _listed(counts: Counter[str]) -> str:
    shown = [f"{printable(name)} {rows:,}" for name, rows in counts.most_common(_MOST_SHOWN)]
    more = len(counts) - len(shown)
    return " · ".join([*shown, *([f"{more} more"] if more > 0 else [])])


def _named_markers(counts: Counter[str]) -> Counter[str]:
    from pdtui.core.markers import marker_of

    named = {emoji: marker_of(emoji).name for emoji in counts}
    return Counter(
        {
            (emoji if named[emoji] == emoji else f"{emoji} {named[emoji]}"): rows
            for emoji, rows in counts.items()
        }
    )


def _process_line(process: ProcessStats) -> str:
    said = [process.name or "", f"pid {process.pid}" if process.pid is not None else ""]
    said.append(f"on {process.host}" if process.host else "")
    said.append(f"rank {process.rank}" if process.rank is not None else "")
    said.append(process.role or "")
    if process.container and process.container != process.name:
        said.append(f"in {process.container}")
    said.append(f"{process.rows:,} rows" if process.rows else "")
    facts = " ".join(f"{name}={value}" for name, value in process.facts.items())
    return printable(", ".join(part for part in (*said, facts) if part))


def _times(first: int | None, last: int | None) -> str:
    from pdtui.core.stamps import SECOND, to_datetime

    if first is None or last is None:
        return "no times"
    begin, end = to_datetime(first), to_datetime(last)
    shown = f"{begin:%Y-%m-%d %H:%M:%S} to {end:%H:%M:%S}"
    if begin.date() != end.date():
        shown = f"{begin:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S}"
    return f"{shown} ({(last - first) / SECOND:,.0f} s)"


def _bytes(size: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:.3g} {unit}"
        size /= 1000  # type: ignore[assignment]
    return f"{size:,.3g} GB"
