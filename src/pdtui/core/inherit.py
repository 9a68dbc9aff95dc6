"""What rows take over from the rows above them: a continuation its head, an unstamped row its time.

A row that begins no record continues the last one of its process (where a prefix names the
process), else the last one of its container, which is the whole source where no launcher names
containers. A row without a stamp has its process's last stamp, else its container's last.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pdtui.core.bytescan import Flags, Positions, unlike
from pdtui.core.claims import Claims
from pdtui.core.kinds import NO_PROCESS, field_mask
from pdtui.core.stamps import NO_TIME

_INHERITED = field_mask("level", "process", "rank", "address")
_RANK = field_mask("rank")
_FORMAT = field_mask("format", "torn")
_CONTINUES = field_mask("continuation")
_NONE = -1


@dataclass(slots=True)
class _Head:
    packed: int
    when: int


@dataclass(slots=True)
class Inheritance:
    """The heads and stamps that rows of the next block may still take over."""

    _head_in: dict[int, _Head] = field(default_factory=dict)
    """Container → its last head."""
    _head_of: dict[int, _Head] = field(default_factory=dict)
    """Process → its last head."""
    _stamp_in: dict[int, int] = field(default_factory=dict)
    _stamp_of: dict[int, int] = field(default_factory=dict)

    def fork(self) -> Inheritance:
        """A copy that later changes to this one do not reach."""
        return Inheritance(
            dict(self._head_in), dict(self._head_of), dict(self._stamp_in), dict(self._stamp_of)
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

    def _head_above(self, process: int, container: int) -> _Head | None:
        if process == NO_PROCESS:
            return self._head_in.get(container)
        return self._head_of.get(process)

    def _inherit_times(self, times: Positions, claims: Claims) -> Positions:
        stamped = times != NO_TIME
        if stamped.all():
            return times.copy()
        when = _nearest(
            times, _last_in_group(stamped, claims.container), self._stamp_in, claims.container
        )
        needy = np.flatnonzero(~stamped & (claims.process != NO_PROCESS))
        if len(needy):
            above = _last_in_group(stamped, claims.process)[needy]
            of_process = _nearest(times, above, self._stamp_of, claims.process[needy])
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
            (claims.container, self._stamp_in, self._head_in),
            (claims.process, self._stamp_of, self._head_of),
        ):
            for group, place in _last_of_each(groups, stamped):
                stamps[group] = int(times[place])
            for group, place in _last_of_each(groups, heads):
                open_heads[group] = _Head(int(packed[place]), int(when[place]))


def _nearest(
    times: Positions, above: Positions, carried: dict[int, int], groups: Positions
) -> Positions:
    """The time at the row above of each row, or what its group has from before this block."""
    when = times[above]
    first = np.flatnonzero(above == _NONE)
    for group in np.unique(groups[first]).tolist():
        when[first[groups[first] == group]] = carried.get(group, NO_TIME)
    return when


def _continue(own: Positions, head: Positions | int) -> Positions:
    """A continuation row: its head's properties, but a rank that it states itself."""
    stated = own & _RANK
    taken = np.where(stated != 0, head & (_INHERITED & ~_RANK) | stated, head & _INHERITED)
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
