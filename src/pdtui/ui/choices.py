"""What each filter input can be given, as far as the logs hold it."""

from __future__ import annotations

from pdtui.core.levels import LEVEL_NAMES
from pdtui.core.markers import known_markers, marker_of
from pdtui.ui.choicelist import Choice
from pdtui.ui.session import Session

_LEVEL_SIGNS = {"DEBUG": "d", "INFO": "i", "WARNING": "W", "ERROR": "E", "CRITICAL": "C"}


def rank_choices(session: Session) -> list[Choice]:
    """The ranks that occur, over all sources and of each."""
    present = session.present_ranks()
    total: dict[int, int] = {}
    for (_, rank), rows in present.items():
        total[rank] = total.get(rank, 0) + rows
    choices = [Choice(str(rank), "", "rank", rows) for rank, rows in sorted(total.items())]
    if len({label for label, _ in present}) > 1:
        choices += [
            Choice(f"{label}:{rank}", "", f"rank {rank} of {label}", rows)
            for (label, rank), rows in present.items()
        ]
    return choices


def marker_choices(session: Session) -> list[Choice]:
    """The markers that occur, the most frequent first; the others after them."""
    present = session.present_markers()
    # Of those as frequent the order is always the same, however the log was read.
    order = {marker.emoji: place for place, marker in enumerate(known_markers())}
    in_order = sorted(present.items(), key=lambda one: (-one[1], order.get(one[0], len(order))))
    found = [
        Choice(marker_of(emoji).name, emoji, marker_of(emoji).meaning, rows)
        for emoji, rows in in_order
    ]
    rest = [
        Choice(marker.name, marker.emoji, marker.meaning, 0)
        for marker in known_markers()
        if marker.emoji not in present
    ]
    return found + rest


def level_choices() -> list[Choice]:
    """The levels; each means itself and all above."""
    return [Choice(name.lower(), _LEVEL_SIGNS[name], "and above") for name in LEVEL_NAMES if name]
