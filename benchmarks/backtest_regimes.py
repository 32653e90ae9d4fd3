"""The adaptive cost-aware policy against the best fixed band, on the four seeded regimes, out of sample.

    uv run --extra research python benchmarks/backtest_regimes.py [--json] [--pairs 3] [--first-seed 1] [--paths 16]

Both are chosen on the paths of one seed and judged on those of another: a pair. A fixed band trades to the target, as fixed
bands do; the second half of the table lets it trade to its edge, which is the adaptive policy's own idea with one width for all
assets. A pair is won where the adaptive policy tracks no worse at 0.8 times the cost. Beside the share of pairs won stands its
interval of 95 %, and after the means of the ratios their range. Exits with 1 where the adaptive policy loses a pair to a band
that trades to the target.
"""

import argparse
import json
import math
import sys
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from keeper.backtest.regimes import Duel, Tally, duel
from keeper.history.scenarios import SCENARIOS
from keeper.policy.rules import Aim

AIMS = Aim.CENTRE, Aim.EDGE


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--paths", type=int, default=16)
    parser.add_argument("--bars", type=int, default=2_191)
    arguments = parser.parse_args()
    first = arguments.first_seed
    seeds = [(seed, seed + 1) for seed in range(first, first + 2 * arguments.pairs, 2)]
    duels = {
        regime: [duel(regime, pair, arguments.bars, arguments.paths, AIMS) for pair in seeds] for regime in SCENARIOS
    }
    tallies = [
        Tally(regime, aim, tuple(each[place] for each in found))
        for place, aim in enumerate(AIMS)
        for regime, found in duels.items()
    ]
    if arguments.json:
        json.dump({"seeds": seeds, "rows": [row(each) for each in tallies]}, sys.stdout, indent=2)
        print()
    else:
        Console(width=150).print(table(tallies))
    if any(each.aim is Aim.CENTRE and each.won.count < each.won.trials for each in tallies):
        sys.exit(1)


def row(tally: Tally) -> dict[str, object]:
    """A tally as JSON, with each of its duels."""
    return {
        "fixed_band_to": tally.aim.name.lower(),
        "regime": tally.regime,
        "won": asdict(tally.won),
        "cost_ratio": _ratios(tally.cost_ratios),
        "tracking_ratio": _ratios(tally.tracking_ratios),
        "verdict": tally.verdict,
        "duels": [_duel(each) for each in tally.duels],
    }


def _ratios(values: tuple[float, float, float]) -> dict[str, float | None]:
    return {
        name: value if math.isfinite(value) else None
        for name, value in zip(("mean", "least", "most"), values, strict=True)
    }


def _duel(found: Duel) -> dict[str, object]:
    return {
        "band_bps": found.fixed.band_abs * 10_000,
        "risk_aversion": found.adaptive.risk_aversion,
        "tracking_bps": found.adaptive_metrics.tracking_error * 10_000,
        "fixed_tracking_bps": found.fixed_metrics.tracking_error * 10_000,
        "cost_bps": found.adaptive_metrics.cost_bps,
        "fixed_cost_bps": found.fixed_metrics.cost_bps,
        "trials": found.trials,
        "verdict": found.verdict,
    }


def table(tallies: list[Tally]) -> Table:
    """A row for each regime and aim."""
    made = Table(title="Adaptive over the best fixed band, out of sample")
    for name in ("band to", "regime", "won", "95 %", "cost ratio", "tracking ratio", "verdict"):
        made.add_column(name)
    for each in tallies:
        won = each.won
        made.add_row(
            each.aim.name.lower(),
            each.regime,
            f"{won.count} of {won.trials}",
            f"{won.low:.0%} … {won.high:.0%}",
            *(f"{mean:.2f} ({low:.2f} … {high:.2f})" for mean, low, high in (each.cost_ratios, each.tracking_ratios)),
            each.verdict,
        )
    return made


if __name__ == "__main__":
    main()
