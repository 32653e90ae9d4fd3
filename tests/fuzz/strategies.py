"""What is drawn: funds to build, sizes, and who acts."""

from typing import Any, NamedTuple

from hypothesis import strategies as st

from fuzz.model.auction import BAND, INTERVAL, TARGETS, Terms
from fuzz.model.numbers import DAY, WAD
from fuzz.model.shares import FEE_UNIT, Fees
from fuzz.model.targets import BAND_UNIT
from fuzz.world import (
    ALICE,
    ATTACKER,
    BOB,
    FAR,
    GUARDIAN,
    KEEPER,
    OWNER,
    RECIPIENT,
    STRANGER,
    STRATEGIST,
    AssetPlan,
    Plan,
    price_that_gives,
)  # fmt: skip

DECIMALS = (0, 2, 6, 8, 18, 27)
MAX_PRICE = 2**120  # WAD; room for the moves of a run under the oracle's limit of 2^128


class Size(NamedTuple):
    """How much: `parts` per mille of a whole, and `dust` base units."""

    parts: int
    dust: int

    def of(self, whole: int) -> int:
        """Base units, not negative."""
        return max(0, whole * self.parts // 1000 + self.dust)


def sizes(most: int = 1500) -> st.SearchStrategy[Size]:
    """Parts of a whole that may be over it, wei around the round ones, and dust alone."""
    return st.one_of(
        st.builds(Size, st.integers(1, most), st.just(0)),
        st.builds(Size, st.sampled_from((1, 500, 1000)), st.integers(-2, 2)),
        st.builds(Size, st.just(0), st.integers(0, 1000)),
    )


people = st.sampled_from((ALICE, BOB, KEEPER, ATTACKER, STRANGER))
# Who tries what only the owner may: mostly the owner.
officials = st.sampled_from((OWNER, OWNER, OWNER, OWNER, GUARDIAN, STRATEGIST, ATTACKER))
deadlines = st.sampled_from((FAR, FAR, FAR, FAR, 0, -1))  # the last two: this second, and one too late
slots = st.integers(0, 19)  # an asset of the basket, modulo its length


def terms() -> st.SearchStrategy[Terms]:
    """Terms in their whole range, most of them such that something happens within fifty steps."""

    def built(triggers: int, interval: int, **rest: Any) -> Terms:
        return Terms(triggers, interval=interval if triggers & INTERVAL else 0, **rest)

    return st.builds(
        built,
        triggers=st.sampled_from(
            (INTERVAL, BAND, TARGETS, INTERVAL | BAND, BAND | TARGETS, INTERVAL | TARGETS, INTERVAL | BAND | TARGETS)
        ),
        require_all=st.sampled_from((False, False, True)),
        interval=st.sampled_from((60, 3600, DAY)),
        cooldown=st.sampled_from((0, 0, 60, 3600)),
        duration=st.sampled_from((60, 1800, 86_400, 7 * DAY)),
        start_premium=st.sampled_from((0, WAD // 200, WAD // 10)),
        max_discount=st.sampled_from((0, WAD // 100, WAD // 20)),
        closing_tolerance=st.sampled_from((10**14, WAD // 400, WAD // 20)),
        max_loss=st.sampled_from((0, WAD // 1000, WAD // 50, WAD // 20)),
        loss_window=st.sampled_from((3600, 7 * DAY)),
    )


@st.composite
def plans(draw: st.DrawFn, is_dust: bool = False) -> Plan:
    """A fund of two to five assets. `is_dust`: the least first mint that the contract takes, so that one base unit weighs."""
    count = draw(st.integers(2, 5))
    parts = draw(st.lists(st.integers(1, 100), min_size=count, max_size=count))
    targets = [WAD * part // sum(parts) for part in parts]
    targets[0] += WAD - sum(targets)
    found = draw(terms())
    least_band = -(-found.closing_tolerance // BAND_UNIT)
    worth = WAD if is_dust else 10 ** draw(st.integers(18, 27))  # WAD USD of the first mint
    assets = [draw(asset_plans(target, worth, least_band, is_dust)) for target in targets]
    spares = [draw(asset_plans(WAD // 10, worth, least_band, is_dust)) for _ in range(draw(st.integers(1, 2)))]
    first_shares = draw(st.integers(1, 1000)) if is_dust else 10 ** draw(st.integers(17, 24))
    max_age = draw(st.sampled_from((3600, DAY, 7 * DAY)))
    is_seeded = draw(st.sampled_from((True,) * 9 + (False,)))
    return Plan(tuple(assets), found, tuple(spares), max_age, first_shares, draw(fees()), is_seeded)


@st.composite
def asset_plans(draw: st.DrawFn, target: int, worth: int, least_band: int, is_dust: bool) -> AssetPlan:
    """An asset that is worth `target` of `worth` WAD USD at the first mint."""
    decimals = draw(st.sampled_from(DECIMALS))
    seed = draw(st.integers(10_000, 20_000)) if is_dust else 10 ** draw(st.integers(5, 24))
    value = worth * target // WAD
    price = price_that_gives(value, seed, decimals)
    # A price that the oracle cannot hold asks for more of the token.
    while price > MAX_PRICE:
        seed *= 1000
        price = price_that_gives(value, seed, decimals)
    band = draw(st.sampled_from((least_band, least_band + 1, max(least_band, 25_000), 100_000)))
    # A feed of eight decimals says what Chainlink's would, if the price has that many digits.
    feed_decimals = draw(st.sampled_from((8, 18))) if price >= 10**14 else 18
    return AssetPlan(decimals, feed_decimals, price, target, band * BAND_UNIT, 2 * seed)


def fees() -> st.SearchStrategy[Fees]:
    """Fees up to their limits, and none."""
    some = st.builds(
        Fees,
        st.sampled_from((RECIPIENT, RECIPIENT, ALICE)),
        st.sampled_from((0, WAD // 100, WAD // 20)),
        st.sampled_from((0, FEE_UNIT, WAD // 50)),
        st.sampled_from((0, FEE_UNIT, WAD // 50)),
    )
    return st.one_of(st.just(Fees()), some)
