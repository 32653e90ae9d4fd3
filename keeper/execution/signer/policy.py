"""What may be signed: a pure check before every signature. It keeps no state; the caller brings what was spent.

    Refused (TransactionError)
    ├── Malformed             a field is missing, unknown or of the wrong kind
    ├── WrongType             no type 2 transaction
    ├── WrongChain
    ├── ValueSent             ether goes along
    ├── TargetNotAllowed      includes the creation of a contract
    ├── SelectorNotAllowed    the target is allowed, this function of it is not
    ├── FeeAboveCap           of one transaction
    └── DayAboveCap           of one UTC day

The cap of a day counts what transactions may cost at most (gas limit times max fee), not what they cost in the end: then a
thief of the keeper's host, or a keeper gone mad, burns no more than that.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.errors import TransactionError
from keeper.execution import eip1559
from keeper.execution.eip1559 import Transaction

DAY_S = 86_400

_QUANTITIES = ("type", "chainId", "nonce", "value", "gas", "maxFeePerGas", "maxPriorityFeePerGas")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_SELECTOR_BYTES = 4
_WORD = 2**256


class Refused(TransactionError):
    """The policy does not let this transaction be signed."""


class Malformed(Refused):
    """A field is missing, unknown or of the wrong kind."""


class WrongType(Refused):
    """No type 2 transaction."""


class WrongChain(Refused):
    """For another chain."""


class ValueSent(Refused):
    """Ether goes along."""


class TargetNotAllowed(Refused):
    """No function of the target is on the list, or there is no target."""


class SelectorNotAllowed(Refused):
    """The function called is not on the list of its target."""


class FeeAboveCap(Refused):
    """The transaction may cost too much."""


class DayAboveCap(Refused):
    """With it, the transactions of this UTC day may cost too much."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What one signed transaction may cost at most, or did cost, in wei; `at` unix s of its signature.

    A replaced transaction and the one that replaces it count once, as the dearer of them: only one is mined.
    """

    at: int
    wei: int

    def __post_init__(self) -> None:
        if self.wei < 0:
            raise ValueError("spending is negative: it would raise the cap")


@dataclass(frozen=True, slots=True)
class SignerPolicy:
    """What may be signed.

    :param allowed: (checksum address, selector) of each function that may be called
    :param fee_max_wei: gas limit times max fee of one transaction, and what its data costs on layer 1
    :param day_max_wei: the same, of all transactions of a UTC day together
    :param account: checksum address of the signing account, which may call itself with nothing to cancel a transaction; None
        forbids that
    """

    chain_id: int
    allowed: frozenset[tuple[str, bytes]]
    fee_max_wei: int
    day_max_wei: int
    account: str | None = None

    def check(self, transaction: Transaction, spent: Iterable[Spending], now: int, data_fee: int = 0) -> None:
        """Return if `transaction` may be signed.

        :param data_fee: wei that its data costs on layer 1 beside its gas
        :param spent: what was signed before; other days' do not count, but for those ahead of `now`, since a clock that was
            set back must not open a new day
        :param now: unix s
        :raises Refused: the first rule that it breaks, as a class of its own
        """
        _check_form(transaction)
        self._check_call(transaction)
        self._check_spending(cost_max(transaction) + data_fee, spent, now)

    def _check_call(self, transaction: Transaction) -> None:
        if transaction["type"] != eip1559.TYPE:
            raise WrongType(f"type {transaction['type']} is not signed: only type {eip1559.TYPE} is")
        if transaction["chainId"] != self.chain_id:
            raise WrongChain(
                f"a transaction for chain {transaction['chainId']} is not signed: chain_id is {self.chain_id}"
            )
        if transaction["value"] != 0:
            raise ValueSent(f"a transaction with {transaction['value']} wei is not signed: the keeper sends no ether")
        if "to" not in transaction:
            raise TargetNotAllowed("a new contract is not signed for: the keeper only calls what is allowed")
        if self._is_cancellation(transaction):
            return
        target, selector = checksum(transaction["to"]), bytes.fromhex(transaction["data"][2:])[:_SELECTOR_BYTES]
        if target not in {address for address, _ in self.allowed}:
            raise TargetNotAllowed(f"a call of {target} is not signed: it is neither a kept vault nor the executor")
        if len(selector) < _SELECTOR_BYTES or (target, selector) not in self.allowed:
            raise SelectorNotAllowed(
                f"function 0x{selector.hex()} of {target} is not signed: it is not one of the keeper's"
            )

    def _is_cancellation(self, transaction: Transaction) -> bool:
        """Nothing, from the account to itself: it only uses up a nonce."""
        return checksum(transaction["to"]) == self.account and transaction["data"] == "0x"

    def _check_spending(self, fee: int, spent: Iterable[Spending], now: int) -> None:
        if fee > self.fee_max_wei:
            raise FeeAboveCap(
                f"a transaction that may cost {fee} wei is not signed: the cap is {self.fee_max_wei}; wait, or raise it"
            )
        today = sum(each.wei for each in spent if each.at // DAY_S >= now // DAY_S)
        if today + fee > self.day_max_wei:
            raise DayAboveCap(
                f"{fee} wei on top of today's {today} are not signed: the cap of a UTC day is {self.day_max_wei}; "
                "wait for the next, or raise it"
            )


def cost_max(transaction: Transaction) -> int:
    """What a transaction may cost at most on its own chain, in wei: gas limit times max fee."""
    return int(transaction["gas"]) * int(transaction["maxFeePerGas"])


def keeper_calls(
    vaults: Iterable[str], executor: str | None, batch_executor: str | None = None
) -> frozenset[tuple[str, bytes]]:
    """What a keeper calls: the opening of each vault, and the rebalancing of its own executors in each form.

    A rebalancing names its vault in the calldata; that the executor does nothing with another one's money is the contracts'.
    """
    openings = {(checksum(vault), abi.Vault.open_rebalance.selector) for vault in vaults}
    forms = (abi.Executor.rebalance, abi.Executor.rebalance_with_calls, abi.Executor.rebalance_with_loan)
    fills = set() if executor is None else {(checksum(executor), form.selector) for form in forms}
    if batch_executor is not None:
        fills.add((checksum(batch_executor), abi.BatchExecutor.rebalance_many.selector))
    return frozenset(openings | fills)


def strategist_calls(rebalancers: Iterable[str]) -> frozenset[tuple[str, bytes]]:
    """What a strategist calls: the bands of each vault's other half. How far and how fast they move is the contract's."""
    return frozenset((checksum(each), abi.Rebalancer.set_bands.selector) for each in rebalancers)


def _check_form(transaction: Mapping[str, object]) -> None:
    for name in _QUANTITIES:
        value = transaction.get(name)
        if type(value) is not int or not 0 <= value < _WORD:
            raise Malformed(f"field {name} of a transaction is not signed: it has to be a whole number of 256 bits")
    for name, form in (("to", _ADDRESS), ("data", _DATA)):
        value = transaction.get(name, "" if name == "data" else "0x" + "0" * 40)
        if not isinstance(value, str) or not form.fullmatch(value):
            raise Malformed(f"field {name} of a transaction is not signed: it has to be hex of whole bytes")
    # An access list, say, or a blob: nothing that the rules do not look at is signed.
    unknown = sorted(set(transaction) - {*_QUANTITIES, "to", "data"})
    if unknown:
        raise Malformed(f"field {unknown[0]} of a transaction is not signed: no rule knows it")
