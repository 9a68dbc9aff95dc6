"""The user's configuration file: where it is, and what is said of a wrong one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_lines import Spawn

CONFIG = """
[[format]]
name = "gateway"
pattern = '(?P<time>\\S+) gw: (?P<message>.*)'
sample = "2025-11-01T10:30:45Z gw: up"

[[marker]]
name = "slow"
pattern = "is slow"
meaning = "upstream is slow"
"""
LINE = "2025-11-01T10:30:45Z gw: upstream is slow\n"


@pytest.fixture
def config(tmp_path: Path, environment: dict[str, str]) -> Path:
    """A configuration file that the program finds."""
    environment["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    path = tmp_path / "config" / "pdtui" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(CONFIG)
    return path


def test_own_formats_and_markers_are_used(config: Path, logs: Path, spawn: Spawn) -> None:
    """Rows have the format, the filter knows the marker, the legend lists it."""
    Path("gw.log").write_text(LINE)
    done = spawn("export", "-f", "jsonl", "-m", "slow", "gw.log")
    row = json.loads(done.stdout)
    assert (row["format"], row["markers"], row["time"]) == (
        "gateway", ["slow"], "2025-11-01T10:30:45",
    )  # fmt: skip
    assert b"upstream is slow" in spawn("markers").stdout


def test_a_wrong_entry_is_named_and_the_rest_works(config: Path, logs: Path, spawn: Spawn) -> None:
    """With the file and the key, on stderr; the status is that of the work."""
    config.write_text(CONFIG + "\n[[marker]]\nname = 'x'\n")
    Path("gw.log").write_text(LINE)
    done = spawn("stats", "--json", "gw.log")
    said = done.stderr.decode()
    assert said == f"pdtui: {config}: marker 2, emoji: is missing, and so is a pattern\n"
    assert done.returncode == 0
    assert json.loads(done.stdout)["sources"][0]["formats"] == {"gateway": 1}


@pytest.mark.parametrize("text", [b"\xff\xfe", b"name ="])
def test_a_file_that_cannot_be_read_is_named(
    config: Path, logs: Path, spawn: Spawn, text: bytes
) -> None:
    """And nothing else changes."""
    config.write_bytes(text)
    done = spawn("export", "prefill.log")
    assert done.stderr.decode().startswith(f"pdtui: {config}: is no")
    assert done.stdout == Path("prefill.log").read_bytes()
