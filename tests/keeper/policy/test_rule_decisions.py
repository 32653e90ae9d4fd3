"""What the rules propose: reasons, ends of trades, limits, benefit against cost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.errors import ConfigurationError
from keeper.policy.rules import Aim, Kind, Reason, RebalancingPolicy, decide, fill_widths
from keeper.policy.rules.decide import Clocks, Costs
from keeper.policy.rules.trade import cost_of, fill_trades, proportional_costs, received

DAY = 86_400
NOW = 1_800_000_000
FREE = (0.0, 0.0)


def ask(policy, weights, targets=None, *, nav=1e6, fees=0.0, gas=FREE, depth=np.inf, variance=0.3, **clocks):
    """The verdict and the changes of the weights."""
    weights = np.array(weights, dtype=float)
    count = len(weights)
    targets = np.full(count, 1 / count) if targets is None else np.array(targets, dtype=float)
    variances = np.full(count, variance)
    band, aim, trades = np.empty(count), np.empty(count), np.zeros(count)
    costs = Costs(np.full(count, fees), np.full(count, depth), *gas)
    record = policy.record()
    fixed = (gas[0] + 2 * gas[1]) / nav
    fill_widths(
        record, targets, variances, proportional_costs(targets, costs.fees), fixed, nav / costs.depths, band, aim
    )
    at = {"completed_at": NOW - 100 * DAY, "traded_at": NOW - 100 * DAY, "tick_at": 0, "steps_left": 0} | clocks
    verdict = decide(record, Clocks(NOW, **at), costs, nav, weights, targets, variances, band, aim, trades)
    return verdict, trades


BAND = RebalancingPolicy(Kind.BAND, band_abs=0.05, is_guarded=False)


def with_(**changes):
    return RebalancingPolicy(**({"kind": Kind.BAND, "band_abs": 0.05, "is_guarded": False} | changes))


def test_decide__inside_the_band__is_not_due():
    assert ask(BAND, (0.54, 0.46))[0].reason == Reason.NOT_DUE


def test_decide__outside_the_band__goes_to_the_target():
    verdict, trades = ask(BAND, (0.57, 0.43))
    assert verdict.reason == Reason.BAND
    assert trades == pytest.approx([-0.07, 0.07])
    assert verdict.turnover == pytest.approx(0.07)


def test_decide__aim_edge__goes_to_the_edge():
    _, trades = ask(with_(aim=Aim.EDGE), (0.57, 0.43))
    assert trades == pytest.approx([-0.02, 0.02])


def test_decide__aim_edge__others_give_way_by_how_far_they_are():
    # The first is 0.20 over and has a band of 0.05; the other two are 0.15 and 0.05 under.
    _, trades = ask(with_(aim=Aim.EDGE, band_abs=0.16), (0.6, 0.15, 0.25), (0.4, 0.3, 0.3))
    assert trades == pytest.approx([-0.04, 0.03, 0.01])


def test_decide__cost_aware_with_both_costs__ends_between():
    policy = RebalancingPolicy(Kind.COST_AWARE, Aim.BETWEEN, is_guarded=False)
    _, edge = ask(policy, (0.6, 0.4), fees=0.003)
    _, between = ask(policy, (0.6, 0.4), fees=0.003, gas=(50.0, 5.0))
    _, centre = ask(policy, (0.6, 0.4), gas=(50.0, 5.0))
    assert 0 < edge[1] < between[1] < 0.1
    assert centre == pytest.approx([-0.1, 0.1])


@pytest.mark.parametrize(
    ("since", "weights", "expected"),
    [
        (30 * DAY, (0.51, 0.49), Reason.CALENDAR),
        (30 * DAY - 1, (0.51, 0.49), Reason.NOT_DUE),
        (30 * DAY - 1, (0.6, 0.4), Reason.BAND),
        (30 * DAY, (0.6, 0.4), Reason.CALENDAR_AND_BAND),
    ],
)
def test_decide__hybrid_either__is_due_by_the_first(since, weights, expected):
    policy = with_(kind=Kind.EITHER, interval_s=30 * DAY)
    assert ask(policy, weights, completed_at=NOW - since)[0].reason == expected


@pytest.mark.parametrize(
    ("since", "weights", "expected"),
    [
        (30 * DAY, (0.51, 0.49), Reason.NOT_DUE),
        (30 * DAY - 1, (0.6, 0.4), Reason.NOT_DUE),
        (30 * DAY, (0.6, 0.4), Reason.CALENDAR_AND_BAND),
    ],
)
def test_decide__hybrid_both__needs_both(since, weights, expected):
    policy = with_(kind=Kind.BOTH, interval_s=30 * DAY)
    assert ask(policy, weights, completed_at=NOW - since)[0].reason == expected


def test_decide__cron__is_due_once_for_each_tick():
    policy = RebalancingPolicy(Kind.CALENDAR, cron="0 0 1 * *", is_guarded=False)
    assert ask(policy, (0.51, 0.49), tick_at=NOW - 10, completed_at=NOW - 11)[0].reason == Reason.CALENDAR
    assert ask(policy, (0.51, 0.49), tick_at=NOW - 10, completed_at=NOW - 10)[0].reason == Reason.NOT_DUE


def test_decide__cooling_down__says_so():
    policy = with_(cooldown_s=DAY)
    assert ask(policy, (0.6, 0.4), traded_at=NOW - DAY + 1)[0].reason == Reason.COOLING_DOWN
    assert ask(policy, (0.6, 0.4), traded_at=NOW - DAY)[0].reason == Reason.BAND


def test_decide__small_trade__says_so():
    assert ask(with_(min_trade_usd=100_001), (0.6, 0.4))[0].reason == Reason.TOO_SMALL
    assert ask(with_(min_trade_usd=99_999), (0.6, 0.4))[0].reason == Reason.BAND


def test_decide__large_trade__is_cut():
    verdict, trades = ask(with_(max_trade_usd=25_000), (0.6, 0.4))
    assert trades == pytest.approx([-0.025, 0.025])
    assert verdict.turnover == pytest.approx(0.025)


def test_decide__gradual__trades_an_equal_part_at_each_step():
    policy = with_(steps=4, step_s=3_600)
    _, trades = ask(policy, (0.6, 0.4))
    assert trades == pytest.approx([-0.025, 0.025])
    verdict, trades = ask(policy, (0.575, 0.425), steps_left=3, traded_at=NOW - 3_600)
    assert verdict.reason == Reason.STEP
    assert trades == pytest.approx([-0.025, 0.025])
    # The last steps end on target although the weight is inside its band again.
    _, trades = ask(policy, (0.525, 0.475), steps_left=1, traded_at=NOW - 3_600)
    assert trades == pytest.approx([-0.025, 0.025])
    assert ask(policy, (0.575, 0.425), steps_left=3, traded_at=NOW - 3_599)[0].reason == Reason.NOT_DUE


def test_cost_of__many_small_steps__have_less_impact():
    depths, fees = np.full(2, 1e6), np.zeros(2)
    whole = cost_of(np.array([-0.1, 0.1]), 1e6, fees, depths)
    part = cost_of(np.array([-0.025, 0.025]), 1e6, fees, depths)
    assert 4 * part < 0.3 * whole


def test_received__is_the_constant_product():
    # Reserves of 1,000 each: k = (1000 + 99) * (1000 - out).
    assert received(100.0, 0.01, 1_000.0) == pytest.approx(1_000 - 1_000_000 / 1_099)


def test_decide__benefit__is_the_penalty_saved_over_the_time_the_weight_takes_across_its_band():
    verdict, _ = ask(BAND, (0.57, 0.43), variance=0.3)
    years = 0.05**2 / (0.25 * 0.3)
    assert verdict.benefit == pytest.approx(0.5 * 4.0 * 2 * 0.07**2 * years * 1e6)


def test_decide__benefit_on_a_calendar__lasts_until_the_next_rebalance():
    policy = RebalancingPolicy(Kind.CALENDAR, interval_s=31_557_600 // 12, is_guarded=False)
    verdict, _ = ask(policy, (0.57, 0.43))
    assert verdict.benefit == pytest.approx(0.5 * 4.0 * 2 * 0.07**2 / 12 * 1e6)


@settings(deadline=None)  # the first example compiles
@given(
    weight=st.floats(0.05, 0.95),
    fees=st.floats(0, 0.05),
    gas=st.floats(0, 5_000),
    variance=st.floats(0.001, 2),
    kind=st.sampled_from([Kind.BAND, Kind.COST_AWARE, Kind.EITHER]),
    aim=st.sampled_from([Aim.CENTRE, Aim.EDGE]),
)
def test_decide__guarded__never_proposes_what_costs_more_than_it_brings(weight, fees, gas, variance, kind, aim):
    policy = RebalancingPolicy(kind, aim, band_abs=0.02, interval_s=DAY if kind is Kind.EITHER else 0)
    verdict, _ = ask(policy, (weight, 1 - weight), fees=fees, gas=(gas, 0.0), variance=variance, depth=1e7)
    if Reason(verdict.reason).trades:
        assert verdict.cost <= verdict.benefit
    elif verdict.reason == Reason.NOT_WORTH_IT:
        assert verdict.cost > verdict.benefit


@settings(deadline=None)  # the first example compiles
@given(
    raw=st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)), min_size=2, max_size=12),
    band=st.floats(0, 0.3),
    share=st.floats(0, 1),
    is_step=st.booleans(),
)
def test_fill_trades__sells_surplus_and_buys_deficit_alone_and_as_much_of_both(raw, band, share, is_step):
    weights, targets = (np.array(side) / sum(side) for side in zip(*raw, strict=True))
    count = len(weights)
    trades = np.zeros(count)
    turnover = fill_trades(weights, targets, np.full(count, band), np.full(count, band * share), is_step, trades)
    off = weights - targets
    assert abs(trades.sum()) < 1e-12
    assert -trades[trades < 0].sum() == pytest.approx(turnover, abs=1e-12)
    assert all(trades * off <= 1e-15)  # towards the target
    assert all(np.abs(trades) <= np.abs(off) + 1e-12)  # and never beyond it
    # Nobody is left outside of the band.
    assert all(np.abs(off + trades) <= band + 1e-12)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": Kind.CALENDAR},
        {"kind": Kind.CALENDAR, "interval_s": 1, "cron": "* * * * *"},
        {"kind": Kind.BAND},
        {"kind": Kind.BAND, "band_abs": 0.1, "aim": Aim.BETWEEN},
        {"kind": Kind.CALENDAR, "interval_s": 1, "aim": Aim.EDGE},
        {"kind": Kind.BAND, "band_abs": -0.1},
        {"kind": Kind.BAND, "band_abs": float("nan")},
        {"kind": Kind.BAND, "band_abs": 0.1, "steps": 0},
        {"kind": Kind.COST_AWARE, "risk_aversion": 0.0},
        {"kind": Kind.COST_AWARE, "width_min": 0.2, "width_max": 0.1},
        {"kind": Kind.COST_AWARE, "half_life_s": 0},
    ],
    ids=str,
)
def test_policy__that_makes_no_sense__is_refused(changes):
    with pytest.raises(ConfigurationError):
        RebalancingPolicy(**changes)
