"""The rows' own bytes, read and cut together where rows stand together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import present
from pdtui.core.refs import Refs, row_numbers, source_numbers
from pdtui.core.source import Source

_READ_BITS = 20
"""Rows that begin in the same megabyte are read together, with what is between them,"""
_SPARSE = 64
"""but where less than this part of it is wanted."""

Rows = npt.NDArray[np.int64]


class _Runs(NamedTuple):
    """Rows that stand together, in their file and in the order asked for."""

    source: Rows
    first: Rows
    stop: Rows


def text_of(sources: Sequence[Source], refs: Refs, labels: Sequence[bytes] = ()) -> bytes:
    """The bytes of these rows; the newline that a last line lacks is all that is added.

    With `labels`, one a source, a row begins with that of its source.
    """
    runs = _runs_of(refs)
    texts = _texts_of(sources, runs)
    for place in _doubtful(sources, runs, texts).tolist():
        source = sources[runs.source[place]]
        rows = range(int(runs.first[place]), int(runs.stop[place]))
        texts[place] = b"".join(_ended(source.read(*source.span(row, row + 1))) for row in rows)
    if labels:
        texts = [
            _labelled(text, labels[number])
            for text, number in zip(texts, runs.source.tolist(), strict=True)
        ]
    return b"".join(texts)


def lines_of(sources: Sequence[Source], refs: Refs) -> Iterator[tuple[int, int, bytes]]:
    """Source number, row, and the bytes of the row without its newline, of each of these rows."""
    runs = _runs_of(refs)
    texts = _texts_of(sources, runs)
    doubtful = {*_doubtful(sources, runs, texts).tolist()}
    spans = zip(runs.source.tolist(), runs.first.tolist(), runs.stop.tolist(), strict=True)
    for place, (number, first, stop) in enumerate(spans):
        lines = iter(texts[place].split(b"\n"))
        if place in doubtful:
            source = sources[number]
            lines = (
                source.read(*source.span(row, row + 1)).rstrip(b"\n") for row in range(first, stop)
            )
        for row in range(first, stop):
            yield number, row, next(lines)


def _runs_of(refs: Refs) -> _Runs:
    cuts = np.flatnonzero(np.diff(refs) != 1) + 1
    begins = np.concatenate(([0], cuts)) if len(refs) else cuts
    first = row_numbers(refs[begins])
    return _Runs(source_numbers(refs[begins]), first, first + np.diff(begins, append=len(refs)))


def _texts_of(sources: Sequence[Source], runs: _Runs) -> list[bytes]:
    """The bytes of each run; fewer where a file no longer gives them.

    In the order of a view, a source's rows are in the order of its file.
    """
    numbers = present(runs.source)
    order = [np.flatnonzero(runs.source == number) for number in numbers]
    texts: list[bytes] = []
    for number, places in zip(numbers, order, strict=True):
        texts += _texts_in(sources[number], runs.first[places], runs.stop[places])
    if len(numbers) < 2:
        return texts
    back = np.argsort(np.concatenate(order)).tolist()
    return [texts[place] for place in back]


def _texts_in(source: Source, first: Rows, stop: Rows) -> list[bytes]:
    begins, ends = source.begins(first), source.begins(stop)
    cuts = np.flatnonzero(np.diff(begins >> _READ_BITS)) + 1
    texts: list[bytes] = []
    for some, those in zip(np.split(begins, cuts), np.split(ends, cuts), strict=True):
        begin, end = int(some[0]), int(those[-1])
        if len(some) > 1 and end - begin < _SPARSE * int((those - some).sum()):
            text = source.read(begin, end)
            within = zip((some - begin).tolist(), (those - begin).tolist(), strict=True)
            texts += [text[at:upto] for at, upto in within]
        else:
            spans = zip(some.tolist(), those.tolist(), strict=True)
            texts += [source.read(*span) for span in spans]
    return texts


def _doubtful(
    sources: Sequence[Source], runs: _Runs, texts: Sequence[bytes]
) -> npt.NDArray[np.intp]:
    """The runs that may have a row without a newline: a source's last one, or a file's.

    All, where a file gave less than it should.
    """
    sizes = np.array([len(source) if len(source.segments) == 1 else 0 for source in sources])
    due = 0
    for number in present(runs.source):
        mine = runs.source == number
        begins, ends = (sources[number].begins(rows[mine]) for rows in (runs.first, runs.stop))
        due += int((ends - begins).sum())
    doubtful = runs.stop >= sizes[runs.source]
    return np.flatnonzero(doubtful | (due != sum(map(len, texts))))


def _ended(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n"


def _labelled(text: bytes, label: bytes) -> bytes:
    return label + text[:-1].replace(b"\n", b"\n" + label) + text[-1:]
