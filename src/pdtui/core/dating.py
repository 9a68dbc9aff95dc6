"""The stamps of a block's lines → times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pdtui.core.bytescan import Flags, Positions, unlike
from pdtui.core.claims import Claims
from pdtui.core.grammar import Grammar
from pdtui.core.stamps import DAY, NO_TIME, SECOND, YearCounter, days_from_civil

_WIDEST = 15 * 3600 * SECOND
_QUARTER = 15 * 60 * SECOND
"""All zones differ from UTC by quarters of an hour."""


class Dating(NamedTuple):
    """What the date of a stamp depends on besides itself."""

    year: int
    """The year of the last stamp that had none, and its month; 0 before the first."""
    month: int
    zone: int | None = None
    """Microseconds to add to a stamp in UTC; None before the first one under a local one."""
    local: int = NO_TIME
    """The last time that was written in the writer's own zone."""


@dataclass(slots=True)
class Dated:
    """What of a dating the stamps of a stretch of lines made use of, and what it is after them."""

    before: Dating
    after: Dating
    yearless: bool = False
    """Whether there was a stamp without a year,"""
    utc: bool = False
    """one in UTC,"""
    unmoved: bool = False
    """one in UTC above all local ones,"""
    local: bool = False
    """one in the writer's own zone."""

    def holds(self, now: Dating) -> bool:
        """Whether the stamps have the same dates when this is the dating before them."""
        if self.yearless and now[:2] != self.before[:2]:
            return False
        if not self.utc or now[2:] == self.before[2:]:
            return True
        # Whether the zone was known or told anew makes no difference.
        return now.zone is not None and now.zone == self.after.zone and not self.unmoved

    def following(self, now: Dating) -> Dating:
        """The dating after the stretch, when this is the one before it."""
        year, month = (self.after if self.yearless else now)[:2]
        zone = self.after.zone if self.utc else now.zone
        return Dating(year, month, zone, self.after.local if self.local else now.local)


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
    _local: int = NO_TIME
    _dated: Dated = field(init=False)

    def __post_init__(self) -> None:
        self._years = YearCounter(self.first_year)
        self._dated = Dated(self.dating, self.dating)

    @property
    def dating(self) -> Dating:
        """What the next stamps' dates depend on."""
        return Dating(self._years.year, self._years.month, self._zone, self._local)

    @dating.setter
    def dating(self, dating: Dating) -> None:
        self._years.year, self._years.month, self._zone, self._local = dating
        self._dated = Dated(dating, dating)

    @property
    def dated(self) -> Dated:
        """What was made use of since the dating was set."""
        self._dated.after = self.dating
        return self._dated

    def fork(self) -> Calendar:
        """A calendar that goes on from the same place, for text that may turn out otherwise."""
        fork = Calendar(self.grammar, self.first_year)
        fork.dating = self.dating
        return fork

    def times(self, claims: Claims) -> Positions:
        """The time of each line's own stamp in microseconds, NO_TIME where it has none."""
        times = np.full(len(claims.format), NO_TIME, np.int64)
        stamped = np.flatnonzero(claims.stamped)
        dates = claims.year[stamped], claims.month[stamped], claims.day[stamped]
        if not any(map(unlike, dates)):
            # Most blocks are of one day, which is worked out once.
            dates = dates[0][:1], dates[1][:1], dates[2][:1]
        year, month, day = dates
        yearless = year == 0
        self._dated.yearless |= bool(yearless.any())
        year[yearless] = self._years.years(month[yearless])
        days = days_from_civil(year, month, day)
        times[stamped] = days * DAY + claims.clock[stamped]
        utc = self.grammar.utc[claims.format[stamped]] & ~claims.settled[stamped]
        if utc.any():
            self._localise(times, stamped, utc)
        local = stamped[~utc]
        if len(local):
            self._local = int(times[local[-1]])
            self._dated.local = True
        return times

    def _localise(self, times: Positions, stamped: Positions, utc: Flags) -> None:
        """Moves the stamps in UTC to the zone of the others."""
        rows = stamped[utc]
        self._dated.utc = True
        if self._zone is None:
            local = np.where(utc, NO_TIME, times[stamped])
            place = np.arange(len(stamped))
            above = np.maximum.accumulate(np.where(utc, -1, place))
            known = np.where(above < 0, self._local, local[np.maximum(above, 0)])[utc]
            self._dated.unmoved |= bool((known == NO_TIME).any())
            if not (known != NO_TIME).any():
                return
            first = int(np.argmax(known != NO_TIME))
            apart = int(known[first] - times[rows[first]])
            # Further apart than zones can be: a file that was written on different days.
            self._zone = round(apart / _QUARTER) * _QUARTER if abs(apart) <= _WIDEST else 0
            rows = rows[first:]
        times[rows] += self._zone
