"""A pass over a vault on a fake endpoint: what it decides, what it sends, what it writes down."""

import json

import pytest
from eth_abi.abi import decode
from eth_account import Account
from fake_chain import (
    USDC,
    WAD,
    WETH,
    FakeVault,
    Revert,
    address,
    error_string,
    mine,
    sender_of,
    target_of,
)

from keeper.chain import abi
from keeper.chain.abi import Fault
from keeper.chain.rpc import Client
from keeper.errors import ConfigurationError, NoRoute, OracleError
from keeper.execution.fees import GasTooExpensive
from keeper.execution.lane import InFlight
from keeper.execution.plan import ALL
from keeper.execution.signer import KeystoreSigner
from keeper.execution.simulate import Halted
from keeper.ledger import Ledger, State
from keeper.policy import Kind
from keeper.services.keeper_pass import keeper_pass
from keeper.services.plan import plan
from keeper.settings import load


class Desk:
    """A keeper's client, settings, ledger and key over a fake vault."""

    def __init__(self, fake, folder):
        self.fake = fake
        self.vault = FakeVault(fake).install()
        self.client = Client(fake.url, attempts=1)
        self.cache = {"pools": {"cache_folder": str(folder / "pools")}}
        self.change()
        self.ledger = Ledger(folder / "ledger.sqlite")
        self.signer = KeystoreSigner(Account.create())
        fake.on_send = mine(fake)

    def run(self, armed: bool = True):
        return keeper_pass(self.client, self.settings, self.vault.address, self.ledger, self.signer if armed else None)

    def change(self, **settings) -> None:
        arguments = {"executor": self.vault.executor, "confirmations": 1} | self.cache | settings
        self.settings = load(arguments=arguments, environment={})

    def open(self, ago: int) -> None:
        """The rebalance was opened so many seconds ago."""
        self.vault.is_open, self.vault.opened_at, self.vault.trigger = True, self.fake.timestamp - ago, 0


@pytest.fixture
def desk(fake, tmp_path):
    found = Desk(fake, tmp_path)
    yield found
    found.ledger.close()


def last(desk):
    return desk.ledger.decisions()[-1]


def test_pass__when_a_trigger_holds__opens_the_vault(desk):
    result = desk.run()
    assert result.plan.decision.kind is Kind.OPEN
    assert result.mined is not None
    (raw,) = desk.fake.sent
    assert (target_of(raw), sender_of(raw)) == (desk.vault.address, desk.signer.address)
    (row,) = desk.ledger.transactions()
    assert (row.state, row.mode, row.decision_id) == (State.CONFIRMED, "open", last(desk).id)


def test_pass__when_dry__sends_nothing_and_writes_the_decision_down(desk):
    result = desk.run(armed=False)
    assert (result.mined, result.armed) == (None, False)
    assert result.plan.simulation is not None
    assert desk.fake.sent == []
    assert desk.ledger.transactions() == []
    assert (last(desk).kind, last(desk).armed) == ("open", False)


def test_pass__when_open_and_the_bound_is_met__rebalances_through_the_executor(desk):
    desk.open(1_500)
    result = desk.run()
    assert result.plan.decision.kind is Kind.REBALANCE
    (raw,) = desk.fake.sent
    assert target_of(raw) == desk.vault.executor
    assert result.plan.call is not None
    vault, sells, buys, operations, deadline = decode(abi.Executor.rebalance.inputs, result.plan.call.data[4:])
    assert vault == desk.vault.address.lower()
    assert sells == ((WETH.lower(), ALL),)
    # 50 WETH of surplus at 2,000, less 30 bps of fee, a little impact, and 30 bps of slippage.
    ((asset, minimum),) = buys
    assert asset == USDC.lower()
    assert 98_800 * 10**6 < minimum < 99_400 * 10**6
    assert operations == ((1, desk.vault.pair.lower(), WETH.lower(), USDC.lower(), 3000, WAD),)
    assert deadline == desk.fake.timestamp + desk.settings.policy.deadline_s


def test_pass__when_closed_and_the_route_meets_the_opening_bound__fills_in_one_transaction(desk):
    # A pool that pays two percent over the oracle.
    reserves = (40_800_000 * 10**6, 20_000 * 10**18, 0)
    desk.fake.view(desk.vault.pair, abi.UniswapV2.get_reserves, lambda *_: reserves)
    result = desk.run()
    assert result.plan.decision.kind is Kind.REBALANCE
    assert [target_of(raw) for raw in desk.fake.sent] == [desk.vault.executor]
    (row,) = desk.ledger.transactions()
    assert row.mode == "rebalance"


def test_pass__during_the_head_start_of_others__waits_for_its_end_and_a_listed_executor_does_not(desk):
    desk.open(890)
    desk.vault.head_start = 900
    desk.fake.pending_timestamp = desk.fake.timestamp
    result = desk.run()
    assert (result.plan.decision.kind, result.plan.decision.until) == (Kind.WAIT, desk.fake.timestamp + 10)
    assert desk.fake.sent == []
    desk.open(1_500)
    desk.vault.head_start = 1_600
    assert desk.run().plan.decision.kind is Kind.WAIT
    desk.vault.keepers = (desk.vault.executor,)
    assert desk.run().plan.decision.kind is Kind.REBALANCE


def test_pass__when_shut_down__waits(desk):
    desk.vault.is_shut_down = True
    assert desk.run().plan.decision.reason == "the vault is shut down for good"
    assert desk.fake.sent == []


