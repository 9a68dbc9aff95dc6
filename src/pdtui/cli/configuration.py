"""Takes the user's configuration file into use, and says what is wrong with it."""

# ruff: noqa: PLC0415 -- numpy is imported only where it is needed

from __future__ import annotations

from pathlib import Path

from pdtui.cli.ending import say
from pdtui.errors import PdtuiError


def configuration_file() -> Path:
    """Where the configuration is looked for: `~/.config/pdtui/config.toml` on Linux."""
    from platformdirs import user_config_path

    return user_config_path("pdtui", appauthor=False) / "config.toml"


def use_configuration() -> list[PdtuiError]:
    """Takes the user's formats, markers and pairs into use; what of them is wrong is returned.

    Without a file nothing changes.
    """
    path = configuration_file()
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        return [PdtuiError(str(path), str(said).lower())]

    from pdtui.core.config import read_configuration
    from pdtui.core.grammar import use_grammar
    from pdtui.core.markers import add_markers

    found = read_configuration(text)
    add_markers(tuple(found.markers))
    use_grammar(found.grammar())
    return [PdtuiError(str(path), problem) for problem in found.problems]


def say_configuration_problems() -> None:
    """Takes the configuration into use; its problems go to stderr, and the rest still works."""
    for problem in use_configuration():
        say(problem)
