"""What the screen does while nothing comes: little, and no less than it must."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pdtui.core.stamps import SECOND
from pdtui.ui import status
from tests.core.handshake_lines import D, P, connecting, engine, said
from tests.ui.conftest import DATA, Open

ASKED = connecting(P, D)[:6]
HEALTHY = DATA / "h200" / "pd-seed-like"


@pytest.mark.parametrize(
    ("age", "shown"),
    [(0, "0 s ago"), (3.2, "3 s ago"), (5, "5 s ago"), (9.9, "5 s ago"), (10, "silent 10 s"),
     (14.9, "silent 10 s"), (15, "silent 15 s"), (61, "silent 1 min")],
)  # fmt: skip
async def test_titles_count_in_steps(
    viewer: Open, monkeypatch: pytest.MonkeyPatch, age: float, shown: str
) -> None:
    """Each second at first, then every five: each new title is painted and sent."""
    async with viewer(HEALTHY / "prefill.log", follow=True) as opened:
        source = opened.app.session.sources[0]
        source.heard = 1000.0
        monkeypatch.setattr(status.time, "time", lambda: 1000.0 + age)
        view = opened.app.session.lane_view(opened.app.session.lanes[0])
        assert shown in status.lane_title(opened.app.session, view, live=True)


async def test_where_nothing_waits_looks_are_seldom(viewer: Open) -> None:
    """A pair whose handshakes are over: only what comes can be news; and when it comes, it is."""
    async with viewer(HEALTHY / "prefill.log", HEALTHY / "decode.log") as opened:
        app = opened.app
        await opened.until(lambda: not app._finder.waits)
        app._looked_at = app.session.revision
        assert not app.session.insight.waits
        assert app._longer > 2
        app.session.revision += 1
        assert app._longer == 0


async def test_nothing_is_looked_at_while_the_program_ends(viewer: Open) -> None:
    """The clock may strike once more when there is no screen any more."""
    async with viewer(HEALTHY / "prefill.log") as opened:
        app = opened.app
        await opened.until(lambda: not app._finder.waits)
        app._looked_at = app.session.revision
        app.session.insight.stalls.clear()
    assert not app.screen_stack
    looked_at = app._look_at = 0.0
    app._look_now_and_then()
    assert app._look_at == looked_at


async def test_where_one_waits_looks_go_on(viewer: Open, tmp_path: Path) -> None:
    """A handshake under way may stand still any second, and its clock is on the screen."""
    prefill, decode = tmp_path / "prefill.log", tmp_path / "decode.log"
    prefill.write_text(engine(P) + said(ASKED, 5))
    decode.write_text(engine(D, rank=1))
    async with viewer(prefill, decode, follow=True) as opened:
        app = opened.app
        start = int(app.session.sources[0].columns.when[0])
        app.session.insight.log_time = lambda _: start + 30 * SECOND
        await opened.looked()
        app._looked_at = app.session.revision
        assert app.session.insight.waits
        assert 0 < app._longer < 1


@pytest.mark.parametrize("asked", ["", "30"], ids=["not asked for", "by the user"])
def test_how_often_the_screen_may_be_painted(asked: str) -> None:
    """Set before Textual is imported, which looks once; what a user has set stays."""
    environment = {name: value for name, value in os.environ.items() if name != "TEXTUAL_FPS"}
    if asked:
        environment["TEXTUAL_FPS"] = asked
    code = "import pdtui.ui.app; from textual import constants; print(constants.MAX_FPS)"
    words = [sys.executable, "-c", code]
    answer = subprocess.run(words, env=environment, capture_output=True, check=True, text=True)
    assert answer.stdout.strip() == (asked or "120")
