"""Three endpoints, some of which lag, lie, fail or change sides: what a quorum says, or nothing."""

import pytest
from eth_utils.crypto import keccak
from fake_chain import MULTICALL, Revert, address, error_string
from fake_clock import clock
from fake_pool import FakePool, three

from keeper.chain import abi, gather
from keeper.chain.errors import BlockMissing, NoQuorum, Reorged, Reverted, RpcError
from keeper.chain.multicall import Read, read_all
from keeper.chain.quorum import Pool, majority
from keeper.chain.rpc import SimulatedCall
from keeper.errors import ChainError, ConfigurationError

__all__ = ["clock", "three"]

TOKEN = address("token")
WHO = address("who")
HASH = "0x" + "ab" * 32
DEEP = '{"jsonrpc":"2.0","id":1,"result":' + "[" * 100_000


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(gather, "HEDGE_S", 0.1)


def pool_of(three: FakePool, clock, **changes) -> Pool:
    given = {
        "timeout_s": 5.0,
        "attempts": 2,
        "tell": three.events.append,
        "clock": clock,
        "sleep": clock.sleep,
        "now": lambda: three.truth.timestamp + 5,
    }
    return Pool(three.urls, **given | changes)


@pytest.fixture
def pool(three, clock) -> Pool:
    return pool_of(three, clock).connect()


def lying(method: str, value):
    """A lie about one method; a callable is given the truth."""

    def lie(asked, params, result):
        if asked != method:
            return result
        return value(result) if callable(value) else value

    return lie


def cases(head):
    """Every read that money hangs on, with a lie about it."""
    call = SimulatedCall(WHO, TOKEN, abi.Token.balance_of.encode(WHO))
    more = "0x" + (7).to_bytes(32, "big").hex()
    return {
        "price": ("eth_call", more, lambda pool: pool.call(TOKEN, abi.Token.decimals.encode(), head)),
        "balance": ("eth_getBalance", "0x7", lambda pool: pool.balance(WHO)),
        "nonce": ("eth_getTransactionCount", "0x7", lambda pool: pool.nonce(WHO)),
        "code": ("eth_getCode", "0x77", lambda pool: pool.code(TOKEN, head)),
        "simulation": (
            "eth_simulateV1",
            lambda truth: [{"calls": [truth[0]["calls"][0] | {"returnData": more}]}],
            lambda pool: pool.simulate([call], head, 1),
        ),
    }


CASES = ("price", "balance", "nonce", "code", "simulation")


# Settings


