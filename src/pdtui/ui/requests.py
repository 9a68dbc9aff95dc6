"""The view of requests: a line a request with its lane, the worst first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pdtui.core.evidence import Clocks, Place, clock_of, counted, three_digits
from pdtui.core.handshakes import role_of
from pdtui.core.printing import printable
from pdtui.core.problems_request import ENGINE_ID
from pdtui.core.requests import Requests, Story, Summary, Verdict
from pdtui.core.roles import DECODE, PREFILL
from pdtui.core.stamps import SECOND
from pdtui.ui.parts import Line
from pdtui.ui.requestlane import LEGEND, lane, phase_lengths
from pdtui.ui.session import Session
from pdtui.ui.text import UNKNOWN, fit

_PARTS = {
    Verdict.FAILED: "error",
    Verdict.WAITS: "error",
    Verdict.EXPIRED: "warning",
    Verdict.ABORTED: "warning",
    Verdict.WARNED: "warning",
    Verdict.NO_ERROR: "quiet",
}
_USUAL = 95.0
"""So many percent of the requests have room for their lane; the others' go on."""
_MOST_READ = 200
"""Rows of a request whose text is looked at for the ids of both sides."""
_NAME_CELLS, _NARROW = 9, 100
_CACHED = 2_000


class RequestsOverview:
    """How each request went, as far as rows say it."""

    name = "requests"
    legend = LEGEND
    leads_to_rows = True

    def __init__(self, session: Session) -> None:
        self._session = session
        self._requests = Requests(session.merge.offsets)
        self._keys: npt.NDArray[np.uint64] = np.zeros(0, np.uint64)
        self._scale = 1
        self._counts: dict[Verdict, int] = {}
        self._stories: dict[tuple[int, int], Story] = {}
        self._suffixes: dict[Story, str] = {}

    @property
    def _clocks(self) -> Clocks:
        return self._session.insight.clocks

    def update(self) -> None:
        """Takes in the rows that are new."""
        if self._requests.offsets != self._session.merge.offsets:
            self._requests = Requests(self._session.merge.offsets)
            self._stories = {}
        if self._requests.update(self._clocks.snapshot):
            self._keys = self._requests.worst_keys()
            self._scale = max(self._requests.usual_length(_USUAL), SECOND)
            self._counts = self._requests.counts()

    def title(self) -> str:
        """`requests ── 40: 2 failed, 38 no error seen`."""
        if not len(self):
            return "requests ── none in these logs"
        said = ", ".join(f"{count:,} {verdict}" for verdict, count in self._counts.items())
        return f"requests ── {len(self):,}: {said}"

    def __len__(self) -> int:
        return len(self._keys)

    def head(self, width: int, height: int) -> list[Line]:
        """What the columns are, and how long the lanes' whole width is."""
        if not len(self):
            return [[("  No line names a request: vllm serve --enable-log-requests", "quiet")]]
        names = f"  {fit('request', _NAME_CELLS)}{fit('how it went', self._verdict_cells(width))}"
        scale = f"lane: {three_digits(self._scale / SECOND)} s wide"
        return [[(f"{names}{'from':<9}{'took':>8}{'rows':>6}  {scale}", "quiet")]]

    def line(self, number: int, width: int) -> Line:
        """`9f3c21ab  no error seen  10:31:02  4.2 s  12  qPPPPTDDDDD`."""
        summary, story = self._summary(number), self._story(number)
        went, part = str(summary.verdict), _PARTS[summary.verdict]
        if summary.verdict is Verdict.NO_ERROR and self._ids(number):
            went, part = "ids differ", "error"
        begin: Line = [
            (" " + fit(story.name[: _NAME_CELLS - 1] or "?", _NAME_CELLS - 1) + " ", "message"),
            (fit(went, self._verdict_cells(width) - 1) + " ", part),
            (f"{'' if summary.first is None else clock_of(summary.first):<9}", "time"),
            (f"{_took(summary):>8}{summary.rows:>6}  ", "values"),
        ]
        room = width - sum(len(text) for text, _ in begin)
        return [*begin, *lane(story, self._clocks, self._scale, room)]

    def detail(self, number: int, width: int, height: int) -> list[Line]:
        """The whole id, the phases with their lengths, and what both engines call it."""
        summary, story = self._summary(number), self._story(number)
        warned = f", {counted(summary.warnings, 'warning')}" if summary.warnings else ""
        lines: list[Line] = [
            [("─" * width, "quiet")],
            [(f" {story.name} ", "message"), (summary.verdict, _PARTS[summary.verdict]),
             (f"  {counted(summary.rows, 'row')}{warned}  {_took(summary)}", "values")],
            [(" " + self._phases(story), "message")],
        ]  # fmt: skip
        if ids := self._ids(number):
            lines.append([(f" ids differ: {ids}", "error")])
            lines.append([(" so decode waits for tensors that never come", "error")])
        if story.rows:
            place = story.rows[-1]
            said = self._session.describe(*place)
            source = printable(said.source)
            lines.append([(f" last: {source}:{said.line or UNKNOWN} {said.message}", "quiet")])
        return lines[:height]

    def _phases(self, story: Story) -> str:
        if not story.phases:
            return "no row says a phase (vllm serve --enable-log-requests, DEBUG)"
        return " · ".join(
            f"{name} {'goes on' if not over else f'{three_digits((length or 0) / SECOND)} s'}"
            for name, length, over in phase_lengths(story, self._clocks)
        )

    def _ids(self, number: int) -> str:
        """The random suffixes that the engines gave the id, where they do not agree, else ''."""
        story = self._story(number)
        if story not in self._suffixes:
            if len(self._suffixes) >= _CACHED:
                self._suffixes.clear()
            self._suffixes[story] = self._differing(story)
        return self._suffixes[story]

    def _differing(self, story: Story) -> str:
        given: dict[str, set[str]] = {PREFILL: set(), DECODE: set()}
        for place in story.rows[:_MOST_READ]:
            source = self._session.source_at(place.source)
            role = role_of(source)
            said = ENGINE_ID.search(source.line(place.row).decode("utf-8", "replace"))
            if said and role in given:
                given[role].add(said["suffix"])
        prefill, decode = sorted(given[PREFILL]), sorted(given[DECODE])
        if not prefill or not decode or given[PREFILL] & given[DECODE]:
            return ""
        return f"prefill …-{', '.join(prefill)}, decode …-{', '.join(decode)}"

    def key(self, number: int) -> object:
        """The request's key."""
        return int(self._keys[number])

    def place_of(self, key: object) -> int | None:
        """Where the request is now."""
        found = np.flatnonzero(self._keys == key)
        return int(found[0]) if len(found) else None

    def row(self, number: int) -> Place | None:
        """Its first row."""
        rows = self._story(number).rows
        return rows[0] if rows else None

    def _summary(self, number: int) -> Summary:
        found = self._requests.summary(int(self._keys[number]))
        assert found is not None, "every key of the list is one of the requests"
        return found

    def _story(self, number: int) -> Story:
        """The request in full, made when it is first in sight and when it has further rows."""
        key = int(self._keys[number])
        known = (key, self._summary(number).rows)
        if known not in self._stories:
            if len(self._stories) >= _CACHED:
                self._stories.clear()
            self._stories[known] = self._requests.story(key)
        return self._stories[known]

    def _verdict_cells(self, width: int) -> int:
        return 17 if width < _NARROW else max(map(len, Verdict)) + 2


def _took(summary: Summary) -> str:
    if summary.first is None or summary.last is None:
        return ""
    return f"{three_digits((summary.last - summary.first) / SECOND)} s"
