"""The fund as a state machine: what every part of it has in common."""

from typing import Any, ClassVar

from hypothesis import event
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from fuzz.evm import Reverted
from fuzz.invariants import INVARIANTS
from fuzz.seen import Action, Seen
from fuzz.strategies import Size, plans
from fuzz.world import ALICE, FAR, PEOPLE, Plan, World


class Fund(RuleBasedStateMachine):
    """One fund and one run of steps. Every step is done on both sides; then every invariant is held."""

    is_dust: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.world: World = None  # type: ignore[assignment]  # built by the first rule
        self.seen: Seen | None = None
        self.action = Action("build")
        self.steps = 0

    @initialize(plan=plans())
    def build(self, plan: Plan) -> None:
        """A fund, most of the time with its first depositor."""
        self.world = World(plan)
        if plan.is_seeded:
            self.mint_exactly(ALICE, plan.first_shares)

    def mint_exactly(self, who: str, shares: int) -> Any:
        """Fund somebody with what a mint costs, and mint."""
        world, vault = self.world, self.world.vault
        cost = world.same(lambda: vault.view("preview_mint", shares), lambda: world.model.preview_mint(shares))
        if isinstance(cost, Reverted):
            return cost
        world.fund(who, dict(zip(world.assets, cost, strict=True)))
        return world.both(
            lambda: vault.send(who, "mint", shares, who, cost, FAR),
            lambda model: model.mint(who, shares, who, cost, FAR),
        )

    def size(self, size: Size, whole: int) -> int:
        """How much a drawn size is here; in a run of dust never over a thousand."""
        return size.of(whole) if not self.is_dust else max(0, size.parts % 1000 + size.dust)

    def asset(self, slot: int) -> str:
        """An asset by a drawn number."""
        return self.world.assets[slot % len(self.world.assets)]

    def holder(self, slot: int) -> str:
        """Somebody who holds shares and can sign, by a drawn number."""
        shares = self.world.model.shares.balances
        found = [who for who in PEOPLE if shares[who]] or [ALICE]
        return found[slot % len(found)]

    def deadline(self, drawn: int) -> int:
        """A drawn deadline: far, or as seconds from now."""
        return drawn if drawn == FAR else self.world.model.now + drawn

    def look(self, seen: Seen | None = None) -> None:
        """What the next step is held against."""
        self.seen = seen or Seen.read(self.world)
        self.world.given_before = self.world.given.copy()

    @invariant()
    def everything_holds(self) -> None:
        """Every named invariant, on what the chain says."""
        if self.world is None:
            return
        seen = Seen.read(self.world)
        for check in INVARIANTS.values():
            check(self.world, self.seen, seen, self.action)
        self.look(seen)
        event(f"{self.action.kind}: {self.world.outcome}")
        self.world.outcome = "done"
        self.steps += 1
        self.action = Action("wait")
