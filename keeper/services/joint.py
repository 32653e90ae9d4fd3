"""Several vaults in one transaction, where that is cheaper than one for each. Sends nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keeper.chain import abi
from keeper.chain.multicall import Read, read_all
from keeper.chain.rpc import Client
from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import NoRoute
from keeper.execution import fees as fee_market
from keeper.execution import plan as calls
from keeper.execution.fees import Fees
from keeper.execution.plan import Call
from keeper.execution.simulate import Simulation, Skipped, simulate
from keeper.policy import Decision, Kind, Limits, Quote, before_route, deficits, judge, surpluses
from keeper.policy.auction import bound_at, fills_from, is_open_at
from keeper.routing import WAD
from keeper.routing.netting import Deal, LeaveOut, Market, Netting, Wish, net
from keeper.services.memory import Memory
from keeper.services.plan import Plan, find_pools
from keeper.services.proposals import proposal_of, settlement_gas, weigh
from keeper.settings import Settings

if TYPE_CHECKING:
    from keeper.policy.proposal import Proposal

# BatchExecutor's own limit.
MOST_VAULTS = 8
# Gas that each vault after the first saves at least by having no transaction of its own; benchmarks/joint.py measures it.
_TRANSACTION_GAS = 45_000


@dataclass(frozen=True, slots=True)
class JointPlan:
    """One transaction for several vaults. `decisions` and `snapshots` are in the order of the call's orders."""

    snapshots: tuple[VaultSnapshot, ...]
    now: int  # unix s, the time of the block that a transaction sent now would be in
    decisions: tuple[Decision, ...]
    netting: Netting
    fees: Fees
    call: Call
    simulation: Simulation

    @property
    def made(self) -> tuple[tuple[VaultSnapshot, Decision], ...]:
        """Each vault's decision."""
        return tuple(zip(self.snapshots, self.decisions, strict=True))


def plan_many(
    client: Client,
    settings: Settings,
    snapshots: Sequence[VaultSnapshot],
    alone: Mapping[str, Plan],
    sender: str | None = None,
    memory: Memory | None = None,
) -> JointPlan | None:
    """The vaults that are better filled together now, as one transaction; None where each is better left alone.

    :param snapshots: of one block
    :param alone: by vault, the plan that each would have by itself, as far as it has one
    :param sender: who would send; the batch executor's owner when None
    :param memory: what is known from earlier passes
    :raises ConfigurationError: no batch executor at the address that is set
    :raises TransactionError: the simulation reverts for a reason that a person has to look at
    :raises ChainError: the endpoint fails
    """
    try:
        return joined(client, settings, snapshots, alone, sender, memory)
    except (NoRoute, Skipped):
        return None


def joined(
    client: Client,
    settings: Settings,
    snapshots: Sequence[VaultSnapshot],
    alone: Mapping[str, Plan],
    sender: str | None = None,
    memory: Memory | None = None,
) -> JointPlan:
    """As `plan_many`.

    :raises NoRoute: in one line, why the vaults are better left alone
    :raises Skipped: the simulation reverts for a reason that is expected now and then
    """
    executor = settings.batch_executor
    memory = Memory(client, settings) if memory is None else memory
    if executor is None:
        raise NoRoute("no batch executor: set batch_executor to fill several vaults together")
    if len({snapshot.block.hash for snapshot in snapshots}) > 1:
        raise NoRoute("the vaults were read at different blocks")
    now = max(client.pending_time(settings.multicall), *(snapshot.block.timestamp for snapshot in snapshots), 0)
    proposals = _proposals(settings, _ready(_listed(client, settings, snapshots, executor), now), now, memory)
    ready = [snapshot for snapshot, _ in proposals.values()]
    if len(ready) < 2:
        raise NoRoute("fewer than two vaults may be filled now")
    fees = fee_market.current(client, settings.fees)
    limits = Limits.of(settings.policy.min_trade_usd, settings.policy.cost_max_bps, settings.policy.safety_margin_bps)
    market = _market(client, settings, ready, alone, fees, now, memory)
    ready, decisions, netting = _agreed(
        ready, alone, market, limits, now, {vault: each for vault, (_, each) in proposals.items()}
    )
    call = calls.rebalancing_many(executor, netting, settings.policy.slippage_bps, now + settings.policy.deadline_s)
    symbols = {asset.address: asset.symbol for snapshot in ready for asset in snapshot.assets}
    simulation = simulate(client, call, sender or memory.owner(executor), lambda token: symbols.get(token, token))
    return JointPlan(tuple(ready), now, decisions, netting, fees, call, simulation)


def _listed(
    client: Client, settings: Settings, snapshots: Sequence[VaultSnapshot], executor: str
) -> list[VaultSnapshot]:
    """With `is_keeper` as it is for the batch executor."""
    if not any(snapshot.head_start for snapshot in snapshots):
        return list(snapshots)
    reads = [Read(snapshot.rebalancer, abi.Rebalancer.is_keeper, (executor,)) for snapshot in snapshots]
    answers = read_all(client, reads, snapshots[0].block, settings.multicall)
    return [
        replace(snapshot, is_keeper=not answer.failed and bool(answer.value))
        for snapshot, answer in zip(snapshots, answers, strict=True)
    ]


