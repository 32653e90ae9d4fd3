"""Openings and fills, honest, greedy, clumsy and hostile."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from fuzz.evm import ZERO, Reverted, reason_in
from fuzz.machine import Fund
from fuzz.model.auction import TARGETS
from fuzz.model.numbers import ANYTHING, SILENCE, WAD, Refused, Rules, up
from fuzz.model.settlement import Valuation, clamp
from fuzz.model.vault import Vault
from fuzz.seen import Action
from fuzz.strategies import deadlines, people, slots
from fuzz.world import ATTACKER, FAR, OWNER, STRANGER

Legs = list[tuple[str, int]]
Step = tuple[str, bytes, bool]

# How much of the surplus a filler names, per mille; over 1000 is all there is.
PARTS = st.sampled_from((1, 250, 500, 999, 1000, 1001))
# What a filler brings of what the bound asks, in base units off it and in a millionth of it.
MISSES = st.sampled_from((0, 0, 0, 0, 1, -1, 2, -2))
GENEROSITY = st.sampled_from((1_000_000, 1_000_000, 1_000_000, 1_000_100, 1_100_000, 999_000, 0))


# Where a price runs to, per mille.
MOVES = st.sampled_from((500, 700, 900, 990, 1010, 1100, 1500, 2000))
# How much of an auction is gone, per mille; under zero: a second before the end of the head start, that end, a second after.
LATER = st.one_of(st.integers(0, 1000), st.sampled_from((-3, -2, -1)))
# What `stir` is told before a fill: slot, where to, how late.
STIRRED = st.one_of(st.none(), *[st.tuples(slots, MOVES, LATER)] * 3)


class RebalanceRules(Fund):
    """Open, and fill in both forms."""

    @rule(who=people)
    def open_rebalance(self, who: str) -> None:
        """Anybody may, when it is due."""
        world = self.world
        self.action = Action("open", who)
        world.both(lambda: world.vault.send(who, "open_rebalance"), lambda model: model.open_rebalance())

    @rule(who=people, slot=slots, per_mille=MOVES, later=LATER)
    def stir(self, who: str, slot: int, per_mille: int, later: int) -> None:
        """A price runs away in a fund that is well, cooldown and interval pass, somebody opens, some of the time is gone."""
        world, terms = self.world, self.world.model.terms
        if world.model.auction.is_open(world.model.now):
            return
        if world.model.is_paused:
            world.both(lambda: world.vault.send(OWNER, "unpause"), lambda model: model.unpause(OWNER))
        if terms.triggers == TARGETS and not world.model.auction.targets_pending:
            targets = [*world.model.targets()[1:], world.model.targets()[0]]
            world.both(
                lambda: world.rebalancer.send(OWNER, "set_targets", targets, 0, 0),
                lambda model: model.set_targets(OWNER, targets, 0, 0),
            )
        world.wait(terms.cooldown + terms.interval)
        world.heal()
        feed = world.feed(self.asset(slot))
        world.post(self.asset(slot), max(1, feed.answer * per_mille // 1000), world.chain.now)
        world.both(lambda: world.vault.send(who, "open_rebalance"), lambda model: model.open_rebalance())
        world.wait(max(0, world.model.head_start + later + 2) if later < 0 else terms.duration * later // 1000)
        world.refresh()

    @rule(
        who=people,
        order=st.permutations(range(5)),
        parts=st.lists(PARTS, min_size=5, max_size=5),
        named=st.integers(1, 5),
        most=st.sampled_from((ANYTHING, ANYTHING, 0, 1000)),
        miss=MISSES,
        deadline=deadlines,
        is_short=st.sampled_from((False, False, False, True)),
        stirred=STIRRED,
    )
    def fill_by_pull(
        self,
        who: str,
        order: Sequence[int],
        parts: Sequence[int],
        named: int,
        most: int,
        miss: int,
        deadline: int,
        is_short: bool,
        stirred: tuple[int, int, int] | None,
    ) -> None:
        """The vault takes what is due from the caller; `named` assets are offered, `is_short` by allowances of a unit less."""
        self.stir_first(stirred)
        world, model = self.world, self.world.model
        sells, bring = self.plan(order, parts, 1_000_000)
        buys = [(world.assets[i % len(world.assets)], most) for i in order if i < len(world.assets)][:named]
        if most == 1000:
            buys = [(asset, max(0, amount + miss)) for asset, amount in bring.items()] or buys
        for asset in world.assets:
            world.give(asset, who, bring.get(asset, 0) * 2 + 1000)
            world.approve(
                asset, who, max(0, bring.get(asset, 0) - 1) if is_short else model.tokens[asset].balances[who]
            )
        until = self.deadline(deadline)
        self.action = Action("fill", who)
        world.both(
            lambda: world.vault.send(who, "rebalance", sells, buys, ZERO, b"", until),
            lambda trial: worth(trial.rebalance(who, sells, buys, ZERO, until)),
        )
        for asset in world.assets:
            world.approve(asset, who, 0)

    @rule(
        order=st.permutations(range(5)),
        parts=st.lists(PARTS, min_size=5, max_size=5),
        generosity=GENEROSITY,
        miss=MISSES,
        asked=st.sampled_from(("nothing", "all", "too much")),
        extra=st.sampled_from((None, None, None, "gift", "enter", "shares", "steal")),
        slot=slots,
        deadline=deadlines,
        stirred=STIRRED,
    )
    def fill_by_callback(
        self,
        order: Sequence[int],
        parts: Sequence[int],
        generosity: int,
        miss: int,
        asked: str,
        extra: str | None,
        slot: int,
        deadline: int,
        stirred: tuple[int, int, int] | None,
    ) -> None:
        """The attacker's executor is paid first and brings what it likes, and does what it likes meanwhile."""
        self.stir_first(stirred)
        world, executor = self.world, self.world.executor
        sells, bring = self.plan(order, parts, generosity)
        if bring:
            first = next(iter(bring))
            bring[first] = max(0, bring[first] + miss)
        buys = (
            [] if asked == "nothing" else [(asset, amount + (asked == "too much")) for asset, amount in bring.items()]
        )
        for asset, amount in bring.items():
            world.give(asset, executor.address, amount)
        steps = [world.tokens[asset].step("transfer", world.vault.address, amount) for asset, amount in bring.items()]
        gift = self.asset(slot)
        attempts = self.attempts_in_flight() if extra == "enter" else []
        shares = world.model.shares.balances[executor.address] // 2
        if extra == "gift":
            world.give(gift, executor.address, 1)
            steps.append(world.tokens[gift].step("transfer", world.vault.address, 1))
        elif extra == "steal":
            steps.append(world.tokens[gift].step("transferFrom", world.vault.address, executor.address, 1))
        elif extra == "shares":
            steps.append(world.vault.step("transfer", ATTACKER, shares))
        world.script([*steps, *(step for step, _ in attempts)])
        until = self.deadline(deadline)

        def on_rebalance(trial: Vault) -> None:
            try:
                for asset, amount in bring.items():
                    trial.tokens[asset].transfer(executor.address, trial.address, amount)
                if extra == "gift":
                    trial.tokens[gift].transfer(executor.address, trial.address, 1)
                elif extra == "steal":
                    trial.tokens[gift].transfer_from(executor.address, trial.address, executor.address, 1)
                elif extra == "shares":
                    trial.transfer(executor.address, ATTACKER, shares)
            except Refused:
                raise Refused({"script: step failed"}) from None

        self.action = Action("fill", executor.address)
        answer = world.both(
            lambda: world.vault.send(ATTACKER, "rebalance", sells, buys, executor.address, b"", until),
            lambda trial: worth(
                trial.rebalance(ATTACKER, sells, buys, executor.address, until, lambda: on_rebalance(trial))
            ),
        )
        if attempts and not isinstance(answer, Reverted):
            self.all_locked(len(steps), attempts)

    @rule(slot=slots, where=st.sampled_from(("mint", "redeem", "pull")), who=people)
    def enter_from_hook(self, slot: int, where: str, who: str) -> None:
        """A token calls the attacker when it moves, and the attacker tries every function that moves or tells the basket."""
        world, asset = self.world, self.asset(slot)
        mood = world.model.tokens[asset].mood
        attempts = self.attempts()
        shares = max(1, world.model.shares.balances[who] // 3)
        sells, bring = self.plan(range(5), [500] * 5, 1_000_000)
        for one in world.assets:
            world.give(one, who, world.model.tokens[one].balances[world.vault.address] + 1)
            world.approve(one, who, ANYTHING)
        world.script([step for step, _ in attempts])
        world.set_mood(asset, mood, hook=world.executor.address)
        self.action = Action({"pull": "fill"}.get(where, where), who, who)
        limits = [ANYTHING if where == "mint" else 0] * len(world.assets)
        if where == "pull":
            buys = [(one, ANYTHING) for one in bring]
            answer = world.both(
                lambda: world.vault.send(who, "rebalance", sells, buys, ZERO, b"", FAR),
                lambda trial: worth(trial.rebalance(who, sells, buys, ZERO, FAR)),
            )
        elif where == "mint":
            answer = world.both(
                lambda: world.vault.send(who, "mint", shares, who, limits, FAR),
                lambda trial: trial.mint(who, shares, who, limits, FAR),
            )
        else:
            answer = world.both(
                lambda: world.vault.send(who, "redeem", shares, who, limits, FAR),
                lambda trial: trial.redeem(who, shares, who, limits, FAR),
            )
        world.set_mood(asset, mood)
        for one in world.assets:
            world.approve(one, who, 0)
        if not isinstance(answer, Reverted):
            self.all_locked(0, attempts, may_be_quiet=True)

    # ------------------------------------------------------------- parts

    def stir_first(self, stirred: tuple[int, int, int] | None) -> None:
        """Most fills would find nothing to fill."""
        if stirred is not None:
            self.stir(STRANGER, *stirred)
            self.look()

    def plan(self, order: Sequence[int], parts: Sequence[int], generosity: int) -> tuple[Legs, dict[str, int]]:
        """What to sell in a drawn order, and what to bring for it: what the bound asks, times `generosity` in millionths."""
        world, model = self.world, self.world.model
        places = [place for place in order if place < len(world.assets)]
        try:
            basket = model.valuation()
        except Refused:
            # Nobody knows what is over target; the vault has to say why it does not.
            return [(world.assets[places[0]], ANYTHING)], {}
        sells = []
        for place in places:
            if basket.surplus(place):
                part = parts[place]
                amount = ANYTHING if part > 1000 else basket.surplus(place) * part // 1000
                sells.append((world.assets[place], amount))
        sells = sells or [(world.assets[places[0]], ANYTHING)]
        leaving = clamp(basket, sells, Rules())
        due = up(sum(basket.value_up(i, amount) for i, amount in leaving.items()) * model.auction.bound(model.now), WAD)
        return sells, brings(basket, places, up(due * generosity, 1_000_000))

    def attempts(self) -> list[tuple[Step, str]]:
        """Calls of the vault that its lock has to stop, whatever their arguments; what each has to answer."""
        vault, asset = self.world.vault, self.world.assets[0]
        count = len(self.world.assets)
        calls: list[tuple[str, tuple[Any, ...]]] = [
            ("mint", (1, ATTACKER, [ANYTHING] * count, FAR)),
            ("redeem", (1, ATTACKER, [0] * count, FAR)),
            ("claim", (asset, ATTACKER)),
            ("open_rebalance", ()),
            ("rebalance", ([(asset, ANYTHING)], [], ZERO, b"", FAR)),
            ("preview_redeem", (1,)),
            ("holdings", ()),
            ("accrue_fees", ()),
            ("pause", ()),
        ]
        return [(vault.step(name, *args, may_fail=True), SILENCE) for name, args in calls]

    def attempts_in_flight(self) -> list[tuple[Step, str]]:
        """As `attempts`, and calls of the rebalancer, which is between `begin` and `settle`."""
        rebalancer, oracle = self.world.rebalancer, self.world.oracle_address
        count, rails = len(self.world.assets), (WAD // 10, WAD // 5, WAD)
        calls: list[tuple[str, tuple[Any, ...], str]] = [
            ("set_targets", ([WAD] + [0] * (count - 1), 0, 0), "rebalancer: in flight"),
            ("set_bands", ([WAD // 10] * count,), "rebalancer: in flight"),
            ("set_rails", (rails,), "rebalancer: in flight"),
            ("set_keepers", ([ATTACKER], True), "rebalancer: in flight"),
            ("set_head_start", (0,), "rebalancer: in flight"),
            ("set_oracle", (oracle,), "rebalancer: in flight"),
            ("propose_strategist", (ATTACKER,), "rebalancer: in flight"),
            ("accept_strategist", (), "rebalancer: in flight"),
            ("remove_strategist", (), "rebalancer: in flight"),
            ("end_rebalance", (), "rebalancer: not the vault"),
            ("nav", (), SILENCE),
            ("targets", (), SILENCE),
            ("trigger", (), SILENCE),
        ]
        steps = [(rebalancer.step(name, *args, may_fail=True), reason) for name, args, reason in calls]
        return [*self.attempts(), *steps, (self.world.vault.step("in_flight"), "yes")]

    def all_locked(self, start: int, attempts: Sequence[tuple[Step, str]], may_be_quiet: bool = False) -> None:
        """Everything that was tried from a step on was answered as it has to be."""
        for index, (step, wanted) in enumerate(attempts, start):
            try:
                succeeded, response = self.world.executor.view("outcomes", index)
            except Reverted:
                # The hook was never called: nothing of that token moved.
                assert may_be_quiet and index == start
                return
            answer = "yes" if succeeded and int.from_bytes(response, "big") == 1 else reason_in(response)
            assert answer == wanted, f"{step[0]} {step[1][:4].hex()} answered {answer} from inside, not {wanted}"


def brings(basket: Valuation, places: Sequence[int], due: int) -> dict[str, int]:
    """Base units of assets under target that are worth `due` WAD USD, as far as their deficits go, in an order of places."""
    found = {}
    for place in places:
        amount = basket.amount_up(place, min(due, basket.deficit_value(place)))
        if amount:
            found[basket.assets[place]] = amount
            due = max(0, due - basket.value_down(place, amount))
    # What the deficits cannot pay for at a bound over 1 goes on top of the first.
    if due and found:
        first = next(iter(found))
        found[first] += basket.amount_up(basket.assets.index(first), due)
    return found


def worth(verdict: Any) -> tuple[int, int]:
    """What `rebalance` answers."""
    return verdict.value_out, verdict.value_in
