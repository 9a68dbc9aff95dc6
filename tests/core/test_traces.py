"""Steps are found where a message says them, whatever stands before it, and only there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pdtui.core.grammar import Grammar
from pdtui.core.source import Source
from pdtui.core.steps import FORMS, Form, Pair, Step
from pdtui.core.tracecolumns import Trace
from pdtui.core.traces import key_of
from tests.conftest import DATA
from tests.core.handshake_lines import P, accepting, connecting, line, said, source
from tests.core.sources import pieces_of

FILES = sorted(DATA.rglob("*.log"))


def steps(text: str) -> list[Step]:
    """The steps that the rows of this text say."""
    return [trace.step for trace in source("a", text).traces]


def one(text: str) -> Trace:
    """The only trace of this text."""
    (trace,) = source("a", text).traces
    return trace


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(DATA)) for path in FILES])
def test_however_a_log_is_cut_its_traces_are_the_same(path: Path) -> None:
    """Blocks and pieces, unfinished lines that are shown: none of it matters."""
    data = path.read_bytes()
    whole = Source("a", "", 2026)
    whole.feed(data)
    whole.finish_line()
    pieces = Source("a", "", 2026)
    for piece in pieces_of(data, len(data) // 30 + 1):
        pieces.feed(piece)
        pieces.show_unfinished()
    pieces.finish_line()
    assert list(pieces.traces) == list(whole.traces)
    assert pieces.requests.row[:].tolist() == whole.requests.row[:].tolist()
    assert pieces.requests.key[:].tolist() == whole.requests.key[:].tolist()


def test_a_step_says_its_key_and_its_peer() -> None:
    """What ties it to the other side."""
    trace = one(line(connecting(P, "10.0.1.3:1")[2]))
    assert trace.step is Step.NEW_SENT
    assert trace.key == key_of(b"ab12")
    assert trace.said.remote == "10.0.1.3:1"


@pytest.mark.parametrize(
    "prefix",
    ["", "(EngineCore_DP0 pid=72) ", "\x1b[1;36m(Worker_TP1 pid=937)\x1b[0;0m ", "[rank0]: "],
)
def test_prefixes_and_colours_do_not_matter(prefix: str) -> None:
    """The step is looked for where the message begins."""
    assert steps(line(accepting(P, "b:1")[0], prefix=prefix)) == [Step.NEW_RECEIVED]


def test_a_log_decoded_wrongly_still_says_its_steps() -> None:
    """🔍 became `ğŸ”` on the way through a Windows terminal."""
    text = said([*connecting(P, "b:1"), *accepting(P, "b:1")])
    spoilt = text.encode().decode("cp1254", "ignore")
    assert steps(spoilt) == steps(text)
    assert len(steps(text)) == 14


@pytest.mark.parametrize(
    "text",
    [
        "Request cmpl-1 details: prompt: 'Sending NEW command via ZMQ | remote_address=a:1'",
        "x P2pNcclEngine init, rank:0, zmq_address:a:1, send_type:PUT",
        "🚧[PUT_ASYNC]It took 3.0ms to wait for the send_queue to be empty, rank:0",
        "Sending NEW commands",
    ],
)
def test_the_same_words_elsewhere_say_nothing(text: str) -> None:
    """Users write what they like into their prompts."""
    assert steps(line(text)) == []


def test_every_form_is_found_by_its_first_bytes() -> None:
    """No form is too short for the table, and none is hidden behind another without a pattern."""
    assert all(len(form.begins) >= 5 for form in FORMS)
    plain = [form == Form(form.step, form.begins) for form in FORMS]
    for number, form in enumerate(FORMS):
        before = zip(FORMS[:number], plain, strict=False)
        hiding = [
            one for one, is_plain in before if is_plain and form.begins.startswith(one.begins)
        ]
        assert not hiding, form


def test_a_form_for_every_step_but_a_users_own() -> None:
    """A step that nothing says would be a word without a meaning."""
    assert {form.step for form in FORMS} | {Step.OWN_CAUSE, Step.OWN_EFFECT} == set(Step)


def test_a_users_own_pair() -> None:
    """Two expressions with the group `key`, searched for anywhere in a message."""
    pair = Pair("lora", re.compile(rb"push (?P<key>\w+)"), re.compile(rb"pulled (?P<key>\w+)"))
    made = Source("a", "", 2025)
    made.kinds.grammar = Grammar(pairs=(pair,))
    made.feed((line("x: push one") + line("pulled one") + line("push two") + line("-")).encode())
    traces = list(made.traces)
    assert [trace.row for trace in traces] == [0, 1, 2]
    assert [trace.step for trace in traces] == [Step.OWN_CAUSE, Step.OWN_EFFECT, Step.OWN_CAUSE]
    assert traces[0].key == traces[1].key != traces[2].key


def test_the_tensor_of_a_refusal_is_its_key() -> None:
    """Both sides' lines of one tensor have one key."""
    tensor = "cmpl-___prefill_addr_a:1___decode_addr_b:2_" + "0" * 32 + "-0#model.layers.5.attn"
    refused = line(
        f"🔴[PUT]Recv Tensor, Out Of Memory, b:2👈a:1, data:{{'cmd': 'PUT', 'tensor_id': "
        f"'{tensor}', 'shape': [2]}}"
    )
    seen = line(
        f"🔴Send Tensor, Peer Out Of Memory/Threshold, a:1 👉 b:2, MyRank:0, data:{{'cmd': 'PUT', "
        f"'tensor_id': '{tensor}', 'shape': [2]}}, tensor:x"
    )
    first, second = one(refused), one(seen)
    assert first.key == second.key == key_of(tensor.encode())
    assert (first.said.own, first.said.remote) == ("b:2", "a:1")
    assert (second.said.own, second.said.remote) == ("a:1", "b:2")


