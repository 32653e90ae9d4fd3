"""One pass of a strategist over one vault: prices → variances → bands wanted → bands that may be set now → transaction."""

from dataclasses import dataclass, replace
from decimal import Decimal

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.multicall import Read, read_all
from keeper.chain.rpc import Client
from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import ConfigurationError, EquipoiseError, ForecastError
from keeper.execution import fees as fee_market
from keeper.execution.lane import Lane, Order
from keeper.execution.plan import Call, setting_bands
from keeper.execution.receipt import Mined
from keeper.execution.signer import Signer
from keeper.execution.simulate import Simulation, Skipped, simulate
from keeper.forecast import Outlook, look
from keeper.history import PriceHistory
from keeper.ledger import Ledger
from keeper.policy import Decision, Kind
from keeper.policy.bands import UNIT, BandPlan, Rails, half_width, plan_bands, wanted_bands, weight_variances
from keeper.services.plan import take
from keeper.services.price_sources import of_basket, of_ledger
from keeper.settings import Settings, StrategistSettings

WAD = 10**18
_BPS = 10_000
_NOBODY = "0x" + "0" * 40


@dataclass(frozen=True, slots=True)
class BandsPlan:
    """What a strategist would do now, and why; `call` and `simulation` are None where nothing is to be sent.

    :param now: unix s, the time of the block that a transaction sent now would be in
    :param half_widths: b* of each asset as a share of NAV, before rails and speed
    """

    snapshot: VaultSnapshot
    rails: Rails
    strategist: str
    now: int
    outlook: Outlook
    half_widths: tuple[float, ...]
    bands: BandPlan
    decision: Decision
    call: Call | None = None
    simulation: Simulation | None = None


@dataclass(frozen=True, slots=True)
class StrategistResult:
    """What a pass found and did; `mined` is None where nothing was sent."""

    plan: BandsPlan
    armed: bool
    mined: Mined | None = None


def strategist_pass(
    client: Client,
    settings: Settings,
    vault: str,
    ledger: Ledger,
    history: PriceHistory | None = None,
    signer: Signer | None = None,
) -> StrategistResult:
    """Look at a vault's bands and, when armed with a signer, move them. Every decision is written down.

    :param history: prices with a column for each asset; None: those that the ledger's decisions about the vault saw
    :param signer: None for a dry run, which sends nothing and simulates as the vault's strategist
    :raises ConfigurationError: `strategist.enabled` is off, or the signer is not the vault's strategist
    :raises ForecastError, HistoryError: no forecast can be made of these prices
    :raises EquipoiseError: as `Lane.submit` and `Lane.wait`
    """
    if signer is None:
        planned, _ = _decide(client, settings, vault, ledger, history, None)
        return StrategistResult(planned, armed=False)
    if not settings.strategist.enabled:
        raise ConfigurationError(
            f"strategist.enabled is off, so that {signer.address} signs no set_bands: turn it on in a strategist's settings"
        )
    with ledger.locks.lane(client.chain_id, signer.address):
        lane = Lane(client, ledger, signer, settings)
        lane.step(client.head())
        lane.check_free()
        planned, decision_id = _decide(client, settings, vault, ledger, history, signer.address)
        if planned.call is None or planned.simulation is None:
            return StrategistResult(planned, armed=True)
        fees = fee_market.current(client, settings.fees)
        deadline = planned.now + settings.policy.deadline_s
        order = Order(decision_id, planned.call, fees, planned.simulation.gas, deadline, worth=None)
        mined = lane.wait(lane.submit(order, client.head()), settings.receipt_timeout_s)
    return StrategistResult(planned, armed=True, mined=mined)


def plan_on(
    client: Client, settings: Settings, snapshot: VaultSnapshot, history: PriceHistory, sender: str | None = None
) -> BandsPlan:
    """The plan for a snapshot by prices that have a column for each of its assets.

    :param sender: who would send; the vault's strategist when None
    :raises ConfigurationError: the sender is not the vault's strategist, or an asset has no prices
    :raises ForecastError: too few prices, or old ones
    :raises TransactionError: the simulation reverts for a reason that a person has to look at
    :raises ChainError: the endpoint fails
    """
    wanted = settings.strategist
    rails, strategist = read_rails(client, settings, snapshot)
    if sender is not None and sender != strategist:
        raise ConfigurationError(
            f"{sender} is not the strategist of vault {snapshot.address}, {strategist} is: use its key, or have the owner "
            "propose this one"
        )
    now = max(client.pending_time(settings.multicall), snapshot.block.timestamp)
    outlook = _outlook(of_basket(history, snapshot), wanted, now)
    variances = weight_variances([asset.target / WAD for asset in snapshot.assets], outlook.covariance)
    half_widths = tuple(half_width(float(each), wanted.cost_bps / _BPS, wanted.penalty) for each in variances)
    bands = plan_bands(
        [asset.band for asset in snapshot.assets],
        wanted_bands(half_widths, rails),
        rails,
        now,
        change_min=max(UNIT, int(Decimal(str(wanted.change_min_bps)) * WAD / _BPS)),
    )
    why = _objection(snapshot, strategist) or bands.held
    if why is not None:
        decision = Decision(Kind.BANDS, f"nothing is set: {why}", bands.until)
        return BandsPlan(snapshot, rails, strategist, now, outlook, half_widths, bands, decision)
    decision = _decision(snapshot, bands, outlook)
    return _simulated(client, BandsPlan(snapshot, rails, strategist, now, outlook, half_widths, bands, decision))


