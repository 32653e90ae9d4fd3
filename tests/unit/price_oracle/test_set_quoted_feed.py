"""PriceOracle.set_quoted_feed: prices by two feeds, one quoted in the other."""

from typing import Any

import pytest

from devnet.addresses import FEEDS, TOKENS
from unit.price_oracle.oracle import DAY, MOST, believes, new_feed, new_token, refuses
from unit.world import WAD, ZERO, World, revert

ETH_USD = 3_000


def quoted(world: World, base: Any, quote: Any, *, quote_age: int = DAY, least: int = 1, most: int = MOST) -> Any:
    """A new token under two feeds."""
    token = new_token(world)
    world.oracle.set_quoted_feed((token, base, DAY, least, most), (quote, quote_age), sender=world.owner)
    return token


@pytest.mark.parametrize(("base_decimals", "quote_decimals"), [(18, 8), (8, 18), (18, 18), (0, 0), (8, 8), (17, 1)])
def test_price__quoted_in_another__is_the_product_at_any_decimals(
    world: World, base_decimals: int, quote_decimals: int
) -> None:
    base = new_feed(world, base_decimals, 2 * 10**base_decimals)
    quote = new_feed(world, quote_decimals, ETH_USD * 10**quote_decimals)
    believes(world.oracle, quoted(world, base, quote), 6_000 * WAD)


def test_price__quoted_in_another__is_rounded_down(world: World) -> None:
    token = quoted(world, new_feed(world, 18, 3), new_feed(world, 18, WAD - 1))
    believes(world.oracle, token, 2)


@pytest.mark.parametrize("leg", ["base", "quote"])
@pytest.mark.parametrize(
    ("answer", "name"),
    [(0, "NOT_POSITIVE"), (-1, "NOT_POSITIVE"), (2**255 - 1, "ABOVE_MAXIMUM"), (2**128, "ABOVE_MAXIMUM")],
)
def test_price__either_leg_bad__is_refused(world: World, leg: str, answer: int, name: str) -> None:
    legs = {"base": new_feed(world, 18, WAD), "quote": new_feed(world, 18, WAD)}
    token = quoted(world, **legs)
    legs[leg].set_answer(answer, sender=world.deployer)
    refuses(world.oracle, token, name)


def test_price__both_legs_the_largest__is_a_fault_and_no_overflow(world: World) -> None:
    token = quoted(world, new_feed(world, 18, MOST), new_feed(world, 18, MOST))
    refuses(world.oracle, token, "ABOVE_MAXIMUM")


@pytest.mark.parametrize("leg", ["base", "quote"])
def test_price__either_leg_dead__is_refused(world: World, leg: str) -> None:
    legs = {"base": new_feed(world, 18, WAD), "quote": new_feed(world, 8, 10**8)}
    token = quoted(world, **legs)
    legs[leg].set_dead(True, sender=world.deployer)
    refuses(world.oracle, token, "CALL_FAILED")


def test_price__each_leg__has_a_maximum_age_of_its_own(world: World) -> None:
    base, quote = new_feed(world, 18, WAD), new_feed(world, 8, 10**8)
    token = quoted(world, base, quote, quote_age=3600)
    now = world.chain.pending_timestamp + 3 * DAY
    world.at(now)
    base.set_round(WAD, now + 10 - DAY, sender=world.deployer)
    quote.set_round(10**8, now + 10 - 3600, sender=world.deployer)
    world.at(now + 10)
    world.chain.mine()
    believes(world.oracle, token, WAD)
    world.at(now + 11)
    quote.set_round(10**8, now + 10, sender=world.deployer)
    refuses(world.oracle, token, "STALE")
    base.set_round(WAD, now + 10, sender=world.deployer)
    believes(world.oracle, token, WAD)
    quote.set_round(10**8, now + 9 - 3600, sender=world.deployer)
    refuses(world.oracle, token, "STALE")


