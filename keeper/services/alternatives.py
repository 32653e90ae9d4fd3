"""The ways in which a decided rebalance may be done, each simulated whole, and the one that leaves its beneficiary most.

    own pools            the callback form over pools alone
    with aggregators     the callback form in which aggregators swap what they deliver more for
    on a loan            the pull form on borrowed tokens: what is beyond the bound is the keeper's

The first two are for the vault, the last for the keeper: `surplus_to` says whose the surplus is. What is sent is what was
simulated, to the byte.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from keeper.aggregators import Aggregator, SwapRequest, venues
from keeper.aggregators.ask import LeftOut
from keeper.chain.rpc import Client
from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import NoRoute, TransactionError
from keeper.execution import forms
from keeper.execution.differences import Unexpected
from keeper.execution.fees import Fees
from keeper.execution.forms import Part
from keeper.execution.plan import Call, rebalancing
from keeper.execution.simulate import Halted, Simulation, Skipped, simulate
from keeper.execution.trial import Place
from keeper.execution.whole import gains
from keeper.policy import surpluses
from keeper.routing import WAD, Flow, RebalanceProblem, Route, RouteLimits, flows, solve
from keeper.services import loans
from keeper.services.offers import Offer, Offers, behind_reference_bps, gather
from keeper.settings import Settings

OWN = "own pools"
# A way that trades less than this of what the route trades is another rebalance, not a cheaper one.
_TRADED_BPS = 9_900
_BPS = 10_000
# What is left of a token after the aggregators' parts, below which it is not worth a swap.
_REST_BPS = 100


class LeavesTooLittle(NoRoute):
    """A loan leaves the keeper less than it wants; a later, lower bound may leave more."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to do it. `worth` is what its beneficiary ends with: WAD USD gained at the oracle's prices, less the gas.

    `left_out` says why it cannot be done; then the rest is None.
    """

    name: str
    call: Call | None = None
    simulation: Simulation | None = None
    worth: int | None = None
    left_out: str | None = None


@dataclass(frozen=True, slots=True)
class Alternatives:
    """All ways that were looked at, best first, those left out at the end; and the quotes that were not taken.

    `warnings` are about prices worse than the reference.
    """

    candidates: tuple[Candidate, ...]
    beneficiary: str  # vault or keeper
    quotes_left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def had_choice(self) -> bool:
        """Whether there is anything to tell beside the own route."""
        return len(self.candidates) > 1 or self.beneficiary == "keeper" or bool(self.quotes_left_out or self.warnings)

    @property
    def chosen(self) -> Candidate:
        """The best one."""
        return self.candidates[0]

    @property
    def reason(self) -> str | None:
        """Why it was chosen, for a sentence; None where there was no choice."""
        if len(self.candidates) < 2:
            return None
        first, second = self.candidates[:2]
        assert first.worth is not None
        if second.worth is None:
            return f"{first.name} is the one way that can be done"
        margin = (first.worth - second.worth) / WAD
        return f"{first.name} leaves the {self.beneficiary} {margin:,.2f} USD more than {second.name}"


@dataclass(frozen=True, slots=True)
class Job:
    """A decided rebalance: the route on own pools, what it was found on, and who would send it when.

    :param executor: the keeper's own; `sender` is its owner
    :param now: unix s
    """

    client: Client
    settings: Settings
    snapshot: VaultSnapshot
    problem: RebalanceProblem
    route: Route
    fees: Fees
    executor: str
    sender: str
    now: int

    @property
    def deadline(self) -> int:
        """Unix s."""
        return self.now + self.settings.policy.deadline_s

    @property
    def place(self) -> Place:
        """Where quotes are tried."""
        snapshot = self.snapshot
        tokens = tuple(asset.address for asset in snapshot.assets)
        multicall = self.settings.multicall
        return Place(snapshot.address, self.executor, self.sender, tokens, snapshot.block, self.now, multicall)

    def own_call(self) -> Call:
        """The route in the callback form.

        What is the vault's whole surplus is sold as "all"; less than that is stated, where a policy stops before the targets.
        """
        snapshot, slippage_bps = self.snapshot, self.settings.policy.slippage_bps
        return rebalancing(
            snapshot.address, self.executor, self.route, surpluses(snapshot), slippage_bps, self.deadline
        )


def choose(job: Job, asked: Sequence[Aggregator] | None = None) -> Alternatives:
    """The ways to do it, best first.

    :param asked: the aggregators; those of the settings when None
    :raises Skipped, Halted: none can be done, and this is what stops the own route
    :raises LeavesTooLittle: the keeper takes the surplus, and the best loan leaves less than it wants
    :raises NoRoute: the same, and there is no loan
    :raises OracleError, ChainError: as `simulate`
    """
    if job.settings.policy.surplus_to == "keeper":
        return Alternatives((_on_loan(job),), "keeper")
    asked = venues.of(job.settings) if asked is None else asked
    stopped: Skipped | None = None
    try:
        own = _own(job)
    except Halted as error:
        return _without_callback(job, error)
    except Skipped as error:
        # What somebody swapped on the route's pools meanwhile need not stop an aggregator.
        own, stopped = Candidate(OWN, left_out=str(error)), error
    found, offers, warnings = _with_aggregators(job, asked) if asked else ([], Offers({}, {}, ()), ())
    candidates = sorted([own, *found], key=lambda each: (each.worth is None, -(each.worth or 0)))
    if stopped is not None and candidates[0].worth is None:
        raise stopped
    return Alternatives(tuple(candidates), "vault", offers.left_out, warnings)


def _without_callback(job: Job, halted: Halted) -> Alternatives:
    """On a loan, which needs no callback, where that is what fails; the surplus is the keeper's then.

    :raises Halted: the loan cannot be had either
    """
    try:
        return Alternatives((_on_loan(job), Candidate(OWN, left_out=str(halted))), "keeper")
    except (NoRoute, TransactionError):
        raise halted from None


def _own(job: Job) -> Candidate:
    return _for_vault(job, OWN, job.own_call())


def _for_vault(job: Job, name: str, call: Call) -> Candidate:
    """A way whose surplus is the vault's. Raises as `simulate`."""
    simulation = simulate(job.client, call, job.sender, job.snapshot.symbol_of)
    gain = simulation.value_in - simulation.value_out
    return Candidate(name, call, simulation, gain - job.problem.gas_value(simulation.gas))


