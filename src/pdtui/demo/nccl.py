"""What NCCL 2.28.9 writes at `NCCL_DEBUG=INFO`: the lines of pd-put-async, in their order.

NCCL writes past Python, so its lines have neither a stamp nor vLLM's process prefix; the
pid in `host:pid:tid` is all that says whose they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Final

_HOST: Final = "vm"
_CHANNELS: Final = 16
_INTERFACE: Final = "eth0:192.0.2.2<0>"

# Plugins, settings and the like are told once a process: its second communicator says none of it.
_UNIQUE_ID: Final = (
    "ENV/Plugin: Could not find: libnccl-env.so",
    f"Bootstrap: Using {_INTERFACE}",
)
_DRIVER: Final = "cudaDriverVersion 13000"
_VERSION: Final = "NCCL version 2.28.9+cuda13.0"
_NETWORK: Final = (
    "NET/Plugin: Could not find: libnccl-net.so",
    "NET/IB : No device found.",
    f"NET/IB : Using [RO]; OOB {_INTERFACE}",
    "Failed to initialize NET plugin IB",
    f"NET/Socket : Using [0]{_INTERFACE}",
    "Initialized NET plugin Socket",
)
_RAS: Final = "RAS client listening socket at 127.0.0.1<28028>"
_CUMEM: Final = "NCCL_CUMEM_ENABLE set by environment to 1."
_NVLS: Final = "NCCL_NVLS_ENABLE set by environment to 0."
_MOST: Final = f"NCCL_MAX_NCHANNELS set by environment to {_CHANNELS}."
_LEAST: Final = f"NCCL_MIN_NCHANNELS set by environment to {_CHANNELS}."
_PROFILER: Final = "PROFILER/Plugin: Could not find: libnccl-profiler.so"
_TUNER: Final = "TUNER/Plugin: Could not find: libnccl-tuner.so"
_BEFORE_TOPOLOGY: Final = 4
_ONCE: Final = frozenset(
    (*_UNIQUE_ID, _DRIVER, _VERSION, *_NETWORK, _RAS, _CUMEM, _NVLS, _MOST, _LEAST)
) | {_PROFILER, _TUNER}


@dataclass(frozen=True, slots=True)
class Member:
    """One side of a communicator of two, as NCCL names it."""

    pid: int
    tid: int
    rank: int
    device: int
    gpu: int
    peer_gpu: int
    comm: str
    comm_id: str
    service: tuple[int, int]
    first: bool

    def _wrap(self, texts: Iterable[str]) -> tuple[str, ...]:
        told = () if self.first else _ONCE
        return tuple(info(self.pid, self.tid, self.device, t) for t in texts if t not in told)

    @property
    def _init(self) -> str:
        return (
            f"ncclCommInitRank comm {self.comm} rank {self.rank} nranks 2 cudaDev {self.device} "
            f"nvmlDev {self.gpu} busId {_bus(self.gpu)} commId {self.comm_id} - Init"
        )


def info(pid: int, tid: int, device: int, text: str) -> str:
    """One NCCL INFO line."""
    return f"{_HOST}:{pid}:{tid} [{device}] NCCL INFO {text}"


def unique_id(member: Member) -> tuple[str, ...]:
    """What ncclGetUniqueId says, on the connecting side, before NEW is sent."""
    return member._wrap(_UNIQUE_ID)


def begin(member: Member) -> tuple[str, ...]:
    """What ncclCommInitRank says up to where it waits for the other side."""
    environment, bootstrap = _UNIQUE_ID
    told = (_DRIVER,) if member.rank == 0 else (environment, _DRIVER, bootstrap)
    plugin = ("Assigned NET plugin Socket to comm", "Using network Socket")
    return member._wrap((*told, _VERSION, *_NETWORK, *plugin, f"{member._init} START"))


def complete(member: Member, seconds: float, rng: Random) -> tuple[str, ...]:
    """What ncclCommInitRank says once both sides are in, to its own timings."""
    waited = max(0.01, seconds * rng.uniform(0.05, 0.15))
    service, datagram = member.service
    own = (
        ("[Proxy Service]", service),
        ("[Proxy Service UDS]", datagram),
    )
    proxies = (
        info(
            member.pid,
            tid,
            member.device,
            f"{what} Device {member.device} CPU core {rng.randrange(32)}",
        )
        for what, tid in own
    )
    return (
        *member._wrap(_joined(member, waited, rng)),
        *proxies,
        *member._wrap(_connected(member, seconds, waited)),
    )


def channels(member: Member) -> tuple[str, ...]:
    """What the first ncclSend says: it opens the channels to the peer."""
    return member._wrap(
        f"Channel {channel:02}/1 : 0[{member.gpu}] -> 1[{member.peer_gpu}] via P2P/CUMEM"
        for channel in range(_CHANNELS)
    )


def refuse(member: Member, stamp: str, seconds: float, rng: Random) -> tuple[str, ...]:
    """What ncclCommInitRank says where both sides are on one GPU: fail-address-in-use."""
    rank = member.rank
    text = (
        f"Duplicate GPU detected : rank {rank} and rank {1 - rank} both on CUDA device "
        f"{_bus(member.gpu)}"
    )
    joined = _joined(member, seconds, rng)[:_BEFORE_TOPOLOGY]
    return (
        *member._wrap(joined),
        *_warn(member, stamp, "init.cc:904", text),
        *member._wrap(f"init.cc:{line} -> 5" for line in (1582, 2028, 2055)),
    )


def fail(member: Member, stamp: str) -> tuple[str, ...]:
    """What ncclSend says where the GPU has failed (public reports; the form is that of a WARN)."""
    text = "Cuda failure 700 'an illegal memory access was encountered'"
    return (
        *_warn(member, stamp, "enqueue.cc:1648", text),
        *member._wrap(
            f"{place} -> 1" for place in ("group.cc:270", "group.cc:442", "group.cc:581")
        ),
    )


def _warn(member: Member, stamp: str, place: str, text: str) -> tuple[str, ...]:
    # A warning begins with a newline of its own, and is always stamped.
    head = f"[{stamp}] {_HOST}:{member.pid}:{member.tid} [{member.device}]"
    return ("", f"{head} {place} NCCL WARN {text}")


def leave(pid: int, device: int) -> str:
    """What a process says at its exit."""
    return info(pid, pid, device, "ENV/Plugin: Closing env plugin ncclEnvDefault")


def left(member: Member) -> str:
    """What the service thread of one side says when the other has gone."""
    text = f"[Service thread] Connection closed by localRank {1 - member.rank}"
    return info(member.pid, member.service[0], member.device, text)


def _bus(gpu: int) -> str:
    return f"{0x60 + 0x10 * gpu:x}"


def _joined(member: Member, waited: float, rng: Random) -> tuple[str, ...]:
    rank = member.rank
    steps = (
        f"create {rng.uniform(2e-5, 6e-5):.6f}, send {rng.uniform(6e-5, 16e-5):.6f}, "
        f"recv {waited * rng.uniform(0.2, 0.9):.6f}, ring {rng.uniform(2e-5, 5e-4):.6f}, "
        "delay 0.000001"
    )
    rings = tuple(f"Channel {channel:02}/{_CHANNELS} : 0 1" for channel in range(_CHANNELS))
    return (
        _RAS,
        f"Bootstrap timings total {waited:.6f} ({steps})",
        _CUMEM,
        f"MNNVL busId 0x{_bus(member.gpu)} fabric UUID 0.0 cliqueId 0x0 state 3 healthMask 0x0",
        f"ncclTopoGetCpuAffinity: Affinity for GPU {member.gpu} is empty, ignoring. "
        "(GPU affinity =  ; CPU affinity = 0-31).",
        _NVLS,
        f"comm {member.comm} rank {rank} nRanks 2 nNodes 1 localRanks 2 localRank {rank} MNNVL 0",
        _MOST,
        _LEAST,
        *(rings if rank == 0 else ()),
        f"Trees {_trees(rank)}",
        "P2P Chunksize set to 524288",
        _PROFILER,
        "Check P2P Type isAllDirectP2p 1 directMode 0 isAllCudaP2p 1",
    )


def _trees(rank: int) -> str:
    up, down = ("1/-1/-1->0->-1", "-1/-1/-1->0->1")
    if rank == 1:
        up, down = ("-1/-1/-1->1->0", "0/-1/-1->1->-1")
    # NCCL turns the trees round in the second half of each 12 channels of this machine.
    turned = range(6, 12)
    return " ".join(f"[{n}] {down if n in turned else up}" for n in range(_CHANNELS))


def _connected(member: Member, seconds: float, waited: float) -> tuple[str, ...]:
    kernels = max(0.0, seconds - waited - 0.04)
    fifo = ("CC Off, workFifoBytes 1048576",) if member.rank == 0 else ()
    return (
        _TUNER,
        "threadThresholds 8/8/64 | 16/8/64 | 512 | 512",
        f"{_CHANNELS} coll channels, {_CHANNELS} collnet channels, 0 nvls channels, "
        f"{_CHANNELS} p2p channels, {_CHANNELS} p2p channels per peer",
        *fifo,
        f"{member._init} COMPLETE",
        f"Init timings - ncclCommInitRank: rank {member.rank} nranks 2 total {seconds:.2f} "
        f"(kernels {kernels:.2f}, alloc 0.01, bootstrap {waited:.2f}, allgathers 0.00, "
        "topo 0.02, graphs 0.00, connections 0.01, rest 0.00)",
    )
