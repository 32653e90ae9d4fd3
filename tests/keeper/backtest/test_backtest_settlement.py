"""The engine's settlement on floats against the contracts' in integers, on random baskets and fills."""

import numpy as np
import pytest
from fuzz.model import settlement as model
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.backtest.fund import ORACLE_TERMS
from keeper.backtest.settlement import bound_at, drained, drift_of, route, settles
from keeper.policy.rules.trade import fill_trades

WAD = 10**18


class Judge:
    """Collects whether a rule was broken."""

    def __init__(self):
        self.broken = []

    def need(self, holds, reason):
        if not holds:
            self.broken.append(reason)
        return holds


def basket(values, targets, decimals=18):
    """The model's basket with a price of a dollar for each; and floats."""
    shares = [int(target * 10**6 / sum(targets)) * 10**12 for target in targets]
    shares[0] += WAD - sum(shares)
    names = tuple("ABCDEFGHIJKL"[: len(values)])
    counts = tuple(int(value * 10**decimals) for value in values)
    return model.Valuation(names, (decimals,) * len(values), tuple(shares), counts, (WAD,) * len(values))


sides = st.lists(st.tuples(st.floats(1e3, 1e6), st.integers(1, 100)), min_size=2, max_size=8)


@settings(deadline=None, max_examples=300)
@given(
    sides=sides,
    moves=st.lists(st.floats(-0.55, 0.55), min_size=8, max_size=8),
    bound=st.sampled_from([0.97, 0.99, 1.0, 1.01]),
    kept=st.floats(0.96, 1.02),
    tolerance=st.sampled_from([0.0001, 0.001, 0.02, 0.5]),
)
def test_settles__random_fills__as_the_contracts_reference(sides, moves, bound, kept, tolerance):
    before = basket(*zip(*sides, strict=True))
    values = np.array(before.values, dtype=float) / WAD
    targets = np.array(before.targets, dtype=float) / WAD
    nav = values.sum()
    off = values - targets * nav
    # A part of each gap, or up to twice of it, so that every rule is met and broken.
    after = values - off * np.abs(np.array(moves[: len(values)])) * 4
    bought = after > values
    after[bought] = values[bought] + (after[bought] - values[bought]) * kept
    ended = model.Valuation(
        before.assets, before.decimals, before.targets, tuple(int(each * WAD) for each in after), before.prices
    )
    leaving = {
        i: max(old - new, 0)
        for i, (old, new) in enumerate(zip(before.balances, ended.balances, strict=True))
        if before.surplus(i)
    }
    rules = Judge()
    model.judge(before, ended, leaving, int(bound * WAD), int(tolerance * WAD), rules)
    if before.nav == 0 or not any(leaving.values()):
        rules.broken.append("rebalance: nothing in surplus")
    found = settles(values, after, targets, bound, tolerance)
    nudged = [settles(values, after, targets, bound + by, tolerance + by) for by in (-1e-9, 1e-9)]
    if len({found, *nudged}) == 1:  # not within a rounding of a rule's edge
        assert found == (not rules.broken), rules.broken


@settings(deadline=None)
@given(sides=sides)
def test_drift_of__random_baskets__as_the_contracts_reference(sides):
    before = basket(*zip(*sides, strict=True))
    values = np.array(before.values, dtype=float) / WAD
    assert drift_of(values, np.array(before.targets, dtype=float) / WAD, values.sum()) == pytest.approx(
        before.drift / WAD, abs=1e-9
    )


@settings(deadline=None)
@given(sides=sides, fee=st.floats(0, 0.009), depth=st.floats(1e9, 1e12), share=st.floats(0, 0.9))
def test_route__of_what_the_rules_ask_for__is_what_the_vault_takes(sides, fee, depth, share):
    before = basket(*zip(*sides, strict=True))
    values, targets = np.array(before.values, dtype=float) / WAD, np.array(before.targets, dtype=float) / WAD
    count, nav = len(values), values.sum()
    trades, moved = np.zeros(count), np.zeros(count)
    band = np.full(count, 0.02)
    if fill_trades(values / nav, targets, band, band * share, False, trades) < 1e-6:
        return
    sold, bought, paid = route(trades, nav, np.full(count, fee), np.full(count, depth), moved)
    assert -moved[moved < 0].sum() == pytest.approx(sold)
    assert moved[moved > 0].sum() == pytest.approx(bought)
    assert sold - bought >= paid * (1 - 1e-9) - 1e-6
    assert settles(values, values + moved, targets, 0.98, 0.02)
    assert not settles(values, values + moved, targets, bought / sold + 1e-6, 0.02)


def test_bound_at__falls_from_the_premium_to_the_discount():
    terms = ORACLE_TERMS._replace(start_premium=0.005, max_discount=0.01, duration=1_800)
    assert [bound_at(terms, at) for at in (0, 900, 1_800, 9_999)] == pytest.approx([1.005, 0.9975, 0.99, 0.99])


def test_drained__all_of_the_budget_in_one_window():
    terms = ORACLE_TERMS._replace(max_loss=0.01, loss_window=1_000)
    assert drained(0.008, terms, 500) == pytest.approx(0.003)
    assert drained(0.008, terms, 800) == 0.0