def _ready(snapshots: Sequence[VaultSnapshot], now: int) -> list[VaultSnapshot]:
    """Those that may be filled in the next block, the ones with most to sell where there are too many."""
    found = []
    for snapshot in snapshots:
        if snapshot.valuation is None or before_route(snapshot, now) is not None:
            continue
        opened_at = snapshot.opened_at if is_open_at(snapshot, now) else now
        if fills_from(snapshot, opened_at) <= now:
            found.append(snapshot)
    found.sort(key=lambda snapshot: (-snapshot.priced().drift * snapshot.priced().nav, snapshot.address))
    return found[:MOST_VAULTS]


def _proposals(
    settings: Settings, snapshots: Sequence[VaultSnapshot], now: int, memory: Memory
) -> "dict[str, tuple[VaultSnapshot, Proposal | None]]":
    """By vault, what the keeper's own policy proposes; without those for which it proposes nothing."""
    made = {each.address: (each, proposal_of(settings, each, now, memory)) for each in snapshots}
    return {vault: pair for vault, pair in made.items() if pair[1] is None or pair[1].reason.trades}


def _market(
    client: Client,
    settings: Settings,
    snapshots: Sequence[VaultSnapshot],
    alone: Mapping[str, Plan],
    fees: Fees,
    now: int,
    memory: Memory,
) -> Market:
    pools = find_pools(client, settings, snapshots, now, memory)
    liars = {lie.pool for plan in alone.values() for lie in plan.dropped}
    return Market(
        pools=tuple(pool for pool in pools.found if pool.address not in liars),
        decimals=pools.decimals,
        prices=pools.prices,
        gas_price_wei=fees.expected,
        eth_price_wad=next((snapshot.native_price for snapshot in snapshots if snapshot.native_price), 0),
        max_marginal_bps=settings.policy.marginal_cost_max_bps,
    )


def _agreed(
    snapshots: list[VaultSnapshot],
    alone: Mapping[str, Plan],
    market: Market,
    limits: Limits,
    now: int,
    proposals: "Mapping[str, Proposal | None]",
) -> tuple[list[VaultSnapshot], tuple[Decision, ...], Netting]:
    """The vaults that trade together, without those that would rather not. Raises NoRoute."""
    left = list(snapshots)
    refusals: list[str] = []
    while len(left) > 1:
        wishes = [
            _wish(snapshot, alone.get(snapshot.address), limits, now, proposals[snapshot.address]) for snapshot in left
        ]
        gas = sum(map(settlement_gas, left)) - (len(left) - 1) * _TRANSACTION_GAS
        try:
            netting = net(wishes, market, gas)
            return left, _decisions(left, netting, market, limits, now, proposals), netting
        except LeaveOut as error:
            refusals.append(str(error))
            left = [snapshot for snapshot in left if snapshot.address != error.vault]
    raise NoRoute("; ".join(refusals))


def _wish(snapshot: VaultSnapshot, alone: Plan | None, limits: Limits, now: int, proposal: "Proposal | None") -> Wish:
    need = -(-bound_at(snapshot, now) * (WAD + limits.safety_margin) // WAD)  # up: the margin is against the keeper
    aims = None if proposal is None else proposal.aims
    return Wish(
        vault=snapshot.address,
        prices={asset.address: price for asset, price in zip(snapshot.assets, snapshot.priced().prices, strict=True)},
        surplus=surpluses(snapshot, aims),
        deficit=deficits(snapshot, aims),
        floor=max(need, WAD - limits.cost_max),
        alone=None if alone is None else alone.route,
        gas=settlement_gas(snapshot),
    )


def _decisions(
    snapshots: Sequence[VaultSnapshot],
    netting: Netting,
    market: Market,
    limits: Limits,
    now: int,
    proposals: "Mapping[str, Proposal | None]",
) -> tuple[Decision, ...]:
    """What the policy says to each vault's part, with its part of the gas by what it sells. Raises LeaveOut."""
    decisions = []
    sold = sum(deal.value_out for deal in netting.deals)
    for snapshot, deal in zip(snapshots, netting.deals, strict=True):
        quote = _quote(deal, netting, market, sold)
        decision = weigh(judge(snapshot, quote, limits, now), proposals[snapshot.address])
        if decision.kind is not Kind.REBALANCE:
            raise LeaveOut(f"vault {deal.vault}: {decision.reason}", deal.vault)
        decisions.append(replace(decision, reason=f"{decision.reason}, together with others"))
    return tuple(decisions)


def _quote(deal: Deal, netting: Netting, market: Market, sold: int) -> Quote:
    gas = -(-netting.gas * deal.value_out // sold)
    cost = -(-gas * market.gas_price_wei * market.eth_price_wad // WAD) if market.eth_price_wad else None
    return Quote(deal.value_out, deal.value_in, cost)
