"""The steps that leave a trace: what a row says of a handshake, a transfer, a request or a failure.

As vLLM's `p2p_nccl_engine.py` and `p2p_nccl_connector.py` write them, its debug patch
(`VLLM_P2P_DEBUG=1`), forks of it that write `P2P_CREATE_CONNECT_BEGIN remote_address=…`, NCCL,
vLLM's NIXL connector and its API server. **A new wording is an entry in FORMS, not a branch.**
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, auto
from functools import cache
from typing import NamedTuple

from pdtui.core.shapes import Digits, Maybe, Named, OneByte, Part, Shape, Text, Through, Until


class Step(IntEnum):
    """A step that leaves a trace; its number is what a trace's column holds."""

    # An engine comes up.
    ENGINE_STARTED = auto()
    ADDRESS_SET = auto()
    BOUND = auto()
    LISTENING = auto()
    ENGINE_READY = auto()
    # A handshake, in the order of its steps.
    CONNECTING = auto()
    CONNECTED = auto()
    COMM_EXISTS = auto()
    NEW_SENT = auto()
    NEW_RECEIVED = auto()
    ENTERED = auto()
    """About to call ncclCommInitRank, with the peer's address."""
    BLOCKING = auto()
    """The same, without the peer's address: 🚨 and `set_p2p_nccl_context`."""
    SUCCEEDED = auto()
    COMM_STARTED = auto()
    COMM_COMPLETE = auto()
    # A transfer.
    TENSOR_SENT = auto()
    TENSOR_RECEIVED = auto()
    TENSOR_STORED = auto()
    TENSOR_AWAITED = auto()
    TENSOR_TAKEN = auto()
    TENSOR_REFUSED = auto()
    TENSOR_SPILLED = auto()
    REFUSAL_SEEN = auto()
    TENSOR_LOST = auto()
    TENSOR_TOO_LARGE = auto()
    KV_SENT = auto()
    KV_RECEIVED = auto()
    KV_MISSING = auto()
    KV_MISMATCH = auto()
    # A request in an engine.
    REQUEST_RECEIVED = auto()
    REQUEST_ADDED = auto()
    REQUEST_ABORTED = auto()
    REQUEST_FAILED = auto()
    PREFILL_DONE = auto()
    KV_ASKED = auto()
    KV_WAITED = auto()
    KV_LOADING = auto()
    KV_LOADED = auto()
    KV_FREED = auto()
    KV_EXPIRED = auto()
    KV_FETCHED_LATE = auto()
    GENERATING = auto()
    NOT_GENERATING = auto()
    """Requests run, and not one token comes."""
    # Something fails.
    THREAD_DIED = auto()
    TRACEBACK = auto()
    ADDRESS_IN_USE = auto()
    NCCL_ERROR = auto()
    OUT_OF_MEMORY = auto()
    PEER_CLOSED = auto()
    NCCL_OPENED = auto()
    NCCL_CLOSED = auto()
    """The process is ending of itself (NCCL 2.28 on says so)."""
    NIXL_HANDSHAKE_FAILED = auto()
    NIXL_TRANSFER_FAILED = auto()
    WORKER_HUNG = auto()
    SHUTDOWN = auto()
    # What a user's own pairs say.
    OWN_CAUSE = auto()
    OWN_EFFECT = auto()


STEP_WORDS = {
    Step.CONNECTING: "create_connect",
    Step.CONNECTED: "ZMQ connected",
    Step.NEW_SENT: "NEW sent",
    Step.NEW_RECEIVED: "NEW received",
    Step.ENTERED: "about to call ncclCommInitRank",
    Step.BLOCKING: "entered ncclCommInitRank",
    Step.COMM_STARTED: "NCCL's Init START",
    Step.COMM_COMPLETE: "NCCL's Init COMPLETE",
    Step.SUCCEEDED: "ncclCommInitRank succeeded",
}
"""What to call the steps of a handshake's side."""


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """How a message that says a step begins, and what to read from it.

    The groups of `pattern`, which is matched from where the message goes on after its markers:
    `key` is what the other side's row has too, `own` and `remote` are addresses, `detail` is what
    else is of use. In their place a form may have a shape of what follows, which is looked for
    in many lines together, with parts that are named so. Without both its beginning is enough (5
    bytes at least).
    """

    step: Step
    begins: bytes
    pattern: re.Pattern[bytes] | None = None
    shape: Shape | None = None
    holds: bytes = b""
    """What a message must hold besides what the pattern says: a quicker look."""


