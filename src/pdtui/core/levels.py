"""The five levels, as small numbers that compare in the order of their weight."""

from __future__ import annotations

from pdtui.errors import FilterError

NO_LEVEL = 0
LEVEL_NAMES: tuple[str | None, ...] = (None, "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
"""Level number → word; 0 is a row that states none."""
DEBUG, INFO, WARNING, ERROR, CRITICAL = range(1, 6)

LEVEL_OF_WORD: dict[bytes, int] = {
    **{word.encode(): number for number, word in enumerate(LEVEL_NAMES) if word},
    b"TRACE": DEBUG,
    b"CALL": DEBUG,
    b"WARN": WARNING,
    b"FATAL": CRITICAL,
    b"ABORT": CRITICAL,
    # The letters of glog, torch and Ray.
    b"D": DEBUG,
    b"I": INFO,
    b"W": WARNING,
    b"E": ERROR,
    b"F": CRITICAL,
    b"C": CRITICAL,
    # UCX's.
    b"DIAG": INFO,
    **dict.fromkeys((b"REQ", b"DATA", b"ASYNC", b"FUNC", b"POLL"), DEBUG),
}
"""Every word that a log uses for a level → its number."""


def level_number(text: str) -> int:
    """The level that a user means by `text`: a word or the start of one, in any case."""
    low = text.strip().upper()
    for number, name in enumerate(LEVEL_NAMES):
        if low and name and name.startswith(low):
            return number
    wanted = ", ".join(name.lower() for name in LEVEL_NAMES if name)
    raise FilterError("level", f"'{text}' is none of {wanted}")
