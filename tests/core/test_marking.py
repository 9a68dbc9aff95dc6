"""Markers, and the rank and the address that stand with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdtui.core.markers import MARKERS, find_marker, marker_of, plain
from tests.core.sources import opened, scanned

HEAD = "INFO 11-22 06:35:44 [p2p_nccl_engine.py:36] "

MESSAGES = [
    # The lines of the P2P engine, of its connector and of the debug patch.
    ("🔍 [Rank 1] create_connect START | remote_address=127.0.0.1:14580", "🔍", 1),
    ("🔍 [Rank 1] ✉️ DECODE: Received NEW command | remote_address=127.0.0.1:14579", "🔍✉", 1),
    ("🔍 [Rank 0] ⚠️ PREFILL: About to call ncclCommInitRank | nprocs=2, my_rank=1", "🔍⚠", 0),
    ("🔍 [Rank 0] ✅ PREFILL: ncclCommInitRank SUCCESS", "🔍✅", 0),
    ("🚨 [Rank 12] ENTERING ncclCommInitRank - This will block", "🚨", 12),
    ("💯P2pNcclEngine init, rank:3, local_rank:0, http_address:", "💯", 3),
    ("🤝ncclCommInitRank Success, 127.0.0.1:14580👈127.0.0.1:14579, MyRank:1", "🤝👈", None),
    ("🤝ncclCommInitRank Success, 127.0.0.1:14580👉127.0.0.1:14579, MyRank: 0", "🤝👉", None),
    ("ncclCommInitRank Success, 127.0.0.1:14580 👉 127.0.0.1:14579, MyRank: 0", "👉", None),
    ("👋comm exists, remote_address:10.0.0.1:1, comms:x", "👋", None),
    ("🔴[PUT]Recv From 10.0.0.1:1, tensor_id:a-0#b, duration:1.0ms, rank:2", "🔴", 2),
    ("🔴[PUT]Recv Tensor, Out Of Threshold, 10.0.0.1:1👈10.0.0.2:2, data:{}, addr:1", "🔴👈", None),
    (
        "🔴Send Tensor, Peer Out Of Memory/Threshold, 10.0.0.1:1 👉 10.0.0.2:2, MyRank:0",
        "🔴👉",
        None,
    ),
    ("🚧[PUT_ASYNC]It took 4.146ms to wait for the send_queue to be empty, rank:0", "🚧", 0),
    ("🔵[GET]Send to 10.0.0.1:1, tensor_id:a, tensor_size:5, rank:0, buffer_size:5", "🔵", 0),
    ("⛔[GET]Send to 10.0.0.1:1, tensor_id:a, oldest_tensor_size:589824, rank:0", "⛔", 0),
    ("❗[GET]tensor_id:a, tensor_size:5, is greater thanbuffer size threshold :1, rank:4", "❗", 4),
    # Forms that no log has yet.
    ("✉ without selector", "✉", None),
    ("🔍 🚨 ✅ [Rank 2] three", "🔍🚨✅", 2),
    ("🔍🚨🤝💯 at most three", "🔍🚨🤝", None),
    ("🚧🚧 each once", "🚧", None),
    ("[Rank 2] 🔍 the rank first", "🔍", 2),
    ("[Rank 2] 🔍 [Rank 3] the first rank", "🔍", 2),
    ("[Rank 2] no marker", "", 2),
    ("🔍 [Rank 4095] more than any instance has", "🔍", None),
    ("🔍 [Rank x] no number", "🔍", None),
    ("🔍", "🔍", None),
    ("[Rank 7]", "", 7),
    # Text.
    ("prompt: '日志 🔍 résumé 🚨'", "", None),
    # Emoji that no table knows are markers by themselves, as Unicode composes them.
    ("🎉 two test requests", "🎉", None),
    ("🎉🎉 Successfully finished 2 test requests!", "🎉", None),
    ("🔍 🎉 [Rank 3] behind a known one", "🔍🎉", 3),
    ("🎉 🔍 [Rank 3] before a known one", "🎉🔍", 3),
    ("📥 Prefill response status: 200", "📥", None),
    ("☀️ with a selector", "☀", None),
    ("日志 text", "", None),
    ("é [Rank 3] no emoji", "", 3),
    ("\xff\xff", "", None),
    ("Request a, rank:3", "", None),
    ("set_p2p_nccl_context, original_values: {}", "", None),
    ("10.0.0.1:1👉10.0.0.2:2 without a marker before", "", None),
    ("🔍 an arrow 👉 without an address", "🔍", None),
    ("🤝 10.0.0.1:1👍 then 10.0.0.1:1👉10.0.0.2:2", "🤝👉", None),
    ("🤝 10.0.0.1:1👋", "🤝", None),
    ("🤝 first 👉 then 10.0.0.1:1👉 is text", "🤝", None),
    ("", "", None),
]


@pytest.mark.parametrize(("message", "markers", "rank"), MESSAGES, ids=[m for m, _, _ in MESSAGES])
def test_markers_and_rank_of_a_message(message: str, markers: str, rank: int | None) -> None:
    """Markers stand at the start, arrows after an address; U+FE0F belongs to none."""
    row = scanned((HEAD + message + "\n").encode())[0]
    assert row.message == message
    assert row.markers == tuple(markers)
    assert row.rank == rank
    assert row.rank_source == (None if rank is None else "explicit")


@pytest.mark.parametrize("selector", ["", "\ufe0f"])
@pytest.mark.parametrize("emoji", [marker.emoji for marker in MARKERS])
def test_every_marker_at_the_start_and_only_there(emoji: str, selector: str) -> None:
    """With and without U+FE0F, first or second, before and behind the rank; else it is text."""
    sign = emoji + selector
    for message, markers, rank in (
        (f"{sign} text", (emoji,), None),
        (f"{sign}text", (emoji,), None),
        (f"{sign}", (emoji,), None),
        (f"{sign} [Rank 2] text", (emoji,), 2),
        (f"[Rank 2] {sign}text", (emoji,), 2),
        (f"🎉 [Rank 2] {sign} text", ("🎉", emoji), 2),
        (f"prompt: 'what is {sign}?'", (), None),
        (f"[Rank 2] text {sign}", (), 2),
    ):
        row = scanned((HEAD + message).encode())[0]
        assert (row.markers, row.rank, row.message) == (markers, rank, message)


@pytest.mark.parametrize(
    "emoji",
    ["👩‍💻", "🇫🇷", "👍🏽", "🎉", "⏱", "✈️"],
    ids=["joined", "flag", "toned", "plain", "old", "U+FE0F"],
)
def test_an_emoji_is_found_whole(emoji: str) -> None:
    """Of several characters too; one that begins alike in another line changes nothing."""
    wanted = emoji.replace("\ufe0f", "")
    lines = [f"{HEAD}{text}\n".encode() for text in (f"{emoji} x", f"{emoji[0]} x", f"🔍 {emoji}x")]
    for order in (lines, lines[::-1]):
        alone = [scanned(line)[0].markers for line in order]
        assert [row.markers for row in scanned(b"".join(order))] == alone
        assert [row.markers for row in scanned(order)] == alone
    assert scanned(lines[0])[0].markers == (wanted,)
    assert scanned(lines[2])[0].markers == ("🔍", wanted)


def test_more_emoji_than_there_is_room_for() -> None:
    """The first ones are markers, and every row is a row."""
    lines = [f"{HEAD}{chr(0x1F600 + n)} x\n".encode() for n in range(80)]
    for pieces in (b"".join(lines), lines):
        rows = scanned(pieces)
        assert [bool(row.markers) for row in rows] == [True] * 48 + [False] * 32


@pytest.mark.parametrize("before", ["", "\n", "(Worker pid=1) ", "\x1b[0m", "x\r"])
def test_a_bare_line_with_a_marker_is_a_record(before: str) -> None:
    """The proxy prints such: it is neither under the head above nor of its level."""
    rows = scanned(f"ERROR 11-22 06:35:44 [a.py:1] x\n{before}🔵Add [HTTP:a, ZMQ:b]".encode())
    assert (rows[-1].markers, rows[-1].continuation) == (("🔵",), False)
    assert (rows[-1].format, rows[-1].level) == (None, None)


def test_nccls_own_rank_is_none_of_ours() -> None:
    """`[Rank 1]`, which NCCL 2.29 writes, and `rank 1` are ranks in a communicator."""
    rows = scanned(
        b"vm:5:6 [0] NCCL INFO [Rank 1] ncclCommInitRank comm 0x7f rank 1 nranks 2 - Init START\n"
    )
    assert rows[0].rank is None


@pytest.mark.parametrize(
    ("message", "address"),
    [
        ("🤝ncclCommInitRank Success, 10.0.0.1:1👈10.0.0.2:2, MyRank:1", "10.0.0.1:1"),
        ("🤝ncclCommInitRank Success, 10.0.0.1:1 👉 10.0.0.2:2, MyRank:1", "10.0.0.1:1"),
        (
            "🤝ncclCommInitRank Success, [2401:db00::1]:8082👉[::2]:1, MyRank:0",
            "[2401:db00::1]:8082",
        ),
        ("🤝ncclCommInitRank Success, 2401:db00::1:8082👉::2:1, MyRank:0", "2401:db00::1:8082"),
        ("💯P2pNcclEngine init, rank:0, zmq_address:10.0.0.1:1, proxy_address:", "10.0.0.1:1"),
        ("🔍 [Rank 0] ZMQ address configured | zmq_address=node-1:14579", "node-1:14579"),
        ("🔍 [Rank 0] create_connect START | remote_address=10.0.0.1:1", ""),
        ("ping start, zmq_address:10.0.0.1:1", ""),
    ],
)
def test_the_writers_own_address(message: str, address: str) -> None:
    """It stands before the arrow, or is called zmq_address."""
    with opened((HEAD + message).encode()) as source:
        kind = source.kinds.kinds[source.columns.kind[0]]
        assert source.kinds.addresses[kind.address] == address


@pytest.mark.parametrize("cut", [False, True])
def test_the_engine_says_which_rank_its_pid_has(cut: bool) -> None:
    """`[Rank 3] …__init__ START | …, pid=9` ranks NCCL's lines of pid 9, even those before."""
    lines = [
        b"vm:9:11 [0] NCCL INFO Bootstrap: Using eth0\n",
        (HEAD + "[Rank 3] P2pNcclEngine.__init__ START | local_rank=0, pid=9\n").encode(),
        (HEAD + "[Rank 4] P2pNcclEngine.__init__ START | local_rank=0, pid=10\n").encode(),
        b"vm:10:11 [0] NCCL INFO Bootstrap: Using eth0\n",
        b"vm:11:11 [0] NCCL INFO Bootstrap: Using eth0\n",
    ]
    rows = scanned(lines if cut else b"".join(lines))
    assert [(row.rank, row.rank_source) for row in rows] == [
        (3, "pid"), (3, "explicit"), (4, "explicit"), (4, "pid"), (None, None),
    ]  # fmt: skip


