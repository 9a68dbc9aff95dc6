"""The viewer on real logs, driven by keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot

from pdtui.core.lanes import Split
from pdtui.core.query import Filter
from pdtui.core.store import Store
from pdtui.follow.ingest import Ingest
from pdtui.follow.opening import feed_of, resolve
from pdtui.ui.app import PdtuiApp
from pdtui.ui.rows import RowsView
from pdtui.ui.session import Session

DATA = Path(__file__).parents[1] / "data"


@dataclass
class Opened:
    """The viewer under test: its app, the pilot that types, and the ingest behind it."""

    app: PdtuiApp
    pilot: Pilot[int]
    ingest: Ingest

    async def press(self, *keys: str) -> None:
        """Types keys and waits until the screen has taken them in."""
        await self.pilot.press(*keys)
        await self.settled()

    async def type(self, text: str) -> None:
        """Types a text into what has the focus."""
        names = {" ": "space", ",": "comma", "!": "exclamation_mark", ":": "colon", "-": "minus"}
        await self.press(*(names.get(c, c) for c in text))

    async def settled(self) -> None:
        """Waits until the screen shows what the store holds and no search is under way."""
        await self.until(
            lambda: (
                not self.app.searching
                and not self.app.catches_up
                and (
                    self.app.frozen is not None
                    or self.app.session.revision == self.app.session.store.revision
                )
            )
        )
        await self.pilot.pause()

    async def looked(self) -> None:
        """Has the screen look at who waits, as it does twice a second."""
        await self.settled()
        self.app._look()
        await self.pilot.pause()

    async def sees(self, text: str) -> None:
        """Waits until a text is on the screen."""
        await self.until(lambda: text in self.screen())

    async def until(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Waits for a condition; fails the test where it does not come true in time."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            await asyncio.sleep(0.01)

    @property
    def timeline(self) -> RowsView:
        """The timeline's pane."""
        return self.app.timeline

    @property
    def lanes(self) -> list[RowsView]:
        """The tail panes."""
        return self.app.lane_grid.panes

    def lines(self, pane: RowsView) -> list[str]:
        """What is painted in a pane, without blanks at the ends."""
        return [pane.render_line(y).text.rstrip() for y in range(pane.size.height)]

    def screen(self) -> str:
        """The whole screen as text."""
        return "\n".join(
            "".join(segment.text for segment in strip)
            for strip in self.app.screen._compositor.render_strips()
        )


Open = Callable[..., AbstractAsyncContextManager[Opened]]


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens the viewer: `async with viewer(path, …, size=(160, 48)) as opened`."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")

    @asynccontextmanager
    async def open_it(
        *paths: Path | str,
        size: tuple[int, int] = (160, 48),
        split: Split = Split.AUTO,
        typed: dict[str, str] | None = None,
        wanted: Filter | None = None,
        follow: bool = False,
        ascii_only: bool = False,
        year: int = 2026,
        hold: bool = False,
    ) -> AsyncIterator[Opened]:
        store = Store()
        named, problems = resolve(str(path) for path in paths)
        assert not problems
        wanted = wanted or Filter()
        ingest: Ingest

        def ring() -> None:
            ingest.ring()

        def notify(revision: int) -> None:
            if app.is_running:
                app.store_grew(revision)

        feeds = [feed_of(one, year, ring) for one in named]
        ingest = Ingest(store, feeds, notify, follow=follow, hold=hold)
        app = PdtuiApp(
            Session(store, wanted=wanted, split=split, offsets={}),
            base=wanted,
            typed=typed or {},
            live=follow,
            ascii_only=ascii_only,
        )
        try:
            async with app.run_test(size=size, notifications=True) as pilot:
                ingest.start()
                opened = Opened(app, pilot, ingest)
                await opened.until(lambda: store.loaded or (hold and len(store) > 0))
                await opened.settled()
                yield opened
        finally:
            ingest.stop()

    return open_it
