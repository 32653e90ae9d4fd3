"""Several vaults as one problem: what it is worth, who is held to what, and when they are better left alone."""

import re
from dataclasses import replace

import pytest
from routing_universe import ADDRESS, DECIMALS, PRICES, problem, units, v2, v3

from keeper.errors import NoRoute
from keeper.routing import WAD, RouteLimits, replay, solve
from keeper.routing.netting import Market, Netting, Wish, net

WETH, USDC, WBTC, LINK = (ADDRESS[name] for name in ("WETH", "USDC", "WBTC", "LINK"))
POOLS = (
    v3(0, "WETH", "USDC", 5_000_000, fee=500),
    v2(1, "WETH", "USDC", 3_000_000),
    v3(2, "WBTC", "WETH", 5_000_000, fee=500),
    v2(3, "LINK", "WETH", 2_000_000),
)
LIMITS = RouteLimits(max_marginal_bps=300)
GAS = 500_000
GWEI = 10**9
FLOOR = WAD * 99 // 100
JOINT_GAS = 950_000  # a little less than two alone


def market(gwei: int = 10, pools=POOLS) -> Market:
    return Market(tuple(pools), DECIMALS, {}, gwei * GWEI, 3_000 * WAD, 300)


def amounts(usd: dict[str, float]) -> dict[str, int]:
    return {ADDRESS[name]: units(name, value) for name, value in usd.items()}


def wish(name: str, surplus: dict[str, float], deficit: dict[str, float], gwei: int = 10, **changes) -> Wish:
    """A vault with the route that it has alone on the same pools."""
    try:
        alone = solve(problem(list(POOLS), surplus, deficit, gwei), LIMITS)
    except NoRoute:
        alone = None
    made = Wish(name, PRICES, amounts(surplus), amounts(deficit), FLOOR, alone, GAS)
    return replace(made, **changes)


def crossing() -> list[Wish]:
    return [
        wish("one", {"WETH": 225_000}, {"USDC": 150_000, "WBTC": 75_000}),
        wish("two", {"USDC": 200_000}, {"WBTC": 100_000, "WETH": 100_000}),
    ]


def refusal(wishes: list[Wish], **changes) -> str:
    with pytest.raises(NoRoute) as caught:
        net(wishes, market(**changes), JOINT_GAS)
    return str(caught.value)


def test_net__two_that_cross__costs_less_than_alone_and_says_by_how_much():
    wishes = crossing()
    found = net(wishes, market(), JOINT_GAS)
    assert found.route is not None
    loss_alone = sum(wish.alone.value_out - wish.alone.value_in for wish in wishes)
    gas_alone = sum(wish.alone.gas for wish in wishes) + 2 * GAS
    assert (found.loss_alone, found.gas_alone) == (loss_alone, gas_alone)
    assert found.gas == found.route.gas + JOINT_GAS
    assert found.loss == sum(deal.value_out - deal.value_in for deal in found.deals)
    assert found.loss < loss_alone / 2
    assert found.crossed / WAD == pytest.approx(250_000, rel=1e-3)
    assert found.saved == found.worth - found.worth_alone > loss_alone / 2


def test_net__certificate__is_that_of_the_union_problem():
    found = net(crossing(), market(), JOINT_GAS)
    assert found.route is not None and found.route.certificate is not None
    assert 0 <= found.route.certificate.gap_bps < 1
    assert found.route.sold.keys() == {WETH, USDC}
    assert found.route.bought.keys() == {WBTC}


def test_net__what_is_shared_out__is_what_the_chain_brings_to_the_unit():
    """The executor's own arithmetic: crossing first, then the swaps, then what is there by weight."""
    found = net(crossing(), market(), JOINT_GAS)
    assert found.route is not None
    held: dict[str, int] = {}
    for deal in found.deals:
        for token, amount in deal.part.sold.items():
            held[token] = held.get(token, 0) + amount
    for deal in found.deals:
        for token, amount in deal.part.inside.items():
            held[token] -= amount
    assert {token: amount for token, amount in held.items() if amount} == found.route.sold
    brought = replay(found.route, POOLS, held)
    for token, amount in found.route.bought.items():
        weights = [deal.part.outside.get(token, 0) for deal in found.deals]
        assert brought[token] == amount == sum(weights)


def test_net__all_of_it_crosses__needs_no_pool():
    wishes = [wish("one", {"WETH": 90_000}, {"USDC": 90_000}), wish("two", {"USDC": 90_000}, {"WETH": 90_000})]
    found = net(wishes, market(), JOINT_GAS)
    assert found.route is None
    assert found.loss <= 2  # wei, that rounding takes
    assert [deal.ratio for deal in found.deals] == [WAD, WAD]


def test_net__nothing_connects_what_is_left__crosses_what_it_can():
    pools = (POOLS[0],)
    wishes = [
        wish("one", {"WETH": 90_000}, {"USDC": 90_000}, alone=None),
        wish("two", {"USDC": 60_000}, {"WETH": 40_000, "LINK": 20_000}, alone=None),
    ]
    found = net(wishes, market(pools=pools), JOINT_GAS)
    assert [deal.part.sold for deal in found.deals][1].keys() == {USDC}
    assert all(deal.value_in <= deal.value_out for deal in found.deals)


