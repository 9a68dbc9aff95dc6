"""A scanner as bytes, so that another process can go on where it stands.

What it keeps between blocks is small: the heads and stamps above, the calendar, names. What the
source knows of its kinds goes apart, since it seldom changes; and lines that are told by others
like them (`alike.py`) are soon learned anew.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

from pdtui.core.alike import Alike
from pdtui.core.grammar import Grammar, grammar_in_use
from pdtui.core.kinds import KindTable
from pdtui.core.outlines import Outlines
from pdtui.core.scan import TEXTS, Scanner


class ScanState(NamedTuple):
    """How far a scanner is."""

    kinds: bytes
    """What is known of the source's kinds, see `kinds_in`."""
    rest: bytes
    """What it keeps besides, see `scanner_in`."""


_NAMED: dict[type, str] = {
    KindTable: "kinds",
    Grammar: "grammar",
    Alike: "alike",
    Outlines: "outlines",
}


class _Writer(pickle.Pickler):
    def persistent_id(self, obj: object) -> str | None:
        return _NAMED.get(type(obj))


class _Reader(pickle.Unpickler):
    def __init__(self, data: bytes, kinds: KindTable) -> None:
        super().__init__(io.BytesIO(data))
        outlines = Outlines(TEXTS)
        self._known = {
            "kinds": kinds,
            "grammar": kinds.grammar,
            "alike": Alike(kinds, outlines),
            "outlines": outlines,
        }

    def persistent_load(self, pid: str) -> object:
        return self._known[pid]


class _KindWriter(pickle.Pickler):
    # Both processes have the same grammar in use.
    dispatch_table: dict[type, Callable[[Any], tuple[Any, ...]]] = {  # noqa: RUF012
        Grammar: lambda _: (grammar_in_use, ())
    }


def state_of(scanner: Scanner) -> ScanState:
    """The scanner as bytes."""
    kinds, rest = io.BytesIO(), io.BytesIO()
    _KindWriter(kinds, 5).dump(scanner.kinds)
    _Writer(rest, 5).dump(scanner)
    return ScanState(kinds.getvalue(), rest.getvalue())


def kinds_in(kinds: bytes) -> KindTable:
    """The kinds of a state."""
    table: KindTable = pickle.loads(kinds)
    return table


def scanner_in(rest: bytes, kinds: KindTable) -> Scanner:
    """The scanner of a state, which goes on with these kinds."""
    scanner: Scanner = _Reader(rest, kinds).load()
    return scanner
