"""Torrents: what pours in is scanned by a process, and gives the rows of a plain read."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from following import Live, append, descriptors, eventually, failing, line, live, threads

from pdtui.core.describe import Describer
from pdtui.core.source import Segment, Source
from pdtui.follow import torrent
from pdtui.follow.torrent import Torrent

REAL = sorted((Path(__file__).parents[1] / "data").rglob("*.log"), key=lambda p: p.stat().st_size)
LINES = 200
"""Lines that are written at a time."""
PIECE = 1777
"""Bytes of a real log that are written at a time."""


@dataclass
class Poured:
    """How many rows processes have scanned, and which processes there were."""

    rows: int = 0
    processes: list[int] = field(default_factory=list)


@pytest.fixture(autouse=True)
def poured(monkeypatch: pytest.MonkeyPatch) -> Poured:
    """Has some hundred lines count as a torrent; notes what the processes did."""
    monkeypatch.setattr(torrent, "TORRENT", 1000)
    monkeypatch.setattr(torrent, "_CALM", 1)
    monkeypatch.setattr(torrent, "_LOOK_EVERY", 0.02)
    seen, add, start = Poured(), Source.add_scanned, Torrent._start

    def noted(self: Source, *arguments: object) -> None:
        seen.rows += len(arguments[0].offset)
        add(self, *arguments)

    def started(self: Torrent) -> None:
        start(self)
        seen.processes += [process._process.pid for process in self._processes]

    monkeypatch.setattr(Source, "add_scanned", noted)
    monkeypatch.setattr(Torrent, "_start", started)
    return seen


class Writer:
    """Writes numbered lines into a log, until it is told that it is enough."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.written = 0

    def pour(self, enough: Callable[[], object]) -> None:
        """Writes on until this holds."""

        def more() -> object:
            self.write(LINES)
            return enough()

        eventually(more, timeout=15, said=enough.__qualname__)

    def write(self, lines: int) -> None:
        """Writes so many more lines."""
        append(self.log, "".join(map(line, range(self.written, self.written + lines))))
        self.written += lines


@pytest.fixture
def writer(log: Path) -> Writer:
    log.touch()
    return Writer(log)


def numbers(session: Live) -> list[int]:
    return [int(text.rsplit(" ", 1)[1]) for text in session.lines("prefill")]


def all_of(source: Source) -> list[object]:
    """All that is known of the rows of a source."""
    describer = Describer(source)
    rows = [describer.describe(row) for row in range(len(source))]
    requests = source.requests
    return [*rows, *source.traces, requests.row[:].tolist(), requests.key[:].tolist()]


def lent(session: Live) -> bool:
    """Whether processes scan for all sources."""
    return all(source.unscanned is not None for source in session.store.sources)


@contextmanager
def plainly_read(path: Path) -> Iterator[Source]:
    """The source of a file that was read when it was written."""
    with path.open("rb") as file:
        source = Source(path.stem, str(path), 2025)
        source.segments.append(Segment(0, os.dup(file.fileno())))
        source.feed(file.read())
        source.show_unfinished()
    yield source
    source.close()


def _reaches(session: Live, label: str, rows: int) -> None:
    eventually(lambda: len(session[label]) == rows)


