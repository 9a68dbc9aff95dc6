"""What vLLM 0.11.0's P2P engine and connector write, with the 🔍 patch and without it.

The real run that a group was copied from stands above it.
"""

from typing import Final

from pdtui.demo.template import Template

ENGINE: Final = "distributed/.../p2p/p2p_nccl_engine.py"
CONNECTOR: Final = "distributed/.../p2p/p2p_nccl_connector.py"


def _patch(line: int, form: str) -> Template:
    return Template("INFO", f"{ENGINE}:{line}", "🔍 [Rank {rank}] " + form, patch=True)


def _engine(level: str, line: int, form: str) -> Template:
    return Template(level, f"{ENGINE}:{line}", form)


# Start-up of a worker. The first two: public reports of 0.11.0; then pd-put-async-connector
# (line numbers) and pd-tp2-workers (paths at DEBUG, `ping start`).
ASSIGNED: Final = Template(
    "INFO",
    "distributed/parallel_state.py:1208",
    "rank {rank} in world size {world} is assigned as "
    "DP rank 0, PP rank 0, TP rank {rank}, EP rank {rank}",
)
CREATING: Final = Template(
    "INFO",
    "distributed/.../kv_connector/factory.py:51",
    "Creating v1 connector with name: P2pNcclConnector and engine_id: {engine_id}",
)
EXPERIMENTAL: Final = Template(
    "WARNING",
    "distributed/.../v1/base.py:86",
    "Initializing KVConnectorBase_V1. This API is experimental and subject to change "
    "in the future as we iterate the design.",
)
ENGINE_START: Final = _patch(89, "P2pNcclEngine.__init__ START | local_rank={rank}, pid={pid}")
FOUND_NCCL: Final = Template(
    "INFO", "utils/__init__.py:1384", "Found nccl from library libnccl.so.2"
)
ADDRESS: Final = _patch(104, "ZMQ address configured | zmq_address={address}")
BOUND: Final = _patch(124, "ZMQ Router socket bound successfully | address={address}")
POOL: Final = Template(
    "DEBUG",
    "distributed/.../p2p/tensor_memory_pool.py:103",
    "TensorMemoryPool, base_address:{pool}, max_block_size:1073741824",
)
RUNNING: Final = _patch(353, "Listener thread RUNNING, starting to poll | zmq_address={address}")
LISTENER: Final = _patch(
    175,
    "Listener thread started | thread_name=Thread-{thread} (listen_for_requests), "
    "thread_alive=True",
)
PING: Final = _engine("DEBUG", 563, "ping start, zmq_address:{address}")
INIT: Final = _engine(
    "INFO",
    184,
    "💯P2pNcclEngine init, rank:{rank}, local_rank:{rank}, http_address:{http_address}, "
    "zmq_address:{address}, proxy_address:{proxy_address}, send_type:{send_type}, "
    "buffer_size_threshold:{buffer:.2f}, nccl_num_channels:16",
)

# The handshake, connecting side: pd-put-async-connector.
CONNECT: Final = _patch(193, "create_connect START | remote_address={peer}, existing_comms={comms}")
DEALER: Final = _patch(200, "ZMQ DEALER connected | remote_address={peer}")
NEW_SENT: Final = _patch(
    210, "Sending NEW command via ZMQ | remote_address={peer}, unique_id_hex={unique_id}"
)
PREFILL_ABOUT: Final = _patch(
    217,
    "⚠️ PREFILL: About to call ncclCommInitRank | nprocs=2, my_rank=0, remote_address={peer}",
)
PREFILL_ENTERING: Final = Template(
    "WARNING",
    f"{ENGINE}:222",
    "🚨 [Rank {rank}] ENTERING ncclCommInitRank - This will block until decode side also calls it!",
    patch=True,
)
PREFILL_SUCCESS: Final = _patch(228, "✅ PREFILL: ncclCommInitRank SUCCESS | remote_address={peer}")
PREFILL_OK: Final = _engine("INFO", 231, "🤝ncclCommInitRank Success, {address}👉{peer}, MyRank:0")
# The handshake, accepting side: pd-put-async-connector.
NEW_RECEIVED: Final = _patch(
    364,
    "✉️ DECODE: Received NEW command | remote_address={peer}, unique_id_hex={unique_id}",
)
DECODE_ABOUT: Final = _patch(
    371,
    "⚠️ DECODE: About to call ncclCommInitRank | nprocs=2, my_rank=1, remote_address={peer}",
)
DECODE_ENTERING: Final = Template(
    "WARNING",
    f"{ENGINE}:376",
    "🚨 [Rank {rank}] ENTERING ncclCommInitRank - This will block until prefill side completes!",
    patch=True,
)
DECODE_SUCCESS: Final = _patch(382, "✅ DECODE: ncclCommInitRank SUCCESS | remote_address={peer}")
DECODE_OK: Final = _engine("INFO", 386, "🤝ncclCommInitRank Success, {address}👈{peer}, MyRank:1")
# Both sides: pd-put-async.
CONTEXT: Final = _engine(
    "INFO",
    56,
    "set_p2p_nccl_context, original_values: {{'NCCL_MAX_NCHANNELS': None, "
    "'NCCL_MIN_NCHANNELS': None, 'NCCL_CUMEM_ENABLE': None, 'NCCL_BUFFSIZE': None, "
    "'NCCL_PROTO': None, 'NCCL_ALGO': None}}",
)

