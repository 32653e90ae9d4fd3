"""What happens around the fund: time, prices, feeds that die, tokens that misbehave."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from fuzz.machine import Fund
from fuzz.model.numbers import DAY
from fuzz.model.tokens import HONEST, Mood
from fuzz.seen import Action
from fuzz.strategies import Size, sizes, slots
from fuzz.world import DEPLOYER

MOODS = st.sampled_from(
    (
        HONEST, HONEST, HONEST, HONEST, HONEST, HONEST, HONEST, HONEST,
        Mood(answer=2), Mood(answer=4), Mood(refuses_zero=True),
        Mood(is_blocked=True), Mood(is_blocked=True), Mood(does_nothing=True), Mood(is_dead=True), Mood(eats_gas=True),
        Mood(fee_bps=30), Mood(extra_bps=30), Mood(kept_back=1), Mood(kept_back=2),
    )
)  # fmt: skip


class WorldRules(Fund):
    """Nobody's fault."""

    @rule(
        seconds=st.one_of(st.integers(1, 120), st.integers(1, 4000), st.integers(1, 2 * DAY), st.integers(1, 40 * DAY)),
        is_fresh=st.sampled_from((True, True, True, False)),
    )
    def wait(self, seconds: int, is_fresh: bool) -> None:
        """Time passes; most feeds follow."""
        self.world.wait(seconds)
        if is_fresh:
            self.world.refresh()

    @rule(place=st.integers(0, 9), off=st.sampled_from((-1, 0, 1)), is_fresh=st.booleans())
    def wait_for_a_moment(self, place: int, off: int, is_fresh: bool) -> None:
        """Time passes until something ends or begins, or a second less or more."""
        moments = [moment + off for moment in self.world.moments() if moment + off > self.world.chain.now]
        if moments:
            self.world.wait(moments[place % len(moments)] - self.world.chain.now)
        if is_fresh:
            self.world.refresh()

    @rule(slot=slots, per_mille=st.one_of(st.integers(900, 1100), st.integers(400, 2500)))
    def move_price(self, slot: int, per_mille: int) -> None:
        """A price moves, by up to a tenth or wildly."""
        asset = self.asset(slot)
        feed = self.world.feed(asset)
        self.world.post(asset, max(1, feed.answer * per_mille // 1000), self.world.chain.now)

    @rule(slot=slots, kind=st.sampled_from(("zero", "negative", "future", "undated", "old", "tiny", "huge", "dead")))
    def break_feed(self, slot: int, kind: str) -> None:
        """A feed that nobody may believe, and one at a time, or nothing would ever be priced."""
        self.world.heal_feeds()
        world, asset = self.world, self.asset(slot)
        feed, now = world.feed(asset), world.chain.now
        if kind == "dead":
            world.feeds[asset].send(DEPLOYER, "set_dead", True)
            feed.is_dead = True
            return
        answers = {"zero": 0, "negative": -1, "tiny": max(1, feed.answer // 10**4), "huge": feed.answer * 10**4}
        dates = {"future": now + 1, "undated": 0, "old": now - world.listings[asset].max_age - 1}
        world.post(asset, answers.get(kind, feed.answer), dates.get(kind, now))

    @rule(slot=slots, mood=MOODS)
    def misbehave(self, slot: int, mood: Mood) -> None:
        """A token changes its ways."""
        self.world.set_mood(self.asset(slot), mood)

    @rule()
    def all_is_well(self) -> None:
        """Every token is honest again and every feed fresh and within its limits."""
        self.world.heal()

    @rule(slot=slots, size=sizes(200))
    def shrink(self, slot: int, size: Size) -> None:
        """A falling rebase takes tokens from the vault; what it takes from under the claims is nobody's promise."""
        world, asset = self.world, self.asset(slot)
        held = world.model.tokens[asset].balances[world.vault.address]
        amount = min(held, self.size(size, held))
        self.action = Action("shrink")
        world.shrink(asset, amount)