@pytest.mark.parametrize("processes", [1, 2])
def test_the_rows_are_those_of_a_plain_read(
    tmp_path: Path, poured: Poured, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    """Real logs, written into three files at once, in pieces that end anywhere.

    A process that is started later takes sources over from the first.
    """
    monkeypatch.setattr(torrent, "_A_PROCESS", 1)
    monkeypatch.setattr(torrent, "cores", lambda: processes + 1)
    writers = [Writer(tmp_path / f"{name}.log") for name in ("prefill", "decode", "proxy")]
    texts = [b"".join(one.read_bytes() for one in REAL[number::3]) for number in range(3)]
    for writer in writers:
        writer.log.touch()
    with live(*(writer.log for writer in writers)) as session:

        def more() -> bool:
            for writer in writers:
                writer.write(LINES)
            loans = session.ingest._torrent._loans.values()
            at_work = {id(loan.process) for loan in loans if not loan.is_new}
            return lent(session) and len(at_work) == processes and bool(poured.rows)

        eventually(more, timeout=15)
        for at in range(0, max(map(len, texts)), PIECE):
            for writer, text in zip(writers, texts, strict=True):
                with writer.log.open("ab") as file:
                    file.write(text[at : at + PIECE])
            time.sleep(0.002)
        for writer in writers:
            with plainly_read(writer.log) as wanted:
                _reaches(session, writer.log.stem, len(wanted))
                assert all_of(session[writer.log.stem]) == all_of(wanted)


def test_a_process_that_is_killed_has_taken_nothing_with_it(writer: Writer, poured: Poured) -> None:
    with live(writer.log) as session:
        writer.pour(lambda: poured.rows)
        os.kill(poured.processes[-1], signal.SIGKILL)
        writer.pour(lambda: not session["prefill"].unscanned)
        writer.write(LINES)
        eventually(lambda: len(session["prefill"]) == writer.written)
        assert numbers(session) == list(range(writer.written))
        assert len(poured.processes) == 1


def test_without_a_process_it_goes_more_slowly(
    writer: Writer, poured: Poured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torrent, "ScanProcess", failing(Torrent, OSError(11, "no process left")))
    with live(writer.log) as session:
        writer.pour(lambda: session.ingest._torrent._rest_until > 0)
        eventually(lambda: len(session["prefill"]) == writer.written)
        assert numbers(session) == list(range(writer.written))
    assert not poured.rows


def test_a_file_that_is_truncated_meanwhile_begins_anew(writer: Writer, poured: Poured) -> None:
    with live(writer.log) as session:
        writer.pour(lambda: poured.rows)
        before, first = session["prefill"], writer.written
        writer.log.write_text("")
        writer.pour(lambda: session["prefill"] is not before and lent(session))
        eventually(lambda: len(session["prefill"]) == writer.written - first)
        assert numbers(session) == list(range(first, writer.written))
        assert "truncated" in session["prefill"].note


def test_a_file_that_is_rotated_meanwhile_is_read_with_what_follows(
    writer: Writer, poured: Poured
) -> None:
    with live(writer.log) as session:
        writer.pour(lambda: poured.rows)
        # The last line of the old one has no newline, and never will.
        append(writer.log, line(writer.written).rstrip())
        writer.written += 1
        writer.log.rename(writer.log.with_suffix(".1"))
        writer.log.touch()
        began = poured.rows
        writer.pour(lambda: poured.rows > began + 2 * LINES)
        eventually(lambda: len(session["prefill"]) == writer.written)
        assert numbers(session) == list(range(writer.written))
        assert len(session["prefill"].segments) > 1


def test_an_unfinished_line_is_shown_when_the_torrent_pauses(
    writer: Writer, poured: Poured
) -> None:
    with live(writer.log) as session:
        writer.pour(lambda: poured.rows)
        append(writer.log, "half a line 7")
        eventually(lambda: session.lines("prefill")[-1:] == ["half a line 7"])
        assert not lent(session)
        append(writer.log, "7\n")
        eventually(lambda: session.lines("prefill")[-1] == "half a line 77")
        assert len(session["prefill"]) == writer.written + 1
        began = poured.rows
        writer.pour(lambda: poured.rows > began)


def test_processes_end_when_there_is_nothing_more_for_them(
    writer: Writer, poured: Poured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torrent, "_KEPT", 0.1)
    monkeypatch.setattr(torrent, "_CALM_FOR", 0.1)
    with live(writer.log) as session:
        writer.pour(lambda: poured.rows)
        eventually(lambda: not Path(f"/proc/{poured.processes[0]}").exists())
        append(writer.log, line(writer.written))
        writer.written += 1
        eventually(lambda: len(session["prefill"]) == writer.written)
        assert numbers(session) == list(range(writer.written))


def test_who_quits_in_a_torrent_leaves_nothing_behind(writer: Writer, poured: Poured) -> None:
    running, before = threads(), descriptors()
    with live(writer.log):
        writer.pour(lambda: poured.rows)
        writer.write(20 * LINES)
    assert not any(Path(f"/proc/{pid}").exists() for pid in poured.processes)
    assert threads() == running
    assert descriptors() == before


def test_a_stream_that_ends_in_a_torrent_is_read_to_its_end(tmp_path: Path, poured: Poured) -> None:
    pipe = tmp_path / "prefill.fifo"
    os.mkfifo(pipe)
    with live(pipe, follow=False) as session:
        with pipe.open("w") as file:
            written = 0

            def more() -> int:
                nonlocal written
                file.write("".join(map(line, range(written, written + LINES))))
                written += LINES
                file.flush()
                return poured.rows

            eventually(more, timeout=15)
            file.write(line(written).rstrip())
        eventually(session.ended)
        assert numbers(session) == list(range(written + 1))
