"""The scanner on real logs: it says what the reference says, whatever the blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdtui.core.export import export
from pdtui.core.markers import MARKERS
from pdtui.core.matches import Matches
from pdtui.core.query import Filter, parse_markers, parse_ranks, parse_text
from pdtui.core.source import Source
from tests import reference
from tests.conftest import DATA, Load
from tests.core.sources import (
    columns_of,
    differences,
    lines_of,
    opened,
    pieces_of,
    said,
    scanned,
    store_of,
)

YEAR = 2026
FILES = sorted(DATA.rglob("*.log"))
NAMES = [str(path.relative_to(DATA)) for path in FILES]
P2P_FILES = [path for path in FILES if "vllm-cpu" not in path.parts]
P2P_NAMES = [str(path.relative_to(DATA)) for path in P2P_FILES]
TEXTS = ["ncclCommInitRank", "create_connect", "ZMQ", r"\[Rank 0\]", "(🔍|💯|🤝|🚨)"]
"""What the recipes that people use today grep for."""

each_file = pytest.mark.parametrize("path", FILES, ids=NAMES)
each_p2p_file = pytest.mark.parametrize("path", P2P_FILES, ids=P2P_NAMES)


def p2p_logs(corpus: Path) -> list[Path]:
    """The logs of the P2P engine.

    Not those of whole servers: at DEBUG they hold the users' prompts, in which 🔍 is only text.
    """
    return [*sorted(corpus.glob("h200/*/*.log")), corpus / "seed" / "pd_disagg.log"]


def rows_passing(source: Source, wanted: Filter) -> list[int]:
    """The rows of the source that pass the filter, from 0."""
    matches = Matches(wanted)
    matches.refresh(store_of(source).snapshot())
    mask = matches.of(0).mask(0, len(source))
    return [row for row, passes in enumerate(mask.tolist()) if passes]


def rows_with(source: Source, marker: str) -> list[int]:
    """The rows that have the marker."""
    return rows_passing(source, Filter(markers=parse_markers(marker)))


def grep(data: bytes, text: str) -> list[int]:
    """The rows that `grep -F` prints, from 0."""
    return [row for row, line in enumerate(lines_of(data)) if text.encode() in line]


@each_file
def test_every_column_is_what_the_reference_says(path: Path) -> None:
    """Real lines mean to the scanner what they mean to the second reading."""
    data = path.read_bytes()
    assert differences(reference.read(data, YEAR), scanned(data), data) == []


def test_every_column_of_the_corpus_is_what_the_reference_says(corpus: Path) -> None:
    """The same for each log that there is, line by line."""
    logs = sorted(corpus.rglob("*.log"))
    assert len(logs) > 30
    for path in logs:
        data = path.read_bytes()
        assert differences(reference.read(data, YEAR), scanned(data), data) == [], path


@each_file
@pytest.mark.parametrize("size", [61, 997])
def test_block_size_does_not_matter(path: Path, size: int) -> None:
    """Cuts inside heads, emoji and colour codes change nothing."""
    data = path.read_bytes()
    with opened(data) as whole, opened(pieces_of(data, size)) as cut:
        assert columns_of(cut) == columns_of(whole)


@each_file
def test_line_by_line_is_as_good_as_at_once(path: Path) -> None:
    """What a head, a stamp or a pid taught is kept from block to block."""
    data = path.read_bytes()
    with opened(data) as whole, opened(lines_of(data)) as cut:
        assert columns_of(cut) == columns_of(whole)
        assert said(cut) == said(whole)


def assert_blocks_do_not_matter(text: bytes, sizes: range) -> None:
    with opened(text) as whole:
        wanted = columns_of(whole)
    for size in sizes:
        with opened(pieces_of(text, size)) as cut:
            assert columns_of(cut) == wanted, size


def test_each_size_of_block_gives_the_same_rows(data: Path) -> None:
    """Every size from one byte on, for lines of the seed that hold ✉️ and 🤝👈."""
    lines = lines_of((data / "seed" / "pd_disagg.log").read_bytes())
    text = b"".join(lines[row] for row in (14, 20))
    assert_blocks_do_not_matter(text, range(1, len(text) + 1))


def test_sizes_up_to_the_whole_seed_give_the_same_rows(data: Path) -> None:
    """Sizes from one byte to the whole file, an odd number of bytes apart."""
    text = (data / "seed" / "pd_disagg.log").read_bytes()
    assert_blocks_do_not_matter(text, range(1, len(text) + 1, 53))


def test_blocks_of_the_corpus_do_not_matter(corpus: Path) -> None:
    """The same for larger logs, in blocks like the follower's and in odd ones."""
    for name in (
        "h200/fail-address-in-use/prefill.log",
        "h200/pd-nccl-subsys-all/decode.log",
        "vllm-cpu/dp2-tp2-nixl/prefill.log",
        "vllm-cpu/default-nixl/proxy.log",
    ):
        assert_blocks_do_not_matter((corpus / name).read_bytes(), range(997, 65_537, 13_331))


