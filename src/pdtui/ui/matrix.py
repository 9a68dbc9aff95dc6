"""Prefill × decode: one sign for each two instances, the worst of their ranks' handshakes."""

from __future__ import annotations

from rich.cells import cell_len

from pdtui.ui.pairs import NO_SIGN, SIGNS, End, Pair, Sign
from pdtui.ui.parts import Line
from pdtui.ui.text import fit

_LABEL_MOST, _CELL_MOST = 20, 18


def matrix_lines(
    pairs: list[Pair], width: int, height: int, labels: dict[int, str], *, ascii_only: bool
) -> list[Line]:
    """The matrix in at most so many lines; none where there is but one prefill and one decode.

    Rows that have nothing wrong are left out where there is no room for all.
    """
    cells: dict[tuple[str, str], Sign] = {}
    for pair in pairs:
        ends = _instances(pair, labels)
        before = cells.get(ends)
        if before is None or before is Sign.CLOSED or _worse(pair.sign, before):
            cells[ends] = pair.sign
    rows = sorted({prefill for prefill, _ in cells})
    columns = sorted({decode for _, decode in cells})
    if (len(rows) < 2 and len(columns) < 2) or height < 3:
        return []
    left = min(max(map(cell_len, [*rows, "prefill"])), _LABEL_MOST) + 3
    cell = min(max(map(cell_len, columns)) + 2, _CELL_MOST, max((width - left) // len(columns), 2))
    lines: list[Line] = [_heading(columns, left, cell)]
    lines += [
        _row(row, columns, cells, left, cell, ascii_only=ascii_only) for row in _worst(rows, cells)
    ]
    if len(lines) > height:
        left_out = len(lines) - height + 1
        lines = [*lines[: height - 1], [(f"   … {left_out} more", "quiet")]]
    return lines


def _instances(pair: Pair, labels: dict[int, str]) -> tuple[str, str]:
    """The instances' sources, or their addresses where no log, or one for both, shows them."""
    if pair.prefill.source == pair.decode.source:
        return pair.prefill.known_as, pair.decode.known_as
    return _instance(pair.prefill, labels), _instance(pair.decode, labels)


def _instance(end: End, labels: dict[int, str]) -> str:
    return end.known_as if end.source is None else labels[end.source]


def _worse(one: Sign, other: Sign) -> bool:
    return one is not Sign.CLOSED and SIGNS.index(one) < SIGNS.index(other)


def _worst(rows: list[str], cells: dict[tuple[str, str], Sign]) -> list[str]:
    """The rows, those with something wrong first."""

    def badness(row: str) -> int:
        return min(SIGNS.index(sign) for (prefill, _), sign in cells.items() if prefill == row)

    return sorted(rows, key=lambda row: (badness(row), row))


def _heading(columns: list[str], left: int, cell: int) -> Line:
    line: Line = [(fit("  prefill", left), "quiet")]
    for column in columns:
        # What tells labels and addresses apart stands at their end.
        tail = column if cell_len(column) < cell else column[-(cell - 1) :]
        line.append((fit(tail, cell), "source-decode"))
    return line


def _row(
    row: str, columns: list[str], cells: dict[tuple[str, str], Sign], left: int, cell: int,
    *, ascii_only: bool,
) -> Line:  # fmt: skip
    line: Line = [("  " + fit(row, left - 2), "source-prefill")]
    for column in columns:
        sign = cells.get((row, column))
        text = sign.shown(ascii_only) if sign else NO_SIGN
        line.append((fit(text, cell), sign.part if sign else "quiet"))
    return line
