"""What a swap's route says when the pools cannot serve all of it, or nothing."""

import re

import pytest
from routing_universe import ADDRESS, units, v2

from keeper.errors import NoRoute
from keeper.routing import WAD, exact_in, exact_out, solve

WETH, USDC = ADDRESS["WETH"], ADDRESS["USDC"]
DECIMALS = {WETH: 18, USDC: 6}
PRICES = {USDC: WAD}


def share_named(reason: str | None) -> float:
    found = re.fullmatch(r"the pools have no more liquidity: (\d+\.\d\d) % of the amount trades", reason or "")
    assert found, reason
    return float(found[1])


def test_exact_out__when_the_pools_hold_less__says_which_share_of_the_amount_trades() -> None:
    pool = v2(1, "WETH", "USDC", 1_000_000)
    wanted = units("USDC", 10_000_000)
    route = solve(exact_out([pool], WETH, {USDC: wanted}, PRICES, DECIMALS))
    assert 0 < route.bought[USDC] < wanted
    assert share_named(route.partial_reason) == pytest.approx(100 * route.bought[USDC] / wanted, abs=0.01)


def test_exact_in__when_the_pools_take_less__says_which_share_of_the_amount_trades() -> None:
    pool = v2(1, "WETH", "USDC", 1_000_000)
    given = units("WETH", 10**9)
    route = solve(exact_in([pool], {WETH: given}, USDC, PRICES, DECIMALS))
    assert 0 < route.sold[WETH] < given
    assert share_named(route.partial_reason) == pytest.approx(100 * route.sold[WETH] / given, abs=0.01)


@pytest.mark.parametrize("amount", [1, units("WETH", 10**15)])
def test_exact_in__of_a_wei_or_far_too_much__says_so(amount: int) -> None:
    with pytest.raises(NoRoute, match=r"^the amount is too small .* or far more than all of them hold$"):
        solve(exact_in([v2(1, "WETH", "USDC", 1_000_000)], {WETH: amount}, USDC, PRICES, DECIMALS))
