"""The demo on a devnet of its own: the whole story once, and what it has to show."""

import pytest

from keeper.chain import abi
from keeper.chain.rpc import Client
from keeper.cli import payload
from keeper.execution.plan import ALL
from keeper.policy import Kind
from keeper.services import demo
from keeper.services.demo import BAND, DEPOSITS_USD, WEIGHTS, Stage, Story
from keeper.settings import load

WAD = 10**18


@pytest.fixture(scope="module")
def ended() -> tuple[Story, str]:
    """The story, and the owner of the zap that stood at its end."""
    owners = []

    def after(stage: Stage) -> None:
        settings = demo.with_zap(stage).settings
        owners.append(abi.Zap.owner.decode(Client(stage.box.url, 1).call(settings.zap, abi.Zap.owner.encode())))

    return demo.run(load(environment={}), lambda line: None, after), owners[0]


@pytest.fixture(scope="module")
def story(ended) -> Story:
    return ended[0]


def test_with_zap__after_the_story__is_an_index_zap_of_somebody(ended):
    assert int(ended[1], 16)


def test_demo__the_basket_has_six_tokens_of_three_decimals(story):
    assert len(story.before.assets) >= 6
    assert {asset.decimals for asset in story.before.assets} == {6, 8, 18}
    assert story.minted.priced().nav == pytest.approx(sum(DEPOSITS_USD) * WAD, rel=1e-5)


def test_demo__the_markets_push_an_asset_out_of_its_band(story):
    outside = [
        abs(weight - asset.target) > asset.band
        for asset, weight in zip(story.before.assets, story.before.priced().weights, strict=True)
    ]
    assert any(outside)
    assert story.opened.plan.decision.kind is Kind.OPEN


def test_demo__ends_within_a_quarter_of_the_band_at_no_more_than_sixty_bps(story):
    assert story.after.priced().drift <= BAND // 4
    assert 0 < story.cost_bps <= 60
    assert not story.after.is_open


def test_demo__the_vault_loses_what_the_log_says_and_nothing_else(story):
    lost = story.before.priced().nav - story.after.priced().nav
    assert abs(lost - (story.value_out - story.value_in)) < len(WEIGHTS) * 10**12


def test_demo__the_keeper_gets_what_the_router_promised(story):
    """On a chain where nobody else trades, the plan, the simulation, the vault's log and the executor's agree to the unit."""
    (result,) = story.rebalances
    assert result.mined is not None
    assert result.plan.simulation is not None
    simulation, route, mined = result.plan.simulation, result.plan.route, result.mined
    assert route is not None
    assert (mined.value_out, mined.value_in) == (simulation.value_out, simulation.value_in)
    assert route.partial_reason is None
    if all(limit.amount != ALL for limit in result.plan.call.sells):
        assert (route.value_out, route.value_in) == (mined.value_out, mined.value_in)
        assert [swap.amount_out for swap in mined.swaps] == [leg.amount_out for leg in route.legs]
    else:
        assert mined.value_in == pytest.approx(route.value_in, rel=2e-6)
    assert [swap.pool for swap in mined.swaps] == [leg.pool for leg in route.legs]


def test_demo__the_keeper_waits_for_the_bound_and_then_fills_within_seconds(story):
    assert [seconds > 0 for _, seconds in story.waits] == [True]
    (result,) = story.rebalances
    ratio = result.mined.value_in * WAD // result.mined.value_out
    snapshot = result.plan.snapshot
    assert ratio >= snapshot.bound
    per_second = (snapshot.terms.start_premium + snapshot.terms.max_discount) / snapshot.terms.duration
    margin = 3 * 10**14  # the default safety_margin_bps
    assert ratio - snapshot.bound <= margin + 5 * per_second


def test_demo__our_formula_of_the_bound_is_the_contracts(story):
    from keeper.policy import bound_at

    snapshot = story.rebalances[0].plan.snapshot
    assert snapshot.is_open
    assert bound_at(snapshot, snapshot.block.timestamp) == snapshot.bound


def test_demo__a_depositor_leaves_with_his_part_of_everything(story):
    first, second = story.holdings
    assert second.shares == 0
    assert all(amount > 0 for amount in second.tokens.values())
    # Both hold what they held before in proportion, but for rounding.
    assert second.worth * DEPOSITS_USD[0] == pytest.approx(first.worth * DEPOSITS_USD[1], rel=1e-6)


def test_demo__as_json__has_the_promised_keys(story):
    told = payload.of_story(story)
    for moment in ("before", "after"):
        assert {"nav", "drift", "weights", "targets"} <= told[moment].keys()
        assert told[moment]["weights"].keys() == told[moment]["targets"].keys() == WEIGHTS.keys()
    assert [transaction["mode"] for transaction in told["transactions"]] == ["open", "rebalance"]
    for transaction in told["transactions"]:
        assert {"hash", "mode", "gas_used"} <= transaction.keys()
    assert {"value_out", "value_in", "cost_bps"} <= told.keys()
    for leg in told["legs"]:
        assert {"pool", "venue", "token_in", "token_out", "amount_in", "amount_out"} <= leg.keys()
        assert leg["amount_in"] == str(int(leg["amount_in"]))
