"""BatchExecutor.rebalance_many: what crosses, what is swapped, and who gets how much of it."""

from typing import Any

import pytest

from devnet.addresses import TOKENS, V3_FACTORY
from unit.batch_executor.conftest import ETHER, USDC, WBTC, WETH, Pair, deficit, orders_of, surplus, to_wbtc
from unit.world import FAR, WAD, ZERO, revert, undone


def moved(before: list[int], after: list[int]) -> list[int]:
    """Base units that came, by place in the basket."""
    return [new - old for old, new in zip(before, after, strict=True)]


def test_rebalance_many__two_that_cross__both_reach_their_targets_and_nothing_is_left(pair: Pair) -> None:
    before = [world.wallet(world.vault) for world in (pair.weth, pair.usdc)]
    orders = orders_of(pair)
    wanted = [deficit(pair.weth, WBTC), deficit(pair.usdc, WBTC)]

    receipt = pair.fill(orders, to_wbtc(pair))

    sold_weth, sold_usdc = orders[0][1][0][1], orders[1][1][0][1]
    inside_usdc, inside_weth = orders[0][2][0][2], orders[1][2][1][2]
    first, second = receipt.events.filter(pair.executor.Swap)
    assert first.amount_in == sold_usdc - inside_usdc
    assert second.amount_in == sold_weth - inside_weth + first.amount_out
    wbtc = second.amount_out * wanted[0] // sum(wanted)
    assert moved(before[0], pair.weth.wallet(pair.weth.vault)) == [inside_usdc, wbtc, -sold_weth]
    assert moved(before[1], pair.usdc.wallet(pair.usdc.vault)) == [-sold_usdc, second.amount_out - wbtc, inside_weth]
    assert pair.left() == {}
    for world, fill in zip((pair.weth, pair.usdc), receipt.return_value, strict=True):
        assert not world.rebalancer.is_open()
        (event,) = (
            log
            for log in receipt.events.filter(world.rebalancer.Rebalanced)
            if log.contract_address == world.rebalancer.address
        )
        assert (event.caller, event.executor) == (pair.executor, pair.executor)
        assert (fill.value_out, fill.value_in) == (event.value_out, event.value_in)
        assert fill.value_in > fill.value_out * 998 // 1000


def test_rebalance_many__nothing_to_swap__crosses_to_the_unit(pair: Pair) -> None:
    before = [world.wallet(world.vault) for world in (pair.weth, pair.usdc)]
    orders = [
        pair.order(pair.weth, {WETH: 10 * ETHER + 7}, {USDC: 30_000 * 10**6}),
        pair.order(pair.usdc, {USDC: 30_000 * 10**6}, {WETH: 10 * ETHER + 7}),
    ]
    pair.fill(orders)
    assert moved(before[0], pair.weth.wallet(pair.weth.vault)) == [30_000 * 10**6, 0, -10 * ETHER - 7]
    assert moved(before[1], pair.usdc.wallet(pair.usdc.vault)) == [-30_000 * 10**6, 0, 10 * ETHER + 7]


def test_rebalance_many__in_either_order__gives_the_same(pair: Pair) -> None:
    after = []
    for orders in (orders_of(pair), orders_of(pair)[::-1]):
        with undone(pair.weth.chain):
            pair.fill(orders, to_wbtc(pair))
            after.append([world.wallet(world.vault) for world in (pair.weth, pair.usdc)])
    # A unit of what the swaps brought is the last one's.
    for one, other in zip(*after, strict=True):
        assert (one[USDC], one[WETH]) == (other[USDC], other[WETH])
        assert abs(one[WBTC] - other[WBTC]) <= 1


def test_rebalance_many__one_alone__is_a_rebalance(pair: Pair) -> None:
    before = pair.weth.wallet(pair.weth.vault)
    receipt = pair.fill([pair.order(pair.weth, {WETH: ETHER}, {}, {USDC: 1})], [pair.swap("WETH", "USDC")])
    (swap,) = receipt.events.filter(pair.executor.Swap)
    assert moved(before, pair.weth.wallet(pair.weth.vault)) == [swap.amount_out, 0, -ETHER]


