"""What Python writes when something is thrown: tracebacks of threads and of whole engines.

Frames of the P2P engine, and the whole of the torn pair of tracebacks, are those of
fail-address-in-use; how an engine ends is copied from public reports of vLLM 0.11.0.
"""

from collections.abc import Iterable
from typing import Final

_SITE: Final = "/usr/local/lib/python3.12/dist-packages/"
_P2P: Final = "vllm/distributed/kv_transfer/kv_connector/v1/p2p"
_NCCL: Final = "vllm/distributed/device_communicators/pynccl_wrapper.py"
_CORE: Final = "vllm/v1/engine/core.py"
_EXECUTOR: Final = "vllm/v1/executor/multiproc_executor.py"
BEGIN: Final = "Traceback (most recent call last):"
FATAL: Final = "EngineCore encountered a fatal error."
_CAUSED: Final = (
    "",
    "The above exception was the direct cause of the following exception:",
    "",
)


def _frame(file: str, line: int, function: str, text: str, marked: str = "") -> tuple[str, ...]:
    place = file if file.startswith("/") else _SITE + file
    shown = (f'  File "{place}", line {line}, in {function}', f"    {text}")
    if not marked:
        return shown
    return (*shown, " " * (4 + text.index(marked)) + "^" * len(marked))


_BOOTSTRAP: Final = (
    *_frame("/usr/lib/python3.12/threading.py", 1073, "_bootstrap_inner", "self.run()"),
    *_frame(
        "/usr/lib/python3.12/threading.py",
        1010,
        "run",
        "self._target(*self._args, **self._kwargs)",
    ),
)
_INIT_CALL: Final = "self.nccl.ncclCommInitRank("
_INIT_RANK: Final = (
    *_frame(
        _NCCL,
        324,
        "ncclCommInitRank",
        'self.NCCL_CHECK(self._funcs["ncclCommInitRank"](ctypes.byref(comm),',
    ),
    *_frame(_NCCL, 291, "NCCL_CHECK", 'raise RuntimeError(f"NCCL error: {error_str}")'),
)
_SEND_ASYNC: Final = _frame(f"{_P2P}/p2p_nccl_engine.py", 474, "send_async", "self.send_sync(item)")


def _engine(line: int, function: str, text: str, marked: str = "") -> tuple[str, ...]:
    return _frame(f"{_P2P}/p2p_nccl_engine.py", line, function, text, marked)


_CREATE: Final = (
    *_engine(491, "send_sync", "self.create_connect(item.remote_address)"),
    *_engine(226, "create_connect", f"comm: ncclComm_t = {_INIT_CALL}", _INIT_CALL),
)
_SEND_CALL: Final = "self.send(comm, tensor.to(self.device), rank ^ 1, self.send_stream)"
_SEND: Final = (
    *_engine(584, "send", "self.nccl.ncclSend(buffer_type(tensor.data_ptr()), tensor.numel(),"),
    *_frame(
        _NCCL,
        373,
        "ncclSend",
        'self.NCCL_CHECK(self._funcs["ncclSend"](sendbuff, count, datatype,',
    ),
    *_frame(_NCCL, 291, "NCCL_CHECK", 'raise RuntimeError(f"NCCL error: {error_str}")'),
)
_SAVE_KV: Final = (
    *_frame(
        "vllm/attention/layer.py",
        522,
        "maybe_save_kv_layer_to_connector",
        "connector.save_kv_layer(layer_name, kv_cache_layer,",
    ),
    *_frame(
        f"{_P2P}/p2p_nccl_connector.py",
        255,
        "save_kv_layer",
        'self.p2p_nccl_engine.send_tensor(request_id + "#" + layer_name,',
    ),
    *_engine(258, "send_tensor", "return self.send_sync(item)", "self.send_sync(item)"),
)
_LOAD_KV: Final = (
    *_frame(
        f"{_P2P}/p2p_nccl_connector.py",
        196,
        "start_load_kv",
        "kv_cache = self.p2p_nccl_engine.recv_tensor(",
        "self.p2p_nccl_engine.recv_tensor(",
    ),
    *_engine(328, "recv_tensor", "self.create_connect(remote_address)"),
    *_engine(226, "create_connect", f"comm: ncclComm_t = {_INIT_CALL}", _INIT_CALL),
)
INVALID_USAGE: Final = (
    "RuntimeError: NCCL error: invalid usage (run with NCCL_DEBUG=WARN for details)"
)
CUDA_ERROR: Final = (
    "RuntimeError: NCCL error: unhandled cuda error (run with NCCL_DEBUG=INFO for details)"
)

