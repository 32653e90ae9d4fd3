"""What routes were to pay against what they paid: whole rebalances of a vault, through a RouteExecutor, on the devnet.

A vault of ten assets stands open at the end of its auction. Before each rebalance it is given a random amount of some assets,
so that it is off its targets; the router solves for that on a random part of the devnet's pools, so that routes differ; the
executor carries it out with the amounts of the replay as minima. Every so often the markets move, so that pools differ too.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from eth_abi.abi import decode
from eth_account import Account

from devnet import addresses as a
from devnet import market, node
from devnet.box import Box
from keeper.chain import abi, pools
from keeper.chain.abi import Trigger, checksum
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Terms, VaultSnapshot
from keeper.errors import NoRoute
from keeper.execution.plan import operation
from keeper.execution.signer import KeystoreSigner
from keeper.markets import Pool
from keeper.policy import deficits, surpluses
from keeper.routing import WAD, RebalanceProblem, Route, RouteLimits, solve
from keeper.services import vault as lifecycle
from keeper.services.plan import take
from keeper.settings import PoolSettings, Settings

SYMBOLS = ("WETH", "WBTC", "USDC", "USDT", "DAI", "LINK", "UNI", "AAVE", "CRV", "COMP")
SEED = 1
DEPOSIT_USD = 2_000_000
SHARE_USD = 1_000
GIFT_USD = (1e3, 3e5)
OPENING_GIFT_USD = 100_000  # more than the closing tolerance, or no rebalance opens
REBALANCES_PER_MARKET = 10
MOVED = ("WETH", "WBTC", "LINK", "UNI", "AAVE", "CRV", "COMP")
MOST_MOVE = 0.1
POOLS_KEPT = 0.7

# The auction's time is long and nearly over, so that the bound is as low as it gets.
DURATION_S = 86_400
TERMS = Terms(
    triggers=Trigger.INTERVAL,
    require_all=False,
    interval=3_600,
    cooldown=0,
    duration=DURATION_S,
    start_premium=0,
    max_discount=WAD // 20,
    closing_tolerance=WAD // 50,
    max_loss=WAD // 20,
    loss_window=86_400,
)
BAND = WAD // 50
FAR = 2**40


@dataclass(frozen=True, slots=True)
class Executed:
    """Rebalances carried out, their swaps by venue, and the largest difference of any amount, base units."""

    rebalances: int
    without_route: int
    swaps: dict[str, int]
    most_legs: int
    most_difference: int


class Desk:
    """A vault, the executor that may fill it, and the chain they are on."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.client = Client(box.url, 1).connect()
        self.settings = Settings(rpc_url=box.url, pools=PoolSettings(min_depth_usd=0, v3_range_bps=9_000))
        self.keeper, creator = KeystoreSigner(Account.create()), KeystoreSigner(Account.create())
        for actor in (self.keeper, creator):
            box.fund(actor.address, 100)
        oracle = lifecycle.deploy_oracle(self.client, self.settings, creator, [self._feed(s) for s in SYMBOLS])
        self.vault = lifecycle.deploy_vault(
            self.client,
            self.settings,
            creator,
            name="Ten",
            symbol="TEN",
            guardian=creator.address,
            oracle=oracle,
            assets=[self._asset(symbol) for symbol in SYMBOLS],
            terms=TERMS,
        )
        self.executor = lifecycle.deploy_executor(self.client, self.settings, creator, self.keeper.address)
        self._deposit(creator)

    def new_market(self, rng: random.Random) -> None:
        """Prices move, and a rebalance is open whose time is almost over."""
        market.warp(self.box, TERMS.interval)
        for symbol in rng.sample(MOVED, 2):
            factor = Decimal(1 + rng.uniform(-MOST_MOVE, MOST_MOVE))
            market.move_price(self.box, symbol, market.feed_price(self.box, symbol) * factor)
        self._give(rng.choice(SYMBOLS), OPENING_GIFT_USD)
        self.box.send(self.keeper.address, self.vault, "open_rebalance()")
        market.warp(self.box, DURATION_S - 600)

    def drift(self, rng: random.Random) -> None:
        """Give the vault one to four assets out of nowhere."""
        for symbol in rng.sample(SYMBOLS, rng.randint(1, 4)):
            self._give(symbol, GIFT_USD[0] * (GIFT_USD[1] / GIFT_USD[0]) ** rng.random())

    def plan(self, rng: random.Random) -> tuple[VaultSnapshot, Route]:
        """What the router would do on a random part of the pools. Raises NoRoute."""
        snapshot = take(self.client, self.settings, self.vault)
        prices = {asset.address: price for asset, price in zip(snapshot.assets, snapshot.priced().prices, strict=True)}
        problem = RebalanceProblem(
            pools=tuple(pool for pool in self._pools(snapshot, prices) if rng.random() < POOLS_KEPT),
            prices=prices,
            decimals={token.address: token.decimals for token in a.TOKENS.values()},
            surplus=surpluses(snapshot),
            deficit=deficits(snapshot),
        )
        return snapshot, solve(problem, RouteLimits(min_ratio=snapshot.bound))

    def execute(self, route: Route) -> list[int]:
        """Carry it out; how far each amount of each swap, and what the vault then holds of each asset, is off."""
        tokens = {*route.sold, *route.bought}
        before = {token: self.box.balance(token, self.vault) for token in tokens}
        data = abi.Executor.rebalance.encode(
            self.vault,
            list(route.sold.items()),
            list(route.bought.items()),
            [operation(leg) for leg in route.legs],
            FAR,
        )
        receipt = self.box.transact(self.keeper.address, self.executor, data, label="rebalance")
        swaps = [
            (checksum("0x" + log["topics"][1][-40:]), *decode(["uint256", "uint256"], bytes.fromhex(log["data"][2:])))
            for log in receipt["logs"]
            if log["topics"][0] == "0x" + abi.Executor.swap.topic.hex()
        ]
        off = [0 if len(swaps) == len(route.legs) else 1]
        for leg, (pool, paid, out) in zip(route.legs, swaps, strict=False):
            off += [0 if pool == leg.pool else 1, abs(paid - leg.amount_in), abs(out - leg.amount_out)]
        for token in tokens:
            gained = self.box.balance(token, self.vault) - before[token]
            off.append(abs(gained - route.bought.get(token, 0) + route.sold.get(token, 0)))
        return off

    def _pools(self, snapshot: VaultSnapshot, prices: dict[str, int]) -> list[Pool]:
        priced = {
            t.address: pools.Priced(prices[t.address], t.decimals) for t in a.TOKENS.values() if t.address in prices
        }
        return pools.discover(self.client, priced, self.settings.pools, snapshot.block, self.settings.multicall)

    def _give(self, symbol: str, usd: float) -> None:
        self.box.give(a.TOKENS[symbol].address, self.vault, self._units(symbol, usd))

    def _deposit(self, who: KeystoreSigner) -> None:
        shares = DEPOSIT_USD * WAD // SHARE_USD
        asked = abi.Vault.preview_mint.decode(self.client.call(self.vault, abi.Vault.preview_mint.encode(shares)))
        for symbol, amount in zip(SYMBOLS, asked, strict=True):
            self.box.give(a.TOKENS[symbol].address, who.address, amount)
        lifecycle.mint(self.client, self.settings, who, self.vault, shares)

    def _feed(self, symbol: str) -> lifecycle.FeedTerms:
        price = int(market.feed_price(self.box, symbol) * WAD)
        proxy = a.FEEDS[a.USD_FEEDS[symbol]].proxy
        return lifecycle.FeedTerms(a.TOKENS[symbol].address, proxy, 7 * 86_400, price // 20, price * 20)

    def _asset(self, symbol: str) -> lifecycle.AssetTerms:
        units = self._units(symbol, SHARE_USD / len(SYMBOLS))
        return lifecycle.AssetTerms(a.TOKENS[symbol].address, units, WAD // len(SYMBOLS), BAND)

    def _units(self, symbol: str, usd: float) -> int:
        return int(Decimal(usd) / market.feed_price(self.box, symbol) * 10 ** a.TOKENS[symbol].decimals)


def executed(count: int, tell: Callable[[str], None]) -> Executed:
    """Carry out `count` rebalances on a devnet of its own, each on a market as the others did not touch it."""
    rng = random.Random(SEED)
    done = Executed(0, 0, {}, 0, 0)
    with node.up() as running:
        box = Box(running.url)
        desk = Desk(box)
        untouched = box.snapshot()
        while done.rebalances < count:
            desk.new_market(rng)
            for _ in range(min(REBALANCES_PER_MARKET, count - done.rebalances)):
                tell(f"{done.rebalances} of {count}")
                moved = box.snapshot()
                desk.drift(rng)
                done = _with_another(done, desk, rng)
                box.revert(moved)
            box.revert(untouched)
            untouched = box.snapshot()
    return done


def _with_another(done: Executed, desk: Desk, rng: random.Random) -> Executed:
    try:
        _, route = desk.plan(rng)
    except NoRoute:
        return replace(done, without_route=done.without_route + 1)
    off = desk.execute(route)
    swaps = dict(done.swaps)
    for leg in route.legs:
        swaps[leg.venue] = swaps.get(leg.venue, 0) + 1
    return Executed(
        done.rebalances + 1,
        done.without_route,
        swaps,
        max(done.most_legs, len(route.legs)),
        max(done.most_difference, *off),
    )
