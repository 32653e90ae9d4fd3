"""The pool over real nodes: two chains of the same blocks, and proxies before one node that lie, fail or lose a transaction."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from eth_account import Account
from fake_pool import Proxy, serving

from devnet import anvil
from keeper.chain.errors import NoQuorum, Reorged, RpcError
from keeper.chain.heads import Heads
from keeper.chain.quorum import Pool
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block

GENESIS_S, BLOCK_S = 1_700_000_000, 12
RICH = Account.from_key(b"\x11" * 32)
OTHER = "0x" + "11" * 20
BLOCKS = 10


@dataclass
class Node:
    """One anvil on which blocks are mined when a test says so."""

    url: str

    @property
    def client(self) -> Client:
        return Client(self.url, attempts=1)

    def mine(self, count: int = 1, late_s: int = 0) -> None:
        """Blocks at times that depend on their numbers alone, but for `late_s`: nodes that mine alike are alike."""
        for _ in range(count):
            number = self.client.head().number + 1
            self.client.send("evm_setNextBlockTimestamp", hex(GENESIS_S + BLOCK_S * number + late_s))
            self.client.send("evm_mine")

    def reorg(self, depth: int, late_s: int = 1) -> None:
        """Replace the last blocks by as many others, the same on each node."""
        self.client.send("anvil_rollback", depth)
        self.mine(depth, late_s)


@pytest.fixture
def nodes() -> Iterator[list[Node]]:
    running = []
    nodes = []
    try:
        for _ in range(2):
            port = anvil.free_port()
            running.append(anvil.start(port, "--timestamp", str(GENESIS_S), "--no-mining"))
            nodes.append(Node(f"http://127.0.0.1:{port}"))
        for node in nodes:
            node.client.send("anvil_setBalance", RICH.address, hex(10**18))
            node.mine(BLOCKS)
        yield nodes
    finally:
        for process in running:
            anvil.stop(process)


@pytest.fixture
def events() -> list:
    return []


def pool_of(urls, events, **changes) -> Pool:
    return Pool(urls, **{"attempts": 1, "tell": events.append, "now": lambda: GENESIS_S + 10_000} | changes)


def test_head__of_two_nodes_and_a_proxy__is_one_block(nodes, events):
    proxy = Proxy(nodes[0].client)
    with serving(proxy):
        pool = pool_of([nodes[0].url, nodes[1].url, proxy.url], events, quorum=3).connect()
        head = pool.head()
        assert head == nodes[0].client.head() == nodes[1].client.head()
        assert head.number == BLOCKS
        assert pool.balance(RICH.address) == 10**18
        assert pool.nonce(RICH.address) == 0
        nodes[0].mine()
        assert pool_of([node.url for node in nodes], events).connect().head() == head
    assert events == []


def test_read__from_a_node_that_lies__is_the_others_answer(nodes, events):
    liar = Proxy(nodes[0].client, lambda method, params, result: "0x1" if method == "eth_getBalance" else result)
    with serving(liar):
        pool = pool_of([liar.url, nodes[0].url, nodes[1].url], events).connect()
        assert pool.balance(RICH.address) == 10**18
        assert [str(event.trouble) for event in events] == ["lie"]


@pytest.mark.parametrize("depth", range(1, 6))
def test_client__after_anvil_reorg__says_that_the_snapshots_block_is_gone(nodes, depth):
    client = nodes[0].client
    head = client.head()
    client.send("anvil_reorg", depth, [])
    assert not client.is_canonical(head)
    assert client.contains(BLOCKS - depth, nodes[1].client.block_hash(BLOCKS - depth))
    with pytest.raises(Reorged, match=f"block {BLOCKS} "):
        client.call(OTHER, b"", head)
    with pytest.raises(Reorged):
        client.simulate([], head, 1)


@pytest.mark.parametrize("depth", range(1, 6))
def test_pool__when_nodes_go_another_way__follows_once_a_quorum_does(nodes, events, depth):
    twin = Proxy(nodes[1].client)
    with serving(twin):
        pool = pool_of([nodes[0].url, nodes[1].url, twin.url], events, lag_max_blocks=5).connect()
        head = pool.head()
        nodes[0].reorg(depth)
        assert pool.is_canonical(head)  # one of three
        assert pool.head() == head
        stop = threading.Event()
        heads = iter(Heads(pool, stop, poll_interval_s=0.01))
        next(heads)
        nodes[1].reorg(depth)
        assert not pool.is_canonical(head)
        new = next(heads)
        stop.set()
        assert (new.reorged, new.block) == (True, nodes[0].client.head())
        with pytest.raises(Reorged):
            pool.call(OTHER, b"", head)


def test_heads__on_anvils_socket__announce_each_block(nodes):
    stop = threading.Event()
    url = nodes[0].url.replace("http", "ws")
    heads = iter(Heads(nodes[0].client, stop, url, poll_interval_s=600, block_time_s=600))
    assert next(heads).block.number == BLOCKS
    threading.Timer(0.5, nodes[0].mine).start()
    assert next(heads).block.number == BLOCKS + 1
    threading.Timer(0.1, nodes[0].mine).start()
    assert next(heads).block.number == BLOCKS + 2
    stop.set()


def signed(value: int) -> tuple[str, str]:
    """A raw transaction with nonce 0, and its hash."""
    transaction = {
        "type": 2,
        "chainId": 1,
        "nonce": 0,
        "to": OTHER,
        "value": value,
        "gas": 21_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 1,
    }
    made = RICH.sign_transaction(transaction)
    return "0x" + made.raw_transaction.hex(), "0x" + made.hash.hex()


def test_send__over_three_ways_to_one_node__is_taken_once_and_its_receipt_agreed(nodes, events):
    ways = [Proxy(nodes[0].client) for _ in range(3)]
    with serving(*ways):
        pool = pool_of([way.url for way in ways], events).connect()
        raw, expected = signed(value=1)
        assert pool.send("eth_sendRawTransaction", raw) == expected
        assert all(("eth_sendRawTransaction", [raw]) in way.requests for way in ways)
        assert pool.send("eth_sendRawTransaction", raw) == expected  # they all know it
        assert pool.read("eth_getTransactionReceipt", expected) is None
        assert pool.read("eth_getTransactionByHash", expected)["hash"] == expected
        assert (pool.nonce(RICH.address), pool.nonce(RICH.address, "pending")) == (0, 1)
        nodes[0].mine()
        ways[0].lie = lambda method, params, result: (
            result | {"status": "0x0"} if method == "eth_getTransactionReceipt" else result
        )
        receipt = pool.read("eth_getTransactionReceipt", expected)
        assert (receipt["status"], receipt["blockHash"]) == ("0x1", nodes[0].client.head().hash)
        assert [str(event.trouble) for event in events] == ["lie"]
        assert pool.nonce(RICH.address) == 1
        with pytest.raises(RpcError, match="nonce too low"):
            pool.send("eth_sendRawTransaction", signed(value=2)[0])


def test_pool__a_node_that_dies_and_comes_back_as_another_chain__has_no_say(nodes, events):
    ways = [Proxy(nodes[0].client) for _ in range(3)]
    with serving(*ways):
        clock = [0.0]
        pool = pool_of([way.url for way in ways], events, clock=lambda: clock[0]).connect()
        ways[0].trouble = ("dead", None)
        for _ in range(6):
            pool.head()
        ways[0].trouble = None
        ways[0].lie = lambda method, params, result: "0x5" if method == "eth_chainId" else result
        clock[0] += 30
        assert pool.head().number == BLOCKS
        assert [str(event.trouble) for event in events] == ["down", "wrong chain"]


def test_pool__two_chains_without_a_third__stops(nodes, events):
    nodes[0].reorg(8)
    pool = pool_of([node.url for node in nodes], events).connect()
    with pytest.raises(NoQuorum, match="fewer than 2 endpoints agree"):
        pool.head()


def test_block__of_a_real_node__has_its_parent(nodes):
    head = nodes[0].client.head()
    assert isinstance(head, Block)
    assert head.parent_hash == nodes[0].client.block_hash(BLOCKS - 1)
