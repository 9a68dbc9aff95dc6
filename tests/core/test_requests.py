"""A request is found in every process by its uuid, quickly, and told by what its rows say."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdtui.core.exceptions import message_of
from pdtui.core.fields import request_of
from pdtui.core.requestids import key_of_request
from pdtui.core.requests import Requests, Summary, Verdict
from pdtui.core.source import Source
from pdtui.core.steps import Step
from tests.conftest import DATA, Load
from tests.core.handshake_lines import line, source

FILES = sorted(DATA.rglob("*.log"))
UUID = "6c05409b-50bd-44f9-b317-e124c3efc594"
HEX = UUID.replace("-", "")
P2P = f"___prefill_addr_10.0.1.2:21001___decode_addr_10.0.1.3:22001_{HEX}"


def requests_of(*sources: Source) -> Requests:
    """The requests of these sources."""
    requests = Requests()
    requests.update([(one, len(one)) for one in sources])
    return requests


def assert_as_fields_say(made: Source) -> int:
    """Each row is found under the request that `request_of` reads in it; returns how many are."""
    found = 0
    for row in range(len(made)):
        said = request_of(message_of(made, row))
        if said is not None:
            found += 1
            assert row in made.requests.rows_of(key_of_request(said)).tolist()
    return found


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(DATA)) for path in FILES])
def test_the_index_knows_what_the_fields_of_a_row_say(path: Path, load: Load) -> None:
    """The vectorised search and the expression mean the same."""
    (made,) = load(path).sources
    assert_as_fields_say(made)


def test_the_index_of_the_corpus_knows_it_too(corpus: Path, load: Load) -> None:
    """On whole servers' logs and on tensors' ids."""
    names = ["vllm-cpu/debug-nixl/decode.log", "h200/fail-decode-oom/decode.log"]
    counts = [assert_as_fields_say(load(corpus / name).sources[0]) for name in names]
    assert counts == [2400, 277]


@pytest.mark.parametrize(
    "text",
    [
        f"cmpl-{UUID}-0",
        f"chatcmpl-{UUID}",
        f"embd-{HEX}-0-0123abcd",
        P2P,
        f"cmpl-{P2P}-0#model.layers.5.self_attn.attn",
        f"'tensor_id': 'chatcmpl-{P2P}-0-0123abcd#x'",
        P2P.replace("10.0.1.3", "decode_1"),
        P2P.replace("10.0.1.3", "[fd00::1:3]"),
        P2P.replace("10.0.1.3", f"{'decode-1.' * 12}svc"),
    ],
)
def test_one_request_under_all_its_names(text: str) -> None:
    """With dashes and without, in a tensor's id, with a suffix."""
    made = source("a", line("nothing") + line(f"x {text}, y"))
    assert made.requests.rows_of(key_of_request(HEX)).tolist() == [1]


@pytest.mark.parametrize(
    "text",
    [
        P2P.replace("___prefill_addr_", ""),
        f"___prefill_addr_10.0.1.2:21001___decode_addr_10.0.1.3 some words_{HEX}",
        f"___prefill_addr_10.0.1.2:21001___decode_addr_10.0\n.1.3:22001_{HEX}",
        f"___prefill_addr_10.0.1.2:21001___decode_addr_10.0.1.3:22001_{HEX[:20]}\n{HEX}",
    ],
    ids=["no prefill", "no port", "torn in the address", "torn in the id"],
)
def test_what_is_no_whole_id_of_the_proxy(text: str) -> None:
    """In whatever block the lines come, and in lines that outlines tell, too."""
    made = source("a", line(text) * 200)
    assert assert_as_fields_say(made) == 0
    assert len(made.requests) == 0


@pytest.mark.parametrize("text", [f"xcmpl-{UUID}", f"cmpl-{UUID[:-1]}", f"cmpl-{HEX}0", HEX])
def test_what_only_looks_like_an_id(text: str) -> None:
    """Part of a word, too short, too long, a bare number."""
    made = source("a", line(text))
    assert len(made.requests) == 0


