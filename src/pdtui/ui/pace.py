"""How often the screen is brought up to date: soon, but never so often that keys wait for it."""

from __future__ import annotations

import time

_LEAST_INTERVAL = 1 / 15
"""Seconds between two updates of the screen."""
_FLOOD_INTERVAL, _FLOOD = 0.16, 200
"""The same after an update with so many new rows: more than are in sight, and nobody reads them."""
_TORRENT = 1000
"""New rows in an update from which on what looks at all rows has to wait."""
_OVER = 2.0
"""Seconds without an update after which a torrent is over."""
_MOST_INTERVAL, _SHARE = 2.0, 4
"""After an update that took long, so many times as long is left to the keys, but no longer."""
_MOST_PAINT_INTERVAL, _PAINT_SHARE = 0.2, 3
"""The same for painting: rows must be on the screen within 0.3 s, and a flood needs no film.
Once all is loaded it holds for updates too."""


class Pace:
    """What the latest update cost, and so when the next one may be."""

    def __init__(self) -> None:
        self._updated = 0.0
        self._update_cost = 0.0
        self._paint_cost = 0.0
        self._gained = 0

    def updated(self, began: float, gained: int) -> None:
        """Notes an update that brought so many rows."""
        self._updated = time.monotonic()
        self._update_cost = self._updated - began
        self._gained = gained

    def painted(self, began: float) -> None:
        """Notes how long the screen was painted, and the keys waited."""
        self._paint_cost = time.monotonic() - began

    @property
    def in_torrent(self) -> bool:
        """Whether so many rows come that only showing them is affordable."""
        return self._gained > _TORRENT and time.monotonic() - self._updated < _OVER

    def wait(self, *, loaded: bool) -> float:
        """Seconds until the next update."""
        pause = max(
            _FLOOD_INTERVAL if self._gained > _FLOOD else _LEAST_INTERVAL,
            min(_SHARE * self._update_cost, _MOST_PAINT_INTERVAL if loaded else _MOST_INTERVAL),
            min(_PAINT_SHARE * self._paint_cost, _MOST_PAINT_INTERVAL),
        )
        return max(pause - (time.monotonic() - self._updated), 0.001)
