"""Keys in few bytes are the keys that were put in, and are found where they stand."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdtui.core import packed, packedkeys
from pdtui.core.packedkeys import PackedKeys

KEYS = st.one_of(st.sampled_from([0, 1, 7, 2**63, 2**64 - 1]), st.integers(0, 2**64 - 1))


@given(st.lists(st.lists(KEYS, max_size=20)), KEYS)
def test_they_are_what_was_put_in(parts: list[list[int]], other: int) -> None:
    """However they came, in stretches of few different ones and of many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "STRETCH", 8)
        patch.setattr(packedkeys, "STRETCH", 8)
        keys, wanted = PackedKeys(), []
        for part in parts:
            keys.extend(np.array(part, np.uint64))
            wanted += part
        assert keys[:].tolist() == wanted
        assert keys[3:].tolist() == wanted[3:]
        places = np.arange(len(wanted))[::-2]
        assert keys[places].tolist() == wanted[::-2]
        for key in {other, *wanted[:5]}:
            assert keys.places_of(key).tolist() == [n for n, k in enumerate(wanted) if k == key]


def test_keys_that_stand_near_take_few_bytes() -> None:
    """A thousand different keys, each forty times within a while: two bytes each, and a little."""
    keys = PackedKeys()
    many = np.repeat(np.arange(1, 2001, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15), 40)
    keys.extend(many)
    rest = len(many) % packed.STRETCH
    assert keys.nbytes < 2.5 * (len(many) - rest) + 8 * packed.STRETCH


def test_keys_that_all_differ_take_no_more_than_they_are() -> None:
    """Nothing is gained by telling them by number, so they stay as they are."""
    keys = PackedKeys()
    keys.extend(np.arange(5 * packed.STRETCH, dtype=np.uint64))
    assert keys.nbytes <= 8 * 6 * packed.STRETCH
    assert keys.places_of(4 * packed.STRETCH).tolist() == [4 * packed.STRETCH]


def test_they_go_on_after_they_were_sent() -> None:
    """What another process has read is extended here."""
    keys = PackedKeys()
    keys.extend(np.arange(packed.STRETCH + 3, dtype=np.uint64) // np.uint64(9))
    sent: PackedKeys = pickle.loads(pickle.dumps(keys, protocol=5))
    sent.extend(np.array([5], np.uint64))
    assert sent[len(keys) - 1 :].tolist() == [(packed.STRETCH + 2) // 9, 5]
