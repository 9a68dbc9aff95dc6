"""A shape says of one line, by its expression, what it says of all lines together."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core import shapes, stampshapes
from pdtui.core.cleaning import clean
from pdtui.core.formats import FORMATS, Format
from pdtui.core.prefixforms import STAMPS
from pdtui.core.shapes import Shape
from tests.conftest import DATA
from tests.core.loglines import messages, nccl_heads, other_heads, vllm_heads
from tests.core.shapelooks import expressed_in, found_in

SHAPED = [form for form in FORMATS if form.shape is not None]
SHAPES = [form.shape for form in SHAPED if form.shape] + list(STAMPS)
GUARDED = [form for form in FORMATS if form.guard is not None]


def without_prefix(line: bytes) -> bytes:
    """The line from its head on."""
    text = clean(line)
    return text.split(b") ", 1)[1] if text.startswith(b"(") and b" pid=" in text[:60] else text


def compare(lines: list[bytes]) -> int:
    """Holds the search of every shape to its expression; returns how many lines they found."""
    claimed = 0
    for shape in SHAPES:
        found = found_in(shape, lines)
        assert found == expressed_in(shape, lines)
        claimed += len(found)
    for form in GUARDED:
        passed = found_in(form.guard, lines) if form.guard else {}
        claims = {row for row, line in enumerate(lines) if form.pattern.match(line)}
        assert claims <= set(passed), form.name
    return claimed


def test_real_lines_are_claimed_alike() -> None:
    lines = [line for path in DATA.rglob("*.log") for line in path.read_bytes().split(b"\n")]
    assert compare([without_prefix(line) for line in lines]) > 900


def test_the_corpus_is_claimed_alike(corpus: Path) -> None:
    """The same for each line of each log that there is."""
    lines = {line for path in corpus.rglob("*.log") for line in path.read_bytes().split(b"\n")}
    assert compare([without_prefix(line) for line in sorted(lines)]) > 36_000


HEADS = vllm_heads() | nccl_heads() | other_heads()


@settings(max_examples=100)
@given(st.lists(st.builds("{}{}".format, HEADS, messages()), max_size=4))
def test_made_up_heads_are_claimed_alike(lines: list[str]) -> None:
    """Heads at their limits too: long origins, leap seconds, impossible dates, many digits."""
    compare([line.encode().replace(b"\n", b" ") for line in lines])


@pytest.mark.parametrize("form", SHAPED, ids=[form.samples[0][:30].decode() for form in SHAPED])
def test_samples_are_claimed_alike_with_any_byte_changed(form: Format) -> None:
    """Each byte dropped, doubled, or made another."""
    for sample in form.samples:
        head = sample[:60]
        lines = [sample]
        for at in range(len(head)):
            lines += [head[:at] + other + head[at + 1 :] for other in (b"", b" ", b"0", b"9", b"]")]
            lines.append(head[:at] + head[at : at + 1] * 2 + head[at + 1 :])
        compare(lines)


@pytest.mark.parametrize(
    ("part", "fitting", "others"),
    [
        (shapes.Text(b"longer than eight"), ["longer than eight"], ["longer than ", "Longer"]),
        (shapes.OneByte(b"+-"), ["+", "-x"], ["", "x"]),
        (shapes.Blanks(), [" ", "        ", "         x"], ["", "x", "\t"]),
        (shapes.Blanks(2), ["  ", "   x"], [" ", " x"]),
        (shapes.OneOf("level", {b"INFO": 1, b"INFORM": 2}), ["INFO", "INFORMED"], ["INF", "info"]),
        (shapes.Digits(1, 4), ["1", "1234", "12345"], ["", "x1"]),
        (shapes.Digits(2, 12), ["12", "1234567890123"], ["1", ""]),
        (shapes.Digits(8, 16), ["12345678", "1234567890123456"], ["1234567"]),
        (shapes.Until(b" :", 5), ["abc", "abcde ", "a:"], [" a", ":"]),
        (shapes.Until(b" ", 5, least=0), [" ", "ab "], []),
        (stampshapes.Year(), ["1970-", "2199-"], ["1969-", "2200-", "2026", "202x-", "-2026"]),
        (stampshapes.Moment(), ["11-22 00:00:00", "02-30T23:59:60"],
         ["00-22 00:00:00", "11-00 00:00:00", "11-22 24:00:00", "11-22 00:60:00", "1-22 00:00:00"]),
        (stampshapes.GlogDate(), ["1122 00:00:00", "0101 23:59:60"],
         ["1322 00:00:00", "122 00:00:00"]),
        (stampshapes.MonthName(), ["Nov", "Jan "], ["nov", "No"]),
        (stampshapes.Clock(), ["23:59:60"], ["24:00:00", "1:00:00", "10:00"]),
        (stampshapes.NoDate(), ["11-2", "x"], ["11-22 x"]),
    ],
    ids=lambda part: type(part).__name__ if hasattr(part, "expression") else None,
)  # fmt: skip
def test_parts_at_their_limits(part: shapes.Part, fitting: list[str], others: list[str]) -> None:
    """Both ways claim what fits and nothing else, at the end of a block too."""
    for text in (*fitting, *others):
        line = text.encode()
        assert bool(part_found(part, line)) == (text in fitting), text


def part_found(part: shapes.Part, line: bytes) -> bool:
    """Whether both ways find the part at the start of the line; they must agree."""
    shape = Shape((part,))
    # Where the part reaches to the line's end, what follows must not be taken for more of it.
    found = found_in(shape, [line])
    wanted = shape.pattern.match(line)
    assert bool(found) == bool(wanted)
    if wanted:
        assert found[0]["message"] == wanted.start("message")
    return bool(found)


@pytest.mark.parametrize("digits", range(1, 10))
def test_fractions_of_every_length(digits: int) -> None:
    """Up to nine digits; finer ones than microseconds are cut."""
    shape = Shape((stampshapes.Clock(), stampshapes.Fraction()))
    line = b"10:30:45." + b"123456789"[:digits]
    assert found_in(shape, [line, line + b" x"]) == expressed_in(shape, [line, line + b" x"])


def test_shapes_do_not_read_into_the_next_line() -> None:
    """A head that is cut at the line's end is none, whatever the next line begins with."""
    for shape in SHAPES:
        whole = [form.samples[0] for form in SHAPED if form.shape is shape] or [b"x"]
        for end in range(len(whole[0])):
            lines = [whole[0][:end], whole[0][end:]]
            assert found_in(shape, lines) == expressed_in(shape, lines)
