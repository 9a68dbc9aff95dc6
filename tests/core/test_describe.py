"""One row in full."""

from __future__ import annotations

import json
from pathlib import Path

from pdtui.core.describe import Describer, take_apart
from pdtui.core.export import COLUMNS
from tests.conftest import Load
from tests.core.sources import growing, opened

HEAD = "INFO 11-22 06:35:44 [a.py:1] "


def test_a_row_of_the_seed_in_full(load: Load, data: Path) -> None:
    """Every key of the output schema, for the line that the project began from."""
    store = load(data / "seed" / "pd_disagg.log", year=2025)
    assert Describer(store.sources[0]).describe(14).as_json() == {
        "source": "pd_disagg",
        "line": 15,
        "time": "2025-11-01T10:30:50",
        "time_source": "stamp",
        "level": "INFO",
        "format": "vllm",
        "process": None,
        "pid": None,
        "rank": 1,
        "rank_source": "explicit",
        "role": "decode",
        "markers": ["🔍", "✉"],
        "origin": "p2p_nccl_engine.py:443",
        "message": "🔍 [Rank 1] ✉️ DECODE: Received NEW command | "
        "remote_address=127.0.0.1:14579, unique_id_hex=a1b2c3d4e5f67890",
        "fields": {"remote_address": "127.0.0.1:14579", "unique_id_hex": "a1b2c3d4e5f67890"},
        "request": None,
        "continuation": False,
    }


def test_a_row_of_nccl_in_full(load: Load, data: Path) -> None:
    """A line without a stamp and without a rank of its own, from a group of two workers."""
    store = load(data / "h200" / "pd-tp2-workers" / "prefill.log")
    known = Describer(store.sources[0]).describe(11).as_json()
    assert {name: known[name] for name in COLUMNS[2:11]} == {
        "time": "2026-11-22T06:35:49",
        "time_source": "inherited",
        "level": "INFO",
        "format": "nccl",
        "process": "Worker_TP1",
        "pid": 937,
        "rank": 1,
        "rank_source": "pid",
        "role": "prefill",
    }
    assert known["message"] == "ENV/Plugin: Could not find: libnccl-env.so"


def test_rows_are_json_with_the_columns_of_the_schema(load: Load, data: Path) -> None:
    """Every row of every log can be written, and has the same keys in the same order."""
    for path in sorted(data.rglob("*.log")):
        source = load(path).sources[0]
        describer = Describer(source)
        for row in range(len(source)):
            known = describer.describe(row).as_json()
            assert tuple(known) == COLUMNS
            assert json.loads(json.dumps(known)) == known


def test_a_fraction_is_written_where_the_stamp_has_one() -> None:
    with opened(b"[2026-11-22 10:30:51.896456] vm:942:1477 [0] NCCL INFO x\n") as source:
        assert Describer(source).describe(0).as_json()["time"] == "2026-11-22T10:30:51.896456"


def test_what_is_learned_late_is_said_from_then_on() -> None:
    """A describer that was made before knows the rank that a later row taught."""
    with growing("decode") as [written]:
        written.write(b"vm:5:6 [0] NCCL INFO x\n")
        describer = Describer(written.source)
        assert describer.rank(0) is None
        assert describer.describe(0).process is None
        written.write(f"(Worker_TP7 pid=5) {HEAD}🔍 x\n".encode())
        rank = describer.rank(0)
        assert rank is not None
        assert rank.value == 7
        assert describer.describe(0).process == "Worker_TP7"
        assert describer.markers(1) == ("🔍",)
        assert describer.kind(0) is not describer.kind(1)


def test_a_line_can_be_given() -> None:
    """It is not read again then."""
    with opened(f"{HEAD}one\n".encode()) as source:
        describer = Describer(source)
        assert describer.describe(0, f"{HEAD}other\n".encode()).message == "other"
        assert describer.describe(0).message == "one"


def test_a_line_that_is_no_longer_what_it_was_is_text() -> None:
    """Where the file changed under the row, its bytes are shown as they are."""
    with opened(f"{HEAD}one\n".encode()) as source:
        kind = Describer(source).kind(0)
        head = take_apart(b"something else\n", kind, source.kinds)
        assert (head.origin, head.message) == (None, "something else")


def test_a_message_begins_where_the_scanner_found_it() -> None:
    """A prefix that another line was torn into: its text could pass for a head, and is none."""
    line = (
        "[0;36m(Worvm:1580:2356 [0] NCCL INFO NET/Plugin: not found: libnccl-net.soker pid=7)"
        "[0;0m vm:931:1525 [0] NCCL INFO Device 0 CPU core 29\n"
    )
    with opened(line.encode()) as source:
        row = Describer(source).describe(0)
    assert (row.format, row.pid, row.message) == ("nccl", 931, "Device 0 CPU core 29")
