"""No effect stands above its cause, whatever the clocks say; file order is kept; pieces = whole."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pdtui.core.grammar import Grammar
from pdtui.core.merge import Merge
from pdtui.core.refs import split_ref
from pdtui.core.source import Source
from pdtui.core.stamps import SECOND
from pdtui.core.steps import Pair

DATA = Path(__file__).parents[1] / "data" / "h200"
PAIRS = sorted(
    path.parent for path in DATA.glob("*/prefill.log") if (path.parent / "decode.log").exists()
)
START = datetime(2025, 11, 1, 10, 30, 45)


def order_of(merge: Merge) -> list[tuple[int, int]]:
    """Source number and row of each place."""
    return [split_ref(ref) for ref in merge.refs[:].tolist()]


def merged(sources: list[Source], offsets: dict[str, int] | None = None) -> Merge:
    """The order of sources that were read as a whole."""
    merge = Merge(offsets or {})
    merge.update([(source, len(source)) for source in sources])
    return merge


def line(stamp: datetime, text: str) -> str:
    """A line as the patched engine writes it."""
    return f"INFO {stamp:%m-%d %H:%M:%S} [p2p_nccl_engine.py:36] {text}\n"


OWN = Pair("own", re.compile(rb"pushed (?P<key>\w+)"), re.compile(rb"pulled (?P<key>\w+)"))
GRAMMAR = Grammar(pairs=(OWN,))
TENSOR = "{{'cmd': 'PUT', 'tensor_id': '{key}', 'shape': [2]}}"
WORDINGS = (
    (
        "🔍 [Rank {here}] Sending NEW command via ZMQ | remote_address=a:{there}, "
        "unique_id_hex={key}",
        "🔍 [Rank {here}] ✉️ DECODE: Received NEW command | remote_address=a:{there}, "
        "unique_id_hex={key}",
    ),
    (
        "P2P_SEND_TENSOR_BEGIN tensor_id=t{key} remote_address=a:{there} rank=0",
        "P2P_LISTEN_PUT_BEGIN remote_address=a:{there} tensor_id=t{key} rank=0",
    ),
    (
        "P2P_SEND_TENSOR_BEGIN tensor_id=g{key} remote_address=a:{there} rank=0",
        "P2P_GET_RECV_DONE tensor_id=g{key} remote_address=a:{there} rank=0",
    ),
    (
        "🔍 [Rank {here}] start send kv | request_id=r{key}",
        "🔍 [Rank {here}] kv received | request_id=r{key}",
    ),
    (
        f"🔴[PUT]Recv Tensor, Out Of Memory, a:{{here}}👈a:{{there}}, data:{TENSOR}",
        f"🔴Send Tensor, Peer Out Of Memory/Threshold, a:{{here}} 👉 a:{{there}}, data:{TENSOR}",
    ),
    (
        f"🔴[PUT]Recv Tensor, Out Of Threshold, a:{{here}}👈a:{{there}}, data:{TENSOR}, addr:1",
        f"🔴Send Tensor, Peer Out Of Memory/Threshold, a:{{here}} 👉 a:{{there}}, data:{TENSOR}",
    ),
    (
        "NIXLConnector request_finished(q{key}), request_status=FINISHED_LENGTH_CAPPED, "
        "kv_transfer_params={{'do_remote_decode': True}}",
        "NIXLConnector get_num_new_matched_tokens: kv_transfer_params={{'do_remote_prefill': "
        "True, 'remote_request_id': 'q{key}'}}",
    ),
    ("it was pushed k{key}, by {here}", "it was pulled k{key}, from {there}"),
)
"""Cause and effect in every wording that ties rows together by a key, and in a user's own."""


class Run:
    """A made-up run: processes with clocks of their own, and messages between them.

    The sending of a message is written by one process and, later in true time, its receipt by
    another. What happened before what is then known beyond doubt.
    """

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.count = rng.randint(2, 4)
        skews = [
            timedelta(seconds=rng.choice((0, rng.randint(-3600, 3600)))) for _ in range(self.count)
        ]
        self.texts: list[list[str]] = [[] for _ in range(self.count)]
        self.causes: list[tuple[tuple[int, int], tuple[int, int]]] = []
        now, pending = START, []
        for number in range(rng.randint(5, 120)):
            now += timedelta(milliseconds=rng.choice((0, 10, 300, 2000)))
            here = rng.randrange(self.count)
            place = (here, len(self.texts[here]))
            due = [p for p in pending if p[0] == here]
            if due and rng.random() < 0.6:
                pending.remove(due[0])
                self.causes.append((due[0][1], place))
                _, cause, key = due[0]
                said = WORDINGS[key % len(WORDINGS)][1].format(here=here, there=cause[0], key=key)
            elif rng.random() < 0.4:
                other = rng.choice([n for n in range(self.count) if n != here])
                pending.append((other, place, number + 1))
                key = number + 1
                said = WORDINGS[key % len(WORDINGS)][0].format(here=here, there=other, key=key)
            else:
                said = f"something else {number}"
            self.texts[here].append(line(now + skews[here], said))

    def sources(self) -> list[Source]:
        """Sources that nothing was fed to yet."""
        sources = [Source(f"s{number}", "", 2025) for number in range(self.count)]
        for source in sources:
            source.kinds.grammar = GRAMMAR
        return sources

    def whole(self) -> list[Source]:
        """The sources, fed at once."""
        sources = self.sources()
        for source, texts in zip(sources, self.texts, strict=True):
            source.feed("".join(texts).encode())
        return sources


