"""Sixty blocks of moving markets, fills together and in parts, mints, redemptions, transfers, gifts and fees: all agrees."""

import csv
import json
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from unittest.mock import patch

import pytest
from chaos.desk import BLOCK_S, Desk, Keeper, build
from chaos.weather import Weather
from eth_account import Account
from typer.testing import CliRunner

from devnet import anvil, market, node
from devnet.addresses import TOKENS
from devnet.box import Box
from keeper.chain import abi
from keeper.chain.snapshot import Terms
from keeper.cli.app import app
from keeper.errors import ConfigurationError
from keeper.execution.signer import KeystoreSigner
from keeper.report.records import Closed, Filled, Gift, Minted, Opened, Redeemed, Shares
from keeper.services import demo, report
from keeper.services import vault as lifecycle
from keeper.settings import Settings

WAD = 10**18
BPS = WAD // 10_000
BLOCKS = 60
VAULTS = 2


def terms_of(number: int) -> tuple[Terms, int]:
    """Narrow bands and short auctions: many fills in few blocks."""
    return replace(demo.TERMS, duration=600, cooldown=600, closing_tolerance=10 * BPS), (30 + 20 * number) * BPS


@dataclass
class Traded:
    """What is left of the day: a chain, a ledger, and who took part."""

    desk: Desk
    settings: Settings
    holders: list[KeystoreSigner]
    recipient: str


