"""From a price history to variances and correlations by a forecaster that has shown itself the best."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from keeper.errors import ForecastError
from keeper.forecast.boosting import Boosting
from keeper.forecast.ewma import Ewma, RiskMetrics2006, correlation
from keeper.forecast.forecaster import Floats, Forecaster, bars_a_day, mapping
from keeper.forecast.garch import Garch
from keeper.forecast.har import Har
from keeper.forecast.ranking import Ranking, rank
from keeper.forecast.walk_forward import Walk
from keeper.history import PriceHistory

AUTO = "auto"
FORECASTERS: Mapping[str, Callable[[], Forecaster]] = {
    "ewma": Ewma,
    "rm2006": RiskMetrics2006,
    "garch": Garch,
    "gjr": lambda: Garch(is_asymmetric=True),
    "har": Har,
    "boosting": Boosting,
}


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What is expected after a history's last bar.

    :param at: unix s of that bar
    :param horizon: bars that the variances are for
    :param variances: (assets,) a year
    :param correlations: (assets, assets)
    :param name: of the forecaster
    :param reason: why this one
    :param ranking: None where it was named and none was judged
    :param fallbacks: assets that it left to the EWMA, and why
    """

    assets: tuple[str, ...]
    at: int
    bars: int
    step_s: float
    horizon: int
    variances: Floats
    correlations: Floats
    name: str
    reason: str
    ranking: Ranking | None
    fallbacks: Mapping[str, str]

    @property
    def covariance(self) -> Floats:
        """(assets, assets) a year, positive semi-definite."""
        deviations = np.sqrt(self.variances)
        return self.correlations * np.outer(deviations, deviations)


def look(history: PriceHistory, horizon: int | None = None, name: str = AUTO) -> Outlook:
    """The outlook by the forecaster of that name, or for `auto` by the one that a walk through the history speaks for.

    :param horizon: bars; those of a day when None
    :raises ForecastError: no such forecaster, or too few bars
    :raises HistoryError: a single bar
    """
    returns, bars_per_year = history.log_returns(), history.bars_per_year
    horizon = bars_a_day(bars_per_year) if horizon is None else horizon
    if name != AUTO and name not in FORECASTERS:
        raise ForecastError(f"there is no forecaster {name!r}: name one of {', '.join((AUTO, *FORECASTERS))}")
    ranking = None
    if name == AUTO:
        plan = Walk.over(len(returns), horizon)
        ranking = rank([make() for make in FORECASTERS.values()], returns, history.assets, bars_per_year, plan)
    used = name if ranking is None else ranking.used
    fitted = FORECASTERS[used]().fit(returns, bars_per_year, horizon)
    return Outlook(
        assets=history.assets,
        at=int(history.times[-1]),
        bars=len(returns),
        step_s=history.step_s,
        horizon=horizon,
        variances=fitted.variance() * bars_per_year,
        correlations=correlation(returns, bars_per_year),
        name=used,
        reason=f"{used} is used: it was asked for" if ranking is None else ranking.reason,
        ranking=ranking,
        fallbacks=mapping(fitted.fallbacks, history.assets),
    )