# Transfers. pd-put-async: the queue; fail-buffer-full-freed: out of threshold;
# fail-decode-oom: the rest.
QUEUE_EMPTY: Final = _engine(
    "DEBUG",
    483,
    "🚧[PUT_ASYNC]It took {waited:.3f}ms to wait for the send_queue to be empty, rank:{rank}",
)
_REFUSED: Final = (
    "{address}👈{peer}, data:{{'cmd': 'PUT', 'tensor_id': '{tensor}', 'shape': {shape}, "
    "'dtype': 'bfloat16'}}"
)
OUT_OF_THRESHOLD: Final = _engine(
    "WARNING", 406, f"🔴[PUT]Recv Tensor, Out Of Threshold, {_REFUSED}, addr:{{stored}}"
)
OUT_OF_MEMORY: Final = _engine("WARNING", 416, f"🔴[PUT]Recv Tensor, Out Of Memory, {_REFUSED}")
SEND_REFUSED: Final = _engine(
    "ERROR",
    507,
    "🔴Send Tensor, Peer Out Of Memory/Threshold, {address} 👉 {peer}, MyRank:0, "
    "data:{{'cmd': 'PUT', 'tensor_id': '{tensor}', 'shape': torch.Size({shape}), "
    "'dtype': 'bfloat16'}}, tensor:torch.Size({shape}), size:{gigabytes:f}GB, response:1",
)
RECEIVED_NOTHING: Final = _engine(
    "WARNING",
    317,
    "🔴[PUT]Recv From {peer}, tensor_id:{tensor}, duration:{waited:.3f}ms, rank:{rank}",
)
KV_NONE: Final = Template("WARNING", f"{CONNECTOR}:200", "🚧kv_cache is None, {request}")
# pd-put-async-connector: decode has more blocks than came.
KV_MISMATCH: Final = Template(
    "WARNING",
    f"{CONNECTOR}:166",
    "🚧kv_cache does not match, block_ids:{wanted}, num_block:{came}, request_id:{request}",
)

# GET. pd-get: parked and evicted; vLLM's source: too large, and asked for in vain.
PARKED: Final = _engine(
    "DEBUG",
    287,
    "🔵[GET]Send to {peer}, tensor_id:{tensor}, tensor_size:{size}, "
    "shape:torch.Size({shape}), rank:{rank}, buffer_size:{held}({percent:.2f}%)",
)
EVICTED: Final = _engine(
    "DEBUG",
    279,
    "⛔[GET]Send to {peer}, tensor_id:{tensor}, tensor_size:{size}, buffer_size:{held}, "
    "oldest_tensor_size:{oldest}, rank:{rank}",
)
TOO_LARGE: Final = _engine(
    "WARNING",
    265,
    "❗[GET]tensor_id:{tensor}, tensor_size:{size}, is greater than"
    "buffer size threshold :{threshold}, skip send to {peer}, rank:{rank}",
)
GOT_NOTHING: Final = _engine("WARNING", 334, "🔴[GET]Recv From {peer}, tensor_id: {tensor}, ret: 1")
