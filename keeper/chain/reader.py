"""Reads a vault into its frozen snapshot."""

from collections.abc import Sequence
from typing import Any

from eth_abi.exceptions import DecodingError

from keeper.chain import abi
from keeper.chain.abi import Fault, Trigger, checksum
from keeper.chain.multicall import Answer, Read, read_all
from keeper.chain.reverts import PriceFault, price_fault, printable
from keeper.chain.rpc import Client, Reverted
from keeper.chain.snapshot import Asset, Block, Fees, Schedule, Terms, Valuation, VaultSnapshot
from keeper.chain.tokens import symbol_text
from keeper.errors import ConfigurationError

_VALUED = (abi.Rebalancer.weights, abi.Rebalancer.nav, abi.Rebalancer.drift, abi.Rebalancer.trigger)
_VAULT_READS = (
    abi.Vault.name,
    abi.Vault.symbol,
    abi.Vault.supply,
    abi.Vault.supply_cap,
    abi.Vault.fees,
    abi.Vault.paused,
    abi.Vault.is_shut_down,
    abi.Vault.assets,
    abi.Vault.holdings,
)
_REBALANCER_READS = (
    abi.Rebalancer.oracle,
    abi.Rebalancer.targets,
    abi.Rebalancer.schedule,
    abi.Rebalancer.bands,
    abi.Rebalancer.terms,
    abi.Rebalancer.is_open,
    abi.Rebalancer.opened_at,
    abi.Rebalancer.closed_at,
    abi.Rebalancer.completed_at,
    abi.Rebalancer.price_bound,
    abi.Rebalancer.loss,
    abi.Rebalancer.head_start,
    *_VALUED,
)


def take(
    client: Client, vault: str, multicall: str, native: str, executor: str | None = None, block: Block | None = None
) -> VaultSnapshot:
    """Read a vault at one block: its rebalancer's address, one multicall for the pair, one for its tokens and its oracle.

    :param multicall: Multicall3's address
    :param native: the wrapped native token, whose price values the gas
    :param executor: the keeper's, which the vault's owner may have listed; None is not listed
    :param block: the head when None
    :raises ConfigurationError: nothing at the address, or something that is not an index vault
    :raises ChainError: the endpoint fails
    """
    at = client.head() if block is None else block
    rebalancer = rebalancer_of(client, vault, at)
    reads = [Read(vault, f) for f in _VAULT_READS] + [Read(rebalancer, f) for f in _REBALANCER_READS]
    functions = [read.function for read in reads]
    if executor is not None:
        reads.append(Read(rebalancer, abi.Rebalancer.is_keeper, (executor,)))
        functions.append(abi.Rebalancer.is_keeper)
    answers = dict(zip(functions, read_all(client, reads, at, multicall), strict=True))

    def required(function: abi.Function) -> Any:
        answer = answers[function]
        if answer.failed:
            raise _no_vault(vault, function)
        return answer.value

    addresses = [checksum(address) for address in required(abi.Vault.assets)]
    oracle = checksum(required(abi.Rebalancer.oracle))
    metadata, prices, faults, native_price = _tokens_and_prices(client, addresses, oracle, native, at, multicall)
    count, _, balances = required(abi.Vault.holdings)
    assets = tuple(
        Asset(address, symbol, decimals, balance, target, band)
        for address, (symbol, decimals), balance, target, band in zip(
            addresses,
            metadata,
            balances[:count],
            required(abi.Rebalancer.targets),
            required(abi.Rebalancer.bands),
            strict=True,
        )
    )
    final_targets, start, end = required(abi.Rebalancer.schedule)
    recipient, *rates = required(abi.Vault.fees)
    terms = required(abi.Rebalancer.terms)
    return VaultSnapshot(
        address=vault,
        block=at,
        name=printable(required(abi.Vault.name), 32),
        symbol=printable(required(abi.Vault.symbol), 16),
        rebalancer=rebalancer,
        oracle=oracle,
        supply=required(abi.Vault.supply),
        supply_cap=required(abi.Vault.supply_cap),
        fees=Fees(checksum(recipient), *rates),
        paused=required(abi.Vault.paused),
        is_shut_down=required(abi.Vault.is_shut_down),
        assets=assets,
        schedule=Schedule(tuple(final_targets), start, end),
        terms=Terms(Trigger(terms[0]), *terms[1:]),
        is_open=required(abi.Rebalancer.is_open),
        opened_at=required(abi.Rebalancer.opened_at),
        closed_at=required(abi.Rebalancer.closed_at),
        completed_at=required(abi.Rebalancer.completed_at),
        bound=required(abi.Rebalancer.price_bound),
        loss=required(abi.Rebalancer.loss),
        head_start=required(abi.Rebalancer.head_start),
        is_keeper=executor is not None and required(abi.Rebalancer.is_keeper),
        valuation=_valuation(answers, prices),
        faults=faults,
        native_price=native_price,
    )


def rebalancer_of(client: Client, vault: str, block: Block | str = "latest") -> str:
    """The vault's other half, the same for good.

    :raises ConfigurationError: nothing at the address, or something that is not an index vault
    :raises ChainError: the endpoint fails
    """
    try:
        return checksum(abi.Vault.rebalancer.decode(client.call(vault, abi.Vault.rebalancer.encode(), block)))
    except (Reverted, DecodingError):
        if client.code(vault, block):
            raise _no_vault(vault, abi.Vault.rebalancer) from None
    raise ConfigurationError(f"no contract at {vault} on chain {client.chain_id}: check the vault's address")


def _no_vault(vault: str, function: abi.Function) -> ConfigurationError:
    return ConfigurationError(f"{vault} is not an index vault, {function.signature} fails: check the vault's address")


def _valuation(answers: dict[abi.Function, Answer], prices: Sequence[int] | None) -> Valuation | None:
    if prices is None or any(answers[function].failed for function in _VALUED):
        return None
    weights, nav, drift, trigger = (answers[function].value for function in _VALUED)
    return Valuation(tuple(prices), tuple(weights), nav, drift, Trigger(trigger))


def _tokens_and_prices(
    client: Client, addresses: Sequence[str], oracle: str, native: str, block: Block, multicall: str
) -> tuple[list[tuple[str, int]], Sequence[int] | None, tuple[PriceFault, ...], int | None]:
    """Symbol and decimals of each token, the prices, what is wrong with them, and ether's price."""
    reads = [Read(oracle, abi.Oracle.prices, (addresses,)), Read(oracle, abi.Oracle.price, (native,))]
    reads += [Read(oracle, abi.Oracle.fault, (address,)) for address in addresses]
    reads += [Read(address, function) for address in addresses for function in (abi.Token.symbol, abi.Token.decimals)]
    prices, native_price, *rest = read_all(client, reads, block, multicall)
    fault_answers, token_answers = rest[: len(addresses)], rest[len(addresses) :]

    metadata: list[tuple[str, int]] = []
    for address, symbol, decimals in zip(addresses, token_answers[::2], token_answers[1::2], strict=True):
        if decimals.failed:
            raise ConfigurationError(f"asset {address} of the vault does not tell its decimals: it cannot be traded")
        metadata.append((symbol_text(symbol, address), decimals.value))
    faults = tuple(
        PriceFault(address, Fault(answer.value))
        for address, answer in zip(addresses, fault_answers, strict=True)
        if answer.value
    )
    typed = price_fault(prices.data) if prices.failed else None
    if typed is not None and not faults:
        faults = (typed,)
    return metadata, prices.value, faults, native_price.value or None
