"""Looking at many places of a block at once gives what looking at each one gives."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core.bytescan import (
    PADDING,
    ByteBlock,
    leading_digits,
    not_digits,
    number,
    present,
    word,
)
from pdtui.core.digests import digests

BLOCKS = st.lists(
    st.sampled_from([b"0", b"9", b"/", b":", b" ", b"a", b"\0", b"\xff", b"\xb0", b"1234", b"\n"])
).map(b"".join)


def everywhere(block: bytes) -> np.ndarray:
    """Each position of the block."""
    return np.arange(len(block), dtype=np.int64)


@settings(max_examples=60)
@given(BLOCKS)
def test_find_is_the_nearest_of_the_bytes(block: bytes) -> None:
    """The distance to the first blank or colon within reach, else -1."""
    for reach in (1, 7, 8, 9, 96):
        found = ByteBlock(block).find(everywhere(block), b" :", reach)
        for at, distance in enumerate(found.tolist()):
            nearest = re.search(rb"[ :]", block[at : at + reach])
            assert distance == (nearest.start() if nearest else -1)


@settings(max_examples=60)
@given(BLOCKS)
def test_leading_digits_and_their_number(block: bytes) -> None:
    """How many of the eight bytes at each place are leading digits, and what they say."""
    words = ByteBlock(block).word(everywhere(block))
    digits = leading_digits(words)
    numbers = number(words, digits)
    for at in range(len(block)):
        text = re.match(rb"\d{0,8}", block[at:])[0]
        assert digits[at] == len(text)
        assert numbers[at] == int(text or b"0")


@settings(max_examples=60)
@given(st.binary(min_size=8, max_size=8))
def test_not_digits_flags_each_byte(text: bytes) -> None:
    """The high bit of each byte says whether that byte is no digit."""
    flags = int(not_digits(np.array([word(text)]))[0]).to_bytes(8, "little")
    assert [flag == 0 for flag in flags] == [byte in b"0123456789" for byte in text]


@settings(max_examples=60)
@given(BLOCKS, st.sampled_from([b"0", b" ", b"1234", b"12341234", b"a0"]))
def test_starts_with_is_startswith(block: bytes, text: bytes) -> None:
    found = ByteBlock(block).starts_with(everywhere(block), text)
    assert found.tolist() == [block.startswith(text, at) for at in range(len(block))]


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=20), min_size=1, max_size=8))
def test_digests_tell_texts_apart(texts: list[bytes]) -> None:
    """Equal bytes have equal digests wherever they stand, and others have not."""
    block = b"".join(text + b"|" for text in [*texts, *texts])
    length = np.array([len(text) for text in [*texts, *texts]], np.int64)
    at = np.concatenate(([0], np.cumsum(length + 1)[:-1]))
    found = digests(ByteBlock(block).data, at, length).tolist()
    assert found[: len(texts)] == found[len(texts) :]
    assert len(set(found)) == len(set(texts))


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from([b"kv_", b"role", b"_", b"-", b"cmpl-", b"ab", b"_addr_"]), max_size=9
    ),
    st.sampled_from([b"kv_role", b"cmpl-", b"_addr_", b"__", b"ab", b"-k", b"roleab"]),
)
def test_places_are_where_find_finds(parts: list[bytes], text: bytes) -> None:
    """A text is found wherever it stands, also at the block's start and end, also overlapping."""
    for block in (b"".join(parts), b"".join(parts) * 2000 + b"."):
        expected = [at for at in range(len(block)) if block.startswith(text, at)]
        assert ByteBlock(block).places(text).tolist() == expected


def test_looks_from_the_end_stay_inside() -> None:
    """A look from the last byte sees zeros, as far as heads look."""
    block = ByteBlock(b"x")
    last = np.array([0], np.int64)
    assert block.find(last, b":", PADDING - 8).tolist() == [-1]
    assert block.word(last).tolist() == [ord("x")]
    assert block.byte(last + PADDING).tolist() == [0]


@settings(max_examples=60)
@given(st.lists(BLOCKS, max_size=4))
def test_a_block_of_parts_is_that_of_the_whole(parts: list[bytes]) -> None:
    """Whether they are bytes or views of some; zeros stand behind them."""
    whole, block = b"".join(parts), ByteBlock(*map(memoryview, parts))
    assert block.size == len(whole)
    assert block.text == whole + bytes(PADDING) == block.data.tobytes()


def test_the_present_numbers() -> None:
    """Each once, in their order."""
    assert present(np.array([7, 0, 7, 3])) == [0, 3, 7]
    assert present(np.array([], np.int64)) == []
