"""A design as a plan to deploy: where its tokens and their feeds are on Ethereum mainnet."""

from decimal import Decimal

from pydantic import ValidationError

from devnet.addresses import FEEDS, TOKENS, USD_FEEDS
from keeper.design.bands import NARROWEST, SPEED, WIDEST
from keeper.design.deploy_file import BASIS_POINT, AssetPlan, DeployPlan, RailsPlan, fault_of
from keeper.design.design import Design
from keeper.errors import ConfigurationError

# How often each feed answers at least; the others do so every hour. All get ten minutes on top.
_HEARTBEATS_S = {"USDC": 82_800, "USDT": 86_400, "CRV": 86_400, "BAL": 86_400}
_HOUR_S, _LATE_S = 3_600, 600
# A stable-coin out of these is none any more: trading it is stopped rather than bought into.
_STABLE_BOUNDS = (Decimal("0.9"), Decimal("1.1"))
_ROOM = 20  # factor by which any other price may move before the feed counts as broken


def plan_of(found: Design, name: str, symbol: str, guardian: str | None) -> DeployPlan:
    """The plan of a design; its tokens are known by their symbols.

    :raises ConfigurationError: a symbol is unknown, or has no feed in USD; or the contracts would refuse the name
    """
    rails = RailsPlan(
        narrowest_bps=NARROWEST // BASIS_POINT, widest_bps=WIDEST // BASIS_POINT, speed_bps_per_day=SPEED // BASIS_POINT
    )
    assets = tuple(_asset(found, place) for place in range(len(found.assets)))
    try:
        return DeployPlan(name=name, symbol=symbol, chain_id=1, guardian=guardian, rails=rails, assets=assets)
    except ValidationError as error:
        raise ConfigurationError(f"deploy file, {fault_of(error)}") from None


def _asset(found: Design, place: int) -> AssetPlan:
    symbol = found.assets[place]
    if symbol not in TOKENS or symbol not in USD_FEEDS:
        known = ", ".join(each for each in TOKENS if each in USD_FEEDS)
        raise ConfigurationError(
            f"{symbol}: neither its address nor its feed is known here, only those of {known}: name it so in the history, "
            "or write its part of the deploy file by hand"
        )
    price = Decimal(repr(found.prices[place])).quantize(Decimal(1).scaleb(-12))
    low, high = _STABLE_BOUNDS if found.stable[place] else (price / _ROOM, price * _ROOM)
    return AssetPlan(
        symbol=symbol,
        address=TOKENS[symbol].address,
        decimals=TOKENS[symbol].decimals,
        target=_text(found.targets[place]),
        band=_text(found.bands[place]),
        feed=FEEDS[USD_FEEDS[symbol]].proxy,
        feed_max_age_s=_HEARTBEATS_S.get(symbol, _HOUR_S) + _LATE_S,
        price_min_usd=_short(low),
        price_max_usd=_short(high),
    )


def _text(wad: int) -> Decimal:
    """WAD as a decimal without zeros at its end."""
    return Decimal(wad).scaleb(-18).normalize()


def _short(price: Decimal) -> Decimal:
    """To four significant digits: a bound says no more."""
    return Decimal(f"{price:.4g}") if price < 1_000 else price.quantize(Decimal(1))
