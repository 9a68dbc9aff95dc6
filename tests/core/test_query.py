"""What a user asks to see, and which rows that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdtui.core import levels
from pdtui.core.markers import MARKERS
from pdtui.core.matches import Matches
from pdtui.core.query import (
    Filter,
    MarkerItem,
    RankItem,
    parse_level,
    parse_markers,
    parse_ranks,
    parse_text,
    parse_typed_text,
    source_named,
)
from pdtui.core.source import Source
from pdtui.errors import FilterError
from tests.core.sources import opened, said, store_of

HEAD = "11-22 06:35:44 [a.py:1]"
LOG = f"""\
DEBUG {HEAD} 🔍 [Rank 0] zero
INFO {HEAD} ✉️ [Rank 1] one
WARNING {HEAD} 🚨 [Rank 2] two
(Worker_TP3 pid=33) ERROR {HEAD} three
  File "three.py"
CRITICAL {HEAD} 🔍 [Rank 4] ✅ four
INFO {HEAD} none
""".encode()


def passing(wanted: Filter, data: bytes = LOG, label: str = "decode") -> str:
    """The rows that pass, as a string of their numbers."""
    with opened(data, label) as source:
        matches = Matches(wanted)
        matches.refresh(store_of(source).snapshot())
        mask = matches.of(0).mask(0, len(source))
    return "".join(str(row) for row, passes in enumerate(mask.tolist()) if passes)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "0123456"),
        ("0", "0"),
        ("0,2", "02"),
        ("0 2", "02"),
        (" 0 ,, 2 ", "02"),
        ("2-4", "2345"),
        ("4-2", "2345"),
        ("3", "34"),
        ("0,2-4", "02345"),
        ("!3", "01256"),
        ("!0-2", "3456"),
        ("0-9,!3", "0125"),
        ("!3,!0", "1256"),
        ("decode:1", "1"),
        ("DECODE:1", "1"),
        ("prefill:1", ""),
        ("prefill:1,2", "2"),
        ("!decode:1", "023456"),
        ("!prefill:1", "0123456"),
        ("9", ""),
    ],
)
def test_ranks(text: str, wanted: str) -> None:
    """Items are alternatives, `!` excludes, a source may be named; rows of no rank have none."""
    assert passing(Filter(ranks=parse_ranks(text))) == wanted


def test_ranks_as_items() -> None:
    assert parse_ranks("0,2-4,decode:1,!3") == (
        RankItem(0, 0, None, False),
        RankItem(2, 4, None, False),
        RankItem(1, 1, "decode", False),
        RankItem(3, 3, None, True),
    )


@pytest.mark.parametrize("text", ["x", "-1", "1-", "1:", ":1", "!", "1,x", "12345", "a:b:1", "1.5"])
def test_what_is_no_rank_is_said(text: str) -> None:
    with pytest.raises(FilterError, match="is no rank") as raised:
        parse_ranks(text)
    assert raised.value.title == "rank"


def test_a_source_is_named_by_its_label_or_its_end() -> None:
    """`decode` means `node1/decode` too, and no other source that holds the word."""
    for name, wanted in (("decode", True), ("node1/decode", True), ("NODE1/Decode", True),
                         ("node1", False), ("code", False)):  # fmt: skip
        assert source_named(Source("node1/decode", "", 2026), name) is wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "0123456"),
        ("🔍", "05"),
        ("debug", "05"),
        ("DEBUG", "05"),
        ("✉", "1"),
        ("✉️", "1"),
        ("received", "1"),
        ("message", "1"),
        ("🔍 🚨", "025"),
        ("🔍,alert", "025"),
        ("✅", "5"),
        ("!🔍", "12346"),
        ("any", "0125"),
        ("!any", "346"),
        ("any,!🚨", "015"),
        ("🎉", ""),
        ("!🎉", "0123456"),
    ],
)
def test_markers(text: str, wanted: str) -> None:
    """By emoji, with U+FE0F or without it, by name in any case; `any` is every marker."""
    assert passing(Filter(markers=parse_markers(text))) == wanted


def test_each_marker_is_meant_by_each_of_its_words() -> None:
    for marker in MARKERS:
        for word in (marker.emoji, f"{marker.emoji}\ufe0f", *marker.words):
            assert parse_markers(word) == (MarkerItem(marker.emoji, False),)
            assert parse_markers(f"!{word}") == (MarkerItem(marker.emoji, True),)


@pytest.mark.parametrize(
    ("text", "emoji"),
    [("deb", "🔍"), ("ALE", "🚨"), ("re", "✉🔴"), ("s", "✅❗"), ("🔍", "🔍"), ("debug", "🔍")],
)
def test_the_start_of_a_name_is_enough_while_it_is_typed(text: str, emoji: str) -> None:
    """It stands for every marker whose name begins so, in the order of the table."""
    items = parse_markers(f"!{text}", typing=True)
    assert items == tuple(MarkerItem(one, True) for one in emoji)
    with pytest.raises(FilterError):
        parse_markers("nothing", typing=True)
    with pytest.raises(FilterError):
        parse_markers("deb")


@pytest.mark.parametrize("text", ["nonsense", "!", "🔍,nonsense", "1"])
def test_what_is_no_marker_is_said(text: str) -> None:
    with pytest.raises(FilterError, match="is no marker") as raised:
        parse_markers(text)
    assert raised.value.title == "marker"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "0123456"),
        ("debug", "0123456"),
        ("info", "123456"),
        ("w", "2345"),
        ("Warn", "2345"),
        (" error ", "345"),
        ("crit", "5"),
    ],
)
def test_levels_are_a_floor(text: str, wanted: str) -> None:
    """This level and above; a row under a head counts with its head's level."""
    assert passing(Filter(level=parse_level(text))) == wanted


