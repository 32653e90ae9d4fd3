"""IndexZap.zap_mint: what comes out of it, and at which limits it stops."""

from typing import Any

import pytest
from eth_abi.abi import encode

from devnet.addresses import TOKENS, V2_FACTORY, V3_FACTORY, V3_ROUTER
from devnet.box import calldata
from unit.index_zap.conftest import NO_PERMIT, THOUSAND, USDC, WETH, Zap
from unit.route_executor.conftest import AGGREGATOR, ETHER, V2, V3
from unit.world import ALL, FAR, WAD, ZERO, World, revert, step, undone

V3_SWAP = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"


def bought(receipt: Any, zap: Zap, given: dict[str, int]) -> dict[str, int]:
    """What the zap held before it minted, by address, told by its swaps."""
    held = dict(given)
    for swap in receipt.events.filter(zap.contract.Swap):
        held[swap.token_in] -= swap.amount_in
        held[swap.token_out] = held.get(swap.token_out, 0) + swap.amount_out
    return held


def affords(zap: Zap, shares: int, held: dict[str, int]) -> bool:
    """Whether amounts pay for shares, as the vault says."""
    asked = zip(zap.world.vault.assets(), zap.world.vault.preview_mint(shares), strict=True)
    return all(held[token] >= amount for token, amount in asked)


