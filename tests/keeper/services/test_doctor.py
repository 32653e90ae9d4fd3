"""The doctor: one row a check, errors that name the fix, and no check that passes without having looked."""

import json
import socket

import pytest
from eth_account import Account
from fake_chain import USDC, WETH, FakeVault, address
from sqlalchemy import make_url

from keeper.aggregators import calldata, pins
from keeper.chain import abi
from keeper.chain.abi import Fault
from keeper.operations.breaker_file import BreakerFile, Tripped
from keeper.operations.events import Breaker
from keeper.services.doctor import Status, examine
from keeper.settings import load


@pytest.fixture
def vault(fake):
    return FakeVault(fake).install()


@pytest.fixture
def rows(fake, tmp_path):
    def look(vault: str | None = None, **given):
        given = {"rpc_url": fake.url, "ledger_file": tmp_path / "ledger.sqlite", "read_attempts": 1} | given
        files = {"kill_switch_file": tmp_path / "STOP", "breakers_file": tmp_path / "breakers.json"}
        given["operations"] = files | given.get("operations", {})
        return {row.check: row for row in examine(load(arguments=given, environment={}), vault)}

    return look


def test_examine__when_all_is_well__has_no_error(rows, vault):
    found = rows(vault.address, executor=vault.executor)
    assert {row.status for row in found.values()} <= {Status.OK, Status.WARN}
    for check in (
        "python",
        "contracts",
        "ledger",
        "rpc",
        "chain id",
        "multicall",
        "simulation",
        "executor",
        "vault",
        "oracle",
    ):
        assert found[check].status is Status.OK, found[check]
    assert found["key file"].status is Status.WARN


def test_examine__when_the_rpc_is_down__says_so_and_goes_on(rows):
    found = rows(rpc_url="http://127.0.0.1:1")
    assert found["rpc"].status is Status.ERROR
    assert "chain id" not in found
    assert "key file" in found


def test_examine__when_the_chain_is_another__is_an_error(rows, fake):
    fake.chain_id = 5
    assert rows()["chain id"].status is Status.ERROR


def test_examine__when_the_node_cannot_simulate__is_an_error(rows, fake):
    answer = fake.answer
    fake.answer = lambda method, params: {}[method] if method == "eth_simulateV1" else answer(method, params)
    row = rows()["simulation"]
    assert (row.status, "use another RPC" in row.detail) == (Status.ERROR, True)


def test_examine__when_multicall_is_missing__is_an_error(rows, fake):
    assert rows(multicall=address("nothing"))["multicall"].status is Status.ERROR


def test_examine__when_a_feed_is_stale__names_the_asset(rows, vault):
    vault.fault = int(Fault.STALE)
    row = rows(vault.address)["oracle"]
    assert row.status is Status.ERROR
    assert "WETH: its feed is stale" in row.detail


def test_examine__when_the_vault_is_paused_or_shut_down__says_so(rows, vault):
    vault.paused = True
    assert rows(vault.address)["vault"].status is Status.WARN
    vault.is_shut_down = True
    row = rows(vault.address)["vault"]
    assert row.status is Status.ERROR
    assert "shut down for good" in row.detail


def test_examine__when_others_have_a_head_start__warns(rows, vault):
    assert "head start" not in rows(vault.address)
    vault.head_start = 60
    assert rows(vault.address, executor=vault.executor)["head start"].status is Status.WARN
    vault.keepers = (vault.executor,)
    assert rows(vault.address, executor=vault.executor)["head start"].status is Status.OK


def test_examine__when_the_vault_is_none__is_an_error(rows):
    assert rows(address("nothing"))["vault"].status is Status.ERROR


def test_examine__when_the_key_does_not_own_the_executor__is_an_error(rows, fake, vault, tmp_path):
    account = Account.create()
    key = tmp_path / "key.json"
    key.touch(mode=0o600)
    key.write_text(json.dumps(Account.encrypt(account.key, "x", kdf="scrypt", iterations=2)))
    found = rows(executor=vault.executor, key_file=key)
    assert (found["key file"].status, found["executor owner"].status) == (Status.OK, Status.ERROR)
    fake.view(vault.executor, abi.Executor.owner, account.address)
    assert "executor owner" not in rows(executor=vault.executor, key_file=key)
    key.chmod(0o644)
    assert rows(key_file=key)["key file"].status is Status.WARN


