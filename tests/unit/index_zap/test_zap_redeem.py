"""IndexZap.zap_redeem: what comes out of it, and at which limits it stops."""

from typing import Any

import pytest

from devnet.addresses import TOKENS, V3_ROUTER
from devnet.box import calldata
from unit.index_zap.conftest import NO_PERMIT, USDC, WETH, Zap
from unit.route_executor.conftest import AGGREGATOR, ETHER, V3
from unit.world import FAR, WAD, ZERO, World, revert, step, undone

V3_SWAP = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"


def test_zap_redeem__to_usdc__pays_all_of_it(zap: Zap) -> None:
    world, caller = zap.world, zap.world.stranger
    zap.fund_shares(caller)
    with undone(world.chain):
        amount = zap.redeem(caller, zap.selling()).return_value
    assert amount > 11_400 * 10**6
    supply = world.vault.totalSupply()
    with undone(world.chain), revert("zap: too little out"):
        zap.redeem(caller, zap.selling(), least=amount + 1)
    receipt = zap.redeem(caller, zap.selling(), least=amount)
    assert zap.holdings(caller) == {"USDC": amount}
    assert (world.vault.balanceOf(caller), world.vault.totalSupply()) == (0, supply - 100 * WAD)
    event = receipt.events.filter(zap.contract.ZapRedeem)[0]
    assert (event.caller, event.vault, event.token_out) == (caller, world.vault, USDC)
    assert (event.shares, event.amount_out) == (100 * WAD, amount)
    zap.assert_clean(receipt)


