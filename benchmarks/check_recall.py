"""How much of what goes wrong `pdtui check` finds, and how often it cries wolf.

    python benchmarks/check_recall.py --seeds 200
    python benchmarks/check_recall.py --seeds 20 --scenario stuck --scenario killed --json

Makes up runs whose truth is known (`pdtui.demo.scenario`), has each checked, and counts for every
kind of problem the true and false positives and negatives. Each seed takes the next of the shapes,
ways of sending and levels of logging, with or without the debug patch: 126 seeds have them all.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from pdtui.cli.main import program
from pdtui.demo.play import write
from pdtui.demo.scenario import SCENARIOS, Detail, Scenario, SendType, build
from pdtui.demo.truth import Cause, Truth

START = datetime(2025, 11, 1, 10, 30, 45)
SHAPES = ((1, 1, 1), (1, 1, 2), (2, 1, 1), (1, 2, 1), (2, 2, 2), (3, 1, 4), (1, 1, 8))
"""Prefills, decodes, tensor-parallel ranks; seven, so that each meets each of the eighteen ways."""
NOTE = "note"
"""The severity of what is no fault."""
UNREADABLE = 2
"""The status of a check that could not read, or was not understood."""
_WORST = 15
_QUESTIONS = {
    "first": "the first problem is the first cause",
    "place": "it stands at a right source",
    "waits": "who waits for whom is right",
    "notes": "what is no fault is noted",
}

Answer = dict[str, Any]
Checker = Callable[[Sequence[Path]], Answer]


class NoAnswerError(Exception):
    """The command gave no answer; the message says what it said instead."""


@dataclass(frozen=True, slots=True)
class Case:
    """One made-up run: what it takes to make it again."""

    scenario: str
    seed: int
    prefills: int
    decodes: int
    ranks: int
    sends: str
    patched: bool
    detail: str
    requests: int

    def build(self) -> Scenario:
        """The run."""
        return build(
            self.scenario,
            start=START,
            seed=self.seed,
            prefills=self.prefills,
            decodes=self.decodes,
            tensor_parallel=self.ranks,
            patched=self.patched,
            requests=self.requests,
            send_type=SendType(self.sends),
            detail=Detail(self.detail),
        )

    def __str__(self) -> str:
        patch = "patched" if self.patched else "stock"
        shape = f"{self.prefills}P{self.decodes}D TP{self.ranks}"
        return f"{self.scenario} ({shape}, {self.sends}, {patch}, {self.detail}, seed {self.seed})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says of a run, against what is true of it."""

    expected: frozenset[str]
    claimed: frozenset[str]
    noted: frozenset[str]
    notable: frozenset[str]
    beneath: frozenset[str]
    wrong: frozenset[str]
    first: bool | None
    place: bool | None
    waits: bool | None

    @property
    def found(self) -> frozenset[str]:
        """What is wrong and was said to be."""
        return self.expected & self.claimed

    @property
    def missed(self) -> frozenset[str]:
        """What is wrong and was not said to be, or only in a note."""
        return self.expected - self.claimed


def judge(truth: Truth, answer: Answer) -> Verdict:
    """Compares an answer of `check --json` with the truth.

    What stands under another problem, and what follows from a cause, is no claim of its own.
    `first` is whether the first claim is the first cause, `place` whether it names a source of
    that cause, `waits` whether who waits and for whom is right; None where there is none.
    """
    problems = answer["problems"]
    claims = [problem for problem in problems if problem["severity"] != NOTE]
    claimed = frozenset(problem["kind"] for problem in claims)
    same = [p for p in claims if truth.first and p["kind"] == truth.first.kind]
    return Verdict(
        expected=truth.kinds,
        claimed=claimed,
        noted=frozenset(p["kind"] for p in problems if p["severity"] == NOTE),
        notable=truth.notes,
        beneath=frozenset(_beneath(problems)),
        wrong=claimed - truth.kinds - truth.follows,
        first=_is_first(truth, claims),
        place=any(_is_there(truth.causes, p) for p in same) if same else None,
        waits=_waits_right(truth.causes, same),
    )


