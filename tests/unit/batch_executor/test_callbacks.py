"""BatchExecutor's callbacks, and what a contract that poses as a vault among the orders can and cannot do."""

from typing import Any

import pytest

from devnet.addresses import TOKENS
from unit.batch_executor.conftest import ETHER, USDC, WETH, Pair
from unit.world import FAR, revert, step


def crossing(pair: Pair, fake: Any, *, first: bool = False, paid: int = 30_000 * 10**6) -> list[Any]:
    """The real vault sells 10 WETH for the USDC of the fake one."""
    real = pair.order(pair.weth, {WETH: 10 * ETHER}, {USDC: paid})
    false = pair.order(pair.weth, {USDC: 30_000 * 10**6}, {WETH: 10 * ETHER}, vault=fake)
    return [false, real] if first else [real, false]


def test_on_rebalance__by_anybody__reverts(pair: Pair) -> None:
    world = pair.weth
    for who in (world.attacker, world.keeper):
        for initiator in (who, pair.executor):
            with revert("batch: not the vault's turn"):
                pair.executor.on_rebalance(initiator, [], b"", sender=who)


def test_on_rebalance__vault_started_by_somebody_else__reverts(pair: Pair) -> None:
    world = pair.weth
    with revert("batch: not the vault's turn"):
        world.vault.rebalance(world.legs({WETH: ETHER}), [], pair.executor, b"", FAR, sender=world.attacker)


@pytest.mark.parametrize("first", [True, False])
def test_on_rebalance__for_another_caller__reverts(pair: Pair, first: bool) -> None:
    fake = pair.scripted(pair.calls_back(initiator=pair.weth.attacker.address))
    with revert("script: step failed"):
        pair.fill(crossing(pair, fake, first=first))


@pytest.mark.parametrize("first", [True, False])
def test_on_rebalance__never_made__reverts(pair: Pair, first: bool) -> None:
    """Or the real vault's WETH would stay behind."""
    with revert("batch: not called back"):
        pair.fill(crossing(pair, pair.scripted(), first=first))


@pytest.mark.parametrize("first", [True, False])
def test_on_rebalance__made_twice__counts_once(pair: Pair, first: bool) -> None:
    world = pair.weth
    fake = pair.scripted()
    steps = [pair.pays("USDC", 30_000 * 10**6, fake), pair.calls_back(), pair.calls_back(may_fail=True)]
    fake.add_steps(steps, sender=world.attacker)
    before = world.wallet(world.vault)
    pair.fill(crossing(pair, fake, first=first))
    assert [fake.succeeded(i) for i in range(3)] == [True, True, False]
    assert world.wallet(world.vault)[USDC] == before[USDC] + 30_000 * 10**6
    assert pair.market.holdings(fake) == {"WETH": 10 * ETHER}


def test_on_rebalance__out_of_turn__reverts(pair: Pair) -> None:
    """The second calls back while the first is asked, and again when it is its turn."""
    world = pair.weth
    late = pair.scripted()
    late.add_steps([pair.pays("USDC", 30_000 * 10**6, late), pair.calls_back()], sender=world.attacker)
    early = step(late.rebalance, [], [], world.attacker.address, b"", FAR, may_fail=True)
    first = pair.scripted(early, pair.calls_back())
    orders = [pair.order(world, {}, {}, vault=first), *crossing(pair, late)]
    pair.fill(orders)
    assert [first.succeeded(i) for i in range(2)] == [False, True]


def test_on_rebalance__failed_inside_and_swallowed__nothing_goes_through(pair: Pair) -> None:
    """A vault before the real one cannot drop it and go on with what is here."""
    world = pair.weth
    fake = pair.scripted(pair.calls_back(may_fail=True))
    orders = [pair.order(world, {}, {WETH: ETHER}, vault=fake), pair.order(world, {WETH: ETHER}, {}, least={USDC: 1})]
    with revert("batch: not called back"):
        pair.fill(orders)


def test_on_rebalance__what_it_says_it_sold__counts_for_nothing(pair: Pair) -> None:
    """It brings half and says it was all: both trade half, the real one at the same terms."""
    world = pair.weth
    fake = pair.scripted()
    sold = [(TOKENS["USDC"].address, 30_000 * 10**6)]
    fake.add_steps(
        [pair.pays("USDC", 15_000 * 10**6, fake), pair.calls_back(sold=sold, data=b"\1" * 64)], sender=world.attacker
    )
    before = world.wallet(world.vault)
    pair.fill(crossing(pair, fake))
    now = world.wallet(world.vault)
    assert (now[USDC] - before[USDC], now[WETH] - before[WETH]) == (15_000 * 10**6, -5 * ETHER)
    assert pair.market.holdings(fake) == {"WETH": 5 * ETHER}


def test_on_rebalance__brings_nothing__real_vault_keeps_all(pair: Pair) -> None:
    fake = pair.scripted(pair.calls_back())
    with revert("rebalance: drift did not fall"):
        pair.fill(crossing(pair, fake))


