"""Each kind of problem is found where it is, by lines as real processes write them."""

from __future__ import annotations

import pytest

from pdtui.core.check import is_failed
from pdtui.core.evidence import Place
from pdtui.core.inspection import Gone
from pdtui.core.problems import Kind, Problem, Severity
from tests.core.conftest import Find
from tests.core.handshake_lines import (
    D,
    P,
    accepting,
    connecting,
    engine,
    line,
    nccl,
    said,
    stock_engine,
)

UP_P, UP_D = engine(P, pid=11), engine(D, rank=1, pid=12)
SHAKEN = {
    "prefill": UP_P + said(connecting(P, D)),
    "decode": UP_D + said(accepting(D, P, rank=1)),
}
HEX = "6c05409b50bd44f9b317e124c3efc594"
P2P = f"cmpl-___prefill_addr_{P}___decode_addr_{D}_{HEX}-0"


def only(problems: list[Problem]) -> Problem:
    """The only problem."""
    assert len(problems) == 1, [(p.kind, p.summary) for p in problems]
    return problems[0]


def with_decode(text: str) -> dict[str, str]:
    """A pair that shook hands, and what decode writes then."""
    return SHAKEN | {"decode": SHAKEN["decode"] + text}


def with_prefill(text: str) -> dict[str, str]:
    """A pair that shook hands, and what prefill writes then."""
    return SHAKEN | {"prefill": SHAKEN["prefill"] + text}


def test_a_healthy_pair_has_none(find: Find) -> None:
    """Though it says 🚨 twice."""
    assert find(**SHAKEN) == []


def test_kv_that_never_came(find: Find) -> None:
    """One row a layer; counted by request."""
    text = "".join(
        line(f"🚧kv_cache is None, {P2P}", 9, "WARNING")
        + line(f"🔴[PUT]Recv From {P}, tensor_id:{P2P}#layers.{n}, duration:4.9ms, rank:0", 9)
        for n in range(8)
    )
    found = only(find(**with_decode(text)))
    assert (found.kind, found.severity) == (Kind.KV_MISSING, Severity.ERROR)
    assert "1 request (8 layers) at 10:30:54" in found.summary


@pytest.mark.parametrize(
    ("sizes", "severity"),
    [("block_ids:13, num_block:12", Severity.NOTE), ("block_ids:13, num_block:7", Severity.ERROR)],
)
def test_kv_of_another_size(find: Find, sizes: str, severity: Severity) -> None:
    """One block more than was sent is computed anew; more than that is lost."""
    text = line(f"🚧kv_cache does not match, {sizes}, request_id:{P2P}", 9, "WARNING")
    found = only(find(**with_decode(text)))
    assert (found.kind, found.severity) == (Kind.KV_MISMATCH, severity)


def spilled(tensor: str) -> str:
    """Decode's word that a tensor went to host memory."""
    return line(
        f"🔴[PUT]Recv Tensor, Out Of Threshold, {D}👈{P}, data:{{'cmd': 'PUT', 'tensor_id': "
        f"'{tensor}', 'shape': [2]}}, addr:140",
        8,
        "WARNING",
    )


def test_a_full_buffer_that_lost_nothing_is_a_note(find: Find) -> None:
    """The run goes on, slower."""
    found = only(find(**with_decode(spilled(f"{P2P}#layers.0"))))
    assert (found.kind, found.severity) == (Kind.BUFFER_FULL, Severity.NOTE)
    assert "recovered" in found.summary


def test_a_full_buffer_that_lost_kv_is_the_cause_of_that(find: Find) -> None:
    """The same request lacks a layer afterwards."""
    text = spilled(f"{P2P}#layers.0") + line(f"🚧kv_cache is None, {P2P}", 9, "WARNING")
    found = only(find(**with_decode(text)))
    assert (found.kind, found.severity) == (Kind.BUFFER_FULL, Severity.ERROR)
    assert [follower.kind for follower in found.follows] == [Kind.KV_MISSING]


def test_a_full_buffer_whose_overflow_is_full_too(find: Find) -> None:
    """The pool in host memory gives out: the listener dies of it."""
    full = died("listen_for_requests").replace(
        "AttributeError: 'NoneType' object has no attribute 'shape'",
        "ValueError: Insufficient memory",
    )
    found = only(find(**with_decode(spilled(f"{P2P}#layers.0") + full)))
    assert (found.kind, found.severity) == (Kind.BUFFER_FULL, Severity.ERROR)
    assert [follower.kind for follower in found.follows] == [Kind.LISTENER_DIED]


