"""Passes over the real contracts on a devnet, beside the demo's: fills that open by themselves, head starts, moving targets."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from eth_abi.abi import encode
from eth_account import Account

from devnet import market, node
from devnet.addresses import LP, TOKENS, V2_PAIRS
from devnet.box import Box
from keeper.chain import abi
from keeper.chain.abi import Trigger
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Fees
from keeper.errors import ConfigurationError, TransactionError
from keeper.execution.signer import KeystoreSigner, NodeSigner
from keeper.execution.verify import verify
from keeper.ledger import Ledger
from keeper.policy import Kind
from keeper.policy.proposal import Proposal
from keeper.policy.rules import Reason
from keeper.routing import replay
from keeper.services import demo, zap, zap_order
from keeper.services import vault as lifecycle
from keeper.services.in_kind import Refused
from keeper.services.keeper_pass import PassResult, keeper_pass
from keeper.services.memory import Memory
from keeper.services.permits import NO_PERMIT
from keeper.services.plan import Plan, find_pools, plan, take
from keeper.services.proposals import proposal_of
from keeper.services.route import route_swap
from keeper.services.zap_market import ETHER
from keeper.settings import Settings, load

WAD = 10**18
FAR = 2**40  # unix s
RECIPIENT = "0x000000000000000000000000000000000000bEEF"


@dataclass
class Desk:
    """A keeper and a vault of the demo's basket with a million dollars in it; the creator owns the vault."""

    box: Box
    client: Client
    settings: Settings
    ledger: Ledger
    keeper: KeystoreSigner
    creator: KeystoreSigner
    vault: str

    @property
    def snapshot(self):
        return take(self.client, self.settings, self.vault)

    def run(self) -> PassResult:
        return keeper_pass(self.client, self.settings, self.vault, self.ledger, self.keeper)

    def ruled_by(self, policy: str, **rebalancing: object) -> "Desk":
        """With rules of the keeper's own, and the same ledger."""
        changes = {
            "policy": self.settings.policy.model_copy(update={"rebalancing": policy}),
            "rebalancing": self.settings.rebalancing.model_copy(update=rebalancing),
        }
        return replace(self, settings=self.settings.model_copy(update=changes))

    def proposal(self, found: Plan) -> Proposal:
        """What the rules said to what the first plan was made for, when the ledger knew of no fill yet."""
        memory = Memory(self.client, self.settings)
        pools = find_pools(self.client, self.settings, [found.snapshot], found.now, memory)
        memory.note_costs(found.snapshot, pools.found, found.now)
        proposal = proposal_of(self.settings, found.snapshot, found.now, memory)
        assert proposal is not None
        return proposal

    def rule(self, signature: str, *arguments: object) -> None:
        """The owner calls the rebalancer."""
        self.box.send(self.creator.address, self.snapshot.rebalancer, signature, *arguments)

    def drift(self) -> None:
        """A day later WETH is a fifth dearer, and the DEXes pay two percent more for it than its feed says."""
        market.warp(self.box, 86_400)
        price = market.feed_price(self.box, "WETH") * 12 / 10
        market.move_price(self.box, "WETH", price)
        market.move_dex(self.box, "WETH", price * 102 / 100)


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
        vault = demo.deploy_vault(
            box,
            client,
            settings,
            creator,
            "Devnet Six",
            "DEV6",
            terms=replace(demo.TERMS, triggers=Trigger.BAND | Trigger.TARGETS),
            fees=Fees(RECIPIENT, WAD // 100, 10**15, 2 * 10**15),
        )
        executor = lifecycle.deploy_executor(client, settings, creator, keeper.address)
        settings = settings.model_copy(update={"executor": executor})
        demo.deposit(box, client, settings, depositor, vault, 1_000_000)
        with demo._ledger(settings) as ledger:
            yield Desk(box, client, settings, ledger, keeper, creator, vault)


@pytest.fixture
def desk(built, tmp_path) -> Iterator[Desk]:
    """The desk as it was built, with a ledger of its own; what the test does to the chain is undone."""
    state = built.box.snapshot()
    with demo._ledger(built.settings.model_copy(update={"ledger_file": tmp_path / "ledger.sqlite"})) as ledger:
        yield replace(built, ledger=ledger)
    built.box.revert(state)


def test_take__reads_what_the_vault_was_made_with(desk):
    snapshot = desk.snapshot
    assert snapshot.fees == Fees(RECIPIENT, WAD // 100, 10**15, 2 * 10**15)
    assert snapshot.terms == replace(demo.TERMS, triggers=Trigger.BAND | Trigger.TARGETS)
    assert snapshot.schedule.targets == tuple(asset.target for asset in snapshot.assets)
    assert (snapshot.supply_cap, snapshot.head_start, snapshot.is_keeper) == (2**96 - 1, 0, False)
    market.warp(desk.box, 365 * 86_400)
    assert desk.snapshot.supply > snapshot.supply  # the streaming fee that is due counts


def test_take__values_the_basket_as_the_rebalancer_does(desk):
    desk.drift()
    snapshot = desk.snapshot
    asked = (abi.Rebalancer.weights, abi.Rebalancer.nav, abi.Rebalancer.drift, abi.Rebalancer.trigger)
    told = [
        function.decode(desk.client.call(snapshot.rebalancer, function.encode(), snapshot.block)) for function in asked
    ]
    found = snapshot.priced()
    assert [list(found.weights), found.nav, found.drift, found.trigger] == [list(told[0]), *told[1:]]
    assert found.drift > 0


def test_plan__when_a_pair_lies_about_its_reserves__routes_without_it_and_names_it(desk, project):
    desk.drift()
    weth, usdc = TOKENS["WETH"].address, TOKENS["USDC"].address
    (pair,) = (pair.address for pair in V2_PAIRS if pair.tokens == ("USDC", "WETH"))
    # Its code knows the two tokens: deployed once, then put where the pair is.
    mock = project.FalsePair.contract_type.deployment_bytecode.bytecode
    creation = bytes.fromhex(mock.removeprefix("0x")) + encode(["address", "address"], [usdc, weth])
    made = desk.box.transact(desk.creator.address, None, creation)["contractAddress"]
    desk.box.rpc("anvil_setCode", pair, "0x" + desk.box.code(made).hex())

    found = plan(desk.client, desk.settings, desk.vault)
    assert found.decision.kind is Kind.REBALANCE
    assert found.simulation is not None
    (lie,) = found.dropped
    assert (lie.pool, lie.token_in, lie.token_out) == (pair, weth, usdc)
    assert lie.paid == lie.promised // 2
    assert pair not in {leg.pool for leg in found.route.legs}


@pytest.mark.parametrize("is_exact_out", [False, True])
def test_route__over_several_venues__pays_what_it_says(desk, is_exact_out):
    amount = "9000000" if is_exact_out else "3000"
    found = route_swap(desk.client, desk.settings, "WETH", "USDC", amount, is_exact_out)
    route = found.route
    assert len({leg.venue for leg in route.legs}) > 1
    assert replay(route, found.pools, route.sold)[found.bought.address] == found.amount_out
    assert (found.amount_out if is_exact_out else found.amount_in) >= found.amount
    assert 0 <= found.certificate.gap_bps < 0.1
    block, executor = found.block, desk.settings.executor
    assert verify(desk.client, route, found.pools, LP, executor, block, block.timestamp + 12) == []


def test_pass__when_the_route_beats_the_opening_bound__opens_and_settles_in_one_transaction(desk):
    desk.drift()
    result = desk.run()
    assert result.plan.decision.kind is Kind.REBALANCE
    assert result.plan.decision.reason.startswith("BAND holds, and the route beats the bound of 100.500%")
    assert result.mined is not None
    assert result.mined.value_in > result.mined.value_out
    after = desk.snapshot
    assert not after.is_open
    assert after.completed_at == after.closed_at == after.block.timestamp
    assert after.priced().drift <= demo.TERMS.closing_tolerance


def test_pass__when_others_have_a_head_start__opens_waits_and_fills_after_it(desk):
    desk.drift()
    desk.rule("set_head_start(uint256)", 600)
    opened = desk.run()
    assert opened.plan.decision.kind is Kind.OPEN
    waiting = desk.run()
    assert waiting.plan.decision.reason == "listed keepers have a head start"
    assert waiting.plan.decision.until == desk.snapshot.opened_at + 600
    market.warp(desk.box, 600)
    assert desk.run().plan.decision.kind is Kind.REBALANCE
    assert not desk.snapshot.is_open


def test_pass__when_the_executor_is_listed__fills_in_the_head_start(desk):
    desk.drift()
    desk.rule("set_head_start(uint256)", 600)
    desk.rule("set_keepers(address[],bool)", [desk.settings.executor], True)
    assert desk.snapshot.is_keeper
    assert desk.run().plan.decision.kind is Kind.REBALANCE


def test_pass__when_targets_move__waits_for_the_start_and_then_follows(desk):
    now = desk.snapshot.block.timestamp
    targets = [asset.target for asset in desk.snapshot.assets]
    targets[0], targets[2] = targets[0] - WAD // 25, targets[2] + WAD // 25
    desk.rule("set_targets(uint256[],uint256,uint256)", targets, now + 7_200, now + 14_400)
    waiting = desk.run()
    assert waiting.plan.decision.reason == "no asset is out of its band, and the change of targets has not begun"
    assert waiting.plan.decision.until == now + 7_200
    market.warp(desk.box, 10_800 + now - desk.snapshot.block.timestamp)
    snapshot = desk.snapshot
    assert snapshot.schedule.targets == tuple(targets)
    assert targets[0] < snapshot.assets[0].target < targets[0] + WAD // 25
    result = desk.run()
    assert result.plan.decision.kind is Kind.OPEN
    assert result.plan.decision.reason.startswith("TARGETS holds")


OWN_RULES = [
    ("cost_aware", {"aim": "between"}),
    ("cost_aware", {"aim": "edge"}),
    ("band", {"aim": "edge", "band_bps": 150, "risk_aversion": 20.0}),
]


@pytest.mark.parametrize(("policy", "rebalancing"), OWN_RULES, ids=["between", "edge", "band edge"])
def test_pass__own_rules__trade_part_of_the_way_and_the_ledger_says_why(desk, policy, rebalancing):
    desk = desk.ruled_by(policy, **rebalancing)
    desk.drift()
    result = desk.run()
    assert result.mined is not None
    assert result.mined.succeeded
    before, proposal, after = result.plan.snapshot, desk.proposal(result.plan), desk.snapshot
    nav = before.priced().nav
    gained = abs(result.mined.value_in - result.mined.value_out)
    # What the route gains on the oracle is not sold; the rest is what a bought amount may fall short by.
    missed = gained + result.mined.value_out * desk.settings.policy.slippage_bps // 10_000
    for asset, weight, aim, end in zip(
        before.assets, before.priced().weights, proposal.aims, after.priced().weights, strict=True
    ):
        assert abs(end - aim) <= missed * WAD // nav, asset.symbol
        assert min(weight, asset.target) < end < max(weight, asset.target), asset.symbol
    assert demo.TERMS.closing_tolerance < after.priced().drift < before.priced().drift - WAD // 200
    row = desk.ledger.decisions()[-1]
    assert row.kind == "rebalance"
    assert row.reason.endswith(
        f"a weight is outside the policy's band: worth {proposal.benefit_usd:,.2f} USD, "
        f"expected to cost {proposal.cost_usd:,.2f} USD"
    )
    assert 0 < proposal.cost_usd < proposal.benefit_usd
    # The opening goes on, and what is left is not worth a trade.
    assert after.is_open
    assert desk.run().plan.decision.kind is Kind.WAIT
    assert desk.snapshot.priced().weights == after.priced().weights


def test_pass__a_rebalance_that_costs_more_than_it_is_worth__waits_and_the_ledger_says_why(desk):
    desk = desk.ruled_by("band", band_bps=100, risk_aversion=0.01)
    desk.drift()
    result = desk.run()
    proposal = desk.proposal(result.plan)
    assert (result.plan.decision.kind, result.mined) == (Kind.WAIT, None)
    assert proposal.reason is Reason.NOT_WORTH_IT
    row = desk.ledger.decisions()[-1]
    assert (row.kind, row.reason) == ("wait", proposal.text)
    assert row.reason.startswith("a rebalance would cost more than it is worth: worth 0.0")
    assert not desk.snapshot.is_open
    # The same is due, and done, where being off target counts for more.
    assert desk.ruled_by("band", band_bps=100, risk_aversion=40.0).run().mined is not None


@pytest.mark.parametrize(
    ("step_s", "parts"),
    # With an opening for each step, what is left after two is inside of the vault's own band: nothing can be opened for it.
    [(600, 3), (7_200, 2)],
    ids=["one opening", "an opening for each step"],
)
def test_pass__gradual__goes_on_where_it_stood_after_every_restart(desk, step_s, parts):
    """A pass keeps nothing: each is a keeper that begins anew, with the ledger of the one before."""
    desk = desk.ruled_by("band", band_bps=100, steps=3, step_s=step_s, guarded=False)
    desk.drift()
    first = desk.snapshot
    drifts, was_open = [first.priced().drift], []
    for part in range(parts):
        result = desk.run()
        assert result.mined is not None, result.plan.decision
        words = "the next part of a gradual rebalance is due" if part else "a weight is outside the policy's band"
        assert words in desk.ledger.decisions()[-1].reason
        was_open.append(result.plan.snapshot.is_open)  # a fill opens by itself where nothing is
        drifts.append(desk.snapshot.priced().drift)
        assert desk.run().mined is None  # the next block is too early
        market.warp(desk.box, step_s)
    # A third of the whole each time, but for what the route gains on the oracle, which is not sold.
    assert [drift / drifts[0] for drift in drifts] == pytest.approx(
        [1 - part / 3 for part in range(parts + 1)], abs=0.02
    )
    assert (desk.snapshot.completed_at > first.completed_at) == (parts == 3)
    assert desk.run().plan.decision.reason == "no asset is out of its band"
    assert not desk.snapshot.is_open
    assert was_open == ([False, True, True] if parts == 3 else [False, False])


# --- one token in, shares out, and back


@pytest.fixture
def zapping(desk) -> Desk:
    """The keeper has 10,000 USDC, and there is a zap."""
    desk.box.give(TOKENS["USDC"].address, desk.keeper.address, 10_000 * 10**6)
    address = lifecycle.deploy_zap(desk.client, desk.settings, desk.creator, desk.creator.address)
    return replace(desk, settings=desk.settings.model_copy(update={"zap": address}))


def test_zap__ten_thousand_usdc_and_back__is_within_five_bps_of_what_no_route_exceeds(zapping):
    desk, usdc = zapping, TOKENS["USDC"].address
    client, settings, keeper = desk.client, desk.settings, desk.keeper
    minting = zap.plan_mint(client, settings, desk.vault, "USDC", "10000")
    # Nothing worth a cent comes back, and the fee is paid: a tenth of a percent of what is made.
    assert minting.amount_in == 10_000 * 10**6
    assert minting.back.get(usdc, 0) < 10_000
    assert 9.9 < minting.amount_out / WAD < 10.1

    shares, gas = zap_order.execute(client, settings, keeper, minting, minting.data(30, FAR))

    assert desk.box.balance(desk.vault, keeper.address) == shares >= minting.ceiling * (1 - 5e-4)
    # The streaming fee of the seconds in between.
    assert shares == pytest.approx(minting.amount_out, rel=1e-6)
    assert minting.least_out(30) == -(-minting.amount_out * 9_970 // 10_000) <= shares
    assert 0.8 * minting.gas < gas <= minting.gas

    back = zap.plan_redeem(client, settings, desk.vault, f"{shares / WAD:.15f}"[:-3], "USDC")
    assert back.ceiling >= back.amount_out
    before = desk.box.balance(usdc, keeper.address)
    amount, gas = zap_order.execute(client, settings, keeper, back, back.data(30, FAR))
    assert desk.box.balance(usdc, keeper.address) - before == amount >= back.ceiling * (1 - 5e-4)
    assert amount == pytest.approx(back.amount_out, rel=1e-6)
    # Fees of the vault, both ways, and of the pools.
    assert 9_900 * 10**6 < amount < 9_970 * 10**6
    assert 0.8 * back.gas < gas <= back.gas
    for symbol in demo.WEIGHTS:
        assert desk.box.balance(TOKENS[symbol].address, str(settings.zap)) == 0


def test_zap__by_the_signer_s_permit__is_one_transaction_each_way_and_leaves_no_allowance(zapping):
    desk, keeper = zapping, zapping.keeper
    client, settings, sent = desk.client, desk.settings, desk.client.nonce(keeper.address)
    minting = zap.plan_mint(client, settings, desk.vault, "USDC", "10000")
    permit = zap_order.permitted(client, settings, keeper, minting, FAR)
    shares, _ = zap_order.execute(client, settings, keeper, minting, minting.data(30, FAR, permit), permit)
    back = zap.plan_redeem(client, settings, desk.vault, f"{shares / WAD:.15f}"[:-3], "ETH")
    permit = zap_order.permitted(client, settings, keeper, back, FAR)
    zap_order.execute(client, settings, keeper, back, back.data(30, FAR, permit), permit)
    assert client.nonce(keeper.address) - sent == 2
    for token in (TOKENS["USDC"].address, desk.vault):
        assert desk.box.call(token, "allowance(address,address)(uint256)", keeper.address, settings.zap) == 0


def test_permitted__ether_a_token_without_permits_or_a_signer_of_transactions_alone__is_none(zapping):
    client, settings, keeper = zapping.client, zapping.settings, zapping.keeper
    for token in ("ETH", "WETH"):
        plan = zap.plan_mint(client, settings, zapping.vault, token, "1")
        assert zap_order.permitted(client, settings, keeper, plan, FAR) == NO_PERMIT
    plan = zap.plan_mint(client, settings, zapping.vault, "USDC", "10000")
    assert zap_order.permitted(client, settings, NodeSigner(client, keeper.address), plan, FAR) == NO_PERMIT
    zapping.box.send(keeper.address, TOKENS["USDC"].address, "approve(address,uint256)", settings.zap, 10_000 * 10**6)
    assert zap_order.permitted(client, settings, keeper, plan, FAR) == NO_PERMIT


def test_zap__pools_moved_since_the_plan__reverts_and_takes_nothing(zapping):
    plan = zap.plan_mint(zapping.client, zapping.settings, zapping.vault, "USDC", "10000")
    market.move_dex(zapping.box, "WBTC", market.feed_price(zapping.box, "WBTC") * 102 / 100)
    with pytest.raises(TransactionError, match="zap: too few shares"):
        zap_order.execute(zapping.client, zapping.settings, zapping.keeper, plan, plan.data(30, FAR))
    assert zapping.box.balance(TOKENS["USDC"].address, zapping.keeper.address) == 10_000 * 10**6


def test_zap__token_that_is_not_in_the_basket__is_turned_into_it_and_back(zapping):
    """DAI, of which nothing is kept; whoever has an allowance left over is set right."""
    desk, dai = zapping, TOKENS["DAI"].address
    desk.box.give(dai, desk.keeper.address, 5_000 * WAD)
    desk.box.send(desk.keeper.address, dai, "approve(address,uint256)", desk.settings.zap, 1)
    plan = zap.plan_mint(desk.client, desk.settings, desk.vault, dai, "5000")
    shares, _ = zap_order.execute(desk.client, desk.settings, desk.keeper, plan, plan.data(30, FAR))
    assert shares == pytest.approx(plan.amount_out, rel=1e-6)
    back = zap.plan_redeem(desk.client, desk.settings, desk.vault, "1", "WETH")
    amount, _ = zap_order.execute(desk.client, desk.settings, desk.keeper, back, back.data(30, FAR))
    assert amount == pytest.approx(back.amount_out, rel=1e-6)


def test_zap__whole_ether_and_back__is_what_was_planned(zapping):
    desk, account = zapping, zapping.keeper.address

    def ether() -> int:
        return desk.client.balance(account)

    plan = zap.plan_mint(desk.client, desk.settings, desk.vault, "ETH", "2")
    before = ether()
    shares, gas = zap_order.execute(desk.client, desk.settings, desk.keeper, plan, plan.data(30, FAR))
    assert shares == pytest.approx(plan.amount_out, rel=1e-6)
    assert gas <= plan.gas
    # Gas aside, which is under a hundredth of an ether.
    assert 2 * WAD - plan.back.get(ETHER.address, 0) <= before - ether() < 2 * WAD + WAD // 100
    plan = zap.plan_redeem(desk.client, desk.settings, desk.vault, "1", "eth")
    before = ether()
    amount, gas = zap_order.execute(desk.client, desk.settings, desk.keeper, plan, plan.data(30, FAR))
    assert amount == pytest.approx(plan.amount_out, rel=1e-6)
    assert amount - WAD // 100 < ether() - before < amount
    assert gas <= plan.gas


@pytest.mark.parametrize(
    ("token", "amount", "text"),
    [("NONE", "1", "unknown token"), ("USDC", "0", "is nothing"), ("USDC", "0.000001", "too few")],
)
def test_plan_mint__what_makes_no_sense__says_so(desk, token, amount, text):
    with pytest.raises((ConfigurationError, Refused), match=text):
        zap.plan_mint(desk.client, desk.settings, desk.vault, token, amount)


def test_execute__without_a_zap__says_which_setting(desk):
    plan = zap.plan_redeem(desk.client, desk.settings, desk.vault, "1", "USDC")
    with pytest.raises(ConfigurationError, match="no zap: set zap"):
        zap_order.execute(desk.client, desk.settings, desk.keeper, plan, plan.data(30, FAR))
