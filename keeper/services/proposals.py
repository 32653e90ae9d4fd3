"""What the keeper's own policy proposes for a vault, by the settings; nothing where the vault's rules decide alone."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from keeper.errors import ConfigurationError
from keeper.policy import Decision, Kind

if TYPE_CHECKING:
    from keeper.chain.snapshot import VaultSnapshot
    from keeper.policy.proposal import Proposal
    from keeper.policy.rules.spec import RebalancingPolicy
    from keeper.services.memory import Memory
    from keeper.settings import Settings

WAD = 10**18
# Gas of a rebalance beside its swaps, measured on the devnet: the transaction, opening and settlement, and a price and two
# balances per asset.
_SETTLEMENT_GAS = 200_000
_ASSET_GAS = 60_000
_SWAP_GAS = 130_000  # of a swap on a pool


def settlement_gas(snapshot: VaultSnapshot) -> int:
    """Gas of a rebalance beside its swaps, the transaction's own included."""
    return _SETTLEMENT_GAS + _ASSET_GAS * len(snapshot.assets)


def proposal_of(settings: Settings, snapshot: VaultSnapshot, now: int, memory: Memory | None = None) -> Proposal | None:
    """What the policy of the settings says to a vault that `before_route` had no objection to; None with `vault`.

    :param now: unix s
    :param memory: what is known of fills, and of what the pools cost; else no fill, and what the settings expect
    :raises ConfigurationError: the parameters make no policy, or the history lacks an asset
    :raises HistoryError: the history cannot be read
    :raises LedgerError: the ledger cannot be read
    """
    if settings.policy.rebalancing == "vault":
        return None
    # Numba and the rules are loaded by those who use them.
    from keeper.policy.proposal import Market, propose

    wanted = settings.rebalancing
    costs = {} if memory is None else memory.costs(snapshot.address, now) or {}
    expected = (wanted.fee_bps / 10_000, wanted.depth_usd)
    fees, depths = zip(*(costs.get(asset.address, expected) for asset in snapshot.assets), strict=True)
    gas_price = snapshot.block.base_fee * (snapshot.native_price or 0) / WAD**2  # USD per gas
    market = Market(
        fees=fees,
        depths=depths,
        gas_usd=settlement_gas(snapshot) * gas_price,
        gas_asset_usd=_SWAP_GAS * gas_price,
    )
    fills = () if memory is None else memory.fills(snapshot)
    return propose(snapshot, policy_of(settings), _variances(settings, snapshot), market, now, fills)


def policy_of(settings: Settings) -> RebalancingPolicy:
    """The settings as the rules take them. Raises ConfigurationError where they make no policy."""
    from keeper.policy.rules.spec import Aim, Penalty, RebalancingPolicy
    from keeper.policy.rules.spec import Kind as RuleKind

    wanted, name = settings.rebalancing, settings.policy.rebalancing
    kind = wanted.hybrid if name == "hybrid" else name
    return RebalancingPolicy(
        kind=RuleKind[kind.upper()],
        aim=Aim[wanted.aim.upper()],
        interval_s=wanted.interval_s,
        cron=wanted.cron,
        band_abs=wanted.band_bps / 10_000,
        band_rel=wanted.band_percent / 100,
        width_factor=wanted.width_factor,
        width_min=wanted.width_min_bps / 10_000,
        width_max=wanted.width_max_bps / 10_000,
        risk_aversion=wanted.risk_aversion,
        penalty=Penalty[wanted.penalty.upper()],
        is_guarded=wanted.guarded,
        min_trade_usd=settings.policy.min_trade_usd,
        max_trade_usd=wanted.max_trade_usd,
        cooldown_s=wanted.cooldown_s,
        steps=wanted.steps,
        step_s=wanted.step_s,
        half_life_s=wanted.half_life_s,
    )


def wants_costs(settings: Settings, snapshot: VaultSnapshot, now: int, memory: Memory) -> bool:
    """Whether the pools have to be read before the policy of the settings can say what a trade is expected to cost."""
    return settings.policy.rebalancing != "vault" and memory.costs(snapshot.address, now) is None


def weigh(decision: Decision, proposal: Proposal | None) -> Decision:
    """The decision on a route, turned into a wait where the route costs more than the policy says that it is worth."""
    quote = decision.quote
    if proposal is None or quote is None or decision.kind is Kind.WAIT:
        return decision
    cost = (quote.loss + (quote.gas_cost or 0)) / WAD
    if proposal.is_worth(cost, quote.value_out / WAD):
        return replace(decision, reason=f"{decision.reason}; {proposal.text}")
    reason = f"the route would cost {cost:,.2f} USD, more than it is worth; {proposal.text}"
    return Decision(Kind.WAIT, reason, quote=quote)


def _variances(settings: Settings, snapshot: VaultSnapshot) -> tuple[float, ...]:
    """Of each asset's return against the basket's, a year."""
    wanted = settings.rebalancing
    if wanted.history_file is None:
        return ((wanted.volatility_percent / 100) ** 2,) * len(snapshot.assets)
    symbols = tuple(asset.symbol for asset in snapshot.assets)
    targets = tuple(asset.target / WAD for asset in snapshot.assets)
    changed = wanted.history_file.stat().st_mtime_ns if wanted.history_file.exists() else 0
    return _measured(wanted.history_file, changed, symbols, targets, wanted.half_life_s)


@lru_cache(maxsize=64)
def _measured(
    file: Path, changed: int, symbols: tuple[str, ...], targets: tuple[float, ...], half_life_s: int
) -> tuple[float, ...]:
    """From a file that was changed then (ns), so that it is read again when it was."""
    import numpy as np

    from keeper.history import read
    from keeper.policy.rules.variance import over

    history = read(file).subset(symbols)
    if history.bars < 2:
        raise ConfigurationError(f"history_file {file} has {history.bars} bar: give two at least")
    found = over(history.times, history.prices, np.array(targets), half_life_s)
    return tuple(float(each) for each in found)
