"""Tables of lines as programs write them, with where each form is from and what it must mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pytest

from tests import reference
from tests.core.sources import differences, scanned

YEAR = 2026


@dataclass(frozen=True)
class Case:
    """One line: where its form is from (a version, a thread), and every column of it."""

    source: str
    line: bytes
    wanted: dict[str, object]


def case(
    source: str,
    line: str,
    form: str | None,
    level: str | None,
    message: str,
    *,
    time: str | None = None,
    process: str | None = None,
    pid: int | None = None,
    rank: int | None = None,
    origin: str | None = None,
    markers: str = "",
    torn: bool = False,
) -> Case:
    """A line and what it means; what is not named is not said by the line."""
    return Case(
        source,
        line.encode("utf-8", "surrogateescape"),
        {
            "format": form,
            "level": level,
            "message": message,
            "time": datetime.fromisoformat(time) if time else None,
            "process": process,
            "pid": pid,
            "rank": rank,
            "origin": origin,
            "markers": tuple(markers),
            "torn": torn,
        },
    )


def each(cases: list[Case]) -> pytest.MarkDecorator:
    """Runs a test for each of these lines."""
    names = [f"{one.source}: {one.line[:40]!r}" for one in cases]
    return pytest.mark.parametrize("line", cases, ids=names)


def check(line: Case) -> None:
    """The scanner says of the line what is wanted, alone and under another line's record."""
    for before in (b"", b"ERROR:    above\n"):
        data = before + line.line + b"\n"
        row = scanned(data, YEAR)[-1]
        got = {name: getattr(row, name) for name in line.wanted}
        assert got == line.wanted
        assert not row.continuation
        assert differences(reference.read(data, YEAR), scanned(data, YEAR), data) == []
