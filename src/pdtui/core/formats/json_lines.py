"""Lines that are a JSON object each: vLLM's `--logging-config.formatter json`, python-json-logger,
Dynamo's JSONL, structlog and whatever else writes a message, a level or a time under usual names.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from pdtui.core.formats.format import Format
from pdtui.core.levels import LEVEL_OF_WORD, NO_LEVEL
from pdtui.core.stamps import Stamp, parse_stamp

_TIME = ("asctime", "time", "timestamp", "@timestamp", "ts", "datetime", "date")
_LEVEL = ("levelname", "level", "severity", "lvl", "log.level", "loglevel")
_MESSAGE = ("message", "msg", "event", "text")
_PROCESS = ("vllm_process_name", "processName", "process_name", "service", "component")
_PID = ("process", "pid", "process_id", "processId")
_ORIGIN = ("name", "logger", "target", "logger_name", "module")
_FILE, _LINE = ("filename", "file", "pathname"), ("lineno", "line", "line_number")
_RANK = ("rank", "tp_rank")
_LOGGING_STAMP = len("2026-11-22 06:52:50,677")
_NO_STAMP = Stamp(0, 0, 0, 0)
_TOO_LARGE = 10**8
"""No pid and no rank has more than eight digits."""
_NUMBERED_LEVELS = {10: 1, 20: 2, 30: 3, 40: 4, 50: 5}
"""Python's numbers for levels → ours."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What JSON lines say, one entry a line."""

    message: list[bytes | None]
    """None for a line that is no object, or none of a log: it has no message."""
    level: list[int]
    stamp: list[Stamp | None]
    process: list[str | None]
    pid: list[int | None]
    rank: list[int | None]
    where: list[tuple[Any, Any, Any] | None]
    """File, line and logger's name, as they are written."""

    def origin(self, index: int) -> str | None:
        """`file:line`, else the logger's name."""
        where = self.where[index]
        return None if where is None else _origin(*where)


def read(lines: list[bytes]) -> Readings:
    """What the lines say."""
    said = _objects(lines)
    alike: dict[tuple[str, ...], list[int]] = {}
    for index, one in enumerate(said):
        alike.setdefault(tuple(one), []).append(index)
    if len(alike) == 1:
        return _read_alike(said, next(iter(alike)))
    # The lines of one program have the same few sets of keys: each set is read by itself.
    parts = [(_read_alike([said[i] for i in where], keys), where) for keys, where in alike.items()]
    columns: dict[str, list[Any]] = {f.name: [None] * len(said) for f in fields(Readings)}
    for part, where in parts:
        for name, column in columns.items():
            for index, value in zip(where, getattr(part, name), strict=True):
                column[index] = value
    return Readings(**columns)


def _read_alike(said: list[dict[str, Any]], present: tuple[str, ...]) -> Readings:
    """What objects say that have the same keys."""

    def column(names: tuple[str, ...]) -> list[Any]:
        names = tuple(name for name in names if name in present)
        if not names:
            return nothing
        if len(names) == 1:
            (name,) = names
            return [one[name] for one in said]
        return [next((v for n in names if (v := one[n]) is not None), None) for one in said]

    def numbers(names: tuple[str, ...]) -> list[int | None]:
        values = column(names)
        return values if values is nothing else [_number(value) for value in values]

    nothing: list[None] = [None] * len(said)
    return Readings(
        message=[_text(value) for value in column(_MESSAGE)],
        level=[_level(value) for value in column(_LEVEL)],
        stamp=[_stamp(value) for value in column(_TIME)],
        process=[p if type(p) is str and p != "MainProcess" else None for p in column(_PROCESS)],
        pid=numbers(_PID),
        rank=numbers(_RANK),
        where=list(zip(column(_FILE), column(_LINE), column(_ORIGIN), strict=True)),
    )


def _objects(lines: list[bytes]) -> list[dict[str, Any]]:
    """The objects that the lines are, {} for a line that is none."""
    # All at once is several times as fast. The numbers between them show that no line closes
    # what another one has opened.
    joined = b"[" + b",0,".join(lines) + b"]"
    with suppress(ValueError, RecursionError):
        found = json.loads(joined.decode("utf-8", "replace"))
        if (
            len(found) == 2 * len(lines) - 1
            and all(type(one) is dict for one in found[::2])
            and not any(found[1::2])
        ):
            return [_unnested(one) for one in found[::2]]
    if len(lines) == 1:
        return [{}]
    return [_objects([line])[0] for line in lines]


def _unnested(said: dict[str, Any]) -> dict[str, Any]:
    """Rust's tracing writes its message one level down."""
    inner = said.get("fields")
    return {**inner, **said} if isinstance(inner, dict) else said


def _text(value: Any) -> bytes | None:
    if type(value) is str:
        return value.encode("utf-8", "replace")
    return str(value).encode("utf-8", "replace") if isinstance(value, str | int | float) else None


def _stamp(value: Any) -> Stamp | None:
    if type(value) is str:
        # logging's own form, `2026-11-22 06:52:50,677`: of hundreds only the milliseconds differ.
        milli = value[-3:] if len(value) == _LOGGING_STAMP and value[-4] in ",." else ""
        if milli.isascii() and milli.isdigit():
            year, month, day, clock = _second(value[:-4]) or _NO_STAMP
            return Stamp(year, month, day, clock + int(milli) * 1000) if month else None
        return parse_stamp(value.encode("utf-8", "replace"))
    return None if value is None else parse_stamp(str(value).encode("utf-8", "replace"))


@lru_cache(maxsize=4096)
def _second(value: str) -> Stamp | None:
    return parse_stamp(value.encode("utf-8", "replace"))


def _level(value: Any) -> int:
    if type(value) is str:
        return _level_of_word(value)
    return _NUMBERED_LEVELS.get(value, NO_LEVEL) if type(value) is int else NO_LEVEL


@lru_cache(maxsize=256)
def _level_of_word(word: str) -> int:
    return LEVEL_OF_WORD.get(word.strip().upper().encode("utf-8", "replace"), NO_LEVEL)


def _number(value: Any) -> int | None:
    if type(value) is int:
        return value if 0 <= value < _TOO_LARGE else None
    if type(value) is str and value.isascii() and value.isdigit() and int(value) < _TOO_LARGE:
        return int(value)
    return None


def _origin(file: Any, line: Any, name: Any) -> str | None:
    if type(file) is str:
        return file if line is None else f"{file}:{line}"
    return name if type(name) is str else None


JSON = Format(
    "json",
    (
        b'{"asctime": "2026-11-22 06:52:50,677", "levelname": "INFO", "name": "vllm.x", '
        b'"process": 7, "message": "ready", "vllm_process_name": "APIServer"}',
        b'{"message": "ready"}',
    ),
    expression=re.compile(rb"(?P<message>\{.*\})\s*", re.S),
    first_bytes=frozenset(b"{"),
    contains=b'"',
    reader=read,
)
