"""What a vault may sell and wants to buy, in the same integers as contracts/modules/settlement.vy."""

from keeper.chain.snapshot import VaultSnapshot

WAD = 10**18


def surpluses(snapshot: VaultSnapshot) -> dict[str, int]:
    """Base units over target by asset, rounded down as the vault clamps them; zeros left out. Raises OracleError."""
    valuation = snapshot.priced()
    found: dict[str, int] = {}
    for asset, price in zip(snapshot.assets, valuation.prices, strict=True):
        value = asset.balance * price // 10**asset.decimals
        wanted = -(-asset.target * valuation.nav // WAD)  # up: what may be sold rounds down
        amount = max(value - wanted, 0) * 10**asset.decimals // price
        if amount:
            found[asset.address] = amount
    return found


def deficits(snapshot: VaultSnapshot) -> dict[str, int]:
    """Base units under target by asset, rounded down; zeros left out. Raises OracleError."""
    valuation = snapshot.priced()
    found: dict[str, int] = {}
    for asset, price in zip(snapshot.assets, valuation.prices, strict=True):
        value = asset.balance * price // 10**asset.decimals
        wanted = asset.target * valuation.nav // WAD  # down: the vault asks for a deficit by the same rounding
        amount = max(wanted - value, 0) * 10**asset.decimals // price
        if amount:
            found[asset.address] = amount
    return found
