"""A folder with logs, and ways to run the program on them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_lines import DECODE, PREFILL, Run, Spawn
from click.testing import CliRunner, Result

from pdtui.cli.main import program

SOURCES = Path(__file__).parents[2] / "src"


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a pair's logs, which is the working directory too."""
    (tmp_path / "prefill.log").write_text(PREFILL)
    (tmp_path / "decode.log").write_text(DECODE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run() -> Run:
    """Runs a command in this process."""

    def invoke(*words: str, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(program, words, input=stdin, prog_name="pdtui")

    return invoke


@pytest.fixture
def environment() -> dict[str, str]:
    """What a program of its own needs to find this one; nothing else of the tests' settings."""
    ours = ("PYTHON", "COLUMNS", "LINES")
    found = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return found | {"PYTHONPATH": str(SOURCES), "PYTHONUTF8": "1"}


@pytest.fixture
def spawn(environment: dict[str, str]) -> Spawn:
    """Runs the program as a user does, as a process of its own."""

    def start(*words: str | bytes, **given: Any) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "pdtui", *words]
        given = {"env": environment, "capture_output": True, "timeout": 30} | given
        return subprocess.run(command, check=False, **given)

    return start
