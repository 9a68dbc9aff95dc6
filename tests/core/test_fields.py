"""Messages taken apart: their lists of fields, and their request."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdtui.core.fields import _parts, fields_of, request_of

UUID = "360ebd48472e453bb4b6ee8a86a65d60"
P2P = f"___prefill_addr_10.0.9.2:21001___decode_addr_10.0.9.3:22001_{UUID}"

FIELDS = [
    (
        "🔍 [Rank 0] create_connect START | remote_address=127.0.0.1:14580, existing_comms=[]",
        {"remote_address": "127.0.0.1:14580", "existing_comms": "[]"},
    ),
    (
        "x | existing_comms=['10.0.1.3:22001', '10.0.1.4:22001'], n=2",
        {"existing_comms": "['10.0.1.3:22001', '10.0.1.4:22001']", "n": "2"},
    ),
    (
        "🔍 [Rank 0] Listener thread started | name=Thread-2 (listen_for_requests), alive=True",
        {"name": "Thread-2 (listen_for_requests)", "alive": "True"},
    ),
    (
        "💯P2pNcclEngine init, rank:0, http_address:, zmq_address:127.0.0.1:14579, n:8",
        {"rank": "0", "http_address": "", "zmq_address": "127.0.0.1:14579", "n": "8"},
    ),
    (
        "🔴[GET]Recv From 10.0.0.1:1, tensor_id: a#b, ret: 1",
        {"tensor_id": "a#b", "ret": "1"},
    ),
    ("🤝ncclCommInitRank Success, 127.0.0.1:1👈127.0.0.1:2, MyRank:1", {"MyRank": "1"}),
    (
        "🔴 x, data:{'cmd': 'PUT', 'shape': [2, 22]}, addr:5",
        {"data": "{'cmd': 'PUT', 'shape': [2, 22]}", "addr": "5"},
    ),
    ("x, shape:torch.Size([2, 18, 16]), rank:0", {"shape": "torch.Size([2, 18, 16])", "rank": "0"}),
    ("x | a=1 b=2 c=3", {"a": "1", "b": "2", "c": "3"}),
    ("x | a=one two, b=", {"a": "one two", "b": ""}),
    ("unclosed ( x, a=1", {}),
    ("closed ) too often), a=1", {"a": "1"}),
    ("see https://example.org, a=1", {"a": "1"}),
    ("url: x, https://example.org", {"url": "x"}),
    ("no list at all", {}),
    ("", {}),
    ("a=1" + ", b=2" * 2000, {"a": "1", "b": "2"}),
]


@pytest.mark.parametrize(("message", "wanted"), FIELDS, ids=[m[:40] for m, _ in FIELDS])
def test_fields(message: str, wanted: dict[str, str]) -> None:
    """`k=v` and `k:v` between commas and bars; brackets hold a value together."""
    assert fields_of(message) == wanted


def test_the_tail_of_a_dump_is_no_list() -> None:
    """A message of megabytes is looked at only at its start."""
    assert fields_of("x" * 5000 + ", a=1") == {}


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        (f"🚧kv_cache is None, cmpl-{P2P}-0", UUID),
        (f"tensor_id:chatcmpl-{P2P}-0#model.layers.1.self_attn.attn", UUID),
        (f"Received request cmpl-{P2P}-0-b4a15019: params", UUID),
        (f"{P2P} bare", UUID),
        ("Received request cmpl-602d1db6-0268-4d87-bca7-ff768edad863-0: params: x",
         "602d1db602684d87bca7ff768edad863"),
        ("Added request chatcmpl-f53ba70e-11e9-404c-ae8f-6cc5593407d2-b4a15019.",
         "f53ba70e11e9404cae8f6cc5593407d2"),
        ("Added request cmpl-8c109284e28b36bb.", "8c109284e28b36bb"),
        ("Added request cmpl-8c10.", None),
        ("xcmpl-8c109284e28b36bb", None),
        ("no request", None),
    ],
)  # fmt: skip
def test_requests(message: str, wanted: str | None) -> None:
    """The uuid, which all processes share; prompt numbers and engines' suffixes are left out."""
    assert request_of(message) == wanted


def test_one_request_has_one_key_on_both_sides() -> None:
    """Each engine appends its own suffix since vLLM 0.14."""
    uuid = "602d1db6-0268-4d87-bca7-ff768edad863"
    assert request_of(f"cmpl-{uuid}-0-b4a15019") == request_of(f"cmpl-{uuid}-0-b3e60570")


def test_real_tensors_name_their_request(data: Path) -> None:
    """Every 🔵 and ⛔ row of a GET run speaks of a request and a size."""
    log = (data / "h200" / "pd-get-large" / "prefill.log").read_text()
    lines = [line for line in log.splitlines() if "🔵" in line or "⛔" in line]
    assert len(lines) > 15
    for line in lines:
        assert len(request_of(line) or "") == 32
        fields = fields_of(line.split("] ", 1)[1])
        assert fields["tensor_size"].isdigit()
        assert fields["rank"] == "0"


@given(st.text(alphabet="ab=:, |([{)]}1é"))
def test_lists_are_cut_outside_of_brackets(text: str) -> None:
    """As a look at one character after the other cuts them."""
    parts, depth, begin = [], 0, 0
    for place, character in enumerate(text):
        depth += character in "([{"
        depth = max(0, depth - (character in ")]}"))
        if not depth and character == " " and place > begin and text[place - 1] in ",|":
            parts.append(text[begin : place - 1])
            begin = place + 1
    assert _parts(text) == [*parts, text[begin:]]
