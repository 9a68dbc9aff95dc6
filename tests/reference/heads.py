"""The heads that lines begin with, an expression a format, in the order in which they count."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any, NamedTuple

DATE = rb"(?P<M>0[1-9]|1[0-2])-(?P<D>0[1-9]|[12]\d|3[01])"
CLOCK = rb"(?P<h>[01]\d|2[0-3]):(?P<m>[0-5]\d):(?P<s>[0-5]\d|60)"
YEAR = rb"(?P<Y>19[7-9]\d|2[01]\d\d)"
FRACTION = rb"(?:[.,](?P<f>\d{1,9}+))"
SHORT = DATE + rb"[ T]" + CLOCK
"""vLLM's stamp."""
LONG = YEAR + rb"-" + SHORT + FRACTION + rb"?+"
"""Everybody else's."""
ANY = rb"(?:" + YEAR + rb"-)?" + SHORT + FRACTION + rb"?"
LEVEL = rb"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)"
MESSAGE = rb"(?P<message>.*)"
RANKS = rb"(?P<ranks>[A-Z]{2,4}\d{1,4}(?: [A-Z]{2,4}\d{1,4}){0,5})"
TRACED = rb"(?P<level>TRACE|DEBUG|INFO|WARN|ERROR)"
TARGET = rb"(?P<origin>[^ :={]{1,120}+::[^ ={]{1,120}+)"
GLOG = rb"(?P<M>0[1-9]|1[0-2])(?P<D>0[1-9]|[12]\d|3[01]) " + CLOCK + FRACTION + rb"?+"
GLOG_REST = rb" {1,8}+\d{1,16}+ (?P<origin>[^ :\]]{1,95}+:\d{1,7}+)\] "
BETWEEN = rb"(?: - |: | )"
SOURCE = rb" ?\((?P<origin>[\w.]+:\d+)(?::[\w.]+)?\)\s*\Z"
"""Where logging's `(file.py:12:module)` stands at the end of a message."""

