"""What no line says: a process that was killed, requests without an answer, an unnamed peer."""

from __future__ import annotations

import pytest

from pdtui.core.problems import Kind, Severity
from tests.core.conftest import Find
from tests.core.handshake_lines import CONTEXT, D, P, line, stock_engine

D2 = "10.0.1.4:22001"
SCRAPE = 'INFO:     10.0.1.9:41000 - "GET /metrics HTTP/1.1" 200 OK\n'
ANSWER = 'INFO:     10.0.1.9:41002 - "POST /v1/completions HTTP/1.1" 200 OK\n'
LEAVES = "INFO:     Shutting down\nINFO:     Application shutdown complete.\n"


def request(number: int, second: float, prefill: str = P, decode: str = D) -> str:
    """A request comes, with the proxy's id."""
    name = f"cmpl-___prefill_addr_{prefill}___decode_addr_{decode}_{number:032x}-0"
    return line(f"Received request {name}: prompt: None, params: SamplingParams(n=1)", second)


def stats(second: float, tokens: float) -> str:
    """An engine's line of every ten seconds."""
    return line(
        f"Engine 000: Avg prompt throughput: 0.0 tokens/s, Avg generation throughput: {tokens} "
        "tokens/s, Running: 0 reqs, Waiting: 0 reqs, GPU KV cache usage: 0.0%",
        second,
    )


def server(*rows: str, address: str = P) -> str:
    """A server that came up, was scraped once, and wrote these rows."""
    return stock_engine(address) + SCRAPE + "".join(rows)


def alive(first: int, last: int) -> str:
    """A request and a scrape every five seconds."""
    return "".join(request(n, n) + ANSWER + SCRAPE for n in range(first, last + 1, 5))


def test_a_log_that_ends_while_the_other_is_scraped_on(find: Find) -> None:
    """Nothing says that decode was killed, but that it is not scraped any more."""
    logs = {"prefill": server(alive(5, 40)), "decode": server(alive(5, 15), address=D)}
    (found,) = find(**logs)
    assert (found.kind, found.severity) == (Kind.PEER_LOST, Severity.ERROR)
    assert "decode's log ends at 10:31:00 without a word" in found.summary
    assert "prefill was scraped 5 times after that" in found.summary


@pytest.mark.parametrize(
    "decode",
    [alive(5, 15) + SCRAPE * 5, alive(5, 15) + LEAVES, alive(5, 25)],
    ids=["idle", "stopped", "just behind"],
)
def test_a_log_that_ends_early_for_a_good_reason(find: Find, decode: str) -> None:
    """It has no requests but is scraped, it was told to stop, or it is only a little shorter."""
    assert find(prefill=server(alive(5, 40)), decode=server(decode, address=D)) == []


def test_a_server_that_is_seldom_scraped_is_not_missed(find: Find) -> None:
    """Prefill is scraped every five seconds, decode once a minute."""
    logs = {"prefill": server(alive(5, 120)), "decode": server(alive(5, 95)[: -len(SCRAPE)])}
    logs["decode"] = logs["decode"].replace(SCRAPE, "", 16).replace(P, D)
    assert find(**logs) == []


def test_a_clock_that_is_behind_is_no_end(find: Find) -> None:
    """Both were scraped equally often, though decode's last stamp is a minute earlier."""
    slow = "".join(request(n, n - 60) + ANSWER + SCRAPE for n in range(5, 41, 5))
    decode = stock_engine(D, second=-60) + SCRAPE + slow
    assert [p.kind for p in find(prefill=server(alive(5, 40)), decode=decode)] == []


def test_who_waits_for_the_dead_stands_under_its_end(find: Find) -> None:
    """Decode was killed before it was scraped at all; prefill waits for it in ncclCommInitRank."""
    waits = server(request(1, 3), line(CONTEXT, 3), alive(5, 40).replace(ANSWER, ""))
    (found,) = find(prefill=waits, decode=stock_engine(D, second=2))
    assert found.kind is Kind.PEER_LOST
    below = found.follows[0]
    assert below.kind is Kind.HANDSHAKE_STALLED
    assert "prefill waits in ncclCommInitRank for decode" in below.summary


