"""The texts of the lines around the panes."""

from __future__ import annotations

import time

from rich.cells import cell_len

from pdtui.core.evidence import counted, length_of
from pdtui.core.printing import printable
from pdtui.core.source import Source
from pdtui.core.stamps import SECOND, to_datetime
from pdtui.core.view import LaneView
from pdtui.follow.follower import WAITING
from pdtui.follow.stream import ENDED
from pdtui.follow.tail import TailSource
from pdtui.ui.insight import Insight
from pdtui.ui.session import Session
from pdtui.ui.text import fit

HINTS = (
    ("F", "follow"), ("r", "rank"), ("x", "marker"), ("L", "level"), ("&", "text"),
    ("/", "search"), ("e", "error"), ("v", "views"), ("\\", "filters off"), ("z", "zoom"),
    ("Tab", "pane"), ("o", "request"), ("}", "step"), ("y", "lock"), ("=", "freeze"),
    ("?", "help"), ("q", "quit"),
)  # fmt: skip
_TO_ROW = ("Enter", "its row in the log")
_VIEW_HINTS = (
    ("Esc", "log"), ("]", "next view"), ("[", "previous"),
    ("C", "clocks"), ("?", "help"), ("q", "log"),
)  # fmt: skip
SILENT = "silent"
SILENT_AFTER = 10
_MINUTE, STEP = 60, 5
_BAR = 10


def title_line(session: Session, state: str, width: int, more: str = "") -> str:
    """`pdtui  prefill · decode      ● live  2 sources  1,002,997 rows  11-01 10:30:51`."""
    sources = session.sources
    newest = session.newest
    clock = to_datetime(newest).strftime("%m-%d %H:%M:%S") if newest is not None else ""
    count = f"{len(sources)} source{'s' if len(sources) != 1 else ''}"
    right = f"{state}  {count}  {_rows(session.rows)}  {clock} "
    names = [source.label + _corrected(session, source.label) for source in sources]
    labels = printable(" · ".join([more] * bool(more) + names))
    left = " pdtui  "
    room = width - len(left) - len(right) - 1
    return left + fit(labels, max(room, 0)) + " " + right


def _corrected(session: Session, label: str) -> str:
    """` (+4 s)` where a source's clock is corrected."""
    offset = session.merge.offsets.get(label, 0)
    sign = "−" if offset < 0 else "+"
    return f" ({sign}{abs(offset) / SECOND:g} s)" if offset else ""


def count_text(session: Session, *, off: bool, searching: bool, more: str) -> str:
    """`182 of 1,002,997`, whether the filters are off or at work, and those without an input."""
    if searching:
        return "searching…"
    if off:
        return f"filters off · {session.rows:,}"
    so_far = " so far" if session.tails else ""
    return f"{more} {len(session.timeline):,} of {session.rows:,}{so_far}".lstrip()


def reading_state(session: Session, *, ascii_only: bool) -> str:
    """`indexing ▓▓▓▓░░ 43 %` while only the last lines of large files are shown."""
    tails = session.tails
    if not tails:
        return "… reading"
    read = sum(tail.share * tail.begin for tail in tails) / sum(tail.begin for tail in tails)
    full, empty = "#-" if ascii_only else "▓░"
    cells = int(read * _BAR)
    return f"indexing {full * cells}{empty * (_BAR - cells)} {int(read * 100)} %"


def lane_title(session: Session, view: LaneView, *, live: bool) -> str:
    """`prefill ── 501,002 rows · 0 s ago`; what is wrong comes before the rows."""
    source = session.source_at(view.lane.source)
    said = printable(source.trouble or source.note)
    if view.total or session.loaded:
        shown = f"{len(view):,} of " if len(view) != view.total else ""
        last = "the last " if isinstance(source, TailSource) else ""
        rows = f"{shown}{last}{_rows(view.total)}"
    else:
        rows = "reading…"
    heard = _heard(source) if live and source.heard and session.loaded else ""
    parts = [said, rows, heard] if said or not heard.startswith(SILENT) else [heard, rows]
    if said and not view.total:
        parts = [said]
    return f"{printable(view.lane.label)} ── " + " · ".join(filter(None, parts))


