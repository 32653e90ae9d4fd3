"""Markets that move by themselves: prices walk and jump, feeds follow late as Chainlink's do, pools are arbitraged.

All of it is put into the pool of transactions, to be mined with the next block, beside what the keeper sent.
"""

import math
import random
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from eth_abi.abi import decode
from eth_utils.conversions import to_bytes, to_hex

from devnet import addresses as a
from devnet import market
from devnet.addresses import BALANCER_POOLS, FEEDS, HELPER, LP, TOKENS, USD_FEEDS, V2_PAIRS, V3_POOLS
from devnet.box import Box, calldata
from devnet.deployer import FAR_FUTURE

YEAR_S = 365 * 86_400
GAS = 1_000_000
TOGETHER = 0.7  # correlation of any two tokens
JUMPS_A_DAY = 2.0  # of each token
JUMP = 0.03  # standard deviation
# What of a full year, and by how much a feed's answer may be wrong until it posts another one, or how old (s).
VOLATILITY = {"WETH": 1.2, "WBTC": 0.9, "LINK": 1.6, "UNI": 1.6, "AAVE": 1.6}
DEVIATION = {"WETH": 0.005, "WBTC": 0.005, "LINK": 0.005, "UNI": 0.01, "AAVE": 0.01}
HEARTBEAT_S = 3_600
TRADED = {*VOLATILITY, "USDC"}

AGGREGATE3 = "aggregate3((address,bool,bytes)[])"


@dataclass
class Feed:
    """One of Chainlink's: the aggregator that is posted to."""

    aggregator: str
    decimals: int
    price: float
    posted_at: int


