"""How a line of a vLLM process is put together: who writes, at which level, from where.

Every template copies one line of the real logs: its level, its place in vLLM as it is written at
`VLLM_LOGGING_LEVEL=DEBUG` (a shortened path) and its wording.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto


class Heads(Enum):
    """How a vLLM version says whose line it is."""

    COLOURED = auto()  # to 0.15: before every line that Python writes, coloured even into a file
    PLAIN = auto()  # 0.17 to 0.30: the same, coloured only on a terminal
    RECORD = auto()  # from 0.31: a part of the log's own lines, so that uvicorn's have none


class Detail(StrEnum):
    """How much a run logs."""

    DEBUG = "debug"  # vLLM at DEBUG, NCCL at INFO
    INFO = "info"  # both at INFO
    QUIET = "quiet"  # vLLM at INFO, and NCCL_DEBUG not set


@dataclass(frozen=True, slots=True)
class Process:
    """Who writes: vLLM puts its name and pid before its lines."""

    file: str
    name: str
    pid: int
    heads: Heads = Heads.COLOURED

    @property
    def prefix(self) -> str:
        """What stands before a line of vLLM's log."""
        name = f"({self.name} pid={self.pid})"
        return f"\x1b[1;36m{name}\x1b[0;0m " if self.heads is Heads.COLOURED else f"{name} "

    def bare(self, text: str) -> str:
        """A line that did not come through vLLM's log: uvicorn's, a traceback's."""
        return text if self.heads is Heads.RECORD else f"{self.prefix}{text}"


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of line, to be filled with the values of one event."""

    level: str
    origin: str
    form: str
    patch: bool = False

    def at_info(self) -> "Template":
        """The same at INFO, where the path in the bracket is the file's name alone."""
        return replace(self, origin=self.origin.rpartition("/")[2])

    def write(self, process: Process, stamp: str, values: Mapping[str, object]) -> str:
        """The whole line; uvicorn's lines have no origin and so no stamp."""
        message = self.form.format_map(values)
        if not self.origin:
            return process.bare(f"{self.level}:     {message}")
        return f"{process.prefix}{self.level} {stamp} [{self.origin}] {message}"
