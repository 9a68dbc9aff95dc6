"""What vLLM 0.32.0 with NixlConnector writes at INFO: the lines of default-nixl, in their order.

Names and pids are a part of vLLM's own lines there; uvicorn's, NIXL's and C++ lines have none.
"""

from typing import Final

from pdtui.demo.template import Template


def _info(origin: str, form: str) -> Template:
    return Template("INFO", origin, form)


def _warning(origin: str, form: str) -> Template:
    return Template("WARNING", origin, form)


BANNER_LINE: Final = _info("api_utils.py:347", "{text}")
BANNER: Final = (
    "",
    "       █     █     █▄   ▄█",
    " ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.32.0",
    "  █▄█▀ █     █     █     █  model   Qwen/Qwen3-8B",
    "   ▀▀  ▀▀▀▀▀ ▀▀▀▀▀ ▀     ▀",
    "",
)
ARGUMENTS: Final = _info(
    "api_utils.py:286",
    "non-default args: {{'model_tag': 'Qwen/Qwen3-8B', 'port': {port}, 'model': 'Qwen/Qwen3-8B', "
    "'max_model_len': 2048, 'enforce_eager': True, {parallel}'max_num_seqs': 32, "
    "'kv_transfer_config': KVTransferConfig(kv_connector='NixlConnector', "
    "engine_id='{engine_id}', kv_buffer_device='cpu', kv_role='{kv_role}', kv_port=14579, "
    "kv_connector_extra_config={{}}, kv_connector_module_path=None, "
    "enable_permute_local_kv=False, kv_load_failure_policy='fail')}}",
)
ASSIGNED: Final = _info(
    "parallel_state.py:2350",
    "rank {rank} in world size {world} is assigned as DP rank 0, PP rank 0, PCP rank 0, "
    "TP rank {rank}, ETP rank 0, EP rank N/A, EPLB rank N/A",
)
_CREATING: Final = _info(
    "factory.py:62",
    "Creating v1 connector with name: NixlPullConnector and engine_id: {engine_id}",
)
_EXPERIMENTAL: Final = _warning(
    "base.py:214",
    "Initializing KVConnectorBase_V1. This API is experimental and subject to change in the "
    "future as we iterate the design.",
)
WORKER_STARTS: Final = (
    _info("nixl_utils.py:72", "NIXL is available"),
    _CREATING,
    _EXPERIMENTAL,
    _info("base_worker.py:515", "Initializing NIXL wrapper"),
    _info("base_worker.py:516", "Initializing NIXL worker {engine_id}"),
)
# Written by the library itself, so without vLLM's head.
AGENT: Final = (
    "{stamp} NIXL INFO    _api.py:405 Backend UCX was instantiated",
    "{stamp} NIXL INFO    _api.py:281 Initialized NIXL agent: {agent}",
)
WORKER_STARTED: Final = (
    _info("base_worker.py:861", "Detected attention backend(s) ['CPU_ATTN']"),
    _info("base_worker.py:865", "Detected kv cache layout LBHNC"),
    _info(
        "base_worker.py:1416",
        "Registering KV_Caches. use_mla: False, kv_buffer_device: cpu, use_host_buffer: False",
    ),
)
CORE_STARTS: Final = (
    _info(
        "core.py:402", "init engine (profile, create kv cache, warmup model) took {seconds:.2f} s"
    ),
    _CREATING,
    _EXPERIMENTAL,
    _info("base_scheduler.py:109", "Initializing NIXL Scheduler {engine_id}"),
)
LISTENING: Final = _info("entry.py:140", "Starting vLLM server on http://0.0.0.0:{port}")

# The first fetch of a decode's worker from a prefill.
COMPATIBLE: Final = _info("base_worker.py:1093", "NIXL compatibility check passed (hash: {hash})")
PLAN: Final = _info(
    "base_worker.py:2255",
    "Transfer plan: TransferTopology(tp_ratio={ratio}, num_kv_heads=2, local_tp={world}, "
    "remote_tp={remote}, remote_pp=0, local_dcp=1, remote_dcp=1, local_rank={rank}, "
    "remote_block_len=65536)",
)
ACCESS: Final = Template("INFO", "", '{client} - "POST /v1/completions HTTP/1.1" 200 OK')
EXPIRED: Final = _warning(
    "base_worker.py:3032",
    "Releasing expired KV blocks for request {request} which were retrieved by 0 remote "
    "worker(s) before lease expired.",
)
STATS: Final = _info(
    "loggers.py:335",
    "Engine 000: Avg prompt throughput: {prompt:.1f} tokens/s, Avg generation throughput: "
    "{made:.1f} tokens/s, Running: {running} reqs, Waiting: 0 reqs, CPU KV cache usage: "
    "{usage:.1f}%, Prefix cache hit rate: 0.0%, External prefix cache hit rate: {external}%",
)
TRANSFERS: Final = _info(
    "metrics.py:103",
    "KV Transfer metrics: Num successful transfers={fetched}, Avg xfer time (ms)={time}, "
    "P90 xfer time (ms)={time}, Avg post time (ms)={post}, P90 post time (ms)={post}, "
    "Avg MB per transfer={size}, Throughput (MB/s)={speed}, Avg number of descriptors={parts}, "
    "Num failed transfers=0, Num KV expired reqs={expired}, Num notifs after expiry=0",
)

