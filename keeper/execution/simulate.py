"""Runs a transaction at the pending block before it is sent, and says what a revert means for the keeper."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from eth_utils.conversions import to_hex

from keeper.chain import abi
from keeper.chain.reverts import price_fault, reason
from keeper.chain.rpc import Client, Reverted
from keeper.errors import OracleError, TransactionError
from keeper.execution.plan import Call


class Verdict(StrEnum):
    """What a revert means."""

    SKIP = "skip"  # expected now and then: somebody was faster, or the time is not right; look again at the next block
    HALT = "halt"  # a person has to look: the settings, the route or the vault are not what this keeper thinks


class Skipped(TransactionError):
    """The simulation reverted for a reason that is expected now and then."""


class Halted(TransactionError):
    """The simulation reverted for a reason that a person has to look at."""


# Every reason that opening, rebalancing and setting bands can meet in our contracts; anything else is a halt.
VERDICTS: dict[str, Verdict] = {
    "aggregator: call failed": Verdict.SKIP,
    "auction: already open": Verdict.SKIP,
    "auction: cooling down": Verdict.SKIP,
    "auction: no trigger holds": Verdict.SKIP,
    "bands: too fast": Verdict.SKIP,
    "executor: too little left": Verdict.SKIP,
    "executor: too little out": Verdict.SKIP,
    "flash: cannot repay": Verdict.SKIP,
    "keepers: head start": Verdict.SKIP,
    "loss: budget exceeded": Verdict.SKIP,
    "rebalance: above target": Verdict.SKIP,
    "rebalance: below target": Verdict.SKIP,
    "rebalance: bought too little": Verdict.SKIP,
    "rebalance: drift did not fall": Verdict.SKIP,
    "rebalance: nothing in surplus": Verdict.SKIP,
    "rebalance: value short": Verdict.SKIP,
    "rebalancer: in flight": Verdict.SKIP,
    "vault: expired": Verdict.SKIP,
    "vault: paused": Verdict.SKIP,
    "aggregator: no such call": Verdict.HALT,
    "aggregator: not pinned": Verdict.HALT,
    "bands: bad band": Verdict.HALT,
    "bands: outside rails": Verdict.HALT,
    "bands: wrong number": Verdict.HALT,
    "basket: transfer failed": Verdict.HALT,
    "batch: no vault": Verdict.HALT,
    "batch: not called back": Verdict.HALT,
    "batch: not the vault's turn": Verdict.HALT,
    "batch: vault named twice": Verdict.HALT,
    "curve: not a coin": Verdict.HALT,
    "executor: bad fee": Verdict.HALT,
    "executor: more swaps than given": Verdict.HALT,
    "executor: not the vault": Verdict.HALT,
    "executor: share over 1": Verdict.HALT,
    "executor: target in play": Verdict.HALT,
    "executor: unknown venue": Verdict.HALT,
    "flash: not a factory pool": Verdict.HALT,
    "flash: not a token of the pool": Verdict.HALT,
    "flash: not the lender": Verdict.HALT,
    "flash: not the loan asked for": Verdict.HALT,
    "flash: nothing lent": Verdict.HALT,
    "flash: unknown lender": Verdict.HALT,
    "ownable: caller is not the owner": Verdict.HALT,
    "rebalance: duplicate asset": Verdict.HALT,
    "rebalance: not an asset": Verdict.HALT,
    "rebalancer: not strategist": Verdict.HALT,
    "rebalancer: wrong price count": Verdict.HALT,
    "rebalancer: zero price": Verdict.HALT,
    "uniswap: not a factory pool": Verdict.HALT,
    "uniswap: not the pool": Verdict.HALT,
    "uniswap: pool asks too much": Verdict.HALT,
    "vault: balance fell": Verdict.HALT,
    "vault: shut down": Verdict.HALT,
    "vault: supply changed": Verdict.HALT,
    "wrappers: not the wrapper": Verdict.HALT,
}


@dataclass(frozen=True, slots=True)
class Simulation:
    """What the transaction would do now. Values are WAD USD, zero for an opening and for bands."""

    gas: int
    value_out: int
    value_in: int
    fills: tuple[tuple[int, int], ...] = ()  # of a batch: value out and in of each vault, in the order of the call


def simulate(client: Client, call: Call, sender: str, symbol_of: Callable[[str], str] = str) -> Simulation:
    """Run `call` from `sender` at the pending block.

    :raises Skipped, Halted: it reverts, see VERDICTS
    :raises OracleError: it reverts on a bad price; names the asset by `symbol_of`
    :raises ChainError: the endpoint fails
    """
    try:
        returned = client.call(call.target, call.data, "pending", sender)
        transaction = {"from": sender, "to": call.target, "data": to_hex(call.data)}
        gas = int(client.run("eth_estimateGas", transaction, "pending"), 16)
    except Reverted as error:
        raise explain(error.data, call, symbol_of) from None
    if call.mode in {"open", "bands"}:
        return Simulation(gas, 0, 0)
    if call.mode == "batch":
        fills = tuple(abi.BatchExecutor.rebalance_many.decode(returned))
        return Simulation(gas, sum(out for out, _ in fills), sum(come for _, come in fills), fills)
    value_out, value_in = abi.Executor.rebalance.decode(returned)
    return Simulation(gas, value_out, value_in)


def explain(data: bytes, call: Call, symbol_of: Callable[[str], str] = str) -> TransactionError | OracleError:
    """The error that a revert of `call` stands for."""
    fault = price_fault(data)
    if fault is not None:
        return OracleError(f"no price for {symbol_of(fault.asset)}: {fault.text}; wait for the feed's next answer")
    why = reason(data)
    line = f"simulated {call.mode} of {', '.join(call.vaults)} reverts: {why}"
    if VERDICTS.get(why, Verdict.HALT) is Verdict.SKIP:
        return Skipped(f"{line}; nothing was sent, it may do at a later block")
    return Halted(f"{line}; nothing was sent, {_remedy(why)}")


def _remedy(why: str) -> str:
    if why == "ownable: caller is not the owner":
        return "use the key that owns the executor, or set executor to one of your own"
    return "look at the vault and the settings before trying again"
