"""`pdtui demo`: writes a made-up run, or plays it in the viewer."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cli_lines import Run

from pdtui.cli.main import program
from pdtui.demo.names import SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_write(run: Run, tmp_path: Path, scenario: str) -> None:
    folder = tmp_path / "new" / "logs"
    result = run("demo", "--scenario", scenario, "--write", str(folder))
    assert (result.exit_code, result.stderr) == (0, "")
    paths = result.stdout.splitlines()
    assert sorted(paths) == sorted(map(str, folder.iterdir()))
    assert {Path(path).stem.rstrip("01") for path in paths} == {"prefill", "decode"}
    exported = run("export", "--label", "-g", "Creating v1 connector with name", *paths)
    assert (exported.exit_code, exported.stderr) == (0, "")
    assert exported.stdout.count("prefill") > 0 < exported.stdout.count("decode")


def test_help_has_a_line_for_each(run: Run) -> None:
    told = run("demo", "--help").stdout.splitlines()
    for name, text in SCENARIOS.items():
        (line,) = (line for line in told if line.split()[:1] == [name])
        assert line.split(maxsplit=1)[1] == text
        assert len(line) <= 80


def test_the_list_costs_no_import_of_what_makes_the_runs(environment: dict[str, str]) -> None:
    code = (
        "import sys; from pdtui.cli.main import program; "
        "print([m for m in sys.modules if m.startswith('pdtui.demo.')])"
    )
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert told.stdout.decode().strip() == "['pdtui.demo.names']"


def test_seed_makes_another_run(run: Run, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        run("demo", "--seed", seed, "--write", str(tmp_path / seed))
    first, second = ((tmp_path / seed / "prefill.log").read_text() for seed in ("1", "2"))
    assert first != second


def test_nothing_is_overwritten(run: Run, tmp_path: Path) -> None:
    (tmp_path / "decode.log").write_text("mine")
    result = run("demo", "--write", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"pdtui: demo: {tmp_path}/decode.log has content already")
    assert result.stderr.count("\n") == 1
    assert (tmp_path / "decode.log").read_text() == "mine"


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_that_cannot_be(run: Run, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    result = run("demo", "--write", str(tmp_path / place))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("pdtui: ")


@pytest.mark.parametrize("words", [("--speed", "0"), ("--speed", "fast"), ("--scenario", "x")])
def test_usage(run: Run, words: tuple[str, ...]) -> None:
    result = run("demo", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: pdtui demo" in result.stderr


def test_plays_while_the_viewer_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def open_viewer(named: list[Any], **given: Any) -> int:
        seen.extend(source.path for source in named)
        assert given["follow"]
        assert [source.label for source in named] == ["prefill", "decode"]
        limit = time.monotonic() + 10
        while not all(path.read_bytes() for path in seen) and time.monotonic() < limit:
            time.sleep(0.01)
        assert all(path.read_bytes() for path in seen)
        return 0

    screen = ModuleType("pdtui.ui.opening")
    screen.open_viewer = open_viewer
    monkeypatch.setitem(sys.modules, "pdtui.ui.opening", screen)
    monkeypatch.setattr("pdtui.cli.viewer.keys_from_terminal", lambda: None)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(SystemExit) as ended:
        program.main(["demo", "--scenario", "stuck", "--speed", "50"], prog_name="pdtui")
    assert ended.value.code == 0
    assert len(seen) == 2
    assert not seen[0].parent.exists()
