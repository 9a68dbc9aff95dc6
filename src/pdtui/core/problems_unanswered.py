"""Requests that a server took and never answered, where nothing else says why.

A decode that waits for a tensor in vain writes nothing of it: its engine's step does not end. But
its server has taken requests, answers none any more, and no token comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pdtui.core.evidence import Place, clock_of, length_of
from pdtui.core.inspection import Inspection
from pdtui.core.problems import Kind, Problem, Severity
from pdtui.core.serverlines import Rows, ServerLines, is_leaving, lived_on, server_lines
from pdtui.core.source import Source
from pdtui.core.stamps import SECOND
from pdtui.core.steps import Step

_MOST_READ = 500
_LONGEST_WAIT = 20 * SECOND
"""So long without an answer and without a token: nothing but a stall is so slow."""
_TOKENS = re.compile(rb"generation throughput: (?!0\.0 )")


def find(inspection: Inspection) -> Iterator[Problem]:
    """The problems of this kind; of use where no other explains them."""
    for number, (source, stop) in enumerate(inspection.snapshot):
        received = source.traces.rows_with(Step.REQUEST_RECEIVED)
        if not len(received) or is_leaving(source, stop):
            continue
        lines, tokens = server_lines(source, stop), _last_tokens(source)
        count = _unanswered(source, lines, received)
        if not count or tokens is None:
            continue
        since = max(tokens, *lines.answers[-1:].tolist(), int(received[0]))
        waited = lived_on(inspection.clocks, number, lines, since)
        if waited < _LONGEST_WAIT:
            continue
        began = inspection.clocks.reached(Place(number, since))
        waits = "requests have" if count > 1 else "request has"
        yield Problem(
            Kind.REQUEST_STALLED,
            Severity.ERROR,
            f"{source.label}: {count} {waits} had no answer and no token came since "
            f"{clock_of(began)}, {length_of(waited)} before its end",
            "Its engine waits, for KV most likely: which request came first after that? What does "
            "prefill say of it? Next: py-spy dump on its workers",
            [
                Place(number, since),
                *(Place(number, row) for row in received[received > since].tolist()),
            ],
        )


def _unanswered(source: Source, lines: ServerLines, received: Rows) -> int:
    """How many requests had no answer; 0 where access lines are switched off."""
    if not len(lines.answers) and not len(lines.scrapes):
        return 0
    if not lines.whole:
        return int((received > lines.answers[-1]).sum()) if len(lines.answers) else 0
    aborted = len(source.traces.rows_with(Step.REQUEST_ABORTED))
    return max(len(received) - len(lines.answers) - aborted, 0)


def _last_tokens(source: Source) -> int | None:
    """The last stats line that tells of tokens, 0 where none does; None without such lines."""
    rows = source.traces.rows_with(Step.GENERATING, Step.NOT_GENERATING)
    if not len(rows):
        return None
    latest = rows[::-1][:_MOST_READ].tolist()
    return next((row for row in latest if _TOKENS.search(source.line(row))), 0)
