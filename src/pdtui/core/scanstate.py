"""A scanner as bytes, so that another process can go on where it stands.

What it keeps between blocks is small: the heads and stamps above, the calendar, names. What the
source knows of its kinds goes apart, since it seldom changes; and so does the memory of lines that
are told by others like them (`alike.py`), which is larger, and can be learned anew.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
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


_SHARED: dict[type, str] = {KindTable: "kinds", Grammar: "grammar"}
_MEMORY: dict[type, str] = {Alike: "alike", Outlines: "outlines"}


class _Writer(pickle.Pickler):
    """Leaves out what goes apart."""

    def __init__(self, file: io.BytesIO, apart: Mapping[type, str]) -> None:
        super().__init__(file, 5)
        self._apart = apart

    def persistent_id(self, obj: object) -> str | None:
        return self._apart.get(type(obj))


class _Reader(pickle.Unpickler):
    def __init__(self, data: bytes, apart: Mapping[str, object]) -> None:
        super().__init__(io.BytesIO(data))
        self._apart = apart

    def persistent_load(self, pid: str) -> object:
        return self._apart[pid]


class _KindWriter(pickle.Pickler):
    # Both processes have the same grammar in use.
    dispatch_table: dict[type, Callable[[Any], tuple[Any, ...]]] = {  # noqa: RUF012
        Grammar: lambda _: (grammar_in_use, ())
    }


def state_of(scanner: Scanner) -> ScanState:
    """The scanner as bytes."""
    kinds, rest = io.BytesIO(), io.BytesIO()
    _KindWriter(kinds, 5).dump(scanner.kinds)
    _Writer(rest, _SHARED | _MEMORY).dump(scanner)
    return ScanState(kinds.getvalue(), rest.getvalue())


def memory_of(scanner: Scanner) -> bytes:
    """The lines that the scanner tells by others like them, as they are behind its state now."""
    memory = io.BytesIO()
    _Writer(memory, _SHARED).dump(scanner.alike)
    return memory.getvalue()


def kinds_in(kinds: bytes) -> KindTable:
    """The kinds of a state."""
    table: KindTable = pickle.loads(kinds)
    return table


def scanner_in(rest: bytes, kinds: KindTable, memory: bytes = b"") -> Scanner:
    """The scanner of a state, which goes on with these kinds, and perhaps what it has learned."""
    apart: dict[str, object] = {"kinds": kinds, "grammar": kinds.grammar}
    alike: Alike = _Reader(memory, apart).load() if memory else Alike(kinds, Outlines(TEXTS))
    apart |= {"alike": alike, "outlines": alike.outlines}
    scanner: Scanner = _Reader(rest, apart).load()
    return scanner
