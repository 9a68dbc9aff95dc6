"""The program: which words are a subcommand, and everything else is the viewer."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading

import click

from pdtui import __version__
from pdtui.cli.check import check
from pdtui.cli.demo import demo
from pdtui.cli.ending import quiet_endings
from pdtui.cli.export import export
from pdtui.cli.markers import markers
from pdtui.cli.stats import stats
from pdtui.cli.viewer import viewer

_IS_SUBCOMMAND = "pdtui.is_subcommand"


class Program(click.Group):
    """A group whose own parameters are the viewer's, where the first word is no subcommand."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The viewer's parameters and the program's own; before a subcommand only the latter."""
        own = super().get_params(ctx)
        return own if ctx.meta.get(_IS_SUBCOMMAND) else [*viewer.params, *own]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the line as the viewer's, sources and options in any order, or leaves it."""
        ctx.meta[_IS_SUBCOMMAND] = bool(args) and args[0] in self.commands
        ctx.allow_interspersed_args = not ctx.meta[_IS_SUBCOMMAND]
        with quiet_endings():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> None:
        """Runs what was asked for; the number that it returns is the program's exit status."""
        with quiet_endings():
            if ctx.meta[_IS_SUBCOMMAND]:
                status = super().invoke(ctx)
            else:
                self._refuse_late_subcommand(ctx)
                status = ctx.invoke(viewer, **ctx.params)
            ctx.exit(status)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The subcommands, in the order in which one comes to need them."""
        return list(self.commands)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Both forms of the line."""
        words = " ".join(viewer.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, words)
        formatter.write_usage(ctx.command_path, "COMMAND [OPTIONS]...", prefix="       ")

    def _refuse_late_subcommand(self, ctx: click.Context) -> None:
        first = ctx.params["sources"][0]
        if first in self.commands:
            raise click.UsageError(
                f"The command '{first}' stands before its options: {ctx.command_path} {first} ... "
                f"(a file of this name is ./{first})",
                ctx,
            )


@click.group(
    cls=Program,
    commands=[export, check, stats, demo, markers],
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="In the viewer, ? shows the keys and q quits.",
)
@click.version_option(__version__, prog_name="pdtui")
def program() -> None:
    """The log viewer for vLLM's disaggregated prefill and decode.

    Shows the logs of all processes side by side and merged in causal order, and follows them while
    they are written. A SOURCE is a file, a folder, a pattern in quotes, or -
    for stdin; LABEL= names it (else its file does). To open a file with the name of a command,
    write ./export.

    \b
    Examples:
      pdtui prefill.log decode.log
      pdtui -r 0 -m 🔍,alert 'logs/*.log'
      python run.py 2>&1 | pdtui -
    """


def run() -> None:
    """The entry point."""
    for stream in (sys.stdout, sys.stderr):
        # Not every terminal's encoding has emoji, and that is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        program.main(prog_name="pdtui")
    except SystemExit as ending:
        _end_threads(ending.code)
        raise


def _end_threads(status: object) -> None:
    """Ends the process where a thread would keep it.

    When the terminal goes away (a closed window, a lost ssh), Textual's thread that reads keys
    is left behind, and would read an end of file for ever.
    """
    others = [t for t in threading.enumerate() if t is not threading.main_thread() and not t.daemon]
    if others:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)
