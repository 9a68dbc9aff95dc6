"""A program in a pseudo-terminal: when it painted what, and how many bytes that took."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Command, FailedError, processor_seconds
from tests.e2e.terminal import Terminal

SIZE = (120, 40)
_AT_REST = 0.2
"""Share of a core below which a program that was busy has finished."""


_GATHER = 0.002
"""Seconds within which more of the same paint comes."""
_QUIET = 0.4
"""Seconds without a change after which what a key did is over, if the processor rests too."""
_STILL = 3.0
"""The same where the program is at work on something else."""


@dataclass(frozen=True, slots=True)
class KeyTaken:
    """What a key took: seconds until the first change on the screen, and until the last."""

    key: str
    first: float
    last: float
    changed: bool


class Screen(Terminal):
    """A program on a screen. Moments are those at which its bytes came, as `time.monotonic`.

    `blind`: what comes is not laid out but only kept, to be searched by who reads: laying out a
    flood takes more of the machine than the program that paints it.
    """

    def __init__(
        self, command: Command, folder: Path, *, size: tuple[int, int] = SIZE, blind: bool = False
    ) -> None:
        self.blind = blind
        self.began = time.monotonic()
        self.came = self.began
        """When bytes came last."""
        self.count = 0
        """How many bytes came."""
        self.heard = b""
        """What came last."""
        self.name = command.name
        super().__init__(
            command.words[1:],
            size=size,
            environment=dict(command.environment),
            program=command.words[:1],
            folder=folder,
        )

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.close()

    def read(self, seconds: float) -> None:
        """Takes in what comes within so many seconds, and what follows it at once."""
        parts = []
        while select.select([self._main], [], [], max(seconds, 0))[0]:
            try:
                parts.append(os.read(self._main, 1 << 18))
            except OSError:
                break  # Linux's way of saying that nobody paints any more
            self.came, seconds = time.monotonic(), _GATHER
        self.heard = b"".join(parts)
        self.count += len(self.heard)
        # Laid out only when the paint is over, which would else be timed with it.
        if not self.blind:
            self._stream.feed(self.heard)

    def until(self, holds: Callable[[str], bool], longest: float, what: str) -> float:
        """Reads until this holds of the screen; returns the moment at which it was painted."""
        end = time.monotonic() + longest
        while not holds(self.text):
            if self.process.poll() is not None:
                raise FailedError(f"{self.name} ended: {_last(self.text)}")
            if time.monotonic() > end:
                raise FailedError(f"{self.name} did not show {what} within {longest:.0f} s")
            self.read(0.02)
        return self.came

    def until_at_rest(self, longest: float, least: float = 1.0) -> None:
        """Reads until the program uses next to no processor time for `least` seconds."""
        end = time.monotonic() + longest
        used = processor_seconds(self.process.pid)
        while time.monotonic() < end:
            over = time.monotonic() + least
            while time.monotonic() < over:
                self.read(0.05)
            before, used = used, processor_seconds(self.process.pid)
            if used - before < _AT_REST * least:
                return
        raise FailedError(f"{self.name} was still at work after {longest:.0f} s")

    def after_key(self, key: str, look: Callable[[str], object], longest: float = 30.0) -> KeyTaken:
        """Types a key; when what `look` finds on the screen changed first, and last."""
        before = now = look(self.text)
        used = processor_seconds(self.process.pid)
        typed = looked = last = time.monotonic()
        first = typed
        self.type(key)
        while last - typed < longest:
            self.read(0.02)
            if (shown := look(self.text)) != now:
                now, last = shown, self.came
                first = last if first == typed else first
            elif (span := time.monotonic() - looked) > _QUIET:
                looked, before_that = looked + span, used
                used = processor_seconds(self.process.pid)
                rests = used - before_that < _AT_REST * span
                still = time.monotonic() - last
                # What it learns of millions of rows goes on beside the keys, for minutes.
                if still > _STILL or (rests and still > _QUIET):
                    break
                if looked - typed > longest:
                    raise FailedError(f"{self.name} was at work {longest:.0f} s after {key!r}")
        return KeyTaken(key, first - typed, last - typed, now != before)


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else "without a word"
