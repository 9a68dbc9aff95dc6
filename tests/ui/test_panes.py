"""Panes: lanes, moving, following, zooming, small and resized terminals."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.style import Style
from textual._styles_cache import StylesCache
from textual.geometry import Spacing
from textual.strip import Strip

from pdtui.core.lanes import Split
from pdtui.ui.lanegrid import grid_for
from tests.ui.conftest import DATA, Open

SEED = DATA / "seed" / "pd_disagg.log"
TP2 = DATA / "h200" / "pd-tp2-workers"
PAIR = DATA / "h200" / "pd-seed-like"


async def test_a_file_with_two_ranks_gets_a_pane_for_each(viewer: Open) -> None:
    """The seed's one file is two tail panes, rank 0 and rank 1."""
    async with viewer(SEED) as opened:
        assert [pane.view.lane.label for pane in opened.lanes] == [
            "pd_disagg · rank 0",
            "pd_disagg · rank 1",
        ]
        assert sum(len(pane.view) for pane in opened.lanes) == 23


async def test_two_files_of_two_workers_get_four_panes(viewer: Open) -> None:
    """A TP=2 pair is four lanes; NCCL's lines, which say no rank, are in their worker's."""
    async with viewer(TP2 / "prefill.log", TP2 / "decode.log") as opened:
        assert len(opened.lanes) == 4
        assert [len(pane.view) for pane in opened.lanes] == [133, 133, 83, 81]


async def test_split_by_source_keeps_a_pane_a_file(viewer: Open) -> None:
    """`--split source` shows each file whole."""
    async with viewer(TP2 / "prefill.log", TP2 / "decode.log", split=Split.SOURCE) as opened:
        assert [len(pane.view) for pane in opened.lanes] == [266, 164]


async def test_the_border_says_how_many_rows_are_below(viewer: Open) -> None:
    """At once, wherever a key has put the cursor."""
    async with viewer(TP2 / "prefill.log", size=(110, 30)) as opened:
        pane = opened.timeline
        for keys in (("g",), ("pagedown",), ("j",), ("k", "k", "k"), ("pageup",)):
            await opened.press(*keys)
            below = len(pane.view) - pane.scroll_offset.y - pane.size.height
            assert below > 0
            assert f"▲ {below:,} below" in str(pane.border_subtitle)


async def test_scrolling_up_stops_following_and_g_resumes(viewer: Open, tmp_path: Path) -> None:
    """Rows that arrive leave a scrolled pane where it is; `G` goes to the end and follows."""
    log = tmp_path / "prefill.log"
    lines = (PAIR / "prefill.log").read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines) * 6)
    async with viewer(log, follow=True) as opened:
        pane = opened.timeline
        assert pane.following
        assert pane.cursor == len(pane.view) - 1
        await opened.press("k", "k")
        assert not pane.following
        stood = pane.cursor_row
        top = pane.scroll_offset.y
        with log.open("ab") as file:
            file.write(b"".join(lines))
        opened.ingest.ring()
        await opened.until(lambda: len(pane.view) == len(lines) * 7)
        assert pane.cursor_row == stood
        assert pane.scroll_offset.y == top
        await opened.press("G")
        assert pane.following
        assert pane.cursor == len(pane.view) - 1
        assert "12 below" not in str(pane.border_subtitle)


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (["g"], 0),
        (["g", "j", "j"], 2),
        (["G", "k"], 429 - 1),
        (["home"], 0),
        (["g", "space"], None),
        (["g", "ctrl+d"], None),
    ],
)
async def test_moving(viewer: Open, keys: list[str], place: int | None) -> None:
    """The usual keys move by a row, half a page and a page, and to both ends."""
    async with viewer(TP2 / "prefill.log", TP2 / "decode.log") as opened:
        await opened.press(*keys)
        height = opened.timeline.size.height
        pages = {"space": height - 1, "ctrl+d": (height - 1) // 2}
        expected = pages[keys[-1]] if place is None else place
        assert opened.timeline.cursor == expected


async def test_tab_and_digits_go_round_the_panes(viewer: Open) -> None:
    """Tab goes through the panes and the timeline; 1…9 and 0 go to one at once."""
    async with viewer(PAIR / "prefill.log", PAIR / "decode.log") as opened:
        assert opened.app.focused is opened.timeline
        await opened.press("tab")
        assert opened.app.focused is opened.lanes[0]
        await opened.press("2")
        assert opened.app.focused is opened.lanes[1]
        await opened.press("tab")
        assert opened.app.focused is opened.timeline
        await opened.press("1", "0")
        assert opened.app.focused is opened.timeline


async def test_zoom_gives_a_pane_the_screen_and_takes_it_back(viewer: Open) -> None:
    """`z` shows one pane alone, also one of the tail panes; again, or Esc, brings all back."""
    async with viewer(PAIR / "prefill.log", PAIR / "decode.log", size=(100, 30)) as opened:
        small = opened.timeline.size.height
        await opened.press("z")
        assert opened.timeline.size.height == 30 - 3 - 2
        await opened.press("escape")
        assert opened.timeline.size.height == small
        await opened.press("1", "z")
        assert opened.lanes[0].size.height == 30 - 3 - 2
        assert opened.lanes[0].size.width > 90
        await opened.press("tab")
        assert opened.lanes[1].size.height == 30 - 3 - 2
        await opened.press("q")
        assert opened.timeline.size.height == small


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (160, 48), (300, 80), (20, 6)])
async def test_any_size_of_terminal_shows_the_last_row(viewer: Open, size: tuple[int, int]) -> None:
    """However small the terminal, the filters and the end of the timeline are in sight."""
    async with viewer(PAIR / "prefill.log", PAIR / "decode.log", size=size) as opened:
        assert opened.timeline.size.height >= 1
        assert any(
            "10.0" in line or "127" in line or line for line in opened.lines(opened.timeline)
        )
        assert opened.timeline.cursor == len(opened.timeline.view) - 1
        assert "rank" in opened.screen()


