"""All vaults of a chain, block after block, on a fake endpoint: who waits, who is acted for, and whose fault stays whose."""

import pytest
from eth_account import Account
from fake_chain import WAD, FakeVault, address, mine, target_of

from keeper.chain import abi
from keeper.chain.abi import Fault
from keeper.chain.rpc import Client
from keeper.errors import ActingRefused, ChainError, LedgerError
from keeper.execution.lane import Lane
from keeper.execution.signer import KeystoreSigner
from keeper.ledger import Ledger, State
from keeper.operations import events
from keeper.operations.bus import Bus
from keeper.operations.events import Failure, Outcome
from keeper.services import acting, told
from keeper.services.chain_keeper import ChainKeeper, Hand
from keeper.settings import load


class Gate:
    """Lets everything pass until it is closed."""

    def __init__(self):
        self.closed: set[str] = set()
        self.asked: list[tuple[str, ...]] = []

    def refuse(self, chain_id, *addresses):
        self.asked.append(addresses)
        if self.closed & set(addresses):
            raise ActingRefused("a breaker is open")


class House:
    """Three vaults with rules of their own, and what keeps them. `balanced` is not due, the others are as they are set."""

    def __init__(self, fake, folder):
        self.fake = fake
        self.vaults = [self._vault(name) for name in ("first", "second", "third")]
        self.client = Client(fake.url, attempts=1)
        self.settings = load(
            arguments={
                "executor": self.vaults[0].executor,
                "confirmations": 1,
                "vaults": tuple(vault.address for vault in self.vaults),
                "pools": {"cache_folder": str(folder / "pools")},
            },
            environment={},
        )
        self.ledger = Ledger(folder / "ledger.sqlite")
        self.signer = KeystoreSigner(Account.create())
        self.lock = self.ledger.locks.lane(1, self.signer.address)
        self.gate = Gate()
        self.told: list[events.Event] = []
        self.bus = Bus(self.told.append)
        self.make()
        fake.on_send = mine(fake)

    def _vault(self, name: str) -> FakeVault:
        vault = FakeVault(
            self.fake, address=address(name), rebalancer=address(f"{name}'s rules"), oracle=address(f"{name}'s oracle")
        )
        vault.trigger = 0
        return vault.install()

    def make(self, armed: bool = True, **settings) -> None:
        self.settings = self.settings.model_copy(update=settings)
        lane = Lane(self.client, self.ledger, self.signer, self.settings, told.listener(self.bus, self.ledger))
        hand = Hand(self.signer.address, lane, self.gate) if armed else None
        self.keeper = ChainKeeper(self.settings, self.client, self.ledger, self.bus, hand)

    def tick(self) -> list[events.Event]:
        """The next block; what was told of it."""
        self.fake.number += 1
        self.fake.timestamp += 12
        self.told.clear()
        self.fake.requests.clear()
        self.keeper.tick(self.client.head())
        return list(self.told)

    def due(self, *numbers: int) -> None:
        """Let these vaults be open so long that their bound is met."""
        for number in numbers:
            vault = self.vaults[number]
            vault.is_open, vault.opened_at, vault.trigger = True, self.fake.timestamp - 1_500, 0

    def outcomes(self) -> dict[str, Outcome]:
        return {event.vault: event.outcome for event in of(events.PassEnded, self.told)}


def of(kind, told):
    return [event for event in told if isinstance(event, kind)]


@pytest.fixture
def house(fake, tmp_path):
    found = House(fake, tmp_path)
    yield found
    found.keeper.close()
    found.ledger.close()


def test_tick__while_nothing_is_due__asks_three_requests_and_writes_each_wait_once(house):
    house.tick()
    told = house.tick()
    assert [method for method, _ in house.fake.requests] == ["eth_getBlockByNumber", "eth_call", "eth_call"]
    assert {event.vault for event in of(events.VaultRead, told)} == set(house.settings.vaults)
    assert [event.reason for event in of(events.Decided, told)] == ["no asset is out of its band"] * 3
    assert set(house.outcomes().values()) == {Outcome.WAITED}
    assert len(house.ledger.decisions()) == 3


def test_tick__a_wait_that_goes_on__is_written_down_once_an_hour(house):
    house.tick()
    house.fake.timestamp += 3_600 - 13
    house.tick()
    assert len(house.ledger.decisions()) == 3
    house.tick()
    assert len(house.ledger.decisions()) == 6


