"""The list under a filter input, and what a key costs on the screen."""

from __future__ import annotations

from itertools import pairwise

from textual.geometry import Region

from pdtui.ui.choicelist import Choices
from tests.ui.conftest import DATA, Open

SEED = DATA / "seed" / "pd_disagg.log"


async def test_the_bar_goes_round_and_is_gone_with_the_next_letter(viewer: Open) -> None:
    """Up from no choice is the last one, down from the last the first; a letter begins anew."""
    async with viewer(SEED) as opened:
        choices = opened.app.screen.query_one(Choices)
        await opened.press("x", "up")
        last = choices.chosen
        await opened.press("down")
        first = choices.chosen
        assert first == "debug" != last
        assert last is not None
        await opened.press("d")
        assert choices.chosen is None


async def test_the_list_is_gone_with_its_input(viewer: Open) -> None:
    """Who left the input sees no list, and its bar says nothing any more."""
    async with viewer(SEED) as opened:
        choices = opened.app.screen.query_one(Choices)
        await opened.press("x", "down")
        assert choices.visible
        await opened.press("escape")
        assert not choices.visible
        assert choices.chosen is None


async def test_the_list_of_no_choice_is_not_shown(viewer: Open) -> None:
    """A word that no marker begins with has no list; the next that one does has."""
    async with viewer(SEED) as opened:
        choices = opened.app.screen.query_one(Choices)
        await opened.press("x", "q")
        assert not choices.visible
        await opened.press("backspace", "d")
        assert choices.visible


async def test_the_list_stays_on_a_narrow_screen(viewer: Open) -> None:
    """It begins under its input, or further left where it would reach beyond the screen."""
    async with viewer(SEED, size=(60, 24)) as opened:
        await opened.press("x")
        choices = opened.app.screen.query_one(Choices)
        box = opened.app.filter_bar.input("marker").region
        assert choices.region.y == box.bottom
        assert Region(0, 0, 60, 24).contains_region(choices.region)


async def test_a_click_puts_the_bar_on_a_choice(viewer: Open) -> None:
    """The mouse does what the arrows do; Enter takes it."""
    async with viewer(SEED) as opened:
        await opened.press("x")
        await opened.pilot.click(Choices, offset=(3, 1))
        await opened.press("enter")
        assert opened.app.filter_bar.texts["marker"] == "debug"


async def test_a_key_lays_the_screen_out_once_at_most(viewer: Open) -> None:
    """Going to a filter, a letter, and leaving: each is one layout, for the list that changes."""
    async with viewer(SEED) as opened:
        layouts = []
        signal = opened.app.screen.screen_layout_refresh_signal
        signal.subscribe(opened.app.screen, layouts.append)
        for key in ("x", "d", "enter", "r", "0", "enter"):
            before = len(layouts)
            await opened.press(key)
            assert len(layouts) - before <= 1, key


async def test_rows_are_not_painted_anew_for_the_focus(viewer: Open) -> None:
    """With the keys gone elsewhere, only the line under the cursor is another."""
    async with viewer(SEED) as opened:
        pane = opened.timeline
        height = pane.size.height
        before = [pane.render_line(y) for y in range(height)]
        await opened.press("r")
        after = [pane.render_line(y) for y in range(height)]
        changed = [
            y for y, (one, other) in enumerate(zip(before, after, strict=True)) if one is not other
        ]
        # The last row is looked at each time: it may be unfinished. Here it has the cursor.
        assert changed == [pane.cursor - pane.scroll_offset.y]


async def test_what_a_line_is_painted_from_is_painted_anew(viewer: Open) -> None:
    """A mark, a text that is searched for, another theme: each shows at once."""
    async with viewer(SEED) as opened:
        pane = opened.timeline
        await opened.press("g")

        def styles() -> list[tuple[str, object]]:
            return [(part.text, part.style) for part in pane.render_line(0)]

        seen = [styles()]
        await opened.press("m")
        seen.append(styles())
        word = next(filter(str.isalpha, pane.render_line(0).text.split()))
        await opened.press("slash", *word)
        seen.append(styles())
        opened.app.theme = "textual-light"
        await opened.settled()
        seen.append(styles())
        assert all(one != other for one, other in pairwise(seen))
