"""What rows take over from the rows above them: a continuation its head, an unstamped row its time.

A row that begins no record continues the last one of its process (where a prefix names the
process), else the last one of its container, which is the whole source where no launcher names
containers. A row without a stamp has its process's last stamp, else its container's last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from pdtui.core.bytescan import Flags, Positions, present, unlike
from pdtui.core.claims import Claims
from pdtui.core.kinds import NO_PROCESS, field_mask
from pdtui.core.stamps import NO_TIME

INHERITED = field_mask("level", "process", "rank", "address")
"""What a continuation row has of its head."""
_RANK = field_mask("rank")
_FORMAT = field_mask("format", "torn")
_CONTINUES = field_mask("continuation")
_NONE = -1
_T = TypeVar("_T")


class Head(NamedTuple):
    """The first row of a record."""

    packed: int
    """Its properties, see `kinds.pack`."""
    when: int


@dataclass(slots=True)
class Last(Generic[_T]):
    """What each group of rows (those of a process, or of a container) had last."""

    known: dict[int, _T] = field(default_factory=dict)
    assumed: dict[int, _T] | None = None
    """What is taken for granted of the rows above, where those are read elsewhere."""
    asked: dict[int, _T | None] = field(default_factory=dict)
    """What of that was made use of."""

    def get(self, group: int) -> _T | None:
        """What the group had last, None if nothing."""
        found = self.known.get(group)
        if found is None and self.assumed is not None:
            found = self.asked[group] = self.assumed.get(group)
        return found

    def assume(self) -> None:
        """From now on what is known is only taken for granted."""
        self.known, self.assumed, self.asked = {}, self.known, {}


@dataclass(slots=True)
class Inheritance:
    """The heads and stamps that rows of the next block may still take over."""

    heads_in: Last[Head] = field(default_factory=Last)
    """By container."""
    heads_of: Last[Head] = field(default_factory=Last)
    """By process."""
    stamps_in: Last[int] = field(default_factory=Last)
    stamps_of: Last[int] = field(default_factory=Last)

    @property
    def all(self) -> tuple[Last[Head], Last[Head], Last[int], Last[int]]:
        """All that is kept."""
        return self.heads_in, self.heads_of, self.stamps_in, self.stamps_of

    def fork(self) -> Inheritance:
        """A copy that later changes to this one do not reach."""
        return Inheritance(
            Last(dict(self.heads_in.known)),
            Last(dict(self.heads_of.known)),
            Last(dict(self.stamps_in.known)),
            Last(dict(self.stamps_of.known)),
        )

    def fill(self, own: Positions, times: Positions, claims: Claims) -> tuple[Positions, Positions]:
        """Packed properties and times of all rows, with what they take over filled in.

        `own` holds each row's own packed properties (without markers and flags), `times` its own
        stamp or NO_TIME.
        """
        when = self._inherit_times(times, claims)
        packed, when = self._inherit_heads(own, times, when, claims)
        self._keep(packed, times, when, claims)
        return packed, when

    def open_head(self, process: int, container: int) -> int:
        """The packed properties of the record that such a row continues, 0 if none."""
        head = self._head_above(process, container)
        return head.packed if head else 0

    def _head_above(self, process: int, container: int) -> Head | None:
        if process == NO_PROCESS:
            return self.heads_in.get(container)
        return self.heads_of.get(process)

    def _inherit_times(self, times: Positions, claims: Claims) -> Positions:
        stamped = times != NO_TIME
        if stamped.all():
            return times.copy()
        when = _nearest(
            times, _last_in_group(stamped, claims.container), self.stamps_in, claims.container
        )
        needy = np.flatnonzero(~stamped & (claims.process != NO_PROCESS))
        if len(needy):
            above = _last_in_group(stamped, claims.process)[needy]
            of_process = _nearest(times, above, self.stamps_of, claims.process[needy])
            known = of_process != NO_TIME
            when[needy[known]] = of_process[known]
        return when

    def _inherit_heads(
        self, own: Positions, times: Positions, when: Positions, claims: Claims
    ) -> tuple[Positions, Positions]:
        begins, process = claims.begins, claims.process
        if begins.all():
            return own.copy(), when
        head = _last_in_group(begins, claims.container)
        if (process[~begins] != NO_PROCESS).any():
            head = np.where(process == NO_PROCESS, head, _last_in_group(begins, process))
        packed, when = own.copy(), when.copy()
        for row in np.flatnonzero(~begins & (head == _NONE)).tolist():
            known = self._head_above(int(process[row]), int(claims.container[row]))
            if known is not None:
                packed[row], when[row] = _continue(own[row], known.packed), known.when
        inside = np.flatnonzero(~begins & (head != _NONE))
        packed[inside] = _continue(own[inside], own[head[inside]])
        when[inside] = when[head[inside]]
        # A line that has a stamp of its own, from its launcher or a repeated head, keeps it.
        stamped = np.flatnonzero(~begins & (times != NO_TIME))
        when[stamped] = times[stamped]
        return packed, when

    def _keep(self, packed: Positions, times: Positions, when: Positions, claims: Claims) -> None:
        stamped, heads = np.flatnonzero(times != NO_TIME), np.flatnonzero(claims.begins)
        for groups, stamps, open_heads in (
            (claims.container, self.stamps_in, self.heads_in),
            (claims.process, self.stamps_of, self.heads_of),
        ):
            for group, place in _last_of_each(groups, stamped):
                stamps.known[group] = int(times[place])
            for group, place in _last_of_each(groups, heads):
                open_heads.known[group] = Head(int(packed[place]), int(when[place]))


def _nearest(
    times: Positions, above: Positions, carried: Last[int], groups: Positions
) -> Positions:
    """The time at the row above of each row, or what its group has from before this block."""
    when = times[above]
    first = np.flatnonzero(above == _NONE)
    for group in present(groups[first]):
        known = carried.get(group)
        when[first[groups[first] == group]] = NO_TIME if known is None else known
    return when


def _continue(own: Positions, head: Positions | int) -> Positions:
    """A continuation row: its head's properties, but a rank that it states itself."""
    stated = own & _RANK
    taken = np.where(stated != 0, head & (INHERITED & ~_RANK) | stated, head & INHERITED)
    # A head that only repeats its record's keeps the format that takes it apart.
    continued: Positions = taken | _CONTINUES | own & _FORMAT
    return continued


