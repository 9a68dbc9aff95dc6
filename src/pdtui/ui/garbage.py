"""Where Python looks for garbage: among what is new, and only now and then among all.

A search of all looks at every object there is. While a log pours in that is a quarter of a second
each time, in which a key waits, and most of what was there before is in use. Not all: Textual's
strips refer to themselves when they have been cut, so that only a search finds them.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping

_ALL = 2
"""The generation that is searched when all is."""
_SELDOM = 10
"""One search in so many is one of all: in a flood every 25 seconds, with some 15 MB of garbage."""


class Garbage:
    """Leaves out of most searches what one before has found to be in use."""

    def __init__(self) -> None:
        self._searches = 0

    def begin(self) -> None:
        """From now on searches are as said above; what there is by now is left out at once."""
        gc.freeze()
        gc.enable()
        gc.callbacks.append(self._searching)

    def end(self) -> None:
        """From now on they are as ever."""
        if self._searching in gc.callbacks:
            gc.callbacks.remove(self._searching)
        gc.unfreeze()

    def _searching(self, phase: str, about: Mapping[str, int]) -> None:
        if about["generation"] != _ALL:
            return
        if phase == "stop":
            gc.freeze()
            return
        self._searches += 1
        if self._searches % _SELDOM == 0:
            gc.unfreeze()
