"""Requests: each followed through proxy, prefill and decode by the uuid that all of them write.

A healthy transfer of the P2P engine prints nothing, so "no error seen" is the best that is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdtui.core.bytescan import distinct_values
from pdtui.core.evidence import Clocks, Place
from pdtui.core.fields import API_REQUEST, P2P_REQUEST
from pdtui.core.handshakes import role_of
from pdtui.core.levels import WARNING
from pdtui.core.requestids import key_of_request
from pdtui.core.roles import DECODE, PREFILL
from pdtui.core.source import Source
from pdtui.core.stamps import NO_TIME
from pdtui.core.steps import Step
from pdtui.core.store import Snapshot

_NEVER = 2**62
_AT_ONCE = 1 << 18
"""Entries of an index that are taken in together at least: what that needs in between is 20 MB."""


class Verdict(StrEnum):
    """What is known of how a request went, the worst first."""

    FAILED = "failed"
    WAITS = "waits for its KV cache"
    EXPIRED = "KV cache expired"
    ABORTED = "aborted"
    WARNED = "with warnings"
    NO_ERROR = "no error seen"


def _bits(*steps: Step) -> int:
    return sum(1 << step for step in steps)


_FAILURES = _bits(
    Step.KV_MISSING,
    Step.TENSOR_LOST,
    Step.TENSOR_REFUSED,
    Step.TENSOR_TOO_LARGE,
    Step.REQUEST_FAILED,
    Step.NIXL_TRANSFER_FAILED,
    Step.NIXL_HANDSHAKE_FAILED,
)
_ASKED = _bits(Step.KV_ASKED, Step.KV_WAITED, Step.TENSOR_AWAITED)
_GOT = _bits(Step.KV_LOADED, Step.TENSOR_TAKEN, Step.KV_RECEIVED)
_ABORTED = _bits(Step.REQUEST_ABORTED)
_EXPIRED = _bits(Step.KV_EXPIRED)


@dataclass(frozen=True, slots=True)
class Summary:
    """One request in a line."""

    key: int
    """See `requestids.key_of_request`."""
    first: int | None
    """Times of its first and last row, in microseconds."""
    last: int | None
    rows: int
    warnings: int
    """How many of its rows are warnings or errors."""
    steps: int
    """A bit for each step that its rows say."""

    @property
    def verdict(self) -> Verdict:
        """How it went, as far as rows say."""
        steps = self.steps
        if steps & _FAILURES:
            return Verdict.FAILED
        if steps & _ASKED and not steps & (_GOT | _ABORTED):
            return Verdict.WAITS
        if steps & (_EXPIRED | _ABORTED):
            return Verdict.EXPIRED if steps & _EXPIRED else Verdict.ABORTED
        return Verdict.WARNED if self.warnings else Verdict.NO_ERROR


class Phase(NamedTuple):
    """A stretch of a request's life: its name, its rows at both ends; `end` None while it lasts."""

    name: str
    begin: Place
    end: Place | None


@dataclass(frozen=True, slots=True)
class Story:
    """One request in full."""

    name: str
    """Its uuid, without dashes."""
    rows: tuple[Place, ...]
    """All of its rows, by time."""
    phases: tuple[Phase, ...]
    """As far as the logs say them."""


class _Columns:
    """What is known of each request, one entry a request, by key."""

    def __init__(self) -> None:
        self.key = np.zeros(0, np.uint64)
        self.first = np.zeros(0, np.int64)
        self.last = np.zeros(0, np.int64)
        self.rows = np.zeros(0, np.int64)
        self.warnings = np.zeros(0, np.int64)
        self.steps = np.zeros(0, np.uint64)

    def make_room(self, keys: npt.NDArray[np.uint64]) -> None:
        """Enters those of the keys (in their order, none twice) that are new."""
        at = np.searchsorted(self.key, keys)
        new = at == len(self.key)
        new[~new] = self.key[at[~new]] != keys[~new]
        if not new.any():
            return
        fresh, at = keys[new], at[new]
        self.key = np.insert(self.key, at, fresh)
        self.first = np.insert(self.first, at, _NEVER)
        self.last = np.insert(self.last, at, -_NEVER)
        self.rows = np.insert(self.rows, at, 0)
        self.warnings = np.insert(self.warnings, at, 0)
        self.steps = np.insert(self.steps, at, 0)

    def summary(self, place: int) -> Summary:
        """One of them."""
        first, last = int(self.first[place]), int(self.last[place])
        return Summary(
            int(self.key[place]),
            None if first == _NEVER else first,
            None if last == -_NEVER else last,
            int(self.rows[place]),
            int(self.warnings[place]),
            int(self.steps[place]),
        )

    def badness(self) -> npt.NDArray[np.int64]:
        """The place of each request's verdict among all; the same as Summary.verdict says."""
        steps = self.steps
        waits = _any(steps, _ASKED) & ~_any(steps, _GOT | _ABORTED)
        conditions = [_any(steps, _FAILURES), waits, _any(steps, _EXPIRED), _any(steps, _ABORTED)]
        return np.select([*conditions, self.warnings > 0], [0, 1, 2, 3, 4], 5)

    def worst(self) -> npt.NDArray[np.intp]:
        """Their places, the worst first: by verdict, then by how long they took, then by time."""
        return np.lexsort((self.first, self.first - self.last, self.badness()))


