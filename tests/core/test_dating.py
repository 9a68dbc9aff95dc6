"""Stamps of several forms and zones in one file."""

from __future__ import annotations

import pytest

from tests.core.sources import lines_of, scanned

LOCAL = "INFO 11-22 {} [a.py:1] x\n"
UTC = "2026-11-22T{}Z  INFO dynamo_llm::hub: x\n"
KUBECTL = "2026-11-22T{}Z {}"


def clocks(data: str) -> list[str]:
    """The clock of each line; blocks do not matter."""
    rows = scanned(data.encode())
    assert scanned(lines_of(data.encode())) == rows
    return [row.time.strftime("%H:%M:%S") if row.time else "-" for row in rows]


@pytest.mark.parametrize(
    ("local", "utc", "wanted"),
    [
        ("10:30:00", "09:30:02", "10:30:02"),
        ("10:30:00", "09:29:00", "10:29:00"),
        ("10:30:00", "04:45:07", "10:30:07"),  # India, and half an hour
        ("10:30:00", "10:30:05", "10:30:05"),
        ("01:30:00", "23:30:05", "01:30:05"),
    ],
)
def test_utc_is_moved_by_quarters_of_an_hour(local: str, utc: str, wanted: str) -> None:
    """As far as the first of them is from the line above it."""
    day = UTC.replace("11-22", "11-21") if local == "01:30:00" else UTC
    assert clocks(LOCAL.format(local) + day.format(utc)) == [local, wanted]


def test_the_zone_that_was_found_stays() -> None:
    """Later lines may lie an hour behind the line above them."""
    data = LOCAL.format("10:30:00") + UTC.format("09:30:00") + UTC.format("12:30:00")
    data += LOCAL.format("12:30:00") + UTC.format("12:31:00")
    assert clocks(data) == ["10:30:00", "10:30:00", "13:30:00", "12:30:00", "13:31:00"]


def test_utc_by_itself_is_as_it_is_written() -> None:
    """Where no local time was written yet, there is nothing to be moved to."""
    assert clocks(UTC.format("09:30:00") * 2) == ["09:30:00"] * 2
    data = UTC.format("09:30:00") + LOCAL.format("10:31:00") + UTC.format("09:32:00")
    assert clocks(data) == ["09:30:00", "10:31:00", "10:32:00"]


def test_what_is_further_apart_than_zones_is_of_another_day() -> None:
    """A file that two runs wrote: then the stamps are left as they are."""
    assert clocks(LOCAL.format("23:30:00") + UTC.format("08:29:00")) == ["23:30:00", "08:29:00"]
    assert clocks(LOCAL.format("23:30:00") + UTC.format("08:31:00")) == ["23:30:00", "23:31:00"]


def test_a_launchers_stamp_is_every_lines_time() -> None:
    """kubectl's is UTC and finer than vLLM's; mixed they would be in no order (vllm#16107)."""
    data = KUBECTL.format("07:55:21.5", LOCAL.format("00:55:21"))
    data += KUBECTL.format("07:55:22.5", "words\n")
    data += KUBECTL.format("07:55:23.5", UTC.format("07:55:23.4"))
    rows = scanned(data.encode())
    assert [row.time.microsecond if row.time else None for row in rows] == [500_000] * 3
    assert clocks(data) == ["07:55:21", "07:55:22", "07:55:23"]
    assert [row.time_source for row in rows] == ["stamp"] * 3


def test_years_turn_for_stamps_that_have_none() -> None:
    """A dated stamp between changes nothing of that."""
    lines = ["INFO 12-31 23:59:59 [a.py:1] x", "2031-01-01 00:00:00,1 - a - INFO - x",
             "INFO 01-01 00:00:00 [a.py:1] x", "E0101 00:00:01.000001 25 a.cpp:8] x",
             "Jan  1 00:00:02 node vllm[5]: x"]  # fmt: skip
    rows = scanned("".join(f"{line}\n" for line in lines).encode())
    assert [row.time.year if row.time else None for row in rows] == [2026, 2031, 2027, 2027, 2027]
