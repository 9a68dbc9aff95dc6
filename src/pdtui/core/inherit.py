"""What rows take over from the rows above them: a continuation its head, an unstamped row its time.

A row that begins no record continues the last one of its process (where a prefix names the
process) or the last one of the source. A row without a stamp has its process's last stamp, else
its source's last.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import numpy as np

from pdtui.core.bytescan import Flags, Positions
from pdtui.core.kinds import NO_PROCESS, field_mask
from pdtui.core.stamps import NO_TIME

_INHERITED = field_mask("level", "process", "rank", "address")
_RANK = field_mask("rank")
_CONTINUES = field_mask("continuation")
_NONE = -1


@dataclass(slots=True)
class _Head:
    packed: int
    when: int


@dataclass(slots=True)
class Inheritance:
    """The heads and stamps that rows of the next block may still take over."""

    _head: _Head | None = None
    _head_of: dict[int, _Head] = field(default_factory=dict)
    _stamp: int = NO_TIME
    _stamp_of: dict[int, int] = field(default_factory=dict)

    def fork(self) -> Inheritance:
        """A copy that later changes to this one do not reach."""
        fork = copy.copy(self)
        fork._head_of, fork._stamp_of = dict(self._head_of), dict(self._stamp_of)
        return fork

    def fill(
        self, own: Positions, times: Positions, begins: Flags, process: Positions
    ) -> tuple[Positions, Positions]:
        """Packed properties and times of all rows, with what they take over filled in.

        `own` holds each row's own packed properties (without markers and flags), `times` its own
        stamp or NO_TIME, `begins` whether it begins a record, `process` its process number.
        """
        when = self._inherit_times(times, process)
        packed, when = self._inherit_heads(own, when, begins, process)
        self._keep(packed, times, when, begins, process)
        return packed, when

    def open_head(self, process: int) -> int:
        """The packed properties of the record that a row of this process continues, 0 if none."""
        head = self._head_above(process)
        return head.packed if head else 0

    def _head_above(self, process: int) -> _Head | None:
        return self._head if process == NO_PROCESS else self._head_of.get(process)

    def _inherit_times(self, times: Positions, process: Positions) -> Positions:
        stamped = times != NO_TIME
        if stamped.all():
            return times.copy()
        above = _last(stamped)
        when = np.where(above == _NONE, self._stamp, times[above])
        needy = np.flatnonzero(~stamped & (process != NO_PROCESS))
        if len(needy):
            above = _last_in_group(stamped, process)[needy]
            named, which = np.unique(process[needy], return_inverse=True)
            carried = np.array([self._stamp_of.get(p, NO_TIME) for p in named.tolist()], np.int64)
            of_process = np.where(above == _NONE, carried[which], times[above])
            when[needy] = np.where(of_process == NO_TIME, when[needy], of_process)
        return when

    def _inherit_heads(
        self, own: Positions, when: Positions, begins: Flags, process: Positions
    ) -> tuple[Positions, Positions]:
        if begins.all():
            return own.copy(), when
        head = _last(begins)
        if (process[~begins] != NO_PROCESS).any():
            head = np.where(process == NO_PROCESS, head, _last_in_group(begins, process))
        packed, when = own.copy(), when.copy()
        for row in np.flatnonzero(~begins & (head == _NONE)).tolist():
            known = self._head_above(int(process[row]))
            if known is not None:
                packed[row], when[row] = _continue(own[row], known.packed), known.when
        inside = np.flatnonzero(~begins & (head != _NONE))
        packed[inside] = _continue(own[inside], own[head[inside]])
        when[inside] = when[head[inside]]
        return packed, when

    def _keep(
        self,
        packed: Positions,
        times: Positions,
        when: Positions,
        begins: Flags,
        process: Positions,
    ) -> None:
        stamped, heads = np.flatnonzero(times != NO_TIME), np.flatnonzero(begins)
        if len(stamped):
            self._stamp = int(times[stamped[-1]])
            for row in _last_of_each(process[stamped]):
                self._stamp_of[int(process[stamped[row]])] = int(times[stamped[row]])
        if len(heads):
            self._head = _Head(int(packed[heads[-1]]), int(when[heads[-1]]))
            for row in _last_of_each(process[heads]):
                place = heads[row]
                self._head_of[int(process[place])] = _Head(int(packed[place]), int(when[place]))


def _continue(own: Positions, head: Positions | int) -> Positions:
    """A continuation row: its head's properties, but a rank that it states itself."""
    stated = own & _RANK
    taken = np.where(stated != 0, head & (_INHERITED & ~_RANK) | stated, head & _INHERITED)
    continued: Positions = taken | _CONTINUES
    return continued


def _last(flags: Flags) -> Positions:
    """For each row the nearest flagged row at or above it, -1 if none."""
    return np.maximum.accumulate(np.where(flags, np.arange(len(flags)), _NONE))


def _last_in_group(flags: Flags, group: Positions) -> Positions:
    """The same among the rows of its own group."""
    order = np.argsort(group, kind="stable")
    sorted_group = group[order]
    nearest = _last(flags[order])
    begin = np.searchsorted(sorted_group, sorted_group, "left")
    result = np.empty(len(flags), np.int64)
    result[order] = np.where(nearest >= begin, order[nearest], _NONE)
    return result


def _last_of_each(groups: Positions) -> list[int]:
    """The last place of each distinct value."""
    _, first = np.unique(groups[::-1], return_index=True)
    return [len(groups) - 1 - int(place) for place in first]