def test_what_is_no_level_is_said() -> None:
    for text in ("x", "errors", "10", "none"):
        with pytest.raises(FilterError, match="is none of debug, info"):
            parse_level(text)


def test_levels_rise_in_weight() -> None:
    order = [levels.DEBUG, levels.INFO, levels.WARNING, levels.ERROR, levels.CRITICAL]
    assert order == sorted(set(order))
    assert [levels.LEVEL_NAMES[number] for number in order] == [
        "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL",
    ]  # fmt: skip
    assert levels.NO_LEVEL < levels.DEBUG


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("", "0123456"), ("33", "34"), ("worker_tp3", "34"), ("pid=33", "34"), ("APIServer", "")],
)
def test_processes_are_found_by_name_and_pid(text: str, wanted: str) -> None:
    """Any part of name, pid or host, in any case; a row of no process is none of them."""
    assert passing(Filter(process=text)) == wanted


def test_a_host_is_part_of_a_process() -> None:
    data = b"gpu-node-3:5:9 [0] NCCL INFO x\nvm:6:9 [0] NCCL INFO x\nINFO:     x\n"
    assert passing(Filter(process="GPU-node"), data) == "0"


def test_a_process_is_on_the_host_that_it_named_first() -> None:
    """Whatever came between: a warning's other form of head, another host with that pid."""
    data = (
        b"[2026-11-22 10:30:51] one:5:9 [0] init.cc:9 NCCL WARN x\ntwo:5:9 [0] NCCL INFO x\n"
        b"two:6:9 [0] NCCL INFO x\none:6:9 [0] NCCL INFO x\n"
    )
    assert passing(Filter(process="one"), data) == "01"
    assert passing(Filter(process="two"), data) == "23"


@pytest.mark.parametrize(
    ("wanted", "unwanted", "rows"),
    [
        (["two"], [], "2"),
        (["t", "o"], [], "23"),
        (["three"], ["File"], "3"),
        ([], ["Rank"], "346"),
        (["(?i)RANK"], [], "0125"),
        (["🔍|🚨"], [], "025"),
        ([r"\[Rank [01]\]"], [], "01"),
        (["Rank 0"], ["Rank 0"], ""),
    ],
)
def test_texts(wanted: list[str], unwanted: list[str], rows: str) -> None:
    """All expressions must be found, and none of the excluded ones."""
    items = [parse_text(text) for text in wanted]
    items += [parse_text(text, excluded=True) for text in unwanted]
    assert passing(Filter(texts=tuple(items))) == rows


def test_typed_text_excludes_with_an_exclamation_mark() -> None:
    assert passing(Filter(texts=parse_typed_text("!Rank"))) == "346"
    assert passing(Filter(texts=parse_typed_text("Rank"))) == "0125"
    assert parse_typed_text("") == ()
    assert parse_typed_text("!") == ()


def test_what_is_no_expression_is_said() -> None:
    with pytest.raises(FilterError, match="is no expression"):
        parse_text("[")


def test_all_parts_of_a_filter_must_hold() -> None:
    wanted = Filter(
        ranks=parse_ranks("0-4"), markers=parse_markers("🔍"), level=levels.INFO,
        texts=(parse_text("four"),),
    )  # fmt: skip
    assert passing(wanted) == "5"
    assert wanted
    assert not Filter()


TIMED = "".join(
    f"INFO 11-22 10:{minute:02}:30 [a.py:1] x\n  under it\n" for minute in range(5)
).encode()


@pytest.mark.parametrize(
    ("since", "until", "wanted"),
    [
        ("10:02", "", "456789"),
        ("10:02:30", "", "456789"),
        ("10:02:31", "", "6789"),
        ("", "10:02", "012345"),
        ("", "10:01:59", "0123"),
        ("10:01", "10:02", "2345"),
        ("-1m", "", "6789"),
        ("11-22 10:03", "", "6789"),
        ("2025-11-22", "2025-11-22", ""),
        ("2026-11-22", "2026-11-22", "0123456789"),
    ],
)
def test_times(since: str, until: str, wanted: str) -> None:
    """From the one to the other, both included; the rows of a record go together."""
    assert passing(Filter(since=since, until=until), TIMED) == wanted


def test_rows_without_a_time_are_in_no_window() -> None:
    data = b"INFO:     200 OK\n"
    assert passing(Filter(), data) == "0"
    assert passing(Filter(since="1970-01-01"), data) == ""


def test_a_filter_holds_for_real_rows(data: Path) -> None:
    """What the filter passes is what each row says of itself."""
    log = (data / "h200" / "pd-tp2-workers" / "decode.log").read_bytes()
    with opened(log) as source:
        rows = said(source)
    for ranks, markers, level in (("1", "", ""), ("!1", "🔍", ""), ("", "any", "warning")):
        wanted = Filter(
            ranks=parse_ranks(ranks), markers=parse_markers(markers), level=parse_level(level)
        )
        expected = [
            row
            for row, line in enumerate(rows)
            if (not ranks or (line.rank == 1) is (ranks == "1"))
            and (not markers or ("🔍" in line.markers if markers == "🔍" else line.markers))
            and (not level or line.level in ("WARNING", "ERROR", "CRITICAL"))
        ]
        assert passing(wanted, log) == "".join(map(str, expected))
        assert expected
