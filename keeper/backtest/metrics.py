"""What a policy is judged by, from the records of its runs. Rates are a year of 365.25 days, costs basis points of NAV."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keeper.backtest.engine import Runs, asset_returns

Floats = npt.NDArray[np.float64]

_BPS = 10_000


@dataclass(frozen=True, slots=True)
class Metrics:
    """Of one policy, means over the paths; the drawdown is the deepest of all."""

    growth: float  # log return a year, net of everything
    volatility: float  # of it, a year
    sharpe: float  # growth over volatility, a year, without a riskless rate
    tracking_error: float  # standard deviation a year of net returns less those of the basket on target
    tracking_difference: float  # mean of the same, a year
    drift: float  # root of the mean square, share of NAV
    turnover: float  # sold, shares of NAV a year
    fees_bps: float
    impact_bps: float
    gas_bps: float
    concession_bps: float
    streaming_bps: float
    gas_usd: float  # of a whole path
    drawdown: float
    premium: float  # rebalancing premium: growth over that of the assets at target weights, a year
    trades: float  # a year
    held_back: float  # bars at which a due rebalance was not done, a year

    @property
    def cost_bps(self) -> float:
        """Of trading: fees, impact, gas, and what fillers were given."""
        return self.fees_bps + self.impact_bps + self.gas_bps + self.concession_bps


def metrics(runs: Runs) -> list[Metrics]:
    """By policy."""
    found, years = runs.results, runs.years
    bars = runs.prices.bars - 1
    per_year = bars / years
    alone = asset_returns(runs.fund, runs.prices).sum(axis=1) @ np.array(runs.fund.targets) / years
    measured = []
    for row, errors in zip(found, tracking_errors(runs), strict=True):
        growth = row["log_growth"] / years
        volatility = np.sqrt(_variance(row["sum_1"], row["sum_2"], bars) * per_year)
        held = sum(row[name] for name in ("cooling_down", "too_small", "not_worth_it", "over_bound", "over_budget"))
        measured.append(
            Metrics(
                growth=float(growth.mean()),
                volatility=float(volatility.mean()),
                sharpe=float(np.mean(growth / np.where(volatility > 0, volatility, np.inf))),
                tracking_error=float(errors.mean()),
                tracking_difference=float(row["track_1"].mean() / years),
                drift=float(np.sqrt(row["drift_2"].mean() / bars)),
                turnover=float(row["turnover"].mean() / years),
                fees_bps=_bps(row["fees"], years),
                impact_bps=_bps(row["impact"], years),
                gas_bps=_bps(row["gas"], years),
                concession_bps=_bps(row["concession"], years),
                streaming_bps=_bps(row["streaming"], years),
                gas_usd=float(row["gas_usd"].mean()),
                drawdown=float(row["drawdown"].max()),
                premium=float((growth - alone).mean()),
                trades=float(row["trades"].mean() / years),
                held_back=float((held + row["refused"]).mean() / years),
            )
        )
    return measured


def tracking_errors(runs: Runs) -> Floats:
    """(policies, paths) standard deviations a year of net returns less those of the basket on target."""
    found, bars = runs.results, runs.prices.bars - 1
    errors: Floats = np.sqrt(_variance(found["track_1"], found["track_2"], bars) * bars / runs.years)
    return errors


def theoretical_premium(runs: Runs) -> float:
    """Excess growth ½ (Σ wσ² − σ_p²) a year of the basket on target, at the paths' own covariances.

    Fernholz and Shay (1982, Journal of Finance 37). A rate of growth, and no gain in expected value (Chambers and
    Zdanowicz, 2014).
    """
    targets = np.array(runs.fund.targets)
    returns = asset_returns(runs.fund, runs.prices)
    per_year = returns.shape[1] / runs.years
    totals = []
    for path in returns:
        covariance = np.atleast_2d(np.cov(path, rowvar=False)) * per_year
        totals.append(0.5 * (targets @ np.diag(covariance) - targets @ covariance @ targets))
    return float(np.mean(totals))


def net_returns(runs: Runs, policy: int) -> Floats:
    """(paths, bars - 1) net log returns of a recorded policy."""
    assert runs.values is not None
    found: Floats = np.diff(np.log(runs.values[policy]), axis=1)
    return found


def pool_growth(runs: Runs) -> tuple[float, float]:
    """Log growth a year of a weighted pool of the same basket without fees, and what it loses to arbitrage a year.

    Its value follows the weighted geometric mean of the prices; what rebalancing at the market's prices would have made
    beyond that went to who traded against it (loss versus rebalancing: Milionis, Moallemi, Roughgarden and Zhang, 2022).
    """
    returns = asset_returns(runs.fund, runs.prices) @ np.array(runs.fund.targets)
    pool = returns.sum(axis=1) / runs.years
    rebalanced = runs.basket.sum(axis=1) / runs.years
    return float(pool.mean()), float((rebalanced - pool).mean())


def _variance(total: Floats, squares: Floats, count: int) -> Floats:
    found: Floats = np.maximum(squares / count - (total / count) ** 2, 0.0)
    return found


def _bps(shares: Floats, years: float) -> float:
    return float(shares.mean() / years * _BPS)
