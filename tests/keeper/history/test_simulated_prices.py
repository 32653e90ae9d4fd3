"""Simulated paths against closed forms, within their statistical error; every draw is seeded.

Where a moment of n independent draws is estimated, the bound is 4.5 of its standard errors: a right simulator fails one of a
hundred thousand such tests, and the seeds are fixed.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.errors import HistoryError
from keeper.history.prices import PricePaths
from keeper.history.scenarios import SCENARIOS, scenario
from keeper.history.simulate import (
    Garch,
    GeometricBrownian,
    JumpDiffusion,
    OrnsteinUhlenbeck,
    RegimeSwitching,
    cholesky,
    simulate,
)

DAY = 86_400
YEAR = 1 / 365  # of a daily bar
MODELS = {
    "gbm": GeometricBrownian(0.3, [0.8, 0.5]),
    "jumps": JumpDiffusion(0.1, [0.5, 0.4], 40.0, -0.05, 0.08),
    "garch": Garch(0.2, [0.9, 0.6], 0.1, 0.85),
    "regimes": RegimeSwitching([0.5, -0.5], [0.3, 1.0], [0.2, 0.1]),
    "ou": OrnsteinUhlenbeck(20.0, [0.5, 0.4], 0.1, 0.6),
}
every = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def draw(model, paths=400, bars=501, seed=7, assets=("A", "B"), correlation=None, **more) -> PricePaths:
    return simulate(model, assets, correlation=correlation, bars=bars, paths=paths, seed=seed, **more)


def returns(found: PricePaths) -> np.ndarray:
    """(paths, bars - 1, assets)"""
    return np.diff(np.log(found.prices), axis=1)


def close(values: np.ndarray, expected, factor: float = 4.5) -> None:
    """The mean of independent values along the first axis is the expected one."""
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    assert (np.abs(values.mean(axis=0) - expected) <= factor * error).all(), (values.mean(axis=0), expected, error)


def variances(values: np.ndarray, mean) -> np.ndarray:
    return (values - mean) ** 2


def test_gbm__mean_and_variance_of_log_returns__are_the_closed_form():
    volatility = np.array([0.8, 0.5])
    values = returns(draw(GeometricBrownian(0.3, volatility))).reshape(-1, 2)
    mean = (0.3 - volatility**2 / 2) * YEAR
    close(values, mean)
    close(variances(values, mean), volatility**2 * YEAR)


@pytest.mark.parametrize("name", ["gbm", "jumps", "garch", "regimes"])
def test_simulate__expected_price__grows_by_the_drift(name):
    drift = {"gbm": 0.3, "jumps": 0.1, "garch": 0.2}.get(name)
    model = MODELS[name] if drift is not None else RegimeSwitching([0.4, 0.4], [0.3, 1.0], [0.2, 0.1])
    ends = draw(model, paths=20_000, bars=100, start_prices=[2.0, 50.0]).prices[:, -1]
    close(ends, np.array([2.0, 50.0]) * np.exp((drift or 0.4) * 99 * YEAR))


def test_jump_diffusion__first_four_cumulants__are_the_closed_form():
    model = JumpDiffusion(0.1, 0.5, 40.0, -0.05, 0.08)
    values = returns(draw(model, paths=2_000, assets=("A",)))[..., 0].ravel()
    rate, m, s = 40.0 * YEAR, -0.05, 0.08
    mean = (0.1 - 0.5**2 / 2) * YEAR - rate * np.expm1(m + s**2 / 2) + rate * m
    variance = 0.5**2 * YEAR + rate * (m**2 + s**2)
    close(values[:, None], mean)
    close(variances(values, mean)[:, None], variance)
    # The cumulants of a compound Poisson sum are the rate times the moments of a jump.
    close((values - mean)[:, None] ** 3, rate * (m**3 + 3 * m * s**2))
    close((values - mean)[:, None] ** 4, 3 * variance**2 + rate * (m**4 + 6 * m**2 * s**2 + 3 * s**4))


def test_garch__variance_kurtosis_and_clustering__are_the_closed_form():
    alpha, beta, volatility = 0.1, 0.85, 0.9
    # A path after another is independent; within one they are not, so that each path counts as one draw.
    shocks = returns(draw(Garch(0.0, volatility, alpha, beta), paths=6_000, bars=401, assets=("A",)))[..., 0]
    variance = volatility**2 * YEAR
    late = shocks[:, 200:]  # the start's variance is the stationary mean, not a stationary draw
    close(
        (late**2).mean(axis=1)[:, None], variance * (1 + variance / 4), factor=6
    )  # the drift's half variance, squared
    both = alpha + beta
    fourth = 3 * variance**2 * (1 - both**2) / (1 - both**2 - 2 * alpha**2)
    close((late**4).mean(axis=1)[:, None], fourth, factor=6)
    first = alpha * (1 - alpha * beta - beta**2) / (1 - 2 * alpha * beta - beta**2)
    squares = late**2 - variance
    lagged = (squares[:, 1:] * squares[:, :-1]).mean(axis=1)
    close(lagged[:, None], first * (fourth - variance**2), factor=6)


def test_regimes__time_in_each_and_length_of_a_stay__are_the_chains():
    model = RegimeSwitching([0.0, 0.0], [0.2, 1.2], [0.2, 0.1])
    regimes = model.regimes(np.random.Generator(np.random.PCG64(3)), 4_000, 365, YEAR)
    close((regimes == 0).mean(axis=1)[:, None], 2 / 3)
    close((regimes[:, 0] == 0).astype(float)[:, None], 2 / 3)
    leaves = (regimes[:, 1:] != regimes[:, :-1])[regimes[:, :-1] == 1].astype(float)
    close(leaves[:, None], YEAR / 0.1)


def test_regimes__variance_of_returns__is_the_mixture():
    values = returns(draw(RegimeSwitching([0.0, 0.0], [0.2, 1.2], [0.2, 0.1]), paths=4_000, assets=("A",)))[..., 0]
    expected = (2 * 0.2**2 + 1.2**2) / 3 * YEAR
    close((values**2).mean(axis=1)[:, None], expected * (1 + 1e-3), factor=6)


def test_ou__variance_and_decay_of_log_ratios__are_the_closed_form():
    speed, volatility = 20.0, np.array([0.5, 0.3])
    found = draw(OrnsteinUhlenbeck(speed, volatility, 0.2, 0.9), paths=8_000, bars=366)
    ratio = np.log(found.prices[..., 0] / found.prices[..., 1])
    stationary = (volatility**2).sum() / (2 * speed)
    close(ratio[:, -1:], 0.0)
    close(ratio[:, -1:] ** 2, stationary)  # after a year exp(-2·20) is left of the start
    close(ratio[:, -1:] * ratio[:, -11:-10], stationary * np.exp(-speed * 10 * YEAR))
    # A market that all share leaves no trace in the ratio, and all of it in the prices.
    market = np.log(found.prices[:, -1, 0]) - ratio[:, -1] / 2
    assert market.std() > 0.8


def test_ou__without_exposure__stays_around_its_price():
    found = draw(OrnsteinUhlenbeck(20.0, [0.5, 0.01], 0.0, 0.9, [1.0, 0.0]), paths=500)
    assert np.abs(np.log(found.prices[..., 1])).max() < 0.02
    assert np.log(found.prices[..., 0]).std() > 0.3


@every
def test_simulate__correlation__is_recovered(model):
    rho = 0.7
    moves = returns(draw(model, correlation=[[1, rho], [rho, 1]], paths=600))
    found = np.corrcoef(moves[..., 0].ravel(), moves[..., 1].ravel())[0, 1]
    share = {"jumps": 0.5**2 / (0.5**2 + 40 * (0.05**2 + 0.08**2)), "ou": None}
    if model is MODELS["ou"]:
        # The market of 0.6 is shared, the deviations of 0.5 and 0.4 are correlated by rho.
        expected = (0.36 + rho * 0.2) / np.sqrt((0.36 + 0.25) * (0.36 + 0.16))
    elif model is MODELS["jumps"]:
        other = 0.4**2 / (0.4**2 + 40 * (0.05**2 + 0.08**2))
        expected = rho * np.sqrt(share["jumps"] * other)
    else:
        expected = rho
    # Under GARCH volatilities go apart now and then, which takes a little.
    assert found == pytest.approx(expected, abs=0.03 if model is MODELS["garch"] else 0.012)


@every
def test_simulate__same_seed__same_paths(model):
    one, same, other = (draw(model, paths=3, bars=20, seed=seed).prices for seed in (5, 5, 6))
    assert np.array_equal(one, same)
    assert not np.isclose(one[:, 1:], other[:, 1:]).any()


@every
def test_simulate__paths__are_independent(model):
    moves = returns(draw(model, paths=60, bars=2_001))[..., 0]
    correlations = np.corrcoef(moves)[np.triu_indices(60, 1)]
    assert np.abs(correlations).max() < 6 / np.sqrt(2_000)
    assert np.abs(correlations.mean()) < 4.5 / np.sqrt(2_000 * len(correlations))


def test_simulate__first_bar__is_the_start_and_bars_are_a_step_apart():
    found = draw(MODELS["gbm"], bars=5, start_prices=[3_000, 1], step_s=3_600, start=1_000_000)
    assert found.times.tolist() == [1_000_000 + 3_600 * i for i in range(5)]
    assert (found.prices[:, 0] == [3_000, 1]).all()


def test_simulate__finer_steps__keep_the_annual_volatility():
    hourly = returns(draw(GeometricBrownian(0.0, 0.6), step_s=3_600, paths=100, bars=2_000))
    assert hourly.std() * np.sqrt(365 * 24) == pytest.approx(0.6, rel=0.01)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]], r"not positive semi-definite \(least eigenvalue -0.8\)"),
        ([[1, 1.2, 0], [1.2, 1, 0], [0, 0, 1]], "not positive semi-definite"),
        ([[1, 0.5, 0], [0.4, 1, 0], [0, 0, 1]], "symmetric"),
        ([[2, 0, 0], [0, 1, 0], [0, 0, 1]], "ones on its diagonal"),
        ([[1, 0], [0, 1]], r"3 assets need \(3, 3\)"),
        (np.full((3, 3), np.nan), "numbers"),
    ],
)
def test_cholesky__matrix_that_is_no_correlation__is_refused(matrix, message):
    with pytest.raises(HistoryError, match=message):
        cholesky(matrix, 3)


@given(seed=st.integers(0, 10**6), assets=st.integers(1, 7), rank=st.integers(1, 7))
def test_cholesky__factor__is_lower_and_gives_the_matrix_back(seed, assets, rank):
    loads = np.random.default_rng(seed).standard_normal((assets, rank))
    loads /= np.linalg.norm(loads, axis=1)[:, None]
    matrix = loads @ loads.T
    np.fill_diagonal(matrix, 1.0)
    factor = cholesky(matrix, assets)
    assert np.allclose(factor @ factor.T, matrix, atol=1e-7)
    assert np.array_equal(factor, np.tril(factor))
    if rank >= assets and np.linalg.eigvalsh(matrix)[0] > 1e-6:
        assert np.allclose(factor, np.linalg.cholesky(matrix), atol=1e-7)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (GeometricBrownian([0.1] * 3, 0.5), "drift: give one number for all assets, or 2"),
        (GeometricBrownian(0.1, -0.5), "volatility: none may be under 0"),
        (GeometricBrownian(np.nan, 0.5), "drift: give one number"),
        (JumpDiffusion(0.0, 0.5, -1.0, 0.0, 0.1), "jumps: none may be under 0"),
        (Garch(0.0, 0.5, 0.2, 0.8), "nor both reach 1"),
        (Garch(0.0, 0.5, -0.1, 0.8), "neither may be under 0"),
        (RegimeSwitching([0.0], [0.5], [1.0]), "give two or more"),
        (RegimeSwitching([0.0, 0.0], [0.5, 0.2], [1.0, 1e-6]), "none shorter than a bar"),
        (RegimeSwitching([0.0] * 3, [0.5, 0.2], [1.0, 1.0]), "drifts: give 2 numbers"),
        (RegimeSwitching([0.0, 0.0], [0.5, -0.2], [1.0, 1.0]), "volatilities: none may be under 0"),
        (OrnsteinUhlenbeck(0.0, 0.5), "nothing reverts"),
    ],
    ids=range(11),
)
def test_simulate__parameters_that_make_no_sense__are_refused(model, message):
    with pytest.raises(HistoryError, match=message):
        draw(model, paths=2, bars=3)


@pytest.mark.parametrize("changes", [{"bars": 1}, {"paths": 0}, {"step_s": 0}])
def test_simulate__nothing_to_draw__is_refused(changes):
    with pytest.raises(HistoryError):
        draw(MODELS["gbm"], **{"paths": 1, "bars": 5, **changes})


# --- scenarios


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario__of_every_name__is_seeded_and_keeps_its_stable_asset(name):
    one, same, other = (
        scenario(name, ("WETH", "WBTC", "USDC"), stable=("USDC",), paths=3, seed=seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(one.prices, same.prices)
    assert not np.array_equal(one.prices, other.prices)
    assert np.abs(np.log(one.prices[..., 2])).max() < 0.1
    moves = returns(one)
    assert np.abs(np.corrcoef(moves[..., 0].ravel(), moves[..., 2].ravel())[0, 1]) < 0.1


def test_scenario__regimes__are_what_their_names_say():
    found = {name: scenario(name, ("A", "B"), paths=200, seed=4) for name in SCENARIOS}
    spread = {name: np.log(each.prices[..., 0] / each.prices[..., 1]) for name, each in found.items()}
    volatility = {name: returns(each).std() * np.sqrt(365) for name, each in found.items()}
    assert spread["trend"][:, -1].mean() > 1.5  # 120 % a year apart, over two
    assert np.abs(spread["mean-reversion"]).max() < 1.0
    assert spread["mean-reversion"][:, -1].std() < 0.25
    assert volatility["high-volatility"] > 1.0 > volatility["trend"] > 0.4 > volatility["calm"]
    assert volatility["calm"] == pytest.approx(0.2, rel=0.02)


def test_scenario__unknown_name_or_asset__is_refused():
    with pytest.raises(HistoryError, match="use one of trend, mean-reversion, high-volatility, calm"):
        scenario("crash", ("A",))
    with pytest.raises(HistoryError, match="DAI is none of the assets A"):
        scenario("calm", ("A",), stable=("DAI",))
