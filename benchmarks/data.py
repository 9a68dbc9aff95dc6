"""Makes the logs that the benchmarks read: seeded, of any size and form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import mixed

_START = 10 * 3600

Form = Callable[[int, str, int], Iterator[str]]
"""Makes so many lines of a role and a seed."""


def _clock(number: int) -> str:
    seconds = _START + number // mixed.RATE
    return f"11-22 {seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _one(line: Callable[[int, str], str]) -> Form:
    """A form all of whose lines are made alike, of their number and their time."""

    def lines(count: int, role: str, seed: int) -> Iterator[str]:
        return (line(number, _clock(number)) for number in range(count))

    return lines


FORMS: dict[str, Form] = {
    "mixed": mixed.lines_of,
    "vllm": _one(lambda n, at: f"INFO {at} [loggers.py:123] Engine 000: Running: {n % 9} reqs"),
    "nccl": _one(lambda n, at: f"vm:698:1356 [0] NCCL INFO Channel {n % 32:02d}/0 : 0[0] -> 1[1]"),
    "uvicorn": _one(lambda n, at: f'INFO:     10.0.0.1:{n % 9999} - "GET /health HTTP/1.1" 200 OK'),
    "json": _one(
        lambda n, at: (
            f'{{"asctime": "2026-{at},677", "levelname": "INFO", "name": "vllm.v1.engine", '
            f'"processName": "EngineCore", "process": 72, "message": "Running: {n % 9} reqs"}}'
        )
    ),
    "sglang": _one(lambda n, at: f"[2026-{at} DP0 TP1 EP1] Decode batch. #running-req: {n % 9}"),
    "lmcache": _one(
        lambda n, at: (
            f"[2026-{at},151] LMCache INFO: Reqid: {n}, hit tokens: 6 (adapter.py:9:lm.v1)"
        )
    ),
    "glog": _one(
        lambda n, at: f"E{at[:2]}{at[3:5]} {at[6:]}.778028 2548307 transfer.cpp:820] Failed {n}"
    ),
    "nixl": _one(lambda n, at: f"2026-{at} NIXL INFO    _api.py:361 Backend UCX was {n}"),
    "tracing": _one(lambda n, at: f"2026-{at.replace(' ', 'T')}.770028Z  INFO a::b: request {n}"),
    "python": _one(lambda n, at: f"2026-{at},123 - vllm.engine - INFO - running {n % 9} requests"),
    "kubectl": _one(
        lambda n, at: f"2026-{at.replace(' ', 'T')}.770028111Z INFO {at} [a.py:1] running {n % 9}"
    ),
    "compose": _one(lambda n, at: f"prefill-1  | INFO {at} [a.py:1] running {n % 9} requests"),
    "traceback": _one(lambda n, at: f'  File "/opt/vllm/v1/engine/core.py", line {n}, in run'),
}
"""The kinds of log that can be made, by name."""


def lines_of(form: str, count: int, *, role: str = "prefill", seed: int = 1) -> Iterator[str]:
    """`count` lines of this form; the same for the same seed."""
    return FORMS[form](count, role, seed)


def write(path: Path, form: str, count: int, *, role: str = "prefill", seed: int = 1) -> None:
    """Writes such a log."""
    with path.open("w", encoding="utf-8") as file:
        for line in lines_of(form, count, role=role, seed=seed):
            file.write(f"{line}\n")
