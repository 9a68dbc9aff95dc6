"""Which rows a pane shows: extended as rows arrive, it is what it would be made anew."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core import kindcounts, merge, order, source, view
from pdtui.core import matches as module
from pdtui.core.lanes import Lane, Split, lanes_of
from pdtui.core.levels import WARNING
from pdtui.core.matches import Matches, newest_time
from pdtui.core.merge import Merge
from pdtui.core.query import Filter, parse_markers, parse_ranks, parse_text
from pdtui.core.view import LaneView, TimelineView
from tests.core.loglines import logs
from tests.core.sources import Written, growing, pieces_of, store_of

HEAD = "INFO 11-22 06:35:44 [a.py:1] "
FILTERS = [
    Filter(),
    Filter(ranks=parse_ranks("1")),
    Filter(ranks=parse_ranks("!prefill:0,!1")),
    Filter(markers=parse_markers("🔍 💯")),
    Filter(level=WARNING),
    Filter(process="Worker"),
    Filter(texts=(parse_text("rank"), parse_text("text", excluded=True))),
    Filter(ranks=parse_ranks("0-5"), texts=(parse_text("[Rr]ank"),)),
    Filter(since="2026-11-01", until="2026-11-22 10:30:45"),
]


class Panes:
    """All panes of a screen for one filter, kept up to date as the program does it."""

    def __init__(self, wanted: Filter) -> None:
        self.matches = Matches(wanted)
        self.merge = Merge()
        self.timeline = TimelineView(self.matches, self.merge)
        self.lanes: dict[Lane, LaneView] = {}

    def update(self, written: list[Written]) -> None:
        """Takes in what is new, and looks that no place before the changed ones changed."""
        snapshot = store_of(*written).snapshot()
        self.matches.refresh(snapshot)
        lanes = lanes_of([source for source, _ in snapshot], Split.RANK)
        self.lanes = {k: self.lanes.get(k) or LaneView(self.matches, k) for k in lanes}
        for pane in self.lanes.values():
            before = rows_of(pane)
            kept = pane.update()
            assert rows_of(pane)[:kept] == before[:kept]
        before = rows_of(self.timeline)
        kept = self.timeline.update(self.merge.update(snapshot))
        assert rows_of(self.timeline)[:kept] == before[:kept]

    def shown(self) -> dict[object, list[tuple[int, int]]]:
        """The rows of each pane."""
        panes = {"timeline": self.timeline} | self.lanes
        return {name: rows_of(pane) for name, pane in panes.items()}

    def lengths(self) -> dict[Lane, int]:
        """How many rows each lane shows."""
        return {lane: len(pane) for lane, pane in self.lanes.items()}

    def totals(self) -> dict[Lane, int]:
        """How many rows each lane has, shown or not."""
        return {lane: pane.total for lane, pane in self.lanes.items()}


def rows_of(pane: LaneView | TimelineView) -> list[tuple[int, int]]:
    return [pane.at(place) for place in range(len(pane))]


@pytest.fixture(scope="module", autouse=True)
def short_stretches() -> Iterator[None]:
    """Stretches of a few rows, so that little logs have many."""
    with pytest.MonkeyPatch.context() as patch:
        for one in (order, merge, view, source):
            patch.setattr(one, "STRETCH", 4)
        for one in (kindcounts, view):
            patch.setattr(one, "SPAN", 3)
        yield


@settings(max_examples=40)
@given(st.lists(logs(5), min_size=2, max_size=2), st.integers(0, 2**32), st.integers(20, 300))
def test_extended_panes_are_as_made_anew(texts: list[bytes], seed: int, size: int) -> None:
    """For every filter, with ranks, names and unfinished lines that turn out late."""
    rng = random.Random(seed)
    left = [pieces_of(text, size) for text in texts]
    with growing("prefill", "decode") as written:
        panes = [Panes(wanted) for wanted in FILTERS]
        batch = 0
        while any(left):
            number = rng.choice([n for n, pieces in enumerate(left) if pieces])
            batch += 1
            written[number].write(left[number].pop(0), batch if seed % 2 else None)
            if rng.random() < 0.5:
                written[number].source.show_unfinished()
            if rng.random() < 0.5:
                for one in panes:
                    one.update(written)
        for one, wanted in zip(panes, FILTERS, strict=True):
            anew = Panes(wanted)
            one.update(written)
            anew.update(written)
            assert one.shown() == anew.shown(), wanted
            assert one.totals() == anew.totals() == panes[0].lengths(), wanted


def test_a_rank_learned_late_brings_rows_from_above() -> None:
    """NCCL's rows enter the pane of their rank when a later row tells it."""
    with growing("prefill") as written:
        panes = Panes(Filter(ranks=parse_ranks("2")))
        written[0].write(b"vm:5:6 [0] NCCL INFO x\nvm:7:6 [0] NCCL INFO x\n")
        panes.update(written)
        assert rows_of(panes.timeline) == []
        written[0].write(f"(W pid=5) {HEAD}[Rank 2] x\n(W pid=7) {HEAD}[Rank 3] x\n".encode())
        panes.update(written)
        assert rows_of(panes.timeline) == [(0, 0), (0, 2)]


