"""Trying a checked quote's calldata: honest ones deliver what they say, and whatever else one does is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from aggregator_cases import KYBERSWAP_DESCRIPTION, Wish, call, kyberswap_description, oneinch_call, zerox_call
from eth_abi.abi import encode

from devnet import addresses as a
from devnet.box import Box, calldata
from keeper.aggregators import NotPinned, Quote, SwapRequest, UnsafeQuote, check, pins
from keeper.chain.rpc import Client, SimulatedCall
from keeper.execution.differences import Allowance, Change, Unexpected, Watched, observe
from keeper.execution.trial import Place, Trial, try_out

WETH, USDC, DAI, WBTC = (a.TOKENS[symbol].address for symbol in ("WETH", "USDC", "DAI", "WBTC"))
SETTLER = a.V3_QUOTER_V2  # any contract: the registry is played
ATTACKER = "0x6666666666666666666666666666666666666666"
ETHER = 10**18
HONEST, TAKES_MORE, DELIVERS_LESS, DELIVERS_ELSEWHERE, BURNS_GAS, CALLS = 0, 1, 2, 4, 8, 16  # Aggregator.Trick


def kyberswap_simple_call(wish: Wish) -> bytes:
    """The other function of KyberSwap's router."""
    signature = f"swapSimpleMode(address,{KYBERSWAP_DESCRIPTION},bytes,bytes)"
    return call(signature, wish.operator, kyberswap_description(wish), b"", b"")


ENCODERS: dict[str, Callable[[Wish], bytes]] = {
    pins.ONEINCH: oneinch_call,
    pins.KYBERSWAP: kyberswap_simple_call,
    pins.ZEROX: zerox_call,
}


class Bench(NamedTuple):
    """A chain with an executor and the mock at the pinned addresses; the liquidity owner plays the vault."""

    box: Box
    client: Client
    executor: Any
    owner: str
    dust: Any

    def play(self, trick: int, other: str = ATTACKER, data: bytes = b"", venue: str = pins.ONEINCH) -> None:
        """What the aggregator does from now on."""
        target = pins.PINS[venue][1].target
        self.box.send(a.LP, target, "set_up(uint24,uint256,address,bytes)", 500, trick, other, data)

    def request(self, amount: int = ETHER) -> SwapRequest:
        """WETH for USDC."""
        executor = str(self.executor.address)
        return SwapRequest(
            1, WETH, USDC, amount, 18, 6, executor, executor, self.owner, self.vault, slippage_bps=30, gas_price=1
        )

    @property
    def vault(self) -> str:
        return a.LP

    def quote(self, venue: str = pins.ONEINCH, bought: int = 2_990 * 10**6, operator: str = SETTLER) -> Quote:
        """A quote that `check` lets through."""
        request, pin = self.request(), pins.PINS[venue][1]
        least = request.least_of_down(bought)
        wish = Wish(
            WETH, USDC, request.sell_amount, least, receiver=request.receiver, operator=operator, flags=0, permit=b""
        )
        return Quote(
            venue, 1, request.taker, WETH, USDC, request.sell_amount, bought, least, pin.target, pin.spender, 0,
            ENCODERS[venue](wish), None,
        )  # fmt: skip

    @property
    def place(self) -> Place:
        block = self.client.head()
        tokens = (WETH, USDC, DAI, WBTC)
        executor = str(self.executor.address)
        return Place(self.vault, executor, self.owner, tokens, block, block.timestamp + 12, a.MULTICALL3)

    def try_out(self, quote: Quote) -> Trial:
        """As the keeper does it."""
        terms = check(quote, self.request())
        assert terms is not None
        return try_out(self.client, quote, self.request(), terms, self.place)


@pytest.fixture(scope="module")
def built(rpc_url: str, project: Any, accounts: Any) -> Iterator[Bench]:
    box = Box(rpc_url)
    before = box.snapshot()
    owner = accounts[0]
    executor = owner.deploy(project.RouteExecutor, owner, a.V3_FACTORY)
    code = "0x" + box.code(str(owner.deploy(project.Aggregator).address)).hex()
    bench = Bench(box, Client(rpc_url).connect(), executor, str(owner.address), owner.deploy(project.DustToken))
    for venue in ENCODERS:
        target = pins.PINS[venue][1].target
        box.rpc("anvil_setCode", target, code)
        executor.set_aggregator(target, bench.quote(venue).selector, target, sender=owner)
        bench.play(HONEST, venue=venue)
    registry = owner.deploy(project.SettlerRegistry, SETTLER)
    box.rpc("anvil_setCode", "0x00000000000004533Fe15556B1E086BB1A72cEae", "0x" + box.code(str(registry.address)).hex())
    yield bench
    box.revert(before)