# The stop, with SIGTERM: loud, and healthy. Who says what, in their order.
SERVER: Final = "api"
_ENGINE: Final = "core"
STOP: Final = (
    (SERVER, _info("launcher.py:254", "[shutdown] API server: shutdown triggered")),
    (
        SERVER,
        _info(
            "launcher.py:270",
            "[shutdown] API server: stopping engine client mode=abort timeout=0s",
        ),
    ),
    (SERVER, _info("core_client.py:770", "[shutdown] MPClient: start timeout=0s")),
    (SERVER, _info("core_client.py:772", "[shutdown] MPClient: stopping engine manager")),
    (
        SERVER,
        _info("utils.py:628", "[shutdown] Process manager: send sigterm to process EngineCore"),
    ),
    (_ENGINE, _info("core.py:1454", "[shutdown] EngineCore: trigger received signal=SIGTERM")),
    (
        SERVER,
        _warning(
            "utils.py:648",
            "[shutdown] Process manager: force killing remaining processes count=1",
        ),
    ),
    (
        SERVER,
        _warning(
            "utils.py:653",
            "[shutdown] Process manager: force killing remaining process EngineCore pid {engine}",
        ),
    ),
    (_ENGINE, _info("core.py:1635", "[shutdown] EngineCore: start mode=abort timeout=0s")),
    (
        _ENGINE,
        _info(
            "core.py:1666",
            "[shutdown] EngineCore: request processing complete; starting resource teardown",
        ),
    ),
    (_ENGINE, _info("core.py:1499", "[shutdown] EngineCore: exiting busy loop")),
    (
        _ENGINE,
        _info(
            "multiproc_executor.py:479",
            "[shutdown] Executor: waiting for worker exit count={world}",
        ),
    ),
)
WORKER_LEAVES: Final = _info(
    "multiproc_executor.py:843", "Parent process exited, terminating worker queues"
)
WORKER_FORCED: Final = _warning(
    "system_utils.py:225",
    "[shutdown] force killing sub process VLLM::{worker} pid {pid}",
)
STOPPED: Final = (
    _info("core_client.py:774", "[shutdown] MPClient: engine manager stopped"),
    _info("core_client.py:775", "[shutdown] MPClient: cleaning up background resources"),
    _info("core_client.py:777", "[shutdown] MPClient: complete"),
    _info("launcher.py:279", "[shutdown] API server: engine client stopped"),
    _info("launcher.py:282", "[shutdown] API server: signalling HTTP server shutdown"),
    _info("launcher.py:304", "[shutdown] API server: shutting down FastAPI HTTP server"),
)
_TRACKER: Final = "/opt/python3.11/lib/python3.11/multiprocessing/resource_tracker.py:254"
_LEAKED: Final = "UserWarning: resource_tracker: There appear to be"
# C++ and the interpreter at their ends; the first warning stands where nanobind left the line.
LEFT_OVER: Final = (
    "nanobind: leaked 4 instances!",
    ' - leaked instance 0x7f14ae930c08 of type "triton._C.libtriton.ir.attribute"',
    "nanobind: leaked 64 types!",
    ' - leaked type "triton._C.libtriton.ir.location"',
    " - ... skipped remainder",
    "nanobind: leaked 514 functions!",
    ' - leaked function "create_minnumf"',
    ' - leaked function ""',
    " - ... skipped remainder",
    "nanobind: this is likely caused by a reference counting issue in the binding code.",
    f"See https://nanobind.readthedocs.io/en/latest/refleaks.html{_TRACKER}: {_LEAKED} 1 leaked "
    "semaphore objects to clean up at shutdown",
    "  warnings.warn('resource_tracker: There appear to be %d '",
    f"{_TRACKER}: {_LEAKED} 2 leaked shared_memory objects to clean up at shutdown",
    "  warnings.warn('resource_tracker: There appear to be %d '",
)