class People:
    """Depositors who come and go between the keeper's passes."""

    def __init__(self, desk: Desk, settings: Settings):
        self.desk, self.settings, self.client = desk, settings, desk.client()
        self.alice, self.bob = (KeystoreSigner(Account.create()) for _ in range(2))
        for actor in (self.alice, self.bob):
            desk.box.fund(actor.address, 100)

    def mint(self, who: KeystoreSigner, vault: str, shares: int) -> None:
        assets = abi.Vault.assets.decode(self.client.call(vault, abi.Vault.assets.encode()))
        asked = abi.Vault.preview_mint.decode(self.client.call(vault, abi.Vault.preview_mint.encode(shares)))
        for asset, amount in zip(assets, asked, strict=True):
            self.desk.box.give(abi.checksum(asset), who.address, amount * 101 // 100)
        lifecycle.mint(self.client, self.settings, who, vault, shares, slack_bps=50)

    def redeem(self, who: KeystoreSigner, vault: str, shares: int) -> None:
        lifecycle.redeem(self.client, self.settings, who, vault, shares, slack_bps=50)

    def pass_on(self, vault: str, shares: int) -> None:
        self.desk.box.send(self.alice.address, vault, "transfer(address,uint256)", self.bob.address, shares)

    def gift(self, vault: str, amount: int) -> None:
        asset = abi.checksum(abi.Vault.assets.decode(self.client.call(vault, abi.Vault.assets.encode()))[0])
        self.desk.box.give(asset, vault, amount)


@contextmanager
def traded(folder) -> Iterator[Traded]:
    # An archive node: by itself the devnet's forgets states after 64 blocks.
    with patch.object(anvil, "SHORT_MEMORY", ("--prune-history", "2000")), node.up() as running:
        box = Box(running.url)
        desk = build(box, folder, [400_000, 900_000][:VAULTS], terms_of)
        recipient = Account.create().address
        for vault in desk.site.vaults:
            fees = (recipient, 20_000_000_000_000_000, 1_000_000_000_000_000, 2_000_000_000_000_000)
            box.send(desk.creator.address, vault, "set_fees((address,uint256,uint256,uint256))", fees)
        market.warp(box, 3_600)
        settings = desk.site.settings()
        people = People(desk, settings)
        with Keeper(desk.site) as keeper:
            fill_together(desk, keeper)
            market.warp(box, 3_600)
            market.move_price(box, "WETH", market.feed_price(box, "WETH") * 106 / 100)
            weather = Weather(box, random.Random(11), BLOCK_S)
            for number in range(BLOCKS):
                box.rpc("evm_setAutomine", False)
                if number == 30:
                    weather.prices["LINK"] *= 0.88
                weather.step()
                box.rpc("evm_setNextBlockTimestamp", weather.now)
                box.mine()
                keeper.tick()
                box.rpc("evm_setAutomine", True)
                box.settle()  # what the keeper sent is mined, not a moment after the time is read below
                act(people, number)
                weather.now = box.timestamp()
                if number % 20 == 7:  # what is read is added to what was read before
                    for vault in desk.site.vaults:
                        report.read(desk.client(), settings, vault, grid=0)
        yield Traded(desk, settings, [people.alice, people.bob], recipient)


def fill_together(desk: Desk, keeper: Keeper) -> None:
    """Each vault gets too much of what the other gets too little of: one transaction fills both."""
    for vault, surplus, deficit in zip(desk.site.vaults, ("WETH", "USDC"), ("USDC", "WETH"), strict=True):
        for symbol in demo.WEIGHTS:
            percent = {surplus: 25, deficit: 0}.get(symbol, 10)
            token = TOKENS[symbol].address
            desk.box.give(token, vault, desk.box.balance(token, vault) * percent // 100)
        desk.box.send(desk.creator.address, vault, "open_rebalance()")
    market.warp(desk.box, 450)
    keeper.tick()
    desk.box.settle()


def act(people: People, number: int) -> None:
    """What people do after a block."""
    for at, vault in enumerate(people.desk.site.vaults):
        match (number - 3 * at) % 20:
            case 2:
                people.mint(people.alice, vault, 7 * WAD + 12_345)
            case 6:
                people.pass_on(vault, 2 * WAD + 1)
            case 9:
                people.redeem(people.bob, vault, WAD + 7)
            case 12:
                people.gift(vault, 10**15 + 3)
            case 15:
                people.redeem(people.alice, vault, 3 * WAD)


@pytest.fixture(scope="module")
def day(tmp_path_factory) -> Iterator[Traded]:
    with traded(tmp_path_factory.mktemp("day")) as found:
        yield found


@pytest.mark.parametrize("number", range(VAULTS))
def test_check__a_day_of_trading__agrees_to_the_base_unit(day, number):
    vault = day.desk.site.vaults[number]
    checks = report.check(day.desk.client(), day.settings, vault)
    assert {check.name: check.differences for check in checks if not check.holds} == {}
    assert all(check.compared > 10 for check in checks)
    past = report.read(day.desk.client(), day.settings, vault, grid=0)
    kinds = Counter(type(deed) for deed in past.story.deeds)
    assert min(kinds[kind] for kind in (Filled, Gift, Minted, Redeemed, Opened)) >= 1
    assert {deed.why for deed in past.story.deeds if isinstance(deed, Shares)} >= {
        "mint",
        "mint_fee",
        "redeem",
        "redeem_fee",
        "streaming_fee",
        "transfer",
    }
    assert {row.mode for row in past.booked} == {"open", "rebalance", "batch"}
    assert [len(row.values_out) for row in past.booked if row.mode == "batch"] == [VAULTS]


def test_check__a_day_of_trading__has_a_rebalance_that_was_filled_in_parts(day):
    parts = []
    for vault in day.desk.site.vaults:
        story = report.read(day.desk.client(), day.settings, vault, grid=0).story
        kinds = [type(deed) for deed in story.deeds if isinstance(deed, Opened | Filled | Closed)]
        parts += [each == (Filled, Filled) for each in pairwise(kinds)]
    assert any(parts)


@pytest.mark.parametrize("number", range(VAULTS))
def test_performance__a_day_of_trading__is_the_chain_s_own_nav_and_every_cost_has_a_part(day, number):
    vault, client = day.desk.site.vaults[number], day.desk.client()
    found = report.performance_of(report.read(client, day.settings, vault))
    rebalancer = abi.checksum(abi.Vault.rebalancer.decode(client.call(vault, abi.Vault.rebalancer.encode())))
    nav, share = (
        each.decode(client.call(rebalancer, each.encode()))
        for each in (abi.Rebalancer.nav, abi.Rebalancer.nav_per_share)
    )
    assert (found.path.nav_end, found.path.per_share_end) == (nav, share)
    assert found.fills
    costs = found.costs
    assert costs.oracle_difference == sum(fill.filled.value_out - fill.filled.value_in for fill in found.fills)
    assert costs.oracle_difference == costs.pool_fees + costs.impact + costs.kept
    for fill in found.fills:
        assert all(leg.planned_in is not None for leg in fill.legs)


def test_performance__of_all_vaults__divides_what_was_paid_for_gas(day):
    pasts = [report.read(day.desk.client(), day.settings, vault, grid=0) for vault in day.desk.site.vaults]
    query = "SELECT hash, gas_used, gas_price FROM transactions WHERE block_hash IS NOT NULL"
    with closing(sqlite3.connect(day.settings.ledger_file)) as ledger:
        paid = {tx: used * int(price) for tx, used, price in ledger.execute(query)}
    # The creator opened one of each vault.
    paid |= {
        deed.place.tx: past.receipts[deed.place.tx].wei
        for past in pasts
        for deed in past.story.deeds
        if isinstance(deed, Opened) and deed.caller == day.desk.creator.address
    }
    assert sum(report.performance_of(past).costs.gas_wei for past in pasts) == sum(paid.values())


def test_report__second_reading__asks_for_no_state_again(day):
    vault, client = day.desk.vault, day.desk.client()
    report.read(client, day.settings, vault, grid=0)
    asked: Counter[str] = Counter()
    client.listen(lambda _, method, *__: asked.update([method]))
    report.read(client, day.settings, vault, grid=0)
    # Which vault and whose assets, its tokens' names: nothing about the past.
    assert asked["eth_call"] <= 5
    assert asked["eth_getLogs"] == 0


def run(day: Traded, *arguments: str):
    urls = ["--rpc-url", day.desk.site.node, "--ledger-file", str(day.settings.ledger_file)]
    variables = {"EQUIPOISE_POOLS__CACHE_FOLDER": str(day.desk.site.cache)}
    return CliRunner().invoke(app, ["report", *arguments, *urls], env=variables)


def test_reconcile__a_day_of_trading__exits_with_0(day):
    found = run(day, "reconcile", day.desk.vault, "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["agree"] is True


def test_reconcile__ledger_that_was_changed__exits_with_1_and_names_the_first_difference(day, tmp_path):
    spoilt = tmp_path / "ledger.sqlite"
    shutil.copy(day.settings.ledger_file, spoilt)
    with closing(sqlite3.connect(spoilt)) as ledger, ledger:
        (row,) = ledger.execute(
            "SELECT p.id, p.transaction_id, p.value_in FROM parts p JOIN decisions d ON d.id = p.decision_id "
            "WHERE d.vault = ? AND p.value_in IS NOT NULL LIMIT 1",
            (day.desk.vault,),
        ).fetchall()
        ledger.execute("UPDATE parts SET value_in = ? WHERE id = ?", (str(int(row[2]) + 1), row[0]))
    day = replace(day, settings=day.settings.model_copy(update={"ledger_file": spoilt}))
    found = run(day, "reconcile", day.desk.vault, "--json")
    assert found.exit_code == 1
    (check,) = (each for each in json.loads(found.stdout)["checks"] if each["differences"])
    assert check["name"] == "ledger = events"
    assert check["differences"][0].startswith(f"transaction {row[1]} value out and in: ")


def test_tax__a_depositor__has_files_of_every_format(day, tmp_path):
    holder = day.holders[0].address
    for style in ("koinly", "cointracking", "generic"):
        file = tmp_path / f"{style}.csv"
        arguments = ("--holder", holder, "--method", "hifo", "--csv", str(file), "--format", style, "--json")
        found = run(day, "tax", day.desk.vault, *arguments)
        assert found.exit_code == 0, found.output
        told = json.loads(found.stdout)
        shares = sum(int(lot["quantity"]) for lot in told["lots"] if lot["asset"] == day.desk.vault)
        assert shares == day.desk.box.balance(day.desk.vault, holder)
        with file.open(newline="") as stream:
            assert len(list(csv.reader(stream))) > 10


def test_performance__on_the_command_line__writes_a_page_and_tells_the_period(day, tmp_path):
    file = tmp_path / "page.html"
    found = run(day, "performance", day.desk.vault, "--html", str(file), "--grid", "20", "--json")
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout)
    assert sum(map(Decimal, (step["nav"] for step in told["steps"].values()))) == Decimal(told["nav_end"]) - Decimal(
        told["nav_start"]
    )
    assert file.read_text().count('class="chart"') == 4
    table = run(day, "performance", day.desk.vault, "--grid", "0", "--from", str(told["first_block"] + 5))
    assert "Where it came from" in table.stdout


@pytest.mark.parametrize(
    ("since", "until", "says"),
    [
        ("99999999", None, "beyond the head"),
        ("yesterday", None, "is no block and no time"),
        ("2100-01-01", "1", "before block"),
        (None, "2001-09-09T01:46:40+00:00", "before block"),
    ],
)
def test_read__period_that_is_none__says_so(day, since, until, says):
    with pytest.raises(ConfigurationError, match=says):
        report.read(day.desk.client(), day.settings, day.desk.vault, since, until, grid=0)


def test_read__a_point_in_time__is_the_last_block_up_to_it(day):
    client = day.desk.client()
    blocks = [client.block(client.head().number - back) for back in range(12)]
    moment = datetime.fromtimestamp(blocks[7].timestamp, UTC).isoformat()
    # Some of the node's blocks have one time.
    expected = max(block.number for block in blocks if block.timestamp <= blocks[7].timestamp)
    assert report.read(client, day.settings, day.desk.vault, until=moment, grid=0).last == expected