def assert_grep_counts_markers(path: Path) -> None:
    """`grep -c EMOJI` counts the rows that have the marker."""
    text = path.read_bytes()
    with opened(text) as source:
        for marker in MARKERS:
            assert rows_with(source, marker.emoji) == grep(text, marker.emoji), marker.emoji


@each_p2p_file
def test_grep_for_an_emoji_is_the_marker_filter(path: Path) -> None:
    assert_grep_counts_markers(path)


def test_grep_for_an_emoji_is_the_marker_filter_everywhere(corpus: Path) -> None:
    for path in p2p_logs(corpus):
        assert_grep_counts_markers(path)


def test_an_emoji_in_a_prompt_is_no_marker(data: Path, corpus: Path) -> None:
    """grep finds 🔍 and 🚨 in prompts that whole servers log; no row of theirs has the marker."""
    for root in (data, corpus):
        text = (root / "vllm-cpu" / "debug-nixl" / "prefill.log").read_bytes()
        assert grep(text, "🔍")
        with opened(text) as source:
            assert rows_with(source, "🔍") == rows_with(source, "🚨") == []


@each_file
def test_grep_for_a_text_is_the_text_filter(path: Path) -> None:
    """`grep -E` and the text filter find the same rows, for each recipe."""
    data = path.read_bytes()
    with opened(data) as source:
        for item in map(parse_text, TEXTS):
            wanted = [n for n, line in enumerate(lines_of(data)) if item.pattern.search(line)]
            assert rows_passing(source, Filter(texts=(item,))) == wanted


@each_p2p_file
def test_grep_for_a_rank_is_within_the_rank_filter(path: Path) -> None:
    r"""Each row of `grep "\[Rank 0\]"` is one of `--rank 0`, which finds NCCL's rows too."""
    text = path.read_bytes()
    with opened(text) as source:
        for rank in (0, 1):
            ranked = rows_passing(source, Filter(ranks=parse_ranks(str(rank))))
            assert set(grep(text, f"[Rank {rank}]")) <= set(ranked)


def test_the_rank_filter_finds_what_grep_misses(data: Path) -> None:
    """NCCL's rows of a worker have its rank, and no other worker's."""
    path = data / "h200" / "pd-tp2-workers" / "prefill.log"
    text = path.read_bytes()
    with opened(text) as source:
        rank_1 = set(rows_passing(source, Filter(ranks=parse_ranks("1"))))
        assert set(grep(text, "vm:937:")) <= rank_1
        assert not set(grep(text, "vm:936:")) & rank_1
        assert len(grep(text, "vm:936:")) > 60


def assert_text_keeps_files(load: Load, prefill: Path, decode: Path) -> None:
    """Each file's lines stand in its own order, and there are no others."""
    store = load(prefill, decode)
    written = b"".join(export(store, Filter(), "text", label=True, offsets={}))
    lines = lines_of(written)
    for path in (prefill, decode):
        label = f"{path.stem}: ".encode()
        mine = [line.removeprefix(label) for line in lines if line.startswith(label)]
        assert mine == lines_of(path.read_bytes())
    assert len(lines) == len(store)
    plain = b"".join(export(store, Filter(), "text", offsets={}))
    assert sorted(lines_of(plain)) == sorted(
        lines_of(prefill.read_bytes()) + lines_of(decode.read_bytes())
    )


PAIRS = sorted(path.parent for path in DATA.glob("h200/*/decode.log"))


@pytest.mark.parametrize("run", PAIRS, ids=[run.name for run in PAIRS])
def test_exported_text_is_the_files_merged(load: Load, run: Path) -> None:
    assert_text_keeps_files(load, run / "prefill.log", run / "decode.log")


def test_exported_text_of_the_corpus_is_the_files_merged(load: Load, corpus: Path) -> None:
    for run in ("h200/pd-get", "h200/fail-decode-oom", "vllm-cpu/dp2-tp2-nixl"):
        assert_text_keeps_files(load, corpus / run / "prefill.log", corpus / run / "decode.log")
