"""Vaults over the same real tokens whose rebalances are open, the keeper's batch executor, and the devnet's own pools."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from devnet.addresses import TOKENS, V3_FACTORY
from devnet.box import Box
from unit import reference
from unit.route_executor.conftest import ETHER, USDC, V3, WBTC, WETH, Market, build_market
from unit.world import FAR, WAD, World, step, undone

GIVEN_USDC = 400_000 * 10**6


@dataclass(frozen=True, slots=True)
class Pair:
    """`weth` sells WETH and buys USDC and WBTC; `usdc` sells USDC and buys WBTC and WETH. Each holds over two million USD."""

    market: Market
    weth: World
    usdc: World
    executor: Any  # BatchExecutor

    def order(
        self,
        world: World,
        sells: Mapping[int, int],
        inside: Mapping[int, int],
        outside: Mapping[int, int] | None = None,
        least: Mapping[int, int] | None = None,
        vault: Any = None,
    ) -> Any:
        """IBatchExecutor.Order; base units, or weights, by place in the basket."""
        outside, least = outside or {}, least or {}
        bought = sorted(inside.keys() | outside.keys() | least.keys())
        buys = [(world.tokens[i], least.get(i, 0), inside.get(i, 0), outside.get(i, 0)) for i in bought]
        return vault or world.vault, world.legs(sells), buys

    def fill(self, orders: Any, operations: Any = (), sender: Any = None) -> Any:
        """The keeper fills; the receipt."""
        return self.executor.rebalance_many(orders, list(operations), FAR, sender=sender or self.weth.keeper)

    def scripted(self, *steps: Any) -> Any:
        """A contract that does these when it is asked to rebalance."""
        vault = self.weth.deployer.deploy(self.weth.project.ScriptedVault)
        if steps:
            vault.add_steps(list(steps), sender=self.weth.attacker)
        return vault

    def calls_back(self, may_fail: bool = False, initiator: Any = None, sold: Any = (), data: bytes = b"") -> Any:
        """A step: the callback, in its turn or out of it."""
        return step(self.executor.on_rebalance, initiator or self.executor.address, list(sold), data, may_fail=may_fail)

    def pays(self, symbol: str, amount: int, vault: Any) -> Any:
        """A step: `vault`, given it, sends the executor an amount."""
        token = self.weth.project.Token.at(TOKENS[symbol].address, fetch_from_explorer=False)
        self.market.box.give(token.address, vault.address, amount)
        return step(token.transfer, self.executor.address, amount)

    def left(self) -> dict[str, int]:
        """What the executor and its owner hold."""
        return self.market.holdings(self.executor) | self.market.holdings(self.weth.keeper)

    def swap(self, token_in: str, token_out: str, share: int = WAD) -> Any:
        """An operation on the devnet's V3 pool of 0.05 %."""
        return self.market.operation(V3, token_in, token_out, 500, share)


@pytest.fixture(scope="package", autouse=True)
def pair(project: Any, chain: Any, accounts: Any, rpc_url: str) -> Iterator[Pair]:
    """Both rebalances are open and past two thirds of their time."""
    with undone(chain):
        yield build_pair(project, chain, accounts, Box(rpc_url))


def build_pair(project: Any, chain: Any, accounts: Any, box: Box) -> Pair:
    """Around the market of the other executor's tests."""
    market = build_market(project, chain, accounts, box)
    world = market.world
    other = world.with_vault()
    amounts = list(other.vault.preview_mint(20_000 * WAD))
    for token, amount in zip(other.tokens, amounts, strict=True):
        box.give(token.address, other.depositor.address, amount)
        token.approve(other.vault, amount, sender=other.depositor)
    other.vault.mint(20_000 * WAD, other.depositor, amounts, FAR, sender=other.depositor)
    # The first one's rebalance runs out and cools down.
    world.wait(world.terms.duration + world.terms.cooldown)
    box.give(TOKENS["USDC"].address, other.vault.address, GIVEN_USDC)
    for each in (world, other):
        each.vault.open_rebalance(sender=each.stranger)
    world.pass_to(other.rebalancer.opened_at() + world.terms.duration - 600)
    executor = world.deployer.deploy(project.BatchExecutor, world.keeper, V3_FACTORY)
    return Pair(market, world, other, executor)


def surplus(world: World, index: int) -> int:
    """Base units that a vault may sell."""
    return reference.surplus(world.basket(), index)


def deficit(world: World, index: int) -> int:
    """Base units that a vault wants, rounded down."""
    price, decimals = world.feeds[index].answer() * 10**10, world.plans[index].decimals
    return reference.deficit_value(world.basket(), index) * 10**decimals // price


def orders_of(pair: Pair) -> list[Any]:
    """Both sell all their surplus; USDC and WETH go from vault to vault, what WBTC the swaps bring goes by the deficits."""
    return [
        pair.order(
            pair.weth,
            {WETH: surplus(pair.weth, WETH)},
            {USDC: deficit(pair.weth, USDC)},
            {WBTC: deficit(pair.weth, WBTC)},
        ),
        pair.order(
            pair.usdc,
            {USDC: surplus(pair.usdc, USDC)},
            {WETH: deficit(pair.usdc, WETH)},
            {WBTC: deficit(pair.usdc, WBTC)},
        ),
    ]


def to_wbtc(pair: Pair) -> list[Any]:
    """What is not sold from vault to vault becomes WBTC."""
    return [pair.swap("USDC", "WETH"), pair.swap("WETH", "WBTC")]


__all__ = ["ETHER", "USDC", "WBTC", "WETH", "Pair", "deficit", "orders_of", "surplus", "to_wbtc"]
