"""References to rows of many sources, each one number."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Refs: TypeAlias = npt.NDArray[np.int64]
"""Rows of many sources: the source's number in the upper bits, the row in the lower 40."""

_SOURCE_SHIFT = 40
_ROW_MASK = (1 << _SOURCE_SHIFT) - 1


def refs_of(source: int, first: int, stop: int) -> Refs:
    """References to the rows first … stop-1 of a source."""
    return np.arange(first, stop, dtype=np.int64) | (source << _SOURCE_SHIFT)


def join_ref(source: int, row: int) -> int:
    """One reference."""
    return row | source << _SOURCE_SHIFT


def split_ref(ref: int) -> tuple[int, int]:
    """Source number and row of one reference."""
    return ref >> _SOURCE_SHIFT, ref & _ROW_MASK


def source_numbers(refs: Refs) -> npt.NDArray[np.int64]:
    """The source number of each reference."""
    return refs >> _SOURCE_SHIFT


def row_numbers(refs: Refs) -> npt.NDArray[np.int64]:
    """The row of each reference."""
    return refs & _ROW_MASK
