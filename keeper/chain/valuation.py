"""What a basket is worth and how far it is from its targets, in the integers of contracts/modules/valuation.vy. Pure."""

from collections.abc import Sequence

from keeper.chain.abi import Trigger
from keeper.chain.snapshot import Asset, Valuation

_WAD = 10**18


def value(assets: Sequence[Asset], prices: Sequence[int], trigger: Trigger) -> Valuation:
    """The basket at the oracle's prices; every value, weight and the drift rounded down, as the rebalancer does.

    :param prices: WAD USD per whole token, in basket order
    :param trigger: what the rebalancer says is due
    """
    values = [asset.balance * price // 10**asset.decimals for asset, price in zip(assets, prices, strict=True)]
    nav = sum(values)
    if nav == 0:
        return Valuation(tuple(prices), (0,) * len(values), 0, 0, trigger)
    # WAD * WAD USD, exact.
    off_target = sum(abs(worth * _WAD - asset.target * nav) for asset, worth in zip(assets, values, strict=True))
    weights = tuple(worth * _WAD // nav for worth in values)
    return Valuation(tuple(prices), weights, nav, off_target // (2 * nav), trigger)