def test_a_text_that_grows_into_a_filter_is_shown() -> None:
    """A last line without a newline is looked at again when there is more of it."""
    with growing("prefill") as written:
        panes = [Panes(Filter(texts=(parse_text("b$", excluded=no),))) for no in (False, True)]
        written[0].write(f"{HEAD}x\n{HEAD}a".encode())
        written[0].source.show_unfinished()
        for wanted, rest in (([False, True], b""), ([True, False], b"b"), ([False, True], b"c"),
                             ([True, False], b"b\nanother\n")):  # fmt: skip
            written[0].write(rest)
            for pane, shown in zip(panes, wanted, strict=True):
                pane.update(written)
                assert ((0, 1) in rows_of(pane.timeline)) is shown


def test_a_name_learned_late_brings_rows_from_above() -> None:
    """A process is found by the name that it shows, though it had another when it wrote."""
    with growing("prefill") as written:
        panes = Panes(Filter(process="EngineCore"))
        written[0].write(f"(MainProcess pid=5) {HEAD}x\n".encode())
        panes.update(written)
        assert rows_of(panes.timeline) == []
        written[0].write(f"(EngineCore pid=5) {HEAD}x\n".encode())
        panes.update(written)
        assert rows_of(panes.timeline) == [(0, 0), (0, 1)]


def test_a_source_that_began_anew_is_shown_anew() -> None:
    with growing("prefill", "prefill") as [old, new]:
        panes = Panes(Filter(texts=(parse_text("x"),)))
        old.write(f"{HEAD}x\n{HEAD}y\n{HEAD}x\n".encode())
        panes.update([old])
        assert rows_of(panes.timeline) == [(0, 0), (0, 2)]
        new.write(f"{HEAD}y\n{HEAD}x\n".encode())
        panes.update([new])
        assert rows_of(panes.timeline) == [(0, 1)]


def test_text_is_searched_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each turn reads some rows, so that a search can be given up; all turns read all rows."""
    monkeypatch.setattr(module, "SEARCH_ROWS", 3)
    with growing("prefill", "decode") as written:
        for one in written:
            one.write(f"{HEAD}x\n{HEAD}y\n".encode() * 4)
        matches = Matches(Filter(texts=(parse_text("x"),)))
        matches.refresh(store_of(*written).snapshot())
        assert len(list(matches.search())) == 6
        for one in written:
            one.truncate(0)
        assert matches.of(0).mask(0, 8).tolist() == [True, False] * 4
        assert matches.of(1).mask(2, 5).tolist() == [True, False, True]


def test_a_window_stays_where_it_was_placed() -> None:
    """`-S -10s` counts back from the row that was newest then, and does not slide."""
    with growing("prefill") as written:
        panes = Panes(Filter(since="-10s"))
        panes.update(written)
        written[0].write(b"INFO 11-22 10:00:00 [a.py:1] x\nINFO 11-22 10:00:15 [a.py:1] x\n")
        panes.update(written)
        assert rows_of(panes.timeline) == [(0, 1)]
        written[0].write(b"INFO 11-22 10:09:00 [a.py:1] x\n")
        panes.update(written)
        assert rows_of(panes.timeline) == [(0, 1), (0, 2)]


def test_places_of_rows() -> None:
    """A row that is not shown stands for the first one after it."""
    with growing("prefill", "decode") as written:
        for one in written:
            for second in range(4):
                text = "even" if second % 2 == 0 else "odd"
                one.write(f"INFO 11-22 10:00:0{second} [a.py:1] {text}\n".encode())
        panes = Panes(Filter(texts=(parse_text("even"),)))
        panes.update(written)
        assert rows_of(panes.timeline) == [(0, 0), (1, 0), (0, 2), (1, 2)]
        places = [panes.timeline.place_of(0, row) for row in range(5)]
        assert places == [0, 2, 2, 4, 4]
        [lane] = [pane for lane, pane in panes.lanes.items() if lane.source == 1]
        assert [lane.place_of(1, row) for row in range(5)] == [0, 1, 1, 2, 2]
        assert panes.timeline.refs(1, 3).tolist() == [1 << 40, 2]
        assert lane.refs(0, 2).tolist() == [1 << 40, 1 << 40 | 2]


def test_the_newest_time() -> None:
    """Of the sources' last rows; nothing where there is none."""
    with growing("prefill", "decode") as written:
        assert newest_time(store_of(*written).snapshot()) == 0
        written[0].write(b"bare\n")
        assert newest_time(store_of(*written).snapshot()) == 0
        written[0].write(b"INFO 11-22 10:00:00 [a.py:1] x\n")
        written[1].write(b"INFO 11-22 10:00:05 [a.py:1] x\n")
        newest = written[1].source.columns.when[0]
        assert newest_time(store_of(*written).snapshot()) == newest


