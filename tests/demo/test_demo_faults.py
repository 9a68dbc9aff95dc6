"""What each scenario is for: the fault is in the lines, and the truth says where."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from demo_lines import FEW, INIT, NCCL, PROC, SENDS, START, few, having, made, of, plain, requests

from pdtui.demo.scenario import SCENARIOS, Scenario, SendType, build
from pdtui.demo.truth import Cause

KINDS = {
    "refused": "out-of-memory",
    "stuck": "handshake-stalled",
    "unanswered": "handshake-stalled",
    "deadlocked": "handshake-stalled",
    "queued": "handshake-stalled",
    "duplicate-gpu": "handshake-refused",
    "taken": "address-in-use",
    "killed": "peer-lost",
    "lost": "peer-lost",
    "deaf": "listener-died",
    "forgotten": "listener-died",
    "mute": "sender-died",
    "broken": "nccl-error",
    "overrun": "buffer-full",
    "oom": "out-of-memory",
    "evicted": "kv-missing",
    "renamed": "request-id-mismatch",
    "waiting": "request-stalled",
    "uneven": "parallel-mismatch",
    "crashed": "traceback",
    "expired": "blocks-expired",
}
"""What each scenario must be diagnosed as; of the others nothing is wrong."""
NOTES = {
    "mismatched": {"kv-mismatch"},
    "healthy": {"buffer-full"},
    "loud": {"buffer-full"},
    "spilled": {"buffer-full"},
    "skewed": {"clock-skew"},
    "nixl": {"blocks-expired"},
    "restarted": set(),
}
PUTS = (SendType.PUT_ASYNC, SendType.PUT)

each_send = pytest.mark.parametrize("sends", SENDS)


def of_source(scenario: Scenario, source: str, text: str) -> list[str]:
    """The lines of a source that hold a text."""
    return [line for line in of(scenario, f"{source}.log") if text in line]


def first_cause(scenario: Scenario) -> Cause:
    assert scenario.truth.first
    return scenario.truth.first


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_truth_has_the_kind_and_knows_where(name: str) -> None:
    assert KINDS.keys() | NOTES.keys() == SCENARIOS.keys()
    for shape, sends in FEW:
        scenario = few(name, shape, sends)
        truth = scenario.truth
        assert truth.kinds == ({KINDS[name]} if name in KINDS else set())
        # In GET decode has no buffer that could be full.
        none = {"buffer-full"} if sends is SendType.GET and name != "spilled" else set()
        assert truth.notes == NOTES.get(name, set()) - none
        assert truth.kinds.isdisjoint(truth.follows)
        assert [c.at for c in truth.causes] == sorted(c.at for c in truth.causes)
        for cause in truth.causes:
            parties = [cause.where, *([cause.peer] if cause.peer else [])]
            for party in parties:
                assert f"{party.source}.log" in scenario.files
                assert any(f"pid={party.pid})" in line for line in of_file(scenario, party.source))


def of_file(scenario: Scenario, source: str) -> list[str]:
    """The lines of a source."""
    return of(scenario, f"{source}.log")


@each_send
@pytest.mark.parametrize("name", ["stuck", "unanswered", "deadlocked", "queued"])
def test_a_stalled_handshake_gets_as_far_as_its_scenario_says(name: str, sends: SendType) -> None:
    scenario = few(name, (1, 1, 2), sends)
    cause = first_cause(scenario)
    assert cause.peer
    near, far = cause.where, cause.peer
    assert (near.source.startswith("decode")) == (sends is SendType.GET)
    assert of_source(scenario, near.source, f"remote_address={far.address}, unique_id_hex=")
    received = of_source(scenario, far.source, "Received NEW")
    entered = of_source(scenario, far.source, "until prefill side completes")
    assert (bool(received), bool(entered)) == {
        "stuck": (False, False),
        "unanswered": (True, False),
    }.get(name, (True, True))
    assert not having(scenario, "🤝")
    if name == "queued":
        waiting = {(c.where.source, c.where.rank) for c in scenario.truth.causes}
        assert len(waiting) == 4
        assert len(of_source(scenario, far.source, "Received NEW")) == 2


@each_send
def test_a_gpu_used_twice_is_refused_on_both_sides(sends: SendType) -> None:
    scenario = few("duplicate-gpu", (1, 1, 2), sends)
    cause = first_cause(scenario)
    assert cause.peer
    for party, thread in ((cause.where, "send_async"), (cause.peer, "listen_for_requests")):
        assert len(of_source(scenario, party.source, "NCCL WARN Duplicate GPU detected")) == 2
        ended = of_source(scenario, party.source, f"({thread})")
        if thread == "listen_for_requests" or sends is SendType.PUT_ASYNC:
            assert len([line for line in ended if "Exception in thread" in line]) == 2
        else:
            assert of_source(scenario, party.source, "EngineDeadError")
    blank = next(n for n, line in enumerate(scenario.lines) if not line.text)
    assert "NCCL WARN" in scenario.lines[blank + 1].text


def test_an_address_is_taken_and_prefill_meets_itself() -> None:
    """As in the real run: two tracebacks in one, and each line of them is there."""
    scenario = few("taken", (1, 1, 1))
    address = first_cause(scenario).where.address
    assert of_file(scenario, "decode")[-5].endswith(
        f"zmq.error.ZMQError: Address already in use (addr='tcp://{address}')"
    )
    assert len(of_source(scenario, "prefill", f"zmq_address={address}")) == 2
    assert len(of_source(scenario, "prefill", "Duplicate GPU detected")) == 2
    torn = "self._target(*self._args, **self._kwargs)    self._target(*self._args, **self._kwargs)"
    assert len(of_source(scenario, "prefill", torn)) == 1
    assert not having(scenario, "🤝")


@each_send
@pytest.mark.parametrize("name", ["killed", "lost"])
def test_who_was_killed_says_nothing_more(name: str, sends: SendType) -> None:
    scenario = few(name, (2, 2, 1), sends)
    cause = first_cause(scenario)
    file = f"{cause.where.source}.log"
    assert max(line.at for line in scenario.lines if line.file == file) <= cause.at
    assert scenario.lines[-1].at > cause.at + 5
    closed = having(scenario, "Connection closed by localRank")
    assert bool(closed) == (name == "lost")
    assert all(line.at > cause.at for line in closed)


@each_send
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_dead_listener_leaves_its_process_running(sends: SendType, ranks: int) -> None:
    scenario = few("deaf", (1, 2, ranks), sends)
    cause = first_cause(scenario)
    ended = of_source(scenario, cause.where.source, "Exception in thread")
    assert len(ended) == 1
    assert f"pid={cause.where.pid})" in ended[0]
    assert f"Thread-{2 if sends is SendType.PUT_ASYNC else 1} (listen_for_requests):" in ended[0]
    assert of_file(scenario, cause.where.source)
    assert max(ln.at for ln in having(scenario, "Engine 000", cause.where.source)) > cause.at


@pytest.mark.parametrize("sends", PUTS)
def test_a_decode_started_again_alone_does_not_know_prefill(sends: SendType) -> None:
    scenario = few("forgotten", (2, 2, 2), sends)
    cause = first_cause(scenario)
    found = [m for text in of_file(scenario, "decode1") if (m := INIT.search(text))]
    assert len(found) == 4
    assert len({match["address"] for match in found}) == 2
    assert cause.where.source == "decode1"
    assert cause.where.pid > 50_000
    assert cause.peer
    (told,) = {
        line
        for line in of_file(scenario, "decode1")
        if f"pid={cause.where.pid}" in line and "KeyError" in line
    }
    assert told.endswith(f"KeyError: '{cause.peer.address}'")
    after = [line for line in scenario.lines if line.at > cause.at]
    assert not any("create_connect" in line.text for line in after)
    assert len(having(scenario, "Application shutdown complete.")) == 1


def test_an_engine_waits_five_minutes_for_a_worker_without_a_sender() -> None:
    scenario = few("mute", (1, 1, 2))
    source = first_cause(scenario).where.source
    assert len(of_source(scenario, source, "Exception in thread Thread-1 (send_async):")) == 1
    told = having(scenario, "No available shared memory broadcast block found in 60 seconds")
    assert [round(b.at - a.at) for a, b in pairwise(told)] == [60] * 4
    last = [plain(line) for line in having(scenario, "EngineCore encountered a fatal error")]
    assert len(last) == 1
    assert of_source(scenario, source, "TimeoutError: RPC call to execute_model timed out.")
    # With one worker the engine is that worker: there is nobody to wait and to say so.
    assert not having(few("mute", (1, 1, 1)), "shared memory")


@each_send
def test_nccl_fails_where_the_tensor_is_sent(sends: SendType) -> None:
    scenario = few("broken", (1, 1, 2), sends)
    cause = first_cause(scenario)
    assert cause.where.source == "prefill"
    warned = [m for line in scenario.lines if (m := NCCL.match(line.text)) and m["lvl"] == "WARN"]
    assert [int(match["pid"]) for match in warned] == [cause.where.pid]
    assert of_source(scenario, "prefill", "NCCL error: unhandled cuda error")


@pytest.mark.parametrize("sends", PUTS)
def test_a_full_buffer_is_got_over_or_not(sends: SendType) -> None:
    spilled, overrun = (few(name, (1, 1, 1), sends) for name in ("spilled", "overrun"))
    for scenario in (spilled, overrun):
        assert len(having(scenario, "Out Of Threshold", "decode")) >= 36
    assert len(having(spilled, "POST", "decode")) == 6
    assert not having(spilled, "Exception")
    assert having(overrun, "ValueError: Insufficient memory", "decode")
    assert len(having(overrun, "POST", "decode")) < 6


def test_what_get_does_not_find_is_missed_at_decode() -> None:
    for name, told in (("evicted", "⛔[GET]Send to"), ("overrun", "❗[GET]tensor_id:")):
        scenario = few(name, (1, 1, 1), SendType.GET)
        assert having(scenario, told, "prefill")
        missed = having(scenario, "🔴[GET]Recv From", "decode")
        assert missed
        assert len(missed) == len(having(scenario, "🚧kv_cache is None", "decode"))


@each_send
def test_a_mismatch_is_told_for_each_layer_and_rank(sends: SendType) -> None:
    scenario = few("mismatched", (1, 1, 2), sends)
    told = having(scenario, "🚧kv_cache does not match", "decode")
    asked = set(requests(told))
    assert len(told) == len(asked) * 36 * 2
    for line in told:
        blocks = re.search(r"block_ids:(\d+), num_block:(\d+)", line.text)
        assert blocks
        assert int(blocks[1]) == int(blocks[2]) + 1


@each_send
def test_renamed_requests_differ_by_their_suffix_alone(sends: SendType) -> None:
    scenario = few("renamed", (1, 1, 1), sends)
    added = {
        role: re.findall(
            r"Added request (\S+)-([0-9a-f]{8})\.", "\n".join(of(scenario, f"{role}.log"))
        )
        for role in ("prefill", "decode")
    }
    assert {name for name, _ in added["prefill"]} == {name for name, _ in added["decode"]}
    assert set(added["prefill"]).isdisjoint(added["decode"])
    if sends is not SendType.GET:
        assert not having(scenario, "POST", "decode")
    assert "\x1b" not in "".join(line.text for line in scenario.lines)


@each_send
def test_decode_waits_without_a_word(sends: SendType) -> None:
    scenario = few("waiting", (1, 1, 1), sends)
    for marker in ("🔴", "Exception", "WARN "):
        assert not having(scenario, marker)
    taken = set(requests(having(scenario, "Added request", "decode")))
    assert len(taken) > len(having(scenario, "POST", "decode"))
    assert len(having(scenario, "POST", "prefill")) == 6


@each_send
def test_unequal_tp_leaves_ranks_without_a_peer(sends: SendType) -> None:
    for shape in ((1, 1, 1), (1, 1, 8)):
        scenario = few("uneven", shape, sends)
        counts = [len(of_source(scenario, role, "💯")) for role in ("prefill", "decode")]
        near, far = reversed(counts) if sends is SendType.GET else counts
        assert near == 2 * far
        there = {match["address"] for line in scenario.lines if (match := INIT.search(plain(line)))}
        asked = set(
            re.findall(
                r"create_connect START \| remote_address=(\S+),",
                "\n".join(line.text for line in scenario.lines),
            )
        )
        assert len(asked - there) == far


@each_send
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_request_past_the_proxy_ends_the_engine(sends: SendType, ranks: int) -> None:
    scenario = few("crashed", (1, 1, ranks), sends)
    lines = of_file(scenario, "prefill")
    fatal = next(n for n, line in enumerate(lines) if "encountered a fatal error" in line)
    assert lines[fatal].endswith("\r")
    assert sum("does not contain hostname and port" in line for line in lines) >= ranks
    assert any("EngineDeadError" in line for line in lines[fatal:])
    assert lines[-1].endswith("Application shutdown complete.")


def test_blocks_expire_where_nobody_fetches() -> None:
    scenario = few("expired", (1, 1, 2))
    expired = having(scenario, "Releasing expired KV blocks", "prefill")
    assert len(expired) == 6 * 2
    assert min(line.at for line in expired) > 30
    assert not having(scenario, "POST", "decode")
    assert having(few("nixl", (1, 1, 2)), "[shutdown]", "prefill")


def test_a_restart_is_a_second_generation_at_the_same_addresses() -> None:
    scenario = made("restarted", 1, 2, 2)
    for file in scenario.files:
        found = [match for text in of(scenario, file) if (match := INIT.search(text))]
        assert len(found) == 4
        assert len({match["address"] for match in found}) == 2
        pids = {match["pid"] for text in of(scenario, file) if (match := PROC.match(text))}
        assert len(pids) == 8
    assert len(having(scenario, "🤝", "prefill")) == 8
    assert len(having(scenario, "POST", "decode")) == 40


@pytest.mark.parametrize("seed", range(3))
def test_a_skewed_clock_is_seconds_off_in_its_own_file_only(seed: int) -> None:
    scenario = build("skewed", start=START, seed=seed, decodes=2)
    ((source, seconds),) = scenario.truth.skews.items()
    assert source == "decode1"
    assert 2 <= abs(seconds) <= 9


@each_send
@pytest.mark.parametrize("name", sorted(NOTES))
def test_healthy_runs_answer_all_they_took(name: str, sends: SendType) -> None:
    scenario = few(name, (2, 2, 2), sends)
    answered = [having(scenario, "POST", role) for role in ("prefill", "decode")]
    assert len(answered[0]) == 8
    assert len(answered[1]) == (7 if name == "nixl" else 8)
    for file in scenario.files:
        assert any("Application shutdown complete." in text for text in of(scenario, file))
    for wrong in ("Exception", "Traceback", "NCCL WARN", "kv_cache is None"):
        assert not having(scenario, wrong)


def test_alarms_are_plenty_in_a_loud_run() -> None:
    loud = few("loud", (1, 1, 2))
    assert len(having(loud, "🔴", "decode")) > 100
    for role in ("prefill", "decode"):
        assert len(having(loud, "Connection closed by localRank", role)) == 2
