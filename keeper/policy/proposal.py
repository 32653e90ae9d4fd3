"""What a rebalancing policy proposes for a vault as it stands: the rules of `keeper.policy.rules` on a snapshot.

The contract's trigger, cool-down, bound and loss budget stay in force: this only holds back, or trades less
than to the targets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import ConfigurationError
from keeper.policy.gradual import progress_of
from keeper.policy.rules.decide import Clocks, Costs, decide
from keeper.policy.rules.spec import Reason, RebalancingPolicy
from keeper.policy.rules.trade import fill_impacts, proportional_costs
from keeper.policy.rules.widths import fill_widths
from keeper.policy.ticks import tick_between

WAD = 10**18
_ROUNDING = 1_000  # WAD, of a weight as a float

_WORDS = {
    Reason.NOT_DUE: "the policy sees nothing due",
    Reason.COOLING_DOWN: "the policy is cooling down",
    Reason.TOO_SMALL: "the policy would trade less than min_trade_usd",
    Reason.NOT_WORTH_IT: "a rebalance would cost more than it is worth",
    Reason.CALENDAR: "the policy's calendar is due",
    Reason.BAND: "a weight is outside the policy's band",
    Reason.CALENDAR_AND_BAND: "the policy's calendar is due and a weight is outside its band",
    Reason.STEP: "the next part of a gradual rebalance is due",
}


@dataclass(frozen=True, slots=True)
class Market:
    """What trades are expected to cost, in basket order; the route's own cost decides in the end."""

    fees: tuple[float, ...]  # share that a pool keeps
    depths: tuple[float, ...]  # USD on each side of it
    gas_usd: float  # of a rebalance
    gas_asset_usd: float  # of each asset


@dataclass(frozen=True, slots=True)
class Proposal:
    """`aims` are the weights to trade to, WAD, in basket order, sum 10**18: between the weight of now and the target."""

    reason: Reason
    aims: tuple[int, ...]
    turnover_usd: float
    benefit_usd: float
    cost_usd: float
    is_guarded: bool

    @property
    def text(self) -> str:
        """In words, with benefit and cost where there is a trade to weigh."""
        words = _WORDS[self.reason]
        if self.reason is Reason.NOT_DUE:
            return words
        return f"{words}: worth {self.benefit_usd:,.2f} USD, expected to cost {self.cost_usd:,.2f} USD"

    def is_worth(self, cost_usd: float, value_usd: float) -> bool:
        """Whether a route that sells so much at this cost, gas included, is worth it; a part counts pro rata."""
        if not self.is_guarded or self.turnover_usd <= 0:
            return True
        return cost_usd <= self.benefit_usd * min(value_usd / self.turnover_usd, 1.0)


def propose(
    snapshot: VaultSnapshot,
    policy: RebalancingPolicy,
    variances: Sequence[float],
    market: Market,
    now: int,
    fills: Sequence[int] = (),
) -> Proposal:
    """What the policy says to a vault that the contract would let trade.

    :param variances: of each asset's return against the basket's, a year, in basket order
    :param now: unix s
    :param fills: unix s of the fills that are known, in order: what a gradual rebalance and a cool-down count from
    :raises OracleError: the vault has no prices
    :raises ConfigurationError: as many variances as assets are asked for
    """
    valuation, count = snapshot.priced(), len(snapshot.assets)
    if len(variances) != count:
        raise ConfigurationError(f"{len(variances)} variances for {count} assets of {snapshot.symbol}: give one each")
    nav = valuation.nav / WAD
    weights = np.array(valuation.weights, dtype=np.float64) / WAD
    targets = np.array([asset.target for asset in snapshot.assets], dtype=np.float64) / WAD
    spread, fees, depths = (np.array(each, dtype=np.float64) for each in (variances, market.fees, market.depths))
    impacts, band, aim, trades = (np.zeros(count) for _ in range(4))
    record = policy.record()
    fixed = (market.gas_usd + 2.0 * market.gas_asset_usd) / nav
    fill_impacts(targets, depths, nav, impacts)
    fill_widths(record, targets, spread, proportional_costs(targets, fees), fixed, impacts, band, aim)
    verdict = decide(
        record,
        _clocks(snapshot, policy, now, fills),
        Costs(fees, depths, market.gas_usd, market.gas_asset_usd),
        nav,
        weights,
        targets,
        spread,
        band,
        aim,
        trades,
    )
    reason = Reason(verdict.reason)
    aims = _aims(snapshot, trades.tolist()) if reason.trades else valuation.weights
    return Proposal(reason, aims, verdict.turnover * nav, verdict.benefit, verdict.cost, policy.is_guarded)


def _clocks(snapshot: VaultSnapshot, policy: RebalancingPolicy, now: int, fills: Sequence[int]) -> Clocks:
    """A step counts from the last fill, a cool-down also from the end of the last opening: others' fills are not known."""
    found = progress_of(snapshot, fills, policy.steps, policy.step_s, now)
    tick = tick_between(policy.cron, found.completed_at, now) if policy.cron else 0
    ended_at = max(found.completed_at, snapshot.closed_at)
    traded_at = found.filled_at if found.steps_left else max(found.filled_at, ended_at)
    return Clocks(now, found.completed_at, traded_at, tick, found.steps_left)


def _aims(snapshot: VaultSnapshot, trades: Sequence[float]) -> tuple[int, ...]:
    """Weights after the trades in WAD, between now's and the targets, the rounding put where there is room for it."""
    weights = snapshot.priced().weights
    ends = [
        asset.target if trade else weight for asset, weight, trade in zip(snapshot.assets, weights, trades, strict=True)
    ]
    low = [min(pair) for pair in zip(weights, ends, strict=True)]
    high = [max(pair) for pair in zip(weights, ends, strict=True)]
    aims = []
    for asset, weight, trade, least, most in zip(snapshot.assets, weights, trades, low, high, strict=True):
        end = min(max(weight + int(trade * WAD), least), most)
        aims.append(asset.target if trade and abs(end - asset.target) <= _ROUNDING else end)
    for place in range(len(aims)):
        missing = WAD - sum(aims)
        aims[place] = min(max(aims[place] + missing, low[place]), high[place])
    aims[-1] += WAD - sum(aims)  # weights round down: a few units that no asset has
    return tuple(aims)
