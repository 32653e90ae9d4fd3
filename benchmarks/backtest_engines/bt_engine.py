"""A plain band rebalance by bt, in an environment of its own: `python bt_engine.py PRICES.npy TIMES.npy BANDS.npy OUT.npy`.

PRICES is (bars, assets), BANDS the relative deviations to try one after the other; OUT gets (configurations, bars) values of a
fund that starts at 1, and the seconds of all runs are printed. Equal weights, whole-free positions, no commission.
"""

import sys
import time

import bt
import numpy as np
import pandas as pd


class OutOfBand(bt.Algo):
    """True at the first bar, and where a weight is off its target by more than a share of it."""

    def __init__(self, band: float, targets: pd.Series) -> None:
        super().__init__()
        self.band, self.targets = band, targets

    def __call__(self, target: bt.core.Strategy) -> bool:
        """Whether to rebalance now."""
        if not target.children:
            return True
        weights = pd.Series({name: child.weight for name, child in target.children.items()})
        return bool(((weights - self.targets).abs() > self.band * self.targets).any())


def main() -> None:
    """Run and write."""
    prices, times, bands = (np.load(path) for path in sys.argv[1:4])
    names = [f"a{i}" for i in range(prices.shape[1])]
    frame = pd.DataFrame(prices, index=pd.to_datetime(times, unit="s"), columns=names)
    targets = pd.Series(1 / len(names), index=names)
    found = np.empty((len(bands), len(frame)))
    started = time.perf_counter()
    for place, band in enumerate(bands):
        algos = [OutOfBand(band, targets), bt.algos.SelectAll(), bt.algos.WeighEqually(), bt.algos.Rebalance()]
        test = bt.Backtest(
            bt.Strategy("band", algos),
            frame,
            initial_capital=1_000_000.0,
            integer_positions=False,
            commissions=lambda quantity, price: 0.0,
            progress_bar=False,
        )
        test.run()
        values = test.strategy.values.to_numpy()[-len(frame) :]
        found[place] = values / values[0]
    print(time.perf_counter() - started)
    np.save(sys.argv[4], found)


if __name__ == "__main__":
    main()
