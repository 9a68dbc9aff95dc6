"""What `pdtui stats` counts is what the output schema says row by row."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from pdtui.core.describe import Describer
from pdtui.core.source import Source
from pdtui.core.stats import CONTINUATION, MOST_EXAMPLES, NONE, ProcessStats, iso, stats_of
from tests.conftest import DATA, Load
from tests.core.sources import opened

HEAD = "INFO 11-22 06:35:44 [a.py:1] "
FILES = sorted(DATA.rglob("*.log"))


def rows_of(source: Source) -> list[dict[str, object]]:
    """Every row in the output schema."""
    describer = Describer(source)
    return [describer.describe(row).as_json() for row in range(len(source))]


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(DATA)) for path in FILES])
def test_counts_are_those_of_the_rows(path: Path, load: Load) -> None:
    """Formats, levels, ranks, markers and the time span, counted over again from the schema."""
    [source] = load(path).sources
    rows, found = rows_of(source), stats_of(source)
    assert (found.rows, found.size) == (len(rows), path.stat().st_size)
    assert found.records == sum(not row["continuation"] for row in rows)
    assert found.formats == Counter(
        row["format"] or (CONTINUATION if row["continuation"] else NONE) for row in rows
    )
    assert found.ranks == Counter(NONE if r["rank"] is None else str(r["rank"]) for r in rows)
    assert found.markers == Counter(m for row in rows for m in cast("list[str]", row["markers"]))
    times = sorted(str(row["time"]) for row in rows if row["time"])
    assert [iso(found.first), iso(found.last)] == ([times[0], times[-1]] if times else [None] * 2)
    of_process = Counter((r["process"], r["pid"]) for r in rows if r["process"] or r["pid"])
    assert of_process == {(p.name, p.pid): p.rows for p in found.processes if p.rows}


def test_levels_are_those_of_the_rows(load: Load, data: Path) -> None:
    """A trail of NCCL's error states INFO, but is a part of the warning: it has no level here."""
    [source] = load(data / "h200" / "fail-address-in-use" / "prefill.log").sources
    levels = Counter(str(row["level"] or NONE) for row in rows_of(source))
    found = stats_of(source).levels
    assert {name: found[name] for name in ("ERROR", "DEBUG")} == {
        name: levels[name] for name in ("ERROR", "DEBUG")
    }


def test_what_a_process_said_of_itself(load: Load, data: Path) -> None:
    """Its addresses from the 💯 line, its GPU from NCCL, its role from the arguments."""
    [source] = load(data / "h200" / "pd-tp2-workers" / "prefill.log").sources
    process = stats_of(source).processes[0]
    assert (process.name, process.rank, process.role) == ("Worker_TP0", 0, "prefill")
    assert process.facts["send_type"] == "PUT_ASYNC"
    assert process.facts["zmq_address"].endswith(":21001")


def test_engines_without_a_process_are_told_by_rank() -> None:
    """With one worker an instance there is no prefix; what the engine says is its rank's."""
    text = f"{HEAD}💯P2pNcclEngine init, rank:3, zmq_address:10.0.0.3:9, send_type:GET\n"
    with opened(text.encode()) as source:
        [found] = stats_of(source).processes
    assert (found.name, found.rank, found.facts["zmq_address"]) == (None, 3, "10.0.0.3:9")


def test_a_container_says_the_role() -> None:
    """Two services in one file, and the same pid in both: two processes, each with its role."""
    lines = f"prefill-1  | (Worker pid=7) {HEAD}x\ndecode-1   | (Worker pid=7) {HEAD}y\n"
    with opened(lines.encode()) as source:
        found = stats_of(source).processes
    assert sorted((p.container, p.role, p.pid) for p in found) == [
        ("decode-1", "decode", 7),
        ("prefill-1", "prefill", 7),
    ]


def test_what_no_format_claims_is_shown() -> None:
    """Rows above the first head are counted, and the first few shown with their lines."""
    text = "".join(f"stray {n}\n" for n in range(9)) + f"{HEAD}head\nunder it\n"
    with opened(text.encode()) as source:
        found = stats_of(source)
    assert found.unclaimed == 9
    assert found.examples == [(n + 1, f"stray {n}") for n in range(MOST_EXAMPLES)]
    assert json.loads(json.dumps(found.as_json()))["unclaimed"]["share"] == 9 / 11


def test_a_mask_leaves_rows_out() -> None:
    """Bytes, times and counts are those of the rows that are left."""
    text = f"{HEAD}one\nERROR 11-22 06:35:45 [a.py:1] two\n"
    with opened(text.encode()) as source:
        levels = [source.kinds.kinds[int(kind)].level for kind in source.columns.kind]
        found = stats_of(source, np.array([level > 3 for level in levels]))
    assert (found.rows, found.levels, found.size) == (1, {"ERROR": 1}, len(text) - len(HEAD) - 4)
    assert found.first == found.last


def test_processes_are_as_json() -> None:
    """The names in the output."""
    process = ProcessStats("Worker", 7, "vm", None, 0, "prefill", 3, {"kv_rank": "0"})
    assert process.as_json() == {
        "process": "Worker", "pid": 7, "host": "vm", "container": None, "rank": 0,
        "role": "prefill", "rows": 3, "facts": {"kv_rank": "0"},
    }  # fmt: skip
