"""Band and calendar policy.

The contract's trigger says whether a rebalance is due; this says whether it is worth doing, and whether now.
"""

from keeper.chain.abi import Trigger
from keeper.chain.snapshot import VaultSnapshot
from keeper.policy.auction import bound_at, closed_at, fills_from, final_bound, is_open_at, meets_at
from keeper.policy.decision import WAD, Decision, Kind, Limits, Quote


def before_route(snapshot: VaultSnapshot, now: int) -> Decision | None:
    """The decision where it needs no route; None where one has to be looked for.

    :param now: unix s, the time of the block that a transaction sent now would be in
    :raises OracleError: the vault has no prices
    """
    if snapshot.is_shut_down:
        return Decision(Kind.WAIT, "the vault is shut down for good")
    if snapshot.paused:
        return Decision(Kind.WAIT, "the vault is paused")
    if snapshot.priced().nav == 0:
        return Decision(Kind.WAIT, "the vault is empty")
    return _while_open(snapshot, now) if is_open_at(snapshot, now) else _while_closed(snapshot, now)


def judge(snapshot: VaultSnapshot, quote: Quote, limits: Limits, now: int) -> Decision:
    """What to do with a route of this worth, in a vault where `before_route` had no objection.

    A route that would cost too much, trades too little or cannot meet the bound by the end of the rebalance is a
    wait. Otherwise the vault is rebalanced as soon as the falling bound meets the route and no head start of others
    stands before it. A fill opens what is due by itself, so a vault that is not open is opened alone only where the
    fill has to come later.
    """
    open_now = is_open_at(snapshot, now)
    refusal = _refusal(snapshot, quote, limits, now)
    if refusal is not None:
        return refusal
    opened_at = snapshot.opened_at if open_now else now
    reachable = quote.ratio * WAD // (WAD + limits.safety_margin)  # down: the margin is against the keeper
    meets = meets_at(snapshot, opened_at, reachable)
    if meets is None:
        need = final_bound(snapshot) * (WAD + limits.safety_margin) // WAD
        return Decision(
            Kind.WAIT,
            f"the route returns {_percent(quote.ratio)} of what it takes, the bound never falls below {_percent(need)}",
            quote=quote,
        )
    first = max(meets, fills_from(snapshot, opened_at))
    bound = _percent(bound_at(snapshot, now))
    if now >= first:
        reason = f"the route beats the bound of {bound}"
        return Decision(Kind.REBALANCE, reason if open_now else f"{_due(snapshot)}, and {reason}", quote=quote)
    if first > meets:
        reason = "listed keepers have a head start"
    else:
        reason = f"the bound is {bound} and falls to the route's {_percent(reachable)}"
    if open_now:
        return Decision(Kind.WAIT, reason, first, quote)
    return Decision(Kind.OPEN, f"{_due(snapshot)}; once open, {reason}", first, quote)


def _due(snapshot: VaultSnapshot) -> str:
    names = [flag.name or "" for flag in snapshot.priced().trigger]
    return f"{' and '.join(names)} {'holds' if len(names) == 1 else 'hold'}"


def _while_open(snapshot: VaultSnapshot, now: int) -> Decision | None:
    first = fills_from(snapshot, snapshot.opened_at)
    if now < first:
        return Decision(Kind.WAIT, "listed keepers have a head start", first)
    if snapshot.priced().drift > snapshot.terms.closing_tolerance:
        return None
    until = snapshot.opened_at + snapshot.terms.duration
    return Decision(Kind.WAIT, "the basket is on target within the closing tolerance", until)


def _while_closed(snapshot: VaultSnapshot, now: int) -> Decision | None:
    if snapshot.priced().trigger == Trigger.NONE:
        return Decision(Kind.WAIT, *_not_due(snapshot, now))
    ready = closed_at(snapshot, now) + snapshot.terms.cooldown
    return Decision(Kind.WAIT, "the last rebalance is cooling down", ready) if now < ready else None


def _not_due(snapshot: VaultSnapshot, now: int) -> tuple[str, int | None]:
    triggers, start = snapshot.terms.triggers, snapshot.schedule.start
    regular = triggers & ~Trigger.TARGETS
    reason, until = _regular_not_due(snapshot, regular, now)
    if Trigger.TARGETS in triggers and snapshot.block.timestamp < start:
        change = "has not begun" if now < start else "has begun, it counts from the next block"
        reason = f"{reason}, and the change of targets {change}" if regular else f"the change of targets {change}"
        until = start if until is None else min(until, start)
    return reason, until


def _regular_not_due(snapshot: VaultSnapshot, triggers: Trigger, now: int) -> tuple[str, int | None]:
    """For INTERVAL and BAND, of which `triggers` count."""
    terms = snapshot.terms
    due = snapshot.completed_at + terms.interval
    if Trigger.INTERVAL in triggers and now < due:
        if triggers == Trigger.INTERVAL or terms.require_all:
            return "the interval since the last rebalance has not passed", due
        return "no asset is out of its band and the interval has not passed", due
    if Trigger.BAND in triggers:
        return "no asset is out of its band", None
    if snapshot.priced().drift <= terms.closing_tolerance:
        return "the basket is on target within the closing tolerance", None
    if Trigger.INTERVAL not in triggers:
        return "no change of targets is under way", None
    return "the interval has passed, it counts from the next block", due


def _refusal(snapshot: VaultSnapshot, quote: Quote, limits: Limits, now: int) -> Decision | None:
    if quote.value_out < limits.min_trade:
        text = f"{_usd(quote.value_out)} would trade, less than min_trade_usd ({_usd(limits.min_trade)})"
        return Decision(Kind.WAIT, text, quote=quote)
    cost = quote.loss + (quote.gas_cost or 0)
    if cost * WAD > limits.cost_max * quote.value_out:
        text = f"it would cost {_bps(cost, quote.value_out)} of the value traded, more than cost_max_bps allows"
        return Decision(Kind.WAIT, text, quote=quote)
    terms, nav = snapshot.terms, snapshot.priced().nav
    share = -(-quote.loss * WAD // nav)  # WAD of NAV, up: as contracts/modules/loss_budget.vy counts it
    over = snapshot.loss + share - terms.max_loss
    if quote.loss > 0 and over > 0:
        left = max(terms.max_loss - snapshot.loss, 0) * nav // WAD
        text = f"it would lose {_usd(quote.loss)} against the oracle, {_usd(left)} of the budget is left"
        # The bucket drains all of max_loss in one window; what does not fit into an empty one never will.
        drained = now + -(-over * terms.loss_window // terms.max_loss) if share <= terms.max_loss else None
        return Decision(Kind.WAIT, text, drained, quote)
    return None


def _percent(ratio: int) -> str:
    return f"{ratio / WAD:.3%}"


def _bps(part: int, whole: int) -> str:
    return f"{part * 10_000 / whole:.1f} bps"


def _usd(value: int) -> str:
    return f"{value / WAD:,.2f} USD"
