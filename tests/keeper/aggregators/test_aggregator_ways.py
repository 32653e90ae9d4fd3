"""The ways to rebalance a vault on a devnet: whose surplus it is, which one is taken, and what hostile ones come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from devnet_desk import (
    BURNS_GAS,
    CALLS,
    DELIVERS_ELSEWHERE,
    DELIVERS_LESS,
    TAKES_MORE,
    Desk,
    Venue,
    desk,
    snapshot,
)
from eth_utils.address import to_checksum_address

from devnet import market
from devnet.addresses import BALANCER_VAULT, MORPHO_BLUE, TOKENS
from devnet.artifacts import load_bundle
from devnet.box import calldata
from devnet.deployer import Deployer
from devnet.protocols import morpho
from keeper.aggregators import Aggregator, NoQuote, pins
from keeper.chain import abi
from keeper.chain.rpc import SimulatedCall
from keeper.execution.lenders import GAS
from keeper.execution.simulate import Halted, Skipped, simulate
from keeper.policy import Kind, bound_at, due, surpluses
from keeper.services import alternatives, demo, loans
from keeper.services.alternatives import OWN
from keeper.services.keeper_pass import keeper_pass
from keeper.services.plan import Plan

WAD = 10**18
WETH, USDC, WBTC = (TOKENS[symbol].address for symbol in ("WETH", "USDC", "WBTC"))
ATTACKER = "0x6666666666666666666666666666666666666666"
# Own pools do without V3's pools of 5 bps, on which the aggregator swaps.
BLIND = {"v3_fees_ppm": (100, 3000, 10000)}
OFTEN = {"quotes_per_s": 1000.0}
TO_KEEPER = {"surplus_to": "keeper"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, project: Any) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("desk"), project) as found:
        found.drift()
        found.play()
        yield found


@pytest.fixture
def here(built: Desk, tmp_path: Path) -> Iterator[Desk]:
    """The desk with a ledger of its own; what a test does to the chain is undone."""
    state = built.box.snapshot()
    with demo._ledger(built.settings.model_copy(update={"ledger_file": tmp_path / "ledger.sqlite"})) as ledger:
        yield replace(built, ledger=ledger)
    built.box.revert(state)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, here: Desk) -> list[Aggregator]:
    """The venues that are asked; tests change the list."""
    found: list[Aggregator] = [Venue(here, bps=150)]
    monkeypatch.setattr(alternatives.venues, "of", lambda _: tuple(found))
    return found


def planned(here: Desk) -> Plan:
    return here.plan(pools=BLIND, aggregators=OFTEN)


def holdings(here: Desk, who: str) -> dict[str, int]:
    found = {symbol: here.box.balance(TOKENS[symbol].address, who) for symbol in demo.WEIGHTS}
    return {symbol: amount for symbol, amount in found.items() if amount}


def test_plan__by_default__looks_at_own_pools_alone(here: Desk) -> None:
    found = here.plan()
    assert found.decision.kind is Kind.REBALANCE
    assert found.decision.reason == "BAND holds, and the route beats the bound of 100.500%"
    assert found.alternatives is not None and found.alternatives.chosen.name == OWN
    assert len(found.alternatives.candidates) == 1 and not found.alternatives.had_choice
    assert found.call is not None and found.call.data[:4] == abi.Executor.rebalance.selector


def test_plan__aggregator_that_delivers_more__is_taken_and_the_reason_says_by_how_much(
    here: Desk, asked: list[Aggregator]
) -> None:
    found = planned(here)
    ways = found.alternatives
    assert ways is not None and ways.beneficiary == "vault"
    own = next(each for each in ways.candidates if each.name == OWN)
    assert ways.chosen.worth is not None and own.worth is not None and ways.chosen.worth > own.worth
    assert ways.chosen.name.startswith(f"{OWN} with 1inch for WETH→")
    assert [each.worth for each in ways.candidates] == sorted((each.worth for each in ways.candidates), reverse=True)
    second = ways.candidates[1]
    margin = (ways.chosen.worth - second.worth) / WAD
    assert f"{ways.chosen.name} leaves the vault {margin:,.2f} USD more than {second.name}" in found.decision.reason
    assert found.call is ways.chosen.call
    assert found.call.data[:4] == abi.Executor.rebalance_with_calls.selector
    # There are no V3 pools of 5 bps of the other tokens, so that its calldata fails for them.
    assert {each.buy_token for each in ways.quotes_left_out} <= {
        TOKENS[each].address for each in ("UNI", "LINK", "AAVE")
    }
    assert all("aggregator: call failed" in each.reason for each in ways.quotes_left_out)


def test_pass__with_an_aggregator__does_what_was_simulated_and_leaves_nothing_behind(
    here: Desk, asked: list[Aggregator]
) -> None:
    settings = here.change(pools=BLIND, aggregators=OFTEN)
    result = keeper_pass(here.client, settings, here.vault, here.ledger, here.keeper)
    assert result.mined is not None and result.mined.succeeded
    simulation = result.plan.simulation
    assert simulation is not None
    assert (result.mined.value_out, result.mined.value_in) == (simulation.value_out, simulation.value_in)
    assert "1inch" in {swap.venue for swap in result.mined.swaps}
    executor = str(here.settings.executor)
    assert holdings(here, executor) == {}
    target = pins.PINS[pins.ONEINCH][1].target
    for token in (WETH, USDC, WBTC):
        assert here.box.call(token, "allowance(address,address)(uint256)", executor, target) == 0
    assert snapshot(here).priced().drift <= demo.TERMS.closing_tolerance


@pytest.mark.parametrize(
    ("trick", "why"),
    [
        (TAKES_MORE, "takes "),
        (DELIVERS_ELSEWHERE, "delivers 0 of"),
        (DELIVERS_LESS, "less than"),
        (BURNS_GAS, "reverts: aggregator: call failed"),
    ],
)
def test_plan__hostile_aggregator__is_left_out_by_name_and_own_pools_do_it(
    here: Desk, asked: list[Aggregator], trick: int, why: str
) -> None:
    here.play(trick, ATTACKER)
    ways = planned(here).alternatives
    assert ways is not None and ways.chosen.name == OWN and len(ways.candidates) == 1
    assert why in next(each.reason for each in ways.quotes_left_out if each.buy_token == WBTC)


@pytest.mark.parametrize("trick", [TAKES_MORE, DELIVERS_LESS, DELIVERS_ELSEWHERE, BURNS_GAS])
def test_plan__aggregator_that_turns_hostile_after_its_trial__is_left_out_by_the_whole_transaction(
    here: Desk, asked: list[Aggregator], monkeypatch: pytest.MonkeyPatch, trick: int
) -> None:
    gather = alternatives.gather

    def turning(*arguments: Any) -> Any:
        found = gather(*arguments)
        here.play(trick, ATTACKER)
        return found

    monkeypatch.setattr(alternatives, "gather", turning)
    ways = planned(here).alternatives
    assert ways is not None and ways.chosen.name == OWN
    left_out = [each.left_out or "" for each in ways.candidates if each.name != OWN]
    assert left_out and all(left_out)
    assert any(("lets 1inch take" if trick == TAKES_MORE else "reverts") in line for line in left_out)


def test_plan__aggregator_that_enters_the_vault_again__is_left_out(here: Desk, asked: list[Aggregator]) -> None:
    # Nothing forbids it while it is tried alone; in the rebalance the vault is locked.
    here.play(CALLS, here.vault, calldata("open_rebalance()"))
    ways = planned(here).alternatives
    assert ways is not None and ways.chosen.name == OWN
    assert all("aggregator: call failed" in (each.left_out or "") for each in ways.candidates[1:])
    assert len(ways.candidates) > 1


def test_plan__venue_that_fails__stops_no_other(here: Desk, asked: list[Aggregator]) -> None:
    asked.insert(0, Venue(here, failure=NoQuote("velora has no route"), venue=pins.VELORA))
    ways = planned(here).alternatives
    assert ways is not None and "1inch" in ways.chosen.name
    assert "velora has no route" in {each.reason for each in ways.quotes_left_out}


def test_plan__best_is_worse_than_the_reference__warns_from_the_next_basis_point_on(
    here: Desk, asked: list[Aggregator]
) -> None:
    asked.append(Venue(here, bps=260, venue=pins.COW))
    ways = planned(here).alternatives
    assert ways is not None
    (line,) = [line for line in ways.warnings if line.startswith("WETH for USDC")]
    behind = int(line.split("be done is ")[1].split(" bps")[0])
    assert 30 < behind < 100 and line.endswith("bps below cow's price")
    for limit, count in ((behind, 0), (behind - 1, 1)):
        wanted = OFTEN | {"max_worse_than_reference_bps": limit}
        again = here.plan(pools=BLIND, aggregators=wanted).alternatives
        assert again is not None
        assert len([line for line in again.warnings if line.startswith("WETH for USDC")]) == count


def test_call__overtaken_by_less_than_what_is_held_back__still_settles(here: Desk, asked: list[Aggregator]) -> None:
    found = planned(here)
    assert found.call is not None and "1inch" in {leg.venue for leg in found.call.legs}
    here.box.fund(here.vault)
    (sold,) = (limit.amount for limit in found.call.sells)
    for lacking_bps, settles in ((5, True), (20, False)):
        state = here.box.snapshot()
        # Of what leaves, the targets of the others take three tenths with them.
        taken = (surpluses(found.snapshot)[WETH] - sold * (10_000 - lacking_bps) // 10_000) * 10 // 7
        here.box.send(here.vault, WETH, "transfer(address,uint256)", ATTACKER, taken)
        assert surpluses(snapshot(here))[WETH] == pytest.approx(sold * (10_000 - lacking_bps) // 10_000, rel=1e-6)
        if settles:
            assert simulate(here.client, found.call, here.keeper.address).value_in
        else:
            with pytest.raises(Skipped, match="aggregator: call failed"):
                simulate(here.client, found.call, here.keeper.address)
        here.box.revert(state)


def test_plan__own_route_that_is_overtaken__leaves_it_to_an_aggregator(
    here: Desk, asked: list[Aggregator], monkeypatch: pytest.MonkeyPatch
) -> None:
    def skipped(_: object) -> Any:
        raise Skipped("simulated rebalance reverts: rebalance: value short")

    monkeypatch.setattr(alternatives, "_own", skipped)
    found = planned(here)
    assert found.alternatives is not None and "1inch" in found.alternatives.chosen.name
    assert found.alternatives.candidates[-1].left_out == "simulated rebalance reverts: rebalance: value short"
    asked.clear()
    waiting = planned(here)
    assert (waiting.decision.kind, waiting.simulation) == (Kind.WAIT, None)
    asked.append(Venue(here, failure=NoQuote("none")))
    assert planned(here).decision.reason == "simulated rebalance reverts: rebalance: value short"


# --- loans


def test_pass__surplus_to_the_keeper__pays_the_vault_the_bound_and_the_keeper_the_rest(here: Desk) -> None:
    settings = here.change(policy=TO_KEEPER | {"profit_min_usd": 100.0})
    before = snapshot(here)
    result = keeper_pass(here.client, settings, here.vault, here.ledger, here.keeper)
    ways, mined = result.plan.alternatives, result.mined
    assert ways is not None and mined is not None and mined.succeeded
    assert ways.chosen.name == "loan of WETH from balancer_v2" and ways.beneficiary == "keeper"
    # The vault counted exactly what is due at the bound of that second.
    executed = replace(before, block=replace(before.block, timestamp=result.plan.now))
    bound = bound_at(executed, result.plan.now)
    assert mined.value_out is not None and mined.value_in is not None
    assert 0 <= mined.value_in * WAD - mined.value_out * bound <= 10**15 * WAD  # each asset rounds up
    # The keeper has what the plan said, and all of it: the executor has nothing.
    assert holdings(here, str(here.settings.executor)) == {}
    prices = {asset.symbol: price for asset, price in zip(before.assets, before.priced().prices, strict=True)}
    gained = holdings(here, here.keeper.address)
    worth = sum(amount * prices[symbol] // 10 ** TOKENS[symbol].decimals for symbol, amount in gained.items())
    assert ways.chosen.worth is not None
    assert worth - ways.chosen.worth == pytest.approx(10 * WAD, abs=10 * WAD)  # the gas
    assert ways.chosen.worth > 100 * WAD


def test_due__is_what_the_vault_pulls(here: Desk) -> None:
    before, result = snapshot(here), None
    settings = here.change(policy=TO_KEEPER)
    result = keeper_pass(here.client, settings, here.vault, here.ledger, here.keeper)
    call = result.plan.call
    assert call is not None and result.mined is not None
    value_out = result.mined.value_out
    assert value_out is not None
    owed = due(
        before, [(limit.asset, limit.amount) for limit in call.buys], value_out, bound_at(before, result.plan.now)
    )
    after = {asset.address: asset.balance for asset in snapshot(here).assets}
    came = {
        asset.address: after[asset.address] - asset.balance
        for asset in before.assets
        if after[asset.address] > asset.balance
    }
    assert came == {token: amount for token, amount in owed.items() if amount}


def test_plan__loan_that_leaves_less_than_the_keeper_wants__is_a_wait(here: Desk) -> None:
    found = here.plan(policy=TO_KEEPER | {"profit_min_usd": 5_000.0})
    assert found.decision.kind is Kind.WAIT
    assert "loan of WETH from balancer_v2 leaves the keeper" in found.decision.reason
    assert found.simulation is None and found.call is None


def test_call__on_a_loan_that_is_overtaken_on_the_pools__reverts_as_a_skip(here: Desk) -> None:
    found = here.plan(policy=TO_KEEPER | {"profit_min_usd": 100.0})
    assert found.call is not None
    simulate(here.client, found.call, here.keeper.address)
    # Somebody sells WETH on the pools of the route first.
    for leg in found.call.legs:
        if leg.venue == "uniswap_v3":
            router = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
            amount = TOKENS["WETH"].units(500_000)
            here.box.give(WETH, here.creator.address, amount)
            where = "0xE592427A0AEce92De3Edee1F18E0157C05861564"
            here.box.send(here.creator.address, WETH, "approve(address,uint256)", where, amount)
            order = (WETH, leg.token_out, leg.fee, here.creator.address, 2**64, amount, 0, 0)
            here.box.send(here.creator.address, where, router, order)
    with pytest.raises(Skipped, match="rebalance: value short"):
        simulate(here.client, found.call, here.keeper.address)


@pytest.mark.parametrize(
    ("lenders", "name"),
    [
        ({}, "balancer_v2"),
        ({"enabled": ("aave_v3", "uniswap_v3")}, "aave_v3"),
        ({"enabled": ("uniswap_v3",)}, "uniswap_v3"),
    ],
)
def test_plan__lender__is_the_cheapest_that_there_is(here: Desk, lenders: dict[str, Any], name: str) -> None:
    found = here.plan(policy=TO_KEEPER, lenders=lenders)
    assert found.alternatives is not None
    assert found.alternatives.chosen.name.endswith(f" from {name}")
    assert found.simulation is not None


@pytest.mark.parametrize("symbol", ["WETH", "WBTC", "USDC", "LINK"])
@pytest.mark.parametrize("dearer", [True, False], ids=["one sold", "one bought"])
def test_plan__whatever_is_borrowed__the_loan_repays_and_leaves_no_more_than_the_best(
    here: Desk, monkeypatch: pytest.MonkeyPatch, symbol: str, dearer: bool
) -> None:
    """Sold, bought, or neither on its side: swaps before the vault, after it, or both."""
    if not dearer:  # WETH falls by a third from where the desk has it, and the DEXes ask two percent less
        price = market.feed_price(here.box, "WETH") * 2 / 3
        market.move_price(here.box, "WETH", price)
        market.move_dex(here.box, "WETH", price * 98 / 100)
    best = here.plan(policy=TO_KEEPER).alternatives
    monkeypatch.setattr(loans, "_tokens", lambda *_: (TOKENS[symbol].address,))
    found = here.plan(policy=TO_KEEPER)
    ways = found.alternatives
    assert best is not None and ways is not None and found.call is not None
    assert f"loan of {symbol}" in ways.chosen.name
    assert best.chosen.worth is not None and ways.chosen.worth is not None
    assert 0 < ways.chosen.worth <= best.chosen.worth * 1.001
    result = keeper_pass(here.client, here.change(policy=TO_KEEPER), here.vault, here.ledger, here.keeper)
    assert result.mined is not None and result.mined.succeeded
    assert holdings(here, str(here.settings.executor)) == {}


@pytest.mark.parametrize("kind", ["erc3156", "morpho"])
def test_pass__other_lenders__lend_too(here: Desk, project: Any, kind: str) -> None:
    if kind == "morpho":
        morpho.deploy(Deployer(here.box, load_bundle(with_morpho=True)))
        lender, where = MORPHO_BLUE, {}
    else:
        creation = bytes.fromhex(project.Lender.contract_type.deployment_bytecode.bytecode.removeprefix("0x"))
        lender = to_checksum_address(here.box.transact(here.creator.address, None, creation)["contractAddress"])
        where = {"erc3156": (lender,)}
    here.box.give(WETH, lender, 1_000 * WAD)
    settings = here.change(policy=TO_KEEPER, lenders={"enabled": (kind,)} | where)
    result = keeper_pass(here.client, settings, here.vault, here.ledger, here.keeper)
    ways = result.plan.alternatives
    assert ways is not None and ways.chosen.name == f"loan of WETH from {kind}"
    assert result.mined is not None and result.mined.succeeded
    assert here.box.balance(WETH, lender) == 1_000 * WAD


def test_gas_of_lenders__is_about_what_their_loans_cost_more_than_each_other(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loans, "_tokens", lambda *_: (WETH,))  # of the same token, or its own gas is compared too

    def gas(**lenders: Any) -> int:
        """What it uses. The node's estimate is what it takes as a limit, to a hundredth and a half."""
        found = here.plan(policy=TO_KEEPER, lenders=lenders)
        assert found.call is not None
        call = SimulatedCall(here.keeper.address, found.call.target, found.call.data)
        (outcome,) = here.client.simulate([call], here.client.head(), found.now)
        assert outcome.succeeded
        return outcome.gas

    balancer, aave = gas(), gas(enabled=("aave_v3",))
    assert aave - balancer == pytest.approx(GAS[abi.Lender.AAVE_V3] - GAS[abi.Lender.BALANCER_V2], abs=40_000)


def test_plan__lender_without_enough__is_passed_over(here: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loans, "_tokens", lambda *_: (WETH,))
    held = here.box.balance(WETH, BALANCER_VAULT)
    here.box.fund(BALANCER_VAULT)
    here.box.send(BALANCER_VAULT, WETH, "transfer(address,uint256)", ATTACKER, held - 1)
    found = here.plan(policy=TO_KEEPER)
    assert found.alternatives is not None and found.alternatives.chosen.name == "loan of WETH from aave_v3"


def test_plan__callback_form_that_cannot_be_used__is_done_on_a_loan(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def halted(_: object) -> Any:
        raise Halted("simulated rebalance reverts: something odd")

    monkeypatch.setattr(alternatives, "_own", halted)
    found = here.plan()
    assert found.alternatives is not None and found.alternatives.beneficiary == "keeper"
    assert found.decision.reason.endswith("loan of WETH from balancer_v2 is the one way that can be done")
    assert found.alternatives.candidates[1].left_out == "simulated rebalance reverts: something odd"

    def nothing(*_: object) -> Any:
        raise loans.NoRoute("nobody lends")

    monkeypatch.setattr(loans, "plan_loan", nothing)
    with pytest.raises(Halted, match="something odd"):
        here.plan()
