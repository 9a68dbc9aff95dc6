"""How far clocks are apart is told by causes and effects, with an error, and never guessed."""

from __future__ import annotations

import pytest

from pdtui.core.evidence import Clocks
from pdtui.core.merge import Merge
from pdtui.core.skew import Skew, SkewEstimator, corrections
from pdtui.core.stamps import SECOND
from tests.core.handshake_lines import D, P, accepting, connecting, engine, line, said, source


def skews(prefill: str, decode: str, offsets: dict[str, int] | None = None) -> list[Skew]:
    """The skews between these two logs."""
    snapshot = [
        (made, len(made)) for made in (source("prefill", prefill), source("decode", decode))
    ]
    merge = Merge(offsets or {})
    merge.update(snapshot)
    clocks = Clocks(snapshot, offsets or {})
    estimator = SkewEstimator()
    estimator.add(merge.edges[:], clocks)
    return estimator.skews(clocks)


def handshake(skew: int) -> tuple[str, str]:
    """A pair whose decode's clock is so many seconds ahead."""
    return (
        engine(P) + said(connecting(P, D), 5),
        engine(D, rank=1, second=skew) + said(accepting(D, P, rank=1), 5 + skew),
    )


@pytest.mark.parametrize("skew", [-3600, -4, 4, 86_400])
def test_a_clock_that_is_wrong_is_seen(skew: int) -> None:
    """The true difference lies within the error."""
    (found,) = skews(*handshake(skew))
    assert (found.source, found.against) == ("decode", "prefill")
    assert found.certain
    assert found.error is not None
    assert abs(found.estimate - skew * SECOND) <= found.error <= 2 * SECOND
    assert found.pairs == 5


def test_the_sentence_gives_the_error() -> None:
    """`decode −4 s ±1`."""
    (found,) = skews(*handshake(-4))
    assert found.sentence == "decode −4 s ±1"


@pytest.mark.parametrize("skew", [0])
def test_clocks_that_may_be_alike_are_no_problem(skew: int) -> None:
    """Stamps of whole seconds leave a second of doubt on either side."""
    (found,) = skews(*handshake(skew))
    assert not found.certain
    assert abs(found.estimate) <= (found.error or 0)


def test_a_corrected_clock_is_not_wrong_any_more() -> None:
    """`--offset decode=+4s`."""
    (found,) = skews(*handshake(-4), offsets={"decode": 4 * SECOND})
    assert not found.certain


def tensors(way: str, delays: list[int]) -> tuple[str, str]:
    """Tensors that prefill sends and decode receives so many seconds later, one a minute."""
    sends = receives = ""
    for number, delay in enumerate(delays):
        sends += line(f"P2P_SEND_TENSOR_BEGIN tensor_id={way}{number} remote_address=b:1", number)
        receives += line(
            f"P2P_LISTEN_PUT_BEGIN remote_address=a:1 tensor_id={way}{number} rank=0",
            number + delay,
        )
    return sends, receives


def test_pairs_in_one_direction_bound_it_from_one_side() -> None:
    """Decode may be late, or its clock ahead: only that it is not further ahead is certain."""
    (found,) = skews(*tensors("x", [9, 3, 7]))
    assert (found.lower, found.upper, found.error) == (None, 4 * SECOND, None)
    assert not found.certain
    assert found.sentence == "decode at most +4 s"


def test_an_effect_before_its_cause_is_certain_even_so() -> None:
    """It cannot have been received before it was sent."""
    (found,) = skews(*tensors("x", [-5, -2]))
    assert found.certain
    assert found.estimate == -4 * SECOND


def test_sources_that_have_nothing_to_do_with_one_another_have_no_skew() -> None:
    """No cause, no effect, no word."""
    assert skews(line("a"), line("b", 99)) == []


@pytest.mark.parametrize("skew", [-3600, -4, 4])
def test_corrections_make_the_clocks_agree(skew: int) -> None:
    """Ordered by the corrected clocks, no pair says any more that they differ."""
    pair = handshake(skew)
    offsets = corrections(skews(*pair), ["prefill", "decode"])
    assert list(offsets) == ["decode"]
    assert not any(found.certain for found in skews(*pair, offsets))


def test_clocks_are_corrected_through_others() -> None:
    """A proxy that only decode has pairs with is corrected by both differences."""
    decode = Skew("decode", "prefill", 4 * SECOND, 4 * SECOND, 1, ())
    proxy = Skew("proxy", "decode", -SECOND, -SECOND, 1, ())
    found = corrections([proxy, decode], ["prefill", "decode", "proxy"])
    assert found == {"decode": -4 * SECOND, "proxy": -3 * SECOND}


def test_clocks_that_may_be_alike_are_not_corrected() -> None:
    """Within the error nothing is known, and nothing is done."""
    assert corrections(skews(*handshake(0)), ["prefill", "decode"]) == {}
