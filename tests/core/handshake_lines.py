"""Made lines of handshakes: what each side writes of each step, in all wordings."""

from __future__ import annotations

from datetime import datetime, timedelta

from pdtui.core.evidence import Clocks
from pdtui.core.handshakes import Handshakes
from pdtui.core.source import Source
from pdtui.core.stalls import Stall, find_stalls

START = datetime(2025, 11, 1, 10, 30, 45)
P, D = "10.0.1.2:21001", "10.0.1.3:22001"


def line(text: str, second: float = 0, level: str = "INFO", prefix: str = "") -> str:
    """A line with vLLM's head, so many seconds after the start."""
    stamp = START + timedelta(seconds=second)
    return f"{prefix}{level} {stamp:%m-%d %H:%M:%S} [p2p_nccl_engine.py:36] {text}\n"


def engine(address: str, rank: int = 0, pid: int = 1, second: float = 0, way: str = "PUT") -> str:
    """What a patched engine writes when it comes up."""
    texts = (
        f"🔍 [Rank {rank}] P2pNcclEngine.__init__ START | local_rank=0, pid={pid}",
        f"🔍 [Rank {rank}] ZMQ address configured | zmq_address={address}",
        f"🔍 [Rank {rank}] ZMQ Router socket bound successfully | address={address}",
        f"🔍 [Rank {rank}] Listener thread RUNNING, starting to poll | zmq_address={address}",
        f"💯P2pNcclEngine init, rank:{rank}, local_rank:0, http_address:, zmq_address:{address}, "
        f"proxy_address:, send_type:{way}, buffer_size_threshold:1.00, nccl_num_channels:8",
    )
    return "".join(line(text, second) for text in texts)


def stock_engine(address: str, rank: int = 0, second: float = 0, prefix: str = "") -> str:
    """What vLLM's own engine writes when it comes up."""
    return line(
        f"💯P2pNcclEngine init, rank:{rank}, local_rank:0, http_address:, zmq_address:{address}, "
        "proxy_address:, send_type:PUT_ASYNC, buffer_size_threshold:1.00, nccl_num_channels:8",
        second,
        prefix=prefix,
    )


CONTEXT = "set_p2p_nccl_context, original_values: {'NCCL_MAX_NCHANNELS': None}"


def connecting(own: str, peer: str, key: str = "ab12", rank: int = 0) -> list[str]:
    """The texts of a connecting side, in order."""
    return [
        f"🔍 [Rank {rank}] create_connect START | remote_address={peer}, existing_comms=[]",
        f"🔍 [Rank {rank}] ZMQ DEALER connected | remote_address={peer}",
        f"🔍 [Rank {rank}] Sending NEW command via ZMQ | remote_address={peer}, "
        f"unique_id_hex={key}",
        f"🔍 [Rank {rank}] ⚠️ PREFILL: About to call ncclCommInitRank | nprocs=2, my_rank=0, "
        f"remote_address={peer}",
        f"🚨 [Rank {rank}] ENTERING ncclCommInitRank - This will block until decode side also "
        "calls it!",
        CONTEXT,
        f"🔍 [Rank {rank}] ✅ PREFILL: ncclCommInitRank SUCCESS | remote_address={peer}",
        f"🤝ncclCommInitRank Success, {own}👉{peer}, MyRank:0",
    ]


def accepting(own: str, peer: str, key: str = "ab12", rank: int = 0) -> list[str]:
    """The texts of an accepting side, in order."""
    return [
        f"🔍 [Rank {rank}] ✉️ DECODE: Received NEW command | remote_address={peer}, "
        f"unique_id_hex={key}",
        f"🔍 [Rank {rank}] ⚠️ DECODE: About to call ncclCommInitRank | nprocs=2, my_rank=1, "
        f"remote_address={peer}",
        f"🚨 [Rank {rank}] ENTERING ncclCommInitRank - This will block until prefill side "
        "completes!",
        CONTEXT,
        f"🔍 [Rank {rank}] ✅ DECODE: ncclCommInitRank SUCCESS | remote_address={peer}",
        f"🤝ncclCommInitRank Success, {own}👈{peer}, MyRank:1",
    ]


def nccl(pid: int, rank: int, phase: str, comm: str = "0xab", ranks: int = 2) -> str:
    """NCCL's line of a communicator's START or COMPLETE."""
    return (
        f"vm:{pid}:{pid + 7} [0] NCCL INFO ncclCommInitRank comm 0x7f{pid:x} rank {rank} "
        f"nranks {ranks} cudaDev 0 nvmlDev 0 busId 60 commId {comm} - Init {phase}\n"
    )


def said(texts: list[str], second: float = 5, **more: str) -> str:
    """These texts as lines, all of one second."""
    return "".join(line(text, second, **more) for text in texts)


def source(label: str, text: str) -> Source:
    """A source that holds this log."""
    made = Source(label, "", 2025)
    made.feed(text.encode())
    return made


def shakes(**logs: str) -> Handshakes:
    """The handshakes of these logs (label=text)."""
    handshakes = Handshakes()
    made = [source(label, text) for label, text in logs.items()]
    handshakes.update([(one, len(one)) for one in made])
    return handshakes


def stalls(*, now: int | None = None, threshold: int = 10_000_000, **logs: str) -> list[Stall]:
    """The stalls of these logs (label=text)."""
    handshakes = shakes(**logs)
    snapshot = [(reader.source, len(reader.source)) for reader in handshakes.readers]
    return find_stalls(handshakes, Clocks(snapshot), now=now, threshold=threshold)
