"""Swaps on a fake endpoint with one pair: what goes in and out, what is said of it, and what is refused."""

import pytest
from fake_chain import NOBODY, USDC, V2_FACTORY, WETH, FakeVault, address

from keeper.chain import abi
from keeper.chain.rpc import Client
from keeper.chain.tokens import Token
from keeper.errors import ConfigurationError, NoRoute
from keeper.markets import UniswapV2Pool
from keeper.services.route import base_units, route_swap
from keeper.settings import load

PAIR = UniswapV2Pool(address("pair"), USDC, WETH, 40_000_000 * 10**6, 20_000 * 10**18)
OTHER = address("other")


class Desk:
    """A client and settings over a fake chain with one pair; OTHER is a token that no pool has."""

    def __init__(self, fake, folder):
        self.fake = fake
        self.vault = FakeVault(fake).install()
        fake.view(OTHER, abi.Token.symbol, "OTHER")
        fake.view(OTHER, abi.Token.decimals, 0)
        pairs = {frozenset((USDC.lower(), WETH.lower()))}
        fake.view(V2_FACTORY, abi.UniswapV2.get_pair, lambda a, b: PAIR.address if {a, b} in pairs else NOBODY)
        self.client = Client(fake.url, attempts=1)
        self.folder = folder

    def route(self, sell: str, buy: str, amount: str, is_exact_out: bool = False, **settings):
        pools = {"cache_folder": str(self.folder / "pools")} | settings.pop("pools", {})
        given = load(arguments={"pools": pools} | settings, environment={})
        return route_swap(self.client, given, sell, buy, amount, is_exact_out)


@pytest.fixture
def desk(fake, tmp_path):
    return Desk(fake, tmp_path)


def test_route__exact_in__sells_the_amount_for_what_the_pair_pays(desk):
    found = desk.route("WETH", "USDC", "12.5")
    assert (found.amount, found.amount_in) == (125 * 10**17, 125 * 10**17)
    assert found.amount_out == PAIR.amount_out(WETH, USDC, 125 * 10**17)
    (leg,) = found.route.legs
    assert (leg.pool, leg.share) == (PAIR.address, 10**18)
    assert (found.block.number, len(found.pools)) == (desk.fake.number, 1)


def test_route__exact_out__buys_the_amount_for_the_least_that_brings_it(desk):
    found = desk.route("WETH", "USDC", "30000.000001", is_exact_out=True)
    assert found.amount == 30_000_000_001
    assert found.amount_out >= found.amount
    least = PAIR.amount_in(WETH, USDC, found.amount)
    assert least <= found.amount_in <= least + least // 10**9
    assert found.route.partial_reason is None


def test_route__prices__are_in_whole_tokens_and_the_impact_is_beyond_the_fee(desk):
    found = desk.route("WETH", "USDC", "200")
    assert found.marginal_price == pytest.approx(2_000 * 0.997, rel=1e-12)
    assert found.price == pytest.approx(found.amount_out / 10**6 / 200, rel=1e-12)
    # x / (x + in) of a constant product: 199.4 of 20,000 WETH.
    assert found.impact_bps == pytest.approx(1e4 * 199.4 / 20_199.4, rel=1e-6)


def test_route__certificate__counts_in_the_usd_token_and_takes_off_the_gas(desk):
    found = desk.route("WETH", "USDC", "200")
    certificate = found.certificate
    assert certificate.gas == pytest.approx(found.route.gas * found.gas_price * 2_000 * 0.997 / 1e18, rel=1e-3)
    assert certificate.worth == pytest.approx(found.amount_out / 1e6 - certificate.gas, rel=1e-9)
    assert certificate.worth <= certificate.bound
    assert certificate.gap_bps < 1e-3
    assert found.eth_price == pytest.approx(2_000 * 0.997 * 10**18, rel=1e-9)


def test_route__when_gas_is_over_the_cap__quotes_all_the_same(desk):
    desk.fake.base_fee = 500 * 10**9
    assert desk.route("WETH", "USDC", "200").gas_price > 500 * 10**9


def test_route__when_no_pool_prices_ether__counts_no_gas(desk):
    found = desk.route("WETH", "USDC", "200", wrapped_native=OTHER)
    assert found.eth_price is None
    assert found.certificate.gas == 0


def test_route__addresses_and_symbols_of_any_case__name_the_same_tokens(desk):
    by_symbol, by_address = desk.route("weth", "Usdc", "1"), desk.route(WETH.lower(), USDC.lower(), "1")
    assert by_symbol == by_address
    assert (by_symbol.sold, by_symbol.bought) == (Token(WETH, "WETH", 18), Token(USDC, "USDC", 6))


