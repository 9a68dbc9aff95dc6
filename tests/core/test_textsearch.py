"""Searching a stretch of bytes finds what searching line by line finds."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core import textsearch
from pdtui.core.cleaning import SGR
from pdtui.core.query import parse_text
from pdtui.core.source import Source
from tests.core.sources import growing, lines_of, opened

PATTERNS = [
    "a", "x", "ab", "^a", "a$", "^$", "^", "$", "", "a|b", "(a)(b)?", "a.*b", r"a\.b", r"\bab\b",
    r"\d+", r"\w+ \w", "🔍", "é", r"\[a", r"\\", r"\s", r"\s+$", r"\s*$", r"^\s", r"a\s", r"\sa",
    "[^x]*b", "[^a]b", "a[^b]", r"[\s\S]*b", r"\D", r"\W+", r"[ \t]", "(?i)A", "(?s)a.b", "(?s).*b",
    r"\Aa", r"b\Z", "(?<!a)b", r"(?<!\s)a", r"a(?!\s)", "a(?=b)", r"\n", "a\n", r"\\[^x]*b",
    "(?:a|b)+", "a{2,}", ".", r"\x61", r"(a)\1", "((?i:A))b",
]  # fmt: skip

TEXTS = st.lists(
    st.sampled_from([*"ab x\n\n\tA🔍é.1[\\\r", "ab", "\x1b[1m"])
).map("".join)  # fmt: skip


def by_line(data: bytes, pattern: re.Pattern[bytes]) -> list[bool]:
    """Whether each line holds the pattern: slow, and beyond doubt."""
    lines = [SGR.sub(b"", line).removesuffix(b"\n") for line in lines_of(data)]
    return [pattern.search(line) is not None for line in lines]


def holding(source: Source, pattern: re.Pattern[bytes]) -> list[bool]:
    return textsearch.rows_holding(source, pattern, 0, len(source)).tolist()


@settings(max_examples=60)
@given(TEXTS)
def test_a_stretch_is_searched_as_lines_are(text: str) -> None:
    """For expressions that stay in a line, that run over its end, and that look past it."""
    data = text.encode()
    with opened(data) as source:
        for expression in PATTERNS:
            pattern = parse_text(expression).pattern
            assert holding(source, pattern) == by_line(data, pattern), expression


def test_stretches_meet_without_a_gap(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    """However little is searched at a time, and from whatever row to whatever other."""
    log = (data / "h200" / "fail-address-in-use" / "prefill.log").read_bytes()
    pattern = parse_text("ncclCommInitRank").pattern
    wanted = by_line(log, pattern)
    assert 0 < sum(wanted) < len(wanted)
    with opened(log) as source:
        for stretch in (1, 50, 333, 1 << 20):
            monkeypatch.setattr(textsearch, "STRETCH", stretch)
            assert holding(source, pattern) == wanted
            found = textsearch.rows_holding(source, pattern, 20, 60)
            assert found.tolist() == wanted[20:60]


def test_colour_codes_do_not_hide_a_text() -> None:
    """What a reader sees as one word is one word."""
    with opened(b"nccl\x1b[1;36mComm\x1b[0m\nnccl Comm\n") as source:
        assert holding(source, re.compile(b"ncclComm")) == [True, False]


def test_a_file_that_was_cut_holds_less() -> None:
    """Rows whose bytes are gone hold nothing; those that are left are found."""
    for expression in (b"x", b"[x]"):
        with growing("prefill") as [written]:
            written.write(b"x\nx\nx\nx\n")
            written.truncate(3)
            assert holding(written.source, re.compile(expression)) == [True, True, False, False]


@pytest.mark.parametrize("expression", ["[^|]*FOO", r"[\s\S]*FOO", r"\D*FOO", "(?s).*FOO"])
def test_what_could_run_over_all_lines_takes_no_longer(expression: str) -> None:
    """Lines bound it: over a stretch it would be tried from every byte to the stretch's end."""
    data = b"a line of an ordinary log, of a hundred bytes or so, that does not hold it\n" * 4000
    with opened(data) as source:
        begin = time.monotonic()
        assert not any(holding(source, parse_text(expression).pattern))
        assert time.monotonic() - begin < 5
