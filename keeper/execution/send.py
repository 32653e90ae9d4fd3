"""The lane: one transaction at a time per account, written down before it is sent.

A process may be killed at any step. Before the send the ledger holds an intent with the hash and the nonce; `settle`
asks the chain what became of it before anything else is sent, so that nothing is sent twice and nothing is lost.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from eth_utils.conversions import to_hex
from filelock import FileLock, Timeout

from keeper.chain import reader
from keeper.chain.rpc import Client, RpcError
from keeper.errors import ChainError, ConfigurationError, TransactionError
from keeper.execution import receipt as receipts
from keeper.execution.fees import Fees, to_wei
from keeper.execution.plan import Call
from keeper.execution.receipt import Mined, Swap
from keeper.execution.signer import Signer, Transaction
from keeper.execution.signer.policy import DAY_S, SignerPolicy, Spending, keeper_calls
from keeper.ledger import Intent, Ledger, LedgerLeg
from keeper.ledger.models import LegRow
from keeper.routing.route import Leg
from keeper.settings import Settings

_POLL_FIRST_S, _POLL_MOST_S = 0.05, 2.0


class InFlight(TransactionError):
    """A transaction of this account is still on its way."""


@contextmanager
def only_one(ledger: Ledger, chain_id: int, sender: str) -> Iterator[None]:
    """Hold the account's lane: two processes would take the same nonce.

    :raises ConfigurationError: another process holds it
    """
    file = ledger.file.with_name(f"{chain_id}-{sender.lower()}.lock")
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigurationError(f"another keeper process signs for {sender} (lock {file}): stop it first") from None
    try:
        yield
    finally:
        lock.release()


def settle(client: Client, ledger: Ledger, sender: str) -> None:
    """Write down what became of the transactions that an earlier run left without an outcome.

    :raises InFlight: one of them, or one that this ledger does not know, is not mined yet
    :raises ChainError: the endpoint fails
    """
    mined_nonce = client.nonce(sender)
    for row in ledger.unsettled(client.chain_id, sender):
        receipt = client.read("eth_getTransactionReceipt", row.hash) if row.hash else None
        if receipt is not None:
            _book(ledger, row.id, _outcome(client, receipt, row.mode, row.decision.vault, row.legs))
        elif row.nonce < mined_nonce:
            ledger.mark_failed(row.id, "another transaction with its nonce was mined")
        elif row.hash and client.read("eth_getTransactionByHash", row.hash) is not None:
            raise InFlight(f"transaction {row.hash} of {sender} is not mined yet: wait for it and run again")
        else:
            ledger.mark_failed(row.id, "the endpoint does not know it: it was not sent, or it was dropped")
    if client.nonce(sender, "pending") > mined_nonce:
        raise InFlight(
            f"{sender} has a transaction on its way that this ledger does not know: wait for it and run again"
        )


def send(
    client: Client,
    ledger: Ledger,
    signer: Signer,
    settings: Settings,
    decision_id: int,
    call: Call,
    fees: Fees,
    gas: int,
) -> Mined:
    """Send `call` and wait until it is mined. Call it inside `only_one` and after `settle`.

    :param gas: the estimate; `gas_limit_percent` of it becomes the limit
    :raises Refused: the signer's policy does not let it be signed; nothing was written down or sent
    :raises TransactionError: the account cannot pay, the endpoint refuses it, it reverts, or it is not mined in time
    :raises SignerError: an external signer does not sign it; nothing was written down or sent
    :raises ChainError: the endpoint fails
    """
    gas_limit = gas * settings.fees.gas_limit_percent // 100
    _check_funds(client, signer.address, gas_limit * fees.max_fee)
    transaction = build(client, signer.address, call.target, call.data, gas_limit, fees)
    _check_policy(ledger, settings, signer.address, call, transaction)
    prepared = signer.prepare(transaction)
    intent = Intent(
        signer.address, transaction["nonce"], call.target, call.mode, prepared.hash, fees.max_fee, fees.tip, gas_limit
    )
    row_id = ledger.record_intent(client.chain_id, decision_id, intent, _ledger_legs(call.legs))
    try:
        transaction_hash = str(client.send(prepared.method, prepared.parameter))
    except RpcError as error:
        ledger.mark_failed(row_id, str(error))
        raise TransactionError(f"{call.mode} of {call.vault} was not taken: {error}") from None
    except ChainError:
        # The answer is lost, the transaction perhaps not: its receipt will tell, now or at the next run.
        if prepared.hash is None:
            raise
        transaction_hash = prepared.hash
    ledger.mark_sent(row_id, transaction_hash)
    receipt = wait_for(client, transaction_hash, settings.receipt_timeout_s)
    mined = _outcome(client, receipt, call.mode, call.vault, call.legs)
    _book(ledger, row_id, mined)
    if not mined.succeeded:
        raise TransactionError(f"{call.mode} of {call.vault} reverted in transaction {mined.hash}: plan it again")
    return mined


def build(client: Client, sender: str, to: str | None, data: bytes, gas_limit: int, fees: Fees) -> Transaction:
    """An unsigned transaction with the sender's next nonce; `to` is None for a new contract."""
    transaction: Transaction = {
        "type": 2,
        "chainId": client.chain_id,
        "nonce": client.nonce(sender),
        "value": 0,
        "data": to_hex(data),
        "gas": gas_limit,
        "maxFeePerGas": fees.max_fee,
        "maxPriorityFeePerGas": fees.tip,
    }
    return transaction | ({} if to is None else {"to": to})


