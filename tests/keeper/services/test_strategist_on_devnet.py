"""From prices to bands on the real contract, and what the next trigger makes of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from eth_account import Account

from devnet import market, node
from devnet.addresses import TOKENS
from devnet.box import Box
from keeper import history as histories
from keeper.chain import abi
from keeper.chain.abi import Trigger
from keeper.chain.reverts import reason
from keeper.chain.rpc import Client, Reverted
from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import ConfigurationError
from keeper.execution.signer import KeystoreSigner
from keeper.history import PriceHistory
from keeper.ledger import Ledger, State
from keeper.policy import Kind
from keeper.policy.bands import UNIT
from keeper.services import demo
from keeper.services import vault as lifecycle
from keeper.services.keeper_pass import keeper_pass
from keeper.services.plan import take
from keeper.services.strategist import StrategistResult, strategist_pass
from keeper.settings import Settings, load

WAD, DAY_S = 10**18, 86_400
PERCENT, BPS = WAD // 100, WAD // 10_000
WEIGHTS = {"WETH": 40, "WBTC": 30, "USDC": 30}
BARS = 400
# 4.2 % a day is 80 % a year: bands of WETH and WBTC between 3 and 5 %.
DEVIATIONS = (0.042, 0.042, 1e-4)
NARROWEST, WIDEST, SPEED = PERCENT, 4 * PERCENT, PERCENT


@dataclass
class Desk:
    """A vault with bands of 2.5 %, its owner, its strategist, and a keeper of it."""

    box: Box
    client: Client
    settings: Settings
    owner: KeystoreSigner
    strategist: KeystoreSigner
    keeper: KeystoreSigner
    vault: str
    rebalancer: str
    folder: Path

    def look(self) -> VaultSnapshot:
        return take(self.client, self.settings, self.vault)

    def bands(self) -> list[int]:
        return list(self.box.call(self.rebalancer, "bands()(uint256[])"))

    def prices(self, scale: float = 1.0) -> PriceHistory:
        """Daily prices until now, by way of a file."""
        draws = np.random.Generator(np.random.PCG64(21)).standard_normal((BARS, 3))
        levels = np.exp(np.vstack([np.zeros(3), np.cumsum(draws * DEVIATIONS * np.array([scale, scale, 1]), axis=0)]))
        file = self.folder / "prices.csv"
        file.unlink(missing_ok=True)
        times = self.box.timestamp() - DAY_S * np.arange(BARS, -1, -1)
        histories.write(PriceHistory(tuple(WEIGHTS), times, levels), file)
        return histories.read(file)

    def give(self, symbol: str, usd: int) -> None:
        """Off balance by a gift to the vault."""
        tokens = Decimal(usd) / market.feed_price(self.box, symbol)
        self.box.give(TOKENS[symbol].address, self.vault, int(tokens.scaleb(TOKENS[symbol].decimals)))

    def run(self, ledger: Ledger, armed: bool = True, scale: float = 1.0) -> StrategistResult:
        signer = self.strategist if armed else None
        return strategist_pass(self.client, self.settings, self.vault, ledger, self.prices(scale), signer)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Iterator[Desk]:
    with node.up() as running:
        box = Box(running.url)
        settings = load(
            arguments={
                "rpc_url": running.url,
                "confirmations": 1,  # the devnet mines on demand
                "pools": {"cache_folder": tmp_path_factory.mktemp("pools")},
                # Which one is chosen is tested elsewhere, and takes its time.
                "strategist": {"enabled": True, "forecaster": "ewma"},
            },
            environment={},
        )
        client = Client(running.url, 1).connect()
        owner, strategist, keeper, depositor = (KeystoreSigner(Account.create()) for _ in range(4))
        for actor in (owner, strategist, keeper, depositor):
            box.fund(actor.address, 100)
        vault = demo.deploy_vault(box, client, settings, owner, "Three", "THREE", weights=WEIGHTS)
        demo.deposit(box, client, settings, depositor, vault, 1_000_000)
        executor = lifecycle.deploy_executor(client, settings, owner, keeper.address)
        settings = settings.model_copy(update={"executor": executor})
        rebalancer = take(client, settings, vault).rebalancer
        box.send(owner.address, rebalancer, "propose_strategist(address)", strategist.address)
        box.send(strategist.address, rebalancer, "accept_strategist()")
        box.send(owner.address, rebalancer, "set_rails((uint256,uint256,uint256))", (NARROWEST, WIDEST, SPEED))
        market.warp(box, DAY_S // 2)
        folder = tmp_path_factory.mktemp("prices")
        yield Desk(box, client, settings, owner, strategist, keeper, vault, rebalancer, folder)


@pytest.fixture
def desk(built) -> Iterator[Desk]:
    """The desk as it was built; what the test does to the chain is undone."""
    state = built.box.snapshot()
    yield built
    built.box.revert(state)


@pytest.fixture
def ledger(tmp_path) -> Iterator[Ledger]:
    found = Ledger(tmp_path / "ledger.sqlite")
    yield found
    found.close()


def refusal(desk: Desk, bands: list[int]) -> str | None:
    """What the contract says to these bands in the next block."""
    call = abi.Rebalancer.set_bands.encode(bands)
    try:
        desk.client.call(desk.rebalancer, call, "pending", desk.strategist.address)
    except Reverted as error:
        return reason(error.data)
    return None


def test_pass__half_a_day_after_the_rails__moves_half_of_a_days_way_and_not_a_hair_more(desk, ledger):
    before = desk.bands()
    assert before == [demo.BAND] * 3
    planned = desk.run(ledger, armed=False)
    assert desk.bands() == before
    moves = planned.plan.bands.moves
    assert NARROWEST <= min(move.wanted for move in moves) < demo.BAND + SPEED // 2 < max(move.wanted for move in moves)
    # A hundredth of a percent is more than the seconds bring that go by in between.
    too_far = [move.settable + (100 * UNIT if move.settable < move.wanted else 0) for move in moves]
    assert refusal(desk, too_far) == "bands: too fast"

    result = desk.run(ledger)

    assert desk.bands() == [move.settable for move in result.plan.bands.moves]
    assert result.mined.gas_used <= result.plan.simulation.gas
    widest = max(result.plan.bands.moves, key=lambda move: move.wanted)
    assert 0 <= widest.settable - demo.BAND - SPEED // 2 < PERCENT // 100
    dry, armed = ledger.decisions()
    (row,) = ledger.transactions()
    assert (dry.kind, dry.armed, armed.kind, armed.armed) == ("bands", False, "bands", True)
    assert (row.mode, row.state, row.decision_id, row.target) == (
        "bands",
        State.CONFIRMED,
        armed.id,
        desk.rebalancer,
    )
    again = desk.run(ledger)
    assert again.mined is None
    assert again.plan.decision.reason == "nothing is set: the speed allows too small a step yet"
    assert desk.bands() == [move.settable for move in result.plan.bands.moves]


@pytest.mark.long
def test_pass__told_to_choose_a_forecaster__sets_bands_by_the_one_that_history_speaks_for(desk, ledger):
    chosen = desk.settings.strategist.model_copy(update={"forecaster": "auto"})
    desk = replace(desk, settings=desk.settings.model_copy(update={"strategist": chosen}))
    result = desk.run(ledger)
    assert desk.bands() == [move.settable for move in result.plan.bands.moves] != [demo.BAND] * 3
    assert len(result.plan.outlook.ranking.scores) > 1


def test_pass__day_after_day__arrives_inside_the_rails_when_it_was_said(desk, ledger):
    first = desk.run(ledger, scale=2.0)
    assert max(first.plan.half_widths) > WIDEST / WAD
    # Counted from the plan on; the transaction is in a block some seconds later.
    arrives = max(move.follows_at for move in first.plan.bands.moves) + 60
    before = desk.bands()
    market.warp(desk.box, arrives - desk.box.timestamp())
    result = desk.run(ledger, scale=2.0)
    assert max(abs(new - old) for new, old in zip(desk.bands(), before, strict=True)) <= SPEED + SPEED // 100
    assert desk.bands() == [move.wanted for move in result.plan.bands.moves]
    assert max(desk.bands()) == WIDEST
    assert desk.run(ledger, scale=2.0).plan.decision.reason.startswith("nothing is set: every band is as wide")
    # Markets calm down: as narrow as the rails allow, in as many days as it takes.
    for _ in range(4):
        market.warp(desk.box, DAY_S)
        desk.run(ledger, scale=0.02)
    assert desk.bands() == [NARROWEST] * 3


def test_pass__bands_that_were_widened__hold_the_next_trigger_back_until_they_are_left(desk, ledger, tmp_path):
    """The vault's own trigger and the keeper go by the bands that the strategist has set."""
    desk.give("WETH", 48_000)  # 2.75 % over its target
    assert desk.look().priced().trigger == Trigger.BAND
    keepers = Ledger(tmp_path / "keepers.sqlite")
    assert keeper_pass(desk.client, desk.settings, desk.vault, keepers).plan.decision.kind is Kind.OPEN

    # Beside a keeper that acts for the vault, on the same ledger.
    beside = Ledger(tmp_path / "ledger.sqlite")
    with beside.locks.vault(1, desk.vault):
        result = desk.run(ledger)
    beside.close()

    assert result.plan.bands.moves[0].settable > demo.BAND + 40 * BPS
    assert desk.look().priced().trigger == Trigger.NONE
    assert keeper_pass(desk.client, desk.settings, desk.vault, keepers).plan.decision.kind is Kind.WAIT
    desk.give("WETH", 12_000)  # 3.4 %
    assert desk.look().priced().trigger == Trigger.BAND
    opened = keeper_pass(desk.client, desk.settings, desk.vault, keepers, desk.keeper)
    keepers.close()
    assert opened.mined is not None
    assert desk.look().is_open


