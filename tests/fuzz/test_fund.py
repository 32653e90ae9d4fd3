"""The fund against its second implementation, step by step; see docs/how-to/fuzz.md."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS
from hypothesis.stateful import initialize, run_state_machine_as_test
from hypothesis.statistics import collector, describe_statistics

from fuzz.invariants import INVARIANTS
from fuzz.rules_owner import OwnerRules
from fuzz.rules_rebalance import RebalanceRules
from fuzz.rules_shares import ShareRules
from fuzz.rules_world import WorldRules
from fuzz.strategies import plans
from fuzz.world import Plan

# Draws as Hypothesis does, but each fund anew: its own engine spends five runs of six on repeating parts of one run.
AVAILABLE_PROVIDERS["each-anew"] = "hypothesis.internal.conjecture.providers.HypothesisProvider"
# A step takes what it takes, and a plan of a fund is a large thing to draw.
COMMON = settings(backend="each-anew", deadline=None, suppress_health_check=list(HealthCheck))
settings.register_profile(
    "fuzz-short", COMMON, max_examples=15, stateful_step_count=40, derandomize=True, database=None
)
settings.register_profile(
    "fuzz-long",
    COMMON,
    max_examples=int(os.environ.get("EQUIPOISE_FUZZ_EXAMPLES", "1000")),
    stateful_step_count=50,
    print_blob=True,
)


class AnyFund(ShareRules, RebalanceRules, OwnerRules, WorldRules):
    """Every rule over funds of any size."""


class DustFund(AnyFund):
    """Every rule over the least fund that the contract takes, a thousand units at a time."""

    is_dust = True

    @initialize(plan=plans(is_dust=True))
    def build(self, plan: Plan) -> None:
        """A fund of dust with its first depositor."""
        super().build(plan)


def run(fund: type[AnyFund], profile: str) -> None:
    """Run funds, and print how often each step was done or refused, and why: `pytest -rP` shows it."""
    with collector.with_value(lambda statistics: print(describe_statistics(statistics))):  # type: ignore[arg-type]
        run_state_machine_as_test(fund, settings=settings.get_profile(profile))


@pytest.mark.parametrize("fund", [AnyFund, DustFund])
def test_fund__any_steps__does_what_the_specification_says(fund: type[AnyFund]) -> None:
    run(fund, "fuzz-short")


@pytest.mark.long
@pytest.mark.parametrize("fund", [AnyFund, DustFund])
def test_fund__any_steps_for_long__does_what_the_specification_says(fund: type[AnyFund]) -> None:
    run(fund, "fuzz-long")


def test_invariants__table_in_the_docs__lists_every_one() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "fuzz.md"
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(name, check.__doc__) for name, check in INVARIANTS.items()]
