"""RouteExecutor.set_aggregator: what the owner may pin, and what not even the owner may."""

from typing import Any

import pytest
from eth_utils.crypto import keccak

from devnet.addresses import AAVE_WRAPPERS, PERMIT2, TOKENS, V2_ROUTER, V3_ROUTER
from devnet.box import calldata
from unit.route_executor.conftest import Market
from unit.world import ZERO, revert

SELECTOR, OTHER = calldata("swap()"), calldata("other()")
FORBIDDEN = (
    "transfer(address,uint256)",
    "transferFrom(address,address,uint256)",
    "approve(address,uint256)",
    "increaseAllowance(address,uint256)",
    "increaseApproval(address,uint256)",
    "burnFrom(address,uint256)",
    "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
    "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)",
    "safeTransferFrom(address,address,uint256)",
    "safeTransferFrom(address,address,uint256,bytes)",
    "safeTransferFrom(address,address,uint256,uint256,bytes)",
    "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
    "setApprovalForAll(address,bool)",
    "send(address,uint256,bytes)",
    "operatorSend(address,address,uint256,bytes,bytes)",
    "authorizeOperator(address)",
    "transferAndCall(address,uint256,bytes)",
    "transferFromAndCall(address,address,uint256,bytes)",
    "approveAndCall(address,uint256,bytes)",
    "withdraw(uint256,address,address)",
    "redeem(uint256,address,address)",
)


def pin(market: Market, target: Any, spender: Any, selector: bytes = SELECTOR) -> Any:
    """By the owner."""
    return market.executor.set_aggregator(target, selector, spender, sender=market.world.keeper)


def test_set_aggregator__pinned_changed_and_forbidden__is_told_with_what_was_before(market: Market) -> None:
    executor, before = market.executor, ZERO
    for spender in (V3_ROUTER, V2_ROUTER, ZERO, V3_ROUTER):
        receipt = pin(market, V3_ROUTER, spender)
        event = receipt.events.filter(executor.AggregatorSet)[0]
        assert (event.target, event.old_spender, event.new_spender) == (V3_ROUTER, before, spender)
        assert bytes(event.selector)[:4] == SELECTOR
        assert executor.aggregator_spenders(V3_ROUTER, SELECTOR) == spender
        before = spender
    # That function of that contract, and nothing else.
    assert executor.aggregator_spenders(V3_ROUTER, OTHER) == executor.aggregator_spenders(V2_ROUTER, SELECTOR) == ZERO


def test_set_aggregator__target_that_lost_its_code__can_still_be_forbidden(market: Market) -> None:
    pin(market, V3_ROUTER, V3_ROUTER)
    market.world.chain.provider.set_code(V3_ROUTER, b"")
    with revert("aggregator: bad target"):
        pin(market, V3_ROUTER, V3_ROUTER)
    pin(market, V3_ROUTER, ZERO)
    assert market.executor.aggregator_spenders(V3_ROUTER, SELECTOR) == ZERO


@pytest.mark.parametrize("party", ["the executor", "Permit2", "nobody", "no contract"])
def test_set_aggregator__target_or_spender_that_can_never_be__reverts(market: Market, party: str) -> None:
    address = {
        "the executor": market.executor.address,
        "Permit2": PERMIT2,
        "nobody": ZERO,
        "no contract": market.world.stranger.address,
    }[party]
    assert party in ("nobody", "no contract") or market.box.code(address)
    with revert("aggregator: bad target"):
        pin(market, address, V3_ROUTER)
    if party != "nobody":
        with revert("aggregator: bad target"):
            pin(market, V3_ROUTER, address)


@pytest.mark.parametrize("token", ["WETH", "USDC", "USDT", "DAI", "wstETH", "an ERC-4626 wrapper", "the vault"])
def test_set_aggregator__token_as_target_or_spender__reverts(market: Market, token: str) -> None:
    others = {"an ERC-4626 wrapper": AAVE_WRAPPERS["WETH"], "the vault": market.world.vault.address}
    address = others.get(token) or TOKENS[token].address
    for target, spender in ((address, V3_ROUTER), (V3_ROUTER, address), (address, address)):
        with revert("aggregator: a token"):
            pin(market, target, spender)


def test_set_aggregator__target_that_answers_nothing_to_anything__is_no_token(market: Market) -> None:
    address = market.world.stranger.address
    market.world.chain.provider.set_code(address, b"\0")  # STOP
    pin(market, address, address)
    assert market.executor.aggregator_spenders(address, SELECTOR) == address


@pytest.mark.parametrize("signature", FORBIDDEN)
def test_set_aggregator__function_of_a_token__reverts(market: Market, signature: str) -> None:
    """Not all that holds somebody's tokens answers as an ERC-20 does."""
    with revert("aggregator: moves tokens"):
        pin(market, V3_ROUTER, V3_ROUTER, keccak(text=signature)[:4])


@pytest.mark.parametrize("role", ["attacker", "owner", "deployer"])
def test_set_aggregator__by_anybody_but_the_owner__reverts(market: Market, role: str) -> None:
    for spender in (V3_ROUTER, ZERO):
        with revert("ownable: caller is not the owner"):
            market.executor.set_aggregator(V3_ROUTER, SELECTOR, spender, sender=getattr(market.world, role))
