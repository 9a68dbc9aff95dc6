"""`pdtui demo`: a made-up prefill/decode run, to see the viewer without a GPU."""

# ruff: noqa: PLC0415 -- what writes logs is imported only where it is needed

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pdtui.cli.options import Typed, told
from pdtui.cli.viewer import open_screen
from pdtui.demo.names import SCENARIOS
from pdtui.errors import PdtuiError

if TYPE_CHECKING:
    from pdtui.demo.scenario import Scenario

_FIRST = next(iter(SCENARIOS))
_WIDTH = max(map(len, SCENARIOS))
_TOLD = "\n".join(f"  {name:{_WIDTH}}  {text}" for name, text in SCENARIOS.items())


@click.command(
    help="Opens the viewer on a made-up run that writes its logs now.\n\n"
    f"\b\nThe scenarios:\n{_TOLD}\n\n"
    "\b\nExamples:\n  pdtui demo --scenario stuck\n  pdtui demo --scenario oom --write logs"
)
@click.option(
    "--scenario",
    type=click.Choice(list(SCENARIOS)),
    default=_FIRST,
    metavar="NAME",
    help=told(f"What happens in it, else {_FIRST}", "--scenario stuck"),
)
@click.option(
    *("--write", "folder"),
    type=click.Path(readable=False),
    metavar="DIR",
    help=told("Only writes the whole run's files there", "--write logs"),
)
@click.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    metavar="FACTOR",
    help=told("How many times faster it is played", "--speed 4"),
)
@click.option(
    "--seed",
    type=int,
    default=0,
    metavar="N",
    help=told("Another run of the same scenario", "--seed 7"),
)
def demo(scenario: str, folder: str | None, speed: float, seed: int) -> int:
    """A command that opens a made-up run, or writes it."""
    from pdtui.demo.scenario import build

    made = build(scenario, start=datetime.now(), seed=seed)
    return _play(made, speed) if folder is None else _write(made, Path(folder))


def _write(made: Scenario, folder: Path) -> int:
    from pdtui.demo.play import write

    try:
        paths = write(made, folder)
    except FileExistsError as error:
        raise PdtuiError("demo", str(error)) from error
    for path in paths:
        # As bytes: a folder's name need not be text.
        click.echo(bytes(path))
    return 0


def _play(made: Scenario, speed: float) -> int:
    from pdtui.demo.play import Player

    with tempfile.TemporaryDirectory(prefix="pdtui-demo-") as folder:
        paths = [Path(folder, name) for name in made.files]
        with Player(made, Path(folder), speed=speed):
            return open_screen(Typed(tuple(map(str, paths))))
