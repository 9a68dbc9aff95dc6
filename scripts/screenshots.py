"""Writes screenshots/*.svg from the demo, and *.png where a Chromium is installed.

    python scripts/screenshots.py

The demo's logs are the same at every run (a fixed start and seed), so a picture changes only when
the screen does.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pdtui.core.lanes import Split
from pdtui.core.query import Filter
from pdtui.core.store import Store
from pdtui.demo.play import write
from pdtui.demo.scenario import build
from pdtui.follow.ingest import Ingest
from pdtui.follow.opening import feed_of, resolve
from pdtui.ui.app import PdtuiApp
from pdtui.ui.session import Session

FOLDER = Path(__file__).parents[1] / "screenshots"
START = datetime(2025, 11, 1, 10, 30, 45)
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
_SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


@dataclass(frozen=True)
class Shot:
    """One picture: the scenario, the size in cells, the keys pressed before it is taken."""

    name: str
    scenario: str = "refused"
    size: tuple[int, int] = (132, 38)
    keys: tuple[str, ...] = ()


SHOTS = (
    Shot("whole-screen", keys=("g", "slash", *"create_connect", "enter", "z", "z", *["j"] * 4)),
    Shot("filtered-by-rank", keys=("r", "0", "enter", "x", *"debug", "space", *"alert", "enter")),
    Shot("marker-list", keys=("x",)),
    Shot("stuck", scenario="stuck", keys=("x", *"any", "enter")),
    Shot("handshakes", scenario="queued", size=(120, 30), keys=("v",)),
    Shot("requests", scenario="oom", size=(120, 30), keys=("v", "v")),
    Shot("details", keys=("E", "enter")),
    Shot("help", keys=("question_mark",)),
    Shot("80x24", size=(80, 24), keys=("x", *"any", "enter")),
)


async def take(shot: Shot, folder: Path) -> str:
    """The picture of one shot, as SVG."""
    paths = write(build(shot.scenario, start=START, seed=1), folder)
    store = Store()
    named, _ = resolve(map(str, paths))
    ingest = Ingest(store, [feed_of(one, START.year, lambda: None) for one in named])
    ingest.load()
    for source in store.sources:
        source.heard = None  # how long ago the file was written is no part of the picture
    session = Session(store, wanted=Filter(), split=Split.AUTO, offsets={})
    app = PdtuiApp(session, base=Filter(), typed={}, live=True)
    async with app.run_test(size=shot.size) as pilot:
        while not app.answers:  # until it was found out what is wrong
            await pilot.pause(0.05)
        for key in shot.keys:
            await pilot.press(key)
        await pilot.pause(0.2)
        picture = app.export_screenshot(title="pdtui")
    ingest.stop()
    return picture


def to_png(svg: Path, chromium: str) -> None:
    """Has the browser paint the SVG: it knows how to draw coloured emoji."""
    found = _SIZE.search(svg.read_text())
    assert found, f"{svg} has no size"
    width, height = (round(float(size)) for size in found.groups())
    page = svg.with_suffix(".html")
    page.write_text(f'<body style="margin:0"><img src="{svg.name}" width="{width}">')
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", f"--user-data-dir={profile}", f"--window-size={width},{height}",
             f"--screenshot={svg.with_suffix('.png')}", page.as_uri()],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
    page.unlink()


def main() -> None:
    """Takes all pictures."""
    FOLDER.mkdir(exist_ok=True)
    chromium = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    for shot in SHOTS:
        with tempfile.TemporaryDirectory() as folder:
            svg = FOLDER / f"{shot.name}.svg"
            svg.write_text(asyncio.run(take(shot, Path(folder))))
        if chromium:
            to_png(svg, chromium)
        print(svg.relative_to(FOLDER.parent), "and .png" if chromium else "")


if __name__ == "__main__":
    main()
