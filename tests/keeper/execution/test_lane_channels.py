"""Where transactions go: taken, refused or uncertain, and never from a private relay to the public by itself."""

import json

import pytest
from eth_account import Account
from lane_bench import Bench, Node
from pydantic import SecretStr
from rpc_stub import error, result, stub

from keeper.errors import ConfigurationError
from keeper.execution.lane import NotTaken, Step
from keeper.execution.lane.channels import PublicPool, Relays, channel_of
from keeper.execution.relays import FlashbotsRelay, PrivateRpc
from keeper.settings import RelaySettings

__all__ = ["stub"]


@pytest.fixture
def it(tmp_path, stub):
    """A lane behind one private RPC, whose pool is the node's."""
    bench = Bench(tmp_path)
    bench.channel = Relays("private_rpc", [PrivateRpc(SecretStr(stub.url), 1)])
    bench.restart()

    def take(request):
        raw = request.json["params"][0]
        return result(bench.node.send("eth_sendRawTransaction", raw))

    stub.answer = take
    # What a relay has is in no public pool.
    bench.node.read, read = (
        (lambda method, *params: None if method == "eth_getTransactionByHash" else read(method, *params)),
        bench.node.read,
    )
    yield bench
    bench.ledger.close()


def test_submit__goes_to_the_relay_and_nowhere_else(it, stub):
    it.node.send, sent = (lambda *_: pytest.fail("sent publicly")), it.node.send
    stub.answer = lambda request: result(sent("eth_sendRawTransaction", request.json["params"][0]))
    it.submit()
    assert [row.channel for row in it.rows] == ["private_rpc"]
    it.pass_blocks(3, empty=True)
    assert it.states == ["rebalance sent", "rebalance sent"]
    it.pass_blocks(2)
    assert it.states == ["rebalance replaced", "rebalance confirmed"]


def test_submit__when_the_relay_refuses__fails_closed(it, stub):
    stub.answer = lambda _: error("not today")
    with pytest.raises(NotTaken, match="not today; nothing was sent publicly"):
        it.submit()
    assert (it.states, it.node.pool) == (["rebalance failed"], {})
    assert [notice.event.value for notice in it.notices if notice.is_alert] == ["refused"]


def test_submit__when_the_relay_refuses_and_the_settings_allow_it__goes_on_publicly_and_says_so(it, stub):
    it.change("relays", private_only=False)
    stub.answer = lambda _: error("not today")
    it.submit()
    assert [(row.channel, str(row.state)) for row in it.rows] == [("private_rpc", "failed"), ("public", "sent")]
    assert "it goes on publicly" in it.notices[0].text
    assert it.notices[0].is_alert
    it.pass_blocks(2)
    assert it.states == ["rebalance failed", "rebalance confirmed"]


@pytest.mark.parametrize("private_only", [True, False])
def test_submit__when_the_relay_is_uncertain__counts_as_perhaps_sent_and_is_asked_again(it, stub, private_only):
    it.change("relays", private_only=private_only)
    take, stub.answer = stub.answer, lambda _: result("0x")
    ticket = it.submit()
    assert (it.states, it.node.pool, it.lane.is_free) == (["rebalance intent"], {}, False)
    assert it.events == ["perhaps sent"]
    stub.answer = take
    it.pass_blocks(1, empty=True)
    assert [sent.hash for sent in it.node.pool.values()] == [ticket.hash]
    assert it.states == ["rebalance sent"]


def test_step__a_private_transaction__is_never_sent_publicly_when_the_relay_leaves_the_settings(it):
    it.submit()
    private = dict(it.node.pool)
    it.node.pool.clear()
    it.channel = None
    it.restart()
    it.pass_blocks(2, empty=True)
    assert it.node.pool == {}
    it.pass_blocks(1, empty=True)
    assert [row.mode for row in it.rows] == ["rebalance", "cancel"]
    assert [sent.fields["data"] for sent in it.node.pool.values()] == ["0x"]
    assert "not in relays any more" in it.notices[-1].text
    it.node.pool = private