# What the sending or the listening thread was doing when it was ended, and by what.
CONNECTING: Final = (*_CREATE, *_INIT_RANK, INVALID_USAGE)
GETTING: Final = (*_LOAD_KV, *_INIT_RANK, INVALID_USAGE)
SENDING: Final = (*_engine(521, "send_sync", _SEND_CALL), *_SEND, CUDA_ERROR)
ANSWERING: Final = (*_engine(446, "listen_for_requests", _SEND_CALL), *_SEND, CUDA_ERROR)
NO_TENSOR: Final = (
    *_engine(500, "send_sync", '"shape": tensor.shape,', "tensor.shape"),
    "AttributeError: 'NoneType' object has no attribute 'shape'",
)
ACCEPTING: Final = (
    *_engine(380, "listen_for_requests", f"comm: ncclComm_t = {_INIT_CALL}", _INIT_CALL),
    *_INIT_RANK,
    INVALID_USAGE,
)
POOL_FULL: Final = (
    *_engine(
        403,
        "listen_for_requests",
        "addr = self.pool.store_tensor(tensor)",
        "self.pool.store_tensor(tensor)",
    ),
    *_frame(
        f"{_P2P}/tensor_memory_pool.py",
        188,
        "store_tensor",
        "addr = self.allocate(size)",
        "self.allocate(size)",
    ),
    *_frame(
        f"{_P2P}/tensor_memory_pool.py",
        146,
        "allocate",
        'raise ValueError("Insufficient memory")',
    ),
    "ValueError: Insufficient memory",
)
ILLEGAL_ACCESS: Final = (
    *_engine(393, "listen_for_requests", 'tensor = torch.empty(data["shape"],'),
    "torch.AcceleratorError: CUDA error: an illegal memory access was encountered",
    "CUDA kernel errors might be asynchronously reported at some other API call, so the "
    "stacktrace below might be incorrect.",
    "For debugging consider passing CUDA_LAUNCH_BLOCKING=1",
    "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.",
    "",
)
STRAY_MESSAGE: Final = (
    *_engine(
        358,
        "listen_for_requests",
        "remote_address, message = self.router_socket.recv_multipart()",
        "remote_address, message",
    ),
    "ValueError: too many values to unpack (expected 2)",
)
_COMM: Final = "self.comms[remote_address.decode()]"
_BINDING: Final = (
    *_frame(
        f"{_P2P}/p2p_nccl_connector.py", 84, "__init__", "self.p2p_nccl_engine = P2pNcclEngine("
    ),
    *_engine(123, "__init__", 'self.router_socket.bind(f"tcp://{self.zmq_address}")'),
    *_frame("zmq/sugar/socket.py", 322, "bind", "super().bind(addr)"),
    '  File "zmq/backend/cython/_zmq.py", line 1009, in zmq.backend.cython._zmq.Socket.bind',
    '  File "zmq/backend/cython/_zmq.py", line 190, in zmq.backend.cython._zmq._check_rc',
)
_PARSING: Final = (
    *_frame(
        f"{_P2P}/p2p_nccl_connector.py",
        239,
        "save_kv_layer",
        "ip, port = self.parse_request_id(request_id, True)",
        "self.parse_request_id(request_id, True)",
    ),
    *_frame(f"{_P2P}/p2p_nccl_connector.py", 443, "parse_request_id", "raise ValueError("),
)

