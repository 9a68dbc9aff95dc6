"""Who only wants rows does not pay for the screen."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import pdtui
from pdtui import core

ROOT = Path(pdtui.__file__).parents[1]
MODULES = sorted(found.name for found in pkgutil.walk_packages(core.__path__, "pdtui.core."))
FORBIDDEN = ("textual", "rich", "watchdog", "click")


def imported_by(modules: list[str]) -> set[str]:
    """The top-level packages that are loaded after importing these modules in a new process."""
    program = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    return set(done.stdout.split())


def test_core_loads_nothing_of_the_screen() -> None:
    """Importing every module of core leaves the screen, the watcher and the options out."""
    assert len(MODULES) > 20
    loaded = imported_by(MODULES)
    assert {"pdtui", "numpy"} <= loaded
    assert loaded.isdisjoint(FORBIDDEN)


def test_core_loads_no_upper_layer() -> None:
    """Nor does any module of core import those above it, even inside a function."""
    files = sorted(Path(core.__path__[0]).rglob("*.py"))
    assert len(files) > len(MODULES)
    for path in files:
        text = path.read_text("utf-8")
        for upper in ("cli", "ui", "follow", "demo"):
            assert f"pdtui.{upper}" not in text, path


@pytest.mark.parametrize("module", FORBIDDEN)
def test_what_is_forbidden_would_be_seen(module: str) -> None:
    """The look itself works: a process that imports the package is seen to have it."""
    assert module in imported_by([module])
