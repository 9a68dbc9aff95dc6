"""How much of the real logs is understood; each line that is not is listed, with the reason."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.core.sources import lines_of, scanned

MOST = 0.005
"""So large a share of a file's rows may be neither a head, nor marked, nor under a head."""
REASONS = {
    b"Triton is installed, but doesn't include CPU backend. Disabling Triton.": (
        "printed without a head, by an import, as the very first line: there is none above it"
    ),
}
UNDER_HEADS = {
    rb"\s*$|\s|Traceback |(?:The above|During handling of the above) exception": "a traceback",
    rb"[\w.]+(?:Error|Exception|Interrupt|Exit)\b|\^+|Call stack:|Message: |Arguments: ": "its end",
    rb"For more information check: |Client error ": "httpx says more about an error",
    rb"nanobind: |- (?:leaked|\.\.\. skipped)|See https://nanobind": "nanobind at the end",
    rb"Loading safetensors ": "a progress bar",
    rb"Triton is installed, but |Initialized \d prefill clients": "a print",
    rb"(?:comm: |self\.|return |raise |with |for |if |thread|~)": "two tracebacks, interleaved",
}
"""What rows under a head that have no head of their own begin with, and what they are."""


def unclaimed(data: bytes) -> list[bytes]:
    """The lines that no format and no marker claims and that continue nothing."""
    rows = zip(scanned(data), lines_of(data), strict=True)
    return [
        line.rstrip() for row, line in rows if not (row.format or row.markers or row.continuation)
    ]


def test_nearly_every_row_of_the_corpus_is_understood(corpus: Path) -> None:
    """At most one row in 200 of any file is not, and each such row has a reason."""
    logs = sorted(corpus.rglob("*.log"))
    assert len(logs) > 30
    strange: Counter[bytes] = Counter()
    for path in logs:
        data = path.read_bytes()
        left = unclaimed(data)
        assert len(left) <= MOST * len(lines_of(data)), path
        strange.update(left)
    assert set(strange) == set(REASONS)


def test_every_row_of_the_parts_is_understood(data: Path) -> None:
    """The same of the parts that are always there."""
    for path in sorted(data.rglob("*.log")):
        assert set(unclaimed(path.read_bytes())) <= set(REASONS), path


def test_what_is_under_a_head_belongs_there(corpus: Path) -> None:
    """No line with a head that nobody knows hides among the continuations."""
    known = re.compile(b"|".join(UNDER_HEADS))
    strange: Counter[bytes] = Counter()
    for path in sorted(corpus.rglob("*.log")):
        data = path.read_bytes()
        for row, line in zip(scanned(data), lines_of(data), strict=True):
            if row.continuation and not row.format and not known.match(line):
                strange[line] += 1
    assert strange == {}
