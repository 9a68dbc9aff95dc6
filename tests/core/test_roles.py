"""Which side of the hand-over wrote a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdtui.core.describe import Describer
from pdtui.core.roles import role_of_facts, role_of_label, role_order
from tests.core.sources import growing, opened


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("prefill", "prefill"),
        ("decode", "decode"),
        ("proxy", "proxy"),
        ("node1/prefill", "prefill"),
        ("prefill-0", "prefill"),
        ("decode_tp1", "decode"),
        ("Decoder", "decode"),
        ("vllm-prefiller-7f9c", "prefill"),
        ("kv_producer", "prefill"),
        ("kv-consumer", "decode"),
        ("toy_router", "proxy"),
        ("pd_disagg", None),
        ("prefill-decode", None),
        ("stdin", None),
        ("undecoded", None),
        ("", None),
    ],
)
def test_a_label_says_the_role(label: str, role: str | None) -> None:
    """Where exactly one role's word stands in it."""
    assert role_of_label(label) == role


def roles(data: bytes, label: str = "log") -> list[str | None]:
    with opened(data, label) as source:
        describer = Describer(source)
        return [describer.describe(row).role for row in range(len(source))]


HEAD = "INFO 11-22 06:35:44 [a.py:1] "


def handshake(rank: int, arrow: str, send_type: str) -> str:
    """The lines of one engine from its start to its handshake."""
    return (
        f"{HEAD}💯P2pNcclEngine init, rank:{rank}, local_rank:0, http_address:10.0.0.{rank}:2, "
        f"zmq_address:10.0.0.{rank}:1, proxy_address:, send_type:{send_type}, x\n"
        f"{HEAD}🤝ncclCommInitRank Success, 10.0.0.{rank}:1{arrow}10.0.0.9:1, MyRank:0\n"
    )


@pytest.mark.parametrize(
    ("arrow", "send_type", "role"),
    [
        ("👉", "PUT_ASYNC", "prefill"),
        ("👈", "PUT_ASYNC", "decode"),
        ("👉", "PUT", "prefill"),
        ("👈", "GET", "prefill"),
        ("👉", "GET", "decode"),
    ],
)
def test_an_arrow_says_the_role(arrow: str, send_type: str, role: str) -> None:
    """In PUT and PUT_ASYNC prefill connects, in GET decode does."""
    assert set(roles(handshake(0, arrow, send_type).encode())) == {role}


def test_two_ranks_of_one_file_have_a_role_each() -> None:
    """Rows of no rank have none."""
    data = handshake(0, "👉", "PUT") + handshake(1, "👈", "PUT") + HEAD + "no rank\n"
    assert roles(data.encode()) == ["prefill", "prefill", "decode", "decode", None]


def test_what_contradicts_itself_says_nothing() -> None:
    both = handshake(0, "👉", "PUT") + handshake(0, "👈", "PUT")
    assert set(roles(both.encode())) == {None}
    mixed = handshake(0, "👉", "PUT") + handshake(0, "👉", "GET")
    assert set(roles(mixed.encode())) == {None}
    assert set(roles((HEAD + "🤝 x, a:1👉b:1\n").encode())) == {None}


ARGUMENTS = (
    "non-default args: {'model': 'facebook/opt-125m', 'port': 8100, 'kv_transfer_config': "
    "KVTransferConfig(kv_connector='NixlConnector', engine_id='f1ab0f8c', kv_buffer_device='cpu', "
    "kv_buffer_size=1000000000.0, "
)
"""How vLLM prints its arguments, up to the role."""


def test_kv_role_says_the_role() -> None:
    """As vLLM prints its arguments; the label counts more."""
    for said, role in (("producer", "prefill"), ("consumer", "decode")):
        for form in (f"'kv_role': 'kv_{said}'", f'"kv_role":"kv_{said}"', f"kv_role='kv_{said}'"):
            data = f"{HEAD}{ARGUMENTS}{form}, kv_rank=None)\n{HEAD}x\n".encode()
            assert roles(data) == [role, role]
            assert set(roles(data, "proxy")) == {"proxy"}
    assert set(roles(f"{HEAD}{ARGUMENTS}kv_role='kv_both')\n".encode())) == {None}


def test_real_roles(data: Path) -> None:
    """From the arrows of the seed's two ranks, and from the arguments of a whole server."""
    seed = (data / "seed" / "pd_disagg.log").read_bytes()
    by_rank = {"[Rank 0]": "prefill", "[Rank 1]": "decode"}
    for line, role in zip(seed.decode().splitlines(), roles(seed), strict=True):
        for rank, wanted in by_rank.items():
            if rank in line:
                assert role == wanted
    assert set(roles((data / "h200" / "pd-put-async-v0.9.2" / "prefill.log").read_bytes())) == {
        "prefill"
    }


def test_sources_that_nothing_else_orders() -> None:
    """Prefill, decode, proxy, the rest; then by label; a kv_role counts as a label does."""
    labels = ["b", "a", "proxy", "decode-2", "decode-1", "prefill", "c"]
    with growing(*labels) as written:
        written[-1].write(f"{HEAD}{ARGUMENTS}'kv_role': 'kv_producer'\n".encode())
        assert role_of_facts(written[-1].source) == "prefill"
        sources = sorted((one.source for one in written), key=role_order)
        assert [source.label for source in sources] == [
            "c", "prefill", "decode-1", "decode-2", "proxy", "a", "b",
        ]  # fmt: skip


def test_two_instances_of_one_file_have_a_role_each() -> None:
    """Both have ranks 0 and 1; their processes tell them apart."""
    engine = "(Worker_TP{rank} pid={pid}) " + HEAD
    lines = [
        engine.format(rank=rank, pid=pid)
        + f"🤝ncclCommInitRank Success, a:{pid}{arrow}b:{pid}, MyRank:0\n"
        for pid, rank, arrow in ((11, 0, "👉"), (12, 1, "👉"), (21, 0, "👈"), (22, 1, "👈"))
    ]
    engine_ready = engine.format(rank=0, pid=11) + "💯init, rank:0, send_type:PUT_ASYNC, x\n"
    with opened("".join([engine_ready, *lines]).encode(), label="run") as source:
        describer = Describer(source)
        found = {row.pid: row.role for row in map(describer.describe, range(len(source)))}
    assert found == {11: "prefill", 12: "prefill", 21: "decode", 22: "decode"}
