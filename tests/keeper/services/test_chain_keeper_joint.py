"""Vaults that are due at once, with a batch executor: one transaction for those that are cheaper together, the first otherwise.

What is cheaper together is tried on real contracts, in `test_joint_on_devnet.py`; here it is given, but where the keeper's own
rules have a say in it.
"""

from types import SimpleNamespace

import pytest
from fake_chain import address, target_of
from test_chain_keeper import House, of

from keeper.chain import abi
from keeper.errors import ChainError, NoRoute, TransactionError
from keeper.execution.fees import Fees
from keeper.execution.plan import Call, Order
from keeper.ledger import State
from keeper.operations import events
from keeper.operations.events import Failure, Outcome
from keeper.policy import Decision, Kind, Quote, deficits, surpluses
from keeper.policy.rules import Reason
from keeper.services import acting, chain_keeper
from keeper.services import together as together_module
from keeper.services.joint import JointPlan, joined
from keeper.services.plan import take
from keeper.services.proposals import proposal_of

WAD = 10**18
BATCH = address("batch executor")
GWEI = 10**9


class Together:
    """In place of `plan_many`: what it was given, and what it answers."""

    def __init__(self, monkeypatch):
        self.given: list[tuple[list[str], dict, str | None]] = []
        self.most = 0  # vaults that it puts together
        self.error: Exception | None = None
        monkeypatch.setattr(together_module, "plan_many", self.plan_many)

    def plan_many(self, client, settings, snapshots, alone, sender, _):
        self.given.append(([each.address for each in snapshots], dict(alone), sender))
        if self.error is not None:
            raise self.error
        chosen = tuple(snapshots[: self.most])
        if not chosen:
            return None
        orders = tuple(Order(each.address, (), ()) for each in chosen)
        data = abi.BatchExecutor.rebalance_many.selector + client.head().number.to_bytes(4, "big")
        quote = Quote(10_000 * WAD, 9_999 * WAD, WAD // 2)
        return JointPlan(
            snapshots=chosen,
            now=chosen[0].block.timestamp,
            decisions=tuple(Decision(Kind.REBALANCE, "due, together with others", quote=quote) for _ in chosen),
            netting=SimpleNamespace(),
            fees=Fees(GWEI, GWEI, 3 * GWEI),
            call=Call("batch", chosen[0].address, BATCH, data, orders=orders),
            simulation=SimpleNamespace(gas=900_000),
        )


@pytest.fixture
def house(fake, tmp_path):
    found = House(fake, tmp_path)
    found.make(batch_executor=BATCH)
    yield found
    found.keeper.close()
    found.ledger.close()


@pytest.fixture
def together(monkeypatch):
    return Together(monkeypatch)


def test_tick__two_that_are_cheaper_together__share_a_transaction(house, together):
    together.most = 2
    house.due(0, 1)
    told = house.tick()
    (raw,) = house.fake.sent
    assert target_of(raw) == BATCH
    due = [house.vaults[number].address for number in (0, 1)]
    vaults, alone, sender = together.given[0]
    assert (sorted(vaults), set(alone), sender) == (sorted(due), set(due), house.signer.address)
    (row,) = house.ledger.transactions()
    assert (row.mode, sorted(row.vaults), row.deadline) == ("batch", sorted(due), house.fake.timestamp + 180)
    assert [part.decision.reason for part in row.parts] == ["due, together with others"] * 2
    assert {house.outcomes()[vault] for vault in due} == {Outcome.SENT}
    assert [event.kind for event in of(events.Decided, told) if event.vault in due] == ["rebalance"] * 2
    for part in row.parts:
        ways = house.ledger.alternatives(part.decision_id)
        assert [way.name for way in ways] == ["together with other vaults", "own pools"]
        assert int(ways[0].worth) == -3 * WAD // 2
    for vault in house.vaults:
        vault.is_open = False
    told = house.tick()
    (confirmed,) = of(events.Confirmed, told)
    assert sorted(confirmed.vaults) == sorted(due)
    assert house.ledger.transactions()[0].state is State.CONFIRMED


def test_tick__the_third_that_is_not_cheaper_with_them__waits_for_the_account(house, together):
    together.most = 2
    house.due(0, 1, 2)
    told = house.tick()
    assert len(house.fake.sent) == 1
    third = together.given[0][0][2]
    (waiting,) = [event for event in of(events.Decided, told) if event.vault == third]
    assert (waiting.kind, waiting.reason) == ("wait", f"a transaction of {house.signer.address} is on its way")


def test_tick__none_are_cheaper_together__sends_the_first_and_lets_the_other_wait(house, together):
    house.due(0, 1)
    house.fake.on_send = None  # it stays on its way
    told = house.tick()
    (raw,) = house.fake.sent
    assert target_of(raw) == house.settings.executor
    first, second = together.given[0][0]
    (row,) = house.ledger.transactions()
    assert row.vaults == (first,)
    assert [event.reason for event in of(events.Decided, told) if event.vault == second] == [
        f"a transaction of {house.signer.address} is on its way"
    ]


@pytest.mark.parametrize(
    ("error", "kind"),
    [(TransactionError("it reverts"), Failure.TRANSACTION), (ZeroDivisionError(), Failure.UNEXPECTED)],
)
def test_tick__that_it_cannot_be_found_out__is_told_and_stops_no_vault(house, together, error, kind):
    together.error = error
    house.due(0, 1)
    told = house.tick()
    assert {(event.vault, event.kind) for event in of(events.PlanFailed, told)} == {
        (vault, kind) for vault in together.given[0][0]
    }
    (raw,) = house.fake.sent
    assert target_of(raw) == house.settings.executor


def test_tick__when_the_endpoint_fails_while_it_is_found_out__sends_nothing(house, together):
    together.error = ChainError("no quorum")
    house.due(0, 1)
    with pytest.raises(ChainError):
        house.tick()
    assert house.fake.sent == []


def test_tick__one_that_has_no_route_by_itself__may_be_filled_with_another(house, together, monkeypatch):
    plan_on = acting.plan_on
    first = house.vaults[0].address

    def failing(client, settings, snapshot, *rest):
        if snapshot.address == first:
            raise TransactionError("nothing pays")
        return plan_on(client, settings, snapshot, *rest)

    monkeypatch.setattr(acting, "plan_on", failing)
    together.most = 2
    house.due(0, 1)
    house.tick()
    assert set(together.given[0][1]) == {house.vaults[1].address}
    (row,) = house.ledger.transactions()
    assert first in row.vaults
    part = next(part for part in row.parts if part.decision.vault == first)
    assert [way.name for way in house.ledger.alternatives(part.decision_id)] == ["together with other vaults"]


def test_tick__one_whose_gate_is_closed__is_left_out(house, together):
    together.most = 2
    house.due(0, 1, 2)
    house.gate.closed = {house.vaults[0].address}
    house.tick()
    assert house.outcomes()[house.vaults[0].address] is Outcome.REFUSED
    assert sorted(together.given[0][0]) == sorted(vault.address for vault in house.vaults[1:])
    assert house.vaults[0].address not in house.ledger.transactions()[0].vaults


def test_tick__only_one_may_be_acted_for__is_acted_for_by_itself(house, together):
    house.due(0, 1)
    house.gate.closed = {house.vaults[0].address}
    house.tick()
    assert together.given == []
    assert house.ledger.transactions()[0].vaults == (house.vaults[1].address,)


def test_tick__when_the_gate_closes_for_one_of_them_before_it_is_signed__signs_nothing(house, together, monkeypatch):
    together.most = 2
    plan_many = together_module.plan_many

    def closing(*given):
        house.gate.closed = {house.vaults[1].address}
        return plan_many(*given)

    monkeypatch.setattr(together_module, "plan_many", closing)
    house.due(0, 1)
    house.tick()
    assert house.fake.sent == []
    assert house.ledger.transactions() == []
    assert {house.outcomes()[vault.address] for vault in house.vaults[:2]} == {Outcome.REFUSED}


def test_tick__more_than_a_transaction_takes__are_not_all_planned(house, together, monkeypatch):
    monkeypatch.setattr(chain_keeper, "MOST_VAULTS", 2)
    together.most = 2
    house.due(0, 1, 2)
    told = house.tick()
    assert len(together.given[0][0]) == 2
    (left,) = {vault.address for vault in house.vaults} - set(together.given[0][0])
    assert [event.reason for event in of(events.Decided, told) if event.vault == left] == [
        f"a transaction of {house.signer.address} is on its way"
    ]


def test_tick__when_dry__tells_what_would_be_done_together_and_sends_nothing(house, together):
    house.make(armed=False)
    together.most = 2
    house.due(0, 1)
    told = house.tick()
    assert house.fake.sent == []
    assert {house.outcomes()[vault.address] for vault in house.vaults[:2]} == {Outcome.PLANNED}
    assert together.given[0][2] is None
    reasons = [event.reason for event in of(events.Decided, told) if event.kind == "rebalance"]
    assert reasons == ["due, together with others"] * 2


def test_start__with_a_joint_transaction_on_its_way__holds_the_locks_of_all_its_vaults(house, together):
    together.most = 2
    house.due(0, 1)
    house.fake.on_send = None
    house.tick()
    vaults = house.ledger.transactions()[0].vaults
    house.keeper.close()
    house.make()
    house.tick()
    for vault in vaults:
        assert house.keeper._actor._locks[vault].held()


def with_own_rules(house, **rebalancing):
    """Settings with a band of 5 % of the keeper's own, to whose edge it trades."""
    wanted = {"band_bps": 500, "aim": "edge", **rebalancing}
    return house.settings.model_copy(
        update={
            "policy": house.settings.policy.model_copy(update={"rebalancing": "band"}),
            "rebalancing": house.settings.rebalancing.model_copy(update=wanted),
        }
    )


def cross(house):
    """The first vault has too much of what the second lacks: 58 % and 37.5 % of WETH, where each wants half."""
    house.vaults[0].weth, house.vaults[1].weth = 700 * 10**18, 300 * 10**18
    house.due(0, 1, 2)
    house.fake.view(BATCH, abi.BatchExecutor.owner, house.signer.address)
    house.fake.view(BATCH, abi.BatchExecutor.rebalance_many, [(10_000 * WAD, 9_999 * WAD)] * 2)


def joined_with(house, settings):
    snapshots = [take(house.client, settings, vault.address) for vault in house.vaults]
    return snapshots, joined(house.client, settings, snapshots, {})


def test_joined__own_rules__sells_and_buys_to_the_aims_of_each_and_leaves_out_what_is_in_its_band(house):
    house.vaults[2].weth = 510 * 10**18
    cross(house)
    settings = with_own_rules(house, guarded=False)
    snapshots, found = joined_with(house, settings)
    assert {order.vault for order in found.call.orders} == {snapshot.address for snapshot in snapshots[:2]}
    for snapshot, order in zip(found.snapshots, found.call.orders, strict=True):
        aims = proposal_of(settings, snapshot, found.now).aims
        over = snapshot.priced().weights[0] > WAD // 2
        assert aims[0] == pytest.approx((0.55 if over else 0.45) * WAD)
        # To the edge and no further; the whole surplus is more.
        (sold,) = order.sells
        wanted = surpluses(snapshot, aims)[sold.asset]
        assert 0.9 * wanted < sold.amount <= wanted < 0.8 * surpluses(snapshot)[sold.asset]
        (bought,) = order.buys
        assert bought.inside + bought.outside <= deficits(snapshot, aims)[bought.asset]
    assert all("a weight is outside the policy's band: worth" in decision.reason for decision in found.decisions)


def test_joined__own_rules__leaves_out_what_costs_more_than_it_is_worth(house):
    """A vault of 3,000 USD is as far off as the others, but its gas is not worth it."""
    house.vaults[2].weth, house.vaults[2].usdc = 10**18, 1_000 * 10**6
    house.fake.base_fee = 30 * GWEI
    cross(house)
    settings = with_own_rules(house)
    snapshots, found = joined_with(house, settings)
    assert {order.vault for order in found.call.orders} == {snapshot.address for snapshot in snapshots[:2]}
    assert proposal_of(settings, snapshots[2], found.now).reason is Reason.NOT_WORTH_IT


def test_joined__own_rules__when_one_is_not_worth_it__leaves_the_other_alone(house):
    house.vaults[1].weth, house.vaults[1].usdc = 10**18, 1_000 * 10**6
    house.vaults[0].weth = 700 * 10**18
    house.fake.base_fee = 30 * GWEI
    house.due(0, 1)
    with pytest.raises(NoRoute, match="fewer than two vaults may be filled now"):
        joined_with(house, with_own_rules(house))