class Weather:
    """The markets of the demo's basket on a box.

    :param block_s: s between two blocks
    """

    def __init__(self, box: Box, dice: random.Random, block_s: int):
        self._box = box
        self._dice = dice
        self._block_s = block_s
        self.now = box.timestamp()
        self.prices = {symbol: float(market.feed_price(box, symbol)) for symbol in TRADED}
        self._feeds = {symbol: self._feed(symbol) for symbol in TRADED}
        self._v2 = [pair for pair in V2_PAIRS if set(pair.tokens) <= TRADED]
        self._v3 = [pool for pool in V3_POOLS if set(pool.tokens) <= TRADED]
        self._weighted = [pool for pool in BALANCER_POOLS if pool.kind == "weighted" and set(pool.tokens) <= TRADED]
        for sender in (LP, HELPER):
            box.fund(sender, 1_000_000)
            box.rpc("anvil_impersonateAccount", sender)
        for symbol in TRADED:  # an arbitrageur never runs out of a token
            held = box.balance(TOKENS[symbol].address, a.WHALE) // 2
            box.fund(a.WHALE)
            box.send(a.WHALE, TOKENS[symbol].address, "transfer(address,uint256)", LP, held)

    def step(self) -> int:
        """Let the time to the next block pass; how many transactions are waiting for it."""
        self.now += self._block_s
        self._walk()
        with localcontext(prec=market.PRECISION):
            return self._post() + self._arbitrage()

    def _feed(self, symbol: str) -> Feed:
        proxy = FEEDS[USD_FEEDS[symbol]].proxy
        aggregator, decimals = (self._box.call(proxy, each) for each in ("aggregator()(address)", "decimals()(uint8)"))
        return Feed(aggregator, decimals, self.prices[symbol], self.now)

    def _walk(self) -> None:
        dice, years = self._dice, self._block_s / YEAR_S
        common = dice.gauss(0, 1)
        for symbol, volatility in VOLATILITY.items():
            own = dice.gauss(0, 1)
            shock = math.sqrt(TOGETHER) * common + math.sqrt(1 - TOGETHER) * own
            step = volatility * math.sqrt(years) * shock
            if dice.random() < JUMPS_A_DAY * self._block_s / 86_400:
                step += dice.gauss(0, JUMP)
            self.prices[symbol] *= math.exp(step)

    def _post(self) -> int:
        """Feeds post what the price was a block ago, when it is far enough from their answer or that is too old."""
        count = 0
        for symbol, feed in self._feeds.items():
            price = self.prices[symbol]
            is_off = abs(price / feed.price - 1) > DEVIATION.get(symbol, 0.0025)
            if is_off or self.now - feed.posted_at >= HEARTBEAT_S:
                feed.price, feed.posted_at = price, self.now
                answer = int(Decimal(price).scaleb(feed.decimals))
                self._send(HELPER, feed.aggregator, calldata("updateAnswer(int256)", answer))
                count += 1
        return count

    def _arbitrage(self) -> int:
        """Trade every pool that is off by more than its fee to the price at which nothing more is earned."""
        count = 0
        for pool, state in zip((*self._v2, *self._v3, *self._weighted), self._states(), strict=True):
            t0, t1 = market._ordered(pool)
            fair = Decimal(self.prices[t0.symbol] / self.prices[t1.symbol]).scaleb(t1.decimals - t0.decimals)
            if pool in self._v2:
                trade = self._of_pair(pool, state, t0, t1, fair)
            elif pool in self._v3:
                trade = self._of_v3(pool, state, t0, t1, fair)
            else:
                trade = self._of_weighted(pool, state, t0, t1, fair)
            if trade is not None:
                self._send(LP, *trade)
                count += 1
        return count

    def _states(self) -> list[Any]:
        """Reserves of pairs, square-root prices of V3 pools, balances of weighted ones: in one call."""
        asked = [(pair.address, "getReserves()(uint112,uint112,uint32)", ()) for pair in self._v2]
        asked += [(pool.address, "slot0()(uint160,int24,uint16,uint16,uint16,uint8,bool)", ()) for pool in self._v3]
        asked += [
            (a.BALANCER_VAULT, "getPoolTokens(bytes32)(address[],uint256[],uint256)", (pool.pool_id,))
            for pool in self._weighted
        ]
        calls = [(target, False, calldata(signature, *arguments)) for target, signature, arguments in asked]
        data = calldata(AGGREGATE3, calls)
        answer = self._box.rpc("eth_call", {"to": a.MULTICALL3, "data": to_hex(data)}, "latest")
        (results,) = decode(["(bool,bytes)[]"], to_bytes(hexstr=answer))
        types = [signature.partition(")(")[2].removesuffix(")").split(",") for _, signature, _ in asked]
        return [decode(each, data) for each, (_, data) in zip(types, results, strict=True)]

    @staticmethod
    def _of_pair(pair: Any, state: Any, t0: Any, t1: Any, fair: Decimal) -> tuple[str, bytes] | None:
        r0, r1, _ = state
        edge = _edge(Decimal(r1) / r0, fair, market.V2_FEE)
        if edge is None:
            return None
        falls = edge < Decimal(r1) / r0
        sold, bought, x, y, q = (t0, t1, r0, r1, 1 / edge) if falls else (t1, t0, r1, r0, edge)
        middle = (1 + market.V2_FEE) * x
        root = (middle * middle - 4 * market.V2_FEE * (x * x - q * x * y)).sqrt()
        amount = int((-middle + root) / (2 * market.V2_FEE))
        signature = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
        path = [sold.address, bought.address]
        return (a.V2_ROUTER, calldata(signature, amount, 0, path, LP, FAR_FUTURE)) if amount > 0 else None

    @staticmethod
    def _of_v3(pool: Any, state: Any, t0: Any, t1: Any, fair: Decimal) -> tuple[str, bytes] | None:
        now = int(state[0])
        edge = _edge((Decimal(now) / 2**96) ** 2, fair, 1 - Decimal(pool.fee) / 10**6)
        if edge is None:
            return None
        target = int(edge.sqrt() * 2**96)
        sold, bought = (t0, t1) if target < now else (t1, t0)
        signature = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
        order = (sold.address, bought.address, pool.fee, LP, FAR_FUTURE, market.UNLIMITED, 0, target)
        return a.V3_ROUTER, calldata(signature, order)

    @staticmethod
    def _of_weighted(pool: Any, state: Any, t0: Any, t1: Any, fair: Decimal) -> tuple[str, bytes] | None:
        """The basket's weighted pools are of equal halves: as a pair without the fee, which is near enough."""
        _, (r0, r1), _ = state
        edge = _edge(Decimal(r1) / r0, fair, Decimal("0.997"))
        if edge is None:
            return None
        falls = edge < Decimal(r1) / r0
        sold, bought, x, y, q = (t0, t1, r0, r1, 1 / edge) if falls else (t1, t0, r1, r0, edge)
        amount = int(min((q * x * y).sqrt() - x, Decimal("0.29") * x))
        signature = "swap((bytes32,uint8,address,address,uint256,bytes),(address,bool,address,bool),uint256,uint256)"
        swap = (pool.pool_id, 0, sold.address, bought.address, amount, b"")
        funds = (LP, False, LP, False)
        return (a.BALANCER_VAULT, calldata(signature, swap, funds, 0, FAR_FUTURE)) if amount > 0 else None

    def _send(self, sender: str, to: str, data: bytes) -> None:
        request = {"from": sender, "to": to, "data": to_hex(data), "gas": hex(GAS)}
        self._box.rpc("eth_sendTransaction", request)


def _edge(now: Decimal, fair: Decimal, kept: Decimal) -> Decimal | None:
    """The price to which a pool that keeps 1 - `kept` of what is sold is traded; None where nobody earns by it."""
    if now > fair / kept:
        return fair / kept
    return fair * kept if now < fair * kept else None