LEVELS = {
    b"D": "DEBUG", b"I": "INFO", b"W": "WARNING", b"E": "ERROR", b"F": "CRITICAL", b"C": "CRITICAL",
    b"TRACE": "DEBUG", b"CALL": "DEBUG", b"WARN": "WARNING", b"ABORT": "CRITICAL",
    b"FATAL": "CRITICAL", b"DIAG": "INFO", b"REQ": "DEBUG", b"DATA": "DEBUG", b"ASYNC": "DEBUG",
    b"FUNC": "DEBUG", b"POLL": "DEBUG",
    **{word.encode(): word for word in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")},
}  # fmt: skip


class Form(NamedTuple):
    """An expression, and what holds for all lines that it fits."""

    name: str
    pattern: re.Pattern[bytes]
    level: str | None = None
    utc: bool = False
    """Its stamps are in UTC."""
    tail: re.Pattern[bytes] | None = None
    """Where its origin stands at the end of the message."""
    continues: bool = False
    """It begins a record only where no error is told above."""


def _form(name: str, *parts: bytes, **others: Any) -> Form:
    return Form(name, re.compile(b"".join(parts), re.S), **others)


_TAIL = re.compile(SOURCE)
NCCL_LEVEL = rb"NCCL (?P<level>INFO|WARN|CALL|TRACE|ABORT) "
FORMS: tuple[Form, ...] = (
    _form("vllm", LEVEL, rb" ", SHORT, rb" \[?+(?P<origin>[^ :\]]{1,95}+:\d{1,7}+)\] ?+", MESSAGE),
    _form(
        "nccl", rb"(?:\[", LONG, rb"\] )?+(?![ \t(\"'{])(?P<host>[^ :]{0,64}):(?P<pid>\d{1,8}+)",
        rb":\d{1,8}+ (?:\[-?\d{1,4}+\] )?+", NCCL_LEVEL, MESSAGE,
    ),
    _form("uvicorn", LEVEL, rb": {1,8}+(?=[^\x00- ])", MESSAGE),
    _form(
        "nixl", rb"(?:", LONG, rb" )?+NIXL (?P<level>TRACE|DEBUG|INFO|WARN|WARNING|ERROR|",
        rb"CRITICAL|FATAL) {1,8}+(?P<origin>[^ :]{1,95}+:\d{1,7}+) ", MESSAGE,
    ),
    _form(
        "tracing", LONG, rb"Z {1,8}+", TRACED, rb" (?!\d\d-\d\d )(?:", TARGET, rb" )?+", MESSAGE,
        utc=True,
    ),
    _form("tracing", LONG, rb" {1,8}+", TRACED, rb" ", TARGET, rb" ", MESSAGE),
    _form("ray", LONG, rb"\t", LEVEL, rb" (?P<origin>[^\s:]{1,95}:\d{1,7}) -- ", MESSAGE),
    _form("python", LONG, rb" - (?P<origin>[^ ]{1,95}) - ", LEVEL, rb" - ", MESSAGE),
    _form("python", LONG, rb" ", LEVEL, rb" ", MESSAGE),
    _form("lmcache", rb"\[", LONG, rb"\] LMCache ", LEVEL, rb": {1,8}+", MESSAGE, tail=_TAIL),
    _form("uvicorn", rb"\[", LONG, rb"(?: ", RANKS, rb"(?=\]))?\] ", LEVEL, rb": {2,8}+", MESSAGE),
    _form(
        "hypercorn", rb"\[", LONG, rb" [^\] ]{5}\] \[(?P<pid>\d{1,8})\] \[", LEVEL, rb"\] ",
        MESSAGE,
    ),
    _form(
        "ray", rb"\[", LONG, rb" (?P<level>[DIWEFC]) (?P<pid>\d{1,8}) \d{1,16}\] (?:\(\w+\) )?",
        rb"(?:(?P<origin>[\w./-]+:\d{1,7}): )?", MESSAGE,
    ),
    _form("glog", rb"(?P<level>[IWEFC])", GLOG, GLOG_REST, MESSAGE),
    _form("glog", rb"(?P<level>[IWEFC])", YEAR, GLOG, GLOG_REST, MESSAGE),
    _form("python", rb"\[", LONG, rb"\] ", LEVEL, rb": (?P<message>\S.*)", tail=_TAIL),
    _form(
        "python", rb"\[", LONG, rb"\] ", LEVEL, rb" (?P<origin>[^\s:]{1,95}:\d{1,7}): ", MESSAGE,
        tail=_TAIL,
    ),
    _form(
        "nccl", rb"(?:\[", ANY, rb"\] )?(?![ \t(\"'{])(?P<host>[^ :]{0,64}):(?P<pid>\d{1,8}):",
        rb"\d{1,8} (?:\[-?\d+\] )?(?:\d+\.\d+ )?(?:(?P<origin>[\w./-]+:\d+) )?(?:\(\w+\) )?",
        NCCL_LEVEL, MESSAGE,
    ),
    _form("sglang", rb"\[", LONG, rb"(?: ", RANKS, rb"(?=\]))?\] ", MESSAGE),
    _form("vllm", LEVEL, rb" ", ANY, rb" \[?(?P<origin>[^ :\]]{1,95}:\d{1,7})\] ?", MESSAGE),
    _form(
        "python", ANY, BETWEEN, rb"(?:\[?(?P<origin>[\w.:-]+?)\]?", BETWEEN, rb")?\[?", LEVEL,
        rb"\]?", BETWEEN, MESSAGE,
    ),
    _form("python", LEVEL, rb":(?P<origin>[\w.-]+):", MESSAGE),
    _form("python", LONG, rb"[ :] ?(?!\| )", MESSAGE),
    _form(
        "c10d", rb"\[(?P<level>[IWEFC])(?:(?P<M>0?[1-9]|1[0-2])(?P<D>0[1-9]|[12]\d|3[01]) ", CLOCK,
        rb"(?:\.(?P<f>\d{1,9}))?)? (?P<origin>[\w./-]+\.(?:cpp|hpp|h|cc|py):\d+)\] ", MESSAGE,
    ),
    _form(
        "ucx", rb"\[(?P<epoch>\d{9,10}\.\d{1,9})\] \[(?P<host>[^:\]\s]*):(?P<pid>\d{1,8}) *:[^\]]*",
        rb"\]\s+(?P<origin>\S+:\d+)\s+UCX\s+(?P<level>FATAL|ERROR|WARN|DIAG|INFO|DEBUG|TRACE|REQ|",
        rb"DATA|ASYNC|FUNC|POLL)\s+", MESSAGE, utc=True,
    ),
    _form("c10d", rb"(?=\[Gloo\] )", MESSAGE, level="INFO"),
    _form("proxy", rb"(?=handle_request count: \d)", MESSAGE),
    _form("proxy", rb"(?=Error occurred in disagg )", MESSAGE, level="ERROR"),
    _form(
        "python", rb"(?=Exception in thread |Exception in callback |Exception ignored in"
        rb"|--- Logging error ---|Fatal Python error: )", MESSAGE, level="ERROR",
    ),
    _form(
        "python", rb"(?=Traceback \(most recent call last\):)", MESSAGE, level="ERROR",
        continues=True,
    ),
    _form(
        "python", rb"(?![ \t])(?P<origin>(?:<[^>]{1,80}>|[^\s:]{1,400}):\d+): ",
        rb"(?P<message>\w*Warning: .*)", level="WARNING",
    ),
)  # fmt: skip

# What nobody else's lines look like, also in the middle of a line.
SURE_PREFIX = rb"\([A-Za-z][^()\r]{0,80} pid=\d{1,8}(?!\d)[^()\r]{0,40}\) "
SURE_HEAD = re.compile(
    rb"(?:" + SURE_PREFIX + rb")*(?:(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) (?:0[1-9]|1[0-2])-"
    rb"(?:0[1-9]|[12]\d|3[01]) (?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60) "
    rb"\[?[^ :\]\r]{1,95}:\d{1,7}\]"
    rb"|[\w.-]{1,64}:\d{1,8}:\d{1,8} (?:\[-?\d{1,4}\] )?NCCL (?:INFO|WARN|CALL|TRACE|ABORT) )"
)


def stamp_fields(found: dict[str, bytes | None]) -> dict[str, int] | None:
    """Year (0 where left out), month, day and microseconds of the day of a stamp."""
    if epoch := found.get("epoch"):
        return epoch_fields(epoch)
    if not found.get("M"):
        return None
    parts = {name: int(found.get(name) or 0) for name in "YMDhms"}
    seconds = (parts["h"] * 60 + parts["m"]) * 60 + parts["s"]
    micro = int((found.get("f") or b"")[:6].ljust(6, b"0"))
    return {"Y": parts["Y"], "M": parts["M"], "D": parts["D"], "micro": seconds * 10**6 + micro}


def epoch_fields(text: bytes) -> dict[str, int] | None:
    """The same of seconds since 1970; None for more than stamps have."""
    whole, _, fraction = text.partition(b".")
    moment = datetime(1970, 1, 1) + timedelta(seconds=int(whole))
    seconds = (moment.hour * 60 + moment.minute) * 60 + moment.second
    micro = seconds * 10**6 + int(fraction[:6].ljust(6, b"0"))
    if int(whole) >= 3_000_000_000 or (len(whole) > 9 and whole.startswith(b"0")):
        return None
    return {"Y": moment.year, "M": moment.month, "D": moment.day, "micro": micro}


# The names under which Python's, Rust's and other loggers put the same things.
KEYS = {
    "time": ("asctime", "time", "timestamp", "@timestamp", "ts", "datetime", "date"),
    "level": ("levelname", "level", "severity", "lvl", "log.level", "loglevel"),
    "message": ("message", "msg", "event", "text"),
    "process": ("vllm_process_name", "processName", "process_name", "service", "component"),
    "pid": ("process", "pid", "process_id", "processId"),
    "logger": ("name", "logger", "target", "logger_name", "module"),
    "file": ("filename", "file", "pathname"),
    "line": ("lineno", "line", "line_number"),
    "rank": ("rank", "tp_rank"),
}
WRITTEN = re.compile(
    rb"\s*(?:"
    + YEAR
    + rb"[-/])?(?P<M>0[1-9]|1[0-2])[-/](?P<D>0[1-9]|[12]\d|3[01])[ T]"
    + CLOCK
    + FRACTION
    + rb"?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?\s*"
)
"""The stamps that JSON lines have."""
NUMBERED = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}


