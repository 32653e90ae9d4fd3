"""The adaptive cost-aware policy against the best fixed band, on the four seeded regimes, out of sample.

    uv run --extra research python benchmarks/backtest_regimes.py [--json] [--paths 24] [--bars 2191]

Both are chosen on the paths of one seed and judged on those of another. A fixed band trades to the target, as fixed bands do;
the second half of the table lets it trade to its edge, which is the adaptive policy's own idea with one width for all assets.
Exits with 1 where the adaptive policy loses to a band that trades to the target: it has to track no worse at 0.8 times the
cost.
"""

import argparse
import json
import sys

from rich.console import Console
from rich.table import Table

from keeper.backtest.fund import ORACLE_TERMS, Fund
from keeper.backtest.regimes import duel
from keeper.history.scenarios import SCENARIOS, scenario
from keeper.policy.rules import Aim

ASSETS = ("WETH", "WBTC", "LINK", "USDC")
FUND = Fund(
    ASSETS,
    (0.3, 0.3, 0.2, 0.2),
    nav_usd=5e6,
    fee=(0.0005, 0.0005, 0.003, 0.0001),
    depth_usd=(6e7, 6e7, 2e7, 2e8),
    gas_usd=8,
    gas_asset_usd=2,
    terms=ORACLE_TERMS,
)
SEEDS = 1, 2
STEP_S = 4 * 3_600


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--paths", type=int, default=24)
    parser.add_argument("--bars", type=int, default=2_191)
    arguments = parser.parse_args()
    rows = []
    for aim in (Aim.CENTRE, Aim.EDGE):
        for regime in SCENARIOS:
            sample, judged = (
                scenario(
                    regime,
                    ASSETS,
                    stable=("USDC",),
                    bars=arguments.bars,
                    paths=arguments.paths,
                    step_s=STEP_S,
                    seed=seed,
                )
                for seed in SEEDS
            )
            found = duel(regime, FUND, sample, judged, aim)
            rows.append(
                {
                    "fixed_band_to": aim.name.lower(),
                    "regime": regime,
                    "band_bps": found.fixed.band_abs * 10_000,
                    "risk_aversion": found.adaptive.risk_aversion,
                    "tracking_bps": found.adaptive_metrics.tracking_error * 10_000,
                    "fixed_tracking_bps": found.fixed_metrics.tracking_error * 10_000,
                    "cost_bps": found.adaptive_metrics.cost_bps,
                    "fixed_cost_bps": found.fixed_metrics.cost_bps,
                    "cost_ratio": found.cost_ratio,
                    "trials": found.trials,
                    "verdict": found.verdict,
                }
            )
    if arguments.json:
        json.dump({"rows": rows}, sys.stdout, indent=2)
        print()
    else:
        table = Table(title="Adaptive against the best fixed band, a year, out of sample")
        for name in ("band to", "regime", "band", "tracking", "fixed", "cost", "fixed", "verdict"):
            table.add_column(name)
        for row in rows:
            table.add_row(
                str(row["fixed_band_to"]),
                str(row["regime"]),
                *(
                    f"{row[key]:.1f}"
                    for key in ("band_bps", "tracking_bps", "fixed_tracking_bps", "cost_bps", "fixed_cost_bps")
                ),
                str(row["verdict"]),
            )
        Console(width=140).print(table)
    if any(row["fixed_band_to"] == "centre" and str(row["verdict"]).startswith("loses") for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
