"""Filtering from the keyboard: rank, marker, level, text; off, on, back."""

from __future__ import annotations

import pytest
from textual.events import Key

from pdtui.core.query import Filter, parse_ranks, parse_text
from pdtui.ui import showing
from tests.ui.conftest import DATA, Open

PAIR = DATA / "h200" / "pd-seed-like"
TP2 = DATA / "h200" / "pd-tp2-workers"
SEED = DATA / "seed" / "pd_disagg.log"


def rows_of(path, *, holding: bytes) -> int:
    """How many lines of a file hold these bytes, as `grep -c` counts them."""
    return sum(holding in line for line in path.read_bytes().splitlines())


async def test_r_0_enter_shows_rank_0_in_panes_and_timeline(viewer: Open) -> None:
    """`r` `0` ⏎ leaves rank 0 everywhere: in each pane and in the timeline."""
    async with viewer(SEED) as opened:
        await opened.press("r", "0", "enter")
        session = opened.app.session
        assert len(opened.timeline.view) == 12
        for place in range(len(opened.timeline.view)):
            rank = session.describe(*opened.timeline.view.at(place)).rank
            assert rank is not None
            assert rank.value == 0
        assert [len(lane.view) for lane in opened.lanes] == [12, 0]
        assert opened.app.focused is opened.timeline


async def test_rank_can_be_qualified_by_its_source(viewer: Open) -> None:
    """`decode:1` is rank 1 of decode alone, though prefill has a rank 1 too."""
    async with viewer(TP2 / "prefill.log", TP2 / "decode.log") as opened:
        await opened.press("r")
        await opened.type("decode:1")
        view = opened.timeline.view
        found = {opened.app.session.describe(*view.at(place)).source for place in range(len(view))}
        assert found == {"decode"}


async def test_the_rows_change_as_one_types(viewer: Open) -> None:
    """Each keystroke narrows the rows; nothing waits for Enter."""
    async with viewer(SEED) as opened:
        before = len(opened.timeline.view)
        await opened.press("x")
        await opened.type("al")
        shown = len(opened.timeline.view)
        assert shown == rows_of(SEED, holding="🚨".encode()) == 2 < before


async def test_marker_by_emoji_is_what_grep_counts(viewer: Open) -> None:
    """An emoji typed or pasted into the marker filter shows the rows that grep finds."""
    async with viewer(PAIR / "prefill.log", PAIR / "decode.log") as opened:
        for emoji in ("🔍", "🚨", "💯", "🤝", "✅", "✉️", "⚠️"):
            opened.app.filter_bar.set_text("marker", emoji)
            await opened.settled()
            counted = sum(
                rows_of(PAIR / f"{side}.log", holding=emoji.encode())
                for side in ("prefill", "decode")
            )
            assert len(opened.timeline.view) == counted > 0, emoji


async def test_down_and_enter_take_a_marker_from_the_list(viewer: Open) -> None:
    """The list offers what the logs hold, most frequent first: nobody types an emoji."""
    async with viewer(SEED) as opened:
        await opened.press("x", "down", "enter")
        assert opened.app.filter_bar.texts["marker"] == "debug"
        assert len(opened.timeline.view) == rows_of(SEED, holding="🔍".encode())


async def test_tab_completes_a_marker_name(viewer: Open) -> None:
    """Tab takes the completion that is shown."""
    async with viewer(SEED) as opened:
        await opened.press("x")
        await opened.type("succ")
        await opened.until(lambda: opened.app.filter_bar.input("marker")._suggestion == "success")
        await opened.press("tab")
        assert opened.app.filter_bar.texts["marker"] == "success"


async def test_level_and_text_filter(viewer: Open) -> None:
    """A level shows itself and all above; a text hides what does not hold it, `!` what does."""
    async with viewer(SEED) as opened:
        await opened.press("L")
        await opened.type("warn")
        assert len(opened.timeline.view) == rows_of(SEED, holding=b"WARNING") == 2
        await opened.press("escape")
        await opened.press("ampersand")
        await opened.type("create_connect")
        assert len(opened.timeline.view) == rows_of(SEED, holding=b"create_connect") == 1
        opened.app.filter_bar.set_text("text", "!ZMQ")
        await opened.settled()
        assert len(opened.timeline.view) == 23 - rows_of(SEED, holding=b"ZMQ")


