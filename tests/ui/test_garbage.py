"""Garbage: a search finds what is new; what a search has seen in use waits until all is quiet."""

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
def garbage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Garbage]:
    monkeypatch.setattr(module, "_SELDOM", 0.0)
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
    garbage.search_all()
    assert ring() is None


def test_all_is_not_searched_again_where_nothing_was_left_out(
    garbage: Garbage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be asked for every second."""
    gc.collect()
    garbage.search_all()
    searched = []
    monkeypatch.setattr(gc, "collect", lambda: searched.append(None))
    garbage.search_all()
    assert not searched


def test_all_is_searched_seldom(garbage: Garbage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SELDOM", 600.0)
    kept = Ring()
    ring = weakref.ref(kept)
    gc.collect()
    del kept
    garbage.search_all()
    assert ring() is not None


def test_at_the_end_searches_are_as_ever() -> None:
    callbacks = list(gc.callbacks)
    one = Garbage()
    one.begin()
    gc.collect()
    one.end()
    assert gc.callbacks == callbacks
    assert not gc.get_freeze_count()