@pytest.mark.parametrize("buy", ["WETH", WETH, WETH.lower()])
def test_route__same_token_twice__is_refused(desk, buy):
    with pytest.raises(ConfigurationError, match=rf"^WETH and {buy} are the same token, {WETH}: give two$"):
        desk.route("WETH", buy, "1")


def test_route__unknown_symbol__is_refused_with_those_that_are_known(desk):
    with pytest.raises(ConfigurationError, match=r"^unknown token 'OTHER': give its address; .* \(USDC, WETH\)$"):
        desk.route("OTHER", "WETH", "1")


def test_route__symbol_of_two_tokens__is_refused(desk):
    desk.fake.view(OTHER, abi.Token.symbol, "WETH")
    with pytest.raises(ConfigurationError, match=r"^WETH is the symbol of 2 tokens of the settings: give an address$"):
        desk.route("WETH", "USDC", "1", pools={"hubs": (WETH, USDC, OTHER)})


def test_route__address_without_a_token__is_refused(desk):
    nothing = address("nothing")
    with pytest.raises(ConfigurationError, match=rf"^no token at {nothing} on chain 1"):
        desk.route(nothing, "WETH", "1")


def test_route__when_the_usd_token_is_none__names_the_setting(desk):
    with pytest.raises(ConfigurationError, match=r"^usd_token .* is no token on chain 1: set one"):
        desk.route("WETH", "USDC", "1", usd_token=address("nothing"), pools={"hubs": (WETH, USDC)})


@pytest.mark.parametrize(("sell", "buy"), [(OTHER, "USDC"), ("USDC", OTHER)])
def test_route__when_no_pool_leads_there__names_both_tokens(desk, sell, buy):
    with pytest.raises(NoRoute, match=rf"^no route from \w+ to \w+: no pool with liquidity connects {OTHER}"):
        desk.route(sell, buy, "1")


def test_route__when_the_pool_is_shallower_than_the_floor__has_none(desk):
    assert desk.route("WETH", "USDC", "1", pools={"min_depth_usd": 19_000_000}).pools
    with pytest.raises(NoRoute):
        desk.route("WETH", "USDC", "1", pools={"min_depth_usd": 21_000_000})


SIX, NONE = Token(USDC, "USDC", 6), Token(OTHER, "OTHER", 0)


@pytest.mark.parametrize(
    ("text", "token", "units"),
    [
        ("1", SIX, 10**6),
        ("0.000001", SIX, 1),
        (".5", SIX, 500_000),
        ("1.", SIX, 10**6),
        ("007.10", SIX, 7_100_000),
        ("1.0000000", SIX, 10**6),
        ("123456789012345678901234567.123456", SIX, 123456789012345678901234567123456),
        ("3", NONE, 3),
        ("3.0", NONE, 3),
        (f"{2**128 - 1}", NONE, 2**128 - 1),
    ],
)
def test_base_units__are_exact(text, token, units):
    assert base_units(text, token) == units


@pytest.mark.parametrize(
    ("text", "token", "words"),
    [
        ("0", SIX, "amount 0 is nothing: give more than 0 USDC"),
        ("0.000", NONE, "amount 0.000 is nothing: give more than 0 OTHER"),
        ("-1", SIX, "amount '-1' is not a decimal number above 0, as in 12.5"),
        ("1e6", SIX, "amount '1e6' is not a decimal number above 0, as in 12.5"),
        ("1,000", SIX, "amount '1,000' is not a decimal number above 0, as in 12.5"),
        (".", SIX, "amount '.' is not a decimal number above 0, as in 12.5"),
        ("", SIX, "amount '' is not a decimal number above 0, as in 12.5"),
        ("٣", SIX, "amount '٣' is not a decimal number above 0, as in 12.5"),
        ("1\n", SIX, "amount '1\\n' is not a decimal number above 0, as in 12.5"),
        ("1.0000001", SIX, "amount 1.0000001 has 7 digits after the point, USDC has 6: give at most 6"),
        ("1.5", NONE, "amount 1.5 has 1 digits after the point, OTHER has 0: give at most 0"),
        (f"{2**128}", NONE, f"amount {2**128} is more OTHER than any pool can hold: give less"),
        ("9" * 5000, SIX, f"amount {'9' * 5000} is more USDC than any pool can hold: give less"),
    ],
)
def test_base_units__of_what_is_no_amount__are_refused(text, token, words):
    with pytest.raises(ConfigurationError) as error:
        base_units(text, token)
    assert str(error.value) == words
