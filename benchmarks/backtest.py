"""How fast a backtest is: a plain band rebalance next to bt and vectorbt, and one with all that a vault costs.

    uv run --extra research python benchmarks/backtest.py [--json] [--bars 2000] [--assets 10] [--configurations 200]

`throughput` is bars × assets × configurations a second, compiled before, with the value of every bar kept; vectorbt's is of its
simulation alone, without the values. bt runs few of the configurations, since it runs them one after the other. `error` is how
far the values are from this engine's. `everything` is this engine with fees, price impact, gas, falling bound, loss budget,
streaming fee, yields and the guard on benefit: the same code as the plain row. Exits with 1 when a target is missed: 100 times
bt, level with vectorbt, and within 1e-9 of both.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from backtest_engines.environments import run
from keeper.backtest.engine import Runs, backtest
from keeper.backtest.fund import ORACLE_TERMS, Fund
from keeper.history.prices import PricePaths
from keeper.policy.rules import Kind, RebalancingPolicy

SEED = 20_261_121
BT_CONFIGURATIONS = 3
REPEATS = 5
LEAST_OVER_BT, LEAST_OVER_VECTORBT, MOST_ERROR = 100.0, 1.0, 1e-9
DAY = 86_400

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """An engine's run; `error` is the largest relative difference of a value from this engine's."""

    engine: str
    bars: int
    assets: int
    configurations: int
    seconds: float
    throughput: float
    error: float | None = None


def row(engine: str, shape: tuple[int, int, int], seconds: float, error: float | None = None) -> Row:
    """With the throughput of a run of (bars, assets, configurations)."""
    return Row(engine, *shape, seconds, shape[0] * shape[1] * shape[2] / seconds, error)


def prices_of(bars: int, assets: int) -> PricePaths:
    """A seeded path of independent geometric Brownian motions, daily."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    logs = (rng.standard_normal((bars, assets)) * 0.03).cumsum(axis=0)
    return PricePaths(
        tuple(f"a{i}" for i in range(assets)), 1_600_000_000 + DAY * np.arange(bars), 100 * np.exp(logs)[np.newaxis]
    )


def own(fund: Fund, prices: PricePaths, bands: Floats, is_guarded: bool) -> tuple[float, Runs]:
    """Seconds, the best of some runs, and the last of them."""
    policies = [RebalancingPolicy(Kind.BAND, band_rel=band, is_guarded=is_guarded) for band in bands]
    best = np.inf
    backtest(fund, prices, policies, is_recorded=True)
    for _ in range(REPEATS):
        started = time.perf_counter()
        runs = backtest(fund, prices, policies, is_recorded=True)
        best = min(best, time.perf_counter() - started)
    return best, runs


def error_of(theirs: Floats, ours: Floats) -> float:
    """The largest relative difference."""
    return float(np.abs(theirs / ours[: len(theirs)] - 1).max())


def measure(bars: int, assets: int, configurations: int) -> list[Row]:
    """A row for each engine."""
    prices, bands = prices_of(bars, assets), np.linspace(0.02, 0.5, configurations)
    names, equal = prices.assets, (1 / assets,) * assets
    plain = Fund(names, equal)
    everything = Fund(
        names,
        equal,
        fee=(0.003,) * assets,
        depth_usd=(2e7,) * assets,
        yields=(0.02,) * assets,
        gas_usd=10,
        gas_asset_usd=3,
        terms=ORACLE_TERMS._replace(streaming=0.01),
    )
    shape = (bars, assets, configurations)
    seconds, runs = own(plain, prices, bands, is_guarded=False)
    assert runs.values is not None
    ours = runs.values[:, 0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (simulated, _), theirs = run("vectorbt", folder, prices.prices[0], bands)
        few = bands[:: max(configurations // BT_CONFIGURATIONS, 1)][:BT_CONFIGURATIONS]
        (bt_seconds,), bt_values = run("bt", folder, prices.prices[0], prices.times, few)
    few_ours = ours[:: max(configurations // BT_CONFIGURATIONS, 1)][:BT_CONFIGURATIONS]
    return [
        row("equipoise, plain", shape, seconds),
        row("equipoise, everything", shape, own(everything, prices, bands, is_guarded=True)[0]),
        row("vectorbt 1.2.0", shape, simulated, error_of(theirs, ours)),
        row("bt 1.4.1", (bars, assets, len(few)), bt_seconds, error_of(bt_values, few_ours)),
    ]


def missed(rows: Sequence[Row]) -> list[str]:
    """The targets that are, in words."""
    ours, _, vectorbt, bt = rows
    found = []
    for other, least in ((bt, LEAST_OVER_BT), (vectorbt, LEAST_OVER_VECTORBT)):
        ratio = ours.throughput / other.throughput
        if ratio < least:
            found.append(f"{ratio:.2f} times as fast as {other.engine}, asked for {least:g}")
        if other.error is None or not other.error <= MOST_ERROR:
            found.append(f"{other.error} off {other.engine}, at most {MOST_ERROR:g}")
    return found


def main() -> None:
    """Measure and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--bars", type=int, default=2_000)
    parser.add_argument("--assets", type=int, default=10)
    parser.add_argument("--configurations", type=int, default=200)
    arguments = parser.parse_args()
    rows = measure(arguments.bars, arguments.assets, arguments.configurations)
    failures = missed(rows)
    if arguments.json:
        json.dump({"rows": [asdict(each) for each in rows], "missed": failures}, sys.stdout, indent=2)
        print()
    else:
        table = Table(title="A band rebalance: bars × assets × configurations a second")
        for name in ("engine", "bars", "assets", "configurations", "seconds", "throughput", "error"):
            table.add_column(name, justify="left" if name == "engine" else "right")
        for each in rows:
            table.add_row(
                each.engine,
                f"{each.bars:,}",
                str(each.assets),
                str(each.configurations),
                f"{each.seconds:.4f}",
                f"{each.throughput:,.0f}",
                "" if each.error is None else f"{each.error:.1e}",
            )
        Console().print(table)
        for failure in failures:
            print(f"missed: {failure}")
    if failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
