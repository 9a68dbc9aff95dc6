"""How far the clocks of sources are apart, from what must have happened before what.

An effect is written after its cause. So each pair bounds the difference of two clocks from one
side, pairs in both directions from both: the estimate is the middle, its error half the width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pdtui.core.bytescan import distinct_values
from pdtui.core.causality import Edges
from pdtui.core.evidence import Clocks, Place
from pdtui.core.roles import role_order
from pdtui.core.stamps import NO_TIME, SECOND

_ONE_SOURCE = 1 << 32
"""More than there are sources: two of their numbers are one."""


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

    def take(self, pairs: int, longest: int, proof: tuple[Place, Place], *, ahead: bool) -> None:
        """Takes in so many pairs, of which the quickest took at most so long on these clocks.

        `ahead`: the effects are of the source that may be ahead, else the causes.
        """
        self.pairs += pairs
        if ahead and (self.upper is None or longest < self.upper):
            self.upper, self.proof["upper"] = longest, proof
        if not ahead and (self.lower is None or -longest > self.lower):
            self.lower, self.proof["lower"] = -longest, proof


@dataclass(slots=True)
class SkewEstimator:
    """Estimates the skews between sources, kept up to date as causes and effects are found."""

    _bounds: dict[tuple[int, int], _Bounds] = field(default_factory=dict)

    def add(self, edges: Edges, clocks: Clocks) -> None:
        """Takes in further causes and effects."""
        causes, effects = edges[:, :2], edges[:, 2:]
        began, _ = clocks.times(causes)
        ended, stamped = clocks.times(effects)
        # A row without a stamp of its own may have been written any time after the one it has.
        known = np.flatnonzero(stamped & (began != NO_TIME) & (ended != NO_TIME))
        # A stamp of whole seconds may be up to a second early.
        longest = ended + np.where(ended % SECOND, 0, SECOND) - began
        lower, higher = np.sort(edges[known][:, [0, 2]], axis=1).T
        for pair in distinct_values(lower * _ONE_SOURCE + higher).tolist():
            one, other = divmod(pair, _ONE_SOURCE)
            bounds = self._bounds.setdefault((one, other), _Bounds())
            for first, second in ((one, other), (other, one)):
                of = known[(causes[known, 0] == first) & (effects[known, 0] == second)]
                if len(of):
                    least = of[np.argmin(longest[of])]
                    proof = Place(*causes[least].tolist()), Place(*effects[least].tolist())
                    bounds.take(len(of), int(longest[least]), proof, ahead=first == one)

    def skews(self, clocks: Clocks) -> list[Skew]:
        """What is known of each two sources between which something happened."""
        found = []
        for (one, other), bounds in self._bounds.items():
            proof = tuple(dict.fromkeys(p for pair in bounds.proof.values() for p in pair))
            lower, upper, ahead, behind = bounds.lower, bounds.upper, other, one
            sources = clocks.snapshot[one][0], clocks.snapshot[other][0]
            # Against prefill's clock, whichever was named first.
            if role_order(sources[1]) < role_order(sources[0]):
                ahead, behind = one, other
                lower, upper = _negative(bounds.upper), _negative(bounds.lower)
            names = clocks.label(ahead), clocks.label(behind)
            found.append(Skew(*names, lower, upper, bounds.pairs, proof))
        return sorted(found, key=lambda skew: (skew.against, skew.source))


def corrections(skews: Sequence[Skew], labels: Sequence[str]) -> dict[str, int]:
    """The offsets (label → microseconds) with which the clocks that differ agree.

    The first source of each group that pairs connect keeps its clock.
    """
    found: dict[str, int] = {}
    for label in labels:
        waiting = [] if label in found else [label]
        found.setdefault(label, 0)
        while waiting:
            here = waiting.pop(0)
            for skew in skews:
                ahead = skew.estimate if skew.certain else 0
                ends = ((skew.against, skew.source, -ahead), (skew.source, skew.against, ahead))
                for one, other, difference in ends:
                    if one == here and other not in found:
                        found[other] = found[here] + difference
                        waiting.append(other)
    return {label: offset for label, offset in found.items() if offset}


def _negative(bound: int | None) -> int | None:
    return None if bound is None else -bound


def _number(microseconds: int) -> str:
    return f"{microseconds / SECOND:.1f}".removesuffix(".0")
