"""A whole transaction of the executor, simulated: what its owner gains by it, and that nothing else changes.

The vault counts for itself what leaves and comes. What it cannot see is held here: that the executor keeps nothing, that
nobody is allowed anything, and that its owner loses nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from eth_utils.conversions import to_bytes

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.reverts import reason
from keeper.chain.rpc import Client, SimulatedCall
from keeper.chain.snapshot import Block
from keeper.execution.differences import Differences, Unexpected, Watched, observe
from keeper.execution.plan import Call, is_pool

# Base units that may stay with the executor: stETH moves in whole shares.
_DUST = 2


def gains(
    client: Client,
    call: Call,
    owner: str,
    tokens: Iterable[str],
    spenders: Iterable[str],
    block: Block,
    now: int,
    multicall: str,
) -> Mapping[str, int]:
    """What `owner` gains by a rebalancing on the state of a block, in base units by token.

    :param tokens: in play beside those of the call: the basket
    :param spenders: whom the executor may allow something in between
    :param now: unix s
    :raises Unexpected: it reverts, or changes anything else than it should; says what
    :raises ChainError: the endpoint fails, or cannot simulate
    """
    executor, vault = call.target, call.vault
    in_play = (token for leg in call.legs for token in (leg.token_in, leg.token_out))
    watched = Watched(
        (executor, owner, vault), tuple(dict.fromkeys([*tokens, *in_play])), tuple(dict.fromkeys([*spenders, vault]))
    )
    found = observe(client, SimulatedCall(owner, executor, call.data), watched, block, now, multicall)
    if not found.outcome.succeeded:
        raise Unexpected(f"reverts: {reason(found.outcome.data)}")
    found.check_side_effects()
    _check_balances(found, call, owner)
    _check_swaps(found, call)
    return {token: gain for token in found.tokens if (gain := found.delta(token, owner))}


def _check_balances(found: Differences, call: Call, owner: str) -> None:
    sold, bought = ({limit.asset for limit in limits} for limits in (call.sells, call.buys))
    for token in found.tokens:
        left = found.delta(token, call.target)
        if left > _DUST:
            raise Unexpected(f"leaves {left} of {token} in the executor")
        if (lost := found.delta(token, owner)) < 0:
            raise Unexpected(f"takes {-lost} of {token} from {owner}")
        moved = found.delta(token, call.vault)
        if (moved < 0 and token not in sold) or (moved > 0 and token not in bought):
            raise Unexpected(f"changes what the vault has of {token} by {moved}")


def _check_swaps(found: Differences, call: Call) -> None:
    """An aggregator is allowed a little more than its calldata sells, and may not take it."""
    swaps = [log for log in found.outcome.logs if _is_swap(log, call.target)]
    for leg, log in zip(call.legs, swaps, strict=False):  # a leg that finds nothing to swap logs nothing
        amount_in, _ = abi.Executor.swap.decode(to_bytes(hexstr=log["data"]))
        if not is_pool(leg) and amount_in > leg.amount_in:
            raise Unexpected(f"lets {leg.venue} take {amount_in} of {leg.token_in}, more than {leg.amount_in}")


def _is_swap(log: Mapping[str, Any], executor: str) -> bool:
    topics = log["topics"]
    return (
        checksum(log["address"]) == executor and bool(topics) and to_bytes(hexstr=topics[0]) == abi.Executor.swap.topic
    )