def _beneath(problems: Iterable[Answer]) -> Iterator[str]:
    """The kinds that stand under others."""
    for problem in problems:
        for below in problem.get("follows", ()):
            yield below["kind"]
        yield from _beneath(problem.get("follows", ()))


def _is_first(truth: Truth, claims: Sequence[Answer]) -> bool | None:
    if truth.first is None:
        return None
    return bool(claims) and claims[0]["kind"] == truth.first.kind


def _is_there(causes: Iterable[Cause], problem: Answer) -> bool:
    there = {
        party.source
        for cause in causes
        if cause.kind == problem["kind"]
        for party in (cause.where, cause.peer)
        if party
    }
    return problem["source"] in there


def _waits_right(causes: Iterable[Cause], problems: Sequence[Answer]) -> bool | None:
    said = {(_label(p["waiting"]), _label(p["for"])) for p in problems if "waiting" in p}
    if not said:
        return None
    pairs = {(cause.where.source, cause.peer.source) for cause in causes if cause.peer}
    return said <= pairs | {(there, here) for here, there in pairs}


def _label(party: str) -> str:
    """The source in `prefill rank 0`."""
    return party.partition(" ")[0]


@dataclass(slots=True)
class Tally:
    """Counts over all runs."""

    runs: int = 0
    healthy: int = 0
    alarmed: int = 0
    found: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    under: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    alarms: list[tuple[Case, str]] = field(default_factory=list)
    misses: list[tuple[Case, str]] = field(default_factory=list)

    def add(self, case: Case, verdict: Verdict) -> None:
        """Counts one run."""
        self.runs += 1
        self.found.update(verdict.found)
        self.wrong.update(verdict.wrong)
        self.missed.update(verdict.missed)
        self.noted.update(verdict.missed & verdict.noted)
        self.under.update(verdict.missed & verdict.beneath)
        self.asked["notes"] += len(verdict.notable)
        self.right["notes"] += len(verdict.notable & verdict.noted)
        for name in ("first", "place", "waits"):
            value = getattr(verdict, name)
            if value is not None:
                self.asked[name] += 1
                self.right[name] += value
        if not verdict.expected:
            self.healthy += 1
            self.alarmed += bool(verdict.wrong)
        if verdict.wrong:
            self.alarms.append((case, ", ".join(sorted(verdict.wrong))))
        if verdict.missed:
            said = ", ".join(sorted(verdict.claimed)) or "nothing"
            self.misses.append((case, f"{', '.join(sorted(verdict.missed))}; said {said}"))

    def kinds(self) -> list[dict[str, object]]:
        """A row for each kind that came up, and one for all."""
        names = sorted({*self.found, *self.wrong, *self.missed})
        rows = [self._row(name, [name], self.runs) for name in names]
        return [*rows, self._row("all", names, self.runs * len(names))]

    def _row(self, title: str, names: Iterable[str], of: int) -> dict[str, object]:
        right, wrong, missed, noted, under = (
            sum(counts[name] for name in names)
            for counts in (self.found, self.wrong, self.missed, self.noted, self.under)
        )
        return {
            "kind": title,
            "true positives": right,
            "false positives": wrong,
            "false negatives": missed,
            "true negatives": of - right - wrong - missed,
            "precision": _share(right, right + wrong),
            "recall": _share(right, right + missed),
            "only noted": noted,
            "under another": under,
        }

    def as_json(self) -> dict[str, object]:
        """All of it, ready for `json`."""
        return {
            "runs": self.runs,
            "kinds": self.kinds(),
            "healthy": {"runs": self.healthy, "false alarms": self.alarmed},
            **{name: {"right": self.right[name], "of": self.asked[name]} for name in _QUESTIONS},
            "alarms": [f"{case}: {what}" for case, what in self.alarms],
            "misses": [f"{case}: {what}" for case, what in self.misses],
        }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def told(tally: Tally) -> Iterator[str]:
    """The table, and what a reader looks for next."""
    rows = tally.kinds()
    heads = ("kind", "TP", "FP", "FN", "TN", "precision", "recall", "noted", "under")
    cells = [[_cell(value) for value in row.values()] for row in rows]
    widths = [max(len(line[n]) for line in [heads, *cells]) for n in range(len(heads))]
    for line in (heads, *cells):
        first, *others = (
            text.ljust(w) if n == 0 else text.rjust(w)
            for n, (text, w) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join((first, *others)).rstrip()
    yield ""
    yield f"{tally.healthy} healthy runs, {tally.alarmed} with a false alarm"
    for name, what in _QUESTIONS.items():
        yield f"{what}: {tally.right[name]} of {tally.asked[name]}"
    for title, runs in (("false alarms", tally.alarms), ("missed", tally.misses)):
        if runs:
            yield ""
            yield f"{title}, {len(runs)} runs, the most frequent first, with one of each:"
            yield from _grouped(runs)


def _grouped(runs: Sequence[tuple[Case, str]]) -> Iterator[str]:
    """One line for all runs of a scenario in which the same was said."""
    counts = Counter((case.scenario, what) for case, what in runs)
    for (scenario, what), count in counts.most_common(_WORST):
        example = next(case for case, said in runs if (case.scenario, said) == (scenario, what))
        yield f"  {count:4} {what}: {example}"


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.1%}" if isinstance(value, float) else str(value)


