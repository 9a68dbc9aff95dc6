"""A source: bytes become rows, whatever the pieces, and an unfinished line is a row for a while."""

from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdtui.core import source as source_module
from pdtui.core.source import Segment, Source
from tests.core.sources import columns_of, growing, lines_of, opened, said, scanned

INFO = "INFO 11-22 06:35:44 [a.py:1] text"
LATER = "INFO 11-22 06:35:55 [a.py:1] text"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n\n",
        b"x",
        b"x\n",
        b"x\n\ny",
        b"\0\0\0\n\0x\n",
        b"\xff\xfe\n\xf0\x9f\n\x80",
        b"x\r\n\r\n\ry\r\n",
        b"\r",
        b"\n\r",
        f"{INFO}\r\n{INFO}\n".encode(),
        b"x" * 100_000 + b"\n",
    ],
)
def test_rows_are_the_lines(data: bytes) -> None:
    """Empty lines, NULs, bytes that are no UTF-8, CR LF: each line is a row, byte for byte."""
    with opened(data) as source:
        assert [source.line(row) for row in range(len(source))] == lines_of(data)
        assert source.end == source.fed == len(data)
        assert source.read(0, len(data)) == data


def test_messages_of_odd_bytes() -> None:
    """They are shown as far as they can be; a head among them is found."""
    rows = scanned(b"\xff\xf0\x9f\n" + INFO.encode() + b" \xff\0\n")
    assert [row.message for row in rows] == ["\ufffd\ufffd", "text \ufffd\0"]
    assert rows[1].format == "vllm"


def test_feed_says_how_many_rows_it_added() -> None:
    with growing("prefill") as [written]:
        counts = [written.write(piece) for piece in (b"a", b"b\nc\nd", b"", b"\n", b"e\n\n")]
        assert counts == [0, 2, 0, 1, 2]
        assert len(written.source) == 5
        assert written.source.fed == 10


def test_nothing_fed_is_no_row() -> None:
    """Neither now nor when the line is ended."""
    with growing("prefill") as [written]:
        written.write(b"")
        assert not written.source.show_unfinished()
        written.source.finish_line()
        assert len(written.source) == 0


WHOLE = f"{INFO}\nunder it\n".encode()
LINES = [
    INFO,
    "🔍 [Rank 12] bare",
    "(Worker_TP1 pid=937) " + INFO,
    "vm:5:6 [0] NCCL INFO text",
    "[2026-11-22 06:36:26] vm:1580:2355 [0] init.cc:904 NCCL WARN Duplicate GPU",
    "Traceback (most recent call last):",
    "\x1b[1;36m(Worker_TP1 pid=937)\x1b[0;0m " + INFO,
    "INFO 11-22 06:35:44 [a.py:1] glued\r100%",
    "INFO 12-31 23:59:59 [a.py:1] x",
    "INFO:     127.0.0.1:33496 - x",
    f"{INFO} 🔍 [Rank 0] Sending NEW command via ZMQ | remote_address=a:1, unique_id_hex=a1b2",
]


@pytest.mark.parametrize("before", [WHOLE, b"bare\nvm:9:6 [0] NCCL INFO early\n"])
@pytest.mark.parametrize("line", LINES)
def test_a_line_shown_before_it_is_whole_ends_as_itself(line: str, before: bytes) -> None:
    """Shown at many places of it, and again as it grows, it ends as if it had never been shown."""
    text = line.encode()
    after = f"\n{LATER}\nunder it\n".encode()
    with opened(before + text + after) as whole:
        wanted, wanted_columns, traces = said(whole), columns_of(whole), list(whole.traces)
    for end in range(1, len(text) + 1, 5):
        with growing("prefill") as [written]:
            written.write(before + text[:end])
            assert written.source.show_unfinished()
            assert not written.source.show_unfinished()
            shown = len(written.source)
            assert written.source.line(shown - 1) == text[:end]
            written.write(text[end : end + 3])
            assert len(written.source) == shown
            assert written.source.line(shown - 1) == text[: end + 3]
            written.write(text[end + 3 :] + after)
            assert said(written.source) == wanted
            assert columns_of(written.source) == wanted_columns
            assert list(written.source.traces) == traces


def test_an_unfinished_line_is_what_it_seems_to_be() -> None:
    """First a line under the head above, then a head; each change is counted."""
    with growing("prefill") as [written]:
        source = written.source
        written.write(f"{INFO}\nINFO 11-22 06:35:5".encode())
        source.show_unfinished()
        assert [row.continuation for row in said(source)] == [False, True]
        amendments = source.amendments
        written.write(b"5 [a.py:1] ")
        assert [row.continuation for row in said(source)] == [False, False]
        assert source.amendments > amendments
        amendments = source.amendments
        written.write(b"more of the message\n")
        assert said(source)[1].message == "more of the message"
        assert source.amendments == amendments


