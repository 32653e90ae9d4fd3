"""What the keeper's own policy proposes for a snapshot: the backtest's rules, in the vault's integers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keeper.backtest.engine import backtest
from keeper.backtest.fund import Fund
from keeper.chain.abi import Trigger
from keeper.errors import ConfigurationError
from keeper.history.prices import PricePaths
from keeper.policy import deficits, surpluses
from keeper.policy.proposal import Market, propose
from keeper.policy.rules import Aim, Kind, Reason, RebalancingPolicy
from keeper.policy.rules.variance import over

WAD = 10**18
NOW = 1_800_000_000
CHEAP = Market((0.0005,) * 2, (1e9,) * 2, 1.0, 0.5)
BAND = RebalancingPolicy(Kind.BAND, band_abs=0.05, is_guarded=False)
EDGE = replace(BAND, aim=Aim.EDGE)


def ask(snapshot, policy, market=CHEAP, variance=0.3):
    return propose(snapshot, policy, (variance,) * 2, market, NOW)


def test_propose__aim_centre__trades_to_the_targets_to_the_unit(make):
    snapshot = make()
    found = ask(snapshot, BAND)
    assert found.reason is Reason.BAND
    assert found.aims == (WAD // 2, WAD // 2)
    assert surpluses(snapshot, found.aims) == surpluses(snapshot)
    assert deficits(snapshot, found.aims) == deficits(snapshot)


def test_propose__aim_edge__sells_and_buys_to_the_edge(make):
    snapshot = make()  # 60 : 40 of 2,000,000 USD
    found = ask(snapshot, EDGE)
    assert found.aims == pytest.approx((0.55 * WAD, 0.45 * WAD), abs=1_000)
    assert sum(found.aims) == WAD
    assert surpluses(snapshot, found.aims)["0xA"] == pytest.approx(50 * 10**18, rel=1e-9)
    assert deficits(snapshot, found.aims)["0xB"] == pytest.approx(100_000 * 10**6, rel=1e-9)
    assert found.turnover_usd == pytest.approx(100_000)


def test_propose__inside_the_band__holds_back(make):
    found = ask(make(balances=(520 * 10**18, 960_000 * 10**6)), BAND)
    assert found.reason is Reason.NOT_DUE
    assert not surpluses(make(), found.aims) or not found.reason.trades


def test_propose__not_worth_its_cost__says_what_both_are(make):
    dear = Market((0.0005,) * 2, (1e9,) * 2, 1e6, 0.0)
    found = ask(make(), replace(BAND, is_guarded=True), dear)
    assert found.reason is Reason.NOT_WORTH_IT
    assert "expected to cost 1,000," in found.text
    assert found.cost_usd > found.benefit_usd


def test_is_worth__a_route_that_costs_more_than_estimated__is_not(make):
    found = ask(make(), replace(BAND, is_guarded=True))
    assert found.is_worth(found.benefit_usd, found.turnover_usd)
    assert not found.is_worth(found.benefit_usd * 1.01, found.turnover_usd)
    assert not found.is_worth(found.benefit_usd * 0.51, found.turnover_usd / 2)
    assert ask(make(), BAND).is_worth(1e9, 1.0)


def test_propose__cron__is_due_after_its_tick(make):
    policy = RebalancingPolicy(Kind.CALENDAR, cron="0 0 * * *", is_guarded=False)
    assert ask(make(completed_at=NOW - 86_401), policy).reason is Reason.CALENDAR
    midnight = NOW // 86_400 * 86_400
    assert ask(make(completed_at=midnight), policy).reason is Reason.NOT_DUE


def test_propose__cooldown__counts_from_the_end_of_the_last_opening(make):
    policy = replace(BAND, cooldown_s=1_000)
    assert ask(make(closed_at=NOW - 999), policy).reason is Reason.COOLING_DOWN
    assert ask(make(closed_at=NOW - 1_000), policy).reason is Reason.BAND


def test_propose__gradual__trades_a_part_of_what_is_left_at_each_step(make):
    """60 : 40, of which the first step of four takes a quarter, the second a third of the rest, and the last all of it."""
    policy = replace(BAND, steps=4, step_s=600)
    first = ask(make(), policy)
    assert first.reason is Reason.BAND
    assert first.aims[0] == pytest.approx(0.575 * WAD)
    second = propose(make(), policy, (0.3,) * 2, CHEAP, NOW, [NOW - 600])
    assert second.reason is Reason.STEP
    assert second.aims[0] == pytest.approx((0.6 - 0.1 / 3) * WAD)
    last = propose(make(), policy, (0.3,) * 2, CHEAP, NOW, [NOW - 1_800, NOW - 1_200, NOW - 600])
    assert last.aims == (WAD // 2, WAD // 2)
    inside = make(balances=(520 * 10**18, 960_000 * 10**6))
    assert propose(inside, policy, (0.3,) * 2, CHEAP, NOW, [NOW - 600]).reason is Reason.STEP
    assert propose(inside, policy, (0.3,) * 2, CHEAP, NOW, [NOW - 599]).reason is Reason.NOT_DUE


def test_propose__gradual_that_reached_the_targets__begins_anew(make):
    policy = replace(BAND, steps=4, step_s=600)
    found = propose(make(completed_at=NOW - 600), policy, (0.3,) * 2, CHEAP, NOW, [NOW - 1_200, NOW - 600])
    assert found.reason is Reason.BAND
    assert found.aims[0] == pytest.approx(0.575 * WAD)


def test_propose__cooldown__counts_from_the_last_fill_while_an_opening_lasts(make):
    """The chain alone tells of no fill before the opening ends."""
    policy = replace(BAND, cooldown_s=1_000, max_trade_usd=10_000.0)
    open_now = make(is_open=True, opened_at=NOW - 1_200)
    assert propose(open_now, policy, (0.3,) * 2, CHEAP, NOW, [NOW - 999]).reason is Reason.COOLING_DOWN
    assert propose(open_now, policy, (0.3,) * 2, CHEAP, NOW, [NOW - 1_000]).reason is Reason.BAND


def test_propose__what_it_cannot_do__is_refused(make):
    with pytest.raises(ConfigurationError, match="variances"):
        propose(make(), BAND, (0.1,), CHEAP, NOW)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tokens=st.integers(1, 10**21),
    dollars=st.integers(10**6, 2 * 10**12),
    band=st.floats(0.0001, 0.4),
    aim=st.sampled_from([Aim.CENTRE, Aim.EDGE]),
    most=st.sampled_from([0.0, 1e4]),
)
def test_propose__any_basket__aims_between_weight_and_target_and_never_more_than_the_vault_lets(
    make, tokens, dollars, band, aim, most
):
    snapshot = make(balances=(tokens, dollars))
    policy = RebalancingPolicy(Kind.BAND, aim, band_abs=band, max_trade_usd=most, is_guarded=False)
    found = ask(snapshot, policy)
    if not found.reason.trades:
        return
    assert sum(found.aims) == WAD
    for asset, weight, end in zip(snapshot.assets, snapshot.priced().weights, found.aims, strict=True):
        assert min(weight, asset.target) - 2 <= end <= max(weight, asset.target) + 2
    for some, every in (
        (surpluses(snapshot, found.aims), surpluses(snapshot)),
        (deficits(snapshot, found.aims), deficits(snapshot)),
    ):
        assert all(amount <= every[asset] for asset, amount in some.items())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "policy",
    [
        RebalancingPolicy(Kind.BAND, Aim.EDGE, band_abs=0.02),
        RebalancingPolicy(Kind.BAND, band_rel=0.06, is_guarded=False),
        RebalancingPolicy(Kind.COST_AWARE, Aim.BETWEEN),
        RebalancingPolicy(Kind.BAND, Aim.EDGE, width_factor=0.5),
        RebalancingPolicy(Kind.EITHER, interval_s=5 * 86_400, band_abs=0.04),
    ],
    ids=str,
)
def test_propose__the_state_of_a_backtest__decides_as_the_backtest_did(make, policy, seed):
    """The first trade of a run: until then the basket is what it was at the start, and live sees the same bars."""
    rng = np.random.default_rng(seed)
    bars = 200
    steps = rng.standard_normal((bars, 1)) * 0.03
    prices = np.concatenate([2_000 * np.exp(steps.cumsum(axis=0)), np.ones((bars, 1))], axis=1)
    times = NOW - 86_400 * np.arange(bars)[::-1]
    fund = Fund(("A", "B"), (0.5, 0.5), 2e6, fee=CHEAP.fees, depth_usd=CHEAP.depths, gas_usd=1.0, gas_asset_usd=0.5)
    runs = backtest(fund, PricePaths(fund.assets, times, prices[None]), [policy], is_recorded=True)
    balances = 1e6 / prices[0]
    decided = []
    for bar in range(1, bars):
        values = balances * prices[bar]
        held = tuple(round(each * 10**decimals) for each, decimals in zip(balances, (18, 6), strict=True))
        base = make(balances=held)
        nav = int(values.sum() * WAD)
        weights = tuple(int(each / values.sum() * WAD) for each in values)
        valuation = replace(
            base.priced(),
            prices=tuple(int(each * WAD) for each in prices[bar]),
            weights=weights,
            nav=nav,
            trigger=Trigger.BAND,
        )
        snapshot = replace(base, valuation=valuation, completed_at=int(times[0]), closed_at=0)
        variances = over(times[: bar + 1], prices[: bar + 1], np.array([0.5, 0.5]), policy.half_life_s)
        found = propose(snapshot, policy, variances, CHEAP, int(times[bar]))
        traded = np.abs(runs.weights[0, 0, bar] - values / values.sum()).max() > 1e-6
        assert found.reason.trades == traded, bar
        if traded:
            assert np.array(found.aims) / WAD == pytest.approx(runs.weights[0, 0, bar], abs=2e-4)
            decided.append(bar)
            break
    assert decided


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "policy",
    [
        RebalancingPolicy(Kind.BAND, band_abs=0.04, steps=4, step_s=2 * 86_400, is_guarded=False),
        RebalancingPolicy(Kind.CALENDAR, interval_s=20 * 86_400, steps=3, step_s=86_400, is_guarded=False),
    ],
    ids=str,
)
def test_propose__fills_of_a_gradual_backtest__go_on_as_the_backtest_did(make, policy, seed):
    """Bar after bar, live is told nothing but when the backtest filled, and that the chain never saw the targets reached."""
    rng = np.random.default_rng(seed)
    bars = 150
    prices = np.concatenate(
        [2_000 * np.exp(0.03 * rng.standard_normal((bars, 1)).cumsum(axis=0)), np.ones((bars, 1))], 1
    )
    times = NOW - 86_400 * np.arange(bars)[::-1]
    fund = Fund(("A", "B"), (0.5, 0.5), 2e6, fee=(0.0, 0.0), depth_usd=CHEAP.depths, gas_usd=0.0, gas_asset_usd=0.0)
    runs = backtest(fund, PricePaths(fund.assets, times, prices[None]), [policy], is_recorded=True)
    fills: list[int] = []
    before = np.array([0.5, 0.5])
    for bar in range(1, bars):
        grown = before * prices[bar] / prices[bar - 1]
        share = float(grown[0] / grown.sum())
        dollars = 10**18
        tokens = round(share / (1 - share) * dollars / 2_000 * 10**12)
        snapshot = make(
            balances=(tokens, dollars), completed_at=int(times[0]), closed_at=0, terms={"duration": 10 * 86_400}
        )
        found = propose(snapshot, policy, (0.3,) * 2, CHEAP, int(times[bar]), fills)
        before = runs.weights[0, 0, bar]
        traded = abs(before[0] - share) > 1e-7
        assert found.reason.trades == traded, bar
        if traded:
            assert found.aims[0] / WAD == pytest.approx(before[0], abs=1e-4)
            fills.append(int(times[bar]))
    assert len(fills) > policy.steps
