"""Stdin that is a pipe: the log comes from it, so the keys must come from the terminal."""

from __future__ import annotations

import os
import sys

from pdtui.errors import SourceError

_TERMINAL = "/dev/tty"


def refuse_closed_stdin() -> None:
    """Raises where there is no stdin at all: the next file opened would be taken for it."""
    if sys.stdin is None:
        raise SourceError("-", "stdin is closed")


def refuse_terminal_stdin() -> None:
    """Raises where stdin is the terminal, which the keys come from."""
    if os.isatty(0):
        raise SourceError("-", "stdin is the terminal: pipe a log into pdtui, or name a file")


def keys_from_terminal() -> int | None:
    """Puts the terminal where stdin was, for the keys; returns what was there, None if it is."""
    if os.isatty(0):
        return None
    try:
        terminal = os.open(_TERMINAL, os.O_RDWR)
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise SourceError(_TERMINAL, f"no terminal to read keys from: {said}") from error
    piped = os.dup(0)
    os.dup2(terminal, 0)
    os.close(terminal)
    return piped