def test_examine__of_a_zap__looks_at_what_it_wraps(rows, fake):
    zap = address("zap")
    assert "zap" not in rows()
    row = rows(zap=zap)["zap"]
    assert (row.status, "no IndexZap at" in row.detail) == (Status.ERROR, True)
    fake.view(zap, abi.Zap.owner, address("owner"))
    fake.view(zap, abi.Zap.wrapped_ether, USDC)
    row = rows(zap=zap)["zap"]
    assert (row.status, f"wraps ether as {USDC}" in row.detail) == (Status.ERROR, True)
    fake.view(zap, abi.Zap.wrapped_ether, WETH)
    assert rows(zap=zap)["zap"].detail == f"{zap}, owner {address('owner')}"


def test_examine__when_an_external_signer_signs__names_it_and_holds_it_to_the_executor(rows, fake, vault):
    sender = address("signer")
    signer = {"clef_url": "http://host/api-key", "signer_address": sender}
    found = rows(executor=vault.executor, **signer)
    assert (found["signer"].status, found["executor owner"].status) == (Status.OK, Status.ERROR)
    assert found["signer"].detail == f"clef signs for {sender}; what it signs is checked"
    fake.view(vault.executor, abi.Executor.owner, sender)
    assert "executor owner" not in rows(executor=vault.executor, **signer)


def test_examine__a_batch_executor__is_the_keys_own_or_an_error(rows, fake, vault):
    sender, batch = address("signer"), address("batch executor")
    given = {"clef_url": "http://host/api-key", "signer_address": sender, "batch_executor": batch}
    found = rows(**given)
    assert found["batch executor"].status is Status.ERROR  # there is none
    assert "batch executor owner" not in found
    fake.view(batch, abi.Executor.owner, vault.address)
    found = rows(**given)
    assert (found["batch executor"].status, found["batch executor owner"].status) == (Status.OK, Status.ERROR)
    assert "set batch_executor to one of the key's own" in found["batch executor owner"].detail
    fake.view(batch, abi.Executor.owner, sender)
    found = rows(**given)
    assert found["batch executor"].detail == f"{batch}, owner {sender}"
    assert "batch executor owner" not in found


def test_examine__where_transactions_go__is_told(rows, tmp_path):
    signer = {"clef_url": "http://host/api-key", "signer_address": address("signer")}
    assert rows(**signer)["sending"].detail.startswith("to the public pool")
    relays = {"kind": "private_rpc", "urls": ["https://one.invalid", "https://two.invalid"]}
    assert rows(**signer, relays=relays)["sending"].detail == "to 2 private_rpc relays, nowhere else"
    open_ = relays | {"private_only": False}
    assert rows(**signer, relays=open_)["sending"].detail == "to 2 private_rpc relays, publicly when every one refuses"
    keys = {"auth_key_file": tmp_path / "none.json", "auth_password_file": tmp_path / "none"}
    row = rows(**signer, relays=relays | keys | {"kind": "flashbots"})["sending"]
    assert row.status is Status.ERROR
    assert str(tmp_path / "none") in row.detail


def test_examine__when_the_key_file_is_missing__is_an_error(rows):
    assert rows(key_file="/nonexistent")["key file"].status is Status.ERROR


def test_examine__when_the_ledger_cannot_be_made__is_an_error(rows, tmp_path):
    (tmp_path / "file").write_text("")
    assert rows(ledger_file=tmp_path / "file" / "ledger.sqlite")["ledger"].status is Status.ERROR


def test_examine__without_alerts__warns_that_nobody_is_told(rows):
    row = rows()["alerts"]
    assert row.status is Status.WARN
    assert "set operations.alert_urls_file" in row.detail


def test_examine__alert_urls__are_parsed_and_nobody_else_may_read_them(rows, tmp_path):
    file = tmp_path / "urls"
    file.touch(mode=0o600)
    file.write_text("json://host/hush\n")
    row = rows(operations={"alert_urls_file": file})["alerts"]
    assert (row.status, row.detail) == (Status.OK, "1 addresses, heartbeat none")
    file.chmod(0o640)
    row = rows(operations={"alert_urls_file": file})["alerts"]
    assert (row.status, "chmod 600" in row.detail) == (Status.WARN, True)
    file.write_text("json://host/hush\nhush://hush\n")
    row = rows(operations={"alert_urls_file": file})["alerts"]
    assert (row.status, "alert URL 2" in row.detail, "hush" in row.detail) == (Status.ERROR, True, False)
    assert rows(operations={"heartbeat_url_file": tmp_path / "none"})["alerts"].status is Status.ERROR


