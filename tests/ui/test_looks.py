"""Pictures of the screen: a change of looks is seen and agreed to (`--snapshot-update`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from pdtui.core.lanes import Split
from pdtui.core.query import Filter
from pdtui.core.store import Store
from pdtui.follow.ingest import Ingest
from pdtui.follow.opening import feed_of, resolve
from pdtui.ui.app import PdtuiApp
from pdtui.ui.session import Session
from tests.ui.conftest import DATA
from tests.ui.runs import made_up

SEED = DATA / "seed" / "pd_disagg.log"
PAIR = DATA / "h200" / "pd-seed-like"
CRASH = DATA / "h200" / "fail-address-in-use"
TP2 = DATA / "h200" / "pd-tp2-workers"

Compare = Callable[..., bool]


def app_on(*paths: Path, ascii_only: bool = False, live: bool = True) -> PdtuiApp:
    """The viewer on files that were read to their end."""
    store = Store()
    named, _ = resolve(map(str, paths))
    ingest = Ingest(store, [feed_of(one, 2026, lambda: None) for one in named])
    ingest.load()
    for source in store.sources:
        source.heard = None
    session = Session(store, wanted=Filter(), split=Split.AUTO, offsets={})
    return PdtuiApp(session, base=Filter(), typed={}, live=live, ascii_only=ascii_only)


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves: no animation, no colour setting of whoever runs the test."""
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.delenv("NO_COLOR", raising=False)


async def looked(pilot: Pilot[int]) -> None:
    """Waits until it was found out what is wrong: the picture shows it."""
    app = pilot.app
    assert isinstance(app, PdtuiApp)
    deadline = time.monotonic() + 10
    while not app.answers and time.monotonic() < deadline:
        await pilot.pause(0.02)
    await pilot.pause()


def test_pair_at_160x48(snap_compare: Compare) -> None:
    """Two panes side by side and the timeline under them."""
    paths = PAIR / "prefill.log", PAIR / "decode.log"
    assert snap_compare(app_on(*paths), run_before=looked, terminal_size=(160, 48))


def test_pair_at_80x24(snap_compare: Compare) -> None:
    """The same where there is little room."""
    paths = PAIR / "prefill.log", PAIR / "decode.log"
    assert snap_compare(app_on(*paths), run_before=looked, terminal_size=(80, 24))


def test_one_file_with_two_ranks_at_80x24(snap_compare: Compare) -> None:
    """A pane for each rank; the timeline says the role in place of the file's name."""
    assert snap_compare(app_on(SEED), run_before=looked, terminal_size=(80, 24))


def test_four_workers_at_160x48(snap_compare: Compare) -> None:
    """Four panes."""
    paths = TP2 / "prefill.log", TP2 / "decode.log"
    assert snap_compare(app_on(*paths), run_before=looked, terminal_size=(160, 48))


def test_filtered_with_the_list_of_markers(snap_compare: Compare) -> None:
    """Rank 0, and the list under the marker input."""
    assert snap_compare(
        app_on(SEED), run_before=looked, terminal_size=(120, 30), press=["r", "0", "enter", "x"]
    )


def test_a_crash_in_letters(snap_compare: Compare) -> None:
    """Tracebacks and errors, with letters in place of emoji."""
    paths = CRASH / "prefill.log", CRASH / "decode.log"
    assert snap_compare(app_on(*paths, ascii_only=True), run_before=looked, terminal_size=(120, 40))


def test_details_of_a_row(snap_compare: Compare) -> None:
    """Enter on a 💯 row shows its fields."""
    keys = ["g", "j", "j", "j", "j", "enter"]
    assert snap_compare(app_on(SEED), run_before=looked, terminal_size=(120, 30), press=keys)


@pytest.mark.parametrize("size", [(160, 48), (100, 30), (80, 24)])
def test_handshakes(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    """Two prefills before one decode: the matrix, both pairs, the steps of the one that waits."""
    app = app_on(*made_up("queued", tmp_path), live=False)
    assert snap_compare(app, run_before=looked, terminal_size=size, press=["v"])


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
def test_requests(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    """Each request with its lane, the worst first."""
    app = app_on(*made_up("renamed", tmp_path), live=False)
    assert snap_compare(app, run_before=looked, terminal_size=size, press=["v", "v"])


def test_a_stall_is_said_under_the_timeline(snap_compare: Compare, tmp_path: Path) -> None:
    """Who waits for whom, and the key that shows more."""
    app = app_on(*made_up("stuck", tmp_path), live=False)
    assert snap_compare(app, run_before=looked, terminal_size=(100, 30))