# From the engine's loop down to the model.
_LOOP: Final = (
    *_frame(_CORE, 701, "run_engine_core", "engine_core.run_busy_loop()"),
    *_frame(_CORE, 728, "run_busy_loop", "self._process_engine_step()"),
    *_frame(
        _CORE,
        754,
        "_process_engine_step",
        "outputs, model_executed = self.step_fn()",
        "self.step_fn()",
    ),
    *_frame(_CORE, 284, "step", "model_output = self.execute_model_with_error_logging("),
    *_frame(
        _CORE,
        261,
        "execute_model_with_error_logging",
        "return model_fn(scheduler_output)",
        "model_fn(scheduler_output)",
    ),
)
_RESPONSE: Final = "result = get_response(w, dequeue_timeout,"
_WORKER_STEP: Final = (
    *_frame(_EXECUTOR, 666, "worker_busy_loop", "output = func(*args, **kwargs)"),
    *_frame(
        "vllm/v1/worker/gpu_worker.py",
        447,
        "execute_model",
        "output = self.model_runner.execute_model(scheduler_output,",
    ),
)
_STARTING: Final = (
    *_frame(_CORE, 699, "run_engine_core", "engine_core = EngineCoreProc(*args, **kwargs)"),
    *_frame(_CORE, 498, "__init__", "super().__init__(vllm_config, executor_class, log_stats,"),
    *_frame(_CORE, 83, "__init__", "self.model_executor = executor_class(vllm_config)"),
)
WORKER_HIT: Final = "WorkerProc hit an exception."
_TIMED_OUT: Final = (
    BEGIN,
    *_frame(_EXECUTOR, 264, "collective_rpc", _RESPONSE, "get_response(w, dequeue_timeout,"),
    *_frame(_EXECUTOR, 244, "get_response", "status, result = w.worker_response_mq.dequeue("),
    *_frame(
        "vllm/distributed/device_communicators/shm_broadcast.py",
        511,
        "dequeue",
        "with self.acquire_read(timeout, cancel, indefinite) as buf:",
    ),
    *_frame(
        "vllm/distributed/device_communicators/shm_broadcast.py",
        460,
        "acquire_read",
        "raise TimeoutError",
    ),
    "TimeoutError",
)
FAILED_TO_START: Final = "EngineCore failed to start."
ENGINE_TIMED_OUT: Final = (
    FATAL,
    *_TIMED_OUT,
    *_CAUSED,
    BEGIN,
    *_LOOP,
    "TimeoutError: RPC call to execute_model timed out.",
)
ENGINE_DEAD: Final = (
    "AsyncLLM output_handler failed.",
    BEGIN,
    *_frame(
        "vllm/v1/engine/async_llm.py",
        439,
        "output_handler",
        "outputs = await engine_core.get_output_async()",
        "await engine_core.get_output_async()",
    ),
    *_frame(
        "vllm/v1/engine/core_client.py",
        846,
        "get_output_async",
        "raise self._format_exception(outputs) from None",
    ),
    "vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. "
    "See stack trace (above) for the root cause.",
)
NOT_STARTED: Final = (
    BEGIN,
    *_frame("vllm/v1/engine/utils.py", 823, "wait_for_engine_startup", "raise RuntimeError("),
    "RuntimeError: Engine core initialization failed. See root cause above. "
    "Failed core proc(s): {}",
)


def binding(address: str) -> tuple[str, ...]:
    """The engine's constructor binds its socket, and somebody else has the address."""
    taken = f"zmq.error.ZMQError: Address already in use (addr='tcp://{address}')"
    return (*_BINDING, taken)


def unknown_peer(address: str) -> tuple[str, ...]:
    """A tensor comes from somebody with whom this process has never shaken hands."""
    known = _engine(398, "listen_for_requests", f"comm, rank = {_COMM}", _COMM)
    # Python marks what is subscripted with another sign.
    name = len("self.comms")
    marks = known[-1].replace("^" * name, "~" * name, 1)
    return (*known[:-1], marks, f"KeyError: '{address}'")


def without_address(request: str) -> tuple[str, ...]:
    """A request that did not come through the proxy: nobody knows where its KV is to go."""
    return (*_PARSING, f"ValueError: Request id {request} does not contain hostname and port")


