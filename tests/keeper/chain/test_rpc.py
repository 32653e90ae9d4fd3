"""The client against an endpoint that misbehaves in the ways that endpoints do."""

import itertools

import pytest
from fake_chain import MULTICALL, Revert, address, error_string

from keeper.chain import abi
from keeper.chain.multicall import Read, read_all
from keeper.chain.reverts import reason
from keeper.chain.rpc import Client, Reverted, RpcError
from keeper.errors import ChainError


def client_of(fake, **changes) -> Client:
    return Client(fake.url, **{"attempts": 3, "timeout_s": 5.0} | changes)


def test_connect__when_the_chain_is_another__names_both_and_the_setting(fake):
    fake.chain_id = 31337
    with pytest.raises(
        ChainError, match=r"^wrong chain id: expected 1, got 31337 at http://127.0.0.1:\d+; set chain_id or rpc_url$"
    ):
        client_of(fake).connect()


def test_connect__when_nothing_listens__says_so_in_one_line():
    with pytest.raises(
        ChainError, match=r"^no RPC endpoint answers at http://127.0.0.1:1: start the node or set rpc_url$"
    ):
        Client("http://127.0.0.1:1", attempts=2).connect()


def test_errors__never_show_what_stands_after_the_host():
    client = Client("http://user:secret@127.0.0.1:1/v2/apikey?x=token", attempts=1)
    with pytest.raises(ChainError) as caught:
        client.connect()
    assert not any(word in str(caught.value) for word in ("secret", "apikey", "token"))


@pytest.mark.parametrize(
    "trouble",
    [
        ("http", 503),
        ("http", 429),
        ("text", "<html>busy</html>"),
        ("error", {"code": -32005, "message": "limit exceeded"}),
        ("error", {"code": -32000, "message": "header not found"}),
    ],
)
def test_read__when_the_endpoint_is_busy_for_a_moment__tries_again(fake, trouble):
    fake.troubles = [trouble, trouble]
    assert client_of(fake).head().number == fake.number
    assert len(fake.requests) == 3


def test_read__when_the_endpoint_stays_busy__gives_up_after_the_attempts(fake):
    fake.troubles = [("http", 503)] * 9
    with pytest.raises(ChainError, match="HTTP status 503"):
        client_of(fake).head()
    assert len(fake.requests) == 3


def test_read__when_the_method_is_unknown__does_not_try_again(fake):
    with pytest.raises(RpcError, match="does not exist"):
        client_of(fake).read("eth_nonsense")
    assert len(fake.requests) == 1


def test_read__when_the_endpoint_is_silent__ends_at_the_timeout(fake):
    fake.troubles = [("silence", 1.0)]
    with pytest.raises(ChainError, match=r"no answer in 0\.1 s"):
        client_of(fake, timeout_s=0.1, attempts=1).head()


def test_send__when_the_endpoint_is_busy__asks_once(fake):
    fake.troubles = [("http", 503)]
    with pytest.raises(ChainError):
        client_of(fake).send("eth_sendRawTransaction", "0x00")
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    "error",
    [
        {"code": 3, "message": "execution reverted", "data": "0x" + error_string("vault: paused").hex()},
        {"code": -32015, "message": "VM error", "data": "Reverted 0x" + error_string("vault: paused").hex()},
        {"code": -32000, "message": "err", "data": {"data": "0x" + error_string("vault: paused").hex()}},
    ],
)
def test_call__when_it_reverts__finds_the_reason_in_every_makes_answer(fake, error):
    fake.troubles = [("error", error)]
    with pytest.raises(Reverted) as caught:
        client_of(fake).call(address("x"), b"1234")
    assert reason(caught.value.data) == "vault: paused"


def test_call__when_the_answer_is_no_hex__is_a_chain_error(fake):
    fake.troubles = [("text", '{"jsonrpc":"2.0","id":0,"result":"0xzz"}')]
    with pytest.raises(ChainError, match="malformed hex"):
        client_of(fake).call(address("x"), b"1234")


def test_read_all__runs_at_the_blocks_hash_and_keeps_failures_apart(fake):
    one, two = address("one"), address("two")
    fake.view(one, abi.Token.decimals, 18)

    def revert(*_):
        raise Revert(error_string("no"))

    fake.view(two, abi.Token.decimals, revert)
    client = client_of(fake)
    head = client.head()
    answers = read_all(client, [Read(one, abi.Token.decimals), Read(two, abi.Token.decimals)], head, MULTICALL)
    assert [answer.value for answer in answers] == [18, None]
    assert reason(answers[1].data) == "no"
    method, params = fake.requests[-1]
    assert method == "eth_call"
    assert params[1] == {"blockHash": head.hash}


def test_read_all__when_the_node_answers_for_another_block__refuses(fake):
    client = client_of(fake)
    fake.view(address("one"), abi.Token.decimals, 18)
    fake.answered_block = fake.number - 1
    with pytest.raises(ChainError, match="answered for block 99 when asked for block 100"):
        read_all(client, [Read(address("one"), abi.Token.decimals)], client.head(), MULTICALL)


def many(fake, count=1500):
    one = address("one")
    values = itertools.count()
    fake.view(one, abi.Token.decimals, lambda: next(values) % 256)
    return [Read(one, abi.Token.decimals)] * count


def test_read_all__many__is_one_batch_whose_answers_come_in_any_order(fake):
    client = client_of(fake)
    head = client.head()
    answers = read_all(client, many(fake), head, MULTICALL)
    assert [answer.value for answer in answers] == [number % 256 for number in range(1500)]
    assert client.counts[client.name] == {"eth_getBlockByNumber": 1, "eth_call": 1}


def test_read_all__when_the_node_takes_no_batch__asks_one_by_one(fake):
    client = client_of(fake)
    head = client.head()
    fake.troubles = [("error", {"code": -32600, "message": "batches are not supported"})]
    assert len(read_all(client, many(fake, 1300), head, MULTICALL)) == 1300
    assert client.counts[client.name]["eth_call"] == 1 + 3


@pytest.mark.parametrize(
    "body",
    [
        '[{"jsonrpc":"2.0","id":0,"result":"0x"}]',
        '[{"jsonrpc":"2.0","id":0,"result":"0x"},{"jsonrpc":"2.0","id":0,"result":"0x"},{"jsonrpc":"2.0","id":2,"result":"0x"}]',
        '{"jsonrpc":"2.0","id":0,"result":"0x"}',
        "[[], 1, null]",
        '[{"id":[]},{"id":{}},{}]',
        "7",
    ],
)
def test_read_all__a_batch_with_other_answers_than_asked_for__is_an_error(fake, body):
    client = client_of(fake, attempts=1)
    head = client.head()
    fake.troubles = [("text", body)]
    with pytest.raises(ChainError, match="answered a batch of eth_call with something else"):
        read_all(client, many(fake), head, MULTICALL)


def test_read_all__of_nothing__asks_nothing(fake):
    client = client_of(fake)
    head = client.head()
    assert read_all(client, [], head, MULTICALL) == []
    assert len(fake.requests) == 1


def test_read_all__when_there_is_no_multicall__names_the_setting(fake):
    client = client_of(fake)
    with pytest.raises(ChainError, match="set multicall"):
        read_all(client, [Read(address("one"), abi.Token.decimals)], client.head(), address("nothing"))
