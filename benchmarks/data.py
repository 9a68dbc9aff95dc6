"""Makes the logs that the benchmarks read: seeded, of any size, line for line like real ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

_START = 10 * 3600
_TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "/opt/vllm/v1/engine/core.py", line 1101, in run_engine_core',
    "    engine_core.run_busy_loop()",
    "ValueError: Request id cmpl-7 does not contain hostname and port",
)


def _clock(number: int, rate: int) -> str:
    seconds = _START + number // rate
    return f"11-22 {seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _debug(random_: random.Random, at: str, rank: int, role: str) -> list[str]:
    uid, port = f"{random_.getrandbits(128):032x}", 14579 + rank
    step = random_.choice(
        (
            f"create_connect START | remote_address=10.0.0.3:{port}, existing_comms=[]",
            f"ZMQ DEALER connected | remote_address=10.0.0.3:{port}, sock_type=DEALER",
            f"Sending NEW command via ZMQ | remote_address=10.0.0.3:{port}, unique_id_hex={uid}",
            f"Listener thread RUNNING, starting to poll | zmq_address=10.0.0.2:{port}, "
            "thread_name=Thread-2 (listen_for_requests)",
        )
    )
    return [f"INFO {at} [p2p_nccl_engine.py:234] 🔍 [Rank {rank}] {step}"]


def _connected(random_: random.Random, at: str, rank: int, role: str) -> list[str]:
    port = 14579 + rank
    arrow, mine, peer = ("👉", 2, 3) if role == "prefill" else ("👈", 3, 2)
    return [
        f"INFO {at} [p2p_nccl_engine.py:473] 🤝ncclCommInitRank Success, "
        f"10.0.0.{mine}:{port}{arrow}10.0.0.{peer}:{port}, MyRank:{int(role != 'prefill')}"
    ]


def _waited(random_: random.Random, at: str, rank: int, role: str) -> list[str]:
    return [
        f"DEBUG {at} [p2p_nccl_engine.py:510] 🚧[PUT_ASYNC]It took {random_.random() * 9:.3f}ms "
        f"to wait for the send_queue to be empty, rank:{rank}"
    ]


def _nccl(random_: random.Random, at: str, rank: int, role: str) -> list[str]:
    channel = random_.randrange(32)
    return [
        f"vm:{698 + rank}:{1356 + rank} [{rank}] NCCL INFO Channel {channel:02d}/0 : 0[0] -> 1[1] "
        f"[send] via NET/Socket/{channel % 4}/Shared comm 0x55d0a0 nRanks 02"
    ]


def _engine(random_: random.Random, at: str, rank: int, role: str) -> list[str]:
    uid = f"{random_.getrandbits(128):032x}"
    text = random_.choice(
        (
            "Engine 000: Avg prompt throughput: 120.4 tokens/s, Avg generation throughput: "
            f"{random_.random() * 900:.1f} tokens/s, Running: 3 reqs, Waiting: 0 reqs",
            "Added request cmpl-___prefill_addr_10.0.0.2:14579___decode_addr_10.0.0.3:14580_"
            f"{uid}-0.",
            f"Received request chatcmpl-{uid}: params: SamplingParams(n=1, temperature=0.0)",
        )
    )
    return [f"(EngineCore_DP0 pid={797 + rank}) INFO {at} [loggers.py:123] {text}"]


def _access(random_: random.Random, at: str, rank: int, role: str) -> list[str]:
    client = f"10.0.0.{random_.randrange(9)}:{random_.randrange(30_000, 39_999)}"
    return [f'INFO:     {client} - "POST /v1/completions HTTP/1.1" 200 OK']


def _crash(random_: random.Random, at: str, rank: int, role: str) -> list[str]:
    return [f"ERROR {at} [core.py:710] EngineCore encountered a fatal error.", *_TRACEBACK]


_SHARES = (
    (0.20, _debug), (0.02, _connected), (0.12, _waited), (0.22, _nccl), (0.26, _engine),
    (0.175, _access), (0.005, _crash),
)  # fmt: skip
"""Of a hundred records so many: a debugging run with NCCL_DEBUG=INFO."""


def _mixed(random_: random.Random, number: int, rank: int, role: str, rate: int) -> list[str]:
    """One record of a mixed log."""
    [(_, form)] = random_.choices(_SHARES, [share for share, _ in _SHARES])
    return form(random_, _clock(number, rate), rank, role)


def _one(form: Callable[[int, str], str]) -> Callable[..., list[str]]:
    def record(random_: random.Random, number: int, rank: int, role: str, rate: int) -> list[str]:
        return [form(number, _clock(number, rate))]

    return record


FORMS: dict[str, Callable[..., list[str]]] = {
    "mixed": _mixed,
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
    random_ = random.Random(f"{seed} {role}")
    made, number = 0, 0
    while made < count:
        record = FORMS[form](random_, number, number % 2, role, 700)[: count - made]
        yield from record
        made, number = made + len(record), number + 1


def write(path: Path, form: str, count: int, *, role: str = "prefill", seed: int = 1) -> None:
    """Writes such a log."""
    with path.open("w", encoding="utf-8") as file:
        for line in lines_of(form, count, role=role, seed=seed):
            file.write(f"{line}\n")