def of_sender(frames: Iterable[str]) -> tuple[str, ...]:
    """The end of the thread that sends, in PUT_ASYNC."""
    return ("Exception in thread Thread-1 (send_async):", BEGIN, *_BOOTSTRAP, *_SEND_ASYNC, *frames)


def of_listener(number: int, frames: Iterable[str]) -> tuple[str, ...]:
    """The end of the thread that listens; its number is 2 where there is one that sends."""
    head = f"Exception in thread Thread-{number} (listen_for_requests):"
    return (head, BEGIN, *_BOOTSTRAP, *frames)


def of_saving(frames: Iterable[str]) -> tuple[str, ...]:
    """The way from a layer of the model to the engine that sends, in PUT."""
    return (*_SAVE_KV, *frames)


def of_worker(frames: Iterable[str]) -> tuple[str, ...]:
    """What a worker process of a TP group logs of its end."""
    return (WORKER_HIT, BEGIN, *_WORKER_STEP, *frames)


def of_engine(frames: Iterable[str]) -> tuple[str, ...]:
    """What an engine logs of its end, where the step itself has thrown."""
    return (FATAL, BEGIN, *_LOOP, *frames)


def of_start(frames: Iterable[str]) -> tuple[str, ...]:
    """What an engine logs where it could not start."""
    return (FAILED_TO_START, BEGIN, *_STARTING, *frames)


# Two threads of one process are thrown out of ncclCommInitRank together, and their tracebacks
# run into each other: fail-address-in-use, line for line. The first three stand before NCCL's
# last line.
TORN: Final = tuple(
    line.replace("SITE/", _SITE)
    for line in (
        "Exception in thread Thread-1 (send_async):",
        BEGIN,
        '  File "/usr/lib/python3.12/threading.py", line 1073, in _bootstrap_inner',
        "Exception in thread Thread-2 (listen_for_requests):",
        BEGIN,
        '  File "/usr/lib/python3.12/threading.py", line 1073, in _bootstrap_inner',
        "    self.run()",
        '  File "/usr/lib/python3.12/threading.py", line 1010, in run',
        "    self.run()",
        '  File "/usr/lib/python3.12/threading.py", line 1010, in run',
        "    self._target(*self._args, **self._kwargs)"
        "    self._target(*self._args, **self._kwargs)",
        "",
        f'  File "SITE/{_P2P}/p2p_nccl_engine.py", line 474, in send_async',
        f'  File "SITE/{_P2P}/p2p_nccl_engine.py", line 380, in listen_for_requests',
        "        comm: ncclComm_t = self.nccl.ncclCommInitRank(self.send_sync(item)",
        f'  File "SITE/{_P2P}/p2p_nccl_engine.py", line 491, in send_sync',
        "",
        "                 self.create_connect(item.remote_address)",
        f'  File "SITE/{_P2P}/p2p_nccl_engine.py", line 226, in create_connect',
        "              comm: ncclComm_t = self.nccl.ncclCommInitRank(",
        "   ^^^^^      ^^^^^    ^^^^^^^^^^^     ^^^    ^^^",
        f'  File "SITE/{_NCCL}", line 324, in ncclCommInitRank',
        ' ^^^^^^^^    ^^^^^self.NCCL_CHECK(self._funcs["ncclCommInitRank"](ctypes.byref(comm),',
        f'  File "SITE/{_NCCL}", line 291, in NCCL_CHECK',
        '^^^^^^^^    raise RuntimeError(f"NCCL error: {error_str}")^^^^',
        f"{INVALID_USAGE}^^",
        f'  File "SITE/{_NCCL}", line 324, in ncclCommInitRank',
        "",
        '    self.NCCL_CHECK(self._funcs["ncclCommInitRank"](ctypes.byref(comm),',
        f'  File "SITE/{_NCCL}", line 291, in NCCL_CHECK',
        '    raise RuntimeError(f"NCCL error: {error_str}")',
        INVALID_USAGE,
    )
)
