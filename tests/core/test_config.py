"""The user's own formats, markers and pairs: what is right counts, what is wrong is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pdtui.core.config import read_configuration
from pdtui.core.grammar import Grammar, use_grammar
from pdtui.core.markers import add_markers
from tests.core.sources import scanned

GATEWAY = """
[[format]]
name = "gateway"
pattern = '(?P<time>\\S+) (?P<level>[A-Z]+) gw\\[(?P<pid>\\d+)\\] r(?P<rank>\\d): (?P<message>.*)'
sample = "2025-11-01T10:30:45.5Z WARN gw[12] r3: upstream is slow"
"""
MARKERS = """
[[marker]]
name = "Preempted"
pattern = 'is preempted'
meaning = "a request lost its blocks"

[[marker]]
name = "boot"
emoji = "🥾"
"""


@pytest.fixture(autouse=True)
def _built_in() -> Iterator[None]:
    yield
    add_markers(())
    use_grammar(Grammar())


def in_use(text: str) -> list[str]:
    """Takes a configuration into use; its problems."""
    found = read_configuration(text)
    add_markers(tuple(found.markers))
    use_grammar(found.grammar())
    return found.problems


def test_a_format_takes_lines_apart() -> None:
    """All groups of the schema: time, level, pid, rank, message; lines under it continue it."""
    assert in_use(GATEWAY) == []
    head, below = scanned(b"2025-11-01T10:30:45.5Z WARN gw[12] r3: slow\n  because\n")
    assert (head.format, head.level, head.pid, head.rank) == ("gateway", "WARNING", 12, 3)
    assert (str(head.time), head.message) == ("2025-11-01 10:30:45.500000", "slow")
    assert (below.continuation, below.pid) == (True, 12)


def test_an_own_format_comes_before_the_built_in_ones() -> None:
    """Who describes a line better than pdtui is believed."""
    text = """
    [[format]]
    name = "mine"
    pattern = 'INFO (?P<month>\\d\\d)-(?P<day>\\d\\d) \\S+ \\[mine.py:1\\] (?P<message>.*)'
    sample = "INFO 11-01 10:30:45 [mine.py:1] x"
    """
    assert in_use(text) == []
    mine, other = scanned(
        b"INFO 11-01 10:30:45 [mine.py:1] x\nINFO 11-01 10:30:45 [other.py:1] y\n"
    )
    assert (mine.format, other.format) == ("mine", "vllm")


def test_a_marker_is_a_text_or_an_emoji() -> None:
    """A text counts wherever it stands in a message, an emoji at its start."""
    assert in_use(MARKERS) == []
    rows = scanned(
        "INFO 11-01 10:30:45 [a.py:1] Request 7 is preempted\n"
        "INFO 11-01 10:30:45 [a.py:1] 🥾 up\n".encode()
    )
    assert [row.markers for row in rows] == [("preempted",), ("🥾",)]


def test_pairs_are_taken_over() -> None:
    """Both expressions, and a name where the user gives one."""
    found = read_configuration(
        "[[pair]]\ncause = 'push (?P<key>\\d+)'\neffect = 'pull (?P<key>\\d+)'\n"
    )
    assert (found.problems, [pair.name for pair in found.pairs]) == ([], ["pair 1"])
    assert found.grammar().pairs == tuple(found.pairs)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("[[format]]\nname = 'a'\nsample = 'x'", "format 1, pattern: is missing"),
        ("[[format]]\nname = 'a'\npattern = '('\nsample = 'x'", "pattern: is no expression"),
        ("[[format]]\nname = 'a'\npattern = 'y'\nsample = 'x'", "sample: does not fit"),
        ("[[format]]\nname = 'a'\npattern = '(?P<tme>x)'\nsample = 'x'", "has a group 'tme'"),
        ("[[format]]\nname = 'a'\npattern = 'x'\nsample = 'x'\nlevel = 'loud'", "is no level"),
        ("[[format]]\nname = 'a'\npattern = 'x'\nsample = 'x'\nutc = 1", "utc: is neither"),
        ("[[format]]\nname = 1\npattern = 'x'\nsample = 'x'", "name: is no text"),
        ("[[format]]\nnme = 'a'", "nme: is no key of a format"),
        ("[[marker]]\nname = 'a b'", "name: may hold no blank"),
        ("[[marker]]\nname = 'a'", "emoji: is missing, and so is a pattern"),
        ("[[marker]]\nname = 'a'\nemoji = 'x'", "emoji: 'x' is none"),
        ("[[pair]]\ncause = 'x'\neffect = 'y'", "cause: has no group (?P<key>"),
        ("[format]\nname = 'a'", "format: is written [[format]]"),
        ("format = [1]", "format 1, format: is no table"),
        ("[colour]\nx = 1", "colour: is none of [[format]], [[marker]], [[pair]]"),
        ("name = ", "is no TOML"),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_counts(entry: str, said: str) -> None:
    """Each problem says the entry and the key."""
    found = read_configuration(f"{entry}\n{MARKERS}" if "[[" in entry else f"{entry}\n")
    if "[[" in entry:
        assert [marker.name for marker in found.markers] == ["preempted", "boot"]
    [problem] = found.problems
    assert said in problem