def assert_sound(order: list[tuple[int, int]], causes, counts: list[int]) -> None:
    """Every row once, each source's in file order, no effect above its cause."""
    assert sorted(order) == [(n, row) for n, count in enumerate(counts) for row in range(count)]
    by_source = defaultdict(list)
    for number, row in order:
        by_source[number].append(row)
    assert all(rows == sorted(rows) for rows in by_source.values())
    place = {where: index for index, where in enumerate(order)}
    for cause, effect in causes:
        assert place[cause] < place[effect], (cause, effect)


@pytest.mark.parametrize("seed", range(80))
def test_no_effect_above_its_cause_with_clocks_up_to_an_hour_apart(seed: int) -> None:
    """Random messages between processes whose clocks differ, with stamps of one second."""
    run = Run(seed)
    assert_sound(order_of(merged(run.whole())), run.causes, [len(t) for t in run.texts])


@pytest.mark.parametrize("seed", range(50))
def test_taken_in_by_pieces_the_order_is_the_same_as_at_once(seed: int) -> None:
    """However the rows are cut into pieces while they are read, the order ends up the same."""
    run, rng = Run(seed), random.Random(seed)
    sources, merge = run.sources(), Merge()
    left = [list(texts) for texts in run.texts]
    while any(left):
        number = rng.choice([n for n, texts in enumerate(left) if texts])
        size = rng.randint(1, 8)
        sources[number].feed("".join(left[number][:size]).encode())
        del left[number][:size]
        if rng.random() < 0.7:
            merge.update([(source, len(source)) for source in sources])
    merge.update([(source, len(source)) for source in sources])
    assert order_of(merge) == order_of(merged(run.whole()))


@pytest.mark.parametrize("seed", range(50))
def test_followed_live_the_order_is_sound_at_every_moment(seed: int) -> None:
    """Rows that arrive live, effects even before their causes, never stand the wrong way round."""
    run, rng = Run(seed), random.Random(seed)
    sources, merge = run.sources(), Merge()
    left = [list(texts) for texts in run.texts]
    batch = 0
    while any(left):
        number = rng.choice([n for n, texts in enumerate(left) if texts])
        size, batch = rng.randint(1, 8), batch + 1
        sources[number].feed("".join(left[number][:size]).encode(), batch)
        del left[number][:size]
        merge.update([(source, len(source)) for source in sources])
        counts = [len(source) for source in sources]
        known = [c for c in run.causes if all(row < counts[n] for n, row in c)]
        assert_sound(order_of(merge), known, counts)
    fresh = merged(sources)
    assert order_of(merge) == order_of(fresh)


@pytest.mark.parametrize("seed", range(20))
def test_the_order_does_not_depend_on_how_the_sources_were_named(seed: int) -> None:
    """Any order of the arguments gives the same order of rows."""
    run, rng = Run(seed), random.Random(seed)
    sources = run.whole()
    expected = [(sources[n].label, row) for n, row in order_of(merged(sources))]
    rng.shuffle(sources)
    assert [(sources[n].label, row) for n, row in order_of(merged(sources))] == expected


