"""Backtests: policies × paths of prices through the vault's rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from keeper.backtest.fund import Fund, Terms
from keeper.backtest.kernel import Series, World, run_all
from keeper.backtest.results import RESULT, STATE
from keeper.errors import ConfigurationError
from keeper.history.prices import PricePaths
from keeper.policy.rules.decide import Costs
from keeper.policy.rules.spec import YEAR_S, RebalancingPolicy, records
from keeper.policy.ticks import ticks_of

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """What policies did on paths.

    :param results: (policies, paths) records of `results.RESULT`
    :param basket: (paths, bars) log returns of the target basket without cost; 0 at the first bar
    :param values: (policies, paths, bars) NAV per share with gas paid, 1 at the first bar; None when not recorded
    :param weights: (policies, paths, bars, assets) after each bar's trade; likewise
    """

    fund: Fund
    policies: tuple[RebalancingPolicy, ...]
    prices: PricePaths
    results: "np.ndarray[Any, np.dtype[np.void]]"
    basket: Floats
    values: Floats | None = None
    weights: Floats | None = None

    @property
    def years(self) -> float:
        """From the first bar to the last."""
        return float(self.prices.times[-1] - self.prices.times[0]) / YEAR_S


def backtest(fund: Fund, prices: PricePaths, policies: Sequence[RebalancingPolicy], is_recorded: bool = False) -> Runs:
    """Run every policy on every path. The basket starts on target at the first bar's prices.

    :param is_recorded: keep NAV and weights of every bar: 8 bytes × policies × paths × bars × (1 + assets)
    :raises ConfigurationError: no policy, or prices of other assets
    """
    if not policies:
        raise ConfigurationError("no policy to test: give one at least")
    if prices.assets != fund.assets:
        raise ConfigurationError(
            f"prices of {', '.join(prices.assets)} for a fund of {', '.join(fund.assets)}: order alike"
        )
    if prices.bars < 2:
        raise ConfigurationError("a single bar: give two at least")
    lines = sorted({policy.cron for policy in policies if policy.cron})
    ticks = np.array([ticks_of(line, prices.times) for line in lines], dtype=np.int64).reshape(len(lines), prices.bars)
    tick_of = np.array([lines.index(each.cron) if each.cron else -1 for each in policies], dtype=np.int64)
    shape = (len(policies), prices.paths)
    series = (*shape, prices.bars) if is_recorded else (0, 0, 0)
    values, weights = np.empty(series), np.empty((*series, len(fund.assets)))
    results = np.zeros(shape, dtype=RESULT)
    basket = basket_returns(fund, prices)
    # Whole numbers given for floats would be compiled anew.
    nav, gas, gas_asset = (float(each) for each in (fund.nav_usd, fund.gas_usd, fund.gas_asset_usd))
    terms = Terms._make(type(default)(value) for default, value in zip(Terms(), fund.terms, strict=True))
    run_all(
        prices.prices,
        basket,
        records(tuple(policies)),
        ticks,
        tick_of,
        World(prices.times, np.array(fund.targets), fund.growth(), nav, prices.step_s),
        Costs(fund.fees(), fund.depths(), gas, gas_asset),
        terms,
        Series(values, weights),
        np.zeros(shape, dtype=STATE),
        results,
    )
    recorded = (values, weights) if is_recorded else (None, None)
    return Runs(fund, tuple(policies), prices, results, basket, *recorded)


def asset_returns(fund: Fund, prices: PricePaths) -> Floats:
    """(paths, bars - 1, assets) log returns, yields included."""
    years = np.diff(prices.times) / YEAR_S
    found: Floats = np.diff(np.log(prices.prices), axis=1) + years[None, :, None] * np.log(fund.growth())
    return found


def basket_returns(fund: Fund, prices: PricePaths) -> Floats:
    """(paths, bars) log returns of the basket that is on target at every bar, without cost; 0 at the first."""
    found = np.zeros(prices.prices.shape[:2])
    found[:, 1:] = np.log(np.exp(asset_returns(fund, prices)) @ np.array(fund.targets))
    return found