def test_a_handshake_has_the_rank_of_its_address() -> None:
    """🤝 names the writer's address, and another row says that address's rank."""
    rows = scanned(
        f"{HEAD}🤝ncclCommInitRank Success, 10.0.0.1:2👉10.0.0.9:9, MyRank:0\n"
        f"{HEAD}💯P2pNcclEngine init, rank:0, zmq_address:10.0.0.1:1, proxy_address:\n"
        f"{HEAD}💯P2pNcclEngine init, rank:1, zmq_address:10.0.0.1:2, proxy_address:\n"
        f"{HEAD}🤝ncclCommInitRank Success, 10.0.0.1:1👉10.0.0.9:9, MyRank:0\n".encode()
    )
    assert [(row.rank, row.rank_source) for row in rows] == [
        (1, "address"), (0, "explicit"), (1, "explicit"), (0, "address"),
    ]  # fmt: skip


def test_many_markers_and_addresses_overflow_without_harm() -> None:
    """A full table takes nothing new: rows lose an address, and stay rows."""
    data = "".join(f"{HEAD}🔍 [Rank 0] x | zmq_address=h{n}:1\n" for n in range(1500))
    with opened(data.encode()) as source:
        assert len(source) == 1500
        assert len(source.kinds.addresses) == 1024
        kinds = [source.kinds.kinds[number] for number in source.columns.kind]
        assert [kind.address for kind in kinds].count(0) == 1500 - 1023
        assert {(kind.rank, source.kinds.marker_sets[kind.markers]) for kind in kinds} == {
            (0, ("🔍",))
        }


