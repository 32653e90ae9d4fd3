"""Sends one signed transaction: checks → signature → intent on disk → wire → what became of it on disk."""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils.conversions import to_bytes, to_hex
from eth_utils.crypto import keccak

from keeper.chain import reader
from keeper.execution.eip1559 import Transaction
from keeper.execution.fees import Fees
from keeper.execution.lane import checks
from keeper.execution.lane.channels import Channel, Delivery, Outcome
from keeper.execution.lane.desk import Desk
from keeper.execution.lane.orders import Event
from keeper.execution.lane.steps import Step
from keeper.execution.signer import Signed
from keeper.execution.signer.policy import DAY_S, SignerPolicy
from keeper.ledger import BANDS, PUBLIC, Intent, LedgerLeg, TransactionRow


@dataclass(frozen=True, slots=True)
class Draft:
    """A transaction that is about to be signed.

    :param gas: what it is expected to take
    :param benefit_cap: wei that it may be expected to cost; None: no such cap
    :param replaces_id: the row whose place it takes
    """

    decision_id: int
    together_with: Sequence[int]  # decisions
    vaults: Sequence[str]
    mode: str
    transaction: Transaction
    fees: Fees
    gas: int
    deadline: int
    benefit_cap: int | None
    legs: Sequence[LedgerLeg] = ()
    replaces_id: int | None = None


def launch(desk: Desk, draft: Draft, head_number: int) -> tuple[TransactionRow, Delivery]:
    """Send it through the desk's channel; its row, and what became of it.

    A refusal of every relay ends there, unless the settings say in so many words that it may go on publicly.

    :param head_number: number of the block that is the head now
    :raises Refused, CostAboveCap, CostAboveBenefit, Unfunded: a check does not let it be signed
    :raises SignerError: an external signer does not sign it
    :raises LedgerError: the intent cannot be written down
    :raises ChainError: the endpoint fails before anything is sent, or serves another chain by now
    In each case nothing was sent.
    """
    transaction = draft.transaction
    desk.client.check_chain()
    data = checks.data_fee(desk.client, desk.settings, transaction, desk.sender)
    _check(desk, draft, checks.outside_gas(data))
    checks.check_costs(transaction, draft.fees, draft.gas, data, draft.benefit_cap, desk.settings)
    checks.check_funds(desk.client, desk.sender, transaction, data)
    signed = desk.signer.sign(transaction)
    desk.at(Step.SIGNED)
    row, delivery = _record_and_send(desk, draft, signed, desk.channel, checks.outside_gas(data), head_number)
    if delivery.outcome is Outcome.REFUSED and desk.channel.name != PUBLIC and not desk.settings.relays.private_only:
        desk.tell(Event.REFUSED, row, f"{delivery.why}; relays.private_only is off: it goes on publicly")
        row, delivery = _record_and_send(desk, draft, signed, desk.public, checks.outside_gas(data), head_number)
    return row, delivery


def hand_over(desk: Desk, row: TransactionRow, signed: Signed, channel: Channel) -> Delivery:
    """Send a transaction that is written down. Only a first refusal is written down: an earlier send may have been taken."""
    delivery = channel.send(signed)
    desk.at(Step.HANDED_OVER)
    if delivery.outcome is Outcome.TAKEN:
        desk.ledger.mark_sent(row.id, signed.hash)
        desk.at(Step.SENT)
    return delivery


def _record_and_send(
    desk: Desk, draft: Draft, signed: Signed, channel: Channel, data_fee: int, head_number: int
) -> tuple[TransactionRow, Delivery]:
    transaction = draft.transaction
    intent = Intent(
        sender=desk.sender,
        nonce=transaction["nonce"],
        target=transaction["to"],
        mode=draft.mode,
        hash=signed.hash,
        max_fee=transaction["maxFeePerGas"],
        tip=transaction["maxPriorityFeePerGas"],
        gas_limit=transaction["gas"],
        replaces_id=draft.replaces_id,
        channel=channel.name,
        calldata_hash=to_hex(keccak(hexstr=transaction["data"])),
        raw=to_hex(signed.raw),
        deadline=draft.deadline,
        since_block=head_number,
        benefit_cap=draft.benefit_cap,
        data_fee_max=data_fee,
    )
    row_id = desk.ledger.record_intent(desk.chain_id, draft.decision_id, intent, draft.legs, draft.together_with)
    row = desk.ledger.transaction(row_id)
    desk.at(Step.RECORDED)
    delivery = hand_over(desk, row, signed, channel)
    if delivery.is_refusal:
        desk.ledger.mark_failed(row.id, f"{delivery.outcome}: {delivery.why}")
        desk.at(Step.REFUSED)
    return row, delivery


def _check(desk: Desk, draft: Draft, data_fee: int) -> None:
    """The signer's policy, with what the ledger knows of this day."""
    transaction, now = draft.transaction, int(desk.clock())
    known = desk.ledger.signed_since(desk.chain_id, desk.sender, now // DAY_S * DAY_S)
    fee = transaction["gas"] * transaction["maxFeePerGas"] + data_fee
    _policy_of(desk, draft).check(transaction, checks.spendings(known, transaction["nonce"], fee), now, data_fee)


def _policy_of(desk: Desk, draft: Draft) -> SignerPolicy:
    if draft.mode != BANDS:
        return checks.policy_of(desk.settings, desk.chain_id, desk.sender, draft.vaults)
    rebalancers = [reader.rebalancer_of(desk.client, vault) for vault in draft.vaults]
    return checks.strategist_policy_of(desk.settings, desk.chain_id, desk.sender, rebalancers)


def signed_of(row: TransactionRow) -> Signed:
    """The very bytes that were signed."""
    assert row.raw is not None
    return Signed(to_bytes(hexstr=row.raw))