def test_an_http_port_that_is_taken(find: Find) -> None:
    """uvicorn says it of the API server's port."""
    text = (
        "ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): "
        "address already in use\n"
    )
    found = only(find(prefill=text))
    assert found.kind is Kind.ADDRESS_IN_USE
    assert "prefill cannot bind '0.0.0.0', 8000" in found.summary


def hung(second: int) -> str:
    """vLLM's word of every minute that its workers do not answer."""
    return line("No available shared memory broadcast block found in 60 seconds.", second)


def test_workers_that_do_not_answer(find: Find) -> None:
    """Minute after minute up to the end; once only, it is a slow machine."""
    found = only(find(**with_decode(hung(60) + hung(120) + hung(180))))
    assert found.kind is Kind.REQUEST_STALLED
    assert "have not answered since 10:31:45, said 3 times" in found.summary
    assert not is_failed(find(**with_decode(hung(60) + line("on", 200))))
    assert not is_failed(find(**with_decode(hung(60) + hung(120) + line("on", 500))))


def test_a_tensor_that_is_larger_than_the_buffer(find: Find) -> None:
    """GET: prefill says that it skips it."""
    text = line(
        f"❗[GET]tensor_id:{P2P}#0, tensor_size:99, is greater thanbuffer size threshold :9, skip "
        f"send to {D}, rank:0",
        9,
        "WARNING",
    )
    found = only(find(**with_prefill(text)))
    assert (found.kind, found.severity) == (Kind.BUFFER_FULL, Severity.ERROR)


def test_memory_that_ran_out_in_a_traceback(find: Find) -> None:
    """torch's own exception."""
    text = TRACEBACK.format("torch.OutOfMemoryError: CUDA out of memory.")
    found = only(find(**with_decode(text)))
    assert found.kind is Kind.OUT_OF_MEMORY


def added(suffix: str, second: int = 9) -> str:
    """The API server's word that a request was added."""
    return line(f"Added request {P2P}{suffix}.", second)


def test_ids_that_differ_by_their_random_suffix(find: Find) -> None:
    """Tensors are named by the id: decode waits for other names than prefill sends."""
    logs = with_prefill(added("-aaaaaaaa")) | {
        "decode": SHAKEN["decode"] + added("-bbbbbbbb") + stuck_stats(20, 80)
    }
    found = only(find(**logs))
    assert (found.kind, found.severity) == (Kind.REQUEST_ID_MISMATCH, Severity.ERROR)
    assert [follower.kind for follower in found.follows] == [Kind.REQUEST_STALLED]
    assert "VLLM_DISABLE_REQUEST_ID_RANDOMIZATION" in found.hint


def test_ids_that_are_the_same_are_none(find: Find) -> None:
    """Randomization is switched off, or it is an older vLLM."""
    for suffix in ("", "-aaaaaaaa"):
        logs = with_prefill(added(suffix)) | {"decode": SHAKEN["decode"] + added(suffix)}
        assert find(**logs) == []


def stats(second: int, running: int, throughput: float) -> str:
    """vLLM's line of every ten seconds."""
    return line(
        f"Engine 000: Avg prompt throughput: 0.0 tokens/s, Avg generation throughput: {throughput} "
        f"tokens/s, Running: {running} reqs, Waiting: 0 reqs, GPU KV cache usage: 1.0%",
        second,
    )


def stuck_stats(first: int, last: int) -> str:
    """Requests run and nothing comes."""
    return "".join(stats(second, 1, 0.0) for second in range(first, last + 1, 10))


def test_requests_that_run_and_give_no_token(find: Find) -> None:
    """From some time on to the end of the log."""
    found = only(find(**with_decode(stats(10, 1, 9.5) + stuck_stats(20, 80))))
    assert found.kind is Kind.REQUEST_STALLED
    assert "from 10:31:05 to the end (1 min 0 s)" in found.summary


