"""The formats of lines, as data, in the order in which they are tried.

A format is tried on what stands after the prefixes of launchers and processes (`prefixes.py`), in
a line that has been cleaned (`cleaning.py`). A new format is a new entry here and nothing else.
"""

from __future__ import annotations

from pdtui.core.formats.format import Begins, Format, groups, message_begin
from pdtui.core.formats.json_lines import JSON
from pdtui.core.formats.native import C10D, GLOG, GLOG_DATED, GLOO, NIXL, UCX
from pdtui.core.formats.nccl import NCCL, NCCL_AT_SOURCE
from pdtui.core.formats.python import (
    BASIC,
    BRACKETED,
    CRASH,
    DASHED,
    PLAIN,
    PYTHON,
    STAMPED,
    TRACEBACK,
    WARNING,
)
from pdtui.core.formats.ray import RAY, RAY_CORE
from pdtui.core.formats.servers import (
    HYPERCORN,
    LMCACHE,
    PROXY,
    PROXY_ERROR,
    SGLANG,
    TRACING,
    TRACING_LOCAL,
    UVICORN,
    UVICORN_STAMPED,
)
from pdtui.core.formats.vllm import VLLM, VLLM_DATED

__all__ = ["FORMATS", "Begins", "Format", "groups", "message_begin"]

FORMATS: tuple[Format, ...] = (
    VLLM,
    NCCL,
    UVICORN,
    # Those with a shape first, since looking for one costs next to nothing; but SGLang's, which
    # is little more than a stamp in brackets, behind all that begin so.
    NIXL,
    TRACING,
    TRACING_LOCAL,
    RAY,
    DASHED,
    PLAIN,
    LMCACHE,
    UVICORN_STAMPED,
    HYPERCORN,
    RAY_CORE,
    GLOG,
    GLOG_DATED,
    BRACKETED,
    NCCL_AT_SOURCE,
    SGLANG,
    VLLM_DATED,
    PYTHON,
    BASIC,
    STAMPED,
    C10D,
    UCX,
    GLOO,
    PROXY,
    PROXY_ERROR,
    CRASH,
    TRACEBACK,
    WARNING,
    JSON,
)
"""In the order in which they are tried. The first has number 1: a row that none claims has 0."""
