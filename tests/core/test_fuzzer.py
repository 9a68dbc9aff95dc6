"""The fuzzer makes logs of many kinds, and finds what is wrong with how they are read."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from pdtui.core import records
from tests.core.sources import lines_of

SCRIPT = Path(__file__).parents[2] / "scripts" / "fuzz_scan.py"


@pytest.fixture(scope="module")
def fuzzer() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("fuzz_scan", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_few_mutated_logs_are_read_alike(fuzzer: ModuleType, data: Path) -> None:
    """By the reference, all at once, line by line, in pieces and in stretches."""
    mutator = fuzzer.Mutator(sorted(data.rglob("*.log")), seed=7)
    for number in range(12):
        log = mutator.log()
        assert fuzzer.trouble(log, number) == "", log


def test_the_same_seed_makes_the_same_logs(fuzzer: ModuleType, data: Path) -> None:
    """A find can be made again."""
    logs = sorted(data.rglob("*.log"))
    one, two, other = (fuzzer.Mutator(logs, seed) for seed in (1, 1, 2))
    first = [one.log() for _ in range(20)]
    assert first == [two.log() for _ in range(20)]
    assert first != [other.log() for _ in range(20)]


def test_a_fault_is_found_and_made_short(
    fuzzer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With repeated heads no longer folded, the two lines that show it are what is left."""
    head = b"INFO 11-22 06:31:43 [omp.py:185] "
    log = b"words\n" * 5 + head + b"a\r\n" + head + b"b\n" + b"more\n" * 5
    assert fuzzer.trouble(log, 1) == ""
    monkeypatch.setattr(records.Records, "_fold_repeated", lambda *_: None)
    assert "reference" in fuzzer.trouble(log, 1)
    assert lines_of(fuzzer.shortest(log, 1)) == [head + b"a\r\n", head + b"b\n"]


def test_an_error_is_found(fuzzer: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is raised while a log is read."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(fuzzer, "said", broken)
    assert fuzzer.trouble(b"x\n", 1).startswith("ZeroDivisionError")


def test_the_command_says_what_it_did(
    fuzzer: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fuzz_scan.py", "--minutes", "0.01", "--seed", "5"])
    assert fuzzer.main() == 0
    assert capsys.readouterr().out.startswith("seed 5: ")
