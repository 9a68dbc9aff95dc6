"""A request's life as a lane of letters: queued, prefill, transfer, decode wait, decode."""

from __future__ import annotations

from pdtui.core.evidence import Clocks
from pdtui.core.requests import Phase, Story
from pdtui.ui.parts import Line

_SIGNS = {
    "queued": ("q", "time"),
    "prefill": ("P", "source-prefill"),
    "transfer": ("T", "good"),
    "decode wait": ("w", "warning"),
    "decode": ("D", "source-decode"),
}
LEGEND = "q queued  P prefill  T transfer  w decode waits  D decode  · no phase said"


def lane(story: Story, clocks: Clocks, scale: int, width: int) -> Line:
    """The lane in `width` cells that stand for `scale` microseconds; `…` where it goes on.

    A phase that no row ends goes on to the request's last row.
    """
    times = [time for place in story.rows if (time := clocks.time(place)) is not None]
    if not times or width < 2:
        return []
    first, last = times[0], times[-1]

    def cell(time: int) -> int:
        return min((time - first) * (width - 1) // max(scale, 1), width - 1)

    cells = [("·", "quiet")] * (cell(last) + 1)
    for phase in story.phases:
        begin, end = _times(phase, clocks, last)
        for place in range(cell(begin), min(cell(end) + 1, len(cells))):
            cells[place] = _SIGNS[phase.name]
    if last - first > scale:
        cells[-1] = ("…", "quiet")
    return _joined(cells)


def _times(phase: Phase, clocks: Clocks, last: int) -> tuple[int, int]:
    begin = clocks.time(phase.begin)
    end = clocks.time(phase.end) if phase.end is not None else last
    begin = last if begin is None else begin
    return begin, last if end is None else end


def _joined(cells: list[tuple[str, str]]) -> Line:
    """Neighbours of one look as one part."""
    line: Line = []
    for sign, part in cells:
        if line and line[-1][1] == part:
            line[-1] = (line[-1][0] + sign, part)
        else:
            line.append((sign, part))
    return line


def phase_lengths(story: Story, clocks: Clocks) -> list[tuple[str, int | None, bool]]:
    """Each phase's name, its length in microseconds, and whether a row ends it."""
    found = []
    for phase in story.phases:
        begin = clocks.time(phase.begin)
        end = clocks.time(phase.end) if phase.end is not None else None
        length = None if begin is None or end is None else end - begin
        found.append((phase.name, length, phase.end is not None))
    return found
