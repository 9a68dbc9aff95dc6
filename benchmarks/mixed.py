"""A long debugging run, line for line like real ones: what the speed table is measured on.

A prefill or a decode of two workers with `VLLM_LOGGING_LEVEL=DEBUG`, `VLLM_P2P_DEBUG=1`,
`--enable-log-requests` and `NCCL_DEBUG=INFO`, 200 bytes a line on average. Both sides speak of the
same requests and of the same handshakes (one id on both), every number and id is drawn anew, and
the stamps go on by a second every `RATE` lines. The same for the same seed and side.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

START = datetime(2025, 11, 20, 0, 0, 0)
"""The first stamp."""
RATE = 700
"""Lines that have the same stamp."""
_HANDSHAKE_EVERY = 200
_REQUEST_EVERY = 24
_IN_FLIGHT = 16
"""Requests of which lines speak at a time."""
_WORDS = (
    "prefill", "decode", "engine", "cache", "request", "moves", "between", "lazy", "brown", "fox",
    "jumps", "over", "two", "dogs", "résumé", "日志", "first", "quick", "the", "then", "a",
)  # fmt: skip
_P2P = "[distributed/.../p2p/p2p_nccl_engine.py:"
_NIXL = "[distributed/.../nixl/"
_SCHEDULER = "[v1/core/sched/scheduler.py:"
_LOGGER = "[entrypoints/.../utils/request_logger.py:"
_RUNNER = "[v1/worker/gpu_model_runner.py:"
_SAMPLING = (
    "SamplingParams(n=1, presence_penalty=0.0, frequency_penalty=0.0, repetition_penalty=1.0, "
    "temperature={}, top_p=1.0, top_k=0, min_p=0.0, seed=None, stop=[], stop_token_ids=[], "
    "bad_words=[], include_stop_str_in_output=False, ignore_eos=True, max_tokens={}, min_tokens=0, "
    "logprobs=None, prompt_logprobs=None, skip_special_tokens=True, "
    "spaces_between_special_tokens=True, structured_outputs=None, extra_args={})"
)
_NCCL = (
    "Channel {0:02d}/1 : 0[0] -> 1[1] via P2P/CUMEM",
    "Channel {0:02d}/16 : 0 1",
    "Channel {0:02d}/0 : 0[0] -> 1[1] [send] via NET/Socket/{0}/Shared comm 0x7f47{1:08x}",
    "comm 0x7f47{1:08x} rank 0 nRanks 2 nNodes 1 localRanks 2 localRank 0 MNNVL 0",
    "Bootstrap timings total 0.0{0}4464 (create 0.000034, send 0.000151, recv 0.0{0}594)",
    "Send: opCount 0 sendbuff (nil) recvbuff 0x7f9d{1:08x} count 327680 datatype 9 op 0 root 1 "
    "comm 0x7f47880261e0 [nranks=2] stream 0x55d0a0",
)


class Side:
    """One side's log as it is written; `at` is the stamp of the lines written now."""

    def __init__(self, role: str, seed: int, rate: int = RATE) -> None:
        self.role = role
        self._rate = rate
        self.at = ""
        self._bits = random.Random(f"{seed} {role}").getrandbits
        # What both sides know is drawn apart, so that both draw the same.
        self._ids = random.Random(f"{seed} requests").getrandbits
        self._comms = random.Random(f"{seed} communicators").getrandbits
        words = random.Random(f"{seed} words").choices(_WORDS, k=50_000)
        self._words = " ".join(words)
        self._requests = [self._request() for _ in range(_IN_FLIGHT)]
        first = 25_580 if role == "prefill" else 35_480
        self._pids = (first + 1_076, first + 1_077)
        self._workers = tuple(f"(Worker_TP{n} pid={pid}) " for n, pid in enumerate(self._pids))
        self._engine = f"(EngineCore_DP0 pid={first}) "
        self._server = f"(APIServer pid={first - 358}) "
        self._forms = self._drawn()

    def lines(self, count: int) -> Iterator[str]:
        """Records, with newlines between their lines, until there are `count` lines or more."""
        made = turn = shaken = asked = 0
        while made < count:
            if made >= turn * self._rate:
                self.at = f"{START + timedelta(seconds=made // self._rate):%m-%d %H:%M:%S}"
                turn = made // self._rate + 1
            # By the line, as the stamps: both sides are at the same one at the same time.
            if made >= (shaken + 1) * _HANDSHAKE_EVERY:
                shaken += 1
                text = self._handshake(shaken % 2)
            elif made >= (asked + 1) * _REQUEST_EVERY:
                asked += 1
                text = self._next_request(asked % _IN_FLIGHT)
            else:
                text = self._forms[self._bits(8)]()
            yield text
            made += 1 + text.count("\n")

    def _next_request(self, place: int) -> str:
        """Another request in place of one whose transfer is over."""
        over, self._requests[place] = self._requests[place], self._request()
        said = "Finished sending" if self.role == "prefill" else "Finished recving"
        return (
            f"{self._engine}DEBUG {self.at} {_SCHEDULER}3223] {said} KV transfer for request "
            f"{over}-0-{self._bits(32):08x}"
        )

    def _request(self) -> str:
        prompt = "chatcmpl-" if self._ids(1) else "cmpl-"
        return (
            f"{prompt}___prefill_addr_10.0.0.2:14579___decode_addr_10.0.0.3:14580_"
            f"{self._id(self._ids, 128):032x}"
        )

    def _id(self, drawn: Callable[[int], int], bits: int) -> int:
        """An id that both sides know."""
        return drawn(bits)

    def _drawn(self) -> list[Callable[[], str]]:
        """The kinds of line, each as often as it comes up among 256."""
        shares: list[tuple[int, Callable[[], str]]] = [
            (26, self._queue),
            (20, self._tensor),
            (65, self._nccl),
            (30, self._waits if self.role == "decode" else self._extended),
            (13, self._finished),
            (5, self._received),
            (5, self._prompt),
            (10, self._added),
            (6, self._stats),
            (50, self._access),
            (14, self._slices),
            (11, self._batch),
            (1, self._refused),
        ]
        drawn = [form for share, form in shares for _ in range(share)]
        assert len(drawn) == 256, len(drawn)
        return drawn

    def _one(self) -> str:
        return self._requests[self._bits(4)]

    def _prompt_text(self, most_bits: int) -> str:
        begin = self._bits(17)
        return self._words[begin : begin + self._bits(most_bits)].replace("\n", " ")

    def _handshake(self, rank: int) -> str:
        """A whole handshake of this side, ids as on the other side."""
        unique, comm = self._id(self._comms, 64), self._id(self._comms, 64)
        mine = f"10.0.0.{2 if self.role == 'prefill' else 3}:{14579 + rank}"
        peer = f"10.0.0.{3 if self.role == 'prefill' else 2}:{14579 + rank}"
        head = f"{self._workers[rank]}INFO {self.at} {_P2P}36] 🔍 [Rank {rank}] "
        init = self._nccl_head(rank) + (
            f"ncclCommInitRank comm 0x7f47{self._bits(32):08x} rank {int(self.role != 'prefill')} "
            f"nranks 2 cudaDev 0 nvmlDev 0 busId 60 commId 0x{comm:016x} - Init "
        )
        return "\n".join(
            (
                *self._asked(head, peer, f"{unique:016x}"),
                f"{self._workers[rank]}WARNING {self.at} {_P2P}222] 🚨 [Rank {rank}] ENTERING "
                "ncclCommInitRank - This will block until "
                + ("decode side also calls it!" if self.role == "prefill" else
                   "prefill side completes!"),
                f"{init}START",
                f"{init}COMPLETE",
                f"{head}✅ {self.role.upper()}: ncclCommInitRank SUCCESS | remote_address={peer}",
                f"{self._workers[rank]}INFO {self.at} {_P2P}386] 🤝ncclCommInitRank Success, "
                f"{mine}{'👉' if self.role == 'prefill' else '👈'}{peer}, "
                f"MyRank:{int(self.role != 'prefill')}",
            )
        )  # fmt: skip

    def _asked(self, head: str, peer: str, unique: str) -> Iterator[str]:
        """The lines up to the call that blocks."""
        if self.role == "prefill":
            yield f"{head}create_connect START | remote_address={peer}, existing_comms=[]"
            yield f"{head}ZMQ DEALER connected | remote_address={peer}"
            yield (
                f"{head}Sending NEW command via ZMQ | remote_address={peer}, unique_id_hex={unique}"
            )
        else:
            yield (
                f"{head}✉️ DECODE: Received NEW command | remote_address={peer}, "
                f"unique_id_hex={unique}"
            )
        yield (
            f"{head}⚠️ {self.role.upper()}: About to call ncclCommInitRank | nprocs=2, "
            f"my_rank={int(self.role != 'prefill')}, remote_address={peer}"
        )

    def _nccl_head(self, rank: int) -> str:
        pid = self._pids[rank]
        return f"vm:{pid}:{pid + 658} [{rank}] NCCL INFO "

    def _nccl(self) -> str:
        drawn = self._bits(40)
        text = _NCCL[drawn % len(_NCCL)].format(drawn >> 34, drawn >> 7 & 0xFFFFFFFF)
        return self._nccl_head(drawn & 1) + text

    def _queue(self) -> str:
        drawn = self._bits(20)
        rank = drawn & 1
        return (
            f"{self._workers[rank]}DEBUG {self.at} {_P2P}483] 🚧[PUT_ASYNC]It took "
            f"{(drawn >> 1) / 40_000:.3f}ms to wait for the send_queue to be empty, rank:{rank}"
        )

    def _tensor(self) -> str:
        drawn = self._bits(30)
        rank, blocks = drawn & 1, 1 + (drawn >> 8 & 63)
        return (
            f"{self._workers[rank]}DEBUG {self.at} {_P2P}287] 🔵[GET]Send to "
            f"10.0.0.3:{14579 + rank}, tensor_id:{self._one()}-0#model.layers."
            f"{drawn >> 4 & 31}.self_attn.attn, "
            f"tensor_size:{blocks * 65_536}, shape:torch.Size([2, {blocks}, 16, 8, 128]), "
            f"rank:{rank}, buffer_size:{drawn}({drawn / 1e8:.2f}%)"
        )

    def _waits(self) -> str:
        return (
            f"{self._engine}DEBUG {self.at} {_SCHEDULER}3182] {self._one()}-0-"
            f"{self._bits(32):08x} is still in WAITING_FOR_REMOTE_KVS state."
        )

    def _extended(self) -> str:
        return (
            f"{self._workers[self._bits(1)]}DEBUG {self.at} {_NIXL}base_worker.py:3055] Heartbeat"
            f" extended lease for request {self._one()}-0-{self._bits(32):08x} by 20s"
        )

    def _finished(self) -> str:
        one, block = self._one(), self._bits(12)
        return (
            f"{self._engine}DEBUG {self.at} {_NIXL}pull_scheduler.py:202] NIXLConnector "
            f"request_finished({one}-0-{self._bits(32):08x}), request_status=FINISHED_LENGTH_CAPPED"
            ", kv_transfer_params={'do_remote_prefill': False, 'do_remote_decode': False, "
            f"'remote_block_ids': [[{block}, {block + 1}]], 'remote_engine_id': "
            f"'f110dc39-9623-488d-b2a4-5236838996e3', "
            f"'remote_request_id': '{one}-0-{self._bits(32):08x}', 'remote_host': 'localhost', "
            f"'remote_port': 5600, 'tp_size': 2, 'remote_num_tokens': {block * 3}}}"
        )

    def _received(self) -> str:
        drawn = self._bits(16)
        sampling = _SAMPLING.format(drawn % 11 / 10, drawn >> 4, "{'kv_transfer_params': {}}")
        return (
            f"{self._server}INFO {self.at} {_LOGGER}65] Received request {self._one()}-0: params: "
            f"{sampling}, lora_request: None."
        )

    def _prompt(self) -> str:
        ids = ", ".join(str(self._bits(15)) for _ in range(8))
        return (
            f"{self._server}DEBUG {self.at} {_LOGGER}55] Request {self._one()}-0 details: prompt: "
            f"'{self._prompt_text(9)}', prompt_token_ids: [{ids}], prompt_embeds shape: None."
        )

    def _added(self) -> str:
        where = "[v1/engine/async_llm.py:578]"
        return f"{self._server}INFO {self.at} {where} Added request {self._one()}-0."

    def _stats(self) -> str:
        drawn = self._bits(20)
        return (
            f"{self._server}INFO {self.at} [v1/metrics/loggers.py:335] Engine 000: Avg prompt "
            f"throughput: {(drawn >> 6) / 10:.1f} tokens/s, Avg generation throughput: "
            f"{(drawn & 8191) / 10:.1f} tokens/s, Running: {drawn & 31} reqs, Waiting: "
            f"{drawn >> 5 & 7} reqs, GPU KV cache usage: {(drawn & 1023) / 10.24:.1f}%, Prefix "
            f"cache hit rate: 0.0%, External prefix cache hit rate: {(drawn >> 10) / 10.24:.1f}%"
        )

    def _access(self) -> str:
        drawn = self._bits(20)
        where = "chat/completions" if drawn & 1 else "completions"
        return f'INFO:     127.0.0.1:{30_000 + (drawn >> 6)} - "POST /v1/{where} HTTP/1.1" 200 OK'

    def _slices(self) -> str:
        return (
            f"{self._workers[self._bits(1)]}DEBUG {self.at} {_RUNNER}4064] ubatch_slices: None, "
            "ubatch_slices_padded: None"
        )

    def _batch(self) -> str:
        drawn = self._bits(12)
        return (
            f"{self._workers[drawn & 1]}DEBUG {self.at} {_RUNNER}4043] Running batch with "
            f"cudagraph_mode: NONE, batch_descriptor: BatchDescriptor(num_tokens={drawn}, "
            "num_reqs=None, uniform=False, has_lora=False), should_ubatch: False, "
            "num_tokens_across_dp: None"
        )

    def _refused(self) -> str:
        """An error with its traceback, one time in four; else a warning."""
        uid = f"{self._bits(128):032x}"
        if self._bits(2):
            return (
                f"{self._engine}WARNING {self.at} {_NIXL}pull_scheduler.py:77] Releasing "
                f"expired KV blocks for request cmpl-{uid} which were retrieved by "
                f"0 remote worker(s) before lease expired."
            )
        return "\n".join(
            (
                f"{self._engine}ERROR {self.at} [v1/engine/core.py:710] EngineCore found an error.",
                "Traceback (most recent call last):",
                '  File "/opt/vllm/v1/engine/core.py", line 701, in run_engine_core',
                "    engine_core.run_busy_loop()",
                '  File "/opt/vllm/distributed/p2p_nccl_connector.py", line 455, in parse',
                "    raise ValueError(",
                f"ValueError: Request id cmpl-{uid} does not contain hostname and port",
            )
        )


