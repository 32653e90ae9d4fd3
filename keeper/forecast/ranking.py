"""Which forecaster is used, and why: the EWMA, unless another was better by more than chance.

All are judged by the same forecasts of the same bars. The best of several looks better than it is, so that its p-value is held
against a level divided by their number (Bonferroni).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keeper.errors import ForecastError
from keeper.forecast.ewma import Ewma
from keeper.forecast.forecaster import Floats, Forecaster, mapping
from keeper.forecast.losses import DieboldMariano, diebold_mariano, qlike, squared_error
from keeper.forecast.walk_forward import Walk, realised, walk

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Score:
    """How one forecaster did.

    :param qlike: mean over forecasts and assets
    :param mse: the same, of annual variances
    :param test: its QLIKE against the EWMA's; None for that itself
    :param fallbacks: assets that it left to the EWMA at some time, and why
    """

    name: str
    qlike: float
    mse: float
    test: DieboldMariano | None
    fallbacks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ranking:
    """All of them, best QLIKE first.

    :param left_out: those that could not be judged, and why
    """

    scores: tuple[Score, ...]
    left_out: Mapping[str, str]
    used: str
    reason: str
    plan: Walk
    count: int  # forecasts of each asset


def rank(
    forecasters: Sequence[Forecaster], returns: Floats, assets: tuple[str, ...], bars_per_year: float, plan: Walk
) -> Ranking:
    """Judge forecasters by a walk through returns, (bars, assets).

    :raises ForecastError: too few bars to judge any by
    """
    base = Ewma()
    if not len(plan.origins(len(returns))):
        raise ForecastError(f"{len(returns)} bars leave nothing to judge forecasts by: give a longer history")
    came = realised(returns, plan)
    left_out: dict[str, str] = {}
    losses: dict[str, Floats] = {}
    errors: dict[str, float] = {}
    fallbacks: dict[str, Mapping[str, str]] = {}
    for each in (base, *(other for other in forecasters if other.name != base.name)):
        try:
            walked = walk(each, returns, bars_per_year, plan)
        except ForecastError as error:
            if each is base:
                raise
            left_out[each.name] = str(error)
            continue
        losses[each.name] = qlike(walked.variances, came).mean(axis=1)
        errors[each.name] = float(squared_error(walked.variances * bars_per_year, came * bars_per_year).mean())
        fallbacks[each.name] = mapping(walked.fallbacks, assets)
    tests = {
        name: None if name == base.name else diebold_mariano(loss, losses[base.name], plan.overlap)
        for name, loss in losses.items()
    }
    scores = sorted(
        (Score(name, float(loss.mean()), errors[name], tests[name], fallbacks[name]) for name, loss in losses.items()),
        key=lambda score: score.qlike,
    )
    used, reason = _choice(scores, base.name)
    return Ranking(tuple(scores), left_out, used, reason, plan, len(came))


def _choice(scores: Sequence[Score], base: str) -> tuple[str, str]:
    """The best that beats the base by more than chance, and the sentence that says so."""
    challengers = [score for score in scores if score.test is not None]
    if not challengers:
        return base, f"{base} is used: there is nothing to compare it with"
    level = LEVEL / len(challengers)
    for score in challengers:
        if score.test is not None and score.test.difference < 0 and score.test.p_value < level:
            return score.name, f"{score.name} is used: it beats {base} by {_by(score.test, level)}"
    best = challengers[0]
    assert best.test is not None
    if best.test.difference >= 0:
        return base, f"{base} is kept: none of {len(challengers)} others has a lower QLIKE"
    return base, f"{base} is kept: {best.name} beats it by {_by(best.test, level)}, which may be chance"


def _by(test: DieboldMariano, level: float) -> str:
    return f"{-test.difference:.4f} QLIKE, DM {test.statistic:.2f}, p = {test.p_value:.2g} against {level:.2g}"