@cache
def expression_of(form: Form) -> re.Pattern[bytes]:
    """What takes one message apart, of a form that has more than its beginning."""
    if form.pattern is not None:
        return form.pattern
    assert form.shape is not None
    return re.compile(re.escape(form.begins) + form.shape.expression, re.S)


class Pair(NamedTuple):
    """Two wordings of a user's own, of which one row is always the other's cause.

    Both expressions are searched for in the message and must have the group `key`.
    """

    name: str
    cause: re.Pattern[bytes]
    effect: re.Pattern[bytes]


def _form(step: Step, begins: str, rest: str | None = None, holds: str = "") -> Form:
    text = begins.encode()
    pattern = None if rest is None else re.compile(re.escape(text) + rest.encode())
    return Form(step, text, pattern, holds=holds.encode())


_REMOTE = r"remote_address=(?P<remote>[^\s,]+)"
_OWN = r".*?\b(?:zmq_)?address=(?P<own>[^\s,]+)"
_LOCAL = r".*?\blocal_zmq=(?P<own>\S+) " + _REMOTE
_TENSOR = r".*?'tensor_id': '(?P<key>[^']+)'"
_ARROWS = r" ?(?P<own>[^\s,]+?) ?[\x80-\xff]{3,16} ?(?P<remote>[^\s,]+?),"
_FORK_TENSOR = r".*?\btensor_id=(?P<key>\S+)"
_REQUEST = r".*?\brequest_id=(?P<key>[^\s,|]+)"
_THREAD = r".*?\((?P<detail>\w+)\)"


def _shape_form(step: Step, begins: bytes, *parts: Part, holds: bytes = b"") -> Form:
    return Form(step, begins, shape=Shape(parts), holds=holds)


_REMOTE_PARTS = (Text(b"remote_address="), Named("remote", (Until(b" ,", 96),)))
_NEW_PARTS = (
    Until(b"|", 64, least=0),
    Text(b"| "),
    *_REMOTE_PARTS,
    Maybe((Text(b", unique_id_hex="), Named("key", (Until(b" ,", 512),)))),
)
_COMM = (
    Through(b" rank "),
    Named("detail", (Digits(1, 8), Text(b" nranks "), Digits(1, 8))),
    Text(b" "),
    Through(b"commId "),
    Named("key", (Text(b"0x"), Until(b" ", 16))),
)
_NIXL_REQUEST = Until(b")", 512)
_ENGINE = (Digits(1, 8), Text(b": "))
_GENERATED = b"generation throughput: "
_SOME = (OneByte(b"123456789"), Maybe((Digits(1, 8),)))


def _bytes_form(step: Step, begins: str, rest: str) -> Form:
    """A form whose expression speaks of bytes above ASCII (an arrow, however it was decoded)."""
    return Form(
        step, begins.encode(), re.compile(re.escape(begins).encode() + rest.encode("latin1"))
    )


