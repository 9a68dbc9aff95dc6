"""The options of everything that reads logs, and what they mean."""

# ruff: noqa: PLC0415 -- numpy and Textual are imported only where they are needed

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from pdtui.core.levels import LEVEL_NAMES
from pdtui.core.markers import known_markers
from pdtui.errors import FilterError

if TYPE_CHECKING:
    from pdtui.core.query import Filter, TextItem

SPLITS = ("auto", "source", "process", "rank")
"""The values of core.lanes.Split: naming them here spares `--help` from importing numpy."""
_UNITS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000}
_OFFSET = re.compile(
    r"(?P<label>.+)=(?P<sign>[+-]?)(?P<count>\d{1,6}(?:\.\d{1,6})?)(?P<unit>ms|s|m|h)", re.S
)
_Wrapped = TypeVar("_Wrapped", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed: the sources, and the options of all that read."""

    sources: tuple[str, ...]
    rank: str = ""
    marker: str = ""
    level: str = ""
    grep: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    process: str = ""
    since: str = ""
    until: str = ""
    year: int | None = None
    offset: tuple[str, ...] = ()
    split: str = SPLITS[0]


def told(what: str, example: str) -> str:
    """An option's help: what it does, and below that, in a line that is kept whole, how."""
    return f"\b\n{what}\n{example}"


def filter_of(typed: Typed) -> Filter:
    """The filter that the options ask for."""
    from pdtui.core.query import Filter, parse_level, parse_markers, parse_ranks

    return Filter(
        ranks=parse_ranks(typed.rank),
        markers=parse_markers(typed.marker),
        level=parse_level(typed.level),
        texts=_texts(typed),
        process=typed.process,
        since=_checked_moment(typed.since),
        until=_checked_moment(typed.until),
    )


def inputs_of(typed: Typed) -> dict[str, str]:
    """What the viewer's inputs show at the start: the filters as they were typed."""
    return {
        "rank": typed.rank,
        "marker": typed.marker,
        "level": typed.level,
        "text": _text_input(typed.grep, typed.exclude),
    }


def offsets_of(items: Iterable[str], labels: list[str]) -> dict[str, int]:
    """`decode=+4s` as microseconds to add to the clock of the source with that label."""
    offsets = {}
    for item in items:
        found = _OFFSET.fullmatch(item)
        if not found:
            raise FilterError("offset", f"'{item}' is no offset: decode=+4s · decode=-250ms")
        label = found["label"]
        if label not in labels:
            raise FilterError("offset", f"'{label}' is no source; there are: {', '.join(labels)}")
        size = round(float(found["count"]) * _UNITS[found["unit"]])
        offsets[label] = -size if found["sign"] == "-" else size
    return offsets


def _texts(typed: Typed) -> tuple[TextItem, ...]:
    from pdtui.core.query import parse_text

    with warnings.catch_warnings():
        # `[[Rank 0]` means what it says to a user; Python warns that it may one day mean more.
        warnings.simplefilter("ignore", FutureWarning)
        return (
            *(parse_text(text) for text in typed.grep),
            *(parse_text(text, excluded=True) for text in typed.exclude),
        )


def _text_input(grep: tuple[str, ...], exclude: tuple[str, ...]) -> str:
    """The one expression, as the viewer's text input takes it; nothing where it cannot say it."""
    if len(grep) + len(exclude) != 1 or not all((*grep, *exclude)):
        return ""
    if exclude:
        return "!" + exclude[0]
    return "" if grep[0].startswith("!") else grep[0]


def _checked_moment(text: str) -> str:
    """The moment as typed, once it is known to be one."""
    from pdtui.core.moments import parse_moment
    from pdtui.core.stamps import to_time

    if text:
        # The end of a leap year: what no log could mean is refused, 02-29 is not.
        parse_moment(text, to_time(datetime(2024, 12, 31, 23, 59, 59)))
    return text


def _complete_sources(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Files; where the line begins, also the commands, unless a file begins like the word."""
    found = [CompletionItem(incomplete, type="file")]
    group = ctx.command if isinstance(ctx.command, click.Group) else None
    if group is None or not incomplete or _anything_typed(ctx):
        return found
    # Bash completes either words or files, and to this program files matter more.
    if any(path.name.startswith(incomplete) for path in Path().iterdir()):
        return found
    names = [name for name in group.list_commands(ctx) if name.startswith(incomplete)]
    return [*found, *map(CompletionItem, names)]


def _anything_typed(ctx: click.Context) -> bool:
    """Whether a parameter was given: a source (none is an empty list of them), or an option."""
    return any(
        value and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        for name, value in ctx.params.items()
    )


def _complete_markers(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The names that the last word of the list may become."""
    before, comma, word = incomplete.rpartition(",")
    start = before + comma + ("!" if word.startswith("!") else "")
    low = word.removeprefix("!").lower()
    names = [name for marker in known_markers() for name in marker.words]
    return [CompletionItem(start + name) for name in names if name.startswith(low)]


def _complete_levels(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    names = [name.lower() for name in LEVEL_NAMES if name]
    return [CompletionItem(name) for name in names if name.startswith(incomplete.lower())]


_OPTIONS = (
    click.argument(
        "sources",
        nargs=-1,
        required=True,
        metavar="[LABEL=]SOURCE...",
        shell_complete=_complete_sources,
    ),
    click.option(
        *("-r", "--rank"),
        default="",
        metavar="RANKS",
        help=told("Only rows of these ranks", "-r 0,2-4   -r decode:1   -r '!3'"),
    ),
    click.option(
        *("-m", "--marker"),
        default="",
        metavar="MARKERS",
        shell_complete=_complete_markers,
        help=told("Only rows with one of these markers", "-m 🔍,alert   -m any   -m '!debug'"),
    ),
    click.option(
        *("-l", "--level"),
        default="",
        metavar="LEVEL",
        shell_complete=_complete_levels,
        help=told("Only rows of this level and above", "-l warning"),
    ),
    click.option(
        *("-g", "--grep"),
        multiple=True,
        metavar="RE",
        help=told("Only rows that hold this; again: and that", "-g NEW -g ':1458[01]'"),
    ),
    click.option(
        *("-x", "--exclude"),
        multiple=True,
        metavar="RE",
        help=told("No rows that hold this; again: nor that", "-x 'GET /health' -x '(?i)ping'"),
    ),
    click.option(
        *("-p", "--process"),
        default="",
        metavar="TEXT",
        help=told("Only rows of processes so named", "-p Worker_TP1   -p pid=72"),
    ),
    click.option(
        *("-S", "--since"),
        default="",
        metavar="TIME",
        help=told(
            "Only rows from then on; -3m: before the end",
            "-S 10:31   -S '11-01 10:30:45'   -S -3m",
        ),
    ),
    click.option(
        *("-U", "--until"),
        default="",
        metavar="TIME",
        help=told("Only rows up to then, that minute included", "-U 10:31   -U -30s"),
    ),
    click.option(
        "--year",
        type=click.IntRange(1970, 2099),
        metavar="YEAR",
        help=told("The first stamp's year; vLLM writes none", "--year 2025"),
    ),
    click.option(
        "--offset",
        multiple=True,
        metavar="LABEL=TIME",
        help=told("Corrects a source's clock (ms, s, m, h)", "--offset decode=+4s"),
    ),
    click.option(
        "--split",
        type=click.Choice(SPLITS),
        default=SPLITS[0],
        help=told("What has a pane of its own in the viewer", "--split rank"),
    ),
)


def reading(command: _Wrapped) -> Callable[..., Any]:
    """Gives a command the sources and options of all that read, as one `Typed` before the rest."""

    @functools.wraps(command)
    def collected(**given: Any) -> Any:
        typed = Typed(**{field.name: given.pop(field.name) for field in fields(Typed)})
        return command(typed, **given)

    decorated: Callable[..., Any] = collected
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
