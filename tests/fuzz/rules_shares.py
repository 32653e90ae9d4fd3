"""Depositors, and whoever would like to be one at another's expense."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from fuzz.evm import Reverted
from fuzz.machine import Fund
from fuzz.model.numbers import ANYTHING, Refused
from fuzz.model.tokens import Mood
from fuzz.model.vault import Vault
from fuzz.seen import Action
from fuzz.strategies import Size, deadlines, people, sizes, slots
from fuzz.world import ATTACKER, DEPLOYER, FAR

UNPAYABLE = (Mood(is_blocked=True), Mood(does_nothing=True), Mood(eats_gas=True), Mood(is_dead=True))


class ShareRules(Fund):
    """Mint, redeem, claim, transfer; donations, and loans that live for one transaction."""

    @rule(
        who=people,
        receiver=people,
        size=sizes(),
        deadline=deadlines,
        short=st.sampled_from((0, 0, 0, 0, 1, 2)),
        slot=slots,
    )
    def mint(self, who: str, receiver: str, size: Size, deadline: int, short: int, slot: int) -> None:
        """`short`: 1, the maximum of an asset is a unit too small; 2, the allowance is."""
        world, vault = self.world, self.world.vault
        shares = self.size(size, world.model.shares.total or world.plan.first_shares)
        cost = world.same(lambda: vault.view("preview_mint", shares), lambda: world.model.preview_mint(shares))
        if isinstance(cost, Reverted):
            cost = [10**40] * len(world.assets)
        maxima = list(cost)
        place = slot % len(maxima)
        world.fund(who, dict(zip(world.assets, cost, strict=True)))
        if short == 1 and maxima[place]:
            maxima[place] -= 1
        if short == 2 and cost[place]:
            world.approve(world.assets[place], who, cost[place] - 1)
        until = self.deadline(deadline)
        self.action = Action("mint", who, receiver)
        world.both(
            lambda: vault.send(who, "mint", shares, receiver, maxima, until),
            lambda model: model.mint(who, shares, receiver, maxima, until),
        )

    @rule(
        holder=slots,
        receiver=people,
        size=sizes(),
        deadline=deadlines,
        greed=st.sampled_from((0, 0, 0, 1)),
        slot=slots,
        mood=st.sampled_from((None, None, None, *UNPAYABLE)),
    )
    def redeem(
        self, holder: int, receiver: str, size: Size, deadline: int, greed: int, slot: int, mood: Mood | None
    ) -> None:
        """`greed`: a unit more than is due is asked of an asset; `mood`: it cannot be paid from now on."""
        world, vault = self.world, self.world.vault
        if mood is not None:
            world.set_mood(self.asset(slot), mood)
            self.look()
        who = self.holder(holder)
        shares = self.size(size, world.model.shares.balances[who])
        due = world.same(lambda: vault.view("preview_redeem", shares), lambda: world.model.preview_redeem(shares))
        minima = [0] * len(world.assets) if isinstance(due, Reverted) else list(due)
        minima[slot % len(minima)] += greed
        until = self.deadline(deadline)
        self.action = Action("redeem", who, receiver)
        world.both(
            lambda: vault.send(who, "redeem", shares, receiver, minima, until),
            lambda model: model.redeem(who, shares, receiver, minima, until),
        )

    @rule(holder=slots, slot=slots, size=sizes(1000), flood=st.sampled_from((2**128, 2**128 + 1, 2**255)))
    def redeem_from_a_flood(self, holder: int, slot: int, size: Size, flood: int) -> None:
        """A token says for a moment that the vault holds more than any sum can hold."""
        world, asset = self.world, self.asset(slot)
        who, vault = self.holder(holder), world.vault.address
        shares = self.size(size, world.model.shares.balances[who])
        more = flood - world.model.tokens[asset].balances[vault]
        if world.model.tokens[asset].mood.is_dead or world.model.shares.claimed(asset):
            return
        world.tokens[asset].send(DEPLOYER, "mint", vault, more)
        world.model.tokens[asset].mint(vault, more)
        minima = [0] * len(world.assets)
        self.action = Action("redeem", who, who)
        world.same(lambda: world.vault.view("preview_redeem", shares), lambda: world.model.preview_redeem(shares))
        world.both(
            lambda: world.vault.send(who, "redeem", shares, who, minima, FAR),
            lambda model: model.redeem(who, shares, who, minima, FAR),
        )
        # At the limit itself the token is believed, and pays.
        world.shrink(asset, min(more, world.model.tokens[asset].balances[vault]))
        self.look()
        self.action = Action("wait")

    @rule(
        who=people,
        slot=slots,
        receiver=people,
        is_due=st.sampled_from((True, True, True, False)),
        is_well=st.booleans(),
    )
    def claim(self, who: str, slot: int, receiver: str, is_due: bool, is_well: bool) -> None:
        """What a redemption could not pay; `is_due`: by somebody who has a claim, `is_well`: when the token moves again."""
        world, asset = self.world, self.asset(slot)
        owed = [key for key, amount in world.model.shares.claims.items() if amount and key[0] != world.executor.address]
        if is_due and not owed:
            who = self.holder(slot)
            shares, minima = -(-world.model.shares.balances[who] // 3), [0] * len(world.assets)
            world.set_mood(asset, UNPAYABLE[slot % 3])
            world.both(
                lambda: world.vault.send(who, "redeem", shares, who, minima, FAR),
                lambda model: model.redeem(who, shares, who, minima, FAR),
            )
            self.look()
        elif is_due:
            who, asset = owed[slot % len(owed)]
        if is_well:
            world.set_mood(asset)
            self.look()
        self.action = Action("claim", who, receiver)
        world.both(
            lambda: world.vault.send(who, "claim", asset, receiver), lambda model: model.claim(who, asset, receiver)
        )

    @rule(holder=slots, receiver=st.one_of(people, st.none()), size=sizes())
    def transfer(self, holder: int, receiver: str | None, size: Size) -> None:
        """Shares change hands, or go to the vault, which nobody stops."""
        world = self.world
        who, receiver = self.holder(holder), receiver or world.vault.address
        shares = self.size(size, world.model.shares.balances[who])
        self.action = Action("transfer", who, receiver)
        world.both(
            lambda: None if world.vault.send(who, "transfer", receiver, shares) else "false",
            lambda model: model.transfer(who, receiver, shares),
        )

    @rule(holder=slots, spender=people, size=sizes(), allowed=sizes())
    def transfer_from(self, holder: int, spender: str, size: Size, allowed: Size) -> None:
        """Somebody takes shares by an allowance."""
        world, who = self.world, self.holder(holder)
        shares = self.size(size, world.model.shares.balances[who])
        allowance = self.size(allowed, shares)
        world.vault.send(who, "approve", spender, allowance)
        world.model.shares.allowances[who, spender] = allowance
        self.action = Action("transfer", who, spender)
        world.both(
            lambda: None if world.vault.send(spender, "transferFrom", who, spender, shares) else "false",
            lambda model: model.transfer_from(spender, who, spender, shares),
        )
        assert world.vault.view("allowance", who, spender) == world.model.shares.allowances[who, spender]

    @rule(slot=slots, size=sizes())
    def donate(self, slot: int, size: Size) -> None:
        """Tokens come from nowhere."""
        asset = self.asset(slot)
        world = self.world
        self.action = Action("donate", ATTACKER)
        world.give(asset, world.vault.address, self.size(size, world.model.tokens[asset].balances[world.vault.address]))

    @rule(size=sizes(), back=sizes(1000), gift=sizes(100), slot=slots, is_gift_first=st.booleans())
    def flash_loan(self, size: Size, back: Size, gift: Size, slot: int, is_gift_first: bool) -> None:
        """The attacker borrows a part of the basket, mints, donates, redeems and repays, all in one transaction.

        What it has after that, its shares' part included, is not more than before of any asset: see `nobody_gains_by_shares`.
        """
        world, vault, executor = self.world, self.world.vault, self.world.executor
        model = world.model
        shares = self.size(size, model.shares.total)
        returned = min(shares, self.size(back, shares)) if not self.is_dust else shares
        gifted = self.size(gift, model.tokens[self.asset(slot)].balances[vault.address])
        asset = self.asset(slot)
        loan = {one: model.tokens[one].balances[vault.address] * 3 + 10**6 for one in world.assets}
        donation = world.tokens[asset].step("transfer", vault.address, gifted)
        steps = [world.tokens[one].step("mint", executor.address, amount) for one, amount in loan.items()]
        steps += [world.tokens[one].step("approve", vault.address, amount) for one, amount in loan.items()]
        steps += [donation] if is_gift_first else []
        steps.append(vault.step("mint", shares, executor.address, [ANYTHING] * len(loan), FAR))
        steps += [] if is_gift_first else [donation]
        steps.append(vault.step("redeem", returned, executor.address, [0] * len(loan), FAR))
        steps += [world.tokens[one].step("approve", vault.address, 0) for one in loan]
        world.script(steps)

        def in_model(trial: Vault) -> None:
            me = executor.address
            for one, amount in loan.items():
                trial.tokens[one].mint(me, amount)
                trial.tokens[one].allowances[me, vault.address] = amount
            try:
                if is_gift_first:
                    trial.tokens[asset].transfer(me, vault.address, gifted)
                trial.mint(me, shares, me, [ANYTHING] * len(loan), FAR)
                if not is_gift_first:
                    trial.tokens[asset].transfer(me, vault.address, gifted)
                trial.redeem(me, returned, me, [0] * len(loan), FAR)
            except Refused:
                raise Refused({"script: step failed"}) from None
            for one in loan:
                trial.tokens[one].allowances[me, vault.address] = 0

        self.action = Action("flash loan", executor.address, executor.address)
        if not isinstance(world.both(lambda: executor.send(ATTACKER, "run"), in_model), Reverted):
            for one, amount in loan.items():
                world.given[executor.address, one] += amount
