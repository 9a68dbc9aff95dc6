"""Both sides of a handshake are found, whoever wrote what of it, and its state is what it is."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from pdtui.core.handshakes import Handshake, Handshakes, State
from pdtui.core.source import Source
from tests.core.handshake_lines import (
    CONTEXT,
    D,
    P,
    accepting,
    connecting,
    engine,
    line,
    nccl,
    said,
    shakes,
    source,
    stock_engine,
)

UP_P, UP_D = engine(P, pid=11), engine(D, rank=1, pid=12)


def by_addresses(handshakes: Handshakes) -> dict[tuple[str, str], Handshake]:
    """Prefill's and decode's address → the latest handshake of the two."""
    return {handshakes.prefill_and_decode(pair): pair for pair in handshakes.pairs}


def only(handshakes: Handshakes):
    """The only handshake."""
    assert len(handshakes.pairs) == 1
    return handshakes.pairs[0]


def pair(sent: int, received: int) -> Handshakes:
    """A pair in two files of which only so many lines of each side were written."""
    return shakes(
        prefill=UP_P + said(connecting(P, D)[:sent]),
        decode=UP_D + said(accepting(D, P, rank=1)[:received]),
    )


@pytest.mark.parametrize(
    ("sent", "received", "state"),
    [
        (1, 0, State.CONNECTING),
        (2, 0, State.CONNECTING),
        (3, 0, State.NEW_SENT),
        (3, 1, State.NEW_RECEIVED),
        (4, 0, State.CONNECTOR_IN),
        (6, 1, State.CONNECTOR_IN),
        (3, 2, State.ACCEPTOR_IN),
        (0, 3, State.ACCEPTOR_IN),
        (4, 2, State.BOTH_IN),
        (6, 4, State.BOTH_IN),
        (8, 4, State.ONE_DONE),
        (6, 5, State.ONE_DONE),
        (7, 5, State.ESTABLISHED),
        (8, 6, State.ESTABLISHED),
    ],
)
def test_the_state_is_told_by_the_last_step_of_each_side(
    sent: int, received: int, state: State
) -> None:
    """However far each side has come."""
    found = only(pair(sent, received))
    assert found.state is state
    assert (found.connector_address, found.acceptor_address) == (P, D)


@pytest.mark.parametrize("sides", ["prefill", "decode"])
def test_of_one_file_alone_what_that_side_says_is_enough(sides: str) -> None:
    """The other side's log is not at hand: the handshake is there, with both addresses."""
    logs = {
        "prefill": UP_P + said(connecting(P, D)),
        "decode": UP_D + said(accepting(D, P, rank=1)),
    }
    found = only(shakes(**{sides: logs[sides]}))
    assert found.state is State.ESTABLISHED
    assert (found.connector_address, found.acceptor_address) == (P, D)
    assert len(found.sides) == 1


def test_no_engine_that_has_not_begun_makes_a_handshake() -> None:
    """Two engines that came up: nothing waits."""
    handshakes = shakes(prefill=UP_P, decode=UP_D)
    assert handshakes.pairs == []
    assert [engine.address for engine in handshakes.engines] == [P, D]


def test_both_sides_in_one_file() -> None:
    """One file of `tee`: the sides are told apart by their ranks."""
    texts = list(zip(connecting(P, D), [*accepting(D, P, rank=1), "", ""], strict=True))
    both = "".join(line(text, 5) for two in texts for text in two)
    handshakes = shakes(pd=UP_P + UP_D + both)
    found = only(handshakes)
    assert found.state is State.ESTABLISHED
    assert [handshakes.name(side.engine) for side in found.sides] == ["pd rank 0", "pd rank 1"]


def test_stock_vllm_says_only_that_it_goes_in_and_that_it_is_done() -> None:
    """No debug patch, no NCCL lines: 🤝 gives both addresses to what went in before."""
    handshakes = shakes(
        prefill=stock_engine(P) + said([CONTEXT, connecting(P, D)[-1]]),
        decode=stock_engine(D) + said([CONTEXT, accepting(D, P)[-1]]),
    )
    found = only(handshakes)
    assert found.state is State.ESTABLISHED
    assert all(side.row_in() == 1 and side.row_done() == 2 for side in found.sides)


