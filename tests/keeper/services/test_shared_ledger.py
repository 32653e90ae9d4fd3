"""Keepers that share a ledger: one acts for a vault, the others look on, and take over what a dead one has left."""

import pytest
from eth_account import Account
from fake_chain import FakeVault, mine, sender_of

from keeper.chain.rpc import Client
from keeper.errors import LedgerError, TransactionError
from keeper.execution.signer import KeystoreSigner
from keeper.ledger import Ledger, LedgerFull, State
from keeper.policy import Kind
from keeper.services.keeper_pass import keeper_pass
from keeper.settings import load


class Keeper:
    """A keeper with a key of its own, on a ledger that others may share."""

    def __init__(self, fake, vault, place, folder):
        self.vault = vault
        self.client = Client(fake.url, attempts=1)
        arguments = {
            "executor": vault.executor,
            "pools": {"cache_folder": str(folder)},
            "receipt_timeout_s": 0.2,
        }
        self.settings = load(arguments=arguments, environment={})
        self.ledger = Ledger(place)
        self.signer = KeystoreSigner(Account.create())

    def run(self):
        return keeper_pass(self.client, self.settings, self.vault.address, self.ledger, self.signer)


@pytest.fixture
def vault(fake):
    return FakeVault(fake).install()


@pytest.fixture
def keepers(fake, vault, place, tmp_path):
    found = [Keeper(fake, vault, place, tmp_path / "pools") for _ in range(2)]
    yield found
    for each in found:
        each.ledger.close()


def test_pass__sends_once_and_writes_down_what_it_did(fake, keepers):
    fake.on_send = mine(fake)
    keeper, _ = keepers
    assert keeper.run().plan.decision.kind is Kind.OPEN
    (row,) = keeper.ledger.transactions()
    assert (row.state, row.mode, row.sender) == (State.MINED, "open", keeper.signer.address)
    prices = keeper.ledger.prices(row.decision_id)
    assert [(price.symbol, price.decimals) for price in prices] == [("WETH", 18), ("USDC", 6)]
    assert int(row.gas_cost) == 180_000 * fake.base_fee * int(row.decision.native_price) // 10**18


def test_pass__when_another_keeper_acts_for_the_vault__looks_on_and_says_so(fake, keepers, vault):
    fake.on_send = mine(fake)
    keeper, other = keepers
    with other.ledger.locks.vault(1, vault.address):
        result = keeper.run()
    assert (result.plan.decision.kind, result.mined, fake.sent) == (Kind.WAIT, None, [])
    assert "not this keeper's turn: another keeper acts for vault" in result.plan.decision.reason
    (row,) = keeper.ledger.decisions()
    assert (row.kind, row.reason) == ("wait", result.plan.decision.reason)
    assert keeper.run().mined is not None


def test_pass__when_a_keeper_died_with_a_transaction_on_its_way__waits_for_it_and_then_acts(fake, keepers):
    dead, keeper = keepers
    fake.on_send = lambda found, raw: fake.known.add(found)
    with pytest.raises(TransactionError, match="not mined after"):
        dead.run()
    (left,) = dead.ledger.transactions()
    dead.ledger.close()
    fake.known.add(left.hash)
    waits = keeper.run()
    assert waits.mined is None
    assert f"transaction {left.hash} of {dead.signer.address} is not mined yet" in waits.plan.decision.reason
    assert len(fake.sent) == 1
    mine(fake)(left.hash, fake.sent[0])
    fake.nonces = {dead.signer.address: 1}
    fake.nonce = 0  # of the second account
    fake.on_send = mine(fake)
    keeper.run()
    assert [sender_of(raw) for raw in fake.sent] == [dead.signer.address, keeper.signer.address]
    assert [row.state for row in keeper.ledger.transactions()] == [State.MINED, State.MINED]


def test_pass__when_the_lock_is_lost_on_the_way__sends_nothing(fake, keepers, monkeypatch):
    keeper, _ = keepers
    record = keeper.ledger.record_decision

    def losing(*given, **named):
        found = record(*given, **named)
        keeper.ledger.locks.close()
        return found

    monkeypatch.setattr(keeper.ledger, "record_decision", losing)
    with pytest.raises(LedgerError, match="does not hold the lock"):
        keeper.run()
    assert fake.sent == []
    assert keeper.ledger.transactions() == []


@pytest.mark.parametrize("step", ["record_decision", "record_intent"])
def test_pass__when_the_ledger_cannot_be_written__sends_nothing(fake, keepers, monkeypatch, step):
    keeper, _ = keepers

    def full(*_given, **_named):
        raise LedgerFull("ledger has no room left")

    monkeypatch.setattr(keeper.ledger, step, full)
    signed = []
    monkeypatch.setattr(keeper.signer, "sign", lambda transaction: signed.append(transaction) or sign(transaction))
    sign = KeystoreSigner.sign.__get__(keeper.signer)
    with pytest.raises(LedgerFull):
        keeper.run()
    assert fake.sent == []
    assert len(signed) == (0 if step == "record_decision" else 1)
