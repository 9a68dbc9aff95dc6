"""What lines teach of the processes that write them: ranks of pids, roles, addresses, GPUs.

Only lines that begin like one that teaches something are looked at more closely.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from pdtui.core.bytescan import BYTE_MASKS, Flags, Positions, Words, among, word
from pdtui.core.claims import Claims
from pdtui.core.kinds import NO_RANK, KindTable
from pdtui.core.marking import Lines, Marks

_BYTES = 4
_ENGINE_MARKER = "💯"
_SEND_TYPES = ("PUT", "PUT_ASYNC", "GET")
_ROLES = {"kv_producer": "prefill", "kv_consumer": "decode"}


class _Lesson(NamedTuple):
    """A message that teaches, and the facts in it, by the names of its groups."""

    begin: bytes
    pattern: re.Pattern[bytes]


_ENGINE = re.compile(
    rb"\b(?P<name>rank|local_rank|http_address|zmq_address|proxy_address|send_type):"
    rb"(?P<value>[^,\s]+)"
)
"""What the 💯 line says of its engine."""
_LESSONS = (
    # p2p_nccl_engine.py's debug patch.
    _Lesson(b"P2pNcc", re.compile(rb"P2pNcclEngine\.__init__ START \|.*?\bpid=(?P<pid>\d{1,8})\b")),
    # parallel_state.py
    _Lesson(
        b"rank",
        re.compile(
            rb"rank (?P<world_rank>\d+) in world size (?P<world_size>\d+) is assigned as "
            rb"DP rank (?P<dp_rank>\d+), PP rank (?P<pp_rank>\d+), "
            rb"(?:PCP rank \d+, )?TP rank (?P<tp_rank>\d+)"
            rb"(?:, ETP rank \S+)?(?:, EP rank (?P<ep_rank>\d+))?"
        ),
    ),
    # factory.py, nixl_connector.py
    _Lesson(
        b"Creating",
        re.compile(
            rb"Creating v1 connector with name: (?P<kv_connector>\S+) and engine_id: "
            rb"(?P<engine_id>\S+)"
        ),
    ),
    _Lesson(b"Initialized", re.compile(rb"Initialized NIXL agent: (?P<nixl_agent>\S+)")),
    # NCCL's init.cc
    _Lesson(
        b"ncclComm",
        re.compile(
            rb"ncclCommInit\w+ comm \S++ rank \d+ nranks \d+ cudaDev (?P<cuda_device>\d+)"
            rb"(?: nvmlDev \d+)? busId (?P<bus_id>[0-9a-f]+)"
        ),
    ),
)
_CONFIGURED = re.compile(
    rb"""['"]?\b(?P<name>kv_role|kv_rank|kv_connector|kv_port|kv_parallel_size"""
    rb"""|tensor_parallel_size|data_parallel_size|pipeline_parallel_size)['"]?[=:] ?"""
    rb"""['"]?(?P<value>[\w.-]+)"""
)
_ROLE = b"kv_role"
LEARNING_TEXTS = (_ROLE,)
"""What is looked for in all messages."""
_BY_BEGIN = {
    begin: [lesson for lesson in _LESSONS if lesson.begin[:_BYTES] == begin]
    for begin in {lesson.begin[:_BYTES] for lesson in _LESSONS}
}
_BEGINS: Words = np.array(sorted(int(word(begin)) for begin in _BY_BEGIN), np.uint64)


def may_teach(lines: Lines, marks: Marks, rows: Positions) -> Flags:
    """Which of these lines begin like one that teaches something."""
    return among(lines.block.word(marks.text_at[rows]) & BYTE_MASKS[_BYTES], _BEGINS)


def learn(
    lines: Lines, marks: Marks, claims: Claims, kinds: KindTable, teaching: Positions
) -> None:
    """Enters into `kinds` what the lines of a block teach: `teaching` are those that may."""
    _learn_lessons(lines, marks, claims, kinds, teaching[may_teach(lines, marks, teaching)])
    engines = kinds.sign_code(_ENGINE_MARKER)
    for row in np.flatnonzero(marks.first() == engines).tolist() if marks.codes.any() else ():
        said = _pairs(_ENGINE, lines, int(marks.text_at[row]), int(lines.ends[row]))
        said["p2p_rank"] = said.pop("rank", str(marks.rank[row]))
        _enter(kinds, claims, row, int(marks.rank[row]), said)
    for row in dict.fromkeys(lines.found(_ROLE)[0].tolist()):
        _learn_configuration(lines, row, int(claims.process[row]), kinds)


def _learn_lessons(
    lines: Lines, marks: Marks, claims: Claims, kinds: KindTable, rows: Positions
) -> None:
    said: dict[tuple[int, int, int, bytes], tuple[bytes | None, ...]] = {}
    columns = (claims.process, claims.container, marks.rank, marks.text_at)
    places = (column[rows].tolist() for column in columns)
    for row, process, container, rank, begin in zip(rows.tolist(), *places, strict=True):
        for lesson in _BY_BEGIN[lines.text[begin : begin + _BYTES]]:
            found = lesson.pattern.match(lines.text, begin, int(lines.ends[row]))
            # NCCL says with each communicator which GPU it is on.
            key = (process, container, rank, lesson.begin)
            if found and said.get(key) != found.groups():
                said[key] = found.groups()
                groups = found.groupdict().items()
                facts = {name: _word(value) for name, value in groups if value}
                _enter(kinds, claims, row, rank, facts)


def _pairs(pattern: re.Pattern[bytes], lines: Lines, begin: int, end: int) -> dict[str, str]:
    found = pattern.finditer(lines.text, begin, end)
    return {one["name"].decode(): _word(one["value"]) for one in found}


def _word(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _enter(kinds: KindTable, claims: Claims, row: int, rank: int, said: dict[str, str]) -> None:
    process = int(claims.process[row])
    if pid := said.pop("pid", None):
        number = kinds.process_number(int(pid), container=int(claims.container[row]))
        if rank != NO_RANK:
            kinds.learn_pid_rank(number, rank)
        process = process or number
    if said.get("send_type") in _SEND_TYPES:
        kinds.learn_send_type(said["send_type"])
    p2p_rank = said.pop("p2p_rank", str(rank))
    kinds.learn_facts(process, int(p2p_rank) if p2p_rank.isdigit() else rank, said)


def _learn_configuration(lines: Lines, row: int, process: int, kinds: KindTable) -> None:
    """`kv_role='kv_producer'` in the arguments and the configuration that vLLM prints."""
    said = _pairs(_CONFIGURED, lines, int(lines.message_at[row]), int(lines.ends[row]))
    if said.get("kv_role") in _ROLES:
        kinds.learn_role(_ROLES[said["kv_role"]])
        kinds.learn_facts(process, NO_RANK, said)
