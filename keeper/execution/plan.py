"""From a decision to the transaction that carries it out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keeper.chain import abi
from keeper.chain.abi import Venue
from keeper.routing.netting import Netting
from keeper.routing.route import Leg, Route

ALL = 2**256 - 1  # in `sells`: the whole surplus, whatever it is at that moment
_BPS = 10_000
_MILLIONTHS = 10**6
_VENUES = {
    "uniswap_v2": Venue.UNISWAP_V2,
    "uniswap_v3": Venue.UNISWAP_V3,
    "balancer_v2": Venue.BALANCER_V2,
    "curve": Venue.CURVE,
    "erc4626": Venue.ERC4626,
    "wsteth": Venue.WSTETH,
}


@dataclass(frozen=True, slots=True)
class Limit:
    """IIndexVault.Leg: base units of an asset, a maximum when sold, a minimum when bought."""

    asset: str
    amount: int


@dataclass(frozen=True, slots=True)
class Bought:
    """IBatchExecutor.Buy: base units that have to arrive, that come from the other vaults, and a weight in what is swapped."""

    asset: str
    least: int
    inside: int
    outside: int


@dataclass(frozen=True, slots=True)
class Order:
    """IBatchExecutor.Order: one of several vaults of a transaction."""

    vault: str
    sells: tuple[Limit, ...]
    buys: tuple[Bought, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One transaction's target and calldata."""

    mode: str  # open, rebalance, batch or bands
    vault: str  # the first one's of a batch
    target: str
    data: bytes
    sells: tuple[Limit, ...] = ()
    buys: tuple[Limit, ...] = ()
    legs: tuple[Leg, ...] = ()
    orders: tuple[Order, ...] = ()  # of a batch

    @property
    def vaults(self) -> tuple[str, ...]:
        """Every vault that it is about."""
        return tuple(order.vault for order in self.orders) or (self.vault,)


def opening(vault: str) -> Call:
    """Open the vault's rebalance; the vault itself is called, no executor is needed."""
    return Call("open", vault, vault, abi.Vault.open_rebalance.encode())


def setting_bands(vault: str, rebalancer: str, bands: Sequence[int]) -> Call:
    """Set a vault's bands, WAD in basket order; its other half is called, by the strategist."""
    return Call("bands", vault, rebalancer, abi.Rebalancer.set_bands.encode(list(bands)))


def rebalancing(
    vault: str, executor: str, route: Route, surplus: Mapping[str, int], slippage_bps: int, deadline: int
) -> Call:
    """Run a route through the executor.

    A surplus that is sold whole is named as "all": a price that moves until then leaves no dust and reverts nothing.

    :param surplus: base units over target by asset, all of what the vault may sell
    :param slippage_bps: how much less of each bought asset than the route's amount is acceptable
    :param deadline: unix s, last second at which the transaction may run
    """
    sells = tuple(
        Limit(asset, ALL if _is_whole(amount, surplus[asset]) else amount)
        for asset, amount in route.sold.items()
        if amount
    )
    buys = tuple(Limit(asset, _minimum_up(amount, slippage_bps)) for asset, amount in route.bought.items() if amount)
    data = abi.Executor.rebalance.encode(
        vault,
        [(limit.asset, limit.amount) for limit in sells],
        [(limit.asset, limit.amount) for limit in buys],
        [operation(leg) for leg in route.legs],
        deadline,
    )
    return Call("rebalance", vault, executor, data, sells, buys, route.legs)


def rebalancing_many(executor: str, netting: Netting, slippage_bps: int, deadline: int) -> Call:
    """Fill several vaults through the batch executor.

    What is sold is stated and never "all": the vault that is clamped most scales everybody, so a vault that a price has left
    with more to sell keeps it for the next time.

    :param slippage_bps: how much less of each bought asset than planned is acceptable, scaled or swapped worse
    :param deadline: unix s, last second at which the transaction may run
    """
    orders = tuple(
        Order(
            deal.vault,
            tuple(Limit(asset, amount) for asset, amount in deal.part.sold.items()),
            tuple(
                Bought(
                    asset,
                    _minimum_up(amount, slippage_bps),
                    deal.part.inside.get(asset, 0),
                    deal.part.outside.get(asset, 0),
                )
                for asset, amount in deal.part.bought().items()
            ),
        )
        for deal in netting.deals
    )
    legs = netting.route.legs if netting.route else ()
    data = abi.BatchExecutor.rebalance_many.encode(
        [
            (
                order.vault,
                [(limit.asset, limit.amount) for limit in order.sells],
                [(buy.asset, buy.least, buy.inside, buy.outside) for buy in order.buys],
            )
            for order in orders
        ],
        [operation(leg) for leg in legs],
        deadline,
    )
    return Call("batch", orders[0].vault, executor, data, legs=legs, orders=orders)


def operation(leg: Leg) -> tuple[int, str, str, str, int, int]:
    """IRouteExecutor.Operation of a leg."""
    return int(_VENUES[leg.venue]), leg.pool, leg.token_in, leg.token_out, _fee(leg), leg.share


def is_pool(leg: Leg) -> bool:
    """Whether the executor knows the leg's venue; it does not know an aggregator's."""
    return leg.venue in _VENUES


def _fee(leg: Leg) -> int:
    """Parts per million where the executor asks for them: to price a pair's swap, and to know a V3 pool."""
    return leg.fee if leg.venue.startswith("uniswap") else 0


def _is_whole(amount: int, surplus: int) -> bool:
    """Whether a sale is of the whole surplus, but for the millionth that the solver's floats may leave."""
    return amount * _MILLIONTHS >= surplus * (_MILLIONTHS - 1)


def _minimum_up(amount: int, slippage_bps: int) -> int:
    """Rounded up: a minimum protects the vault."""
    return -(-amount * (_BPS - slippage_bps) // _BPS)
