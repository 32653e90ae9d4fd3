"""Write what bt gives on a small seeded path to the test's file: `python -m backtest_engines.freeze`, from benchmarks/."""

import tempfile
from pathlib import Path

import numpy as np

from backtest_engines.environments import run

FILE = Path(__file__).parents[2] / "tests" / "keeper" / "backtest" / "bt_1_4_1.npz"


def main() -> None:
    """Prices, times, bands and bt's values."""
    rng = np.random.Generator(np.random.PCG64(7))
    prices = 100 * np.exp((rng.standard_normal((150, 4)) * 0.04).cumsum(axis=0))
    times = 1_600_000_000 + 86_400 * np.arange(len(prices))
    bands = np.array([0.05, 0.15, 0.3])
    with tempfile.TemporaryDirectory() as folder:
        _, values = run("bt", Path(folder), prices, times, bands)
    np.savez_compressed(FILE, prices=prices, times=times, bands=bands, values=values)


if __name__ == "__main__":
    main()
