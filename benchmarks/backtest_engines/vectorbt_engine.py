"""A plain band rebalance by vectorbt, in an environment of its own: `python vectorbt_engine.py PRICES.npy BANDS.npy OUT.npy`.

PRICES is (bars, assets), BANDS the relative deviations, all tried in one call; OUT gets (configurations, bars) values of a fund
that starts at 1. Prints the seconds of the simulation, compiled before, and those with the values in.
"""

import sys
import time

import numpy as np
import vectorbt as vbt
from numba import njit
from vectorbt.portfolio import nb
from vectorbt.portfolio.enums import Direction, SizeType


@njit
def prepare(c, bands, targets):
    """Before a bar: which configuration's orders come, sales first."""
    sizes = np.empty(c.group_len)
    nav = c.last_cash[c.group]
    for k in range(c.group_len):
        column = c.from_col + k
        c.last_val_price[column] = c.close[c.i, column]
        nav += c.last_position[column] * c.close[c.i, column]
    out = c.i == 0
    for k in range(c.group_len):
        column = c.from_col + k
        weight = c.last_position[column] * c.close[c.i, column] / nav
        if abs(weight - targets[k]) > bands[c.group] * targets[k]:
            out = True
    for k in range(c.group_len):
        sizes[k] = targets[k] if out else np.nan
    c.last_value[c.group] = nav
    if out:
        order_value_out = np.empty(c.group_len)
        nb.sort_call_seq_nb(c, sizes, SizeType.TargetPercent, Direction.LongOnly, order_value_out, False)
    return (sizes,)


@njit
def order(c, sizes):
    """An asset's order at a bar."""
    k = c.col - c.from_col
    return nb.order_nb(
        size=sizes[k],
        price=c.close[c.i, c.col],
        size_type=SizeType.TargetPercent,
        direction=Direction.LongOnly,
    )


def simulate(prices, bands):
    """The portfolio of all configurations."""
    assets = prices.shape[1]
    return vbt.Portfolio.from_order_func(
        np.tile(prices, (1, len(bands))),
        order,
        pre_segment_func_nb=prepare,
        pre_segment_args=(bands, np.full(assets, 1 / assets)),
        group_by=np.repeat(np.arange(len(bands)), assets),
        cash_sharing=True,
        init_cash=1_000_000.0,
        call_pre_segment=True,
    )


def main() -> None:
    """Run and write."""
    prices, bands = (np.load(path) for path in sys.argv[1:3])
    simulate(prices[:10], bands).value()
    best = (np.inf, np.inf)
    for _ in range(3):
        started = time.perf_counter()
        portfolio = simulate(prices, bands)
        simulated = time.perf_counter() - started
        values = np.asarray(portfolio.value())
        best = min(best, (simulated, time.perf_counter() - started))
    print(*best)
    np.save(sys.argv[3], (values / values[0]).T)


if __name__ == "__main__":
    main()
