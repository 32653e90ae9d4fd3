"""ERC-4626 maths: both directions, rounding against the trader, limits, and the vault afterwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.markets import ERC4626Pool, InsufficientLiquidity, InvalidPool, WrongToken
from keeper.markets.price_curves import Rate
from keeper.markets.wrapper import Fraction

SHARE = "0x00000000000000000000000000000000000000aa"
ASSET = "0x0000000000000000000000000000000000000001"
OTHER = "0x0000000000000000000000000000000000000003"

sizes = st.integers(1, 10**30)


def vault(paying=(3, 2), taking=None, most=(10**40, 10**40), is_pot=False) -> ERC4626Pool:
    return ERC4626Pool(SHARE, ASSET, Fraction(*paying), Fraction(*(taking or paying)), *most, is_pot)


def test_amount_out__deposit_and_redemption__round_down() -> None:
    # Three assets for two shares.
    assert vault().amount_out(ASSET, SHARE, 100) == 66
    assert vault().amount_out(SHARE, ASSET, 67) == 100


def test_amount_out__deposits_are_taken_at_the_later_rate() -> None:
    pool = vault(paying=(3, 2), taking=(4, 2))
    assert pool.amount_out(ASSET, SHARE, 100) == 50
    assert pool.amount_out(SHARE, ASSET, 50) == 75


def test_amount_out__nothing_is_paid_nothing() -> None:
    assert vault().amount_out(ASSET, SHARE, 0) == vault().amount_out(SHARE, ASSET, 0) == 0


def test_amount_out__worth_no_share__raises() -> None:
    with pytest.raises(InsufficientLiquidity, match="pays nothing for 1"):
        vault().amount_out(ASSET, SHARE, 1)


@pytest.mark.parametrize(("sold", "bought", "most"), [(ASSET, SHARE, 90), (SHARE, ASSET, 60)])
def test_amounts__at_the_limit__go_and_beyond_it_raise(sold: str, bought: str, most: int) -> None:
    pool = vault(most=(90, 60))
    out = pool.amount_out(sold, bought, most)
    assert pool.amount_in(sold, bought, out) == most
    with pytest.raises(InsufficientLiquidity, match=f"at most {most}"):
        pool.amount_out(sold, bought, most + 1)
    with pytest.raises(InsufficientLiquidity, match=f"at most {most}"):
        pool.amount_in(sold, bought, out + 2)


@given(fraction=st.tuples(sizes, sizes), amount=sizes, deposits=st.booleans())
def test_amount_in__is_the_least_that_pays(fraction: tuple[int, int], amount: int, deposits: bool) -> None:
    pool = vault(fraction, most=(10**99, 10**99))
    sold, bought = (ASSET, SHARE) if deposits else (SHARE, ASSET)
    needed = pool.amount_in(sold, bought, amount)
    assert pool.amount_out(sold, bought, needed) >= amount
    if needed > 1:
        try:
            assert pool.amount_out(sold, bought, needed - 1) < amount
        except InsufficientLiquidity:
            assert amount >= 1


@given(fraction=st.tuples(sizes, sizes), amount=sizes, is_pot=st.booleans())
def test_swap__there_and_back__never_gains(fraction: tuple[int, int], amount: int, is_pot: bool) -> None:
    pool = vault(fraction, most=(10**99, fraction[1] - 1), is_pot=is_pot)
    try:
        shares, after = pool.swap(ASSET, SHARE, amount)
        back, _ = after.swap(SHARE, ASSET, shares)
    except InsufficientLiquidity:
        return
    assert back <= amount


def test_swap__pot__keeps_what_it_got_and_index__does_not_move() -> None:
    out, after = vault((300, 200), is_pot=True, most=(1000, 190)).swap(ASSET, SHARE, 10)
    assert (out, after.paying, after.taking) == (6, Fraction(310, 206), Fraction(310, 206))
    assert (after.most_deposit, after.most_redeem) == (990, 196)
    out, after = after.swap(SHARE, ASSET, 6)
    assert (out, after.paying) == (9, Fraction(301, 200))
    assert (after.most_deposit, after.most_redeem) == (999, 190)
    assert vault((300, 200)).swap(ASSET, SHARE, 10)[1].paying == Fraction(300, 200)


def test_price_curve__is_the_rate_up_to_the_limit() -> None:
    pool = vault(paying=(3, 2), taking=(4, 2), most=(90, 60))
    assert pool.price_curve(ASSET, SHARE) == Rate(0.5, 90.0)
    assert pool.price_curve(SHARE, ASSET) == Rate(1.5, 60.0)
    assert pool.marginal_price(SHARE, ASSET) == 1.5


def test_price_curve__nothing_to_take__is_none() -> None:
    pool = vault(most=(0, 60))
    assert pool.price_curve(ASSET, SHARE) is None
    assert pool.marginal_price(ASSET, SHARE) == 0.0


def test_pool__other_token__raises() -> None:
    for ask in (vault().amount_out, vault().amount_in, vault().swap):
        with pytest.raises(WrongToken):
            ask(OTHER, SHARE, 10)
        with pytest.raises(WrongToken):
            ask(ASSET, ASSET, 10)
    with pytest.raises(WrongToken):
        vault().price_curve(ASSET, OTHER)


def test_pool__negative_amount__raises() -> None:
    for ask in (vault().amount_out, vault().amount_in):
        with pytest.raises(ValueError, match="negative"):
            ask(ASSET, SHARE, -1)


@pytest.mark.parametrize(
    "state",
    [
        {"paying": (0, 1)},
        {"paying": (1, 0)},
        {"taking": (1, 0)},
        {"taking": (0, 1)},
        {"most": (-1, 0)},
        {"most": (0, -1)},
    ],
)
def test_pool__impossible_state__raises(state: dict[str, tuple[int, int]]) -> None:
    with pytest.raises(InvalidPool):
        vault(**state)


def test_pool__pot_that_would_take_back_all_its_shares__raises() -> None:
    with pytest.raises(InvalidPool, match="all of its shares"):
        vault((300, 200), most=(0, 200), is_pot=True)


def test_pool__own_asset__raises() -> None:
    with pytest.raises(InvalidPool, match="its own asset"):
        ERC4626Pool(SHARE, SHARE, Fraction(1, 1), Fraction(1, 1), 1, 1, is_pot=False)
