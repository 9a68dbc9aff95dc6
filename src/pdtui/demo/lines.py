"""The lines of a vLLM 0.11.0 process, as templates.

Every template copies one line of the real logs: its level, its place in vLLM as it is
written at `VLLM_LOGGING_LEVEL=DEBUG` (a shortened path) and its wording. The run it was
copied from stands above each group; the API server's lines, which those runs do not have,
are copied from public reports of vLLM 0.11.0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Process:
    """Who writes: vLLM puts its name and pid before every line that Python writes."""

    file: str
    name: str
    pid: int

    @property
    def prefix(self) -> str:
        """The prefix as 0.11.0 writes it, coloured even into a file."""
        return f"\x1b[1;36m({self.name} pid={self.pid})\x1b[0;0m "


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of line, to be filled with the values of one event."""

    level: str
    origin: str
    form: str
    patch: bool = False

    def write(self, process: Process, stamp: str, values: Mapping[str, object]) -> str:
        """The whole line; uvicorn's lines have no origin and so no stamp."""
        message = self.form.format_map(values)
        if not self.origin:
            return f"{process.prefix}{self.level}:     {message}"
        return f"{process.prefix}{self.level} {stamp} [{self.origin}] {message}"


ENGINE: Final = "distributed/.../p2p/p2p_nccl_engine.py"
CONNECTOR: Final = "distributed/.../p2p/p2p_nccl_connector.py"


def _patch(line: int, form: str) -> Template:
    return Template("INFO", f"{ENGINE}:{line}", "🔍 [Rank {rank}] " + form, patch=True)


def _engine(level: str, line: int, form: str) -> Template:
    return Template(level, f"{ENGINE}:{line}", form)


# Start-up of the API server: public reports of 0.11.0 (`non-default args` of a P/D pair).
VERSION: Final = Template(
    "INFO", "entrypoints/openai/api_server.py:1839", "vLLM API server version 0.11.0"
)
ARGUMENTS: Final = Template(
    "INFO",
    "entrypoints/utils.py:233",
    "non-default args: {{'model_tag': 'Qwen/Qwen3-8B', 'host': '0.0.0.0', 'port': {http_port}, "
    "'model': 'Qwen/Qwen3-8B', 'seed': 1024, 'max_model_len': 10000, 'enforce_eager': True, "
    "{parallel}'gpu_memory_utilization': 0.7, 'max_num_batched_tokens': 10000, "
    "'max_num_seqs': 256, 'enable_log_requests': True, 'kv_transfer_config': "
    "KVTransferConfig(kv_connector='P2pNcclConnector', engine_id='{engine_id}', "
    "kv_buffer_device='cuda', kv_buffer_size={buffer}, kv_role='{kv_role}', kv_rank=None, "
    "kv_parallel_size=1, kv_ip='127.0.0.1', kv_port={kv_port}, kv_connector_extra_config="
    "{{'proxy_ip': '{proxy_ip}', 'proxy_port': '{proxy_port}', 'http_port': '{http_port}', "
    "'send_type': 'PUT_ASYNC', 'nccl_num_channels': '16'}}, kv_connector_module_path=None)}}",
)
LISTENING: Final = Template(
    "INFO",
    "entrypoints/openai/api_server.py:1912",
    "Starting vLLM API server 0 on http://0.0.0.0:{http_port}",
)
STARTED: Final = Template("INFO", "", "Started server process [{pid}]")
STARTING_UP: Final = Template("INFO", "", "Waiting for application startup.")
STARTED_UP: Final = Template("INFO", "", "Application startup complete.")

# Ctrl-C: public reports of 0.11.0.
SHUTTING_DOWN: Final = Template(
    "INFO", "entrypoints/launcher.py:110", "Shutting down FastAPI HTTP server."
)
CLOSING: Final = Template("INFO", "", "Shutting down")
CLOSING_APPLICATION: Final = Template("INFO", "", "Waiting for application shutdown.")
CLOSED_APPLICATION: Final = Template("INFO", "", "Application shutdown complete.")

# A request at the API server: public reports of 0.11.0 (/v1/completions logs no prompt).
RECEIVED: Final = Template(
    "INFO",
    "entrypoints/logger.py:40",
    "Received request {request}: prompt: None, params: SamplingParams(n=1, "
    "presence_penalty=0.0, frequency_penalty=0.0, repetition_penalty=1.0, temperature=0.6, "
    "top_p=0.95, top_k=20, min_p=0.0, seed=None, stop=[], stop_token_ids=[], bad_words=[], "
    "include_stop_str_in_output=False, ignore_eos=False, max_tokens={max_tokens}, "
    "min_tokens=0, logprobs=None, prompt_logprobs=None, skip_special_tokens=True, "
    "spaces_between_special_tokens=True, truncate_prompt_tokens=None, "
    "structured_outputs=None, extra_args=None), prompt_token_ids: None, "
    "prompt_embeds shape: None, lora_request: None.",
)
ADDED: Final = Template("INFO", "v1/engine/async_llm.py:316", "Added request {request}.")
ACCESS: Final = Template("INFO", "", '{client} - "{call} HTTP/1.1" 200 OK')
_STATS: Final = (
    "Engine 000: Avg prompt throughput: {prompt:.1f} tokens/s, "
    "Avg generation throughput: {made:.1f} tokens/s, Running: {running} reqs, "
    "Waiting: 0 reqs, GPU KV cache usage: {usage:.1f}%, Prefix cache hit rate: 0.0%"
)
STATS: Final = Template("INFO", "v1/metrics/loggers.py:127", _STATS)
STATS_IDLE: Final = Template("DEBUG", "v1/metrics/loggers.py:127", _STATS)

# The engine's loop: public reports of 0.11.0 at DEBUG.
LOOP_ACTIVE: Final = Template("DEBUG", "v1/engine/core.py:743", "EngineCore loop active.")
LOOP_WAITING: Final = Template("DEBUG", "v1/engine/core.py:737", "EngineCore waiting for work.")

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
    "Listener thread started | thread_name=Thread-2 (listen_for_requests), thread_alive=True",
)
PING: Final = _engine("DEBUG", 563, "ping start, zmq_address:{address}")
INIT: Final = _engine(
    "INFO",
    184,
    "💯P2pNcclEngine init, rank:{rank}, local_rank:{rank}, http_address:{http_address}, "
    "zmq_address:{address}, proxy_address:{proxy_address}, send_type:PUT_ASYNC, "
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
