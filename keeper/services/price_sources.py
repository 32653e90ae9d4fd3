"""The prices that a vault's bands are set by: out of a file, or out of the ledger that a keeper of the vault writes."""

from itertools import groupby

import numpy as np

from keeper.chain.snapshot import VaultSnapshot
from keeper.errors import ConfigurationError, ForecastError
from keeper.history import PriceHistory
from keeper.ledger import Ledger

_STEPS_S = (3_600, 4 * 3_600, 86_400)
_WAD = 10**18


def of_basket(history: PriceHistory, snapshot: VaultSnapshot) -> PriceHistory:
    """The basket's columns in its order: each is named by the asset's address, or by its symbol where that is only one's.

    :raises ConfigurationError: an asset has no column
    """
    names = {name.lower(): name for name in history.assets}
    symbols = [asset.symbol.lower() for asset in snapshot.assets]
    columns = []
    for asset, symbol in zip(snapshot.assets, symbols, strict=True):
        found = names.get(asset.address.lower()) or (names.get(symbol) if symbols.count(symbol) == 1 else None)
        if found is None:
            raise ConfigurationError(
                f"no prices of {asset.symbol} in the history, which has {', '.join(history.assets)}: "
                f"add a column {asset.symbol} or {asset.address}"
            )
        columns.append(found)
    return history.subset(columns)


def of_ledger(ledger: Ledger, chain_id: int, snapshot: VaultSnapshot, bars_min: int) -> PriceHistory:
    """The prices that a keeper's decisions about the vault saw, every hour, or every four, or every day as they are dense.

    What a basket without one of its present assets saw is left out.

    :raises ForecastError: there are fewer than `bars_min` bars of them
    """
    addresses = [asset.address for asset in snapshot.assets]
    times: list[int] = []
    prices: list[list[float]] = []
    for at, group in groupby(ledger.seen_prices(chain_id, snapshot.address), key=lambda row: row[0]):
        seen = {asset: price / _WAD for _, asset, price in group}
        if all(seen.get(address, 0) > 0 for address in addresses):
            times.append(at)
            prices.append([seen[address] for address in addresses])
    best = 0
    for step in _STEPS_S:
        if len(times) < 2 or times[-1] - times[0] < 2 * step or np.median(np.diff(times)) > step:
            continue
        bars = PriceHistory(tuple(addresses), np.array(times, dtype=np.int64), np.array(prices)).resample(step)
        if bars.bars > bars_min:
            return bars
        best = max(best, bars.bars - 1)
    raise ForecastError(
        f"{ledger.name} has {best} bars of prices of vault {snapshot.address}, {bars_min} are needed: "
        "let a keeper run longer, lower strategist.bars_min, or give --history FILE"
    )
