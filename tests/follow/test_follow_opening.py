"""From the words of the command line to sources: labels, folders, patterns, and what is no log."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from following import append, failing

from pdtui.core.stamps import to_datetime
from pdtui.core.store import Store
from pdtui.follow.ingest import Ingest
from pdtui.follow.opening import Named, feed_of, is_no_log, problem_with, resolve, year_of

Tree = Callable[..., list[str]]
LOG = b"INFO 11-01 10:30:45 [core.py:7] step\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Makes files, in a folder that is then the current one; returns the names as given."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def make(*names: str) -> list[str]:
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(LOG)
        return list(names)

    return make


def labels(*arguments: str) -> list[str]:
    named, problems = resolve(arguments)
    assert problems == []
    return [one.label for one in named]


def problem(*arguments: str) -> str:
    named, problems = resolve(arguments)
    assert named == []
    return str(problems[0])


def test_a_label_is_the_stem(tree: Tree) -> None:
    assert labels(*tree("prefill.log", "logs/decode.0.log")) == ["prefill", "decode.0"]


def test_sources_of_one_stem_have_their_folder_in_front(tree: Tree) -> None:
    names = tree("node1/prefill.log", "node2/prefill.log", "decode.log")
    assert labels(*names) == ["node1/prefill", "node2/prefill", "decode"]


def test_sources_of_one_stem_in_one_folder_have_their_whole_name(tree: Tree) -> None:
    names = tree("node1/prefill.log", "node1/prefill.err", "node2/prefill.log")
    assert labels(*names) == ["node1/prefill.log", "node1/prefill.err", "node2/prefill"]


def test_more_folders_are_in_front_where_one_does_not_tell(tree: Tree) -> None:
    names = tree("run1/node1/prefill.log", "run2/node1/prefill.log")
    assert labels(*names) == ["run1/node1/prefill", "run2/node1/prefill"]


def test_the_current_folder_has_a_name_too(tree: Tree) -> None:
    assert labels(*tree("prefill.log", "../node2/prefill.log")) == ["cwd/prefill", "node2/prefill"]


def test_one_file_named_twice_is_counted(tree: Tree) -> None:
    tree("prefill.log")
    assert labels("prefill.log", "./prefill.log") == ["prefill", "prefill#2"]


def test_a_link_is_called_by_its_own_place_not_by_what_it_leads_to(tree: Tree) -> None:
    tree("data/1.log", "data/2.log")
    for node in ("1", "2"):
        Path(f"node{node}").mkdir()
        Path(f"node{node}/latest.log").symlink_to(Path(f"data/{node}.log").absolute())
    assert labels("node1/latest.log", "node2/latest.log") == ["node1/latest", "node2/latest"]


def test_links_that_lead_in_a_circle_have_labels_too(tree: Tree) -> None:
    tree("node1/x.log", "node2/x.log")
    for node in ("node1", "node2"):
        Path(f"{node}/a.log").symlink_to("a.log")
    assert labels("node1/a.log", "node2/a.log") == ["node1/a", "node2/a"]


def test_a_label_may_be_given(tree: Tree) -> None:
    tree("x.log", "y.log")
    named, _ = resolve(["prefill=x.log", "decode 0=y.log"])
    assert [(one.label, str(one.path)) for one in named] == [
        ("prefill", "x.log"),
        ("decode 0", "y.log"),
    ]


def test_a_label_that_is_given_stays_and_the_other_gives_way(tree: Tree) -> None:
    tree("x.log", "logs/prefill.log")
    assert labels("prefill=x.log", "logs/prefill.log") == ["prefill", "logs/prefill"]
    assert labels("a=x.log", "a=logs/prefill.log") == ["a", "a#2"]


def test_an_equals_sign_in_the_name_of_a_file_that_exists_is_no_label(tree: Tree) -> None:
    tree("tp=2.log")
    named, _ = resolve(["tp=2.log", "decode=tp=2.log"])
    assert [(one.label, str(one.path)) for one in named] == [
        ("tp=2", "tp=2.log"),
        ("decode", "tp=2.log"),
    ]


def test_a_name_that_is_no_utf8_has_a_label_that_is(tree: Tree) -> None:
    name = os.fsdecode(b"pr\xe9fill.log")
    Path(name).write_bytes(LOG)
    assert labels(name) == ["pr\ufffdfill"]


def test_a_folder_means_the_logs_in_it(tree: Tree) -> None:
    tree("logs/decode.log", "logs/prefill.log", "logs/proxy.out", "logs/model.bin", "logs/a/b.log")
    named, _ = resolve(["logs"])
    assert [str(one.path) for one in named] == [
        "logs/prefill.log",
        "logs/decode.log",
        "logs/proxy.out",
    ]


def test_a_folder_without_logs_is_said_to_be_one(tree: Tree) -> None:
    tree("logs/model.bin")
    assert problem("logs").startswith("logs: is a folder without logs (*.log")


def test_a_folder_that_may_not_be_listed_is_named(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree("logs/prefill.log")
    denied = PermissionError(errno.EACCES, "Permission denied")
    monkeypatch.setattr(Path, "iterdir", failing(Path.iterdir, denied))
    assert problem("logs") == "logs: cannot be read: permission denied"


def test_a_pattern_means_the_files_that_fit_it(tree: Tree) -> None:
    tree("logs/p1.log", "logs/p2.log", "logs/d.log", "logs/p3.log/x")
    named, _ = resolve(["logs/p*.log"])
    assert [str(one.path) for one in named] == ["logs/p1.log", "logs/p2.log"]
    assert problem("logs/q*.log") == "logs/q*.log: no file fits this pattern"


def test_a_file_whose_name_looks_like_a_pattern_is_itself(tree: Tree) -> None:
    tree("p[1].log", "p1.log")
    assert labels("p[1].log") == ["p[1]"]


def test_one_bad_name_does_not_keep_the_others_away(tree: Tree) -> None:
    tree("prefill.log")
    named, problems = resolve(["*.none", "prefill.log"])
    assert ([one.label for one in named], len(problems)) == (["prefill"], 1)


@pytest.mark.parametrize("argument", ["x" * 5000, "decode=" + "x" * 5000, "x" * 300 + "*"])
def test_names_that_the_system_refuses_are_no_crash(argument: str) -> None:
    named, problems = resolve([argument])
    assert len(named) + len(problems) == 1
    assert all(problem_with(one) for one in named)


def test_where_one_may_not_look_is_no_crash_but_a_problem(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree("secret/prefill.log")
    denied = PermissionError(errno.EACCES, "Permission denied")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", failing(Path.stat, denied))
        patch.setattr(Path, "open", failing(Path.open, denied))
        [named], problems = resolve(["secret/prefill.log"])
        assert problems == []
        assert str(problem_with(named)) == "secret/prefill.log: cannot be read: permission denied"
        # It may be allowed later, so the viewer waits for it.
        assert is_no_log(named) is None


def test_stdin_and_pipes_are_streams_and_files_are_none(tree: Tree) -> None:
    tree("prefill.log")
    os.mkfifo("pipe")
    named, _ = resolve(["-", "pipe", "prefill.log", "missing.log"])
    assert [(one.label, one.stream, one.stdin) for one in named] == [
        ("stdin", True, True),
        ("pipe", True, False),
        ("prefill", False, False),
        ("missing", False, False),
    ]
    # Neither is opened to look into it: what is read there is gone.
    assert problem_with(named[0]) is problem_with(named[1]) is None


def test_stdin_keeps_its_name_beside_a_file_of_that_name(tree: Tree) -> None:
    tree("stdin.log")
    assert labels("-", "stdin.log") == ["stdin", "cwd/stdin"]


def judged(content: bytes) -> tuple[str | None, str | None]:
    """What is wrong with a file of these bytes now, and what is for good."""
    Path("x.log").write_bytes(content)
    named = Named("x", Path("x.log"))
    now, ever = problem_with(named), is_no_log(named)
    return now and now.detail, ever and ever.detail


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(LOG), "is compressed; open it with: zcat FILE | pdtui -"),
        (bz2.compress(LOG), "is compressed; open it with: bzcat FILE | pdtui -"),
        (lzma.compress(LOG), "is compressed; open it with: xzcat FILE | pdtui -"),
        (b"\x28\xb5\x2f\xfd....", "is compressed; open it with: zstdcat FILE | pdtui -"),
        (b"PK\x03\x04....", "is an archive, not a log"),
        (b"\x7fELF....", "is a program, not a log"),
        (bytes(range(256)) * 50, "is binary, not a log"),
        (LOG.decode().encode("utf-16-le") * 20, "is binary, not a log"),
    ],
    ids=["gzip", "bzip2", "xz", "zstd", "zip", "elf", "bytes", "utf-16"],
)
def test_what_is_no_log_is_said_to_be_none(content: bytes, said: str) -> None:
    assert judged(content) == (said, said)


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    "content",
    [
        LOG,
        "🔍💯🤝🚨✅".encode() * 100,
        "ğŸ”\u008d [Rank 0] create_connect START\n".encode() * 20,
        "Übergröße café\n".encode("latin-1") * 20,
        b"\x1b[0;36m(EngineCore_DP0 pid=72)\x1b[0;0m INFO\n" * 20,
        b"loading:  50%\rloading: 100%\r\n\x08\x08",
        b"\0" * 100_000,
        b"\0" * 100_000 + LOG,
        LOG * 10 + b"\0" * 4096 + LOG * 10,
        b"x" * 200_000,
        b"\n",
    ],
    ids=[
        "log",
        "emoji",
        "mojibake",
        "latin-1",
        "colours",
        "returns",
        "hole",
        "hole first",
        "hole inside",
        "one line",
        "newline",
    ],
)
def test_what_may_stand_in_a_log_is_no_reason_to_refuse_it(content: bytes) -> None:
    assert judged(content) == (None, None)


@pytest.mark.usefixtures("tree")
def test_an_empty_file_is_a_problem_now_but_may_become_a_log() -> None:
    assert judged(b"") == ("is empty", None)


@pytest.mark.usefixtures("tree")
def test_a_missing_file_is_a_problem_now_but_may_become_a_log() -> None:
    named = Named("x", Path("missing.log"))
    assert str(problem_with(named)) == "missing.log: cannot be read: no such file or directory"
    assert is_no_log(named) is None


def dated(stamps: list[str], written: datetime) -> int:
    log = Path("dated.log")
    log.write_text("no stamp\n")
    append(log, "".join(f"INFO {stamp} 10:30:45 [core.py:7] step\n" for stamp in stamps))
    os.utime(log, (written.timestamp(), written.timestamp()))
    return year_of(log)


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("stamps", "written", "year"),
    [
        (["11-01", "11-02"], datetime(2023, 11, 2, 11), 2023),
        (["11-01", "11-02"], datetime(2024, 2, 1), 2023),
        (["12-31", "01-01"], datetime(2024, 1, 1, 0, 5), 2023),
        (["12-30", "12-31"], datetime(2024, 1, 1, 0, 5), 2023),
        (["01-01"], datetime(2023, 12, 31, 23, 30), 2024),
        (["02-29"], datetime(2024, 3, 1), 2024),
        ([], datetime(2022, 5, 5), 2022),
    ],
    ids=[
        "same day",
        "copied later",
        "over New Year",
        "before New Year",
        "other zone",
        "leap",
        "none",
    ],
)
def test_the_first_stamps_year_is_told_by_when_the_file_was_written(
    stamps: list[str], written: datetime, year: int
) -> None:
    assert dated(stamps, written) == year


@pytest.mark.usefixtures("tree")
def test_a_log_longer_than_what_is_looked_at_over_new_year() -> None:
    middle = ["01-0" + str(day) for day in range(1, 9)] * 500
    assert dated(["12-31"] * 2000 + middle, datetime(2024, 1, 9)) == 2023


@pytest.mark.usefixtures("tree")
def test_a_missing_file_is_of_this_year() -> None:
    assert year_of(Path("missing.log")) == datetime.now().year


@pytest.mark.usefixtures("tree")
def test_a_feed_dates_its_rows_by_the_file_unless_a_year_is_given() -> None:
    dated(["12-31", "01-01"], datetime(2024, 1, 1, 11))
    [named], _ = resolve(["dated.log"])

    def years(year: int | None) -> list[int]:
        store = Store()
        ingest = Ingest(store, [feed_of(named, year, lambda: None)])
        ingest.load()
        ingest.stop()
        [source] = store.sources
        store.close()
        return [to_datetime(int(when)).year for when in source.columns.when]

    assert years(None) == [2023, 2023, 2024]
    assert years(2019) == [2019, 2019, 2020]
