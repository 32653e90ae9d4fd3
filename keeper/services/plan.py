"""What the keeper would do with a vault now, and why. Sends nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keeper.chain import reader
from keeper.chain.pools import Priced, discover
from keeper.chain.rpc import Client
from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import ConfigurationError, EquipoiseError, NoRoute
from keeper.execution import fees as fee_market
from keeper.execution import plan as calls
from keeper.execution.fees import Fees
from keeper.execution.plan import Call
from keeper.execution.simulate import Simulation, Skipped, simulate
from keeper.execution.verify import Lie, verify
from keeper.ledger import Way
from keeper.markets import Pool
from keeper.policy import Decision, Kind, Limits, Quote, before_route, deficits, judge, surpluses
from keeper.policy.auction import bound_at, final_bound, is_open_at
from keeper.routing import WAD, RebalanceProblem, Route, RouteLimits, solve
from keeper.services.alternatives import Alternatives, Job, LeavesTooLittle, choose
from keeper.services.memory import Memory
from keeper.services.proposals import proposal_of, settlement_gas, wants_costs, weigh
from keeper.settings import Settings

if TYPE_CHECKING:
    from keeper.policy.proposal import Proposal

# With these prices of zero a route is still found, only its gas counts for nothing.
_NOBODY = "0x" + "0" * 40


@dataclass(frozen=True, slots=True)
class Plan:
    """A decision and what carries it out; `call` and `simulation` are None for a wait.

    `dropped` are the pools that paid less than they said and were left out of the route.
    """

    snapshot: VaultSnapshot
    now: int  # unix s, the time of the block that a transaction sent now would be in
    decision: Decision
    route: Route | None = None
    fees: Fees | None = None
    call: Call | None = None
    simulation: Simulation | None = None
    dropped: tuple[Lie, ...] = ()
    alternatives: Alternatives | None = None  # the ways to rebalance that were looked at, for a rebalance

    @property
    def made(self) -> tuple[tuple[VaultSnapshot, Decision], ...]:
        """The decision, as a joint plan has several."""
        return ((self.snapshot, self.decision),)

    @property
    def ways(self) -> tuple[Way, ...]:
        """The alternatives as the ledger keeps them, and behind them the quotes that were not taken."""
        if self.alternatives is None:
            return ()
        symbol_of = self.snapshot.symbol_of
        ways = [Way(each.name, each.worth, each.left_out) for each in self.alternatives.candidates]
        quotes = [
            Way(f"{each.venue} for {symbol_of(each.sell_token)}→{symbol_of(each.buy_token)}", None, each.reason)
            for each in self.alternatives.quotes_left_out
        ]
        return (*ways, *quotes)


@dataclass(frozen=True, slots=True)
class BasketPools:
    """What a basket can trade on: pools, the oracle's prices (WAD USD per whole token), decimals also of the hubs."""

    found: tuple[Pool, ...]
    prices: Mapping[str, int]
    decimals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Desk:
    """What a plan is made for, when (unix s), and what is known from before."""

    client: Client
    settings: Settings
    snapshot: VaultSnapshot
    now: int
    memory: Memory


def plan(client: Client, settings: Settings, vault: str, sender: str | None = None) -> Plan:
    """The plan for a vault at the latest block.

    :param sender: who would send; the executor's owner when None
    :raises ConfigurationError: no index vault at the address, or no executor
    :raises OracleError: the vault has no prices
    :raises NoRoute: a rebalance is due and nothing can be traded
    :raises TransactionError: the simulation reverts for a reason that a person has to look at
    :raises ChainError: the endpoint fails
    """
    return plan_on(client, settings, take(client, settings, vault), sender)


def take(client: Client, settings: Settings, vault: str) -> VaultSnapshot:
    """The vault's snapshot at the latest block. Raises as `plan`."""
    return reader.take(client, vault, settings.multicall, settings.wrapped_native, settings.executor)


