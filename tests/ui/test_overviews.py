"""The views beside the log: handshakes and requests, reached and left by keys."""

from __future__ import annotations

from pathlib import Path

from pdtui.core.stats import SourceStats, stats_of
from pdtui.core.statstext import stats_lines
from pdtui.ui.requests import RequestsOverview
from tests.core.handshake_lines import D, P, accepting, connecting, engine, line, said
from tests.ui.conftest import DATA, Open, Opened
from tests.ui.runs import made_up

PAIR = [DATA / "h200" / "pd-seed-like" / f"{side}.log" for side in ("prefill", "decode")]
KILLED = [
    DATA / "h200" / "fail-decode-killed-on-new" / f"{side}.log" for side in ("prefill", "decode")
]
TP2 = [DATA / "h200" / "pd-tp2-workers" / f"{side}.log" for side in ("prefill", "decode")]


def body(opened: Opened) -> list[str]:
    """The lines of the screen between the filters and the hints, without frames and blanks."""
    return [text.strip("│ \n").rstrip() for text in opened.screen().splitlines()[2:-1]]


def view(opened: Opened) -> str | None:
    """The name of the view that is open."""
    overview = opened.app.overview
    return None if overview is None else overview.name


async def test_v_and_brackets_go_round_and_esc_goes_back(viewer: Open) -> None:
    """The views stand in one order; the log is where they begin and end."""
    async with viewer(*PAIR) as opened:
        seen = []
        previous, following = "left_square_bracket", "right_square_bracket"
        for key in (*"vvvv", previous, following, previous, "tab", "v", "escape"):
            await opened.press(key)
            seen.append(view(opened))
        names = ["handshakes", "requests", "stats"]
        assert seen == [*names, None, "stats", None, "stats", None, "handshakes", None]
        assert opened.app.focused is opened.timeline


async def test_keys_of_the_panes_do_nothing_in_a_view(viewer: Open) -> None:
    """A filter or a jump in rows that nobody sees would surprise when the log is back."""
    async with viewer(*PAIR) as opened:
        await opened.press("g", "v", "e", "r", "0", "x", "z", "m")
        assert view(opened) == "handshakes"
        await opened.press("q")
        assert view(opened) is None
        assert (opened.timeline.cursor, opened.timeline.marked) == (0, set())
        assert opened.app.filter_bar.texts["rank"] == ""


async def test_a_pair_with_both_sides_steps(viewer: Open) -> None:
    """Who connects to whom, how long it took, each step with its time."""
    async with viewer(*PAIR, size=(100, 30)) as opened:
        await opened.press("v")
        await opened.sees("+2 s ncclCommInitRank succeeded")
        lines = body(opened)
        assert "handshakes ── 1 established" in lines[0]
        assert lines[2].startswith("▌● prefill 127.0.0.1:14579 → decode 127.0.0.1:14580  establ")
        text = "\n".join(lines)
        for words in (
            "create_connect",
            "+0 s NEW sent",
            "NEW received",
            "prefill, connects, rank 0",
        ):
            assert words in text
        assert text.count("+2 s ncclCommInitRank succeeded") == 2


async def test_in_get_decode_connects(viewer: Open, tmp_path: Path) -> None:
    """The arrow points from who connects to who listens; prefill stays on the left."""
    prefill, decode = tmp_path / "prefill.log", tmp_path / "decode.log"
    prefill.write_text(engine(P, way="GET") + said(accepting(P, D), 5))
    decode.write_text(engine(D, rank=1, way="GET") + said(connecting(D, P, rank=1), 5))
    async with viewer(prefill, decode) as opened:
        await opened.press("v")
        await opened.sees(f"● prefill {P} ← decode {D}")


async def test_enter_goes_to_the_row_with_which_the_wait_began(viewer: Open) -> None:
    """Prefill waits since it called ncclCommInitRank: the timeline's cursor is on that row."""
    async with viewer(*KILLED) as opened:
        await opened.looked()
        await opened.press("v")
        await opened.sees("! prefill 10.0.11.2:21001 → decode")
        await opened.press("enter")
        assert view(opened) is None
        assert opened.app.focused is opened.timeline
        number, row = opened.timeline.cursor_row or (0, 0)
        said_there = opened.app.session.describe(number, row)
        assert said_there.source == "prefill"
        assert "About to call ncclCommInitRank" in said_there.message


async def test_a_row_that_the_filters_hide_is_said_to_be(viewer: Open) -> None:
    """The cursor goes to where it would be."""
    async with viewer(*KILLED, typed={"text": "no such text|decode"}) as opened:
        await opened.looked()
        await opened.press("v", "enter")
        await opened.sees("the row is hidden by the filters")


async def test_several_prefills_give_a_matrix(viewer: Open, tmp_path: Path) -> None:
    """A sign for each two instances, and what the signs mean."""
    async with viewer(*made_up("queued", tmp_path), size=(100, 30)) as opened:
        await opened.looked()
        await opened.press("v")
        assert [text.split() for text in body(opened)[1:4]] == [
            ["prefill", "decode"], ["prefill0", "!"], ["prefill1", "!"],
        ]  # fmt: skip
        await opened.sees("● established  ◌ in progress  ! stalled  ✕ failed")


