"""A line that is told by one like it before is what it would be if it were read by itself."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core import alike
from pdtui.core.alike import Alike
from pdtui.core.bytescan import ByteBlock, Positions
from pdtui.core.digests import STRETCH, Numbered, mixed, stretches, without_digits
from pdtui.core.outlines import Outlines
from pdtui.core.understood import Recalled
from tests.core.sources import opened

DATA = Path(__file__).parents[1] / "data"
LOGS = sorted(DATA.rglob("*.log"))
HEAD = "INFO 11-22 10:00:%02d [p2p_nccl_engine.py:234] "


@contextmanager
def told() -> Iterator[list[int]]:
    """How many lines were told by one before them, and how many there were."""
    count = [0, 0]
    recall = Alike.recall

    def counted(self: Alike, block: ByteBlock, starts: Positions, ends: Positions) -> Recalled:
        found = recall(self, block, starts, ends)
        count[0] += int(found.known.sum())
        count[1] += len(found.known)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Alike, "recall", counted)
        yield count


def rows_of(pieces: list[bytes], *, remembering: bool) -> list[tuple[object, ...]]:
    """What is known of each row, and the steps, with or without a memory."""
    with pytest.MonkeyPatch.context() as patch:
        if not remembering:
            patch.setattr(Alike, "keep", lambda *_: None)
            patch.setattr(Outlines, "learn", lambda *_: False)
        with opened(pieces) as source:
            kinds, ranks = source.kinds, source.kinds.ranks()
            rows: list[tuple[object, ...]] = []
            for when, number in zip(source.columns.when, source.columns.kind, strict=True):
                kind, rank = kinds.kinds[number], ranks[number]
                process = kinds.processes[kind.process]
                container = kinds.containers[process.container]
                rows.append((
                    int(when), *kind[:2], process.pid, process.name, process.host, container,
                    kind.rank, kinds.marker_sets[kind.markers], kinds.addresses[kind.address],
                    *kind[6:], rank,
                ))  # fmt: skip
            rows += [tuple(trace) for trace in source.traces]
            return [*rows, *zip(source.requests.row[:], source.requests.key[:], strict=True)]


def again(line: bytes, chance: random.Random) -> bytes:
    """The line with some of its digits changed."""
    digits = (chance.randrange(48, 58) if chance.random() < 0.2 else byte for byte in line)
    return bytes(d if 48 <= byte < 58 else byte for byte, d in zip(line, digits, strict=True))


@pytest.mark.parametrize("path", LOGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_lines_alike_are_what_they_are_by_themselves(path: Path) -> None:
    """Real lines, repeated with other numbers, with a memory of lines and without one."""
    chance = random.Random(str(path.name))
    lines = path.read_bytes().splitlines(keepends=True)[:150]
    pieces = [b"".join(lines)]
    pieces += [b"".join(again(line, chance) for line in lines) for _ in range(4)]
    assert rows_of(pieces, remembering=True) == rows_of(pieces, remembering=False)


@pytest.mark.parametrize("begins", [85, 91, 92, 93, 120, 127, 128, 129])
@pytest.mark.parametrize("message", [b"\xe9", "\U0001f6a8".encode(), b"[Rank 0", b"", b"a" * 40])
def test_heads_that_end_where_a_stretch_does(begins: int, message: bytes) -> None:
    """What counts of a line may reach beyond its end, and that of a block's last line too."""
    file = "x" * (begins - len("INFO 11-22 10:00:00 [.py:7] "))
    heads = [f"INFO 11-22 10:00:{second:02} [{file}.py:7] ".encode() for second in range(6)]
    assert {len(head) for head in heads} == {begins}
    lines = [head + message + b"\n" for head in heads]
    assert rows_of(lines, remembering=True) == rows_of(lines, remembering=False)


def test_most_lines_of_a_real_run_are_told() -> None:
    """The memory is used: lines of a run that goes on are told by those before."""
    lines = (DATA / "h200" / "pd-tp2-workers" / "prefill.log").read_bytes()
    with told() as count, opened([lines, lines, lines]) as source:
        assert len(source) == count[1]
    # The first time nothing is known, the second time it is kept.
    assert count[0] >= count[1] / 3 * 0.8


@pytest.mark.parametrize("number", [0, 1, 7, 12, 4094, 4095])
def test_ranks_and_stamps_are_read_anew(number: int) -> None:
    """What differs and counts is never taken from the line before."""
    lines = [
        f"{HEAD % (second % 60)}🔍 [Rank {rank}] Thread started\n".encode()
        for second, rank in enumerate([5, 5, 5, number, 5, number])
    ]
    assert rows_of(lines, remembering=True) == rows_of(lines, remembering=False)


