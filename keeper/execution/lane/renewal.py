"""What is done with a transaction that does not get mined: sent again as it is, replaced, or cancelled."""

from collections.abc import Sequence

from keeper.chain.rpc import Reverted
from keeper.chain.snapshot import Block
from keeper.execution import eip1559
from keeper.execution import fees as fee_market
from keeper.execution.eip1559 import Transaction
from keeper.execution.fees import Fees, Rollup
from keeper.execution.lane import checks
from keeper.execution.lane.channels import Outcome
from keeper.execution.lane.desk import Desk
from keeper.execution.lane.launch import Draft, hand_over, launch, signed_of
from keeper.execution.lane.orders import Event
from keeper.execution.lane.steps import Step
from keeper.ledger import CANCEL, IN_FLIGHT, PUBLIC, State, TransactionRow

_TRANSFER_GAS = 21_000  # of a payment without data, everywhere but on Arbitrum


def resend(desk: Desk, row: TransactionRow, head: Block) -> bool:
    """Send the same bytes again where they went before; whether they were not refused.

    A private transaction whose relay is not in the settings any more goes nowhere.
    """
    channel = desk.channel_of(row)
    if channel is None:
        desk.tell(Event.DELAYED, row, f"{row.hash} went to {row.channel}, which is not in relays: it is not sent again")
        return True
    delivery = hand_over(desk, row, signed_of(row), channel)
    if delivery.outcome is Outcome.TAKEN:
        note = desk.ledger.note_head if row.state is State.INTENT else desk.ledger.note_left
        note(row.id, head.number)
        desk.at(Step.RESENT)
        desk.tell(Event.RESENT, row, f"nobody had {row.hash}: it was sent again")
    elif delivery.outcome is not Outcome.USED:  # used by itself, as the next look at the chain will show
        desk.tell(Event.DELAYED, row, f"{row.hash} could not be sent again: {delivery.why}")
    return not delivery.is_refusal


def replace(desk: Desk, rows: Sequence[TransactionRow], head: Block) -> None:
    """Sign a stuck order again with higher fees; cancel it where it would revert now, or would lose its privacy.

    :raises TransactionError, SignerError, LedgerError: it cannot be sent now; it may be mined as it is
    :raises ChainError: the endpoint fails
    """
    row = _newest(rows)
    stuck = eip1559.decode(signed_of(row).raw)
    gas = _gas_now(desk, stuck)
    objection = None
    if row.channel != PUBLIC and desk.channel.name == PUBLIC:
        objection = f"{row.channel}, where it went, is not in relays any more"
    elif gas is not None and gas > row.gas_limit:
        objection = f"it would take {gas} gas now, more than its limit of {row.gas_limit}"
    if gas is None or objection is not None:
        cancel(desk, rows, head, objection or "it would revert now")
        return
    fees = _raised(desk, rows)
    transaction = stuck | {"maxFeePerGas": fees.max_fee, "maxPriorityFeePerGas": fees.tip}
    draft = Draft(
        decision_id=row.decision_id,
        together_with=[part.decision_id for part in row.parts[1:]],
        vaults=row.vaults,
        mode=row.mode,
        transaction=transaction,
        fees=fees,
        gas=gas,
        deadline=row.deadline or 0,
        benefit_cap=None if row.benefit_cap is None else int(row.benefit_cap),
        legs=desk.ledger.planned_legs(row.id),
        replaces_id=row.id,
    )
    _send(desk, draft, row, head, Event.REPLACED, "it is stuck")


def cancel(desk: Desk, rows: Sequence[TransactionRow], head: Block, why: str) -> None:
    """Use the nonce up with a payment of nothing to oneself. Raises as `replace`."""
    row, fees = _newest(rows), _raised(desk, rows)
    gas = _TRANSFER_GAS
    if checks.rollup_of(desk.settings) is Rollup.ARBITRUM:  # where the gas pays for data, too
        request = {"from": desk.sender, "to": desk.sender, "data": "0x"}
        gas = int(desk.client.run("eth_estimateGas", request, "latest"), 16)
        gas = gas * desk.settings.fees.gas_limit_percent // 100
    draft = Draft(
        decision_id=row.decision_id,
        together_with=[part.decision_id for part in row.parts[1:]],
        vaults=row.vaults,
        mode=CANCEL,
        transaction=eip1559.make(desk.chain_id, row.nonce, desk.sender, b"", gas, fees.max_fee, fees.tip),
        fees=fees,
        gas=gas,
        deadline=row.deadline or 0,
        benefit_cap=None,
        replaces_id=row.id,
    )
    _send(desk, draft, row, head, Event.CANCELLED, why)


def bumped(desk: Desk, rows: Sequence[TransactionRow], market: Fees) -> Fees:
    """Fees that take the place of transactions that somebody may have, or had.

    :raises GasTooExpensive: they are above the cap
    """
    tip, max_fee = max(int(row.tip) for row in rows), max(int(row.max_fee) for row in rows)
    return fee_market.replacement(Fees(market.base_fee, tip, max_fee), market, desk.settings.fees)


def was_underpriced(row: TransactionRow) -> bool:
    """Whether it was refused because another of its nonce pays as much."""
    return (row.error or "").startswith(Outcome.UNDERPRICED)


def _gas_now(desk: Desk, transaction: Transaction) -> int | None:
    """What the transaction would take in the next block; None where it would revert."""
    request = {"from": desk.sender, "to": transaction["to"], "data": transaction["data"]}
    try:
        # At the head, not at the pending block: a node may count the stuck transaction among what is pending.
        return int(desk.client.run("eth_estimateGas", request, "latest"), 16)
    except Reverted:
        return None


def _raised(desk: Desk, rows: Sequence[TransactionRow]) -> Fees:
    market = fee_market.current(desk.client, desk.settings.fees)
    return bumped(desk, [row for row in rows if row.state in IN_FLIGHT or was_underpriced(row)], market)


def _newest(rows: Sequence[TransactionRow]) -> TransactionRow:
    return [row for row in rows if row.state in IN_FLIGHT][-1]


def _send(desk: Desk, draft: Draft, old: TransactionRow, head: Block, event: Event, why: str) -> None:
    row, delivery = launch(desk, draft, head.number)
    if delivery.is_refusal:
        desk.ledger.note_head(old.id, head.number)  # not again with the very next block
        desk.tell(Event.DELAYED, old, f"{old.hash} could not be replaced: {delivery.why}")
        return
    desk.tell(event, row, f"{old.hash} makes place for {row.hash}, since {why}")
    if delivery.outcome is Outcome.UNCERTAIN:
        desk.tell(Event.UNCERTAIN, row, delivery.why)
