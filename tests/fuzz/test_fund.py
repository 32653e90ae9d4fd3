"""The fund against its second implementation, step by step."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import initialize, run_state_machine_as_test

from fuzz.invariants import INVARIANTS
from fuzz.rules_owner import OwnerRules
from fuzz.rules_rebalance import RebalanceRules
from fuzz.rules_shares import ShareRules
from fuzz.rules_world import WorldRules
from fuzz.strategies import plans
from fuzz.world import Plan


class AnyFund(ShareRules, RebalanceRules, OwnerRules, WorldRules):
    """Every rule over funds of any size."""


class DustFund(AnyFund):
    """Every rule over the least fund that the contract takes, a thousand units at a time."""

    is_dust = True

    @initialize(plan=plans(is_dust=True))
    def build(self, plan: Plan) -> None:
        """A fund of dust with its first depositor."""
        super().build(plan)
