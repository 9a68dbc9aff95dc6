"""Writing a scenario out: all at once, and live."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep

import pytest

from pdtui.demo.play import Player, write
from pdtui.demo.scenario import Scenario, build


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return build("healthy", start=datetime(2025, 11, 1, 10, 30, 45))


def whole(scenario: Scenario, file: str) -> bytes:
    return "".join(f"{ln.text}\n" for ln in scenario.lines if ln.file == file).encode()


def wait_for(true: Callable[[], bool]) -> None:
    end = monotonic() + 2.0
    while not true():
        assert monotonic() < end
        sleep(0.002)


def test_write_gives_each_file_its_lines(scenario: Scenario, tmp_path: Path) -> None:
    paths = write(scenario, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["prefill.log", "decode.log"]
    for path in paths:
        assert path.read_bytes() == whole(scenario, path.name)


@pytest.mark.parametrize("name", ["prefill.log", "decode.log"])
def test_nothing_is_overwritten(scenario: Scenario, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine\n")
    with pytest.raises(FileExistsError, match=f"{name} has content"):
        write(scenario, tmp_path)
    with pytest.raises(FileExistsError, match=f"{name} has content"):
        Player(scenario, tmp_path).start()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine\n"


def test_an_empty_file_is_taken_over(scenario: Scenario, tmp_path: Path) -> None:
    (tmp_path / "decode.log").touch()
    assert write(scenario, tmp_path)[1].read_bytes() == whole(scenario, "decode.log")


def test_the_player_writes_the_whole_run(scenario: Scenario, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in scenario.files]
    with Player(scenario, tmp_path, speed=1000.0):
        assert all(path.exists() for path in paths)
        expected = [whole(scenario, name) for name in scenario.files]
        wait_for(lambda: [path.read_bytes() for path in paths] == expected)


def test_the_player_appends_as_time_passes(scenario: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "prefill.log"
    with Player(scenario, tmp_path, speed=100.0):
        wait_for(lambda: path.stat().st_size > 0)
        early = path.read_bytes()
        wait_for(lambda: path.stat().st_size > len(early))
    late, expected = path.read_bytes(), whole(scenario, path.name)
    assert early.endswith(b"\n")
    assert len(early) < len(late) < len(expected)
    assert expected.startswith(late)
    assert late.startswith(early)


def test_stop_returns_at_once_and_ends_the_writing(scenario: Scenario, tmp_path: Path) -> None:
    player = Player(scenario, tmp_path, speed=0.01)
    player.start()
    begun = monotonic()
    player.stop()
    assert monotonic() - begun < 0.5
    sizes = [path.stat().st_size for path in sorted(tmp_path.iterdir())]
    sleep(0.02)
    assert sizes == [path.stat().st_size for path in sorted(tmp_path.iterdir())]
    player.stop()


def test_lines_come_no_sooner_than_their_time(scenario: Scenario, tmp_path: Path) -> None:
    begun = monotonic()
    with Player(scenario, tmp_path, speed=200.0):
        wait_for(lambda: "🤝" in (tmp_path / "prefill.log").read_text(encoding="utf-8"))
        shaken = monotonic() - begun
    expected = next(ln.at for ln in scenario.lines if "🤝" in ln.text and ln.file == "prefill.log")
    assert shaken >= expected / 200.0


def test_a_player_is_used_once(scenario: Scenario, tmp_path: Path) -> None:
    with Player(scenario, tmp_path) as player, pytest.raises(RuntimeError, match="before"):
        player.start()


def test_stop_before_start_is_nothing(scenario: Scenario, tmp_path: Path) -> None:
    Player(scenario, tmp_path).stop()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_time_goes_forward(scenario: Scenario, tmp_path: Path, speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Player(scenario, tmp_path, speed=speed)
