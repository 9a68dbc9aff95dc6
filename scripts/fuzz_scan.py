#!/usr/bin/env python3
"""Looks for logs that are read wrongly: `scripts/fuzz_scan.py --minutes 10 --seed 1 [LOGS…]`.

Real lines are cut, glued, swapped, torn, prefixed, coloured and decoded wrongly. Each such log is
read in five ways that must agree: by the slow reference, all at once, line by line, in pieces with
unfinished lines shown, and in stretches that are scanned each by itself. A log on which they differ
is made as short as possible and printed: it is a test that is missing. Ends with
status 1 if there is one.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests import reference  # noqa: E402
from tests.core.sources import columns_of, differences, growing, lines_of, opened, said  # noqa: E402
from tests.core.stretching import Cutting, all_of, read_in_stretches  # noqa: E402

from pdtui.core.formats import FORMATS  # noqa: E402

YEAR = 2026
PREFIXES = [
    b"(Worker_TP1 pid=937) ", b"(EngineCore_DP0 pid=72) ", b"\x1b[1;36m(Worker pid=7)\x1b[0;0m ",
    b"[0;36m(Worker pid=7)[0;0m ", b"[rank0]:", b"[rank1]: ", b"[default3]:", b"0: ", b" 1: ",
    b"2026-11-22T06:35:44.108632509Z ", b"2026-11-22T06:35:44+02:00 ", b"[pod/prefill-0/vllm] ",
    b"prefill-7d9 vllm ", b"decode-1 vllm ", b"decode-1  | ", b"worker-9 >> ", b"[1,0]<stdout>:",
    b"2026-11-22 06:35:44.386 | ", b"  | 2026-11-22T06:35:44.078Z | ", b"(raylet) ",
    b"Nov 22 06:35:44 node vllm[123]: ", b"(RayWorkerWrapper pid=539, ip=10.0.0.2) ",
]  # fmt: skip
BYTES = [
    b"\r", b"\r\r", b"\x1b[32m", b"\x1b[0m", b"\x1b", b"\0", b"\xff", b"\xf0\x9f", b"[0m", b" ",
    b"  ", b"\t", b":", b"]", b"[", b"(", b") ", b"[Rank 2] ", b"1", "🎉".encode(), "🚨".encode(),
    "✉️".encode(), b"NCCL ", b"INFO ", b"Traceback (most recent call last):", b"pid=7) ",
    b", rank:3",
]  # fmt: skip
CODECS = ["cp1252", "cp1254", "latin-1", "mac_roman"]


class Mutator:
    """Makes logs out of the lines of real ones."""

    def __init__(self, logs: list[Path], seed: int) -> None:
        self.random = random.Random(seed)
        self.logs = [lines for path in logs if (lines := path.read_bytes().split(b"\n"))]
        self.samples = [sample for form in FORMATS for sample in form.samples]
        self.changes: list[Callable[[bytes], bytes]] = [
            self._cut, self._insert, self._prefix, self._glue, self._misread, self._overwrite,
            self._swap_words, self._returns, self._drop,
        ]  # fmt: skip

    def log(self) -> bytes:
        """One log; its last line may lack its newline."""
        pick = self.random
        lines: list[bytes] = []
        for _ in range(pick.randint(1, 4)):
            lines += self._stretch()
        share = pick.choice([0, 0.1, 0.5])
        common = pick.choice(PREFIXES) if pick.random() < 0.2 else b""
        lines = [common + self._changed(line) if pick.random() < share else common + line
                 for line in lines]  # fmt: skip
        if pick.random() < 0.5:
            # Lines alike are told by those before them, see `core/alike.py`.
            lines += [self._again(line) for _ in range(pick.randint(1, 4)) for line in lines]
        end = pick.choice([b"\n", b"\n", b"\n", b"\r\n"])
        return end.join(lines) + pick.choice([end, end, b""])

    def _again(self, line: bytes) -> bytes:
        """The line as its statement may write it another time."""
        pick = self.random
        share = pick.choice([0, 0.1, 0.5])
        digits = [pick.randrange(10) if pick.random() < share else byte - 48 for byte in line]
        again = bytes(
            48 + digit if 48 <= byte <= 57 else byte
            for byte, digit in zip(line, digits, strict=True)
        )
        return self._changed(again) if pick.random() < 0.1 else again

    def _stretch(self) -> list[bytes]:
        pick = self.random
        kind = pick.random()
        if kind < 0.25:
            return [pick.choice(self.samples)]
        lines = pick.choice(self.logs)
        begin = pick.randrange(len(lines))
        some = [line[:600] for line in lines[begin : begin + pick.randint(1, 6)]]
        return some * 2 if kind < 0.3 else some

    def _changed(self, line: bytes) -> bytes:
        for _ in range(self.random.choice([1, 1, 2, 3])):
            line = self.random.choice(self.changes)(line)
        return line.replace(b"\n", b" ")

    def _any_line(self) -> bytes:
        pick = self.random
        if pick.random() < 0.4:
            return pick.choice(self.samples)
        return pick.choice(pick.choice(self.logs))[:300]

    def _cut(self, line: bytes) -> bytes:
        begin, end = sorted(self.random.randint(0, len(line)) for _ in range(2))
        return line[begin:] if self.random.random() < 0.5 else line[:end]

    def _insert(self, line: bytes) -> bytes:
        at = self.random.choice([0, len(line), self.random.randint(0, len(line))])
        return line[:at] + self.random.choice(BYTES) + line[at:]

    def _prefix(self, line: bytes) -> bytes:
        return self.random.choice(PREFIXES) + line

    def _glue(self, line: bytes) -> bytes:
        at = self.random.randint(0, len(line))
        return line[:at] + self._any_line() + self.random.choice([b"", line[at:]])

    def _misread(self, line: bytes) -> bytes:
        codec = self.random.choice(CODECS)
        return line.decode(codec, self.random.choice(["ignore", "replace"])).encode()

    def _overwrite(self, line: bytes) -> bytes:
        return b"\rLoading: 50% |##\r" + line if self.random.random() < 0.5 else line + b"\r 99%"

    def _swap_words(self, line: bytes) -> bytes:
        words = line.split(b" ")
        a, b = (self.random.randrange(len(words)) for _ in range(2))
        words[a], words[b] = words[b], words[a]
        return b" ".join(words)

    def _returns(self, line: bytes) -> bytes:
        return line + b"\r" * self.random.randint(1, 2)

    def _drop(self, line: bytes) -> bytes:
        at = self.random.randint(0, len(line))
        return line[:at] + line[at + self.random.randint(1, 4) :]


def trouble(data: bytes, seed: int) -> str:
    """What is wrong with how this log is read; empty where nothing is."""
    try:
        with opened(data) as whole:
            words, columns, known = said(whole), columns_of(whole), all_of(whole)
            if whole.read(0, whole.end) != data or len(whole) != len(lines_of(data)):
                return "its rows are not its lines"
        if found := differences(reference.read(data, YEAR), words, data):
            return "reference and scanner: " + found[0]
        with opened(lines_of(data)) as by_line:
            if unlike := _unlike(columns, columns_of(by_line)):
                return "at once and line by line: " + unlike
        pick = random.Random(seed)
        return _in_pieces(data, columns, pick) or _in_stretches(data, known, pick)
    except Exception as error:  # whatever it is, it is what is looked for
        return f"{type(error).__name__}: {error}"


def _in_pieces(data: bytes, columns: list[tuple[object, ...]], pick: random.Random) -> str:
    with growing("prefill") as [written]:
        begin = 0
        while begin < len(data):
            end = begin + pick.choice([1, 7, 60, 400])
            written.write(data[begin:end])
            if pick.random() < 0.3:
                written.source.show_unfinished()
            begin = end
        written.source.finish_line()
        unlike = _unlike(columns, columns_of(written.source))
    return unlike and "at once and in pieces: " + unlike


def _in_stretches(data: bytes, known: list[object], pick: random.Random) -> str:
    largest = max(6, data.count(b"\n") // 6)
    cutting = Cutting(
        first=pick.randint(0, largest),
        size=pick.randint(1, largest),
        above=pick.randint(0, largest),
        piece=pick.randint(1, largest),
        lag=pick.randint(0, 4),
        scanners=pick.randint(1, 3),
    )
    parts = zip(known, all_of(read_in_stretches(data, cutting).source), strict=True)
    unlike = next((f"{one} and {other}" for one, other in parts if one != other), "")
    return unlike and f"at once and in stretches, {cutting}: {unlike}"


def _unlike(wanted: list[tuple[object, ...]], got: list[tuple[object, ...]]) -> str:
    pairs = zip(wanted, got, strict=False)
    rows = (f"line {n}: {a} and {b}" for n, (a, b) in enumerate(pairs, 1) if a != b)
    return next(rows, "" if len(wanted) == len(got) else "not as many rows")


def shortest(data: bytes, seed: int) -> bytes:
    """A log that is still read wrongly, without the lines and bytes that it does not take."""
    lines = data.splitlines(keepends=True)
    step = len(lines)
    while step:
        place = 0
        while place < len(lines):
            fewer = lines[:place] + lines[place + step :]
            if trouble(b"".join(fewer), seed):
                lines = fewer
            else:
                place += step
        step //= 2
    return b"".join(lines)


def main() -> int:
    """Runs for the time that was asked for, and prints what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("logs", nargs="*", type=Path, help="logs or folders; default: tests/data")
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--together", type=int, default=1, help="mutated logs that make one")
    parser.add_argument("--most", type=int, default=5, help="stop after so many finds")
    options = parser.parse_args()
    logs = [log for path in options.logs or [ROOT / "tests" / "data"]
            for log in (sorted(path.rglob("*.log")) if path.is_dir() else [path])]  # fmt: skip
    mutator = Mutator(logs, options.seed)
    until = time.monotonic() + 60 * options.minutes
    count, lines, found = 0, 0, 0
    while time.monotonic() < until and found < options.most:
        data = b"\n".join(mutator.log() for _ in range(options.together))
        count, lines = count + 1, lines + len(lines_of(data))
        if trouble(data, count):
            found += 1
            short = shortest(data, count)
            print(f"log {count}: {trouble(short, count)}\n    {short!r}\n", flush=True)
    print(
        f"seed {options.seed}: {count} logs, {lines} lines, each read in five ways; {found} finds"
    )
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