@pytest.mark.parametrize(("streaming", "fee"), [(0, 0), (0, WAD // 50), (WAD // 50, 12_345 * 10**12)])
def test_zap_mint__usdc_in__makes_the_most_and_gives_the_rest_back(zap: Zap, streaming: int, fee: int) -> None:
    world, caller = zap.world, zap.world.stranger
    world.vault.set_fees((world.recipient, streaming, fee, 0), sender=world.owner)
    world.wait(30 * 86400)
    zap.fund(caller)
    with undone(world.chain):
        first = zap.mint(caller, zap.buying())
        held, shares = bought(first, zap, {USDC: 10 * THOUSAND}), first.return_value
    assert affords(zap, shares, held)
    assert not affords(zap, shares + 1, held)
    cost = dict(zip(world.vault.assets(), world.vault.preview_mint(shares), strict=True))

    receipt = zap.mint(caller, zap.buying(), least=shares)

    assert world.vault.balanceOf(caller) == receipt.return_value == shares > 85 * WAD
    left = {token: amount - cost[token] for token, amount in held.items() if amount > cost[token]}
    assert {TOKENS[symbol].address: amount for symbol, amount in zap.holdings(caller).items()} == left
    event = receipt.events.filter(zap.contract.ZapMint)[0]
    assert (event.caller, event.vault, event.token_in) == (caller, world.vault, USDC)
    assert (event.amount_in, event.shares) == (10 * THOUSAND, shares)
    zap.assert_clean(receipt)


def test_zap_mint__a_share_more_asked_than_affordable__reverts(zap: Zap) -> None:
    caller = zap.world.stranger
    zap.fund(caller)
    with undone(zap.world.chain):
        shares = zap.mint(caller, zap.buying()).return_value
    with revert("zap: too few shares"):
        zap.mint(caller, zap.buying(), least=shares + 1)
    zap.mint(caller, zap.buying(), least=shares)


def test_zap_mint__ether_in__is_wrapped_and_the_rest_comes_back_as_ether(zap: Zap) -> None:
    world, caller = zap.world, zap.world.stranger
    through = zap.market.operation
    operations = [
        through(V3, "WETH", "USDC", 500, WAD * 42 // 100),
        through(V3, "WETH", "WBTC", 500, WAD * 385 // 1000),
    ]
    before = caller.balance
    receipt = zap.mint(caller, operations, token=ZERO, amount=3 * ETHER, value=3 * ETHER, least=75 * WAD)
    spent = before - caller.balance - receipt.total_fees_paid
    assert 0 < spent < 3 * ETHER
    assert "WETH" not in zap.holdings(caller)
    assert world.vault.balanceOf(caller) == receipt.return_value
    assert receipt.events.filter(zap.contract.ZapMint)[0].token_in == ZERO
    zap.assert_clean(receipt)


@pytest.mark.parametrize(("amount", "value"), [(ETHER, 0), (ETHER, ETHER - 1), (ETHER, ETHER + 1), (0, 1)])
def test_zap_mint__other_ether_than_said__reverts(zap: Zap, amount: int, value: int) -> None:
    with revert("zap: wrong amount of ether"):
        zap.mint(zap.world.stranger, [], token=ZERO, amount=amount, value=value)


def test_zap_mint__ether_with_a_token__reverts(zap: Zap) -> None:
    zap.fund(zap.world.stranger)
    for token in (USDC, WETH):
        with revert("zap: ether not asked for"):
            zap.mint(zap.world.stranger, zap.buying(), token=token, value=1)


def test_default__ether_from_a_stranger__reverts(zap: Zap) -> None:
    with revert("zap: ether from a stranger"):
        zap.world.stranger.transfer(zap.contract, 1)


def test_zap_mint__caller_that_cannot_take_ether__is_not_sent_any_where_none_is_left(zap: Zap) -> None:
    """A contract without a fallback, that gives no ether and finds gifts to mint with, to the unit."""
    world, caller = zap.world, zap.world.executor
    for token, amount in zip(world.vault.assets(), world.vault.preview_mint(10 * WAD), strict=True):
        zap.box.give(token, zap.contract.address, amount)
    data = zap.contract.zap_mint.encode_input(world.vault, ZERO, 0, 0, [], [], FAR, NO_PERMIT)
    caller.call(zap.contract, data, sender=world.attacker)
    assert world.vault.balanceOf(caller) >= 10 * WAD


# --- limits


def test_zap_mint__sandwiched__reverts_at_the_callers_limit(zap: Zap) -> None:
    """Somebody moves the pools before: what is left is less than the caller accepts, and the caller keeps everything."""
    world, caller = zap.world, zap.world.stranger
    zap.fund(caller)
    with undone(world.chain):
        honest = zap.mint(caller, zap.buying()).return_value
    zap.box.give(USDC, world.attacker.address, 10**13)
    zap.box.send(world.attacker.address, USDC, "approve(address,uint256)", V3_ROUTER, 10**13)
    swap = (USDC, WETH, 500, world.attacker.address, FAR, 10**13, 0, 0)
    zap.box.send(world.attacker.address, V3_ROUTER, V3_SWAP, swap)
    with revert("zap: too few shares"):
        zap.mint(caller, zap.buying(), least=honest * 9_990 // 10_000)
    assert zap.holdings(caller) == {"USDC": 10 * THOUSAND}
    # Without a limit the caller would have paid for it.
    assert zap.mint(caller, zap.buying()).return_value < honest * 99 // 100


def test_zap_mint__after_its_deadline__reverts(zap: Zap) -> None:
    zap.fund(zap.world.stranger)
    now = zap.world.chain.pending_timestamp + 10
    zap.world.at(now)
    for deadline in (0, now - 1):
        with revert("zap: expired"):
            zap.mint(zap.world.stranger, zap.buying(), deadline=deadline)
        zap.world.at(now)
    zap.mint(zap.world.stranger, zap.buying(), deadline=now)


def test_zap_mint__vault_without_shares__reverts(zap: Zap) -> None:
    zap.fund(zap.world.stranger)
    with revert("zap: vault without shares"):
        zap.mint(zap.world.stranger, zap.buying(), vault=zap.world.deploy_vault())


def test_zap_mint__paused_or_capped__the_vault_says_so(zap: Zap) -> None:
    world, caller = zap.world, zap.world.stranger
    zap.fund(caller)
    world.vault.set_supply_cap(world.vault.totalSupply() + 10 * WAD, sender=world.owner)
    with revert("vault: over supply cap"):
        zap.mint(caller, zap.buying())
    world.vault.pause(sender=world.guardian)
    with revert("vault: paused"):
        zap.mint(caller, zap.buying())
    assert zap.holdings(caller) == {"USDC": 10 * THOUSAND}


def test_zap_mint__asset_that_the_vault_does_not_hold__asks_nothing_of_it(zap: Zap) -> None:
    world, caller = zap.world, zap.world.stranger
    fresh = world.deployer.deploy(world.project.OddToken, "FRESH", 18)
    fresh.refuse_zero_approval(sender=world.deployer)
    world.oracle.set_feed((fresh, world.feeds[0], 86400, 1, 10**24), sender=world.owner)
    world.vault.add_asset(fresh, sender=world.owner)
    zap.fund(caller)
    assert zap.mint(caller, zap.buying()).return_value > 85 * WAD


def test_zap_mint__swaps_that_miss_an_asset__buy_no_shares(zap: Zap) -> None:
    zap.fund(zap.world.stranger)
    with revert("vault: zero shares"):
        zap.mint(zap.world.stranger, zap.buying()[:1])


def test_zap_mint__vault_was_given_something_before__the_callers_limit_holds(zap: Zap) -> None:
    """A gift bends what the vault holds: what was bought for the basket of before makes fewer shares, and more comes back."""
    world, caller = zap.world, zap.world.stranger
    zap.fund(caller)
    with undone(world.chain):
        honest = zap.mint(caller, zap.buying()).return_value
    zap.box.give(WETH, world.vault.address, 10 * ETHER)
    with revert("zap: too few shares"):
        zap.mint(caller, zap.buying(), least=honest * 9_990 // 10_000)
    receipt = zap.mint(caller, zap.buying())
    assert honest * 95 // 100 < receipt.return_value < honest * 98 // 100
    assert zap.holdings(caller)["USDC"] > 50 * 10**6
    zap.assert_clean(receipt)


def test_zap_mint__units_smaller_than_a_shares__pay_the_fee_too(odd_world: World, zap: Zap) -> None:
    """Of DAI a unit of a share takes fifty, so that the fee counts to the last unit."""
    world = odd_world
    world.mint(world.depositor, 100 * WAD)
    world.vault.set_fees((world.recipient, 0, 12_345 * 10**12, 0), sender=world.owner)
    asked = list(world.vault.preview_mint(10 * WAD))
    for token, amount in zip(world.tokens, asked, strict=True):
        token.mint(zap.contract, amount, sender=world.deployer)
    held = world.wallet(world.vault)
    assert mint_gifts(zap, world, 10 * WAD).return_value == 10 * WAD
    assert world.wallet(world.vault) == [was + came for was, came in zip(held, asked, strict=True)]


def test_zap_mint__tokens_that_refuse_an_approval_of_zero__are_not_asked_for_one(odd_world: World, zap: Zap) -> None:
    """The vault takes all that it may, and nothing is left to take back."""
    odd_world.mint(odd_world.depositor, 100 * WAD)
    for token, amount in zip(odd_world.tokens, odd_world.vault.preview_mint(10 * WAD), strict=True):
        token.refuse_zero_approval(sender=odd_world.deployer)
        token.mint(zap.contract, 2 * amount, sender=odd_world.deployer)
    assert mint_gifts(zap, odd_world, 20 * WAD).return_value == 20 * WAD


def mint_gifts(zap: Zap, world: World, least: int) -> Any:
    """A mint of what is at the zap already."""
    tail = (0, least, [], [], FAR, NO_PERMIT)
    return zap.contract.zap_mint(world.vault, world.tokens[0], *tail, sender=world.stranger)


def test_zap_mint__some_of_an_asset_belongs_to_claims__counts_as_the_vault_does(odd_world: World, zap: Zap) -> None:
    world = odd_world
    world.mint(world.depositor, 100 * WAD)
    world.misbehave(1, is_blocked=True)
    world.vault.redeem(30 * WAD, world.depositor, [0] * 3, FAR, sender=world.depositor)
    world.misbehave(1)
    for token, amount in zip(world.tokens, world.vault.preview_mint(10 * WAD), strict=True):
        token.mint(zap.contract, amount, sender=world.deployer)
    mint_gifts(zap, world, 10 * WAD)
    assert sum(world.wallet(zap.contract)) == 0


# --- whose tokens


def test_zap_mint__another_has_let_the_zap_take_all__only_the_callers_move(zap: Zap) -> None:
    world, victim = zap.world, zap.world.depositor
    zap.fund(victim, 50 * THOUSAND)
    with pytest.raises(Exception, match="transfer amount exceeds allowance"):
        zap.mint(world.attacker, zap.buying())
    zap.fund(world.attacker)
    zap.mint(world.attacker, zap.buying())
    assert zap.holdings(victim)["USDC"] == 50 * THOUSAND
    assert (
        zap.box.call(USDC, "allowance(address,address)(uint256)", victim.address, zap.contract.address) == 50 * THOUSAND
    )


def test_zap_mint__token_in_is_left_over__comes_back(zap: Zap) -> None:
    """Not an asset of the basket, and not sold whole."""
    caller = zap.world.stranger
    zap.fund(caller, 10_000 * 10**18, "DAI")
    operations = [zap.market.operation(V3, "DAI", "USDC", 100, WAD - 10**14), *zap.buying()]
    receipt = zap.mint(caller, operations, token=TOKENS["DAI"].address, amount=10_000 * 10**18)
    assert zap.holdings(caller)["DAI"] == 10**18
    zap.assert_clean(receipt)


def test_zap_mint__token_on_the_way_is_left_over__comes_back(zap: Zap) -> None:
    """Neither given nor an asset of the basket."""
    caller = zap.world.stranger
    zap.fund(caller)
    detour = [
        zap.market.operation(V3, "USDC", "DAI", 100, WAD // 10),
        zap.market.operation(V2, "DAI", "WETH", 3000, WAD // 2),
    ]
    receipt = zap.mint(caller, [*detour, *zap.buying()])
    assert 450 * WAD < zap.holdings(caller)["DAI"] < 550 * WAD
    zap.assert_clean(receipt)


def test_zap_mint__token_that_takes_a_fee__counts_what_came(zap: Zap) -> None:
    world, caller = zap.world, zap.world.stranger
    odd = world.deployer.deploy(world.project.OddToken, "FEE", 18)
    zap.box.send(caller.address, V2_FACTORY, "createPair(address,address)", odd.address, USDC)
    pair = zap.box.call(V2_FACTORY, "getPair(address,address)(address)", odd.address, USDC)
    odd.mint(pair, 10**6 * WAD, sender=world.deployer)
    zap.box.give(USDC, pair, 10**12)
    zap.box.send(caller.address, pair, "mint(address)", caller.address)
    odd.configure(1, 100, 0, False, False, ZERO, 0, False, False, False, sender=world.deployer)
    odd.mint(caller, 10_000 * WAD, sender=world.deployer)
    odd.approve(zap.contract, 10_000 * WAD, sender=caller)
    operations = [(V2, pair, odd.address, USDC, 3000, WAD), *zap.buying()]
    receipt = zap.mint(caller, operations, token=odd.address, amount=10_000 * WAD)
    # One percent on the way to the zap, one on the way to the pair.
    assert receipt.events.filter(zap.contract.Swap)[0].amount_in == 9_900 * WAD
    assert 80 * WAD < world.vault.balanceOf(caller) < 90 * WAD
    assert odd.balanceOf(zap.contract) == 0
    zap.assert_clean(receipt)


def test_zap_mint__token_that_says_true_and_moves_nothing__gives_no_shares(zap: Zap) -> None:
    world, caller = zap.world, zap.world.stranger
    odd = world.deployer.deploy(world.project.OddToken, "ODD", 18)
    odd.configure(1, 0, 0, False, True, ZERO, 0, False, False, False, sender=world.deployer)
    odd.approve(zap.contract, ALL, sender=caller)
    with revert("vault: zero shares"):
        zap.mint(caller, zap.buying(), token=odd.address)


def test_zap_mint__gift_of_a_stranger__is_the_next_callers(zap: Zap) -> None:
    """Nobody loses by it, and the zap never asks whose it was."""
    caller = zap.world.stranger
    zap.box.give(USDC, zap.contract.address, THOUSAND)
    zap.fund(caller)
    receipt = zap.mint(caller, zap.buying())
    assert bought(receipt, zap, {USDC: 11 * THOUSAND})[USDC] < 11 * THOUSAND
    zap.assert_clean(receipt)


# --- aggregators


def aggregator(zap: Zap, amount: int, receiver: Any = None) -> tuple[Any, bytes]:
    """An operation on Uniswap's router, pinned, that sells USDC for WETH, and its calldata."""
    data = calldata(
        V3_SWAP, (USDC, WETH, 500, getattr(receiver or zap.contract, "address", receiver), FAR, amount, 0, 0)
    )
    zap.contract.set_aggregator(V3_ROUTER, data[:4], V3_ROUTER, sender=zap.world.owner)
    return (AGGREGATOR, V3_ROUTER, USDC, WETH, 0, WAD), data


def test_zap_mint__through_an_aggregator__fills_and_leaves_no_allowance(zap: Zap) -> None:
    caller = zap.world.stranger
    zap.fund(caller)
    operation, data = aggregator(zap, 5_650 * 10**6)
    operations = [operation, zap.market.operation(V3, "WETH", "WBTC", 500, WAD * 385 // 1000)]
    receipt = zap.mint(caller, operations, calls=[(1_800 * 10**15, data)], least=85 * WAD)
    zap.assert_clean(receipt)
    with revert("executor: too little out"):
        zap.fund(caller)
        zap.mint(caller, operations, calls=[(3 * ETHER, data)])


@pytest.mark.parametrize("receiver", ["attacker", "stranger"])
def test_zap_mint__aggregator_pays_somebody_else__does_not_count(zap: Zap, receiver: str) -> None:
    """Not even where it is the caller: what counts is what comes here, and the shares that it makes."""
    caller = zap.world.stranger
    zap.fund(caller)
    operation, data = aggregator(zap, THOUSAND, getattr(zap.world, receiver))
    with revert("executor: too little out"):
        zap.mint(caller, [operation, *zap.buying()], calls=[(1, data)])
    with revert("zap: too few shares"):
        zap.mint(caller, [operation, *zap.buying()], calls=[(0, data)], least=85 * WAD)
    assert zap.holdings(caller) == {"USDC": 10 * THOUSAND}


def test_zap_mint__aggregator_not_pinned_or_forbidden_again__reverts(zap: Zap) -> None:
    caller = zap.world.stranger
    zap.fund(caller)
    operation, data = aggregator(zap, THOUSAND)
    zap.contract.set_aggregator(V3_ROUTER, data[:4], ZERO, sender=zap.world.owner)
    with revert("aggregator: not pinned"):
        zap.mint(caller, [operation], calls=[(0, data)])


@pytest.mark.parametrize("place", ["vault", "token_in", "token_out", "asset", "given"])
def test_zap_mint__aggregator_that_is_in_play__reverts(zap: Zap, place: str) -> None:
    """Whatever it was when it was pinned."""
    world, caller = zap.world, zap.world.stranger
    zap.fund(caller)
    target = world.deployer.deploy(world.project.IndexLens).address
    zap.contract.set_aggregator(target, b"\1\2\3\4", target, sender=world.owner)
    operation = [AGGREGATOR, target, USDC, WETH, 0, WAD]
    named: dict[str, Any] = {}
    if place in ("token_in", "token_out"):
        operation[2 if place == "token_in" else 3] = target
    model = world.deployer.deploy(world.project.GreedyVault)
    world.chain.provider.set_code(target, world.chain.provider.get_code(model.address))
    if place == "vault":
        named["vault"] = target
    elif place == "asset":
        model.set_up([target], [], sender=world.attacker)
        named["vault"] = model
    elif place == "given":
        named["token"] = target
    with revert("executor: target in play"):
        zap.mint(caller, [tuple(operation)], calls=[(0, b"\1\2\3\4")], **named)


def test_zap_mint__twice_in_a_transaction__the_second_has_no_calls_of_the_first(zap: Zap) -> None:
    """They would run on targets that nobody checked."""
    world, caller = zap.world, zap.world.executor
    zap.box.give(USDC, caller.address, 20 * THOUSAND)
    operation, data = aggregator(zap, 5_650 * 10**6)
    operations = [operation, zap.market.operation(V3, "WETH", "WBTC", 500, WAD * 385 // 1000)]
    first, second = (
        (world.vault, USDC, 10 * THOUSAND, 0, operations, calls, FAR, NO_PERMIT) for calls in ([(0, data)], [])
    )
    approve = calldata("approve(address,uint256)", zap.contract.address, 20 * THOUSAND)
    world.script(
        (USDC, approve, False), step(zap.contract.zap_mint, *first), step(zap.contract.zap_mint, *second, may_fail=True)
    )
    caller.run(sender=world.attacker)
    assert [caller.outcomes(number).succeeded for number in range(3)] == [True, True, False]
    assert b"aggregator: no such call" in bytes(caller.outcomes(2).response)
    assert world.vault.balanceOf(caller) > 85 * WAD


# --- hostile vaults


def test_zap_mint__vault_takes_all_and_calls_back__reaches_nobody_else(zap: Zap, greedy_vault: Any) -> None:
    """It keeps what its caller gave; everybody else's tokens, and the lock, hold."""
    world, caller, victim = zap.world, zap.world.attacker, zap.world.depositor
    for who, symbol in ((caller, "USDC"), (victim, "USDC"), (victim, "DAI")):
        zap.fund(who, 10 * THOUSAND, symbol)
    again = (world.vault, USDC, 10 * THOUSAND, 0, [], [], FAR, NO_PERMIT)
    keepers, other = zap.market.executor, world.vault
    nothing = encode(["(uint256,address,address,address,uint256,uint256)[]", "address[]"], [[], []])
    script = [
        (keepers.address, bytes(keepers.on_rebalance.encode_input(keepers, [], nothing))),
        (other.address, bytes(other.mint.encode_input(WAD, greedy_vault, [ALL] * 3, FAR))),
        (other.address, bytes(other.redeem.encode_input(WAD, greedy_vault, [0] * 3, FAR))),
        (other.address, bytes(other.transferFrom.encode_input(victim, greedy_vault, 1))),
        (USDC, calldata("transferFrom(address,address,uint256)", victim.address, greedy_vault.address, 1)),
        (USDC, calldata("transferFrom(address,address,uint256)", zap.contract.address, greedy_vault.address, 1)),
        (zap.contract.address, bytes(zap.contract.zap_mint.encode_input(*again))),
        (zap.contract.address, bytes(zap.contract.zap_redeem.encode_input(*again))),
        (zap.contract.address, bytes(zap.contract.uniswapV3SwapCallback.encode_input(1, 0, b""))),
    ]
    greedy_vault.set_up([USDC, TOKENS["DAI"].address], script, sender=caller)
    held = zap.holdings(victim)
    zap.box.give(TOKENS["DAI"].address, zap.contract.address, 1)
    receipt = zap.mint(caller, [], vault=greedy_vault)
    assert [greedy_vault.succeeded(number) for number in range(9)] == [False] * 9
    assert zap.holdings(victim) == held
    # As much of each as the scarcer one affords was its; the rest came back.
    assert zap.box.balance(USDC, greedy_vault.address) == 1
    assert zap.holdings(caller)["USDC"] == 10 * THOUSAND - 1
    for token in (USDC, TOKENS["DAI"].address):
        allowed = zap.box.call(token, "allowance(address,address)(uint256)", zap.contract.address, greedy_vault.address)
        assert allowed == 0
    zap.assert_clean(receipt)


def test_zap_mint__vault_takes_nothing__is_left_without_an_allowance(zap: Zap, greedy_vault: Any) -> None:
    """It could come back for it in somebody else's zap."""
    caller = zap.world.attacker
    zap.fund(caller)
    greedy_vault.set_up([USDC], [], sender=caller)
    greedy_vault.set_takes_nothing(True, sender=caller)
    receipt = zap.mint(caller, [], vault=greedy_vault)
    assert zap.market.world.tokens[0].allowance(zap.contract, greedy_vault) == 0
    assert zap.holdings(caller) == {"USDC": 10 * THOUSAND}
    zap.assert_clean(receipt)


@pytest.mark.parametrize("named", ["the same twice", "wrapped ether", "the zap", "itself", "another vault", "nothing"])
def test_zap_mint__vault_names_anything__takes_its_callers_and_leaves_no_allowance(
    zap: Zap, greedy_vault: Any, named: str
) -> None:
    world, caller = zap.world, zap.world.attacker
    assets = {
        "the same twice": [USDC, USDC],
        "wrapped ether": [WETH],
        "the zap": [USDC, zap.contract],
        "itself": [greedy_vault],
        "another vault": [world.vault],
        "nothing": [],
    }[named]
    zap.fund(caller)
    greedy_vault.set_up(assets, [], sender=caller)
    balance = zap.box.balance(USDC, caller.address)
    # The zap and the hostile vault do not tell balances.
    if named in ("the zap", "itself"):
        with pytest.raises(Exception, match=r"reverted|failed|ether from a stranger"):
            zap.mint(caller, [], vault=greedy_vault)
        assert zap.box.balance(USDC, caller.address) == balance
        return
    zap.assert_clean(zap.mint(caller, [], vault=greedy_vault))
    taken = zap.box.balance(USDC, greedy_vault.address)
    assert taken == (10 * THOUSAND if named == "the same twice" else 0)
    assert zap.box.balance(USDC, caller.address) == balance - taken


@pytest.mark.parametrize("count", [20, 21])
def test_zap_mint__vault_with_more_assets_than_a_vault_can_have__reverts(zap: Zap, count: int) -> None:
    """It answers the same to everything: its list, and zeros that make sense of the rest."""
    caller, provider = zap.world.stranger, zap.world.chain.provider
    zap.fund(caller)
    token = zap.world.deployer.deploy(zap.world.project.Token, "MANY", 18)
    assets = [f"0x{0x7000 + number:040x}" for number in range(count)]
    for asset in assets:
        provider.set_code(asset, provider.get_code(token.address))
    answer = encode(["address[]"], [assets]).ljust(64 * 32, b"\0")
    # PUSH2 size, PUSH1 12, RETURNDATASIZE, CODECOPY, PUSH2 size, RETURNDATASIZE, RETURN
    size = len(answer).to_bytes(2, "big")
    code = bytes.fromhex("61") + size + bytes.fromhex("600c3d3961") + size + bytes.fromhex("3df3") + answer
    provider.set_code(vault := "0x" + "7" * 40, code)
    if count == 20:
        zap.assert_clean(zap.mint(caller, [], vault=vault))
    else:
        with pytest.raises(Exception, match=r"reverted|failed"):
            zap.mint(caller, [], vault=vault)
    assert zap.holdings(caller) == {"USDC": 10 * THOUSAND}


def test_zap_mint__vault_changes_its_assets_on_the_way__what_it_does_not_take_comes_back(
    zap: Zap, greedy_vault: Any
) -> None:
    """It names USDC, and while the swaps run decides for WETH: the zap goes by what it was told first."""
    world, caller = zap.world, zap.world.attacker
    odd = world.deployer.deploy(world.project.OddToken, "HOOK", 18)
    pair = world.deployer.deploy(world.project.FalsePair, odd, WETH)
    odd.mint(zap.contract, WAD, sender=world.deployer)
    odd.configure(1, 0, 0, False, False, world.executor, 0, False, False, False, sender=world.deployer)
    greedy_vault.set_up([USDC], [], sender=caller)
    world.script(step(greedy_vault.set_up, [WETH], []))
    zap.fund(caller, 7, "WETH")
    zap.box.give(USDC, zap.contract.address, 5)

    receipt = zap.mint(caller, [(V2, pair, odd, WETH, 0, WAD)], vault=greedy_vault, token=WETH, amount=7)

    assert list(greedy_vault.assets()) == [WETH]
    assert zap.holdings(greedy_vault) == {}
    assert zap.holdings(caller) == {"USDC": 5, "WETH": 7}
    zap.assert_clean(receipt)


# --- who owns it


def test_constructor__without_owner_factory_or_wrapped_ether__reverts(zap: Zap) -> None:
    deploy, contract, owner = zap.world.deployer.deploy, zap.world.project.IndexZap, zap.world.owner
    with revert("zap: no owner"):
        deploy(contract, ZERO, V3_FACTORY, WETH)
    with revert("uniswap: no factory"):
        deploy(contract, owner, ZERO, WETH)
    with revert("zap: no wrapped ether"):
        deploy(contract, owner, V3_FACTORY, zap.world.stranger)
    assert (zap.contract.owner(), zap.contract.wrapped_ether()) == (owner, WETH)


@pytest.mark.parametrize("role", ["attacker", "keeper", "deployer"])
def test_set_aggregator__by_anybody_but_the_owner__reverts(zap: Zap, role: str) -> None:
    with revert("ownable: caller is not the owner"):
        zap.contract.set_aggregator(V3_ROUTER, b"\1\2\3\4", V3_ROUTER, sender=getattr(zap.world, role))


def test_set_aggregator__function_that_moves_tokens__reverts(zap: Zap) -> None:
    with revert("aggregator: moves tokens"):
        selector = calldata("transferFrom(address,address,uint256)", ZERO, ZERO, 0)[:4]
        zap.contract.set_aggregator(V3_ROUTER, selector, V3_ROUTER, sender=zap.world.owner)
