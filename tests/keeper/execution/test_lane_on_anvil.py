"""The lane on a real node that mines when it is told to: its pool, its words, its reorganisations, and real kills."""

import os
import signal
from pathlib import Path

import pytest
from eth_account import Account
from eth_utils.conversions import to_hex
from forked import Forked
from lane_bench import EXECUTOR, GWEI, REBALANCER, VAULT, WAD, Bench

from devnet import anvil
from keeper.chain.rpc import Client
from keeper.execution import eip1559
from keeper.execution.lane import ForeignUse, NotTaken, Step, Unfunded
from keeper.execution.signer import NodeSigner

KEY = b"\x07" * 32
# Answers every call with an address; does nothing; reverts.
ANSWERS = "0x73" + REBALANCER[2:].lower() + "60005260206000f3"
STOPS, REVERTS = "0x00", "0x60006000fd"


class Real(Bench):
    """A bench on anvil, whose blocks come when the test says so."""

    def __init__(self, folder: Path, url: str, **settings):
        super().__init__(folder, Client(url, attempts=1), KEY, **({"confirmations": 1} | settings))

    def rpc(self, method: str, *params: object):
        return self.node.send(method, *params)

    def mine(self, count: int = 1) -> None:
        for _ in range(count):
            self.rpc("evm_mine")
            self.step()

    def starve(self, count: int) -> None:
        """Blocks that the transaction cannot pay for; anvil forgets what cannot pay."""
        for _ in range(count):
            self.rpc("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
            self.mine()
        self.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))

    def look_later(self, blocks: int = 1) -> None:
        """As if so many blocks had passed, without any in which something is mined."""
        for row in self.rows:
            self.ledger.note_head(row.id, self.node.head().number - blocks)
        self.step()

    def nonces_mined(self) -> int:
        return int(self.node.nonce(self.signer.address))

    def pending(self, transaction_hash: str) -> bool:
        return self.node.read("eth_getTransactionByHash", transaction_hash) is not None


@pytest.fixture
def url():
    port = anvil.free_port()
    process = anvil.start(port, "--no-mining", "--base-fee", str(GWEI))
    client = Client(f"http://127.0.0.1:{port}")
    for where, code in ((VAULT, ANSWERS), (EXECUTOR, STOPS)):
        client.send("anvil_setCode", where, code)
    client.send("anvil_setBalance", Account.from_key(KEY).address, hex(WAD))
    for _ in range(6):
        client.send("evm_mine")
    yield f"http://127.0.0.1:{port}"
    anvil.stop(process)


@pytest.fixture
def it(url, tmp_path):
    bench = Real(tmp_path, url)
    yield bench
    bench.ledger.close()


def test_order__is_mined_and_confirmed(it):
    ticket = it.submit()
    assert it.states == ["rebalance sent"]
    it.mine()
    assert it.states == ["rebalance confirmed"]
    assert it.lane.wait(ticket, 1).succeeded
    assert it.submit().nonce == 1


@pytest.mark.parametrize("depth", range(1, 6))
def test_reorg__after_it_was_confirmed__is_sent_again_and_mined_once(it, depth):
    ticket = it.submit()
    it.mine(depth)
    before = it.rows[0].block_hash
    assert it.states == ["rebalance confirmed"]
    it.rpc("anvil_reorg", depth, [])
    it.step()
    assert (it.states, it.lane.is_free) == (["rebalance sent"], False)
    assert it.pending(ticket.hash)
    for _ in range(5):  # anvil may take a block to have it among what is ready
        it.mine()
        if it.lane.is_free:
            break
    assert it.states == ["rebalance confirmed"]
    assert it.rows[0].block_hash != before
    assert it.nonces_mined() == 1


@pytest.mark.parametrize("method", ["anvil_dropTransaction", "anvil_dropAllTransactions"])
def test_dropped__the_same_bytes_are_sent_again(it, method):
    ticket = it.submit()
    it.rpc(method, *([ticket.hash] if method == "anvil_dropTransaction" else []))
    assert not it.pending(ticket.hash)
    it.mine()
    assert it.pending(ticket.hash)
    it.mine()
    assert it.states == ["rebalance confirmed"]


def test_stuck__is_replaced_by_both_fees_up_an_eighth_at_least(it):
    ticket = it.submit()
    it.starve(3)
    assert it.states == ["rebalance sent", "rebalance sent"]
    assert (it.pending(ticket.hash), it.pending(it.rows[1].hash)) == (False, True)
    for fee in ("max_fee", "tip"):
        assert int(getattr(it.rows[1], fee)) * 8 >= int(getattr(it.rows[0], fee)) * 9
    it.mine()
    assert it.states == ["rebalance replaced", "rebalance confirmed"]
    assert it.nonces_mined() == 1


def test_base_fee_spike__above_the_cap__waits_and_is_mined_when_it_is_over(it):
    it.change(gas_price_max_gwei=20)
    it.submit()
    it.starve(4)
    assert it.states == ["rebalance sent"]
    assert "gas_price_max_gwei" in it.notices[-1].text
    it.mine(2)  # after the first it is sent again, and replaced, since it has waited for long
    assert it.states == ["rebalance replaced", "rebalance confirmed"]


def test_stuck__when_it_would_revert_now__is_cancelled(it):
    it.submit()
    it.rpc("anvil_setCode", EXECUTOR, REVERTS)
    it.starve(3)
    assert it.states == ["rebalance sent", "cancel sent"]
    it.mine()
    assert it.states == ["rebalance replaced", "cancel confirmed"]
    assert int(it.rows[1].gas_used) == 21_000