@pytest.mark.parametrize(("first", "reason"), [(True, "script: step failed"), (False, "rebalance: drift did not fall")])
def test_on_rebalance__brings_nothing_while_a_strangers_tokens_are_here__are_not_counted_as_its_own(
    pair: Pair, first: bool, reason: str
) -> None:
    """The real vault's refusal comes through the fake one, where that is the first."""
    pair.market.box.give(TOKENS["USDC"].address, pair.executor.address, 30_000 * 10**6)
    with revert(reason):
        pair.fill(crossing(pair, pair.scripted(pair.calls_back()), first=first))


def test_on_rebalance__sells_the_same_token_as_the_one_before__counts_what_it_brought_alone(pair: Pair) -> None:
    fake = pair.scripted(pair.calls_back())
    orders = [
        pair.order(pair.weth, {WETH: 10 * ETHER}, {}, {USDC: 1}),
        pair.order(pair.weth, {WETH: 10 * ETHER}, {}, {USDC: 1}, vault=fake),
    ]
    with revert("rebalance: drift did not fall"):
        pair.fill(orders, [pair.swap("WETH", "USDC")])


def test_on_rebalance__brings_too_little_of_one_of_two_tokens__scales_by_the_least(pair: Pair) -> None:
    world = pair.weth
    fake = pair.scripted()
    steps = [pair.pays("USDC", 30_000 * 10**6, fake), pair.pays("WBTC", 3 * 10**7, fake), pair.calls_back()]
    fake.add_steps(steps, sender=world.attacker)
    orders = [
        pair.order(world, {WETH: 10 * ETHER}, {USDC: 30_000 * 10**6}),
        pair.order(world, {USDC: 30_000 * 10**6, 1: 4 * 10**7}, {WETH: 10 * ETHER}, vault=fake),
    ]
    before = world.wallet(world.vault)
    pair.fill(orders)
    assert world.wallet(world.vault)[USDC] == before[USDC] + 22_500 * 10**6
    # Of the other 7,500 USDC, and of what nobody bought, nothing is anybody else's.
    assert pair.market.holdings(fake) == {"USDC": 7_500 * 10**6, "WBTC": 3 * 10**7, "WETH": 75 * ETHER // 10}
    assert pair.left() == {}


def test_on_rebalance__reaches_for_what_is_here__gets_none_of_it(pair: Pair) -> None:
    """In the middle the real vault's WETH are in the executor. Whatever the fake one calls, it gets what the plan says."""
    world, executor = pair.weth, pair.executor
    fake = pair.scripted()
    weth = world.tokens[WETH]
    reaching = [
        step(weth.transferFrom, executor.address, fake.address, ETHER, may_fail=True),
        step(executor.sweep, weth.address, may_fail=True),
        step(executor.rebalance_many, [], [], FAR, may_fail=True),
        step(executor.uniswapV3SwapCallback, 10**18, -1, b"", may_fail=True),
        step(executor.transfer_ownership, fake.address, may_fail=True),
        step(world.vault.redeem, 1, fake.address, [0] * 3, FAR, may_fail=True),
        step(world.vault.rebalance, [], [], fake.address, b"", FAR, may_fail=True),
        pair.calls_back(may_fail=True, initiator=fake.address),
    ]
    steps = [*reaching, pair.pays("USDC", 30_000 * 10**6, fake), pair.calls_back(), *reaching]
    fake.add_steps(steps, sender=world.attacker)
    before = world.wallet(world.vault)
    pair.fill(crossing(pair, fake))
    assert [i for i in range(len(steps)) if fake.succeeded(i)] == [8, 9]
    assert pair.market.holdings(fake) == {"WETH": 10 * ETHER}
    assert world.wallet(world.vault)[USDC] == before[USDC] + 30_000 * 10**6
    assert pair.left() == {}


def test_on_rebalance__vault_reads_another_one_in_flight__reverts(pair: Pair) -> None:
    """As a vault would that priced the other's shares by its views."""
    fake = pair.scripted(step(pair.weth.vault.nav), pair.calls_back())
    with revert("script: step failed"):
        pair.fill(crossing(pair, fake))
    pair.fill([crossing(pair, fake)[0], pair.order(pair.usdc, {USDC: 30_000 * 10**6}, {WETH: 10 * ETHER})])


@pytest.mark.parametrize("amounts", [(1, -1), (-1, 1), (0, 0)])
def test_uniswapV3SwapCallback__by_anybody__reverts(pair: Pair, amounts: tuple[int, int]) -> None:
    pair.market.box.give(TOKENS["USDC"].address, pair.executor.address, 10**6)
    for who in (pair.weth.attacker, pair.weth.keeper):
        with revert("uniswap: not the pool"):
            pair.executor.uniswapV3SwapCallback(*amounts, b"", sender=who)
