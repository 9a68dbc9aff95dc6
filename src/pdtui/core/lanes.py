"""What the tail panes show: a source each, or one process or rank of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from pdtui.core.kinds import NO_PROCESS
from pdtui.core.roles import ROLES, roles
from pdtui.core.source import Source


class Split(StrEnum):
    """How sources are split into lanes."""

    AUTO = "auto"
    SOURCE = "source"
    PROCESS = "process"
    RANK = "rank"
    ROLE = "role"
    """What `auto` chooses where ranks do not tell prefill and decode apart; no option names it."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Some rows of one source: all, or those of a process, rank or role (None: of none)."""

    source: int
    split: Split
    key: int | None
    label: str

    def kind_mask(self, source: Source) -> npt.NDArray[np.bool_]:
        """Which kinds of the source's rows belong here; one entry a kind."""
        kinds = source.kinds
        if self.split is Split.RANK:
            held = [(rank.value if rank else None) == self.key for rank in kinds.ranks()]
        elif self.split is Split.PROCESS:
            held = [(kind.process or None) == self.key for kind in list(kinds.kinds)]
        elif self.split is Split.ROLE:
            held = [_role_number(role) == self.key for role in roles(source)]
        else:
            held = [True] * len(kinds)
        return np.array(held, np.bool_)


def lanes_of(sources: list[Source], split: Split) -> list[Lane]:
    """The lanes of these sources, in the order of the sources.

    With `auto`, a source that holds both prefill and decode, with the same ranks in both, is split
    by role; one that holds several ranks by rank; else, if it is the only source, one that holds
    several processes by process.
    """
    lanes: list[Lane] = []
    for number, source in enumerate(sources):
        how = _how(source, split, alone=len(sources) == 1)
        lanes += [
            Lane(number, how, key, _label(source, how, key)) for key in _keys(source, how)
        ] or [Lane(number, Split.SOURCE, None, source.label)]
    return lanes


def _how(source: Source, split: Split, *, alone: bool) -> Split:
    if split is not Split.AUTO:
        return split
    if _ranks_mix_roles(source):
        return Split.ROLE
    if len([key for key in _keys(source, Split.RANK) if key is not None]) > 1:
        return Split.RANK
    if alone and len([key for key in _keys(source, Split.PROCESS) if key is not None]) > 1:
        return Split.PROCESS
    return Split.SOURCE


def _ranks_mix_roles(source: Source) -> bool:
    """Whether rows of one rank are partly of one role and partly of another."""
    found: dict[int, set[str]] = {}
    for rank, role in zip(source.kinds.ranks(), roles(source), strict=False):
        if rank is not None and role is not None:
            found.setdefault(rank.value, set()).add(role)
    return any(len(of_rank) > 1 for of_rank in found.values())


def _role_number(role: str | None) -> int | None:
    return ROLES.index(role) if role in ROLES else None


def _keys(source: Source, split: Split) -> list[int | None]:
    """The distinct ranks or processes of the rows; rows of none come last, if there are any."""
    found: set[int | None] = set()
    if split is Split.RANK:
        found = {rank.value if rank else None for rank in source.kinds.ranks()}
    elif split is Split.PROCESS:
        found = {kind.process or None for kind in list(source.kinds.kinds)}
    elif split is Split.ROLE:
        found = {_role_number(role) for role in roles(source)}
    named = sorted(key for key in found if key is not None)
    if split is Split.PROCESS:
        # By pid: which number a process has depends on how the bytes arrived.
        named.sort(key=lambda number: source.kinds.processes[number].pid or 0)
    return [*named, *([None] if None in found and named else [])]


def _label(source: Source, split: Split, key: int | None) -> str:
    if split is Split.SOURCE:
        return source.label
    if key is None:
        return f"{source.label} · other"
    if split is Split.RANK:
        return f"{source.label} · rank {key}"
    if split is Split.ROLE:
        return f"{source.label} · {ROLES[key]}"
    process = source.kinds.processes[key if key != NO_PROCESS else 0]
    named = process.name or process.host or "pid"
    return f"{source.label} · {named}" + ("" if process.pid is None else f" {process.pid}")
