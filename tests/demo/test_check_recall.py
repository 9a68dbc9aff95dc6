"""The benchmark of `pdtui check`: what it counts, shown on answers made by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pdtui.demo.truth import Cause, Party, Truth

PLACE = Path(__file__).parents[2] / "benchmarks" / "check_recall.py"
PREFILL = Party("prefill", "EngineCore_DP0", 72, 0, "10.0.1.2:21001")
DECODE = Party("decode", "EngineCore_DP0", 73, 0, "10.0.1.3:22001")
STUCK = Truth(
    causes=(Cause("handshake-stalled", PREFILL, DECODE, 3.0),),
    follows=frozenset({"request-stalled"}),
)
HEALTHY = Truth(notes=frozenset({"buffer-full"}))


@pytest.fixture(scope="module")
def recall() -> ModuleType:
    spec = util.spec_from_file_location("check_recall", PLACE)
    assert spec
    assert spec.loader
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def answer(*problems: dict[str, str]) -> dict[str, Any]:
    """An answer of `check --json` with these problems, of which each is an error if not said."""
    told = [{"severity": "error", "source": "prefill", "follows": [], **p} for p in problems]
    return {"sources": [], "handshakes": [], "problems": told, "skew": []}


STALLED = {"kind": "handshake-stalled", "waiting": "prefill rank 0", "for": "decode rank 0"}


def test_a_fault_that_is_found(recall: ModuleType) -> None:
    verdict = recall.judge(STUCK, answer(STALLED, {"kind": "request-stalled"}))
    assert verdict.found == {"handshake-stalled"}
    assert not verdict.missed
    assert not verdict.wrong
    assert (verdict.first, verdict.place, verdict.waits) == (True, True, True)


def test_a_fault_that_is_missed_or_only_noted(recall: ModuleType) -> None:
    for problems in ((), ({"kind": "handshake-stalled", "severity": "note"},)):
        verdict = recall.judge(STUCK, answer(*problems))
        assert verdict.missed == {"handshake-stalled"}
        assert not verdict.found
        assert (verdict.first, verdict.place, verdict.waits) == (False, None, None)


def test_another_fault_first_somewhere_else_and_the_wrong_way_round(recall: ModuleType) -> None:
    stranger = {**STALLED, "source": "proxy", "waiting": "decode", "for": "proxy"}
    verdict = recall.judge(STUCK, answer({"kind": "peer-lost"}, stranger))
    assert verdict.wrong == {"peer-lost"}
    assert (verdict.first, verdict.place, verdict.waits) == (False, False, False)


def test_a_note_is_no_alarm_and_a_claim_is_one(recall: ModuleType) -> None:
    note = {"kind": "buffer-full", "severity": "note"}
    assert not recall.judge(HEALTHY, answer(note)).wrong
    assert recall.judge(HEALTHY, answer(note)).noted == {"buffer-full"}
    assert recall.judge(HEALTHY, answer({"kind": "buffer-full"})).wrong == {"buffer-full"}


def test_what_stands_under_a_problem_is_not_counted(recall: ModuleType) -> None:
    under: Any = {**STALLED, "follows": [{"kind": "traceback", "severity": "error"}]}
    assert not recall.judge(STUCK, answer(under)).wrong
    above: Any = {"kind": "peer-lost", "follows": [{"kind": "silence", "follows": [STALLED]}]}
    verdict = recall.judge(STUCK, answer(above))
    assert verdict.missed == {"handshake-stalled"} < verdict.beneath
    tally = recall.Tally()
    tally.add(recall.Case("stuck", 7, 1, 2, 4, "GET", False, "info", 16), verdict)
    assert tally.kinds()[0]["under another"] == 1


def test_the_counts_are_those_of_the_runs(recall: ModuleType) -> None:
    case = recall.Case("stuck", 7, 1, 2, 4, "GET", False, "info", 16)
    tally = recall.Tally()
    tally.add(case, recall.judge(STUCK, answer(STALLED)))
    tally.add(case, recall.judge(STUCK, answer({"kind": "peer-lost"})))
    tally.add(case, recall.judge(HEALTHY, answer({"kind": "peer-lost"})))
    tally.add(case, recall.judge(HEALTHY, answer()))
    stalled, lost, both = tally.kinds()
    assert list(stalled.values()) == ["handshake-stalled", 1, 0, 1, 2, 1.0, 0.5, 0, 0]
    assert list(lost.values()) == ["peer-lost", 0, 2, 0, 2, 0.0, None, 0, 0]
    assert list(both.values()) == ["all", 1, 2, 1, 4, 0.3333, 0.5, 0, 0]
    told = "\n".join(recall.told(tally))
    assert "2 healthy runs, 1 with a false alarm" in told
    assert "the first problem is the first cause: 1 of 2" in told
    assert "1 handshake-stalled; said peer-lost: stuck (1P2D TP4, GET, stock, info, seed 7)" in told


def test_every_scenario_shape_and_way_of_sending_comes_up(recall: ModuleType) -> None:
    cases = list(recall.cases(["healthy", "stuck"], 126, 16))
    assert len(cases) == len(set(cases)) == 252
    ways = {(c.prefills, c.decodes, c.ranks, c.sends, c.patched, c.detail) for c in cases}
    assert len(ways) == len(recall.SHAPES) * 18 == 126


def test_the_command_makes_the_runs_and_asks_about_their_files(
    recall: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[list[str]] = []

    def check(paths: Sequence[Path]) -> dict[str, Any]:
        asked.append([path.name for path in paths])
        assert all(path.stat().st_size for path in paths)
        return answer(STALLED)

    words = ["--seeds", "2", "--requests", "4", "--scenario", "stuck", "--scenario", "healthy"]
    assert recall.main([*words, "--json"], check) == 0
    told = json.loads(capsys.readouterr().out)
    assert asked == [["prefill.log", "decode.log"]] * 4
    assert told["runs"] == 4
    assert told["healthy"] == {"runs": 2, "false alarms": 2}
    assert told["kinds"][0]["recall"] == 1.0
    assert recall.main(words, check) == 0
    assert capsys.readouterr().out.startswith("kind ")


def test_no_answer_is_said_and_not_counted(
    recall: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def check(paths: Sequence[Path]) -> dict[str, Any]:
        raise recall.NoAnswerError("Error: no such thing")

    assert recall.main(["--seeds", "1", "--scenario", "stuck"], check) == 2
    assert capsys.readouterr() == (
        "",
        "check_recall: pdtui check gave no answer: Error: no such thing\n",
    )
    with pytest.raises(SystemExit) as ended:
        recall.main(["--seeds", "0"], check)
    assert ended.value.code == 2
