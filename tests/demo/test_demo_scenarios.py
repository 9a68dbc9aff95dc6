"""What happens in the made-up runs, and in which order."""

from collections import Counter
from itertools import product
from typing import Any

import pytest
from demo_lines import (
    CINIT,
    INIT,
    NCCL,
    OK,
    PROC,
    REQUEST,
    SHAPES,
    START,
    TENSOR,
    UNIQUE_ID,
    first,
    having,
    made,
    of,
    plain,
    requests,
)

from pdtui.demo.scenario import SCENARIOS, build

PREFILL_STEPS = (
    "P2pNcclEngine.__init__ START",
    "ZMQ address configured",
    "ZMQ Router socket bound successfully",
    "Listener thread RUNNING",
    "Listener thread started",
    "💯P2pNcclEngine init",
    "create_connect START",
    "ZMQ DEALER connected",
    "Bootstrap: Using",
    "Sending NEW command via ZMQ",
    "⚠️ PREFILL: About to call ncclCommInitRank",
    "ENTERING ncclCommInitRank - This will block until decode side also calls it!",
    "set_p2p_nccl_context",
    "Init START",
    "Init COMPLETE",
    "Init timings",
    "✅ PREFILL: ncclCommInitRank SUCCESS",
    "🤝ncclCommInitRank Success",
    "Channel 00/1 : 0[",
    "🚧[PUT_ASYNC]It took",
)
DECODE_STEPS = (
    *PREFILL_STEPS[:6],
    "✉️ DECODE: Received NEW command",
    "⚠️ DECODE: About to call ncclCommInitRank",
    "ENTERING ncclCommInitRank - This will block until prefill side completes!",
    "set_p2p_nccl_context",
    "Bootstrap: Using",
    "Init START",
    "Init COMPLETE",
    "Init timings",
    "✅ DECODE: ncclCommInitRank SUCCESS",
    "🤝ncclCommInitRank Success",
)


@pytest.mark.parametrize(
    ("file", "steps"), [("prefill.log", PREFILL_STEPS), ("decode.log", DECODE_STEPS)]
)
def test_handshake_steps_stand_in_order(file: str, steps: tuple[str, ...]) -> None:
    lines = of(made("healthy"), file)
    places = [next(n for n, line in enumerate(lines) if step in line) for step in steps]
    assert places == sorted(places)
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_pair_of_workers_shakes_hands_once(shape: tuple[int, int, int]) -> None:
    prefills, decodes, ranks = shape
    scenario = made("healthy", *shape)
    sent, received = (
        [UNIQUE_ID.search(line.text) for line in having(scenario, text, role)]
        for text, role in (("Sending NEW", "prefill"), ("Received NEW", "decode"))
    )
    ids = [match[1] for match in sent if match]
    assert len(set(ids)) == len(ids) == prefills * decodes * ranks
    assert sorted(ids) == sorted(match[1] for match in received if match)
    shaken = [OK.search(line.text) for line in having(scenario, "🤝")]
    there = {(m["self"], m["peer"]) for m in shaken if m and m["dir"] == "👉"}
    back = {(m["peer"], m["self"]) for m in shaken if m and m["dir"] == "👈"}
    assert there == back
    assert len(there) == len(ids)
    # Worker k meets worker k: their ports are as far from rank 0's.
    ports = {(int(a.split(":")[1]) - 21001, int(b.split(":")[1]) - 22001) for a, b in there}
    assert ports == {(rank, rank) for rank in range(ranks)}


def test_both_sides_name_one_communicator() -> None:
    inits = [CINIT.search(line.text) for line in having(made("healthy", 2, 2, 2), "- Init")]
    found = Counter((m["id"], m["r"], m["ph"]) for m in inits if m)
    ids = {comm_id for comm_id, _, _ in found}
    assert len(ids) == 8
    assert set(found) == set(product(ids, "01", ("START", "COMPLETE")))
    assert set(found.values()) == {1}


