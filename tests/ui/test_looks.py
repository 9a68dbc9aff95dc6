"""Pictures of the screen: a change of looks is seen and agreed to (`--snapshot-update`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pdtui.core.lanes import Split
from pdtui.core.query import Filter
from pdtui.core.store import Store
from pdtui.follow.ingest import Ingest
from pdtui.follow.opening import feed_of, resolve
from pdtui.ui.app import PdtuiApp
from pdtui.ui.session import Session
from tests.ui.conftest import DATA

SEED = DATA / "seed" / "pd_disagg.log"
PAIR = DATA / "h200" / "pd-seed-like"
CRASH = DATA / "h200" / "fail-address-in-use"
TP2 = DATA / "h200" / "pd-tp2-workers"

Compare = Callable[..., bool]


def app_on(*paths: Path, ascii_only: bool = False) -> PdtuiApp:
    """The viewer on files that were read to their end."""
    store = Store()
    named, _ = resolve(map(str, paths))
    ingest = Ingest(store, [feed_of(one, 2026, lambda: None) for one in named])
    ingest.load()
    for source in store.sources:
        source.heard = None
    session = Session(store, wanted=Filter(), split=Split.AUTO, offsets={})
    return PdtuiApp(session, base=Filter(), typed={}, live=True, ascii_only=ascii_only)


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves: no animation, no colour setting of whoever runs the test."""
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_pair_at_160x48(snap_compare: Compare) -> None:
    """Two panes side by side and the timeline under them."""
    paths = PAIR / "prefill.log", PAIR / "decode.log"
    assert snap_compare(app_on(*paths), terminal_size=(160, 48))


def test_pair_at_80x24(snap_compare: Compare) -> None:
    """The same where there is little room."""
    paths = PAIR / "prefill.log", PAIR / "decode.log"
    assert snap_compare(app_on(*paths), terminal_size=(80, 24))


def test_one_file_with_two_ranks_at_80x24(snap_compare: Compare) -> None:
    """A pane for each rank; the timeline says the role in place of the file's name."""
    assert snap_compare(app_on(SEED), terminal_size=(80, 24))


def test_four_workers_at_160x48(snap_compare: Compare) -> None:
    """Four panes."""
    paths = TP2 / "prefill.log", TP2 / "decode.log"
    assert snap_compare(app_on(*paths), terminal_size=(160, 48))


def test_filtered_with_the_list_of_markers(snap_compare: Compare) -> None:
    """Rank 0, and the list under the marker input."""
    assert snap_compare(app_on(SEED), terminal_size=(120, 30), press=["r", "0", "enter", "x"])


def test_a_crash_in_letters(snap_compare: Compare) -> None:
    """Tracebacks and errors, with letters in place of emoji."""
    paths = CRASH / "prefill.log", CRASH / "decode.log"
    assert snap_compare(app_on(*paths, ascii_only=True), terminal_size=(120, 40))


def test_details_of_a_row(snap_compare: Compare) -> None:
    """Enter on a 💯 row shows its fields."""
    keys = ["g", "j", "j", "j", "j", "enter"]
    assert snap_compare(app_on(SEED), terminal_size=(120, 30), press=keys)
