"""How a command ends: what it says on stderr, one line for each trouble, and its exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

import click

from pdtui.errors import PdtuiError

TROUBLE = 2
"""The exit status where a source or an argument is at fault."""
INTERRUPTED = 130
"""The exit status after Ctrl-C, the one that shells give it."""


class Refused(click.ClickException):
    """Ends the program with one line on stderr, for what a user can mend."""

    exit_code = TROUBLE

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints the line, without click's `Error:` before it."""
        click.echo(self.message, file=file, err=True)


def one_line(error: PdtuiError) -> str:
    """The trouble as one line, whatever characters a file name or an expression holds."""
    said = f"pdtui: {error}"
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in said)


def say(error: PdtuiError) -> None:
    """Names a trouble on stderr that does not end the program."""
    click.echo(one_line(error), err=True)


@contextmanager
def quiet_endings() -> Iterator[None]:
    """Turns what ends a command early into its status, so that no user sees a traceback."""
    try:
        yield
    except PdtuiError as error:
        raise Refused(one_line(error)) from error
    except BrokenPipeError:
        _drop_output()
        raise click.exceptions.Exit(0) from None
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None


def _drop_output() -> None:
    """Sends what is still buffered nowhere: its reader has left, and Python flushes at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