@pytest.mark.parametrize(
    "text",
    [
        stuck_stats(20, 30),
        stuck_stats(20, 80) + stats(90, 1, 12.0),
        "".join(stats(second, 0, 0.0) for second in range(20, 90, 10)),
    ],
    ids=["short", "goes on", "idle"],
)
def test_no_tokens_for_a_good_reason(find: Find, text: str) -> None:
    """A slow start, a stall that ended, no load."""
    assert not is_failed(find(**with_decode(text)))


def waiting(second: int) -> str:
    """NIXL's word that a request waits."""
    return line(f"cmpl-{HEX}-0-bbbbbbbb is still in WAITING_FOR_REMOTE_KVS state.", second, "DEBUG")


def test_a_request_that_waits_for_its_kv(find: Find) -> None:
    """Nothing finishes it up to the end of the log."""
    text = waiting(10) + waiting(20) + line("something else", 60)
    found = only(find(**with_decode(text)))
    assert found.kind is Kind.REQUEST_STALLED
    assert "a request waits for KV in decode" in found.summary
    assert HEX in found.summary


def test_a_request_that_got_it_late_is_none(find: Find) -> None:
    """It waited, and then it had it."""
    done = line(f"Finished recving KV transfer for request cmpl-{HEX}-0-bbbbbbbb", 40, "DEBUG")
    assert find(**with_decode(waiting(10) + done + line("x", 60))) == []


def test_instances_of_different_size(find: Find) -> None:
    """Two workers here, one there."""
    logs = {
        "prefill": "".join(stock_engine(f"10.0.1.2:{21001 + n}", n) for n in range(2)),
        "decode": stock_engine(D),
    }
    found = only(find(**logs))
    assert found.kind is Kind.PARALLEL_MISMATCH
    assert "prefill has 2 P2P engines an instance, decode 1" in found.summary


def expired(number: int, second: int) -> str:
    """NIXL's word that nobody came for a request's blocks."""
    return line(
        f"Releasing expired KV blocks for request cmpl-{number:032x}-0-aaaaaaaa which were "
        "retrieved by 0 remote worker(s) before lease expired.",
        second,
        "WARNING",
    )


def test_a_flood_of_expired_blocks_means_that_decode_is_gone(find: Find) -> None:
    """Not one of them was fetched."""
    found = only(find(prefill="".join(expired(n, 30 + n) for n in range(30))))
    assert (found.kind, found.severity) == (Kind.BLOCKS_EXPIRED, Severity.ERROR)


def test_a_few_expired_blocks_are_clients_that_hung_up(find: Find) -> None:
    """A note; and so are many that were fetched later, as on a slow machine."""
    few = only(find(prefill="".join(expired(n, 30 + 50 * n) for n in range(30))))
    assert few.severity is Severity.NOTE
    late = "".join(
        line(
            f"Potentially invalid KV blocks for unrecognized request cmpl-{n:032x}-0-aaaaaaaa were "
            "retrieved by a decode worker. They may have expired.",
            90,
            "ERROR",
        )
        for n in range(30)
    )
    slow = only(find(prefill="".join(expired(n, 30 + n) for n in range(30)) + late))
    assert slow.severity is Severity.NOTE
    assert "0 never fetched, 30 later" in slow.summary


WARN = "\n[2025-11-01 10:30:55] vm:11:18 [0] init.cc:904 NCCL WARN {}\n"


def test_a_warning_of_nccl_is_a_note_unless_something_failed(find: Find) -> None:
    """It warns of much that does no harm."""
    harmless = WARN.format("Missing 'iommu=pt' from kernel command line")
    assert only(find(**with_prefill(harmless))).severity is Severity.NOTE
    error = "Traceback (most recent call last):\n  x\nRuntimeError: NCCL error: invalid usage\n"
    found = only(find(**with_prefill(WARN.format("Duplicate GPU detected") + error)))
    assert (found.kind, found.severity) == (Kind.NCCL_ERROR, Severity.ERROR)
    assert "Duplicate GPU detected" in found.summary


def test_nccl_says_that_the_peer_is_gone(find: Find) -> None:
    """NCCL's own words for it."""
    said_so = WARN.format(
        "Call to ibv_modify_qp: remote process exited or there was a network error"
    )
    found = find(**with_prefill(WARN.format(said_so)))
    assert found[0].kind is Kind.PEER_LOST


