"""What the chain says about the ledger's transactions. Nothing that an endpoint says is taken without its being consistent."""

from collections.abc import Mapping, Sequence
from typing import Any

from keeper.chain import reader
from keeper.chain.abi import checksum
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.execution import receipt as receipts
from keeper.execution.lane.errors import FalseReceipt
from keeper.execution.lane.moves import Seen
from keeper.execution.receipt import Mined
from keeper.ledger import CANCEL, IN_FLIGHT, TransactionRow


def see(client: Client, rows: Sequence[TransactionRow], head: Block, confirmations: int) -> tuple[Seen, Mined | None]:
    """What the chain says about the attempts of one nonce, and the receipt of the one that is in a block.

    Three requests at most while nothing is mined.

    :raises FalseReceipt: an endpoint shows a receipt that is none of theirs
    :raises ChainError: the endpoint fails
    """
    sender, nonce = rows[0].sender, client.nonce(rows[0].sender)
    if nonce <= rows[0].nonce:
        return Seen(None, nonce, nonce, _known(client, [row for row in rows if row.state in IN_FLIGHT])), None
    for row in reversed(rows):  # of two that are the same to the byte, the later one counts
        mined = read_mined(client, row)
        if mined is not None:
            return Seen(row.id, nonce, nonce, frozenset()), mined
    settled = client.nonce(sender, hex(max(head.number - confirmations, 0)))
    return Seen(None, nonce, settled, _known(client, rows)), None


def read_mined(client: Client, row: TransactionRow) -> Mined | None:
    """What a transaction did, from its receipt in a block of the chain as it is now; None without one.

    :raises FalseReceipt, ChainError: as `see`
    """
    if row.hash is None:
        return None
    receipt = client.read("eth_getTransactionReceipt", row.hash)
    # Some nodes show a receipt without a block for a transaction that is only pending.
    if receipt is None or receipt.get("blockNumber") is None:
        return None
    try:
        _check(receipt, row)
        vaults = () if row.mode == CANCEL else row.vaults
        rebalancers = {reader.rebalancer_of(client, vault): vault for vault in vaults}
        mined = receipts.read(receipt, row.mode, rebalancers, {leg.pool: leg.venue for leg in row.legs})
    except (KeyError, TypeError, ValueError) as error:
        raise FalseReceipt(
            f"{client.name} shows a malformed receipt of {row.hash} ({error!r}): check rpc_url"
        ) from None
    return mined if client.contains(mined.block_number, mined.block_hash) else None


def _check(receipt: Mapping[str, Any], row: TransactionRow) -> None:
    found = (receipt["transactionHash"], checksum(receipt["from"]), checksum(receipt["to"]))
    if found != (row.hash, checksum(row.sender), checksum(row.target)):
        raise FalseReceipt(f"an endpoint shows the receipt of another transaction for {row.hash}: check rpc_url")
    for log in receipt["logs"]:
        origin = (log.get("transactionHash", row.hash), log.get("blockHash", receipt["blockHash"]))
        if origin != (row.hash, receipt["blockHash"]):
            raise FalseReceipt(f"an endpoint shows logs of another transaction for {row.hash}: check rpc_url")


def _known(client: Client, rows: Sequence[TransactionRow]) -> frozenset[int]:
    return frozenset(
        row.id for row in rows if row.hash is not None and client.read("eth_getTransactionByHash", row.hash) is not None
    )