def test_price__product_at_its_bounds__is_believed_and_beyond_refused(world: World) -> None:
    base = new_feed(world, 18, 2 * WAD)
    token = quoted(world, base, new_feed(world, 18, 3 * WAD), least=6 * WAD, most=9 * WAD)
    believes(world.oracle, token, 6 * WAD)
    base.set_answer(3 * WAD, sender=world.deployer)
    believes(world.oracle, token, 9 * WAD)
    base.set_answer(3 * WAD + 1, sender=world.deployer)
    refuses(world.oracle, token, "ABOVE_MAXIMUM")
    base.set_answer(2 * WAD - 1, sender=world.deployer)
    refuses(world.oracle, token, "BELOW_MINIMUM")


def test_set_quoted_feed__out_of_range__reverts(world: World) -> None:
    token, feed = new_token(world), new_feed(world, 18, WAD)
    terms = (token, feed, DAY, 1, MOST)
    for quote, reason in [
        ((ZERO, DAY), "oracle: no quote"),
        ((world.stranger, DAY), "oracle: feed has no code"),
        ((feed, 0), "oracle: bad maximum age"),
        ((feed, 7 * DAY + 1), "oracle: bad maximum age"),
        ((new_feed(world, 19, 1), DAY), "oracle: too many decimals"),
    ]:
        with revert(reason):
            world.oracle.set_quoted_feed(terms, quote, sender=world.owner)
    refuses(world.oracle, token, "NO_FEED")


def test_set_quoted_feed__by_anybody_but_the_owner__reverts(world: World) -> None:
    feed = new_feed(world, 18, WAD)
    with revert("ownable: caller is not the owner"):
        world.oracle.set_quoted_feed((world.tokens[0], feed, DAY, 1, 2), (feed, DAY), sender=world.attacker)


def test_set_quoted_feed__then_a_plain_one__drops_the_quote_and_logs_both(world: World) -> None:
    base, quote = new_feed(world, 18, 2 * WAD), new_feed(world, 18, 3 * WAD)
    token = quoted(world, base, quote)
    assert tuple(world.oracle.quote(token)) == (quote, DAY)
    assert tuple(world.oracle.feed(token)) == (token, base, DAY, 1, MOST)
    receipt = world.oracle.set_feed((token, base, DAY, 1, MOST), sender=world.owner)
    believes(world.oracle, token, 2 * WAD)
    assert tuple(world.oracle.quote(token)) == (ZERO, 0)
    event = receipt.events.filter(world.oracle.QuoteChanged)[0]
    old_feed, old_age = event.old_quote
    assert (getattr(old_feed, "address", old_feed).lower(), old_age) == (quote.address.lower(), DAY)
    assert len(receipt.events.filter(world.oracle.FeedChanged)) == 1


def test_set_quoted_feed__quote_changed_in_its_age_alone__logs_both(world: World) -> None:
    base, quote = new_feed(world, 18, 2 * WAD), new_feed(world, 18, 3 * WAD)
    token = quoted(world, base, quote)
    terms = (token, base, DAY, 1, MOST)
    receipt = world.oracle.set_quoted_feed(terms, (quote, DAY - 1), sender=world.owner)
    event = receipt.events.filter(world.oracle.QuoteChanged)[0]
    assert (event.old_quote[1], event.new_quote[1]) == (DAY, DAY - 1)
    assert tuple(world.oracle.quote(token)) == (quote, DAY - 1)
    receipt = world.oracle.set_quoted_feed(terms, (quote, DAY - 1), sender=world.owner)
    assert not receipt.events.filter(world.oracle.QuoteChanged)


def test_price__real_proxies__link_in_ether_agrees_with_link_in_dollars(world: World) -> None:
    token = TOKENS["LINK"].address
    link_eth, eth_usd, link_usd = (FEEDS[name].proxy for name in ("LINK / ETH", "ETH / USD", "LINK / USD"))
    terms = (token, link_eth, 7 * DAY, WAD, 100 * WAD)
    world.oracle.set_quoted_feed(terms, (eth_usd, 7 * DAY), sender=world.owner)
    price = world.oracle.price(token)
    eth, usd = FEEDS["LINK / ETH"].answer, FEEDS["ETH / USD"].answer * 10**10
    assert price == eth * usd // WAD
    world.oracle.set_feed((token, link_usd, 7 * DAY, WAD, 100 * WAD), sender=world.owner)
    assert abs(price - world.oracle.price(token)) <= price // 1_000
