"""Who waits for whom, since when and why: by the log's own clock, live by the wall clock."""

from __future__ import annotations

import pytest

from pdtui.core.stalls import Stall
from pdtui.core.stamps import SECOND, to_time
from tests.core.handshake_lines import (
    CONTEXT,
    START,
    D,
    P,
    accepting,
    connecting,
    engine,
    line,
    nccl,
    said,
    stalls,
    stock_engine,
)

UP_P, UP_D = engine(P, pid=11), engine(D, rank=1, pid=12)
LATER = line("something else", 47)
BEGAN = to_time(START) + 5 * SECOND


def only(found: list[Stall]) -> Stall:
    """The only stall."""
    assert len(found) == 1
    return found[0]


def of(sent: int, received: int, **more: str) -> Stall:
    """The stall where so many lines of each side were written, 42 s before the logs' end."""
    return only(
        stalls(
            prefill=UP_P + said(connecting(P, D)[:sent]),
            decode=UP_D + said(accepting(D, P, rank=1)[:received]) + LATER,
            **more,
        )
    )


@pytest.mark.parametrize(
    ("sent", "received", "sentence"),
    [
        (
            6,
            0,
            "prefill waits in ncclCommInitRank for decode, 42 s: NEW was sent, never received",
        ),
        (
            6,
            1,
            "prefill waits in ncclCommInitRank for decode, 42 s: NEW was received, "
            "ncclCommInitRank never called",
        ),
        (
            6,
            3,
            "prefill waits in ncclCommInitRank for decode, 42 s: both sides are in, "
            "neither comes out",
        ),
        (
            8,
            3,
            "decode waits in ncclCommInitRank for prefill, 42 s: the other side is out already",
        ),
        (
            3,
            3,
            "decode waits in ncclCommInitRank for prefill, 42 s: it never called ncclCommInitRank",
        ),
        (2, 0, "prefill waits in create_connect for decode, 42 s: NEW was never sent"),
    ],
)
def test_the_sentence_names_both_and_says_what_is_missing(
    sent: int, received: int, sentence: str
) -> None:
    """One form for the status line, for check, and for every state."""
    assert of(sent, received).sentence == sentence


def test_in_get_decode_is_the_one_that_connects() -> None:
    """The sentence names who waits, not what the patch calls the side."""
    stall = only(
        stalls(
            prefill=engine(P, way="GET") + LATER,
            decode=engine(D, way="GET") + said(connecting(D, P)[:6]),
        )
    )
    assert stall.sentence.startswith("decode waits in ncclCommInitRank for prefill, 42 s: NEW was")


def test_the_evidence_is_the_last_row_of_each_side() -> None:
    """The row with which the wait began, and the last one of the side that does not come."""
    stall = of(6, 1)
    assert stall.evidence == ((0, 5 + 3), (1, 5))
    assert stall.since == BEGAN
    assert stall.steps == {"prefill": "entered ncclCommInitRank", "decode": "NEW received"}


@pytest.mark.parametrize(
    ("sent", "received", "word"),
    [
        (6, 0, "ss -ltn"),
        (6, 0, "port 22001"),
        (6, 1, "py-spy dump --pid 12"),
        (6, 3, "NCCL_SOCKET_IFNAME"),
    ],
)
def test_the_hint_says_what_to_run_next(sent: int, received: int, word: str) -> None:
    """The port and the pid are those of the logs."""
    assert word in of(sent, received).hint


def test_a_finished_handshake_stalls_nobody() -> None:
    """However long ago."""
    logs = {
        "prefill": UP_P + said(connecting(P, D)),
        "decode": UP_D + said(accepting(D, P, rank=1)) + LATER,
    }
    assert stalls(**logs) == []
    assert stalls(**logs, now=BEGAN + 3600 * SECOND) == []


def test_at_the_end_of_a_log_what_is_unfinished_stands_still() -> None:
    """Nothing more will be written: the last second counts as well."""
    stall = only(stalls(prefill=UP_P + said(connecting(P, D)[:6])))
    assert stall.waited == 0
    assert stall.sentence.startswith(
        f"prefill waits in ncclCommInitRank for {D} since 10:30:50: NEW was sent, never received"
    )


@pytest.mark.parametrize(("after", "count"), [(0, 0), (9, 0), (10, 1), (600, 1)])
def test_while_live_a_wait_counts_from_the_threshold_on(after: int, count: int) -> None:
    """`now` is the wall clock."""
    log = UP_P + said(connecting(P, D)[:6])
    found = stalls(prefill=log, now=BEGAN + after * SECOND)
    assert len(found) == count
    if after == 600:
        assert "10 min 0 s" in found[0].sentence


