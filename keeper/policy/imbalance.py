"""What a vault may sell and wants to buy, in the same integers as contracts/modules/settlement.vy."""

from collections.abc import Sequence

from keeper.chain.snapshot import VaultSnapshot

WAD = 10**18


def surpluses(snapshot: VaultSnapshot, aims: Sequence[int] | None = None) -> dict[str, int]:
    """Base units over target by asset, rounded down as the vault clamps them; zeros left out. Raises OracleError.

    :param aims: weights to sell down to, WAD, in basket order, where a policy stops before the targets
    """
    valuation = snapshot.priced()
    found: dict[str, int] = {}
    for place, (asset, price) in enumerate(zip(snapshot.assets, valuation.prices, strict=True)):
        end = asset.target if aims is None else max(asset.target, aims[place])
        value = asset.balance * price // 10**asset.decimals
        wanted = -(-end * valuation.nav // WAD)  # up: what may be sold rounds down
        amount = max(value - wanted, 0) * 10**asset.decimals // price
        if amount and (aims is None or end < valuation.weights[place]):
            found[asset.address] = amount
    return found


def deficits(snapshot: VaultSnapshot, aims: Sequence[int] | None = None) -> dict[str, int]:
    """Base units under target by asset, rounded down; zeros left out. Raises OracleError.

    :param aims: weights to buy up to, WAD, in basket order, where a policy stops before the targets
    """
    valuation = snapshot.priced()
    found: dict[str, int] = {}
    for place, (asset, price) in enumerate(zip(snapshot.assets, valuation.prices, strict=True)):
        end = asset.target if aims is None else min(asset.target, aims[place])
        value = asset.balance * price // 10**asset.decimals
        wanted = end * valuation.nav // WAD  # down: the vault asks for a deficit by the same rounding
        amount = max(wanted - value, 0) * 10**asset.decimals // price
        if amount and (aims is None or end > valuation.weights[place]):
            found[asset.address] = amount
    return found
