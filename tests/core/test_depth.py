"""An output that reads less of the lines than there is to read is as if it had read all."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdtui.core.merge import FOR_ORDER, Merge
from pdtui.core.scan import EVERYTHING, ROWS_ALONE, Depth
from pdtui.core.source import Source
from pdtui.core.stamps import SECOND
from pdtui.core.stats import stats_of
from pdtui.core.steps import FORMS
from pdtui.core.traces import steps_flags
from pdtui.demo.play import write
from pdtui.demo.scenario import SCENARIOS, build
from tests.conftest import DATA
from tests.core.sources import store_of
from tests.ui.runs import START

LOGS = sorted(DATA.rglob("*.log"))
PAIRS = sorted(
    path.parent for path in DATA.rglob("prefill.log") if path.with_name("decode.log").exists()
)


def read(paths: list[Path], depth: Depth) -> list[Source]:
    """The sources, read so deep."""
    sources = []
    for path in paths:
        source = Source(path.stem, "", 2026, depth)
        source.feed(path.read_bytes())
        source.finish_line()
        sources.append(source)
    return sources


def order(sources: list[Source], shift: int) -> tuple[list[int], list[list[int]]]:
    """All rows in order, and why, with the second source's clock this many seconds off."""
    merge = Merge({sources[-1].label: shift * SECOND})
    merge.update(store_of(*sources).snapshot())
    return [merge.refs[place] for place in range(len(merge))], merge.edges[:].tolist()


@pytest.mark.parametrize("shift", [0, -4, 3600])
@pytest.mark.parametrize("run", PAIRS, ids=lambda path: path.name)
def test_real_pairs_have_the_same_order(run: Path, shift: int) -> None:
    """Causes and effects are all found."""
    paths = [run / "prefill.log", run / "decode.log"]
    assert order(read(paths, FOR_ORDER), shift) == order(read(paths, EVERYTHING), shift)


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_made_up_runs_have_the_same_order(scenario: str, tmp_path: Path) -> None:
    """In every way that a run can go wrong."""
    paths = write(build(scenario, start=START, seed=3), tmp_path)
    fewer, all_of_them = read(paths, FOR_ORDER), read(paths, EVERYTHING)
    assert order(fewer, -7) == order(all_of_them, -7)
    assert sum(len(source.requests) for source in fewer) == 0
    assert sum(len(source.traces) for source in fewer) <= sum(
        len(source.traces) for source in all_of_them
    )


@pytest.mark.parametrize("log", LOGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_is_counted_needs_rows_alone(log: Path) -> None:
    """Formats, levels, ranks, roles, facts, examples."""
    [alone], [deep] = read([log], ROWS_ALONE), read([log], EVERYTHING)
    assert stats_of(alone).as_json() == stats_of(deep).as_json()
    assert not len(alone.traces)


def test_a_step_that_is_wanted_is_found_whatever_else_is() -> None:
    """Of the forms that begin alike the first that fits has the row, so each is tried."""
    text = "".join(
        f"INFO 11-22 10:00:00 [core.py:1] {form.begins.decode()} 1 cmpl-ab 'x' failed\n"
        for form in FORMS
    ).encode()
    deep = Source("deep", "", 2026)
    deep.feed(text)
    for step in sorted({trace.step for trace in deep.traces}):
        some = Source("some", "", 2026, Depth(steps_flags(step), requests=False))
        some.feed(text)
        wanted = [trace for trace in deep.traces if trace.step == step]
        assert [trace for trace in some.traces if trace.step == step] == wanted
