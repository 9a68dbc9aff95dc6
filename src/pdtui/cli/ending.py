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
        raise click.exceptions.Exit(0) from None
    except OSError as error:
        raise Refused(one_line(_told_by_system(error))) from error
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
    finally:
        _leave_nothing_buffered()


def _told_by_system(error: OSError) -> PdtuiError:
    """A full disk, a terminal that went away: in the system's words."""
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "system"
    return PdtuiError(name, (error.strerror or str(error)).lower())


def _leave_nothing_buffered() -> None:
    """Sends what stdout no longer takes nowhere, since Python would fail over it at its end."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
