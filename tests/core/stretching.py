"""Reads a log in stretches, each scanned by itself, and puts them together."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

from pdtui.core.joining import join
from pdtui.core.scan import EVERYTHING, Depth, Scanner
from pdtui.core.scanstate import kinds_in, scanner_in, state_of
from pdtui.core.source import Source
from pdtui.core.standing import Standing, standing_of
from pdtui.core.stretches import Stretch, StretchScanner
from tests.core.sources import columns_of, lines_of


@dataclass(frozen=True)
class Cutting:
    """How a log is cut: all counts are of lines."""

    first: int = 1
    """What the others take over the scanner behind."""
    size: int = 3
    """Lines of a stretch."""
    above: int = 2
    """Lines above it that its scanner sees."""
    piece: int = 2
    lag: int = 2
    """Stretches between the one that is scanned and where it is known how a scanner stood."""
    scanners: int = 2


@dataclass
class Reading:
    """What came of it."""

    source: Source
    joined: int = 0
    again: int = 0
    """Stretches that had to be scanned again."""


def read_in_stretches(
    data: bytes, cutting: Cutting, year: int = 2026, depth: Depth = EVERYTHING
) -> Reading:
    """The log as a source without a file, whose scanner can go on."""
    lines = lines_of(data)
    source = Source("prefill", "prefill.log", year, depth)
    scanner = source.lend()
    assert scanner
    reading = Reading(source)
    head = b"".join(lines[: cutting.first])
    if head:
        source.add_scanned(scanner.scan(head, 0), len(head))
    others = [StretchScanner(_copy(scanner)) for _ in range(cutting.scanners)]
    standings: list[Standing] = []
    for number, begin in enumerate(range(cutting.first, len(lines), cutting.size)):
        standings.append(_sent(standing_of(scanner)))
        other = others[number % len(others)]
        stretch = _scanned(other, standings[max(number - cutting.lag, 0)], lines, begin, cutting)
        _take(reading, scanner, stretch, lines[begin : begin + cutting.size])
    scanner.forget_lines()
    source.take_back(scanner)
    return reading


def _copy(scanner: Scanner) -> Scanner:
    state = state_of(scanner)
    return scanner_in(state.rest, kinds_in(state.kinds))


def _sent(standing: Standing) -> Standing:
    """As another process gets it."""
    sent: Standing = pickle.loads(pickle.dumps(standing))
    return sent


def _scanned(
    other: StretchScanner, standing: Standing, lines: list[bytes], begin: int, cutting: Cutting
) -> Stretch | None:
    stop = min(begin + cutting.size, len(lines))
    places = [(at, min(at + cutting.piece, stop)) for at in range(begin, stop, cutting.piece)]
    pieces = [(sum(map(len, lines[:a])), b"".join(lines[a:b])) for a, b in places]
    above = b"".join(lines[max(begin - cutting.above, 0) : begin])
    stretch: Stretch | None = pickle.loads(pickle.dumps(other.scan(standing, above, pieces)))
    return stretch


def _take(reading: Reading, scanner: Scanner, stretch: Stretch | None, lines: list[bytes]) -> None:
    source = reading.source
    if stretch is not None and join(scanner, stretch):
        reading.joined += 1
        for rows, size in stretch.pieces:
            source.add_scanned(rows, size)
        return
    reading.again += 1
    scanner.forget_lines()
    text = b"".join(lines)
    source.add_scanned(scanner.scan(text, source.end), len(text))


def all_of(source: Source) -> list[object]:
    """All that is known of a source, numbers that depend on what was met first put into words."""
    kinds = source.kinds
    spelled = [
        (process.pid, process.name, process.host, kinds.containers[process.container])
        for process in kinds.processes
    ]
    facts = {(spelled[process], rank): said for (process, rank), said in kinds.facts.items()}
    of_pid = {spelled[process]: ranks for process, ranks in kinds.ranks_of_pid.items()}
    of_address = {kinds.addresses[one]: ranks for one, ranks in kinds.ranks_of_address.items()}
    used = {kinds.kinds[number].process for number in set(source.columns.kind[:].tolist())}
    return [
        columns_of(source),
        list(source.traces),
        source.requests.row[:].tolist(),
        source.requests.key[:].tolist(),
        sorted(str(spelled[process]) for process in used),
        facts,
        of_pid,
        of_address,
        kinds.ranks_stated,
        kinds.kv_roles,
        kinds.send_types,
        kinds.misdecoded,
        kinds.learned_prefixes,
        sorted(kinds.signs),
    ]