def test_pass__with_the_keepers_key__is_refused_by_us_and_by_the_contract(desk, ledger):
    with pytest.raises(ConfigurationError, match="is not the strategist"):
        strategist_pass(desk.client, desk.settings, desk.vault, ledger, desk.prices(), desk.keeper)
    assert ledger.transactions() == []
    call = abi.Rebalancer.set_bands.encode(desk.bands())
    with pytest.raises(Reverted) as caught:
        desk.client.call(desk.rebalancer, call, "pending", desk.keeper.address)
    assert reason(caught.value.data) == "rebalancer: not strategist"


def test_pass__rails_that_leave_a_band_outside__waits_and_brings_it_inside_in_one_step(desk, ledger):
    desk.box.send(
        desk.owner.address, desk.rebalancer, "set_rails((uint256,uint256,uint256))", (3 * PERCENT, WIDEST, SPEED)
    )
    held = desk.run(ledger)
    assert held.mined is None
    assert "outside of the rails" in held.plan.decision.reason
    assert abs(held.plan.decision.until - desk.box.timestamp() - DAY_S // 2) < 60
    market.warp(desk.box, held.plan.decision.until - desk.box.timestamp())
    result = desk.run(ledger)
    assert result.mined is not None
    assert min(desk.bands()) == 3 * PERCENT
