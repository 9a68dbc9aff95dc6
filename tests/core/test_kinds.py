"""What is known of rows together, and what is learned late."""

from __future__ import annotations

import numpy as np
import pytest

from pdtui.core.kinds import MAX_RANK, NO_PROCESS, KindTable, field_mask, level_of, pack
from tests.core.sources import columns_of, growing, lines_of, opened, said, scanned

HEAD = "INFO 11-22 06:35:44 [a.py:1] "
NCCL = "vm:5:9 [0] NCCL INFO text"


def ranks(*lines: str) -> list[tuple[int | None, str | None]]:
    """Rank and its source of each line, fed at once and line by line."""
    data = "".join(f"{line}\n" for line in lines).encode()
    rows = scanned(data)
    assert scanned(lines_of(data)) == rows
    return [(row.rank, row.rank_source) for row in rows]


def test_a_pids_rank_reaches_earlier_rows() -> None:
    """What a later row says of its pid ranks the rows before it, and the source says it changed."""
    with growing("prefill") as [written]:
        written.write(f"{NCCL}\n  under it\n".encode())
        kinds = written.source.kinds
        revision = kinds.revision
        assert [row.rank for row in said(written.source)] == [None, None]
        written.write(f"(Worker pid=5) {HEAD}[Rank 2] text\n".encode())
        written.write(f"(Worker pid=6) {HEAD}[Rank 3] text\n".encode())
        assert kinds.revision > revision
        assert [(row.rank, row.rank_source) for row in said(written.source)] == [
            (2, "pid"), (2, "continuation"), (2, "explicit"), (3, "explicit"),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        # explicit before pid, pid before address, address before file
        (
            [f"(Worker_TP1 pid=5) {HEAD}[Rank 2] x", NCCL, f"(Worker_TP1 pid=5) {HEAD}x"],
            [(2, "explicit"), (None, None), (1, "explicit")],
        ),
        (
            [
                f"(W_TP1 pid=5) {HEAD}x",
                f"{HEAD}💯init, rank:2, zmq_address:a:1, b:1",
                f"(W pid=5) {HEAD}🤝ncclCommInitRank Success, a:1👉b:2, MyRank:0",
                f"{HEAD}🤝ncclCommInitRank Success, a:1👉b:2, MyRank:0",
                f"{HEAD}x",
            ],
            [(1, "explicit"), (2, "explicit"), (1, "pid"), (2, "address"), (None, None)],
        ),
        # two ranks for one pid: none of them
        ([f"(W rank=0 pid=5) {HEAD}x", f"(W rank=1 pid=5) {HEAD}x", NCCL],
         [(0, "explicit"), (1, "explicit"), (None, None)]),
        # two ranks for one address: none of them
        (
            [
                f"{HEAD}💯init, rank:0, zmq_address:a:1, b:1",
                f"{HEAD}💯init, rank:1, zmq_address:a:1, b:1",
                f"{HEAD}🤝ncclCommInitRank Success, a:1👉b:2, MyRank:0",
            ],
            [(0, "explicit"), (1, "explicit"), (None, None)],
        ),
        # all of the file say the same
        ([f"{HEAD}[Rank 4] x", f"{HEAD}x", "vm:7:9 [0] NCCL INFO x", "x"],
         [(4, "explicit"), (4, "file"), (4, "file"), (4, "file")]),
        ([f"{HEAD}[Rank 4] x", f"{HEAD}[Rank 5] x", f"{HEAD}x"],
         [(4, "explicit"), (5, "explicit"), (None, None)]),
        # MyRank, NCCL's rank and the device are none
        ([f"{HEAD}🤝 x, MyRank:1", "vm:7:9 [3] NCCL INFO comm 0x1 rank 1 nranks 2"],
         [(None, None), (None, None)]),
    ],
)  # fmt: skip
def test_the_rules_of_rank_in_their_order(
    lines: list[str], wanted: list[tuple[int | None, str | None]]
) -> None:
    assert ranks(*lines) == wanted


