"""What a vault takes in its pull form, in the same integers as contracts/modules/settlement.vy."""

from collections.abc import Iterable

from keeper.chain.snapshot import VaultSnapshot

WAD = 10**18


def due(snapshot: VaultSnapshot, buys: Iterable[tuple[str, int]], value_out: int, bound: int) -> dict[str, int]:
    """Base units of each asset that a caller has to pay for what leaves the vault, rounded up.

    :param buys: asset and the most of it that the caller gives, in the order in which the vault takes its due
    :param value_out: WAD USD that leaves, rounded up
    :param bound: WAD, least value in per value out
    :raises OracleError: the vault has no prices
    """
    valuation = snapshot.priced()
    places = {asset.address: (asset, price) for asset, price in zip(snapshot.assets, valuation.prices, strict=True)}
    owed = -(-value_out * bound // WAD)
    found: dict[str, int] = {}
    for address, most in buys:
        asset, price = places[address]
        one = 10**asset.decimals
        wanted = asset.target * valuation.nav // WAD
        lacking = wanted - min(wanted, asset.balance * price // one)
        room = -(-lacking * max(bound, WAD) // WAD)
        found[address] = min(most, -(-min(room, owed) * one // price))
        owed -= min(owed, found[address] * price // one)
    return found
