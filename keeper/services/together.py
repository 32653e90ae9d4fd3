"""Vaults that are due at once: one transaction for those that are cheaper together, the first plan for one alone otherwise."""

from collections.abc import Mapping, Sequence
from functools import partial

from keeper.chain.rpc import Client
from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import ChainError, LedgerError
from keeper.ledger import Way
from keeper.operations.events import Outcome
from keeper.policy import Decision
from keeper.services.acting import Actor, Moment
from keeper.services.joint import JointPlan, plan_many
from keeper.services.plan import Plan
from keeper.services.telling import Teller
from keeper.settings import Settings


class Together:
    """Acts for several vaults of one chain."""

    def __init__(self, settings: Settings, client: Client, actor: Actor, teller: Teller):
        self._settings = settings
        self._client = client
        self._actor = actor
        self._teller = teller

    def act(self, due: Sequence[VaultSnapshot], moment: Moment) -> None:
        """Plan for each of these, and send one transaction for those that are cheaper together; without any, the first plan.

        A vault for which nothing can be done by itself may still be filled with others.
        """
        able: list[VaultSnapshot] = []
        alone: dict[str, Plan] = {}
        for snapshot in due:
            self._teller.guarded(partial(self._plan_beside, snapshot, moment, able, alone), snapshot.address)
        joint = self._joint(able, alone) if len(able) > 1 else None
        shared = () if joint is None else tuple(snapshot.address for snapshot in joint.snapshots)
        if joint is not None:
            ways = {vault: alone[vault].ways for vault in shared if vault in alone}
            self._teller.guarded(partial(self._carry_out_joint, joint, ways, moment), *shared)
        for vault, planned in alone.items():
            if vault not in shared:
                self._teller.guarded(partial(self._actor.carry_out, planned, moment), vault)

    def _plan_beside(
        self, snapshot: VaultSnapshot, moment: Moment, able: list[VaultSnapshot], alone: dict[str, Plan]
    ) -> Outcome | None:
        """Plan for one of several vaults: to `able` when this process may act for it, its plan to `alone`."""
        refused = self._actor.refuse(snapshot)
        if refused is None:
            able.append(snapshot)
            alone[snapshot.address] = self._actor.plan(snapshot, moment.now)
        return refused

    def _joint(self, able: Sequence[VaultSnapshot], alone: Mapping[str, Plan]) -> JointPlan | None:
        """What is cheaper together. That it cannot be found out is told, and keeps no vault from being filled by itself."""
        try:
            return plan_many(self._client, self._settings, able, alone, self._actor.account, self._actor.memory)
        except (ChainError, LedgerError):
            raise
        except Exception as error:
            self._teller.failed(error, *(snapshot.address for snapshot in able))
        return None

    def _carry_out_joint(self, joint: JointPlan, ways: Mapping[str, Sequence[Way]], moment: Moment) -> Outcome:
        """Send a joint plan. In a dry run only tell of it.

        :param ways: by vault, those without the others
        """
        actor = self._actor
        if actor.hand is None:
            for snapshot, decision in joint.made:
                actor.wait(snapshot, decision)
            return Outcome.PLANNED
        for snapshot in joint.snapshots:
            actor.waited.pop(snapshot.address, None)
        all_ways = {
            snapshot.address: (_together(decision), *ways.get(snapshot.address, ()))
            for snapshot, decision in joint.made
        }
        return actor.send(actor.hand, joint, all_ways, moment)


def _together(decision: Decision) -> Way:
    """What a vault's part of a joint plan is worth, with its part of the gas."""
    quote = decision.quote
    worth = None if quote is None else quote.value_in - quote.value_out - (quote.gas_cost or 0)
    return Way("together with other vaults", worth)
