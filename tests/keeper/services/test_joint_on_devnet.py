"""Several vaults in one transaction over the real contracts on a devnet."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest
from eth_account import Account

from devnet import market, node
from devnet.addresses import TOKENS
from devnet.box import Box
from keeper.chain import abi, reader
from keeper.chain.abi import checksum
from keeper.chain.rpc import Client
from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import ConfigurationError, NoRoute
from keeper.execution.lane import Lane
from keeper.execution.signer import KeystoreSigner
from keeper.ledger import Ledger, State
from keeper.operations import events
from keeper.operations.bus import Bus
from keeper.policy import Kind
from keeper.services import demo
from keeper.services import vault as lifecycle
from keeper.services.chain_keeper import ChainKeeper, Hand
from keeper.services.joint import JointPlan, joined, plan_many
from keeper.services.plan import Plan, plan_on
from keeper.services.told import listener
from keeper.settings import Settings, load

WAD = 10**18
# Percent of each asset, of which there are deep pools: what two vaults both buy should not cost more than crossing saves.
WEIGHTS = {"WETH": 40, "WBTC": 30, "USDC": 30}
# What each vault is given over its basket, in thousands of USD: it is to sell that.
GIFTS = (("WETH", 400), ("USDC", 450), ("WBTC", 300), ("USDC", 150))


@dataclass
class Desk:
    """A keeper and vaults of one basket with a million dollars in each, of which each has too much of another token."""

    box: Box
    client: Client
    settings: Settings
    keeper: KeystoreSigner
    creator: KeystoreSigner
    vaults: list[str]

    def snapshots(self, count: int = 2) -> list[VaultSnapshot]:
        block = self.client.head()
        return [
            reader.take(
                self.client, vault, self.settings.multicall, self.settings.wrapped_native, self.settings.executor, block
            )
            for vault in self.vaults[:count]
        ]

    def alone(self, snapshots: list[VaultSnapshot]) -> dict[str, Plan]:
        return {each.address: plan_on(self.client, self.settings, each) for each in snapshots}

    def open_all(self, seconds: int = 1_300) -> None:
        for vault in self.vaults:
            self.box.send(self.creator.address, vault, "open_rebalance()")
        market.warp(self.box, seconds)

    def joint(self, count: int = 2) -> JointPlan:
        snapshots = self.snapshots(count)
        return joined(self.client, self.settings, snapshots, self.alone(snapshots), self.keeper.address)

    def rule(self, vault: str, signature: str, *arguments: object) -> None:
        rebalancer = checksum(abi.Vault.rebalancer.decode(self.client.call(vault, abi.Vault.rebalancer.encode())))
        self.box.send(self.creator.address, rebalancer, signature, *arguments)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Iterator[Desk]:
    with node.up() as running:
        box = Box(running.url)
        settings = load(
            arguments={
                "rpc_url": running.url,
                "ledger_file": tmp_path_factory.mktemp("keeper") / "ledger.sqlite",
                "confirmations": 1,  # the devnet mines on demand
                "pools": {"cache_folder": tmp_path_factory.mktemp("pools")},
            },
            environment={},
        )
        client = Client(running.url, 1).connect()
        keeper, creator, depositor = (KeystoreSigner(Account.create()) for _ in range(3))
        for actor in (keeper, creator, depositor):
            box.fund(actor.address, 100)
        oracle = demo.deploy_oracle(box, client, settings, creator, WEIGHTS)
        vaults = []
        for number, (symbol, thousands) in enumerate(GIFTS):
            vault = demo.deploy_vault(
                box, client, settings, creator, f"Devnet {number}", f"DEV{number}", weights=WEIGHTS, oracle=oracle
            )
            demo.deposit(box, client, settings, depositor, vault, 1_000_000)
            given = Decimal(1_000 * thousands) / market.feed_price(box, symbol)
            box.give(TOKENS[symbol].address, vault, int(given.scaleb(TOKENS[symbol].decimals)))
            vaults.append(vault)
        settings = settings.model_copy(
            update={
                "executor": lifecycle.deploy_executor(client, settings, creator, keeper.address),
                "batch_executor": lifecycle.deploy_batch_executor(client, settings, creator, keeper.address),
            }
        )
        market.warp(box, demo.TERMS.cooldown)
        yield Desk(box, client, settings, keeper, creator, vaults)


@pytest.fixture
def desk(built) -> Iterator[Desk]:
    """The desk as it was built; what the test does to the chain is undone."""
    state = built.box.snapshot()
    yield built
    built.box.revert(state)


@pytest.mark.parametrize("count", [2, 4])
def test_joined__vaults_that_cross__does_what_it_says_to_the_unit_and_is_cheaper(desk, count):
    desk.open_all()
    snapshots = desk.snapshots(count)
    alone = desk.alone(snapshots)
    found = joined(desk.client, desk.settings, snapshots, alone, desk.keeper.address)
    assert {each.address for each in found.snapshots} == set(desk.vaults[:count])
    assert [decision.kind for decision in found.decisions] == [Kind.REBALANCE] * count
    netting = found.netting
    assert netting.saved > 0
    assert netting.loss < netting.loss_alone
    held = {each.address: {a.address: a.balance for a in each.assets} for each in snapshots}

    receipt = desk.box.transact(desk.keeper.address, found.call.target, found.call.data)

    assert found.simulation.gas >= int(receipt["gasUsed"], 16)
    # What it is counted at is on the safe side.
    assert int(receipt["gasUsed"], 16) < netting.gas < 2 * int(receipt["gasUsed"], 16)
    for snapshot, deal in zip(
        desk.snapshots(count), sorted(netting.deals, key=lambda d: desk.vaults.index(d.vault)), strict=True
    ):
        bought = deal.part.bought()
        for asset in snapshot.assets:
            moved = asset.balance - held[snapshot.address][asset.address]
            assert moved == bought.get(asset.address, 0) - deal.part.sold.get(asset.address, 0), asset.symbol
        assert not snapshot.is_open
    for token in {*found.call.orders[0].sells, *found.call.orders[1].sells}:
        assert desk.box.balance(token.asset, desk.settings.batch_executor) == 0
    assert list(found.simulation.fills) == [(deal.value_out, deal.value_in) for deal in netting.deals]
    # The same again would find nothing to sell.
    assert plan_many(desk.client, desk.settings, desk.snapshots(count), {}) is None


class OpenGate:
    """Lets everything pass."""

    def refuse(self, _: int, *addresses: str) -> None:
        pass


def test_tick__vaults_that_cross__are_filled_by_one_transaction_and_each_part_is_as_the_chain_says(desk, tmp_path):
    desk.open_all()
    settings = desk.settings.model_copy(update={"vaults": tuple(desk.vaults[:2])})
    told: list[events.Event] = []
    bus = Bus(told.append)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ledger.locks.lane(1, desk.keeper.address):
        lane = Lane(desk.client, ledger, desk.keeper, settings, listener(bus, ledger))
        keeper = ChainKeeper(settings, desk.client, ledger, bus, Hand(desk.keeper.address, lane, OpenGate()))
        for _ in range(2):  # the devnet mines at once; the second block's work finds it
            keeper.tick(desk.client.head())
            desk.box.settle()  # a busy one mines a moment later
        keeper.close()
    (row,) = ledger.transactions()
    ledger.close()
    assert (row.mode, row.state, row.target) == ("batch", State.CONFIRMED, settings.batch_executor)
    assert sorted(row.vaults) == sorted(settings.vaults)
    logged = {}
    for log in desk.client.read("eth_getTransactionReceipt", row.hash)["logs"]:
        if bytes.fromhex(log["topics"][0][2:]) == abi.Rebalancer.rebalanced.topic:
            value_out, value_in, *_ = abi.Rebalancer.rebalanced.decode(bytes.fromhex(log["data"][2:]))
            logged[checksum(log["address"])] = (value_out, value_in)
    rebalancers = {each.address: each.rebalancer for each in desk.snapshots()}
    for part in row.parts:
        assert (int(part.value_out), int(part.value_in)) == logged[rebalancers[part.decision.vault]]
    assert (int(row.value_out), int(row.value_in)) == tuple(map(sum, zip(*logged.values(), strict=True)))
    assert row.legs
    assert all(leg.realised_in is not None and leg.planned_in is not None for leg in row.legs)
    assert not any(each.is_open for each in desk.snapshots())
    (confirmed,) = [event for event in told if isinstance(event, events.Confirmed)]
    assert {fill.vault: (fill.value_out, fill.value_in) for fill in confirmed.fills} == {
        part.decision.vault: (int(part.value_out), int(part.value_in)) for part in row.parts
    }
    assert not [event for event in told if isinstance(event, (events.PlanFailed, events.SendFailed))]


def test_joined__bound_has_not_fallen__is_none_yet(desk):
    """Crossing at oracle prices returns what it takes, which is under the bound of the beginning."""
    desk.open_all(300)
    snapshots = desk.snapshots()
    with pytest.raises(NoRoute, match=r"its floor is 100\.\d+%"):
        joined(desk.client, desk.settings, snapshots, desk.alone(snapshots))
    assert plan_many(desk.client, desk.settings, snapshots, desk.alone(snapshots)) is None


def test_joined__one_is_paused__leaves_it_out(desk):
    desk.open_all()
    desk.box.send(desk.creator.address, desk.vaults[0], "pause()")
    snapshots = desk.snapshots(4)
    alone = {each.address: plan_on(desk.client, desk.settings, each) for each in snapshots[1:]}
    found = joined(desk.client, desk.settings, snapshots, alone, desk.keeper.address)
    assert desk.vaults[0] not in found.call.vaults
    with pytest.raises(NoRoute, match="fewer than two vaults may be filled now"):
        joined(desk.client, desk.settings, snapshots[:2], alone)


def test_joined__others_have_a_head_start__waits_for_its_end_unless_the_batch_executor_is_listed(desk):
    desk.rule(desk.vaults[0], "set_head_start(uint256)", 900)
    desk.open_all(850)
    # At this time the bound is 99.79 %, which crossing meets.
    assert plan_many(desk.client, desk.settings, desk.snapshots(), {}) is None
    desk.rule(desk.vaults[0], "set_keepers(address[],bool)", [desk.settings.batch_executor], True)
    found = plan_many(desk.client, desk.settings, desk.snapshots(), {}, desk.keeper.address)
    assert found is not None
    assert found.simulation.fills


def test_joined__without_a_batch_executor__says_what_to_set(desk):
    settings = desk.settings.model_copy(update={"batch_executor": None})
    with pytest.raises(NoRoute, match="set batch_executor"):
        joined(desk.client, settings, desk.snapshots(), {})


def test_joined__another_contract_as_batch_executor__is_a_configuration_error(desk):
    desk.open_all()
    settings = desk.settings.model_copy(update={"batch_executor": TOKENS["WETH"].address})
    with pytest.raises(ConfigurationError, match="no executor at"):
        joined(desk.client, settings, desk.snapshots(), {})


def test_joined__read_at_different_blocks__is_refused(desk):
    desk.open_all()
    one = desk.snapshots(1)
    desk.box.mine()
    with pytest.raises(NoRoute, match="different blocks"):
        joined(desk.client, desk.settings, [*one, *desk.snapshots()[1:]], {})