def test_requests_without_an_answer(find: Find) -> None:
    """Decode takes requests and answers none any more; no token comes, and nothing is said."""
    decode = server(alive(5, 15), stats(20, 9.5), request(91, 21), request(92, 25), address=D)
    quiet = decode + "".join(SCRAPE + stats(second, 0.0) for second in (30, 40, 50))
    (found,) = find(prefill=server(alive(5, 50)), decode=quiet)
    assert (found.kind, found.severity) == (Kind.REQUEST_STALLED, Severity.ERROR)
    assert "decode: 2 requests have had no answer" in found.summary
    assert "since 10:31:05, 30 s before its end" in found.summary


@pytest.mark.parametrize(
    "end",
    [stats(30, 0.0), stats(50, 12.0), SCRAPE + stats(50, 0.0) + ANSWER + ANSWER, LEAVES],
    ids=["not long", "tokens", "answered", "stopped"],
)
def test_answers_that_may_still_come(find: Find, end: str) -> None:
    """It is not long ago, tokens come, all were answered, or the server was stopped."""
    decode = server(alive(5, 15), stats(20, 9.5), request(91, 21), request(92, 25), end, address=D)
    assert find(decode=decode) == []


def test_requests_say_whom_an_engine_waits_for(find: Find) -> None:
    """Stock vLLM names nobody: it has met the first decode, and its next request is the other's."""
    shaken = f"🤝ncclCommInitRank Success, {P}👉{D}, MyRank:0"
    prefill = stock_engine(P) + request(1, 3) + request(2, 3, decode=D2)
    prefill += line(CONTEXT, 3) + line(shaken, 4) + line(CONTEXT, 4)
    logs = {
        "prefill": prefill,
        "decode0": stock_engine(D) + line(f"🤝ncclCommInitRank Success, {D}👈{P}, MyRank:1", 4),
        "decode1": stock_engine(D2, second=60),
    }
    (stall,) = find(**logs)
    assert (stall.details["waiting"], stall.details["for"]) == ("prefill", "decode1")


def test_the_second_worker_waits_for_the_second_worker(find: Find) -> None:
    """The proxy's id names the first ones: worker k has the port and k."""
    second, peer = "10.0.1.2:21002", "10.0.1.3:22002"
    prefill = stock_engine(second, rank=1) + request(1, 3) + line(CONTEXT, 3)
    (stall,) = find(prefill=prefill, decode=stock_engine(peer, rank=1, second=60))
    assert (stall.details["waiting"], stall.details["for"]) == ("prefill", "decode")


def test_blocks_that_expire_are_counted_over_all_prefills(find: Find) -> None:
    """Requests are dealt to both; and each worker of an instance says so of the same request."""

    def expired(number: int, second: int) -> str:
        return line(
            f"Releasing expired KV blocks for request cmpl-{number:032x}-0-aaaaaaaa which were "
            "retrieved by 0 remote worker(s) before lease expired.",
            second,
            "WARNING",
        )

    both = {f"prefill{n}": "".join(expired(2 * k + n, 30 + k) for k in range(6)) for n in range(2)}
    assert {p.severity for p in find(**both)} == {Severity.ERROR}
    (note,) = find(prefill="".join(expired(7, 30) for _ in range(8)) + expired(8, 31) * 8)
    assert note.severity is Severity.NOTE
    assert "the KV of 2 requests" in note.summary


def test_what_stands_lower_in_a_file_is_no_cause(find: Find) -> None:
    """The server's traceback has its process's last time, and is later all the same."""
    core, api = "(EngineCore_DP0 pid=12) ", "(APIServer pid=11) "
    decode = line("Starting vLLM API server 0", 1, prefix=api)
    decode += line("rank 0 in world size 1 is assigned as DP rank 0", 3, prefix=core)
    decode += f"{core}Traceback (most recent call last):\n"
    decode += f"{core}zmq.error.ZMQError: Address already in use (addr='tcp://{D}')\n"
    decode += f"{api}Traceback (most recent call last):\n"
    decode += f"{api}RuntimeError: Engine core initialization failed.\n"
    (found,) = find(decode=decode)
    assert found.kind is Kind.ADDRESS_IN_USE
    assert [below.kind for below in found.follows] == [Kind.TRACEBACK]