def test_tick__a_vault_that_is_due__is_rebalanced_and_confirmed(house):
    house.tick()
    house.due(1)
    told = house.tick()
    (signed,) = of(events.Signed, told)
    (raw,) = house.fake.sent
    assert target_of(raw) == house.settings.executor
    assert signed.account == house.signer.address
    assert 0 < signed.seconds_since_head < 60
    assert house.outcomes()[house.vaults[1].address] is Outcome.SENT
    (row,) = house.ledger.transactions()
    assert (row.decision.vault, row.decision.kind) == (house.vaults[1].address, "rebalance")
    assert [event.mode for event in of(events.Submitted, told)] == ["rebalance"]
    house.vaults[1].is_open = False
    told = house.tick()
    assert [event.hash for event in of(events.Confirmed, told)] == [row.hash]
    assert house.ledger.transactions()[0].state is State.CONFIRMED


def test_tick__that_acts__asks_for_no_more_than_what_may_have_changed(house):
    """Which chain it is and whose the executor is is known from the first time."""
    house.due(1)
    house.tick()
    first = len(house.fake.requests)
    assert len(house.fake.sent) == 1
    house.vaults[1].is_open = False
    house.tick()
    house.due(2)
    house.tick()
    assert len(house.fake.sent) == 2
    assert len(house.fake.requests) == 17
    assert first > 17


def test_tick__own_rules_that_hold_back__read_the_pools_once_an_hour_and_ask_no_more_than_when_idle(house):
    """What trades are expected to cost is told from the pools, which are read only for a vault that its contract lets trade."""
    rules = {"rebalancing": "band"}
    house.make(
        policy=house.settings.policy.model_copy(update=rules),
        rebalancing=house.settings.rebalancing.model_copy(update={"band_bps": 2_000}),
    )
    house.due(0)
    costs = []
    for seconds in (0, 0, 3_564, 0, 0):
        house.fake.timestamp += seconds
        house.vaults[0].opened_at = house.fake.timestamp - 1_500
        told = house.tick()
        costs.append(len(house.fake.requests) > 3)
        assert "the policy sees nothing due" in [event.reason for event in of(events.Decided, told)]
    assert costs == [True, False, False, True, False]
    assert house.fake.sent == []


def test_tick__of_two_that_are_due__acts_for_the_one_further_out_of_place_and_lets_the_other_wait(house):
    house.tick()
    house.due(0, 2)
    house.vaults[2].weth += 10 * 10**18
    house.fake.on_send = None  # it stays on its way
    told = house.tick()
    assert len(house.fake.sent) == 1
    (row,) = house.ledger.transactions()
    assert row.decision.vault == house.vaults[2].address
    (waiting,) = [event for event in of(events.Decided, told) if event.vault == house.vaults[0].address]
    assert (waiting.kind, waiting.reason) == ("wait", f"a transaction of {house.signer.address} is on its way")


def test_tick__what_is_no_vault__stops_no_other(house):
    house.make(vaults=(address("nothing"), *house.settings.vaults))
    house.due(0)
    told = house.tick()
    (failed,) = of(events.PlanFailed, told)
    assert (failed.vault, failed.kind) == (address("nothing"), Failure.CONFIGURATION)
    assert len(house.fake.sent) == 1
    assert house.outcomes()[address("nothing")] is Outcome.FAILED


def test_tick__an_oracle_that_fails__stops_no_other_vault(house):
    house.vaults[0].fault = int(Fault.STALE)
    house.due(1)
    told = house.tick()
    (failed,) = of(events.PlanFailed, told)
    assert (failed.vault, failed.kind) == (house.vaults[0].address, Failure.ORACLE)
    assert len(house.fake.sent) == 1


def test_tick__a_fault_of_our_own_in_one_vaults_plan__stops_no_other(house, monkeypatch):
    plan_on = acting.plan_on
    first = house.vaults[0].address

    def broken(client, settings, snapshot, *rest):
        if snapshot.address == first:
            raise ZeroDivisionError
        return plan_on(client, settings, snapshot, *rest)

    monkeypatch.setattr(acting, "plan_on", broken)
    house.due(0, 1)
    told = house.tick()
    (failed,) = of(events.PlanFailed, told)
    assert (failed.vault, failed.kind) == (first, Failure.UNEXPECTED)
    assert len(house.fake.sent) == 1


def test_tick__when_no_route_pays__looks_again_only_when_something_moved(house):
    house.due(0)
    for vault in house.vaults:
        vault.with_pool = False
    (failed,) = of(events.PlanFailed, house.tick())
    assert failed.kind is Failure.NO_ROUTE
    asked = len(house.fake.requests)
    told = house.tick()
    assert len(house.fake.requests) < asked
    assert [event.reason for event in of(events.Decided, told) if event.vault == failed.vault] == [failed.error]
    house.vaults[0].weth += 10 * 10**18
    assert of(events.PlanFailed, house.tick())