def test_stock_vllm_that_does_not_come_out_again() -> None:
    """Each went in and neither says with whom: with two engines it can be nobody else."""
    found = only(
        shakes(prefill=stock_engine(P) + said([CONTEXT]), decode=stock_engine(D) + said([CONTEXT]))
    )
    assert found.state is State.BOTH_IN


@pytest.mark.parametrize("first", [True, False])
def test_stock_vllm_of_both_sides_in_one_file(first: bool) -> None:
    """No line says whose entry it is; each 🤝 takes one of them, and none is left over."""
    done = [connecting(P, D)[-1], accepting(D, P)[-1]]
    texts = [CONTEXT, CONTEXT, *(done if first else reversed(done))]
    found = only(shakes(pd=stock_engine(P) + stock_engine(D) + said(texts)))
    assert found.state is State.ESTABLISHED
    assert (found.connector_address, found.acceptor_address) == (P, D)
    stuck = shakes(pd=stock_engine(P) + stock_engine(D) + said(texts[:3]))
    assert only(stuck).state is State.ONE_DONE


def test_nccl_says_who_is_whom() -> None:
    """commId ties both sides together, and rank 0 is the one that connects."""
    prefill = stock_engine(P) + said([CONTEXT]) + nccl(11, 0, "START")
    decode = stock_engine(D) + said([CONTEXT]) + nccl(12, 1, "START")
    found = only(shakes(decode=decode, prefill=prefill))
    assert found.state is State.BOTH_IN
    assert found.connector is not None
    assert found.connector.engine.address == P
    assert found.connector.engine.pid == 11


def test_nccl_alone() -> None:
    """No line of vLLM at all: the two ranks of a communicator in two files are a pair."""
    found = only(shakes(a=nccl(11, 0, "START"), b=nccl(12, 1, "START") + nccl(12, 1, "COMPLETE")))
    assert found.state is State.ONE_DONE


def test_a_tensor_parallel_group_is_no_pair_of_prefill_and_decode() -> None:
    """Two workers of one instance make a communicator of two as well, in one file."""
    group = nccl(11, 0, "START", "0xcc") + nccl(12, 1, "START", "0xcc")
    more = nccl(11, 0, "COMPLETE", "0xcc") + nccl(12, 1, "COMPLETE", "0xcc")
    assert shakes(prefill=group + more).pairs == []
    assert shakes(prefill=group).pairs == []
    assert only(shakes(prefill=group + more + UP_P + said(connecting(P, D)))).state is (
        State.ESTABLISHED
    )


def test_a_communicator_of_more_than_two_is_none_either() -> None:
    """nranks 8 is a tensor-parallel group."""
    assert shakes(a=nccl(11, 0, "START", ranks=8), b=nccl(12, 1, "START", ranks=8)).pairs == []


def test_one_side_patched_and_the_other_not() -> None:
    """A mix of versions: 🤝 and its addresses are what both have."""
    found = only(
        shakes(
            prefill=UP_P + said(connecting(P, D)),
            decode=stock_engine(D) + said([CONTEXT, accepting(D, P)[-1]]),
        )
    )
    assert found.state is State.ESTABLISHED
    assert len(found.sides) == 2


def test_in_get_decode_connects() -> None:
    """The patch's word PREFILL is then written by decode; who is who is told by the engine."""
    handshakes = shakes(
        prefill=engine(P, way="GET") + said(accepting(P, D)),
        decode=engine(D, way="GET") + said(connecting(D, P)),
    )
    found = only(handshakes)
    assert (found.connector_address, found.acceptor_address) == (D, P)
    assert handshakes.prefill_and_decode(found) == (P, D)
    assert list(by_addresses(handshakes)) == [(P, D)]


def test_forks_that_write_words() -> None:
    """`P2P_CREATE_CONNECT_…` has no unique id; the addresses tie both sides together."""
    connects = [
        f"P2P_CREATE_CONNECT_BEGIN local_zmq={P} remote_address={D} rank=0 thread=a "
        "existing_sock=False existing_comm=False",
        f"P2P_CREATE_CONNECT_SEND_NEW local_zmq={P} remote_address={D} rank=0 thread=a",
        CONTEXT,
    ]
    accepts = [
        f"P2P_LISTEN_MESSAGE local_zmq={D} remote_address={P} cmd=NEW rank=0 thread=b",
        CONTEXT,
    ]
    prefill, decode = stock_engine(P), stock_engine(D)
    found = only(shakes(prefill=prefill + said(connects), decode=decode + said(accepts[:1])))
    assert found.state is State.CONNECTOR_IN
    found = only(shakes(prefill=prefill + said(connects), decode=decode + said(accepts)))
    assert found.state is State.BOTH_IN
    done = [connecting(P, D)[-1], accepting(D, P)[-1]]
    found = only(
        shakes(
            prefill=prefill + said([*connects, done[0]]), decode=decode + said([*accepts, done[1]])
        )
    )
    assert found.state is State.ESTABLISHED


