"""A vault over real tokens, a keeper's executor, and the devnet's own Uniswap pools between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from devnet.addresses import TOKENS, V2_PAIRS, V3_FACTORY, V3_POOLS
from devnet.box import Box
from unit.world import FAR, WAD, ZERO, AssetPlan, Terms, World, people, undone

USDC, WBTC, WETH = range(3)
V2, V3, BALANCER, CURVE, ERC4626, WSTETH, AGGREGATOR = (1 << place for place in range(7))  # IRouteExecutor.Venue
ETHER = 10**18
NO_LOAN = (ZERO, 0, ZERO, 0, 0, 0)  # IRouteExecutor.Loan
APPROVAL = keccak(text="Approval(address,address,uint256)")

PLANS = (
    AssetPlan("USDC", 6, WAD, WAD // 2),
    AssetPlan("WBTC", 8, 90_000 * WAD, WAD // 4),
    AssetPlan("WETH", 18, 3_000 * WAD, WAD // 4),
)


@dataclass(frozen=True, slots=True)
class Market:
    """The world, the keeper's executor and the way to more real tokens."""

    world: World
    executor: Any
    box: Box

    def operation(self, venue: int, token_in: str, token_out: str, fee: int, share: int = WAD, **overrides: Any) -> Any:
        """IRouteExecutor.Operation between two of the devnet's tokens, on the devnet's pool."""
        pool = overrides.get("pool") or pool_of(venue, token_in, token_out, fee)
        return venue, pool, TOKENS[token_in].address, TOKENS[token_out].address, fee, share

    def rebalance(self, sells: Any, operations: Any, buys: Any = (), sender: Any = None) -> Any:
        """Fill by the executor; `sells` and `buys` as base units by place in the basket."""
        world = self.world
        return self.executor.rebalance(
            world.vault, world.legs(dict(sells)), world.legs(dict(buys)), operations, FAR, sender=sender or world.keeper
        )

    def rebalance_with_calls(
        self, sells: Any, operations: Any, buys: Any, calls: Any, loan: Any = NO_LOAN, sender: Any = None
    ) -> Any:
        """As `rebalance`, with the calls of aggregators, as (least out, calldata), and a loan."""
        world = self.world
        return self.executor.rebalance_with_calls(
            world.vault,
            world.legs(dict(sells)),
            world.legs(dict(buys)),
            operations,
            FAR,
            loan,
            calls,
            sender=sender or world.keeper,
        )

    def approvals(self, receipt: Any) -> dict[tuple[str, str], list[int]]:
        """What the executor allowed in a transaction, in order, by token and spender; nothing of it is left."""
        granted: dict[tuple[str, str], list[int]] = {}
        for log in self.box.rpc("eth_getTransactionReceipt", str(receipt.txn_hash))["logs"]:
            topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
            if topics[0] == APPROVAL and to_checksum_address(topics[1][12:]) == self.executor.address:
                key = to_checksum_address(log["address"]), to_checksum_address(topics[2][12:])
                granted.setdefault(key, []).append(int(log["data"], 16))
        for token, spender in granted:
            assert self.box.call(token, "allowance(address,address)(uint256)", self.executor.address, spender) == 0
        return granted

    def holdings(self, who: Any) -> dict[str, int]:
        """What `who` holds of every token of the devnet that is in play here."""
        return {
            symbol: held
            for symbol in ("USDC", "WBTC", "WETH", "DAI", "USDT", "wstETH")
            if (held := self.box.balance(TOKENS[symbol].address, str(getattr(who, "address", who))))
        }


def pool_of(venue: int, token_in: str, token_out: str, fee: int) -> str:
    """The devnet's pool of two tokens."""
    pools: Any = V2_PAIRS if venue == V2 else [pool for pool in V3_POOLS if pool.fee == fee]
    return next(str(pool.address) for pool in pools if set(pool.tokens) == {token_in, token_out})


@pytest.fixture(scope="package", autouse=True)
def market(project: Any, chain: Any, accounts: Any, rpc_url: str) -> Iterator[Market]:
    """A rebalance is open and past two thirds of its time; of 2.3 million USD in the vault, 75 WETH are surplus."""
    with undone(chain):
        yield build_market(project, chain, accounts, Box(rpc_url))


@pytest.fixture
def false_vault(market: Market) -> Any:
    """A vault without assets that moves nothing and says that the executor called it."""
    vault = market.world.deployer.deploy(market.world.project.FalseVault)
    vault.set_initiator(market.executor, sender=market.world.attacker)
    return vault


def build_market(project: Any, chain: Any, accounts: Any, box: Box) -> Market:
    """Tokens and pools are the devnet's, feeds are mocks."""
    world = World(project, chain, PLANS, Terms(), **people(accounts))
    world.tokens = [project.Token.at(TOKENS[plan.symbol].address, fetch_from_explorer=False) for plan in PLANS]
    world.feeds = [world.deployer.deploy(project.Feed, 8, plan.price // 10**10) for plan in PLANS]
    world.oracle = world.deployer.deploy(
        project.PriceOracle,
        world.owner,
        [(token, feed, 86400, 1, 10**24) for token, feed in zip(world.tokens, world.feeds, strict=True)],
    )
    world.vault = world.deploy_vault()
    world.executor = world.deployer.deploy(project.ScriptedExecutor)
    amounts = list(world.vault.preview_mint(20_000 * WAD))
    for token, amount in zip(world.tokens, amounts, strict=True):
        box.give(token.address, world.depositor.address, amount)
        token.approve(world.vault, amount, sender=world.depositor)
    world.vault.mint(20_000 * WAD, world.depositor, amounts, FAR, sender=world.depositor)
    world.wait(world.terms.cooldown)
    box.give(TOKENS["WETH"].address, world.vault.address, 100 * ETHER)
    world.vault.open_rebalance(sender=world.stranger)
    world.chain.pending_timestamp = world.rebalancer.opened_at() + world.terms.duration - 600
    world.chain.mine()
    return Market(world, world.deployer.deploy(project.RouteExecutor, world.keeper, V3_FACTORY), box)
