"""A basket for a risk profile, out of a price history."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from keeper.design.bands import bands
from keeper.design.feasible import Floats
from keeper.design.figures import Figures, WalkForward, figures, walk_forward
from keeper.design.profiles import STABLE_SYMBOLS, Limits, Method
from keeper.design.reasons import reasons
from keeper.design.rounding import WAD, targets
from keeper.design.weights import Market, choose, market_of
from keeper.errors import DesignError
from keeper.history.prices import PriceHistory

DAY_S = 86_400
MOST_ASSETS = 20  # of a vault


@dataclass(frozen=True, slots=True)
class Design:
    """A basket; per asset in the history's order.

    :param targets, bands: WAD, as the vault takes them
    :param prices: USD per whole token at the history's end
    """

    assets: tuple[str, ...]
    stable: tuple[bool, ...]
    method: Method
    limits: Limits
    targets: tuple[int, ...]
    bands: tuple[int, ...]
    volatility: tuple[float, ...]
    reasons: tuple[str, ...]
    prices: tuple[float, ...]
    figures: Figures
    walk_forward: WalkForward | None


def design(
    history: PriceHistory,
    method: Method,
    limits: Limits,
    risk_aversion: float,
    stable: Collection[str] | None = None,
    caps: Mapping[str, float] | None = None,
) -> Design:
    """Choose weights and bands. Bars closer than a day are taken by the day.

    :param stable: which assets are stable-coins; by their symbols when None
    :param caps: USD by asset, for market capitalisation
    :raises DesignError: no weights keep to the limits, or the history does not do
    """
    names = STABLE_SYMBOLS if stable is None else stable
    if stable is not None and (unknown := sorted(set(stable) - set(history.assets))):
        raise DesignError(f"--stable {', '.join(unknown)}: the history has {', '.join(history.assets)}")
    if len(history.assets) > MOST_ASSETS:
        raise DesignError(f"{len(history.assets)} assets: a vault holds {MOST_ASSETS} at most; leave some out")
    daily = history.resample(DAY_S) if history.step_s < DAY_S else history
    steady = np.array([asset in names for asset in history.assets])
    market = market_of(np.expm1(daily.log_returns()), steady, daily.bars_per_year)
    worth = _caps(history.assets, caps)

    def chosen(window: Market) -> Floats:
        return choose(window, method, limits, risk_aversion, worth)

    wads = targets(chosen(market), steady)
    weights = np.array([wad / WAD for wad in wads])
    found = figures(weights, market)
    return Design(
        assets=history.assets,
        stable=tuple(steady.tolist()),
        method=method,
        limits=limits,
        targets=wads,
        bands=bands(weights, market.covariance),
        volatility=tuple(market.volatility.tolist()),
        reasons=reasons(history.assets, weights, market, method, limits, found.risk),
        prices=tuple(history.prices[-1].tolist()),
        figures=found,
        walk_forward=walk_forward(market, chosen),
    )


def _caps(assets: tuple[str, ...], caps: Mapping[str, float] | None) -> Floats | None:
    if caps is None:
        return None
    if missing := [asset for asset in assets if not caps.get(asset, 0) > 0]:
        raise DesignError(f"--market-caps has none over 0 of {', '.join(missing)}: add them, in USD")
    return np.array([caps[asset] for asset in assets])
