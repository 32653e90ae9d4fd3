"""What has to hold before a transaction is signed."""

from collections.abc import Iterable
from decimal import Decimal

from keeper.chain.rpc import Client
from keeper.execution import fees as fee_market
from keeper.execution.eip1559 import Transaction
from keeper.execution.fees import CostCaps, DataFee, Fees, Rollup, check_cost, cost, to_wei
from keeper.execution.lane.errors import Unfunded
from keeper.execution.lane.orders import Worth
from keeper.execution.signer.policy import SignerPolicy, Spending, cost_max, keeper_calls, strategist_calls
from keeper.settings import Settings

_WAD = 10**18


def rollup_of(settings: Settings) -> Rollup | None:
    """The kind of rollup that the settings name."""
    return None if settings.rollup == "none" else Rollup(settings.rollup)


def benefit_cap(worth: Worth | None, settings: Settings) -> int | None:
    """Wei that a transaction may be expected to cost: `cost_max_bps` of the value it trades, rounded down; None: no cap."""
    if worth is None or worth.native_price == 0:
        return None
    share = int(Decimal(str(settings.policy.cost_max_bps)) * _WAD / 10_000)
    return worth.traded * share // worth.native_price


def check_costs(
    transaction: Transaction, fees: Fees, gas: int, data: DataFee, benefit_cap_wei: int | None, settings: Settings
) -> None:
    """Return if a transaction may cost what it does.

    :param gas: what it is expected to take
    :raises CostAboveCap, CostAboveBenefit: it may not
    """
    caps = CostCaps(to_wei(settings.fees.transaction_max_eth), benefit_cap_wei)
    most = cost(transaction["gas"], transaction["maxFeePerGas"], data)
    check_cost(most, cost(gas, fees.expected, data), caps)


def policy_of(settings: Settings, chain_id: int, sender: str, vaults: Iterable[str]) -> SignerPolicy:
    """What may be signed for vaults: their openings, the executors' rebalancing, and a cancellation."""
    return SignerPolicy(
        chain_id,
        keeper_calls(vaults, settings.executor, settings.batch_executor),
        to_wei(settings.fees.transaction_max_eth),
        to_wei(settings.fees.day_max_eth),
        account=sender,
    )


def strategist_policy_of(settings: Settings, chain_id: int, sender: str, rebalancers: Iterable[str]) -> SignerPolicy:
    """What may be signed where bands are moved: nothing but that, and it only where the settings say so; and a cancellation."""
    return SignerPolicy(
        chain_id,
        strategist_calls(rebalancers) if settings.strategist.enabled else frozenset(),
        to_wei(settings.fees.transaction_max_eth),
        to_wei(settings.fees.day_max_eth),
        account=sender,
    )


def check_funds(client: Client, sender: str, transaction: Transaction, data: DataFee) -> None:
    """Return if the account can pay what a transaction costs at most.

    :raises Unfunded: it cannot
    :raises ChainError: the endpoint fails
    """
    wanted, held = cost_max(transaction) + outside_gas(data), client.balance(sender)
    if held < wanted:
        raise Unfunded(
            f"{sender} holds {held / _WAD:.6f} ETH, the transaction may cost {wanted / _WAD:.6f} ETH: fund it"
        )


def outside_gas(data: DataFee) -> int:
    """Wei for data on layer 1 that its gas does not pay already."""
    return 0 if data.is_in_gas else data.wei


def data_fee(client: Client, settings: Settings, transaction: Transaction, sender: str) -> DataFee:
    """What the transaction's data costs on layer 1. Raises as `fees.data_fee`."""
    return fee_market.data_fee(client, rollup_of(settings), transaction, sender)


def spendings(known: Iterable[tuple[int, int, int]], nonce: int, fee: int) -> list[Spending]:
    """What was signed before, for the day's cap: of the transactions of one nonce, of which one is mined, the dearest counts.

    :param known: unix s, nonce and wei of each
    :param nonce: of the transaction that is to be signed and costs `fee` wei at most: of what shares it, only the excess counts
    """
    dearest: dict[int, tuple[int, int]] = {}
    for at, used, wei in known:
        last, most = dearest.get(used, (at, 0))
        dearest[used] = max(last, at), max(most, wei)
    return [Spending(at, max(wei - fee, 0) if used == nonce else wei) for used, (at, wei) in dearest.items()]