def test_zap_redeem__to_ether__is_unwrapped(zap: Zap) -> None:
    caller = zap.world.stranger
    zap.fund_shares(caller)
    operations = [zap.market.operation(V3, "WBTC", "WETH", 500), zap.market.operation(V3, "USDC", "WETH", 500)]
    before = caller.balance
    receipt = zap.redeem(caller, operations, token=ZERO, least=38 * ETHER // 10)
    assert caller.balance - before + receipt.total_fees_paid == receipt.return_value
    assert receipt.events.filter(zap.contract.ZapRedeem)[0].token_out == ZERO
    assert zap.holdings(caller) == {}
    zap.assert_clean(receipt)


def test_zap_redeem__ether_for_who_cannot_take_it__reverts(zap: Zap) -> None:
    world, caller = zap.world, zap.world.executor
    world.vault.transfer(caller, WAD, sender=world.depositor)
    caller.call(world.vault, world.vault.approve.encode_input(zap.contract, WAD), sender=world.attacker)
    data = zap.contract.zap_redeem.encode_input(world.vault, WAD, ZERO, 0, [], [], FAR, NO_PERMIT)
    with pytest.raises(Exception, match=r"failed|reverted"):
        caller.call(zap.contract, data, sender=world.attacker)


def test_zap_redeem__ether_that_was_forced_on_the_zap__stays_and_does_not_count(zap: Zap) -> None:
    """By a contract that ends, or by a block's reward: no code runs, and nobody can say whose it was."""
    caller = zap.world.stranger
    zap.fund_shares(caller)
    operations = [zap.market.operation(V3, "WBTC", "WETH", 500), zap.market.operation(V3, "USDC", "WETH", 500)]
    with undone(zap.world.chain):
        honest = zap.redeem(caller, operations, token=ZERO).return_value
    zap.box.fund(zap.contract.address, 7)
    assert zap.redeem(caller, operations, token=ZERO).return_value == honest
    assert zap.contract.balance == 7 * ETHER


def test_zap_redeem__caller_that_a_token_blocks__gets_out_through_the_others(zap: Zap) -> None:
    """Where none of that token is left for it; else nothing happens."""
    caller = zap.world.stranger
    zap.fund_shares(caller)
    blacklister = zap.box.call(USDC, "blacklister()(address)")
    zap.box.fund(blacklister)
    zap.box.send(blacklister, USDC, "blacklist(address)", caller.address)
    operations = [zap.market.operation(V3, "WBTC", "WETH", 500), zap.market.operation(V3, "USDC", "WETH", 500)]
    for wanted, tried in ((USDC, zap.selling()), (WETH, operations[:1])):
        with pytest.raises(Exception, match="Blacklistable: account is blacklisted"):
            zap.redeem(caller, tried, token=wanted)
    assert zap.world.vault.balanceOf(caller) == 100 * WAD
    receipt = zap.redeem(caller, operations, token=WETH)
    assert zap.holdings(caller) == {"WETH": receipt.return_value}


def test_zap_redeem__too_few_shares_for_a_unit_of_every_asset__pays_the_others(zap: Zap) -> None:
    caller = zap.world.stranger
    zap.fund_shares(caller, 10**9)
    receipt = zap.redeem(caller, [], shares=10**9, token=WETH)
    assert zap.holdings(caller) == {"WETH": receipt.return_value}


def test_zap_redeem__assets_that_nothing_sells__come_back_in_kind(zap: Zap) -> None:
    caller = zap.world.stranger
    zap.fund_shares(caller)
    amounts = list(zap.world.vault.preview_redeem(100 * WAD))
    receipt = zap.redeem(caller, [], least=amounts[0])
    assert list(zap.holdings(caller).values()) == amounts
    zap.assert_clean(receipt)


def test_zap_redeem__token_that_is_not_in_the_basket__comes_out(zap: Zap) -> None:
    caller = zap.world.stranger
    zap.fund_shares(caller)
    dai = TOKENS["DAI"].address
    receipt = zap.redeem(
        caller, [*zap.selling(), zap.market.operation(V3, "USDC", "DAI", 100)], token=dai, least=11_400 * WAD
    )
    assert zap.holdings(caller) == {"DAI": receipt.return_value}
    zap.assert_clean(receipt)


def test_zap_redeem__what_reached_the_caller_before__does_not_count(zap: Zap) -> None:
    caller = zap.world.stranger
    zap.fund_shares(caller)
    zap.box.give(USDC, caller.address, 10**12)
    with undone(zap.world.chain):
        amount = zap.redeem(caller, zap.selling()).return_value
        assert zap.holdings(caller)["USDC"] - 10**12 == amount
    with revert("zap: too little out"):
        zap.redeem(caller, zap.selling(), least=amount + 1)


def test_zap_redeem__sandwiched__reverts_at_the_callers_limit(zap: Zap) -> None:
    world, caller = zap.world, zap.world.stranger
    zap.fund_shares(caller)
    with undone(world.chain):
        honest = zap.redeem(caller, zap.selling()).return_value
    zap.box.give(WETH, world.attacker.address, 3_000 * ETHER)
    zap.box.send(world.attacker.address, WETH, "approve(address,uint256)", V3_ROUTER, 3_000 * ETHER)
    swap = (WETH, USDC, 500, world.attacker.address, FAR, 3_000 * ETHER, 0, 0)
    zap.box.send(world.attacker.address, V3_ROUTER, V3_SWAP, swap)
    with revert("zap: too little out"):
        zap.redeem(caller, zap.selling(), least=honest * 9_990 // 10_000)
    assert world.vault.balanceOf(caller) == 100 * WAD


def test_zap_redeem__after_its_deadline__reverts(zap: Zap) -> None:
    zap.fund_shares(zap.world.stranger)
    now = zap.world.chain.pending_timestamp + 10
    zap.world.at(now)
    for deadline in (0, now - 1):
        with revert("zap: expired"):
            zap.redeem(zap.world.stranger, zap.selling(), deadline=deadline)
        zap.world.at(now)
    zap.redeem(zap.world.stranger, zap.selling(), deadline=now)


def test_zap_redeem__while_the_vault_is_paused_and_its_oracle_dead__works(zap: Zap) -> None:
    world, caller = zap.world, zap.world.stranger
    zap.fund_shares(caller)
    world.vault.pause(sender=world.guardian)
    world.feeds[0].set_round(0, 0, sender=world.deployer)
    zap.redeem(caller, zap.selling(), least=11_400 * 10**6)


def test_zap_redeem__more_than_the_caller_has_or_allows__reverts(zap: Zap) -> None:
    world, caller = zap.world, zap.world.attacker
    # Somebody else's shares may be taken, and are not.
    world.vault.approve(zap.contract, 2**256 - 1, sender=world.depositor)
    held = world.vault.balanceOf(world.depositor)
    with revert("erc20: insufficient allowance"):
        zap.redeem(caller, zap.selling())
    world.vault.approve(zap.contract, 2**256 - 1, sender=caller)
    with revert("erc20: transfer amount exceeds balance"):
        zap.redeem(caller, zap.selling())
    assert world.vault.balanceOf(world.depositor) == held


def test_zap_redeem__through_an_aggregator__fills_and_leaves_no_allowance(zap: Zap) -> None:
    caller = zap.world.stranger
    zap.fund_shares(caller)
    data = calldata(V3_SWAP, (WETH, USDC, 500, zap.contract.address, FAR, ETHER, 0, 0))
    zap.contract.set_aggregator(V3_ROUTER, data[:4], V3_ROUTER, sender=zap.world.owner)
    operation = AGGREGATOR, V3_ROUTER, WETH, USDC, 0, WAD
    receipt = zap.redeem(caller, [operation, *zap.selling()], calls=[(2_900 * 10**6, data)], least=11_400 * 10**6)
    zap.assert_clean(receipt)


@pytest.mark.parametrize("place", ["given", "ether"])
def test_zap_redeem__aggregator_that_is_wanted__reverts(zap: Zap, place: str) -> None:
    """The token that the caller wants is in play too, and ether is WETH."""
    world, caller = zap.world, zap.world.stranger
    zap.fund_shares(caller)
    target = world.deployer.deploy(world.project.IndexLens).address
    contract, selector = zap.contract, b"\1\2\3\4"
    if place == "ether":
        contract = world.deployer.deploy(world.project.IndexZap, world.owner, world.stranger, target)
        world.vault.approve(contract, WAD, sender=caller)
    contract.set_aggregator(target, selector, target, sender=world.owner)
    arguments = (AGGREGATOR, target, USDC, USDC, 0, WAD)
    wanted = ZERO if place == "ether" else target
    with revert("executor: target in play"):
        contract.zap_redeem(
            world.vault, WAD, wanted, 0, [arguments], [(0, selector)], FAR, NO_PERMIT, sender=caller
        )  # fmt: skip


# --- a token that does not move


@pytest.fixture
def odd(odd_world: World, zap: Zap) -> World:
    """A vault over tokens that misbehave when told to; a caller with shares that the zap may take."""
    odd_world.mint(odd_world.depositor, 100 * WAD)
    odd_world.vault.approve(zap.contract, 100 * WAD, sender=odd_world.depositor)
    return odd_world


def redeem(zap: Zap, world: World, shares: int, least: int = 0) -> Any:
    """To the basket's first token, without a swap."""
    arguments = (world.vault, shares, world.tokens[0], least, [], [], FAR, NO_PERMIT)
    return zap.contract.zap_redeem(*arguments, sender=world.depositor)


@pytest.mark.parametrize("switches", [{"is_blocked": True}, {"does_nothing": True}, {"eats_gas": True}], ids=str)
def test_zap_redeem__asset_does_not_move__nothing_happens(zap: Zap, odd: World, switches: dict[str, bool]) -> None:
    """A claim would be the zap's; at the vault it is the caller's."""
    odd.misbehave(1, **switches)
    with revert("zap: a token does not move"):
        redeem(zap, odd, WAD)
    odd.vault.redeem(WAD, odd.depositor, [0] * 3, FAR, sender=odd.depositor)
    assert odd.vault.claims(odd.depositor, odd.tokens[1]) != 0
    assert all(odd.vault.claims(zap.contract, token) == 0 for token in odd.tokens)
    odd.misbehave(1)
    redeem(zap, odd, WAD)


@pytest.mark.parametrize("place", [0, 2])
def test_zap_redeem__asset_says_true_and_stays__nothing_happens(zap: Zap, odd: World, place: int) -> None:
    """It came from the vault and does not leave the zap, wanted or not: the next caller would have it."""
    stops = odd.tokens[place].configure
    odd.script(step(stops, 2, 0, 0, False, True, ZERO, 0, False, False, False))
    odd.misbehave(place, hook=odd.executor)
    with revert("zap: a token does not move"):
        redeem(zap, odd, WAD)
    odd.misbehave(place)
    redeem(zap, odd, WAD)
    assert sum(odd.wallet(zap.contract)) == 0


@pytest.mark.parametrize("rest", [2, 3])
def test_zap_redeem__token_rounds_what_it_moves__may_leave_two_units(zap: Zap, odd: World, rest: int) -> None:
    """As stETH does. A unit that is there already is no hindrance."""
    odd.script(step(odd.tokens[0].configure, 1, 0, 0, False, False, ZERO, rest, False, False, False))
    odd.misbehave(0, hook=odd.executor)
    if rest > 2:
        with revert("zap: a token does not move"):
            redeem(zap, odd, WAD)
        return
    due = odd.vault.preview_redeem(WAD)[0]
    assert redeem(zap, odd, WAD).return_value == due - rest
    assert odd.tokens[0].balanceOf(zap.contract) == rest
    redeem(zap, odd, WAD)
    assert odd.tokens[0].balanceOf(zap.contract) == rest


def test_zap_redeem__tokens_that_refuse_zero__are_asked_to_move_what_there_is(zap: Zap, odd: World) -> None:
    for place in range(3):
        odd.misbehave(place, refuses_zero=True)
    redeem(zap, odd, WAD)
    assert sum(odd.wallet(zap.contract)) == 0


def test_zap_redeem__token_takes_a_fee_on_the_way__counts_what_reached_the_caller(zap: Zap, odd: World) -> None:
    due = odd.vault.preview_redeem(WAD)[0]
    odd.misbehave(0, fee_bps=100)
    before = odd.tokens[0].balanceOf(odd.depositor)
    came = due - due // 100
    reached = came - came // 100
    with undone(odd.chain), revert("zap: too little out"):
        redeem(zap, odd, WAD, reached + 1)
    assert redeem(zap, odd, WAD, reached).return_value == reached
    assert odd.tokens[0].balanceOf(odd.depositor) - before == reached
    assert [token.balanceOf(zap.contract) for token in odd.tokens] == [0, 0, 0]


def test_zap_redeem__token_answers_false_or_nothing__works(zap: Zap, odd: World) -> None:
    for answer in (2, 4):
        odd.misbehave(0, answer=answer)
        assert redeem(zap, odd, WAD).return_value > 0
