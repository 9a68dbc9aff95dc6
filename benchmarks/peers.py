"""The programs that pdtui is measured against: which are installed, and how each is asked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measure import Command

ROOT = Path(__file__).parents[1]
_FORMATS = Path(__file__).parent / "lnav"
"""A configuration folder for lnav that tells it what a line of vLLM's looks like."""
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_ASKED = {
    "lnav": ("lnav", "-V"),
    "toolong": ("tl", "--version"),
    "logmerger": ("logmerger", ""),
    "grep": ("grep", "--version"),
    "wc": ("wc", "--version"),
}
"""Peer → the program's name, and the option that makes it say its version."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A program to measure against."""

    name: str
    path: str
    """Where it is, '' where it is missing."""
    version: str


class Peers:
    """The peers of this machine, and the commands of one run."""

    def __init__(self, folders: Sequence[Path], home: Path) -> None:
        self._home = home
        """Where peers keep what they note down: never in the user's own folders."""
        self._path = os.pathsep.join((*map(str, folders), os.environ.get("PATH", "")))
        self.all = {name: self._found(name) for name in _ASKED}

    def has(self, name: str) -> bool:
        """Whether the peer is installed."""
        return bool(self.all[name].path)

    def pdtui(self, *words: str, cores: int | None = None) -> Command:
        """pdtui of this checkout; on its first so many cores only where `cores` is given."""
        command = [sys.executable, "-m", "pdtui", *words]
        shown = " ".join(("pdtui", *words))
        if cores:
            command = ["taskset", "-c", _first(cores), *command]
            shown = f"taskset -c {_first(cores)} {shown}"
        name = f"pdtui on {cores} core{'s' * (cores > 1)}" if cores else "pdtui"
        return Command(name, command, shown, self.environment)

    def lnav(self, *words: str) -> Command:
        """lnav that knows vLLM's format; add `-n` for no screen."""
        return self._peer("lnav", "-I", str(_FORMATS), *words)

    def toolong(self, *words: str) -> Command:
        """toolong, which has a screen only."""
        return self._peer("toolong", *words)

    def logmerger(self, *words: str) -> Command:
        """logmerger."""
        return self._peer("logmerger", *words)

    def grep(self, *words: str) -> Command:
        """grep that compares bytes; finding nothing is no failure."""
        grep = self._peer("grep", *words, before="LC_ALL=C ", LC_ALL="C")
        return replace(grep, statuses=(0, 1), to_file=True)

    def wc(self, *words: str) -> Command:
        """wc."""
        return self._peer("wc", *words)

    def python(self, text: str) -> Command:
        """This Python, running this text."""
        return Command(
            "python", [sys.executable, "-c", text], f'python -c "{text}"', self.environment
        )

    @property
    def environment(self) -> dict[str, str]:
        """What programs are told of their surroundings: this checkout, and no configuration."""
        home = str(self._home)
        return {
            "HOME": home,
            "XDG_CONFIG_HOME": home,
            "XDG_CACHE_HOME": home,
            "PYTHONPATH": str(ROOT / "src"),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }

    def _peer(
        self,
        name: str,
        *words: str,
        before: str = "",
        **environment: str,
    ) -> Command:
        program = _ASKED[name][0]
        shown = " ".join(_quoted(word) for word in words).replace(str(ROOT) + os.sep, "")
        # Where it is missing, its name stands for it: running that says that it is not there.
        path = self.all[name].path or program
        return Command(
            name,
            [path, *words],
            f"{before}{program} {shown}",
            self.environment | environment,
        )

    def _found(self, name: str) -> Peer:
        program, option = _ASKED[name]
        path = shutil.which(program, path=self._path) or ""
        return Peer(name, path, _version(path, option, name) if path else "")


def _version(path: str, option: str, name: str) -> str:
    """The version that a program says; of one that says none, what it was installed as."""
    words = [path, option]
    if not option:
        beside = Path(path).parent / "python"
        python = str(beside) if beside.exists() else sys.executable
        words = [python, "-c", f"import importlib.metadata as m; print(m.version({name!r}))"]
    said = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    found = _VERSION.search(said.stdout + said.stderr)
    return found[0] if found else "of unknown version"


def _quoted(word: str) -> str:
    return f"'{word}'" if re.search(r"[^\w./=:,+-]", word) else word


def _first(cores: int) -> str:
    """The first so many cores that may be used, as taskset takes them."""
    return ",".join(map(str, sorted(os.sched_getaffinity(0))[:cores]))
