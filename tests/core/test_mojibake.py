"""Markers in logs that were decoded wrongly: every marker, codec and way of losing bytes."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path

import pytest

from pdtui.core.export import export
from pdtui.core.markers import MARKERS, VARIATION_SELECTOR
from pdtui.core.mojibake import forms_of, repair
from pdtui.core.query import Filter
from tests.conftest import Load
from tests.core.sources import scanned

HEAD = b"INFO 11-22 06:35:44 [p2p_nccl_engine.py:36] "
CODECS = ["cp1252", "cp1254", "latin-1", "mac_roman"]
EMOJI = [marker.emoji for marker in MARKERS]


def misread(sign: str, codec: str) -> list[str]:
    """The sign as the codec shows it, with each way of losing the bytes that it does not know."""
    shown = []
    for byte in sign.encode():
        try:
            character = bytes([byte]).decode(codec)
            lost = codec == "latin-1" and 0x80 <= byte < 0xA0
        except UnicodeDecodeError:
            character, lost = chr(byte), True
        others = ["", "?", "\ufffd"] if lost else [" "] if character == "\xa0" else []
        shown.append([character, *others])
    return ["".join(parts) for parts in itertools.product(*shown)]


@cache
def lost_forms(emoji: str) -> tuple[bytes, ...]:
    """Every form of the marker, in every codec."""
    return tuple(form.encode() for codec in CODECS for form in misread(emoji, codec))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("emoji", EMOJI)
def test_every_marker_survives(emoji: str, codec: str) -> None:
    """With and without its variation selector: the row has the marker and says it."""
    forms = [form for form in misread(emoji, codec) if sum(c > "\x7f" for c in form) >= 2]
    assert forms
    selectors = ["", *misread(VARIATION_SELECTOR, codec)]
    lines = [f"{form}{selector} [Rank 1] text".encode() for form in forms for selector in selectors]
    rows = scanned(b"".join(HEAD + line + b"\n" for line in lines))
    for line, row in zip(lines, rows, strict=True):
        # What told two markers apart may be lost; then it is one of them.
        found = "".join(row.markers)
        assert found in EMOJI
        assert found == emoji or line.startswith(lost_forms(found)), line
        assert row.rank == 1
        assert row.message in (f"{found} [Rank 1] text", f"{found}[Rank 1] text")


def test_no_form_stands_for_two_markers() -> None:
    """A search for one marker finds no row that has another."""
    meant: dict[bytes, str] = {}
    for emoji in EMOJI:
        assert forms_of(emoji)[0] == emoji.encode()
        for form in forms_of(emoji):
            assert meant.setdefault(form, emoji) == emoji


def test_what_lost_too_much_is_text() -> None:
    """One strange character is any language's word."""
    for text in ("ğ text", "é text", "â€™s text", "ü", "Ø=", "日志 text"):
        row = scanned(HEAD + text.encode())[0]
        assert (row.markers, row.message) == ((), text)


def test_a_marker_in_the_middle_is_repaired_too() -> None:
    """Arrows and second markers stand inside; the text around them stays as it is."""
    wrong = "🤝ncclCommInitRank Success, a:1👉b:2, MyRank:0".encode().decode("cp1252", "replace")
    row = scanned(HEAD + wrong.encode())[0]
    assert row.markers == ("🤝", "👉")
    assert row.message == "🤝ncclCommInitRank Success, a:1👉b:2, MyRank:0"
    assert repair("café 🔍".encode()) == "café 🔍".encode()


def test_the_seed_decoded_wrongly_is_the_seed(corpus: Path) -> None:
    """Line for line the same markers, ranks and times as the file that it was made of."""
    right = scanned((corpus / "seed" / "pd_disagg.log").read_bytes())
    wrong = scanned((corpus / "seed" / "pd_disagg.mojibake.log").read_bytes())
    assert [(row.markers, row.rank, row.time) for row in wrong] == [
        (row.markers, row.rank, row.time) for row in right
    ]


@pytest.mark.parametrize("codec", CODECS)
def test_a_whole_log_in_another_codec(data: Path, load: Load, codec: str, tmp_path: Path) -> None:
    """The markers are there, and the text that is exported is the file's own bytes."""
    text = (data / "seed" / "pd_disagg.log").read_bytes()
    shown = "".join(
        bytes([byte]).decode(codec, "ignore") if byte > 0x7F else chr(byte) for byte in text
    ).encode()
    path = tmp_path / "wrong.log"
    path.write_bytes(shown)
    right, wrong = scanned(text), scanned(shown)
    assert [row.markers for row in wrong] == [row.markers for row in right]
    assert b"".join(export(load(path), Filter(), "text", offsets={})) == shown