def test_net__given_the_other_way_round__is_the_same():
    def told(found: Netting) -> dict[str, object]:
        return {deal.vault: deal for deal in found.deals}

    assert told(net(crossing(), market(), JOINT_GAS)) == told(net(crossing()[::-1], market(), JOINT_GAS))


def test_net__vaults_floor_is_under_what_it_gets__holds_and_above_it_does_not():
    wishes = crossing()
    ratios = [deal.ratio for deal in net(wishes, market(), JOINT_GAS).deals]
    at_limit = [replace(wish, floor=ratio - WAD // 10**5) for wish, ratio in zip(wishes, ratios, strict=True)]
    assert all(
        deal.value_in * WAD >= deal.value_out * wish.floor
        for wish, deal in zip(at_limit, net(at_limit, market(), JOINT_GAS).deals, strict=True)
    )


def test_net__floor_is_over_what_crossing_brings__is_left_alone():
    wishes = [wish("one", {"WETH": 90_000}, {"USDC": 90_000}), wish("two", {"USDC": 90_000}, {"WETH": 90_000})]
    text = refusal([wishes[0], replace(wishes[1], floor=WAD * 1001 // 1000)])
    assert text == "vault two would get 100.0000%, its floor is 100.1000%"


def test_net__one_would_be_worse_off_than_alone__is_left_alone():
    """Both have routes alone that cost nothing."""
    free = [replace(wish, alone=replace(wish.alone, value_in=wish.alone.value_out)) for wish in crossing()]
    assert re.match(r"vault one would be worse off by \$\d", refusal(free))


def test_net__one_would_pay_more_than_alone__the_other_bears_it_where_it_gains_all_the_same():
    wishes = crossing()
    free = replace(wishes[0].alone, value_in=wishes[0].alone.value_out)
    found = net([replace(wishes[0], alone=free), wishes[1]], market(), JOINT_GAS)
    first, second = found.deals
    assert first.ratio > WAD * 999_998 // 10**6
    assert second.value_out - second.value_in < wishes[1].alone.value_out - wishes[1].alone.value_in


def test_net__nothing_crosses__is_left_alone_where_the_second_pays_for_the_firsts_impact():
    wishes = [wish("one", {"WETH": 225_000}, {"USDC": 225_000}), wish("two", {"WETH": 225_000}, {"USDC": 225_000})]
    assert "would be worse off by" in refusal(wishes)


def test_net__one_transaction_costs_more_gas_than_it_saves__is_left_alone():
    wishes = [wish("one", {"WETH": 90_000}, {"USDC": 90_000}), wish("two", {"USDC": 90_000}, {"WETH": 90_000})]
    with pytest.raises(NoRoute, match=r"^separate transactions are cheaper by \$"):
        net(wishes, market(), 50_000_000)


def test_net__oracles_differ_by_a_basis_point__takes_the_middle_and_judges_each_at_its_own():
    one, two = [wish("one", {"WETH": 90_000}, {"USDC": 90_000}), wish("two", {"USDC": 90_000}, {"WETH": 90_000})]
    apart = {**PRICES, WETH: PRICES[WETH] * 10_001 // 10_000}
    found = net([one, replace(two, prices=apart)], market(), JOINT_GAS)
    first, second = found.deals
    # At its own prices each gives and gets half a basis point more or less.
    assert first.ratio / WAD == pytest.approx(1.00005, abs=1e-6)
    assert second.ratio / WAD == pytest.approx(1.00005, abs=1e-6)
    further = {**PRICES, WETH: PRICES[WETH] * 10_002 // 10_000}
    assert refusal([one, replace(two, prices=further)]).startswith(f"the vaults' oracles differ on the price of {WETH}")


def test_net__oracles_differ_on_what_only_one_trades__does_not_matter():
    wishes = [wish("one", {"WETH": 90_000}, {"USDC": 90_000}), wish("two", {"USDC": 90_000}, {"WETH": 90_000})]
    assert net([wishes[0], replace(wishes[1], prices={**PRICES, LINK: 1})], market(), JOINT_GAS).route is None


def test_net__one_vault__has_nobody_to_trade_with():
    assert refusal(crossing()[:1]) == "one vault alone has nobody to trade with"


def test_net__one_has_no_part_in_it__says_which():
    wishes = [*crossing(), wish("three", {"UNI": 5_000}, {"AAVE": 5_000}, alone=None)]
    assert refusal(wishes) == "vault three would not trade"


@pytest.mark.parametrize("count", [3, 4])
def test_net__a_ring__crosses_around(count):
    names = ["WETH", "USDC", "WBTC", "LINK"][:count]
    wishes = [wish(f"v{at}", {name: 100_000}, {names[(at + 1) % count]: 100_000}) for at, name in enumerate(names)]
    found = net(wishes, market(), count * 450_000)
    assert found.route is None
    # Base units of WBTC are worth a few hundredths of a cent.
    assert abs(found.loss) < WAD // 100
    assert found.crossed / WAD == pytest.approx(count * 100_000, rel=1e-6)