@pytest.mark.parametrize("who", ["vault", "account"])
def test_tick__when_the_gate_is_closed__signs_nothing_and_goes_on_when_it_opens(house, who):
    house.due(0)
    house.gate.closed = {house.vaults[0].address if who == "vault" else house.signer.address}
    told = house.tick()
    assert house.fake.sent == []
    assert house.ledger.transactions() == []
    assert house.outcomes()[house.vaults[0].address] is Outcome.REFUSED
    assert [event.reason for event in of(events.Decided, told) if event.vault == house.vaults[0].address] == [
        "a breaker is open"
    ]
    assert not of(events.PlanFailed, told)  # what holds the keeper back is no failure of the vault's
    house.gate.closed.clear()
    house.tick()
    assert len(house.fake.sent) == 1


def test_tick__when_the_gate_closes_while_a_route_is_looked_for__signs_nothing(house, monkeypatch):
    plan_on = acting.plan_on

    def closing(*given):
        found = plan_on(*given)
        house.gate.closed = {house.vaults[0].address}
        return found

    monkeypatch.setattr(acting, "plan_on", closing)
    house.due(0)
    told = house.tick()
    assert house.fake.sent == []
    assert house.outcomes()[house.vaults[0].address] is Outcome.REFUSED
    assert not of(events.PlanFailed, told) + of(events.SendFailed, told)


def test_tick__when_dry__plans_and_sends_nothing_and_plans_not_for_every_block(house):
    house.make(armed=False)
    house.due(0)
    house.tick()
    assert house.outcomes()[house.vaults[0].address] is Outcome.PLANNED
    asked = len(house.fake.requests)
    house.tick()
    assert len(house.fake.requests) < asked
    assert house.fake.sent == []
    assert house.ledger.transactions() == []
    assert {row.armed for row in house.ledger.decisions()} == {False}


def test_tick__when_another_keeper_acts_for_the_vault__waits_until_it_no_longer_does(house, tmp_path):
    other = Ledger(tmp_path / "ledger.sqlite")
    lock = other.locks.vault(1, house.vaults[0].address)
    house.due(0)
    told = house.tick()
    assert [event.reason for event in of(events.Decided, told) if event.vault == house.vaults[0].address] == [
        "another keeper acts for it"
    ]
    assert house.fake.sent == []
    lock.release()
    house.tick()
    assert len(house.fake.sent) == 1
    other.close()


def test_tick__when_the_endpoint_fails__raises_for_all_of_them(house):
    house.tick()
    head = house.client.head()
    house.fake.trouble = ("http", 500)
    with pytest.raises(ChainError):
        house.keeper.tick(head)


def test_tick__when_the_ledger_cannot_be_written__signs_nothing(house, monkeypatch):
    house.tick()
    house.due(0)

    def full(*_):
        raise LedgerError("the disk is full")

    monkeypatch.setattr(house.ledger, "record_decision", full)
    with pytest.raises(LedgerError):
        house.tick()
    assert house.fake.sent == []


def test_tick__when_the_lane_refuses__tells_and_goes_on(house):
    house.make(fees=house.settings.fees.model_copy(update={"transaction_max_eth": 1e-6}))
    house.due(0)
    told = house.tick()
    (failed,) = of(events.SendFailed, told)
    assert failed.vaults == (house.vaults[0].address,)
    assert house.outcomes()[house.vaults[0].address] is Outcome.FAILED
    assert house.fake.sent == []
    assert house.tick()


def test_tick__tells_what_the_account_holds_now_and_then(house):
    (seen,) = of(events.AccountSeen, house.tick())
    assert (seen.account, seen.balance, seen.nonce) == (house.signer.address, house.fake.balance, 0)
    assert seen.in_flight_since is None
    for _ in range(24):
        assert not of(events.AccountSeen, house.tick())
    house.due(0)
    house.fake.on_send = None
    assert of(events.AccountSeen, house.tick())
    for _ in range(24):
        house.tick()
    (seen,) = of(events.AccountSeen, house.tick())
    assert seen.in_flight_since is not None


def test_forget__learns_the_vaults_anew(house):
    house.tick()
    house.keeper.forget()
    house.tick()
    assert sum(method == "eth_call" for method, _ in house.fake.requests) > 2


def test_vault_read__has_what_a_person_looks_at(house):
    told = house.tick()
    read = of(events.VaultRead, told)[0]
    vault = house.vaults[0]
    assert (read.nav, read.nav_per_share) == (vault.nav, vault.nav * WAD // (1_000 * WAD))
    assert [asset.symbol for asset in read.assets] == ["WETH", "USDC"]
    assert abi.Rebalancer.drift.decode(house.fake.run(vault.rebalancer, abi.Rebalancer.drift.encode())) == read.drift
