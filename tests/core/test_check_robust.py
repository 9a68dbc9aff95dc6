"""Whatever a log holds, check gives an answer: lines in any order, cut, repeated, mixed up."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from pdtui.core.check import as_json, find_problems
from pdtui.core.inspection import Inspection
from tests.conftest import DATA
from tests.core.sources import growing

FILES = sorted(DATA.glob("h200/*/*.log")) + sorted(DATA.glob("*/*nixl/*.log"))


def assert_answers(*logs: bytes, pieces: int = 1) -> None:
    """The answer is there and is JSON, for the whole logs and while they grow."""
    labels = ("prefill", "decode", "proxy")[: len(logs)]
    with growing(*labels) as written:
        for part in range(pieces):
            for one, log in zip(written, logs, strict=True):
                one.write(log[len(log) * part // pieces : len(log) * (part + 1) // pieces])
            snapshot = [(one.source, len(one.source)) for one in written]
            inspection = Inspection(snapshot, growing=part % 2 == 0)
            problems = find_problems(inspection)
            assert json.dumps(as_json(inspection, problems))
            for problem in problems:
                assert problem.evidence == [
                    place
                    for place in problem.evidence
                    if place.row < len(written[place.source].source)
                ]


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(DATA)) for path in FILES])
def test_a_log_alone_and_twice(path: Path) -> None:
    """The same log given as both sides makes no sense, and is no reason to fail."""
    data = path.read_bytes()
    assert_answers(data)
    assert_answers(data, data)


@pytest.mark.parametrize("seed", range(24))
def test_lines_in_any_order(seed: int) -> None:
    """Lines of real logs, drawn at random, taken in by pieces."""
    rng = random.Random(seed)
    lines = [
        line
        for path in rng.sample(FILES, 4)
        for line in path.read_bytes().splitlines(keepends=True)
    ]
    # The lines that say something, more often than they would occur.
    telling = [line for line in lines if b"[Rank" in line or b"nccl" in line or b"request" in line]
    drawn = [
        b"".join(rng.choices(telling or lines, k=60) + rng.choices(lines, k=60)) for _ in range(3)
    ]
    assert_answers(*drawn, pieces=3)


@pytest.mark.parametrize("seed", range(20))
def test_a_real_pair_cut_anywhere(seed: int) -> None:
    """Both files end, and begin, wherever the copy did."""
    rng = random.Random(seed)
    folder = rng.choice(sorted(path.parent for path in DATA.glob("h200/*/decode.log")))
    logs = [(folder / f"{side}.log").read_bytes() for side in ("prefill", "decode")]
    cut = []
    for log in logs:
        begin = rng.choice((0, rng.randrange(len(log))))
        cut.append(log[begin : rng.randrange(begin, len(log)) + 1])
    assert_answers(*cut)
