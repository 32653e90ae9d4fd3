"""PriceOracle.set_cross_check: a price held against the mean of a Uniswap V3 pool."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from devnet.addresses import FEEDS, TOKENS, V3_POOLS
from devnet.box import Box
from devnet.market import move_dex
from unit.price_oracle.oracle import DAY, MOST, believes, new_feed, new_token, refuses
from unit.world import WAD, ZERO, World, revert

WINDOW = 1800
DEVIATION = WAD // 50
LIQUIDITY = 10**15
CARDINALITY = 50
TICK = Decimal("1.0001")


@dataclass(slots=True)
class Checked:
    """An asset and another one with feeds of 18 decimals, and a pool of both that remembers what it is told."""

    world: World
    token: Any
    other: Any
    feed: Any
    other_feed: Any
    pool: Any
    is_zero: bool

    def terms(self, **overrides: Any) -> tuple[Any, ...]:
        """IPriceOracle.CrossCheck with fields changed."""
        honest = {
            "asset": self.token, "pool": self.pool, "window": WINDOW, "max_deviation": DEVIATION,
            "min_liquidity": LIQUIDITY, "min_cardinality": CARDINALITY,
        }  # fmt: skip
        return tuple((honest | overrides).values())

    def remembers(
        self, tick: int, *, liquidity: int = LIQUIDITY, cardinality: int = CARDINALITY, start: int = 0
    ) -> None:
        """The pool's mean tick and mean liquidity over the window; `start` is where its liquidity counter stood."""
        thinness = [start, (start + WINDOW * 2**128 // liquidity) % 2**160]
        self.pool.set_memory([-7, tick * WINDOW - 7], thinness, cardinality, sender=self.world.deployer)

    def tells(self, tick: int) -> None:
        """The pool's price of the asset in the other one is 1.0001^tick, in base units, whichever comes first."""
        self.remembers(tick if self.is_zero else -tick)

    def answers(self, price: int) -> None:
        """The asset's feed, WAD USD."""
        self.feed.set_answer(price, sender=self.world.deployer)


def build(
    world: World,
    decimals: int = 18,
    other_decimals: int = 18,
    *,
    price: int = WAD,
    other: int = WAD,
    is_zero: bool = True,
) -> Checked:
    tokens = [new_token(world, decimals), new_token(world, other_decimals)]
    feeds = [new_feed(world, 18, price), new_feed(world, 18, other)]
    for token, feed in zip(tokens, feeds, strict=True):
        world.oracle.set_feed((token, feed, DAY, 1, MOST), sender=world.owner)
    pool = world.deployer.deploy(world.project.MeanPool, *(tokens if is_zero else tokens[::-1]))
    checked = Checked(world, *tokens, *feeds, pool, is_zero)
    checked.remembers(0)
    world.oracle.set_cross_check(checked.terms(), sender=world.owner)
    return checked


@pytest.fixture(params=[True, False], ids=["token0", "token1"])
def checked(request: pytest.FixtureRequest, world: World) -> Checked:
    return build(world, is_zero=request.param)


def mean(tick: int, other: int, decimals: int, other_decimals: int) -> int:
    """WAD USD of a whole asset, by a pool at that tick."""
    return int(TICK**tick * other * Decimal(10) ** (decimals - other_decimals))


@pytest.mark.parametrize("tick", [0, 1, -1, 12_345, -12_345, 200_000, -200_000])
def test_price__within_the_deviation__is_believed_and_beyond_refused(checked: Checked, tick: int) -> None:
    # Priced far from one, so that the mean is in range at each tick.
    other = 10**27
    checked.other_feed.set_answer(other, sender=checked.world.deployer)
    checked.tells(tick)
    price = mean(tick, other, 18, 18)
    least, most = price * WAD // (WAD + DEVIATION), price * WAD // (WAD - DEVIATION)
    margin = max(2, price // 10**9)
    for good in (price, least + margin, most - margin):
        checked.answers(good)
        believes(checked.world.oracle, checked.token, good)
    for bad in (least - margin, most + margin):
        checked.answers(bad)
        refuses(checked.world.oracle, checked.token, "TWAP_DEVIATES")


@pytest.mark.parametrize(
    ("decimals", "other_decimals", "price", "other"),
    [(8, 18, 90_000 * WAD, 3_000 * WAD), (18, 6, 3_000 * WAD, WAD), (18, 18, 10**13, 3_000 * WAD), (0, 18, WAD, WAD)],
)
@pytest.mark.parametrize("is_zero", [True, False])
def test_price__tokens_of_other_decimals__agrees_with_the_mean(
    world: World, decimals: int, other_decimals: int, price: int, other: int, is_zero: bool
) -> None:
    checked = build(world, decimals, other_decimals, price=price, other=other, is_zero=is_zero)
    ratio = Decimal(price) / other * Decimal(10) ** (other_decimals - decimals)
    tick = int(ratio.ln() / TICK.ln())
    checked.tells(tick)
    believes(world.oracle, checked.token, price)
    for bad in (tick + 250, tick - 250):
        checked.tells(bad)
        refuses(world.oracle, checked.token, "TWAP_DEVIATES")


@pytest.mark.parametrize("tick", [2**19 - 1, 1 - 2**19])
def test_price__extreme_tick__is_a_fault_and_no_overflow(checked: Checked, tick: int) -> None:
    for price, other in ((1, MOST), (MOST, 1), (MOST, MOST)):
        checked.answers(price)
        checked.other_feed.set_answer(other, sender=checked.world.deployer)
        checked.tells(tick)
        refuses(checked.world.oracle, checked.token, "TWAP_DEVIATES")


@pytest.mark.parametrize(
    "ticks", [[0, 2**19 * WINDOW], [0, -(2**19) * WINDOW], [0, 2**255 - 1], [-(2**255), 0], [-(2**255), 2**255 - 1]]
)
def test_price__absurd_memory__is_a_fault_and_no_overflow(checked: Checked, ticks: list[int]) -> None:
    thinness = [0, WINDOW * 2**128 // LIQUIDITY]
    checked.pool.set_memory(ticks, thinness, CARDINALITY, sender=checked.world.deployer)
    refuses(checked.world.oracle, checked.token, "POOL_UNFIT")


def test_price__liquidity_at_its_floor__is_believed_and_below_refused(checked: Checked) -> None:
    checked.remembers(0, liquidity=LIQUIDITY)
    believes(checked.world.oracle, checked.token, WAD)
    checked.remembers(0, liquidity=LIQUIDITY - 1)
    refuses(checked.world.oracle, checked.token, "POOL_UNFIT")


def test_price__liquidity_counter_wrapped__is_believed(checked: Checked) -> None:
    checked.remembers(0, start=2**160 - 1)
    believes(checked.world.oracle, checked.token, WAD)


def test_price__liquidity_counter_stands_still__is_refused(checked: Checked) -> None:
    checked.pool.set_memory([0, 0], [5, 5], CARDINALITY, sender=checked.world.deployer)
    refuses(checked.world.oracle, checked.token, "POOL_UNFIT")


def test_price__cardinality_at_its_floor__is_believed_and_below_refused(checked: Checked) -> None:
    checked.remembers(0, cardinality=CARDINALITY)
    believes(checked.world.oracle, checked.token, WAD)
    checked.remembers(0, cardinality=CARDINALITY - 1)
    refuses(checked.world.oracle, checked.token, "POOL_UNFIT")


def test_price__pool_too_young_or_without_code__is_refused(checked: Checked) -> None:
    checked.pool.set_dead(True, sender=checked.world.deployer)
    refuses(checked.world.oracle, checked.token, "POOL_UNFIT")
    checked.world.chain.provider.set_code(checked.pool.address, b"")
    refuses(checked.world.oracle, checked.token, "POOL_UNFIT")


def test_price__pool_does_not_tell_its_state__is_refused(checked: Checked) -> None:
    provider = checked.world.chain.provider
    provider.set_code(checked.pool.address, provider.get_code(checked.feed.address))
    refuses(checked.world.oracle, checked.token, "POOL_UNFIT")


def test_price__pool_answers_one_moment_only__is_refused(checked: Checked) -> None:
    checked.pool.set_memory([0], [0], CARDINALITY, sender=checked.world.deployer)
    refuses(checked.world.oracle, checked.token, "POOL_UNFIT")


def test_price__other_tokens_feed_dead__is_refused(checked: Checked) -> None:
    checked.other_feed.set_dead(True, sender=checked.world.deployer)
    refuses(checked.world.oracle, checked.token, "CALL_FAILED")


def test_price__own_feed_bad__says_so_first(checked: Checked) -> None:
    checked.pool.set_dead(True, sender=checked.world.deployer)
    checked.answers(0)
    refuses(checked.world.oracle, checked.token, "NOT_POSITIVE")


# -------------------------------------------------------- set_cross_check

REFUSED = [
    ({"pool": "0x" + "11" * 20}, "oracle: pool has no code"),
    ({"window": WINDOW - 1}, "oracle: bad window"),
    ({"window": DAY + 1}, "oracle: bad window"),
    ({"max_deviation": 0}, "oracle: bad deviation"),
    ({"max_deviation": WAD // 2 + 1}, "oracle: bad deviation"),
    ({"min_liquidity": 0}, "oracle: bad liquidity floor"),
    ({"min_liquidity": 2**128}, "oracle: bad liquidity floor"),
    ({"min_cardinality": 1}, "oracle: bad cardinality floor"),
    ({"min_cardinality": 2**16}, "oracle: bad cardinality floor"),
]


@pytest.mark.parametrize(("overrides", "reason"), REFUSED, ids=str)
def test_set_cross_check__out_of_range__reverts(world: World, overrides: dict[str, Any], reason: str) -> None:
    checked = build(world)
    before = tuple(world.oracle.cross_check(checked.token))
    with revert(reason):
        world.oracle.set_cross_check(checked.terms(**overrides), sender=world.owner)
    assert tuple(world.oracle.cross_check(checked.token)) == before == checked.terms()


def test_set_cross_check__of_tokens_that_do_not_fit__reverts(world: World) -> None:
    checked = build(world)
    with revert("oracle: asset has no source"):
        world.oracle.set_cross_check(checked.terms(asset=new_token(world)), sender=world.owner)
    with revert("oracle: asset not in the pool"):
        world.oracle.set_cross_check(checked.terms(asset=world.tokens[0]), sender=world.owner)
    pool = world.deployer.deploy(world.project.MeanPool, checked.token, new_token(world))
    with revert("oracle: pair has no feed"):
        world.oracle.set_cross_check(checked.terms(pool=pool), sender=world.owner)
    pool = world.deployer.deploy(world.project.MeanPool, checked.token, new_token(world, 19))
    with revert("oracle: too many decimals"):
        world.oracle.set_cross_check(checked.terms(pool=pool), sender=world.owner)
    fine = new_token(world, 19)
    world.oracle.set_feed((fine, checked.feed, DAY, 1, MOST), sender=world.owner)
    pool = world.deployer.deploy(world.project.MeanPool, fine, checked.other)
    with revert("oracle: too many decimals"):
        world.oracle.set_cross_check(checked.terms(asset=fine, pool=pool), sender=world.owner)


def test_set_cross_check__against_a_wrapper__reverts(world: World) -> None:
    """Its price is a rate times a price: no second opinion on another one."""
    checked = build(world)
    wrapper = world.deployer.deploy(world.project.Wrapper, checked.other, 18, WAD)
    now = world.chain.blocks.head.timestamp
    terms = (wrapper, checked.other, False, WAD, now, WAD // 10, WAD // 10, 1, MOST)
    world.oracle.set_wrapper(terms, sender=world.owner)
    pool = world.deployer.deploy(world.project.MeanPool, checked.token, wrapper)
    with revert("oracle: pair has no feed"):
        world.oracle.set_cross_check(checked.terms(pool=pool), sender=world.owner)


def test_set_cross_check__by_anybody_but_the_owner__reverts(world: World) -> None:
    checked = build(world)
    with revert("ownable: caller is not the owner"):
        world.oracle.set_cross_check(checked.terms(), sender=world.attacker)


def test_set_cross_check__to_none__asks_no_pool_and_logs_it(world: World) -> None:
    checked = build(world)
    checked.pool.set_dead(True, sender=world.deployer)
    receipt = world.oracle.set_cross_check(checked.terms(pool=ZERO), sender=world.owner)
    assert len(receipt.events.filter(world.oracle.CrossCheckChanged)) == 1
    believes(world.oracle, checked.token, WAD)
    assert tuple(world.oracle.cross_check(checked.token)) == (ZERO, ZERO, 0, 0, 0, 0)


def test_set_feed__under_a_cross_check__keeps_it(world: World) -> None:
    checked = build(world)
    world.oracle.set_feed((checked.token, new_feed(world, 8, 2 * 10**8), DAY, 1, MOST), sender=world.owner)
    refuses(world.oracle, checked.token, "TWAP_DEVIATES")


# ---------------------------------------------------------- the real ones


def forget_observations(box: Box, pool: str) -> None:
    """Leave slot0 as before the first swap: observationIndex 0 (bits 184 to 199), observationCardinality 1 (200 to 215)."""
    slot0 = int(box.rpc("eth_getStorageAt", pool, "0x0", "latest"), 16)
    fresh = slot0 >> 216 << 216 | 1 << 200 | slot0 % (1 << 184)
    box.rpc("anvil_setStorageAt", pool, "0x0", f"0x{fresh:064x}")


@pytest.mark.parametrize(
    ("symbol", "feed", "place"), [("WETH", "ETH / USD", 0), ("WBTC", "BTC / USD", 4), ("LINK", "LINK / USD", 10)]
)
def test_price__real_pool__agrees_with_the_real_feed_and_halts_when_held_away_from_it(
    world: World, box: Box, symbol: str, feed: str, place: int
) -> None:
    pool, token = V3_POOLS[place], TOKENS[symbol]
    assert symbol in pool.tokens
    for name, proxy in ((symbol, feed), ("WETH", "ETH / USD"), ("USDC", "USDC / USD")):
        terms = (TOKENS[name].address, FEEDS[proxy].proxy, 7 * DAY, 1, MOST)
        world.oracle.set_feed(terms, sender=world.owner)
    check = (token.address, pool.address, WINDOW, DEVIATION, 10**6, 2)
    world.oracle.set_cross_check(check, sender=world.owner)
    price = FEEDS[feed].answer * 10**10
    forget_observations(box, pool.address)
    # A pool that remembers one moment is none to ask. The first swap makes it remember more.
    assert world.oracle.fault(token.address) == 1 << 9
    move_dex(box, symbol, Decimal(price) / WAD * Decimal("1.001"))
    assert world.oracle.price(token.address) == price
    # Moved within a block, the mean stands still: nobody halts the oracle with a flash loan.
    move_dex(box, symbol, Decimal(price) / WAD * Decimal("1.1"))
    assert world.oracle.price(token.address) == price
    # Held there for the whole window, it is a reason to stop.
    box.mine(box.timestamp() + WINDOW)
    assert world.oracle.fault(token.address) == 1 << 10
    world.oracle.set_cross_check((*check[:4], 2**127, 2), sender=world.owner)
    assert world.oracle.fault(token.address) == 1 << 9