# --- aggregators


def _with_aggregators(job: Job, asked: Sequence[Aggregator]) -> tuple[list[Candidate], Offers, tuple[str, ...]]:
    parts = sorted(flows(job.route), key=lambda flow: (-_worth(job, flow.buy, flow.amount_out, 0), flow.sell, flow.buy))
    parts = parts[: forms.CALLS_MAX]
    requests = [_request(job, flow) for flow in parts]
    wanted = job.settings.aggregators
    offers = gather(job.client, wanted, asked, requests, job.place, partial(_worth, job))
    better = [(flow, offer) for flow in parts if (offer := _better(job, flow, offers)) is not None]
    candidates: list[Candidate] = []
    if better:
        candidates.append(_replaced(job, better))
    if len(better) > 1:
        candidates.append(_replaced(job, [max(better, key=lambda pair: _gain(job, *pair))]))
    return candidates, offers, tuple(_warnings(job, parts, offers))


def _request(job: Job, flow: Flow) -> SwapRequest:
    decimals, policy = job.problem.decimals, job.settings.policy
    return SwapRequest(
        chain_id=job.client.chain_id,
        sell_token=flow.sell,
        buy_token=flow.buy,
        sell_amount=max(forms.held_back_down(flow.amount_in), 1),
        sell_decimals=decimals[flow.sell],
        buy_decimals=decimals[flow.buy],
        taker=job.executor,
        receiver=job.executor,
        origin=job.sender,
        vault=job.snapshot.address,
        slippage_bps=policy.slippage_bps,
        gas_price=max(job.fees.expected, 1),
    )


def _better(job: Job, flow: Flow, offers: Offers) -> Offer | None:
    """The best offer for a flow, if it delivers more than the route's own part does."""
    ranked = offers.ranked.get((flow.sell, flow.buy), ())
    return ranked[0] if ranked and _gain(job, flow, ranked[0]) > 0 else None


def _gain(job: Job, flow: Flow, offer: Offer) -> int:
    """WAD USD by which an offer delivers more than the route for the same amount, gas aside."""
    own = flow.amount_out * offer.request.sell_amount // flow.amount_in
    return _worth(job, flow.buy, offer.trial.delivered, 0) - _worth(job, flow.buy, own, 0)


def _replaced(job: Job, better: Sequence[tuple[Flow, Offer]]) -> Candidate:
    """The route with these flows done by aggregators, and own pools solved again for the rest."""
    symbol_of = job.snapshot.symbol_of
    parts_of = [f"{offer.quote.venue} for {symbol_of(flow.sell)}→{symbol_of(flow.buy)}" for flow, offer in better]
    name = ", ".join(parts_of)
    try:
        rest = _rest(job, better)
        if rest is not None:
            name = f"{OWN} with {name}"
        parts = [Part(offer.quote, flow.amount_in, offer.trial.delivered) for flow, offer in better]
        call = forms.with_calls(
            job.snapshot.address, job.executor, parts, rest, job.settings.policy.slippage_bps, job.deadline
        )
        candidate = _for_vault(job, name, call)
        spenders = [party for _, offer in better for party in (offer.quote.target, offer.quote.spender)]
        _gained(job, call, spenders)
    except (TransactionError, NoRoute, Unexpected, ValueError) as error:
        return Candidate(name, left_out=str(error))
    assert candidate.simulation is not None
    if candidate.simulation.value_out * _BPS < job.route.value_out * _TRADED_BPS:
        return Candidate(name, left_out=f"it trades {_usd(candidate.simulation.value_out)}, less than the route does")
    return candidate