def test_examine__the_kill_switch__is_off_or_a_warning(rows, tmp_path):
    assert rows()["kill switch"].status is Status.OK
    assert rows(operations={"kill_switch_file": tmp_path / "new" / "STOP"})["kill switch"].status is Status.OK
    (tmp_path / "STOP").touch()
    row = rows()["kill switch"]
    assert (row.status, "is on" in row.detail) == (Status.WARN, True)


def test_examine__breakers__are_closed_open_or_unreadable(rows, tmp_path):
    assert (rows()["breakers"].status, rows()["breakers"].detail) == (Status.OK, "all closed")
    with BreakerFile(tmp_path / "breakers.json").changing() as state:
        state.tripped = (Tripped(name=Breaker.LOSS_BUDGET, scope="1/0xv", why="60 bps", at=1),)
    row = rows()["breakers"]
    assert row.status is Status.WARN
    assert "loss_budget of 1/0xv is open: 60 bps" in row.detail
    assert "equipoise keeper resume 0xv" in row.detail
    (tmp_path / "breakers.json").write_text("{")
    assert rows()["breakers"].status is Status.ERROR


def test_examine__the_http_address__is_free_or_a_warning(rows):
    assert "http address" not in rows()
    assert rows(operations={"http_address": "127.0.0.1:0"})["http address"].status is Status.OK
    with socket.create_server(("127.0.0.1", 0)) as busy:
        row = rows(operations={"http_address": f"127.0.0.1:{busy.getsockname()[1]}"})["http address"]
    assert (row.status, "set operations.http_address" in row.detail) == (Status.WARN, True)


def test_examine__with_a_ledger_in_postgresql__names_it_without_the_password(rows, database):
    url = make_url(database.get_secret_value()).set(password="hunter2").render_as_string(hide_password=False)
    row = rows(ledger_url=url, ledger_file=None)["ledger"]
    assert row.status is Status.OK
    assert row.detail.startswith("ledger ")
    assert "hunter2" not in row.detail


def test_examine__with_a_ledger_in_postgresql_that_does_not_answer__says_which_setting(rows):
    row = rows(ledger_url="postgresql+psycopg://keeper:hunter2@127.0.0.1:1/ledger", ledger_file=None)["ledger"]
    assert row.status is Status.ERROR
    assert "ledger 127.0.0.1/ledger cannot be opened" in row.detail
    assert row.detail.endswith("set ledger_url")
    assert "hunter2" not in row.detail


def test_examine__of_aggregators__says_which_are_asked_and_which_the_executor_may_call(rows, vault, fake):
    assert not [check for check in rows(vault.address, executor=vault.executor) if "aggregator" in check]
    kyberswap, oneinch = pins.PINS[pins.KYBERSWAP][1], pins.PINS[pins.ONEINCH][1]
    pinned = sorted(calldata.selectors(pins.KYBERSWAP))[:1]

    def spender(target, function):
        is_pinned = target == kyberswap.target.lower() and function in pinned
        return kyberswap.spender if is_pinned else "0x" + "0" * 40

    fake.view(vault.executor, abi.Executor.aggregator_spenders, spender)
    enabled = ("0x", "1inch", "kyberswap", "cow")
    found = rows(executor=vault.executor, aggregators={"enabled": enabled, "oneinch_api_key": "a-key"})
    assert found["aggregator 0x"].status is Status.WARN and "wants a key" in found["aggregator 0x"].detail
    assert found["aggregator kyberswap"].detail == f"1 of 2 functions of {kyberswap.target} pinned"
    assert found["aggregator kyberswap"].status is found["aggregator cow"].status is Status.OK
    assert found["aggregator 1inch"].status is Status.WARN
    assert f"no function of {oneinch.target}" in found["aggregator 1inch"].detail


def test_examine__of_an_aggregators_key_that_cannot_be_read__is_an_error(rows, vault, tmp_path):
    wanted = {"enabled": ("0x",), "zerox_api_key_file": tmp_path / "absent"}
    found = rows(executor=vault.executor, aggregators=wanted)
    assert found["aggregators"].status is Status.ERROR and "absent cannot be read" in found["aggregators"].detail