@dataclass(slots=True)
class Requests:
    """Every request of all sources, kept up to date as rows arrive."""

    offsets: dict[str, int] = field(default_factory=dict)
    _sources: list[Source] = field(default_factory=list)
    _read: list[int] = field(default_factory=list)
    """How many entries of each source's index are in the columns."""
    _columns: _Columns = field(default_factory=_Columns)

    def __len__(self) -> int:
        return len(self._columns.key)

    def update(self, snapshot: Snapshot) -> bool:
        """Takes in what the sources have gained; whether there was anything of a request."""
        sources = [source for source, _ in snapshot]
        if self._sources != sources:
            self._sources, self._read, self._columns = sources, [0] * len(sources), _Columns()
        changed = [self._take(number, stop) for number, (_, stop) in enumerate(snapshot)]
        return any(changed)

    def _take(self, number: int, stop: int) -> bool:
        source = self._sources[number]
        begin, upto = self._read[number], source.requests.before(stop)
        self._read[number] = upto
        first = begin
        while first < upto:
            # The more there are, the more at a time: each time may move all of them.
            stop = min(first + max(_AT_ONCE, len(self)), upto)
            self._take_some(source, first, stop)
            first = stop
        return upto > begin

    def _take_some(self, source: Source, begin: int, upto: int) -> None:
        """Takes in these entries of a source's index."""
        columns = self._columns
        rows, keys = source.requests.row[begin:upto], source.requests.key[begin:upto]
        when = source.columns.when[rows]
        dated = when != NO_TIME
        when = when + self.offsets.get(source.label, 0)
        columns.make_room(distinct_values(keys))
        place = np.searchsorted(columns.key, keys)
        np.minimum.at(columns.first, place, np.where(dated, when, _NEVER))
        np.maximum.at(columns.last, place, np.where(dated, when, -_NEVER))
        np.add.at(columns.rows, place, 1)
        np.add.at(columns.warnings, place, _warns(source, rows))
        np.bitwise_or.at(columns.steps, place, _steps_of(source, rows))

    def summary(self, key: int) -> Summary | None:
        """One request; None where no row speaks of it."""
        place = int(np.searchsorted(self._columns.key, np.uint64(key)))
        if place == len(self) or int(self._columns.key[place]) != key:
            return None
        return self._columns.summary(place)

    def worst(self, most: int | None = None) -> list[Summary]:
        """The requests, the worst first: by verdict, then by how long they took."""
        return [self._columns.summary(int(place)) for place in self._columns.worst()[:most]]

    def worst_keys(self) -> npt.NDArray[np.uint64]:
        """The keys of all requests in that order: for a list of which only a part is in sight."""
        return self._columns.key[self._columns.worst()]

    def usual_length(self, percent: float) -> int:
        """The microseconds that so many percent of the requests took at most, 0 without any."""
        took = self._columns.last - self._columns.first
        took = took[took >= 0]
        return int(np.percentile(took, percent)) if len(took) else 0

    def counts(self) -> dict[Verdict, int]:
        """How many requests went how, the worst first; without those that none did."""
        counts = np.bincount(self._columns.badness(), minlength=len(Verdict)).tolist()
        return {v: count for v, count in zip(Verdict, counts, strict=True) if count}

    def with_steps(self, *steps: Step) -> list[Summary]:
        """The requests with a row of one of these steps, the earliest first."""
        columns = self._columns
        places = np.flatnonzero(_any(columns.steps, _bits(*steps)))
        places = places[np.argsort(columns.first[places], kind="stable")]
        return [columns.summary(int(place)) for place in places]

    def rows_of(self, key: int) -> list[Place]:
        """Its rows, by source, then in file order."""
        return [
            Place(number, row)
            for number, source in enumerate(self._sources)
            for row in source.requests.rows_of(key).tolist()
            if row < len(source)
        ]

    def name(self, key: int) -> str:
        """Its uuid, as one of its rows writes it, without dashes."""
        for place in self.rows_of(key):
            text = self._sources[place.source].line(place.row).decode("utf-8", "replace")
            for pattern in (P2P_REQUEST, API_REQUEST):
                for found in pattern.finditer(text):
                    uuid = found["key"].replace("-", "")
                    if key_of_request(uuid) == key:
                        return uuid
        return ""

    def story(self, key: int) -> Story:
        """One request in full, with the phases of its life that the logs say."""
        clocks = Clocks([(source, len(source)) for source in self._sources], self.offsets)
        rows = self.rows_of(key)
        rows.sort(key=lambda place: (clocks.time(place) or 0, place))
        return Story(self.name(key), tuple(rows), tuple(self._phases(rows)))

    def _phases(self, rows: list[Place]) -> Iterable[Phase]:
        said: dict[tuple[str | None, Step], list[Place]] = {}
        for place in rows:
            source = self._sources[place.source]
            steps = int(_steps_of(source, np.array([place.row]))[0])
            for step in Step:
                if steps >> step & 1:
                    said.setdefault((role_of(source), step), []).append(place)
        number = {place: index for index, place in enumerate(rows)}
        decoding = [p for p in rows if role_of(self._sources[p.source]) == DECODE]
        for name, begins, ends in _PHASES:
            begin = sorted(number[place] for key in begins for place in said.get(key, ()))
            end = [number[place] for key in ends for place in said.get(key, ())]
            if name == "decode":
                end = [number[place] for place in decoding]
            after = [index for index in end if begin and index > begin[0]]
            if begin:
                yield Phase(name, rows[begin[0]], rows[max(after)] if after else None)