@pytest.fixture
def bench(built: Bench) -> Iterator[Bench]:
    before = built.box.snapshot()
    yield built
    built.box.revert(before)


@pytest.mark.parametrize("venue", ENCODERS)
def test_try_out__honest_aggregator__delivers_what_the_pool_pays(bench: Bench, venue: str) -> None:
    quoter = "quoteExactInputSingle((address,address,uint256,uint24,uint160))(uint256,uint160,uint32,uint256)"
    pays, *_ = bench.box.call(a.V3_QUOTER_V2, quoter, (WETH, USDC, ETHER, 500, 0))
    trial = bench.try_out(bench.quote(venue))
    assert (trial.delivered, trial.sold) == (pays, ETHER)
    assert 100_000 < trial.gas < 500_000
    assert bench.box.balance(USDC, bench.owner) == 0  # it was only simulated


def test_try_out__executor_and_keeper_held_some_before__counts_only_what_came(bench: Bench) -> None:
    clean = bench.try_out(bench.quote()).delivered
    for who in (str(bench.executor.address), bench.owner, bench.vault):
        bench.box.give(USDC, who, 10**9)
        bench.box.give(WETH, who, ETHER)
    assert bench.try_out(bench.quote()) == replace(bench.try_out(bench.quote()), delivered=clean)


def test_try_out__vault_that_has_no_more_than_it_sells__is_no_reason_to_refuse(bench: Bench) -> None:
    poor, terms = bench.box.call(a.V3_ROUTER, "factory()(address)"), check(bench.quote(), bench.request())
    assert terms is not None
    bench.box.give(WETH, poor, ETHER)
    place = replace(bench.place, vault=poor)
    trial = try_out(bench.client, bench.quote(), bench.request(), terms, place)
    assert (trial.sold, trial.delivered) == (ETHER, bench.try_out(bench.quote()).delivered)
    short = replace(bench.request(), sell_amount=ETHER + 1)
    with pytest.raises(UnsafeQuote, match="reverts: aggregator: call failed"):
        try_out(bench.client, bench.quote(), short, terms, place)


def refused(bench: Bench, quote: Quote | None = None) -> str:
    """Why it is not taken."""
    with pytest.raises(UnsafeQuote) as error:
        bench.try_out(quote or bench.quote())
    line = str(error.value)
    assert line.startswith("1inch: simulated") or quote is not None
    assert line.endswith("leave it out") and "\n" not in line
    return line


def test_try_out__takes_more_than_its_calldata_says__is_named(bench: Bench) -> None:
    bench.play(TAKES_MORE)
    assert f"takes {ETHER + ETHER // 1000}" in refused(bench)


def test_try_out__a_unit_less_than_it_promised__is_named_and_its_least_is_enough(bench: Bench) -> None:
    delivered = bench.try_out(bench.quote()).delivered
    exact = replace(bench.quote(), least_buy=delivered, buy_amount=delivered)
    terms, request, place = check(bench.quote(), bench.request()), bench.request(), bench.place
    assert terms is not None
    assert try_out(bench.client, exact, request, terms, place).delivered == delivered
    with pytest.raises(UnsafeQuote, match=f"delivers {delivered} of {USDC}, less than {delivered + 1}"):
        try_out(bench.client, replace(exact, least_buy=delivered + 1), request, terms, place)
    bench.play(DELIVERS_LESS)
    assert "less than" in refused(bench)


@pytest.mark.parametrize("where", ["an attacker", "the vault"])
def test_try_out__delivers_elsewhere__is_named(bench: Bench, where: str) -> None:
    bench.play(DELIVERS_ELSEWHERE, ATTACKER if where == "an attacker" else bench.vault)
    assert "delivers 0 of" in refused(bench)


def test_try_out__burns_all_gas__is_named_and_nothing_else_fails(bench: Bench) -> None:
    bench.play(BURNS_GAS)
    assert "reverts: aggregator: call failed" in refused(bench)


def test_try_out__starts_the_executor_again__is_named(bench: Bench) -> None:
    data = bench.executor.sweep.encode_input(WETH)
    bench.play(CALLS, str(bench.executor.address), bytes(data))
    assert "reverts: aggregator: call failed" in refused(bench)