def test_a_cause_stands_before_its_effect() -> None:
    scenario = made("healthy", 2, 2, 2)
    place = {line: number for number, line in enumerate(scenario.lines)}
    sent = {line.text[-16:]: place[line] for line in having(scenario, "Sending NEW")}
    got = {line.text[-16:]: place[line] for line in having(scenario, "Received NEW")}
    assert all(sent[unique_id] < at for unique_id, at in got.items())
    simple = made("healthy")
    entered = max(first(simple, "🚨", role) for role in ("prefill", "decode"))
    assert entered < first(simple, "ncclCommInitRank SUCCESS")
    begun, taken_over = (
        dict(zip(requests(lines), lines, strict=True))
        for role in ("prefill", "decode")
        if (lines := having(simple, "Added request", role))
    )
    assert begun.keys() == taken_over.keys()
    assert all(begun[uuid].at < taken_over[uuid].at for uuid in begun)


def test_a_decode_takes_one_handshake_at_a_time() -> None:
    text = [t for t in of(made("healthy", 3), "decode.log") if "Received NEW" in t or "🤝" in t]
    assert ["🤝" in t for t in text] == [False, True] * 3


def test_nccl_tells_its_version_once_a_process() -> None:
    scenario = made("healthy", 2, 2, 2)
    pids = Counter(
        m["pid"] for ln in having(scenario, "NCCL version") if (m := NCCL.match(ln.text))
    )
    assert len(pids) == 8
    assert set(pids.values()) == {1}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_worker_has_an_address_of_its_own(shape: tuple[int, int, int]) -> None:
    prefills, decodes, ranks = shape
    scenario = made("healthy", *shape)
    expected = [
        f"{role}{n}.log" if count > 1 else f"{role}.log"
        for role, count in (("prefill", prefills), ("decode", decodes))
        for n in range(count)
    ]
    assert list(scenario.files) == expected
    addresses = set()
    for file in expected:
        found = [m for text in of(scenario, file) if (m := INIT.search(text))]
        found.sort(key=lambda match: int(match["rank"]))
        assert [int(match["rank"]) for match in found] == list(range(ranks))
        host, port = found[0]["address"].split(":")
        assert [m["address"] for m in found] == [f"{host}:{int(port) + k}" for k in range(ranks)]
        addresses |= {match["address"] for match in found}
    assert len(addresses) == (prefills + decodes) * ranks


def test_workers_are_named_only_with_tensor_parallelism() -> None:
    for ranks, names in ((1, {"EngineCore_DP0"}), (2, {"Worker_TP0", "Worker_TP1"})):
        lines = having(made("healthy", ranks=ranks), "p2p_nccl_engine.py")
        assert {m["proc"] for ln in lines if (m := PROC.match(plain(ln)))} == names


def test_healthy_serves_every_request_and_ends() -> None:
    scenario = made("healthy")
    assert max(line.at for line in having(scenario, "🤝")) < 6
    assert 55 < scenario.lines[-1].at < 65
    for role in ("prefill", "decode"):
        assert len(set(requests(having(scenario, "Received request", role)))) == 40
        assert len(having(scenario, "POST /v1/completions", role)) == 40
        stats = having(scenario, "Engine 000:", role)
        assert len(stats) == 5
        assert all(" INFO " in ln.text and " throughput: 0.0" not in ln.text for ln in stats)
        assert having(scenario, "Application shutdown complete.", role)
    assert len(having(scenario, "Out Of Threshold, ", "decode")) == 1
    # A tensor in host memory has arrived: prefill is told nothing, and nothing is missing.
    assert not having(scenario, "🔴Send")
    assert not having(scenario, "kv_cache is None")


def test_healthy_is_a_trickle_with_bursts() -> None:
    later = Counter(int(line.at) for line in made("healthy").lines if 6 < line.at < 58)
    assert 3 < later.total() / 52 < 12
    assert max(later.values()) >= 20


