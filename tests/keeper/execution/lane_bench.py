"""A chain and a node in this process, with a pool that follows geth's rules, and a lane on them that may be killed anywhere."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak
from fake_chain import USDC, WETH, address, bare_snapshot
from ledger_places import empty_file

from keeper.chain import abi
from keeper.chain.rpc import Reverted, RpcError, TransientError
from keeper.chain.snapshot import Block
from keeper.errors import ChainError
from keeper.execution import eip1559
from keeper.execution.fees import NODE_INTERFACE, Fees
from keeper.execution.lane import Lane, Notice, Order, Step, Ticket, Worth
from keeper.execution.plan import Call
from keeper.execution.signer import KeystoreSigner
from keeper.ledger import Ledger, TransactionRow
from keeper.policy import Decision, Kind
from keeper.routing import Leg
from keeper.settings import Settings, load

GWEI, WAD = 10**9, 10**18
VAULT, REBALANCER, EXECUTOR, POOL = (address(name) for name in ("vault", "rebalancer", "executor", "pool"))
OTHER, OTHER_REBALANCER = address("another vault"), address("another rebalancer")
LEG = Leg(POOL, "uniswap_v3", WETH, USDC, 10, 20, 10**18, 500)
BLOCK_S = 12
GAS = 100_000


@dataclass
class Sent:
    """A transaction as the node has it."""

    raw: bytes
    sender: str = field(init=False)
    fields: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.sender = str(Account.recover_transaction(self.raw))
        self.fields = eip1559.decode(self.raw)

    @property
    def hash(self) -> str:
        return "0x" + keccak(self.raw).hex()

    @property
    def nonce(self) -> int:
        return int(self.fields["nonce"])


@dataclass
class Mined:
    """A block."""

    hash: str
    timestamp: int
    transactions: list[Sent]


class Node:
    """What the lane asks of `keeper.chain.rpc.Client`, answered from a chain in memory."""

    chain_id, name = 1, "the node"

    def __init__(self) -> None:
        self.blocks = [Mined("0x" + keccak(text="genesis").hex(), 1_800_000_000, [])]
        self.pool: dict[tuple[str, int], Sent] = {}
        self.base_fee = GWEI
        self.tip = GWEI
        self.held = WAD
        self.serves = self.chain_id
        self.estimate: int | None = GAS  # None: it would revert
        self.reverts = False  # what is mined fails
        self.on_send: Callable[[Sent], None] | None = None  # may raise what the sender is to see
        self.after_send: Callable[[Sent], None] | None = None
        self.bend: Callable[[dict[str, Any]], dict[str, Any]] = lambda receipt: receipt  # lies about receipts
        self.requests: list[str] = []
        self._salt = 0

    def mine(self, count: int = 1, *, empty: bool = False) -> None:
        """Blocks, the first with what the pool has and pays the base fee."""
        for _ in range(count):
            chosen: list[Sent] = []
            for (sender, nonce), sent in sorted(self.pool.items(), key=lambda item: item[0]):
                ahead = sum(each.sender == sender for each in chosen)
                if not empty and nonce == self.nonce(sender) + ahead and sent.fields["maxFeePerGas"] >= self.base_fee:
                    chosen.append(sent)
            for sent in chosen:
                del self.pool[sent.sender, sent.nonce]
            self._salt += 1
            block_hash = "0x" + keccak(text=f"block {len(self.blocks)} {self._salt}").hex()
            self.blocks.append(Mined(block_hash, self.blocks[-1].timestamp + BLOCK_S, chosen))

    def reorg(self, depth: int, *, keep: bool) -> None:
        """Replace the last blocks by as many empty ones; what they held is in the pool again when `keep`."""
        gone = self.blocks[-depth:]
        del self.blocks[-depth:]
        if keep:
            for sent in (sent for block in gone for sent in block.transactions):
                self.pool.setdefault((sent.sender, sent.nonce), sent)
        self.mine(depth, empty=True)

    def transactions(self) -> list[Sent]:
        """What is in blocks, in order."""
        return [sent for block in self.blocks for sent in block.transactions]

    def check_chain(self) -> None:
        if self.serves != self.chain_id:
            raise ChainError(f"wrong chain id: expected {self.chain_id}, got {self.serves}")

    def head(self) -> Block:
        return self._block(len(self.blocks) - 1)

    def block(self, number: int) -> Block | None:
        self.requests.append("block")
        return self._block(number) if number < len(self.blocks) else None

    def contains(self, number: int, block_hash: str) -> bool:
        self.requests.append("contains")
        return number < len(self.blocks) and self.blocks[number].hash == block_hash

    def nonce(self, sender: str, tag: str = "latest") -> int:
        self.requests.append("nonce")
        blocks = self.blocks if tag in ("latest", "pending") else self.blocks[: int(tag, 16) + 1]
        mined = sum(sent.sender == sender for block in blocks for sent in block.transactions)
        while tag == "pending" and (sender, mined) in self.pool:
            mined += 1
        return mined

    def balance(self, _: str) -> int:
        return self.held

    def call(self, to: str, data: bytes, *_: object, **__: object) -> bytes:
        if to == NODE_INTERFACE:  # of Arbitrum
            return encode(["uint64", "uint64", "uint256", "uint256"], [GAS, GAS // 2, GWEI, GWEI])
        assert data == abi.Vault.rebalancer.encode()
        return encode(["address"], [{VAULT: REBALANCER, OTHER: OTHER_REBALANCER}[to]])

    def run(self, method: str, *_: object) -> str:
        assert method == "eth_estimateGas"
        if self.estimate is None:
            raise Reverted(b"")
        return hex(self.estimate)

    def read(self, method: str, *params: Any) -> Any:
        self.requests.append(method)
        match method:
            case "eth_feeHistory":
                return {"baseFeePerGas": [hex(self.base_fee)], "reward": [[hex(self.tip)]]}
            case "eth_getTransactionByHash":
                everywhere = [*self.pool.values(), *self.transactions()]
                return next(({"hash": sent.hash} for sent in everywhere if sent.hash == params[0]), None)
            case "eth_getTransactionReceipt":
                return self._receipt(params[0])
        raise AssertionError(method)

    def send(self, method: str, raw: str) -> str:
        assert method == "eth_sendRawTransaction"
        sent = Sent(bytes.fromhex(raw[2:]))
        if self.on_send is not None:
            self.on_send(sent)
        self.take(sent)
        if self.after_send is not None:
            self.after_send(sent)
        return sent.hash

    def take(self, sent: Sent) -> None:
        """Into the pool, or refused in geth's words."""
        if sent.nonce < self.nonce(sent.sender):
            raise RpcError("the node refused: nonce too low", -32000, None)
        old = self.pool.get((sent.sender, sent.nonce))
        if old is not None and old.hash == sent.hash:
            raise RpcError("the node refused: already known", -32000, None)
        if old is not None and any(
            sent.fields[fee] * 100 < old.fields[fee] * 110 for fee in ("maxFeePerGas", "maxPriorityFeePerGas")
        ):
            raise RpcError("the node refused: replacement transaction underpriced", -32000, None)
        self.pool[sent.sender, sent.nonce] = sent

    def _receipt(self, wanted: str) -> dict[str, Any] | None:
        for number, block in enumerate(self.blocks):
            for sent in block.transactions:
                if sent.hash == wanted:
                    return self.bend(
                        {
                            "transactionHash": wanted,
                            "from": sent.sender.lower(),
                            "to": sent.fields["to"].lower(),
                            "blockNumber": hex(number),
                            "blockHash": block.hash,
                            "status": "0x0" if self.reverts else "0x1",
                            "gasUsed": hex(GAS),
                            "effectiveGasPrice": hex(self.base_fee),
                            "logs": [],
                        }
                    )
        return None

    def _block(self, number: int) -> Block:
        block = self.blocks[number]
        return Block(number, block.hash, block.timestamp, self.base_fee)


