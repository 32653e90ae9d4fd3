"""The owner, the guardian and the strategist, and whoever would like to be one."""

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from fuzz.evm import ZERO, Contract
from fuzz.machine import Fund
from fuzz.model.numbers import DAY, WAD
from fuzz.model.shares import FEE_UNIT, MAX_SUPPLY, Fees
from fuzz.model.targets import BAND_UNIT, Rails
from fuzz.seen import Action
from fuzz.strategies import Size, fees, officials, sizes, slots
from fuzz.world import ATTACKER, GUARDIAN, KEEPER, OWNER, STRATEGIST

ROLES = st.sampled_from(("owner", "guardian", "strategist"))
# Seconds from now.
WHEN = st.sampled_from((-1, 0, 1, 60, 3600, DAY, 30 * DAY, 364 * DAY, 366 * DAY))


class OwnerRules(Fund):
    """Roles and settings; every call may come from somebody who may not."""

    # ------------------------------------------------------------- modes

    @rule(who=officials)
    def pause(self, who: str) -> None:
        """Guardian and owner may."""
        self.action = Action("settings", who)
        self.world.both(lambda: self.world.vault.send(who, "pause"), lambda model: model.pause(who))

    @rule(who=officials)
    def unpause(self, who: str) -> None:
        """The owner may."""
        self.action = Action("settings", who)
        self.world.both(lambda: self.world.vault.send(who, "unpause"), lambda model: model.unpause(who))

    @precondition(lambda self: self.steps > 40)
    @rule(who=officials)
    def shut_down(self, who: str) -> None:
        """For good, so late in a run."""
        self.action = Action("fees", who)
        self.world.both(lambda: self.world.vault.send(who, "shut_down"), lambda model: model.shut_down(who))

    # ------------------------------------------------------------- roles

    @rule(who=officials, role=ROLES, proposed=st.sampled_from((GUARDIAN, STRATEGIST, ATTACKER, OWNER)))
    def grant(self, who: str, role: str, proposed: str) -> None:
        """In two steps, of which the second may never come."""
        calls = {"owner": "transfer_ownership", "guardian": "propose_guardian", "strategist": "propose_strategist"}
        self.action = Action("settings", who)
        self.world.both(
            lambda: self.host(role).send(who, calls[role], proposed), lambda model: model.grant(who, role, proposed)
        )

    @rule(who=st.sampled_from((GUARDIAN, STRATEGIST, ATTACKER, OWNER)), role=ROLES)
    def accept(self, who: str, role: str) -> None:
        """Whoever was proposed; an owner who is gone is followed by the one that the others know."""
        calls = {"owner": "accept_ownership", "guardian": "accept_guardian", "strategist": "accept_strategist"}
        self.action = Action("settings", who)
        self.world.both(lambda: self.host(role).send(who, calls[role]), lambda model: model.accept(who, role))
        owner = self.world.model.owner.holder
        if owner != OWNER:
            for caller, call, args in ((owner, "transfer_ownership", (OWNER,)), (OWNER, "accept_ownership", ())):
                self.world.vault.send(caller, call, *args)
            self.world.model.grant(owner, "owner", OWNER)
            self.world.model.accept(OWNER, "owner")

    @rule(who=officials, role=st.sampled_from(("guardian", "strategist")))
    def revoke(self, who: str, role: str) -> None:
        """At once."""
        self.action = Action("settings", who)
        self.world.both(lambda: self.host(role).send(who, f"remove_{role}"), lambda model: model.revoke(who, role))

    def host(self, role: str) -> Contract:
        """Where a role is kept."""
        return self.world.rebalancer if role == "strategist" else self.world.vault

    # ------------------------------------------------------ shares and fees

    @rule()
    def accrue_fees(self) -> None:
        """Anybody may."""
        self.action = Action("fees", ATTACKER)
        self.world.both(lambda: self.world.vault.send(ATTACKER, "accrue_fees"), lambda model: model.accrue_fees())

    @rule(who=officials, charges=fees(), wrong=st.sampled_from((None,) * 5 + ("high", "fine", "nobody", "vault")))
    def set_fees(self, who: str, charges: Fees, wrong: str | None) -> None:
        """`wrong` names what is."""
        if wrong == "high":
            charges = charges._replace(streaming=WAD // 20 + FEE_UNIT)
        elif wrong == "fine":
            charges = charges._replace(mint=FEE_UNIT + 1)
        elif wrong is not None:
            charges = charges._replace(recipient=ZERO if wrong == "nobody" else self.world.vault.address)
        self.action = Action("fees", who)
        self.world.both(
            lambda: self.world.vault.send(who, "set_fees", charges), lambda model: model.set_fees(who, charges)
        )

    @rule(who=officials, room=st.one_of(st.none(), sizes(3000)))
    def set_supply_cap(self, who: str, room: Size | None) -> None:
        """Around the supply of now, or none."""
        cap = MAX_SUPPLY if room is None else self.size(room, self.world.model.shares.total)
        self.action = Action("settings", who)
        self.world.both(
            lambda: self.world.vault.send(who, "set_supply_cap", cap), lambda model: model.set_supply_cap(who, cap)
        )

    # ------------------------------------------------------------ the basket

    @rule(
        who=officials,
        parts=st.lists(st.integers(0, 9), min_size=7, max_size=7),
        start=WHEN,
        end=WHEN,
        off=st.sampled_from((0,) * 9 + (1,)),
    )
    def set_targets(self, who: str, parts: Sequence[int], start: int, end: int, off: int) -> None:
        """Any, at any time; `off` breaks their sum."""
        count, now = len(self.world.assets), self.world.model.now
        parts = [*parts[:count]]
        parts[0] += not sum(parts)
        targets = [WAD * part // sum(parts) for part in parts]
        largest = targets.index(max(targets))
        targets[largest] += WAD - sum(targets) + off
        times = (0, 0) if end < 0 else (max(0, now + start), now + end)
        self.action = Action("settings", who)
        self.world.both(
            lambda: self.world.rebalancer.send(who, "set_targets", targets, *times),
            lambda model: model.set_targets(who, targets, *times),
        )

    @rule(who=officials, slot=slots)
    def add_asset(self, who: str, slot: int) -> None:
        """One that was never in, one that was, or one that is."""
        world = self.world
        found = [asset for asset in world.tokens if asset not in world.assets] or list(world.tokens)
        asset = [*found, *found, *world.assets][slot % (2 * len(found) + len(world.assets))]
        self.action = Action("settings", who)
        world.both(lambda: world.vault.send(who, "add_asset", asset), lambda model: model.add_asset(who, asset))

    @rule(who=officials, slot=slots, is_wanted=st.booleans(), is_cleared=st.booleans())
    def remove_asset(self, who: str, slot: int, is_wanted: bool, is_cleared: bool) -> None:
        """Any; or one that nobody wants any more, and whose tokens an issuer took back."""
        world, asset = self.world, self.asset(slot)
        if not is_wanted and len(world.assets) > 2:
            targets = world.model.targets()
            other = (world.assets.index(asset) + 1) % len(targets)
            targets[other] += targets[world.assets.index(asset)]
            targets[world.assets.index(asset)] = 0
            world.both(
                lambda: world.rebalancer.send(OWNER, "set_targets", targets, 0, 0),
                lambda model: model.set_targets(OWNER, targets, 0, 0),
            )
        if is_cleared:
            held = world.model.tokens[asset].balances[world.vault.address]
            world.shrink(asset, held - min(held, world.model.shares.claimed(asset)))
            self.look()
        self.action = Action("settings", who)
        world.both(lambda: world.vault.send(who, "remove_asset", asset), lambda model: model.remove_asset(who, asset))

    # ------------------------------------------------------------- the rules

    @rule(
        who=officials,
        narrowest=st.sampled_from((0, 1, 10, 100)),
        width=st.sampled_from((-1, 0, 50, 500, 2000)),
        speed=st.sampled_from((0, WAD // 100, WAD, WAD + 1)),
    )
    def set_rails(self, who: str, narrowest: int, width: int, speed: int) -> None:
        """In per mille over the closing tolerance."""
        tolerance = self.world.model.terms.closing_tolerance
        low = tolerance + narrowest * WAD // 1000 - (narrowest == 1)
        rails = Rails(max(0, low), max(0, low + width * WAD // 1000), speed)
        self.action = Action("settings", who)
        self.world.both(
            lambda: self.world.rebalancer.send(who, "set_rails", rails), lambda model: model.set_rails(who, rails)
        )

    @rule(
        who=st.sampled_from((STRATEGIST, STRATEGIST, OWNER, ATTACKER)),
        steps=st.lists(st.integers(-3, 3), min_size=7, max_size=7),
        unit=st.sampled_from((1, 1000, 10_000)),
        is_due=st.booleans(),
        fine=st.sampled_from((0, 0, 0, 1)),
    )
    def set_bands(self, who: str, steps: Sequence[int], unit: int, is_due: bool, fine: int) -> None:
        """Up and down by units of a millionth; `is_due`: the owner made the caller strategist before."""
        world = self.world
        if is_due:
            for caller, call, args in (
                (OWNER, "propose_strategist", (STRATEGIST,)),
                (STRATEGIST, "accept_strategist", ()),
            ):
                world.rebalancer.send(caller, call, *args)
            world.model.grant(OWNER, "strategist", STRATEGIST)
            world.model.accept(STRATEGIST, "strategist")
            rails = Rails(world.model.terms.closing_tolerance, WAD - 1, WAD)
            world.both(
                lambda: world.rebalancer.send(OWNER, "set_rails", rails), lambda model: model.set_rails(OWNER, rails)
            )
            world.wait(60 * unit)
            self.look()
        bands = [
            max(0, band + step * unit * BAND_UNIT) + fine
            for band, step in zip(world.model.bands.bands, steps, strict=False)
        ]
        self.action = Action("bands", who)
        world.both(lambda: world.rebalancer.send(who, "set_bands", bands), lambda model: model.set_bands(who, bands))

    @rule(who=officials, allowed=st.booleans(), keeper=st.sampled_from((KEEPER, ATTACKER)))
    def set_keepers(self, who: str, allowed: bool, keeper: str) -> None:
        """Who may fill first."""
        self.action = Action("settings", who)
        self.world.both(
            lambda: self.world.rebalancer.send(who, "set_keepers", [keeper], allowed),
            lambda model: model.set_keepers(who, [keeper], allowed),
        )

    @rule(who=officials, parts=st.sampled_from((0, 1, 250, 500, 501)))
    def set_head_start(self, who: str, parts: int) -> None:
        """In per mille of an auction."""
        seconds = self.world.model.terms.duration * parts // 1000
        self.action = Action("settings", who)
        self.world.both(
            lambda: self.world.rebalancer.send(who, "set_head_start", seconds),
            lambda model: model.set_head_start(who, seconds),
        )

    @rule(who=officials, place=st.integers(0, 2))
    def set_oracle(self, who: str, place: int) -> None:
        """One of two, or somebody who is none."""
        oracle = [*self.world.model.oracles, ATTACKER][place]
        self.action = Action("settings", who)
        self.world.both(
            lambda: self.world.rebalancer.send(who, "set_oracle", oracle), lambda model: model.set_oracle(who, oracle)
        )