def read_rails(client: Client, settings: Settings, snapshot: VaultSnapshot) -> tuple[Rails, str]:
    """The rails at the snapshot's block, and the strategist; an address of zeros is nobody.

    :raises ConfigurationError: the rebalancer has none
    :raises ChainError: the endpoint fails
    """
    reads = [Read(snapshot.rebalancer, abi.Rebalancer.rails), Read(snapshot.rebalancer, abi.Rebalancer.strategist)]
    rails, strategist = read_all(client, reads, snapshot.block, settings.multicall)
    if rails.failed or strategist.failed:
        raise ConfigurationError(f"the rebalancer of vault {snapshot.address} does not tell its rails: check the vault")
    (narrowest, widest, speed), set_at = rails.value
    return Rails(narrowest, widest, speed, set_at), checksum(strategist.value)


def _decide(
    client: Client,
    settings: Settings,
    vault: str,
    ledger: Ledger,
    history: PriceHistory | None,
    sender: str | None,
) -> tuple[BandsPlan, int]:
    snapshot, armed = take(client, settings, vault), sender is not None
    try:
        if history is None:
            history = of_ledger(ledger, client.chain_id, snapshot, settings.strategist.bars_min)
        planned = plan_on(client, settings, snapshot, history, sender)
    except EquipoiseError as error:
        ledger.record_decision(client.chain_id, snapshot, Decision(Kind.BANDS, str(error)), armed)
        raise
    return planned, ledger.record_decision(client.chain_id, snapshot, planned.decision, armed)


def _outlook(history: PriceHistory, wanted: StrategistSettings, now: int) -> Outlook:
    seen = history.until(now)
    if seen.bars <= wanted.bars_min:
        raise ForecastError(
            f"{seen.bars - 1} bars of prices, {wanted.bars_min} are needed: give a longer history, or lower "
            "strategist.bars_min"
        )
    age = now - int(seen.times[-1])
    if age > wanted.history_age_max_s:
        raise ForecastError(
            f"the last price is {age} s old, {wanted.history_age_max_s} are allowed: bring the history up to date, or raise "
            "strategist.history_age_max_s"
        )
    horizon = max(1, round(wanted.horizon_s / seen.step_s))
    return look(seen, horizon, wanted.forecaster)


def _objection(snapshot: VaultSnapshot, strategist: str) -> str | None:
    """Why nobody sets this vault's bands; None where somebody may."""
    if snapshot.is_shut_down:
        return "the vault is shut down"
    return "the vault has no strategist, its owner proposes one" if strategist == _NOBODY else None


def _decision(snapshot: VaultSnapshot, bands: BandPlan, outlook: Outlook) -> Decision:
    """What moves, and when all of the rest may."""
    moved = ", ".join(
        f"{asset.symbol} {move.now / WAD:.4%} → {move.settable / WAD:.4%}"
        for asset, move in zip(snapshot.assets, bands.moves, strict=True)
        if move.change
    )
    rest = [move.follows_at for move in bands.moves if move.settable != move.wanted and move.follows_at is not None]
    return Decision(Kind.BANDS, f"{moved}; {outlook.reason}", max(rest, default=None))


def _simulated(client: Client, drafted: BandsPlan) -> BandsPlan:
    snapshot = drafted.snapshot
    call = setting_bands(snapshot.address, snapshot.rebalancer, [move.settable for move in drafted.bands.moves])
    try:
        simulation = simulate(client, call, drafted.strategist, snapshot.symbol_of)
    except Skipped as error:
        return replace(drafted, decision=Decision(Kind.BANDS, f"nothing is set: {error}"))
    return replace(drafted, call=call, simulation=simulation)