async def test_filters_and(viewer: Open) -> None:
    """Rank, marker and text must all hold."""
    async with viewer(SEED) as opened:
        opened.app.filter_bar.set_text("rank", "1")
        opened.app.filter_bar.set_text("marker", "debug")
        opened.app.filter_bar.set_text("text", "DECODE")
        await opened.settled()
        expected = [
            line
            for line in SEED.read_text().splitlines()
            if "[Rank 1]" in line and "🔍" in line and "DECODE" in line
        ]
        assert len(opened.timeline.view) == len(expected) == 3


async def test_what_cannot_be_understood_is_said_and_changes_nothing(viewer: Open) -> None:
    """A wrong filter is named below, marked in the line, and the rows stay as they were."""
    async with viewer(SEED) as opened:
        await opened.press("ampersand")
        await opened.type("(")
        assert len(opened.timeline.view) == 23
        assert opened.app.filter_bar.input("text").has_class("invalid")
        assert "text" in opened.screen()
        assert "is no expression" in opened.screen()
        await opened.press("backspace")
        assert not opened.app.filter_bar.input("text").has_class("invalid")
        assert "is no expression" not in opened.screen()


async def test_escape_steps_back(viewer: Open) -> None:
    """Esc in an input restores it; in a pane it clears the filter that was set last."""
    async with viewer(SEED) as opened:
        await opened.press("r", "0", "enter", "x")
        await opened.type("alert")
        await opened.press("escape")
        assert opened.app.filter_bar.texts == {"rank": "0", "marker": "", "level": "", "text": ""}
        assert opened.app.focused is opened.timeline
        await opened.press("escape")
        assert len(opened.timeline.view) == 23


async def test_backslash_switches_filters_off_and_on_and_keeps_the_place(viewer: Open) -> None:
    """`\\` shows all rows with the cursor on the same row, and again the filtered ones."""
    async with viewer(SEED) as opened:
        await opened.press("r", "0", "enter", "k", "k", "k")
        row = opened.timeline.cursor_row
        assert row is not None
        await opened.press("backslash")
        assert len(opened.timeline.view) == 23
        assert opened.timeline.cursor_row == row
        await opened.press("backslash")
        assert len(opened.timeline.view) == 12
        assert opened.timeline.cursor_row == row


async def test_backslash_brings_back_the_filters_although_an_input_is_not_understood(
    viewer: Open,
) -> None:
    """What cannot be understood is said, and changes nothing: not when filters come back either."""
    async with viewer(SEED) as opened:
        await opened.press("r", "0", "enter", "L", "3", "enter")
        assert len(opened.timeline.view) == 12
        assert "is none of debug" in opened.screen()
        for rows in (23, 12, 23, 12):
            await opened.press("backslash")
            assert len(opened.timeline.view) == rows
        assert "is none of debug" in opened.screen()
        await opened.press("escape")
        assert opened.app.filter_bar.texts["level"] == ""
        assert len(opened.timeline.view) == 12


async def test_star_and_hash_go_by_the_row_under_the_cursor(viewer: Open) -> None:
    """`*` keeps only rows with the cursor row's marker, `#` hides them."""
    async with viewer(SEED) as opened:
        await opened.press("g", "asterisk")
        assert opened.app.filter_bar.texts["marker"] == "debug"
        assert len(opened.timeline.view) == rows_of(SEED, holding="🔍".encode())
        await opened.press("escape", "g", "number_sign")
        assert opened.app.filter_bar.texts["marker"] == "!debug"
        assert len(opened.timeline.view) == 23 - rows_of(SEED, holding="🔍".encode())


async def test_keys_typed_in_one_burst_reach_the_input(viewer: Open) -> None:
    """`r0` in one packet filters by rank 0; the digit does not switch the pane."""
    async with viewer(SEED) as opened:
        for key in ("r", "0", "enter"):
            opened.app.post_message(Key(key, key if len(key) == 1 else None))
        await opened.until(lambda: opened.app.filter_bar.texts["rank"] == "0")
        await opened.until(lambda: opened.app.focused is opened.timeline)
        assert not opened.app.screen_stack[1:]


async def test_a_second_filter_in_the_same_packet_reaches_its_own_input(viewer: Open) -> None:
    """`r0⏎&NEW⏎xdebug⏎` without a pause fills three inputs, each with its own."""
    async with viewer(SEED) as opened:
        for key in ["r", "0", "enter", "&", *"NEW", "enter", "x", *"debug", "enter"]:
            name = {"&": "ampersand"}.get(key, key)
            opened.app.post_message(Key(name, key if len(key) == 1 else None))
        expected = {"rank": "0", "marker": "debug", "level": "", "text": "NEW"}
        await opened.until(lambda: opened.app.filter_bar.texts == expected)
        await opened.until(lambda: opened.app.focused is opened.timeline)
        assert len(opened.timeline.view) == 1