def test_the_worst_keys_are_those_of_the_worst_requests() -> None:
    """The order without the summaries is the same, and the counts are of all requests."""
    lost = "🔴[PUT]Recv From 10.0.1.2:21001, tensor_id:cmpl-{:032x}-0#x"
    text = "".join(line(f"x cmpl-{number:032x}-0", number) for number in range(6))
    text += line("y cmpl-" + f"{3:032x}" + "-0", 9, "WARNING") + line(lost.format(4), 9)
    requests = requests_of(source("decode", text))
    worst = requests.worst()
    assert requests.worst_keys().tolist() == [summary.key for summary in worst]
    counts = requests.counts()
    assert counts[Verdict.WARNED] == 1
    assert sum(counts.values()) == len(requests) == 6
    assert list(counts) == list(dict.fromkeys(summary.verdict for summary in worst))


def test_the_usual_length_leaves_out_the_longest() -> None:
    """Of ten requests, nine of a second and one of a minute, 90 % take a second at most."""
    texts = [
        line(f"x cmpl-{number:032x}-0", second)
        for number in range(10)
        for second in (0, 60 if number == 9 else 1)
    ]
    made = source("a", "".join(sorted(texts, key=lambda text: text[5:19])))
    assert requests_of(made).usual_length(80) == 1_000_000
    assert requests_of().usual_length(80) == 0


def test_rows_that_come_later_are_found_too() -> None:
    """The index is searched sorted, and what came since is looked through."""
    made = source("a", line(f"cmpl-{UUID}-0") * 10)
    key = key_of_request(HEX)
    assert len(made.requests.rows_of(key)) == 10
    made.feed(line(f"again cmpl-{UUID}-0").encode())
    assert made.requests.rows_of(key).tolist() == list(range(11))


def nixl(label: str, *texts: str) -> Source:
    """A log of a NIXL engine, a row a second."""
    return source(label, "".join(line(text, second) for second, text in enumerate(texts)))


PREFILL = (
    f"Received request cmpl-{UUID}-0: params: x",
    f"Added request cmpl-{UUID}-0-aaaaaaaa.",
    f"NIXLConnector request_finished(cmpl-{UUID}-0-aaaaaaaa), "
    "request_status=FINISHED_LENGTH_CAPPED, kv_transfer_params={'do_remote_decode': True}",
)
DECODE = (
    f"Received request cmpl-{UUID}-0: params: x",
    f"Added request cmpl-{UUID}-0-bbbbbbbb.",
    "NIXLConnector get_num_new_matched_tokens: num_computed_tokens=0, kv_transfer_params="
    f"{{'do_remote_prefill': True, 'remote_request_id': 'cmpl-{UUID}-0-aaaaaaaa'}}",
    f"cmpl-{UUID}-0-bbbbbbbb is still in WAITING_FOR_REMOTE_KVS state.",
    f"start_load_kv for request cmpl-{UUID}-0-bbbbbbbb from remote engine x.",
    f"Finished recving KV transfer for request cmpl-{UUID}-0-bbbbbbbb",
    f"the last one of cmpl-{UUID}-0",
)


def summary(*sources: Source) -> Summary:
    """The only request of these sources."""
    (found,) = requests_of(*sources).worst()
    return found


def test_a_request_is_followed_through_prefill_and_decode(tmp_path: Path, load: Load) -> None:
    """Its rows in both, and the phases that they tell."""
    for label, texts in (("prefill", PREFILL), ("decode", DECODE)):
        text = "".join(line(said, second) for second, said in enumerate(texts))
        (tmp_path / f"{label}.log").write_text(text)
    requests = requests_of(*load(tmp_path / "prefill.log", tmp_path / "decode.log").sources)
    (found,) = requests.worst()
    assert found.verdict is Verdict.NO_ERROR
    assert found.rows == 10
    assert found.steps >> Step.KV_LOADED & 1
    assert requests.summary(found.key) == found
    assert requests.summary(found.key + 1) is None
    story = requests.story(found.key)
    assert story.name == HEX
    assert len(story.rows) == 10
    ends = {phase.name: (phase.begin, phase.end) for phase in story.phases}
    assert ends == {
        "queued": ((0, 0), (0, 1)),
        "prefill": ((0, 1), (0, 2)),
        "transfer": ((1, 4), (1, 5)),
        "decode wait": ((1, 1), (1, 5)),
        "decode": ((1, 5), (1, 6)),
    }


