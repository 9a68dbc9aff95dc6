"""The process that the search row asks finds what is in the file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import benchmarks.searching
from benchmarks import mixed


def test_it_finds_as_many_rows_as_there_are(tmp_path: Path) -> None:
    """A text and an expression that ignores case, one after the other."""
    log = tmp_path / "prefill.log"
    log.write_bytes(b"".join(mixed.stretches(500, "prefill", 1)))
    text = log.read_text()
    said = subprocess.run(
        [sys.executable, benchmarks.searching.__file__, str(log)],
        input="NCCL INFO\n(?i)nccl info channel\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert said[0] == "ready"
    held = [int(line.split()[1]) for line in said[1:]]
    assert held[0] == sum("NCCL INFO" in line for line in text.splitlines()) > 0
    assert held[1] == sum("NCCL INFO Channel" in line for line in text.splitlines()) > 0