def test_pass__when_open_and_too_early__waits_for_the_second_that_the_formula_gives(desk):
    desk.open(10)
    result = desk.run()
    assert (result.plan.decision.kind, result.mined, desk.fake.sent) == (Kind.WAIT, None, [])
    until = result.plan.decision.until
    assert until is not None
    desk.fake.timestamp = until - 1
    assert desk.run().plan.decision.kind is Kind.WAIT
    desk.fake.timestamp = until
    assert desk.run().plan.decision.kind is Kind.REBALANCE


def test_pass__when_the_chain_stood_still__counts_time_to_the_pending_block(desk):
    desk.open(10)
    assert desk.run(armed=False).plan.decision.kind is Kind.WAIT
    desk.fake.pending_timestamp = desk.fake.timestamp + 1_500
    assert desk.run(armed=False).plan.decision.kind is Kind.REBALANCE


def test_pass__when_the_simulation_reverts_as_expected_now_and_then__is_a_wait(desk):
    def revert(*_):
        raise Revert(error_string("auction: already open"))

    desk.fake.view(desk.vault.address, abi.Vault.open_rebalance, revert)
    result = desk.run()
    assert result.plan.decision.kind is Kind.WAIT
    assert "auction: already open" in last(desk).reason
    assert desk.fake.sent == []


def test_pass__when_the_simulation_reverts_otherwise__halts_and_writes_it_down(desk):
    def revert(*_):
        raise Revert(error_string("ownable: caller is not the owner"))

    desk.open(1_500)
    desk.fake.view(desk.vault.executor, abi.Executor.rebalance, revert)
    with pytest.raises(Halted):
        desk.run()
    assert "ownable" in last(desk).reason
    assert desk.fake.sent == []


def test_pass__when_a_feed_is_stale__raises_and_writes_it_down(desk):
    desk.vault.fault = int(Fault.STALE)
    with pytest.raises(OracleError, match=r"WETH: its feed is stale"):
        desk.run()
    assert "stale" in last(desk).reason
    assert last(desk).nav is None
    assert desk.fake.sent == []


def test_pass__when_there_is_no_pool__raises_no_route_and_writes_it_down(desk):
    desk.vault.with_pool = False
    with pytest.raises(NoRoute):
        desk.run()
    assert last(desk).kind == "wait"
    assert desk.fake.sent == []


def test_pass__when_gas_is_over_the_cap__sends_nothing(desk):
    desk.fake.base_fee = 101 * 10**9
    with pytest.raises(GasTooExpensive):
        desk.run()
    assert desk.fake.sent == []


def test_pass__when_no_executor_is_set__opens_but_refuses_to_rebalance(desk):
    desk.change(executor=None)
    assert desk.run(armed=False).plan.decision.kind is Kind.OPEN
    desk.open(1_500)
    with pytest.raises(ConfigurationError, match="set executor"):
        desk.run(armed=False)


def test_pass__when_the_executor_is_none__names_the_setting(desk):
    desk.open(1_500)
    desk.change(executor=address("nothing"))
    with pytest.raises(ConfigurationError, match=r"no executor at .*: set executor"):
        desk.run(armed=False)
    desk.change(executor=desk.vault.oracle)
    with pytest.raises(ConfigurationError, match=r"no executor at .*: set executor"):
        desk.run(armed=False)


def test_pass__when_a_pool_pays_less_than_it_says__leaves_it_out_and_names_it(desk):
    fair = desk.vault.add_v3_pool()
    desk.open(1_500)
    assert desk.vault.pair in {leg.pool for leg in plan(desk.client, desk.settings, desk.vault.address).route.legs}

    desk.fake.swaps[desk.vault.pair.lower()] = lambda token, amount: desk.vault.swap(token, amount) - 1
    found = plan(desk.client, desk.settings, desk.vault.address)
    assert {leg.pool for leg in found.route.legs} == {fair}
    (lie,) = found.dropped
    assert (lie.pool, lie.promised - lie.paid, lie.reverted) == (desk.vault.pair, 1, None)
    assert desk.vault.pair in lie.text


def test_pass__when_all_pools_lie__says_so(desk):
    def swap(token, amount):
        raise Revert(error_string("not today"))

    desk.fake.swaps[desk.vault.pair.lower()] = swap
    desk.open(1_500)
    with pytest.raises(NoRoute, match=f"left out: uniswap_v2 pool {desk.vault.pair} .* reverted: not today"):
        desk.run()
    assert desk.fake.sent == []


def test_pass__when_paused__waits(desk):
    desk.vault.paused = True
    assert desk.run().plan.decision.reason == "the vault is paused"
    assert desk.fake.sent == []


def test_pass__when_an_earlier_transaction_of_somebody_else_is_on_its_way__sends_nothing(desk):
    desk.fake.pending_nonce = 1
    with pytest.raises(Exception, match="on its way"):
        desk.run()
    assert (desk.ledger.transactions(), desk.fake.sent) == ([], [])


def test_plan__when_dry__simulates_as_the_executors_owner(desk):
    desk.open(1_500)
    plan(desk.client, desk.settings, desk.vault.address)
    senders = [params[0].get("from") for method, params in desk.fake.requests if method == "eth_estimateGas"]
    assert senders == [address("keeper")]


def test_requests__no_key_leaves_the_process(desk):
    desk.run()
    key = desk.signer._account.key.hex().removeprefix("0x")
    assert key not in json.dumps(desk.fake.requests)


def test_pass__when_an_earlier_transaction_is_on_its_way__does_not_look_further(desk):
    desk.change(receipt_timeout_s=0.1)
    desk.fake.on_send = lambda found, raw: desk.fake.known.add(found)
    with pytest.raises(InFlight, match="not mined after"):
        desk.run()
    with pytest.raises(InFlight, match="wait for it and run again"):
        desk.run()
    assert len(desk.ledger.decisions()) == 1
