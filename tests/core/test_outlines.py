"""Where a text stands is the same whether outlines tell it or each line is searched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core import bytescan, outlines
from pdtui.core.bytescan import Positions
from pdtui.core.cleaning import Split, split
from pdtui.core.digests import LONGEST, LineStretches
from pdtui.core.outlines import Outlines, TextPlaces

DATA = Path(__file__).parents[1] / "data"
LOGS = sorted(DATA.rglob("*.log"))
TEXTS = (b"cmpl-", b"embd-", b", rank:", b"___decode_addr_", b"fa", "👉".encode())
PARTS = st.sampled_from([
    *TEXTS, b"cmp", b"empl-", b"fmpl-", b"ab", b"0", b"9f", b" ", b", rank", b"\xf0\x9f", b"x",
])  # fmt: skip


def numbered(known: Outlines, lines: Split) -> tuple[np.ndarray, Positions]:
    """Digest and number of each line's outline."""
    return known.numbers(LineStretches(lines.block, lines.starts, lines.ends))


def learned(known: Outlines, data: bytes) -> bool:
    """Has the outlines of these lines be learned; whether others were forgotten for them."""
    lines = split(data)
    return known.learn(lines, *numbered(known, lines))


def told(known: Outlines, data: bytes) -> tuple[TextPlaces, Positions, Split]:
    """Where the texts stand, and how many lines were told by their outlines."""
    lines = split(data)
    _, numbers = numbered(known, lines)
    return known.places(lines, numbers), numbers, lines


def searched(lines: Split, text: bytes) -> list[tuple[int, int]]:
    """The same by looking at each line."""
    return [
        (row, at)
        for row, (begin, end) in enumerate(zip(lines.starts, lines.ends, strict=True))
        for at in range(int(begin), int(end) - len(text) + 1)
        if lines.text.startswith(text, at)
    ]


def found(places: TextPlaces, text: bytes) -> list[tuple[int, int]]:
    """What is told of one text."""
    rows, at = places.of(text)
    return list(zip(rows.tolist(), at.tolist(), strict=True))


@given(st.lists(st.lists(PARTS, max_size=12).map(b"".join), min_size=1, max_size=12), st.data())
@settings(max_examples=150)
def test_places_are_those_of_a_search(lines: list[bytes], data: st.DataObject) -> None:
    """Also where the letters of a text are hexadecimal digits, and in lines never seen before."""
    lines = [b"one with none of them", *lines]
    block = b"\n".join(lines) + b"\n"
    known = Outlines(TEXTS)
    learned(known, block)
    learned(known, block)
    others = data.draw(st.lists(st.sampled_from(lines), max_size=4))
    changed = [line.translate(bytes.maketrans(b"0f9b", b"e10c")) for line in others]
    places, numbers, cut = told(known, b"\n".join([*lines, *changed, b"new " * 9]) + b"\n")
    assert numbers[0] > 0
    some = np.array(sorted(data.draw(st.sets(st.integers(0, len(cut.starts) - 1)))), np.int64)
    for text in TEXTS:
        everywhere = searched(cut, text)
        assert found(places, text) == everywhere
        rows, at = places.of(text, some)
        told_of = list(zip(rows.tolist(), at.tolist(), strict=True))
        assert [one for one in told_of if one[0] in some] == [o for o in everywhere if o[0] in some]
        assert set(told_of) <= set(everywhere)


@pytest.mark.parametrize("few", [0, 10**6], ids=["together", "one by one"])
@pytest.mark.parametrize("log", LOGS, ids=lambda log: f"{log.parent.name}/{log.stem}")
def test_places_in_real_logs(log: Path, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the log teaches, and all of it is searched."""
    monkeypatch.setattr(bytescan, "_ONE_BY_ONE", few)
    data = log.read_bytes()
    if not data.endswith(b"\n"):
        data += b"\n"
    known = Outlines(TEXTS)
    half = data.find(b"\n", len(data) // 2) + 1
    learned(known, data[:half])
    learned(known, data[:half])
    places, _, cut = told(known, data)
    for text in TEXTS:
        assert found(places, text) == searched(cut, text)


def test_a_line_with_a_text_too_often_or_too_long_is_searched_by_itself() -> None:
    """It has no number, and is told all the same."""
    often = b"cmpl-1 " * 9
    long = b"x" * LONGEST + b"cmpl-"
    block = b"\n".join([often, often, long, long]) + b"\n"
    known = Outlines(TEXTS)
    learned(known, block)
    places, numbers, cut = told(known, block)
    assert not numbers.any()
    assert found(places, b"cmpl-") == searched(cut, b"cmpl-")
    assert len(found(places, b"cmpl-")) == 20


def test_when_there_is_no_more_room_all_are_forgotten_and_learned_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is known by the numbers elsewhere must be forgotten too, so it is said."""
    monkeypatch.setattr(outlines, "_MOST_OUTLINES", 4)
    known = Outlines(TEXTS)
    first = b"".join(b"%s cmpl-\n" % (b"x" * length) * 2 for length in range(5))
    assert not learned(known, first)
    assert told(known, first)[1].any()
    second = b"other cmpl-\n" * 2
    assert learned(known, second)
    assert not told(known, first)[1].any()
    places, numbers, cut = told(known, second)
    assert numbers.all()
    assert found(places, b"cmpl-") == searched(cut, b"cmpl-") == [(0, 6), (1, 18)]
