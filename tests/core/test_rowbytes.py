"""Rows read together are the rows read one by one."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core import rowbytes
from pdtui.core.refs import join_ref
from pdtui.core.source import Segment, Source
from tests.core.sources import Written, growing

LINES = st.lists(
    st.sampled_from([b"a\n", b"\n", b"longer than the others\n", b"\r\n"]), max_size=40
)


def lines_by_row(source: Source) -> list[bytes]:
    """Each row's bytes, read by itself."""
    return [source.read(*source.span(row, row + 1)) for row in range(len(source))]


def replaced(written: Written) -> None:
    """The file was replaced within a line: what follows is another row."""
    source = written.source
    source.finish_line()
    source.segments.append(Segment(source.fed, os.dup(source.segments[0].descriptor), source.fed))


@settings(max_examples=80)
@given(LINES, LINES, st.integers(0, 2**32))
def test_read_together_they_are_what_they_are_alone(
    one: list[bytes], other: list[bytes], seed: int
) -> None:
    """Any rows in any order of two files, also where lines lack their newline or bytes are gone."""
    rng = random.Random(seed)
    with growing("a", "b") as written, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rowbytes, "_READ_BITS", rng.choice([1, 4, 20]))
        patch.setattr(rowbytes, "_SPARSE", rng.choice([1, 64]))
        for file, lines in zip(written, (one, other), strict=True):
            file.write(b"".join(lines) + rng.choice([b"", b"end"]))
            if rng.random() < 0.3:
                replaced(file)
                file.write(b"begins\nanew\n")
            file.source.finish_line()
            if rng.random() < 0.2:
                file.truncate(rng.randint(0, file.source.end))
        sources = [file.source for file in written]
        alone = [lines_by_row(source) for source in sources]
        rows = [(n, row) for n in (0, 1) for row in range(len(sources[n])) if rng.random() < 0.8]
        rng.shuffle(rows)
        keep = {n: iter(sorted(row for m, row in rows if m == n)) for n in (0, 1)}
        rows = [(n, next(keep[n])) for n, _ in rows]
        assert_alike(sources, rows, [alone[n][row] for n, row in rows])


def assert_alike(sources: list[Source], rows: list[tuple[int, int]], wanted: list[bytes]) -> None:
    array = np.array([join_ref(*row) for row in rows], np.int64)
    ended = [line.removesuffix(b"\n") + b"\n" for line in wanted]
    assert rowbytes.text_of(sources, array) == b"".join(ended)
    labelled = [b"%d: " % number + line for (number, _), line in zip(rows, ended, strict=True)]
    assert rowbytes.text_of(sources, array, [b"0: ", b"1: "]) == b"".join(labelled)
    found = list(rowbytes.lines_of(sources, array))
    assert [(number, row) for number, row, _ in found] == rows
    assert [line for _, _, line in found] == [line.removesuffix(b"\n") for line in wanted]
