"""The lane: written down before it is sent, never sent twice, and settled after a crash."""

from decimal import Decimal

import pytest
from eth_abi.abi import encode
from eth_account import Account
from fake_chain import USDC, WETH, address, bare_snapshot, mine, sender_of

from keeper.chain import abi
from keeper.chain.rpc import Client
from keeper.errors import ChainError, ConfigurationError, TransactionError
from keeper.execution import send as lane
from keeper.execution.fees import Fees
from keeper.execution.plan import Call
from keeper.execution.signer import KeystoreSigner
from keeper.execution.signer.policy import DayAboveCap, FeeAboveCap, TargetNotAllowed
from keeper.ledger import Ledger, State
from keeper.policy import Decision, Kind
from keeper.routing import Leg
from keeper.settings import load

GWEI = 10**9
FEES = Fees(GWEI, GWEI, 3 * GWEI)
VAULT, REBALANCER, EXECUTOR, POOL = (address(name) for name in ("vault", "rebalancer", "executor", "pool"))
LEG = Leg(POOL, "uniswap_v3", WETH, USDC, 10, 20, 10**18, 500)
CALL = Call("rebalance", VAULT, EXECUTOR, abi.Executor.rebalance.selector + b"\x12\x34", legs=(LEG,))
SNAPSHOT = bare_snapshot(VAULT)


class Lane:
    """A sender, its ledger and a fake endpoint."""

    def __init__(self, fake, folder):
        self.fake = fake
        self.client = Client(fake.url, attempts=1)
        self.ledger = Ledger(folder / "ledger.sqlite")
        self.signer = KeystoreSigner(Account.create())
        self.settings = load(arguments={"receipt_timeout_s": 0.2, "executor": EXECUTOR}, environment={})

    def send(self, call: Call = CALL):
        decision = self.ledger.record_decision(1, SNAPSHOT, Decision(Kind.REBALANCE, "due"), armed=True)
        with lane.only_one(self.ledger, 1, self.signer.address), self.ledger.locks.vault(1, VAULT):
            return lane.send(self.client, self.ledger, self.signer, self.settings, decision, call, FEES, 100_000)

    def settle(self) -> None:
        lane.settle(self.client, self.ledger, self.signer.address)

    @property
    def row(self):
        return self.ledger.transactions()[-1]


@pytest.fixture
def it(fake, tmp_path):
    fake.view(VAULT, abi.Vault.rebalancer, REBALANCER)
    found = Lane(fake, tmp_path)
    yield found
    found.ledger.close()


def log(where: str, event: abi.Event, indexed: list[str], values: list[int]) -> dict:
    topics = ["0x" + event.topic.hex(), *("0x" + "0" * 24 + each[2:].lower() for each in indexed)]
    kinds = [kind for i, kind in enumerate(event.inputs) if i not in event.indexed]
    return {"address": where, "topics": topics, "data": "0x" + encode(kinds, values).hex()}


SWAP = log(EXECUTOR, abi.Executor.swap, [POOL, WETH, USDC], [11, 22])
REBALANCED = log(REBALANCER, abi.Rebalancer.rebalanced, [EXECUTOR, EXECUTOR], [1000, 990, 5, 1])


def test_send__is_in_the_ledger_before_it_is_on_the_wire(it):
    seen = []
    settle = mine(it.fake)

    def on_send(found, raw):
        seen.append([(row.state, row.hash, row.nonce) for row in it.ledger.unsettled(1, it.signer.address)])
        settle(found, raw)

    it.fake.on_send = on_send
    mined = it.send()
    assert seen == [[(State.INTENT, mined.hash, 0)]]


def test_send__when_mined__records_what_the_logs_say(it):
    stranger = log(address("stranger"), abi.Rebalancer.rebalanced, [EXECUTOR, EXECUTOR], [1, 1, 1, 1])
    it.fake.on_send = mine(it.fake, [SWAP, stranger, REBALANCED, stranger])
    mined = it.send()
    assert (mined.value_out, mined.value_in, mined.drift_after) == (1000, 990, 1)
    assert (it.row.state, it.row.value_out, it.row.value_in, it.row.gas_used) == (State.MINED, "1000", "990", 180_000)
    assert it.row.block_hash == it.fake.block_hash()
    (leg,) = it.ledger.legs(it.row.id)
    assert (leg.pool, leg.venue, leg.planned_in, leg.planned_out) == (POOL, "uniswap_v3", "10", "20")
    assert (leg.realised_in, leg.realised_out) == ("11", "22")


def test_send__signs_with_the_fees_the_limit_and_the_nonce(it):
    it.fake.nonce = 41
    it.fake.on_send = mine(it.fake)
    it.send()
    assert sender_of(it.fake.sent[0]) == it.signer.address
    assert (it.row.nonce, it.row.gas_limit, it.row.max_fee, it.row.tip) == (41, 130_000, str(3 * GWEI), str(GWEI))


def test_send__when_it_reverts_on_chain__is_failed_and_raises(it):
    it.fake.on_send = mine(it.fake, status=0)
    with pytest.raises(TransactionError, match="reverted in transaction 0x"):
        it.send()
    assert (it.row.state, it.row.error, it.row.gas_used) == (State.FAILED, "reverted", 180_000)


def test_send__when_the_endpoint_refuses__is_failed(it):
    it.fake.troubles = [("none", None)] * 2 + [("error", {"code": -32000, "message": "nonce too low"})]
    with pytest.raises(TransactionError, match=r"was not taken: .*nonce too low"):
        it.send()
    assert (it.row.state, it.fake.nonce) == (State.FAILED, 0)
    assert "nonce too low" in it.row.error


