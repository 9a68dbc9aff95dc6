"""pdtui: the log viewer for vLLM's disaggregated prefill and decode."""

__version__ = "0.1.0"
