"""The scenarios by name, with what each shows; kept apart so that a list of them costs nothing."""

from collections.abc import Mapping
from typing import Final

SCENARIOS: Final[Mapping[str, str]] = {
    "refused": "Decode's GPU has no room once: it refuses a tensor, and answers without it.",
    "healthy": "A pair shakes hands and serves; one tensor does not fit decode's buffer.",
    "loud": "Healthy, though full of alarms: spilled tensors, connections closed at the end.",
    "restarted": "All are stopped and started again in the same files; both times healthy.",
    "skewed": "Healthy, but the clock of one decode's node is some seconds off.",
    "nixl": "A healthy NixlConnector run of vLLM 0.32, with its loud shutdown.",
    "stuck": "Prefill sends NEW and waits in ncclCommInitRank; decode never gets it.",
    "unanswered": "Decode receives NEW, and never enters ncclCommInitRank.",
    "deadlocked": "Both sides enter ncclCommInitRank, and neither comes out.",
    "queued": "A listener is stuck in one handshake, and hears nobody else's NEW.",
    "duplicate-gpu": "NCCL refuses the handshake: both sides are on one GPU.",
    "taken": "Decode wants an address that prefill has, and cannot start.",
    "killed": "Decode is killed just after it received NEW; prefill waits for it.",
    "lost": "Decode is killed while tensors travel; prefill waits for it.",
    "deaf": "Decode's listener thread is ended by an exception; prefill waits for it.",
    "mute": "Prefill's sender thread is ended by an exception, five minutes later its engine.",
    "broken": "NCCL fails in a transfer, and the thread that sent is gone.",
    "spilled": "Decode's buffer is full: tensors go through host memory, and all is answered.",
    "overrun": "The buffer is full and what comes next is lost.",
    "oom": "Decode's GPU runs out of memory: it refuses tensors, and answers without them.",
    "evicted": "Prefill evicts tensors before decode gets them (GET): decode answers without.",
    "mismatched": "Decode has more blocks than came: a part of the KV cache is missing.",
    "renamed": "From vLLM 0.14: request ids differ by a suffix, and decode waits for ever.",
    "stalled": "Decode waits for ever for a tensor that nobody says a word about.",
    "uneven": "Prefill and decode have different TP sizes: a rank has nobody to meet.",
    "crashed": "A request without addresses in its id ends prefill's engine.",
    "expired": "No decode fetches (NixlConnector): prefill's KV blocks expire by the dozen.",
}
