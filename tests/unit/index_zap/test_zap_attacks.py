"""Whatever the operations, the calldata and the vault are: nobody else's balance or allowance falls by a zap."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from devnet.addresses import (
    AAVE_WRAPPERS,
    BALANCER_POOLS,
    BALANCER_VAULT,
    CURVE_SUSD_POOL,
    MULTICALL3,
    PERMIT2,
    TOKENS,
    V3_ROUTER,
)
from devnet.box import calldata
from keeper.errors import TransactionError
from unit.index_zap.conftest import ERC2612, NO_PERMIT, THOUSAND, USDC, WETH, Zap
from unit.route_executor.conftest import AGGREGATOR, BALANCER, CURVE, ETHER, V2, V3, pool_of
from unit.route_executor.conftest import ERC4626 as WRAPPER
from unit.world import ALL, FAR, NO, WAD, ZERO, revert, step

VICTIMS = ("depositor", "keeper", "recipient")
LENT = 10 * THOUSAND
ROUNDING = 2  # base units that stETH may leave
NAMES = ("USDC", "WBTC", "WETH", "DAI")


@dataclass(frozen=True, slots=True)
class Field:
    """Who has what, and who may take what, before anything happens."""

    zap: Zap
    tokens: tuple[str, ...]  # the basket's, DAI, a wrapper's share and the vault's
    victims: tuple[str, ...]
    greedy: Any  # a hostile vault
    pools: tuple[str, ...]
    permits: tuple[Any, ...]  # IIndexZap.Permit: none, nonsense, a victim's two and the attacker's own two

    def things(self) -> list[str]:
        """Addresses to put anywhere."""
        zap = self.zap
        return [
            *self.tokens, *self.victims, *self.pools, zap.contract.address, zap.world.attacker.address,
            zap.world.vault.address, self.greedy.address, zap.world.executor.address, PERMIT2, V3_ROUTER, BALANCER_VAULT, ZERO,
        ]  # fmt: skip

    def state(self) -> list[int]:
        """Balances of the victims, and what the zap may take of them."""
        zap = self.zap.contract.address
        return self._asked(
            call
            for token in self.tokens
            for who in self.victims
            for call in ((token, "balanceOf(address)", who), (token, "allowance(address,address)", who, zap))
        )

    def allowed(self) -> int:
        """What all of the field together may take from the zap, in base units of anything."""
        signature, zap = "allowance(address,address)", self.zap.contract.address
        return sum(self._asked((token, signature, zap, who) for token in self.tokens for who in self.things()))

    def left(self, tokens: Iterable[str]) -> int:
        """The most that the zap holds of any of these, in base units."""
        return max(self._asked((token, "balanceOf(address)", self.zap.contract.address) for token in tokens))

    def _asked(self, calls: Iterable[tuple[str, ...]]) -> list[int]:
        """One number of each, by one call."""
        asked = [(token, False, calldata(signature, *arguments)) for token, signature, *arguments in calls]
        aggregate = "aggregate3((address,bool,bytes)[])((bool,bytes)[])"
        return [int.from_bytes(answer) for _, answer in self.zap.box.call(MULTICALL3, aggregate, asked)]


@pytest.fixture(scope="module")
def field(zap: Zap) -> Field:
    """Every victim has let the zap take everything it has; the attacker has something to zap with."""
    world, box = zap.world, zap.box
    victims = tuple(getattr(world, role).address for role in VICTIMS)
    wrapper = AAVE_WRAPPERS["USDC"]
    tokens = (*(TOKENS[name].address for name in NAMES), wrapper, str(world.vault.address))
    for name in NAMES:
        amount = {"USDC": LENT, "WBTC": 10**8, "WETH": 10**18, "DAI": 10**22}[name]
        for who in (*victims, world.attacker.address):
            box.give(TOKENS[name].address, who, 3 * amount)
            box.send(who, TOKENS[name].address, "approve(address,uint256)", zap.contract.address, ALL)
    for who in (*victims[1:], world.attacker.address):
        world.vault.transfer(who, 100 * WAD, sender=world.depositor)
    for who in (*victims, world.attacker.address):
        box.send(who, world.vault.address, "approve(address,uint256)", zap.contract.address, ALL)
        box.give(USDC, who, LENT)
        box.send(who, USDC, "approve(address,uint256)", wrapper, LENT)
        box.send(who, wrapper, "deposit(uint256,address)", LENT, who)
        box.send(who, wrapper, "approve(address,uint256)", zap.contract.address, ALL)
    greedy = world.deployer.deploy(world.project.GreedyVault)
    takes = [
        (token, calldata("transferFrom(address,address,uint256)", whom, greedy.address, 1))
        for token in tokens
        for whom in (victims[0], zap.contract.address)
    ]
    greedy.set_up([USDC, WETH], takes, sender=world.attacker)
    pools = (
        pool_of(V3, "USDC", "WETH", 500), pool_of(V3, "WBTC", "WETH", 500), pool_of(V2, "USDC", "WETH", 3000),
        *(pool.address for pool in BALANCER_POOLS), CURVE_SUSD_POOL, *AAVE_WRAPPERS.values(),
        TOKENS["wstETH"].address, TOKENS["stETH"].address,
    )  # fmt: skip
    signers = (world.depositor, world.attacker)
    permits = (
        NO_PERMIT,
        (ERC2612, ALL, 0, FAR, 27, b"\1" * 32, b"\2" * 32),
        *(zap.permit(signer, USDC, ALL) for signer in signers),
        *(zap.permit2(signer, USDC, LENT) for signer in signers),
    )
    # Pinned, as an owner would: a router, whose calldata is the attacker's.
    for selector in SELECTORS:
        zap.contract.set_aggregator(V3_ROUTER, selector, V3_ROUTER, sender=world.owner)
    return Field(zap, tokens, victims, greedy, pools, permits)


V3_SWAP = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
SWEEP, MULTICALL = "sweepToken(address,uint256,address)", "multicall(bytes[])"
SELECTORS = tuple(
    calldata(signature, *arguments)[:4]
    for signature, arguments in (
        (V3_SWAP, ((ZERO, ZERO, 0, ZERO, 0, 0, 0, 0),)),
        (SWEEP, (ZERO, 0, ZERO)),
        (MULTICALL, ([],)),
    )
)
amounts = st.sampled_from([LENT, 10**6, 0, 1, LENT, 10**18, 2**128, ALL])
places = st.integers(0, 40)
steps = st.tuples(
    st.one_of(st.sampled_from([1 << number for number in range(7)]), st.integers(0, 127)),
    *(places, places, places),
    st.sampled_from([0, 1, 100, 500, 3000, 10**6 - 1, 10**6]),
    st.sampled_from([WAD, WAD, WAD // 2, 0, WAD + 1]),
)
calls = st.tuples(
    st.sampled_from([V3_SWAP, SWEEP, MULTICALL, "raw", "sane", "sane", "sane"]), places, places, places, amounts
)


def encoded(field: Field, call: tuple[str, int, int, int, int]) -> tuple[int, bytes]:
    """IRouteExecutor.AggregatorCall."""
    kind, first, second, third, amount = call
    things = field.things()
    a, b, c = (things[place % len(things)] for place in (first, second, third))
    if kind == "sane":
        return 0, calldata(V3_SWAP, (USDC, WETH, 500, field.zap.contract.address, FAR, min(amount, 10**6), 0, 0))
    if kind == V3_SWAP:
        return 0, calldata(kind, (a, b, 500, c, FAR, amount, 0, 0))
    if kind == SWEEP:
        return 0, calldata(kind, a, amount, c)
    if kind == MULTICALL:
        return 0, calldata(kind, [calldata(SWEEP, a, 0, b), calldata(V3_SWAP, (a, b, 500, c, FAR, 1, 0, 0))])
    return 0, calldata("transferFrom(address,address,uint256)", field.victims[0], c, amount)


COMMON = settings(deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("examples", [40, pytest.param(3_000, marks=pytest.mark.long)])
def test_zap__any_operations_and_calldata__nobody_elses_balance_or_allowance_falls(field: Field, examples: int) -> None:
    zap, things, before = field.zap, field.things(), field.state()
    aave, through = AAVE_WRAPPERS["USDC"], zap.market.operation
    sane = [
        *zap.buying(),
        *zap.selling(),
        through(BALANCER, "WETH", "USDC", 0, pool=BALANCER_POOLS[2].address),
        through(CURVE, "USDC", "DAI", 0, WAD // 2, pool=CURVE_SUSD_POOL),
        (WRAPPER, aave, USDC, aave, 0, WAD // 2),
        (WRAPPER, aave, aave, USDC, 0, WAD),
        (AGGREGATOR, V3_ROUTER, USDC, WETH, 0, WAD),
    ]
    went_through = 0

    @settings(COMMON, max_examples=examples)
    @given(
        route=st.lists(st.one_of(st.sampled_from(sane), steps), max_size=4),
        told=st.lists(calls, max_size=2),
        place=st.one_of(st.just(0), places),  # USDC, or anything
        is_redeeming=st.booleans(),
        is_greedy=st.booleans(),
        is_ether=st.sampled_from([False, False, False, True]),
        permit=st.sampled_from(range(len(field.permits))),
        amount=amounts,
    )
    # What goes through and leaves an aggregator less taken than it was offered, in either vault's hands.
    @example(sane[-1:], [("sane", 0, 0, 0, LENT)], 0, False, True, False, 0, LENT)
    @example([*sane[-1:], *sane[:2]], [("sane", 0, 0, 0, LENT)], 0, False, False, False, 5, LENT)
    # What leaves a token that is neither given nor the vault's.
    @example(sane[5:6], [], 0, False, True, False, 0, LENT)
    def attack(
        route: Any,
        told: Any,
        place: int,
        is_redeeming: bool,
        is_greedy: bool,
        is_ether: bool,
        permit: int,
        amount: int,
    ) -> None:
        nonlocal went_through
        at = [
            (venue, *(thing if isinstance(thing, str) else things[thing % len(things)] for thing in near), fee, share)
            for venue, *near, fee, share in route
        ]
        vault = field.greedy if is_greedy else zap.world.vault
        token = ZERO if is_ether else things[place % len(things)]
        value = min(amount, 10**18) if is_ether and not is_redeeming else 0
        tail = (0, at, [encoded(field, call) for call in told], FAR, field.permits[permit])
        data = (
            zap.contract.zap_redeem.encode_input(vault, min(amount, WAD), token, *tail)
            if is_redeeming
            else zap.contract.zap_mint.encode_input(vault, token, value if is_ether else amount, *tail)
        )
        snapshot = zap.box.snapshot()
        try:
            zap.box.transact(zap.world.attacker.address, zap.contract.address, bytes(data), value)
        except TransactionError:
            pass
        else:
            went_through += 1
            assert all(now >= was for now, was in zip(field.state(), before, strict=True))
            assert field.allowed() == 0
            # Nor is anything left, for whoever comes next, of what the vault or the caller named.
            named = {WETH if token == ZERO else token, *(step[place] for step in at for place in (2, 3))}
            assert field.left(named | {USDC, WETH} | (set() if is_greedy else set(field.tokens[:3]))) <= ROUNDING
        zap.box.revert(snapshot)

    attack()
    assert went_through > examples // 20


def test_field__what_a_victim_does_itself__is_seen(field: Field) -> None:
    """Or nothing could be found above: the same look sees balances that fall and allowances that are there."""
    before, victim = field.state(), field.victims[0]
    field.zap.box.send(victim, USDC, "transfer(address,uint256)", ZERO[:-1] + "1", 1)
    field.zap.box.send(victim, WETH, "approve(address,uint256)", field.zap.contract.address, 1)
    assert sum(now < was for now, was in zip(field.state(), before, strict=True)) == 2
    field.zap.box.fund(field.zap.contract.address)
    field.zap.box.send(field.zap.contract.address, USDC, "approve(address,uint256)", PERMIT2, 1)
    assert field.allowed() == 1


# --- re-entrance


@pytest.mark.parametrize("function", ["zap_mint", "zap_redeem", "set_aggregator", "wrapped_ether"])
def test_zap_mint__token_calls_back__is_locked_out(zap: Zap, function: str) -> None:
    """In the middle of a zap its own token calls the zap again, in the name of somebody with an allowance."""
    world, caller = zap.world, zap.world.attacker
    odd = world.deployer.deploy(world.project.OddToken, "HOOK", 18)
    odd.configure(1, 0, 0, False, False, world.executor, 0, False, False, False, sender=world.deployer)
    odd.approve(zap.contract, ALL, sender=caller)
    arguments: dict[str, tuple[Any, ...]] = {
        "zap_mint": (world.vault, USDC, 0, 0, [], [], FAR, NO_PERMIT),
        "zap_redeem": (world.vault, 0, USDC, 0, [], [], FAR, NO_PERMIT),
        "set_aggregator": (V3_ROUTER, b"\1\2\3\4", V3_ROUTER),
        "wrapped_ether": (),
    }
    data = bytes(getattr(zap.contract, function).encode_input(*arguments[function]))
    world.script((zap.contract.address, data, True))
    for token, amount in zip(world.vault.assets(), world.vault.preview_mint(WAD), strict=True):
        zap.box.give(token, zap.contract.address, amount)
    odd.mint(caller, WAD, sender=world.deployer)
    zap.mint(caller, [], token=odd.address, amount=WAD)
    outcome = world.executor.outcomes(0)
    assert (outcome.succeeded, bytes(outcome.response)) == (False, b"")
    assert odd.balanceOf(caller) == WAD


def test_zap__inside_a_rebalance__the_vault_tells_it_nothing(zap: Zap) -> None:
    """In the middle of a fill the basket is not what it is: nobody mints or redeems by it."""
    world = zap.world
    world.vault.transfer(world.executor, WAD, sender=world.depositor)
    world.executor.call(world.vault, world.vault.approve.encode_input(zap.contract, WAD), sender=world.attacker)
    tail: tuple[Any, ...] = (0, [], [], FAR, NO_PERMIT)
    world.script(
        step(zap.contract.zap_redeem, world.vault, WAD, WETH, *tail, may_fail=True),
        step(zap.contract.zap_mint, world.vault, WETH, 0, *tail, may_fail=True),
        (USDC, calldata("transfer(address,uint256)", world.vault.address, 3_100 * 10**6), False),
    )
    zap.box.give(USDC, world.executor.address, 3_100 * 10**6)
    for token, amount in zip(world.vault.assets(), world.vault.preview_mint(WAD), strict=True):
        zap.box.give(token, zap.contract.address, amount)
    legs = (world.legs({2: ETHER}), world.legs({0: 1}))
    world.vault.rebalance(*legs, world.executor, b"", FAR, sender=world.attacker)
    assert [world.executor.outcomes(number).succeeded for number in range(3)] == [False, False, True]
    # What failed is the vault's lock, of the calls too that go through a moment later.
    world.script(
        step(zap.contract.zap_mint, world.vault, WETH, 0, *tail),
        step(zap.contract.zap_redeem, world.vault, WAD // 2, WETH, *tail),
    )
    world.executor.run(sender=world.attacker)
    assert world.vault.balanceOf(world.executor) > WAD


# --- what is left


def test_zap_mint__what_is_left_says_false_and_stays__nothing_happens(zap: Zap) -> None:
    """As a token that neither moves nor reverts: whoever named it next would have it."""
    world, caller = zap.world, zap.world.stranger
    odd = world.deployer.deploy(world.project.OddToken, "STAYS", 18)
    odd.mint(caller, WAD, sender=world.deployer)
    odd.approve(zap.contract, ALL, sender=caller)
    world.script(step(odd.configure, NO, 0, 0, False, True, ZERO, 0, False, False, False))
    odd.configure(1, 0, 0, False, False, world.executor, 0, False, False, False, sender=world.deployer)
    for token, amount in zip(world.vault.assets(), world.vault.preview_mint(WAD), strict=True):
        zap.box.give(token, zap.contract.address, amount)
    with revert("zap: a token does not move"):
        zap.mint(caller, [], token=odd.address, amount=WAD)
    assert odd.balanceOf(caller) == WAD
    odd.configure(1, 0, 0, False, False, ZERO, 0, False, False, False, sender=world.deployer)
    zap.mint(caller, [], token=odd.address, amount=WAD)
    assert (odd.balanceOf(caller), odd.balanceOf(zap.contract)) == (WAD, 0)


def test_zap_mint__as_much_in_play_as_there_can_be__comes_back(zap: Zap, greedy_vault: Any) -> None:
    """Twenty assets and two tokens for each of forty operations, all of them others, and one on an aggregator."""
    world, caller = zap.world, zap.world.attacker
    model = world.deployer.deploy(world.project.Token, "MANY", 18)
    code, provider = world.chain.provider.get_code(model.address), world.chain.provider
    tokens = [f"0x{0xABC000 + number:040x}" for number in range(101)]
    given, assets, others = tokens[0], tokens[1:21], tokens[21:]
    held = (given, assets[-1], *others[-2:])
    for token in tokens:
        provider.set_code(token, code)
    for token in held:
        zap.box.send(world.deployer.address, token, "mint(address,uint256)", zap.contract.address, 5)
    greedy_vault.set_up(assets, [], sender=caller)
    greedy_vault.set_takes_nothing(True, sender=caller)
    zap.contract.set_aggregator(V3_ROUTER, SELECTORS[0], V3_ROUTER, sender=world.owner)
    venues = [(AGGREGATOR, V3_ROUTER), *[(V3, ZERO)] * 39]
    operations = [
        (*venue, token_in, token_out, 0, 0)
        for venue, token_in, token_out in zip(venues, others[::2], others[1::2], strict=True)
    ]
    receipt = zap.mint(caller, operations, calls=[(0, SELECTORS[0])], token=given, amount=0, vault=greedy_vault)
    assert receipt.gas_used < 10**7
    assert {zap.box.balance(token, caller.address) for token in held} == {5}
    assert {zap.box.balance(token, zap.contract.address) for token in held} == {0}
