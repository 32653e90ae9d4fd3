"""PriceOracle.set_wrapper and poke: prices by a capped rate, and an anchor that nobody bends."""

from dataclasses import dataclass
from typing import Any

import pytest

from devnet.addresses import AAVE_WRAPPERS, FEEDS, LP, TOKENS
from devnet.box import Box
from unit.price_oracle.oracle import DAY, MOST, believes, new_feed, new_token, refuses
from unit.world import WAD, ZERO, World, revert

YEAR = 365 * DAY
SETTLE = 3600
GROWTH, DROP = WAD // 10, WAD // 20
RATE = 12 * WAD // 10
UNDERLYING_USD = 3_000


@dataclass(slots=True)
class Wrapped:
    """A wrapper whose rate was RATE at `start`, over an underlying at 3,000 USD."""

    world: World
    token: Any
    underlying: Any
    feed: Any
    start: int

    def terms(self, **overrides: Any) -> tuple[Any, ...]:
        """IPriceOracle.Wrapper with fields changed."""
        honest = {
            "asset": self.token, "underlying": self.underlying, "is_wsteth": False, "rate": RATE, "rate_at": self.start,
            "max_growth": GROWTH, "max_drop": DROP, "min_price": 1, "max_price": MOST,
        }  # fmt: skip
        return tuple((honest | overrides).values())

    def says(self, rate: int) -> None:
        """Change the wrapper's own rate, in its units."""
        self.token.set_rate(rate, sender=self.world.deployer)

    def later(self, seconds: int) -> None:
        """Mine a block that long after the start, with a fresh feed dated there."""
        self.world.at(self.start + seconds)
        self.feed.set_answer(self.feed.answer(), sender=self.world.deployer)
        self.world.at(self.start + seconds)
        self.world.chain.mine()

    def poke(self, seconds: int) -> bool:
        """Poke that long after the start; whether the anchor moved."""
        self.world.at(self.start + seconds)
        receipt = self.world.oracle.poke(self.token, sender=self.world.stranger)
        return bool(receipt.events.filter(self.world.oracle.AnchorMoved))

    @property
    def anchor(self) -> tuple[int, int]:
        """Rate and time since the start."""
        wrapper = self.world.oracle.wrapper(self.token)
        return wrapper.rate, wrapper.rate_at - self.start


def cap(rate: int, seconds: int) -> int:
    """WAD; the most that a rate may have grown to."""
    return rate + rate * GROWTH * seconds // (WAD * YEAR)


def usd(rate: int) -> int:
    """WAD USD of a whole wrapper."""
    return rate * UNDERLYING_USD


def build(world: World, decimals: int = 18, underlying_decimals: int = 18) -> Wrapped:
    underlying = new_token(world, underlying_decimals)
    feed = new_feed(world, 8, UNDERLYING_USD * 10**8)
    world.oracle.set_feed((underlying, feed, DAY, 1, MOST), sender=world.owner)
    rate = RATE // 10 ** (18 - underlying_decimals)
    token = world.deployer.deploy(world.project.Wrapper, underlying, decimals, rate)
    start = world.chain.pending_timestamp + 10
    world.at(start)
    made = Wrapped(world, token, underlying, feed, start)
    world.oracle.set_wrapper(made.terms(), sender=world.owner)
    return made


@pytest.fixture
def wrapped(world: World) -> Wrapped:
    return build(world)


