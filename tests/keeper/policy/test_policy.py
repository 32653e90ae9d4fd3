"""Decisions: when to open, when to rebalance, when to wait, for what and until when."""

import pytest

from keeper.chain.abi import Trigger
from keeper.chain.snapshot import Schedule
from keeper.errors import OracleError
from keeper.policy import Kind, Limits, Quote, before_route, judge

WAD = 10**18
NOW = 1_800_000_000
LIMITS = Limits.of(min_trade_usd=500, cost_max_bps=100, safety_margin_bps=0)


def quote(ratio_bps: float, value_out: int = 100_000, gas_usd: int | None = 5) -> Quote:
    """A route that gives back that many basis points of what it takes."""
    out = value_out * WAD
    return Quote(out, out * int(ratio_bps * 100) // 1_000_000, None if gas_usd is None else gas_usd * WAD)


def opened(make, ago: int = 0, **changes):
    return make(is_open=True, opened_at=NOW - ago, trigger=Trigger.NONE, **changes)


# --- before a route is looked for


def test_before_route__when_paused__waits(make):
    decision = before_route(make(paused=True), NOW)
    assert decision is not None
    assert (decision.kind, decision.reason) == (Kind.WAIT, "the vault is paused")


def test_before_route__when_paused_and_without_prices__waits_for_the_pause_first(make):
    assert before_route(make(paused=True, priced=False), NOW) is not None


def test_before_route__when_shut_down__waits_without_an_end(make):
    decision = before_route(make(is_shut_down=True, priced=False), NOW)
    assert decision is not None
    assert (decision.kind, decision.reason, decision.until) == (Kind.WAIT, "the vault is shut down for good", None)


def test_before_route__when_the_oracle_fails__raises(make):
    with pytest.raises(OracleError):
        before_route(make(priced=False), NOW)


def test_before_route__when_empty__waits(make):
    decision = before_route(make(balances=(0, 0)), NOW)
    assert decision is not None
    assert decision.reason == "the vault is empty"


def test_before_route__when_a_trigger_holds__has_no_objection(make):
    assert before_route(make(), NOW) is None


def test_before_route__when_cooling_down__waits_until_it_is_over(make):
    snapshot = make(closed_at=NOW - 3_599)
    decision = before_route(snapshot, NOW)
    assert decision is not None
    assert (decision.kind, decision.until) == (Kind.WAIT, NOW + 1)
    assert before_route(snapshot, NOW + 1) is None


def test_before_route__when_no_band_is_left_and_nothing_else_counts__waits_without_an_end(make):
    decision = before_route(make(trigger=Trigger.NONE), NOW)
    assert decision is not None
    assert (decision.reason, decision.until) == ("no asset is out of its band", None)


@pytest.mark.parametrize(
    ("triggers", "require_all", "reason"),
    [
        (Trigger.INTERVAL, False, "the interval since the last rebalance has not passed"),
        (Trigger.INTERVAL | Trigger.BAND, True, "the interval since the last rebalance has not passed"),
        (Trigger.INTERVAL | Trigger.BAND, False, "no asset is out of its band and the interval has not passed"),
    ],
)
def test_before_route__when_the_interval_has_not_passed__waits_until_it_has(make, triggers, require_all, reason):
    terms = {"triggers": triggers, "require_all": require_all, "interval": 86_400}
    decision = before_route(make(trigger=Trigger.NONE, terms=terms, completed_at=NOW - 400), NOW)
    assert decision is not None
    assert (decision.reason, decision.until) == (reason, NOW + 86_000)


def test_before_route__when_the_interval_has_passed_but_a_band_is_required_too__names_the_band(make):
    terms = {"triggers": Trigger.INTERVAL | Trigger.BAND, "require_all": True, "interval": 600}
    decision = before_route(make(trigger=Trigger.NONE, terms=terms), NOW)
    assert decision is not None
    assert (decision.reason, decision.until) == ("no asset is out of its band", None)


def test_before_route__when_the_interval_has_passed_on_target__has_nothing_to_do(make):
    terms = {"triggers": Trigger.INTERVAL, "interval": 600}
    balances = (502 * 10**18, 1_000_000 * 10**6)
    decision = before_route(make(trigger=Trigger.NONE, terms=terms, balances=balances), NOW)
    assert decision is not None
    assert (decision.reason, decision.until) == ("the basket is on target within the closing tolerance", None)


@pytest.mark.parametrize(
    ("triggers", "interval", "reason"),
    [
        (Trigger.TARGETS, 0, "the change of targets has not begun"),
        (Trigger.BAND | Trigger.TARGETS, 0, "no asset is out of its band, and the change of targets has not begun"),
        (
            Trigger.INTERVAL | Trigger.TARGETS,
            86_400,
            "the interval since the last rebalance has not passed, and the change of targets has not begun",
        ),
    ],
)
def test_before_route__when_a_change_of_targets_is_ahead__waits_until_its_start(make, triggers, interval, reason):
    schedule = Schedule((WAD // 4, 3 * WAD // 4), NOW + 300, NOW + 900)
    snapshot = make(trigger=Trigger.NONE, terms={"triggers": triggers, "interval": interval}, schedule=schedule)
    decision = before_route(snapshot, NOW)
    assert decision is not None
    assert (decision.reason, decision.until) == (reason, NOW + 300)


def test_before_route__when_the_interval_ends_before_a_change_of_targets__waits_for_the_interval(make):
    terms = {"triggers": Trigger.INTERVAL | Trigger.TARGETS, "interval": 10_100}
    decision = before_route(make(trigger=Trigger.NONE, terms=terms, schedule=Schedule((), NOW + 300, NOW + 900)), NOW)
    assert decision is not None
    assert decision.until == NOW + 100


def test_before_route__when_a_change_of_targets_begins_with_the_next_block__says_so(make):
    schedule = Schedule((WAD // 4, 3 * WAD // 4), NOW + 5, NOW + 900)
    snapshot = make(trigger=Trigger.NONE, terms={"triggers": Trigger.TARGETS}, schedule=schedule)
    decision = before_route(snapshot, NOW + 12)
    assert decision is not None
    assert decision.reason == "the change of targets has begun, it counts from the next block"


def test_before_route__when_targets_do_not_count__says_nothing_of_their_change(make):
    schedule = Schedule((WAD // 4, 3 * WAD // 4), NOW + 300, NOW + 900)
    decision = before_route(make(trigger=Trigger.NONE, schedule=schedule), NOW)
    assert decision is not None
    assert (decision.reason, decision.until) == ("no asset is out of its band", None)


@pytest.mark.parametrize(
    ("weth", "reason"),
    [
        (502, "the basket is on target within the closing tolerance"),
        (600, "no change of targets is under way"),
    ],
)
def test_before_route__when_only_targets_count_and_do_not_hold__says_why(make, weth, reason):
    balances = (weth * 10**18, 1_000_000 * 10**6)
    snapshot = make(trigger=Trigger.NONE, terms={"triggers": Trigger.TARGETS}, balances=balances)
    decision = before_route(snapshot, NOW)
    assert decision is not None
    assert (decision.reason, decision.until) == (reason, None)


def test_before_route__while_targets_move__has_no_objection(make):
    schedule = Schedule((WAD // 4, 3 * WAD // 4), NOW - 300, NOW + 900)
    terms = {"triggers": Trigger.TARGETS}
    assert before_route(make(trigger=Trigger.TARGETS, terms=terms, schedule=schedule), NOW) is None


def test_before_route__during_the_head_start_of_others__waits_for_its_end(make):
    snapshot = opened(make, 10, head_start=60)
    decision = before_route(snapshot, NOW)
    assert decision is not None
    assert (decision.kind, decision.reason) == (Kind.WAIT, "listed keepers have a head start")
    assert decision.until == NOW + 50
    assert before_route(snapshot, NOW + 49) is not None
    assert before_route(snapshot, NOW + 50) is None


def test_before_route__when_the_executor_is_listed__has_no_objection_during_the_head_start(make):
    assert before_route(opened(make, 10, head_start=60, is_keeper=True), NOW) is None


def test_before_route__when_open_and_on_target__waits_for_the_end(make):
    decision = before_route(opened(make, 100, balances=(502 * 10**18, 1_000_000 * 10**6)), NOW)
    assert decision is not None
    assert (decision.kind, decision.until) == (Kind.WAIT, NOW + 1_700)


def test_before_route__when_the_open_rebalance_has_run_out__counts_the_cooldown_from_its_end(make):
    snapshot = make(is_open=True, opened_at=NOW - 1_801)
    decision = before_route(snapshot, NOW)
    assert decision is not None
    assert decision.until == NOW - 1 + 3_600
    assert before_route(opened(make, 1_800), NOW) is None


# --- with a route


def test_judge__when_closed_and_the_route_meets_the_bound_later__opens_and_says_when(make):
    decision = judge(make(), quote(9_950), LIMITS, NOW)
    # From 1.005 to 0.99 in 1800 s: 0.995 after two thirds.
    assert (decision.kind, decision.until) == (Kind.OPEN, NOW + 1_200)
    assert decision.reason.startswith("BAND holds")


def test_judge__when_closed_and_the_route_meets_the_bound_at_the_opening__fills_without_opening_first(make):
    decision = judge(make(), quote(10_050), LIMITS, NOW)
    assert (decision.kind, decision.until) == (Kind.REBALANCE, None)
    assert decision.reason == "BAND holds, and the route beats the bound of 100.500%"
    assert judge(make(), quote(10_049), LIMITS, NOW).kind is Kind.OPEN
    # The margin counts at the opening as well.
    assert judge(make(), quote(10_050), Limits.of(500, 100, 1), NOW).kind is Kind.OPEN


def test_judge__when_a_head_start_of_others_would_follow__only_opens(make):
    decision = judge(make(head_start=60), quote(10_050), LIMITS, NOW)
    assert (decision.kind, decision.until) == (Kind.OPEN, NOW + 60)
    assert "listed keepers have a head start" in decision.reason
    assert judge(make(head_start=60, is_keeper=True), quote(10_050), LIMITS, NOW).kind is Kind.REBALANCE


def test_judge__when_the_bound_is_met_after_the_head_start__names_the_later_of_the_two(make):
    assert judge(make(head_start=600), quote(9_950), LIMITS, NOW).until == NOW + 1_200
    assert judge(make(head_start=1_500), quote(9_950), LIMITS, NOW).until == NOW + 1_500


def test_judge__while_open__never_fills_in_the_head_start_of_others(make):
    snapshot = opened(make, 59, head_start=60)
    assert judge(snapshot, quote(10_100), LIMITS, NOW).kind is Kind.WAIT
    assert judge(snapshot, quote(10_100), LIMITS, NOW + 1).kind is Kind.REBALANCE


def test_judge__when_targets_move__names_the_trigger(make):
    decision = judge(make(trigger=Trigger.BAND | Trigger.TARGETS), quote(9_950), LIMITS, NOW)
    assert decision.reason.startswith("BAND and TARGETS hold;")


def test_judge__when_open_and_too_early__waits_until_the_bound_meets_the_route(make):
    decision = judge(opened(make, 500), quote(9_950), LIMITS, NOW)
    assert (decision.kind, decision.until) == (Kind.WAIT, NOW + 700)


def test_judge__at_the_second_that_it_named__rebalances_and_not_before(make):
    snapshot = opened(make, 0)
    until = judge(snapshot, quote(9_961), LIMITS, NOW).until
    assert until is not None
    assert judge(snapshot, quote(9_961), LIMITS, until - 1).kind is Kind.WAIT
    assert judge(snapshot, quote(9_961), LIMITS, until).kind is Kind.REBALANCE


def test_judge__when_it_opens_first__fills_at_the_second_that_it_named_and_not_before(make):
    opening = judge(make(), quote(9_961), LIMITS, NOW)
    assert opening.kind is Kind.OPEN
    assert opening.until is not None
    snapshot = opened(make)
    assert judge(snapshot, quote(9_961), LIMITS, opening.until - 1).kind is Kind.WAIT
    assert judge(snapshot, quote(9_961), LIMITS, opening.until).kind is Kind.REBALANCE


def test_judge__when_the_route_gains_more_than_the_premium__rebalances_at_once(make):
    assert judge(opened(make), quote(10_051), LIMITS, NOW).kind is Kind.REBALANCE


def test_judge__when_the_route_never_meets_the_bound__does_not_open(make):
    limits = Limits.of(500, 500, 0)
    assert judge(make(), quote(9_899), limits, NOW).kind is Kind.WAIT
    assert judge(make(), quote(9_900), limits, NOW).kind is Kind.OPEN


def test_judge__when_a_margin_is_asked_for__waits_longer(make):
    snapshot = opened(make, 1_200)
    assert judge(snapshot, quote(9_950), LIMITS, NOW).kind is Kind.REBALANCE
    decision = judge(snapshot, quote(9_950), Limits.of(500, 100, 3), NOW)
    assert decision.kind is Kind.WAIT
    # 3 bps of a fall of 150 bps in 1800 s.
    assert decision.until == NOW + 36


def test_judge__when_too_little_would_trade__waits(make):
    assert "less than min_trade_usd" in judge(make(), quote(9_990, value_out=499), LIMITS, NOW).reason
    assert judge(make(), quote(9_990, value_out=500, gas_usd=0), LIMITS, NOW).kind is Kind.OPEN


def test_judge__counts_gas_and_loss_together_against_the_cost_limit(make):
    within, over = quote(9_950, gas_usd=500), quote(9_950, gas_usd=501)
    assert judge(make(), within, LIMITS, NOW).kind is Kind.OPEN
    decision = judge(make(), over, LIMITS, NOW)
    assert decision.kind is Kind.WAIT
    assert "more than cost_max_bps" in decision.reason


def test_judge__when_ether_has_no_price__counts_the_loss_alone(make):
    assert judge(make(), quote(9_901, gas_usd=None), LIMITS, NOW).kind is Kind.OPEN


def test_judge__when_the_loss_budget_is_used_up__waits_until_enough_has_drained(make):
    # NAV 2,000,000, budget 1 %: 20,000, of which 0.985 %, 19,700, are used. The route loses 500, so 0.01 % have to drain.
    snapshot = make(loss=985 * WAD // 100_000)
    decision = judge(snapshot, quote(9_950), LIMITS, NOW)
    assert decision.kind is Kind.WAIT
    assert "300.00 USD of the budget is left" in decision.reason
    assert decision.until == NOW + 604_800 // 100
    # What has drained by then, as contracts/modules/loss_budget.vy counts it, is just enough.
    drained = make(loss=985 * WAD // 100_000 - WAD // 100 * (604_800 // 100) // 604_800)
    assert judge(drained, quote(9_950), LIMITS, decision.until).kind is Kind.OPEN
    assert judge(make(loss=drained.loss + 1), quote(9_950), LIMITS, decision.until - 1).kind is Kind.WAIT
    assert judge(make(loss=975 * WAD // 100_000), quote(9_950), LIMITS, NOW).kind is Kind.OPEN


def test_judge__when_the_route_loses_more_than_the_whole_budget__waits_without_an_end(make):
    decision = judge(make(terms={"max_loss": 10**14}), quote(9_950), LIMITS, NOW)
    assert (decision.kind, decision.until) == (Kind.WAIT, None)