def read_json(text: bytes) -> dict[str, Any] | None:
    """What a line says that is a JSON object with a message."""
    if not text.startswith(b"{"):
        return None
    try:
        said = json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    if isinstance(said.get("fields"), dict):
        said = {**said["fields"], **said}
    known = {
        what: next((said[name] for name in names if said.get(name) is not None), None)
        for what, names in KEYS.items()
    }
    return known if isinstance(known["message"], str | int | float) else None


def json_stamp(value: Any) -> dict[str, int] | None:
    """The stamp of a JSON line, as text or as seconds or milliseconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).encode("utf-8", "replace")
    if found := WRITTEN.fullmatch(text):
        return stamp_fields(found.groupdict())
    if found := re.fullmatch(rb"([12]?\d{9})(\d{3})?(?:\.(\d{1,9})\d*)?", text):
        return epoch_fields(found[1] + b"." + (found[2] or found[3] or b"0"))
    return None


def json_level(value: Any) -> str | None:
    """The level of a JSON line, as a word or as Python's number."""
    if isinstance(value, str):
        return LEVELS.get(value.strip().upper().encode("utf-8", "replace"))
    return NUMBERED.get(value) if isinstance(value, int) else None


def json_number(value: Any) -> int | None:
    """A pid or a rank."""
    return int(str(value)) if re.fullmatch(r"[0-9]{1,8}", str(value)) else None


def json_origin(known: dict[str, Any]) -> str | None:
    """Where in the source code it was written."""
    if isinstance(known["file"], str):
        line = known["line"]
        return known["file"] if line is None else f"{known['file']}:{line}"
    return known["logger"] if isinstance(known["logger"], str) else None