@pytest.mark.parametrize("stamp", ["13-01 10:00:00", "02-30 10:00:00", "11-22 24:00:00"])
def test_a_stamp_that_is_none_is_not_told(stamp: str) -> None:
    """A line whose stamp is no time is no vLLM line, though those like it are."""
    good = [f"{HEAD % second}Running: {second} reqs\n".encode() for second in range(10, 16)]
    bad = good[0].replace(b"11-22 10:00:10", stamp.encode())
    lines = [*good, bad, *good]
    assert rows_of(lines, remembering=True) == rows_of(lines, remembering=False)


@pytest.mark.parametrize(
    "torn",
    ["2026-11-22 06:35:58.6892d9", "2026-11-22 06:35:5a.689219", "2026-11-2b 06:35:58.689219",
     "2026-1a-22 06:35:58.689219", "202b-11-22 06:35:58.689219"],
)  # fmt: skip
def test_letters_in_place_of_a_stamps_digits_are_not_told(torn: str) -> None:
    """`a` to `f` are digits of ids, and of the outline: here they are none."""
    line = "[%s] vm:943:1480 [0] NCCL INFO Channel 0/1\n"
    pieces = [(line % f"2026-11-22 06:35:5{n}.689219").encode() for n in range(8)]
    pieces.append((line % torn).encode())
    assert rows_of(pieces, remembering=True) == rows_of(pieces, remembering=False)


def test_the_latest_name_counts_also_of_lines_told() -> None:
    """`VllmWorker-0` becomes `Worker`, and back where a line says so again."""
    first, second = (
        f"({name} pid=7) {HEAD % 1}Running\n".encode() for name in ("VllmWorker-0", "Worker")
    )
    for lines in ([first] * 3 + [second] * 3, [first, first, second, second, first]):
        assert rows_of(lines, remembering=True) == rows_of(lines, remembering=False)


def test_a_prefix_that_is_learned_late_counts_for_lines_alike() -> None:
    """`0: ` is a prefix from the first one before a head on, whatever was told before."""
    bare, head = b"0: some text\n", f"0: {HEAD % 3}Running\n".encode()
    lines = [bare, bare, bare, head, bare, head, bare]
    assert rows_of(lines, remembering=True) == rows_of(lines, remembering=False)


def test_a_pod_that_differs_in_a_digit_is_another_pod() -> None:
    """Only that of a pod which has written a head is a prefix."""
    head = b"prefill-7d9 vllm vm:934:1475 [0] NCCL INFO ENV/Plugin: Could not find\n"
    lines = [f"prefill-{n}d9 vllm in NCCL_CHECK\n".encode() for n in (2, 3, 4, 7, 5)]
    assert rows_of([head, *lines], remembering=True) == rows_of([head, *lines], remembering=False)


def test_the_memory_begins_anew_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """More statements than it holds cost time and nothing else."""
    monkeypatch.setattr(alike, "_MOST", 8)
    lines = [
        f"{HEAD % (n % 60)}{chr(97 + n % 26)}{chr(97 + n % 25)} said\n".encode() for n in range(400)
    ]
    pieces = [b"".join(lines[begin : begin + 40]) for begin in range(0, 400, 40)]
    assert rows_of(pieces, remembering=True) == rows_of(pieces, remembering=False)


@settings(max_examples=100)
@given(st.lists(st.binary(min_size=STRETCH, max_size=STRETCH), min_size=1, max_size=6))
def test_words_without_digits_differ_in_digits_only(lines: list[bytes]) -> None:
    """Every digit becomes the same one, no other byte becomes another."""
    data = np.frombuffer(b"".join(lines), np.uint8)
    words = stretches(data, np.arange(len(lines)) * STRETCH)
    plain = without_digits(words).view(np.uint8).tobytes()
    assert plain == b"".join(lines).translate(bytes.maketrans(b"0123456789", b"0" * 10))
    assert len(set(mixed(words).tolist())) == len(set(lines))


def test_numbers_of_digests() -> None:
    """A digest has its number from when it was entered, others have none; there is an end."""
    table = Numbered(3)
    digests = [0x1234_5678_9ABC_DEF0, 7, 1 << 63, 99]
    assert [table.enter(digest) for digest in digests] == [1, 2, 3, 0]
    assert table.full
    asked = np.array([*digests, 0, 8], np.uint64)
    assert table.numbers(asked).tolist() == [1, 2, 3, 0, 0, 0]
    assert table.enter(7) == 2


def test_a_longer_head_that_begins_alike_does_not_end_the_telling() -> None:
    """Where more of a line has to be looked at than before, those kept before are kept anew."""
    short = f"(Worker_TP0 pid=7) {HEAD % 1}Running: 3 reqs\n".encode()
    long = f"(Worker_TP0 pid=7) {HEAD % 1}🔍 [Rank 0] Thread started: 4\n".encode()
    with told() as count, opened([short] * 3 + [long] * 3 + [short] * 3):
        before = list(count)
    with told() as count, opened([short] * 3 + [long] * 3 + [short] * 8):
        pass
    assert before[0] >= 2
    assert count[0] - before[0] == 5