def test_send__when_the_answer_is_lost_but_the_transaction_is_not__still_finds_the_receipt(it):
    it.fake.on_send = mine(it.fake, [REBALANCED])
    it.fake.troubles = [("none", None)] * 2 + [("http", 502)]
    assert it.send().value_in == 990
    assert len(it.fake.sent) == 1


def test_send__when_it_is_not_mined_in_time__stays_in_the_ledger_as_sent(it):
    with pytest.raises(lane.InFlight, match=r"not mined after 0\.2 s"):
        it.send()
    assert it.row.state is State.SENT


def test_send__when_the_account_cannot_pay__writes_nothing_and_sends_nothing(it):
    it.fake.balance = 130_000 * 3 * GWEI - 1
    with pytest.raises(TransactionError, match="fund it"):
        it.send()
    assert it.ledger.transactions() == []
    assert it.fake.sent == []
    it.fake.balance += 1
    it.fake.on_send = mine(it.fake)
    assert it.send().succeeded


def test_send__to_another_executor__is_not_signed(it):
    stranger = Call("rebalance", VAULT, POOL, CALL.data, legs=(LEG,))
    with pytest.raises(TargetNotAllowed, match="not signed"):
        it.send(stranger)
    assert it.ledger.transactions() == []
    assert it.fake.sent == []


@pytest.mark.parametrize(("spare", "refused"), [(0, False), (-1, True)])
def test_send__cap_of_a_transaction__counts_the_limit_at_the_max_fee(it, spare, refused):
    # 130 % of 100,000 gas at 3 gwei.
    limit_with(it, 390_000 * GWEI + spare, 10**18)
    it.fake.on_send = mine(it.fake)
    if refused:
        with pytest.raises(FeeAboveCap):
            it.send()
        assert it.fake.sent == []
    else:
        assert it.send().succeeded


def test_send__cap_of_a_day__counts_what_the_ledger_knows_refused_ones_included(it):
    limit_with(it, 390_000 * GWEI, 2 * 390_000 * GWEI)
    it.fake.troubles = [("none", None)] * 2 + [("error", {"code": -32000, "message": "nonce too low"})]
    with pytest.raises(TransactionError, match="not taken"):
        it.send()
    it.fake.on_send = mine(it.fake)
    assert it.send().succeeded
    with pytest.raises(DayAboveCap):
        it.send()
    assert len(it.ledger.transactions()) == 2


def limit_with(it, transaction: int, day: int) -> None:
    """Caps in wei."""
    fees = it.settings.fees.model_copy(
        update={"transaction_max_eth": Decimal(transaction) / 10**18, "day_max_eth": Decimal(day) / 10**18}
    )
    it.settings = it.settings.model_copy(update={"fees": fees})


def left_behind(it, *, sent: bool) -> str:
    """A transaction whose process died: after the send, or between the intent and the send."""
    if sent:
        with pytest.raises(lane.InFlight):
            it.send()
    else:
        it.fake.troubles = [("none", None)] * 2 + [("http", 502)]
        with pytest.raises(ChainError):
            it.client, real = Client(it.fake.url, attempts=1), it.client
            it.client.read = lambda method, *params: _dying(real, method, params)  # type: ignore[method-assign]
            it.send()
        it.client = real
    return it.row.hash


def _dying(client, method, params):
    if method == "eth_getTransactionReceipt":
        raise ChainError("the process dies here")
    return client.read(method, *params)


def test_settle__when_it_was_mined_meanwhile__books_it_with_its_legs(it):
    found = left_behind(it, sent=True)
    mine(it.fake, [SWAP, REBALANCED])(found, it.fake.sent[0])
    it.settle()
    assert (it.row.state, it.row.value_in) == (State.MINED, "990")
    assert [(leg.venue, leg.realised_out) for leg in it.ledger.legs(it.row.id)] == [("uniswap_v3", "22")]


def test_settle__when_it_is_still_on_its_way__refuses_to_go_on(it):
    found = left_behind(it, sent=True)
    it.fake.known.add(found)
    with pytest.raises(lane.InFlight, match=f"{found} .* is not mined yet"):
        it.settle()
    assert it.row.state is State.SENT


def test_settle__when_nobody_knows_it__gives_it_up(it):
    left_behind(it, sent=False)
    it.fake.sent.clear()
    it.settle()
    assert it.row.state is State.DROPPED
    assert "was not sent, or it was dropped" in it.row.error


def test_send__when_the_same_transaction_was_given_up_before__sends_it_after_all(it):
    """Nothing in an opening differs from one second to the next, so that it has the same hash again."""
    found = left_behind(it, sent=False)
    it.fake.sent.clear()
    it.settle()
    it.fake.on_send = mine(it.fake)
    assert it.send().hash == found
    assert [row.state for row in it.ledger.transactions()] == [State.DROPPED, State.MINED]


def test_settle__when_its_nonce_was_used_by_another__gives_it_up(it):
    left_behind(it, sent=True)
    it.fake.nonce = 1
    it.settle()
    assert (it.row.state, it.row.error) == (State.REPLACED, "another transaction with its nonce was mined")


def test_settle__when_the_account_has_a_transaction_that_the_ledger_does_not_know__refuses(it):
    it.fake.pending_nonce = 1
    with pytest.raises(lane.InFlight, match="does not know"):
        it.settle()


def test_only_one__when_another_process_holds_the_lane__refuses(it):
    with lane.only_one(it.ledger, 1, it.signer.address):
        with (
            pytest.raises(ConfigurationError, match="another keeper process signs for"),
            lane.only_one(it.ledger, 1, it.signer.address),
        ):
            pass
        with lane.only_one(it.ledger, 5, it.signer.address):
            pass
    with lane.only_one(it.ledger, 1, it.signer.address):
        pass