FORMS: tuple[Form, ...] = (
    # The engine and its handshake: the patch's wording.
    _form(Step.ENGINE_STARTED, "P2pNcclEngine.__init__ START |", r".*?\bpid=(?P<detail>\d+)"),
    _form(Step.ADDRESS_SET, "ZMQ address configured |", _OWN),
    _form(Step.BOUND, "ZMQ Router socket bound", _OWN),
    _form(Step.LISTENING, "Listener thread RUNNING", _OWN),
    _shape_form(Step.CONNECTING, b"create_connect START |", Text(b" "), *_REMOTE_PARTS),
    _shape_form(Step.CONNECTED, b"ZMQ DEALER connected |", Text(b" "), *_REMOTE_PARTS),
    _shape_form(Step.NEW_SENT, b"Sending NEW command", *_NEW_PARTS),
    _shape_form(Step.NEW_RECEIVED, b"DECODE: Received NEW command", *_NEW_PARTS),
    *(
        form
        for side, rank in (("PREFILL", "0"), ("DECODE", "1"))
        for form in (
            _form(
                Step.ENTERED,
                f"{side}: About to call ncclCommInitRank |",
                rf".*?my_rank=(?P<detail>{rank}).*?" + _REMOTE,
            ),
            Form(
                Step.SUCCEEDED,
                f"{side}: ncclCommInitRank SUCCESS |".encode(),
                re.compile(rf"(?P<detail>{side}): ncclCommInitRank SUCCESS \| {_REMOTE}".encode()),
            ),
        )
    ),
    _form(Step.BLOCKING, "ENTERING ncclCommInitRank", r".*?until (?P<detail>decode|prefill)\b"),
    # The same in stock vLLM.
    _form(
        Step.ENGINE_READY,
        "P2pNcclEngine init, rank:",
        r"(?P<detail>\d+,.*?zmq_address:(?P<own>[^\s,]+).*?send_type:\w+)",
    ),
    _form(Step.BLOCKING, "set_p2p_nccl_context, original_values:", ""),
    _form(Step.COMM_EXISTS, "comm exists, remote_address:", r" ?(?P<remote>[^\s,]+)"),
    _bytes_form(
        Step.SUCCEEDED, "ncclCommInitRank Success,", _ARROWS + r" MyRank: ?(?P<detail>[01])"
    ),
    # The same in forks that write `P2P_WORD key=value key=value`.
    _form(Step.CONNECTING, "P2P_CREATE_CONNECT_BEGIN ", _LOCAL + r".*?existing_comm=False"),
    _form(Step.NEW_SENT, "P2P_CREATE_CONNECT_SEND_NEW ", _LOCAL),
    _form(Step.NEW_RECEIVED, "P2P_LISTEN_MESSAGE ", _LOCAL + r" cmd=NEW\b"),
    _form(Step.COMM_EXISTS, "P2P_CREATE_CONNECT_REUSE ", _LOCAL),
    # NCCL's own word on it.
    *(
        _shape_form(step, begins, *_COMM, Text(b" - Init " + said), holds=b" - Init " + said)
        for begins in (b"ncclCommInitRank comm 0x", b"ncclCommInitRankConfig comm 0x", b"comm 0x")
        for step, said in ((Step.COMM_STARTED, b"START"), (Step.COMM_COMPLETE, b"COMPLETE"))
    ),
    _form(
        Step.PEER_CLOSED,
        "[Service thread] Connection closed by localRank",
        r" (?P<detail>-?\d+)",
    ),
    _form(Step.NCCL_CLOSED, "ENV/Plugin: Closing env plugin"),
    _form(Step.NCCL_OPENED, "ENV/Plugin: "),
    # A tensor.
    _bytes_form(Step.TENSOR_REFUSED, "[PUT]Recv Tensor, Out Of Memory,", _ARROWS + _TENSOR),
    _bytes_form(Step.TENSOR_SPILLED, "[PUT]Recv Tensor, Out Of Threshold,", _ARROWS + _TENSOR),
    _bytes_form(Step.REFUSAL_SEEN, "Send Tensor, Peer Out Of Memory/Threshold,", _ARROWS + _TENSOR),
    *(
        _form(
            Step.TENSOR_LOST,
            f"[{way}]Recv From ",
            r"(?P<remote>[^\s,]+), tensor_id: ?(?P<key>[^\s,]+)",
        )
        for way in ("PUT", "GET")
    ),
    _form(Step.TENSOR_TOO_LARGE, "[GET]tensor_id:", r"(?P<key>[^\s,]+), tensor_size:\d+, is great"),
    _form(Step.TENSOR_SENT, "P2P_SEND_TENSOR_BEGIN ", _FORK_TENSOR),
    _form(Step.TENSOR_RECEIVED, "P2P_LISTEN_PUT_BEGIN ", _FORK_TENSOR),
    _form(Step.TENSOR_RECEIVED, "P2P_GET_RECV_DONE ", _FORK_TENSOR),
    _form(Step.TENSOR_STORED, "P2P_LISTEN_PUT_BUFFERED ", _FORK_TENSOR),
    _form(Step.TENSOR_AWAITED, "P2P_RECV_WAIT_BEGIN ", _FORK_TENSOR),
    _form(Step.TENSOR_TAKEN, "P2P_RECV_WAIT_HIT", _FORK_TENSOR),
    _form(Step.KV_SENT, "start send kv |", _REQUEST),
    _form(Step.KV_SENT, "send kv START |", _REQUEST),
    _form(Step.KV_RECEIVED, "kv received |", _REQUEST),
    _form(Step.KV_RECEIVED, "recv kv DONE |", _REQUEST),
    *(_form(Step.KV_MISSING, f"{side}kv_cache is None,", "") for side in ("", "src_")),
    _form(
        Step.KV_MISMATCH,
        "kv_cache does not match, block_ids:",
        r"(?P<detail>\d+, num_block:\d+)",
    ),
    _form(Step.KV_MISMATCH, "src_kv_cache does not match, num_slot:", r"(?P<detail>\d+, \w+:\d+)"),
    # A request; which one is in the index of requests.
    _form(Step.REQUEST_RECEIVED, "Received request "),
    _form(Step.REQUEST_ADDED, "Added request "),
    _form(Step.REQUEST_ABORTED, "Aborted request"),
    _form(Step.REQUEST_FAILED, "Request ", r"\S++ failed\b", holds=" failed"),
    _shape_form(
        Step.PREFILL_DONE,
        b"NIXLConnector request_finished(",
        Named("key", (_NIXL_REQUEST,)),
        Text(b"), request_status=FINISHED_LENGTH_CAPPED, "),
        holds=b"'do_remote_decode': True",
    ),
    _shape_form(
        Step.REQUEST_ABORTED,
        b"NIXLConnector request_finished(",
        _NIXL_REQUEST,
        Text(b"), "),
        holds=b"=FINISHED_ABORTED",
    ),
    _shape_form(
        Step.KV_ASKED,
        b"NIXLConnector get_num_new_matched_tokens:",
        Through(b"'do_remote_prefill': True"),
        Through(b"'remote_request_id': '"),
        Named("key", (Until(b"'", 512),)),
        Text(b"'"),
    ),
    *(
        _form(Step.KV_WAITED, begins, holds=" is still in WAITING_FOR_REMOTE_KVS")
        for begins in ("cmpl-", "chatcmpl-")
    ),
    _form(Step.KV_LOADING, "start_load_kv for request "),
    _form(Step.KV_LOADED, "Finished recving KV transfer for request "),
    _form(Step.KV_FREED, "Finished sending KV transfer for request "),
    _form(
        Step.KV_EXPIRED,
        "Releasing expired KV blocks for request ",
        r".*?retrieved by (?P<detail>\d+) ",
    ),
    _form(Step.KV_FETCHED_LATE, "Potentially invalid KV blocks for unrecognized request "),
    # Every engine's, every ten seconds.
    _shape_form(
        Step.NOT_GENERATING,
        b"Engine ",
        *_ENGINE,
        Through(_GENERATED),
        Text(b"0.0 tokens/s, Running: "),
        *_SOME,
        Text(b" reqs"),
        holds=_GENERATED + b"0.0 tokens/s, Running: ",
    ),
    _shape_form(Step.GENERATING, b"Engine ", *_ENGINE, holds=_GENERATED),
    # What fails.
    _form(Step.THREAD_DIED, "Exception in thread ", _THREAD),
    _form(Step.TRACEBACK, "Traceback (most recent call last)"),
    _form(
        Step.ADDRESS_IN_USE,
        "zmq.error.ZMQError: Address already in use",
        r"(?: \(addr='tcp://(?P<own>[^']+)'\))?",
    ),
    _form(
        Step.ADDRESS_IN_USE,
        "[Errno 98] error while attempting to bind on address",
        r" \((?P<own>'[^']*', \d+)\): address already in use",
    ),
    _form(Step.NCCL_ERROR, "RuntimeError: NCCL error:", ""),
    *(
        _form(Step.OUT_OF_MEMORY, begins, "")
        for begins in (
            "torch.OutOfMemoryError:",
            "torch.cuda.OutOfMemoryError:",
            "RuntimeError: CUDA out of memory",
            "RuntimeError: CUDA error: out of memory",
        )
    ),
    _form(Step.NIXL_HANDSHAKE_FAILED, "Handshake with ", r"\S++ failed"),
    _form(Step.NIXL_HANDSHAKE_FAILED, "Handshake failed for request ", ""),
    _form(Step.NIXL_HANDSHAKE_FAILED, "Remote NIXL agent engine ID mismatch", ""),
    _form(Step.NIXL_TRANSFER_FAILED, "NIXL transfer failure", ""),
    _form(Step.WORKER_HUNG, "No available shared memory broadcast block found", ""),
    _form(Step.SHUTDOWN, "[shutdown] ", ""),
)
"""Tried in this order among those that begin alike."""
STEP_TEXTS = tuple(sorted({form.holds for form in FORMS} - {b""}))
"""What forms look for in a message besides how it begins."""
