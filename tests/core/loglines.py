"""Made-up logs for property tests: real heads, prefixes, colour, markers and garbage, mixed."""

from __future__ import annotations

from hypothesis import strategies as st

from pdtui.core.formats import FORMATS

RANKS = st.integers(0, 12)
PIDS = st.sampled_from([7, 12, 120, 797])
ADDRESSES = st.sampled_from(
    ["127.0.0.1:14579", "127.0.0.1:14580", "10.0.4.3:22001", "[2401:db00::1]:8082", "node-1:1"]
)
LEVELS = st.sampled_from(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
EMOJI = st.sampled_from("🔍💯🤝🚨✅✉⚠🚧🔴👉👈👋🔵⛔❗🎉👍")


@st.composite
def stamps(draw: st.DrawFn, *, years: bool = False) -> str:
    """`MM-DD HH:MM:SS`, seldom one that no clock shows."""
    month, day = draw(st.sampled_from([(11, 22), (12, 31), (1, 1), (2, 29), (11, 1), (13, 1)]))
    clock = draw(st.sampled_from(["10:30:45", "10:30:46", "23:59:60", "24:00:00", "00:00:00"]))
    year = draw(st.sampled_from(["2026-", "2025-", "1970-", "9999-"])) if years else ""
    fraction = draw(st.sampled_from(["", "", ".5", ",123", ".896456", ".123456789"]))
    return f"{year}{month:02}-{day:02} {clock}{fraction if years else ''}"


@st.composite
def vllm_heads(draw: st.DrawFn) -> str:
    stamp = draw(stamps() | stamps(years=True))
    origin = draw(
        st.sampled_from(
            ["p2p_nccl_engine.py:226", "distributed/.../p2p/p2p_nccl_engine.py:36", "a:1", "[:1"]
        )
        | st.integers(80, 110).map(lambda n: "x" * n + ".py:7")
    )
    opening = draw(st.sampled_from(["[", "[", "[", ""]))
    return f"{draw(LEVELS)} {stamp} {opening}{origin}]{draw(st.sampled_from([' ', ' ', '']))}"


@st.composite
def nccl_heads(draw: st.DrawFn) -> str:
    stamp = f"[{draw(stamps(years=True))}] " if draw(st.integers(0, 3)) == 0 else ""
    host = draw(st.sampled_from(["vm", "", "gpu-node-3", "h" * 64, "h" * 65, "\tvm"]))
    tid = draw(st.sampled_from(["1356", "1", "123456789"]))
    device = draw(st.sampled_from(["[0] ", "", "[-1] ", "[12345] "]))
    origin = draw(st.sampled_from(["", "", "init.cc:904 ", "(func) "]))
    level = draw(st.sampled_from(["INFO", "WARN", "CALL", "TRACE", "ABORT", "LOUD"]))
    return f"{stamp}{host}:{draw(PIDS)}:{tid} {device}{origin}NCCL {level} "


@st.composite
def other_heads(draw: st.DrawFn) -> str:
    level, stamp = draw(LEVELS), draw(stamps(years=True))
    return draw(
        st.sampled_from(
            [
                f"{level}:     ",
                f"{level}:__main__:",
                f"{stamp} - vllm.engine - {level} - ",
                f"{stamp} [{level}] ",
                f"{stamp} {level} vllm: ",
                "Traceback (most recent call last):",
                "Exception in thread Thread-1 (send_async):",
                "--- Logging error ---",
            ]
        )
    )


SAMPLES = st.sampled_from(
    [sample for form in FORMATS for sample in form.samples if form.name not in ("vllm", "nccl")]
)
"""Real lines of the formats that have few heads of their own here."""

LAUNCHERS = st.sampled_from(
    ["[rank1]: ", "[rank9999]:", "[default0]:", "[1,0]<stdout>:", "0: ", " 3: ",
     "2026-11-22T10:30:45.108632509Z ", "2026-11-22T10:30:45+02:00 ", "decode-1  | ",
     "2026-11-22 10:30:45.386 | ", "  | 2026-11-22T10:30:45.078Z | ", "[pod/prefill-0/vllm] ",
     "prefill-0 vllm ", "decode-7d9-x2 vllm ", "worker-9 >> ", "Nov 22 10:30:45 node vllm[7]: ",
     "Nov  1 10:30:45 ", "(raylet) ", "(RayWorkerWrapper pid=12, ip=10.0.0.2) "]
)  # fmt: skip


@st.composite
def prefixes(draw: st.DrawFn) -> str:
    """What stands before a head: a launcher's rank, processes, colour with and without ESC."""
    name = draw(
        st.sampled_from(["EngineCore_DP0", "Worker_TP0", "Worker_DP0_TP1_EP1", "VllmWorker-0"])
        | RANKS.map(lambda rank: f"VllmWorker rank={rank}")
        | st.integers(70, 100).map(lambda n: "N" * n)
    )
    prefix = f"({name} pid={draw(PIDS)}) "
    form = draw(st.sampled_from(["{}", "\x1b[1;36m{}\x1b[0;0m", "[0;36m{}[0;0m", "{}{}{}{}"]))
    coloured = form.format(*[prefix] * form.count("{}"))
    launchers = "".join(draw(st.lists(LAUNCHERS, max_size=2)))
    return launchers + draw(st.sampled_from([coloured, ""]))


@st.composite
def messages(draw: st.DrawFn) -> str:
    ranks, addresses = [draw(RANKS) for _ in range(2)], [draw(ADDRESSES) for _ in range(2)]
    bracket = draw(st.sampled_from(["", "", f"[Rank {ranks[0]}] ", "[Rank 4095] "]))
    marks = draw(st.lists(EMOJI, max_size=4))
    blank = draw(st.sampled_from(["", " ", "\ufe0f ", "  "]))
    text = draw(
        st.sampled_from(
            [
                "create_connect START | remote_address=10.0.0.1:1, existing_comms=[]",
                f"P2pNcclEngine.__init__ START | local_rank=0, pid={draw(PIDS)}",
                f"P2pNcclEngine init, rank:{ranks[1]}, local_rank:0, zmq_address:{addresses[0]}",
                f"ZMQ address configured | zmq_address={addresses[0]}",
                f"ncclCommInitRank Success, {addresses[0]}👉{addresses[1]}, MyRank:1",
                f"Recv Tensor, Out Of Threshold, {addresses[0]} 👈 {addresses[1]}, rank:{ranks[1]}",
                "prompt: '日志 🔍 résumé 🚨 👉'",
                "plain words",
                "",
            ]
        )
    )
    before, after = draw(st.sampled_from([(bracket, ""), ("", bracket), (bracket, bracket)]))
    return before + "".join(mark + blank for mark in marks) + after + text


GARBAGE = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from([b"", b"    raise RuntimeError", b"\x1b\x1b[0m[0m", b"[0m", b"\0\0", b"\xff("]),
    st.lists(
        st.sampled_from([b"\x1b[", b"0;0m", b"[Rank ", b"(A pid=", b"INFO ", b"\r", b":"])
    ).map(b"".join),
)


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """One line without its newline."""
    head = draw(st.one_of(st.just(""), vllm_heads(), vllm_heads(), nccl_heads(), other_heads()))
    prefix = draw(st.just("") | st.just("") | prefixes())
    line = f"{prefix}{head}{draw(messages())}".encode()
    kind = draw(st.integers(0, 9))
    if kind == 0:
        line = draw(GARBAGE)
    elif kind == 1:
        line = draw(GARBAGE) + line
    elif kind == 2:
        line = line[: draw(st.integers(0, len(line)))] + draw(GARBAGE)
    elif kind == 3:
        line = b"\rLoading: 50%\r" + line
    elif kind == 4:
        line = prefix.encode() + draw(SAMPLES)
    elif kind == 5:
        line += draw(SAMPLES)
    line += draw(st.sampled_from([b"", b"", b"", b"\r", b"\r\r"]))
    return line.replace(b"\n", b" ")


@st.composite
def logs(draw: st.DrawFn, most: int = 10) -> bytes:
    """Whole logs; the last line may lack its newline."""
    found = draw(st.lists(lines(), max_size=most))
    if draw(st.integers(0, 4)) == 0:
        # One launcher for all, as it is where there is one.
        launcher = draw(LAUNCHERS).encode()
        found = [launcher + line for line in found]
    if found and draw(st.integers(0, 2)) == 0:
        # A record of several lines, whose head is repeated.
        found.insert(1, found[0])
    end = draw(st.sampled_from([b"\n", b"\n", b"\r\n"]))
    return end.join(found) + draw(st.sampled_from([end, end, b""]))
