"""Searching a stretch of bytes finds what searching line by line finds."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core import textsearch
from pdtui.core.cleaning import SGR
from pdtui.core.needles import needle_of
from pdtui.core.query import parse_text
from pdtui.core.source import Segment, Source
from tests.core.sources import growing, lines_of, opened

PATTERNS = [
    "a", "x", "ab", "^a", "a$", "^$", "^", "$", "", "a|b", "(a)(b)?", "a.*b", r"a\.b", r"\bab\b",
    r"\d+", r"\w+ \w", "🔍", "é", r"\[a", r"\\", r"\s", r"\s+$", r"\s*$", r"^\s", r"a\s", r"\sa",
    "[^x]*b", "[^a]b", "a[^b]", r"[\s\S]*b", r"\D", r"\W+", r"[ \t]", "(?i)A", "(?s)a.b", "(?s).*b",
    r"\Aa", r"b\Z", "(?<!a)b", r"(?<!\s)a", r"a(?!\s)", "a(?=b)", r"\n", "a\n", r"\\[^x]*b",
    "(?:a|b)+", "a{2,}", ".", r"\x61", r"(a)\1", "((?i:A))b", "(?i)aB", "(?i)@x", "(?i)É",
    "(?i)[b]A",
    "ab|x", "(?i)ab|é", "ab?", "ab*x", "ab+?x", "ab{0}", "a{b", "(?i)`|{", "(?x)a b", "(?#b)a",
    r"b\.1", r"(?i)\[A", "(?im)^ab", "é*b", "()a", "[]a]b", "(?i)ab.*X", "|a", "a|",
]  # fmt: skip
ATOMS = [
    "a", "B", "ab", "x", ".", r"\.", r"\d", r"\w", "[aB]", "[^a]", "(ab)", "(?:a|x)", "é", "🔍",
    "@",    "^", "$", r"\b", "|", "(?=a)", "(?!b)", r"\[", "`", " ", "[^|]", "[é.1]",
]  # fmt: skip
EXPRESSIONS = st.tuples(
    st.sampled_from(["", "", "(?i)"]),
    st.lists(
        st.tuples(st.sampled_from(ATOMS), st.sampled_from([*[""] * 4, "?", "*", "+", "{2}", "+?"])),
        min_size=1, max_size=5,
    ),
)  # fmt: skip

TEXTS = st.lists(
    st.sampled_from([*"abB x\n\n\tA🔍é.1[{@`\0\\\r", "ab", "ABx", "\x1b[1m"])
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


@settings(max_examples=300)
@given(TEXTS, EXPRESSIONS)
def test_what_a_line_must_hold_is_read_from_the_expression(
    text: str, expression: tuple[str, list[tuple[str, str]]]
) -> None:
    """For expressions of any parts: a needle never hides a line, nor is it taken for the whole."""
    flags, parts = expression
    written = flags + "".join(
        atom + (repeat if atom not in ("^", "$", "|", r"\b") else "") for atom, repeat in parts
    )
    pattern = parse_text(written).pattern
    data = text.encode()
    with opened(data) as source:
        assert holding(source, pattern) == by_line(data, pattern), written


@pytest.mark.parametrize(
    ("expression", "texts", "exact"),
    [
        ("ncclComm", (b"ncclComm",), True),
        ("(?i)NEW Command", (b"new command",), True),
        (r"took \d+ms to", (b"took ",), False),
        ("error|time.?out", (b"error", b"time"), False),
        (r"10\.0\.0\.1", (b"10.0.0.1",), True),
        ("(a|b)[cd]e?", None, None),
        (r"\x61bc", None, None),
    ],
)
def test_needles(expression: str, texts: tuple[bytes, ...] | None, exact: bool | None) -> None:
    """The longest text of each alternative, as far as the expression is understood."""
    needle = needle_of(parse_text(expression).pattern)
    assert (needle and needle.texts, needle and needle.exact) == (texts, exact)


def test_a_file_that_was_replaced_within_a_line() -> None:
    """The line that was cut off ends there, though it has no newline: what follows is another."""
    with growing("prefill") as [written]:
        written.write(b"x one")
        written.source.finish_line()
        written.source.segments.append(Segment(5, os.dup(written.source.segments[0].descriptor), 5))
        written.write(b"two x\nx\n")
        assert len(written.source) == 3
        for expression in ("x", "[x]", "(?i)X", "x$"):
            pattern = parse_text(expression).pattern
            wanted = [expression != "x$", True, True]
            assert holding(written.source, pattern) == wanted, expression


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