def _last(flags: Flags) -> Positions:
    """For each row the nearest flagged row at or above it, -1 if none."""
    return np.maximum.accumulate(np.where(flags, np.arange(len(flags)), _NONE))


def _last_in_group(flags: Flags, group: Positions) -> Positions:
    """The same among the rows of its own group."""
    if (group == group[0]).all():
        return _last(flags)
    # Numbers of processes and containers have 16 bits, for which the sort is several times as fast.
    group = group.astype(np.uint16)
    order = np.argsort(group, kind="stable")
    sorted_group = group[order]
    nearest = _last(flags[order])
    changes = np.ones(len(group), np.bool_)
    changes[1:] = sorted_group[1:] != sorted_group[:-1]
    begin = _last(changes)
    result = np.empty(len(flags), np.int64)
    result[order] = np.where(nearest >= begin, order[nearest], _NONE)
    return result


def _last_of_each(groups: Positions, rows: Positions) -> list[tuple[int, int]]:
    """The distinct groups of these rows, each with its last row."""
    if not unlike(groups[rows]):
        return [(int(groups[rows[-1]]), int(rows[-1]))] if len(rows) else []
    mine = groups[rows]
    last = np.full(int(mine.max()) + 1, _NONE)
    last[mine] = rows
    values = np.flatnonzero(last != _NONE)
    return list(zip(values.tolist(), last[values].tolist(), strict=True))
