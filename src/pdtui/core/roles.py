"""Which side of the hand-over wrote a row: prefill, decode or proxy."""

from __future__ import annotations

import re
from functools import lru_cache

from pdtui.core.kinds import NO_PROCESS
from pdtui.core.source import Source

PREFILL, DECODE, PROXY = "prefill", "decode", "proxy"
ROLES = (PREFILL, DECODE, PROXY)
"""In the order in which they stand where nothing else decides."""

_WORDS = {
    PREFILL: re.compile(r"(?<![a-z])(?:prefill(?:er|s)?|producer|prefill_?server)(?![a-z])", re.I),
    DECODE: re.compile(r"(?<![a-z])(?:decode(?:r|rs|s)?|consumer)(?![a-z])", re.I),
    PROXY: re.compile(r"(?<![a-z])(?:proxy|router|gateway)(?![a-z])", re.I),
}
_CONNECTS, _ACCEPTS = "👉", "👈"


@lru_cache(maxsize=1024)
def role_of_label(label: str) -> str | None:
    """The role that a label says: the only one whose word is in it."""
    named = [role for role, words in _WORDS.items() if words.search(label)]
    return named[0] if len(named) == 1 else None


def role_order(source: Source) -> tuple[int, str]:
    """Sorts sources that nothing else orders: prefill, decode, proxy, the rest; then by label."""
    role = role_of_label(source.label) or role_of_facts(source)
    return (ROLES.index(role) if role in ROLES else len(ROLES), source.label)


def role_of_facts(source: Source) -> str | None:
    """The role that the source's own `kv_role` says, where it says but one."""
    said = source.kinds.kv_roles
    return next(iter(said)) if len(said) == 1 else None


def roles(source: Source) -> list[str | None]:
    """The role of each kind of the source's rows.

    The container's name says it, else the label, else `kv_role`, else the arrow of the 🤝 line of
    the row's process or rank: in PUT and PUT_ASYNC the prefill side connects (👉), in GET the
    decode side does.
    """
    kinds = source.kinds
    others = _roles_by_source(source)
    if len(kinds.containers) == 1:
        return others
    of_container = [role_of_label(name) for name in kinds.containers]
    of_process = [of_container[process.container] for process in kinds.processes]
    return [
        of_process[kind.process] or other
        for kind, other in zip(list(kinds.kinds), others, strict=False)
    ]


def _roles_by_source(source: Source) -> list[str | None]:
    kinds = source.kinds
    whole = role_of_label(source.label) or role_of_facts(source)
    if whole:
        return [whole] * len(kinds)
    of_process, of_rank = _roles_by_arrows(source)
    distinct = {*of_process.values(), *of_rank.values()}
    if len(distinct) == 1:
        return [next(iter(distinct))] * len(kinds)
    return [
        of_process.get(kind.process) or (of_rank.get(rank.value) if rank else None)
        for kind, rank in zip(list(kinds.kinds), kinds.ranks(), strict=False)
    ]


def _roles_by_arrows(source: Source) -> tuple[dict[int, str], dict[int, str]]:
    """Process → role and rank → role; a process or rank with two roles has none."""
    kinds = source.kinds
    of_process: dict[int, set[str]] = {}
    of_rank: dict[int, set[str]] = {}
    if len(kinds.send_types) == 1:
        connector = DECODE if "GET" in kinds.send_types else PREFILL
        acceptor = PREFILL if connector == DECODE else DECODE
        for kind, rank in zip(list(kinds.kinds), kinds.ranks(), strict=False):
            marks = kinds.marker_sets[kind.markers]
            role = connector if _CONNECTS in marks else acceptor if _ACCEPTS in marks else None
            if role is None or kind.continuation or "🤝" not in marks:
                continue
            if kind.process != NO_PROCESS:
                of_process.setdefault(kind.process, set()).add(role)
            if rank is not None:
                of_rank.setdefault(rank.value, set()).add(role)
    return _sure(of_process), _sure(of_rank)


def _sure(found: dict[int, set[str]]) -> dict[int, str]:
    return {number: next(iter(said)) for number, said in found.items() if len(said) == 1}
