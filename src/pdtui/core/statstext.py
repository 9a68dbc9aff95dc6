"""What `stats` counts, in lines to be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pdtui.core.evidence import three_digits
from pdtui.core.markers import marker_of
from pdtui.core.printing import printable
from pdtui.core.stamps import SECOND, to_datetime
from pdtui.core.stats import ProcessStats, SourceStats

_MOST_SHOWN = 12
"""So many counts are shown of each sort; `--json` has all."""


def stats_lines(counted: list[SourceStats]) -> Iterator[str]:
    """The counts of each source, and of all together where there are several."""
    for source in counted:
        yield from _source_lines(source)
        yield ""
    if len(counted) > 1:
        rows, size = sum(s.rows for s in counted), _bytes(sum(s.size for s in counted))
        yield f"all {len(counted)} sources: {rows:,} rows, {size}, {_times(*span(counted))}"


def span(counted: list[SourceStats]) -> tuple[int | None, int | None]:
    """The earliest and the latest stamp, in microseconds."""
    firsts = [source.first for source in counted if source.first is not None]
    lasts = [source.last for source in counted if source.last is not None]
    return (min(firsts), max(lasts)) if firsts else (None, None)


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
        share = three_digits(100 * source.unclaimed / source.rows)
        yield f"  unclaimed by any format: {source.unclaimed:,} rows ({share} %), such as"
        for line, text in source.examples:
            yield f"    {line}: {printable(text)}"


def _listed(counts: Counter[str]) -> str:
    shown = [f"{printable(name)} {rows:,}" for name, rows in counts.most_common(_MOST_SHOWN)]
    more = len(counts) - len(shown)
    return " · ".join([*shown, *([f"{more} more"] if more > 0 else [])])


def _named_markers(counts: Counter[str]) -> Counter[str]:
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
    if first is None or last is None:
        return "no times"
    begin, end = to_datetime(first), to_datetime(last)
    shown = f"{begin:%Y-%m-%d %H:%M:%S} to {end:%H:%M:%S}"
    if begin.date() != end.date():
        shown = f"{begin:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S}"
    return f"{shown} ({(last - first) / SECOND:,.0f} s)"


def _bytes(size: int) -> str:
    if size < 1000:
        return f"{size} bytes"
    for unit, of_it in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        shown = three_digits(size / of_it)
        if len(shown) <= len("0.99") or unit == "GB":
            break
    return f"{shown} {unit}"
