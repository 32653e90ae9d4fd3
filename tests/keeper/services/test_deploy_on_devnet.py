"""From a price history to a vault on the devnet, by the commands that a person types."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eth_account import Account

from devnet import market, node
from devnet.box import Box
from keeper.chain.abi import Function, Trigger, checksum
from keeper.chain.rpc import Client
from keeper.cli.app import main
from keeper.design.deploy_file import load as load_plan
from keeper.design.deploy_file import wad
from keeper.execution.signer import KeystoreSigner
from keeper.history import write
from keeper.history.scenarios import scenario
from keeper.services import demo
from keeper.services.plan import take
from keeper.settings import load

WAD = 10**18
SYMBOLS = ("WETH", "WBTC", "LINK", "USDC", "DAI")
OWNER = Function("owner", (), ("address",))
RAILS = Function("rails", (), ("(uint256,uint256,uint256)", "uint256"))


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with node.up() as running:
        yield Box(running.url)


@pytest.fixture
def run(box, tmp_path, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    for name in [name for name in os.environ if name.startswith("EQUIPOISE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    owner = Account.create()
    box.fund(owner.address, 100)
    Path("key.json").write_text(json.dumps(Account.encrypt(owner.key, "right", kdf="scrypt", iterations=2)))
    Path("password").write_text("right")
    monkeypatch.setenv("EQUIPOISE_RPC_URL", box.url)
    monkeypatch.setenv("EQUIPOISE_OPERATIONS__KILL_SWITCH_FILE", str(tmp_path / "STOP"))
    monkeypatch.setenv("OWNER", owner.address)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["equipoise", *arguments])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return (code, *capsys.readouterr())

    return call


@pytest.fixture
def designed(run) -> Path:
    prices = [3_000, 90_000, 14, 1, 1]
    history = scenario("high-volatility", SYMBOLS, stable=("USDC", "DAI"), start_prices=prices, bars=300, seed=2).path(
        0
    )
    write(history, Path("h.parquet"))
    code, out, err = run(
        "design", "h.parquet", "--profile", "balanced", "--max-volatility", "1.5", "--deploy-file", "fund.toml",
        "--name", "Balanced Five", "--symbol", "BAL5",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "Out of sample, 6 folds" in out
    return Path("fund.toml")


def test_deploy__dry_then_armed__makes_the_vault_that_was_designed(run, designed, box):
    code, out, err = run("deploy", str(designed))
    assert (code, err) == (0, "")
    assert "Dry run: nothing was sent" in out

    code, out, err = run(
        "deploy", str(designed), "--key-file", "key.json", "--password-file", "password", "--arm", "--json"
    )
    assert code == 0, err
    told = json.loads(out)
    plan = load_plan(designed)
    settings = load(environment={"EQUIPOISE_RPC_URL": box.url})
    client = Client(box.url, 1, settings.request_timeout_s, settings.read_attempts).connect()
    snapshot = take(client, settings, told["vault"])
    assert (snapshot.name, snapshot.symbol) == ("Balanced Five", "BAL5")
    assert snapshot.oracle == told["oracle"]
    assert [asset.symbol for asset in snapshot.assets] == list(SYMBOLS)
    assert [asset.target for asset in snapshot.assets] == [wad(asset.target) for asset in plan.assets]
    assert sum(asset.target for asset in snapshot.assets) == WAD
    assert [asset.band for asset in snapshot.assets] == [wad(asset.band) for asset in plan.assets]
    assert snapshot.terms == plan.terms.built()
    assert Trigger.BAND in snapshot.terms.triggers
    rails, _ = RAILS.decode(client.call(snapshot.rebalancer, RAILS.encode()))
    assert rails == plan.rails.built()
    for contract in (told["vault"], told["oracle"]):
        assert checksum(OWNER.decode(client.call(contract, OWNER.encode()))) == os.environ["OWNER"]

    # The first deposit is on target, at the share's price, by the feeds of the moment it was deployed.
    depositor = KeystoreSigner(Account.create())
    box.fund(depositor.address, 100)
    demo.deposit(box, client, settings, depositor, told["vault"], 100_000)
    valuation = take(client, settings, told["vault"]).priced()
    for weight, asset in zip(valuation.weights, snapshot.assets, strict=True):
        assert weight == pytest.approx(asset.target, abs=WAD // 10_000)
    assert valuation.nav == pytest.approx(100_000 * WAD, rel=1e-3)
    assert valuation.trigger == Trigger(0)


def test_deploy__with_an_oracle_that_is_there__makes_no_other(run, designed):
    arguments = ("--key-file", "key.json", "--password-file", "password", "--arm", "--json")
    first = json.loads(run("deploy", str(designed), *arguments)[1])
    designed.write_text(designed.read_text().replace("share_usd", f'oracle = "{first["oracle"]}"\nshare_usd', 1))
    second = json.loads(run("deploy", str(designed), *arguments)[1])
    assert second["oracle"] == first["oracle"]
    assert second["vault"] != first["vault"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("decimals = 8", "decimals = 18", "WBTC has 8 decimals, not 18: is its address right?"),
        ("chain_id = 1", "chain_id = 8453", "the deploy file is for chain 8453, the settings for 1"),
        ('share_usd = "1000"', 'share_usd = "0.01"', "under 10000: raise share_usd"),
        ('price_max_usd = "1.1"', 'price_max_usd = "0.95"', "the feed of USDC says 1 USD, outside of 0.9 to 0.95"),
        (
            "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419",
            "0x000000000000000000000000000000000000dEaD",
            "the feed of WETH: 0x",
        ),
        ("share_usd", 'oracle = "0x000000000000000000000000000000000000dEaD"\nshare_usd', "has no code"),
    ],
    ids=["decimals", "chain", "share", "bounds", "feed", "oracle"],
)
def test_deploy__what_speaks_against_it__is_said_before_anything_is_sent(run, designed, box, old, new, message):
    text = designed.read_text()
    assert old in text
    designed.write_text(text.replace(old, new, 1))
    before = box.rpc("eth_blockNumber")
    code, out, err = run("deploy", str(designed), "--key-file", "key.json", "--password-file", "password", "--arm")
    assert (code, out) == (1, "")
    assert message in err
    assert box.rpc("eth_blockNumber") == before


def test_deploy__killed_or_without_a_key__signs_nothing(run, designed):
    code, _, err = run("deploy", str(designed), "--arm")
    assert code == 1
    assert "no key to sign with" in err
    Path("STOP").touch()
    code, _, err = run("deploy", str(designed), "--key-file", "key.json", "--password-file", "password", "--arm")
    assert code == 1
    assert "the kill switch" in err


def test_deploy__feed_that_is_stale__is_named(run, designed, box):
    kept = box.snapshot()
    market.warp(box, 86_400 * 3, refresh_feeds=False)
    code, _, err = run("deploy", str(designed))
    box.revert(kept)
    assert code == 1
    assert "the feed of WETH answered last at" in err
