"""Who takes part in a made-up run: instances, their processes and addresses, requests."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address
from math import prod
from random import Random
from typing import Final
from uuid import UUID

from pdtui.demo.lines import Process

LAYERS: Final = 36
_KV_HEADS: Final = 8
_BLOCK: Final = 16
_HEAD_SIZE: Final = 128
_FIRST_HOST: Final = IPv4Address("10.0.1.2")
_GPUS: Final = 8


class Role(StrEnum):
    """What an instance is for."""

    PREFILL = "prefill"
    DECODE = "decode"


@dataclass(frozen=True, slots=True)
class Worker:
    """One GPU's process: the P2P engine in it has an address of its own."""

    process: Process
    rank: int
    address: str
    gpu: int
    pool: int


@dataclass(frozen=True, slots=True)
class Instance:
    """One `vllm serve`: an API server, an engine, and a worker for each TP rank."""

    role: Role
    host: str
    engine_id: str
    api: Process
    core: Process
    workers: tuple[Worker, ...]

    @property
    def file(self) -> str:
        """The file that all its processes write."""
        return self.api.file

    @property
    def http_port(self) -> int:
        """The OpenAI port, another one for each role."""
        return 20001 if self.role is Role.PREFILL else 20002

    @property
    def kv_port(self) -> int:
        """The port of rank 0's ZMQ socket; rank k has the k-th after it."""
        return _kv_port(self.role)

    @property
    def kv_role(self) -> str:
        """The role as vLLM's settings name it."""
        return "kv_producer" if self.role is Role.PREFILL else "kv_consumer"


@dataclass(frozen=True, slots=True)
class Fleet:
    """All instances of a run, and the host of the proxy before them."""

    prefills: tuple[Instance, ...]
    decodes: tuple[Instance, ...]
    proxy: str

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Every instance, prefills first."""
        return self.prefills + self.decodes


@dataclass(frozen=True, slots=True)
class Request:
    """One inference request: prefill computes its KV cache, decode answers it."""

    number: int
    prefill: Instance
    decode: Instance
    uuid: str
    blocks: int
    answer: int

    @property
    def id(self) -> str:
        """The id with both addresses in it, as proxy and API server build it."""
        here, there = self.prefill.workers[0].address, self.decode.workers[0].address
        return f"cmpl-___prefill_addr_{here}___decode_addr_{there}_{self.uuid}-0"

    @property
    def prompt(self) -> int:
        """How many tokens the prompt has."""
        return self.blocks * _BLOCK - 7

    @property
    def shape(self) -> list[int]:
        """The shape of one layer's KV tensor on one worker."""
        heads = max(1, _KV_HEADS // len(self.prefill.workers))
        return [2, self.blocks, _BLOCK, heads, _HEAD_SIZE]

    @property
    def gigabytes(self) -> float:
        """The size of one such tensor, in the unit that vLLM calls GB."""
        return prod(self.shape) * 2 / 1024**3

    def tensor(self, layer: int) -> str:
        """The id under which one layer's KV tensor travels."""
        return f"{self.id}#model.layers.{layer}.self_attn.attn"


def make_fleet(rng: Random, prefills: int, decodes: int, tensor_parallel: int) -> Fleet:
    """The instances of an xPyD run, with addresses and pids that no two share."""
    founder = _Founder(rng, _pids(rng), tensor_parallel)
    return Fleet(
        prefills=founder.found(Role.PREFILL, 0, prefills),
        decodes=founder.found(Role.DECODE, prefills, decodes),
        proxy=str(_FIRST_HOST + prefills + decodes),
    )


def make_request(rng: Random, fleet: Fleet, number: int) -> Request:
    """The next request; taken in turn, every prefill meets every decode."""
    prefill = fleet.prefills[number % len(fleet.prefills)]
    decode = fleet.decodes[number // len(fleet.prefills) % len(fleet.decodes)]
    uuid = UUID(int=rng.getrandbits(128), version=4).hex
    return Request(number, prefill, decode, uuid, rng.randrange(6, 100), rng.randrange(24, 128))


@dataclass(frozen=True, slots=True)
class _Founder:
    rng: Random
    pids: Iterator[int]
    tensor_parallel: int

    def found(self, role: Role, first: int, count: int) -> tuple[Instance, ...]:
        names = [f"{role}{n}.log" for n in range(count)] if count > 1 else [f"{role}.log"]
        return tuple(self._instance(role, first + n, name) for n, name in enumerate(names))

    def _instance(self, role: Role, index: int, file: str) -> Instance:
        host = str(_FIRST_HOST + index)
        api = Process(file, "APIServer", next(self.pids))
        core = Process(file, "EngineCore_DP0", next(self.pids))
        workers = tuple(
            Worker(
                process=self._process(core, rank),
                rank=rank,
                address=f"{host}:{_kv_port(role) + rank}",
                gpu=(index * self.tensor_parallel + rank) % _GPUS,
                pool=self.rng.randrange(0x7EF000, 0x7FFF00) << 24,
            )
            for rank in range(self.tensor_parallel)
        )
        engine_id = str(UUID(int=self.rng.getrandbits(128), version=4))
        return Instance(role, host, engine_id, api, core, workers)

    def _process(self, core: Process, rank: int) -> Process:
        # Without tensor parallelism there is no worker process: the engine is the worker.
        if self.tensor_parallel == 1:
            return core
        return Process(core.file, f"Worker_TP{rank}", next(self.pids))


def _kv_port(role: Role) -> int:
    return 21001 if role is Role.PREFILL else 22001


def _pids(rng: Random) -> Iterator[int]:
    pid = rng.randrange(600, 4000)
    while True:
        yield pid
        pid += rng.randrange(60, 400)
