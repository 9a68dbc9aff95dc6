"""The README says what the program does: every key, option, command and script of it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import click
import pytest
from benchmarks.readme import readme as written
from benchmarks.results import Results

from pdtui.cli.main import program
from pdtui.cli.viewer import viewer
from pdtui.core.describe import Row
from pdtui.core.export import COLUMNS
from pdtui.ui.keys import KEYS
from pdtui.ui.rows import RowsView

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_list_of_keys_is_the_programs_own() -> None:
    """`scripts/docs.py` would write the README as it is."""
    spec = importlib.util.spec_from_file_location("docs", ROOT / "scripts" / "docs.py")
    assert spec
    assert spec.loader
    docs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(docs)
    assert docs.readme() == README


def test_the_figures_are_the_measured_ones() -> None:
    """`benchmarks/readme.py` would write the README as it is."""
    results = Results(ROOT / "benchmarks", "RESULTS", ())
    assert len(results.rows) >= 3
    assert written(README, results) == README


def test_every_key_of_a_pane_is_in_the_table() -> None:
    """What moves in a pane is written in the help too, though the pane binds it."""
    shown = " ".join(key.shown for key in KEYS).lower()
    words = {"pagedown": "pgdn", "pageup": "pgup", "ctrl+d": "^d", "ctrl+u": "^u"}
    words |= {"down": "↓", "up": "↑", "left": "←", "right": "→", "shift+tab": "shift-tab"}
    for binding in RowsView.BINDINGS:
        for key in binding.key.split(","):
            if key not in ("ctrl+f", "ctrl+b"):  # less's other names for a page
                assert words.get(key, key).lower() in shown, key


def test_every_command_and_option_is_in_the_readme() -> None:
    """No command and no option of one is missing."""
    commands: list[click.Command] = [viewer, *program.commands.values()]
    for command in commands:
        for parameter in command.params:
            for name in parameter.opts:
                if name.startswith("--") and name not in ("--help", "--version"):
                    if command.name == "demo" and name in ("--speed", "--seed"):
                        continue  # for those who try pdtui out on itself
                    assert f"`{name}`" in README or f"{name} " in README, (command.name, name)
    for name in program.commands:
        assert f"pdtui {name}" in README


def test_the_columns_of_the_export_are_in_the_readme() -> None:
    """The README names each column, and there are no others."""
    listed = re.search(r"with `(source line[^`]*)`", README)
    assert listed
    assert tuple(listed[1].split()) == COLUMNS
    example = Row("a", 1, None, None, None, None, None, None, None, None, (), None, "", False)
    assert tuple(example.as_json()) == COLUMNS


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_what_the_readme_links_to_is_there(link: str) -> None:
    """Pictures and pages that the README shows are in the repository."""
    assert link.startswith("http") or (ROOT / link).is_file()


def test_the_architecture_page_is_short_and_names_files_that_exist() -> None:
    """At most 150 lines, and no file of the list is gone."""
    page = (ROOT / "ARCHITECTURE.md").read_text()
    assert len(page.splitlines()) <= 150
    listed = set(re.findall(r"\b([a-z_]+\.py)\b", page))
    present = {path.name for path in (ROOT / "src").rglob("*.py")}
    assert listed <= present
    core = {p.name for p in (ROOT / "src" / "pdtui" / "core").glob("[a-z]*.py")}
    assert core - listed <= {"levels.py"}