def test_every_marker_is_found_by_each_of_its_words() -> None:
    """By the emoji, with and without U+FE0F, by name and aliases, in any case."""
    for marker in MARKERS:
        for word in (marker.emoji, marker.emoji + "\ufe0f", *marker.words):
            assert find_marker(word) is marker
            assert find_marker(word.upper()) is marker
    assert find_marker("🎉") is None
    assert find_marker("no-marker") is None


def test_words_and_letters_are_each_of_one_marker() -> None:
    for words in (
        [marker.emoji for marker in MARKERS],
        [marker.letter for marker in MARKERS],
        [word for marker in MARKERS for word in marker.words],
    ):
        assert len(set(words)) == len(words)


def test_an_emoji_that_no_table_knows_is_a_marker_by_itself() -> None:
    assert marker_of("🎉").emoji == "🎉"
    assert marker_of("🔍") is find_marker("debug")
    assert plain("✉️") == "✉"


def test_real_ranks_of_two_workers(data: Path) -> None:
    """Each row of both workers in one file has a rank: stated, or that of its pid or address."""
    with opened((data / "h200" / "pd-tp2-workers" / "decode.log").read_bytes()) as source:
        ranks = [rank.value if rank else None for rank in source.kinds.ranks()]
        assert set(ranks) == {0, 1}
