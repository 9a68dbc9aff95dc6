"""The logs that the benchmarks are measured on: the same every time, and understood."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from benchmarks import flood, mixed
from benchmarks.files import ROLES, Files

from pdtui.core.stats import stats_of
from pdtui.core.store import Store

LINES = 6_000
_ID = re.compile(r"unique_id_hex=([0-9a-f]{16})")


def made(role: str, seed: int = 1, lines: int = LINES) -> list[str]:
    return list(mixed.lines_of(lines, role, seed))


@pytest.mark.parametrize("role", ROLES)
def test_the_same_seed_makes_the_same_lines(role: str) -> None:
    """And another seed makes others; the quick way to a file makes the same bytes."""
    assert made(role) == made(role)
    assert made(role) != made(role, seed=2)
    whole = "".join(f"{line}\n" for line in made(role)).encode()
    assert b"".join(mixed.stretches(LINES, role, 1)) == whole


@pytest.mark.parametrize("lines", [1, 2, 7, 50, 1234])
def test_as_many_lines_as_were_asked_for(lines: int) -> None:
    """The last one is the one that is looked for on the screen."""
    text = b"".join(mixed.stretches(lines, "prefill", 1))
    assert text.count(b"\n") == lines
    assert text.endswith(f"last of prefill, 1-{lines}\n".encode())


def test_every_made_line_is_understood(tmp_path: Path, load: Callable[..., Store]) -> None:
    """No row is unclaimed; ranks, markers, levels and tracebacks are in them."""
    paths = [tmp_path / f"{role}.log" for role in ROLES]
    for path, role in zip(paths, ROLES, strict=True):
        path.write_bytes(b"".join(mixed.stretches(LINES, role, 1)))
    for source in load(*paths, year=2025).sources:
        stats = stats_of(source)
        assert stats.rows == LINES
        assert stats.unclaimed == 0
        assert {"vllm", "nccl", "uvicorn"} <= set(stats.formats)
        assert {"🔍", "🤝", "🚧", "🚨"} <= set(stats.markers)
        assert {"0", "1"} <= set(stats.ranks)


def test_both_sides_speak_of_the_same_handshakes_at_the_same_time() -> None:
    """What prefill sent decode received, in the same order and within a second."""
    sides = [
        [(found[1], line.partition("-20 ")[2][:8]) for line in made(role)
         if (found := _ID.search(line))]
        for role in ROLES
    ]  # fmt: skip
    assert len(sides[0]) > 20
    assert [one for one, _ in sides[0]] == [one for one, _ in sides[1]]
    seconds = [[int(at[-2:]) + 60 * int(at[3:5]) for _, at in side] for side in sides]
    assert all(abs(sent - came) <= 1 for sent, came in zip(*seconds, strict=True))


def test_numbers_vary_and_stamps_go_on() -> None:
    """Hardly a line comes twice, and no stamp goes back."""
    lines = made("decode")
    dated = [line for line in lines if " 11-20 " in line]
    assert len(set(dated)) > 0.85 * len(dated)
    stamps = [line.partition(" 11-20 ")[2][:8] for line in dated]
    assert all(before <= after for before, after in pairwise(stamps))


def test_files_are_made_once(tmp_path: Path) -> None:
    """A file that is as it would be made is left alone; one that is not is made anew."""
    files = Files(tmp_path)
    names = files.pair(40)
    first = [(tmp_path / name).stat() for name in names]
    (tmp_path / names[1]).write_text("something else\n")
    assert Files(tmp_path).pair(40) == names
    again = [(tmp_path / name).stat() for name in names]
    assert again[0].st_ino == first[0].st_ino
    assert again[0].st_mtime == first[0].st_mtime
    assert again[1].st_size == first[1].st_size


def test_a_flood_says_how_much_it_wrote(tmp_path: Path) -> None:
    """Each file holds as many lines, the marks in order, and ids that do not come twice."""
    for name in flood.names(2):
        (tmp_path / name).touch()
    said = flood.flood(tmp_path, files=2, rate=1000, seconds=0.1)
    for name, written in zip(flood.names(2), said.written, strict=True):
        text = (tmp_path / name).read_text()
        assert text.count("\n") == said.lines == 100
        turns = [int(turn) for turn in re.findall(r"mark \d (\d+)\.", text)]
        assert turns == list(range(len(written)))
        assert f"{flood.DRAWN:08x}" not in text
