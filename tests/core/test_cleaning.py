"""What a terminal would not show is taken out: of one line, and of all lines of a block."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core.cleaning import clean, split

HEAD = b"INFO 11-22 06:35:44 [a.py:1] text"
LINES = [
    (b"\x1b[32mINFO\x1b[0m x", b"INFO x"),
    (b"\x1b[38;2;1;2;3mx\x1b[K", b"x"),
    (b"\x1b[?25lx\x1b[2J", b"x"),
    (b"x\r", b"x"),
    (b"x\r\r", b"x"),
    (b"\rLoading 0%\rLoading 100%\r", b"Loading 100%"),
    (b"\r\r", b""),
    (b"\r", b""),
    (b"", b""),
    (b"[0;36m(Worker pid=1)[0;0m x", b"(Worker pid=1) x"),
    (b"[32mINFO[0m x", b"INFO x"),
    (b"text [0;36m stays", b"text [0;36m stays"),
    (b"[2026-11-22] x", b"[2026-11-22] x"),
    (b"[1234m x", b"[1234m x"),
    (b"\x1b\x1b[0m[0m x", b"\x1b[0m x"),
    (b"\x1b", b"\x1b"),
    # A bar that was drawn behind a head does not hide it.
    (HEAD + b"\r 50%\r 99%", HEAD + b"\r 50%\r 99%"),
    (b"  0%\r" + HEAD, HEAD),
    (b"  0%\r" + HEAD + b"\r 99%", HEAD + b"\r 99%"),
    (b"a\r(Worker pid=1) " + HEAD + b"\r 99%", b"(Worker pid=1) " + HEAD + b"\r 99%"),
    (b"a\rvm:1:2 [0] NCCL INFO x\r 99%", b"vm:1:2 [0] NCCL INFO x\r 99%"),
    (b"a\r 5%" + HEAD + b"\r 99%", b" 5%" + HEAD + b"\r 99%"),
    (b"[rank1]: " + HEAD + b"\r 99%", b"[rank1]: " + HEAD + b"\r 99%"),
    (HEAD + b"\r" + HEAD + b"x\r 99%", HEAD + b"x\r 99%"),
    (b"a\0b\xff\xfe", b"a\0b\xff\xfe"),
]


@pytest.mark.parametrize(("line", "wanted"), LINES, ids=[repr(line) for line, _ in LINES])
def test_clean_is_what_a_terminal_shows(line: bytes, wanted: bytes) -> None:
    """Colour codes go, also those that lost their ESC; what a return overwrote goes."""
    assert clean(line) == wanted


def shown(data: bytes) -> list[bytes]:
    """What is left of each line of a block."""
    parts = split(data)
    places = zip(parts.starts.tolist(), parts.ends.tolist(), strict=True)
    return [parts.text[begin:end] for begin, end in places]


def test_a_block_is_cleaned_as_its_lines_are() -> None:
    """Whatever stands beside a line: codes in one line change nothing in another."""
    data = b"".join(line + b"\n" for line, _ in LINES)
    assert shown(data) == [wanted for _, wanted in LINES]
    assert split(data).offsets.tolist()[:3] == [0, len(LINES[0][0]) + 1, 1 + 1 + sum(
        len(line) for line, _ in LINES[:2])]  # fmt: skip


PIECES = st.sampled_from(
    [b"\r", b"\x1b[0m", b"\x1b", b"[0m", b"[0;36m", b"x", b" 50%", b"\n", HEAD, b"\0", b"\xff"]
)


@settings(max_examples=150)
@given(st.lists(PIECES).map(b"".join))
def test_any_block_is_cleaned_as_its_lines_are(text: bytes) -> None:
    data = text + b"\n"
    assert shown(data) == [clean(line) for line in data.split(b"\n")[:-1]]


def test_returns_are_counted() -> None:
    """Those that end a line, which tell a repeated head from another; not those within."""
    data = b"a\nb\r\nc\r\r\n\rd\n\r\n\x1b[0m\r\x1b[0m\r\n"
    assert split(data).returns.tolist() == [0, 1, 2, 0, 1, 2]