_PHASES: tuple[tuple[str, tuple[tuple[str, Step], ...], tuple[tuple[str, Step], ...]], ...] = (
    ("queued", ((PREFILL, Step.REQUEST_RECEIVED),), ((PREFILL, Step.REQUEST_ADDED),)),
    (
        "prefill",
        ((PREFILL, Step.REQUEST_ADDED),),
        ((PREFILL, Step.PREFILL_DONE), (PREFILL, Step.TENSOR_SENT), (PREFILL, Step.KV_SENT)),
    ),
    (
        "transfer",
        ((PREFILL, Step.KV_SENT), (PREFILL, Step.TENSOR_SENT), (DECODE, Step.KV_LOADING)),
        ((DECODE, Step.KV_RECEIVED), (DECODE, Step.TENSOR_RECEIVED), (DECODE, Step.KV_LOADED)),
    ),
    (
        "decode wait",
        ((DECODE, Step.KV_ASKED), (DECODE, Step.TENSOR_AWAITED), (DECODE, Step.REQUEST_ADDED)),
        ((DECODE, Step.KV_LOADED), (DECODE, Step.TENSOR_TAKEN), (DECODE, Step.KV_RECEIVED)),
    ),
    (
        "decode",
        ((DECODE, Step.KV_LOADED), (DECODE, Step.TENSOR_TAKEN), (DECODE, Step.KV_RECEIVED)),
        (),
    ),
)
"""Name, the steps that begin it and those that end it (decode: decode's last row), with roles."""


def _any(steps: npt.NDArray[np.uint64], wanted: int) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (steps & np.uint64(wanted)) != 0
    return found


def _warns(source: Source, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """1 for each row that is a warning or worse."""
    levels = np.array([kind.level for kind in list(source.kinds.kinds)], np.int64)
    return (levels[source.columns.kind[rows]] >= WARNING).astype(np.int64)


def _steps_of(source: Source, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """A bit for the step that each row says (rows say one at most, but for a user's own)."""
    step = source.traces.steps_of(rows).astype(np.uint64)
    bits: npt.NDArray[np.uint64] = np.where(step > 0, np.uint64(1) << step, 0).astype(np.uint64)
    return bits
