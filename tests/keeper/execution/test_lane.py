"""The lane: written down before it leaves, one at a time, followed until its block is there to stay."""

import pytest
from eth_abi.abi import encode
from fake_chain import USDC, WETH, address
from lane_bench import (
    EXECUTOR,
    GAS,
    GWEI,
    LEG,
    OTHER,
    OTHER_REBALANCER,
    POOL,
    REBALANCER,
    VAULT,
    WAD,
    Bench,
    Killed,
    Sent,
    lost,
)

from keeper.chain import abi
from keeper.chain.rpc import RpcError
from keeper.errors import ChainError, TransactionError
from keeper.execution import eip1559
from keeper.execution.fees import CostAboveBenefit, Fees
from keeper.execution.lane import (
    FalseReceipt,
    ForeignUse,
    InFlight,
    NotMined,
    NotTaken,
    Step,
    Unfunded,
    Worth,
    settle,
)
from keeper.execution.plan import Call
from keeper.execution.plan import Order as PartOrder
from keeper.execution.receipt import Filled
from keeper.execution.signer import KeystoreSigner
from keeper.execution.signer.policy import DayAboveCap, FeeAboveCap, TargetNotAllowed
from keeper.ledger import Intent, State


@pytest.fixture
def it(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.ledger.close()


def refuse(message, code=-32000):
    def on_send(_):
        raise RpcError(f"the node refused: {message}", code, None)

    return on_send


def test_submit__is_in_the_ledger_before_it_is_on_the_wire(it):
    seen = []
    it.node.on_send = lambda sent: seen.append([(row.state, row.hash, row.nonce, row.raw) for row in it.rows])
    ticket = it.submit()
    ((_, _, _, raw),) = seen[0]
    assert seen == [[(State.INTENT, ticket.hash, 0, raw)]]
    assert bytes.fromhex(raw[2:]) == next(iter(it.node.pool.values())).raw
    assert it.states == ["rebalance sent"]
    assert not it.lane.is_free


def test_step__when_mined_and_deep_enough__confirms(it):
    it.submit()
    it.pass_blocks(1)
    assert (it.states, it.lane.is_free) == (["rebalance mined"], True)
    assert it.rows[0].block_hash == it.node.blocks[-1].hash
    assert it.rows[0].block_timestamp == it.node.blocks[-1].timestamp
    it.pass_blocks(1)
    assert it.states == ["rebalance confirmed"]
    assert it.events == ["sent", "mined", "confirmed"]


def log(where: str, event: abi.Event, indexed: list[str], values: list[int]) -> dict:
    topics = ["0x" + event.topic.hex(), *("0x" + "0" * 24 + each[2:].lower() for each in indexed)]
    kinds = [kind for i, kind in enumerate(event.inputs) if i not in event.indexed]
    return {"address": where, "topics": topics, "data": "0x" + encode(kinds, values).hex()}


SWAP = log(EXECUTOR, abi.Executor.swap, [POOL, WETH, USDC], [11, 22])


def test_step__when_mined__records_what_the_vaults_own_logs_say(it):
    rebalanced = log(REBALANCER, abi.Rebalancer.rebalanced, [EXECUTOR, EXECUTOR], [1000, 990, 5, 1])
    stranger = log(address("stranger"), abi.Rebalancer.rebalanced, [EXECUTOR, EXECUTOR], [1, 1, 1, 1])
    it.node.bend = lambda receipt: receipt | {"logs": [SWAP, stranger, rebalanced, stranger]}
    ticket = it.submit()
    it.node.mine()
    mined = it.lane.wait(ticket, 0.1)
    assert (mined.value_out, mined.value_in) == (1000, 990)
    assert mined.filled == {VAULT: Filled(1000, 990, 1)}
    row = it.rows[0]
    assert (row.value_out, row.value_in, row.gas_used) == ("1000", "990", GAS)
    (leg,) = row.legs
    assert (leg.pool, leg.venue, leg.planned_in, leg.planned_out) == (POOL, "uniswap_v3", "10", "20")
    assert (leg.realised_in, leg.realised_out) == ("11", "22")


def test_submit__for_two_vaults__is_one_transaction_with_a_part_for_each(it):
    batch = address("batch executor")
    it.change_all(batch_executor=batch)
    orders = tuple(PartOrder(vault, (), ()) for vault in (VAULT, OTHER))
    call = Call("batch", VAULT, batch, abi.BatchExecutor.rebalance_many.selector, legs=(LEG,), orders=orders)
    first = log(REBALANCER, abi.Rebalancer.rebalanced, [batch, batch], [1000, 990, 5, 1])
    second = log(OTHER_REBALANCER, abi.Rebalancer.rebalanced, [batch, batch], [500, 510, 6, 2])
    it.node.bend = lambda receipt: receipt | {"logs": [SWAP | {"address": batch}, second, first]}
    ticket = it.submit(call=call, together_with=(it.decide(OTHER),))
    (row,) = it.rows
    assert (row.mode, row.target, row.vaults) == ("batch", batch, (VAULT, OTHER))
    assert it.notices[-1].text == f"batch of {VAULT}, {OTHER} was sent: {ticket.hash}"
    it.node.mine()
    mined = it.lane.wait(ticket, 0.1)
    assert mined.filled == {VAULT: Filled(1000, 990, 1), OTHER: Filled(500, 510, 2)}
    (row,) = it.rows
    assert [(part.value_out, part.value_in) for part in row.parts] == [("1000", "990"), ("500", "510")]
    assert (row.value_out, row.value_in) == ("1500", "1500")


def test_step__when_one_for_two_vaults_is_stuck__replaces_it_with_both_parts(it):
    batch = address("batch executor")
    it.change_all(batch_executor=batch)
    orders = tuple(PartOrder(vault, (), ()) for vault in (VAULT, OTHER))
    call = Call("batch", VAULT, batch, abi.BatchExecutor.rebalance_many.selector, legs=(LEG,), orders=orders)
    it.submit(call=call, together_with=(it.decide(OTHER),))
    it.node.base_fee = 10 * GWEI
    it.pass_blocks(it.settings.fees.replace_after_blocks)
    assert [row.vaults for row in it.rows] == [(VAULT, OTHER)] * 2
    it.node.mine()
    it.step()
    assert it.states == ["batch replaced", "batch mined"]


def test_submit__for_a_batch_executor_that_is_not_set__is_not_signed(it):
    orders = tuple(PartOrder(vault, (), ()) for vault in (VAULT, OTHER))
    call = Call("batch", VAULT, address("batch executor"), abi.BatchExecutor.rebalance_many.selector, orders=orders)
    with pytest.raises(TargetNotAllowed):
        it.submit(call=call, together_with=(it.decide(OTHER),))
    assert it.rows == []


def test_step__when_idle__asks_nothing(it):
    it.step()
    it.submit()
    it.pass_blocks(2)
    it.node.requests.clear()
    it.step()
    assert it.node.requests == ["contains"]
    it.pass_blocks(64)
    it.node.requests.clear()
    it.step()
    assert it.node.requests == []


def test_step__while_nothing_changes__asks_for_the_nonce_and_the_transaction(it):
    it.submit()
    it.node.requests.clear()
    it.step()
    assert it.node.requests == ["nonce", "eth_getTransactionByHash"]


def test_wait__returns_what_was_mined(it):
    ticket = it.submit()
    it.node.mine(2)
    mined = it.lane.wait(ticket, 1)
    assert (mined.hash, mined.succeeded, mined.mode) == (ticket.hash, True, "rebalance")
    assert it.states == ["rebalance confirmed"]


def test_wait__when_the_chain_stands_still_after_it__returns_it_unconfirmed(it):
    ticket = it.submit()
    it.node.mine()
    assert it.lane.wait(ticket, 0.1).hash == ticket.hash
    assert it.states == ["rebalance mined"]


def test_wait__when_it_is_not_mined_in_time__leaves_it_sent(it):
    with pytest.raises(InFlight, match=r"not mined after 0\.1 s"):
        it.lane.wait(it.submit(), 0.1)
    assert it.states == ["rebalance sent"]


def test_wait__when_it_reverts__is_failed_and_raises(it):
    ticket = it.submit()
    it.node.reverts = True
    it.node.mine()
    with pytest.raises(TransactionError, match="reverted in transaction 0x"):
        it.lane.wait(ticket, 1)
    assert (it.states, it.rows[0].error, it.rows[0].gas_used) == (["rebalance failed"], "reverted", GAS)


def test_wait__when_it_was_cancelled__raises(it):
    ticket = it.submit(seconds=1)
    it.pass_blocks(1, empty=True)
    it.node.mine()
    with pytest.raises(NotMined, match="replaced by cancel 0x"):
        it.lane.wait(ticket, 1)


def test_wait__when_it_was_dropped__raises(it):
    it.node.on_send = lost
    ticket = it.submit(seconds=1)
    it.node.mine()
    with pytest.raises(NotMined, match="its time is over and nobody has it"):
        it.lane.wait(ticket, 1)


def test_submit__while_one_is_in_flight__refuses(it):
    ticket = it.submit()
    with pytest.raises(InFlight, match=f"{ticket.hash} .* is not mined yet"):
        it.submit()


def test_submit__the_next_nonce_follows_at_once(it):
    it.submit()
    it.pass_blocks(1)
    assert it.submit().nonce == 1


def test_submit__when_the_account_cannot_pay__writes_nothing_and_names_what_to_fund(it):
    it.node.held = 130_000 * 3 * GWEI - 1
    with pytest.raises(Unfunded, match=f"{it.signer.address} holds .*: fund it"):
        it.submit()
    assert (it.rows, it.node.pool) == ([], {})
    it.node.held += 1
    it.submit()


def test_submit__when_the_node_says_that_the_account_is_poor__names_what_to_fund(it):
    it.node.on_send = refuse("insufficient funds for gas * price + value")
    with pytest.raises(Unfunded, match=f"fund {it.signer.address}"):
        it.submit()
    assert (it.states, it.lane.is_free) == (["rebalance failed"], True)


def test_submit__when_the_node_serves_another_chain_by_now__signs_nothing(it):
    it.node.serves = 5
    with pytest.raises(ChainError, match="wrong chain id: expected 1, got 5"):
        it.submit()
    assert (it.rows, it.node.pool) == ([], {})


def test_submit__to_another_executor__is_not_signed(it):
    order = it.order()
    with pytest.raises(TargetNotAllowed):
        it.submit(call=Call("rebalance", order.call.vault, POOL, order.call.data))
    assert it.rows == []


def test_submit__cap_of_a_transaction__counts_the_limit_at_the_max_fee(it):
    it.change(transaction_max_eth=130_000 * 3 * GWEI / WAD)
    it.submit()
    it.pass_blocks(1)
    it.change(transaction_max_eth=(130_000 * 3 * GWEI - GWEI) / WAD)
    with pytest.raises(FeeAboveCap):
        it.submit()
    assert len(it.rows) == 1


def test_submit__cap_of_a_day__counts_each_nonce_once_as_its_dearest(it):
    cost = 130_000 * 3 * GWEI
    it.change(transaction_max_eth=cost / WAD, day_max_eth=2 * cost / WAD)
    it.node.on_send = refuse("no")
    for _ in range(3):
        with pytest.raises(NotTaken):
            it.submit()
    it.node.on_send = None
    for _ in range(2):
        it.submit()
        it.pass_blocks(1)
    with pytest.raises(DayAboveCap):
        it.submit()
    it.now += 86_400 * 400  # rows are stamped by the machine's clock
    it.submit()


def test_submit__cost_above_its_share_of_the_value_traded__is_refused(it):
    # 100,000 gas at 1 + 1/8 + 1 gwei, of 1 % of the value traded.
    cost = GAS * (2 * GWEI + GWEI // 8)
    traded = cost * 2_000 * 100
    with pytest.raises(CostAboveBenefit):
        it.submit(worth=Worth(traded - 2_000 * 100, 2_000 * WAD))
    it.submit(worth=Worth(traded, 2_000 * WAD))
    assert it.rows[0].benefit_cap == str(cost)


def test_submit__twice_for_one_decision__is_refused(it):
    order = it.order()
    it.lane.submit(order, it.node.head())
    it.pass_blocks(1)
    with pytest.raises(Exception, match="was for decision"):
        it.lane.submit(order, it.node.head())
    assert len(it.rows) == 1


@pytest.mark.parametrize("message", ["already known", "transaction already imported", "known transaction: 0x12"])
def test_submit__when_the_node_has_it_already__counts_as_sent(it, message):
    def on_send(sent):
        it.node.take(sent)
        refuse(message)(sent)

    it.node.on_send = on_send
    it.submit()
    assert it.states == ["rebalance sent"]


@pytest.mark.parametrize(
    "message", ["nonce too low", "transaction underpriced", "max fee per gas less than block base fee", "gas too high"]
)
def test_submit__when_the_node_refuses__is_failed_and_the_lane_is_free(it, message):
    it.node.on_send = refuse(message)
    with pytest.raises(NotTaken, match=f"rebalance of .* was not taken: .*{message}"):
        it.submit()
    assert (it.states, it.lane.is_free) == (["rebalance failed"], True)
    assert message in it.rows[0].error


@pytest.mark.parametrize("trouble", [lost, refuse("internal error", -32603)])
def test_submit__when_the_answer_is_lost_but_the_transaction_is_not__finds_it(it, trouble):
    it.node.after_send = trouble
    it.submit()
    assert it.states == ["rebalance intent"]
    it.node.after_send = None
    it.pass_blocks(1)
    assert it.states == ["rebalance mined"]


def test_step__when_the_transaction_is_lost_with_the_answer__sends_the_same_bytes(it):
    it.node.on_send = lost
    ticket = it.submit()
    it.pass_blocks(1)
    assert it.node.pool == {}
    it.node.on_send = None
    it.step()
    assert [sent.hash for sent in it.node.pool.values()] == [ticket.hash]
    assert it.states == ["rebalance sent"]
    it.pass_blocks(2)
    assert it.states == ["rebalance confirmed"]


def test_step__when_the_pool_dropped_it__sends_the_same_bytes(it):
    ticket = it.submit()
    it.node.pool.clear()
    it.step()
    assert it.node.pool == {}  # other nodes may know it
    it.pass_blocks(1)
    assert [sent.hash for sent in it.node.pool.values()] == [ticket.hash]
    assert it.events == ["sent", "sent again"]


def test_step__when_pools_lose_it_again_and_again__is_replaced_in_time(it):
    it.submit()
    for _ in range(2):
        it.node.pool.clear()
        it.pass_blocks(1)
    assert it.events == ["sent", "sent again", "sent again"]
    it.node.pool.clear()
    it.pass_blocks(1)
    assert (it.events[-1], it.states) == ("replaced", ["rebalance sent", "rebalance sent"])
    assert [sent.hash for sent in it.node.pool.values()] == [it.rows[1].hash]
    it.pass_blocks(1)
    assert it.states == ["rebalance replaced", "rebalance mined"]


def test_step__when_nobody_took_it_at_first__has_its_whole_time_from_when_somebody_does(it):
    it.node.on_send = lost
    it.submit()
    it.pass_blocks(4)
    it.node.on_send = None
    it.pass_blocks(1, empty=True)
    it.pass_blocks(2, empty=True)
    assert it.states == ["rebalance sent"]
    it.pass_blocks(1, empty=True)
    assert it.states == ["rebalance sent", "rebalance sent"]


def test_step__when_dropped_and_too_late__is_given_up_and_the_next_takes_its_nonce(it):
    it.submit(seconds=12)
    it.node.pool.clear()
    it.pass_blocks(1, empty=True)
    assert (it.states, it.lane.is_free) == (["rebalance dropped"], True)
    assert it.submit().nonce == 0
    # It has to displace what some node may still hold.
    assert int(it.rows[1].max_fee) == -(-int(it.rows[0].max_fee) * 9 // 8)


def test_step__when_stuck__replaces_it_with_both_fees_up_by_an_eighth(it):
    it.submit()
    it.pass_blocks(2, empty=True)
    assert len(it.rows) == 1
    it.pass_blocks(1, empty=True)
    first, second = it.rows
    assert it.states == ["rebalance sent", "rebalance sent"]
    assert (second.nonce, second.replaces_id, second.decision_id) == (0, first.id, first.decision_id)
    for fee in ("max_fee", "tip"):
        assert int(getattr(second, fee)) == -(-int(getattr(first, fee)) * 9 // 8)
    one, two = (eip1559.decode(bytes.fromhex(row.raw[2:])) for row in it.rows)
    changed = {name for name in one if one[name] != two[name]}
    assert changed == {"maxFeePerGas", "maxPriorityFeePerGas"}
    assert [leg.planned_in for leg in second.legs] == ["10"]
    it.pass_blocks(1)
    assert it.states == ["rebalance replaced", "rebalance mined"]


def test_step__when_the_replaced_one_is_mined_after_all__the_replacement_is_replaced(it):
    it.submit()
    it.node.pool_before = dict(it.node.pool)
    it.pass_blocks(3, empty=True)
    it.node.pool = it.node.pool_before
    it.pass_blocks(1)
    assert it.states == ["rebalance mined", "rebalance replaced"]


def test_step__when_nobody_says_whether_the_replacement_was_taken__says_so_and_follows_both(it):
    it.submit()
    it.node.after_send = lost
    it.pass_blocks(3, empty=True)
    assert (it.notices[-1].event.value, it.notices[-1].row.id) == ("perhaps sent", it.rows[1].id)
    it.node.after_send = None
    it.pass_blocks(1)
    assert it.states == ["rebalance replaced", "rebalance mined"]


def test_step__while_stuck__replaces_up_to_the_cap_and_waits_there(it):
    it.change(gas_price_max_gwei=3.5)
    it.submit(seconds=10_000)
    it.pass_blocks(20, empty=True)
    assert [row.max_fee for row in it.rows] == [str(3 * GWEI), str(3 * GWEI * 9 // 8)]
    assert it.notices[-1].event.value == "delayed"
    assert "gas_price_max_gwei" in it.notices[-1].text
    it.pass_blocks(1)
    assert it.states == ["rebalance replaced", "rebalance mined"]


def test_step__base_fee_spike_of_ten__waits_then_cancels_when_it_is_over(it):
    it.change(gas_price_max_gwei=20)
    it.submit(seconds=120)
    it.node.base_fee *= 30
    it.pass_blocks(11)
    assert it.states == ["rebalance sent"]
    it.node.base_fee //= 30
    it.node.blocks[-1].timestamp += 120
    it.step()
    assert it.states == ["rebalance sent", "cancel sent"]


def test_step__replacement_above_its_share_of_the_value__waits(it):
    cost = GAS * (2 * GWEI + GWEI // 8)
    it.submit(worth=Worth(cost * 2_000 * 100, 2_000 * WAD))
    it.pass_blocks(5, empty=True)
    assert it.states == ["rebalance sent"]
    assert "share of what it brings" in it.notices[-1].text


@pytest.mark.parametrize("estimate", [None, 130_001])
def test_step__when_stuck_and_it_would_revert_now__cancels_it(it, estimate):
    it.submit()
    it.node.estimate = estimate
    it.pass_blocks(3, empty=True)
    order, cancellation = it.rows
    assert it.states == ["rebalance sent", "cancel sent"]
    fields = eip1559.decode(bytes.fromhex(cancellation.raw[2:]))
    assert (fields["to"], fields["value"], fields["data"], fields["gas"]) == (it.signer.address, 0, "0x", 21_000)
    assert fields["nonce"] == order.nonce
    assert int(cancellation.tip) == -(-int(order.tip) * 9 // 8)
    it.pass_blocks(1)
    assert it.states == ["rebalance replaced", "cancel mined"]
    assert it.submit().nonce == 1


def test_step__cancellation_on_arbitrum__has_gas_for_its_data(it):
    it.change_all(rollup="arbitrum")
    it.submit(seconds=12)
    it.node.estimate = 40_000  # what a payment of nothing takes there
    it.pass_blocks(1, empty=True)
    cancellation = it.rows[-1]
    assert (cancellation.mode, cancellation.gas_limit) == ("cancel", 40_000 * it.settings.fees.gas_limit_percent // 100)


def test_settle__what_an_account_left_whose_key_is_elsewhere__is_followed_and_signs_nothing(it):
    ticket = it.submit()
    signed = [sent.hash for sent in it.node.pool.values()]
    for _ in range(it.settings.fees.replace_after_blocks + 1):
        it.node.mine(empty=True)
        with pytest.raises(InFlight, match="is not mined yet"):
            settle(it.node, it.ledger, it.signer.address, it.settings)
    assert [sent.hash for sent in it.node.pool.values()] == signed
    assert it.states == ["rebalance sent"]
    it.node.mine()
    settle(it.node, it.ledger, it.signer.address, it.settings)
    assert (it.rows[0].hash, it.states) == (ticket.hash, ["rebalance mined"])


def test_step__an_old_row_without_a_hash__is_given_up_once_its_nonce_is_somebody_elses(it):
    """Ledgers of before transactions were signed here have such rows."""
    intent = Intent(it.signer.address, 0, EXECUTOR, "rebalance", None, 1, 1, GAS)
    it.ledger.record_intent(1, it.decide(), intent)
    stranger = eip1559.make(1, 0, it.signer.address, b"", 21_000, 3 * GWEI, GWEI)
    it.node.take(Sent(it.signer.sign(stranger).raw))
    it.node.mine()
    it.step()
    assert it.states == ["rebalance intent"]
    it.node.mine(2)
    with pytest.raises(ForeignUse, match="nonce 0"):
        it.step()
    assert it.states == ["rebalance failed", "foreign failed"]


def test_submit__after_a_dropped_one_whose_fees_cannot_be_raised__goes_with_its_own(it):
    it.submit(seconds=12)
    it.node.pool.clear()
    it.pass_blocks(1, empty=True)
    it.change(gas_price_max_gwei=3.1)
    assert it.submit().nonce == 0
    assert int(it.rows[1].max_fee) == int(it.rows[0].max_fee)


def test_step__when_its_time_is_over__cancels_it_at_once(it):
    it.submit(seconds=12)
    it.pass_blocks(1, empty=True)
    assert it.states == ["rebalance sent", "cancel sent"]
    it.pass_blocks(3, empty=True)
    assert it.states == ["rebalance sent", "cancel sent", "cancel sent"]


def test_step__when_the_cancellation_is_lost__sends_it_again(it):
    it.submit(seconds=12)
    before = dict(it.node.pool)
    it.pass_blocks(1, empty=True)
    it.node.pool = before
    it.pass_blocks(1, empty=True)
    assert [sent.hash for sent in it.node.pool.values()] == [it.rows[1].hash]


def test_step__when_nobody_has_order_or_cancellation__drops_both(it):
    it.submit(seconds=12)
    it.pass_blocks(1, empty=True)
    it.node.pool.clear()
    it.pass_blocks(1, empty=True)
    assert (it.states, it.lane.is_free) == (["rebalance dropped", "cancel dropped"], True)


def test_step__when_the_replacement_is_underpriced__raises_the_fees_further(it):
    it.submit()
    # The pool holds one of our own that the ledger knows with lower fees.
    it.node.on_send = refuse("replacement transaction underpriced")
    it.pass_blocks(3, empty=True)
    assert it.states == ["rebalance sent", "rebalance failed"]
    it.node.on_send = None
    it.pass_blocks(3, empty=True)
    assert it.states == ["rebalance sent", "rebalance failed", "rebalance sent"]
    assert int(it.rows[2].max_fee) == -(-int(it.rows[1].max_fee) * 9 // 8)


@pytest.mark.parametrize("depth", range(1, 6))
@pytest.mark.parametrize("keep", [True, False])
def test_step__when_its_block_is_gone__is_sent_again_and_confirmed_in_another(it, depth, keep):
    it.settings = it.settings.model_copy(update={"confirmations": 1})
    it.restart()
    ticket = it.submit()
    it.pass_blocks(depth)
    assert it.states == ["rebalance confirmed"]
    it.node.reorg(depth, keep=keep)
    it.step()
    assert (it.states, it.lane.is_free) == (["rebalance sent"], False)
    assert [sent.hash for sent in it.node.pool.values()] == [ticket.hash]
    assert "out of its block" in it.events
    it.pass_blocks(1)
    assert it.states == ["rebalance confirmed"]
    assert it.rows[0].block_hash == it.node.blocks[-1].hash


def test_step__when_two_nonces_are_out_of_their_blocks__sends_one_after_the_other(it):
    for _ in range(2):
        it.submit(seconds=10_000)
        it.pass_blocks(1)
    it.node.reorg(2, keep=False)
    it.step()
    assert it.states == ["rebalance sent", "rebalance sent"]
    it.pass_blocks(4, empty=True)
    assert {row.nonce for row in it.rows[2:]} == {0}
    it.pass_blocks(3)
    assert [row.state for row in it.rows if row.block_hash] == [State.CONFIRMED, State.CONFIRMED]
    assert [sent.nonce for sent in it.node.transactions()] == [0, 1]


def test_step__when_a_reverted_transaction_is_out_of_its_block__it_may_do_better(it):
    it.submit()
    it.node.reverts = True
    it.pass_blocks(1)
    assert it.states == ["rebalance failed"]
    it.node.reverts = False
    it.node.reorg(1, keep=True)
    it.step()
    it.pass_blocks(1)
    assert it.states == ["rebalance mined"]


def stranger(it, nonce):
    """Somebody else has the key."""
    transaction = eip1559.make(1, nonce, EXECUTOR, b"", 21_000, 50 * GWEI, 50 * GWEI)
    it.node.send("eth_sendRawTransaction", "0x" + it.signer.sign(transaction).raw.hex())


def test_step__when_somebody_else_used_the_nonce__says_so_once_and_goes_on(it):
    it.submit()
    stranger(it, 0)
    it.pass_blocks(2)
    assert it.states == ["rebalance sent"]
    with pytest.raises(ForeignUse, match=r"nonce 0 of .* ledger does not know"):
        it.pass_blocks(1)
    assert it.states == ["rebalance failed", "foreign failed"]
    it.restart()
    assert it.submit().nonce == 1


def test_submit__when_somebody_else_used_the_key_meanwhile__says_so_once_and_goes_on(it):
    it.submit()
    it.pass_blocks(1)
    stranger(it, 1)
    with pytest.raises(ForeignUse, match="on its way that this ledger does not know"):
        it.submit()
    it.pass_blocks(1)
    with pytest.raises(InFlight, match="nonce 1 is not in this ledger"):
        it.submit()
    it.pass_blocks(2)
    with pytest.raises(ForeignUse, match="nonce 1 of"):
        it.submit()
    it.restart()
    assert it.submit().nonce == 2


def test_submit__with_a_new_ledger__takes_the_account_as_it_is(it):
    stranger(it, 0)
    it.node.mine()
    assert it.submit().nonce == 1


def test_submit__when_a_dropped_one_was_mined_after_all__books_it_first(it):
    ticket = it.submit(seconds=12)
    kept = dict(it.node.pool)
    it.node.pool.clear()
    it.pass_blocks(1, empty=True)
    assert it.states == ["rebalance dropped"]
    it.node.pool = kept
    it.node.mine()
    assert it.submit().nonce == 1
    assert it.states == ["rebalance mined", "rebalance sent"]
    assert it.rows[0].hash == ticket.hash


def test_submit__when_a_dropped_one_is_on_its_way_after_all__waits_for_it(it):
    it.submit(seconds=12)
    kept = dict(it.node.pool)
    it.node.pool.clear()
    it.pass_blocks(1, empty=True)
    it.node.pool = kept
    with pytest.raises(InFlight, match="is on its way after all"):
        it.submit()
    assert it.states == ["rebalance sent"]
    it.step()
    assert it.states == ["rebalance sent", "cancel sent"]


def test_submit__when_the_endpoint_is_behind_the_ledger__stops(it):
    it.submit()
    it.pass_blocks(1)
    it.node.blocks[-1].transactions.clear()
    with pytest.raises(ChainError, match=r"counts 0 transactions of .*, the ledger 1"):
        it.submit()


@pytest.mark.parametrize(
    "lie",
    [
        {"transactionHash": "0x" + "12" * 32},
        {"from": EXECUTOR},
        {"to": "0x" + "12" * 20},
        {"logs": [SWAP | {"transactionHash": "0x" + "12" * 32}]},
        {"logs": [SWAP | {"blockHash": "0x" + "12" * 32}]},
        {"status": None},
        {"logs": None},
    ],
)
def test_step__when_an_endpoint_lies_about_the_receipt__books_nothing(it, lie):
    it.submit()
    it.node.bend = lambda receipt: receipt | lie
    it.node.mine()
    with pytest.raises(FalseReceipt):
        it.step()
    assert it.states == ["rebalance sent"]
    it.node.bend = lambda receipt: receipt
    it.step()
    assert it.states == ["rebalance mined"]


@pytest.mark.parametrize(
    "lie", [{"blockHash": "0x" + "12" * 32}, {"blockHash": None}, {"blockNumber": None}, {"blockNumber": "0x99"}]
)
def test_step__when_the_receipt_is_of_no_block_of_the_chain__waits(it, lie):
    it.submit()
    it.node.bend = lambda receipt: receipt | lie
    it.node.mine()
    it.step()
    assert it.states == ["rebalance sent"]


def test_step__when_the_receipt_never_comes__waits_for_it_and_says_so(it):
    it.submit()
    it.node.bend = lambda receipt: None
    it.pass_blocks(2)
    assert it.events == ["sent"]
    it.pass_blocks(1)
    assert it.states == ["rebalance sent"]
    assert "is mined, but no endpoint shows its receipt" in it.notices[-1].text
    assert it.notices[-1].is_alert
    it.node.bend = lambda receipt: receipt | {"l1Fee": "0x7"}
    it.step()
    assert (it.states, it.rows[0].data_fee) == (["rebalance confirmed"], "7")


@pytest.mark.parametrize("where", [Step.SIGNED, Step.RECORDED, Step.HANDED_OVER, Step.SENT])
def test_submit__killed_anywhere__is_sent_once_or_not_at_all(it, where):
    it.kill_at = lambda step: step is where
    with pytest.raises(Killed):
        it.submit()
    it.restart()
    it.pass_blocks(3)
    expected = [] if where is Step.SIGNED else ["rebalance confirmed"]
    assert it.states == expected
    assert len(it.node.transactions()) == len(expected)


def test_signer__is_never_asked_for_more_than_it_may(it):
    """The cancellation is to oneself, without data: with anything more it is another transaction."""
    asked = []

    class Spy(KeystoreSigner):
        def sign(self, transaction):
            asked.append(transaction)
            return super().sign(transaction)

    it.signer = Spy(it.signer._account)
    it.restart()
    it.submit(seconds=12)
    it.pass_blocks(1, empty=True)
    assert [(each["to"], each["data"][:10], each["value"]) for each in asked] == [
        (EXECUTOR, asked[0]["data"][:10], 0),
        (it.signer.address, "0x", 0),
    ]


def test_fees__of_the_order_are_what_is_signed(it):
    it.submit(fees=Fees(GWEI, 2 * GWEI, 7 * GWEI))
    row = it.rows[0]
    assert (row.max_fee, row.tip, row.gas_limit) == (str(7 * GWEI), str(2 * GWEI), 130_000)


def test_nonce__that_endpoints_made_up__is_given_up_with_its_order_and_the_next_one_has_the_right_one(it, monkeypatch):
    with monkeypatch.context() as lying:
        lying.setattr(it.node, "nonce", lambda *_: 7)
        it.submit()
    it.node.mine(20)
    it.step()
    assert it.states == ["rebalance dropped"]
    it.submit()
    it.node.mine()
    it.step()
    assert [sent.nonce for sent in it.node.transactions()] == [0]
    assert it.states == ["rebalance dropped", "rebalance mined"]
