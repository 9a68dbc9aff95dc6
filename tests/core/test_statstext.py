"""What `stats` says in lines: sizes and shares in three digits, without exponents."""

from __future__ import annotations

import pytest

from pdtui.core.evidence import three_digits
from pdtui.core.stats import SourceStats
from pdtui.core.statstext import stats_lines


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 bytes"), (999, "999 bytes"), (33_800, "33.8 kB"), (999_400, "999 kB"),
        (999_600, "1 MB"), (127_863_186, "128 MB"), (10_000_000_000, "10 GB"),
        (3_500_000_000_000, "3,500 GB"),
    ],
)  # fmt: skip
def test_sizes(size: int, said: str) -> None:
    """Also just below the next unit, where three digits round up to four."""
    assert said in next(stats_lines([SourceStats("a", "a.log", size=size)]))


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0"), (0.25, "0.25"), (99.96, "100"), (999.4, "999"), (1200, "1,200")]
)
def test_numbers_never_have_an_exponent(number: float, said: str) -> None:
    """A request that took twenty minutes took 1,200 s, not 1.2e+03."""
    assert three_digits(number) == said


def test_all_rows_unclaimed_are_a_hundred_percent() -> None:
    """A log of nothing that is known says so in a plain number."""
    found = SourceStats("a", "a.log", rows=7, unclaimed=7)
    assert any("7 rows (100 %)" in line for line in stats_lines([found]))
