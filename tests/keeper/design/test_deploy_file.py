"""The deploy file: written and read back exactly, and refused where the contracts would refuse it."""

from decimal import Decimal

import numpy as np
import pytest

from keeper.chain.abi import Trigger
from keeper.design.deploy_file import BASIS_POINT, WAD, DeployPlan, load, wad, write
from keeper.design.design import design
from keeper.design.profiles import profile
from keeper.errors import ConfigurationError
from keeper.history.prices import PriceHistory
from keeper.history.scenarios import scenario
from keeper.services.design import plan_of

SYMBOLS = ("WETH", "WBTC", "USDC", "DAI")


@pytest.fixture(scope="module")
def found():
    history = scenario(
        "calm", SYMBOLS, stable=("USDC", "DAI"), start_prices=[3_000, 90_000, 1, 1], bars=200, seed=1
    ).path(0)
    wanted = profile("balanced")
    return design(history, wanted.method, wanted.limits, wanted.risk_aversion)


@pytest.fixture(scope="module")
def plan(found) -> DeployPlan:
    return plan_of(found, "Balanced Four", "BAL4", None)


@pytest.fixture
def text(plan, tmp_path):
    file = tmp_path / "fund.toml"
    write(plan, file, {"WETH": "because\nof this"})
    return file.read_text()


def test_write__then_load__is_the_same_to_the_last_digit(plan, found, tmp_path):
    file = tmp_path / "fund.toml"
    write(plan, file, {})
    again = load(file)
    assert again == plan
    assert tuple(wad(asset.target) for asset in again.assets) == found.targets
    assert tuple(wad(asset.band) for asset in again.assets) == found.bands
    assert sum(wad(asset.target) for asset in again.assets) == WAD


def test_write__notes__are_comments_on_one_line(text):
    assert "# because of this\n" in text
    assert "Nothing here is secret" in text


def test_plan_of__feeds_and_bounds__are_those_of_the_tokens(plan):
    weth, _, usdc, _ = plan.assets
    assert weth.address == "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
    assert weth.feed == "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419"
    assert weth.feed_max_age_s == 4_200
    assert usdc.decimals == 6
    assert (usdc.price_min_usd, usdc.price_max_usd) == (Decimal("0.9"), Decimal("1.1"))
    assert 3_000 / 100 < weth.price_min_usd < 3_000 / 10 < 3_000 * 10 < weth.price_max_usd


def test_plan_of__unknown_token__is_named():
    times = 86_400 * np.arange(100)
    prices = np.exp(np.random.default_rng(1).standard_normal((100, 2)) / 50)
    wanted = profile("aggressive")
    made = design(PriceHistory(("WETH", "DOGE"), times, prices), wanted.method, wanted.limits, wanted.risk_aversion)
    with pytest.raises(ConfigurationError, match="DOGE: neither its address nor its feed is known here"):
        plan_of(made, "Two", "TWO", None)


def test_built__terms_and_rails__are_in_the_contracts_units(plan):
    terms = plan.terms.built()
    assert terms.triggers == Trigger.BAND | Trigger.TARGETS
    assert terms.start_premium == 50 * BASIS_POINT
    assert terms.closing_tolerance == 50 * BASIS_POINT
    assert plan.rails.built() == (10**16, 10**17, 10**16)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('symbol = "BAL4"', 'symbol = "TOOLONG"', "symbol: string should have at most 5 characters"),
        ('name = "Balanced Four"', 'name = ""', "name: string should have at least 1 character"),
        ("cooldown_s = 3600", "cooldown = 3600", "terms.cooldown: extra inputs"),
        ("duration_s = 1800", "duration_s = 30", "terms.duration_s: input should be greater than or equal to 60"),
        ("max_discount_bps = 100", "max_discount_bps = 501", "terms.max_discount_bps"),
        ("interval_s = 0", "interval_s = 60", "interval_s goes with the trigger interval"),
        (
            "closing_tolerance_bps = 50",
            "closing_tolerance_bps = 500",
            "the band of WETH is under terms.closing_tolerance_bps",
        ),
        ("narrowest_bps = 100", "narrowest_bps = 20", "rails.narrowest_bps is under"),
        ("narrowest_bps = 100", "narrowest_bps = 2000", "narrowest_bps is above widest_bps"),
        ('price_max_usd = "1.1"', 'price_max_usd = "0.5"', "price_min_usd is not below price_max_usd"),
        ('price_max_usd = "1.1"', "price_max_usd = 1.1", 'write it as text, as in "0.25"'),
        ("decimals = 8", "decimals = 28", "assets.1.decimals"),
        ('address = "0xC02a', 'address = "0xD02a', "has a wrong checksum: a digit is mistyped"),
        ('symbol = "WBTC"', 'symbol = "WETH"', "two assets have one symbol"),
        ("chain_id = 1", 'chain_id = 1\nprivate_key = "x"', "holds a private key in plain text"),
        ("chain_id = 1", "chain_id = ", "not valid TOML"),
    ],
    ids=range(16),
)
def test_load__what_a_contract_would_refuse__is_named_with_its_key(text, tmp_path, old, new, message):
    assert old in text
    file = tmp_path / "bad.toml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as raised:
        load(file)
    assert message in str(raised.value)
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_load__targets_that_do_not_sum_to_one__are_refused(plan, text, tmp_path):
    file = tmp_path / "bad.toml"
    target = f'target = "{plan.assets[0].target}"'
    assert target in text
    file.write_text(text.replace(target, f'target = "{plan.assets[0].target + Decimal("1e-18")}"', 1))
    with pytest.raises(ConfigurationError, match=r"the targets sum to 1\.0{17}1, not to 1"):
        load(file)
    file.write_text(text.replace(target, f'target = "{plan.assets[0].target}1234567890123456789"', 1))
    with pytest.raises(ConfigurationError, match="no more than 18 decimal places"):
        load(file)


def test_load__missing__says_what_makes_one(tmp_path):
    with pytest.raises(ConfigurationError, match="`equipoise design --deploy-file` makes one"):
        load(tmp_path / "absent.toml")