def test_too_late__is_cancelled(it):
    it.submit(seconds=0)
    it.look_later()
    assert it.states == ["rebalance sent", "cancel sent"]
    it.mine()
    assert it.states == ["rebalance replaced", "cancel confirmed"]


def rival(it, nonce: int, max_fee: int, tip: int) -> str:
    """Somebody else signs with the key."""
    transaction = eip1559.make(1, nonce, EXECUTOR, b"", 30_000, max_fee, tip)
    return str(it.rpc("eth_sendRawTransaction", to_hex(it.signer.sign(transaction).raw)))


def test_underpriced__the_fees_rise_until_it_is_taken(it):
    ticket = it.submit()
    rival(it, 0, 36 * GWEI // 10, 12 * GWEI // 10)
    assert not it.pending(ticket.hash)
    it.look_later()
    assert "underpriced" in it.notices[-1].text
    for _ in range(2):
        it.look_later(3)
    assert it.states == ["rebalance sent", "rebalance failed", "rebalance sent"]
    assert "underpriced" in (it.rows[1].error or "")
    assert int(it.rows[2].tip) > 12 * GWEI // 10
    it.mine()
    assert sum(row.block_hash is not None for row in it.rows) == it.nonces_mined() == 1


def test_nonce_too_low__somebody_else_was_mined__is_said_once(it):
    it.submit()
    rival(it, 0, 10 * GWEI, 10 * GWEI)
    it.rpc("evm_mine")
    with pytest.raises(ForeignUse):
        for _ in range(3):
            it.mine()
    it.restart()
    assert it.submit().nonce == 1
    it.mine()
    assert it.states[-1] == "rebalance confirmed"


def test_already_known__killed_before_it_was_written_down__counts_as_sent(it):
    it.kill_at = lambda step: step is Step.HANDED_OVER
    with pytest.raises(BaseException, match="handed over"):
        it.submit()
    it.restart()
    assert it.states == ["rebalance intent"]
    it.look_later()
    assert it.states == ["rebalance sent"]


def test_base_fee__below_it__the_node_refuses_or_the_transaction_waits(it):
    it.rpc("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
    it.rpc("evm_mine")
    with pytest.raises(NotTaken, match="base fee"):
        it.submit()
    assert (it.states, it.lane.is_free) == (["rebalance failed"], True)


def test_gas_money__gone_before_and_after_it_is_sent(it):
    it.rpc("anvil_setBalance", it.signer.address, "0x1")
    with pytest.raises(Unfunded, match=f"{it.signer.address} holds .*: fund it"):
        it.submit()
    it.rpc("anvil_setBalance", it.signer.address, hex(WAD))
    it.submit()
    it.rpc("anvil_setBalance", it.signer.address, "0x1")
    it.starve(3)
    assert it.states == ["rebalance sent"]
    assert "fund it" in it.notices[-1].text
    it.rpc("anvil_setBalance", it.signer.address, hex(WAD))
    it.mine(4)
    assert sum(row.block_hash is not None for row in it.rows) == it.nonces_mined() == 1


def test_node_signer__signs_with_an_account_of_the_node(it):
    (sender, *_) = it.node.read("eth_accounts")
    it.signer = NodeSigner(it.node, str(it.node.read("eth_accounts")[0]))
    assert sender == it.signer.address.lower()
    transaction = eip1559.make(1, 0, EXECUTOR, b"", 30_000, 2 * GWEI, GWEI)
    with pytest.raises(Exception, match="the signature of"):
        it.signer.sign(transaction)  # an address without its checksum is not the account's
    it.signer = NodeSigner(it.node, Account.from_key(ANVIL_KEY).address)
    assert Account.recover_transaction(it.signer.sign(transaction).raw) == it.signer.address


# Anvil's first account, which everybody knows.
ANVIL_KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")

SCENARIOS = {
    "plain": lambda it: (it.submit(), it.mine(2)),
    "reorg": lambda it: (it.submit(), it.mine(1), it.rpc("anvil_reorg", 1, []), it.step()),
    "replaced": lambda it: (it.submit(), it.starve(3), it.mine(1)),
    "dropped": lambda it: (
        it.submit(seconds=30),
        it.rpc("anvil_dropAllTransactions"),
        it.rpc("evm_increaseTime", 60),
        it.mine(1),
    ),
}


def killed_at(folder: Path, url: str, where: Step, scenario: str) -> None:
    """What the other process does, as long as it lives."""
    it = Real(folder, url)
    it.kill_at = lambda step: step is where and os.kill(os.getpid(), signal.SIGKILL)
    SCENARIOS[scenario](it)


@pytest.mark.parametrize(
    ("where", "scenario", "mined"),
    [
        *((step, "plain", step is not Step.SIGNED) for step in (Step.SIGNED, Step.RECORDED, Step.HANDED_OVER)),
        *((step, "plain", True) for step in (Step.SENT, Step.FOUND, Step.BOOKED, Step.CONFIRMED)),
        *((step, "reorg", True) for step in (Step.UNMINED, Step.RESENT)),
        (Step.SUPERSEDED, "replaced", True),
        (Step.DROPPED, "dropped", False),
    ],
)
def test_kill_9__and_a_restart__nothing_twice_and_nothing_lost(url, tmp_path, where, scenario, mined):
    assert Forked(killed_at, tmp_path, url, where, scenario).wait(60) == -signal.SIGKILL

    it = Real(tmp_path, url)
    it.decisions = 1
    it.step()
    for _ in range(4):
        it.mine()
    assert it.lane.is_free
    assert it.nonces_mined() == int(mined)
    rows = [row for row in it.rows if row.block_hash is not None]
    assert [str(row.state) for row in rows] == ["confirmed"] * mined
    # The account goes on where it stands.
    assert it.submit().nonce == int(mined)
    it.ledger.close()
