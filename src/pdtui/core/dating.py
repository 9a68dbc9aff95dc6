"""The stamps of a block's lines → times."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pdtui.core.bytescan import Flags, Positions
from pdtui.core.claims import Claims
from pdtui.core.grammar import Grammar
from pdtui.core.stamps import DAY, NO_TIME, SECOND, YearCounter, days_from_civil

_WIDEST = 15 * 3600 * SECOND
_QUARTER = 15 * 60 * SECOND
"""All zones differ from UTC by quarters of an hour."""


@dataclass(slots=True)
class Calendar:
    """Dates the lines of one source; `first_year` is the year of its first yearless stamp.

    vLLM writes local time, some others write UTC into the same file. How far these are apart is
    told by the first of them: at most a few minutes pass from one line to the next.
    """

    grammar: Grammar
    first_year: int
    _years: YearCounter = field(init=False)
    _zone: int | None = None
    """Microseconds to add to a stamp in UTC; None before the first one under a local one."""
    _local: int = NO_TIME
    """The last time that was written in the writer's own zone."""

    def __post_init__(self) -> None:
        self._years = YearCounter(self.first_year)

    def fork(self) -> Calendar:
        """A calendar that goes on from the same place, for text that may turn out otherwise."""
        fork = Calendar(self.grammar, self.first_year, self._zone, self._local)
        fork._years.year, fork._years.month = self._years.year, self._years.month
        return fork

    def times(self, claims: Claims) -> Positions:
        """The time of each line's own stamp in microseconds, NO_TIME where it has none."""
        times = np.full(len(claims.format), NO_TIME, np.int64)
        stamped = np.flatnonzero(claims.stamped)
        month, year = claims.month[stamped], claims.year[stamped]
        yearless = year == 0
        year[yearless] = self._years.years(month[yearless])
        days = days_from_civil(year, month, claims.day[stamped])
        times[stamped] = days * DAY + claims.clock[stamped]
        utc = self.grammar.utc[claims.format[stamped]] & ~claims.settled[stamped]
        if utc.any():
            self._localise(times, stamped, utc)
        local = stamped[~utc]
        if len(local):
            self._local = int(times[local[-1]])
        return times

    def _localise(self, times: Positions, stamped: Positions, utc: Flags) -> None:
        """Moves the stamps in UTC to the zone of the others."""
        rows = stamped[utc]
        if self._zone is None:
            local = np.where(utc, NO_TIME, times[stamped])
            place = np.arange(len(stamped))
            above = np.maximum.accumulate(np.where(utc, -1, place))
            known = np.where(above < 0, self._local, local[np.maximum(above, 0)])[utc]
            if not (known != NO_TIME).any():
                return
            first = int(np.argmax(known != NO_TIME))
            apart = int(known[first] - times[rows[first]])
            # Further apart than zones can be: a file that was written on different days.
            self._zone = round(apart / _QUARTER) * _QUARTER if abs(apart) <= _WIDEST else 0
            rows = rows[first:]
        times[rows] += self._zone
