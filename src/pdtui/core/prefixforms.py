"""What launchers and vLLM put before a line's head, each form by itself.

A prefix is understood here, given its text; `prefixes.py` finds where they stand in many lines.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pdtui.core.kinds import MAX_RANK, NO_RANK
from pdtui.core.shapes import Blanks, Digits, Maybe, Named, OneByte, OneOf, Shape, Text, Until
from pdtui.core.stampshapes import Clock, Fraction, Moment, MonthName, Year

MOST_PREFIXES = 6
"""A stamp, a pod, a launcher's rank and two processes: nobody has seen more."""
NUMBER = b"0: "
_OFFSET = (OneOf("zone", {b"+": 1, b"-": 1}), Digits(2, 2), Maybe((Text(b":"),)), Digits(2, 2))
_ISO = (Year(), Moment(between=b"T"), Maybe((Fraction(),)))

_STREAM = OneOf("stream", {b"stdout": 1, b"stderr": 2})
# `stdout F `: whether the line is whole, in the files of Kubernetes' container runtimes (CRI).
_RUNTIME = Maybe((_STREAM, Text(b" "), OneByte(b"FP"), Text(b" ")))

# Stamps, which differ in each line: kubectl's and docker's `--timestamps`, with and without a
# zone; Docker Desktop; what CI services put before what they show; journald's two forms.
STAMPS = (
    Shape((*_ISO, Text(b"Z "), _RUNTIME)),
    Shape((*_ISO, *_OFFSET, Text(b" "), _RUNTIME)),
    Shape((Year(), Moment(), Fraction(), Text(b" | "))),
    Shape((Text(b"  | "), *_ISO, Text(b"Z | "))),
    Shape((MonthName(), Blanks(), Digits(1, 2, "day"), Text(b" "), Clock(), Text(b" "))),
)
PROGRAM = Shape(
    (
        Until(b" :[", 64),
        Text(b" "),
        Named("process", (Until(b" :[", 64),)),
        Text(b"["),
        Digits(1, 8, "pid"),
        Text(b"]: "),
    )
)

_PROCESS = re.compile(
    rb"\((?P<name>[A-Za-z][^()\n]{0,80}) pid=(?P<pid>\d{1,8})(?!\d)[^()\n]{0,40}\) "
    rb"|\((?P<ray>raylet|autoscaler)\) "
)
_RANK_IN_NAME = re.compile(rb"(?: |_)(?:rank=|TP)(\d{1,4})(?![0-9])")
_BRACKET = re.compile(
    rb"\[(?=[^\]]{0,134}\])"
    rb"(?:(?:rank|default)(?P<rank>\d{1,4})|pod/(?P<container>[\w.-]+/[\w.-]+)|\d{1,5},\d{1,5})\]"
    rb"(?:<std(?:out|err|diag)>)?:? ?"
)
"""torchrun's rank, `kubectl --prefix`, `mpirun --tag-output`."""
_NAME = re.compile(rb"(?P<container>[A-Za-z0-9][\w.-]{0,80})(?: {2,80}\| | >> )")
"""docker compose, and what scripts put before the lines of a worker."""
STERN = re.compile(rb"(?P<container>[a-z0-9][a-z0-9.]*-[a-z0-9.-]* [a-z0-9][a-z0-9.-]*) ")


class Prefix(NamedTuple):
    """What a prefix says."""

    pid: int | None = None
    name: str | None = None
    rank: int = NO_RANK
    container: str | None = None


def _unnamed(shape: Shape) -> bytes:
    """The expression of a shape without its groups and its message."""
    whole = shape.pattern.pattern.removesuffix(b"(?P<message>.*)")
    return re.sub(rb"\(\?P<\w+>", b"(?:", whole)


_ANY_STAMP = re.compile(b"|".join(_unnamed(shape) for shape in STAMPS))
_ANY_PROGRAM = re.compile(_unnamed(PROGRAM))
_NUMBERED = re.compile(rb" {0,4}\d{1,4}: ")


def prefix_end(text: bytes, begin: int, learned: set[tuple[int, bytes]]) -> int:
    """Where the prefix ends that stands at `begin` of a line; `begin` itself where none does.

    `learned` is what has stood before a head in this source and can be mistaken for text.
    """
    for expression in (_PROCESS, _BRACKET, _ANY_STAMP, _NAME):
        if found := expression.match(text, begin):
            program = _ANY_PROGRAM.match(text, found.end()) if expression is _ANY_STAMP else None
            return program.end() if program else found.end()
    for _, prefix in learned:
        if prefix == NUMBER:
            if found := _NUMBERED.match(text, begin):
                return found.end()
        elif text.startswith(prefix, begin):
            return begin + len(prefix)
    return begin


def _as_rank(digits: bytes | None) -> int:
    return int(digits) if digits and int(digits) <= MAX_RANK else NO_RANK


def process_prefix(text: bytes) -> Prefix | None:
    found = _PROCESS.fullmatch(text)
    if found is None:
        return None
    if found["ray"]:
        return Prefix(name=found["ray"].decode("ascii"))
    ranks = _RANK_IN_NAME.findall(found["name"])
    rank = _as_rank(ranks[-1]) if ranks else NO_RANK
    return Prefix(int(found["pid"]), found["name"].decode("utf-8", "replace"), rank)


def bracket_prefix(text: bytes) -> Prefix | None:
    found = _BRACKET.fullmatch(text)
    if found is None:
        return None
    container = found["container"].decode("ascii") if found["container"] else None
    return Prefix(rank=_as_rank(found["rank"]), container=container)


def name_prefix(text: bytes) -> Prefix | None:
    found = _NAME.fullmatch(text)
    return Prefix(container=found["container"].decode("ascii")) if found else None


def pod_prefix(text: bytes) -> Prefix | None:
    return Prefix(container=text.strip().decode("ascii").replace(" ", "/"))