def timeline_title(session: Session) -> str:
    """What the timeline holds, and whether rows just went above others."""
    late = session.just_late
    said = f" · {_rows(late)} came late" if late else ""
    return f"timeline ── {_rows(len(session.timeline))}{said}"


def trouble_line(session: Session) -> str:
    """What is wrong with the sources, '' where nothing is."""
    said = [
        f"{s.path if s.trouble == WAITING else s.label}: {s.trouble}"
        for s in session.sources
        if s.trouble and s.trouble != ENDED
    ]
    return printable(" · ".join(said))


def problem_line(session: Session, width: int) -> str:
    """The line that says what is wrong, '' where nothing is: with the key that shows more of it."""
    trouble = trouble_line(session)
    said, key = _worst(session.insight)
    skews = [skew.sentence for skew in session.insight.certain_skews]
    if skews and not said:
        pairs = counted(session.insight.certain_skews[0].pairs, "pair")
        said, key = f"clocks differ: {', '.join(skews)}, {pairs}", "C corrects"
    elif skews:
        said += f" · clocks: {', '.join(skews)}"
    text = " · ".join(filter(None, (said, trouble)))
    if not text:
        return ""
    text = "! " + text
    room = width - cell_len(text) - cell_len(key)
    if not key:
        return text
    if cell_len(text) <= width and room < 3:
        # The words of the key stay together, on a line of their own.
        return f"{text}\n{key:>{width}}"
    return text + " " * max(room, 3) + key


def _worst(insight: Insight) -> tuple[str, str]:
    """Who waits for whom, else what `check` finds first; and the key that shows it."""
    if insight.stalls:
        first, more = insight.stalls[0], len(insight.stalls) - 1
        further = f" · {counted(more, 'more stall')}" if more else ""
        return printable(first.sentence + _gone_peer(insight) + further), "v handshakes"
    if insight.failure:
        return printable(f"problems cannot be looked for: {insight.failure}"), ""
    if insight.problems:
        more = len(insight.problems) - 1
        further = f" · {counted(more, 'more problem')}" if more else ""
        return printable(insight.problems[0].summary + further), ""
    return "", ""


def _gone_peer(insight: Insight) -> str:
    """That a process of the first stall's handshake is gone, and whose."""
    sources = {place.source for place in insight.stalls[0].evidence}
    gone = [g for g in insight.gone if g.last.source in sources] or insight.gone
    return "".join(
        f"; {insight.clocks.label(one.last.source)}'s process {one.pid} is gone" for one in gone[:1]
    )


def ended(session: Session) -> bool:
    """Whether nothing more can come: every source is a stream that has ended."""
    return all(source.trouble == ENDED for source in session.sources)


def _rows(count: int) -> str:
    return f"{count:,} row{'s' if count != 1 else ''}"


def view_hints(leads_to_rows: bool) -> tuple[tuple[str, str], ...]:
    """The keys of a view."""
    return (_TO_ROW, *_VIEW_HINTS) if leads_to_rows else _VIEW_HINTS


def hint_line(width: int, hints: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Those of the keys that fit into the last line, the first ones first; help always."""
    shown: list[tuple[str, str]] = []
    last = hints[-2:]
    room = width - sum(len(key) + len(word) + 3 for key, word in last)
    for key, word in hints[:-2]:
        room -= len(key) + len(word) + 3
        if room < 0:
            break
        shown.append((key, word))
    return [*shown, *last]


def _heard(source: Source) -> str:
    """How long ago bytes arrived."""
    age = time.time() - (source.heard or 0)
    if age < STEP:
        return f"{max(age, 0):.0f} s ago"
    # In steps: at rest, a title that changes every second is most of what goes over an ssh line.
    step = _MINUTE if age >= _MINUTE else STEP
    if age < SILENT_AFTER:
        return f"{step} s ago"
    whole = int(age) // step * step
    return f"{SILENT} {length_of(whole * SECOND).removesuffix(' 0 s')}"


def only_silences_grow(session: Session, seconds: int) -> bool:
    """Whether only long silences change, which are said in steps of seconds: this is none."""
    heard = max((source.heard or 0 for source in session.sources), default=0)
    return seconds % STEP > 0 and time.time() - heard > SILENT_AFTER + 1
