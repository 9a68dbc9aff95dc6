"""When Python looks for garbage: among what is new, and among all only while nothing happens.

A full search looks at every object there is. While a log pours in that is a quarter of a second
now and then, in which a key waits, and next to nothing of what was there before is garbage.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping

_ALL = 2
"""The generation that is searched when all is."""
_SELDOM = 600.0
"""Seconds between two searches of all: one takes as long as ten minutes of rest may."""


class Garbage:
    """Leaves out of later searches what one has found to be in use."""

    def __init__(self) -> None:
        self._searched_all = time.monotonic()
        self._left_out = False
        """Whether there is something that was left out, but for what is there from the start."""

    def begin(self) -> None:
        """From now on searches are as said above; what there is by now is left out at once."""
        gc.freeze()
        gc.enable()
        gc.callbacks.append(self._searched)

    def end(self) -> None:
        """From now on they are as ever."""
        if self._searched in gc.callbacks:
            gc.callbacks.remove(self._searched)
        gc.unfreeze()

    def search_all(self) -> None:
        """Searches all, if something was left out, but seldom: for when nothing happens."""
        if self._left_out and time.monotonic() > self._searched_all + _SELDOM:
            gc.unfreeze()
            gc.collect()
            self._left_out, self._searched_all = False, time.monotonic()

    def _searched(self, phase: str, about: Mapping[str, int]) -> None:
        if phase == "stop" and about["generation"] == _ALL:
            gc.freeze()
            self._left_out = True
