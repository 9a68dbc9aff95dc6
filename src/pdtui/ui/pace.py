"""How often the screen is brought up to date: soon, but never so often that keys wait for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypeVar

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


_BEHIND_INTERVAL, _MOST_BEHIND_INTERVAL = 0.01, 1.0
"""Seconds between two updates, and keys between them, where one could not take in all there was;
and the most between two pictures meanwhile: a busy machine would do nothing but paint."""
_TURNS = 5
"""In how many turns panes are painted in a torrent."""
_Pane = TypeVar("_Pane")


class Pace:
    """What the latest update cost, and so when the next one may be."""

    def __init__(self) -> None:
        self._updated = 0.0
        self._update_cost = 0.0
        self._paint_cost = 0.0
        self._gained = 0
        self._behind = False
        self._painted = 0.0
        self._poured = -_OVER

    def updated(self, began: float, gained: int, behind: bool) -> None:
        """Notes an update that brought so many rows, and whether there is more."""
        self._updated = time.monotonic()
        self._update_cost = self._updated - began
        self._gained, self._behind = gained, behind
        # Now and then one brings nothing, while the next rows are being scanned.
        self._poured = self._updated if gained > _TORRENT else self._poured

    def painted(self, began: float) -> None:
        """Notes how long the screen was painted, and the keys waited."""
        self._painted = began
        self._paint_cost = time.monotonic() - began

    @property
    def may_paint(self) -> bool:
        """Whether to paint what an update brought, or to take in more before."""
        return not self._behind or time.monotonic() > self._next_picture

    @property
    def _next_picture(self) -> float:
        """When to paint again while there is more than could be taken in."""
        took = _TURNS * self._paint_cost
        pause = max(_MOST_PAINT_INTERVAL, min(_PAINT_SHARE * took, _MOST_BEHIND_INTERVAL))
        return self._painted + pause

    def turns(self, panes: Sequence[_Pane]) -> list[Sequence[_Pane]]:
        """The panes in the turns in which they are painted, the last one first."""
        if not self.in_torrent:
            return [panes]
        most = -(-len(panes) // _TURNS)
        return [panes[max(stop - most, 0) : stop] for stop in range(len(panes), 0, -most)]

    @property
    def in_torrent(self) -> bool:
        """Whether so many rows come that only showing them is affordable."""
        return time.monotonic() - self._poured < _OVER

    def wait(self, *, loaded: bool) -> float:
        """Seconds until the next update."""
        if self._behind:
            return _BEHIND_INTERVAL if self._gained else _LEAST_INTERVAL
        pause = max(
            _FLOOD_INTERVAL if self._gained > _FLOOD else _LEAST_INTERVAL,
            min(_SHARE * self._update_cost, _MOST_PAINT_INTERVAL if loaded else _MOST_INTERVAL),
            min(_PAINT_SHARE * self._paint_cost, _MOST_PAINT_INTERVAL),
        )
        return max(pause - (time.monotonic() - self._updated), 0.001)
