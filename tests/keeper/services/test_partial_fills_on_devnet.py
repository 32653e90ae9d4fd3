"""A rebalance that is larger than the pools: filled in parts while arbitrage fills the pools up again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

import pytest
from eth_account import Account

from devnet import market, node
from devnet.addresses import TOKENS
from devnet.box import Box
from keeper.chain.abi import Trigger
from keeper.chain.rpc import Client
from keeper.chain.snapshot import VaultSnapshot
from keeper.execution.signer import KeystoreSigner
from keeper.ledger import Ledger
from keeper.policy import Kind
from keeper.services import demo
from keeper.services import vault as lifecycle
from keeper.services.keeper_pass import PassResult, keeper_pass
from keeper.services.plan import Plan, plan, take
from keeper.settings import Settings, load

WAD = 10**18
WEIGHTS = {"LINK": 50, "WETH": 50}
NAV = 40_000_000
# Slow enough that the bound hardly moves in a few blocks.
TERMS = replace(demo.TERMS, triggers=Trigger.BAND, duration=4 * 3_600, max_loss=WAD // 20)


@dataclass
class Desk:
    """A keeper and a vault of two assets, of which one trades in pools that are small against what it has too much of."""

    box: Box
    client: Client
    settings: Settings
    ledger: Ledger
    keeper: KeystoreSigner
    creator: KeystoreSigner
    vault: str

    @property
    def snapshot(self) -> VaultSnapshot:
        return take(self.client, self.settings, self.vault)

    def run(self) -> PassResult:
        return keeper_pass(self.client, self.settings, self.vault, self.ledger, self.keeper)

    def look(self) -> Plan:
        return plan(self.client, self.settings, self.vault)

    def arbitrage(self) -> None:
        """The next block, in which somebody has traded the pools back to the feeds' prices."""
        for symbol in WEIGHTS:
            market.move_dex(self.box, symbol, market.feed_price(self.box, symbol))


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Desk]:
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
        vault = demo.deploy_vault(box, client, settings, creator, "Devnet Two", "DEV2", weights=WEIGHTS, terms=TERMS)
        demo.deposit(box, client, settings, depositor, vault, NAV)
        given = Decimal(NAV * 12 // 100) / market.feed_price(box, "LINK")
        box.give(TOKENS["LINK"].address, vault, int(given.scaleb(TOKENS["LINK"].decimals)))
        executor = lifecycle.deploy_executor(client, settings, creator, keeper.address)
        settings = settings.model_copy(update={"executor": executor})
        market.warp(box, TERMS.cooldown)
        box.send(creator.address, vault, "open_rebalance()")
        # The bound is 99.6 %.
        market.warp(box, TERMS.duration * 6 // 10)
        with demo._ledger(settings) as ledger:
            yield Desk(box, client, settings, ledger, keeper, creator, vault)


def test_pass__pools_are_thin__fills_in_parts_as_they_are_filled_up_and_completes(desk):
    drifts, parts = [desk.snapshot.priced().drift], []
    waited = just_filled = False
    lost = 0
    assert "what could trade" in desk.look().decision.reason
    while desk.snapshot.is_open:
        result = desk.run()
        decision = result.plan.decision
        if result.mined is None:
            assert decision.kind is Kind.WAIT
            just_filled = False
            if waited:
                # The pools are as full as they get: now it is the bound that has to fall, until the time that it says.
                assert decision.until is not None
                market.warp(desk.box, decision.until - result.plan.now)
            else:
                desk.arbitrage()
            waited = not waited
            continue
        # Never a second time for the same state: what is left is too dear until somebody has traded the pools back.
        assert result.mined.succeeded
        assert not just_filled
        just_filled = True
        (filled,) = result.mined.filled.values()
        drifts.append(filled.drift_after)
        parts.append(result.mined.value_out)
        lost += result.mined.value_out - result.mined.value_in
        waited = False
    assert all(later < earlier for earlier, later in pairwise(drifts))
    assert len(parts) > 2
    assert drifts[-1] <= TERMS.closing_tolerance
    assert not desk.snapshot.is_open
    # At once, at the last bound, it would have cost a hundred basis points.
    assert lost * 10_000 < 50 * sum(parts)
