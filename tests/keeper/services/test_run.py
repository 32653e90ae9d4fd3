"""The process: a thread for each chain that nothing but a signal ends, and what does not let it begin."""

import threading
import time
from dataclasses import dataclass, field

import pytest
from eth_account import Account
from fake_chain import FakeChain, FakeVault, address, mine, serve
from pydantic import SecretStr

from keeper.chain import abi
from keeper.errors import ConfigurationError
from keeper.execution import signer as signers
from keeper.execution.signer import KeystoreSigner
from keeper.ledger import Ledger, LockTaken
from keeper.operations import events
from keeper.operations.bus import Bus
from keeper.operations.events import Failure
from keeper.services import run as service
from keeper.settings import load

PATIENCE_S = 30.0


@dataclass
class Watch:
    """Stands for operations: remembers what is told, lets everything pass."""

    told: list[events.Event] = field(default_factory=list)

    def __post_init__(self):
        self.bus = Bus(self.told.append)
        self.news = threading.Condition()
        self.bus.add(self._hear)

    def emit(self, event):
        self.bus.emit(event)

    def refuse(self, chain_id, *addresses):
        pass

    def _hear(self, _):
        with self.news:
            self.news.notify_all()

    def wait_for(self, of, **fields):
        """The first event of a kind with these fields."""

        def found():
            return next(
                (e for e in self.told if isinstance(e, of) and all(getattr(e, k) == v for k, v in fields.items())),
                None,
            )

        with self.news:
            assert self.news.wait_for(lambda: found() is not None, PATIENCE_S), f"no {of.__name__} in {self.told}"
            return found()


class Chains:
    """Fake chains with a vault each, and the process that keeps them in a thread of the test."""

    def __init__(self, folder, key):
        self.folder, self.key = folder, key
        self.fakes: dict[str, FakeChain] = {}
        self.servers = []
        self.settings = {}
        self.watch = Watch()
        self.stop = threading.Event()
        self.thread = None
        self.raised = None

    def add(self, name, chain_id, **changes):
        fake = FakeChain(chain_id=chain_id)
        self.servers.append(serve(fake))
        vault = FakeVault(fake, address=address(f"vault of {name}"))
        vault.trigger = 0
        vault.install()
        fake.view(vault.executor, abi.Executor.owner, self.key.address)
        fake.on_send = mine(fake)
        self.fakes[name] = fake
        self.settings[name] = load(
            arguments={
                "chain_id": chain_id,
                "rpc_url": fake.url,
                "vaults": (vault.address,),
                "executor": vault.executor,
                "ledger_file": self.folder / "ledger.sqlite",
                "poll_interval_s": 0.05,
                "read_attempts": 1,
                "confirmations": 1,
                "pools": {"cache_folder": str(self.folder / "pools")},
            }
            | changes,
            environment={},
        )
        return vault

    def begin(self, armed=False):
        def work():
            try:
                service.run(self.settings, self.watch, self.stop, armed=armed)
            except Exception as error:
                self.raised = error

        self.thread = threading.Thread(target=work)
        self.thread.start()

    def end(self):
        self.stop.set()
        if self.thread is not None:
            self.thread.join(PATIENCE_S)
            assert not self.thread.is_alive()
        for server in self.servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def chains(tmp_path, monkeypatch):
    key = KeystoreSigner(Account.create())
    monkeypatch.setattr(signers, "of", lambda settings, client, ask: key)
    found = Chains(tmp_path, key)
    yield found
    found.end()


def test_run__keeps_every_chain_and_ends_when_asked(chains):
    chains.add("one", 1)
    chains.add("two", 10)
    chains.begin()
    for chain_id in (1, 10):
        chains.watch.wait_for(events.PassEnded, chain_id=chain_id)
    chains.fakes["two"].number += 1
    chains.watch.wait_for(events.HeadSeen, chain_id=10, number=101)
    chains.stop.set()
    chains.thread.join(PATIENCE_S)
    assert chains.raised is None
    assert isinstance(chains.watch.told[-1], events.Stopped)
    assert chains.watch.told[-1].is_clean


def test_run__when_armed__acts_for_a_vault_that_comes_due(chains):
    vault = chains.add("one", 1)
    chains.begin(armed=True)
    chains.watch.wait_for(events.PassEnded)
    vault.is_open, vault.opened_at = True, chains.fakes["one"].timestamp - 1_500
    chains.fakes["one"].number += 1
    chains.watch.wait_for(events.Submitted)
    vault.is_open = False
    chains.fakes["one"].number += 1
    chains.watch.wait_for(events.Confirmed)


def test_run__a_chain_that_fails__is_told_tried_again_and_none_of_the_others_business(chains):
    chains.add("one", 1)
    chains.add("two", 10)
    chains.fakes["two"].trouble = ("http", 500)
    chains.begin()
    chains.watch.wait_for(events.QuorumFailed, chain_id=10)
    chains.watch.wait_for(events.PassEnded, chain_id=1)
    chains.fakes["two"].trouble = None
    chains.watch.wait_for(events.PassEnded, chain_id=10)
    chains.watch.wait_for(events.QuorumRestored, chain_id=10)


