"""Floods: hundreds of thousands of lines, of which none may be lost or doubled."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import flooding
import pytest
from following import descriptors, eventually, live, threads

from pdtui.core.source import Source

RATE = 200_000
LINES = 300_000


@contextmanager
def flood(
    path: Path, lines: int = LINES, rate: int = RATE, rotate: int = 0
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that writes the lines while the block runs."""
    command = [sys.executable, flooding.__file__, str(path), str(lines), str(rate), str(rotate)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def is_whole(source: Source, lines: int) -> bool:
    """Whether the rows are the lines, each once and in order."""
    wanted = flooding.lines(0, lines)
    assert len(source) == lines
    assert source.end == len(wanted)
    # Row by row would take longer than the flood: the rows lie end to end, each on its line.
    assert source.read(0, source.end) == wanted
    ends = [begin - 1 for begin in source.columns.offset[:].tolist()[1:]]
    return all(wanted[end] == ord("\n") for end in ends)


@pytest.mark.parametrize("rotate", [0, 100_000], ids=["one file", "rotated"])
def test_a_flood_is_followed_without_loss(tmp_path: Path, rotate: int) -> None:
    log = tmp_path / "prefill.log"
    with live(log) as session, flood(log, rotate=rotate) as writer:
        assert writer.wait(30) == 0
        eventually(lambda: len(session["prefill"]) >= LINES, timeout=20)
        assert is_whole(session["prefill"], LINES)


def test_two_floods_at_once(tmp_path: Path) -> None:
    prefill, decode = tmp_path / "prefill.log", tmp_path / "decode.log"
    lines = LINES // 3
    with (
        live(prefill, decode) as session,
        flood(prefill, lines) as first,
        flood(decode, lines) as second,
    ):
        assert (first.wait(30), second.wait(30)) == (0, 0)
        eventually(lambda: len(session.store) >= 2 * lines, timeout=20)
        assert is_whole(session["prefill"], lines)
        assert is_whole(session["decode"], lines)
        assert session["prefill"].arrivals[0][1] > 0


def test_a_flood_through_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "prefill.fifo"
    os.mkfifo(pipe)
    lines = LINES // 2
    with live(pipe) as session, flood(pipe, lines, rate=0) as writer:
        assert writer.wait(30) == 0
        eventually(lambda: len(session["prefill"]) >= lines, timeout=20)
        assert is_whole(session["prefill"], lines)


def test_stopping_during_a_flood_is_prompt_and_leaves_nothing(tmp_path: Path) -> None:
    log = tmp_path / "prefill.log"
    before, running = descriptors(), threads()
    with flood(log, lines=10_000_000):
        with live(log) as session:
            eventually(lambda: len(session["prefill"]) > 20_000, timeout=20)
            began = time.monotonic()
            session.stop()
            took = time.monotonic() - began
        assert not threads() - running
        assert not descriptors() - before
    assert took < 1
