"""`pdtui export` on lines of a real run: every form, every option."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cli_lines import DECODE, PREFILL, WORKERS, Run, Spawn

KEYS = (
    "source", "line", "time", "time_source", "level", "format", "process", "pid", "rank",
    "rank_source", "role", "markers", "origin", "message", "fields", "request", "continuation",
)  # fmt: skip
PAIR = ("prefill.log", "decode.log")


def places(run: Run, *words: str) -> list[tuple[str, int]]:
    """Source and line of each row that the command writes."""
    result = run("export", "-f", "jsonl", *words)
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return [(row["source"], row["line"]) for row in rows]


def test_text_is_every_sources_own_bytes_in_the_order_of_time(run: Run, logs: Path) -> None:
    result = run("export", *PAIR)
    assert (result.exit_code, result.stderr) == (0, "")
    written = result.stdout_bytes.splitlines(keepends=True)
    assert sorted(written) == sorted((PREFILL + DECODE).encode().splitlines(keepends=True))
    stamps = [line.split(b" ", 1)[1][:14] for line in written]
    assert stamps == sorted(stamps)
    assert [line for line in written if b"[Rank 1]" in line or b"MyRank:1" in line] == [
        line.encode() for line in DECODE.splitlines(keepends=True) if "nccl from" not in line
    ]


def test_text_keeps_bytes_that_are_no_text(run: Run, logs: Path) -> None:
    odd = (
        b"INFO 11-22 06:42:20 [a.py:1] \x1b[31mred\x1b[0m caf\xe9 \xff\r\n"
        b"INFO 11-22 06:42:21 [a.py:2] tab\there \xf0\x9f\x94\n\n"
        b"INFO 11-22 06:42:22 [a.py:3] no newline"
    )
    Path("odd.log").write_bytes(odd)
    assert run("export", "odd.log").stdout_bytes == odd + b"\n"
    for form in ("timeline", "jsonl", "csv"):
        assert run("export", "-f", form, "odd.log").exit_code == 0


def test_label_puts_the_source_before_each_row(run: Run, logs: Path) -> None:
    written = run("export", "--label", *PAIR).stdout.splitlines()
    assert f"decode: {DECODE.splitlines()[0]}" in written
    assert f"prefill: {PREFILL.splitlines()[0]}" in written
    assert len(written) == 16


def test_timeline_shows_the_rows_with_a_marker(run: Run, logs: Path) -> None:
    written = run("export", "-f", "timeline", *PAIR).stdout.splitlines()
    assert written[0] == (
        "11-22 06:42:20 prefill 🔍 [Rank 0] P2pNcclEngine.__init__ START | local_rank=0, pid=1063"
    )
    assert len(written) == len((PREFILL + DECODE).splitlines()) - 2
    assert not [line for line in written if "Found nccl" in line or "INFO" in line]
    assert [line for line in written if "WARNING 🚨" in line] == [
        line for line in written if "🚨" in line
    ]


def test_timeline_of_markers_that_are_asked_for(run: Run, logs: Path) -> None:
    written = run("export", "-f", "timeline", "-m", "nccl", *PAIR).stdout.splitlines()
    assert len(written) == 2
    assert all("🤝" in line for line in written)


def test_jsonl_has_the_whole_schema(run: Run, logs: Path) -> None:
    rows = run("export", "-f", "jsonl", "--year", "2025", *PAIR).stdout.splitlines()
    found = [json.loads(row) for row in rows]
    assert len(found) == 16
    assert all(tuple(row) == KEYS for row in found)
    by_place = {(row["source"], row["line"]): row for row in found}
    assert by_place["prefill", 6] == {
        "source": "prefill",
        "line": 6,
        "time": "2025-11-22T06:42:28",
        "time_source": "stamp",
        "level": "INFO",
        "format": "vllm",
        "process": None,
        "pid": None,
        "rank": 0,
        "rank_source": "explicit",
        "role": "prefill",
        "markers": ["🔍"],
        "origin": "p2p_nccl_engine.py:210",
        "message": "🔍 [Rank 0] Sending NEW command via ZMQ | remote_address=127.0.0.1:14580, "
        "unique_id_hex=aa8e6ccc26fa5a88",
        "fields": {"remote_address": "127.0.0.1:14580", "unique_id_hex": "aa8e6ccc26fa5a88"},
        "request": None,
        "continuation": False,
    }
    assert by_place["decode", 4]["markers"] == ["🔍", "✉"]
    assert by_place["prefill", 2]["rank_source"] == "file"


def test_csv_says_what_jsonl_says(run: Run, logs: Path) -> None:
    Path("workers.log").write_text(WORKERS)
    sources = (*PAIR, "workers.log")
    objects = [
        json.loads(line)
        for line in run("export", "-f", "jsonl", *sources).stdout.split("\n")
        if line
    ]
    records = list(csv.reader(io.StringIO(run("export", "-f", "csv", *sources).stdout)))
    assert tuple(records[0]) == KEYS

    def as_text(name: str, value: Any) -> str:
        if name == "markers":
            return "".join(value)
        if name == "fields":
            return json.dumps(value, ensure_ascii=False)
        return "" if value is None else str(value)

    assert records[1:] == [[as_text(name, row[name]) for name in KEYS] for row in objects]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("-r", "0"), [("prefill", n) for n in range(1, 10)]),
        (("-r", "!0"), [("decode", n) for n in range(1, 8)]),
        (("-r", "decode:1"), [("decode", n) for n in range(1, 8)]),
        (("-r", "prefill:1"), []),
        (("-m", "🚨"), [("prefill", 7), ("decode", 5)]),
        (("-m", "alert,success"), [("prefill", 7), ("decode", 5), ("prefill", 8), ("decode", 6)]),
        (("-m", "!any"), [("prefill", 2), ("decode", 2)]),
        (("-m", "✉️"), [("decode", 4)]),
        (("-l", "warning"), [("prefill", 7), ("decode", 5)]),
        (("-l", "WARN"), [("prefill", 7), ("decode", 5)]),
        (("-g", "NEW"), [("prefill", 6), ("decode", 4)]),
        (("-g", "NEW", "-g", "Sending"), [("prefill", 6)]),
        (("-g", r"^INFO .*Rank:[01]$"), [("prefill", 9), ("decode", 7)]),
        (("-m", "alert", "-x", "decode side"), [("decode", 5)]),
        (("-m", "alert", "-x", "decode side", "-x", "prefill side"), []),
        (("-S", "06:42:30"), [("prefill", 8), ("prefill", 9), ("decode", 6), ("decode", 7)]),
        (("-S", "-0.5s", "-g", "🤝"), [("prefill", 9), ("decode", 7)]),
        (("-U", "11-22 06:42:20"), [("prefill", 1), ("prefill", 2)]),
        (("-S", "06:42:21", "-U", "06:42:21"), [("decode", 1), ("decode", 2)]),
        (("-S", "2025-11-23"), []),
        (("-U", "11-21"), []),
        (("--split", "rank", "-m", "🚨"), [("prefill", 7), ("decode", 5)]),
    ],
)  # fmt: skip
def test_filters(run: Run, logs: Path, words: tuple[str, ...], expected: list[Any]) -> None:
    assert places(run, "--year", "2025", *words, *PAIR) == expected


def test_options_may_follow_the_sources(run: Run, logs: Path) -> None:
    assert places(run, *PAIR, "-m", "🚨") == [("prefill", 7), ("decode", 5)]


@pytest.mark.parametrize(
    ("text", "lines"), [("Worker_TP1", [2, 3]), ("pid=72", [1]), ("worker_tp", [1, 2, 3])]
)
def test_process(run: Run, logs: Path, text: str, lines: list[int]) -> None:
    Path("workers.log").write_text(WORKERS)
    assert [line for _, line in places(run, "-p", text, "workers.log")] == lines


def test_year_is_that_of_the_first_stamp(run: Run, logs: Path) -> None:
    text = run("export", "-f", "jsonl", "--year", "2031", "prefill.log").stdout
    assert json.loads(text.splitlines()[0])["time"] == "2031-11-22T06:42:20"


@pytest.mark.parametrize(
    ("offset", "first"),
    [("decode=-4s", "decode"), ("decode=-0.05m", "decode"), ("decode=-4000ms", "decode"),
     ("prefill=2s", "decode"), ("prefill=+1h", "decode"), ("decode=+4s", "prefill")],
)  # fmt: skip
def test_offset_moves_a_source_in_time(run: Run, logs: Path, offset: str, first: str) -> None:
    assert places(run, *PAIR)[0] == ("prefill", 1)
    assert places(run, "--offset", offset, *PAIR)[0] == (first, 1)


def test_offsets_of_several_sources(run: Run, logs: Path) -> None:
    both = places(run, "--offset", "decode=-4s", "--offset", "prefill=-4s", *PAIR)
    assert both == places(run, *PAIR)


def test_labels_folders_and_patterns(run: Run, logs: Path) -> None:
    assert places(run, "-m", "🚨", "first=prefill.log") == [("first", 7)]
    assert places(run, "-m", "🚨", ".") == [("prefill", 7), ("decode", 5)]
    assert places(run, "-m", "🚨", "*fill.log") == [("prefill", 7)]
    (logs / "node1").mkdir()
    Path("node1/prefill.log").write_text(PREFILL)
    found = places(run, "-m", "🚨", "node1/prefill.log", "prefill.log")
    assert {source for source, _ in found} == {"node1/prefill", f"{logs.name}/prefill"}


def test_output_file(run: Run, logs: Path) -> None:
    result = run("export", "-o", "merged.txt", *PAIR)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert Path("merged.txt").read_bytes() == run("export", "-o", "-", *PAIR).stdout_bytes


@pytest.mark.parametrize("name", ["decode.log", "./decode.log", "link"])
def test_output_is_never_a_source(run: Run, logs: Path, name: str) -> None:
    Path("link").symlink_to("decode.log")
    result = run("export", "-o", name, *PAIR)
    assert result.exit_code == 2
    assert result.stderr == f"pdtui: {name}: is one of the sources, and would be overwritten\n"
    assert Path("decode.log").read_text() == DECODE


def test_output_that_cannot_be_written(run: Run, logs: Path) -> None:
    result = run("export", "-o", "nowhere/merged.txt", *PAIR)
    assert (result.exit_code, result.stderr) == (
        2,
        "pdtui: nowhere/merged.txt: no such file or directory\n",
    )


def test_output_survives_a_filter_that_is_wrong(run: Run, logs: Path) -> None:
    Path("merged.txt").write_text("kept")
    assert run("export", "-o", "merged.txt", "-S", "noon", *PAIR).exit_code == 2
    assert run("export", "-o", "merged.txt", "-S", "02-29", "--year", "2025", *PAIR).exit_code == 2
    assert run("export", "-o", "merged.txt", "absent.log").exit_code == 2
    assert Path("merged.txt").read_text() == "kept"


def test_stdin_is_read_to_its_end(logs: Path, environment: dict[str, str]) -> None:
    """A writer that pauses in the middle of a line must not end the export early."""
    data = (PREFILL * 500).encode()
    half = len(data) // 2 + 7
    with subprocess.Popen(
        [sys.executable, "-m", "pdtui", "export", "--label", "prefill=-", "decode.log"],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout

        def pour() -> None:
            assert process.stdin
            process.stdin.write(data[:half])
            process.stdin.flush()
            time.sleep(0.4)
            process.stdin.write(data[half:])
            process.stdin.close()

        Thread(target=pour).start()
        written = process.stdout.read().splitlines(keepends=True)
    assert process.returncode == 0
    mine = [line.removeprefix(b"prefill: ") for line in written if line.startswith(b"prefill: ")]
    assert b"".join(mine) == data
    assert len(written) == len(mine) + 7


def test_stdin_is_named_stdin(spawn: Spawn, logs: Path) -> None:
    with Path("prefill.log").open("rb") as file:
        result = spawn("export", "--label", "-", stdin=file)
    assert result.stdout.splitlines()[0] == b"stdin: " + PREFILL.encode().splitlines()[0]


def test_a_named_pipe_is_read_to_its_end(spawn: Spawn, logs: Path) -> None:
    os.mkfifo("pipe.log")
    Thread(target=lambda: Path("pipe.log").write_text(PREFILL)).start()
    result = spawn("export", "pipe.log")
    assert (result.returncode, result.stdout, result.stderr) == (0, PREFILL.encode(), b"")
