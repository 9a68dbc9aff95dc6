"""`pdtui SOURCE…`: what must be right before the screen opens, and the viewer."""

# ruff: noqa: PLC0415 -- numpy and Textual are imported only where they are needed

from __future__ import annotations

import gc
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from pdtui.cli.configuration import use_configuration
from pdtui.cli.ending import TROUBLE, say
from pdtui.cli.options import Typed, filter_of, inputs_of, offsets_of, reading, told
from pdtui.cli.sources import named_sources, without
from pdtui.cli.stdin import keys_from_terminal, refuse_closed_stdin, refuse_terminal_stdin
from pdtui.errors import PdtuiError, SourceError

if TYPE_CHECKING:
    from pdtui.follow.opening import Named


@click.command()
@reading
@click.option(
    "--no-follow",
    is_flag=True,
    help=told("Shows what is there now, and no more", "pdtui --no-follow logs/"),
)
@click.option(
    *("--ascii", "ascii_only"),
    is_flag=True,
    help=told("Letters instead of emoji", "pdtui --ascii prefill.log decode.log"),
)
def viewer(typed: Typed, no_follow: bool, ascii_only: bool) -> int:
    """Shows the logs of a prefill/decode pair side by side and merged, while they are written."""
    return open_screen(typed, follow=not no_follow, ascii_only=ascii_only)


def open_screen(typed: Typed, *, follow: bool = True, ascii_only: bool = False) -> int:
    """Opens the viewer, once nothing is left that could only be said on stderr; its status."""
    wrong = use_configuration()
    wanted = filter_of(typed)
    named, troubles = named_sources(typed.sources)
    labels = [source.label for source in named]
    named, more = _openable(named, follow=follow)
    troubles += more
    if not named:
        for trouble in (*wrong, *troubles):
            say(trouble)
        return TROUBLE
    offsets = offsets_of(typed.offset, labels)
    named = _with_terminal(named)

    # All that is made from here to the first picture stays: to look for garbage in it costs a
    # tenth of that time.
    gc.disable()
    try:
        from pdtui.core.lanes import Split
        from pdtui.ui.opening import open_viewer

        return open_viewer(
            named,
            wanted=wanted,
            typed=inputs_of(typed),
            split=Split(typed.split),
            offsets=offsets,
            year=typed.year,
            follow=follow,
            ascii_only=ascii_only,
            trouble=[*wrong, *troubles],
        )
    finally:
        gc.enable()


def _openable(named: list[Named], *, follow: bool) -> tuple[list[Named], list[SourceError]]:
    """What can be shown, and what is wrong with the rest.

    Who follows waits for what is missing or empty; who does not gets nothing if any is missing.
    """
    from pdtui.follow.opening import is_no_log, problem_with, unreadable

    if follow:
        return without(named, is_no_log)
    _, lost = without(named, unreadable)
    return ([], lost) if lost else without(named, problem_with)


def _with_terminal(named: list[Named]) -> list[Named]:
    """The sources, with stdin where it was moved to so that keys can come from the terminal."""
    refuse_closed_stdin()
    if any(source.stdin for source in named):
        refuse_terminal_stdin()
    if sys.stdout is None or not sys.stdout.isatty():
        raise PdtuiError("stdout", "is no terminal: `pdtui export` writes rows to files and pipes")
    piped = keys_from_terminal()
    return [replace(source, descriptor=piped) if source.stdin else source for source in named]
