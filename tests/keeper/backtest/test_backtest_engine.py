"""The engine bar by bar: auctions, budgets, fees, yields, gas, steps, on prices made for each."""

import numpy as np
import pytest

from keeper.backtest.engine import backtest
from keeper.backtest.fund import ORACLE_TERMS, Auction, Fund, Terms
from keeper.backtest.kernel import run_all
from keeper.errors import ConfigurationError
from keeper.history.prices import PricePaths
from keeper.policy.rules import Aim, Kind, RebalancingPolicy

HOUR, DAY = 3_600, 86_400
START = 1_704_067_200  # 2024-01-01
BAND = RebalancingPolicy(Kind.BAND, band_abs=0.02, is_guarded=False)
NEVER = RebalancingPolicy(Kind.NEVER)


def paths_of(*columns, step_s=DAY):
    prices = np.array(columns, dtype=float).T[None]
    return PricePaths(tuple("ABC"[: len(columns)]), START + step_s * np.arange(prices.shape[1]), prices)


def fund(**changes):
    return Fund(("A", "B"), (0.5, 0.5), **changes)


def run(the_fund, prices, policy):
    runs = backtest(the_fund, prices, [policy], is_recorded=True)
    return runs, runs.results[0, 0]


def jump(*, bars=5, step_s=DAY, to=2.0):
    return paths_of([1] + [to] * (bars - 1), [1] * bars, step_s=step_s)


def test_backtest__hold__is_the_mean_of_the_prices():
    runs, result = run(fund(), paths_of([1, 2, 3], [1, 1, 2]), NEVER)
    assert runs.values[0, 0] == pytest.approx([1, 1.5, 2.5])
    assert result["trades"] == 0


def test_backtest__band__rebalances_at_the_bar_that_leaves_it():
    runs, result = run(fund(), paths_of([1, 1.5, 3], [1, 1, 1]), BAND)
    assert runs.values[0, 0] == pytest.approx([1, 1.25, 1.25 * 1.5])
    assert runs.weights[0, 0] == pytest.approx(np.full((3, 2), 0.5))
    assert result["trades"] == 2


@pytest.mark.machine_code
def test_backtest__whole_numbers_for_floats__run_on_the_machine_code_that_is_there():
    prices = jump()
    run(fund(nav_usd=1e6, gas_usd=40.0, terms=Terms(band=0.0)), prices, BAND)
    before = len(run_all.signatures)
    run(fund(nav_usd=1_000_000, gas_usd=40, terms=Terms(band=0, cooldown=0.0)), prices, BAND)
    assert len(run_all.signatures) == before


def test_backtest__costs__add_up_to_what_was_lost():
    costly = fund(fee=(0.003, 0.001), depth_usd=(2e7, 4e7), gas_usd=40, gas_asset_usd=5)
    prices = jump()
    _, result = run(costly, prices, BAND)
    _, free = run(fund(), prices, BAND)
    assert result["gas_usd"] == 50
    lost = 1 - np.exp(result["log_gross"] - free["log_gross"])
    assert lost == pytest.approx(result["fees"] + result["impact"], rel=1e-9)
    assert result["log_growth"] == pytest.approx(result["log_gross"] - result["gas"])
    assert result["gas"] == pytest.approx(50 / 1.5e6, rel=1e-3)


def test_backtest__streaming_fee__dilutes_by_the_yearly_share():
    year = paths_of([1, 1], [1, 1], step_s=31_557_600)
    runs, _ = run(fund(terms=Terms(streaming=0.02)), year, NEVER)
    assert runs.values[0, 0, -1] == pytest.approx(0.98)


def test_backtest__yield__grows_the_balance():
    year = paths_of([1, 1], [1, 1], step_s=31_557_600)
    runs, _ = run(fund(yields=(0.04, 0.0)), year, NEVER)
    assert runs.values[0, 0, -1] == pytest.approx(1.02)
    assert runs.basket[0, -1] == pytest.approx(np.log(1.02))


def test_backtest__falling_bound__fills_at_the_first_bar_that_meets_the_route():
    # 2 % of fee: met after (0.5 + 2) / (0.5 + 4.5) of ten hours.
    terms = ORACLE_TERMS._replace(duration=10 * HOUR, max_discount=0.045, max_loss=0.05)
    runs, result = run(fund(fee=(0.02, 0.0), terms=terms), jump(bars=12, step_s=HOUR), BAND)
    off = np.abs(runs.weights[0, 0, :, 0] - 0.5) > 0.01
    # Opened at bar 1; bar k covers up to half a step after it: k - 1 + 0.5 >= 5.
    assert list(np.flatnonzero(off)) == [1, 2, 3, 4, 5]
    assert result["over_bound"] == 5
    assert (result["openings"], result["trades"]) == (1, 1)


def test_backtest__route_under_the_last_bound__is_never_filled():
    terms = ORACLE_TERMS._replace(max_discount=0.01)
    _, result = run(fund(fee=(0.02, 0.0), terms=terms), jump(bars=30), BAND)
    assert result["trades"] == 0
    assert result["over_bound"] > 0


def test_backtest__loss_budget__cuts_a_fill_to_what_is_left_and_drains():
    # 1 % of a quarter of NAV is lost, 0.05 % may be in ten days.
    terms = ORACLE_TERMS._replace(max_discount=0.02, max_loss=0.0005, loss_window=10 * DAY)
    runs, result = run(fund(fee=(0.01, 0.0), terms=terms), jump(bars=9, to=3.0), BAND)
    assert result["fees"] == pytest.approx(0.0005 + 7 * 0.00005, rel=1e-3)
    assert np.all(np.diff(runs.weights[0, 0, 1:, 0]) < 0)


