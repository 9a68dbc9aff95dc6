"""Markers: emoji at the start of a message, arrows between addresses, texts of connectors."""

from __future__ import annotations

import re
from functools import cache
from itertools import product

from tests.reference.prefixes import GREATEST_RANK

MARKERS = "🔍💯🤝🚨✅✉⚠🚧🔴👉👈👋🔵⛔❗"
MOST = 3
"""No message begins with more."""
RANK = re.compile(r"\[Rank (\d{1,8})\] ?", re.A)
KNOWN = re.compile(f"[{MARKERS}]")
PICTURE = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[\U0001f300-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u231a\u231b"
    "\u23e9-\u23ff\u203c\u2049\u2139][\ufe0f\U0001f3fb-\U0001f3ff]*)"
)
EMOJI = re.compile(f"{PICTURE}(?:\u200d{PICTURE})*")
"""What Unicode counts as one emoji."""
UNKNOWN = re.compile(r"[^\x00-\x7f]+ ?(?=\[Rank \d)", re.A)
ARROW = re.compile("[👉👈]")
BEFORE = re.compile(r"(?:[^\s,\[\]]+|\[[0-9a-fA-F:]+\]):\d{1,5}(?= ?\Z)", re.A)
LONGEST_ADDRESS = 80
RANK_FIELD = re.compile(r", rank: ?(\d{1,8})(?!\d)", re.A)
OWN_ADDRESS = re.compile(r"zmq_address(?:[=:] ?([^\s,]+:\d{1,5}))?", re.A)

# The words of connectors that write no emoji, from vLLM's, LMCache's and SGLang's sources.
EVENTS = {
    "💯": r"Creating v1 connector with name: (?!P2pNccl)"
    r"|Initializing NIXL (?:wrapper|worker |Scheduler )"
    r"|Initializing Mooncake Transfer Engine worker |Initialized NIXL agent: "
    r"|Shared storage path is ",
    "🤝": r"NIXL compatibility check passed|Remote agent \S+ available, calling ",
    "🚨": r"Timeout waiting for P side ready",
    "✅": r"External Cache Hit!|Hit the cache! Allocate new blocks!"
    r"|(?:Retrieved|Stored) \d+ out of ",
    "🔴": r"Handshake with \S+ failed|NIXL transfer failure|Handshake failed for request "
    r"|Remote NIXL agent engine ID mismatch|Mooncake transfer failed for request "
    r"|Failed to transfer KV cache for request |pulling kv_caches for "
    r"|Failed to connect to bootstrap server|Sending to \S+ failed"
    r"|(?:Prefill (?:bootstrap|transfer)|Decode (?:handshake|transfer)) failed for request ",
    "🚧": r"Releasing expired KV blocks for request "
    r"|Potentially invalid KV blocks for unrecognized request "
    r"|Missing transfer_id in kv_transfer_params"
    r"|Request \S+ timed out after \S+ seconds without being sent",
}  # fmt: skip
EVENT_PATTERNS = {emoji: re.compile(text, re.A) for emoji, text in EVENTS.items()}

# What a marker looks like where its UTF-8 was read in another encoding and saved again.
ENCODINGS = ("cp1252", "cp1254", "latin-1", "mac_roman")


@cache
def misread(sign: str) -> frozenset[str]:
    """Every form of a sign that was read wrongly, whatever became of its unknown bytes."""
    found = set()
    for encoding in ENCODINGS:
        shown = []
        for byte in sign.encode():
            try:
                character = bytes([byte]).decode(encoding)
            except UnicodeDecodeError:
                character = ""
            control = 0x80 <= byte < 0xA0 and encoding == "latin-1"
            if not character or control:
                shown.append({chr(byte), "", "?", "\ufffd"})
            else:
                shown.append({character, " "} if character == "\xa0" else {character})
        for form in map("".join, product(*shown)):
            if len([character for character in form if ord(character) > 127]) > 1:
                found.add(form)
    return frozenset(found)


@cache
def misread_signs() -> tuple[re.Pattern[bytes], dict[bytes, bytes]]:
    """An expression for all of them, and the marker that each was."""
    meant: dict[bytes, bytes] = {}
    for sign in MARKERS:
        for form in sorted(misread(sign)):
            meant.setdefault(form.encode(), sign.encode())
    signs = sorted(meant, key=len, reverse=True)
    selectors = sorted((form.encode() for form in misread("\ufe0f")), key=len, reverse=True)
    text = rb"(%s)(?:%s)?" % tuple(b"|".join(map(re.escape, x)) for x in (signs, selectors))
    return re.compile(text), meant


def repaired(message: bytes) -> bytes:
    """The message with its markers as they were."""
    pattern, meant = misread_signs()
    return pattern.sub(lambda found: meant[found[1]], message)


class Marked:
    """The markers of a message, and what stands with them."""

    def __init__(self, message: str) -> None:
        self.rank: int | None = None
        self.address: str | None = None
        self.markers: list[str] = []
        self.rest = message
        """What the message says behind its markers."""
        self._read_leading()
        if self.markers or message.startswith("ncclCommInitRank Success"):
            self._find_arrow(message)
        if self.markers and self.leads:
            own = OWN_ADDRESS.findall(message)
            self.address = next((address for address in reversed(own) if address), self.address)
            fields = [int(n) for n in RANK_FIELD.findall(message) if int(n) <= GREATEST_RANK]
            if self.rank is None and fields:
                self.rank = fields[-1]
        if not self.markers:
            self.markers = [e for e, text in EVENT_PATTERNS.items() if text.match(message)][:1]

    def _read_leading(self) -> None:
        if not KNOWN.match(self.rest) and not EMOJI.match(self.rest):
            sign = UNKNOWN.match(self.rest)
            self.rest = self.rest[sign.end() if sign else 0 :]
        self._take_rank()
        while len(self.markers) < MOST:
            found = KNOWN.match(self.rest) or EMOJI.match(self.rest)
            if found is None:
                break
            self.markers.append(found[0].replace("\ufe0f", ""))
            self.rest = self.rest[found.end() :].removeprefix("\ufe0f").removeprefix(" ")
            self._take_rank()
        self.leads = bool(self.markers)

    def _take_rank(self) -> None:
        found = RANK.match(self.rest)
        if found and int(found[1]) <= GREATEST_RANK:
            self.rank = int(found[1]) if self.rank is None else self.rank
            self.rest = self.rest[found.end() :]

    def _find_arrow(self, message: str) -> None:
        arrow = ARROW.search(message)
        if arrow is None:
            return
        before = message[: arrow.start()].encode("utf-8", "surrogateescape")[-LONGEST_ADDRESS:]
        if address := BEFORE.search(before.decode("utf-8", "surrogateescape")):
            self.markers.append(arrow[0])
            self.address = address[0]