def _rest(job: Job, better: Sequence[tuple[Flow, Offer]]) -> Route | None:
    """What own pools still have to do; None for nothing."""
    sold, bought = dict(job.route.sold), dict(job.route.bought)
    for flow, offer in better:
        sold[flow.sell] -= flow.amount_in
        bought[flow.buy] -= offer.trial.delivered
    surplus = {token: amount for token, amount in sold.items() if amount * _BPS > job.route.sold[token] * _REST_BPS}
    deficit = {token: amount for token, amount in bought.items() if amount > 0}
    if not surplus or not deficit:
        return None
    problem = replace(
        job.problem,
        surplus=surplus,
        deficit={token: job.problem.deficit[token] - (job.route.bought[token] - deficit[token]) for token in deficit},
        max_legs=forms.OPERATIONS_MAX - len(better),
    )
    return solve(problem, RouteLimits(max_marginal_bps=job.settings.policy.marginal_cost_max_bps))


def _warnings(job: Job, parts: Iterable[Flow], offers: Offers) -> Iterable[str]:
    limit = job.settings.aggregators.max_worse_than_reference_bps
    for flow in parts:
        reference = offers.references.get((flow.sell, flow.buy))
        if reference is None:
            continue
        own = flow.amount_out * reference.sell_amount // flow.amount_in
        ranked = offers.ranked.get((flow.sell, flow.buy), ())
        best = max([own, *(offer.trial.delivered for offer in ranked)])
        behind = behind_reference_bps(reference.buy_amount, best)
        if behind > limit:
            pair = f"{job.snapshot.symbol_of(flow.sell)} for {job.snapshot.symbol_of(flow.buy)}"
            yield f"{pair}: the best that can be done is {behind} bps below {reference.venue}'s price"


# --- loans


def _on_loan(job: Job) -> Candidate:
    """The pull form on the loan that leaves the keeper most, with its floor in the transaction.

    :raises LeavesTooLittle: it leaves less than the floor
    :raises NoRoute: there is none
    """
    plan = loans.plan_loan(job.client, job.settings, job.snapshot, job.problem, job.route, job.now)
    token = plan.offer.token
    name = f"loan of {job.snapshot.symbol_of(token)} from {plan.offer.name}"
    price = loans.price_of(job.settings, job.snapshot, job.problem, token)
    assert price is not None
    tried = simulate(job.client, _loan_call(job, plan, 0), job.sender, job.snapshot.symbol_of)
    gas_cost = job.problem.gas_value(tried.gas)
    floor = gas_cost + int(Decimal(str(job.settings.policy.profit_min_usd)) * WAD)
    least_left = -(-floor * 10 ** job.problem.decimals[token] // price)  # up: the keeper's floor
    try:
        gained = _gained(job, _loan_call(job, plan, 0), [plan.offer.lender])
        if (left := gained.get(token, 0)) < least_left:
            raise LeavesTooLittle(
                f"the {name} leaves the keeper {left} of it, less than the {least_left} of its gas and profit"
            )
        call = _loan_call(job, plan, least_left)
        simulation = simulate(job.client, call, job.sender, job.snapshot.symbol_of)
        worth = sum(_worth(job, each, amount, 0) for each, amount in gained.items())
    except Unexpected as fault:
        raise Halted(f"simulated, the {name} {fault}; nothing was sent, look at the vault and the lender") from None
    return Candidate(name, call, simulation, worth - job.problem.gas_value(simulation.gas))


def _loan_call(job: Job, plan: loans.LoanPlan, least_left: int) -> Call:
    return plan.call(job.snapshot.address, job.executor, least_left, job.deadline)


def _gained(job: Job, call: Call, spenders: Iterable[str]) -> Mapping[str, int]:
    """What the keeper gains, on the newest state: time has gone by since the snapshot. Raises as `gains`."""
    block, multicall = job.client.head(), job.settings.multicall
    return gains(job.client, call, job.sender, job.place.tokens, spenders, block, job.now, multicall)


def _worth(job: Job, token: str, amount: int, gas: int) -> int:
    """WAD USD of base units, rounded down, less gas; a token without a price is worth nothing here."""
    price = loans.price_of(job.settings, job.snapshot, job.problem, token)
    if price is None or token not in job.problem.decimals:
        return -job.problem.gas_value(gas)
    return amount * price // int(10 ** job.problem.decimals[token]) - job.problem.gas_value(gas)


def _usd(value: int) -> str:
    return f"{value / WAD:,.2f} USD"
