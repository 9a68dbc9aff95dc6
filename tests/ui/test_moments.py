"""Keys that go along a request, along handshakes, and that hold panes to one moment."""

from __future__ import annotations

from pathlib import Path

from tests.core.handshake_lines import line
from tests.ui.conftest import DATA, Open, Opened
from tests.ui.runs import made_up

PAIR = [DATA / "h200" / "pd-seed-like" / f"{side}.log" for side in ("prefill", "decode")]
TP2 = [DATA / "h200" / "pd-tp2-workers" / f"{side}.log" for side in ("prefill", "decode")]
ONE, OTHER = f"cmpl-{1:032x}-0", f"cmpl-{2:032x}-0"


def at_cursor(opened: Opened) -> str:
    """Source and line number of the row under the cursor of the pane that has the keys."""
    number, row = opened.app.pane.cursor_row or (0, 0)
    return f"{opened.app.session.source_at(number).label}:{row + 1}"


async def test_o_follows_a_request_through_all_processes(viewer: Open, tmp_path: Path) -> None:
    """From prefill's row to decode's, past the rows of others; O goes back; then it is said."""
    prefill, decode = tmp_path / "prefill.log", tmp_path / "decode.log"
    prefill.write_text(line(f"a {ONE}", 1) + line(f"b {OTHER}", 2) + line(f"c {ONE}", 3))
    decode.write_text(line("d", 1) + line(f"e {ONE}-0123abcd", 4) + line(f"f {OTHER}", 5))
    async with viewer(prefill, decode) as opened:
        await opened.press("1", "g")
        assert at_cursor(opened) == "prefill:1"
        seen = []
        for key in ("o", "o", "o", "O"):
            await opened.press(key)
            seen.append(at_cursor(opened))
        assert seen == ["prefill:3", "decode:2", "decode:2", "prefill:3"]
        assert opened.app.focused is opened.timeline
        await opened.press("g", "j", "o")
        await opened.sees("speaks of no request")


async def test_a_row_of_several_requests_stays_with_the_one_followed(
    viewer: Open, tmp_path: Path
) -> None:
    """A row that names both is passed, and the way goes on along the first one."""
    log = tmp_path / "prefill.log"
    texts = (f"a {OTHER}", f"b {ONE} {OTHER}", f"c {ONE}", f"d {OTHER}")
    log.write_text("".join(line(text, n) for n, text in enumerate(texts)))
    async with viewer(log) as opened:
        await opened.press("g", "o")
        assert at_cursor(opened) == "prefill:2"
        await opened.press("o")
        assert at_cursor(opened) == "prefill:4"


async def test_braces_go_from_step_to_step(viewer: Open) -> None:
    """In the pane under focus, and only there."""
    async with viewer(*PAIR) as opened:
        await opened.press("2", "g")
        seen = []
        for _ in range(12):
            await opened.press("right_curly_bracket")
            number, row = opened.app.pane.cursor_row or (0, 0)
            seen.append(opened.app.session.describe(number, row).message)
        assert opened.app.focused is opened.lanes[1]
        assert any("Received NEW" in text for text in seen)
        assert "ncclCommInitRank Success" in seen[-1]
        last = at_cursor(opened)
        await opened.press("right_curly_bracket")
        await opened.sees("no further step of a handshake")
        await opened.press("left_curly_bracket")
        assert at_cursor(opened) != last


async def test_enter_tells_what_the_others_were_doing(viewer: Open) -> None:
    """At prefill's success decode had come to its own, and before that both were in."""
    async with viewer(*PAIR, size=(120, 60)) as opened:
        await opened.press("0", "g")
        await opened.type("/Received NEW")
        await opened.press("enter", "enter")
        text = opened.screen()
        assert "the others at that moment" in text
        assert "in a handshake: entered ncclCommInitRank with 127.0.0.1:14580, for 0 s" in text
        assert "handshake   NEW received with 127.0.0.1:14579, for 0 s" in text


async def test_y_locks_the_panes_by_time(viewer: Open) -> None:
    """Each pane's cursor is on its last row at or above the timeline's; again, and it is free."""
    async with viewer(*TP2) as opened:
        await opened.press("g", "y")
        assert "locked by time" in str(opened.timeline.border_title)
        for keys in (["G"], ["b"], ["b"], ["j", "j", "j"]):
            await opened.press(*keys)
            order = [opened.timeline.view.at(p) for p in range(opened.timeline.cursor + 1)]
            for lane in opened.lanes:
                rows = [lane.view.at(p) for p in range(len(lane.view))]
                above = [where for where in order if where in set(rows)]
                assert lane.cursor_row == (above[-1] if above else rows[0])
        await opened.press("y")
        stood = [lane.cursor for lane in opened.lanes]
        assert "locked" not in str(opened.timeline.border_title)
        await opened.press("g")
        assert [lane.cursor for lane in opened.lanes] == stood


async def test_a_tail_pane_leads_the_others_too(viewer: Open) -> None:
    """From a tail pane, the timeline goes to the very row and the other pane to that moment."""
    async with viewer(*PAIR) as opened:
        await opened.press("y", "1", "g", "j", "j", "j", "j", "j")
        assert opened.timeline.cursor_row == opened.lanes[0].cursor_row
        other = opened.lanes[1].cursor_row
        assert other is not None
        view = opened.timeline.view
        assert view.place_of(*other) <= opened.timeline.cursor


async def test_locked_panes_follow_together(viewer: Open, tmp_path: Path) -> None:
    """At the end they follow, all of them, as rows arrive."""
    paths = made_up("healthy", tmp_path)
    async with viewer(*paths, follow=True) as opened:
        await opened.press("y", "k", "G")
        assert all(pane.following for pane in opened.app.panes())
        size = len(opened.app.session.store)
        with paths[0].open("a") as file:
            file.write(line("hello", 100))
        opened.ingest.ring()
        await opened.until(lambda: len(opened.timeline.view) == size + 1)
        await opened.settled()
        assert all(pane.following for pane in opened.app.panes())
