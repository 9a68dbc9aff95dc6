"""The texts of the lines around the panes."""

from __future__ import annotations

import time

from pdtui.core.lanes import Split
from pdtui.core.source import Source
from pdtui.core.stamps import to_datetime
from pdtui.core.view import LaneView
from pdtui.ui.session import Session
from pdtui.ui.text import fit, printable

HINTS = (
    ("F", "follow"), ("r", "rank"), ("x", "marker"), ("L", "level"), ("&", "text"),
    ("/", "search"), ("e", "error"), ("\\", "filters off"), ("z", "zoom"),
    ("Tab", "pane"), ("=", "freeze"), ("?", "help"), ("q", "quit"),
)  # fmt: skip
_SILENT_AFTER = 10
_MOST_LABELS = 40


def title_line(session: Session, state: str, width: int) -> str:
    """`pdtui  prefill · decode      ● live  2 sources  1,002,997 rows  11-01 10:30:51`."""
    sources = session.store.sources
    newest = session.newest
    clock = to_datetime(newest).strftime("%m-%d %H:%M:%S") if newest is not None else ""
    count = f"{len(sources)} source{'s' if len(sources) != 1 else ''}"
    right = f"{state}  {count}  {session.rows:,} rows  {clock} "
    labels = printable(" · ".join(source.label for source in sources))
    left = " pdtui  "
    room = width - len(left) - len(right) - 1
    return left + fit(labels, max(room, 0)) + " " + right


def count_text(session: Session, *, off: bool, searching: bool) -> str:
    """`182 of 1,002,997`, and whether the filters are off or still at work."""
    if searching:
        return "searching…"
    if off:
        return f"filters off · {session.rows:,}"
    return f"{len(session.timeline):,} of {session.rows:,}"


def lane_title(session: Session, view: LaneView, *, live: bool) -> str:
    """`prefill ── 501,002 rows · 0 s ago`."""
    source = session.source_at(view.lane.source)
    label = printable(view.lane.label)
    if source.trouble and not len(source):
        return f"{label} ── {printable(source.trouble)}"
    shown, total = len(view), view.matches.snapshot[view.lane.source][1]
    rows = f"{total:,} rows"
    if shown != total and (session.filter or view.lane.split is Split.SOURCE):
        rows = f"{shown:,} of {total:,} rows"
    elif shown != total:
        rows = f"{shown:,} rows"
    heard = f" · {_heard(source)}" if live and source.heard else ""
    said = source.trouble or source.note
    return f"{label} ── {rows}{heard}" + (f" · {printable(said)}" if said else "")


def timeline_title(session: Session) -> str:
    """What the timeline holds."""
    late = f" · {session.merge.late:,} came late" if session.merge.late else ""
    return f"timeline ── {len(session.timeline):,} rows{late}"


def trouble_line(session: Session) -> str:
    """What is wrong with the sources, '' where nothing is."""
    said = [f"{s.label}: {s.trouble}" for s in session.store.sources if s.trouble]
    return printable(" · ".join(said))


def hint_line(width: int) -> list[tuple[str, str]]:
    """The keys that fit into the last line, the first ones first; help always."""
    shown: list[tuple[str, str]] = []
    last = HINTS[-2:]
    room = width - sum(len(key) + len(word) + 3 for key, word in last)
    for key, word in HINTS[:-2]:
        room -= len(key) + len(word) + 3
        if room < 0:
            break
        shown.append((key, word))
    return [*shown, *last]


def _heard(source: Source) -> str:
    """How long ago bytes arrived."""
    age = time.time() - (source.heard or 0)
    if age < _SILENT_AFTER:
        return f"{max(age, 0):.0f} s ago"
    minutes, seconds = divmod(int(age), 60)
    span = f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
    return f"silent {span}"
