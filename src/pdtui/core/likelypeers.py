"""Whom a side without a peer's address is with, by the addresses in the ids of its requests.

Stock vLLM writes `set_p2p_nccl_context` before ncclCommInitRank and names nobody; the proxy's ids
(`___prefill_addr_H:P___decode_addr_H:P_…`) name rank 0 of both instances, and worker k has port + k
(`p2p_nccl_engine.py`). An engine connects for its first request to a peer that it has not met.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pdtui.core.engines import EngineReader
from pdtui.core.roles import DECODE, PREFILL, role_of_facts, role_of_label
from pdtui.core.sides import Side
from pdtui.core.steps import Step

_ADDRESSES = re.compile(
    rb"___prefill_addr_(?P<prefill>.+?:\d+)___decode_addr_(?P<decode>.+?:\d+)_[0-9a-f]{32}"
)
_MOST_READ = 500
"""A handshake is with the peer of one of an engine's first requests."""
_LONGEST_HEAD = 400


def name_likely_peers(readers: Iterable[EngineReader]) -> None:
    """Gives the sides that met nobody and name no peer the likely one, where requests tell it."""
    for reader in readers:
        nameless = [s for s in reader.sides if s.unmet and not s.peer and not s.from_nccl]
        if not nameless:
            continue
        for side in nameless:
            side.connects = _connects(reader, side) if side.connects is None else side.connects
        asking = [side for side in nameless if side.connects and side.engine.address]
        peers = _peers_in_requests(reader) if asking else []
        for side in asking:
            side.likely_peer = _likely_peer(reader, side, peers)


def _connects(reader: EngineReader, side: Side) -> bool | None:
    """Whether an engine of this role connects, in the way in which it sends."""
    role = role_of_label(reader.source.label) or role_of_facts(reader.source)
    if role not in (PREFILL, DECODE) or not side.engine.send_type or side.guessed:
        return None
    return (role == DECODE) == (side.engine.send_type == "GET")


def _peers_in_requests(reader: EngineReader) -> list[tuple[int, str, str]]:
    """The row and both addresses, prefill's first, of each request that came, in file order."""
    rows = reader.source.traces.rows_with(Step.REQUEST_RECEIVED, Step.REQUEST_ADDED)
    found = []
    for row in rows[:_MOST_READ].tolist():
        if said := _ADDRESSES.search(reader.source.line(row, _LONGEST_HEAD)):
            found.append((row, said["prefill"].decode(), said["decode"].decode()))
    return found


def _likely_peer(reader: EngineReader, side: Side, requests: list[tuple[int, str, str]]) -> str:
    """The peer of the engine's first request that it has not shaken hands with."""
    engine = side.engine
    began = min(engine.steps.values(), default=0)
    met = {other.peer for other in reader.sides if other.engine is engine}
    rank = engine.rank or 0
    for row, prefill, decode in requests:
        if row < began:
            continue
        for own, peer in ((prefill, decode), (decode, prefill)):
            there = _of_worker(peer, rank)
            if _of_worker(own, rank) == engine.address and there not in met:
                return there
    return ""


def _of_worker(address: str, rank: int) -> str:
    """The address of a worker, given that of rank 0 of its instance."""
    host, _, port = address.rpartition(":")
    return f"{host}:{int(port) + rank}"