@pytest.mark.parametrize(
    ("above", "below", "first", "then"),
    [("WARNING", "INFO", [(0, 0), (0, 1)], [(0, 0)]), ("INFO", "WARNING", [], [(0, 1)])],
)
def test_a_row_that_turns_out_otherwise_is_as_it_was_until_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
    above: str,
    below: str,
    first: list[tuple[int, int]],
    then: list[tuple[int, int]],
) -> None:
    """Between two updates a line may come to its end: the panes stay as long as they were."""
    monkeypatch.setattr(view, "_KEPT", 0)
    with growing("prefill") as written:
        pane = Panes(Filter(level=WARNING))
        written[0].write(f"{above} 11-22 06:35:44 [a.py:1] x\n{below} 11-22 06:35".encode())
        written[0].source.show_unfinished()
        pane.update(written)
        assert rows_of(pane.timeline) == first
        written[0].write(b":44 [a.py:1] y\n")
        assert {len(rows) for rows in pane.shown().values()} == {len(first)}
        pane.update(written)
        assert rows_of(pane.timeline) == then


def test_what_is_shown_stays_until_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that come late go above others in the order; a view has them when it is updated."""
    monkeypatch.setattr(view, "_KEPT", 0)
    with growing("prefill", "decode") as written:
        panes = Panes(Filter())
        for second in range(9):
            written[0].write(f"INFO 11-22 10:00:0{second} [a.py:1] x\n".encode(), 1)
        panes.update(written)
        before = rows_of(panes.timeline)
        written[1].write(b"INFO 11-22 10:00:03 [a.py:1] late\n" * 9, 2)
        changed = panes.merge.update(store_of(*written).snapshot())
        assert rows_of(panes.timeline) == before
        assert panes.timeline.place_of(0, 8) == 8
        assert panes.timeline.place_of(1, 0) == len(before)
        panes.matches.refresh(store_of(*written).snapshot())
        assert panes.timeline.update(changed) == changed == 4
        assert len(rows_of(panes.timeline)) == 18


def test_a_view_is_made_on_a_thread_while_rows_come() -> None:
    """Of whatever rows there were: each source's in file order, and none twice."""
    texts = [f"INFO 11-22 10:00:{second:02} [a.py:1] x\n".encode() for second in range(60)]
    with growing("prefill", "decode") as written:
        panes = Panes(Filter(ranks=parse_ranks("!3")))
        panes.update(written)
        seen: list[list[tuple[int, int]]] = []
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                matches = Matches(panes.matches.filter)
                matches.refresh(store_of(*written).snapshot())
                timeline = TimelineView(matches, panes.merge)
                timeline.update(0)
                seen.append(rows_of(timeline))
                lane = LaneView(matches, Lane(0, Split.SOURCE, None, "x"))
                lane.update()
                assert len(rows_of(lane)) == len(lane) == lane.total

        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(look)
            rng = random.Random(1)
            for batch in range(40):
                written[rng.randrange(2)].write(b"".join(rng.sample(texts, 3)), batch)
                panes.update(written)
            done.set()
            looking.result()
        for rows in seen:
            for number in (0, 1):
                mine = [row for source, row in rows if source == number]
                assert mine == list(range(len(mine)))