def handshake_pairs(lines: list[list[str]]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Causes and effects of a real pair, found by expressions of this test's own."""
    pairs = []
    where = defaultdict(list)
    for number, text in enumerate(lines):
        for row, one in enumerate(text):
            for name, pattern in (
                ("sent", r"Sending NEW command.*unique_id_hex=(\w+)"),
                ("received", r"Received NEW command.*unique_id_hex=(\w+)"),
                ("start", r"commId (0x\w+) - Init START"),
                ("complete", r"commId (0x\w+) - Init COMPLETE"),
                ("refused", r"\[PUT\]Recv Tensor, Out Of Memory.*'tensor_id': '([^']+)'"),
                ("seen", r"Send Tensor, Peer Out Of Memory.*'tensor_id': '([^']+)'"),
                ("done", r"request_finished\(([^)]+)\).*LENGTH_CAPPED.*'do_remote_decode': True"),
                ("asked", r"get_num_new.*remote_prefill': True.*'remote_request_id': '([^']+)'"),
            ):
                if found := re.search(pattern, one):
                    where[name, found[1]].append((number, row))
    for (name, key), places in where.items():
        effects = {"sent": "received", "start": "complete", "refused": "seen", "done": "asked"}
        effect = effects.get(name)
        pairs += [
            (cause, result)
            for cause in places
            for result in where.get((effect, key), ())
            if effect and cause[0] != result[0]
        ]
    return pairs


@pytest.mark.parametrize("run", PAIRS, ids=lambda path: path.name)
@pytest.mark.parametrize("shift", [0, -4, 4, -3600])
def test_real_pairs_with_their_clocks_apart(run: Path, shift: int) -> None:
    """On every real pair, also with decode's clock wrong, no effect stands above its cause."""
    pairs = assert_real_order_is_sound(run, shift)
    if run.name in ("pd-seed-like", "pd-tp2-workers"):
        assert pairs


def test_every_pair_of_the_corpus(corpus: Path) -> None:
    """All runs, those of whole servers too, with decode's clock four seconds late."""
    runs = sorted(path.parent for path in corpus.glob("*/*/prefill.log"))
    assert len(runs) == 18
    pairs = {run.name: len(assert_real_order_is_sound(run, -4)) for run in runs}
    assert pairs["debug-nixl"] == 134
    assert pairs["fail-decode-oom"] == 88 + 1 + 2


def assert_real_order_is_sound(run: Path, shift: int) -> list[object]:
    """Asserts the order of a real run, decode's clock shifted; returns causes and effects."""
    lines = [
        (run / f"{side}.log").read_text(errors="replace").split("\n")[:-1]
        for side in ("prefill", "decode")
    ]
    sources = []
    for side in ("prefill", "decode"):
        source = Source(side, "", 2026)
        source.feed((run / f"{side}.log").read_bytes())
        sources.append(source)
    pairs = handshake_pairs(lines)
    merge = merged(sources, {"decode": shift * SECOND})
    assert_sound(order_of(merge), pairs, [len(source) for source in sources])
    return list(pairs)


def test_the_seed_handshake_reads_as_it_happened() -> None:
    """Of a pair in one second: NEW sent, received, both in, both out; with decode named first."""
    prefill, decode = Source("prefill", "", 2025), Source("decode", "", 2025)
    text = (Path(__file__).parents[1] / "data" / "seed" / "pd_disagg.log").read_text()
    lines = [re.sub(r"10:30:5\d", "10:30:50", one) + "\n" for one in text.splitlines()]
    texts = [[one for one in lines if f"Rank {rank}" in one] for rank in (1, 0)]
    sources = [decode, prefill]
    for source, said_by in zip(sources, texts, strict=True):
        source.feed("".join(said_by).encode())
    said = [texts[number][row] for number, row in order_of(merged(sources))]
    steps = ["Sending NEW", "Received NEW", "DECODE: About", "DECODE: ncclCommInitRank SUCCESS"]
    places = [next(i for i, one in enumerate(said) if step in one) for step in steps]
    assert places == sorted(places)
    success = next(i for i, one in enumerate(said) if "PREFILL: ncclCommInitRank SUCCESS" in one)
    assert success > places[2]


def test_a_log_written_twice_pairs_each_time_with_its_own() -> None:
    """The n-th NEW of a key goes with the n-th receipt of it, and the order is sound."""
    text = {
        side: (DATA / "pd-seed-like" / f"{side}.log").read_bytes() for side in ("prefill", "decode")
    }
    sources = []
    for side, times in (("prefill", 40), ("decode", 7)):
        source = Source(side, "", 2026)
        source.feed(text[side] * times)
        sources.append(source)
    order = order_of(merged(sources))
    place = {where: index for index, where in enumerate(order)}
    sent = [
        row for row, one in enumerate((text["prefill"] * 40).splitlines()) if b"Sending NEW" in one
    ]
    got = [
        row for row, one in enumerate((text["decode"] * 7).splitlines()) if b"Received NEW" in one
    ]
    causes = [((0, cause), (1, effect)) for cause, effect in zip(sent, got, strict=False)]
    assert len(causes) == 7
    assert_sound(order, causes, [len(source) for source in sources])
    assert place[0, sent[20]] > place[1, got[0]]


def test_stock_vllm_with_nccl_silent() -> None:
    """No patch, no line of NCCL: both go in before either comes out, whatever the clocks say."""
    context = "set_p2p_nccl_context, original_values: {'NCCL_MAX_NCHANNELS': None}"
    logs = {"prefill": [], "decode": []}
    for number in range(3):  # three runs one after the other, in one file each
        began = START + timedelta(seconds=100 * number)
        for label, arrow, own, peer in (("prefill", "👉", "a", "b"), ("decode", "👈", "b", "a")):
            ready = f"💯P2pNcclEngine init, rank:0, zmq_address:{own}:1, send_type:PUT"
            done = f"🤝ncclCommInitRank Success, {own}:1{arrow}{peer}:1, MyRank:{int(own == 'b')}"
            late = began + timedelta(seconds=-7 if label == "prefill" else 0)
            logs[label] += [line(late, said) for said in (ready, context, done)]
    sources = []
    for label, lines in logs.items():
        source = Source(label, "", 2025)
        source.feed("".join(lines).encode())
        sources.append(source)
    causes = [((a, 3 * n + 1), (1 - a, 3 * n + 2)) for n in range(3) for a in (0, 1)]
    assert_sound(order_of(merged(sources)), causes, [9, 9])
    assert_sound(order_of(merged(sources, {"decode": -50 * SECOND})), causes, [9, 9])