OPENED = "vm:11:18 [0] NCCL INFO ENV/Plugin: Could not find: libnccl-env.so\n"
CLOSED = "vm:11:18 [0] NCCL INFO [Service thread] Connection closed by localRank 1\n"
ENDED = "vm:11:11 [0] NCCL INFO ENV/Plugin: Closing env plugin ncclEnvDefault\n"


def test_a_peer_that_went_away_before_this_side_ended(find: Find) -> None:
    """Over P2P it is the only trace of a killed peer."""
    found = only(find(**with_prefill(OPENED + CLOSED)))
    assert (found.kind, found.severity) == (Kind.PEER_LOST, Severity.ERROR)
    assert "prefill lost decode" in found.summary


def test_a_connection_that_closed_at_the_end_is_none(find: Find) -> None:
    """It was closed because this side ended."""
    assert find(**with_prefill(OPENED + ENDED + CLOSED)) == []


def test_a_peer_that_ended_of_itself_is_a_note(find: Find) -> None:
    """Its own log says that it did."""
    logs = with_prefill(OPENED + CLOSED)
    logs["decode"] += ENDED.replace("vm:11:11", "vm:12:12")
    assert only(find(**logs)).severity is Severity.NOTE


def test_of_several_peers_the_one_that_ended_is_named(find: Find) -> None:
    """NCCL does not say which connection closed; the second decode's log says that it ended."""
    other = "10.0.1.4:22001"
    logs = with_prefill(said(connecting(P, other, "cd34")) + OPENED + CLOSED)
    logs["decode2"] = engine(other, rank=1, pid=13) + said(accepting(other, P, "cd34", rank=1))
    assert "prefill lost one of its peers" in only(find(**logs)).summary
    logs["decode2"] += ENDED.replace("vm:11:11", "vm:13:13")
    found = only(find(**logs))
    assert (found.kind, found.severity) == (Kind.PEER_LOST, Severity.NOTE)
    assert "prefill lost decode2" in found.summary


def died(thread: str) -> str:
    """What Python prints of an exception in a thread."""
    return (
        f"Exception in thread Thread-3 ({thread}):\nTraceback (most recent call last):\n"
        "  File \"x\", line 1\nAttributeError: 'NoneType' object has no attribute 'shape'\n"
    )


@pytest.mark.parametrize(
    ("thread", "kind"),
    [("send_async", Kind.SENDER_DIED), ("listen_for_requests", Kind.LISTENER_DIED)],
)
def test_a_thread_that_died(find: Find, thread: str, kind: Kind) -> None:
    """Everything after that hangs; what it died of is named."""
    found = only(find(**with_prefill(died(thread) + stuck_stats(40, 80))))
    assert found.kind is kind
    assert "AttributeError: 'NoneType' object has no attribute 'shape'" in found.summary


def test_the_listener_that_died_is_why_others_wait(find: Find) -> None:
    """First it died; a minute later prefill connects."""
    found = only(
        find(
            prefill=UP_P + said(connecting(P, D)[:6], 60),
            decode=UP_D + died("listen_for_requests"),
        )
    )
    assert found.kind is Kind.LISTENER_DIED
    assert [follower.kind for follower in found.follows] == [Kind.HANDSHAKE_STALLED]


TRACEBACK = "Traceback (most recent call last):\n  File x\n{}\n"


def test_any_other_traceback(find: Find) -> None:
    """Its exception is named, once for all of a kind."""
    text = TRACEBACK.format("ValueError: Request id x does not contain hostname and port") * 3
    found = only(find(**with_decode(text)))
    assert (found.kind, found.severity) == (Kind.TRACEBACK, Severity.ERROR)
    assert "(3 times)" in found.summary
    assert "proxy" in found.hint


def test_an_instance_of_another_size_that_says_so(find: Find) -> None:
    """Where an engine checks it itself."""
    text = TRACEBACK.format("AssertionError: Currently, only symmetric TP is supported")
    assert only(find(**with_decode(text))).kind is Kind.PARALLEL_MISMATCH


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("httpx.HTTPStatusError: Client error '404 Not Found' for url 'http://x'", None),
        ("httpx.ReadError", Severity.NOTE),
        ("httpx.ConnectError: All connection attempts failed", Severity.ERROR),
    ],
)
def test_tracebacks_of_a_proxy(find: Find, text: str, severity: Severity | None) -> None:
    """A wrong model's name, a client that hung up, a server that is not there."""
    found = find(proxy=TRACEBACK.format(text))
    assert [problem.severity for problem in found] == ([severity] if severity else [])


