"""The settings' own policy, before a route is looked for and after one was found."""

from dataclasses import replace
from math import inf
from types import SimpleNamespace

import numpy as np
import pytest
from fake_chain import bare_snapshot

from keeper.chain.abi import Trigger
from keeper.chain.snapshot import Asset, Block, Valuation
from keeper.errors import ConfigurationError, HistoryError
from keeper.policy import Decision, Kind, Quote
from keeper.policy.rules import Aim, Reason
from keeper.policy.rules import Kind as RuleKind
from keeper.policy.rules.spec import Penalty
from keeper.services.alternatives import Job
from keeper.services.pool_costs import PoolCost
from keeper.services.proposals import policy_of, proposal_of, weigh
from keeper.settings import load

WAD = 10**18
NOW = 1_800_000_000


def settings(kind="vault", **rebalancing):
    return load(arguments={"policy": {"rebalancing": kind}, "rebalancing": rebalancing}, environment={})


def vault(share=0.6):
    """1,000,000 USD of two tokens of a dollar, half and half wanted."""
    held = int(share * 10**12)
    assets = tuple(
        Asset(address, symbol, 6, balance, WAD // 2, WAD // 100)
        for address, symbol, balance in (("0xA", "AAA", held), ("0xB", "BBB", 10**12 - held))
    )
    weights = (held * 10**6, (10**12 - held) * 10**6)
    drift = abs(weights[0] - WAD // 2)
    return replace(
        bare_snapshot("0xV"),
        assets=assets,
        block=Block(1, "0x1", NOW, 10**9),
        native_price=2_000 * WAD,
        valuation=Valuation((WAD, WAD), weights, 10**6 * WAD, drift, Trigger.BAND),
    )


def test_proposal_of__vault__leaves_it_to_the_vault():
    assert proposal_of(settings(), vault(), NOW) is None


def test_proposal_of__own_band__holds_back_inside_of_it():
    asked = settings("band", band_bps=1_500)
    assert proposal_of(asked, vault(0.6), NOW).reason is Reason.NOT_DUE
    assert proposal_of(asked, vault(0.7), NOW).reason is Reason.BAND


def test_proposal_of__cost_aware__stops_between():
    found = proposal_of(settings("cost_aware", aim="between"), vault(0.7), NOW)
    assert found.reason is Reason.BAND
    assert WAD // 2 < found.aims[0] < 7 * WAD // 10
    assert sum(found.aims) == WAD


def remembered(costs=None, fills=()):
    """A memory with these costs by asset, and fills at these times."""
    return SimpleNamespace(costs=lambda _, __: costs, fills=lambda _: list(fills))


def test_proposal_of__costs_of_the_pools__count_in_place_of_the_settings_for_those_assets_that_have_any():
    asked = settings("cost_aware", aim="edge", fee_bps=100)
    dear, cheap, half = (
        proposal_of(asked, vault(0.7), NOW, remembered(costs))
        for costs in (
            None,
            {"0xA": PoolCost(0.0005, 1e9), "0xB": PoolCost(0.0, inf)},
            {"0xA": PoolCost(0.0005, 1e9)},
        )
    )
    assert cheap.cost_usd < half.cost_usd < dear.cost_usd
    # A narrower region, as trades are cheaper.
    assert cheap.aims[0] < half.aims[0] < dear.aims[0]


def test_proposal_of__gradual__goes_on_from_the_fills_of_the_ledger():
    asked = settings("band", band_bps=1_500, steps=4, step_s=600, guarded=False)
    first, second = (proposal_of(asked, vault(0.7), NOW, remembered(fills=fills)) for fills in ((), (NOW - 600,)))
    assert (first.reason, second.reason) == (Reason.BAND, Reason.STEP)
    assert first.aims[0] == pytest.approx(0.65 * WAD)
    assert second.aims[0] == pytest.approx((0.7 - 0.2 / 3) * WAD)


def test_policy_of__units__are_the_settings_own():
    found = policy_of(settings("hybrid", hybrid="both", aim="edge", interval_s=9, band_bps=50, band_percent=20))
    assert (found.kind, found.aim, found.interval_s) == (RuleKind.BOTH, Aim.EDGE, 9)
    assert (found.band_abs, found.band_rel) == pytest.approx((0.005, 0.2))
    assert found.min_trade_usd == 500


def test_policy_of__penalty__is_of_drift_unless_tracking_is_asked_for():
    kinds = [policy_of(settings("cost_aware", **wanted)).penalty for wanted in ({}, {"penalty": "tracking"})]
    assert kinds == [Penalty.DRIFT, Penalty.TRACKING]


def test_policy_of__parameters_that_make_no_policy__are_named():
    with pytest.raises(ConfigurationError, match="band_abs"):
        policy_of(settings("band"))


def test_proposal_of__history__measures_each_asset(tmp_path):
    file = tmp_path / "prices.csv"
    rng = np.random.default_rng(1)
    wild = np.exp(rng.standard_normal(200).cumsum() * 0.05)
    rows = [f"{1_700_000_000 + 86_400 * bar},{price},1.0" for bar, price in enumerate(wild)]
    file.write_text("\n".join(["time,AAA,BBB", *rows]))
    asked = settings("cost_aware", history_file=str(file), aim="between")
    calm = settings("cost_aware", volatility_percent=1, aim="between")
    # A wilder asset has a wider region, and stops further from its target.
    assert proposal_of(asked, vault(0.9), NOW).aims[0] > proposal_of(calm, vault(0.9), NOW).aims[0]


def test_proposal_of__history_without_an_asset__is_named(tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text("time,AAA\n1700000000,1\n1700086400,2\n")
    with pytest.raises(HistoryError, match="BBB"):
        proposal_of(settings("cost_aware", history_file=str(file)), vault(), NOW)


def test_weigh__route_that_costs_more_than_it_is_worth__waits():
    proposal = proposal_of(settings("cost_aware", aim="between"), vault(0.7), NOW)
    sold = int(proposal.turnover_usd * WAD)
    worth = int(proposal.benefit_usd * WAD)
    cheap, dear = (
        weigh(Decision(Kind.REBALANCE, "due", quote=Quote(sold, sold - cost, 0)), proposal)
        for cost in (worth // 2, 2 * worth)
    )
    assert cheap.kind is Kind.REBALANCE
    assert dear.kind is Kind.WAIT
    assert "more than it is worth" in dear.reason


def test_weigh__without_a_policy__changes_nothing():
    decision = Decision(Kind.REBALANCE, "due", quote=Quote(WAD, 1, 10**30))
    assert weigh(decision, None) is decision


def test_own_call__all_that_a_policy_lets_be_sold__is_stated_and_not_all_of_the_surplus():
    snapshot = vault(0.7)
    part = SimpleNamespace(sold={"0xA": 50_000 * 10**6}, bought={"0xB": 50_000 * 10**6}, legs=())
    problem = SimpleNamespace(surplus={"0xA": 50_000 * 10**6})
    executor = "0x" + "1" * 40
    whole = SimpleNamespace(sold={"0xA": 200_000 * 10**6}, bought={"0xB": 200_000 * 10**6}, legs=())
    owned = replace(
        snapshot,
        address="0x" + "2" * 40,
        assets=tuple(
            replace(asset, address="0x" + digit * 40) for asset, digit in zip(snapshot.assets, "ab", strict=True)
        ),
    )
    for route, stated in ((part, 50_000 * 10**6), (whole, 2**256 - 1)):
        named = SimpleNamespace(
            sold={"0x" + "a" * 40: route.sold["0xA"]}, bought={"0x" + "b" * 40: route.bought["0xB"]}, legs=()
        )
        job = Job(None, settings(), owned, problem, named, None, executor, executor, NOW)
        assert job.own_call().sells[0].amount == stated
