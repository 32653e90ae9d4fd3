"""The router on seeded markets: its time, its certified gap, and what other ways to route lose; and on the devnet.

    uv run python benchmarks/routing.py [--json] [--most-pools N]
    uv run python benchmarks/routing.py --devnet [--json] [--rebalances N]

Markets have 5 tokens in 30 pools to 100 tokens in 10,000, of Uniswap V2 and V3, weighted and stable pools, with depths of
1e5 to 1e8 USD and fees of 1 to 100 bp, and prices off the oracle's by less than the fee (routing_bench/universe.py). Two
things are asked on them: rebalances of two to four tokens into two to four others, at 2 gwei and 3,000 USD an ether, and
swaps; both of 1e4 to 1e7 USD. Times are processor time, which is what a clock shows on an idle machine, of the fastest of three
solves per rebalance, gas included, the pools laid out beforehand.

- cvxpy with Clarabel solves the same convex programme, gas free, on the pools that fit it: Uniswap V2 and V3, scaled and cut
  to what can trade (routing_bench/convex.py). Ours is solved on those pools as well. Its time is Clarabel's alone; building
  and compiling the programme is beside it in the JSON. With 10,000 pools it takes minutes and does not converge: left out.
- The grid is a split router as Uniswap's alpha-router is: at most seven paths, each with a multiple of 5 %
  (routing_bench/grid.py).
- The single path is the best there is of up to three hops (routing_bench/paths.py).

Losses are of swaps, gas free, against our route for the same amount. With --devnet whole rebalances of random size and drift
are carried out by a RouteExecutor on the devnet's pools, and what each swap was to pay is compared with what it paid.

Exits with 1 when a target is missed (routing_bench/targets.py), or when an amount on the devnet is off by anything.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from routing_bench.executed import Executed, executed
from routing_bench.measure import Effort, Row, measure
from routing_bench.targets import Target, targets

# Tokens and pools, and how many problems each part gets there.
UNIVERSES = {
    (5, 30): Effort(rebalances=20, swaps=10, convex=10),
    (10, 100): Effort(rebalances=20, swaps=10, convex=10),
    (20, 500): Effort(rebalances=20, swaps=10, convex=5),
    (50, 1_000): Effort(rebalances=20, swaps=10, convex=3),
    (100, 10_000): Effort(rebalances=10, swaps=5, convex=0),
}

TABLE_WIDTH = 120


def main() -> None:
    """Measure and print tables, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--most-pools", type=int, default=10_000, help="leave larger markets out")
    parser.add_argument("--devnet", action="store_true", help="predicted against executed amounts instead")
    parser.add_argument("--rebalances", type=int, default=200, help="how many on the devnet")
    arguments = parser.parse_args()
    passed = (
        on_devnet(arguments.rebalances, arguments.json)
        if arguments.devnet
        else on_universes(arguments.most_pools, arguments.json)
    )
    if not passed:
        raise SystemExit(1)


def on_universes(most_pools: int, as_json: bool) -> bool:
    """Measure the markets of up to so many pools and print what was found; whether all targets were met."""
    rows = []
    with Console(stderr=True).status("") as status:
        for (tokens, pools), effort in UNIVERSES.items():
            if pools <= most_pools:
                rows.append(measure(tokens, pools, effort, status.update))
    judged = targets(rows)
    if as_json:
        _print_json({"rows": [asdict(row) for row in rows], "targets": [asdict(target) for target in judged]})
    else:
        console = Console()
        console.width = max(console.width, TABLE_WIDTH)
        console.print(_row_table(rows), _target_table(judged))
    return all(target.passed for target in judged)


def on_devnet(rebalances: int, as_json: bool) -> bool:
    """Carry rebalances out and print how far they were off; whether that is by nothing."""
    with Console(stderr=True).status("starting the devnet") as status:
        found = executed(rebalances, status.update)
    if as_json:
        _print_json(asdict(found))
    else:
        Console().print(_executed_table(found))
    return found.most_difference == 0


def _print_json(report: object) -> None:
    json.dump(report, sys.stdout, indent=2)
    print()


def _row_table(rows: Sequence[Row]) -> Table:
    table = Table(title="The router, and what others lose against it")
    names = (
        "universe",
        "build ms",
        "p50 ms",
        "p95 ms",
        "gap bp",
        "net bp",
        "pools used",
        "cvxpy ms",
        "ratio",
        "grid loss bp",
    )
    for name in (*names, "single path bp"):
        table.add_column(name, justify="left" if name == "universe" else "right")
    for row in rows:
        table.add_row(
            *(row.universe, f"{row.build_ms:,.0f}", f"{row.p50_ms:,.1f}", f"{row.p95_ms:,.1f}", f"{row.gap_bps:.4f}"),
            *(f"{row.gap_net_bps:.4f}", f"{row.pools_used:.0f}"),
            "" if row.cvxpy_ms is None else f"{row.cvxpy_ms:,.0f}",
            "" if row.cvxpy_ratio is None else f"{row.cvxpy_ratio:,.0f}",
            *(f"{row.grid_loss_bps:.2f}", f"{row.single_path_loss_bps:.2f}"),
        )
    return table


def _target_table(judged: Sequence[Target]) -> Table:
    table = Table(title="Targets")
    for name in ("target", "universe", "value", "limit", ""):
        table.add_column(name, justify="right" if name in ("value", "limit") else "left")
    for target in judged:
        verdict = "pass" if target.passed else "[red]miss[/red]"
        table.add_row(target.target, target.universe, f"{target.value:.4g}", f"{target.limit:g}", verdict)
    return table


def _executed_table(found: Executed) -> Table:
    table = Table(title="Predicted against executed amounts on the devnet")
    swaps = ", ".join(f"{count:,} {venue}" for venue, count in sorted(found.swaps.items()))
    for name in ("rebalances", "swaps", "most legs", "largest difference, base units"):
        table.add_column(name)
    table.add_row(f"{found.rebalances:,}", swaps, str(found.most_legs), str(found.most_difference))
    return table


if __name__ == "__main__":
    main()
