"""What the chain and the ledger say about a keeper's deeds, read past the keeper's own code.

Nothing here is asked of an endpoint that lies: the node itself answers, and the ledger's file is read with plain SQL.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from eth_utils.conversions import to_bytes, to_hex
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from chaos.desk import Desk
from chaos.proxy import Proxy
from devnet.box import Box
from keeper.chain import abi
from keeper.chain.abi import checksum

IN_A_BLOCK = ("mined", "confirmed")


@dataclass(frozen=True)
class Deed:
    """A transaction of the keeper in a block. Values are WAD USD as the rebalancers logged them."""

    hash: str
    block_hash: str
    nonce: int
    succeeded: bool
    openings: int
    fills: tuple[tuple[int, int], ...]  # value out, value in


@dataclass(frozen=True)
class Row:
    """A transaction of the ledger."""

    id: int
    decision_id: int
    state: str
    nonce: int
    hash: str | None
    block_hash: str | None
    value_out: int
    value_in: int


@dataclass
class Witness:
    """Simulates every transaction on the node itself at the moment at which the keeper hands it over."""

    seen: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(self, *proxies: Proxy) -> None:
        for proxy in proxies:
            proxy.on_send = lambda raw, proxy=proxy: self._simulate(proxy, raw)

    def _simulate(self, proxy: Proxy, raw: str) -> None:
        # Whoever hands it to another endpoint meanwhile waits: once one node has it, its pending block has it too.
        with self._lock:
            self._simulate_once(proxy, raw, to_hex(keccak(to_bytes(hexstr=raw))))

    def _simulate_once(self, proxy: Proxy, raw: str, name: str) -> None:
        if name in self.seen:
            return
        self.seen.add(name)
        fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        sender = _sender(raw)
        if fields["nonce"] < int(proxy.ask_node("eth_getTransactionCount", [sender, "latest"]), 16):
            return  # another one has its nonce: it can never be mined
        call = {"from": sender, "to": to_hex(fields["to"]), "data": to_hex(fields["data"])}
        try:
            proxy.ask_node("eth_call", [call, "pending"])
        except RuntimeError as error:
            self.broken.append(f"{name} was handed over although it reverts: {error}")


def deeds(box: Box, sender: str, rebalancers: Sequence[str], since: int) -> list[Deed]:
    """The sender's transactions in blocks after `since`, in order."""
    found = []
    for number in range(since + 1, int(box.rpc("eth_blockNumber"), 16) + 1):
        block = box.rpc("eth_getBlockByNumber", hex(number), True)
        for transaction in block["transactions"]:
            if checksum(transaction["from"]) == sender:
                found.append(_deed(box, transaction, rebalancers))
    return found


def rows(ledger: Path) -> list[Row]:
    """The ledger's transactions, oldest first."""
    query = "SELECT id, decision_id, state, nonce, hash, block_hash, value_out, value_in FROM transactions ORDER BY id"
    return [
        Row(*each[:2], each[2].lower(), *each[3:6], int(each[6] or 0), int(each[7] or 0))
        for each in _query(ledger, query)
    ]


def decisions(ledger: Path) -> set[int]:
    """Ids of the ledger's decisions."""
    return {each[0] for each in _query(ledger, "SELECT id FROM decisions")}


def left_out(ledger: Path) -> dict[str, str]:
    """Ways that the ledger says could not be done, and why."""
    return dict(_query(ledger, "SELECT name, left_out FROM alternatives WHERE left_out IS NOT NULL"))


def faults(
    box: Box, ledger: Path, sender: str, rebalancers: Sequence[str], since: int, *, may_revert: bool = False
) -> list[str]:
    """Whatever does not fit between the chain since a block and the ledger; in words, empty when all is well."""
    done, written = deeds(box, sender, rebalancers, since), rows(ledger)
    by_hash = {row.hash: row for row in written if row.hash is not None}
    found = [f"{deed.hash} is in a block, and no row has it" for deed in done if deed.hash not in by_hash]
    if not may_revert:
        found += [f"{deed.hash} reverted in a block" for deed in done if not deed.succeeded]
    for deed in done:
        row = by_hash.get(deed.hash)
        if row is None:
            continue
        if deed.succeeded and (row.state not in IN_A_BLOCK or row.block_hash != deed.block_hash):
            found.append(f"{deed.hash} is in block {deed.block_hash}, its row says {row.state} in {row.block_hash}")
        if (row.value_out, row.value_in) != tuple(map(sum, zip((0, 0), *deed.fills, strict=False))):
            found.append(f"{deed.hash} logged {deed.fills}, its row says {row.value_out} for {row.value_in}")
    mined = {deed.hash for deed in done}
    for row in written:
        if row.state in IN_A_BLOCK and row.hash not in mined:
            found.append(f"row {row.id} says {row.state}, and {row.hash} is in no block")
    for decision, count in Counter(by_hash[deed.hash].decision_id for deed in done if deed.hash in by_hash).items():
        if count > 1:
            found.append(f"decision {decision} has {count} transactions in blocks")
    if orphans := {row.decision_id for row in written} - decisions(ledger):
        found.append(f"transactions of decisions that are not there: {orphans}")
    nonces = [deed.nonce for deed in done]
    if nonces and nonces != list(range(nonces[0], nonces[0] + len(nonces))):
        found.append(f"nonces {nonces}")
    return found


def rebalancers(desk: Desk) -> tuple[str, ...]:
    """Of a desk's vaults."""
    return tuple(desk.box.call(vault, "rebalancer()(address)") for vault in desk.site.vaults)


def _deed(box: Box, transaction: dict[str, Any], rebalancers: Sequence[str]) -> Deed:
    receipt = box.rpc("eth_getTransactionReceipt", transaction["hash"])
    openings, fills = 0, []
    for log in receipt["logs"]:
        if checksum(log["address"]) not in rebalancers:
            continue
        topic = to_bytes(hexstr=log["topics"][0])
        if topic == abi.Rebalancer.rebalance_opened.topic:
            openings += 1
        if topic == abi.Rebalancer.rebalanced.topic:
            fills.append(abi.Rebalancer.rebalanced.decode(to_bytes(hexstr=log["data"]))[:2])
    return Deed(
        hash=transaction["hash"],
        block_hash=transaction["blockHash"],
        nonce=int(transaction["nonce"], 16),
        succeeded=int(receipt["status"], 16) == 1,
        openings=openings,
        fills=tuple(fills),
    )


def _sender(raw: str) -> str:
    return str(Account.recover_transaction(raw))


def _query(ledger: Path, query: str) -> list[tuple[Any, ...]]:
    """What is there; nothing where the process was killed before it had made its tables."""
    with closing(sqlite3.connect(ledger)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'transactions'").fetchall():
            return []
        return connection.execute(query).fetchall()
