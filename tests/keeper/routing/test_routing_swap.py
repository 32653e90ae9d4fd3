"""Swaps: exact on one side, one token or a basket for one token or a basket."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from routing_universe import ADDRESS, DECIMALS, PRICES, mainnet_like, problems, units, v2

from keeper.errors import ConfigurationError, NoRoute
from keeper.markets import Pool
from keeper.routing import UNLIMITED, WAD, Goal, RebalanceProblem, Route, exact_in, exact_out, replay, solve

thorough = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
USDC, WETH, LINK, UNI, AAVE, DAI = (ADDRESS[name] for name in ("USDC", "WETH", "LINK", "UNI", "AAVE", "DAI"))


def gap(route: Route) -> float:
    assert route.certificate is not None
    return route.certificate.gap_bps


@pytest.mark.parametrize("usd", [1e2, 1e3, 1e5, 1e6])
def test_exact_in__one_for_one__sells_all_and_is_certified(usd: float) -> None:
    amount = units("LINK", usd)
    question = exact_in(mainnet_like(), {LINK: amount}, DAI, PRICES, DECIMALS)
    route = solve(question)
    assert route.sold == {LINK: amount}
    assert replay(route, question.pools, route.sold) == route.bought
    assert 0 <= gap(route) < 1
    assert route.partial_reason is None


@pytest.mark.parametrize("usd", [1e3, 1e5, 1e6])
def test_exact_out__one_for_one__buys_what_is_asked_and_hardly_more(usd: float) -> None:
    wanted = units("DAI", usd)
    question = exact_out(mainnet_like(), LINK, {DAI: wanted}, PRICES, DECIMALS)
    route = solve(question)
    assert wanted <= route.bought[DAI] <= wanted * (1 + 1e-6)
    assert replay(route, question.pools, route.sold)[DAI] == route.bought[DAI]
    assert -1e-6 <= gap(route) < 1


def test_exact_out__of_what_exact_in_bought__costs_the_same() -> None:
    amount = units("LINK", 2e5)
    there = solve(exact_in(mainnet_like(), {LINK: amount}, DAI, PRICES, DECIMALS))
    back = solve(exact_out(mainnet_like(), LINK, {DAI: there.bought[DAI]}, PRICES, DECIMALS))
    assert back.sold[LINK] == pytest.approx(amount, rel=1e-5)


def test_exact_in__a_basket_for_one_token__sells_all_of_it() -> None:
    sold = {LINK: units("LINK", 1e5), UNI: units("UNI", 2e5), AAVE: units("AAVE", 3e5)}
    route = solve(exact_in(mainnet_like(), sold, USDC, PRICES, DECIMALS))
    assert route.sold == sold
    assert set(route.bought) == {USDC}


def test_exact_out__one_token_for_a_basket__buys_all_of_it() -> None:
    wanted = {LINK: units("LINK", 1e5), UNI: units("UNI", 2e5), AAVE: units("AAVE", 3e5)}
    route = solve(exact_out(mainnet_like(), USDC, wanted, PRICES, DECIMALS))
    for token, amount in wanted.items():
        assert amount <= route.bought[token] <= amount * (1 + 1e-6)
    assert set(route.sold) == {USDC}


def test_exact_in__more_than_all_liquidity__buys_nearly_all_that_there_is() -> None:
    pools: list[Pool] = [v2(1, "LINK", "USDC", 1e4)]
    amount = units("LINK", 1e7)
    route = solve(exact_in(pools, {LINK: amount}, USDC, PRICES, DECIMALS))
    # Beyond, a dollar of it would bring less than e^-12 dollars.
    assert units("USDC", 1e4) * 0.99 < route.bought[USDC] < units("USDC", 1e4)
    assert route.sold[LINK] < amount
    assert route.partial_reason is not None


def test_exact_out__more_than_the_pools_hold__buys_what_there_is_and_says_so() -> None:
    pools: list[Pool] = [v2(1, "LINK", "USDC", 1e6)]
    route = solve(exact_out(pools, LINK, {USDC: units("USDC", 2e6)}, PRICES, DECIMALS))
    assert route.bought[USDC] < units("USDC", 1e6)
    assert route.partial_reason is not None
    assert "liquidity" in route.partial_reason


def test_exact_in__only_the_other_token_has_a_price__takes_it_from_the_pools() -> None:
    amount = units("LINK", 1e5)
    known = solve(exact_in(mainnet_like(), {LINK: amount}, DAI, PRICES, DECIMALS))
    found = solve(exact_in(mainnet_like(), {LINK: amount}, DAI, {USDC: WAD}, DECIMALS))
    assert found.bought[DAI] == pytest.approx(known.bought[DAI], rel=1e-6)


def test_exact_in__token_without_pool_or_price__is_refused_and_named() -> None:
    with pytest.raises(NoRoute, match=AAVE):
        exact_in([v2(1, "LINK", "USDC", 1e6)], {AAVE: 10**18}, USDC, {USDC: WAD}, DECIMALS)


def test_problem__no_amount_on_either_side__is_refused() -> None:
    with pytest.raises(ConfigurationError, match="amounts"):
        RebalanceProblem((), PRICES, DECIMALS, {LINK: UNLIMITED}, {USDC: UNLIMITED})


def test_problem__exact_side_without_an_amount__is_refused() -> None:
    with pytest.raises(ConfigurationError, match="exact side"):
        RebalanceProblem((), PRICES, DECIMALS, {LINK: UNLIMITED}, {USDC: 1}, goal=Goal.EXACT_IN)


@thorough
@given(problems(), st.floats(2, 6))
def test_exact_in__any_world__never_promises_more_than_the_replay(world: RebalanceProblem, power: float) -> None:
    question = exact_in(world.pools, {WETH: units("WETH", 10**power)}, USDC, PRICES, DECIMALS)
    try:
        route = solve(question)
    except NoRoute:
        assume(False)
    assert replay(route, question.pools, route.sold) == route.bought
    assert route.sold[WETH] <= question.surplus[WETH]
    assert route.certificate is not None
    assert route.certificate.bound >= route.certificate.worth
