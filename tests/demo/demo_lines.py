"""The forms of real lines, and what the tests of the demo ask of made-up runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from pdtui.demo.scenario import Line, Scenario, SendType, build

START = datetime(2025, 11, 1, 10, 30, 45)
SGR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
PROC = re.compile(r"^\((?P<proc>[A-Za-z]\w*) pid=(?P<pid>\d+)\) ")
VLLM = re.compile(
    r"^(?P<lvl>DEBUG|INFO|WARNING|ERROR|CRITICAL) (?P<d>\d\d-\d\d) (?P<t>\d\d:\d\d:\d\d) "
    r"\[?(?P<f>[^\s:\]]+):(?P<l>\d+)\] ?(?P<m>.*)$"
)
UVICORN = re.compile(r"^(?P<lvl>DEBUG|INFO|WARNING|ERROR|CRITICAL): +\S")
ACCESS = re.compile(
    r'^INFO: +(?P<peer>\S+) - "(?P<verb>[A-Z]+) (?P<path>\S+) HTTP/[\d.]+" (?P<status>\d{3})'
)
NCCL = re.compile(
    r"^(?:\[(?P<ts>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)\] )?(?P<host>[^\s:]*):(?P<pid>\d+):"
    r"(?P<tid>\d+) (?:\[(?P<dev>-?\d+)\] )?(?:(?P<f>[\w./-]+\.cc):(?P<l>\d+) )?"
    r"NCCL (?P<lvl>INFO|WARN) (?P<m>.*)$"
)
NIXL = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d NIXL (?P<lvl>\w+) +\S+:\d+ ")
TRACE = re.compile(
    r"^(Exception in thread |Traceback \(most recent call last\):$|  +\S| *\^|"
    r"[\w.]+(Error|Exception): |CUDA kernel errors|For debugging|Compile with)"
)
FAREWELL = re.compile(r"^(nanobind: | - |See https://nanobind|  warnings\.warn|/opt/python)")
CINIT = re.compile(
    r"(?:(?P<fn>ncclComm\w+) )?comm (?P<comm>0x[0-9a-f]+) rank (?P<r>\d+) nranks (?P<n>\d+) "
    r"cudaDev (?P<dev>\d+)(?: nvmlDev \d+)? busId (?P<bus>[0-9a-f]+)"
    r"(?: commId (?P<id>0x[0-9a-f]+))? ?- Init (?P<ph>START|COMPLETE)"
)
DEBUGP = re.compile(r"🔍 \[Rank (?P<rank>\d+)\] (?P<loc>.*?) \| (?P<kv>.*)$")
CRIT = re.compile(r"🚨 \[Rank (?P<rank>\d+)\] (?P<m>.*)$")
INIT = re.compile(
    r"💯P2pNcclEngine init, rank:(?P<rank>\d+), local_rank:(\d+), http_address:(.*?), "
    r"zmq_address:(?P<address>.*?), proxy_address:(.*?), send_type:(\w+), "
    r"buffer_size_threshold:([\d.]+), nccl_num_channels:(\S+)"
)
OK = re.compile(
    r"🤝ncclCommInitRank Success, (?P<self>.+?) ?(?P<dir>👉|👈) ?(?P<peer>.+?), "
    r"MyRank: ?(?P<r>[01])"
)
REQUEST = re.compile(r"___prefill_addr_.+?___decode_addr_.+?_(?P<uuid>[0-9a-f]{32})-0")
TENSOR = re.compile(r"cmpl-\S+?#model\.layers\.\d+\.self_attn\.attn")
UNIQUE_ID = re.compile(r"unique_id_hex=([0-9a-f]{16})$")

SHAPES = ((1, 1, 1), (2, 2, 1), (1, 3, 2), (2, 1, 8))
SENDS = tuple(SendType)
FEW = (
    *(((1, 1, 1), sends) for sends in SENDS),
    ((2, 2, 1), SendType.PUT_ASYNC),
    ((1, 3, 2), SendType.GET),
    ((2, 1, 8), SendType.PUT),
)
"""Shapes and ways of sending, for the tests of every scenario."""


@cache
def made(name: str, prefills: int = 1, decodes: int = 1, ranks: int = 1) -> Scenario:
    """A made-up run, made once for all tests."""
    return build(name, start=START, prefills=prefills, decodes=decodes, tensor_parallel=ranks)


@cache
def few(name: str, shape: tuple[int, int, int], sends: SendType = SendType.PUT_ASYNC) -> Scenario:
    """A short run: some requests for each pair of instances."""
    prefills, decodes, ranks = shape
    return build(
        name,
        start=START,
        prefills=prefills,
        decodes=decodes,
        tensor_parallel=ranks,
        requests=max(6, prefills * decodes * 2),
        send_type=sends,
    )


def plain(line: Line) -> str:
    return SGR.sub("", line.text)


def of(scenario: Scenario, file: str) -> list[str]:
    return [plain(line) for line in scenario.lines if line.file == file]


def having(scenario: Scenario, text: str, role: str = "") -> list[Line]:
    return [ln for ln in scenario.lines if text in ln.text and ln.file.startswith(role)]


def first(scenario: Scenario, text: str, role: str = "") -> int:
    lines = scenario.lines
    return next(n for n, ln in enumerate(lines) if text in ln.text and ln.file.startswith(role))


def requests(lines: list[Line]) -> list[str]:
    return [match["uuid"] for line in lines if (match := REQUEST.search(line.text))]


FORMS = {
    "nccl": NCCL,
    "nixl": NIXL,
    "access": ACCESS,
    "uvicorn": UVICORN,
    "blank": re.compile("$"),
    "farewell": FAREWELL,
    "trace": TRACE,
}
"""All forms but those of vLLM's own log, in the order in which they are tried."""


def form_of(text: str) -> str | None:
    """Which of the known forms a line has that is without colour codes, if any."""
    prefix = PROC.match(text)
    rest = (text[prefix.end() :] if prefix else text).removesuffix("\r")
    if head := VLLM.match(rest):
        return _of_message(head["m"])
    return next((name for name, form in FORMS.items() if form.match(rest)), None)


def kinds_in(scenario: Scenario, lines: Iterable[Line]) -> set[str]:
    """The forms of these lines of a run, whose nodes' clocks may differ."""
    skews = {file: scenario.truth.skews.get(Path(file).stem, 0.0) for file in scenario.files}
    return {_kind(line, skews[line.file]) for line in lines}


def _kind(line: Line, skew: float) -> str:
    """The form of a made-up line, whose stamp must be its time by the clock of its node."""
    text = plain(line)
    form = form_of(text)
    assert form, text
    prefix = PROC.match(text)
    if head := VLLM.match(text[prefix.end() :] if prefix else text):
        stamp = START + timedelta(seconds=line.at + skew)
        assert f"{head['d']} {head['t']}" == f"{stamp:%m-%d %H:%M:%S}"
    return form


def _of_message(message: str) -> str:
    for marker, form in (("🔍", DEBUGP), ("🚨", CRIT), ("💯", INIT), ("🤝", OK)):
        if message.startswith(marker):
            assert form.fullmatch(message), message
            return marker
    return "vllm"
