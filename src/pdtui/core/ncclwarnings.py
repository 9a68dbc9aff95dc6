"""NCCL's warnings: the rows that say why a call of NCCL failed, or may fail."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from pdtui.core.exceptions import message_of
from pdtui.core.levels import WARNING
from pdtui.core.source import Source

_HEAD = re.compile(r"^.*?NCCL WARN ")


def warning_rows(source: Source, stop: int) -> npt.NDArray[np.int64]:
    """The rows before `stop` in which NCCL warns, in file order."""
    is_nccl = source.kinds.grammar.is_nccl
    # A continuation has the level of the warning above it.
    warns = [
        bool(is_nccl[k.format]) and k.level >= WARNING and not k.continuation
        for k in list(source.kinds.kinds)
    ]
    if not any(warns):
        return np.zeros(0, np.int64)
    return source.columns.rows_of(np.array(warns, np.bool_), stop)


def warning_text(source: Source, row: int) -> str:
    """What NCCL warns of in this row."""
    return _HEAD.sub("", message_of(source, row)).strip()
