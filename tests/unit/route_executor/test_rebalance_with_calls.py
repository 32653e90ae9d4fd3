"""RouteExecutor.rebalance_with_calls: aggregators among the venues, honest ones, real ones and hostile ones."""

from collections.abc import Sequence
from typing import Any

import pytest
from eth_abi.abi import decode

from devnet.addresses import AAVE_POOL, BALANCER_VAULT, TOKENS, V2_ROUTER, V3_ROUTER
from devnet.box import calldata
from unit import reference
from unit.route_executor.conftest import AGGREGATOR, ETHER, NO_LOAN, USDC, V2, V3, WBTC, WETH, Market
from unit.world import ALL, FAR, WAD, ZERO, revert, step, undone

BALANCER_V2 = 2  # IRouteExecutor.Lender
V3_SWAP = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
V2_SWAP = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
LONGEST = 6144  # bytes of calldata

Call = tuple[int, bytes]


def operation(target: Any, number: int = 0, token_in: str = "WETH", token_out: str = "USDC", share: int = WAD) -> Any:
    """IRouteExecutor.Operation on an aggregator."""
    address = getattr(target, "address", target)
    return AGGREGATOR, address, TOKENS[token_in].address, TOKENS[token_out].address, number, share


def pin(market: Market, target: Any, data: bytes, spender: Any = None) -> None:
    """Let the executor call the function that `data` starts with."""
    market.executor.set_aggregator(target, data[:4], spender or target, sender=market.world.keeper)


def v3_swap(
    market: Market, amount: int, token_in: str = "WETH", token_out: str = "USDC", fee: int = 500, receiver: Any = None
) -> bytes:
    """Calldata for Uniswap's V3 router, pinned: what it takes and from whom it takes it is in its own hands."""
    tokens = TOKENS[token_in].address, TOKENS[token_out].address
    receiver = getattr(receiver or market.executor, "address", receiver)
    data = calldata(V3_SWAP, (*tokens, fee, receiver, FAR, amount, 0, 0))
    pin(market, V3_ROUTER, data)
    return data


def v2_swap(market: Market, amount: int, token_in: str = "WETH", token_out: str = "USDC") -> bytes:
    """Calldata for Uniswap's V2 router, pinned."""
    path = [TOKENS[token_in].address, TOKENS[token_out].address]
    data = calldata(V2_SWAP, amount, 0, path, market.executor.address, FAR)
    pin(market, V2_ROUTER, data)
    return data


def one(market: Market, call: Call, target: str = V3_ROUTER, sells: int = ETHER, **changes: Any) -> Any:
    """Sell WETH for USDC by one call; the receipt."""
    return market.rebalance_with_calls({WETH: sells}, [operation(target)], {USDC: 0}, [call], **changes)


def assert_clean(market: Market, receipt: Any) -> None:
    """Nobody may take from the executor, and neither it nor the keeper has anything of the route."""
    market.approvals(receipt)
    assert market.holdings(market.executor) == market.holdings(market.world.keeper) == {}


# --- real ones


@pytest.mark.parametrize(("target", "swap"), [(V3_ROUTER, v3_swap), (V2_ROUTER, v2_swap)], ids=["V3", "V2"])
def test_rebalance_with_calls__real_router__fills_and_leaves_no_allowance(
    market: Market, target: str, swap: Any
) -> None:
    world = market.world
    held = world.wallet(world.vault)
    receipt = one(market, (2_980 * 10**6, swap(market, ETHER)), target)
    done = receipt.events.filter(market.executor.Swap)[0]
    now = world.wallet(world.vault)
    assert (done.pool, done.amount_in, done.amount_out) == (target, ETHER, now[USDC] - held[USDC])
    assert held[WETH] - now[WETH] == ETHER
    assert market.approvals(receipt) == {(TOKENS["WETH"].address, target): [ETHER]}
    assert_clean(market, receipt)
    event = receipt.events.filter(world.rebalancer.Rebalanced)[0]
    assert tuple(receipt.return_value) == (event.value_out, event.value_in)


