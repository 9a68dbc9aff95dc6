"""The markers: emoji that each stand for one kind of event in a P/D log.

Which emoji vLLM's P2P code writes, and what each means there, is from `p2p_nccl_engine.py`,
`p2p_nccl_connector.py` and the proxy `disagg_proxy_p2p_nccl_xpyd.py`; 🔍 and 🚨 are written by the
debug patch that `VLLM_P2P_DEBUG=1` switches on.
"""

from __future__ import annotations

from dataclasses import dataclass

VARIATION_SELECTOR = "\ufe0f"
"""U+FE0F asks for the emoji form of the character before it; it is never part of a marker here."""


@dataclass(frozen=True, slots=True)
class Marker:
    """One marker: the emoji, the name one types instead, the letter for `--ascii`, its meaning."""

    emoji: str
    name: str
    letter: str
    meaning: str
    aliases: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Every word that stands for this marker in a filter."""
        return (self.name, *self.aliases)


MARKERS: tuple[Marker, ...] = (
    Marker("🔍", "debug", "?", "debug breakpoint of the handshake (VLLM_P2P_DEBUG=1)"),
    Marker("💯", "init", "I", "P2P engine initialised: rank, addresses, send type"),
    Marker("🤝", "nccl", "=", "NCCL communicator up (ncclCommInitRank done)", ("connected",)),
    Marker("🚨", "alert", "!", "about to block in ncclCommInitRank", ("block",)),
    Marker("✅", "success", "+", "a step succeeded"),
    Marker("✉", "received", "@", "a message was received", ("message",)),
    Marker("⚠", "attention", "^", "attention: the next step needs the other side", ("warn",)),
    Marker("🚧", "trouble", "%", "trouble with the KV cache, or how long the send queue took",
           ("kv-missing",)),
    Marker("🔴", "failed", "X", "a tensor was refused, lost or out of memory; proxy: removed",
           ("transfer-failed", "red")),
    Marker("👉", "connects", ">", "this side connected to the peer"),
    Marker("👈", "accepts", "<", "this side accepted the peer's connection"),
    Marker("👋", "exists", "~", "connect asked for while the communicator is there", ("hello",)),
    Marker("🔵", "parked", "o", "KV parked until decode fetches it (GET); proxy: added", ("blue",)),
    Marker("⛔", "evicted", "-", "KV evicted from the send buffer before it was fetched"),
    Marker("❗", "skipped", "*", "KV larger than the buffer: not sent", ("too-large",)),
)  # fmt: skip


_known: tuple[Marker, ...] = MARKERS


def known_markers() -> tuple[Marker, ...]:
    """The built-in markers and those that the user has added."""
    return _known


def added_markers() -> tuple[Marker, ...]:
    """Those of the known markers that the user has added."""
    return tuple(marker for marker in _known if marker not in MARKERS)


def add_markers(markers: tuple[Marker, ...]) -> None:
    """Adds the user's markers, once, before the first source is read.

    One with the emoji of a built-in marker takes its place.
    """
    global _known  # noqa: PLW0603 - what the configuration says is one for the whole program
    emojis = {marker.emoji for marker in markers}
    _known = (*(marker for marker in MARKERS if marker.emoji not in emojis), *markers)


def plain(emoji: str) -> str:
    """The emoji without variation selectors, the form that markers are compared in."""
    return emoji.replace(VARIATION_SELECTOR, "")


def find_marker(text: str) -> Marker | None:
    """The marker that `text` (an emoji or a name, in any case) stands for."""
    emoji, word = plain(text), text.lower()
    return next((m for m in _known if m.emoji == emoji or word in m.words), None)


def marker_of(emoji: str) -> Marker:
    """The marker with this emoji; an emoji that no table knows is a marker by itself."""
    known = next((marker for marker in _known if marker.emoji == emoji), None)
    return known or Marker(emoji, emoji, emoji, "found in a log")
