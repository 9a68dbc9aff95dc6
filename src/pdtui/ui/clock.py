"""What time it is on the logs' clocks while they are being written.

The wall clock alone does not tell: a container logs in UTC, another host's clock is off. But
the newest row was written when its bytes arrived, and time has gone by there as it has here.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pdtui.core.evidence import Clocks, Place
from pdtui.core.source import Source
from pdtui.core.stamps import SECOND, to_datetime
from pdtui.follow.stream import ENDED

_ZONE_GRAIN = 900
"""Seconds: the zones of the world differ by whole quarters of an hour."""
_NEAR = 10
_WRITTEN_WITHIN = 3600
"""Seconds after which a log that was not written to since is taken for one that is over."""


def log_time(clocks: Clocks, now: Callable[[], float] = time.time) -> int | None:
    """Microseconds on the logs' clocks now; None where no log is being written."""
    times = [
        newest + int(max(now() - (source.heard or 0), 0) * SECOND)
        for number, (source, stop) in enumerate(clocks.snapshot)
        if stop and (newest := clocks.time(Place(number, stop - 1))) is not None
        if _is_written(source, stop, now())
    ]
    return max(times, default=None)


def _is_written(source: Source, stop: int, now: float) -> bool:
    """Whether it may still grow: bytes came while it was open, or just before, and from its writer.

    A copy of a log was written to when it was copied, which is not when its last row is from.
    """
    if source.heard is None or source.trouble == ENDED:
        return False
    if source.arrivals:
        return True
    newest = to_datetime(int(source.columns.when[stop - 1])).timestamp()
    difference = (source.heard - newest) % _ZONE_GRAIN
    near = min(difference, _ZONE_GRAIN - difference) < _NEAR
    return near and now - source.heard < _WRITTEN_WITHIN
