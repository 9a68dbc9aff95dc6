"""How far the clocks of sources are apart, from what must have happened before what.

An effect is written after its cause. So each pair bounds the difference of two clocks from one
side, pairs in both directions from both: the estimate is the middle, its error half the width.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pdtui.core.causality import Edge
from pdtui.core.evidence import Clocks, Place
from pdtui.core.stamps import SECOND


@dataclass(frozen=True, slots=True)
class Skew:
    """How far one source's clock is ahead of another's (behind it: negative)."""

    source: str
    against: str
    lower: int | None
    """At least so many microseconds ahead; None where no pair says it."""
    upper: int | None
    pairs: int
    """How many causes and effects tell it."""
    evidence: tuple[Place, ...]
    """Cause and effect that tell most, of each bound."""

    @property
    def estimate(self) -> int:
        """The middle of the bounds, in microseconds; the bound itself where there is but one."""
        known = [bound for bound in (self.lower, self.upper) if bound is not None]
        return sum(known) // len(known)

    @property
    def error(self) -> int | None:
        """How far off the estimate may be; None where pairs bound it from one side only."""
        if self.lower is None or self.upper is None:
            return None
        return abs(self.upper - self.lower) // 2

    @property
    def bound(self) -> str | None:
        """`at most` or `at least`, where the estimate is a bound."""
        if self.error is not None:
            return None
        return "at most" if self.lower is None else "at least"

    @property
    def certain(self) -> bool:
        """Whether the clocks differ beyond doubt: no single clock could have written these rows."""
        ahead = self.lower is not None and self.lower > 0
        behind = self.upper is not None and self.upper < 0
        return ahead != behind

    @property
    def sentence(self) -> str:
        """`decode −4 s ±1`, with a bound in words where pairs go in one direction only."""
        sign = "−" if self.estimate < 0 else "+" if self.estimate else ""
        size = _number(abs(self.estimate))
        if self.error is not None:
            return f"{self.source} {sign}{size} s ±{_number(self.error)}"
        return f"{self.source} {self.bound} {sign}{size} s"


@dataclass(slots=True)
class _Bounds:
    lower: int | None = None
    upper: int | None = None
    pairs: int = 0
    proof: dict[str, tuple[Place, Place]] = field(default_factory=dict)


@dataclass(slots=True)
class SkewEstimator:
    """Estimates the skews between sources, kept up to date as causes and effects are found."""

    _bounds: dict[tuple[int, int], _Bounds] = field(default_factory=dict)

    def add(self, edges: Iterable[Edge], clocks: Clocks) -> None:
        """Takes in further causes and effects."""
        for edge in edges:
            self._take(edge, clocks)

    def _take(self, edge: Edge, clocks: Clocks) -> None:
        cause = Place(edge.cause_source, edge.cause_row)
        effect = Place(edge.effect_source, edge.effect_row)
        began, ended = clocks.time(cause), clocks.time(effect)
        # A row without a stamp of its own may have been written any time after the one it has.
        if began is None or ended is None or not clocks.stamped(effect):
            return
        one, other = sorted((cause.source, effect.source))
        bounds = self._bounds.setdefault((one, other), _Bounds())
        bounds.pairs += 1
        # A stamp of whole seconds may be up to a second early.
        if cause.source == one:
            upper = ended + _grain(ended) - began
            if bounds.upper is None or upper < bounds.upper:
                bounds.upper, bounds.proof["upper"] = upper, (cause, effect)
        else:
            lower = began - ended - _grain(ended)
            if bounds.lower is None or lower > bounds.lower:
                bounds.lower, bounds.proof["lower"] = lower, (cause, effect)

    def skews(self, clocks: Clocks) -> list[Skew]:
        """What is known of each two sources between which something happened."""
        found = []
        for (one, other), bounds in sorted(self._bounds.items()):
            proof = tuple(dict.fromkeys(p for pair in bounds.proof.values() for p in pair))
            label, against = clocks.label(other), clocks.label(one)
            pairs = bounds.pairs
            found.append(Skew(label, against, bounds.lower, bounds.upper, pairs, proof))
        return found


def corrections(skews: Iterable[Skew], labels: Iterable[str]) -> dict[str, int]:
    """The offsets (label → microseconds) with which the clocks that differ agree.

    The first source of each group that pairs connect keeps its clock.
    """
    known = list(skews)
    found: dict[str, int] = {}
    for label in labels:
        waiting = [] if label in found else [label]
        found.setdefault(label, 0)
        while waiting:
            here = waiting.pop(0)
            for skew in known:
                ahead = skew.estimate if skew.certain else 0
                ends = ((skew.against, skew.source, -ahead), (skew.source, skew.against, ahead))
                for one, other, difference in ends:
                    if one == here and other not in found:
                        found[other] = found[here] + difference
                        waiting.append(other)
    return {label: offset for label, offset in found.items() if offset}


def _grain(time: int) -> int:
    """How much later than its stamp a row may have been written."""
    return 0 if time % SECOND else SECOND


def _number(microseconds: int) -> str:
    return f"{microseconds / SECOND:.1f}".removesuffix(".0")
