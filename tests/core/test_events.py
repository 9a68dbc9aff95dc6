"""Texts that stand for a marker, where a connector writes no emoji."""

from __future__ import annotations

import pytest

from pdtui.core.events import EVENT_BYTES, EVENTS
from pdtui.core.markers import find_marker
from tests.core.sources import scanned

HEAD = "INFO 11-22 06:35:44 [nixl_connector.py:36] "
LINES = [
    # vLLM: nixl_connector.py, factory.py
    ("Creating v1 connector with name: NixlConnector and engine_id: 966415c7", "💯"),
    ("Initializing NIXL wrapper", "💯"),
    ("Initializing NIXL worker 966415c7", "💯"),
    ("Initializing NIXL Scheduler 966415c7", "💯"),
    ("Initialized NIXL agent: 72fca207", "💯"),
    ("NIXL compatibility check passed (hash: 1)", "🤝"),
    ("Remote agent 966415c7 available, calling _read_blocks for req a", "🤝"),
    ("Remote agent 966415c7 gone", ""),
    ("Remote NIXL agent engine ID mismatch. Expected a,received b", "🔴"),
    ("Handshake with 966415c7 failed", "🔴"),
    ("Handshake with 966415c7 took 1 s", ""),
    ("Handshake failed for request a, marking blocks as invalid", "🔴"),
    ("NIXL transfer failure: handshake_setup_failed | Context: {}", "🔴"),
    ("Releasing expired KV blocks for request a which were retrieved by 0 decode worker(s)", "🚧"),
    ("Potentially invalid KV blocks for unrecognized request a", "🚧"),
    # vLLM: mooncake_connector.py, and Ascend's
    ("Initializing Mooncake Transfer Engine worker 966415c7", "💯"),
    ("Timeout waiting for P side ready: ['a']", "🚨"),
    ("Request a timed out after 480 seconds without being sent. Freeing its blocks", "🚧"),
    ("Request a was aborted", ""),
    ("Missing transfer_id in kv_transfer_params from router!", "🚧"),
    ("Sending to 10.0.0.1:5 failed (ret=-1)", "🔴"),
    ("Sending to 10.0.0.1:5 done", ""),
    ("pulling kv_caches for a failed", "🔴"),
    ("Failed to connect to bootstrap server", "🔴"),
    ("Mooncake transfer failed for request a", "🔴"),
    ("Failed to transfer KV cache for request a: 1, ret: -1", "🔴"),
    # LMCache: cache_engine.py; vLLM: shared_storage_connector.py
    ("Retrieved 8 out of 24 required tokens (from 32 total tokens)", "✅"),
    ("Stored 31 out of total 31 tokens", "✅"),
    ("Retrieved nothing", ""),
    ("Shared storage path is /tmp", "💯"),
    ("External Cache Hit!", "✅"),
    ("Hit the cache! Allocate new blocks!", "✅"),
    # SGLang: disaggregation/prefill.py, decode.py
    ("Prefill bootstrap failed for request rank=2 req.rid='d3' req.bootstrap_room=59", "🔴"),
    ("Prefill transfer failed for request rank=2", "🔴"),
    ("Decode handshake failed for request rank=2", "🔴"),
    ("Decode transfer failed for request rank=1", "🔴"),
    # At the start only, and whole.
    ("a user asked: NIXL transfer failure", ""),
    ("NIXL transfer", ""),
    ("nixl transfer failure", ""),
]


@pytest.mark.parametrize(("message", "marker"), LINES, ids=[message for message, _ in LINES])
def test_a_connectors_text_is_a_marker(message: str, marker: str) -> None:
    """Under any head, and in a bare line, which is then a record of its own."""
    assert scanned((HEAD + message).encode())[0].markers == tuple(marker)
    rows = scanned(f"{HEAD}above\n{message}\n".encode())
    assert rows[1].markers == tuple(marker)
    assert rows[1].continuation == (not marker)


def test_every_text_is_among_these() -> None:
    """No event without a line, and none that is shorter than what is looked at."""
    for event in EVENTS:
        assert len(event.begin) >= EVENT_BYTES
        assert find_marker(event.emoji)
        held = [text.encode() for text, marker in LINES if marker == event.emoji]
        assert any(text.startswith(event.begin) for text in held), event.begin


def test_an_emoji_counts_more_than_a_text() -> None:
    row = scanned(f"{HEAD}🚨 NIXL transfer failure".encode())[0]
    assert row.markers == ("🚨",)