class Killed(BaseException):
    """The process ends here."""


class Bench:
    """A lane over a node and a ledger on disk, that can be killed and started again."""

    def __init__(self, folder: Path, node: Any = None, key: bytes | None = None, **settings: Any):
        self.folder, self.node = folder, node or Node()
        self.signer = KeystoreSigner(Account.from_key(key) if key else Account.create())
        given = {"receipt_timeout_s": 0.2, "executor": EXECUTOR, "confirmations": 2} | settings
        self.settings: Settings = load(arguments=given, environment={})
        self.notices: list[Notice] = []
        self.passed: list[Step] = []
        self.kill_at: Callable[[Step], bool] = lambda step: False
        self.channel: Any = None
        self.now = int(time.time())  # the ledger stamps its rows with it
        self.decisions = 0
        self.open()

    def open(self) -> None:
        """The process starts: the ledger, its locks, the lane."""
        file = self.folder / "ledger.sqlite"
        if not file.exists():
            file.write_bytes(empty_file())
        self.ledger = Ledger(file)
        self.ledger.locks.lane(1, self.signer.address)
        for vault in (VAULT, OTHER):
            self.ledger.locks.vault(1, vault)
        self.lane = Lane(
            self.node,
            self.ledger,
            self.signer,
            self.settings,
            self.notices.append,
            channel=self.channel,
            at=self._at,
            clock=lambda: self.now,
        )

    def restart(self) -> None:
        """The process was killed, and is started again: nothing but the disk is left."""
        self.ledger.close()
        self.kill_at = lambda step: False
        self.open()

    def change(self, group: str = "fees", **values: Any) -> None:
        """Other settings of a group."""
        self.change_all(**{group: getattr(self.settings, group).model_copy(update=values)})

    def change_all(self, **values: Any) -> None:
        """Other settings."""
        self.settings = self.settings.model_copy(update=values)
        self.restart()

    def decide(self, vault: str = VAULT) -> int:
        """A decision to rebalance, at a block of its own."""
        self.decisions += 1
        snapshot = bare_snapshot(vault, block=Block(self.decisions, hex(self.decisions), 1, 0))
        return self.ledger.record_decision(1, snapshot, Decision(Kind.REBALANCE, "due"), armed=True)

    def order(self, *, seconds: int = 180, **changes: Any) -> Order:
        """An order of a decision of its own, whose calldata no other has; worthless after so many seconds."""
        decision = self.decide()
        data = abi.Executor.rebalance.selector + self.decisions.to_bytes(4, "big")
        given = {
            "decision_id": decision,
            "call": Call("rebalance", VAULT, EXECUTOR, data, legs=(LEG,)),
            "fees": Fees(GWEI, GWEI, 3 * GWEI),
            "gas": GAS,
            "deadline": self.node.head().timestamp + seconds,
            "worth": Worth(100_000 * WAD, 2_000 * WAD),
        }
        return Order(**(given | changes))

    def submit(self, **changes: Any) -> Ticket:
        """Submit an order at the head."""
        return self.lane.submit(self.order(**changes), self.node.head())

    def step(self) -> None:
        """At the head."""
        self.lane.step(self.node.head())

    def pass_blocks(self, count: int, *, empty: bool = False) -> None:
        """So many blocks, each seen."""
        for _ in range(count):
            self.node.mine(empty=empty)
            self.step()

    @property
    def rows(self) -> list[TransactionRow]:
        return self.ledger.transactions()

    @property
    def states(self) -> list[str]:
        """Mode and state of each row."""
        return [f"{row.mode} {row.state}" for row in self.rows]

    @property
    def events(self) -> list[str]:
        return [notice.event.value for notice in self.notices]

    def _at(self, step: Step) -> None:
        self.passed.append(step)
        if self.kill_at(step):
            raise Killed(step)


def lost(_: Sent) -> None:
    """The endpoint gives no answer."""
    raise TransientError("no RPC endpoint answers")