async def test_the_command_lines_filters_are_in_sight_and_can_be_dropped(viewer: Open) -> None:
    """What has no input is said at the end of the filter line; Esc drops it at last."""
    wanted = Filter(since="10:30:50", texts=(parse_text("ZMQ", excluded=True),))
    async with viewer(SEED, wanted=wanted) as opened:
        assert "-S 10:30:50 -x ZMQ 10 of 23" in opened.screen()
        await opened.press("r", "0", "enter", "escape")
        assert len(opened.timeline.view) == 10
        await opened.press("escape")
        assert len(opened.timeline.view) == 23


async def test_a_filter_that_nothing_passes_keeps_the_place(viewer: Open) -> None:
    """An empty pane says why it is; without the filter the cursor is on its row again."""
    async with viewer(SEED) as opened:
        await opened.press("g", "j", "j", "ampersand")
        await opened.type("NEVERTHERE")
        assert "no row passes the filters" in opened.screen()
        await opened.press("escape")
        assert opened.timeline.cursor_row == (0, 2)
        await opened.press("ampersand")
        await opened.type("create")
        await opened.press("enter")
        assert opened.timeline.cursor_row == (0, 11)
        await opened.press("escape")
        assert opened.timeline.cursor_row == (0, 2)


async def test_letters_of_keys_can_be_typed_into_a_filter(viewer: Open) -> None:
    """`x`, `r`, `/`, `&` and `L` are letters while a filter is typed."""
    async with viewer(SEED) as opened:
        await opened.press("ampersand")
        await opened.type("xr/&L=zq")
        assert opened.app.filter_bar.texts["text"] == "xr/&L=zq"


@pytest.mark.parametrize("wanted", [Filter(), Filter(since="10:30:50")])
async def test_a_filter_made_on_a_thread_shows_the_same_and_writes_out_no_rows(
    viewer: Open, monkeypatch: pytest.MonkeyPatch, wanted: Filter
) -> None:
    """Of many rows the words of what a thread is given would take seconds to write."""
    written = []
    monkeypatch.setattr(showing, "_SEARCHED_AT_ONCE", 5)
    monkeypatch.setattr(showing, "FILTERED_AT_ONCE", 5)
    monkeypatch.setattr(showing.Showing, "__repr__", lambda self: written.append(self) or "")
    async with viewer(SEED, wanted=wanted) as opened:
        for keys, text in (("ampersand", "NEW"), ("r", "0")):
            await opened.press(keys)
            await opened.type(text)
            await opened.press("enter")
            await opened.until(lambda: opened.app.session.filter == opened.app._sought.filter)
        rows = [opened.timeline.view.at(place) for place in range(len(opened.timeline.view))]
    held = [line for line in SEED.read_bytes().splitlines() if b"NEW" in line]
    assert len(rows) == len([line for line in held if b"[Rank 0]" in line]) > 0
    assert not written


async def test_what_cannot_be_understood_leaves_the_other_inputs_alone(viewer: Open) -> None:
    """It counts as it did before; what is typed elsewhere holds, and `\\` too."""
    async with viewer(SEED) as opened:
        await opened.press("r", "0", "x", "enter", "L")
        await opened.type("3")
        await opened.press("enter", "ampersand")
        await opened.type("NEW")
        await opened.press("enter")
        app = opened.app
        assert [
            n for n in app.filter_bar.texts if app.filter_bar.input(n).has_class("invalid")
        ] == [
            "rank",
            "level",
        ]
        screen = opened.screen()
        assert "rank: '0x' is no rank" in screen
        assert "level: '3' is none of" in screen
        held = [line for line in SEED.read_text().splitlines() if "NEW" in line]
        expected = sum("[Rank 0]" in line for line in held)
        assert len(opened.timeline.view) == expected > 0
        await opened.press("backslash")
        assert len(opened.timeline.view) == 23
        await opened.press("backslash")
        assert len(opened.timeline.view) == expected


async def test_what_the_command_line_asked_for_holds_while_its_input_is_not_understood(
    viewer: Open,
) -> None:
    ranks = Filter(ranks=parse_ranks("0"))
    async with viewer(SEED, wanted=ranks, typed={"rank": "0"}) as opened:
        before = len(opened.timeline.view)
        await opened.press("r", "x", "enter", "ampersand")
        await opened.type("a")
        await opened.press("backspace", "enter")
        assert opened.app.filter_bar.texts["rank"] == "x"
        assert len(opened.timeline.view) == before < 23
