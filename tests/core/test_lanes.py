"""What the tail panes show."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdtui.core.lanes import Lane, Split, lanes_of
from tests.conftest import Load
from tests.core.sources import growing, opened, pieces_of

HEAD = "INFO 11-22 06:35:44 [a.py:1] "
TWO_PROCESSES = f"(A pid=5) {HEAD}x\n(B pid=6) {HEAD}x\n{HEAD}of none\n".encode()
TWO_RANKS = f"{HEAD}[Rank 1] x\n{HEAD}[Rank 0] x\n{HEAD}x\n".encode()
MANY = "".join(f"(P{pid} pid={pid}) {HEAD}x\n" for pid in (3, 1, 7, 5, 4, 2, 6)).encode()
ONE_RANK = f"{HEAD}[Rank 1] x\n{HEAD}x\n".encode()


def labels(split: Split, logs: dict[str, bytes], size: int) -> list[str]:
    """The labels of the lanes of these sources, fed in pieces of this size."""
    with growing(*logs) as written:
        for one, data in zip(written, logs.values(), strict=True):
            for piece in pieces_of(data, size):
                one.write(piece)
        return [lane.label for lane in lanes_of([one.source for one in written], split)]


@pytest.mark.parametrize(
    ("split", "logs", "wanted"),
    [
        (Split.AUTO, {"a": TWO_RANKS}, ["a · rank 0", "a · rank 1", "a · other"]),
        (Split.AUTO, {"a": ONE_RANK}, ["a"]),
        (Split.AUTO, {"a": TWO_PROCESSES}, ["a · A 5", "a · B 6", "a · other"]),
        (Split.AUTO, {"a": MANY}, [f"a · P{pid} {pid}" for pid in range(1, 8)]),
        (Split.AUTO, {"a": TWO_PROCESSES, "b": ONE_RANK}, ["a", "b"]),
        (Split.AUTO, {"a": b""}, ["a"]),
        (Split.AUTO, {}, []),
        (Split.SOURCE, {"a": TWO_RANKS, "b": TWO_PROCESSES}, ["a", "b"]),
        (Split.RANK, {"a": ONE_RANK, "b": TWO_PROCESSES}, ["a · rank 1", "b"]),
        (Split.PROCESS, {"a": TWO_RANKS, "b": b"vm:5:6 [0] NCCL INFO x\n"}, ["a", "b · vm 5"]),
    ],
)
def test_lanes(split: Split, logs: dict[str, bytes], wanted: list[str]) -> None:
    """By rank where a source holds several, by process where it is alone, in the sources' order."""
    assert labels(split, logs, 1000) == wanted
    assert labels(split, logs, 10) == wanted


def test_each_row_is_in_one_lane_of_its_source() -> None:
    with growing("a") as [written]:
        written.write(TWO_RANKS + TWO_PROCESSES)
        source = written.source
        for split in Split:
            masks = [lane.kind_mask(source) for lane in lanes_of([source], split)]
            assert sum(mask.astype(int) for mask in masks).tolist() == [1] * len(source.kinds)


def lane_labels(load: Load, *paths: Path) -> list[str]:
    return [lane.label for lane in lanes_of(load(*paths).sources, Split.AUTO)]


def test_the_seeds_file_has_two_lanes(load: Load, data: Path) -> None:
    """Prefill and decode in one file are seen apart."""
    assert lane_labels(load, data / "seed" / "pd_disagg.log") == [
        "pd_disagg · rank 0", "pd_disagg · rank 1",
    ]  # fmt: skip


def test_two_workers_a_side_have_four_lanes(load: Load, data: Path) -> None:
    run = data / "h200" / "pd-tp2-workers"
    assert lane_labels(load, run / "prefill.log", run / "decode.log") == [
        "prefill · rank 0", "prefill · rank 1", "decode · rank 0", "decode · rank 1",
    ]  # fmt: skip


def test_one_worker_a_side_has_two_lanes(load: Load, data: Path) -> None:
    run = data / "h200" / "pd-put-async-connector"
    assert lane_labels(load, run / "prefill.log", run / "decode.log") == ["prefill", "decode"]


def test_a_whole_server_alone_is_split_by_process(load: Load, data: Path) -> None:
    """One lane a process, and one for the lines that no process signed."""
    found = lane_labels(load, data / "vllm-cpu" / "default-nixl" / "decode.log")
    assert [label.split(" · ")[1].split()[0] for label in found] == [
        "APIServer", "EngineCore", "Worker", "other",
    ]  # fmt: skip


def test_a_lane_is_the_same_when_asked_again() -> None:
    """Equal lanes compare equal, so that a pane can be kept."""
    with growing("a") as [written]:
        written.write(TWO_RANKS)
        first = lanes_of([written.source], Split.AUTO)
        written.write(TWO_RANKS)
        assert lanes_of([written.source], Split.AUTO) == first
        assert first[0] == Lane(0, Split.RANK, 0, "a · rank 0")


def test_roles_that_share_ranks_have_a_lane_each() -> None:
    """Two pods in one file, each with ranks 0 and 1: prefill and decode are seen apart."""
    lines = "".join(
        f"{pod}  | (Worker_TP{rank} pid={rank + 7}) INFO 11-22 06:35:44 [a.py:1] x\n"
        for pod in ("prefill-1", "decode-1")
        for rank in (0, 1)
    )
    with opened(lines.encode(), label="compose") as source:
        lanes = lanes_of([source], Split.AUTO)
        masks = [lane.kind_mask(source)[source.columns.kind[:]].tolist() for lane in lanes]
    assert [lane.label for lane in lanes] == ["compose · prefill", "compose · decode"]
    assert masks == [[True, True, False, False], [False, False, True, True]]