def plan_on(
    client: Client, settings: Settings, snapshot: VaultSnapshot, sender: str | None = None, memory: Memory | None = None
) -> Plan:
    """The plan for a snapshot. Raises as `plan`.

    :param memory: what is known from earlier passes
    """
    memory = Memory(client, settings) if memory is None else memory
    now = max(client.pending_time(settings.multicall), snapshot.block.timestamp)
    early = before_route(snapshot, now)
    if early is not None:
        return Plan(snapshot, now, early)
    pools = None
    if wants_costs(settings, snapshot, now, memory):
        pools = find_pools(client, settings, [snapshot], now, memory)
        memory.note_costs(snapshot, pools.found, now)
    proposal = proposal_of(settings, snapshot, now, memory)
    if proposal is not None and not proposal.reason.trades:
        return Plan(snapshot, now, Decision(Kind.WAIT, proposal.text))
    fees = fee_market.current(client, settings.fees)
    pools = pools or find_pools(client, settings, [snapshot], now, memory)
    limits = Limits.of(settings.policy.min_trade_usd, settings.policy.cost_max_bps, settings.policy.safety_margin_bps)
    problem = _problem(snapshot, pools, None if proposal is None else proposal.aims, fees)
    desk = _Desk(client, settings, snapshot, now, memory)
    route, problem, dropped = _verified_route(desk, problem, _route_limits(settings, snapshot, limits))
    decision = weigh(judge(snapshot, _quote(snapshot, route, fees), limits, now), proposal)
    drafted = Plan(snapshot, now, decision, route, fees, dropped=dropped)
    if decision.kind is Kind.WAIT:
        part = _part(desk, drafted, problem, limits, proposal)
        if part is None:
            return drafted
        drafted, problem = part
    if drafted.decision.kind is Kind.OPEN:
        return _opening(client, drafted, sender or _NOBODY)
    if settings.executor is None:
        raise ConfigurationError("no executor to rebalance through: set executor, or pass --executor")
    assert drafted.route is not None
    who = sender or memory.owner(settings.executor)
    return _rebalancing(
        drafted, Job(client, settings, snapshot, problem, drafted.route, fees, settings.executor, who, now)
    )


