"""Counts what a log holds: rows by format, level, process, rank, marker; what nobody claims."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pdtui.core.kinds import NO_PROCESS, NO_RANK, Kind, KindTable
from pdtui.core.levels import LEVEL_NAMES
from pdtui.core.roles import role_of_label, roles
from pdtui.core.source import Source
from pdtui.core.stamps import NO_TIME, to_datetime

MOST_EXAMPLES = 5
_LONGEST_EXAMPLE = 200
NONE = "none"
"""What a row has that states no level, rank or format."""
CONTINUATION = "continuation"
"""What stands for the format of the rows under a head."""
_Value = TypeVar("_Value")


@dataclass(slots=True)
class ProcessStats:
    """A process: how many rows are its own, and what it said of itself."""

    name: str | None
    pid: int | None
    host: str | None
    container: str | None
    rank: int | None
    role: str | None
    rows: int
    facts: dict[str, str]

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "process": self.name,
            "pid": self.pid,
            "host": self.host,
            "container": self.container,
            "rank": self.rank,
            "role": self.role,
            "rows": self.rows,
            "facts": self.facts,
        }


@dataclass(slots=True)
class SourceStats:
    """What one source holds; the counts are of rows."""

    label: str
    path: str
    size: int = 0
    """Bytes."""
    rows: int = 0
    records: int = 0
    first: int | None = None
    """The earliest stamp, in microseconds."""
    last: int | None = None
    formats: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    ranks: Counter[str] = field(default_factory=Counter)
    markers: Counter[str] = field(default_factory=Counter)
    processes: list[ProcessStats] = field(default_factory=list)
    unclaimed: int = 0
    """Rows that no format claims, that have no marker and continue no record."""
    examples: list[tuple[int, str]] = field(default_factory=list)
    """Some of them: line number, text."""

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "source": self.label,
            "path": self.path,
            "bytes": self.size,
            "rows": self.rows,
            "records": self.records,
            "first": iso(self.first),
            "last": iso(self.last),
            "formats": dict(self.formats.most_common()),
            "levels": dict(self.levels.most_common()),
            "ranks": dict(sorted(self.ranks.items())),
            "markers": dict(self.markers.most_common()),
            "processes": [process.as_json() for process in self.processes],
            "unclaimed": {
                "rows": self.unclaimed,
                "share": self.unclaimed / self.rows if self.rows else 0.0,
                "examples": [{"line": line, "text": text} for line, text in self.examples],
            },
        }


def stats_of(source: Source, mask: npt.NDArray[np.bool_] | None = None) -> SourceStats:
    """Counts the rows of a source, or those of its rows that the mask lets through.

    The mask has an entry a row; of a source that grows, rows beyond it are not counted.
    """
    found = SourceStats(source.label, source.path)
    size = len(source) if mask is None else len(mask)
    kind_numbers, when = source.columns.kind[:size], source.columns.when[:size]
    if mask is None:
        found.size = source.end
    else:
        offsets = np.append(source.columns.offset[: size + 1], source.end)[: size + 1]
        found.size = int(np.diff(offsets)[mask].sum())
        kind_numbers, when = kind_numbers[mask], when[mask]
    kinds = source.kinds.kinds
    counts = np.bincount(kind_numbers, minlength=len(kinds)).tolist()
    _count_kinds(found, source, counts)
    dated = when[when != NO_TIME]
    if len(dated):
        found.first, found.last = int(dated.min()), int(dated.max())
    found.processes = _processes(source, counts)
    _add_examples(found, source, mask)
    return found


def iso(time: int | None) -> str | None:
    """A time as text."""
    return None if time is None else to_datetime(time).isoformat()


def _count_kinds(found: SourceStats, source: Source, counts: list[int]) -> None:
    table = source.kinds
    for kind, rank, rows in zip(table.kinds, table.ranks(), counts, strict=False):
        if not rows:
            continue
        found.rows += rows
        found.records += 0 if kind.continuation else rows
        # A continuation has neither, as in the output schema; its record's head was counted.
        own = kind.format or not kind.continuation
        found.formats[table.grammar.names[kind.format] or (NONE if own else CONTINUATION)] += rows
        found.levels[(LEVEL_NAMES[kind.level] if own else None) or NONE] += rows
        found.ranks[str(rank.value) if rank else NONE] += rows
        for emoji in table.marker_sets[kind.markers]:
            found.markers[emoji] += rows
        found.unclaimed += rows if _is_unclaimed(kind) else 0


def _is_unclaimed(kind: Kind) -> bool:
    return not (kind.format or kind.markers or kind.continuation)


def _processes(source: Source, counts: list[int]) -> list[ProcessStats]:
    """The processes with rows or facts, by pid; then what only ranks said of themselves."""
    table = source.kinds
    rows: Counter[int] = Counter()
    ranks: dict[int, set[int]] = {}
    of_process: dict[int, set[str]] = {}
    for kind, rank, role, count in zip(
        table.kinds, table.ranks(), roles(source), counts, strict=False
    ):
        rows[kind.process] += count
        if rank is not None and count:
            ranks.setdefault(kind.process, set()).add(rank.value)
        if role is not None and count:
            of_process.setdefault(kind.process, set()).add(role)
    found = []
    for number, process in enumerate(table.processes):
        facts = table.facts.get((number, NO_RANK), {})
        if number == NO_PROCESS or not (rows[number] or facts):
            continue
        container = table.containers[process.container] or None
        found.append(
            ProcessStats(
                process.name,
                process.pid,
                process.host,
                container,
                _only(ranks.get(number, set())),
                _role_of(facts, container) or _only(of_process.get(number, set())),
                rows[number],
                facts,
            )
        )
    found.sort(key=lambda process: (process.pid is None, process.pid or 0, process.name or ""))
    return [*found, *_ranks_without_process(table)]


def _ranks_without_process(table: KindTable) -> list[ProcessStats]:
    found = [
        ProcessStats(
            None, None, None, None, None if rank == NO_RANK else rank, _role_of(facts), 0, facts
        )
        for (process, rank), facts in table.facts.items()
        if process == NO_PROCESS
    ]
    return sorted(found, key=lambda process: -1 if process.rank is None else process.rank)


def _role_of(facts: dict[str, str], container: str | None = None) -> str | None:
    named = {"kv_producer": "prefill", "kv_consumer": "decode"}.get(facts.get("kv_role", ""))
    return named or (role_of_label(container) if container else None)


def _only(values: set[_Value]) -> _Value | None:
    return next(iter(values)) if len(values) == 1 else None


def _add_examples(found: SourceStats, source: Source, mask: npt.NDArray[np.bool_] | None) -> None:
    if not found.unclaimed:
        return
    unclaimed = np.array([_is_unclaimed(kind) for kind in source.kinds.kinds], np.bool_)
    rows = unclaimed[source.columns.kind[: len(source)]]
    if mask is not None:
        rows &= mask
    for row in np.flatnonzero(rows)[:MOST_EXAMPLES].tolist():
        text = source.line(row, _LONGEST_EXAMPLE).decode("utf-8", "replace").rstrip("\r\n")
        found.examples.append((row + 1, text))