def test_what_a_line_seems_to_say_before_it_is_whole_is_forgotten() -> None:
    """`rank:1` of rank:12 and `PUT` of PUT_ASYNC teach nothing that outlives the line."""
    line = (
        f"{HEAD}💯P2pNcclEngine init, rank:12, local_rank:0, http_address:a:1, "
        "zmq_address:a:14579, proxy_address:, send_type:PUT_ASYNC, x\n"
    ).encode()
    for end in range(1, len(line)):
        with growing("prefill") as [written]:
            written.write(f"{NCCL}\n".encode() + line[:end])
            written.source.show_unfinished()
            written.write(line[end:])
            kinds = written.source.kinds
            assert kinds.ranks_stated == {12}
            assert kinds.send_types == {"PUT_ASYNC"}
            assert [row.rank for row in said(written.source)] == [12, 12]


@pytest.mark.parametrize(
    ("unfinished", "shown", "rest"),
    [
        ("(Worker_TP1 pid=5) x", "Worker_TP1", "\r 99%"),
        ("Nov 22 10:30:45 node vllm[5]: x", "vllm", "\r 99%"),
        ('{"message": "x", "process": 5, "vllm_process_name": "Worker"}', "Worker", "cut"),
        ("[1749803291.555759] [other:5 :0] a.c:1 UCX  ERROR x", None, "\r 99%"),
    ],
)
def test_names_of_a_line_that_is_overwritten_are_forgotten(
    unfinished: str, shown: str | None, rest: str
) -> None:
    """They are shown as long as the line is, and then it is as if it had never been."""
    first = f"{NCCL}\n".encode()
    with opened(first + f"{unfinished}{rest}\n".encode()) as whole:
        wanted = columns_of(whole)
    with growing("prefill") as [written]:
        written.write(first + unfinished.encode())
        written.source.show_unfinished()
        assert said(written.source)[1].process == shown
        written.write(f"{rest}\n".encode())
        assert columns_of(written.source) == wanted


def test_a_line_that_stays_unfinished_teaches_at_the_end() -> None:
    """Where the file has no more to come, its last line counts."""
    with opened(f"{NCCL}\n{HEAD}[Rank 12] x".encode()) as source:
        assert [row.rank for row in said(source)] == [12, 12]


def test_packing_keeps_every_field() -> None:
    """The greatest value of each field comes out as it went in."""
    table = KindTable()
    numbers = table.numbers(
        pack(
            format=np.array([0, 63]),
            level=np.array([0, 5]),
            process=np.array([0, 65_535]),
            rank=np.array([-1, MAX_RANK]) + 1,
            markers=np.array([0, 4095]),
            address=np.array([0, 1023]),
            stamped=np.array([False, True]),
            continuation=np.array([False, True]),
            torn=np.array([False, True]),
        )
    )
    first, last = (table.kinds[number] for number in numbers)
    assert tuple(first) == (0, 0, 0, -1, 0, 0, False, False, False)
    assert tuple(last) == (63, 5, 65_535, MAX_RANK, 4095, 1023, True, True, True)


def test_masks_and_levels_of_packed_numbers() -> None:
    for level in range(6):
        packed = pack(level=np.array([level]), rank=np.array([7]), format=np.array([63]))[0]
        assert level_of(int(packed)) == level
        kept = pack(level=np.array([level]), rank=np.array([7]))[0]
        assert packed & field_mask("rank", "level") == kept


def test_equal_combinations_have_one_number() -> None:
    """Whatever the blocks they come in; the revision is raised only by what is new."""
    table = KindTable()
    first = table.numbers(np.array([5, 9, 5]))
    revision = table.revision
    assert table.numbers(np.array([9, 5])).tolist() == [first[1], first[0]]
    assert len(table) == 2
    assert table.revision == revision


def test_a_full_table_takes_nothing_new() -> None:
    """Processes beyond the last number have none; known ones keep theirs."""
    table = KindTable()
    numbers = [table.process_number(pid) for pid in range(65_600)]
    assert numbers[-1] == NO_PROCESS
    assert len(set(numbers)) == 65_536
    assert table.process_number(0, "name") == numbers[0]
    assert table.processes[numbers[0]].name == "name"
    assert table.processes[NO_PROCESS].name is None