def test_a_connection_that_is_there_already_is_no_new_handshake() -> None:
    """👋: create_connect was called again, and returned at once."""
    again = [connecting(P, D)[0], f"👋comm exists, remote_address:{D}, comms:{{}}"]
    handshakes = shakes(prefill=UP_P + said(connecting(P, D)) + said(again, 9))
    assert only(handshakes).state is State.ESTABLISHED


def test_crossed_pairs_of_two_by_two() -> None:
    """2P2D, all at once: each NEW goes with its own, in whatever order they are written."""
    prefills, decodes = ["10.0.1.2:1", "10.0.1.2:2"], ["10.0.1.3:3", "10.0.1.3:4"]
    keys = {(p, d): f"{n:x}" for n, (p, d) in enumerate((p, d) for p in prefills for d in decodes)}
    logs = {}
    for number, p in enumerate(prefills):
        logs[f"prefill{number}"] = engine(p) + "".join(
            said(connecting(p, d, keys[p, d])) for d in reversed(decodes)
        )
    for number, d in enumerate(decodes):
        # The last one that decode 1 hears is still in: a listener takes one at a time.
        last = 4 if number else 6
        first, second = (accepting(d, p, keys[p, d]) for p in prefills)
        logs[f"decode{number}"] = engine(d) + said(first) + said(second[:last], 6)
    handshakes = shakes(**logs)
    states = {pair: shake.state for pair, shake in by_addresses(handshakes).items()}
    assert states == {
        (p, d): State.ONE_DONE if (p, d) == (prefills[1], decodes[1]) else State.ESTABLISHED
        for p in prefills
        for d in decodes
    }
    assert all(len(shake.sides) == 2 for shake in handshakes.pairs)


def test_a_restart_begins_a_new_generation() -> None:
    """Decode comes up anew in the same file: the old handshake is closed, the new one its own."""
    prefill = UP_P + said(connecting(P, D, "aa")) + said(connecting(P, D, "bb")[:5], 60)
    decode = UP_D + said(accepting(D, P, "aa", rank=1))
    decode += engine(D, rank=1, pid=13, second=50) + said(accepting(D, P, "bb", rank=1)[:1], 60)
    handshakes = shakes(prefill=prefill, decode=decode)
    assert [shake.state for shake in handshakes.pairs] == [State.CLOSED, State.CONNECTOR_IN]
    assert [shake.generation for shake in handshakes.pairs] == [1, 2]
    assert handshakes.pairs[1].acceptor is not None
    assert handshakes.pairs[1].acceptor.engine.pid == 13
    assert by_addresses(handshakes)[P, D] is handshakes.pairs[1]


def test_a_side_that_is_still_in_after_the_others_restart_is_not_closed() -> None:
    """Prefill never learns that decode was started anew: it waits for the old one."""
    decode = UP_D + said(accepting(D, P, rank=1)[:1]) + engine(D, rank=1, pid=13, second=50)
    found = only(shakes(prefill=UP_P + said(connecting(P, D)[:6]), decode=decode))
    assert found.state is State.CONNECTOR_IN


def test_stock_restarts_by_the_second_init() -> None:
    """A second 💯 with the same address is the next generation."""
    once = stock_engine(D) + said([CONTEXT, accepting(D, P)[-1]])
    handshakes = shakes(decode=once + once)
    assert [engine.generation for engine in handshakes.engines] == [1, 2]
    assert [shake.state for shake in handshakes.pairs] == [State.CLOSED, State.ESTABLISHED]


