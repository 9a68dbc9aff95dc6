"""The whole program in a real terminal: start, follow, filter, quit, and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.terminal import Terminal

DATA = Path(__file__).parents[1] / "data"
PAIR = DATA / "h200" / "pd-seed-like"
SEED = DATA / "seed" / "pd_disagg.log"


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Opens terminals that are closed after the test."""
    opened: list[Terminal] = []

    def open_one(*arguments: str | Path, **options: Any) -> Terminal:
        opened.append(Terminal(arguments, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A prefill and a decode log that can be appended to."""
    for side in ("prefill", "decode"):
        (tmp_path / f"{side}.log").write_bytes((PAIR / f"{side}.log").read_bytes())
    return tmp_path / "prefill.log", tmp_path / "decode.log"


def test_open_follow_filter_quit(
    terminal: Callable[..., Terminal], pair: tuple[Path, Path]
) -> None:
    """The last line shows, an appended one shows soon, `r0` filters, `q` restores the terminal."""
    prefill, decode = pair
    screen = terminal(prefill, decode)
    screen.wait_for("28 of 28")
    screen.wait_for("● live")
    screen.wait_for("ncclCommInitRank Success")
    with decode.open("ab") as file:
        file.write(
            "INFO 11-22 06:42:31 [p2p_nccl_engine.py:1] 🔍 [Rank 1] hello appended\n".encode()
        )
    # Generous: the machine may be busy. How fast it is when it is not stands in benchmarks/.
    assert screen.wait_for("hello appended") < 2.0
    screen.wait_for("29 of 29")
    screen.type("r0\r")
    screen.wait_for("15 of 29")
    screen.wait_for(lambda text: "hello appended" not in text)
    screen.type("q")
    assert screen.wait() == 0
    assert screen.restored


def test_ctrl_c_leaves_and_restores_the_terminal(terminal: Callable[..., Terminal]) -> None:
    """Ctrl-C ends the viewer at once, also out of a filter input."""
    screen = terminal(SEED)
    screen.wait_for("23 of 23")
    screen.type("xal")
    screen.wait_for("2 of 23")
    screen.type("\x03")
    assert screen.wait() == 0
    assert screen.restored


def test_sigterm_restores_the_terminal(terminal: Callable[..., Terminal]) -> None:
    """A viewer that is terminated leaves the terminal usable."""
    screen = terminal(SEED)
    screen.wait_for("23 of 23")
    screen.process.send_signal(signal.SIGTERM)
    assert screen.wait() == 128 + signal.SIGTERM
    assert screen.restored


def test_a_terminal_that_goes_away_ends_the_viewer(terminal: Callable[..., Terminal]) -> None:
    """A closed window or a lost connection leaves no process behind."""
    screen = terminal(SEED)
    screen.wait_for("23 of 23")
    screen.hang_up()
    screen.process.wait(timeout=10)


def test_stdin_is_read_while_keys_come_from_the_terminal(
    terminal: Callable[..., Terminal],
) -> None:
    """`… | pdtui -` shows what comes through the pipe and obeys the keyboard."""
    reading, writing = os.pipe()
    screen = terminal("-", stdin=reading)
    os.close(reading)
    lines = SEED.read_bytes().splitlines(keepends=True)
    os.write(writing, b"".join(lines[:20]))
    screen.wait_for("20 of 20")
    os.write(writing, b"".join(lines[20:]))
    screen.wait_for("23 of 23")
    screen.type("r1\r")
    screen.wait_for("11 of 23")
    os.close(writing)
    screen.type("q")
    assert screen.wait() == 0
    assert screen.restored


def test_a_missing_file_is_waited_for(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    """The viewer opens on a file that is not there, says so, and shows it when it appears."""
    log = tmp_path / "decode.log"
    screen = terminal(log)
    screen.wait_for("waiting for it to appear")
    log.write_bytes((PAIR / "decode.log").read_bytes())
    screen.wait_for("13 of 13")
    screen.type("q")
    assert screen.wait() == 0


def test_the_screen_follows_the_size_of_the_terminal(terminal: Callable[..., Terminal]) -> None:
    """From 100×30 to 80×24 and on to 160×48, lines and panes fill the screen and no more."""
    screen = terminal(SEED)
    screen.wait_for("23 of 23")
    for columns, rows in ((80, 24), (160, 48)):
        screen.resize(columns, rows)
        screen.wait_for(lambda text: text.rstrip().endswith("q quit"))
        screen.wait_for(lambda text: "23 of 23" in "".join(text.splitlines()[1:2]))


def test_a_stuck_handshake_is_named_while_it_is_stuck(terminal: Callable[..., Terminal]) -> None:
    """Soon after the ten seconds that make a wait a stall, the line says who waits for whom.

    The run is played five times as fast, so its clock goes on by five seconds in one of ours; on a
    machine with nothing else to do it is said within one of these.
    """
    screen = terminal("demo", "--scenario", "stuck", "--speed", "5")
    screen.wait_for("prefill waits in ncclCommInitRank for decode", seconds=30)
    said = re.search(r"for decode, (\d+) s: NEW was sent", screen.text)
    assert said, screen.text
    assert 10 <= int(said[1]) <= 10 + 3 * 5
    screen.type("v")
    screen.wait_for("1 stalled")
    screen.wait_for("it says nothing of this handshake")
    screen.type("qq")
    assert screen.wait() == 0
    assert screen.restored


def test_log_text_never_reaches_the_terminal_as_an_escape_sequence(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    """Escape sequences and brackets in a log are shown as text; the terminal obeys none of them."""
    log = tmp_path / "evil.log"
    head = b"INFO 11-22 06:42:31 [a.py:1] "
    log.write_bytes(
        head + b"title \x1b]0;owned\x07 end\n"
        + head + b"[/bold] [red]markup[/red] [@click=app.quit]x[/]\n"
        + head + b"clear \x1b[2J\x1b[H\x9b2J gone\n"
        + head + "turn \u202e back\n".encode()
    )  # fmt: skip
    screen = terminal(log)
    screen.wait_for("4 of 4")
    assert b"\x1b]0;owned" not in screen.raw
    assert "[/bold] [red]markup[/red]" in screen.text
    assert "clear" in screen.text
    assert "gone" in screen.text
    assert screen.screen.title != "owned"
    screen.type("q")
    assert screen.wait() == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.bin", bytes(range(256)) * 40, "binary"),
        ("a.log.gz", b"\x1f\x8b\x08\x00" + b"x" * 50, "compressed"),
    ],
)
def test_what_is_no_log_is_said_in_one_line(
    terminal: Callable[..., Terminal], tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    """A binary or compressed file ends in one clear line and status 2, without a screen."""
    (tmp_path / name).write_bytes(content)
    screen = terminal(tmp_path / name)
    assert screen.wait() == 2
    lines = [line for line in screen.text.splitlines() if line.strip()]
    assert said in "".join(lines)
    assert "Traceback" not in screen.text
    assert b"\x1b[?1049h" not in screen.raw
