"""The fast way to vLLM's and NCCL's heads gives what their expressions give."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pdtui.core.heads import Heads, NcclHeads, find_nccl_heads, find_vllm_heads

from pdtui.core import formats
from pdtui.core.bytescan import ByteBlock
from pdtui.core.describe import peel
from pdtui.core.levels import LEVEL_OF_WORD
from pdtui.core.stamps import SECOND
from tests.conftest import DATA
from tests.core.loglines import messages, nccl_heads, vllm_heads


def entry(heads: Heads, index: int) -> dict[str, int]:
    """What was found at one place of the arrays."""
    names = ("level", "message_at", "stamped", "year", "month", "day", "clock")
    return {name: int(getattr(heads, name)[index]) for name in names}


def by_expression(found: re.Match[bytes], start: int) -> dict[str, int]:
    """The same of a match of the expression, for a line that begins at `start`."""
    groups = formats.groups(found)
    stamped = "month" in groups
    clock = [int(groups.get(name, 0)) for name in ("hour", "minute", "second")]
    fraction = int(groups.get("fraction", b"0").ljust(6, b"0")[:6])
    seconds = clock[0] * 3600 + clock[1] * 60 + clock[2]
    return {
        "level": LEVEL_OF_WORD[groups["level"]],
        "message_at": start + found.start("message"),
        "stamped": stamped,
        "year": int(groups.get("year", 0)) if stamped else 0,
        "month": int(groups.get("month", 0)),
        "day": int(groups.get("day", 0)),
        "clock": seconds * SECOND + fraction if stamped else 0,
    }


def compare(lines: Iterable[bytes]) -> tuple[int, list[bytes]]:
    """Holds the fast way to the expressions; returns how many heads it found and which it left."""
    texts = [peel(formats.clean(line)) for line in lines]
    block = ByteBlock(b"".join(text + b"\n" for text in texts))
    lengths = np.array([len(text) + 1 for text in texts], np.int64)
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    claimed, left = 0, []
    for form, find in ((formats.VLLM, find_vllm_heads), (formats.NCCL, find_nccl_heads)):
        heads = find(block, starts)
        place = {int(row): index for index, row in enumerate(heads.rows)}
        for row, text in enumerate(texts):
            found, start, index = form.pattern.match(text), int(starts[row]), place.get(row)
            # A head that runs over the line's end is none; whoever asks looks for that.
            if index is None or heads.message_at[index] > start + len(text):
                left += [text] if found else []
                continue
            claimed += 1
            assert found, text
            assert entry(heads, index) == by_expression(found, start), text
            if isinstance(heads, NcclHeads):
                assert heads.pid[index] == int(found["pid"])
    return claimed, left


def assert_only_warnings_are_left(left: list[bytes]) -> None:
    """NCCL's warnings name a file, and seldom come; all else must go the fast way."""
    assert [line for line in left if b" NCCL WARN " not in line] == []


def test_real_lines_are_claimed_alike() -> None:
    """What the fast way claims of real logs the expressions claim too, with the same values."""
    lines = [line for path in DATA.rglob("*.log") for line in path.read_bytes().split(b"\n")]
    claimed, left = compare(lines)
    assert claimed > 900
    assert_only_warnings_are_left(left)


def test_the_corpus_is_claimed_alike(corpus: Path) -> None:
    """The same for each line of each log that there is."""
    lines = [line for path in corpus.rglob("*.log") for line in path.read_bytes().split(b"\n")]
    claimed, left = compare(lines)
    assert claimed > 40_000
    assert_only_warnings_are_left(left)


@settings(max_examples=150)
@given(st.lists(st.builds("{}{}".format, vllm_heads() | nccl_heads(), messages()), max_size=4))
def test_made_up_heads_are_claimed_alike(lines: list[str]) -> None:
    """Heads at their limits too: long origins, leap seconds, impossible dates, many digits."""
    compare([b"", *(line.encode().replace(b"\n", b" ") for line in lines)])
