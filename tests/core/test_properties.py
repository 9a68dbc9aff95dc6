"""What holds for every input, on made-up logs and on bytes that are none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core.describe import Describer
from tests import reference
from tests.core.loglines import logs, nccl_heads, other_heads, prefixes, vllm_heads
from tests.core.sources import columns_of, differences, growing, lines_of, opened, said, scanned

YEAR = 2026
HEADS = vllm_heads() | nccl_heads() | other_heads()
ANY_BYTES = st.binary(max_size=300) | st.lists(
    st.sampled_from([b"\n", b"\r", b"\x1b[", b"\0", b"\xf0\x9f", b"[", b"(", b"INFO ", b" NCCL "])
).map(b"".join)


@settings(max_examples=60)
@given(ANY_BYTES)
def test_any_bytes_are_rows(data: bytes) -> None:
    """As many rows as lines, the rows' bytes are the input, and each row can be described."""
    with opened(data) as source:
        assert len(source) == len(lines_of(data))
        assert [source.line(row) for row in range(len(source))] == lines_of(data)
        describer = Describer(source)
        for row in range(len(source)):
            assert describer.describe(row).as_json()["line"] == row + 1


@settings(max_examples=60)
@given(ANY_BYTES)
def test_any_bytes_mean_what_the_reference_says(data: bytes) -> None:
    """Bytes that are no log are read alike too."""
    assert differences(reference.read(data, YEAR), scanned(data), data) == []


@settings(max_examples=60)
@given(logs())
def test_made_up_logs_mean_what_the_reference_says(data: bytes) -> None:
    """Heads, prefixes, colour, returns, markers and garbage in mixtures that no log has yet."""
    assert differences(reference.read(data, YEAR), scanned(data), data) == []


MARKED = re.compile(r"(?:\[Rank [0-9]+\] )?🔍")


@settings(max_examples=60)
@given(st.lists(prefixes(), max_size=2), HEADS, st.sampled_from(["", "[Rank 3] "]))
def test_both_ways_agree_where_the_message_begins(before: list[str], head: str, rank: str) -> None:
    """A marker is found in all lines together just where one line's message begins with it."""
    row = scanned(f"{''.join(before)}{head}{rank}🔍 text".encode())[0]
    assert (row.markers == ("🔍",)) == bool(MARKED.match(row.message))


@settings(max_examples=40)
@given(logs(), st.lists(st.integers(0, 2000), max_size=6), st.booleans())
def test_cuts_do_not_matter(data: bytes, places: list[int], shown: bool) -> None:
    """Fed in any pieces, with unfinished lines shown or not, the rows end up the same."""
    with opened(data) as whole:
        wanted, wanted_columns = said(whole), columns_of(whole)
    cuts = sorted(place % (len(data) + 1) for place in places)
    with growing("prefill") as [written]:
        for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            written.write(data[begin:end])
            if shown:
                written.source.show_unfinished()
                assert len(written.source) == len(lines_of(data[:end]))
        written.source.finish_line()
        assert differences(wanted, said(written.source), data) == []
        assert columns_of(written.source) == wanted_columns


HEAD = "INFO 11-22 10:30:45 [a.py:1] "
TRACEBACK = "Traceback (most recent call last):"
UTC = "2026-11-22T09:30:45Z  INFO dynamo_llm::hub: x"
LEARNED = {
    "numbers": [f"0: {HEAD}x", "0: words", "1: 🔍 x", f"1: {HEAD}y", "2: words"],
    "pods": ["pod-a main words", f"pod-a main {HEAD}x", "pod-a main words", "pod-b main words"],
    "a pod and a stamp": [f"pod-a main 2026-11-22T10:30:45Z {HEAD}x", "pod-a main words"],
    "records": [f"{HEAD}a\r", f"{HEAD}b\r", f"{HEAD}c", f"{HEAD}d\r", f"{HEAD}e"],
    "records of a terminal": ["x\r", f"{HEAD}a\r\r", f"{HEAD}b\r", f"{HEAD}c\r", f"{HEAD}d\r"],
    "warnings": ["vm:5:6 [0] init.cc:9 NCCL WARN x", "vm:5:6 [0] NCCL INFO init.cc:1 -> 5"] * 2,
    "zones": [UTC, f"{HEAD}x", UTC, "words", UTC.replace("T09", "T11"), f"{HEAD}x"],
    "containers": ["[pod/a/c] words", f"[pod/b/c] {HEAD}x", "[pod/a/c] words", f"[pod/a/c] {HEAD}y",
                   "[pod/a/c] words", "[pod/b/c] words", "words"],
    "names": [f"(VllmWorker-0 pid=7) {HEAD}x", f"(Worker pid=7) {HEAD}x", "vm:7:8 NCCL INFO x",
              '{"message": "x", "process": 7, "vllm_process_name": "Worker_TP0"}'],
    "years": ["INFO 12-31 23:59:59 [a.py:1] x", "INFO 01-01 00:00:00 [a.py:1] x"] * 2,
    "tracebacks": [TRACEBACK, f"(W pid=7) {HEAD}x", TRACEBACK, f"(W pid=7) {TRACEBACK}"],
    "markers": [f"{HEAD}🔍 🎉 x", f"{HEAD}🎉 x", f"{HEAD}🎉‍💻 x", f"{HEAD}👍🏽 x", f"{HEAD}👍 x"],
    "returns": ["\r", "\r\r", "", f"a\r{HEAD}x\r b\r", "\r\r\r"],
    "strange bytes": ["\0", f"\0{HEAD}x", "\udcff\udcfe", f"{HEAD}\udcf0\udc9f\udc94", "\udcf0"],
}  # fmt: skip


@pytest.mark.parametrize("lines", LEARNED.values(), ids=LEARNED)
def test_what_one_line_teaches_is_kept_across_every_cut(lines: list[str]) -> None:
    """Cut in two at many a byte, with the unfinished line shown: the same rows."""
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    with opened(data) as whole:
        wanted, wanted_columns = said(whole), columns_of(whole)
    assert differences(reference.read(data, YEAR), wanted, data) == []
    newlines = [place for place, byte in enumerate(data) if byte == ord("\n")]
    near = {place + step for place in newlines for step in (-1, 0, 1)}
    for cut in sorted({*range(1, len(data), 7), *near} & set(range(1, len(data)))):
        with growing("prefill") as [written]:
            written.write(data[:cut])
            written.source.show_unfinished()
            written.write(data[cut:])
            assert columns_of(written.source) == wanted_columns, cut


LONG = 1_000_000


@pytest.mark.parametrize(
    "text",
    ["x", " ", "0", "[", "(", "\r", "\0", "{", "🔍", "a:", "🤝 a:1👉", "[rank1]:", "\x1b[0m",
     "(A pid=1) ", "11-22 10:30:45 ", "NCCL INFO "],
)  # fmt: skip
def test_lines_of_a_megabyte(text: str) -> None:
    """Behind a head and by themselves they are rows like others, and are read in no time."""
    long = text * (LONG // len(text.encode()))
    rows = scanned(f"{HEAD}{long}\n{long}\n{HEAD}y\n".encode())
    assert [row.format for row in rows[::2]] == ["vllm", "vllm"]
    assert rows[2].message == "y"
