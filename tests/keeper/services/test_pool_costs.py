"""What trading an asset costs, told from its pools."""

from dataclasses import dataclass
from math import exp, inf

import pytest
from fake_chain import USDC, WETH, address
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.markets import UniswapV2Pool
from keeper.policy.rules.trade import received
from keeper.services.pool_costs import Paid, PoolCost, fit, pool_costs

NAV = 2e6
LINK = address("LINK")
USD = {WETH: 2_000 / 10**18, USDC: 1 / 10**6, LINK: 20 / 10**18}
DECIMALS = {WETH: 18, USDC: 6, LINK: 18}


def pool(name: str, one: str, other: str, depth_usd: float, off: float = 0.0) -> UniswapV2Pool:
    """A pool of 0.3 % with so much on each side, in which the first token is `off` dearer than the oracle says."""
    amounts = {one: depth_usd * exp(-off / 2) / USD[one], other: depth_usd * exp(off / 2) / USD[other]}
    first, second = sorted(amounts, key=lambda token: int(token, 16))
    return UniswapV2Pool(address(name), first, second, int(amounts[first]), int(amounts[second]))


@settings(deadline=None)  # the first example compiles
@given(
    fee=st.floats(0, 0.05),
    depth=st.floats(1e3, 1e9),
    small=st.floats(10, 1e4),
    times=st.floats(2, 100),
)
def test_fit__what_a_pool_pays_for_two_sizes__tells_its_fee_and_depth(fee, depth, small, times):
    found = fit(*(Paid(each, received(each, fee, depth)) for each in (small, small * times)))
    assert found.fee == pytest.approx(fee, abs=1e-9)
    if depth < 1e6 * small:
        assert found.depth_usd == pytest.approx(depth, rel=1e-3)


def test_fit__no_impact__is_infinitely_deep():
    assert fit(Paid(1.0, 0.997), Paid(100.0, 99.7)) == PoolCost(pytest.approx(0.003), inf)


def test_pool_costs__one_pool__is_its_fee_and_depth_and_the_other_side_is_money():
    found = pool_costs([pool("a", WETH, USDC, 4e7)], {token: USD[token] for token in (WETH, USDC)}, NAV)
    (money,) = [token for token, cost in found.items() if cost == PoolCost(0.0, inf)]
    (asset,) = {WETH, USDC} - {money}
    assert found[asset].fee == pytest.approx(0.003, abs=1e-6)
    assert found[asset].depth_usd == pytest.approx(4e7, rel=1e-3)


def test_pool_costs__two_pools__are_as_deep_as_both():
    found = pool_costs([pool("a", LINK, WETH, 1e6), pool("b", LINK, WETH, 3e6), pool("c", WETH, USDC, 5e7)], USD, NAV)
    assert found[WETH] == PoolCost(0.0, inf)
    assert found[LINK].fee == pytest.approx(0.003, abs=1e-5)
    assert found[LINK].depth_usd == pytest.approx(4e6, rel=1e-3)
    assert found[USDC].depth_usd == pytest.approx(5e7, rel=1e-3)


@pytest.mark.parametrize("off", [-0.02, 0.02])
def test_pool_costs__a_pool_off_the_oracles_price__costs_what_one_on_it_does(off):
    found = pool_costs([pool("a", LINK, WETH, 1e6, off), pool("c", WETH, USDC, 5e7)], USD, NAV)
    assert found[LINK].fee == pytest.approx(0.003, abs=1e-5)
    assert found[LINK].depth_usd == pytest.approx(1e6, rel=1e-3)


def test_pool_costs__asset_without_a_pool__is_left_out():
    found = pool_costs([pool("a", WETH, USDC, 4e7)], USD, NAV)
    assert set(found) == {WETH, USDC}
    assert pool_costs([], USD, NAV) == {}


@dataclass(frozen=True)
class Shallow:
    """A pool that ends after so many units of what goes in."""

    inner: UniswapV2Pool
    most_usd: float

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def price_curve(self, token_in, token_out):
        from dataclasses import replace

        import numpy as np

        curve = self.inner.price_curve(token_in, token_out)
        high = curve.low + self.most_usd / USD[token_in] / curve.liquidity
        return replace(curve, high=np.minimum(high, curve.high))


@pytest.mark.parametrize("most_usd", [100.0, 10_000.0])
def test_pool_costs__liquidity_that_ends__is_a_depth_of_about_what_it_takes(most_usd):
    """Before the large trade, and even before the small one."""
    found = pool_costs([Shallow(pool("a", LINK, WETH, 1e6), most_usd), pool("c", WETH, USDC, 5e7)], USD, NAV)
    assert 0 <= found[LINK].fee <= 0.0031
    assert most_usd / 2 < found[LINK].depth_usd < 2 * most_usd