def test_a_phase_that_lasts_has_no_end() -> None:
    """Decode waits, and the log ends."""
    requests = requests_of(nixl("prefill", *PREFILL), nixl("decode", *DECODE[:4]))
    (found,) = requests.worst()
    assert found.verdict is Verdict.WAITS
    phases = {phase.name: phase.end for phase in requests.story(found.key).phases}
    assert phases["decode wait"] is None
    assert "decode" not in phases


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (f"🚧kv_cache is None, cmpl-{P2P}-0", Verdict.FAILED),
        (f"Aborted request(s) cmpl-{UUID}-0.", Verdict.ABORTED),
        (
            f"Releasing expired KV blocks for request cmpl-{UUID}-0-aaaaaaaa which were retrieved "
            "by 0 remote worker(s) before lease expired.",
            Verdict.EXPIRED,
        ),
        (f"something of cmpl-{UUID}-0", Verdict.NO_ERROR),
    ],
)
def test_the_verdict_is_told_by_the_worst_row(text: str, verdict: Verdict) -> None:
    """A healthy transfer prints nothing, so there is no better word than that no error was seen."""
    assert summary(nixl("decode", text)).verdict is verdict


def test_a_warning_counts() -> None:
    """By the level of the row."""
    found = summary(source("a", line(f"odd: cmpl-{UUID}-0", level="WARNING")))
    assert (found.verdict, found.warnings) == (Verdict.WARNED, 1)


def test_the_worst_stand_first_and_each_as_its_own_verdict_says() -> None:
    """The order of the columns is that of the verdicts."""
    ids = [f"{number:032x}" for number in range(40)]
    texts = []
    for number, one in enumerate(ids):
        texts += [
            f"Received request cmpl-{one}-0: x",
            f"cmpl-{one}-0 is still in WAITING_FOR_REMOTE_KVS" if number % 3 == 0 else "-",
            f"Aborted request(s) cmpl-{one}-0." if number % 5 == 0 else "-",
            f"🚧kv_cache is None, cmpl-{one}-0" if number % 7 == 0 else "-",
        ]
    worst = requests_of(nixl("decode", *texts)).worst()
    order = list(Verdict)
    places = [order.index(found.verdict) for found in worst]
    assert places == sorted(places)
    assert len(set(places)) == 4


def test_taken_in_by_pieces_it_is_the_same_as_at_once() -> None:
    """The columns grow with the rows."""
    made = Source("decode", "", 2025)
    requests = Requests()
    for second, text in enumerate([*DECODE, f"other embd-{HEX[::-1]}-0", *DECODE]):
        made.feed(line(text, second).encode())
        requests.update([(made, len(made))])
    assert requests.worst() == requests_of(made).worst()
    assert len(requests) == 2
    assert not requests.update([(made, len(made))])


def test_of_150_requests_of_a_real_pair(corpus: Path, load: Load) -> None:
    """134 were answered, 8 hung up while decode had them, 2 before decode came for them."""
    folder = corpus / "vllm-cpu" / "debug-nixl"
    store = load(*(folder / f"{name}.log" for name in ("prefill", "decode")))
    requests = requests_of(*store.sources)
    verdicts = [found.verdict for found in requests.worst()]
    counts = {verdict: verdicts.count(verdict) for verdict in set(verdicts)}
    assert counts == {Verdict.NO_ERROR: 134, Verdict.ABORTED: 8, Verdict.EXPIRED: 2}