def sixteen(reach: int) -> dict[str, str]:
    """Sixteen workers a side in one file each, of which so many are done and one is not."""
    logs = {"prefill": "", "decode": ""}
    for rank in range(16):
        p, d = f"10.0.1.2:{21001 + rank}", f"10.0.1.3:{22001 + rank}"
        prefixes = [f"(Worker_TP{rank} pid={base + rank}) " for base in (100, 200)]
        stop = None if rank != reach else 4
        logs["prefill"] += stock_engine(p, rank, prefix=prefixes[0])
        logs["decode"] += stock_engine(d, rank, prefix=prefixes[1])
        logs["prefill"] += said(connecting(p, d, f"{rank:x}a", rank)[:stop], prefix=prefixes[0])
        logs["decode"] += said(accepting(d, p, f"{rank:x}a", rank)[:stop], prefix=prefixes[1])
    return logs


def test_sixteen_ranks_in_two_files() -> None:
    """Each worker shakes hands with its like; one of them does not come out."""
    handshakes = shakes(**sixteen(7))
    assert len(handshakes.pairs) == 16
    by_rank = {shake.sides[0].engine.rank: shake for shake in handshakes.pairs}
    assert by_rank.pop(7).state is State.BOTH_IN
    assert {shake.state for shake in by_rank.values()} == {State.ESTABLISHED}
    assert all({s.engine.rank for s in shake.sides} == {rank} for rank, shake in by_rank.items())


@pytest.mark.parametrize("seed", range(12))
def test_taken_in_by_pieces_it_is_the_same_as_at_once(seed: int) -> None:
    """However the files grow, the handshakes end up the same."""
    rng = random.Random(seed)
    logs = sixteen(3)
    whole = shakes(**logs)
    sources = [Source(label, "", 2025) for label in logs]
    left = [list(text.splitlines(keepends=True)) for text in logs.values()]
    handshakes = Handshakes()
    while any(left):
        number = rng.choice([n for n, lines in enumerate(left) if lines])
        size = rng.randint(1, 40)
        sources[number].feed("".join(left[number][:size]).encode())
        del left[number][:size]
        handshakes.update([(one, len(one)) for one in sources])
    assert told(handshakes) == told(whole)
    assert not handshakes.update([(one, len(one)) for one in sources])


def told(handshakes: Handshakes) -> list[object]:
    """What is known of each handshake, with the label of each side's source."""
    return [
        (
            shake.state,
            shake.connector_address,
            shake.acceptor_address,
            [(handshakes.readers[s.source].source.label, s.steps) for s in shake.sides],
        )
        for shake in handshakes.pairs
    ]


def test_the_order_of_the_arguments_does_not_matter() -> None:
    """The same handshakes, whichever file is named first."""
    logs = sixteen(3)
    turned = dict(reversed(logs.items()))
    assert sorted(map(repr, told(shakes(**logs)))) == sorted(map(repr, told(shakes(**turned))))


def test_an_exception_in_the_thread_ends_its_handshake() -> None:
    """The listener's thread died in ncclCommInitRank: that side failed, and so did the whole."""
    died = (
        "Exception in thread Thread-2 (listen_for_requests):\nTraceback (most recent call last):\n"
    )
    decode = UP_D + said(accepting(D, P, rank=1)[:4]) + died
    handshakes = shakes(prefill=UP_P + said(connecting(P, D)[:6]), decode=decode)
    assert only(handshakes).state is State.FAILED
    (dead,) = [engine for engine in handshakes.engines if engine.died]
    assert dead.address == D


def test_a_source_that_began_anew_is_read_anew() -> None:
    """A truncated file is a new source in the same place."""
    first = source("decode", UP_D + said(accepting(D, P, rank=1)))
    handshakes = Handshakes()
    handshakes.update([(first, len(first))])
    second = source("decode", UP_D)
    assert handshakes.pairs
    handshakes.update([(second, len(second))])
    assert handshakes.pairs == []


def test_rows_not_in_the_snapshot_are_not_looked_at() -> None:
    """What is decided on together is one state."""
    made = source("prefill", UP_P + said(connecting(P, D)))
    handshakes = Handshakes()
    states = []
    for stop in range(5, len(made) + 1):
        handshakes.update([(made, stop)])
        states.append(handshakes.pairs[0].state if handshakes.pairs else None)
    seen = [states[0], *(after for before, after in pairwise(states) if before is not after)]
    assert seen == [
        None,
        State.CONNECTING,
        State.NEW_SENT,
        State.CONNECTOR_IN,
        State.ESTABLISHED,
    ]