async def test_the_matrix_is_of_instances_where_ranks_are_many(
    viewer: Open, tmp_path: Path
) -> None:
    """2P2D with two ranks each: the worst of both ranks' signs, those that never met included."""
    logs = {
        "prefill0": engine(P) + said(connecting(P, D), 5),
        "prefill1": engine("10.0.1.4:1") + said(connecting("10.0.1.4:1", D, "cd34")[:6], 5),
        "decode0": engine(D, rank=1) + said(accepting(D, P, rank=1), 5),
        "decode1": engine("10.0.1.5:1", rank=1) + line("the last", 60),
    }
    for name, text in logs.items():
        (tmp_path / f"{name}.log").write_text(text)
    paths = [tmp_path / f"{name}.log" for name in logs]
    async with viewer(*paths, size=(100, 30)) as opened:
        await opened.looked()
        await opened.press("v")
        assert [text.split() for text in body(opened)[1:3]] == [
            ["prefill", "decode0"], ["prefill1", "!"],
        ]  # fmt: skip
        assert body(opened)[3].split() == ["prefill0", "●"]


async def test_ranks_of_one_instance_are_pairs_and_no_matrix(viewer: Open) -> None:
    """TP=2: two pairs, each rank with its peer of the same rank."""
    async with viewer(*TP2, size=(120, 30)) as opened:
        await opened.looked()
        await opened.press("v", "j")
        text = "\n".join(body(opened)[:5])
        assert "rank 0 10.0.7.2:21001 → decode rank 0 10.0.7.3:22001" in text
        assert "rank 1 10.0.7.2:21002 → decode rank 1 10.0.7.3:22002" in text
        assert opened.app.overview_pane.list.cursor == 1


async def test_the_view_is_live(viewer: Open, tmp_path: Path) -> None:
    """What happens while it is open shows: in progress, then established."""
    prefill, decode = tmp_path / "prefill.log", tmp_path / "decode.log"
    prefill.write_text(engine(P) + said(connecting(P, D)[:6], 5))
    decode.write_text(engine(D, rank=1))
    async with viewer(prefill, decode, follow=True) as opened:
        opened.app.session.insight.log_time = lambda _: 0
        await opened.looked()
        await opened.press("v")
        await opened.sees("in progress: connector in ncclCommInitRank")
        with prefill.open("a") as one, decode.open("a") as other:
            other.write(said(accepting(D, P, rank=1), 6))
            one.write(said(connecting(P, D)[6:], 8))
        opened.ingest.ring()
        await opened.until(lambda: "established 10:30:53, took 3 s" in opened.screen())


async def test_logs_without_handshakes_and_requests_say_so(viewer: Open, tmp_path: Path) -> None:
    """And what to set so that there are some."""
    log = tmp_path / "a.log"
    log.write_text(line("nothing of interest"))
    async with viewer(log, size=(80, 24)) as opened:
        await opened.press("v")
        await opened.sees("NCCL_DEBUG=INFO")
        await opened.press("enter")
        await opened.sees("no row tells of it")
        await opened.press("v")
        await opened.sees("--enable-log-requests")


async def test_requests_stand_with_their_lanes_the_worst_first(
    viewer: Open, tmp_path: Path
) -> None:
    """Suffixes that differ are told, the lane has the phases that rows say, Enter goes to a row."""
    async with viewer(*made_up("renamed", tmp_path), size=(120, 36)) as opened:
        await opened.looked()
        await opened.press("v", "v")
        lines = body(opened)
        assert "requests ── 40" in lines[0]
        assert "ids differ" in lines[2]
        assert "PPPP" in lines[2]
        await opened.sees("so decode waits for tensors that never come")
        chosen = lines[2].split()[0].strip("▌ ")
        await opened.press("enter")
        where = opened.timeline.cursor_row
        assert where is not None
        text = opened.app.session.source_at(where[0]).line(where[1]).decode()
        assert (chosen or lines[2].split()[1]) in text


async def test_ten_thousand_requests_paint_only_those_in_sight(
    viewer: Open, tmp_path: Path
) -> None:
    """The list is as long as it must be; of the requests, no more are told in full than painted."""
    log = tmp_path / "prefill.log"
    log.write_text("".join(line(f"Added request cmpl-{n:032x}-0", n % 60) for n in range(10_000)))
    async with viewer(log, size=(80, 24)) as opened:
        await opened.looked()
        await opened.press("v", "v")
        await opened.sees("requests ── 10,000: 10,000 no error seen")
        await opened.press("G")
        pane = opened.app.overview_pane
        assert pane.list.cursor == 9_999
        assert pane.list.virtual_size.height == 10_000
        assert isinstance(pane.overview, RequestsOverview)
        assert len(pane.overview._stories) < 100


async def test_stats_are_those_of_the_command_line(viewer: Open) -> None:
    """The same lines, whole below the list where they are long, of the rows that pass."""
    async with viewer(*PAIR, size=(140, 40)) as opened:
        await opened.press("left_square_bracket")
        printed = [text for text in stats_lines(counted(opened)) if text]
        lines = [text.removeprefix("▌").strip() for text in body(opened)]
        for text, line_there in zip(printed, filter(None, lines[1:]), strict=False):
            assert text.strip().startswith(line_there.rstrip("…"))
    async with viewer(*PAIR, size=(140, 40), typed={"rank": "0"}) as opened:
        await opened.press("left_square_bracket")
        await opened.sees("stats ── of the rows that pass the filters")
        await opened.sees("prefill: 15 rows")
        await opened.sees("decode: 0 rows")


def counted(opened: Opened) -> list[SourceStats]:
    """The counts of each source."""
    return [stats_of(source) for source in opened.app.session.store.sources]