def test_try_out__gives_a_token_with_a_hostile_name__is_named_by_its_address_alone(bench: Bench) -> None:
    dust = str(bench.dust.address)
    bench.play(CALLS, dust, calldata("drop(address,uint256)", str(bench.executor.address), 5))
    line = refused(bench)
    assert f"changes what the executor has of {dust} by 5" in line
    assert "evil" not in line
    bench.play(CALLS, dust, calldata("drop(address,uint256)", bench.vault, 5))
    assert f"changes what the vault has of {dust} by 5" in refused(bench)
    bench.play(CALLS, dust, calldata("drop(address,uint256)", ATTACKER, 5))
    bench.try_out(bench.quote())  # what others get is theirs


def test_try_out__takes_a_token_that_the_vault_once_allowed__is_named(bench: Bench) -> None:
    bench.box.send(bench.vault, DAI, "approve(address,uint256)", pins.PINS[pins.ONEINCH][1].target, 7)
    bench.play(CALLS, DAI, calldata("transferFrom(address,address,uint256)", bench.vault, ATTACKER, 7))
    assert f"changes what the vault has of {DAI} by -7" in refused(bench)


def test_try_out__leaves_an_allowance__is_named(bench: Bench) -> None:
    executor = str(bench.executor.address)
    bench.play(CALLS, str(bench.dust.address), calldata("grant(address,address,uint256)", executor, ATTACKER, 9))
    assert f"leaves {ATTACKER} an allowance of 9 of {bench.dust.address} from {executor}" in refused(bench)
    # An approval that is only said.
    bench.play(CALLS, str(bench.dust.address), calldata("flood(address,uint256)", executor, 5))
    bench.try_out(bench.quote())


def test_try_out__more_approvals_than_are_looked_at__is_refused(bench: Bench) -> None:
    executor = str(bench.executor.address)
    bench.play(CALLS, str(bench.dust.address), calldata("flood(address,uint256)", executor, 300))
    assert "approvals, more than are looked at" in refused(bench)


def test_try_out__function_that_the_owner_has_not_pinned__says_what_to_pin(bench: Bench) -> None:
    quote = bench.quote()
    bench.executor.set_aggregator(quote.target, quote.selector, a.ZERO, sender=bench.executor.owner())
    with pytest.raises(NotPinned, match=rf"0x{quote.selector.hex()} of {quote.target}: .*spender {quote.spender}"):
        bench.try_out(quote)


def test_try_out__of_0x_with_another_operator_than_the_settler__is_refused(bench: Bench) -> None:
    line = refused(bench, bench.quote(pins.ZEROX, operator=a.V3_ROUTER))
    assert f"lets {a.V3_ROUTER} take the tokens, and 0x's Settler is" in line
    bench.try_out(bench.quote(pins.ZEROX, operator=a.V2_ROUTER))  # the one before


def test_observe__an_allowance_at_permit2__is_seen(bench: Bench) -> None:
    executor, block = str(bench.executor.address), bench.client.head()
    data = calldata("approve(address,address,uint160,uint48)", DAI, ATTACKER, 11, 2**48 - 1)
    found = observe(
        bench.client,
        SimulatedCall(executor, a.PERMIT2, data),
        Watched((executor,), (WETH,), ()),
        block,
        block.timestamp + 1,
        a.MULTICALL3,
    )
    assert found.allowances[Allowance(DAI, executor, ATTACKER, of_permit2=True)] == Change(0, 11)
    with pytest.raises(Unexpected, match=f"leaves {ATTACKER} an allowance at Permit2 of 11 of {DAI} from {executor}"):
        found.check_side_effects()


def test_observe__ether_that_moves__is_seen(bench: Bench) -> None:
    block = bench.client.head()
    code = bytes.fromhex("5f5f5f5f600773") + bytes.fromhex(ATTACKER[2:]) + bytes.fromhex("5af1")  # sends 7 wei on
    victim = str(bench.executor.address)
    bench.box.fund(victim, 1)
    found = observe(
        bench.client,
        SimulatedCall(a.LP, victim, encode(["uint256"], [0])),
        Watched((victim,), (), ()),
        block,
        block.timestamp + 1,
        a.MULTICALL3,
        codes={victim: code},
    )
    with pytest.raises(Unexpected, match=f"changes the ether of {victim} by -7 wei"):
        found.check_side_effects()
