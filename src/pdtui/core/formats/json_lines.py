"""Lines that are a JSON object each: vLLM's `--logging-config.formatter json`, python-json-logger,
Dynamo's JSONL, structlog and whatever else writes a message, a level or a time under usual names.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

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
_NUMBERED_LEVELS = {10: 1, 20: 2, 30: 3, 40: 4, 50: 5}
"""Python's numbers for levels → ours."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a JSON line says."""

    message: bytes
    level: int
    stamp: Stamp | None
    process: str | None
    pid: int | None
    rank: int | None
    origin: str | None


def read(line: bytes) -> Reading | None:
    """What the line says, or None where it is no JSON object or one that is no log line."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    inner = said.get("fields")
    if isinstance(inner, dict):  # Rust's tracing writes its message one level down
        said = {**inner, **said}
    keys = _keys(tuple(said))
    message = _first(said, keys.message)
    if not isinstance(message, str | int | float):
        return None
    process = _first(said, keys.process)
    time = _first(said, keys.time)
    return Reading(
        message=str(message).encode("utf-8", "replace"),
        level=_level(_first(said, keys.level)),
        stamp=parse_stamp(str(time).encode("utf-8", "replace")) if time is not None else None,
        process=process if isinstance(process, str) and process != "MainProcess" else None,
        pid=_number(_first(said, keys.pid)),
        rank=_number(_first(said, keys.rank)),
        origin=_origin(said),
    )


class _Keys(NamedTuple):
    """Which of an object's keys may hold what is looked for."""

    time: tuple[str, ...]
    level: tuple[str, ...]
    message: tuple[str, ...]
    process: tuple[str, ...]
    pid: tuple[str, ...]
    rank: tuple[str, ...]


@lru_cache(maxsize=256)
def _keys(present: tuple[str, ...]) -> _Keys:
    """Which of these keys are looked at. The lines of one program have the same few sets."""
    wanted = (_TIME, _LEVEL, _MESSAGE, _PROCESS, _PID, _RANK)
    return _Keys(*(tuple(name for name in names if name in present) for names in wanted))


def _first(said: dict[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        if (value := said.get(name)) is not None:
            return value
    return None


def _level(value: Any) -> int:
    if isinstance(value, str):
        return LEVEL_OF_WORD.get(value.strip().upper().encode("utf-8", "replace"), NO_LEVEL)
    return _NUMBERED_LEVELS.get(value, NO_LEVEL) if isinstance(value, int) else NO_LEVEL


def _number(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"[0-9]{1,8}", value) else None
    return value if isinstance(value, int) and 0 <= value < 10**8 else None


def _origin(said: dict[str, Any]) -> str | None:
    file, line = _first(said, _FILE), _first(said, _LINE)
    if isinstance(file, str):
        return f"{file}:{line}" if _number(line) is not None else file
    name = _first(said, _ORIGIN)
    return name if isinstance(name, str) else None


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
