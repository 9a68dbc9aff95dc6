"""`/`, `n` and `N` in views of many rows, and rows that are gone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdtui.core.query import parse_text
from pdtui.core.refs import Refs, join_ref, split_ref
from pdtui.core.source import Segment, Source
from pdtui.ui import find
from tests.ui.conftest import DATA, Open

LINE = "INFO 11-22 06:42:{:02} [core.py:7] step {}\n"


class Rows:
    """Some rows of some sources."""

    def __init__(self, refs: list[int]) -> None:
        self._refs = np.array(refs, np.int64)

    def __len__(self) -> int:
        return len(self._refs)

    def at(self, place: int) -> tuple[int, int]:
        return split_ref(int(self._refs[place]))

    def refs(self, first: int, stop: int) -> Refs:
        return self._refs[first:stop]

    def place_of(self, source: int, row: int) -> int:
        return self._refs.tolist().index(join_ref(source, row))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Source]]:
    """Two sources of 300 rows; every 7th row says `seven`, in colours at times."""
    made = []
    for name in ("prefill", "decode"):
        path = tmp_path_factory.mktemp("search") / name
        texts = (f"\x1b[1mse\x1b[0mven {n}" if n % 2 else f"seven {n}" for n in range(300))
        lines = [LINE.format(n % 60, n if n % 7 else text) for n, text in enumerate(texts)]
        path.write_text("".join(lines))
        source = Source(name, str(path), 2025)
        source.feed(path.read_bytes())
        source.segments.append(Segment(0, os.open(path, os.O_RDONLY)))
        made.append(source)
    yield made
    for source in made:
        source.close()


@given(
    rows=st.lists(st.tuples(st.booleans(), st.integers(0, 299)), unique=True, min_size=1),
    start=st.integers(0, 10**6),
    step=st.sampled_from([1, -1]),
    chunks=st.sampled_from([(1, 3), (4, 64), (1024, 65_536)]),
)
def test_the_next_row_that_holds_it_whatever_is_shown_of_the_files(
    sources: list[Source],
    rows: list[tuple[bool, int]],
    start: int,
    step: int,
    chunks: tuple[int, int],
) -> None:
    """As row by row: from the cursor on, round the end, the cursor's own row last."""
    shown = sorted(rows, key=lambda one: (one[1], one[0]))
    view, start = Rows([join_ref(int(number), row) for number, row in shown]), start % len(rows)
    order = [(start + step * (turn + 1)) % len(shown) for turn in range(len(shown))]
    wanted = [place for place in order if shown[place][1] % 7 == 0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(find, "_FIRST_CHUNK", chunks[0])
        patch.setattr(find, "_CHUNK", chunks[1])
        found = list(find.find_text(sources, view, start, step, parse_text("seven")))
    assert [place for place in found if place is not None] == wanted[:1]


def test_rows_that_a_source_has_not_are_passed_over(sources: list[Source]) -> None:
    """A file may begin anew while it is searched, and have more rows then."""
    view = Rows([join_ref(0, row) for row in (298, 299, 300, 10**6)])
    assert not any(find.find_text(sources, view, 0, 1, parse_text("seven")))


async def test_esc_stops_a_search(
    viewer: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said that it searches, and that Esc stops it; then that it was stopped."""
    # As of a log that has no end.
    monkeypatch.setattr("pdtui.ui.jumps.find_text", lambda *_: repeat(None))
    path = tmp_path / "prefill.log"
    path.write_text("".join(LINE.format(n, n) for n in range(60)))
    async with viewer(path) as opened:
        await opened.press("g", "slash")
        await opened.type("nowhere")
        await opened.press("enter")
        await opened.until(lambda: "searching (Esc stops it)" in opened.screen())
        await opened.press("escape")
        await opened.until(lambda: "search stopped" in opened.screen())
        assert opened.timeline.cursor == 0


async def test_a_hit_leaves_the_problem_line_as_it_is(viewer: Open) -> None:
    """Who goes from hit to hit still sees what is wrong, and the panes do not jump."""
    async with viewer(DATA / "h200" / "fail-address-in-use") as opened:
        await opened.until(lambda: " ! " in opened.screen())
        height = opened.timeline.size.height
        await opened.press("g", "slash")
        await opened.type("zmq")
        await opened.press("enter")
        await opened.until(lambda: opened.timeline.cursor > 0)
        await opened.press("n")
        assert " ! " in opened.screen()
        assert opened.timeline.size.height == height


@pytest.mark.parametrize("keys", [["T", "T"], []], ids=["in sight", "listed"])
async def test_marks_go_with_the_rows_of_a_truncated_file(
    viewer: Open, tmp_path: Path, keys: list[str]
) -> None:
    """A mark that stayed would be another row's, or that of a row that is not there."""
    path, other = tmp_path / "prefill.log", tmp_path / "decode.log"
    for log in (path, other):
        log.write_text("".join(LINE.format(n, n) for n in range(40)))
    async with viewer(path, other, follow=True) as opened:
        await opened.press("1", "m", "2", "k", "m", *keys)
        assert len(opened.timeline.marked) == 2
        path.write_text(LINE.format(50, "anew"))
        await opened.until(lambda: "1 mark gone with the rows" in opened.screen())
        assert opened.timeline.marked == {(1, 38)}
        await opened.press("apostrophe")
        await opened.until(lambda: "marked rows" in opened.screen())
        assert re.search(r"decode:39\b.*step 38", opened.screen())


def test_no_two_sources_have_one_number() -> None:
    """Panes keep painted lines by it; an address in memory is another source's some day."""
    serials = {Source("prefill", "", 2025).serial for _ in range(50)}
    assert len(serials) == 50