def wait_for(client: Client, transaction_hash: str, timeout_s: float) -> dict[str, Any]:
    """The receipt of a transaction, once it is mined.

    :raises InFlight: it is not mined in time
    :raises ChainError: the endpoint fails
    """
    deadline = time.monotonic() + timeout_s
    pause = _POLL_FIRST_S
    while True:
        receipt = client.read("eth_getTransactionReceipt", transaction_hash)
        # Some nodes show a receipt without a block for a transaction that is only pending.
        if receipt is not None and receipt.get("blockNumber") is not None:
            found: dict[str, Any] = receipt
            return found
        if time.monotonic() + pause > deadline:
            raise InFlight(f"transaction {transaction_hash} is not mined after {timeout_s:g} s: run again to settle it")
        time.sleep(pause)
        pause = min(2 * pause, _POLL_MOST_S)


def _check_policy(ledger: Ledger, settings: Settings, sender: str, call: Call, transaction: Transaction) -> None:
    now = int(time.time())
    policy = SignerPolicy(
        transaction["chainId"],
        keeper_calls(call.vaults, settings.executor, settings.batch_executor),
        to_wei(settings.fees.transaction_max_eth),
        to_wei(settings.fees.day_max_eth),
    )
    today = now // DAY_S * DAY_S
    spent = [Spending(at, cost) for at, cost in ledger.signed_since(transaction["chainId"], sender, today)]
    policy.check(transaction, spent, now)


def _check_funds(client: Client, sender: str, wanted: int) -> None:
    held = client.balance(sender)
    if held < wanted:
        raise TransactionError(
            f"{sender} holds {held / 1e18:.6f} ETH, the transaction may cost {wanted / 1e18:.6f} ETH: fund it"
        )


def _outcome(client: Client, receipt: Mapping[str, Any], mode: str, vault: str, legs: Sequence[Leg | LegRow]) -> Mined:
    venues = {leg.pool: leg.venue for leg in legs}
    return receipts.read(receipt, mode, reader.rebalancer_of(client, vault), venues)


def _book(ledger: Ledger, row_id: int, mined: Mined) -> None:
    if not mined.succeeded:
        ledger.mark_reverted(row_id, mined.block_number, mined.block_hash, mined.gas_used, mined.gas_price)
        return
    values = None if mined.value_out is None or mined.value_in is None else (mined.value_out, mined.value_in)
    ledger.mark_mined(
        row_id,
        block_number=mined.block_number,
        block_hash=mined.block_hash,
        gas_used=mined.gas_used,
        gas_price=mined.gas_price,
        values=values,
        legs=_ledger_legs(mined.swaps),
    )


def _ledger_legs(swaps: Sequence[Leg | Swap]) -> list[LedgerLeg]:
    return [
        LedgerLeg(swap.pool, swap.venue, swap.token_in, swap.token_out, swap.amount_in, swap.amount_out)
        for swap in swaps
    ]
