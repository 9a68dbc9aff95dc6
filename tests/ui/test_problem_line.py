"""The line that says what is wrong: who waits for whom, while it is so and no longer."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from pdtui.core.evidence import Clocks
from pdtui.core.problems import Problem
from pdtui.core.stamps import SECOND
from pdtui.ui.clock import log_time
from tests.core.handshake_lines import D, P, accepting, connecting, engine, line, said
from tests.ui.conftest import Open, Opened
from tests.ui.runs import made_up

ASKED = connecting(P, D)[:6]
"""What a connecting side writes up to ncclCommInitRank."""
REFUSED = (
    "🔴[PUT]Recv Tensor, Out Of Memory, 10.0.1.3:22001👈10.0.1.2:21001, "
    "data:{'cmd': 'PUT', 'tensor_id': 'cmpl-1-0#model.layers.0', 'shape': [2, 22, 16, 8, 128]}"
)
WAITS = "prefill waits in ncclCommInitRank for decode"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A prefill that waits, since second 5, and a decode that came up."""
    prefill, decode = tmp_path / "prefill.log", tmp_path / "decode.log"
    prefill.write_text(engine(P) + said(ASKED, 5))
    decode.write_text(engine(D, rank=1))
    return prefill, decode


def shows(opened: Opened) -> str:
    """What the line says, without the blanks between its parts."""
    problem = opened.app.screen_stack[0].query_one("#problem")
    return " ".join(str(problem.render()).split()) if problem.display else ""


def at_second(opened: Opened, second: float) -> None:
    """Sets the clock of the logs, in seconds after their start."""

    def clock(clocks: Clocks) -> int | None:
        start = min(int(source.columns.when[0]) for source, stop in clocks.snapshot if stop)
        return start + int(second * SECOND)

    opened.app.session.insight.log_time = clock


async def test_a_wait_is_said_from_the_threshold_on(viewer: Open, pair: tuple[Path, Path]) -> None:
    """After ten seconds, by the clock that goes on while nobody writes; and it counts on."""
    async with viewer(*pair, follow=True) as opened:
        at_second(opened, 14.9)
        await opened.looked()
        assert shows(opened) == ""
        at_second(opened, 15)
        await opened.looked()
        assert shows(opened).startswith(f"! {WAITS}, 10 s: NEW was sent, never received")
        assert shows(opened).endswith("v handshakes")
        at_second(opened, 47)
        await opened.looked()
        assert f"{WAITS}, 42 s" in shows(opened)


async def test_it_disappears_when_both_are_through(viewer: Open, pair: tuple[Path, Path]) -> None:
    """Decode comes late, both succeed: nothing is wrong any more."""
    prefill, decode = pair
    async with viewer(*pair, follow=True) as opened:
        at_second(opened, 30)
        await opened.looked()
        assert WAITS in shows(opened)
        with prefill.open("a") as one, decode.open("a") as other:
            other.write(said(accepting(D, P, rank=1), 31))
            one.write(said(connecting(P, D)[6:], 31))
        opened.ingest.ring()
        await opened.until(lambda: len(opened.app.session.store) == 5 + 6 + 5 + 6 + 2)
        await opened.looked()
        assert shows(opened) == ""


async def test_further_stalls_are_counted(viewer: Open, tmp_path: Path) -> None:
    """Two prefills wait for one decode: the longest wait is told, the other one counted."""
    async with viewer(*made_up("queued", tmp_path)) as opened:
        await opened.looked()
        assert " waits in ncclCommInitRank for decode, " in shows(opened)
        assert "· 1 more stall" in shows(opened)


async def test_logs_that_are_over_go_by_their_own_clock(
    viewer: Open, pair: tuple[Path, Path]
) -> None:
    """Who does not follow sees how long the wait was when the logs ended."""
    with pair[1].open("a") as decode:
        decode.write(line("the last", 35))
    async with viewer(*pair) as opened:
        await opened.looked()
        assert f"{WAITS}, 30 s" in shows(opened)


async def test_what_check_finds_is_said_where_nobody_waits(viewer: Open, tmp_path: Path) -> None:
    """Decode's memory was full: the first cause, and how many further problems there are."""
    async with viewer(*made_up("oom", tmp_path)) as opened:
        await opened.until(lambda: bool(opened.app.answers))
        await opened.looked()
        assert shows(opened).startswith("! decode ran out of GPU memory")


async def test_a_problem_that_comes_live_is_found(viewer: Open, tmp_path: Path) -> None:
    """A row that tells of a problem arrives while the logs are followed."""
    log = tmp_path / "decode.log"
    log.write_text(engine(D))
    async with viewer(log, follow=True) as opened:
        await opened.until(lambda: opened.app.answers == 1)
        assert shows(opened) == ""
        with log.open("a") as file:
            file.write(line(REFUSED, 9, "WARNING"))
        opened.ingest.ring()
        await opened.until(lambda: opened.app.answers == 2)
        assert "decode ran out of GPU memory" in shows(opened)


