"""What stands before a head: launchers' stamps, ranks and containers, and vLLM's processes."""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.reference.heads import CLOCK, FORMS, FRACTION, LONG, SHORT, YEAR, read_json
from tests.reference.heads import stamp_fields as fields_of

GREATEST_RANK = 4094
"""No instance has so many workers; a greater number is no rank."""
MOST = 6
"""No line has more prefixes."""
REACH = 136
"""No prefix that ends at a bracket or a blank is longer."""

PROCESS = re.compile(
    rb"\((?P<name>[A-Za-z][^()]{0,80}) pid=(?P<pid>\d{1,8})(?!\d)[^()]{0,40}\) "
    rb"|\((?P<ray>raylet|autoscaler)\) ",
    re.S,
)
RANK_IN_NAME = re.compile(rb"(?<=[ _])(?:rank=|TP)(\d{1,4})(?!\d)")
BRACKET = re.compile(
    rb"\[(?:(?:rank|default)(?P<rank>\d{1,4})|pod/(?P<pod>[\w.-]+/[\w.-]+)|\d{1,5},\d{1,5})\]"
    rb"(?:<std(?:out|err|diag)>)?:? ?"
)
MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
ISO = YEAR + rb"-" + SHORT.replace(b"[ T]", b"T") + FRACTION + rb"?+"
RUNTIME = rb"(?:std(?:out|err) [FP] )?+"
"""Kubernetes' container runtimes say in their files which stream it was, and if it is whole."""
PROGRAM = rb"(?:[^ :\[]{1,64}+ (?P<program>[^ :\[]{1,64}+)\[(?P<pid>\d{1,8}+)\]: )?+"
STAMPS = tuple(
    re.compile(text)
    for text in (
        ISO + rb"Z " + RUNTIME,
        ISO + rb"[+-]\d\d:?\d\d " + RUNTIME + PROGRAM,
        LONG.removesuffix(rb"?+") + rb" \| ",
        rb"  \| " + ISO + rb"Z \| ",
        rb"(?P<month>" + b"|".join(MONTHS) + rb") {1,8}+(?P<D>\d{1,2}+) " + CLOCK + rb" " + PROGRAM,
    )
)
COMPOSE = re.compile(rb"(?P<name>[A-Za-z0-9][\w.-]{0,80})(?: {2,80}\| | >> )")
STERN = re.compile(rb"(?P<pod>[a-z0-9][a-z0-9.]*-[a-z0-9.-]*) (?P<name>[a-z0-9][a-z0-9.-]*) ")
NUMBER = re.compile(rb" {0,4}\d{1,4}: ")


class Prefix(NamedTuple):
    """What a prefix says."""

    length: int
    pid: int | None = None
    name: str | None = None
    rank: int | None = None
    container: str | None = None
    stamp: dict[str, int] | None = None
    learned: bytes = b""
    """What is known from now on to be a prefix."""


def as_rank(digits: bytes | None) -> int | None:
    """The rank that the digits say."""
    return int(digits) if digits and int(digits) <= GREATEST_RANK else None


def is_head(text: bytes) -> bool:
    """Whether a head stands here, after prefixes that cannot be text."""
    for _ in range(MOST):
        if not text or any(form.pattern.match(text) for form in FORMS) or read_json(text):
            return bool(text)
        prefix = _sure(text)
        if prefix is None:
            return False
        text = text[prefix.length :]
    return False


def prefix_of(text: bytes, known: set[bytes], *, learning: bool = True) -> Prefix | None:
    """The prefix that the text begins with; `known` are those that have stood before a head."""
    prefix = _sure(text) or _learned(text, known)
    return prefix if learning or not prefix or prefix.learned in {b"", *known} else None


def _sure(text: bytes) -> Prefix | None:
    if found := PROCESS.match(text):
        if found["ray"]:
            return Prefix(found.end(), name=found["ray"].decode())
        ranks = RANK_IN_NAME.findall(found["name"])
        name = found["name"].decode("utf-8", "replace")
        return Prefix(found.end(), int(found["pid"]), name, as_rank(ranks[-1]) if ranks else None)
    if (found := BRACKET.match(text)) and text.index(b"]") < REACH:
        pod = found["pod"].decode() if found["pod"] else None
        return Prefix(found.end(), rank=as_rank(found["rank"]), container=pod)
    for pattern in STAMPS:
        if found := pattern.match(text):
            return _stamped(found)
    if found := COMPOSE.match(text):
        return Prefix(found.end(), container=found["name"].decode())
    return None


def _stamped(found: re.Match[bytes]) -> Prefix:
    said = found.groupdict()
    if month := said.get("month"):
        said["M"] = b"%d" % (MONTHS.index(month) + 1)
    pid = said.get("pid")
    name = said["program"].decode("utf-8", "replace") if said.get("program") else None
    return Prefix(found.end(), int(pid) if pid else None, name, stamp=fields_of(said))


def _learned(text: bytes, known: set[bytes]) -> Prefix | None:
    """A prefix that could be text, from where it has stood before a head on."""
    if (found := STERN.match(text)) and (found[0] in known or is_head(text[found.end() :])):
        container = f"{found['pod'].decode()}/{found['name'].decode()}"
        return Prefix(found.end(), container=container, learned=found[0])
    if (found := NUMBER.match(text)) and (b"0: " in known or is_head(text[found.end() :])):
        return Prefix(found.end(), learned=b"0: ")
    return None


def last_process(text: bytes) -> Prefix | None:
    """The last prefix of a process anywhere in the text."""
    found = [match.start() for match in re.finditer(rb"(?=\([A-Za-z][^()]{0,80} pid=\d)", text)]
    for begin in reversed(found):
        if prefix := _sure(text[begin:]):
            return prefix
    return None