def _part(
    desk: _Desk,
    whole: Plan,
    problem: RebalanceProblem,
    limits: Limits,
    proposal: "Proposal | None",
) -> tuple[Plan, RebalanceProblem] | None:
    """The largest part that may be filled now, where the whole may not be, and the problem whose route it is.

    The rest is for the blocks that follow. None where there is none; or where the whole only has to wait for the bound, and
    what is saved by trading less at a time does not pay for the gas of one more transaction.
    """
    snapshot, now = desk.snapshot, desk.now
    if not is_open_at(snapshot, now) or whole.route is None or whole.fees is None:
        return None
    need = -(-bound_at(snapshot, now) * (WAD + limits.safety_margin) // WAD)  # up: the margin is against the keeper
    left = max(snapshot.terms.max_loss - snapshot.loss, 0) * snapshot.priced().nav // WAD
    route_limits = replace(
        _route_limits(desk.settings, snapshot, limits), min_ratio=max(need, WAD - limits.cost_max), max_loss=left
    )
    try:
        route, problem, dropped = _verified_route(desk, problem, route_limits)
    except NoRoute:
        return None
    quote, later = _quote(snapshot, route, whole.fees), _quote(snapshot, whole.route, whole.fees)
    decision = weigh(judge(snapshot, quote, limits, now), proposal)
    if decision.kind is not Kind.REBALANCE:
        return None
    end = snapshot.opened_at + snapshot.terms.duration
    waiting_does = judge(snapshot, later, limits, end).kind is Kind.REBALANCE
    if waiting_does and _cost(quote) * later.value_out > later.loss * quote.value_out:
        return None
    reason = f"{decision.reason} with {_share(route, whole.route)} of what could trade; {whole.decision.reason}"
    part = replace(whole, decision=replace(decision, reason=reason), route=route, dropped=whole.dropped + dropped)
    return part, problem


def _cost(quote: Quote) -> int:
    """WAD USD, gas included."""
    return quote.loss + (quote.gas_cost or 0)


def _share(part: Route, whole: Route) -> str:
    return f"{part.value_out / whole.value_out:.0%}"


def _opening(client: Client, drafted: Plan, sender: str) -> Plan:
    call = calls.opening(drafted.snapshot.address)
    try:
        simulation = simulate(client, call, sender, drafted.snapshot.symbol_of)
    except Skipped as error:
        return _wait(drafted, call, error)
    return replace(drafted, call=call, simulation=simulation)


def _rebalancing(drafted: Plan, job: Job) -> Plan:
    try:
        found = choose(job)
    except Skipped as error:
        return _wait(drafted, job.own_call(), error)
    except LeavesTooLittle as error:
        return _wait(drafted, None, error)
    chosen, decision = found.chosen, drafted.decision
    reason = decision.reason if found.reason is None else f"{decision.reason}; {found.reason}"
    return replace(
        drafted,
        decision=replace(decision, reason=reason),
        call=chosen.call,
        simulation=chosen.simulation,
        alternatives=found,
    )


def _wait(drafted: Plan, call: Call | None, error: EquipoiseError) -> Plan:
    return replace(drafted, decision=replace(drafted.decision, kind=Kind.WAIT, reason=str(error)), call=call)


def _verified_route(
    desk: _Desk, problem: RebalanceProblem, limits: RouteLimits
) -> tuple[Route, RebalanceProblem, tuple[Lie, ...]]:
    """The best route over pools that pay what they say, the problem of those pools, and those that do not.

    Without an executor none can be tried.
    """
    executor, snapshot = desk.settings.executor, desk.snapshot
    if executor is not None:
        desk.memory.owner(executor)  # an address with another contract would make every pool look false
    dropped: tuple[Lie, ...] = ()
    while True:
        try:
            route = solve(problem, limits)
        except NoRoute as error:
            if not dropped:
                raise
            raise NoRoute("; ".join([str(error), *(f"left out: {lie.text}" for lie in dropped)])) from None
        if executor is None:
            return route, problem, dropped
        lies = verify(desk.client, route, problem.pools, snapshot.address, executor, snapshot.block, desk.now)
        if not lies:
            return route, problem, dropped
        dropped += tuple(lies)
        liars = {lie.pool for lie in lies}
        problem = replace(problem, pools=tuple(pool for pool in problem.pools if pool.address not in liars))


def _problem(snapshot: VaultSnapshot, pools: BasketPools, aims: Sequence[int] | None, fees: Fees) -> RebalanceProblem:
    return RebalanceProblem(
        pools=pools.found,
        prices=pools.prices,
        decimals=pools.decimals,
        surplus=surpluses(snapshot, aims),
        deficit=deficits(snapshot, aims),
        gas_price_wei=fees.expected,
        eth_price_wad=snapshot.native_price or 0,
    )


def find_pools(
    client: Client, settings: Settings, snapshots: Sequence[VaultSnapshot], now: int, memory: Memory
) -> BasketPools:
    """The pools between the assets of vaults, read at one block, and the hubs.

    :param now: unix s, the time of the block that a transaction sent now would be in
    :raises OracleError: a vault has no prices
    :raises ChainError: the endpoint fails
    """
    block = snapshots[0].block
    prices: dict[str, int] = {}
    decimals: dict[str, int] = {}
    for snapshot in snapshots:
        for asset, price in zip(snapshot.assets, snapshot.priced().prices, strict=True):
            prices[asset.address] = price
            decimals[asset.address] = asset.decimals
    found = discover(
        client,
        {address: Priced(price, decimals[address]) for address, price in prices.items()},
        settings.pools,
        block,
        settings.multicall,
        cache=memory.pools,
        until=now + settings.policy.deadline_s,
        holder=snapshots[0].address,
    )
    hubs = [hub for hub in settings.pools.hubs if hub not in decimals]
    return BasketPools(tuple(found), prices, decimals | memory.decimals(hubs, block))


def _route_limits(settings: Settings, snapshot: VaultSnapshot, limits: Limits) -> RouteLimits:
    """The route has to meet the bound of the rebalance's last second; when it does so, `judge` computes."""
    need = final_bound(snapshot) * (WAD + limits.safety_margin) // WAD + 1  # up: the margin is against the keeper
    return RouteLimits(
        min_ratio=max(need, WAD - limits.cost_max), max_marginal_bps=settings.policy.marginal_cost_max_bps
    )


def _quote(snapshot: VaultSnapshot, route: Route, fees: Fees) -> Quote:
    gas = route.gas + settlement_gas(snapshot)
    price = snapshot.native_price
    gas_cost = None if price is None else -(-gas * fees.expected * price // WAD)  # up: a cost
    return Quote(route.value_out, route.value_in, gas_cost)