def test_a_normal_stop_is_loud_and_nothing_is_wrong(find: Find) -> None:
    """vLLM's EngineDeadError after its own [shutdown]."""
    stop = line("[shutdown] API server: stopping engine client mode=abort", 30)
    loud = TRACEBACK.format("vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered")
    assert find(**with_decode(stop + loud)) == []
    assert only(find(**with_decode(loud + stop))).kind is Kind.TRACEBACK


def test_a_slip_in_a_loggers_arguments_is_none(find: Find) -> None:
    """vLLM 0.9.2 prints one at each start."""
    slip = "--- Logging error ---\n" + TRACEBACK.format("TypeError: not all arguments converted")
    assert find(**with_decode(slip)) == []


def test_a_run_that_was_interrupted_is_no_failure(find: Find) -> None:
    """Ctrl-C prints a traceback, and the engines print theirs."""
    stopped = TRACEBACK.format("KeyboardInterrupt") + TRACEBACK.format("EngineDeadError: gone")
    assert find(**with_decode(stopped)) == []


def test_a_traceback_that_is_only_warned_of_is_a_note(find: Find) -> None:
    """vLLM goes on without what it could not import."""
    warned = "".join(
        line(text, 9, "WARNING")
        for text in ("Traceback (most recent call last):", "  File x", "ImportError: no module")
    )
    assert only(find(**with_decode(warned))).severity is Severity.NOTE
    ignored = "Exception ignored in: <function x>\n" + TRACEBACK.format("AttributeError: closed")
    assert find(**with_decode(ignored)) == []


def test_nixl_refuses_a_handshake(find: Find) -> None:
    """Engine ids, or hashes, that do not fit."""
    text = line("Remote NIXL agent engine ID mismatch. Expected a,received b", 9, "ERROR")
    assert only(find(**with_decode(text))).kind is Kind.HANDSHAKE_REFUSED


def test_clocks_that_differ_are_a_note(find: Find) -> None:
    """With what to type to correct them."""
    found = only(
        find(
            prefill=SHAKEN["prefill"],
            decode=engine(D, rank=1, second=-30) + said(accepting(D, P, rank=1), -25),
        )
    )
    assert (found.kind, found.severity) == (Kind.CLOCK_SKEW, Severity.NOTE)
    assert "decode −30 s ±1" in found.summary
    assert "--offset decode=+30s" in found.hint


def test_a_long_silence_is_a_note(find: Find) -> None:
    """Nothing else explains it, and nothing is wrong."""
    found = only(find(**with_decode(line("on", 305))))
    assert (found.kind, found.severity) == (Kind.SILENCE, Severity.NOTE)
    assert "5 min 0 s" in found.summary


def test_a_process_that_is_gone(find: Find) -> None:
    """Whoever looked at the host says so; its last row is the evidence."""
    found = only(find(gone=[Gone(Place(1, 3), 12)], **SHAKEN))
    assert (found.kind, found.severity) == (Kind.PEER_LOST, Severity.ERROR)
    assert found.evidence == [Place(1, 3)]
    assert "process 12" in found.summary


def test_while_logs_grow_a_short_wait_is_no_stall(find: Find) -> None:
    """The handshake is only a second old by the logs' clock."""
    logs = {"prefill": UP_P + said(connecting(P, D)[:6])}
    assert find(growing=True, **logs) == []
    assert only(find(**logs)).kind is Kind.HANDSHAKE_STALLED
    assert only(find(growing=True, **logs, decode=UP_D + line("x", 60))).kind is (
        Kind.HANDSHAKE_STALLED
    )


def test_the_first_cause_stands_first(find: Find) -> None:
    """Prefill 1 is stuck in NCCL with decode; prefill 2 waits behind it."""
    other = "10.0.1.9:21001"
    found = find(
        prefill1=UP_P + said(connecting(P, D, "aa")[:6], 5) + nccl(11, 0, "START"),
        prefill2=engine(other) + said(connecting(other, D, "bb")[:6], 8),
        decode=UP_D + said(accepting(D, P, "aa", rank=1)[:4], 5) + line("x", 60),
    )
    assert only(found).details["waiting"] == "prefill1"
    assert [follower.details["waiting"] for follower in found[0].follows] == ["prefill2"]