def test_rebalance_with_calls__two_hops_and_pools_between__fill_together(market: Market) -> None:
    # USDT would refuse a second allowance on top of one that is left.
    calls = [(0, v3_swap(market, 2 * ETHER, "WETH", "USDT")), (0, v3_swap(market, 5_000 * 10**6, "USDT", "USDC", 100))]
    operations = [
        operation(V3_ROUTER, 0, "WETH", "USDT"),
        operation(V3_ROUTER, 1, "USDT", "USDC"),
        market.operation(V3, "USDT", "USDC", 100),
        market.operation(V2, "WETH", "USDC", 3000),
    ]
    for _ in range(2):
        receipt = market.rebalance_with_calls({WETH: 3 * ETHER}, operations, {USDC: 8_800 * 10**6}, calls)
        first, second, third, last = receipt.events.filter(market.executor.Swap)
        assert second.amount_in == 5_000 * 10**6
        assert third.amount_in == first.amount_out - second.amount_in
        assert (first.amount_in, last.amount_in) == (2 * ETHER, ETHER)
        assert market.approvals(receipt)[TOKENS["USDT"].address, V3_ROUTER] == [first.amount_out, 0]
    assert_clean(market, receipt)


def test_rebalance_with_calls__four_of_the_longest__fill(market: Market) -> None:
    calls = [(0, v3_swap(market, ETHER + number).ljust(LONGEST, b"\0")) for number in range(4)]
    operations = [operation(V3_ROUTER, number) for number in reversed(range(4))]
    receipt = market.rebalance_with_calls({WETH: 4 * ETHER + 6}, operations, {USDC: 11_900 * 10**6}, calls)
    swaps = receipt.events.filter(market.executor.Swap)
    assert [swap.amount_in - ETHER for swap in swaps] == [3, 2, 1, 0]
    assert_clean(market, receipt)
    for too_much in ([*calls, calls[0]], [(0, calls[0][1] + b"\0")]):
        with undone(market.world.chain), pytest.raises(Exception, match="Transaction failed"):
            market.rebalance_with_calls({WETH: ETHER}, operations, {USDC: 0}, too_much)


def test_rebalance_with_calls__with_a_loan__calls_before_and_after_the_vault(market: Market) -> None:
    world = market.world
    buying = operation(V3_ROUTER, 0, "USDT", "USDC")
    repaying = operation(V3_ROUTER, 1, "WETH", "USDT")
    receipt = market.rebalance_with_calls(
        {WETH: 2 * ETHER},
        [buying, repaying, market.operation(V3, "USDC", "USDT", 100)],
        {USDC: ALL},
        [(5_990 * 10**6, v3_swap(market, 6_000 * 10**6, "USDT", "USDC", 100)), (0, v3_swap(market, 2 * ETHER, "WETH", "USDT"))],
        (BALANCER_VAULT, BALANCER_V2, TOKENS["USDT"].address, 6_000 * 10**6, 1, 1),
    )  # fmt: skip
    market.approvals(receipt)
    assert market.holdings(market.executor) == {}
    assert market.holdings(world.keeper).keys() == {"USDT"}
    assert len(list(receipt.events.filter(market.executor.FlashLoan))) == 1
    event = receipt.events.filter(world.rebalancer.Rebalanced)[0]
    assert int(event.executor, 16) == 0
    assert tuple(receipt.return_value) == (event.value_out, event.value_in)


@pytest.mark.parametrize("role", ["attacker", "owner", "deployer"])
def test_rebalance_with_calls__by_anybody_but_the_owner__reverts(market: Market, role: str) -> None:
    call = (0, v3_swap(market, ETHER))
    with revert("ownable: caller is not the owner"):
        one(market, call, sender=getattr(market.world, role))


def test_rebalance_with_calls__no_operations__calls_nobody(market: Market, false_vault: Any) -> None:
    call = 0, v3_swap(market, ETHER)
    fill = false_vault, [], [], [], FAR, NO_LOAN, [call]
    receipt = market.executor.rebalance_with_calls(*fill, sender=market.world.keeper)
    assert tuple(receipt.return_value) == (1, 2)
    assert not receipt.events.filter(market.executor.Swap)


# --- what is sold stands in the calldata, what is here may be less or more


