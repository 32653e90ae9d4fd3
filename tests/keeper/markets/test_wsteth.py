"""Maths of wstETH: shares that move in whole ones, by hand and in general."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.markets import InsufficientLiquidity, InvalidPool, WrongToken, WstETHPool
from keeper.markets.price_curves import Rate
from keeper.markets.wrapper import Fraction

WSTETH = "0x00000000000000000000000000000000000000aa"
STETH = "0x0000000000000000000000000000000000000001"
OTHER = "0x0000000000000000000000000000000000000003"

sizes = st.integers(1, 10**27)


def wrapper(rate=(122, 100), most=(10**40, 10**40)) -> WstETHPool:
    return WstETHPool(WSTETH, STETH, Fraction(*rate), *most)


def test_wrap__gives_whole_shares() -> None:
    assert wrapper().amount_out(STETH, WSTETH, 1000) == 819  # 819.67
    assert wrapper().amount_out(STETH, WSTETH, 1) == 0


def test_unwrap__moves_a_share_less_where_the_ether_does_not_come_out_even() -> None:
    # 819 shares are 999.18 wei, so 999 are sent, which are 818.85 shares: 818 move, and they are 997.96 wei.
    assert wrapper().amount_out(WSTETH, STETH, 819) == 997
    # 50 shares are 61 wei, evenly, and 61 wei are 50 shares.
    assert wrapper().amount_out(WSTETH, STETH, 50) == 61
    # A share is 1.22 wei; the one that is sent is less than a share.
    assert wrapper().amount_out(WSTETH, STETH, 1) == 0


@given(rate=st.tuples(sizes, sizes), amount=sizes, wraps=st.booleans())
def test_amount_in__is_the_least_that_pays(rate: tuple[int, int], amount: int, wraps: bool) -> None:
    pool = wrapper(rate, (10**99, 10**99))
    sold, bought = (STETH, WSTETH) if wraps else (WSTETH, STETH)
    needed = pool.amount_in(sold, bought, amount)
    assert pool.amount_out(sold, bought, needed) >= amount
    assert pool.amount_out(sold, bought, needed - 1) < amount


@given(rate=st.tuples(sizes, sizes), shares=st.integers(0, 10**6), amount=sizes)
def test_unwrap__to_a_holder_with_shares__brings_no_less(rate: tuple[int, int], shares: int, amount: int) -> None:
    pool = wrapper(rate, (10**99, 10**99))
    sent = pool.rate.to_assets_down(amount)
    moved = pool.rate.to_shares_down(sent)
    measured = pool.rate.to_assets_down(shares + moved) - pool.rate.to_assets_down(shares)
    assert 0 <= measured - pool.amount_out(WSTETH, STETH, amount) <= 1


@given(rate=st.tuples(sizes, sizes), amount=sizes)
def test_swap__there_and_back__never_gains(rate: tuple[int, int], amount: int) -> None:
    wrapped, after = wrapper(rate, (10**99, 0)).swap(STETH, WSTETH, amount)
    back, _ = after.swap(WSTETH, STETH, wrapped)
    assert back <= amount


def test_swap__moves_the_limits_and_not_the_rate() -> None:
    out, after = wrapper(most=(5000, 3000)).swap(STETH, WSTETH, 1000)
    assert (out, after.most_wrap, after.most_unwrap, after.rate) == (819, 4000, 3819, Fraction(122, 100))
    out, after = after.swap(WSTETH, STETH, 50)
    assert (out, after.most_wrap, after.most_unwrap) == (61, 4061, 3769)


@pytest.mark.parametrize(("sold", "bought", "most"), [(STETH, WSTETH, 122), (WSTETH, STETH, 100)])
def test_amounts__at_the_limit__go_and_beyond_it_raise(sold: str, bought: str, most: int) -> None:
    pool = wrapper(most=(122, 100))
    out = pool.amount_out(sold, bought, most)
    assert pool.amount_in(sold, bought, out) <= most
    with pytest.raises(InsufficientLiquidity, match=f"at most {most}"):
        pool.amount_out(sold, bought, most + 1)
    with pytest.raises(InsufficientLiquidity, match=f"at most {most}"):
        pool.amount_in(sold, bought, out + 2)


def test_price_curve__is_the_rate_up_to_the_limit() -> None:
    pool = wrapper((3, 2), (90, 60))
    assert pool.price_curve(STETH, WSTETH) == Rate(2 / 3, 90.0)
    assert pool.price_curve(WSTETH, STETH) == Rate(1.5, 60.0)
    assert pool.marginal_price(WSTETH, STETH) == 1.5
    assert wrapper(most=(0, 1)).price_curve(STETH, WSTETH) is None
    assert wrapper(most=(1, 0)).marginal_price(WSTETH, STETH) == 0.0


def test_pool__other_token__raises() -> None:
    for ask in (wrapper().amount_out, wrapper().amount_in, wrapper().swap):
        with pytest.raises(WrongToken):
            ask(OTHER, WSTETH, 10)
    with pytest.raises(WrongToken):
        wrapper().price_curve(STETH, STETH)


def test_pool__negative_amount__raises() -> None:
    for ask in (wrapper().amount_out, wrapper().amount_in):
        with pytest.raises(ValueError, match="negative"):
            ask(STETH, WSTETH, -1)


@pytest.mark.parametrize("state", [{"rate": (0, 1)}, {"rate": (1, 0)}, {"most": (-1, 0)}, {"most": (0, -1)}])
def test_pool__impossible_state__raises(state: dict[str, tuple[int, int]]) -> None:
    with pytest.raises(InvalidPool):
        wrapper(**state)


def test_pool__wraps_itself__raises() -> None:
    with pytest.raises(InvalidPool, match="wraps itself"):
        WstETHPool(WSTETH, WSTETH, Fraction(1, 1), 1, 1)