def test_the_key_of_a_request_is_its_uuid() -> None:
    """Each process puts a random suffix of its own behind it."""
    uuid = "6c05409b50bd44f9b317e124c3efc594"
    sent = one(line(f"🔍 [Rank 0] start send kv | request_id=cmpl-{uuid}-0-aaaaaaaa, n=1"))
    got = one(line(f"🔍 [Rank 1] kv received | request_id=cmpl-{uuid}-0-bbbbbbbb"))
    assert (sent.step, got.step) == (Step.KV_SENT, Step.KV_RECEIVED)
    assert sent.key == got.key


@pytest.mark.parametrize(
    "said_so",
    [
        "[Rank 0] ncclCommInitRankConfig comm 0x7f rank 0 nranks 2 cudaDev 0 commId 0xab",
        "ncclCommInitRank comm 0x7f rank 0 nranks 2 cudaDev 0 nvmlDev 0 busId 60 commId 0xab",
        "comm 0x7f rank 0 nranks 2 cudaDev 0 nvmlDev 0 busId 60 commId 0xab",
    ],
    ids=["2.29", "2.21", "2.18"],
)
def test_nccls_wording_of_all_versions(said_so: str) -> None:
    """Its own `[Rank 0]` and function name may stand before; the communicator's id is the key."""
    for phase, step in (("START", Step.COMM_STARTED), ("COMPLETE", Step.COMM_COMPLETE)):
        trace = one(f"vm:11:18 [0] NCCL INFO {said_so} - Init {phase}\n")
        assert (trace.step, trace.key) == (step, key_of(b"0xab"))
        assert trace.said.detail == "0 nranks 2"


SAMPLES = (
    "NIXLConnector request_finished(cmpl-%08x-0-ab), request_status=FINISHED_LENGTH_CAPPED, "
    "kv_transfer_params={'do_remote_decode': True}",
    "NIXLConnector request_finished(cmpl-%08x), request_status=FINISHED_ABORTED, params=None",
    "NIXLConnector request_finished(cmpl-%08x), request_status=FINISHED_STOPPED, params=None",
    "NIXLConnector get_num_new_matched_tokens: num_computed_tokens=0, kv_transfer_params="
    "{'do_remote_prefill': True, 'remote_request_id': 'cmpl-%08x', 'tp_size': 1}",
    "NIXLConnector get_num_new_matched_tokens: num_computed_tokens=%08x, kv_transfer_params=None",
    "Finished recving KV transfer for request cmpl-%08x",
    "Finished sending KV transfer for request cmpl-%08x",
    "Added request cmpl-%08x.",
    "Request cmpl-%08x failed (engine dead).",
    "Request cmpl-%08x is still in WAITING_FOR_REMOTE_KVS",
    "create_connect START | remote_address=10.0.1.3:1, number=%08x",
    "Engine 000: Avg generation throughput: 0.0 tokens/s, Running: %d reqs",
)
"""Messages of wordings that are looked for in many lines together, and some much like them."""


@pytest.mark.parametrize("many", [3, 20, 100])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample[:40])
def test_a_message_says_the_same_alone_and_among_many(sample: str, many: int) -> None:
    """One is taken apart by an expression, many together by looks at all of them."""
    lines = [line(sample % number) for number in range(many)]
    alone = [list(source("a", one).traces) for one in lines]
    together = list(source("a", "".join(lines)).traces)
    assert [trace._replace(row=0) for traces in alone for trace in traces] == [
        trace._replace(row=0) for trace in together
    ]
    assert [trace.row for trace in together] == [row for row in range(many) for _ in alone[row]]


def test_a_message_has_the_longest_wording_that_it_begins_like() -> None:
    """And the forms of the shorter ones too: two that begin alike are both tried."""
    text = "".join(
        line(message)
        for message in (
            "comm 0x7f rank 0 nranks 2 cudaDev 0 commId 0xab - Init START",
            "[shutdown] begun",
            "[shutdow",
            "commune",
        )
    )
    assert [trace.row for trace in source("a", text).traces] == [0, 1]