async def test_a_problem_goes_with_the_rows_that_told_of_it(viewer: Open, tmp_path: Path) -> None:
    """The log is emptied for the next run, which has not written anything yet."""
    log = tmp_path / "decode.log"
    log.write_text(engine(D) + line(REFUSED, 9, "WARNING"))
    async with viewer(log, follow=True) as opened:
        await opened.until(lambda: "decode ran out of GPU memory" in shows(opened))
        log.write_bytes(b"")
        opened.ingest.ring()
        await opened.until(lambda: shows(opened) == "", 10)


async def test_a_healthy_run_says_nothing(viewer: Open, tmp_path: Path) -> None:
    """However loud it is."""
    async with viewer(*made_up("loud", tmp_path)) as opened:
        await opened.until(lambda: bool(opened.app.answers))
        await opened.looked()
        assert shows(opened) == ""


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two processes of this host."""
    made = [subprocess.Popen(["sleep", "60"]) for _ in range(2)]
    yield made
    for process in made:
        process.kill()
        process.wait()


async def test_a_process_that_is_gone_is_said(
    viewer: Open, tmp_path: Path, processes: list[subprocess.Popen[bytes]]
) -> None:
    """Decode is killed while prefill waits for it: the line says which process is gone."""
    paths = [tmp_path / "prefill.log", tmp_path / "decode.log"]
    now = datetime.now()
    start = f"{now:%m-%d %H:%M:%S}"
    for path, process, address, rank in zip(paths, processes, (P, D), (0, 1), strict=True):
        text = engine(address, rank, pid=process.pid).replace("11-01 10:30:45", start)
        nccl = f"{socket.gethostname()}:{process.pid}:{process.pid} [0] NCCL INFO Bootstrap\n"
        path.write_text(text + nccl)
    with paths[0].open("a") as prefill:
        prefill.write(said(ASKED, 0).replace("11-01 10:30:45", start))
    async with viewer(*paths, follow=True, year=now.year) as opened:
        at_second(opened, 30)
        await opened.looked()
        assert shows(opened).startswith(f"! {WAITS}, 30 s")
        assert "is gone" not in shows(opened)
        processes[1].kill()
        processes[1].wait()
        await opened.until(lambda: "is gone" in shows(opened))
        assert f"decode's process {processes[1].pid} is gone" in shows(opened)


async def test_clocks_that_differ_are_said_and_corrected_by_a_key(
    viewer: Open, tmp_path: Path
) -> None:
    """`C` orders the rows as `--offset` would, says so in the title, and takes it back."""
    async with viewer(*made_up("skewed", tmp_path)) as opened:
        await opened.looked()
        assert shows(opened).startswith("! clocks differ: decode −9 s ±1, 5 pairs")
        before = opened.app.session.merge.refs[:].tolist()
        await opened.press("C")
        assert "decode (+9 s)" in opened.screen().splitlines()[0]
        assert opened.app.session.merge.refs[:].tolist() != before
        assert opened.timeline.view is opened.app.session.timeline
        await opened.press("C")
        assert "(+" not in opened.screen().splitlines()[0]
        assert opened.app.session.merge.refs[:].tolist() == before


async def test_clocks_that_agree_are_left_alone(viewer: Open, pair: tuple[Path, Path]) -> None:
    """`C` says that there is nothing to correct."""
    async with viewer(*pair) as opened:
        await opened.press("C")
        assert shows(opened) == "no two clocks are known to differ"


@pytest.mark.parametrize(
    ("written_ago", "zone", "known"),
    [(30, 0, True), (30, 2 * 3600, True), (30, 777, False), (2 * 3600, 0, False)],
)
def test_the_clock_of_logs_goes_on_where_they_were_just_written(
    tmp_path: Path, written_ago: int, zone: int, known: bool
) -> None:
    """By the zone that they are written in; a copy, and what is long over, has no clock."""
    from pdtui.core.store import Store
    from pdtui.follow.ingest import Ingest
    from pdtui.follow.opening import feed_of, resolve

    path = tmp_path / "prefill.log"
    written = datetime.fromtimestamp(int(time.time()) - written_ago + zone)
    path.write_text(f"INFO {written:%m-%d %H:%M:%S} [a.py:1] the last\n")
    os.utime(path, (time.time() - written_ago,) * 2)
    store = Store()
    (named,), _ = resolve([str(path)])
    ingest = Ingest(store, [feed_of(named, written.year, lambda: None)])
    ingest.load()
    clocks = Clocks(store.snapshot())
    newest = int(store.sources[0].columns.when[0])
    found = log_time(clocks)
    ingest.stop()
    if known:
        assert found is not None
        assert written_ago - 2 <= (found - newest) / SECOND <= written_ago + 60
    else:
        assert found is None


async def test_an_error_in_the_search_for_problems_is_said(
    viewer: Open, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not take the screen away."""

    def fail(_inspection: object) -> list[Problem]:
        raise IndexError("no such group")

    monkeypatch.setattr("pdtui.ui.problemfinder.find_problems", fail)
    pair[0].write_text(engine(P))
    async with viewer(*pair) as opened:
        await opened.until(lambda: bool(opened.app.answers))
        assert shows(opened) == "! problems cannot be looked for: IndexError: no such group"
        await opened.press("g", "j")
        assert opened.timeline.cursor == 1