@pytest.mark.parametrize("decimals", [(18, 18), (6, 6), (24, 6), (27, 18), (0, 1), (8, 1)])
def test_price__wrapper__is_rate_times_underlying_at_any_decimals(world: World, decimals: tuple[int, int]) -> None:
    wrapped = build(world, *decimals)
    unit = 10 ** (18 - decimals[1])
    believes(world.oracle, wrapped.token, usd(RATE // unit * unit))


def test_price__wsteth__is_rate_times_underlying(world: World, wrapped: Wrapped) -> None:
    world.oracle.set_wrapper(wrapped.terms(is_wsteth=True), sender=world.owner)
    believes(world.oracle, wrapped.token, usd(RATE))
    assert world.oracle.wrapper(wrapped.token).is_wsteth


def test_price__donated_to__is_held_at_the_cap_which_grows_with_time(world: World, wrapped: Wrapped) -> None:
    wrapped.says(10 * RATE)
    wrapped.later(DAY)
    believes(world.oracle, wrapped.token, usd(cap(RATE, DAY)))
    wrapped.later(30 * DAY)
    believes(world.oracle, wrapped.token, usd(cap(RATE, 30 * DAY)))
    wrapped.says(2**256 - 1)
    assert world.oracle.fault(wrapped.token) == 0


def test_price__rate_at_the_floor__is_believed_and_a_wei_below_refused(world: World, wrapped: Wrapped) -> None:
    floor = RATE - RATE * DROP // WAD
    wrapped.says(floor)
    believes(world.oracle, wrapped.token, usd(floor))
    wrapped.says(floor - 1)
    refuses(world.oracle, wrapped.token, "RATE_FELL")
    wrapped.says(0)
    refuses(world.oracle, wrapped.token, "RATE_FELL")


def test_price__wrapper_dead_or_without_code__is_refused(world: World, wrapped: Wrapped) -> None:
    wrapped.token.set_dead(True, sender=world.deployer)
    refuses(world.oracle, wrapped.token, "CALL_FAILED")
    world.chain.provider.set_code(wrapped.token.address, b"")
    refuses(world.oracle, wrapped.token, "CALL_FAILED")


def test_price__underlying_bad__is_refused_in_the_wrappers_name(world: World, wrapped: Wrapped) -> None:
    wrapped.feed.set_answer(0, sender=world.deployer)
    refuses(world.oracle, wrapped.token, "NOT_POSITIVE")
    wrapped.feed.set_dead(True, sender=world.deployer)
    refuses(world.oracle, wrapped.token, "CALL_FAILED")


def test_price__underlying_became_a_wrapper__is_refused(world: World, wrapped: Wrapped) -> None:
    token = new_token(world)
    world.oracle.set_feed((token, wrapped.feed, DAY, 1, MOST), sender=world.owner)
    outer = world.deployer.deploy(world.project.Wrapper, token, 18, RATE)
    world.oracle.set_feed((outer, wrapped.feed, DAY, 1, MOST), sender=world.owner)
    second = world.deployer.deploy(world.project.Wrapper, outer, 18, RATE)
    world.oracle.set_wrapper(wrapped.terms(asset=second, underlying=outer), sender=world.owner)
    world.oracle.set_wrapper(wrapped.terms(asset=outer, underlying=token), sender=world.owner)
    believes(world.oracle, outer, usd(RATE))
    refuses(world.oracle, second, "NO_FEED")


def test_price__wrapper_at_its_bounds__is_believed_and_beyond_refused(world: World, wrapped: Wrapped) -> None:
    terms = wrapped.terms(min_price=usd(RATE), max_price=usd(RATE) + UNDERLYING_USD)
    world.oracle.set_wrapper(terms, sender=world.owner)
    wrapped.says(RATE)
    wrapped.later(DAY)
    believes(world.oracle, wrapped.token, usd(RATE))
    wrapped.says(RATE - 1)
    refuses(world.oracle, wrapped.token, "BELOW_MINIMUM")
    wrapped.says(RATE + 1)
    believes(world.oracle, wrapped.token, usd(RATE + 1))
    wrapped.says(RATE + 2)
    refuses(world.oracle, wrapped.token, "ABOVE_MAXIMUM")


# ------------------------------------------------------------------- poke


def test_poke__twice_an_hour_apart__anchors_the_first_and_leaves_the_price(world: World, wrapped: Wrapped) -> None:
    noted = cap(RATE, DAY) - 10**12
    wrapped.says(noted)
    assert not wrapped.poke(DAY)
    assert wrapped.anchor == (RATE, 0)
    assert not wrapped.poke(DAY + SETTLE - 1)
    grown = cap(noted, SETTLE)
    wrapped.says(grown)
    wrapped.later(DAY + SETTLE)
    believes(world.oracle, wrapped.token, usd(grown))
    assert wrapped.poke(DAY + SETTLE)
    assert wrapped.anchor == (noted, DAY)
    believes(world.oracle, wrapped.token, usd(grown))


def test_poke__rate_grew_faster_than_allowed_since_the_note__keeps_the_anchor(wrapped: Wrapped) -> None:
    assert not wrapped.poke(30 * DAY)
    wrapped.says(cap(RATE, SETTLE) + 1)
    assert not wrapped.poke(30 * DAY + SETTLE)
    assert wrapped.anchor == (RATE, 0)


def test_poke__rate_fell_since_the_note__keeps_the_anchor(wrapped: Wrapped) -> None:
    wrapped.says(cap(RATE, DAY))
    assert not wrapped.poke(DAY)
    wrapped.says(cap(RATE, DAY) - 1)
    assert not wrapped.poke(DAY + SETTLE)
    assert wrapped.anchor == (RATE, 0)


def test_poke__rate_under_the_anchor__never_walks_it_down(wrapped: Wrapped) -> None:
    wrapped.says(RATE - 1)
    assert not wrapped.poke(DAY)
    assert not wrapped.poke(DAY + SETTLE)
    assert not wrapped.poke(DAY + 2 * SETTLE)
    assert wrapped.anchor == (RATE, 0)


@pytest.mark.parametrize("rate", [10 * RATE, 2**256 - 1, RATE - RATE * DROP // WAD - 1, 0])
def test_poke__rate_out_of_its_limits__notes_nothing(wrapped: Wrapped, rate: int) -> None:
    wrapped.says(rate)
    assert not wrapped.poke(DAY)
    wrapped.says(RATE)
    assert not wrapped.poke(DAY + SETTLE)
    assert wrapped.anchor == (RATE, 0)


def test_poke__rate_grown_beyond_96_bits__notes_nothing(world: World, wrapped: Wrapped) -> None:
    most = 2**96 - 1
    wrapped.says(most)
    world.oracle.set_wrapper(wrapped.terms(rate=most), sender=world.owner)
    wrapped.says(most + 1)
    assert not wrapped.poke(DAY)
    wrapped.later(DAY + 1)
    believes(world.oracle, wrapped.token, usd(most + 1))
    # Had the first poke noted anything, this one would come too early, and the third would find no note of the largest.
    wrapped.says(most)
    assert not wrapped.poke(DAY + SETTLE - 1)
    assert wrapped.poke(DAY + 2 * SETTLE - 1)
    assert wrapped.anchor == (most, DAY + SETTLE - 1)


def test_poke__dead_wrapper__does_nothing(world: World, wrapped: Wrapped) -> None:
    wrapped.token.set_dead(True, sender=world.deployer)
    assert not wrapped.poke(DAY)


@pytest.mark.parametrize("order", ["manipulated note", "manipulated settlement"])
@pytest.mark.parametrize("share", [-4, 1, 9])
def test_poke__rate_bent_within_one_transaction__price_and_anchor_as_without(
    world: World, wrapped: Wrapped, order: str, share: int
) -> None:
    """After a year of slack the rate is bent by `share` percent around a poke, and back."""
    honest, bent = cap(RATE, YEAR // 2), RATE * (100 + share) // 100
    wrapped.says(honest)
    for number, is_bent in enumerate([order == "manipulated note", order != "manipulated note"]):
        wrapped.later(YEAR + number * SETTLE)
        before = world.oracle.price(wrapped.token)
        if is_bent:
            wrapped.token.poke_between(world.oracle, bent, sender=world.attacker)
        else:
            world.oracle.poke(wrapped.token, sender=world.attacker)
        assert world.oracle.price(wrapped.token) == before == usd(honest)
    assert wrapped.anchor[0] in (RATE, honest)


def test_poke__of_what_is_no_wrapper__reverts(world: World) -> None:
    for asset in (world.tokens[0], world.stranger):
        with revert("oracle: not a wrapper"):
            world.oracle.poke(asset, sender=world.stranger)


# ------------------------------------------------------------ set_wrapper

REFUSED = [
    ({"asset": ZERO}, "oracle: no asset"),
    ({"min_price": 0}, "oracle: bad bounds"),
    ({"max_price": MOST + 1}, "oracle: bad bounds"),
    ({"underlying": ZERO}, "oracle: underlying has no feed"),
    ({"asset": "0x" + "11" * 20}, "oracle: wrapper has no code"),
    ({"rate": 0}, "oracle: bad rate"),
    ({"rate": 2**96}, "oracle: bad rate"),
    ({"rate_at": 2**40}, "oracle: bad rate time"),
    ({"max_growth": 0}, "oracle: bad rate limits"),
    ({"max_growth": WAD + 1}, "oracle: bad rate limits"),
    ({"max_drop": 0}, "oracle: bad rate limits"),
    ({"max_drop": WAD}, "oracle: bad rate limits"),
    ({"rate": RATE * 9 // 10}, "oracle: rate out of limits"),
    ({"rate": RATE * 2}, "oracle: rate out of limits"),
]


@pytest.mark.parametrize(("overrides", "reason"), REFUSED, ids=str)
def test_set_wrapper__out_of_range__reverts_and_keeps_the_anchor(
    world: World, wrapped: Wrapped, overrides: dict[str, Any], reason: str
) -> None:
    before = tuple(world.oracle.wrapper(wrapped.token))
    with revert(reason):
        world.oracle.set_wrapper(wrapped.terms(**overrides), sender=world.owner)
    assert tuple(world.oracle.wrapper(wrapped.token)) == before


def test_set_wrapper__anchor_too_old__reverts(world: World, wrapped: Wrapped) -> None:
    world.at(wrapped.start + 30 * DAY + 1)
    with revert("oracle: bad rate time"):
        world.oracle.set_wrapper(wrapped.terms(), sender=world.owner)


def test_set_wrapper__of_another_underlying_or_of_a_wrapper__reverts(world: World, wrapped: Wrapped) -> None:
    with revert("oracle: not its underlying"):
        world.oracle.set_wrapper(wrapped.terms(underlying=world.tokens[2]), sender=world.owner)
    outer = world.deployer.deploy(world.project.Wrapper, wrapped.token, 18, RATE)
    with revert("oracle: underlying has no feed"):
        world.oracle.set_wrapper(wrapped.terms(asset=outer, underlying=wrapped.token), sender=world.owner)


def test_set_wrapper__underlying_without_code__reverts(world: World, wrapped: Wrapped) -> None:
    world.oracle.set_feed((world.stranger, wrapped.feed, DAY, 1, MOST), sender=world.owner)
    token = world.deployer.deploy(world.project.Wrapper, world.stranger, 18, RATE)
    with revert("oracle: wrapper has no code"):
        world.oracle.set_wrapper(wrapped.terms(asset=token, underlying=world.stranger), sender=world.owner)


def test_set_wrapper__too_many_decimals__reverts(world: World, wrapped: Wrapped) -> None:
    token = world.deployer.deploy(world.project.Wrapper, wrapped.underlying, 28, RATE)
    with revert("oracle: too many decimals"):
        world.oracle.set_wrapper(wrapped.terms(asset=token), sender=world.owner)
    long = new_token(world, 19)
    world.oracle.set_feed((long, wrapped.feed, DAY, 1, MOST), sender=world.owner)
    token = world.deployer.deploy(world.project.Wrapper, long, 18, RATE)
    with revert("oracle: too many decimals"):
        world.oracle.set_wrapper(wrapped.terms(asset=token, underlying=long), sender=world.owner)


def test_set_wrapper__by_anybody_but_the_owner__reverts(world: World, wrapped: Wrapped) -> None:
    with revert("ownable: caller is not the owner"):
        world.oracle.set_wrapper(wrapped.terms(), sender=world.attacker)


def test_set_wrapper__stored_whole__and_a_note_of_before_is_forgotten(world: World, wrapped: Wrapped) -> None:
    assert not wrapped.poke(DAY)
    terms = wrapped.terms(rate=RATE - 1, max_growth=WAD, max_drop=WAD - 1, min_price=2, max_price=MOST - 1)
    receipt = world.oracle.set_wrapper(terms, sender=world.owner)
    assert tuple(world.oracle.wrapper(wrapped.token)) == terms
    assert len(receipt.events.filter(world.oracle.WrapperChanged)) == 1
    assert not wrapped.poke(DAY + SETTLE)
    assert wrapped.anchor == (RATE - 1, 0)


def test_set_wrapper__over_a_quoted_feed_and_back__logs_what_went(world: World, wrapped: Wrapped) -> None:
    feed = (wrapped.token, wrapped.feed, DAY, 1, MOST)
    receipt = world.oracle.set_quoted_feed(feed, (wrapped.feed, DAY), sender=world.owner)
    assert tuple(world.oracle.wrapper(wrapped.token)) == (ZERO, ZERO, False, 0, 0, 0, 0, 0, 0)
    assert len(receipt.events.filter(world.oracle.WrapperChanged)) == 1
    believes(world.oracle, wrapped.token, UNDERLYING_USD**2 * WAD)
    receipt = world.oracle.set_wrapper(wrapped.terms(), sender=world.owner)
    assert tuple(world.oracle.feed(wrapped.token)) == (ZERO, ZERO, 0, 0, 0)
    assert tuple(world.oracle.quote(wrapped.token)) == (ZERO, 0)
    for event in (world.oracle.FeedChanged, world.oracle.QuoteChanged, world.oracle.WrapperChanged):
        assert len(receipt.events.filter(event)) == 1
    believes(world.oracle, wrapped.token, usd(RATE))


# ---------------------------------------------------------- the real ones


def listed(world: World, box: Box, token: str, underlying: str, feed: str, rate: int, *, is_wsteth: bool) -> None:
    world.oracle.set_feed((underlying, feed, 7 * DAY, 1, MOST), sender=world.owner)
    terms = (token, underlying, is_wsteth, rate, box.timestamp(), GROWTH, DROP, 1, MOST)
    world.oracle.set_wrapper(terms, sender=world.owner)


def test_price__aave_wrapper__is_its_rate_times_ether_and_a_gift_does_not_move_it(world: World, box: Box) -> None:
    token, weth, feed = AAVE_WRAPPERS["WETH"], TOKENS["WETH"].address, FEEDS["ETH / USD"]
    rate = box.call(token, "convertToAssets(uint256)(uint256)", WAD)
    listed(world, box, token, weth, feed.proxy, rate, is_wsteth=False)
    price = world.oracle.price(token)
    assert 0 <= price - rate * feed.answer // 10**8 <= price * GROWTH // WAD // 1_000
    box.give(weth, token, 1_000 * WAD)
    assert world.oracle.price(token) - price <= price * GROWTH // WAD // 1_000


def test_price__wsteth_of_the_devnet__follows_a_report_halts_on_a_slashing_and_caps_a_jump(
    world: World, box: Box
) -> None:
    token, steth = TOKENS["wstETH"].address, TOKENS["stETH"].address
    rate = box.call(token, "stEthPerToken()(uint256)")
    pooled = box.call(steth, "getTotalPooledEther()(uint256)")
    listed(world, box, token, steth, FEEDS["STETH / USD"].proxy, rate, is_wsteth=True)
    dollars = FEEDS["STETH / USD"].answer * 10**10
    assert world.oracle.price(token) == rate * dollars // WAD
    world.at(box.timestamp() + DAY)
    box.send(LP, steth, "rebase(uint256)", pooled + pooled // 10_000)
    assert world.oracle.price(token) == box.call(token, "stEthPerToken()(uint256)") * dollars // WAD
    box.send(LP, steth, "rebase(uint256)", 2 * pooled)
    assert 0 < world.oracle.price(token) - rate * dollars // WAD < rate * dollars // WAD // 1_000
    box.send(LP, steth, "rebase(uint256)", pooled * 94 // 100)
    assert world.oracle.fault(token) == 1 << 8