def last_line(role: str, seed: int, count: int) -> str:
    """The last line of a log of so many lines: one that is found on a screen.

    It has a second of its own, so that both sides' last lines stand at the end of any merged view.
    """
    at = f"{START + timedelta(seconds=1 + count // RATE):%m-%d %H:%M:%S}"
    return f"INFO {at} [launcher.py:99] last of {role}, {seed}-{count}"


def lines_of(count: int, role: str, seed: int) -> Iterator[str]:
    """`count` lines of a side."""
    left = count - 1
    for record in Side(role, seed).lines(count - 1):
        for line in record.split("\n")[:left]:
            left -= 1
            yield line
    yield last_line(role, seed, count)


def stretches(count: int, role: str, seed: int, records: int = 8192) -> Iterator[bytes]:
    """The same lines as bytes, many at a time: the quick way to a large file."""
    left, some = count - 1, list[str]()
    for record in Side(role, seed).lines(count - 1):
        some.append(record)
        left -= 1 + record.count("\n")
        if left < 0:  # the last record is longer than what was asked for
            some[-1] = "\n".join(record.split("\n")[:left])
        if len(some) == records or left <= 0:
            yield ("\n".join(some) + "\n").encode()
            some.clear()
    yield (last_line(role, seed, count) + "\n").encode()
