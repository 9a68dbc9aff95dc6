"""Large files on the screen: the last rows, and then all rows under the same cursor."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pdtui.follow import tail, whole
from pdtui.ui import pace, showing

from .conftest import Open, Opened

COUNT = 3000


def lines(label: str, first: int, stop: int) -> str:
    return "".join(
        f"INFO 11-01 10:{n // 60 % 60:02}:{n % 60:02} [core.py:7] {label} step {n}\n"
        for n in range(first, stop)
    )


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two logs that count as large; about the last tenth is their tail."""
    paths = tmp_path / "prefill.log", tmp_path / "decode.log"
    for path in paths:
        path.write_text(lines(path.stem, 0, COUNT))
    monkeypatch.setattr(tail, "LARGE", 20_000)
    monkeypatch.setattr(tail, "TAIL", 15_000)
    return paths


@pytest.fixture(params=["at once", "by processes"])
def opened(
    request: pytest.FixtureRequest,
    viewer: Open,
    pair: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], object]:
    """Opens the pair, with the tails alone to begin with; each way of taking in the rest."""
    if request.param != "at once":
        monkeypatch.setattr(showing, "AT_ONCE", 1000)
        monkeypatch.setattr("pdtui.ui.session.AT_ONCE", 1000)
        monkeypatch.setattr(showing, "FILTERED_AT_ONCE", 1000)
    if request.param == "by processes":
        monkeypatch.setattr(whole, "OWN_PROCESS", 1)

    @asynccontextmanager
    async def open_tails() -> AsyncIterator[Opened]:
        async with viewer(*pair, follow=True, hold=True) as opened:
            await opened.until(lambda: len(opened.app.session.tails) == 2)
            yield opened

    return open_tails


async def all_read(opened: Opened) -> None:
    """Lets the rest be read, and waits until it is shown."""
    opened.ingest.go_on()
    await opened.until(lambda: opened.app.session.loaded, 20)
    await opened.settled()


async def test_the_last_rows_are_shown_and_said_to_be_no_more_than_that(opened: Open) -> None:
    async with opened() as it:
        for pane, label in zip(it.lanes, ("prefill", "decode"), strict=True):
            assert it.lines(pane)[-1].endswith(f"{label} step {COUNT - 1}")
        screen = it.screen()
        assert "indexing ░░░░░░░░░░ 0 %" in screen
        assert "the last 2" in screen
        assert "so far" in screen
        before = it.lines(it.timeline)
        await all_read(it)
        assert it.lines(it.timeline) == before
        screen = it.screen()
        assert "indexing" not in screen
        assert "the last" not in screen
        assert "6,000 of 6,000" in screen
        assert "so far" not in screen


async def test_the_cursor_stays_on_its_line_and_the_line_on_its_place(opened: Open) -> None:
    async with opened() as it:
        await it.press("k", "k", "k", "m", "pageup", "k")
        assert not it.timeline.following
        await it.press("1", "pageup", "k")
        before, pane = it.lines(it.timeline), it.lines(it.lanes[0])
        await all_read(it)
        assert it.lines(it.timeline) == before
        assert it.lines(it.lanes[0]) == pane
        assert len(it.timeline.marked) == 1
        await it.press("0", "g")
        assert "step 0" in it.lines(it.timeline)[0]
        await it.press("u")
        assert it.timeline.cursor_row in it.timeline.marked


async def test_what_arrives_meanwhile_is_shown_and_stays(
    opened: Open, pair: tuple[Path, Path]
) -> None:
    async with opened() as it:
        with pair[0].open("a") as file:
            file.write(lines("prefill", COUNT, COUNT + 2))
        await it.sees(f"prefill step {COUNT + 1}")
        before = it.lines(it.timeline)
        await all_read(it)
        assert it.lines(it.timeline) == before
        with pair[1].open("a") as file:
            file.write(lines("decode", COUNT, COUNT + 1))
        await it.sees(f"decode step {COUNT}")


async def test_filters_and_searches_work_on_what_is_there_and_then_on_all(opened: Open) -> None:
    async with opened() as it:
        await it.press("ampersand")
        await it.type("step 29.7")
        await it.press("enter")
        assert [line.split()[-1] for line in it.lines(it.lanes[0]) if line] == [
            f"29{n}7" for n in range(10)
        ][-len([line for line in it.lines(it.lanes[0]) if line]) :]
        assert "so far" in it.screen()
        await it.press("backslash", "slash")
        await it.type("step 17")
        await it.press("enter")
        await it.sees("not found in what has been read so far: step 17")
        await it.press("backslash")
        await all_read(it)
        assert "20 of 6,000" in it.screen()
        await it.press("backslash", "n")
        assert "step 17" in it.lines(it.timeline)[it.timeline.cursor - it.timeline.scroll_offset.y]


async def test_a_line_has_no_number_before_what_stands_above_it_was_read(opened: Open) -> None:
    async with opened() as it:
        await it.press("1", "enter")
        await it.sees("prefill line …")
        await it.press("escape")
        await all_read(it)
        await it.press("enter")
        await it.sees("prefill line 3,000")


async def test_a_file_that_begins_anew_meanwhile_is_shown_as_it_is(
    opened: Open, pair: tuple[Path, Path]
) -> None:
    async with opened() as it:
        pair[0].write_text(lines("prefill", 7, 9))
        await it.until(lambda: any("step 8" in line for line in it.lines(it.lanes[0])))
        await all_read(it)
        assert [line.split()[-1] for line in it.lines(it.lanes[0]) if line] == ["7", "8"]
        assert "3,002 of 3,002" in it.screen()


async def test_no_row_is_ever_painted_with_what_another_says(
    opened: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of a tail get other numbers, while panes may be painted in turns."""
    monkeypatch.setattr(pace, "_TURNS", 9)
    monkeypatch.setattr(pace.Pace, "in_torrent", True)
    async with opened() as it:
        await it.press("k", "pageup", "1", "pageup", "k")
        it.ingest.go_on()
        deadline = time.monotonic() + 20
        while not it.app.session.loaded or it.app.catches_up:
            assert time.monotonic() < deadline
            await asyncio.sleep(0)
            for pane in (it.timeline, *it.lanes):
                for text in it.lines(pane):
                    if found := re.search(r"(\d\d):(\d\d):(\d\d) .*step (\d+)", text):
                        hour, minute, second, step = map(int, found.groups())
                        assert (hour - 10) * 3600 + minute * 60 + second == step
