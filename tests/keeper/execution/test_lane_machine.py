"""The lane against a chain, a pool, an endpoint and a process that do what they like, in any order.

in blocks      for each decision one order at most, and each nonce once
on disk        whatever has left is in the ledger first, and never leaves it
in the pool    no nonce is used whose predecessor is neither in a block nor in flight
in the end     once everything behaves again, the lane is free and the ledger says what the chain says
"""

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from lane_bench import GAS, GWEI, Bench, Killed, lost

from keeper.chain.rpc import RpcError
from keeper.errors import EquipoiseError
from keeper.execution.lane import Step
from keeper.ledger import CANCEL, IN_FLIGHT, State

KILLS = st.one_of(st.none(), st.integers(1, 12))  # after so many steps
CALM_BLOCKS = 40


class LaneMachine(RuleBasedStateMachine):
    """One account's life."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.it = Bench(Path(self.folder.name), confirmations=2)
        self.it.node.on_send = self.check_sent
        self.limbo = {}

    @initialize()
    def begin(self):
        self.it.change(replace_after_blocks=2)

    def teardown(self):
        try:
            self.calm_down()
        finally:
            self.it.ledger.close()
            self.folder.cleanup()

    # What the keeper does, and may be killed in.

    @rule(seconds=st.sampled_from([20, 60, 100_000]), kill=KILLS)
    def submit(self, seconds, kill):
        def act():
            if self.it.lane.is_free:
                self.it.submit(seconds=seconds)

        self.do(act, kill)

    @rule(kill=KILLS)
    def step(self, kill):
        self.do(self.it.step, kill)

    # What happens to it.

    @rule(count=st.integers(1, 4), empty=st.booleans())
    def mine(self, count, empty):
        self.it.node.mine(count, empty=empty)

    @precondition(lambda self: len(self.it.node.blocks) > 6)
    @rule(depth=st.integers(1, 5), keep=st.booleans())
    def reorg(self, depth, keep):
        self.it.node.reorg(depth, keep=keep)

    @rule()
    def drop(self):
        self.limbo |= self.it.node.pool
        self.it.node.pool.clear()

    @rule()
    def turn_up(self):
        """Some node had kept what all others had forgotten."""
        for (sender, nonce), sent in self.limbo.items():
            if nonce >= self.it.node.nonce(sender):
                self.it.node.pool.setdefault((sender, nonce), sent)
        self.limbo.clear()

    @rule(trouble=st.sampled_from(["none", "lost before", "lost after", "refused", "underpriced"]))
    def trouble(self, trouble):
        node = self.it.node
        node.after_send = lost if trouble == "lost after" else None

        def on_send(sent):
            self.check_sent(sent)
            if trouble == "lost before":
                lost(sent)
            if trouble in ("refused", "underpriced"):
                raise RpcError(f"the node refused: {trouble}", -32000, None)

        node.on_send = on_send

    @rule(base_fee=st.sampled_from([GWEI, 10 * GWEI, 200 * GWEI]))
    def base_fee(self, base_fee):
        self.it.node.base_fee = base_fee

    @rule(estimate=st.sampled_from([GAS, None, 2 * GAS]))
    def estimate(self, estimate):
        self.it.node.estimate = estimate

    @rule(fails=st.booleans())
    def reverts(self, fails):
        self.it.node.reverts = fails

    # What always holds.

    @invariant()
    def one_order_for_each_decision(self):
        known = {row.hash: row for row in self.it.rows}
        mined = [known[sent.hash] for sent in self.it.node.transactions()]
        orders = Counter(row.decision_id for row in mined if row.mode != CANCEL)
        assert all(count == 1 for count in orders.values()), orders

    @invariant()
    def a_nonce_is_for_one_decision_until_it_is_given_up(self):
        for nonce in {row.nonce for row in self.it.rows}:
            live = [row for row in self.it.ledger.attempts(1, self.it.signer.address, nonce) if row.state in IN_FLIGHT]
            assert len({row.decision_id for row in live}) <= 1
            in_blocks = [row for row in self.it.rows if row.nonce == nonce and row.block_hash is not None]
            assert len(in_blocks) <= 1

    def check_sent(self, sent):
        """At the moment at which something leaves."""
        rows = self.it.rows
        (row, *_) = [row for row in rows if row.hash == sent.hash]
        assert row.raw == "0x" + sent.raw.hex()
        in_flight = {each.nonce for each in rows if each.state in IN_FLIGHT or each.block_hash is not None}
        mined = self.it.node.nonce(sent.sender)
        assert all(nonce < mined or nonce in in_flight for nonce in range(sent.nonce))

    def do(self, act, kill):
        passed = 0

        def kill_at(_: Step) -> bool:
            nonlocal passed
            passed += 1
            return passed == kill

        self.it.kill_at = kill_at
        before = len(self.it.rows)
        try:
            act()
        except Killed:
            self.it.restart()
        except EquipoiseError:
            pass
        self.it.kill_at = lambda _: False
        assert len(self.it.rows) >= before

    def calm_down(self):
        """Everything behaves: soon nothing is open, and the ledger is the chain's."""
        node = self.it.node
        node.on_send, node.after_send, node.base_fee, node.estimate = self.check_sent, None, GWEI, GAS
        self.it.restart()
        for _ in range(CALM_BLOCKS):
            self.it.pass_blocks(1)
        assert self.it.lane.is_free, self.it.states
        self.it.submit()
        self.it.pass_blocks(2)
        mined = {sent.hash: block.hash for block in node.blocks for sent in block.transactions}
        rows = [row for row in self.it.rows if row.block_hash is not None]
        assert {row.hash: row.block_hash for row in rows} == mined
        assert {row.state for row in rows} <= {State.CONFIRMED, State.FAILED}
        self.one_order_for_each_decision()


TestLaneMachine = LaneMachine.TestCase
TestLaneMachine.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
