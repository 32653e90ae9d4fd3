"""Whether the pools of a route pay what their replay says: each leg is run for real, in a simulated block.

The keeper's executor itself swaps, on the state that the pools were read from, one leg per call:

    the vault sends it what the route sells        (nobody has to sign for a simulated call)
    `on_rebalance` runs one leg, from the zero address, which is whom the executor obeys while no vault is active

so a leg that reverts stops no other, and what it paid is in its Swap event. No view function is believed. A pool that
tells a simulation from the real thing makes the transaction revert: it costs the vault nothing, since the vault counts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_utils.conversions import to_bytes

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.reverts import reason
from keeper.chain.rpc import Client, Outcome, SimulatedCall
from keeper.chain.snapshot import Block
from keeper.execution.plan import operation
from keeper.markets import InsufficientLiquidity, Pool, WstETHPool
from keeper.routing import WAD, Route
from keeper.routing.route import Leg

_NOBODY = "0x" + "0" * 40
# Wei of stETH by which a transfer of it may fall short: it moves in whole shares.
_SHARE_DUST = 2


@dataclass(frozen=True, slots=True)
class Lie:
    """A pool that paid less than its replay: base units of `token_out` for the same input, 0 paid for a revert."""

    pool: str
    venue: str
    token_in: str
    token_out: str
    promised: int
    paid: int
    reverted: str | None  # why it did

    @property
    def text(self) -> str:
        """One line, without the tokens' names."""
        did = f"paid {self.paid}" if self.reverted is None else f"reverted: {self.reverted}"
        return f"{self.venue} pool {self.pool} was to pay {self.promised} of {self.token_out} and {did}"


def verify(
    client: Client, route: Route, pools: Iterable[Pool], vault: str, executor: str, block: Block, now: int
) -> list[Lie]:
    """The legs of `route` that pay less than they are to, on the state of `block`; in order.

    A leg gets what those before it really brought, and is held to what its pool promises for that. To pay more is no
    lie: interest does.

    :param pools: as the route was found on them
    :param now: unix s, when the legs run
    :raises ChainError: the endpoint fails, or cannot simulate
    """
    calls = [
        SimulatedCall(vault, token, abi.Token.transfer.encode(executor, amount))
        for token, amount in route.sold.items()
        if amount
    ]
    funding = len(calls)
    for leg in route.legs:
        calls.append(SimulatedCall(_NOBODY, leg.token_in, abi.Token.balance_of.encode(executor)))
        calls.append(SimulatedCall(_NOBODY, executor, _alone(leg, executor)))
    outcomes = client.simulate(calls, block, now)[funding:]
    states = {pool.address: pool for pool in pools}
    in_shares = {pool.steth for pool in states.values() if isinstance(pool, WstETHPool)}
    return list(_lies(route, states, in_shares, outcomes, executor))


def _lies(
    route: Route, pools: dict[str, Pool], in_shares: set[str], outcomes: list[Outcome], executor: str
) -> Iterator[Lie]:
    for leg, held, swap in zip(route.legs, outcomes[::2], outcomes[1::2], strict=True):
        balance = abi.Token.balance_of.decode(held.data) if held.succeeded and held.data else 0
        promised = _promise(leg, pools[leg.pool], min(balance * leg.share // WAD, leg.amount_in), in_shares)
        paid = _paid(swap, executor)
        if paid < promised:
            reverted = None if swap.succeeded else reason(swap.data)
            yield Lie(leg.pool, leg.venue, leg.token_in, leg.token_out, promised, paid, reverted)


def _promise(leg: Leg, pool: Pool, amount_in: int, in_shares: set[str]) -> int:
    """What the pool has to pay at least; less the dust where stETH goes to or comes from anything but its wrapper."""
    foreign = set() if isinstance(pool, WstETHPool) else in_shares
    arriving = max(amount_in - _SHARE_DUST, 0) if leg.token_in in foreign else amount_in
    try:
        promised = pool.amount_out(leg.token_in, leg.token_out, arriving)
    except InsufficientLiquidity:
        return 0  # what those before it left is too little for this pool
    return max(promised - _SHARE_DUST, 0) if leg.token_out in foreign else promised


def _paid(swap: Outcome, executor: str) -> int:
    """The amount of the executor's Swap event; 0 without one."""
    for log in swap.logs:
        is_own = checksum(log["address"]) == executor
        if is_own and to_bytes(hexstr=log["topics"][0]) == abi.Executor.swap.topic:
            _, amount_out = abi.Executor.swap.decode(to_bytes(hexstr=log["data"]))
            return int(amount_out)
    return 0


def _alone(leg: Leg, executor: str) -> bytes:
    """Calldata that lets the executor run one leg and keep what it brings."""
    data = encode([abi.OPERATIONS, "address[]"], [[operation(leg)], []])
    return abi.Executor.on_rebalance.encode(executor, [], data)