def test_the_first_stamp_dates_the_rows_above_it() -> None:
    """Also where it comes late, and where an unfinished line only seemed to have one."""
    with growing("prefill") as [written]:
        source = written.source
        written.write(b"bare\n[2026-11-22 10:30:45] text")
        assert [row.time for row in said(source)] == [None]
        source.show_unfinished()
        first = said(source)[1].time
        assert [row.time for row in said(source)] == [first, first]
        written.write(b"\r100%\n")
        assert [row.time for row in said(source)] == [None, None]
        amendments = source.amendments
        written.write(f"{LATER}\nunder it\n".encode())
        times = {row.time for row in said(source)}
        assert times == {said(source)[2].time}
        assert times != {first}
        assert source.amendments > amendments


def test_a_line_that_is_ended_stays() -> None:
    """Where a file was replaced, what follows is a new line though no newline came."""
    with growing("prefill") as [written]:
        written.write(b"one")
        written.source.finish_line()
        written.write(b"two\nthree")
        written.source.show_unfinished()
        written.source.finish_line()
        written.write(b"four\n")
        texts = [written.source.line(row) for row in range(len(written.source))]
        assert texts == [b"one", b"two\n", b"three", b"four\n"]


@given(st.lists(st.sampled_from([b"a", b"INFO 11-01 10:30:00 [a.py:1] b\n", b"\n", b"x" * 30])))
def test_however_a_block_is_cut_into_pieces_its_rows_are_the_lines(parts: list[bytes]) -> None:
    """A line may be longer than a piece, and begin with what was fed before."""
    data = b"".join(parts) + b"\n"
    with pytest.MonkeyPatch.context() as patch:
        for name, size in (("FIRST_PIECE", 8), ("PIECE", 20), ("_LINE", 4), ("_REST", 0)):
            patch.setattr(source_module, name, size)
        cut = Source("a", "", 2025)
        cut.feed(data[:7])
        cut.feed(data[7:])
    whole = Source("a", "", 2025)
    whole.feed(data)
    assert cut.columns.offset[: len(cut)].tolist() == whole.columns.offset[: len(whole)].tolist()
    assert cut.end == whole.end == len(data)


def test_live_batches_are_noted() -> None:
    """First row and number of each batch, but not of batches without a row."""
    with growing("prefill") as [written]:
        written.write(b"disk\n")
        written.write(b"a\nb\n", 7)
        written.write(b"no row yet", 8)
        written.write(b"\n", 9)
        assert written.source.arrivals == [(1, 7), (3, 9)]


def test_lines_are_read_in_part() -> None:
    """The first bytes of a long line are enough for a screen."""
    with opened(b"0123456789\nabc\n") as source:
        assert source.line(0, 4) == b"0123"
        assert source.line(1, 4) == b"abc\n"
        assert source.span(0, 2) == (0, 15)
        assert source.span(1, 1) == (11, 11)
        assert source.span(2, 2) == (15, 15)


def test_a_source_in_several_files_is_one() -> None:
    """A rotated log: rows are read from the file that holds them, across the seam too."""
    source = Source("prefill", "prefill.log", 2026)
    for text in (b"one\ntw", b"o\nthree\n", b"four\n"):
        with tempfile.TemporaryFile(buffering=0) as file:
            source.segments.append(Segment(source.fed, os.dup(file.fileno())))
            file.write(text)
            source.feed(text)
    assert [source.line(row) for row in range(4)] == [b"one\n", b"two\n", b"three\n", b"four\n"]
    assert source.read(2, 17) == b"e\ntwo\nthree\nfou"
    source.close()
    assert source.segments == []
    assert source.read(0, 5) == b""


def test_bytes_that_are_gone_are_not_read() -> None:
    """A file that was cut gives less, and no error."""
    with growing("prefill") as [written]:
        written.write(b"one\ntwo\n")
        written.truncate(5)
        assert written.source.line(0) == b"one\n"
        assert written.source.line(1) == b"t"
        assert written.source.read(6, 8) == b""


def test_kinds_are_counted_as_rows_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of any number of rows from the first on, whole stretches or not, also while it grows."""
    monkeypatch.setattr(source_module, "STRETCH", 7)
    levels = ("INFO", "WARNING", "ERROR", "DEBUG")
    lines = [f"{levels[n * n % 7 % 4]} 11-22 10:00:{n:02} [a.py:1] x\n".encode() for n in range(60)]
    with growing("prefill") as [written]:
        source = written.source
        for line in lines:
            written.write(line)
            kinds = source.columns.kind[:].tolist()
            for stop in (0, len(kinds) // 2, len(kinds)):
                counts = source.kinds_of(stop).tolist()
                assert counts == [kinds[:stop].count(kind) for kind in range(len(counts))]
                assert sum(counts) == stop
