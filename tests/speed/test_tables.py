"""What the benchmarks say of given figures; nothing here measures anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.bench import Figures, length, missing
from benchmarks.measure import Command, FailedError, Taken, best, percentile, run
from benchmarks.results import Line, Measured, Results
from benchmarks.rows_live import Watched
from benchmarks.run import ROWS, arguments, bench_of, measured

OURS, LNAV = Command("pdtui", ("a",), "pdtui stats"), Command("lnav", ("b",), "lnav -n")


def line(*, met: bool | None = True, got: str = "0.40 ×") -> Line:
    return Line("stats", "≤ 0.5 × lnav", got, "pdtui 2.00 s", "pdtui stats\nlnav -n", met)


def results(folder: Path) -> Results:
    return Results(folder, "RESULTS", ["first", "second"])


def test_start_up_is_taken_away_from_both() -> None:
    """(3 - 1) / (6 - 2) = 0.5, which is met at 0.5 and not at 0.4."""
    figures = Figures(
        {"pdtui": Taken(3, 4), "lnav": Taken(6, 6)},
        {"pdtui": Taken(1, 1), "lnav": Taken(2, 3)},
    )
    said = figures.against("stats", OURS, LNAV, 0.5)
    assert (said.got, said.met, said.asked) == ("0.50 ×", True, "≤ 0.5 × lnav")
    assert said.figures == (
        "pdtui 2.00 s (processor 3.00 s), lnav 4.00 s (processor 3.00 s), both beyond start-up"
    )
    assert figures.against("stats", OURS, LNAV, 0.4).met is False


def test_a_peer_that_fails_or_is_missing_is_said_to() -> None:
    """Such a line is neither met nor not."""
    figures = Figures({"pdtui": Taken(3, 3), "lnav": FailedError("lnav: no such option")}, {})
    said = figures.against("stats", OURS, LNAV, 0.5)
    assert (said.got, said.met) == ("lnav: no such option", None)
    gone = missing("stats", 0.5, "lnav", OURS)
    assert (gone.got, gone.met) == ("lnav is missing", None)


def test_the_table_says_what_was_met(tmp_path: Path) -> None:
    """Commands stand below each other, a bar does not end a cell, each answer in a word."""
    kept = results(tmp_path)
    kept.head = {"machine": "2 cores"}
    lines = [line(), line(met=False, got="a | b"), line(met=None, got="lnav is missing")]
    kept.add(Measured("first", lines, date="2026-11-22 10:00"))
    text = (tmp_path / "RESULTS.md").read_text()
    assert "- machine: 2 cores" in text
    assert "- measured: 2026-11-22 10:00 UTC" in text
    assert "| 0.40 × | pdtui 2.00 s | `pdtui stats`<br>`lnav -n` | yes |" in text
    assert "| a \\| b |" in text
    assert "1 of 3 met, 1 not, 1 not measured." in text


def test_rows_that_are_not_measured_now_are_kept(tmp_path: Path) -> None:
    """Another run puts its rows in place of the same ones only, in the table's order."""
    results(tmp_path).add(Measured("second", [line(got="old")], date="2026-11-21 10:00"))
    again = results(tmp_path)
    again.add(Measured("first", [line(got="one")], date="2026-11-22 10:00"))
    again.add(Measured("second", [line(got="new")], date="2026-11-22 11:00"))
    text = (tmp_path / "RESULTS.md").read_text()
    assert "| old |" not in text
    assert text.index("| one |") < text.index("| new |")
    assert "- measured: 2026-11-22 10:00 to 2026-11-22 11:00 UTC" in text


def test_results_of_another_version_do_not_stop_a_run(tmp_path: Path) -> None:
    """What cannot be read is measured anew."""
    (tmp_path / "RESULTS.json").write_text('{"rows": [{"name": "first", "colour": "blue"}]}')
    assert results(tmp_path).rows == {}


def test_a_row_that_fails_hurts_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table says why, whether the row knows the reason or broke."""
    given = arguments(["--quick", "--only", "stats-small"])
    bench = bench_of(given, tmp_path)

    def broken(_: object) -> list[Line]:
        raise FailedError("lnav had not ended after 900 s")

    monkeypatch.setattr("benchmarks.run.ROWS", {**ROWS, "stats-small": broken})
    row = measured("stats-small", bench)
    assert row.failed == "lnav had not ended after 900 s"
    kept = Results(tmp_path / "not there yet", "RESULTS", ["stats-small"])
    kept.add(row)
    written = (tmp_path / "not there yet" / "RESULTS.md").read_text()
    assert "failed: lnav had not ended after 900 s" in written


def test_the_quickest_run_counts_and_a_failing_peer_is_kept(tmp_path: Path) -> None:
    """Real programs: one that works, one that ends with a status and a reason."""
    good = Command("true", ("true",), "true")
    bad = Command("sh", ("sh", "-c", "echo 'it broke' >&2; exit 3"), "sh")
    found = best([good, bad], tmp_path, turns=2)
    assert isinstance(found["true"], Taken)
    assert str(found["sh"]) == "sh: it broke"
    with pytest.raises(FailedError, match="it broke"):
        best([bad, good], tmp_path, turns=2)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The row that needs it says so."""
    with pytest.raises(FailedError, match="no-such-program is missing"):
        run(Command("peer", ("no-such-program",), "peer"), tmp_path)


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    """And the row says how long it was waited for."""
    with pytest.raises(FailedError, match="sleep had not ended after 0 s"):
        run(Command("sleep", ("sleep", "60"), "sleep 60"), tmp_path, longest=0.2)


def test_a_mark_is_on_the_screen_when_it_or_a_later_one_is() -> None:
    """Marks that were passed by count from when a later one was seen; the last never was."""
    watched = Watched()
    watched.take("● live  2 sources  1,234 rows … mark 0 1. mark 1 0.".encode(), 10.5)
    watched.take(b"mark 0 3.", 11.0)
    written = [[10.0, 10.1, 10.2, 10.3, 10.4], [10.0]]
    delays = watched.delays(written, 0, 100)
    assert delays == pytest.approx([0.5, 0.4, 0.8, 0.7, float("inf"), 0.5])
    assert len(watched.delays(written, 10.15, 10.35)) == 2
    assert (watched.rows, watched.live, watched.frozen) == (1234, 1, 0)


def test_what_comes_in_two_parts_is_found() -> None:
    """A read may end in the middle of a mark."""
    watched = Watched()
    watched.take(b"... mark 0 1", 1.0)
    watched.take(b"2. ...", 2.0)
    assert watched.seen == {0: [(12, 2.0)]}


def test_lengths_and_percentiles() -> None:
    """As people say them."""
    assert [length(one) for one in (0.012, 0.96, 1.5)] == ["12 ms", "960 ms", "1.50 s"]
    assert length(float("inf")) == "never"
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(list(range(100)), 0.95) == 95
