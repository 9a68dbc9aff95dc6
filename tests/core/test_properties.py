"""What holds for every input, on made-up logs and on bytes that are none."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pdtui.core.describe import Describer
from tests import reference
from tests.core.loglines import logs
from tests.core.sources import columns_of, differences, growing, lines_of, opened, said, scanned

YEAR = 2026
ANY_BYTES = st.binary(max_size=300) | st.lists(
    st.sampled_from([b"\n", b"\r", b"\x1b[", b"\0", b"\xf0\x9f", b"[", b"(", b"INFO ", b" NCCL "])
).map(b"".join)


@settings(max_examples=100)
@given(ANY_BYTES)
def test_any_bytes_are_rows(data: bytes) -> None:
    """As many rows as lines, the rows' bytes are the input, and each row can be described."""
    with opened(data) as source:
        assert len(source) == len(lines_of(data))
        assert [source.line(row) for row in range(len(source))] == lines_of(data)
        describer = Describer(source)
        for row in range(len(source)):
            assert describer.describe(row).as_json()["line"] == row + 1


@settings(max_examples=100)
@given(ANY_BYTES)
def test_any_bytes_mean_what_the_reference_says(data: bytes) -> None:
    """Bytes that are no log are read alike too."""
    assert differences(reference.read(data, YEAR), scanned(data), data) == []


@settings(max_examples=100)
@given(logs())
def test_made_up_logs_mean_what_the_reference_says(data: bytes) -> None:
    """Heads, prefixes, colour, returns, markers and garbage in mixtures that no log has yet."""
    assert differences(reference.read(data, YEAR), scanned(data), data) == []


@settings(max_examples=80)
@given(logs(), st.lists(st.integers(0, 2000), max_size=6), st.booleans())
def test_cuts_do_not_matter(data: bytes, places: list[int], shown: bool) -> None:
    """Fed in any pieces, with unfinished lines shown or not, the rows end up the same."""
    with opened(data) as whole:
        wanted, wanted_columns = said(whole), columns_of(whole)
    cuts = sorted(place % (len(data) + 1) for place in places)
    with growing("prefill") as [written]:
        for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            written.write(data[begin:end])
            if shown:
                written.source.show_unfinished()
                assert len(written.source) == len(lines_of(data[:end]))
        written.source.finish_line()
        assert differences(wanted, said(written.source), data) == []
        assert columns_of(written.source) == wanted_columns