def test_step__an_uncertain_private_transaction__waits_when_the_relay_leaves_the_settings(it, stub):
    stub.answer = lambda _: result("0x")
    it.submit()
    it.channel = None
    it.restart()
    it.pass_blocks(1)
    assert it.node.pool == {}
    assert "not sent again" in it.notices[-1].text


def test_step__a_private_cancellation__is_dropped_when_the_relay_had_time_to_forget(it):
    it.submit(seconds=12)
    it.pass_blocks(1, empty=True)
    assert it.states == ["rebalance sent", "cancel sent"]
    it.node.pool.clear()  # which is how relays cancel
    it.pass_blocks(3, empty=True)
    assert (it.states, it.lane.is_free) == (["rebalance dropped", "cancel dropped"], True)


def test_relays__one_that_takes_it_is_enough_and_one_that_may_have_it_counts():
    class Fake:
        def __init__(self, answer):
            self.name, self.answer = "fake", answer

        def send(self, _):
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

    from keeper.execution.relays import RelayRefused, RelayUncertain
    from keeper.execution.signer import Signed

    taken, refused, uncertain = Fake("0x"), Fake(RelayRefused("no")), Fake(RelayUncertain("perhaps"))
    for relays, expected in (
        ([refused, uncertain, taken], "taken"),
        ([refused, uncertain], "uncertain"),
        ([refused, refused], "refused"),
        ([Fake(RelayRefused("already known"))], "taken"),
        ([Fake(RelayRefused("nonce too low"))], "used"),
    ):
        assert Relays("private_rpc", relays).send(Signed(b"1")).outcome == expected


def test_public__another_hash_than_the_transactions__is_uncertain(tmp_path):
    class Liar(Node):
        def send(self, method, raw):
            return "0x" + "00" * 32

    bench = Bench(tmp_path, Liar())
    bench.submit()
    assert bench.states == ["rebalance intent"]
    bench.ledger.close()


def keystore(folder, account):
    key, password = folder / "auth.json", folder / "auth-password"
    key.write_text(json.dumps(Account.encrypt(account.key, "right", kdf="scrypt", iterations=2)))
    password.write_text("right\n")
    return {"auth_key_file": key, "auth_password_file": password}


def test_channel_of__names_what_the_settings_say(tmp_path):
    node = Node()
    assert isinstance(channel_of(RelaySettings(), node, "0x"), PublicPool)
    private = RelaySettings(kind="private_rpc", urls=("https://rpc.mevblocker.io/fast", "https://x.invalid"))
    assert channel_of(private, node, "0x").name == "private_rpc"
    auth = Account.create()
    flashbots = RelaySettings(kind="flashbots", urls=("https://relay.flashbots.net",), **keystore(tmp_path, auth))
    found = channel_of(flashbots, node, "0x")
    assert isinstance(found, Relays)
    (relay,) = found._relays
    assert isinstance(relay, FlashbotsRelay)
    assert auth.address in repr(relay)
    with pytest.raises(ConfigurationError, match="is the key that signs transactions"):
        channel_of(flashbots, node, auth.address)
    bundles = flashbots.model_copy(update={"kind": "flashbots_bundle", "bundle_blocks": 2})
    found = channel_of(bundles, node, "0x")
    assert found.name == "flashbots_bundle"
    assert repr(found._relays[0]).endswith("2 blocks)")
    assert found._relays[0]._head() == node.head().number
    with pytest.raises(ConfigurationError, match="not private without https"):
        channel_of(RelaySettings(kind="private_rpc", urls=("http://x.invalid",)), node, "0x")


def test_steps__are_passed_in_the_order_of_their_effects(it):
    it.submit()
    assert it.passed == [Step.SIGNED, Step.RECORDED, Step.HANDED_OVER, Step.SENT]