def test_rebalance_with_calls__overtaken_and_clamped_under_the_calldatas_amount__reverts(market: Market) -> None:
    world = market.world
    rest = market.operation(V3, "WETH", "WBTC", 500)
    market.rebalance(
        {WETH: 45 * ETHER}, [market.operation(V3, "WETH", "USDC", 500, WAD * 2 // 3), rest], {USDC: 0, WBTC: 0}
    )
    left = reference.surplus(world.basket(), WETH)
    assert left < 38 * ETHER
    fill = {WETH: 75 * ETHER}, [operation(V3_ROUTER), rest], {USDC: 0, WBTC: 0}
    with undone(world.chain), revert("aggregator: call failed"):
        market.rebalance_with_calls(*fill, [(0, v3_swap(market, 38 * ETHER))])
    receipt = market.rebalance_with_calls(*fill, [(0, v3_swap(market, left * 2 // 3))])
    assert [swap.amount_in for swap in receipt.events.filter(market.executor.Swap)] == [
        left * 2 // 3,
        left - left * 2 // 3,
    ]


def test_rebalance_with_calls__calldata_under_what_is_there__rest_goes_on_or_back(market: Market) -> None:
    """How a keeper sells so that an overtaken fill still settles."""
    world = market.world
    held = world.wallet(world.vault)[WETH]
    calls = [(0, v3_swap(market, 9 * ETHER))]
    receipt = market.rebalance_with_calls(
        {WETH: 10 * ETHER}, [operation(V3_ROUTER), market.operation(V2, "WETH", "USDC", 3000, WAD // 2)], {USDC: 0}, calls
    )  # fmt: skip
    first, second = receipt.events.filter(market.executor.Swap)
    assert (first.amount_in, second.amount_in) == (9 * ETHER, ETHER // 2)
    assert held - world.wallet(world.vault)[WETH] == 9 * ETHER + ETHER // 2
    assert market.approvals(receipt) == {(TOKENS["WETH"].address, V3_ROUTER): [10 * ETHER, 0]}
    assert_clean(market, receipt)


def test_rebalance_with_calls__calldata_over_its_share__reverts(market: Market) -> None:
    """The allowance is the share of the operation, not what is here."""
    operations = [operation(V3_ROUTER, share=WAD // 2), market.operation(V3, "WETH", "USDC", 500)]
    for amount in (ETHER // 2 + 1, ETHER // 2):
        calls = [(0, v3_swap(market, amount))]
        if amount > ETHER // 2:
            with revert("aggregator: call failed"):
                market.rebalance_with_calls({WETH: ETHER}, operations, {USDC: 0}, calls)
        else:
            market.rebalance_with_calls({WETH: ETHER}, operations, {USDC: 0}, calls)


def test_rebalance_with_calls__clamping_left_nothing_to_sell__is_passed_over(market: Market) -> None:
    operations = [operation(V3_ROUTER, 0, "WBTC"), market.operation(V3, "WETH", "USDC", 500)]
    receipt = market.rebalance_with_calls(
        {WBTC: 10**8, WETH: ETHER}, operations, {USDC: 0}, [(1, v3_swap(market, 10**8, "WBTC"))]
    )
    assert [swap.token_in for swap in receipt.events.filter(market.executor.Swap)] == [TOKENS["WETH"].address]


# --- what comes out


def test_rebalance_with_calls__a_unit_less_than_its_least__reverts(market: Market) -> None:
    data = v3_swap(market, ETHER)
    with undone(market.world.chain):
        brought = one(market, (0, data)).events.filter(market.executor.Swap)[0].amount_out
    with undone(market.world.chain), revert("executor: too little out"):
        one(market, (brought + 1, data))
    one(market, (brought, data))


def test_rebalance_with_calls__calldata_pays_somebody_else__reverts(market: Market) -> None:
    data = v3_swap(market, ETHER, receiver=market.world.attacker.address)
    with undone(market.world.chain), revert("executor: too little out"):
        one(market, (1, data))
    # Without a least amount the vault is there still.
    with revert("rebalance: value short"):
        one(market, (0, data))


# --- what may be called


@pytest.mark.parametrize("number", [1, 10**6 - 1])
def test_rebalance_with_calls__number_without_a_call__reverts(market: Market, number: int) -> None:
    with revert("aggregator: no such call"):
        market.rebalance_with_calls(
            {WETH: ETHER}, [operation(V3_ROUTER, number)], {USDC: 0}, [(0, v3_swap(market, ETHER))]
        )


def test_rebalance__on_an_aggregator_without_calls__reverts(market: Market) -> None:
    v3_swap(market, ETHER)
    with revert("aggregator: no such call"):
        market.rebalance({WETH: ETHER}, [operation(V3_ROUTER)], {USDC: 0})


@pytest.mark.parametrize("change", ["another target", "another function", "three bytes", "no bytes", "no more"])
def test_rebalance_with_calls__not_pinned__reverts(market: Market, change: str) -> None:
    data, target = v3_swap(market, ETHER), V3_ROUTER
    if change == "another target":
        target = V2_ROUTER
    elif change == "another function":
        data = calldata("sweepToken(address,uint256,address)", TOKENS["WETH"].address, 0, market.world.attacker.address)
    elif change == "no more":
        market.executor.set_aggregator(V3_ROUTER, data[:4], ZERO, sender=market.world.keeper)
    else:
        data = data[: 3 if change == "three bytes" else 0]
    with revert("aggregator: not pinned"):
        one(market, (0, data), target)


@pytest.mark.parametrize("target", ["the vault", "WETH", "USDC", "WBTC", "DAI", "USDT"])
def test_rebalance_with_calls__target_in_play__reverts(market: Market, hostile: Any, target: str) -> None:
    """One that became a token, or a vault, after it was pinned: sold, bought, of the basket alone, in between, borrowed."""
    provider = market.world.chain.provider
    address = market.world.vault.address if target == "the vault" else TOKENS[target].address
    code, data = provider.get_code(address), calldata("swap()")
    provider.set_code(address, provider.get_code(hostile.address))
    pin(market, address, data)
    provider.set_code(address, code)
    operations = [market.operation(V2, "WETH", "DAI", 3000), market.operation(V3, "DAI", "USDC", 100)]
    loan = (BALANCER_VAULT, BALANCER_V2, TOKENS["USDT"].address, 1, 0, 0) if target == "USDT" else NO_LOAN
    with revert("executor: target in play"):
        market.rebalance_with_calls({WETH: ETHER}, [*operations, operation(address)], {USDC: 0}, [(0, data)], loan)


def test_rebalance_with_calls__done__calls_are_forgotten(market: Market, hostile: Any) -> None:
    """An owner that is a contract rebalances again in the same transaction: no target of it was checked."""
    world, executor = market.world, market.executor
    data = v3_swap(market, ETHER)
    executor.transfer_ownership(hostile, sender=world.keeper)
    hostile.call(executor, executor.accept_ownership.encode_input(), sender=world.stranger)
    fill = world.vault, world.legs({WETH: ETHER}), world.legs({USDC: 0}), [operation(V3_ROUTER)], FAR
    world.script(
        step(executor.rebalance_with_calls, *fill, NO_LOAN, [(0, data)]),
        step(executor.rebalance, *fill, may_fail=True),
        executor=hostile,
    )
    hostile.run(sender=world.stranger)
    assert not hostile.outcomes(1).succeeded
    assert decode(["string"], bytes(hostile.outcomes(1).response)[4:]) == ("aggregator: no such call",)


# --- hostile ones


@pytest.fixture
def hostile(market: Market) -> Any:
    """A contract that does whatever it is told, pinned with its function that does so."""
    contract = market.world.deployer.deploy(market.world.project.ScriptedExecutor)
    pin(market, contract, calldata("run()"))
    return contract


def transfer(token: str, receiver: Any, amount: int) -> tuple[str, bytes, bool]:
    """A step of a script."""
    return TOKENS[token].address, calldata("transfer(address,uint256)", receiver.address, amount), False


def take(token: str, owner: Any, receiver: Any, amount: int, may_fail: bool = False) -> tuple[str, bytes, bool]:
    """A step that uses an allowance."""
    data = calldata("transferFrom(address,address,uint256)", owner.address, receiver.address, amount)
    return TOKENS[token].address, data, may_fail


def run(
    market: Market, hostile: Any, *steps: Any, operations: Sequence[Any] = (), least: int = 0, sells: int = ETHER
) -> Any:
    """Sell WETH for USDC by what the script does; the receipt."""
    market.world.script(*steps, executor=hostile)
    return market.rebalance_with_calls(
        {WETH: sells}, [*operations, operation(hostile)], {USDC: 0}, [(least, calldata("run()"))]
    )


def test_rebalance_with_calls__spender_of_its_own__it_alone_may_take_and_no_more_after(
    market: Market, hostile: Any
) -> None:
    """As 0x and Velora have it: one contract is called, another one takes."""
    world, weth = market.world, TOKENS["WETH"].address
    purse = world.deployer.deploy(world.project.ScriptedExecutor)
    pin(market, hostile, calldata("run()"), purse)
    market.box.give(TOKENS["USDC"].address, purse.address, 3_000 * 10**6)
    _, taking, _ = take("WETH", market.executor, purse, ETHER // 2)
    _, paying, _ = transfer("USDC", market.executor, 3_000 * 10**6)
    receipt = run(
        market,
        hostile,
        take("WETH", market.executor, hostile, 1, may_fail=True),
        step(purse.call, weth, taking),
        step(purse.call, TOKENS["USDC"].address, paying),
        least=3_000 * 10**6,
    )
    assert not hostile.outcomes(0).succeeded
    assert market.approvals(receipt) == {(weth, purse.address): [ETHER, 0]}
    market.box.give(weth, market.executor.address, ETHER)
    for who in (purse, hostile):
        _, data, _ = take("WETH", market.executor, who, 1)
        with pytest.raises(Exception, match="Transaction failed"):
            who.call(weth, data, sender=world.attacker)


def test_rebalance_with_calls__takes_all_and_gives_nothing__reverts(market: Market, hostile: Any) -> None:
    stolen = take("WETH", market.executor, hostile, ETHER)
    with undone(market.world.chain), revert("executor: too little out"):
        run(market, hostile, stolen, least=1)
    with revert("rebalance: value short"):
        run(market, hostile, stolen)


def test_rebalance_with_calls__reaches_for_everything_else__gets_none_of_it(market: Market, hostile: Any) -> None:
    """What others allowed the executor or a router, what the executor has beside the share, the vault, the executor itself."""
    world, executor = market.world, market.executor
    victim, usdc = world.depositor, TOKENS["USDC"].address
    market.box.give(usdc, victim.address, 10**9)
    for spender in (executor.address, V3_ROUTER):
        market.box.send(victim.address, usdc, "approve(address,uint256)", spender, ALL)
    market.box.give(usdc, hostile.address, 3_000 * 10**6)
    flash = calldata("flashLoan(address,address[],uint256[],bytes)", executor.address, [usdc], [1], b"")
    flash_simple = calldata("flashLoanSimple(address,address,uint256,bytes,uint16)", executor.address, usdc, 1, b"", 0)
    legs = world.legs({WETH: ETHER})
    routed = calldata(V3_SWAP, (usdc, TOKENS["WETH"].address, 500, hostile.address, FAR, 10**6, 0, 0))
    attacks = [
        take("USDC", victim, hostile, 1, may_fail=True),
        take("USDC", executor, hostile, 1, may_fail=True),
        take("USDC", world.vault, hostile, 1, may_fail=True),
        take("WETH", world.vault, hostile, 1, may_fail=True),
        take("WETH", executor, hostile, ETHER + 1, may_fail=True),
        (V3_ROUTER, routed, True),
        (BALANCER_VAULT, flash, True),
        (AAVE_POOL, flash_simple, True),
        step(executor.sweep, TOKENS["WETH"].address, may_fail=True),
        step(executor.set_aggregator, hostile, b"\1\2\3\4", hostile, may_fail=True),
        step(executor.rebalance, world.vault, legs, [], [], FAR, may_fail=True),
        step(executor.on_rebalance, executor, [], b"", may_fail=True),
        step(executor.uniswapV3SwapCallback, 1, -1, b"", may_fail=True),
        step(executor.onFlashLoan, executor, usdc, 1, 0, b"", may_fail=True),
        step(world.vault.rebalance, legs, [], hostile, b"", FAR, may_fail=True),
        step(world.vault.redeem, 1, hostile, [0] * 3, FAR, may_fail=True),
    ]
    honest = [take("WETH", executor, hostile, ETHER // 2), transfer("USDC", executor, 3_000 * 10**6)]
    held = world.wallet(victim)

    receipt = run(
        market,
        hostile,
        *attacks,
        *honest,
        operations=[market.operation(V3, "WETH", "USDC", 500, WAD // 2)],
        sells=2 * ETHER,
        least=3_000 * 10**6,
    )

    assert [hostile.outcomes(index).succeeded for index in range(len(attacks))] == [False] * len(attacks)
    assert world.wallet(victim) == held
    assert market.box.balance(usdc, hostile.address) == 0
    assert market.box.balance(TOKENS["WETH"].address, hostile.address) == ETHER // 2
    assert_clean(market, receipt)


def test_rebalance_with_calls__victim_allowed_the_router__only_the_executor_pays(market: Market) -> None:
    world, weth = market.world, TOKENS["WETH"].address
    market.box.give(weth, world.stranger.address, 10 * ETHER)
    market.box.send(world.stranger.address, weth, "approve(address,uint256)", V3_ROUTER, ALL)
    with undone(world.chain), revert("aggregator: call failed"):
        one(market, (0, v3_swap(market, ETHER + 1)))
    one(market, (0, v3_swap(market, ETHER)))
    assert market.box.balance(weth, world.stranger.address) == 10 * ETHER
