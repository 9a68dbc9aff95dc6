"""The scenarios by name, with what each shows; kept apart so that a list of them costs nothing."""

from collections.abc import Mapping
from typing import Final

SCENARIOS: Final[Mapping[str, str]] = {
    "refused": "Decode's GPU has no room for one tensor, and refuses it.",
    "healthy": "A pair shakes hands and serves; one tensor spills over.",
    "loud": "Healthy, though full of spills and closed connections.",
    "restarted": "Stopped, started again in the same files, healthy both times.",
    "skewed": "Healthy, but one decode's clock is some seconds off.",
    "nixl": "A healthy run with NixlConnector, and its loud shutdown.",
    "stuck": "Prefill sends NEW and enters; decode never gets it.",
    "unanswered": "Decode receives NEW, and never enters ncclCommInitRank.",
    "deadlocked": "Both sides enter ncclCommInitRank, and neither comes out.",
    "queued": "A listener is stuck in one handshake; others wait behind it.",
    "duplicate-gpu": "NCCL refuses the handshake: both sides are on one GPU.",
    "taken": "Decode wants an address that prefill has, and cannot start.",
    "killed": "Decode is killed as it receives NEW; prefill waits for it.",
    "lost": "Decode is killed while tensors travel; prefill waits for it.",
    "deaf": "Decode's listener thread has died; prefill waits for it.",
    "forgotten": "Only decode starts again; prefill takes it for the old one.",
    "mute": "Prefill's sender thread has died; its engine waits for it.",
    "broken": "NCCL fails in a transfer, and with it the thread that sent.",
    "spilled": "Decode's buffer is full for a while, and nothing is lost.",
    "overrun": "Decode's buffer is full, and what comes next is lost.",
    "oom": "Decode's GPU is full: it answers without a part of the KV.",
    "evicted": "Prefill evicts tensors before decode gets them (GET).",
    "mismatched": "Decode has more blocks than came: KV is missing at the end.",
    "renamed": "The engines' request ids differ, and decode waits for ever.",
    "waiting": "Decode waits for a tensor of which nobody says a word.",
    "uneven": "TP sizes differ: a rank has nobody to meet.",
    "crashed": "A request that came past the proxy ends prefill's engine.",
    "expired": "Nobody fetches: prefill's blocks expire (NixlConnector).",
}
