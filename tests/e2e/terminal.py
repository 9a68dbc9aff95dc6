"""A real pseudo-terminal with a program in it, read through a terminal emulator."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte
from rich.cells import cell_len

PDTUI = (sys.executable, "-m", "pdtui")


class Terminal:
    """Runs `pdtui`, or another program, in a pseudo-terminal; what it paints is on `screen`."""

    def __init__(
        self,
        arguments: Sequence[str | Path],
        *,
        size: tuple[int, int] = (100, 30),
        stdin: int | None = None,
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = PDTUI,
        folder: Path | None = None,
    ) -> None:
        columns, rows = size
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._main, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.modes_before = termios.tcgetattr(child)
        self._child = child

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(child, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [*program, *map(str, arguments)],
            stdin=child if stdin is None else stdin,
            stdout=child,
            stderr=child,
            cwd=folder,
            env={**os.environ, "TERM": "xterm-256color", **(environment or {})},
            preexec_fn=take_terminal,  # noqa: PLW1509 - the child must own this terminal
        )

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(map(self._line, range(self.screen.lines)))

    def _line(self, row: int) -> str:
        """One line of the screen.

        Where half of a wide sign was painted over, its other half has no text, of which pyte's own
        `display` thinks otherwise.
        """
        cells = [self.screen.buffer[row][column].data for column in range(self.screen.columns)]
        after_wide = [False, *(cell_len(cell) == 2 for cell in cells)]
        return "".join(
            cell or " "
            for cell, hidden in zip(cells, after_wide, strict=False)
            if cell or not hidden
        )

    def type(self, keys: str) -> None:
        """Types into the terminal, all in one packet."""
        os.write(self._main, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Gives the terminal another size, as dragging its window would."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self._child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def wait_for(self, found: str | Callable[[str], bool], seconds: float = 20.0) -> float:
        """Reads until a text is on the screen; returns the seconds that it took."""
        holds = found if callable(found) else lambda text: found in text
        began = time.monotonic()
        while not holds(self.text):
            self.read(0.05)
            waited = time.monotonic() - began
            assert waited < seconds, f"not on the screen: {found}\n{self.text}"
            assert self.process.poll() is None or holds(self.text), self.text
        return time.monotonic() - began

    def read(self, seconds: float) -> None:
        """Takes in what the program paints within so many seconds."""
        ready, _, _ = select.select([self._main], [], [], seconds)
        if not ready:
            return
        try:
            data = os.read(self._main, 65_536)
        except OSError:
            return  # Linux's way of saying that nobody has the other end open
        self.raw += data
        self._stream.feed(data)

    def wait(self, seconds: float = 10.0) -> int:
        """The exit status, once the program has ended."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            self.read(0.05)
            assert time.monotonic() < deadline, f"still running\n{self.text}"
        for _ in range(5):
            self.read(0.02)
        return self.process.returncode

    @property
    def restored(self) -> bool:
        """Whether the terminal is as it was: its modes, the normal screen, a cursor, no mouse."""
        same_modes = termios.tcgetattr(self._child) == self.modes_before
        left = all(
            self.raw.rfind(off) > self.raw.rfind(on) >= 0
            for on, off in (
                (b"\x1b[?1049h", b"\x1b[?1049l"),
                (b"\x1b[?25l", b"\x1b[?25h"),
                (b"\x1b[?1000h", b"\x1b[?1000l"),
            )
        )
        return same_modes and left

    def hang_up(self) -> None:
        """Takes the terminal away, as a closed window or a lost connection does."""
        os.close(self._main)
        os.close(self._child)
        self._main = self._child = -1

    def close(self) -> None:
        """Ends the program if it still runs, and closes the terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._main >= 0:
            os.close(self._main)
            os.close(self._child)
