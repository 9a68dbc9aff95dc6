"""Keeps memory that was used once: the scanner needs the same large arrays for every block.

glibc gives large blocks back at once and takes each new one as fresh pages, which the kernel has to
clear: a fifth of the time that a scan takes. Elsewhere (musl, macOS) this does nothing.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Names of parameters in glibc's malloc.h."""
_LARGEST = 32 * 1024 * 1024
"""The most that glibc takes: arrays up to this come from the heap."""
_KEPT = 64 * 1024 * 1024
"""Bytes at the heap's end that are not given back."""


def give_back_memory() -> None:
    """Gives what lies free in between back to the system, after work on all rows of large logs.

    What was kept for blocks is a part of it, so this is nothing for between two blocks. Some ms.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def keep_memory() -> None:
    """From now on arrays of some megabytes are taken from memory that is there already."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, _LARGEST)
        mallopt(_TRIM_THRESHOLD, _KEPT)
