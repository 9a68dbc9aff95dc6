"""What the other keys do: search, jumps, marks, details, time column, copy, save, help, quit."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdtui.ui.keys import KEYS
from tests.ui.conftest import DATA, Open

SEED = DATA / "seed" / "pd_disagg.log"
PAIR = DATA / "h200" / "pd-seed-like"
CRASH = DATA / "h200" / "fail-address-in-use"


async def test_search_highlights_and_goes_from_hit_to_hit(viewer: Open) -> None:
    """`/` hides nothing, `n` and `N` go to the rows that hold the text, round the end."""
    async with viewer(SEED) as opened:
        lines = SEED.read_text().splitlines()
        hits = [place for place, line in enumerate(lines) if "ncclCommInitRank" in line]
        await opened.press("g", "slash")
        await opened.type("ncclCommInitRank")
        await opened.press("enter")
        await opened.until(lambda: opened.timeline.cursor_row == (0, hits[0]))
        assert len(opened.timeline.view) == 23
        await opened.press("n")
        await opened.until(lambda: opened.timeline.cursor_row == (0, hits[1]))
        await opened.press("N", "N")
        await opened.until(lambda: opened.timeline.cursor_row == (0, hits[-1]))
        await opened.press("escape")
        assert opened.timeline.highlight is None


async def test_search_says_where_nothing_is_found(viewer: Open) -> None:
    """A text that no row holds leaves the cursor and says so."""
    async with viewer(SEED) as opened:
        await opened.press("g", "slash")
        await opened.type("nowhere")
        await opened.press("enter")
        await opened.until(lambda: "not found: nowhere" in opened.screen())
        assert opened.timeline.cursor == 0


async def test_next_and_previous_error_and_warning(viewer: Open) -> None:
    """`e` goes to the tracebacks, `w` also to the warnings; without more, a word is said."""
    async with viewer(CRASH / "prefill.log") as opened:
        await opened.press("g", "e")
        row = opened.app.session.describe(*opened.timeline.cursor_row)
        assert row.message.startswith("Exception in thread Thread-1")
        await opened.press("e")
        row = opened.app.session.describe(*opened.timeline.cursor_row)
        assert row.message.startswith("Exception in thread Thread-2")
        await opened.press("e")
        await opened.until(lambda: "no further error" in opened.screen())
        await opened.press("g", "w")
        row = opened.app.session.describe(*opened.timeline.cursor_row)
        assert row.level == "WARNING"
        await opened.press("E")
        await opened.until(lambda: "no earlier error" in opened.screen())


async def test_next_silence(viewer: Open) -> None:
    """`s` goes to the row that followed five seconds or more without one."""
    async with viewer(PAIR / "prefill.log") as opened:
        await opened.press("g", "s")
        row = opened.app.session.describe(*opened.timeline.cursor_row)
        above = opened.app.session.describe(0, opened.timeline.cursor_row[1] - 1)
        assert row.time - above.time >= 5_000_000
        await opened.press("S")
        await opened.until(lambda: "no earlier silence" in opened.screen())


async def test_marks(viewer: Open) -> None:
    """`m` marks rows in all panes, `u` and `U` go between them, `'` lists them in order."""
    async with viewer(SEED) as opened:
        await opened.press("g", "m", "j", "j", "j", "m", "g", "u")
        assert opened.timeline.cursor == 3
        await opened.press("U")
        assert opened.timeline.cursor == 0
        assert opened.lines(opened.timeline)[0].startswith("◈")
        await opened.press("apostrophe")
        assert "marked rows" in opened.screen()
        assert "+0.000 s" in opened.screen()
        await opened.press("escape", "m")
        assert opened.timeline.marked == {(0, 3)}


async def test_time_column(viewer: Open) -> None:
    """`T` shows the clock, the time since the row above, the time since the mark."""
    async with viewer(SEED) as opened:
        await opened.press("g", "m", "T")
        assert "+2s" in opened.lines(opened.timeline)[5]
        await opened.press("T")
        assert "+5s" in opened.lines(opened.timeline)[11]
        await opened.press("T")
        assert "10:30:50" in opened.lines(opened.timeline)[11]


async def test_details_show_fields_and_the_raw_line(viewer: Open) -> None:
    """Enter shows what is known of a row and the line itself; Esc closes."""
    async with viewer(SEED) as opened:
        await opened.press("g", "j", "j", "j", "j", "enter")
        text = opened.screen()
        for said in ("zmq_address", "127.0.0.1:14579", "PUT_ASYNC", "explicit", "init"):
            assert said in text, said
        await opened.press("escape")
        assert "line 5" not in opened.screen()


async def test_copy_goes_to_the_terminals_clipboard(viewer: Open) -> None:
    """`c` copies the row's own bytes; with marks, the marked rows."""
    async with viewer(SEED) as opened:
        lines = SEED.read_text().splitlines()
        await opened.press("g", "c")
        assert opened.app.clipboard == lines[0]
        await opened.press("m", "j", "m", "c")
        assert opened.app.clipboard == "\n".join(lines[:2])


async def test_save_writes_what_is_shown(
    viewer: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-S writes the filtered rows' own bytes, and never over a file that is there."""
    monkeypatch.chdir(tmp_path)
    async with viewer(SEED) as opened:
        await opened.press("r", "0", "enter", "ctrl+s")
        box = opened.app.query_one("#prompt-input")
        box.value = "kept.log"
        await opened.press("enter")
        await opened.until(lambda: "12 rows saved" in opened.screen())
        saved = (tmp_path / "kept.log").read_bytes()
        assert len(saved.splitlines()) == 12
        assert set(saved.splitlines()) <= set(SEED.read_bytes().splitlines())
        await opened.press("ctrl+s")
        box.value = "kept.log"
        await opened.press("enter")
        await opened.until(lambda: "file exists" in opened.screen())
        assert (tmp_path / "kept.log").read_bytes() == saved


async def test_help_lists_every_key(viewer: Open) -> None:
    """The help shows each key of the table with what it does."""
    async with viewer(SEED, size=(120, 120)) as opened:
        await opened.press("question_mark")
        text = opened.screen()
        for key in KEYS:
            if key.shown:
                assert key.does in text, key.shown


async def test_q_closes_a_popup_before_it_quits(viewer: Open) -> None:
    """`q` is one step back, then the end, with status 0."""
    async with viewer(SEED) as opened:
        await opened.press("question_mark", "q")
        assert opened.app.is_running
        assert len(opened.app.screen_stack) == 1
        await opened.pilot.press("q")
        await opened.until(lambda: opened.app.return_value == 0)
