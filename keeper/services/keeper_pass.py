"""One pass over one vault: read → decide → solve → plan → simulate → send → record."""

from contextlib import ExitStack
from dataclasses import dataclass

from keeper.chain.rpc import Client
from keeper.errors import EquipoiseError
from keeper.execution.lane import Lane
from keeper.execution.receipt import Mined
from keeper.execution.signer import Signer
from keeper.ledger import Ledger, LockTaken
from keeper.policy import Decision, Kind
from keeper.services.handover import take_over
from keeper.services.memory import Memory
from keeper.services.order import order_of
from keeper.services.plan import Plan, plan_on, take
from keeper.settings import Settings


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass found and did; `mined` is None where nothing was sent."""

    plan: Plan
    armed: bool
    mined: Mined | None = None


def keeper_pass(
    client: Client,
    settings: Settings,
    vault: str,
    ledger: Ledger,
    signer: Signer | None = None,
    dry_sender: str | None = None,
) -> PassResult:
    """Look at a vault and, when armed with a signer, do what is due. Every decision is written down, waits included.

    A vault that another keeper of the same ledger acts for is only looked at: the decision is a wait that says so.

    :param signer: None for a dry run, which sends nothing
    :param dry_sender: as whom a dry run simulates; the executor's owner when None
    :raises EquipoiseError: as `plan`, `Lane.submit` and `Lane.wait`; a failed pass never leaves a transaction that the
        ledger does not know
    """
    if signer is None:
        planned, _ = _decide(client, settings, vault, ledger, dry_sender, armed=False)
        return PassResult(planned, armed=False)
    with ledger.locks.lane(client.chain_id, signer.address), ExitStack() as held:
        lane = Lane(client, ledger, signer, settings)
        lane.step(client.head())
        lane.check_free()
        try:
            held.enter_context(ledger.locks.vault(client.chain_id, vault))
            why = take_over(client, settings, ledger, vault, signer.address)
        except LockTaken as error:
            why = str(error)
        if why is not None:
            return _look_on(client, settings, vault, ledger, why)
        planned, decision_id = _decide(client, settings, vault, ledger, signer.address, armed=True)
        order = order_of(planned, [decision_id], settings)
        if order is None:
            return PassResult(planned, armed=True)
        mined = lane.wait(lane.submit(order, client.head()), settings.receipt_timeout_s)
    return PassResult(planned, armed=True, mined=mined)


def _look_on(client: Client, settings: Settings, vault: str, ledger: Ledger, why: str) -> PassResult:
    snapshot = take(client, settings, vault)
    decision = Decision(Kind.WAIT, f"not this keeper's turn: {why}")
    ledger.record_decision(client.chain_id, snapshot, decision, armed=True)
    return PassResult(Plan(snapshot, snapshot.block.timestamp, decision), armed=True)


def _decide(
    client: Client, settings: Settings, vault: str, ledger: Ledger, sender: str | None, *, armed: bool
) -> tuple[Plan, int]:
    snapshot = take(client, settings, vault)
    try:
        planned = plan_on(client, settings, snapshot, sender, Memory(client, settings, ledger))
    except EquipoiseError as error:
        ledger.record_decision(client.chain_id, snapshot, Decision(Kind.WAIT, str(error)), armed)
        raise
    return planned, ledger.record_decision(client.chain_id, snapshot, planned.decision, armed, planned.ways)
