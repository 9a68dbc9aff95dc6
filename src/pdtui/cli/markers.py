"""`pdtui markers`: the legend."""

from __future__ import annotations

from unicodedata import combining, east_asian_width

import click

from pdtui.cli.configuration import say_configuration_problems
from pdtui.core.markers import VARIATION_SELECTOR, known_markers

_HEAD = ("MARKER", "NAME", "--ascii", "MEANING")
_NOTE = """
-m takes markers or their names: -m 🔍,alert; '!debug' leaves one out, 'any' is every marker.
An emoji that is not in this list is a marker too."""


@click.command()
def markers() -> int:
    """Lists the markers and what each means.

    A marker has one or more names for -m, and a letter that stands for it with --ascii.
    """
    say_configuration_problems()
    table = [_HEAD] + [(m.emoji, ", ".join(m.words), m.letter, m.meaning) for m in known_markers()]
    widths = [max(map(cells, column)) for column in zip(*table, strict=True)]
    for row in table:
        padded = [text + " " * (w - cells(text)) for text, w in zip(row, widths, strict=True)]
        click.echo("  ".join(padded).rstrip())
    click.echo(_NOTE)
    return 0


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(
        0 if combining(sign) or sign == VARIATION_SELECTOR
        else 2 if east_asian_width(sign) in "WF"
        else 1
        for sign in text
    )  # fmt: skip