def test_run__a_chain_that_fails_in_the_middle__goes_on_with_a_later_block(chains):
    chains.add("one", 1)
    chains.begin()
    chains.watch.wait_for(events.PassEnded)
    fake = chains.fakes["one"]
    fake.troubles = [None, ("http", 500)]
    fake.number += 1
    chains.watch.wait_for(events.QuorumFailed)
    fake.number += 1
    chains.watch.wait_for(events.QuorumRestored)


def test_run__tells_of_every_request(chains):
    chains.add("one", 1)
    chains.begin()
    asked = chains.watch.wait_for(events.RpcAsked, method="eth_call")
    assert (asked.chain_id, asked.succeeded) == (1, True)
    assert chains.fakes["one"].url.startswith(asked.endpoint)


def test_run__an_endpoint_that_went_away_and_came_back__is_told_of_by_its_name(chains):
    chains.add("one", 1)
    fakes = [FakeChain(), FakeChain()]
    chains.servers += [serve(fake) for fake in fakes]
    for fake in fakes:
        fake.views, fake.functions = chains.fakes["one"].views, chains.fakes["one"].functions
    urls = [SecretStr(fake.url) for fake in (chains.fakes["one"], *fakes)]
    chains.settings["one"] = chains.settings["one"].model_copy(update={"rpc_urls": tuple(urls)})
    fakes[1].number = 5
    chains.begin()
    excluded = chains.watch.wait_for(events.EndpointExcluded)
    assert "endpoint 3" in excluded.name
    chains.watch.wait_for(events.PassEnded)
    for fake in (chains.fakes["one"], *fakes):
        fake.number = 101
    restored = chains.watch.wait_for(events.EndpointRestored)
    assert restored.name == excluded.name


def test_run__says_that_it_lives_while_every_chain_does(chains, monkeypatch):
    monkeypatch.setattr(service, "_PULSE_S", 0.05)
    chains.add("one", 1)
    chains.begin()
    chains.watch.wait_for(events.Ticked)


def test_run__while_a_block_takes_for_ever__does_not_say_that_it_lives(chains, monkeypatch):
    monkeypatch.setattr(service, "_PULSE_S", 0.02)
    monkeypatch.setattr(service, "_STUCK_S", 0.0)
    inside, leave = threading.Event(), threading.Event()

    def stuck(*_):
        inside.set()
        leave.wait(PATIENCE_S)

    monkeypatch.setattr(service.ChainKeeper, "tick", stuck)
    chains.add("one", 1)
    chains.begin()
    assert inside.wait(PATIENCE_S)
    chains.watch.told.clear()
    time.sleep(0.2)
    assert not any(isinstance(event, events.Ticked) for event in chains.watch.told)
    leave.set()


def test_run__without_vaults__says_what_to_set(chains):
    chains.add("one", 1, vaults=())
    with pytest.raises(ConfigurationError, match="no vaults to keep: set vaults"):
        service.run(chains.settings, chains.watch, chains.stop, armed=False)


def test_run__armed_without_an_executor__says_what_to_set(chains):
    chains.add("one", 1, executor=None)
    with pytest.raises(ConfigurationError, match="no executor to rebalance through: set executor"):
        service.run(chains.settings, chains.watch, chains.stop, armed=True)


def test_run__when_another_process_signs_with_the_key__does_not_begin(chains, tmp_path):
    chains.add("one", 1)
    other = Ledger(tmp_path / "ledger.sqlite")
    with other.locks.lane(1, chains.key.address), pytest.raises(LockTaken):
        service.run(chains.settings, chains.watch, chains.stop, armed=True)
    other.close()


@pytest.mark.parametrize("name", ["executor", "batch_executor"])
def test_run__when_an_executor_is_anothers__tells_and_signs_nothing(chains, name):
    executor = address("an executor")
    chains.add("one", 1, **{name: executor})
    chains.fakes["one"].view(executor, abi.Executor.owner, address("somebody"))
    chains.begin(armed=True)
    told = chains.watch.wait_for(events.SendFailed, kind=Failure.CONFIGURATION)
    assert f"{name} {executor} belongs to" in told.error
    assert chains.fakes["one"].sent == []


def test_run__when_a_block_is_reorganised__forgets_what_it_knew(chains, monkeypatch):
    forgotten = threading.Event()
    monkeypatch.setattr(service.ChainKeeper, "forget", lambda _: forgotten.set())
    chains.add("one", 1)
    chains.begin()
    chains.watch.wait_for(events.PassEnded)
    chains.fakes["one"].genesis = 7
    assert forgotten.wait(PATIENCE_S)
    assert any(event.reorged for event in chains.watch.told if isinstance(event, events.HeadSeen))
