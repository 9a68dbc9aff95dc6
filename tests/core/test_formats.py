"""What holds for every format, and what only looks like a head of one."""

from __future__ import annotations

import pytest

from pdtui.core import formats
from pdtui.core.formats.python import BRACKETED
from pdtui.core.grammar import Grammar
from tests import reference
from tests.core.shapelooks import found_in
from tests.core.sources import differences, scanned

YEAR = 2026
SAMPLES = [(form, sample) for form in formats.FORMATS for sample in form.samples]
each_sample = pytest.mark.parametrize(
    ("form", "sample"), SAMPLES, ids=[f"{form.name}: {sample[:40]!r}" for form, sample in SAMPLES]
)


@each_sample
def test_each_format_claims_its_samples(form: formats.Format, sample: bytes) -> None:
    """By its expression, after the cheap looks before it, and as the scanner's first choice."""
    assert form.pattern.fullmatch(sample)
    assert sample[0] in form.first_bytes
    assert form.contains in sample
    if form.guard is not None:
        assert found_in(form.guard, [sample])
    claiming = [other for other in formats.FORMATS if other.pattern.match(sample)]
    assert claiming[0] is form
    assert scanned(sample)[0].format == form.name


@each_sample
def test_each_sample_cut_anywhere_is_read_like_the_reference(
    form: formats.Format, sample: bytes
) -> None:
    """A head whose end has not been written yet, or has been lost."""
    data = b"\n".join(sample[:end] for end in range(1, len(sample)))
    assert differences(reference.read(data, YEAR), scanned(data, YEAR), data) == []


@pytest.mark.parametrize(
    "line",
    [
        "INFO 13-01 10:30:45 [a.py:1] no such month",
        "INFO 11-32 10:30:45 [a.py:1] no such day",
        "INFO 11-01 24:00:00 [a.py:1] no such hour",
        "INFO 9999-11-01 10:30:45 [a.py:1] no such year",
        "INFO 11-01 10:30:45 [a.py:12345678] too long a line number",
        "INFO 11-01 10:30:45 [a.py] no line number",
        "INFO 11-01 10:30:45",
        "INFO",
        "info 11-01 10:30:45 [a.py:1] small",
        "vm:1:2 [0] NCCL LOUD no such level",
        "vm:123456789:2 [0] NCCL INFO too long a pid",
        "INFO:",
        "    raise RuntimeError",
        '  File "x.py", line 1, in f',
        "[2026-11-22] a day is no stamp",
        "[Errno 104] Connection reset by peer",
        "[1/2] linking",
        "E1210 no time",
        "I think so",
        "2026-11-22 a day is no stamp",
        "{'message': 'a dict of Python'}",
        "(deep_gemm) no process",
        "10:30:45",
        "",
    ],
)
def test_a_line_that_only_looks_like_a_head_is_none(line: str) -> None:
    """No format claims it, so it states no level and no time, and is a message from end to end."""
    row = scanned(line.encode() + b"\n")[0]
    assert (row.format, row.level, row.time) == (None, None, None)
    assert (row.origin, row.message) == (None, line)


def test_groups_have_plain_names() -> None:
    """A format's second form gives the same names as its first."""
    line = b"[2025-12-12 19:45:12] INFO a.py:3: text"
    found = BRACKETED.pattern.match(line)
    assert found
    said = formats.groups(found)
    assert (said["origin"], said["message"], said["level"]) == (b"a.py:3", b"text", b"INFO")
    assert line[formats.message_begin(found) :] == b"text"


def test_numbers_name_the_formats() -> None:
    """0 is no format; each other number is that of one format, and there is room for them all."""
    grammar = Grammar()
    assert grammar.names[0] is None
    assert grammar.format(0) is None
    for number, form in enumerate(grammar.formats, 1):
        assert grammar.format(number) is form
        assert grammar.names[number] == form.name
    assert len(grammar.formats) < 64
