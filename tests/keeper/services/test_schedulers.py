"""Decisions in other people's shapes, and the example bot with stand-ins for what it imports."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from eth_utils.conversions import to_hex
from fake_chain import FakeVault

from keeper.chain.rpc import Client
from keeper.errors import ConfigurationError, OracleError
from keeper.services.plan import plan
from keeper.services.schedulers import call_of, check_upkeep, gelato_of, upkeep_of
from keeper.settings import load

BOT = Path(__file__).parents[3] / "deploy" / "silverback_bot.py"


@pytest.fixture
def vault(fake):
    return FakeVault(fake).install()


@pytest.fixture
def settings(fake, vault, tmp_path):
    files = {"kill_switch_file": tmp_path / "STOP", "breakers_file": tmp_path / "breakers.json"}
    given = {"executor": vault.executor, "pools": {"cache_folder": str(tmp_path / "pools")}, "operations": files}
    return load(arguments=given, environment={})


@pytest.fixture
def client(fake):
    return Client(fake.url, attempts=1)


def test_check_upkeep__when_something_is_due__gives_the_plans_own_transaction(client, settings, vault):
    is_needed, data = check_upkeep(client, settings, vault.address)
    made = plan(client, settings, vault.address)
    assert is_needed
    assert call_of(data) == (made.call.target, made.call.data)
    assert gelato_of(made) == {"canExec": True, "callData": [{"to": made.call.target, "data": to_hex(made.call.data)}]}


def test_check_upkeep__when_nothing_is_due__gives_nothing_and_gelato_the_reason(client, settings, vault):
    vault.trigger, vault.weth = 0, 500 * 10**18
    assert check_upkeep(client, settings, vault.address) == (False, b"")
    made = plan(client, settings, vault.address)
    assert upkeep_of(made) == (False, b"")
    assert gelato_of(made) == {"canExec": False, "message": made.decision.reason}


def test_check_upkeep__a_call_that_would_revert__is_no_upkeep(client, settings, vault):
    made = plan(client, settings, vault.address)
    assert made.call is not None
    object.__setattr__(made, "simulation", None)
    assert upkeep_of(made) == (False, b"")
    assert gelato_of(made)["canExec"] is False


def test_check_upkeep__while_the_kill_switch_is_on__gives_nothing(client, settings, vault):
    settings.operations.kill_switch_file.touch()
    assert check_upkeep(client, settings, vault.address) == (False, b"")


def test_check_upkeep__when_the_oracle_fails__says_so(client, settings, vault):
    vault.fault = 1
    with pytest.raises(OracleError):
        check_upkeep(client, settings, vault.address)


@pytest.mark.parametrize("data", [b"", b"\x01", b"\xff" * 96])
def test_call_of__what_is_no_perform_data__is_refused(data):
    with pytest.raises(ConfigurationError, match="pass on what check_upkeep gave"):
        call_of(data)


@pytest.fixture
def bot(fake, vault, tmp_path, monkeypatch):
    """The example's module, run with a bot that only remembers its handlers."""
    handlers = []

    class SilverbackBot:
        def on_(self, container):
            assert container == "blocks"
            return lambda handler: handlers.append(handler) or handler

    for name, members in (
        ("silverback", {"SilverbackBot": SilverbackBot}),
        ("ape", {"chain": SimpleNamespace(blocks="blocks")}),
    ):
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("keeper.operations.logs.configure", lambda *_: None)
    for name, value in {
        "VAULTS": f"0x{'0' * 39}1 {vault.address.lower()}",
        "EQUIPOISE_RPC_URL": fake.url,
        "EQUIPOISE_EXECUTOR": vault.executor,
        "EQUIPOISE_READ_ATTEMPTS": "1",
        "EQUIPOISE_LEDGER_FILE": str(tmp_path / "ledger.sqlite"),
        "EQUIPOISE_POOLS__CACHE_FOLDER": str(tmp_path / "pools"),
        "EQUIPOISE_OPERATIONS__KILL_SWITCH_FILE": str(tmp_path / "STOP"),
        "EQUIPOISE_OPERATIONS__BREAKERS_FILE": str(tmp_path / "breakers.json"),
    }.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("silverback_bot", BOT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module, handlers
    module.ledger.close()


def test_silverback_bot__at_a_block__runs_a_dry_pass_over_each_vault(bot, vault):
    module, (handler,) = bot
    assert handler(SimpleNamespace(number=7)) == {"mined": 0}
    (row,) = module.ledger.decisions()  # the other address is no vault, which stops nothing
    assert (row.vault, row.armed, row.kind) == (vault.address, False, "open")


def test_silverback_bot__armed__asks_the_gate_before_it_acts(bot, vault, monkeypatch):
    module, (handler,) = bot
    passes = []
    monkeypatch.setattr(module, "signer", SimpleNamespace(address="0xS"))
    monkeypatch.setattr(
        module,
        "keeper_pass",
        lambda *given: (
            passes.append(given[2])
            or SimpleNamespace(
                plan=SimpleNamespace(decision=SimpleNamespace(kind=SimpleNamespace(value="open"))), mined=object()
            )
        ),
    )
    assert handler(SimpleNamespace(number=7)) == {"mined": 2}
    module.settings.operations.kill_switch_file.touch()
    assert handler(SimpleNamespace(number=8)) == {"mined": 0}
    assert len(passes) == 2
