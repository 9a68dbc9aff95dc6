"""What lines may look like in a session: the built-in formats and markers, and the user's own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pdtui.core.events import EVENTS, Event
from pdtui.core.formats import FORMATS, Format
from pdtui.core.steps import Pair


@dataclass(frozen=True)
class Grammar:
    """The formats in the order in which they are tried, and the markers; never changed."""

    formats: tuple[Format, ...] = FORMATS
    events: tuple[Event, ...] = EVENTS
    """The texts that stand for a marker, for connectors that write no emoji."""
    patterns: tuple[tuple[re.Pattern[bytes], str], ...] = ()
    """The user's texts that stand for a marker, wherever they stand in the message."""
    pairs: tuple[Pair, ...] = ()
    """What the user says causes what, besides the steps that are known."""
    event_starts: npt.NDArray[np.uint64] = field(init=False)
    """The first six bytes of the events' texts, as words."""
    names: tuple[str | None, ...] = field(init=False)
    """Format number → name; 0 is a row that no format claims."""
    own_ranks: npt.NDArray[np.bool_] = field(init=False)
    """For each format number whether its `[Rank N]` is a number of its own."""
    is_vllm: npt.NDArray[np.bool_] = field(init=False)
    is_nccl: npt.NDArray[np.bool_] = field(init=False)
    is_foreign: npt.NDArray[np.bool_] = field(init=False)
    """For each format number whether it is another program's than vLLM with its NCCL."""
    levels_in_words: npt.NDArray[np.bool_] = field(init=False)
    """For each format number whether what failed is only said in the message."""
    utc: npt.NDArray[np.bool_] = field(init=False)
    """For each format number whether its stamps are in UTC."""
    names_host: npt.NDArray[np.bool_] = field(init=False)
    """For each format number whether its expression tells the host of the writer."""
    by_first_byte: npt.NDArray[np.uint64] = field(init=False)
    """For each byte the formats that a line which begins with it may have: a bit each."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", (None, *(form.name for form in self.formats)))
        for name, flags in (
            ("own_ranks", [form.own_ranks for form in self.formats]),
            ("is_vllm", [form.name == "vllm" for form in self.formats]),
            ("is_nccl", [form.name == "nccl" for form in self.formats]),
            ("levels_in_words", [form.levels_in_words for form in self.formats]),
            ("is_foreign", [form.name not in ("vllm", "nccl", "uvicorn") for form in self.formats]),
            ("names_host", ["host" in form.pattern.groupindex for form in self.formats]),
            ("utc", [form.utc for form in self.formats]),
        ):
            object.__setattr__(self, name, np.array([False, *flags], np.bool_))
        starts = sorted({event.start for event in self.events})
        object.__setattr__(self, "event_starts", np.array(starts, np.uint64))
        bits = np.zeros(256, np.uint64)
        for number, form in enumerate(self.formats):
            bits[list(form.first_bytes)] |= np.uint64(1 << number)
        object.__setattr__(self, "by_first_byte", bits)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickled without what is built in: by that it is known again in another process."""
        formats = None if self.is_built_in else self.formats
        return _unpickled, (formats, self.events, self.patterns, self.pairs)

    @property
    def is_built_in(self) -> bool:
        """Whether there is no format of the user's, whose expression may look at anything."""
        return self.formats is FORMATS

    def format(self, number: int) -> Format | None:
        """The format with this number, None for 0."""
        return self.formats[number - 1] if number else None


def _unpickled(formats: tuple[Format, ...] | None, *rest: Any) -> Grammar:
    return Grammar(FORMATS if formats is None else formats, *rest)


_in_use = Grammar()


def grammar_in_use() -> Grammar:
    """What the lines of every source that is opened from now on may look like."""
    return _in_use


def use_grammar(grammar: Grammar) -> None:
    """Puts a grammar into use, once, before the first source is opened."""
    global _in_use  # noqa: PLW0603 - what the configuration says is one for the whole program
    _in_use = grammar