def test_a_wrong_port_is_pointed_out() -> None:
    """Nobody listens at that port; somebody does at another one of that host."""
    log = UP_P + said(connecting(P, "10.0.1.3:29999")[:6])
    stall = only(stalls(prefill=log, decode=UP_D + LATER))
    assert stall.waited_for == "10.0.1.3:29999"
    assert f"but at {D}" in stall.hint


def test_a_peer_that_came_up_anew_is_said_to_have() -> None:
    """NEW went to the engine before; the one that is there now never got it."""
    decode = UP_D + engine(D, rank=1, pid=13, second=30)
    stall = only(stalls(prefill=UP_P + said(connecting(P, D)[:6]), decode=decode))
    assert "decode came up at 10:31:15, after that" in stall.reason


def test_a_peer_that_was_started_anew_after_it_had_new() -> None:
    """The one that had NEW is gone, and so is its word."""
    decode = UP_D + said(accepting(D, P, rank=1)[:1]) + engine(D, rank=1, pid=13, second=30)
    stall = only(stalls(prefill=UP_P + said(connecting(P, D)[:6]), decode=decode))
    assert stall.reason.endswith("never called; decode came up at 10:31:15, after that")
    assert "Restart the waiting side" in stall.hint


def test_a_listener_that_never_ran() -> None:
    """The engine came up but for its listener."""
    down = "".join(text for text in UP_D.splitlines(keepends=True)[:2])
    stall = only(stalls(prefill=UP_P + said(connecting(P, D)[:6]), decode=down))
    assert stall.reason == "NEW was sent, never received; its listener never ran"


def test_a_listener_that_died() -> None:
    """An exception ended its thread before."""
    died = line("x") + "Exception in thread Thread-2 (listen_for_requests):\n"
    stall = only(stalls(prefill=UP_P + said(connecting(P, D)[:6]), decode=UP_D + died))
    assert stall.reason == "NEW was sent, never received; its listener died"


def test_a_stuck_listener_holds_up_the_others() -> None:
    """Two prefills, one decode: the second one waits because the first one's is stuck."""
    other = "10.0.1.9:21001"
    found = stalls(
        prefill1=UP_P + said(connecting(P, D, "aa")[:6], 5),
        prefill2=engine(other) + said(connecting(other, D, "bb")[:6], 8),
        decode=UP_D + said(accepting(D, P, "aa", rank=1)[:4], 5) + LATER,
    )
    assert [stall.waiting for stall in found] == ["prefill1", "prefill2"]
    assert found[0].behind is None
    assert found[1].behind is found[0].handshake
    assert P in found[1].reason


def test_stock_lines_and_nccl_tell_it_too() -> None:
    """Prefill is in, NCCL says so; decode is up and silent."""
    prefill = stock_engine(P) + said([CONTEXT]) + nccl(11, 0, "START")
    stall = only(stalls(prefill=prefill, decode=stock_engine(D) + LATER))
    assert stall.waiting == "prefill"
    assert stall.waited == 42 * SECOND
    assert stall.where == "ncclCommInitRank"


def test_a_run_that_was_stopped_did_not_stall() -> None:
    """It was told to end two seconds after it went in."""
    stop = line("[shutdown] API server: stopping engine client mode=abort timeout=0s", 7)
    log = UP_P + said(connecting(P, D)[:6])
    assert stalls(prefill=log + stop) == []
    late = line("[shutdown] API server: stopping engine client mode=abort timeout=0s", 90)
    assert only(stalls(prefill=log + late)).waiting == "prefill"


def test_of_sixteen_only_the_stuck_one_is_told() -> None:
    """The ranks of one file are told apart by name."""
    logs = {"prefill": "", "decode": ""}
    for rank in range(16):
        p, d = f"10.0.1.2:{21001 + rank}", f"10.0.1.3:{22001 + rank}"
        stop = 4 if rank == 9 else None
        logs["prefill"] += engine(p, rank, 100 + rank)
        logs["decode"] += engine(d, rank, 200 + rank)
        logs["prefill"] += said(connecting(p, d, f"{rank}a", rank)[:stop])
        logs["decode"] += said(accepting(d, p, f"{rank}a", rank)[:stop])
    stall = only(stalls(**logs))
    assert (stall.waiting, stall.waited_for) == ("prefill rank 9", "decode rank 9")