def test_backtest__cooldown_of_the_vault__holds_back_the_next_opening():
    terms = ORACLE_TERMS._replace(cooldown=3 * DAY)
    prices = paths_of([1, 2, 4, 4, 4, 4, 4], [1] * 7)
    _, result = run(fund(terms=terms), prices, BAND)
    assert result["trades"] == 2
    assert result["cooling_down"] == 2


def test_backtest__band_of_the_vault__has_to_be_left_too():
    terms = ORACLE_TERMS._replace(band=0.2)
    _, inside = run(fund(terms=terms), jump(to=2.0), BAND)  # 66.7 %
    _, outside = run(fund(terms=terms), jump(to=3.0), BAND)
    assert (inside["trades"], outside["trades"]) == (0, 1)


def test_backtest__gradual__needs_as_many_trades_as_steps_and_less_impact():
    shallow = fund(depth_usd=(2e7, 2e7))
    whole = run(shallow, jump(bars=10), BAND)[1]
    gradual = RebalancingPolicy(Kind.BAND, band_abs=0.02, is_guarded=False, steps=4, step_s=DAY)
    parts = run(shallow, jump(bars=10), gradual)[1]
    assert (whole["trades"], parts["trades"]) == (1, 4)
    assert parts["impact"] < 0.35 * whole["impact"]


def test_backtest__guarded__holds_back_what_does_not_pay():
    policy = RebalancingPolicy(Kind.BAND, band_abs=0.02)
    _, result = run(fund(gas_usd=1e5), jump(), policy)
    assert result["trades"] == 0
    assert result["not_worth_it"] == 4


def test_backtest__cron__rebalances_at_the_first_bar_of_a_month():
    prices = paths_of(np.linspace(1, 2, 70), [1] * 70)
    monthly = RebalancingPolicy(Kind.CALENDAR, cron="0 0 1 * *", is_guarded=False)
    runs, result = run(fund(), prices, monthly)
    assert result["trades"] == 2
    assert list(np.flatnonzero(np.abs(runs.weights[0, 0, 1:, 0] - 0.5) < 1e-12) + 1) == [31, 60]


def governance(**changes):
    return Terms(auction=int(Auction.GOVERNANCE), price_range=0.05, delay=2 * DAY, duration=HOUR)._replace(**changes)


def test_backtest__governance_auction__opens_after_its_delay_at_the_prices_of_before():
    runs, result = run(fund(terms=governance()), jump(bars=6), BAND)
    assert list(np.flatnonzero(np.abs(runs.weights[0, 0, :, 0] - 0.5) > 0.01)) == [1, 2]
    assert result["concession"] == 0.0


def test_backtest__governance_auction__that_starts_under_the_market_gives_the_rest_away():
    # What is sold rises by half within the delay; at most 5 % over the old price is asked for it.
    prices = paths_of([1, 2, 2, 3, 3], [1] * 5)
    _, result = run(fund(terms=governance()), prices, BAND)
    sold = 0.75 - 0.5
    assert result["concession"] == pytest.approx(sold * (1 - 1.05 * 2 / 3), rel=1e-6)


def test_backtest__governance_auction__that_ends_over_the_market_is_not_filled():
    prices = paths_of([1, 2, 2, 1.5, 1.5], [1] * 5)
    _, result = run(fund(terms=governance()), prices, BAND)
    assert result["trades"] == 0


def test_backtest__future_prices_change__nothing_before_changes():
    rng = np.random.default_rng(5)
    walk = np.exp(rng.standard_normal((2, 60)).cumsum(axis=1) * 0.05)
    policy = RebalancingPolicy(Kind.COST_AWARE, Aim.BETWEEN, risk_aversion=500)
    cheap = fund(fee=(0.0003, 0.0), gas_usd=1, terms=ORACLE_TERMS)
    one, result = run(cheap, paths_of(*walk), policy)
    assert result["trades"] > 8  # whoever looks a bar ahead trades otherwise at one of them
    for cut in range(20, 60):
        other = walk.copy()
        other[0, cut:] *= 1.5
        two, _ = run(cheap, paths_of(*other), policy)
        assert np.array_equal(one.weights[0, 0, :cut], two.weights[0, 0, :cut])
        assert not np.array_equal(one.values[0, 0, cut:], two.values[0, 0, cut:])


def test_backtest__recorded_or_not__is_the_same():
    prices = jump(bars=20)
    policies = [BAND, NEVER, RebalancingPolicy(Kind.COST_AWARE, Aim.EDGE)]
    assert np.array_equal(
        backtest(fund(), prices, policies).results, backtest(fund(), prices, policies, is_recorded=True).results
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"targets": (0.5,)},
        {"targets": (0.5, 0.4)},
        {"targets": (1.0, 0.0)},
        {"fee": (0.1,)},
        {"fee": (-0.1, 0.0)},
        {"fee": (1.0, 0.0)},
        {"depth_usd": (0.0, 1.0)},
        {"nav_usd": 0.0},
        {"gas_usd": -1.0},
    ],
    ids=str,
)
def test_fund__that_makes_no_sense__is_refused(changes):
    with pytest.raises(ConfigurationError):
        Fund(**({"assets": ("A", "B"), "targets": (0.5, 0.5)} | changes))


def test_backtest__other_assets_or_no_policy__is_refused():
    with pytest.raises(ConfigurationError, match="prices of A, B"):
        backtest(Fund(("B", "A"), (0.5, 0.5)), jump(), [BAND])
    with pytest.raises(ConfigurationError, match="no policy"):
        backtest(fund(), jump(), [])
    with pytest.raises(ConfigurationError, match="cron"):
        backtest(fund(), jump(), [RebalancingPolicy(Kind.CALENDAR, cron="every monday")])
