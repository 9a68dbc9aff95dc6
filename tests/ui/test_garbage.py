"""Garbage: a search finds what is new; what one has seen in use waits for a search of all."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from pdtui.ui import garbage as module
from pdtui.ui.garbage import Garbage


class Ring:
    """What only a search can find to be garbage: it holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def garbage() -> Iterator[Garbage]:
    one = Garbage()
    one.begin()
    yield one
    one.end()


def test_what_is_new_is_found(garbage: Garbage) -> None:
    ring = weakref.ref(Ring())
    gc.collect()
    assert ring() is None


def test_what_was_in_use_is_left_out_until_all_is_searched(garbage: Garbage) -> None:
    kept = Ring()
    ring = weakref.ref(kept)
    gc.collect()
    del kept
    gc.collect()
    assert ring() is not None
    for _ in range(module._SELDOM):
        gc.collect()
    assert ring() is None


def test_searches_of_what_is_young_are_as_ever(garbage: Garbage) -> None:
    """They neither leave anything out nor count."""
    frozen = gc.get_freeze_count()
    kept = Ring()
    ring = weakref.ref(kept)
    for _ in range(2 * module._SELDOM):
        gc.collect(1)
    assert gc.get_freeze_count() == frozen
    del kept
    gc.collect()
    assert ring() is None


def test_at_the_end_searches_are_as_ever() -> None:
    callbacks = list(gc.callbacks)
    one = Garbage()
    one.begin()
    gc.collect()
    one.end()
    assert gc.callbacks == callbacks
    assert not gc.get_freeze_count()
