"""What all tests share: real logs, and stores made of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from pdtui.core.store import Store
from pdtui.follow.ingest import Ingest
from pdtui.follow.opening import feed_of, resolve

DATA = Path(__file__).parent / "data"
CORPUS = Path(os.environ.get("PDTUI_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")
"""The full corpus beside the repository, of which tests/data is a small part."""

# What the person who runs the tests has configured must not be seen.
os.environ["XDG_CONFIG_HOME"] = str(Path(__file__).parent / "no-configuration")

# The same examples on every run; `--hypothesis-profile=default` looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

Load = Callable[..., Store]
"""`load(*paths, year=2026)`: the store that holds these logs."""


@pytest.fixture(scope="session")
def data() -> Path:
    """Small parts of real logs: always there."""
    return DATA


@pytest.fixture(scope="session")
def corpus() -> Path:
    """All real logs, where they are."""
    if not CORPUS.is_dir():
        pytest.skip("the full corpus is no part of a clone; PDTUI_CORPUS says where it is")
    return CORPUS


@pytest.fixture
def load() -> Iterator[Load]:
    """Reads logs to their end as the program does; the files are closed after the test."""
    ingests: list[Ingest] = []

    def load(*paths: Path | str, year: int = 2026) -> Store:
        named, problems = resolve(map(str, paths))
        assert not problems
        store = Store()
        ingest = Ingest(store, [feed_of(one, year, lambda: None) for one in named])
        ingests.append(ingest)
        ingest.load()
        return store

    yield load
    for ingest in ingests:
        ingest.stop()
        for source in ingest.store.sources:
            source.close()
