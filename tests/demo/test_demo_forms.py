"""The form of the made-up lines: they are like the real ones, one by one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from demo_lines import (
    CINIT,
    FEW,
    NCCL,
    PROC,
    SGR,
    START,
    VLLM,
    few,
    form_of,
    having,
    kinds_in,
    plain,
    requests,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import DATA
from tests.core.sources import scanned

from pdtui.demo.scenario import SCENARIOS, Detail, SendType, build

NIXL_RUNS = {"nixl", "expired"}
SILENT = {"💯", "vllm", "uvicorn"}
"""What every run of the P2P engine writes, with the patch or without."""

# Not in any real log at hand: written from vLLM's and NCCL's source, and from public reports.
UNSEEN = ("❗[GET]", "🔴[GET]Recv From", "Cuda failure 700", " group.cc:", "Qwen/Qwen3-8B")


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_line_has_a_known_form(name: str) -> None:
    for shape, sends in FEW:
        scenario = few(name, shape, sends)
        kinds = kinds_in(scenario, scenario.lines)
        assert kinds >= ({"nixl", "access", "farewell"} if name in NIXL_RUNS else SILENT)
        assert all(CINIT.search(line.text) for line in having(scenario, "Init START"))


def test_the_core_reads_them_as_it_reads_real_ones() -> None:
    """Each made-up line has a format that the scanner gives to a real line of its form."""
    real: dict[str | None, set[str | None]] = _formats(b"".join(_real_parts()))
    for name in SCENARIOS:
        lines = [line.text for line in few(name, (1, 1, 2)).lines]
        for form, formats in _formats("\n".join(lines).encode() + b"\n").items():
            assert formats <= real[form], (name, form)


def test_each_line_of_an_engine_is_in_a_real_log(corpus: Path) -> None:
    """But for numbers, names and addresses, a real run has the very line."""
    real = _real_outlines(corpus)
    for name, (shape, sends) in product(SCENARIOS, FEW[:4]):
        for line in few(name, shape, sends).lines:
            text = plain(line)
            if _is_claimed(name, text):
                assert _outline(text) in real


@given(
    st.sampled_from(sorted(SCENARIOS)),
    st.fixed_dictionaries(
        {
            "seed": st.integers(0, 2**32),
            "prefills": st.integers(1, 3),
            "decodes": st.integers(1, 3),
            "tensor_parallel": st.integers(1, 3),
            "requests": st.integers(1, 12),
            "send_type": st.sampled_from(SendType),
            "patched": st.booleans(),
        }
    ),
)
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_any_shape_is_whole(name: str, shape: dict[str, Any]) -> None:
    scenario = build(name, start=START, **shape)
    assert [ln.at for ln in scenario.lines] == sorted(ln.at for ln in scenario.lines)
    assert all("\n" not in line.text for line in scenario.lines)
    assert {line.file for line in scenario.lines} == set(scenario.files)
    if name not in NIXL_RUNS:
        assert kinds_in(scenario, having(scenario, "💯")) == {"💯"}
        taken = requests(having(scenario, "Received request", "prefill"))
        pairs = (shape["prefills"] + 1) * (shape["decodes"] + 1)
        assert 0 < len(taken) == len(set(taken)) <= max(shape["requests"], pairs)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_seed_decides(name: str) -> None:
    one, same, other = (
        build(name, start=START, seed=seed, requests=8, send_type=SendType.GET)
        for seed in (7, 7, 8)
    )
    assert one == same
    assert one.files == other.files
    assert one.lines != other.lines


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - NIXL_RUNS))
def test_at_info_only_debug_lines_and_paths_are_missing(name: str) -> None:
    debug, info, quiet = (
        build(name, start=START, detail=detail, requests=8, tensor_parallel=2) for detail in Detail
    )
    paths = re.compile(r"\[[\w./]+/(\w+\.py:\d+\])")
    left = [paths.sub(r"[\1", ln.text) for ln in debug.lines if " DEBUG " not in ln.text]
    assert [line.text for line in info.lines] == left
    assert [ln for ln in info.lines if ln.text and not NCCL.match(ln.text)] == list(quiet.lines)
    assert debug.truth == info.truth == quiet.truth


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - NIXL_RUNS))
def test_without_the_patch_only_its_lines_are_missing(name: str) -> None:
    patched, stock = (
        build(name, start=START, patched=patched, requests=8) for patched in (True, False)
    )
    assert having(patched, "🔍")
    left = tuple(ln for ln in patched.lines if "🔍" not in ln.text and "🚨" not in ln.text)
    assert stock.lines == left
    assert stock.truth == patched.truth


def _formats(data: bytes) -> dict[str | None, set[str | None]]:
    found: defaultdict[str | None, set[str | None]] = defaultdict(set)
    texts = SGR.sub("", data.decode()).split("\n")
    for text, line in zip(texts, scanned(data), strict=False):
        found[form_of(text)].add(line.format)
    return found


def _real_parts() -> Iterator[bytes]:
    runs = ("h200/fail-address-in-use", "h200/pd-tp2-workers", "h200/pd-get-large")
    for run in (*runs, "vllm-cpu/default-nixl", "vllm-cpu/debug-nixl"):
        for path in sorted((DATA / run).glob("*.log")):
            yield path.read_bytes()


def _is_claimed(name: str, text: str) -> bool:
    """Whether real logs have such lines: of the P2P engine, of NCCL, all of NixlConnector's."""
    if name in NIXL_RUNS or NCCL.match(text):
        return not any(word in text for word in UNSEEN)
    head = VLLM.match(re.sub(PROC, "", text))
    return bool(head and "/p2p/" in head["f"]) and not any(word in text for word in UNSEEN)


def _real_outlines(corpus: Path) -> set[str]:
    paths = [*corpus.glob("h200/*/*.log"), *corpus.glob("vllm-cpu/*-nixl/*.log")]
    return {
        _outline(SGR.sub("", text))
        for path in paths
        for text in path.read_text(encoding="utf-8").splitlines()[:1200]
    }


def _outline(text: str) -> str:
    """The line without what differs from run to run."""
    message = re.sub(r"^\(\S+ pid=\d+\) ", "", text.removesuffix("\r"))
    if head := VLLM.match(message):
        message = f"{head['lvl']} {Path(head['f']).name} {head['m']}"
    message = re.sub(r"(comm|commId) 0x[0-9a-f]+|busId [0-9a-fx]+|device [0-9a-f]+", "", message)
    message = re.sub(r"_hex=[0-9a-f]+|_[0-9a-f]{32}-\d(-[0-9a-f]{8})?", "", message)
    message = re.sub(r"existing_comms=\[.*\]|proxy_address:\S*,|hash: [0-9a-f]+", "", message)
    message = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(-\d)?(-[0-9a-f]{8})?", "", message)
    return re.sub(r"\d+(\.\d+)*", "N", message)
