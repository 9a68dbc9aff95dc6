"""Writing a scenario out: all at once, or line by line as if it happened now."""

from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from types import TracebackType

from pdtui.demo.scenario import Scenario


def write(scenario: Scenario, folder: Path) -> list[Path]:
    """Writes the whole run into a folder, for `pdtui demo --write` and for tests."""
    paths = _claim(scenario.files, folder)
    texts: dict[str, list[str]] = {file: [] for file in scenario.files}
    for line in scenario.lines:
        texts[line.file].append(line.text + "\n")
    for path in paths:
        path.write_text("".join(texts[path.name]), encoding="utf-8", newline="")
    return paths


class Player:
    """Appends each line to its file when its time comes, so that a viewer can follow it."""

    def __init__(self, scenario: Scenario, folder: Path, *, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError("speed must be above 0")
        self._scenario = scenario
        self._folder = folder
        self._speed = speed
        self._stopped = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Creates the files and begins; refuses to write into files that have content."""
        if self._thread is not None:
            raise RuntimeError("this player was started before")
        paths = _claim(self._scenario.files, self._folder)
        files = {path.name: path.open("ab", buffering=0) for path in paths}
        self._thread = Thread(target=self._play, args=(files,), name="demo-player", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the playing at once, wherever it is; what is written stays."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> "Player":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _play(self, files: dict[str, FileIO]) -> None:
        begun = monotonic()
        try:
            for line in self._scenario.lines:
                wait = begun + line.at / self._speed - monotonic()
                if self._stopped.wait(max(0.0, wait)):
                    return
                files[line.file].write(f"{line.text}\n".encode())
        finally:
            for file in files.values():
                file.close()


def _claim(names: Sequence[str], folder: Path) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        if path.exists() and path.stat().st_size > 0:
            raise FileExistsError(f"{path} has content already, and the demo overwrites nothing")
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        path.touch()
    return paths
