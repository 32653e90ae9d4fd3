"""The router: against brute force on small worlds, and what must hold on any."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from routing_universe import ADDRESS, mainnet_like, pool_address, problem, problems, units, v2, v3

from keeper.errors import ConfigurationError, NoRoute, OracleError
from keeper.markets import Pool
from keeper.markets.tick_math import sqrt_ratio_at_tick
from keeper.routing import WAD, RebalanceProblem, Route, RouteLimits, replay, solve, solver
from keeper.routing.dual import Basket, Solution, refine
from keeper.routing.network import Network
from keeper.routing.problem import BPS

# Slow only in the sense of a solve each; every example is small.
thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def in_dollars(value: int) -> float:
    return value / WAD


def used(route: Route) -> set[str]:
    return {leg.pool for leg in route.legs}


# --- against brute force


def best_direct_split(pools: list[Pool], token_in: str, amount: int, token_out: str, parts: int) -> int:
    """Most of `token_out` over all splits of `amount` into `parts` equal parts over direct pools."""
    outs = [
        [pool.amount_out(token_in, token_out, amount * part // parts) for part in range(parts + 1)] for pool in pools
    ]
    best = [0] * (parts + 1)
    for row in outs:
        best = [max(best[whole - part] + row[part] for part in range(whole + 1)) for whole in range(parts + 1)]
    return best[parts]


@pytest.mark.parametrize("usd", [1e3, 1e5, 1e6, 5e6])
@pytest.mark.parametrize(("sell", "buy"), [("USDC", "WETH"), ("WETH", "USDC"), ("WBTC", "DAI"), ("DAI", "WBTC")])
def test_solve__several_direct_pools__is_within_half_a_bp_of_the_best_grid_split(
    sell: str, buy: str, usd: float
) -> None:
    pools: list[Pool] = [
        v2(1, sell, buy, 5e6),
        v2(2, sell, buy, 2e6, 0.002),
        v3(3, sell, buy, 3e6, 0.001, fee=500),
        v3(4, sell, buy, 8e6, -0.001),
    ]
    route = solve(problem(pools, {sell: usd}, {buy: usd * 2}))
    amount = units(sell, usd)
    grid = best_direct_split(pools, ADDRESS[sell], amount, ADDRESS[buy], 200)
    assert route.sold[ADDRESS[sell]] == pytest.approx(amount, rel=1e-6)
    assert route.bought[ADDRESS[buy]] >= grid * (1 - 0.5e-4)


@pytest.mark.parametrize("usd", [1e4, 3e5, 2e6])
def test_solve__direct_and_through_a_hub__is_within_half_a_bp_of_the_best_grid_split(usd: float) -> None:
    direct, first = v2(1, "LINK", "USDC", 2e6), v3(2, "LINK", "WETH", 4e6)
    second: list[Pool] = [v2(3, "WETH", "USDC", 3e6), v3(4, "WETH", "USDC", 6e6, fee=500)]
    amount = units("LINK", usd)
    route = solve(problem([direct, first, *second], {"LINK": usd}, {"USDC": usd * 2}))
    grid = 0
    for part in range(101):
        through = first.amount_out(ADDRESS["LINK"], ADDRESS["WETH"], amount * part // 100)
        grid = max(
            grid,
            direct.amount_out(ADDRESS["LINK"], ADDRESS["USDC"], amount - amount * part // 100)
            + best_direct_split(second, ADDRESS["WETH"], through, ADDRESS["USDC"], 100),
        )
    assert route.bought[ADDRESS["USDC"]] >= grid * (1 - 0.5e-4)


def test_solve__two_sold_two_bought_over_one_hub__splits_the_hub_as_the_best_grid_does() -> None:
    into = {"WBTC": v2(1, "WBTC", "WETH", 4e6), "LINK": v3(2, "LINK", "WETH", 3e6)}
    out_of = {"UNI": v2(3, "UNI", "WETH", 3e6, 0.001), "AAVE": v3(4, "AAVE", "WETH", 2e6, -0.001)}
    sold = {"WBTC": 300_000.0, "LINK": 200_000.0}
    question = problem([*into.values(), *out_of.values()], sold, {"UNI": 400_000, "AAVE": 400_000})
    route = solve(question, RouteLimits(max_marginal_bps=5_000))
    assert len(route.legs) == 4  # one leg a pool and direction: the flows of the four pairs are merged

    weth = sum(into[name].amount_out(ADDRESS[name], ADDRESS["WETH"], units(name, usd)) for name, usd in sold.items())
    grid = 0
    for part in range(1001):
        uni, aave = weth * part // 1000, weth - weth * part // 1000
        bought = {
            ADDRESS["UNI"]: out_of["UNI"].amount_out(ADDRESS["WETH"], ADDRESS["UNI"], uni),
            ADDRESS["AAVE"]: out_of["AAVE"].amount_out(ADDRESS["WETH"], ADDRESS["AAVE"], aave),
        }
        if all(amount <= question.deficit[token] for token, amount in bought.items()):
            grid = max(grid, question.bought_value(bought))
    assert route.value_in >= grid * (1 - 0.5e-4)


def test_solve__full_deficits__sells_no_more_than_the_best_grid_needs() -> None:
    pools: list[Pool] = [v2(1, "LINK", "USDC", 1e6), v2(2, "UNI", "USDC", 2e6)]
    question = problem(pools, {"LINK": 200_000, "UNI": 200_000}, {"USDC": 100_000})
    route = solve(question)
    wanted = units("USDC", 100_000)
    assert route.bought[ADDRESS["USDC"]] == pytest.approx(wanted, rel=1e-7)
    grid = min(
        question.sold_value(
            {
                ADDRESS["LINK"]: pools[0].amount_in(ADDRESS["LINK"], ADDRESS["USDC"], wanted * part // 1000),
                ADDRESS["UNI"]: pools[1].amount_in(ADDRESS["UNI"], ADDRESS["USDC"], wanted - wanted * part // 1000),
            }
        )
        for part in range(1001)
    )
    assert route.value_out <= grid * (1 + 0.5e-4)


def test_solve__small_basket_deep_pools__is_as_good_as_the_best_of_all_choices() -> None:
    # So small that impact hardly counts: each sale takes its cheapest pool, the purchase its cheapest.
    pools: list[Pool] = [
        v3(1, "WBTC", "WETH", 80e6, fee=500),
        v3(2, "WBTC", "WETH", 80e6),
        v3(3, "UNI", "WETH", 50e6),
        v2(4, "UNI", "WETH", 50e6, 0.0008),
    ]
    route = solve(problem(pools, {"WBTC": 500}, {"UNI": 5_000}))
    best = max(
        second.amount_out(
            ADDRESS["WETH"], ADDRESS["UNI"], first.amount_out(ADDRESS["WBTC"], ADDRESS["WETH"], units("WBTC", 500))
        )
        for first, second in product(pools[:2], pools[2:])
    )
    assert route.bought[ADDRESS["UNI"]] >= best * (1 - 0.5e-4)


# --- what must hold on any world


def check(question: RebalanceProblem, route: Route) -> None:
    """The rules that every route keeps."""
    assert route.legs
    for token, amount in route.sold.items():
        assert 0 < amount <= question.surplus[token]
    for token, amount in route.bought.items():
        assert 0 < amount <= question.deficit[token]
    assert route.value_out == question.sold_value(route.sold)
    assert route.value_in == question.bought_value(route.bought)

    # A pool once, so in one direction; and no leg spends a token that a later leg still brings.
    assert len(used(route)) == len(route.legs)
    for at, leg in enumerate(route.legs):
        assert all(later.token_out != leg.token_in for later in route.legs[at:])
        assert 0 < leg.share <= WAD
        assert leg.amount_out > 0

    # The replay on the pools is the promise, leg by leg, and nothing but what was bought is left.
    assert replay(route, question.pools, route.sold) == route.bought
    spenders = {leg.token_in: leg for leg in route.legs}
    for token, last in spenders.items():
        assert token in route.bought or last.share == WAD
    pools = {pool.address: pool for pool in question.pools}
    assert route.gas == sum(pools[leg.pool].swap_gas for leg in route.legs)
    for leg in route.legs:
        assert pools[leg.pool].amount_out(leg.token_in, leg.token_out, leg.amount_in) == leg.amount_out
        assert (leg.venue, leg.fee) == (pools[leg.pool].venue, pools[leg.pool].fee)
        assert {leg.token_in, leg.token_out} <= set(pools[leg.pool].tokens)
    assert route.certificate is not None
    assert route.certificate.bound >= route.certificate.worth


@thorough
@given(problems())
def test_solve__any_world__keeps_every_rule(question: RebalanceProblem) -> None:
    try:
        route = solve(question)
    except NoRoute:
        assume(False)
    check(question, route)


@thorough
@given(problems(gwei=st.integers(0, 100)), st.integers(-50, 200), st.integers(1, 6))
def test_solve__any_world_with_gas_and_limits__keeps_the_rules_and_the_limits(
    question: RebalanceProblem, max_cost_bps: int, max_legs: int
) -> None:
    question = RebalanceProblem(
        **{name: getattr(question, name) for name in question.__slots__} | {"max_legs": max_legs}
    )
    try:
        route = solve(question, RouteLimits(max_cost_bps=max_cost_bps))
    except NoRoute:
        assume(False)
    check(question, route)
    assert len(route.legs) <= max_legs
    assert route.value_in * BPS >= route.value_out * (BPS - max_cost_bps)
    # At the margin of 10 % a dollar of drift pays for its gas.
    assert route.value_in - route.value_out * 9 // 10 >= question.gas_value(route.gas)


@thorough
@given(problems(), st.data())
def test_replay__clamped_fill__leaves_no_intermediate_and_never_gives_more(
    question: RebalanceProblem, data: st.DataObject
) -> None:
    try:
        route = solve(question)
    except NoRoute:
        assume(False)
    less = {token: data.draw(st.integers(amount // 2, amount)) for token, amount in route.sold.items()}
    left = replay(route, question.pools, less)
    assert left.keys() <= route.bought.keys()
    assert all(amount <= route.bought[token] for token, amount in left.items())


# --- size, cost and gas


def basket(**options: object) -> RebalanceProblem:
    return problem(
        mainnet_like(),
        {"WBTC": 500_000, "LINK": 300_000, "USDC": 200_000},
        {"UNI": 300_000, "AAVE": 300_000, "DAI": 400_000},
        **options,  # type: ignore[arg-type]
    )


def test_solve__six_assets_on_nineteen_pools__moves_all_of_it_cheaply() -> None:
    route = solve(basket())
    check(basket(), route)
    assert in_dollars(route.value_out) == pytest.approx(1e6, rel=1e-6)
    assert 20 < route.cost_bps < 80
    assert route.partial_reason is None


def test_solve__cost_over_the_limit__shrinks_to_just_within_it_and_says_why() -> None:
    whole = solve(basket())
    limit = int(whole.cost_bps) - 10
    route = solve(basket(), RouteLimits(max_cost_bps=limit))
    assert limit - 1 < route.cost_bps <= limit
    assert 0 < route.value_out < whole.value_out
    assert route.partial_reason is not None
    assert f"{whole.cost_bps:.2f} bps" in route.partial_reason
    assert f"{limit:.2f} bps" in route.partial_reason


def test_solve__loss_over_the_limit__shrinks_to_just_within_it_and_says_why() -> None:
    question = problem([v2(1, "WETH", "USDC", 10e6)], {"WETH": 1e6}, {"USDC": 1e6})
    whole = solve(question, RouteLimits(max_marginal_bps=9_000))
    lost = whole.value_out - whole.value_in
    route = solve(question, RouteLimits(max_loss=lost // 4, max_marginal_bps=9_000))
    check(question, route)
    assert lost // 4 * 99 // 100 < route.value_out - route.value_in <= lost // 4
    # The loss grows faster than the size, and the fee with it.
    assert whole.value_out // 4 < route.value_out < whole.value_out
    assert route.partial_reason is not None
    assert f"${lost / WAD:.2f} lost against the oracle at full size" in route.partial_reason
    assert solve(question, RouteLimits(max_loss=lost, max_marginal_bps=9_000)).value_out == whole.value_out
    with pytest.raises(NoRoute, match=r"no trade of any size.*the limit is \$0\.00"):
        solve(question, RouteLimits(max_loss=0, max_marginal_bps=9_000))


def test_solve__ratio_above_one_and_pools_that_pay_it__trades_the_part_that_gains() -> None:
    # The pool pays 2 % over the oracle for the first dollar, 30 bps of it go to the fee.
    dear = v2(1, "WETH", "USDC", 10e6, skew=-0.02 if int(ADDRESS["USDC"], 16) < int(ADDRESS["WETH"], 16) else 0.02)
    question = problem([dear], {"WETH": 1e6}, {"USDC": 1e6})
    ratio = WAD * 101 // 100
    route = solve(question, RouteLimits(min_ratio=ratio))
    check(question, route)
    assert route.value_in * WAD >= route.value_out * ratio
    assert route.cost_bps < -100
    assert 10_000 < in_dollars(route.value_out) < 100_000


def test_solve__ratio_that_no_pool_pays__is_refused_in_one_line() -> None:
    with pytest.raises(NoRoute, match=r"no trade of any size.*limit is -100\.00 bps") as error:
        solve(basket(), RouteLimits(min_ratio=WAD * 101 // 100))
    assert "\n" not in str(error.value)


def test_solve__thin_pools__stops_where_the_next_dollar_costs_too_much() -> None:
    question = problem([v2(1, "LINK", "USDC", 100_000)], {"LINK": 1e6}, {"USDC": 1e6})
    route = solve(question, RouteLimits(max_marginal_bps=500))
    check(question, route)
    # Marginal price after x dollars into depth d: 0.997 / (1 + 0.997 x / d) ** 2 = 0.95
    assert in_dollars(route.value_out) == pytest.approx(100_000 * ((0.997 / 0.95) ** 0.5 - 1) / 0.997, rel=1e-4)
    assert route.partial_reason == "the next dollar would cost more than 500 bps"


def test_solve__gas_dear__uses_fewer_legs_than_gas_free() -> None:
    free, dear = solve(basket()), solve(basket(gwei=100))
    assert len(dear.legs) < len(free.legs)
    saved = basket(gwei=100).gas_value(free.gas - dear.gas)
    assert saved > free.value_in - dear.value_in - (free.value_out - dear.value_out) * 9 // 10


def test_solve__trials_whose_flows_nobody_has__are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    question = basket(gwei=100)
    thinned = solve(question)
    solved = 0

    def astray(network: Network, wanted: Basket, start: np.ndarray) -> Solution:
        """From the second solve on more is bought than before, of what nobody has."""
        nonlocal solved
        solved += 1
        found = refine(network, wanted, start)
        return found if solved == 1 else found._replace(bought=found.bought * 1.05, missing=found.bought * 0.05)

    monkeypatch.setattr(solver, "refine", astray)
    assert len(solve(question).legs) > len(thinned.legs)
    assert solved > 1


def test_solve__two_like_pools_and_gas_dearer_than_the_split_saves__uses_one() -> None:
    pools: list[Pool] = [v2(1, "WETH", "USDC", 10e6), v2(2, "WETH", "USDC", 10e6)]
    assert len(solve(problem(pools, {"WETH": 10_000}, {"USDC": 20_000})).legs) == 2
    assert len(solve(problem(pools, {"WETH": 10_000}, {"USDC": 20_000}, gwei=50)).legs) == 1


def test_solve__nothing_pays_its_gas__is_refused_with_the_sums() -> None:
    question = problem([v2(1, "WETH", "USDC", 10e6)], {"WETH": 20}, {"USDC": 20}, gwei=100)
    with pytest.raises(NoRoute, match=r"no trade pays its gas: \$27\.00 of gas for \$20\.\d\d sold|\$19\.\d\d sold"):
        solve(question)


def test_solve__max_legs__is_kept() -> None:
    for most in (4, 6):
        route = solve(basket(max_legs=most))
        check(basket(max_legs=most), route)
        assert len(route.legs) <= most


def test_solve__max_legs_below_any_route__says_so() -> None:
    question = problem([v2(1, "LINK", "WETH", 1e6), v2(2, "WETH", "UNI", 1e6)], {"LINK": 1e4}, {"UNI": 1e4}, max_legs=1)
    with pytest.raises(NoRoute, match="max_legs = 1"):
        solve(question)


# --- which pools and hubs


def test_solve__hubs_given__passes_through_no_other() -> None:
    pools: list[Pool] = [
        v2(1, "LINK", "WETH", 1e6),
        v2(2, "WETH", "UNI", 1e6),
        v2(3, "LINK", "USDC", 9e6),
        v2(4, "USDC", "UNI", 9e6),
    ]
    route = solve(problem(pools, {"LINK": 1e4}, {"UNI": 1e4}, hubs=frozenset({ADDRESS["WETH"]})))
    assert used(route) == {pool_address(1), pool_address(2)}
    with pytest.raises(NoRoute):
        solve(problem(pools, {"LINK": 1e4}, {"UNI": 1e4}, hubs=frozenset()))


def test_solve__hub_without_oracle_price__is_priced_from_its_pools() -> None:
    pools: list[Pool] = [v2(1, "LINK", "WETH", 1e6), v2(2, "WETH", "UNI", 1e6)]
    whole = problem(pools, {"LINK": 1e4}, {"UNI": 1e4})
    without = {token: price for token, price in whole.prices.items() if token != ADDRESS["WETH"]}
    blind = RebalanceProblem(whole.pools, without, whole.decimals, whole.surplus, whole.deficit)
    assert solve(blind).bought == pytest.approx(solve(whole).bought, rel=1e-9)


def test_solve__deficit_that_is_also_the_hub__keeps_its_part_and_passes_the_rest_on() -> None:
    pools: list[Pool] = [v2(1, "LINK", "WETH", 5e6), v2(2, "WETH", "UNI", 5e6)]
    question = problem(pools, {"LINK": 100_000}, {"WETH": 40_000, "UNI": 100_000})
    route = solve(question)
    check(question, route)
    assert set(route.bought) == {ADDRESS["WETH"], ADDRESS["UNI"]}
    assert route.legs[-1].token_in == ADDRESS["WETH"]
    assert route.legs[-1].share < WAD


def test_solve__surplus_that_is_also_the_hub__spends_what_comes_in_and_its_own() -> None:
    pools: list[Pool] = [v2(1, "LINK", "WETH", 5e6), v2(2, "WETH", "UNI", 5e6)]
    question = problem(pools, {"LINK": 50_000, "WETH": 50_000}, {"UNI": 200_000})
    route = solve(question)
    check(question, route)
    assert len(route.legs) == 2
    assert route.sold == pytest.approx(question.surplus, rel=1e-6)
    assert route.legs[-1].amount_in > route.sold[ADDRESS["WETH"]]


def test_solve__arbitrage_between_pools__leaves_no_cycle() -> None:
    pools: list[Pool] = [
        v2(1, "LINK", "WETH", 5e6, 0.03),
        v2(2, "LINK", "WETH", 5e6, -0.03),
        v2(3, "WETH", "UNI", 5e6),
    ]
    question = problem(pools, {"LINK": 50_000}, {"UNI": 60_000})
    check(question, solve(question))


def test_solve__asset_without_pool__trades_the_rest_and_names_it() -> None:
    pools: list[Pool] = [v2(1, "LINK", "USDC", 5e6)]
    question = problem(pools, {"LINK": 50_000, "AAVE": 50_000}, {"USDC": 90_000})
    route = solve(question)
    check(question, route)
    assert route.partial_reason == f"no pool with liquidity for {ADDRESS['AAVE']}"


@pytest.mark.parametrize(
    "pools",
    [
        [],
        [v2(1, "LINK", "WETH", 1e6)],
        [v2(1, "LINK", "WETH", 1e6), v2(2, "WETH", "USDC", 0)],
    ],
)
def test_solve__no_pool_to_an_asset__is_refused_in_one_line_that_names_it(pools: list[Pool]) -> None:
    with pytest.raises(NoRoute, match=ADDRESS["USDC"]) as error:
        solve(problem(pools, {"LINK": 1e4}, {"USDC": 1e4}))
    assert "\n" not in str(error.value)


def test_solve__range_that_ends__is_used_up_to_its_end() -> None:
    narrow = v3(1, "WETH", "USDC", 1e6, widths=(60,))
    question = problem([narrow], {"WETH": 5e6}, {"USDC": 5e6})
    route = solve(question)
    check(question, route)
    most = narrow.simulate(narrow.token0 == ADDRESS["WETH"], 10**40).amount_in
    assert route.sold[ADDRESS["WETH"]] == pytest.approx(most, rel=1e-4)


def test_solve__ticks_read_in_part__stays_within_them() -> None:
    whole = v3(1, "WETH", "USDC", 1e6, widths=(600, 6000))
    lower, upper = whole.tick - 300, whole.tick + 300
    part = replace(whole, ticks=(), tick_lower_loaded=lower, tick_upper_loaded=upper)
    question = problem([part], {"WETH": 5e6}, {"USDC": 5e6})
    route = solve(question)
    check(question, route)
    end = sqrt_ratio_at_tick(lower if part.token0 == ADDRESS["WETH"] else upper)
    most = whole.simulate(part.token0 == ADDRESS["WETH"], 10**40, end).amount_in
    assert route.sold[ADDRESS["WETH"]] == pytest.approx(most, rel=1e-4)


def test_solve__satoshis_dearer_than_the_deficit_is_fine__does_not_overbuy() -> None:
    # One satoshi is 0.0006 dollars, and the deficit 1 dollar in units of 1e-18.
    question = problem([v2(1, "WBTC", "DAI", 1e6)], {"WBTC": 100}, {"DAI": 1})
    route = solve(question)
    check(question, route)
    assert question.deficit[ADDRESS["DAI"]] - route.bought[ADDRESS["DAI"]] < units("DAI", 0.002)


@pytest.mark.parametrize(
    ("surplus", "deficit", "side"), [({}, {"USDC": 1.0}, "sell"), ({"WETH": 1.0}, {}, "buy"), ({"WETH": 0}, {}, "sell")]
)
def test_solve__nothing_on_a_side__says_which(surplus: dict[str, float], deficit: dict[str, float], side: str) -> None:
    with pytest.raises(NoRoute, match=f"nothing to {side}"):
        solve(problem([], surplus, deficit))


# --- refused questions


def test_problem__asset_on_both_sides__is_refused() -> None:
    with pytest.raises(ConfigurationError, match="both"):
        problem([], {"WETH": 1}, {"WETH": 1})


def test_problem__asset_without_price__is_refused() -> None:
    with pytest.raises(OracleError, match=ADDRESS["WETH"]):
        RebalanceProblem((), {}, {}, {ADDRESS["WETH"]: 1}, {})


def test_problem__asset_without_decimals__is_refused() -> None:
    with pytest.raises(ConfigurationError, match="decimals"):
        RebalanceProblem((), {ADDRESS["WETH"]: 1}, {}, {ADDRESS["WETH"]: 1}, {})


def test_problem__pool_given_twice__is_refused() -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        problem([v2(1, "WETH", "USDC", 1), v2(1, "WETH", "USDC", 1)], {}, {})


@pytest.mark.parametrize(
    "limits",
    [
        {"max_cost_bps": 10_001},
        {"max_cost_bps": -BPS},
        {"min_ratio": -1},
        {"min_ratio": 2 * WAD},
        {"max_loss": -1},
        {"max_marginal_bps": 0},
    ],
)
def test_limits__out_of_range__are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        RouteLimits(**limits)


def test_limits__both_given__the_stricter_counts() -> None:
    assert RouteLimits(max_cost_bps=50, min_ratio=WAD * 999 // 1000).floor == WAD * 999 // 1000
    assert RouteLimits(max_cost_bps=5, min_ratio=WAD * 999 // 1000).floor == WAD * 9995 // 10_000
    assert RouteLimits().floor == 0
