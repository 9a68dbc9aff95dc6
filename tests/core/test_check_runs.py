"""What check says of real runs, each of which was read: what happened there is told here.

`tests/golden/check` has the whole answers, as `pdtui check --json --year 2026 prefill.log
decode.log` wrote them (of the whole servers with proxy.log first; of the seed, with 2025).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pdtui.core.check import as_json, find_problems, is_failed
from pdtui.core.inspection import Inspection
from pdtui.core.store import Store
from tests.conftest import CORPUS, DATA, Load

GOLDEN = Path(__file__).parents[1] / "golden" / "check"
HEALTHY = {
    "pd-seed-like": "The seed's example run again: two seconds from create_connect to 🤝.",
    "pd-put-async": "200 requests over one handshake; full of 🚧, which are timings.",
    "pd-put": "The same with PUT, where prefill's main thread connects.",
    "pd-get": "GET: decode connects; tensors are evicted before anybody asks for them.",
    "pd-get-large": "The same with 8,000 tensors; both clocks within two seconds.",
    "pd-put-async-upstream-only": "No patch: NCCL's commId and 🤝 tell both sides.",
    "pd-put-async-connector": "Decode counts a block more in 6 requests, and computes it anew.",
    "pd-put-async-v0.9.2": "A logger's slip prints a traceback on each side; nothing is wrong.",
    "pd-tp2-workers": "Two workers a side: two handshakes, the second after the first.",
    "pd-nccl-subsys-all": "NCCL at TRACE; `Connection closed` stands after its own end.",
    "pd-nccl-timestamps": "NCCL's stamps bound the clocks to a tenth of a second.",
    "default-nixl": "NIXL: 5 leases ran out, 3 were fetched later, 2 clients had hung up.",
    "debug-nixl": "NIXL at DEBUG: an EngineDeadError after [shutdown] is a normal stop.",
    "dp2-tp2-nixl": "A starved machine: 79 leases ran out, all but 4 were fetched later.",
    "fail-buffer-full-freed": "451 tensors went to host memory, and the run came to its end.",
}
FAILED = {
    "fail-decode-killed-on-new": (
        "Decode was killed as soon as it had NEW; prefill blocks in ncclCommInitRank.",
        ["handshake-stalled"],
    ),
    "fail-decode-oom": (
        "Decode refused 88 tensors for want of memory: 31 requests lack layers, 2 a block.",
        ["out-of-memory", "kv-missing", "kv-mismatch"],
    ),
    "fail-address-in-use": (
        "Both sides on one address: decode could not bind, prefill connected to itself, NCCL "
        "found one GPU twice, and both threads of prefill died of that.",
        ["address-in-use", "handshake-refused", "nccl-error", "listener-died", "sender-died"],
    ),
}
RUNS = [*HEALTHY, *FAILED]


def logs_of(run: str) -> list[Path]:
    """The logs of a run: of the full corpus, or of the part of it that is always there."""
    for folder in (CORPUS / "h200" / run, CORPUS / "vllm-cpu" / run, DATA / "h200" / run):
        found = [folder / f"{name}.log" for name in ("proxy", "prefill", "decode")]
        found = [path for path in found if path.exists()]
        if len(found) >= 2:
            return found
    pytest.skip("the full corpus is no part of a clone; PDTUI_CORPUS says where it is")


def answer(store: Store) -> dict[str, object]:
    """What check says of these sources."""
    inspection = Inspection(store.snapshot())
    return as_json(inspection, find_problems(inspection))


@pytest.mark.parametrize("run", RUNS)
def test_the_answer_is_the_one_that_was_read(run: str, load: Load) -> None:
    """Every step of every handshake, every problem with its rows, every clock."""
    said = json.loads(json.dumps(answer(load(*logs_of(run)))))
    assert said == json.loads((GOLDEN / f"{run}.json").read_text())


@pytest.mark.parametrize("name", ["pd_disagg", "pd_disagg.mojibake"])
def test_the_seed(name: str, load: Load) -> None:
    """One file with both sides, also as it came through a terminal that decoded it wrongly."""
    path = CORPUS / "seed" / f"{name}.log"
    path = path if path.exists() else DATA / "seed" / f"{name}.log"
    if not path.exists():
        pytest.skip("the full corpus is no part of a clone; PDTUI_CORPUS says where it is")
    said = json.loads(json.dumps(answer(load(path, year=2025))))
    assert said == json.loads((GOLDEN / f"seed-{name}.json").read_text())


@pytest.mark.parametrize("run", HEALTHY)
def test_a_run_that_went_well_has_notes_at_most(run: str, load: Load) -> None:
    """However many 🚨, 🚧 and 🔴 it printed; and so has each of its logs alone."""
    paths = logs_of(run)
    for some in (paths, *([path] for path in paths)):
        assert not is_failed(find_problems(Inspection(load(*some).snapshot()))), some


@pytest.mark.parametrize("run", FAILED)
def test_a_run_that_failed_has_its_first_cause_first(run: str, load: Load) -> None:
    """And what followed from it is under it."""
    problems = find_problems(Inspection(load(*logs_of(run)).snapshot()))
    assert is_failed(problems)
    assert len(problems) == 1
    kinds = [problems[0].kind, *(follower.kind for follower in problems[0].follows)]
    assert kinds == FAILED[run][1]


@pytest.mark.parametrize("run", RUNS)
def test_the_order_of_the_arguments_does_not_matter(run: str, load: Load) -> None:
    """The same handshakes and problems, whichever log is named first."""
    paths = logs_of(run)
    turned, straight = (Inspection(load(*some).snapshot()) for some in (reversed(paths), paths))
    assert [skew.sentence for skew in turned.skews] == [s.sentence for s in straight.skews]
    problems = [find_problems(inspection) for inspection in (turned, straight)]
    said = [[(p.kind, p.severity, p.summary) for p in some] for some in problems]
    assert said[0] == said[1]
