"""The files that the rows are measured on: made once, and used again while they are the same."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path

from benchmarks import mixed

ROLES = ("prefill", "decode")
SEED = 1
_NOTES = "files.json"
"""What was made in a folder: name → how."""


class Files:
    """The files of one folder; rows name them relatively to it, and are run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._notes = folder / _NOTES

    def pair(self, lines: int) -> list[str]:
        """A prefill and a decode log of so many lines each, made if they are not there."""
        names = [f"{lines}/{role}.log" for role in ROLES]
        made = self._made()
        missing = [
            (name, role)
            for name, role in zip(names, ROLES, strict=True)
            if made.get(name) != self._note(name, lines, role)
        ]
        if missing:
            print(f"making {lines:,} lines of {', '.join(role for _, role in missing)}", flush=True)
            with ProcessPoolExecutor(len(missing)) as pool:
                list(
                    pool.map(
                        _write,
                        *zip(*((self.folder / n, lines, role) for n, role in missing), strict=True),
                    )
                )
            made |= {name: self._note(name, lines, role) for name, role in missing}
            self._notes.write_text(json.dumps(made, indent=2))
        return names

    def size(self, names: list[str]) -> int:
        """Bytes of these files together."""
        return sum((self.folder / name).stat().st_size for name in names)

    def empty(self, name: str) -> Path:
        """A folder of this name without anything in it."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def _made(self) -> dict[str, object]:
        try:
            found: dict[str, object] = json.loads(self._notes.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def _note(self, name: str, lines: int, role: str) -> dict[str, object]:
        """What tells whether the file that is there is the one that would be made."""
        path = self.folder / name
        size = path.stat().st_size if path.exists() else -1
        return {"lines": lines, "role": role, "seed": SEED, "maker": _maker(), "bytes": size}


def _maker() -> str:
    """A digest of what makes the lines: other lines make other files."""
    return hashlib.sha256(Path(mixed.__file__).read_bytes()).hexdigest()[:16]


def _write(path: Path, lines: int, role: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.writelines(mixed.stretches(lines, role, SEED))
    # vLLM's stamps have no year: it is told by when the file was written.
    ended = (mixed.START + timedelta(seconds=1 + lines // mixed.RATE)).timestamp()
    os.utime(path, (ended, ended))


def warm(paths: list[Path]) -> None:
    """Reads the files once, so that each program finds them in memory."""
    buffer = bytearray(1 << 20)
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def free_space(folder: Path) -> int:
    """Bytes that the folder's disk still takes."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