async def test_the_layout_adapts_when_the_terminal_is_resized(viewer: Open) -> None:
    """From large to 80×24 and back: panes give way first, the timeline keeps its rows."""
    async with viewer(TP2 / "prefill.log", TP2 / "decode.log", size=(160, 48)) as opened:
        assert len(opened.app.lane_grid.in_sight()) == 4
        await opened.pilot.resize_terminal(80, 24)
        await opened.settled()
        assert len(opened.app.lane_grid.in_sight()) >= 2
        assert opened.timeline.size.height >= 8
        await opened.pilot.resize_terminal(80, 12)
        await opened.settled()
        assert opened.app.lane_grid.in_sight() == []
        await opened.pilot.resize_terminal(160, 48)
        await opened.settled()
        assert len(opened.app.lane_grid.in_sight()) == 4


@pytest.mark.parametrize("lanes", range(40))
@pytest.mark.parametrize(("width", "height"), [(80, 20), (160, 44), (40, 10), (300, 90)])
def test_a_grid_fits_its_room(lanes: int, width: int, height: int) -> None:
    """Never more than eight panes, each at least four lines high, no row of panes too many."""
    grid = grid_for(lanes, width, height)
    assert grid.panes <= 8
    if grid.panes:
        assert grid.height // grid.rows >= 4
        assert grid.height < height
        assert (grid.rows - 1) * grid.columns < max(lanes, 1)


async def test_more_lanes_than_fit_are_paged_by_tab(viewer: Open, tmp_path: Path) -> None:
    """Twelve files are two pages of panes; Tab turns the page when it leaves the last one."""
    for number in range(12):
        (tmp_path / f"w{number:02}.log").write_bytes((PAIR / "prefill.log").read_bytes())
    async with viewer(tmp_path) as opened:
        grid = opened.app.lane_grid
        assert len(grid.in_sight()) == 8
        assert grid.pages == 2
        await opened.press("8", "tab")
        assert opened.app.focused is opened.lanes[8]
        assert opened.lanes[8] in grid.in_sight()
        assert "panes 9-12 of 12" in opened.screen()


async def test_the_freeze_key_counts_what_arrives(viewer: Open, tmp_path: Path) -> None:
    """`=` holds the rows and counts those that come; `=` again shows them."""
    log = tmp_path / "decode.log"
    lines = (PAIR / "decode.log").read_bytes()
    log.write_bytes(lines)
    async with viewer(log, follow=True) as opened:
        await opened.press("equals_sign")
        with log.open("ab") as file:
            file.write(lines)
        opened.ingest.ring()
        await opened.until(lambda: len(opened.app.session.store) == 26)
        await opened.until(lambda: "frozen, +13" in opened.screen())
        assert len(opened.timeline.view) == 13
        await opened.press("equals_sign")
        await opened.until(lambda: len(opened.timeline.view) == 26)
        assert "frozen" not in opened.screen()


async def test_a_file_that_is_not_there_yet_is_waited_for(viewer: Open, tmp_path: Path) -> None:
    """The pane says that the file is waited for; when it appears, its rows do."""
    log = tmp_path / "decode.log"
    async with viewer(log, follow=True) as opened:
        assert "waiting for it to appear" in opened.screen()
        log.write_bytes((PAIR / "decode.log").read_bytes())
        opened.ingest.ring()
        await opened.until(lambda: len(opened.timeline.view) == 13)
        await opened.settled()
        assert "waiting" not in opened.screen()


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
async def test_lines_with_their_borders_are_those_that_textual_draws(
    viewer: Open, size: tuple[int, int]
) -> None:
    """Character by character and style by style, with the keys and without, and where no row is."""
    async with viewer(SEED, TP2 / "decode.log", size=size) as opened:
        for keys in ((), ("tab",), ("k", "m", "k"), ("r", "1", "enter")):
            await opened.press(*keys)
            await opened.settled()
            for pane in (opened.timeline, *opened.lanes):
                whole = pane.outer_size.region
                for crop in (whole, whole.shrink(Spacing(1, 4, 2, 3))):
                    drawn = pane.render_lines(crop)
                    with pytest.MonkeyPatch.context() as patch:
                        patch.setattr(pane, "_styles_cache", StylesCache())
                        textuals = pane.render_lines(crop)
                    assert list(map(cells_of, drawn)) == list(map(cells_of, textuals))
                    # What the app does to all lines would change nothing: no colour is ANSI's.
                    for one in opened.app.get_line_filters():
                        coloured = [
                            strip.apply_filter(one, pane.background_colors[1]) for strip in drawn
                        ]
                        assert list(map(cells_of, coloured)) == list(map(cells_of, drawn))


def cells_of(strip: Strip) -> list[tuple[str, Style | None]]:
    """Each character of a line with its style."""
    return [(sign, segment.style) for segment in strip for sign in segment.text]
