"""`pdtui export`: the merged, filtered rows, for other programs and for bug reports."""

# ruff: noqa: PLC0415 -- numpy is imported only where it is needed

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from pdtui.cli.configuration import say_configuration_problems
from pdtui.cli.ending import TROUBLE, say
from pdtui.cli.options import Typed, filter_of, offsets_of, reading, told
from pdtui.cli.sources import load, named_sources
from pdtui.errors import PdtuiError

if TYPE_CHECKING:
    from pdtui.follow.opening import Named

FORMS = ("text", "timeline", "jsonl", "csv")
"""The keys of core.export.FORMS: naming them here spares `--help` from importing numpy."""
_STDOUT = "-"


@click.command()
@reading
@click.option(
    *("-f", "--format", "form"),
    type=click.Choice(FORMS),
    default=FORMS[0],
    help=told("The rows' own bytes, or a line for each", "-f timeline"),
)
@click.option(
    *("-o", "--output"),
    type=click.Path(readable=False),
    default=_STDOUT,
    metavar="FILE",
    help=told("Where to write, else to stdout", "-o timeline.txt"),
)
@click.option(
    "--label",
    is_flag=True,
    help=told("Puts the source before each row of text", "pdtui export --label logs/"),
)
def export(typed: Typed, form: str, output: str, label: bool) -> int:
    """Writes all rows, merged by time and filtered.

    -f timeline writes the rows with a marker, unless -m asks for others.

    \b
    Examples:
      pdtui export prefill.log decode.log > merged.log
      pdtui export -f timeline -m 🔍,alert prefill.log decode.log
      pdtui export -f jsonl -l warning -S -3m -o warnings.jsonl logs/
      zcat decode.log.gz | pdtui export -f csv decode=-
    """
    from pdtui.core.merge import FOR_ORDER

    say_configuration_problems()
    wanted = filter_of(typed)
    named, troubles = named_sources(typed.sources)
    offsets = offsets_of(typed.offset, [source.label for source in named]) if named else {}
    _refuse_overwriting(output, named)
    store, more = load(named, typed.year, FOR_ORDER)
    for trouble in (*troubles, *more):
        say(trouble)
    if store.sources:
        from pdtui.core.export import export as rows_of

        _write(output, rows_of(store, wanted, form, label=label, offsets=offsets))
    return TROUBLE if troubles or more else 0


def _refuse_overwriting(output: str, named: list[Named]) -> None:
    if output == _STDOUT:
        return
    for source in named:
        # A name that is not there, or cannot be looked at, is no source that could be lost.
        with suppress(OSError):
            if not source.stream and Path(output).samefile(source.path):
                raise PdtuiError(output, "is one of the sources, and would be overwritten")


def _write(output: str, chunks: Iterator[bytes]) -> None:
    # Before the file is opened, which empties it: here the rows are sorted and searched.
    first = next(chunks, b"")
    with _telling(output), _opened(output) as file:
        for chunk in chain((first,), chunks):
            file.write(chunk)
        file.flush()


def _opened(output: str) -> AbstractContextManager[IO[bytes]]:
    if output != _STDOUT:
        return Path(output).open("wb")
    if sys.stdout is None:
        raise PdtuiError("stdout", "is closed")
    return nullcontext(sys.stdout.buffer)


@contextmanager
def _telling(output: str) -> Iterator[None]:
    """Says of the output what the system says, but for a reader that left: that is no trouble."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        name = "stdout" if output == _STDOUT else output
        raise PdtuiError(name, (error.strerror or str(error)).lower()) from error
