"""A scanner that goes on elsewhere finds the rows that it would have found here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pdtui.core.cleaning import split
from pdtui.core.kinds import KindTable
from pdtui.core.scan import Rows, Scanner
from pdtui.core.scanstate import kinds_in, memory_of, scanner_in, state_of

REAL = sorted((Path(__file__).parents[1] / "data").rglob("*.log"))
NEW_YEAR = b"".join(
    b"INFO %s 23:59:58 [a.py:1] line\n" % day for day in (b"12-30", b"12-31", b"01-01", b"01-02")
)


def columns_of(rows: Rows, kinds: KindTable) -> list[object]:
    assert rows.traces is not None
    assert rows.requests is not None
    said = [rows.traces.texts[number] for number in rows.traces.said.tolist()]
    return [
        rows.offset.tolist(),
        rows.when.tolist(),
        [kinds.kinds[number] for number in rows.kind.tolist()],
        *(part.tolist() for part in (rows.traces.row, rows.traces.step, rows.traces.key)),
        said,
        rows.requests.row.tolist(),
        rows.requests.key.tolist(),
    ]


@pytest.mark.parametrize("text", [*(path.read_bytes() for path in REAL), NEW_YEAR])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("remembers", [False, True])
def test_it_goes_on_as_if_it_had_never_left(text: bytes, share: float, remembers: bool) -> None:
    cut = text.find(b"\n", int(len(text) * share)) + 1
    here = Scanner(KindTable(), 2025)
    here.scan(text[:cut] or b"\n", 0)
    state = state_of(here)
    kinds = kinds_in(state.kinds)
    there = scanner_in(state.rest, kinds, memory_of(here) if remembers else b"")
    if rest := text[cut:]:
        wanted, got = here.scan(rest, cut), there.scan(rest, cut)
        assert columns_of(got, kinds) == columns_of(wanted, here.kinds)
    assert kinds.ranks() == here.kinds.ranks()
    assert kinds.facts == here.kinds.facts


def test_what_it_learns_elsewhere_is_known_here() -> None:
    """The table stays the same object, which others hold; what was known keeps its number."""
    text = max((path.read_bytes() for path in REAL), key=len)
    cut = text.find(b"\n", len(text) // 3) + 1
    here = Scanner(KindTable(), 2025)
    here.scan(text[:cut], 0)
    before, revision = list(here.kinds.kinds), here.kinds.revision
    state = state_of(here)
    there = scanner_in(state.rest, kinds_in(state.kinds))
    there.scan(text[cut:], cut)
    here.kinds.take_over(kinds_in(state_of(there).kinds))
    assert here.kinds.kinds[: len(before)] == before
    assert here.kinds.kinds == there.kinds.kinds
    assert here.kinds.ranks() == there.kinds.ranks()
    assert here.kinds.processes == there.kinds.processes
    assert here.kinds.revision > revision


def test_lines_that_it_knows_are_known_elsewhere() -> None:
    """It need not learn them anew: all lines that it tells by others are told there at once."""
    lines = b"".join(
        b"INFO 11-01 10:30:%02d [a.py:1] a message with a number %d\n" % (s % 60, s)
        for s in range(999)
    )
    here = Scanner(KindTable(), 2025)
    here.scan(lines, 0)
    here.scan(lines, len(lines))
    state = state_of(here)
    for memory, known in ((memory_of(here), 999), (b"", 0)):
        there = scanner_in(state.rest, kinds_in(state.kinds), memory)
        found = split(lines)
        recalled = there.alike.recall(found.block, found.starts, found.ends)
        assert np.count_nonzero(recalled.known) == known


def test_a_state_is_small() -> None:
    """It comes with every answer: some kilobytes, whatever the scanner has kept of lines alike."""
    scanner = Scanner(KindTable(), 2025)
    for path in REAL:
        scanner.scan(path.read_bytes(), 0)
    assert len(state_of(scanner).rest) < 20_000