@pytest.mark.parametrize(("endpoints", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_majority__is_more_than_half(endpoints, quorum):
    assert majority(endpoints) == quorum


@pytest.mark.parametrize("quorum", [0, 4])
def test_pool__a_quorum_that_cannot_be__is_refused(three, quorum):
    with pytest.raises(ConfigurationError, match=f"rpc_quorum is {quorum} of 3 endpoints"):
        Pool(three.urls, quorum=quorum)


# Connecting


def test_connect__when_one_serves_another_chain__names_it(three, clock):
    three[1].chain_id = 5
    with pytest.raises(
        ChainError, match=r"wrong chain id: expected 1, got 5 at .*\(endpoint 2\); set chain_id or rpc_urls"
    ):
        pool_of(three, clock).connect()


def test_connect__when_one_is_dead__goes_on(three, clock):
    three[0].trouble = ("dead", None)
    assert pool_of(three, clock).connect().head().number == 100


def test_connect__when_fewer_than_the_quorum_answer__refuses(three, clock):
    three[0].trouble = three[1].trouble = ("dead", None)
    with pytest.raises(NoQuorum, match="1 of 3 endpoints can be asked, 2 have to agree"):
        pool_of(three, clock).connect()


def test_errors__never_show_what_stands_after_the_host(three, clock):
    three[0].trouble = three[1].trouble = ("dead", None)
    urls = [f"{url}/v2/secretkey{place}" for place, url in enumerate(three.urls)]
    with pytest.raises(NoQuorum) as caught:
        Pool(urls, clock=clock, sleep=clock.sleep, tell=three.events.append).connect()
    assert "secretkey" not in str(caught.value) + str(three.events)


# Agreement on what is read at a block


@pytest.mark.parametrize("case", CASES)
def test_read__when_all_are_honest__asks_the_quorum_and_no_more(three, pool, case):
    three.truth.view(TOKEN, abi.Token.decimals, 18)
    three.truth.view(TOKEN, abi.Token.balance_of, 5)
    head = pool.head()
    method, _, read = cases(head)[case]
    read(pool)
    assert [three.asked(place, method) for place in range(3)] == [1, 1, 0]


@pytest.mark.parametrize("liar", [0, 1])
@pytest.mark.parametrize("case", CASES)
def test_read__when_one_lies__has_the_truth_and_leaves_it_out(three, pool, clock, case, liar):
    three.truth.view(TOKEN, abi.Token.decimals, 18)
    three.truth.view(TOKEN, abi.Token.balance_of, 5)
    head = pool.head()
    method, value, read = cases(head)[case]
    truth = read(pool)
    three[liar].lie = lying(method, value)
    assert read(pool) == truth
    assert three.troubles == [(liar, "lie")]
    before = len(three[liar].requests)
    assert read(pool) == truth
    assert len(three[liar].requests) == before
    clock.now += 61  # it is given another chance, after its chain id
    assert read(pool) == truth
    assert three[liar].requests[before][0] == "eth_chainId"
    assert three.troubles == [(liar, "lie")] * 2
    clock.now += 89  # and the next one later
    before = len(three[liar].requests)
    read(pool)
    assert len(three[liar].requests) == before


@pytest.mark.parametrize("case", CASES)
def test_read__when_two_lie_differently__stops(three, pool, case):
    three.truth.view(TOKEN, abi.Token.decimals, 18)
    three.truth.view(TOKEN, abi.Token.balance_of, 5)
    head = pool.head()
    method, value, read = cases(head)[case]
    other = {"price": "0x" + "00" * 31 + "09", "balance": "0x9", "nonce": "0x9", "code": "0x99"}
    three[0].lie = lying(method, value)
    three[1].lie = lying(method, other.get(case, lambda truth: [{"calls": [truth[0]["calls"][0] | {"status": "0x0"}]}]))
    with pytest.raises(NoQuorum, match=f"1 of 3 endpoints agree on {method}, 2 have to: nothing is done"):
        read(pool)
    assert three.troubles == []


@pytest.mark.parametrize("case", CASES)
def test_read__when_two_collude__a_quorum_of_three_refuses(three, clock, case):
    three.truth.view(TOKEN, abi.Token.decimals, 18)
    three.truth.view(TOKEN, abi.Token.balance_of, 5)
    strict = pool_of(three, clock, quorum=3).connect()
    head = strict.head()
    method, value, read = cases(head)[case]
    three[0].lie = three[1].lie = lying(method, value)
    with pytest.raises(NoQuorum, match="2 of 3 endpoints agree"):
        read(strict)


def test_read__after_a_liar_is_left_out__the_quorum_stays(three, pool):
    three[0].lie = lying("eth_getBalance", "0x7")
    assert pool.balance(WHO) == 10**18
    three[1].trouble = ("dead", None)
    with pytest.raises(NoQuorum):
        pool.balance(WHO)


def test_call__a_revert__is_an_answer_that_has_to_agree(three, pool):
    def revert(*_):
        raise Revert(error_string("vault: paused"))

    three.truth.view(TOKEN, abi.Token.decimals, revert)
    head = pool.head()
    with pytest.raises(Reverted) as caught:
        pool.call(TOKEN, abi.Token.decimals.encode(), head)
    assert caught.value.data == error_string("vault: paused")


def test_call__a_revert_that_one_makes_up__is_a_lie(three, pool):
    three.truth.view(TOKEN, abi.Token.decimals, 18)
    head = pool.head()
    three[0].troubles = [("error", {"code": 3, "message": "execution reverted", "data": "0x"})]
    assert abi.Token.decimals.decode(pool.call(TOKEN, abi.Token.decimals.encode(), head)) == 18
    assert three.troubles == [(0, "lie")]


def test_read_all__over_a_pool__is_one_request_of_the_quorum(three, pool):
    three.truth.view(TOKEN, abi.Token.decimals, 18)
    answers = read_all(pool, [Read(TOKEN, abi.Token.decimals)] * 50, pool.head(), MULTICALL)
    assert {answer.value for answer in answers} == {18}
    assert sum(pool.counts[member.name]["eth_call"] for member in pool.members) == 2


def test_read_all__more_than_one_call_takes__is_still_one_request_and_has_to_agree(three, pool):
    three.truth.view(TOKEN, abi.Token.decimals, 18)
    head = pool.head()
    reads = [Read(TOKEN, abi.Token.decimals)] * 1500
    three[0].lie = lying("eth_call", lambda truth: truth.replace("12", "13"))
    assert {answer.value for answer in read_all(pool, reads, head, MULTICALL)} == {18}
    assert [three.asked(place, "eth_call") for place in range(3)] == [1, 1, 1]
    assert three.troubles == [(0, "lie")]


@pytest.mark.parametrize(
    "trouble",
    [
        ("http", 429),
        ("http", 503),
        ("text", "<html>busy</html>"),
        ("text", DEEP),
        ("text", '{"jsonrpc":"2.0","id":1,"result":"0xde0b6b3a764000'),
        ("text", '{"jsonrpc":"2.0","id":1,"result":"0x"}'),
        ("text", '{"jsonrpc":"2.0","id":1,"result":{"a":1}}'),
        ("error", {"code": -32005, "message": "limit exceeded"}),
        ("error", {"code": -32601, "message": "no such method"}),
        ("dead", None),
        ("silence", 1.0),
    ],
    ids=lambda trouble: f"{trouble[0]} {str(trouble[1])[:40]}",
)
def test_read__when_one_fails__asks_the_next_and_blames_nobody(three, pool, trouble):
    pool.head()
    three[0].trouble = trouble
    before = len(three[0].requests)
    head = pool.head()
    assert pool.read("eth_getBalance", WHO, {"blockHash": head.hash}) == hex(10**18)
    assert len(three[0].requests) > before
    assert all(kind != "lie" for _, kind in three.troubles)


def test_read__when_all_are_busy_for_a_moment__tries_again(three, pool):
    for place in range(3):
        three[place].troubles = [("http", 503)]
    assert pool.head().number == 100


def test_read__when_all_are_dead__stops_and_says_why(three, pool):
    for place in range(3):
        three[place].trouble = ("dead", None)
    for _ in range(4):
        with pytest.raises(NoQuorum, match=r"no RPC endpoint answers|can be asked"):
            pool.head()
    assert [kind for _, kind in three.troubles] == ["down"] * 3
    assert all(len(three[place].requests) < 10 for place in range(3))


def test_read__when_an_endpoint_dies_and_comes_back__it_is_asked_again(three, pool, clock):
    three[0].trouble = ("dead", None)
    for _ in range(6):
        pool.head()
    assert three.troubles == [(0, "down")]
    before = len(three[0].requests)
    pool.head()
    assert len(three[0].requests) == before
    three[0].trouble = None
    clock.now += 2
    pool.head()
    assert [method for method, _ in three[0].requests[before:]] == ["eth_chainId", "eth_getBlockByNumber"]


def test_read__when_a_quorum_refuses__is_that_refusal(three, pool):
    with pytest.raises(RpcError, match="does not exist"):
        pool.read("eth_nonsense")


# The chain


def test_check_chain__when_one_changes_its_chain__leaves_it_out_and_says_so(three, pool):
    three[1].chain_id = 5
    pool.check_chain()
    assert three.troubles == [(1, "wrong chain")]
    assert "expected 1, got 5" in three.events[0].text
    before = len(three[1].requests)
    pool.head()
    assert len(three[1].requests) == before


def test_check_chain__when_a_quorum_changes_its_chain__stops(three, pool):
    three[1].chain_id = three[0].chain_id = 5
    with pytest.raises(NoQuorum):
        pool.check_chain()
    with pytest.raises(NoQuorum):
        pool.balance(WHO)


def test_read__a_minute_later__sees_a_wrong_chain_by_itself(three, pool, clock):
    three[1].chain_id = 5
    clock.now += 61
    pool.head()
    assert three.troubles == [(1, "wrong chain")]


# The head


def test_head__when_all_agree__is_one_request_each(three, pool):
    before = [len(endpoint.requests) for endpoint in three.endpoints]
    head = pool.head()
    assert (head.number, head.hash, head.parent_hash) == (100, three.truth.block_hash(100), three.truth.block_hash(99))
    assert [len(endpoint.requests) for endpoint in three.endpoints] == [count + 1 for count in before]


@pytest.mark.parametrize(("lags", "number"), [((0, 1, 0), 100), ((0, 1, 1), 99), ((0, 1, 2), 99), ((0, 3, 3), 97)])
def test_head__when_some_are_behind__is_the_highest_of_a_quorum(three, pool, lags, number):
    for place, lag in enumerate(lags):
        three[place].lag = lag
    assert pool.head().number == number


def test_head__a_node_100_blocks_behind__has_no_say_and_is_asked_last(three, pool):
    three[0].lag = 100
    assert pool.head().number == 100
    assert three.troubles == [(0, "apart")]
    before = len(three[0].requests)
    pool.code(TOKEN, pool.head())
    assert [method for method, _ in three[0].requests[before:]] == ["eth_getBlockByNumber"]
    assert three.troubles == [(0, "apart")]
    three[0].lag = 0
    pool.head()
    three[0].lag = 100
    pool.head()
    assert three.troubles == [(0, "apart")] * 2


@pytest.mark.parametrize("quorum", [2, 3])
def test_head__when_too_few_are_close__stops(three, clock, quorum):
    strict = pool_of(three, clock, quorum=quorum).connect()
    three[0].lag = 100
    three[1].lag = 0 if quorum == 3 else 50
    with pytest.raises(NoQuorum, match=r"the endpoints' heads \(.*\) are further apart than 3 blocks"):
        strict.head()


def test_head__of_a_pair_with_one_100_blocks_behind__stops(three, clock):
    pair = Pool(three.urls[:2], attempts=1, clock=clock, sleep=clock.sleep, now=lambda: three.truth.timestamp)
    assert pair.connect().head().number == 100
    three[0].lag = 100
    with pytest.raises(NoQuorum):
        pair.head()


def test_head__a_number_out_of_thin_air__moves_nobody(three, pool):
    three[0].lie = lying("eth_getBlockByNumber", lambda block: block and block | {"number": hex(10**6)})
    assert pool.head().number == 100
    assert pool.head().number == 100
    assert three.troubles == [(0, "apart")]
    assert "999900 ahead of the others" in three.events[0].text


def test_head__a_block_of_a_time_to_come__has_no_say(three, pool):
    later = hex(three.truth.timestamp + 3600)
    three[0].lie = lying("eth_getBlockByNumber", lambda block: block | {"timestamp": later})
    assert pool.head().timestamp == three.truth.timestamp
    assert three.troubles == [(0, "future")]
    three[1].lie = three[0].lie
    with pytest.raises(NoQuorum):
        pool.head()


def test_head__when_all_are_ahead_of_the_clock__it_is_the_clock(three, clock):
    warped = pool_of(three, clock, now=lambda: three.truth.timestamp - 86_400).connect()
    assert warped.head().number == 100
    assert three.troubles == []


@pytest.mark.parametrize("field", ["timestamp", "baseFeePerGas", "parentHash"])
def test_head__the_right_hash_with_another_field__is_a_lie(three, pool, field):
    value = "0x" + "11" * 32 if field == "parentHash" else hex(three.truth.timestamp + 1)
    three[1].lie = lying("eth_getBlockByNumber", lambda block: block | {field: value})
    head = pool.head()
    assert (head.timestamp, head.base_fee, head.parent_hash) == (
        three.truth.timestamp,
        three.truth.base_fee,
        three.truth.block_hash(99),
    )
    assert three.troubles == [(1, "lie")]


def test_head__when_one_is_on_a_fork__follows_the_others(three, pool):
    three[0].fork = 98
    assert pool.head().hash == three.truth.block_hash(100)
    assert three.troubles == []


def test_head__when_all_are_on_forks__is_the_last_common_block(three, pool):
    three[0].fork, three[1].fork, three[2].fork = 98, 99, 100
    assert pool.head().hash == three.truth.block_hash(98)


def test_head__when_forks_go_deeper_than_the_lag__stops(three, pool):
    three[0].fork, three[1].fork = 90, 91
    with pytest.raises(NoQuorum, match="fewer than 2 endpoints agree on any of the last 4 blocks up to 100"):
        pool.head()


def test_head__a_silent_node__is_left_behind(three, pool):
    three[2].trouble = ("silence", 3.0)
    assert pool.head().number == 100


# Reorganisations


def test_contains__by_quorum(three, pool):
    old = three.truth.block_hash(99)
    assert pool.contains(99, old)
    assert not pool.contains(99, three.truth.block_hash(98))
    assert not pool.contains(101, old)
    three[0].fork = 99
    assert pool.contains(99, old)
    three[1].fork, three[1].salt = 99, three[0].salt
    assert not pool.contains(99, old)
    three[1].salt = "another"
    with pytest.raises(NoQuorum):
        pool.contains(99, old)


@pytest.mark.parametrize("depth", range(1, 6))
def test_call__when_the_block_vanished__says_that_the_chain_went_another_way(three, pool, depth):
    head = pool.head()
    assert pool.is_canonical(head)
    for endpoint in three.endpoints:
        endpoint.fork, endpoint.salt = 101 - depth, "new"
    assert not pool.is_canonical(head)
    for read in (
        lambda: pool.call(TOKEN, b"", head),
        lambda: pool.code(TOKEN, head),
        lambda: pool.simulate([], head, 1),
    ):
        with pytest.raises(Reorged, match=r"block 100 .* is no longer part of the chain"):
            read()


def test_call__when_a_quorum_does_not_have_the_block_yet__is_no_reorganisation(three, pool):
    head = pool.head()
    three[0].trouble = three[1].trouble = ("error", {"code": -32000, "message": "header not found"})
    with pytest.raises(ChainError) as caught:
        pool.call(TOKEN, b"", head)
    assert not isinstance(caught.value, Reorged)
    with pytest.raises(BlockMissing):
        pool.read("eth_call", {"to": TOKEN, "data": "0x"}, {"blockHash": head.hash})


# What cannot be pinned


def test_nonce__pending__is_the_highest_of_a_quorum(three, pool):
    three.truth.nonce = 4
    three[1].lie = lying("eth_getTransactionCount", "0x6")
    assert pool.nonce(WHO, "pending") == 6
    assert three.troubles == []


def test_gas__is_the_highest_of_a_quorum_and_a_revert_of_one_is_a_revert(three, pool):
    three.truth.view(TOKEN, abi.Token.decimals, 18)
    transaction = {"to": TOKEN, "data": "0x" + abi.Token.decimals.encode().hex()}
    three[0].lie = lying("eth_estimateGas", hex(300_000))
    assert int(pool.run("eth_estimateGas", transaction, "pending"), 16) == 300_000
    three[1].trouble = ("error", {"code": 3, "message": "execution reverted", "data": "0x1234"})
    with pytest.raises(Reverted) as caught:
        pool.run("eth_estimateGas", transaction, "pending")
    assert caught.value.data == b"\x12\x34"


def test_call__pending__a_revert_of_one_is_a_revert(three, pool):
    three.truth.view(TOKEN, abi.Token.decimals, 18)
    data = abi.Token.decimals.encode()
    assert abi.Token.decimals.decode(pool.call(TOKEN, data, "pending")) == 18
    three[1].troubles = [("error", {"code": 3, "message": "execution reverted", "data": "0x1234"})]
    with pytest.raises(Reverted):
        pool.call(TOKEN, data, "pending")


def test_pending_time__is_the_lowest_of_a_quorum(three, pool):
    soon = three.truth.timestamp + 12
    three.truth.pending_timestamp = soon
    three[0].lie = lying("eth_call", "0x" + (soon + 999).to_bytes(32, "big").hex())
    assert pool.pending_time(MULTICALL) == soon


def test_fee_history__base_fees_agree_and_tips_are_the_lower_median(three, pool):
    ask = ("eth_feeHistory", "0xa", "latest", [25])
    three[0].lie = lying("eth_feeHistory", lambda truth: truth | {"reward": [["0xffffffffff"]] * 10})
    found = pool.read(*ask)
    assert found["baseFeePerGas"] == [hex(10**9)] * 11
    assert found["reward"] == [[hex(10**8)]] * 10
    assert three[0].requests[-1] == ("eth_feeHistory", ["0xa", "0x64", [25]])
    three[0].lie = lying("eth_feeHistory", lambda truth: truth | {"baseFeePerGas": ["0x1"] * 11})
    assert pool.read(*ask)["baseFeePerGas"] == [hex(10**9)] * 11
    three[1].lie = lying("eth_feeHistory", lambda truth: truth | {"baseFeePerGas": ["0x2"] * 11})
    with pytest.raises(NoQuorum):
        pool.read(*ask)


def test_logs__when_one_leaves_some_out__are_those_of_the_others(three, pool):
    log = {"address": TOKEN, "topics": [HASH], "data": "0x", "blockNumber": "0x5", "blockHash": HASH, "logIndex": "0x0"}
    three.truth.logs = [log]
    three[0].lie = lying("eth_getLogs", [])
    (found,) = pool.logs(TOKEN, b"\x00" * 32, 0, 100)
    assert found["data"] == "0x"
    assert three.troubles == []


def test_software__is_the_first_that_tells(three, pool):
    three[0].trouble = ("error", {"code": -32601, "message": "no"})
    assert pool.software() == "anvil/v1.7.1"


# Sending and receipts

RAW = "0x02c0"
RAW_HASH = "0x" + keccak(hexstr=RAW).hex()


def test_send__goes_to_all_and_one_is_enough(three, pool):
    assert pool.send("eth_sendRawTransaction", RAW) == RAW_HASH
    assert [endpoint.sent for endpoint in three.endpoints] == [[RAW]] * 3
    three[0].refusal, three[1].trouble = "nonce too low", ("dead", None)
    assert pool.send("eth_sendRawTransaction", RAW) == RAW_HASH


def test_send__known_already__is_taken(three, pool):
    for endpoint in three.endpoints:
        endpoint.refusal = "already known"
    assert pool.send("eth_sendRawTransaction", RAW) == RAW_HASH


def test_send__when_all_refuse__is_the_refusal(three, pool):
    for endpoint in three.endpoints:
        endpoint.refusal = "insufficient funds"
    with pytest.raises(RpcError, match="insufficient funds"):
        pool.send("eth_sendRawTransaction", RAW)
    assert [len(endpoint.sent) for endpoint in three.endpoints] == [1, 1, 1]


def test_send__when_an_answer_is_lost__may_have_been_taken(three, pool):
    for endpoint in three.endpoints:
        endpoint.refusal = "insufficient funds"
    three[2].trouble = ("dead", None)
    with pytest.raises(ChainError) as caught:
        pool.send("eth_sendRawTransaction", RAW)
    assert not isinstance(caught.value, RpcError)
    assert len(three[0].sent) == 1


def test_send__another_hash__is_not_taken(three, pool):
    for endpoint in three.endpoints:
        endpoint.lie = lying("eth_sendRawTransaction", HASH)
    with pytest.raises(ChainError, match="another hash") as caught:
        pool.send("eth_sendRawTransaction", RAW)
    assert not isinstance(caught.value, RpcError)


def test_send__below_the_quorum__sends_nothing(three, pool):
    three[0].chain_id = three[1].chain_id = 5
    with pytest.raises(NoQuorum):
        pool.check_chain()
    with pytest.raises(NoQuorum):
        pool.send("eth_sendRawTransaction", RAW)
    assert [endpoint.sent for endpoint in three.endpoints] == [[]] * 3


@pytest.fixture
def mined(three) -> str:
    three.truth.receipts[HASH] = {
        "transactionHash": HASH,
        "from": WHO,
        "to": TOKEN,
        "blockNumber": "0x64",
        "blockHash": three.truth.block_hash(100),
        "status": "0x1",
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x1",
        "logs": [{"address": TOKEN, "topics": [HASH], "data": "0x", "logIndex": "0x0", "odd": "field"}],
        "madeUp": "0x1",
    }
    return HASH


def receipt(pool, found):
    return pool.read("eth_getTransactionReceipt", found)


def test_receipt__has_what_was_compared_and_nothing_else(three, pool, mined):
    found = receipt(pool, mined)
    assert (found["status"], found["blockHash"]) == ("0x1", three.truth.block_hash(100))
    assert (found["from"], found["to"]) == (WHO.lower(), TOKEN.lower())
    assert "madeUp" not in found
    assert "odd" not in found["logs"][0]
    assert three.asked(2, "eth_getTransactionReceipt") == 0


@pytest.mark.parametrize(
    "change", [{"status": "0x0"}, {"from": TOKEN}, {"gasUsed": "0x1"}, {"logs": []}, {"effectiveGasPrice": "0x9"}]
)
def test_receipt__when_one_lies__is_the_others_and_it_is_left_out(three, pool, mined, change):
    three[0].lie = lying("eth_getTransactionReceipt", lambda truth: truth | change)
    assert receipt(pool, mined)["status"] == "0x1"
    assert three.troubles == [(0, "lie")]


def test_receipt__of_another_block__is_a_fork_and_no_lie(three, pool, mined):
    three[0].lie = lying("eth_getTransactionReceipt", lambda truth: truth | {"blockHash": HASH})
    assert receipt(pool, mined)["blockHash"] == three.truth.block_hash(100)
    assert three.troubles == []


def test_receipt__null_for_ever_on_one__is_the_others(three, pool, mined):
    three[0].lie = lying("eth_getTransactionReceipt", None)
    assert receipt(pool, mined)["status"] == "0x1"


def test_receipt__that_one_alone_shows__is_neither_there_nor_not(three, pool, mined):
    three[0].lie = three[1].lie = lying("eth_getTransactionReceipt", None)
    with pytest.raises(NoQuorum):
        receipt(pool, mined)


def test_receipt__when_nobody_has_it__is_none(three, pool):
    assert receipt(pool, HASH) is None
    three[2].trouble = ("dead", None)
    assert receipt(pool, HASH) is None


def test_receipt__without_a_block__is_none(three, pool, mined):
    three.truth.receipts[HASH]["blockNumber"] = None
    assert receipt(pool, mined) is None


def test_transaction__that_one_knows__is_known(three, pool):
    three[2].lie = lying("eth_getTransactionByHash", {"hash": HASH})
    assert pool.read("eth_getTransactionByHash", HASH) == {"hash": HASH}
    three[2].trouble = ("dead", None)
    assert pool.read("eth_getTransactionByHash", HASH) is None
    three[1].trouble = ("dead", None)
    with pytest.raises(NoQuorum):
        pool.read("eth_getTransactionByHash", HASH)
