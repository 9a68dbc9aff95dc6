"""Who takes part in a made-up run: instances, their processes and addresses, requests."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address
from math import prod
from random import Random
from typing import Final
from uuid import UUID

from pdtui.demo.template import Heads, Process

LAYERS: Final = 36
MOST_BLOCKS: Final = 99
LATER_PIDS: Final = 50_000
"""Where the pids of a second generation begin."""
_KV_HEADS: Final = 8
_BLOCK: Final = 16
_HEAD_SIZE: Final = 128
_FIRST_HOST: Final = IPv4Address("10.0.1.2")
_GPUS: Final = 8


class Role(StrEnum):
    """What an instance is for."""

    PREFILL = "prefill"
    DECODE = "decode"


class SendType(StrEnum):
    """Who begins a transfer: prefill puts a tensor (in a thread or not), or decode gets it."""

    PUT_ASYNC = "PUT_ASYNC"
    PUT = "PUT"
    GET = "GET"


@dataclass(frozen=True, slots=True)
class Shape:
    """How many instances a run has, how many ranks each, and how tensors travel between them."""

    prefills: int = 1
    decodes: int = 1
    prefill_ranks: int = 1
    decode_ranks: int = 1
    send_type: SendType = SendType.PUT_ASYNC
    heads: Heads = Heads.COLOURED


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
    shape: Shape

    @property
    def send_type(self) -> SendType:
        """How tensors travel."""
        return self.shape.send_type

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Every instance, prefills first."""
        return self.prefills + self.decodes

    @property
    def workers(self) -> tuple[Worker, ...]:
        """Every worker of every instance."""
        return tuple(worker for instance in self.instances for worker in instance.workers)

    @property
    def connecting(self) -> tuple[Instance, ...]:
        """The instances whose workers begin a handshake."""
        return self.decodes if self.send_type is SendType.GET else self.prefills

    @property
    def accepting(self) -> tuple[Instance, ...]:
        """The instances whose listeners take a handshake."""
        return self.prefills if self.send_type is SendType.GET else self.decodes

    def sides(self, request: "Request") -> tuple[Instance, Instance]:
        """Who begins a request's transfer, and with whom."""
        sides = (request.prefill, request.decode)
        return sides[::-1] if self.send_type is SendType.GET else sides

    def instance_of(self, worker: Worker) -> Instance:
        """The instance that a worker belongs to."""
        return next(i for i in self.instances if worker in i.workers)


@dataclass(frozen=True, slots=True)
class Request:
    """One inference request: prefill computes its KV cache, decode answers it."""

    number: int
    prefill: Instance
    decode: Instance
    uuid: str
    blocks: int
    answer: int
    suffixes: tuple[str, str] = ("", "")

    @property
    def id(self) -> str:
        """The id with both addresses in it, as proxy and API server build it."""
        here, there = self.prefill.workers[0].address, self.decode.workers[0].address
        return f"cmpl-___prefill_addr_{here}___decode_addr_{there}_{self.uuid}-0"

    def id_in(self, role: Role) -> str:
        """The id inside an engine: from 0.14 each engine appends random letters of its own."""
        return self.id + self.suffixes[role is Role.DECODE]

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
    def size(self) -> int:
        """The size of one such tensor in bytes."""
        return prod(self.shape) * 2

    @property
    def gigabytes(self) -> float:
        """The size of one such tensor, in the unit that vLLM calls GB."""
        return self.size / 1024**3

    def tensor(self, layer: int, role: Role = Role.PREFILL) -> str:
        """The id under which one layer's KV tensor travels, as one role's engine has it."""
        return f"{self.id_in(role)}#model.layers.{layer}.self_attn.attn"


def make_fleet(rng: Random, shape: Shape, first_pid: int | None = None) -> Fleet:
    """The instances of an xPyD run, with addresses and pids that no two share."""
    founder = _Founder(rng, _pids(rng, first_pid), shape)
    return Fleet(
        prefills=founder.found(Role.PREFILL, 0, shape.prefills),
        decodes=founder.found(Role.DECODE, shape.prefills, shape.decodes),
        proxy=str(_FIRST_HOST + shape.prefills + shape.decodes),
        shape=shape,
    )


def route(fleet: Fleet, number: int) -> tuple[Instance, Instance]:
    """Who takes the request of this number: in turn, every prefill meets every decode."""
    prefill = fleet.prefills[number % len(fleet.prefills)]
    return prefill, fleet.decodes[number // len(fleet.prefills) % len(fleet.decodes)]


def make_request(rng: Random, fleet: Fleet, number: int) -> Request:
    """The next request."""
    prefill, decode = route(fleet, number)
    uuid = UUID(int=rng.getrandbits(128), version=4).hex
    blocks, answer = rng.randrange(6, MOST_BLOCKS + 1), rng.randrange(24, 128)
    suffixes = ("", "")
    if prefill.api.heads is not Heads.COLOURED:
        suffixes = (f"-{rng.getrandbits(32):08x}", f"-{rng.getrandbits(32):08x}")
    return Request(number, prefill, decode, uuid, blocks, answer, suffixes)


@dataclass(frozen=True, slots=True)
class _Founder:
    rng: Random
    pids: Iterator[int]
    shape: Shape

    def found(self, role: Role, first: int, count: int) -> tuple[Instance, ...]:
        names = [f"{role}{n}.log" for n in range(count)] if count > 1 else [f"{role}.log"]
        return tuple(self._instance(role, first + n, name) for n, name in enumerate(names))

    def _instance(self, role: Role, index: int, file: str) -> Instance:
        host = str(_FIRST_HOST + index)
        shape = self.shape
        ranks = shape.prefill_ranks if role is Role.PREFILL else shape.decode_ranks
        engine = "EngineCore" if shape.heads is Heads.RECORD else "EngineCore_DP0"
        api = Process(file, "APIServer", next(self.pids), shape.heads)
        core = Process(file, engine, next(self.pids), shape.heads)
        workers = tuple(
            Worker(
                process=self._process(core, rank, ranks),
                rank=rank,
                address=f"{host}:{_kv_port(role) + rank}",
                gpu=(index * max(shape.prefill_ranks, shape.decode_ranks) + rank) % _GPUS,
                pool=self.rng.randrange(0x7EF000, 0x7FFF00) << 24,
            )
            for rank in range(ranks)
        )
        engine_id = str(UUID(int=self.rng.getrandbits(128), version=4))
        return Instance(role, host, engine_id, api, core, workers)

    def _process(self, core: Process, rank: int, ranks: int) -> Process:
        if core.heads is Heads.RECORD:
            name = f"Worker_TP{rank}" if ranks > 1 else "Worker"
        elif ranks > 1:
            name = f"Worker_TP{rank}"
        else:
            # Without tensor parallelism there is no worker process: the engine is the worker.
            return core
        return Process(core.file, name, next(self.pids), core.heads)


def _kv_port(role: Role) -> int:
    return 21001 if role is Role.PREFILL else 22001


def _pids(rng: Random, first: int | None) -> Iterator[int]:
    pid = rng.randrange(600, 4000) if first is None else first
    while True:
        yield pid
        pid += rng.randrange(60, 400)