def test_rebalance_many__one_was_clamped__scales_all_and_gives_the_rest_back(pair: Pair) -> None:
    """Somebody filled part of the one's rebalance before: nobody gains by it, nobody loses."""
    orders = orders_of(pair)
    asked_weth, asked_usdc = orders[0][1][0][1], orders[1][1][0][1]
    inside_usdc, inside_weth = orders[0][2][0][2], orders[1][2][1][2]
    pair.fill([pair.order(pair.weth, {WETH: 3 * ETHER}, {}, {USDC: 1})], [pair.swap("WETH", "USDC")])
    before = [world.wallet(world.vault) for world in (pair.weth, pair.usdc)]
    brought = surplus(pair.weth, WETH)
    assert brought < asked_weth
    scale = brought * WAD // asked_weth

    receipt = pair.fill(orders, to_wbtc(pair))

    given_weth, given_usdc = -(-asked_weth * scale // WAD), -(-asked_usdc * scale // WAD)
    paid_usdc, paid_weth = inside_usdc * scale // WAD, inside_weth * scale // WAD
    first, second = receipt.events.filter(pair.executor.Swap)
    assert (first.amount_in, second.amount_in) == (given_usdc - paid_usdc, given_weth - paid_weth + first.amount_out)
    one, other = (
        moved(old, world.wallet(world.vault)) for old, world in zip(before, (pair.weth, pair.usdc), strict=True)
    )
    assert (one[USDC], one[WETH]) == (paid_usdc, -given_weth)
    assert (other[USDC], other[WETH]) == (-given_usdc, paid_weth)
    assert one[WBTC] + other[WBTC] == second.amount_out
    assert pair.left() == {}


def test_rebalance_many__more_is_there_of_it_than_asked__stays_in_the_vault(pair: Pair) -> None:
    before = pair.weth.wallet(pair.weth.vault)
    pair.market.box.give(TOKENS["WETH"].address, pair.weth.vault.address, ETHER)
    pair.fill([pair.order(pair.weth, {WETH: ETHER}, {}, {USDC: 1})], [pair.swap("WETH", "USDC")])
    assert pair.weth.wallet(pair.weth.vault)[WETH] == before[WETH]


def test_rebalance_many__the_swaps_leave_something__goes_back_by_what_each_gave(pair: Pair) -> None:
    before = [world.wallet(world.vault) for world in (pair.weth, pair.usdc)]
    orders = [
        pair.order(pair.weth, {WETH: 3 * ETHER}, {}, {USDC: 1}),
        pair.order(pair.usdc, {USDC: 1_500 * 10**6}, {WETH: ETHER // 2}),
    ]
    # USDC of the second go to the first as well, beside what half of the WETH brings; the other half comes back.
    receipt = pair.fill(orders, [pair.swap("WETH", "USDC", WAD // 2)])
    (swap,) = receipt.events.filter(pair.executor.Swap)
    assert swap.amount_in == (3 * ETHER - ETHER // 2) // 2
    one, other = (
        moved(old, world.wallet(world.vault)) for old, world in zip(before, (pair.weth, pair.usdc), strict=True)
    )
    assert one == [1_500 * 10**6 + swap.amount_out, 0, -swap.amount_in - ETHER // 2]
    assert other == [-1_500 * 10**6, 0, ETHER // 2]


def test_rebalance_many__two_sold_what_the_swaps_leave__share_it_by_what_they_gave(pair: Pair) -> None:
    """A vault of the same kind, given WETH too."""
    world = pair.weth
    twin = twin_of(pair)
    before = [each.wallet(each.vault) for each in (world, twin)]
    orders = [
        pair.order(world, {WETH: 2 * ETHER}, {}, {USDC: 2}),
        pair.order(twin, {WETH: ETHER + 1}, {}, {USDC: 1}),
    ]
    receipt = pair.fill(orders, [pair.swap("WETH", "USDC", WAD * 9 // 10)])
    (swap,) = receipt.events.filter(pair.executor.Swap)
    left = 3 * ETHER + 1 - swap.amount_in
    back = left * 2 * ETHER // (3 * ETHER + 1)
    bought = swap.amount_out * 2 // 3
    assert moved(before[0], world.wallet(world.vault)) == [bought, 0, back - 2 * ETHER]
    assert moved(before[1], twin.wallet(twin.vault)) == [swap.amount_out - bought, 0, left - back - ETHER - 1]
    assert pair.left() == {}


def test_rebalance_many__token_that_nobody_bought_comes_out__goes_to_the_owner(pair: Pair) -> None:
    operations = [pair.market.operation(1, "WETH", "DAI", 3000, WAD // 10_000), pair.swap("WETH", "USDC")]
    pair.fill([pair.order(pair.weth, {WETH: 10 * ETHER}, {}, {USDC: 1})], operations)
    assert pair.market.holdings(pair.executor) == {}
    assert pair.market.holdings(pair.weth.keeper).keys() == {"DAI"}


# --- each vault's own rules


def test_rebalance_many__plan_that_favours_the_other__is_refused_by_who_pays_for_it(pair: Pair) -> None:
    """At 9 USDC in 10 the first is under its bound; nothing happened to the second either."""
    orders = [
        pair.order(pair.weth, {WETH: 10 * ETHER}, {USDC: 27_000 * 10**6}),
        pair.order(pair.usdc, {USDC: 27_000 * 10**6}, {WETH: 10 * ETHER}),
    ]
    for given in (orders, orders[::-1]):
        with revert("rebalance: value short"):
            pair.fill(given)


@pytest.mark.parametrize("which", [0, 1])
def test_rebalance_many__a_unit_under_the_keepers_limit__reverts(pair: Pair, which: int) -> None:
    def orders(least: int) -> Any:
        limits = [{USDC: 30_000 * 10**6}, {WETH: 10 * ETHER}]
        limits[which] = {key: value + least for key, value in limits[which].items()}
        return [
            pair.order(pair.weth, {WETH: 10 * ETHER}, {USDC: 30_000 * 10**6}, least=limits[0]),
            pair.order(pair.usdc, {USDC: 30_000 * 10**6}, {WETH: 10 * ETHER}, least=limits[1]),
        ]

    with undone(pair.weth.chain), revert("rebalance: bought too little"):
        pair.fill(orders(1))
    pair.fill(orders(0))


def test_rebalance_many__one_is_paused__nothing_happens_to_the_other(pair: Pair) -> None:
    pair.usdc.vault.pause(sender=pair.usdc.guardian)
    with revert("vault: paused"):
        pair.fill(orders_of(pair), to_wbtc(pair))


def test_rebalance_many__past_its_deadline__reverts(pair: Pair) -> None:
    now = pair.weth.chain.pending_timestamp + 10
    pair.weth.at(now)
    with revert("vault: expired"):
        pair.executor.rebalance_many(orders_of(pair), to_wbtc(pair), now - 1, sender=pair.weth.keeper)
    assert now < FAR


def test_rebalance_many__all_of_the_surplus_asked_for__brings_no_part_of_it_and_reverts(pair: Pair) -> None:
    """An amount without end cannot be scaled by."""
    with revert("rebalance: drift did not fall"):
        pair.fill([pair.order(pair.weth, {WETH: 2**256 - 1}, {}, {USDC: 1})], [pair.swap("WETH", "USDC")])


# --- who, and what it is told


@pytest.mark.parametrize("role", ["attacker", "owner", "deployer"])
def test_rebalance_many__by_anybody_but_the_owner__reverts(pair: Pair, role: str) -> None:
    with revert("ownable: caller is not the owner"):
        pair.fill(orders_of(pair), to_wbtc(pair), sender=getattr(pair.weth, role))


def test_rebalance_many__without_a_vault__reverts(pair: Pair) -> None:
    with revert("batch: no vault"):
        pair.fill([])


def test_rebalance_many__a_vault_twice__reverts(pair: Pair) -> None:
    one, other = orders_of(pair)
    for orders in ([one, one], [one, other, one]):
        with revert("batch: vault named twice"):
            pair.fill(orders, to_wbtc(pair))


def test_rebalance_many__operation_on_an_aggregator__reverts(pair: Pair) -> None:
    _, pool, *rest = pair.swap("WETH", "USDC")
    with revert("executor: unknown venue"):
        pair.fill([pair.order(pair.weth, {WETH: ETHER}, {}, {USDC: 1})], [(64, pool, *rest)])


def test_rebalance_many__done__nobody_may_take_from_it_and_it_can_be_used_again(pair: Pair) -> None:
    for _ in range(2):
        orders = [
            pair.order(pair.weth, {WETH: ETHER}, {}, {USDC: 1}),
            pair.order(pair.usdc, {USDC: 3_000 * 10**6}, {}, {WBTC: 1}),
        ]
        operations = [pair.swap("USDC", "WETH"), pair.swap("WETH", "WBTC", WAD // 2), pair.swap("WETH", "USDC")]
        pair.fill(orders, operations)
        assert pair.left() == {}
        for token in pair.weth.tokens:
            for spender in (pair.weth.vault, pair.usdc.vault, *(operation[1] for operation in operations)):
                assert token.allowance(pair.executor, spender) == 0


def test_sweep__something_there__goes_to_the_owner_alone(pair: Pair) -> None:
    weth = TOKENS["WETH"].address
    pair.market.box.give(weth, pair.executor.address, 12_345)
    with revert("ownable: caller is not the owner"):
        pair.executor.sweep(weth, sender=pair.weth.attacker)
    pair.executor.sweep(weth, sender=pair.weth.keeper)
    assert pair.market.holdings(pair.executor) == {}
    assert pair.market.holdings(pair.weth.keeper) == {"WETH": 12_345}


def test_constructor__without_owner_or_factory__reverts(pair: Pair) -> None:
    world = pair.weth
    with revert("executor: no owner"):
        world.deployer.deploy(world.project.BatchExecutor, ZERO, V3_FACTORY)
    with revert("uniswap: no factory"):
        world.deployer.deploy(world.project.BatchExecutor, world.keeper, ZERO)


def twin_of(pair: Pair) -> Any:
    """Another vault in the state of the first."""
    world = pair.weth.with_vault()
    amounts = list(world.vault.preview_mint(20_000 * WAD))
    for token, amount in zip(world.tokens, amounts, strict=True):
        pair.market.box.give(token.address, world.depositor.address, amount)
        token.approve(world.vault, amount, sender=world.depositor)
    world.vault.mint(20_000 * WAD, world.depositor, amounts, FAR, sender=world.depositor)
    world.wait(world.terms.cooldown + world.terms.duration)
    pair.market.box.give(TOKENS["WETH"].address, world.vault.address, 100 * ETHER)
    for each in (pair.weth, world):
        each.vault.open_rebalance(sender=each.stranger)
    world.pass_to(world.rebalancer.opened_at() + world.terms.duration - 600)
    return world
