"""Opens the viewer: the store, what reads into it, and the app that shows it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from pdtui.core.lanes import Split
from pdtui.core.levels import NO_LEVEL
from pdtui.core.query import Filter
from pdtui.core.store import Store
from pdtui.errors import PdtuiError
from pdtui.follow.ingest import Ingest
from pdtui.follow.opening import Named, feed_of
from pdtui.follow.watcher import Watcher
from pdtui.ui.app import PdtuiApp
from pdtui.ui.garbage import Garbage
from pdtui.ui.session import Session

_STDOUT, _STDERR = 1, 2
_SWITCH = 0.0005
"""Seconds for which a thread may keep the interpreter (Python's 5 ms are long): to paint a screen
it changes hands some dozen times while logs are read."""


def open_viewer(
    named: list[Named],
    *,
    wanted: Filter,
    typed: dict[str, str],
    split: Split,
    offsets: dict[str, int],
    year: int | None,
    follow: bool,
    ascii_only: bool,
    trouble: Sequence[PdtuiError],
) -> int:
    """Opens the viewer on these sources; returns the exit status when it is closed.

    `wanted` is the filter of the command line, `typed` what of it stands in the filter inputs,
    `trouble` what of the command line could not be opened.
    """
    store = Store()
    app: PdtuiApp | None = None

    def ring() -> None:
        ingest.ring()

    def notify(revision: int) -> None:
        if app is not None and app.is_running:
            app.store_grew(revision)

    feeds = [feed_of(one, year, ring) for one in named]
    ingest = Ingest(store, feeds, notify, follow=follow, hold=True)
    app = PdtuiApp(
        Session(store, wanted=wanted, split=split, offsets=offsets),
        # What stands in an input is changed there; base is what has none.
        base=replace(
            wanted,
            ranks=(),
            markers=(),
            level=NO_LEVEL,
            texts=() if typed.get("text") else wanted.texts,
        ),
        typed=typed,
        live=follow,
        ascii_only=ascii_only,
        notices=tuple(map(str, trouble)),
    )

    garbage = Garbage()

    def go_on() -> None:
        garbage.begin()
        ingest.go_on()

    app.go_on = go_on
    app.is_ready = ingest.looked.is_set
    app.failure = lambda: ingest.failure
    watcher = Watcher([one.path for one in named if not one.stream], ring) if follow else None
    if watcher:
        watcher.start()
    if os.isatty(_STDOUT) and not os.isatty(_STDERR):
        # Textual paints on stderr: `2> errors.log` must not take the picture away.
        os.dup2(_STDOUT, _STDERR)
    sys.setswitchinterval(_SWITCH)
    ingest.start()
    try:
        status = app.run()
    finally:
        if watcher:
            watcher.stop()
        ingest.stop()
        garbage.end()
    return status or 0