def test_oom_is_refused_told_and_missed() -> None:
    scenario = made("oom", ranks=2)
    refused, told, missed = (
        [m[0] for line in having(scenario, text, role) if (m := TENSOR.search(line.text))]
        for text, role in (
            ("🔴[PUT]Recv Tensor, Out Of Memory", "decode"),
            ("🔴Send Tensor, Peer Out Of Memory/Threshold", "prefill"),
            ("🔴[PUT]Recv From", "decode"),
        )
    )
    assert Counter(refused) == Counter(told) == Counter(missed)
    assert set(Counter(refused).values()) == {2}
    lost = requests(having(scenario, "🚧kv_cache is None", "decode"))
    of_missed = Counter(match[1] for tensor in missed if (match := REQUEST.search(tensor)))
    assert Counter(lost) == of_missed
    assert 0 < len(set(lost)) < 40
    assert len(having(scenario, "POST /v1/completions", "decode")) == 40
    for tensor in set(refused):
        named = [ln.text for ln in scenario.lines if tensor in ln.text]
        steps = [
            next(n for n, text in enumerate(named) if step in text)
            for step in ("🔴[PUT]Recv Tensor", "🔴Send Tensor", "🔴[PUT]Recv From")
        ]
        assert steps == sorted(steps)


@pytest.mark.parametrize("ranks", [1, 2])
def test_stuck_sends_new_and_nobody_receives_it(ranks: int) -> None:
    scenario = made("stuck", ranks=ranks)
    entered = having(scenario, "ENTERING", "prefill")
    assert len(having(scenario, "Sending NEW", "prefill")) == len(entered) == ranks
    assert max(line.at for line in entered) < 6
    assert len(having(scenario, "Listener thread RUNNING", "decode")) == ranks
    for missing in ("Received NEW", "SUCCESS", "🤝", "Init COMPLETE", "🚧", "POST"):
        assert not having(scenario, missing)
    stats = having(scenario, "Engine 000:", "prefill")
    assert len(stats) == 5
    assert all("prompt throughput: 0.0" in ln.text and " DEBUG " in ln.text for ln in stats)
    assert len(having(scenario, "Received request", "prefill")) == 40
    assert not having(scenario, "Received request", "decode")
    assert scenario.lines[-1].at > 50
    assert [line.text for line in scenario.lines if "NCCL INFO" in line.text][-1].endswith("START")


def test_stuck_leaves_the_other_decodes_alone() -> None:
    scenario = made("stuck", 2, 3)
    deaf = of(scenario, "decode2.log")
    assert not [text for text in deaf if "Received NEW" in text or "🤝" in text]
    assert len([text for text in deaf if "💯" in text]) == 1
    for file in ("decode0.log", "decode1.log"):
        assert len([text for text in of(scenario, file) if "🤝" in text]) == 2
    for file in ("prefill0.log", "prefill1.log"):
        lines = of(scenario, file)
        assert len([text for text in lines if "Sending NEW" in text]) == 3
        assert len([text for text in lines if "🤝" in text]) == 2


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 2, 2)])
def test_killed_ends_with_new_received(shape: tuple[int, int, int]) -> None:
    scenario = made("killed", *shape)
    victim = scenario.files[-1]
    assert "Received NEW" in of(scenario, victim)[-1]
    assert not [text for text in of(scenario, victim) if "ENTERING" in text or "NCCL" in text]
    death = max(line.at for line in scenario.lines if line.file == victim)
    assert death < 6
    nccl = [m["m"] for text in of(scenario, "prefill.log") if (m := NCCL.match(text))]
    if shape == (1, 1, 1):
        assert nccl[-1].endswith("Init START")
        # The proxy has nowhere to send to any more, so prefill gets no request either.
        assert max(ln.at for ln in having(scenario, "Received request")) < death + 5
    assert len(having(scenario, "🤝", "prefill")) == shape[0] * (shape[1] - 1) * shape[2]
    assert max(line.at for line in scenario.lines if line.file.startswith("prefill")) > 50


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("hungry", {}),
        ("healthy", {"prefills": 0}),
        ("healthy", {"requests": 0}),
        ("healthy", {"tensor_parallel": 9}),
        ("healthy", {"tensor_parallel": 0}),
    ],
)
def test_what_cannot_be_is_refused(name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no scenario 'hungry'|needs a|from 1 to 8"):
        build(name, start=START, **wrong)


def test_each_scenario_says_what_it_shows() -> None:
    assert {"healthy", "stuck", "killed", "oom"} <= set(SCENARIOS)
    assert all(text.endswith(".") and text.count(".") == 1 for text in SCENARIOS.values())
