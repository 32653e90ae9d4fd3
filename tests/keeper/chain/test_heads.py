"""New blocks from a socket that is honest, silent, gone, flooding or lying, and from polling; and reorganisations."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from websockets.sync.server import ServerConnection, serve

from keeper.chain import heads as heads_module
from keeper.chain.heads import Head, Heads
from keeper.chain.snapshot import Block
from keeper.errors import ChainError


class Chain:
    """A client as `Heads` asks it: a list of blocks that a test makes and replaces."""

    def __init__(self) -> None:
        self.salts = ["a"] * 101
        self.asked = 0
        self.fails = False

    def hash(self, number: int) -> str:
        return "0x" + f"{number:x}{ord(self.salts[number]):x}".rjust(64, "0")

    def block(self, number: int) -> Block:
        return Block(number, self.hash(number), number, 1, self.hash(number - 1) if number else "")

    def mine(self, count: int = 1, salt: str = "a") -> str:
        self.salts += [salt] * count
        return self.head_hash()

    def reorg(self, depth: int, count: int | None = None, salt: str = "b") -> None:
        del self.salts[len(self.salts) - depth :]
        self.mine(depth if count is None else count, salt)

    def head_hash(self) -> str:
        return self.hash(len(self.salts) - 1)

    def head(self) -> Block:
        self.asked += 1
        if self.fails:
            raise ChainError("the endpoint is down")
        return self.block(len(self.salts) - 1)

    def is_canonical(self, block: Block) -> bool:
        return block.number < len(self.salts) and self.hash(block.number) == block.hash


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    stop = threading.Event()
    yield stop
    stop.set()


def polled(chain: Chain, stop: threading.Event, **changes) -> Iterator[Head]:
    return iter(Heads(chain, stop, **{"poll_interval_s": 0.01, "block_time_s": 60} | changes))


def announcement(block_hash: str) -> str:
    return json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": {"result": {"hash": block_hash}}})


@contextmanager
def socket_of(behave: Callable[[ServerConnection], None]) -> Iterator[str]:
    """A websocket server; `behave` runs for each connection, after what it sent first was read."""

    def handle(connection: ServerConnection) -> None:
        assert json.loads(connection.recv())["params"] == ["newHeads"]
        behave(connection)

    with serve(handle, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()


# Polling, and what a head says of itself


def test_heads__polling__yields_each_block_once(chain, stop):
    heads = polled(chain, stop)
    assert next(heads) == Head(chain.block(100))
    for number in (101, 102):
        chain.mine()
        assert next(heads) == Head(chain.block(number))
    asked = chain.asked
    threading.Timer(0.2, chain.mine).start()
    assert next(heads).block.number == 103
    assert chain.asked - asked > 2  # it looked in between, and yielded nothing


def test_heads__after_a_slow_pass__yields_the_newest_and_how_many_were_skipped(chain, stop):
    heads = polled(chain, stop)
    next(heads)
    chain.mine(5)
    assert next(heads) == Head(chain.block(105), skipped=4)


@pytest.mark.parametrize("depth", range(1, 6))
@pytest.mark.parametrize("longer", [0, 1, 3])
def test_heads__a_reorganisation__is_told_with_its_depth(chain, stop, depth, longer):
    heads = polled(chain, stop)
    next(heads)
    for _ in range(8):
        chain.mine()
        next(heads)
    chain.reorg(depth, depth + longer)
    head = next(heads)
    assert head == Head(chain.block(108 + longer), reorged=True, depth=depth, skipped=depth + longer - 1)
    chain.reorg(depth + longer, depth + longer, "a")  # and back: the first blocks are heads again
    head = next(heads)
    assert head == Head(chain.block(108 + longer), reorged=True, depth=depth + longer, skipped=depth + longer - 1)


def test_heads__a_reorganisation_below_all_that_is_remembered__has_no_depth(chain, stop):
    heads = polled(chain, stop)
    next(heads)
    chain.reorg(50)
    assert next(heads) == Head(chain.block(100), reorged=True, depth=None)


def test_heads__when_the_client_falls_back_to_an_earlier_head__waits(chain, stop):
    heads = polled(chain, stop)
    next(heads)
    chain.mine()
    next(heads)
    del chain.salts[-1]
    threading.Timer(0.1, lambda: chain.mine(2)).start()
    assert next(heads) == Head(chain.block(102), skipped=0)


def test_heads__when_the_client_fails__says_so_and_goes_on(chain, stop):
    lines: list[str] = []
    heads = polled(chain, stop, tell=lines.append)
    next(heads)
    chain.fails = True
    threading.Timer(0.1, lambda: (chain.mine(), setattr(chain, "fails", False))).start()
    assert next(heads).block.number == 101
    assert set(lines) == {"the endpoint is down"}


def test_heads__stop__ends_the_iteration(chain, stop):
    heads = polled(chain, stop, poll_interval_s=600)
    next(heads)
    threading.Timer(0.05, stop.set).start()
    assert next(heads, None) is None


# The socket: polling is set so slow in these tests that only the socket can be what brings the block


def announced(chain: Chain, stop: threading.Event, url: str, **changes) -> Iterator[Head]:
    return iter(Heads(chain, stop, url, **{"poll_interval_s": 600, "block_time_s": 600} | changes))


def test_heads__announced__come_without_polling(chain, stop):
    def behave(connection):
        for _ in range(3):
            time.sleep(0.1)
            connection.send(announcement(chain.mine()))
        connection.recv()

    with socket_of(behave) as url:
        heads = announced(chain, stop, url)
        assert [next(heads).block.number for _ in range(4)] == [100, 101, 102, 103]
        assert chain.asked == 4
        stop.set()


def test_heads__while_the_socket_announces_nothing_new__asks_nothing(chain, stop):
    def behave(connection):
        connection.send(announcement(chain.mine()))
        connection.recv()

    with socket_of(behave) as url:
        heads = announced(chain, stop, url)
        assert [next(heads).block.number for _ in range(2)] == [100, 101]
        threading.Timer(0.5, stop.set).start()
        assert next(heads, None) is None
        assert chain.asked == 2


def test_heads__announced_before_the_client_has_it__is_asked_for_until_it_does(chain, stop):
    def behave(connection):
        connection.send(announcement(chain.hash(100)[:-4] + "ffff"))
        chain.salts += ["a"]
        future = chain.head_hash()
        chain.salts.pop()
        connection.send(announcement(future))
        time.sleep(0.3)
        chain.mine()
        connection.recv()

    with socket_of(behave) as url:
        heads = announced(chain, stop, url)
        assert [next(heads).block.number for _ in range(2)] == [100, 101]
        stop.set()


def test_heads__announced_twice__are_yielded_once(chain, stop):
    def behave(connection):
        for _ in range(5):
            connection.send(announcement(chain.head_hash()))
        time.sleep(0.1)
        connection.send(announcement(chain.mine()))
        connection.recv()

    with socket_of(behave) as url:
        heads = announced(chain, stop, url)
        assert [next(heads).block.number for _ in range(2)] == [100, 101]
        stop.set()


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "garbage",
        "[" * 100_000,
        "[]",
        "1",
        '{"params": []}',
        '{"params": {"result": {"hash": 7}}}',
        '{"params": {"result": {"hash": "0x12"}}}',
        b"\xff\xfe",
        '{"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no subscriptions"}}',
    ],
    ids=lambda frame: str(frame[:20]),
)
def test_heads__junk__is_passed_over(chain, stop, frame):
    def behave(connection):
        connection.send(frame)
        time.sleep(0.1)
        connection.send(announcement(chain.mine()))
        connection.recv()

    with socket_of(behave) as url:
        heads = announced(chain, stop, url)
        assert [next(heads).block.number for _ in range(2)] == [100, 101]
        stop.set()


@pytest.mark.parametrize("how", ["closes", "huge frame", "only junk"])
def test_heads__after_the_socket_broke__it_is_opened_again(chain, stop, how, monkeypatch):
    monkeypatch.setattr("keeper.chain.announcer._PAUSE_FIRST_S", 0.05)
    connections = []

    def behave(connection):
        connections.append(connection)
        if len(connections) == 1:
            if how == "huge frame":
                connection.send("x" * 2**20)
                connection.recv()  # until the other side has had enough of it
            if how == "only junk":
                for _ in range(100):
                    connection.send("junk")
                connection.recv()
            return
        connection.send(announcement(chain.mine()))
        connection.recv()

    with socket_of(behave) as url:
        heads = announced(chain, stop, url)
        assert [next(heads).block.number for _ in range(2)] == [100, 101]
        stop.set()
    assert len(connections) == 2


def test_heads__a_silent_socket__is_polled_around_and_given_up_for_a_new_one(chain, stop, monkeypatch):
    monkeypatch.setattr("keeper.chain.announcer._PAUSE_FIRST_S", 0.05)
    monkeypatch.setattr("keeper.chain.announcer._TICK_S", 0.05)
    connections = []

    def behave(connection):
        connections.append(connection)
        connection.recv()

    with socket_of(behave) as url:
        heads = announced(chain, stop, url, poll_interval_s=0.05, block_time_s=0.05)
        for number in (100, 101, 102):
            assert next(heads).block.number == number
            chain.mine()
            time.sleep(0.2)
        stop.set()
    assert len(connections) > 1


def test_heads__when_no_socket_answers__polls(chain, stop):
    heads = announced(chain, stop, "ws://127.0.0.1:1", poll_interval_s=0.02)
    next(heads)
    chain.mine()
    assert next(heads).block.number == 101


def test_heads__a_flood_of_hashes__costs_no_more_than_polling(chain, stop, monkeypatch):
    monkeypatch.setattr(heads_module, "_PAUSE_FIRST_S", 0.01)
    flooding = threading.Event()

    def behave(connection):
        for number in range(10**6):
            if stop.is_set():
                return
            connection.send(announcement(f"0x{number:064x}"))
            flooding.set()

    with socket_of(behave) as url:
        heads = announced(chain, stop, url, poll_interval_s=0.2)
        next(heads)
        flooding.wait(5)
        threading.Timer(1.0, chain.mine).start()
        assert next(heads).block.number == 101
        assert chain.asked < 5 + 1.3 / 0.2 + 5  # the doublings, then one each interval
        stop.set()
