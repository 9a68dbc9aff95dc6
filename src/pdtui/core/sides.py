"""A P2P engine as its log shows it, and its side of one handshake: the steps that each reached."""

from __future__ import annotations

from dataclasses import dataclass, field

from pdtui.core.steps import Step
from pdtui.core.traces import NO_KEY

_IN = frozenset((Step.ENTERED, Step.BLOCKING, Step.COMM_STARTED))
_DONE = frozenset((Step.SUCCEEDED, Step.COMM_COMPLETE))


@dataclass(slots=True, eq=False)
class Engine:
    """One engine, from its start to the next one with its address in the same source."""

    source: int
    pid: int | None = None
    rank: int | None = None
    address: str = ""
    send_type: str = ""
    generation: int = 1
    """1 for the first engine with this address in this source, 2 after a restart."""
    steps: dict[Step, int] = field(default_factory=dict)
    """The row of each step of coming up."""
    died: dict[str, int] = field(default_factory=dict)
    """The thread that died of an exception → the row that says so."""
    ended: int | None = None
    """The row at which the next engine with this address is known."""

    @property
    def logged(self) -> bool:
        """Whether its log says that it came up."""
        return bool(self.steps)


@dataclass(slots=True, eq=False)
class Side:
    """What one engine did of one handshake."""

    engine: Engine
    number: int
    """The how-manieth of its source."""
    connects: bool | None
    """Whether it calls create_connect (True) or listens (False); None where not known yet."""
    peer: str = ""
    likely_peer: str = ""
    """The peer that its requests are for, where no line of the handshake names one."""
    steps: dict[Step, int] = field(default_factory=dict)
    """The row of each step that it reached."""
    new: int = NO_KEY
    """The key of `unique_id_hex`."""
    comm: int = NO_KEY
    """The key of NCCL's `commId`."""
    failed: int | None = None
    """The row with the error that ended it."""
    alerted: bool = False
    """Whether its 🚨 was seen."""
    context: bool = False
    """Whether its `set_p2p_nccl_context` was seen."""
    shook: bool = False
    """Whether its 🤝 was seen."""
    guessed: bool = False
    """Whether its row does not say whose it is, and several engines write this source."""
    from_nccl: bool = False
    """Whether only NCCL speaks of it: then it may be a communicator of another kind."""

    @property
    def source(self) -> int:
        """The number of its source."""
        return self.engine.source

    @property
    def whom(self) -> str:
        """The peer's address as lines say it, else the likely one; '' where nothing tells."""
        return self.peer or self.likely_peer

    @property
    def entered(self) -> bool:
        """Whether it went into ncclCommInitRank."""
        return not _IN.isdisjoint(self.steps)

    @property
    def is_about_to_block(self) -> bool:
        """Whether NEW was exchanged: the next thing that it does is to go in."""
        return self.entered or Step.NEW_SENT in self.steps or Step.NEW_RECEIVED in self.steps

    @property
    def done(self) -> bool:
        """Whether it came out of it with a communicator."""
        return not _DONE.isdisjoint(self.steps)

    @property
    def open(self) -> bool:
        """Whether it has not come to an end yet."""
        return not self.done and self.failed is None and self.engine.ended is None

    @property
    def unmet(self) -> bool:
        """Whether it has no communicator, be it that it waits or that it failed."""
        return not self.done and self.engine.ended is None

    @property
    def last(self) -> tuple[Step, int]:
        """The last step that it reached, with its row."""
        return max(self.steps.items(), key=lambda item: (item[1], item[0]))

    def row_of(self, *steps: Step) -> int | None:
        """The first row of the first of these steps that it reached."""
        return next((self.steps[step] for step in steps if step in self.steps), None)

    def row_in(self) -> int | None:
        """The row with which it went into ncclCommInitRank."""
        return min((self.steps[step] for step in _IN if step in self.steps), default=None)

    def row_done(self) -> int | None:
        """The row with which it came out of it."""
        return min((self.steps[step] for step in _DONE if step in self.steps), default=None)
