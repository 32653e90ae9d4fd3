"""`equipoise keeper run --arm` as an operator starts it: a process of its own, real contracts."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_account import Account

from devnet import market, node
from devnet.box import Box
from keeper.chain.rpc import Client
from keeper.errors import ChainError
from keeper.execution.signer import KeystoreSigner
from keeper.ledger import Ledger, State
from keeper.services import demo
from keeper.services import vault as lifecycle
from keeper.services.plan import take
from keeper.settings import Settings, load

PATIENCE_S = 90.0
PASSWORD = "correct horse battery staple"


@dataclass
class Site:
    """A devnet with the demo's vault, the keeper's files, and a key that only they hold."""

    box: Box
    client: Client
    settings: Settings
    folder: Path
    key: str
    vault: str

    def start(self, *words: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EQUIPOISE_")}
        words = (
            str(Path(sys.executable).with_name("equipoise")),
            "keeper",
            "run",
            "--config",
            str(self.folder / "equipoise.toml"),
            *words,
        )
        return subprocess.Popen(
            words, cwd=self.folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def drifted(self) -> bool:
        try:
            snapshot = take(self.client, self.settings, self.vault)
        except ChainError:  # anvil answers for the next block where one is mined in the middle of a call
            return True
        return snapshot.is_open or snapshot.priced().drift > snapshot.terms.closing_tolerance


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    with node.up() as running:
        box, client = Box(running.url), Client(running.url, 1).connect()
        settings = load(arguments={"rpc_url": running.url}, environment={})
        account, creator = Account.create(), KeystoreSigner(Account.create())
        for actor in (account, creator):
            box.fund(actor.address, 100)
        vault = demo.deploy_vault(box, client, settings, creator, "Six", "SIX")
        demo.deposit(box, client, settings, creator, vault, 1_000_000)
        executor = lifecycle.deploy_executor(client, settings, creator, account.address)
        (folder / "key.json").write_text(json.dumps(Account.encrypt(account.key, PASSWORD, "scrypt", 2**12)))
        (folder / "password").write_text(PASSWORD)
        for file in ("key.json", "password"):
            (folder / file).chmod(0o600)
        (folder / "equipoise.toml").write_text(
            f"""
ledger_file = "{folder}/ledger.sqlite"
[pools]
cache_folder = "{folder}/pools"
[operations]
kill_switch_file = "{folder}/data/stop"
breakers_file = "{folder}/data/breakers.json"
price_move_max_bps = 5000
[chains.devnet]
rpc_url = "{running.url}"
vaults = ["{vault}"]
executor = "{executor}"
key_file = "{folder}/key.json"
password_file = "{folder}/password"
poll_interval_s = 0.5
confirmations = 2
"""
        )
        yield Site(box, client, settings, folder, account.key.hex(), vault)


def until(condition, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} in {PATIENCE_S} s"
        time.sleep(0.5)


def test_run__rebalances_a_vault_that_drifts_and_ends_on_sigterm(site):
    process = site.start("--arm")
    try:
        market.warp(site.box, 86_400)
        for symbol, factor in demo.MOVES.items():
            market.move_price(site.box, symbol, market.feed_price(site.box, symbol) * factor)
        assert site.drifted()

        def done() -> bool:
            # A block a look, and the bound falls with time.
            market.warp(site.box, 120)
            return not site.drifted()

        until(done, "the vault was not brought to its targets")
        ledger = Ledger(site.folder / "ledger.sqlite")

        def confirmed() -> bool:
            site.box.rpc("evm_mine")
            return all(row.state is State.CONFIRMED for row in ledger.transactions())

        until(confirmed, "not all was confirmed")
        assert ledger.transactions()
        ledger.close()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, out
    assert site.key not in out
    assert PASSWORD not in out
    assert site.vault[:6] in out


def test_run__a_second_process_with_the_key__does_not_begin(site):
    ledger = Ledger(site.folder / "ledger.sqlite")
    sender = Account.from_key(site.key).address
    with ledger.locks.lane(1, sender):
        process = site.start("--arm")
        out, _ = process.communicate(timeout=60)
    ledger.close()
    assert process.returncode == 1
    assert "another keeper process signs for" in out