def check_in_process(paths: Sequence[Path]) -> Answer:
    """The answer of `pdtui check --json`, without starting a process for each run."""
    result = CliRunner().invoke(program, ["check", "--json", *map(str, paths)])
    if result.exit_code == UNREADABLE or not result.stdout:
        raise NoAnswerError(result.stderr.strip() or repr(result.exception))
    answer: Answer = json.loads(result.stdout)
    return answer


def cases(scenarios: Sequence[str], seeds: int, requests: int) -> Iterator[Case]:
    """The runs: every scenario with every seed, the shapes in turn."""
    ways = list(product(Detail, SendType, (True, False)))
    for seed, scenario in product(range(seeds), scenarios):
        prefills, decodes, ranks = SHAPES[seed % len(SHAPES)]
        detail, sends, patched = ways[seed % len(ways)]
        yield Case(
            scenario, seed, prefills, decodes, ranks, sends.value, patched, detail.value, requests
        )


def measure(all_cases: Iterable[Case], check: Checker, folder: Path) -> Tally:
    """Makes each run in the folder, has it checked, and counts."""
    tally = Tally()
    for number, case in enumerate(all_cases):
        made = case.build()
        paths = write(made, folder / str(number))
        ended = (START + timedelta(seconds=made.lines[-1].at)).timestamp()
        for path in paths:
            os.utime(path, (ended, ended))  # nobody writes these any more
        tally.add(case, judge(made.truth, check(paths)))
        for path in paths:
            path.unlink()
    return tally


def main(words: Sequence[str] | None = None, check: Checker = check_in_process) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, metavar="N", help="default: 20")
    parser.add_argument("--requests", type=int, default=16, metavar="N", help="default: 16")
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), metavar="NAME")
    parser.add_argument("--json", action="store_true", help="counts for other programs")
    typed = parser.parse_args(words)
    if typed.seeds < 1 or typed.requests < 1:
        parser.error("--seeds and --requests must be at least 1")
    wanted = cases(typed.scenario or list(SCENARIOS), typed.seeds, typed.requests)
    with tempfile.TemporaryDirectory(prefix="pdtui-recall-") as folder:
        try:
            tally = measure(wanted, check, Path(folder))
        except NoAnswerError as failure:
            print(f"check_recall: pdtui check gave no answer: {failure}", file=sys.stderr)
            return UNREADABLE
    print(json.dumps(tally.as_json(), indent=2) if typed.json else "\n".join(told(tally)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
